"""One suite for all tests of a module: it is built once, and each test's own changes are rolled back."""

from collections.abc import Iterator
from copy import deepcopy

import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from procedures import directory
from tests import world as worlds


@pytest.fixture(scope="module")
def suite(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[worlds.World]:
    """The suite, in a transaction that is rolled back after the module."""
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield worlds.build()
        transaction.set_rollback(True)


@pytest.fixture
def world(suite: worlds.World, db: None) -> worlds.World:
    """The suite with its people and the built-in protocol. Not for tests that commit: they use `lasting_world`."""
    assert connection.in_atomic_block, "this test commits; let it use lasting_world"
    directory.forget()
    return deepcopy(suite)


@pytest.fixture
def lasting_world(transactional_db: None) -> worlds.World:
    """A committed suite, for tests with several connections; it is flushed after the test.

    A module uses either this or `world`: the suite of the module is held in an open transaction.
    """
    assert not connection.in_atomic_block, "this module uses world too; split it"
    directory.forget()
    return worlds.build()
