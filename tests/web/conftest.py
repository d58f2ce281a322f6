"""What every web test starts from: nothing remembered of another test's people and looks."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from procedures import access, directory
from procedures.definitions import Role
from procedures.models import Membership, User
from tests.web.visitor import Visitor
from tests.world import PASSWORD, World


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


@pytest.fixture
def unsigned(world: World) -> UUID:
    """A case whose note is due; the operator has a password."""
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    password(world.operator)
    return case_id


@pytest.fixture
def signed(world: World) -> UUID:
    """A case whose note is signed; nobody was asked to co-sign."""
    return world.signed("L1")


@pytest.fixture
def trainer(world: World) -> User:
    """Another operator of the unit, with a password."""
    user = User.objects.create_user("trainer", display_name="Dr T. Rainer", initials="TR", password=PASSWORD)
    Membership.objects.create(user=user, unit=world.unit, role=Role.OPERATOR)
    world.people["trainer"] = user
    return user


def password(user: User) -> None:
    """Give somebody the password of the tests."""
    user.set_password(PASSWORD)
    user.save()
