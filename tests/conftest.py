"""The tests' database: one embedded PostgreSQL for the session, and a connection as the app's own role."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from kypho import database
from procedures import directory
from tests import world as worlds
from tests.server import Server, address, collected
from tests.settings import EMBEDDED, FOLDER


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """Start the embedded server before the first test that needs a database."""
    if not EMBEDDED:
        yield
        return
    database.start(FOLDER, durable=False)
    yield
    database.stop(FOLDER)


@pytest.fixture
def app_connection(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    """A raw connection as kypho_app: what an attacker who holds the app's password could send. Autocommit."""
    parts = {**connection.get_connection_params(), "user": "kypho_app"}
    known = {"host", "port", "user", "password", "dbname"}
    with psycopg.connect(**{k: v for k, v in parts.items() if k in known}, autocommit=True) as found:
        yield found


@pytest.fixture
def world(db: None) -> worlds.World:
    """A suite with its people and the built-in protocol."""
    directory.forget()
    return worlds.build()


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The collected, hashed and compressed files of the interface."""
    return collected(tmp_path_factory.mktemp("static"))


@pytest.fixture(scope="session")
def lasting_server(django_db_setup: None, static_files: str) -> Iterator[Server]:
    """One real server, with two workers, for all tests that leave it running."""
    with Server(address(), static_files) as running:
        yield running


@pytest.fixture
def server(transactional_db: None, lasting_server: Server) -> Server:
    """The real server on the test database; it sees committed rows, and they are gone after the test."""
    return lasting_server


@pytest.fixture
def own_server(transactional_db: None, static_files: str) -> Iterator[Server]:
    """A real server for one test alone, which may stop or kill it."""
    with Server(address(), static_files) as running:
        yield running


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the Chromium that tools/chromium.sh found; root needs it without its sandbox."""
    found = os.environ.get("KYPHO_CHROMIUM")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "args": arguments, **({"executable_path": found} if found else {})}
