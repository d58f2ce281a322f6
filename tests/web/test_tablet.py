"""A shared tablet: enrolling, tapping a name, the lock, and what a tablet that was revoked can still do: nothing."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.urls import reverse

from procedures import clock
from procedures.models import AccountEvent, Event, Tablet, User
from procedures.signin import tablets
from tests.web.visitor import Visitor
from tests.world import PIN, World, give_pin, needed_now, tablet_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tablet(world: World) -> Tablet:
    for name in ("nurse", "scrub"):
        give_pin(world.people[name])
    return tablet_of(world.unit)


@pytest.fixture
def case_id(world: World) -> UUID:
    return world.started("L1")


def is_there(visitor: Visitor) -> str:
    """Whose name the bar shows; empty where the page asks for a PIN."""
    answer = visitor.get("today")
    return answer.page.ids["you"] if answer.status == 200 else ""


def later(minutes: float) -> Any:
    """A while later."""
    return clock.at(clock.now() + timedelta(minutes=minutes))


# Enrolling ------------------------------------------------------------------------------------------------------


def test_a_code_makes_a_browser_a_tablet_once(world: World) -> None:
    tablet = Tablet.objects.create(unit=world.unit, name="Room 5")
    code = tablets.new_code(tablet, world.admin)
    give_pin(world.nurse)
    visitor = Visitor(world.operator)
    assert visitor.post("tablet", code=f" {code.lower()} ").location == reverse("switch")
    cookie = visitor.client.cookies[settings.TABLET_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert int(cookie["max-age"]) > 300 * 86400
    tablet.refresh_from_db()
    assert cookie.value not in str(tablet.__dict__)
    assert code.replace("-", "") not in str(tablet.__dict__)
    assert is_there(visitor) == ""  # whoever was signed in is not any more
    assert visitor.switch(world.nurse).status == 302
    assert "Ada Okafor" in is_there(visitor)
    again = Visitor().post("tablet", code=code)
    assert again.status == 422
    assert "was used" in again.page.text
    assert list(AccountEvent.objects.values_list("what", "who")) == [
        ("tablet.enrolled", None),
        ("tablet.code", world.admin.pk),
    ]


@pytest.mark.parametrize("code", ["", "ABCDE-FGHJK", "ẞ", "x" * 5000, "A" * 10])
def test_a_wrong_code_enrols_nothing(world: World, code: str) -> None:
    tablets.new_code(Tablet.objects.create(unit=world.unit, name="Room 5"), None)
    visitor = Visitor()
    assert visitor.post("tablet", code=code).status == 422
    assert settings.TABLET_COOKIE_NAME not in visitor.client.cookies


def test_a_code_is_good_for_a_quarter_of_an_hour_and_only_the_last_one(world: World) -> None:
    tablet = Tablet.objects.create(unit=world.unit, name="Room 5")
    first, second = tablets.new_code(tablet, None), tablets.new_code(tablet, None)
    assert Visitor().post("tablet", code=first).status == 422
    with later(16):
        assert Visitor().post("tablet", code=second).status == 422
    assert Visitor().post("tablet", code=second).status == 302


def test_a_device_that_was_this_tablet_before_is_it_no_more(world: World, tablet: Tablet) -> None:
    old = Visitor.on(tablet, world.nurse)
    Visitor().post("tablet", code=tablets.new_code(tablet, None))
    assert old.get("today").location.startswith("/accounts/login/")
    assert old.switch(world.nurse).status == 409


# Tapping a name -------------------------------------------------------------------------------------------------


def test_the_names_lead_to_the_page_where_one_was(world: World, tablet: Tablet, case_id: UUID) -> None:
    visitor = Visitor.on(tablet)
    here = reverse("case", args=[case_id])
    sent = visitor.get("case", case_id).location
    assert sent == f"/switch/?next={here.replace('/', '%2F')}"
    page = visitor.ask("GET", sent).page
    form = page.form("/switch/")
    assert visitor.press(form, user_id=world.nurse.pk, pin=PIN).location == here
    assert "You are Ada Okafor,Circulating nurse" in visitor.get("case", case_id).page.ids["you"]


def test_another_person_gets_a_session_of_their_own(world: World, tablet: Tablet) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    first = visitor.client.cookies[settings.SESSION_COOKIE_NAME].value
    visitor.client.session["left behind"] = "x"
    assert visitor.switch(world.scrub).status == 302
    assert visitor.client.cookies[settings.SESSION_COOKIE_NAME].value != first
    assert not Session.objects.filter(session_key=first).exists()
    assert "Sven Scrub" in is_there(visitor)
    assert Tablet.objects.get().recent == [world.scrub.pk, world.nurse.pk]


def test_the_sheet_changes_the_person_under_an_open_page(world: World, tablet: Tablet) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    answer = visitor.post("switch", htmx=True, user_id=world.scrub.pk, pin=PIN)
    assert answer.page.swapped == {"you"}
    assert "Sven Scrub,Scrub nurse" in answer.page.ids["you"]
    assert '"name": "Sven Scrub"' in answer.headers["HX-Trigger"]
    assert PIN not in answer.html


def test_a_wrong_pin_says_how_many_tries_are_left_and_is_not_drawn_again(
    world: World, tablet: Tablet
) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    for htmx in (False, True):
        answer = visitor.post("switch", htmx=htmx, user_id=world.scrub.pk, pin="902613")
        assert answer.status == 422
        assert "tries left" in answer.page.text
        assert "902613" not in answer.html
        assert "checked" in answer.page.inputs[f"user_id={world.scrub.pk}"]
    assert "Ada Okafor" in is_there(visitor)
    for _ in range(3):
        last = visitor.switch(world.scrub, "902613")
    assert (last.status, "Ask the charge nurse" in last.page.text) == (409, True)


@pytest.mark.parametrize(
    "sent", [{}, {"user_id": "x"}, {"user_id": "0", "pin": PIN}, {"user_id": 2**60}, {"user_id": "\0"}]
)
def test_what_is_no_name_is_said(world: World, tablet: Tablet, sent: dict[str, Any]) -> None:
    assert Visitor.on(tablet).post("switch", **sent).status == 422


def test_off_an_enrolled_tablet_a_pin_is_worth_nothing(world: World, tablet: Tablet) -> None:
    visitor = Visitor()
    assert visitor.get("switch").location == "/accounts/login/"
    assert "only on an enrolled tablet" in visitor.switch(world.nurse).page.text
    assert visitor.get("today").status == 302
    visitor.client.cookies[settings.TABLET_COOKIE_NAME] = "a-guess"
    assert visitor.switch(world.nurse).status == 409


def test_the_way_back_stays_in_the_house(world: World, tablet: Tablet) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/switch/?next=/"):
        assert Visitor.on(tablet).switch(world.nurse, next=elsewhere).location == "/"


# What is recorded -----------------------------------------------------------------------------------------------


def tick(visitor: Visitor, case_id: UUID, key: str = "PRE-BASE", **rest: Any) -> Any:
    """Record a step that can be done at once."""
    return visitor.post("step-done", case_id, key, htmx=True, seen="0", **rest)


def test_an_event_knows_its_tablet(world: World, tablet: Tablet, case_id: UUID) -> None:
    assert tick(Visitor.on(tablet, world.nurse), case_id).status == 200
    event = Event.objects.filter(case=case_id).latest("seq")
    assert (event.tablet_id, event.recorded_by_id, event.via_id) == (tablet.pk, world.nurse.pk, None)
    named = {"v_first": "name", "v_wristband": "yes"}
    assert tick(Visitor(world.nurse), case_id, "PRE-ID", **named).status == 200
    assert Event.objects.filter(case=case_id).latest("seq").tablet_id is None


def test_a_page_that_takes_another_to_be_there_records_nothing(
    world: World, tablet: Tablet, case_id: UUID
) -> None:
    """Two windows on one tablet: somebody else signed in under the page."""
    visitor = Visitor.on(tablet, world.nurse)
    path = reverse("step-done", args=[case_id, "PRE-BASE"])
    before = Event.objects.count()
    data = {"command_id": "7b7e0d5e-6a44-4d55-9f8e-0c4f6a1d2b3c"}
    for meant, status in ((world.scrub.pk, 401), ("x", 401), (world.nurse.pk, 200)):
        answer = visitor.ask("POST", path, data, htmx=True, headers={"X-Kypho-Person": str(meant)})
        assert answer.status == status
        assert (answer.headers.get("X-Kypho-Lock") == "pin") == (status == 401)
    assert Event.objects.count() == before + 1


# Revoked --------------------------------------------------------------------------------------------------------


def test_a_revoked_tablet_can_do_nothing(world: World, tablet: Tablet, case_id: UUID) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    assert visitor.get("case", case_id).status == 200
    tablets.revoke(tablet, world.admin)
    before = Event.objects.count()
    assert visitor.get("case", case_id).location.startswith("/accounts/login/")
    assert tick(visitor, case_id).status == 401
    assert visitor.switch(world.nurse).status == 409
    assert visitor.get("switch").location == "/accounts/login/"
    assert Event.objects.count() == before
    assert AccountEvent.objects.filter(what="tablet.revoked", who=world.admin).exists()


def test_a_session_of_a_tablet_is_worth_nothing_elsewhere(
    world: World, tablet: Tablet, case_id: UUID
) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    del visitor.client.cookies[settings.TABLET_COOKIE_NAME]
    assert visitor.get("case", case_id).location.startswith("/accounts/login/")
    other = tablet_of(world.unit, "Room 3")
    taken = Visitor.on(other)
    taken.client.cookies[settings.SESSION_COOKIE_NAME] = visitor.client.cookies[
        settings.SESSION_COOKIE_NAME
    ].value
    assert taken.get("case", case_id).location.startswith("/switch/")


# The lock -------------------------------------------------------------------------------------------------------


def locked(visitor: Visitor, case_id: UUID) -> bool:
    """Whether the case is behind the lock. Asks in the background, which is nobody's doing."""
    path = reverse("case", args=[case_id])
    answer = visitor.ask("GET", path, {"seen": "0"}, htmx=True, headers={"X-Kypho-Background": "1"})
    assert answer.status in (200, 401)
    assert ("X-Kypho-Lock" in answer.headers) == (answer.status == 401)
    return bool(answer.status == 401)


