"""What every web test starts from: nothing remembered of another test's people and looks."""

from collections.abc import Iterator

import pytest

from procedures import access, directory
from tests.web.visitor import Visitor
from tests.world import World


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Names and looks are kept in the process; the rows of the last test are gone."""
    directory.forget()
    access.forget()
    yield
    directory.forget()
    access.forget()


@pytest.fixture
def nurse(world: World) -> Visitor:
    """The circulating nurse at her tablet."""
    return Visitor(world.nurse)


@pytest.fixture
def operator(world: World) -> Visitor:
    """The operator at a desktop."""
    return Visitor(world.operator)


@pytest.fixture
def stranger(world: World) -> Visitor:
    """An operator of another unit."""
    return Visitor(world.stranger)


@pytest.fixture
def nobody(world: World) -> Visitor:
    """Somebody who is signed out."""
    return Visitor()
