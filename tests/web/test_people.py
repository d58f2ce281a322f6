"""PINs and agency accounts: what their owner does, and what a charge nurse of the unit does."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.urls import reverse

from procedures import clock, signin
from procedures.models import AccountEvent, Event, Membership, Pin, Tablet, User
from procedures.rules import Refused
from tests.web.stage import AGENCY
from tests.web.visitor import Answer, Visitor
from tests.world import PASSWORD, PIN, World, give_pin, tablet_of

pytestmark = pytest.mark.django_db
NEW = "314159"


@pytest.fixture
def tablet(world: World) -> Tablet:
    for name in ("nurse", "scrub"):
        give_pin(world.people[name])
    return tablet_of(world.unit)


@pytest.fixture
def charge(world: World) -> Visitor:
    """The circulating nurse is charge nurse."""
    Membership.objects.filter(user=world.nurse).update(charge=True)
    return Visitor(world.nurse)


@pytest.fixture
def case_id(world: World) -> UUID:
    return world.started("L1")


def logged() -> list[tuple[str, int | None, int | None]]:
    """What was done, by whom, to whose account; the first first."""
    return list(AccountEvent.objects.order_by("pk").values_list("what", "who", "whom"))


# The owner ------------------------------------------------------------------------------------------------------


def test_the_first_pin_takes_the_password(world: World) -> None:
    world.ward.set_password(PASSWORD)
    world.ward.save()
    visitor = Visitor(world.ward)
    assert "Set your PIN" in visitor.get("pin").page.text
    wrong = visitor.post("pin", proof="not it", pin=NEW, again=NEW)
    assert (wrong.status, "This is not right." in wrong.page.text, NEW in wrong.html) == (422, True, False)
    assert visitor.post("pin", proof=PASSWORD, pin="123456", again="123456").status == 422
    assert visitor.post("pin", proof=PASSWORD, pin=NEW, again=PIN).status == 422
    assert not Pin.objects.exists()
    assert visitor.post("pin", proof=PASSWORD, pin=NEW, again=NEW, next="/unit/").location == "/unit/"
    assert signin.check_pin(tablet_of(world.unit), world.ward.pk, NEW) == world.ward
    assert logged() == [("pin.set", world.ward.pk, world.ward.pk)]


def test_the_password_is_not_guessed_here(world: World) -> None:
    visitor = Visitor(world.ward)
    for _ in range(10):
        assert visitor.post("pin", proof="a guess", pin=NEW, again=NEW).status == 422
    assert visitor.post("pin", proof="a guess", pin=NEW, again=NEW).status == 409


def test_on_a_tablet_the_present_pin_is_enough_to_change_it(world: World, tablet: Tablet) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    assert visitor.post("pin", proof="902613", pin=NEW, again=NEW).status == 422
    assert Pin.objects.get(user=world.nurse).failures == 1
    assert visitor.post("pin", proof=PIN, pin=NEW, again=NEW).status == 302
    assert visitor.switch(world.nurse, PIN).status == 422
    assert visitor.switch(world.nurse, NEW).status == 302
    assert logged() == [("pin.changed", world.nurse.pk, world.nurse.pk)]
    off = Visitor(world.scrub)
    assert off.post("pin", proof=PIN, pin=NEW, again=NEW).status == 422  # off a tablet it proves nothing


# A charge nurse -------------------------------------------------------------------------------------------------


def told(answer: Answer) -> str:
    """The PIN that the page shows this once."""
    assert answer.status == 200
    return str(re.findall(r"for one sign-in: (\d{6})", answer.page.text)[0])


def test_only_a_charge_nurse_of_the_unit(world: World, tablet: Tablet, charge: Visitor) -> None:
    Membership.objects.filter(user=world.stranger).update(charge=True)
    Membership.objects.filter(user=world.admin).update(charge=True)  # administrators are no clinicians
    for user in (world.scrub, world.stranger, world.operator, world.admin):
        visitor = Visitor(user)
        assert visitor.get("unit", unit=world.unit.pk).status == (200 if user == world.stranger else 409)
        for name in ("unit-reset", "unit-unlock", "unit-end", "unit-agency"):
            answer = visitor.post(name, unit_id=world.unit.pk, user_id=world.nurse.pk, **AGENCY)
            assert answer.status == 409, (user, name)
            assert "Nadia" not in answer.html or user == world.stranger
    assert charge.post("unit-reset", unit_id=world.unit.pk, user_id=world.stranger.pk).status == 409
    assert charge.post("unit-reset", unit_id=world.unit.pk, user_id=world.admin.pk).status == 409
    assert logged() == []


def test_a_pin_is_reset_for_one_sign_in_and_then_changed(
    world: World, tablet: Tablet, charge: Visitor, case_id: UUID
) -> None:
    once = told(charge.post("unit-reset", unit_id=world.unit.pk, user_id=world.scrub.pk))
    assert once not in charge.get("unit").html
    visitor = Visitor.on(tablet)
    here = reverse("case", args=[case_id])
    assert visitor.switch(world.scrub, PIN).status == 422
    sent = visitor.switch(world.scrub, once, next=here)
    assert sent.location.startswith("/pin/?next=")
    assert visitor.get("case", case_id).location.startswith("/pin/?next=")  # nothing else before that
    refused = visitor.post("step-done", case_id, "PRE-BASE", htmx=True, seen="0")
    assert (refused.status, refused.headers["X-Kypho-Lock"]) == (401, "change")
    page = visitor.ask("GET", sent.location).page
    assert visitor.press(page.form("/pin/"), pin=NEW, again=NEW).location == here
    assert visitor.get("case", case_id).status == 200
    assert visitor.switch(world.scrub, once).status == 422
    assert visitor.post("switch", htmx=True, user_id=world.scrub.pk, pin=NEW).status == 200
    nurse, scrub = world.nurse.pk, world.scrub.pk
    assert logged() == [("pin.reset", nurse, scrub), ("pin.changed", scrub, scrub)]


def test_in_the_sheet_a_pin_for_one_sign_in_leads_to_the_change(
    world: World, tablet: Tablet, charge: Visitor
) -> None:
    once = told(charge.post("unit-reset", unit_id=world.unit.pk, user_id=world.scrub.pk))
    answer = Visitor.on(tablet).post("switch", htmx=True, user_id=world.scrub.pk, pin=once)
    assert answer.headers["HX-Redirect"] == "/pin/?next=%2F"


def test_a_locked_pin_is_unlocked(world: World, tablet: Tablet, charge: Visitor) -> None:
    here: dict[str, Any] = {"unit_id": world.unit.pk, "user_id": world.scrub.pk}
    assert charge.post("unit-unlock", **here).status == 409
    Pin.objects.filter(user=world.scrub).update(failures=5, locked_at=clock.now())
    assert "PIN locked" in charge.get("unit").page.text
    assert charge.post("unit-unlock", **here).status == 302
    assert Visitor.on(tablet).switch(world.scrub).status == 302
    assert logged() == [("pin.unlocked", world.nurse.pk, world.scrub.pk)]


def test_an_agency_account_works_on_the_units_tablets_and_ends_with_the_shift(
    world: World, tablet: Tablet, charge: Visitor, case_id: UUID
) -> None:
    once = told(charge.post("unit-agency", unit_id=world.unit.pk, **AGENCY))
    agent = User.objects.get(display_name="Nadia Petrov")
    assert agent.ends_at
    assert timedelta(hours=7.9) < agent.ends_at - clock.now() <= timedelta(hours=8)
    assert not agent.has_usable_password()
    visitor = Visitor.on(tablet)
    visitor.switch(agent, once)
    visitor.post("pin", pin=NEW, again=NEW)
    recorded = visitor.post("step-done", case_id, "PRE-BASE", htmx=True, seen="0")
    assert recorded.status == 200
    with clock.at(agent.ends_at):
        assert visitor.get("case", case_id).location.startswith("/switch/")
        assert visitor.switch(agent, NEW).status == 409
        with pytest.raises(Refused):
            signin.check_pin(tablet, agent.pk, NEW)
        assert "Nadia Petrov" not in visitor.get("switch").page.text
    assert "Nadia Petrov" in Visitor(world.nurse).get("record", case_id).page.text
    assert Membership.objects.filter(user=agent).exists()


def test_it_can_be_ended_early(world: World, tablet: Tablet, charge: Visitor) -> None:
    once = told(charge.post("unit-agency", unit_id=world.unit.pk, **AGENCY))
    agent = User.objects.get(display_name="Nadia Petrov")
    visitor = Visitor.on(tablet)
    visitor.switch(agent, once)
    assert charge.post("unit-end", unit_id=world.unit.pk, user_id=world.scrub.pk).status == 409
    assert charge.post("unit-end", unit_id=world.unit.pk, user_id=agent.pk).status == 302
    assert visitor.get("today").location.startswith("/switch/")
    assert visitor.switch(agent, once).status == 409
    nurse = world.nurse.pk
    assert logged() == [("account.opened", nurse, agent.pk), ("account.ended", nurse, agent.pk)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": "13"}, {"hours": "0"}, {"hours": ""}, {"role": "administrator"}, {"role": "x"}, {"display_name": " "},
        {"initials": "ABCDE"}, {"registration_number": ""}, {"profession": "x" * 61}, {"unit_id": "x"},
    ],
)  # fmt: skip
def test_a_wrong_account_is_not_opened(world: World, charge: Visitor, wrong: dict[str, Any]) -> None:
    answer = charge.post("unit-agency", **{"unit_id": world.unit.pk, **AGENCY, **wrong})
    assert answer.status == 422
    assert "A-771" in answer.html or wrong == {"registration_number": ""}
    assert not User.objects.filter(ends_at__isnull=False).exists()


def test_a_session_by_pin_does_not_administer(world: World, tablet: Tablet) -> None:
    User.objects.filter(pk=world.nurse.pk).update(is_staff=True, is_superuser=True)
    assert Visitor(world.nurse).ask("GET", "/admin/").status == 200
    assert Visitor.on(tablet, world.nurse).ask("GET", "/admin/").status == 403


# As a colleague -------------------------------------------------------------------------------------------------


def test_a_tick_is_made_as_a_colleague_by_pin(world: World, tablet: Tablet, case_id: UUID) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    assert "as_user" in visitor.get("step", case_id, "PRE-BASE").html
    sent: dict[str, Any] = {"as_user": world.scrub.pk, "performed_by": world.nurse.pk}
    wrong = visitor.post("step-done", case_id, "PRE-BASE", htmx=True, seen="0", as_pin="902613", **sent)
    assert wrong.status == 422
    assert "tries left" in wrong.page.text
    assert "902613" not in wrong.html
    right = visitor.post("step-done", case_id, "PRE-BASE", htmx=True, seen="0", as_pin=PIN, **sent)
    assert right.status == 200
    assert PIN not in right.html
    event = Event.objects.filter(case=case_id).latest("seq")
    scrub, nurse = world.scrub.pk, world.nurse.pk
    assert (event.performed_by_id, event.recorded_by_id, event.via_id, event.tablet_id) == (
        scrub, scrub, nurse, tablet.pk,
    )  # fmt: skip
    assert PIN not in event.canonical
    assert "Ada Okafor" in visitor.get("case", case_id).page.ids["you"]


def test_as_a_colleague_goes_nowhere_else(world: World, tablet: Tablet, case_id: UUID) -> None:
    sent: dict[str, Any] = {"as_user": world.scrub.pk, "as_pin": PIN}
    off = Visitor(world.nurse)
    assert off.post("step-done", case_id, "PRE-BASE", **sent).status == 409
    assert 'name="as_pin"' not in off.get("step", case_id, "PRE-BASE").html
    give_pin(world.stranger)
    on = Visitor.on(tablet, world.nurse)
    assert on.post("step-done", case_id, "PRE-BASE", as_user=world.stranger.pk, as_pin=PIN).status == 409
    assert on.post("step-done", case_id, "PRE-BASE", as_user="x", as_pin=PIN).status == 422
    assert not Event.objects.filter(case=case_id, kind="step.done").exists()