def test_idle_leads_to_the_pin_and_hides_everything(world: World, tablet: Tablet, case_id: UUID) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    with later(4.5):
        assert not locked(visitor, case_id)
    with later(6.5):
        assert locked(visitor, case_id)
        assert visitor.get("case", case_id).location.startswith("/switch/?next=")
        refused = tick(visitor, case_id)
        assert (refused.status, refused.headers["X-Kypho-Lock"]) == (401, "pin")
        assert "Rossi" not in visitor.get("switch").html + refused.html
        assert "Locked." in visitor.get("switch").page.text
        assert visitor.post("act").status == 302 or visitor.post("act").status == 401
        assert locked(visitor, case_id)  # nothing but the PIN opens it
        assert visitor.switch(world.nurse, "902613").status == 422
        assert locked(visitor, case_id)
        assert visitor.switch(world.nurse).status == 302
        assert not locked(visitor, case_id)


def test_what_a_page_asks_for_by_itself_does_not_feed_the_clock(
    world: World, tablet: Tablet, case_id: UUID
) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    for minute in range(1, 6):
        with later(minute):
            assert not locked(visitor, case_id)
    with later(6.5):
        assert locked(visitor, case_id)


def test_neither_a_stream_nor_a_page_that_a_script_loads_again_is_an_act(
    world: World, tablet: Tablet, case_id: UUID
) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    with later(4):
        by_script = {"Sec-Fetch-Mode": "navigate"}
        assert visitor.ask("GET", reverse("today"), headers=by_script).status == 200
        for name, args in (("today-stream", ()), ("case-stream", (case_id,)), ("changes", (case_id,))):
            assert visitor.get(name, *args, htmx=name == "changes", seen="0").status == 200
    with later(6.5):
        assert locked(visitor, case_id)
        assert visitor.get("case-stream", case_id).headers["X-Kypho-Lock"] == "pin"


