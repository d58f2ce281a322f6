"""A PIN, judged: on which tablet, whose, how often."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password

from procedures import clock, signin
from procedures.models import AccountEvent, Pin, Tablet, User
from procedures.models.accounts import AccountAct
from procedures.rules import Invalid, Refused
from tests.world import PIN, World, give_pin, tablet_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tablet(world: World) -> Tablet:
    give_pin(world.nurse)
    return tablet_of(world.unit)


def refusal(tablet: Tablet | None, user: User, pin: str = PIN, *, one_time: bool = False) -> str:
    """The code of the refusal, or the sentence at the field."""
    try:
        signin.check_pin(tablet, user.pk, pin, one_time=one_time)
    except Refused as refused:
        return refused.code
    except Invalid as wrong:
        return wrong.errors["pin"]
    return ""


def test_the_right_pin_on_the_tablet_of_the_unit(world: World, tablet: Tablet) -> None:
    assert signin.check_pin(tablet, world.nurse.pk, PIN) == world.nurse


def test_off_an_enrolled_tablet_it_is_worth_nothing(world: World, tablet: Tablet) -> None:
    assert refusal(None, world.nurse) == "not_enrolled"
    waiting = Tablet.objects.create(unit=world.unit, name="not yet enrolled")
    assert refusal(waiting, world.nurse) == "not_enrolled"
    tablet.revoked_at = clock.now()
    assert refusal(tablet, world.nurse) == "not_enrolled"
    assert Pin.objects.get().failures == 0


def test_only_clinicians_of_the_tablets_unit(world: World, tablet: Tablet) -> None:
    for user in (world.stranger, world.admin):
        give_pin(user)
        assert refusal(tablet, user) == "not_here"
    world.nurse.is_active = False
    world.nurse.save()
    assert refusal(tablet, world.nurse) == "not_here"


def test_an_account_that_has_ended_is_none(world: World, tablet: Tablet) -> None:
    world.nurse.ends_at = clock.now() + timedelta(hours=1)
    world.nurse.save()
    assert refusal(tablet, world.nurse) == ""
    with clock.at(world.nurse.ends_at):
        assert refusal(tablet, world.nurse) == "not_here"
        assert world.nurse.pk not in [person.id for person in signin.people_of(tablet)]


def test_without_a_pin_the_way_in_is_the_password(world: World, tablet: Tablet) -> None:
    assert refusal(tablet, world.scrub) == "no_pin"


def test_five_wrong_ones_lock_it_and_a_right_one_begins_anew(world: World, tablet: Tablet) -> None:
    for left in (4, 3, 2):
        assert f"{left} tries left" in refusal(tablet, world.nurse, "902613")
    assert refusal(tablet, world.nurse) == ""
    answers = [refusal(tablet, world.nurse, "902613") for _ in range(6)]
    assert "1 try left" in answers[3]
    assert answers[4:] == ["pin_locked", "pin_locked"]
    assert refusal(tablet, world.nurse) == "pin_locked"
    assert signin.state_of_pin(world.nurse) == "locked"
    logged = AccountEvent.objects.get()
    assert (logged.what, logged.whom, logged.tablet) == (AccountAct.PIN_LOCKED, world.nurse, tablet)


def test_what_cannot_be_a_pin_costs_no_try(world: World, tablet: Tablet) -> None:
    for pin in ("", "1", "abcdef", "9" * 5000, "\x00" * 6, "٢٧١٨٢٨"):
        assert "6 to 12 digits" in refusal(tablet, world.nurse, pin)
    assert Pin.objects.get().failures == 0


def test_a_tablet_on_which_many_pins_were_wrong_waits(world: World, tablet: Tablet) -> None:
    """So nobody tries four PINs of each colleague, or locks the whole ward out."""
    people = [world.people[name] for name in ("ward", "sedation", "scrub", "radiographer", "operator")]
    for user in people:
        give_pin(user)
        for _ in range(4):
            assert "left" in refusal(tablet, user, "902613")
    assert refusal(tablet, world.nurse) == "tablet_tries"
    assert Pin.objects.get(user=world.nurse).failures == 0
    other = tablet_of(world.unit, "Room 3")
    assert refusal(other, world.nurse) == ""
    with clock.at(clock.now() + timedelta(minutes=11)):
        assert refusal(tablet, world.nurse) == ""


def test_a_pin_for_one_sign_in_is_good_for_nothing_else(world: World, tablet: Tablet) -> None:
    Pin.objects.update(hash=make_password("902613"), must_change=True)
    assert refusal(tablet, world.nurse, "902613") == "pin_must_change"
    assert refusal(tablet, world.nurse, "902613", one_time=True) == ""


def test_the_names_to_tap(world: World, tablet: Tablet) -> None:
    tablet.recent = [world.scrub.pk, world.nurse.pk, world.stranger.pk]
    found = signin.people_of(tablet)
    assert [person.name for person in found[:2]] == ["Sven Scrub", "Ada Okafor"]
    assert [person.name for person in found[2:]] == sorted(person.name for person in found[2:])
    assert "Adam Admin" not in [person.name for person in found]
    assert {person.name for person in found if person.has_pin} == {"Ada Okafor"}
    assert found[1].role == "Circulating nurse"
