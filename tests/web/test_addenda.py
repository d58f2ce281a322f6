"""What is said after signing: in words, or to a step, from the note or from a tablet's queue."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from procedures.models import Case, Event
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(world: World) -> UUID:
    """A case whose note is signed."""
    return world.signed("L1")


def last(case_id: UUID) -> Event:
    return Event.objects.filter(case=case_id).latest("seq")


def test_a_leak_on_the_ct_of_the_next_day_is_three_taps_from_the_note(world: World, signed: UUID) -> None:
    operator = Visitor(world.operator)
    link = next(x for x in operator.get("note", signed).page.links if "why=image" in x)
    form = operator.ask("GET", link).page.form(
        "/addendum/"
    )  # one: the link; two: the chip; three: the button
    assert form.data["why"] == ["image"]
    assert operator.press(form, v_leak=["disc"]).location == f"/cases/{signed}/note/#addenda"
    case = Case.objects.get(pk=signed)
    assert (case.leak, case.addenda) == (True, 1)
    said = operator.get("note", signed).page.ids["addenda"]
    assert "Cement in, L1 left: leak: disc (D); before: not recorded." in said
    assert "Reason: Seen on a later image" in said
    assert "Leak: – → Disc (D)" in said


def test_words_alone_and_a_further_entry(world: World, signed: UUID, nurse: Visitor) -> None:
    form = nurse.get("addendum", signed).page.form("/addendum/")
    without = nurse.press(form, text="The daughter was told")
    assert (without.status, "Say why." in without.page.text) == (422, True)
    assert without.page.form("/addendum/").data["text"] == ["The daughter was told"]
    assert nurse.press(form, why="forgotten", reason="ward round", text="The daughter was told").status == 302
    event = last(signed)
    assert (event.data["reason"], event.step_key) == ("Not written down at the time: ward round", "")
    form = nurse.get("addendum", signed, key="K11").page.form("/addendum/")
    at = (timezone.localtime() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    answer = nurse.press(
        form, v_modality="ct", why="image", performed_at=at, performed_by=str(world.radiographer.pk)
    )
    assert answer.status == 302
    entry = world.step(signed, "K11").live[-1]
    assert (entry.values, entry.performed_by) == ({"modality": "ct"}, world.radiographer.pk)


def test_an_unusual_value_is_asked_about_and_an_impossible_one_refused(
    world: World, signed: UUID, nurse: Visitor
) -> None:
    about = world.step(signed, "K09d-L1-left").live[-1].seq
    form = nurse.get("addendum", signed, key="K09d-L1-left", about=str(about)).page.form("/addendum/")
    asked = nurse.press(form, v_volume="7.5", why="wrong")
    assert (asked.status, "7.5 mL is unusually high." in asked.page.text) == (422, True)
    assert nurse.press(form, v_volume="99", why="wrong").status == 422
    assert nurse.press(form, v_volume="7.5", why="wrong", confirmed=["volume"]).status == 302
    assert str(Case.objects.get(pk=signed).cement_ml) == "7.5"


def test_no_addendum_to_what_is_not_signed_nor_to_what_is_not_there(
    world: World, signed: UUID, nurse: Visitor
) -> None:
    unsigned = world.started("L1", mrn="2")
    assert nurse.get("addendum", unsigned).status == 409
    assert nurse.post("addendum", unsigned, text="x", why="wrong").status == 409
    assert nurse.get("addendum", signed, key="K09d-S1-left").status == 409
    assert nurse.post("addendum", signed, key="NO-SUCH", why="wrong").status == 404
    assert nurse.get("addendum", signed, key="K10", about="1").status == 409
    assert Visitor(world.admin).get("addendum", signed).status == 409
    assert Visitor(world.stranger).get("addendum", signed).status == 404