@pytest.mark.parametrize("way", ["page", "tick", "act"])
def test_what_a_person_does_feeds_it(world: World, tablet: Tablet, case_id: UUID, way: str) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    with later(4):
        match way:
            case "page":
                assert visitor.get("case", case_id).status == 200
            case "tick":
                assert tick(visitor, case_id).status == 200
            case "act":
                assert visitor.post("act").status == 204
    with later(8):
        assert not locked(visitor, case_id)
    with later(10.5):
        assert locked(visitor, case_id)


def test_it_is_locked_by_hand(world: World, tablet: Tablet, case_id: UUID) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    here = reverse("case", args=[case_id])
    answer = visitor.post("lock", next=here)
    assert answer.location == f"/switch/?next={here.replace('/', '%2F')}"
    assert locked(visitor, case_id)
    assert visitor.switch(world.scrub, next=here).location == here
    assert not locked(visitor, case_id)
    assert visitor.post("lock", htmx=True).status == 204
    assert locked(visitor, case_id)


def test_the_session_ends_with_the_shift(world: World, tablet: Tablet, case_id: UUID) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    with later(6.5):  # the PIN opens the lock, and does not make the shift longer
        visitor.switch(world.nurse)
    with later(12 * 60 - 0.5):
        assert visitor.switch(world.nurse).status == 302
        assert not locked(visitor, case_id)
    with later(12 * 60 + 0.5):
        assert visitor.get("case", case_id).status == 302


