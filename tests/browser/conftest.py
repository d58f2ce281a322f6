"""A ward for the browser tests: people who can sign in, a Chromium, and tablets that keep a list of what went wrong."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Browser

from procedures.models import User
from tests import world as worlds
from tests.browser.ward import Ward
from tests.server import Server

# Playwright's synchronous interface keeps an event loop running in this thread, which Django would take for async code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last: from the first one on that loop runs, and asyncio.run() would refuse to start."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture
def suite(world: worlds.World) -> worlds.World:
    """The suite, in which everybody can sign in with the same password, as the real server hashes it."""
    hashed = Argon2PasswordHasher().encode(worlds.PASSWORD, "only-for-tests")
    User.objects.update(password=hashed)
    return world


@pytest.fixture
def ward_of(transactional_db: None, browser: Browser, suite: worlds.World) -> Iterator[Callable[..., Ward]]:
    """Makes wards on a server; at the end each must have passed without an error in any browser."""
    made: list[Ward] = []

    def make(server: Server, **settings: Any) -> Ward:
        made.append(Ward(browser, server.url, suite, **settings))
        return made[-1]

    yield make
    problems = [problem for ward in made for problem in ward.close()]
    assert not problems, "\n".join(problems)