def test_a_password_opens_a_session_that_is_tied_to_the_tablet_too(
    world: World, tablet: Tablet, case_id: UUID
) -> None:
    world.nurse.set_password("a-long-enough-phrase")
    world.nurse.save()
    visitor = Visitor.on(tablet)
    sent = {"login": "nurse", "password": "a-long-enough-phrase"}
    assert visitor.ask("POST", "/accounts/login/", sent).status == 302
    assert not locked(visitor, case_id)
    with later(6.5):
        assert locked(visitor, case_id)
    with later(12 * 60 + 1):
        assert visitor.get("case", case_id).status == 302
    tablets.revoke(tablet, None)
    assert visitor.get("case", case_id).location.startswith("/accounts/login/")


def test_off_a_tablet_there_is_no_lock(world: World, case_id: UUID) -> None:
    visitor = Visitor(world.nurse)
    with later(60):
        assert not locked(visitor, case_id)
    assert visitor.post("lock").location == "/"
    assert visitor.get("today").status == 200


def test_what_the_names_need_without_a_network_is_in_the_sheet(world: World, tablet: Tablet) -> None:
    visitor = Visitor.on(tablet, world.nurse)
    answer = visitor.ask("GET", reverse("switch"), htmx=True)
    assert answer.page.top == ["turn"]
    named = re.findall(r'name="user_id" value="(\d+)"', answer.html)
    assert set(map(int, named)) == {
        u.pk for n, u in world.people.items() if n != "admin" and isinstance(u, User)
    }


def test_a_step_that_takes_values_is_recorded_on_the_tablet(
    world: World, tablet: Tablet, case_id: UUID
) -> None:
    assert needed_now(case_id, "PRE-BASE") == {}
    assert tick(Visitor.on(tablet, world.nurse), case_id, performed_by=str(world.scrub.pk)).status == 200
    assert Event.objects.filter(case=case_id).latest("seq").performed_by == world.scrub
