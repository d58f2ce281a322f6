"""What is said after signing: in words, or to a step, from the note or from a tablet's queue."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from procedures.models import Case, Event
from procedures.values import stamp
from procedures.verification import verify
from tests.web.test_outbox import only, sent, tick
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


def test_what_is_sent_back_as_it_stood_adds_nothing(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "K09d")
    began = (timezone.now() - timedelta(minutes=2)).replace(second=37, microsecond=0)
    values = {"volume": {"amount": "4", "unit": "mL"}, "leak": ["none"], "started_at": stamp(began)}
    world.do(case_id, "K09d-L1-left", values=values)
    world.do_until(case_id, "REC-HO")
    world.sign(case_id)
    operator = Visitor(world.operator)
    link = next(x for x in operator.get("note", case_id).page.links if "why=image" in x)
    form = operator.ask("GET", link).page.form("/addendum/")
    unchanged = operator.press(form)
    assert (unchanged.status, "Nothing was changed." in unchanged.page.text) == (422, True)
    assert operator.press(form, v_leak=["disc"]).status == 302
    assert last(case_id).data["values"]["values"] == {"leak": ["disc"]}


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


def test_an_addendum_is_its_authors_whoever_is_named(world: World, signed: UUID, nurse: Visitor) -> None:
    chen = str(world.operator.pk)
    nurse.post("addendum", signed, text="As Dr Chen said", why="forgotten", performed_by=chen)
    assert last(signed).performed_by == world.nurse
    about = str(world.step(signed, "K09d-L1-left").live[-1].seq)
    at: dict[str, Any] = {"key": "K09d-L1-left", "about": about, "v_leak": "disc"}
    nurse.post("addendum", signed, **at, why="image", performed_by=chen)
    assert (last(signed).kind, last(signed).performed_by) == ("addendum.added", world.nurse)
    nurse.post("addendum", signed, key="K11", v_modality="ct", why="image", performed_by=chen)
    assert last(signed).performed_by == world.operator
    said = nurse.get("note", signed).page.ids["addenda"]
    assert "Ada Okafor done by Dr W. Chen" in said


def test_two_who_have_the_same_entry_open_do_not_undo_each_other(
    world: World, signed: UUID, nurse: Visitor
) -> None:
    about, operator = str(world.step(signed, "K09d-L1-left").live[-1].seq), Visitor(world.operator)
    form = nurse.get("addendum", signed, key="K09d-L1-left", about=about).page.form("/addendum/")
    first = operator.get("addendum", signed, key="K09d-L1-left", about=about).page.form("/addendum/")
    assert operator.press(first, v_leak=["disc"], why="image").status == 302
    late = nurse.press(form, v_volume="4", why="wrong")
    assert (late.status, "Somebody has added to this entry" in late.page.text) == (409, True)
    assert Case.objects.get(pk=signed).leak is True
    again = late.page.form("/addendum/")
    assert nurse.press(again, v_volume="4", v_leak=["disc"], why="wrong").status == 302
    case = Case.objects.get(pk=signed)
    assert (str(case.cement_ml), case.leak) == ("4.0", True)


# From a tablet that was offline ---------------------------------------------------------------------------------------


def test_what_waited_is_refused_and_then_taken_in_with_its_times(
    world: World, signed: UUID, nurse: Visitor
) -> None:
    item = tick(
        world, signed, "K11", ago=9, offset_ms=-1500, values={"v_modality": "ct", "v_fluoro_time": "9000"}
    )
    assert [r["code"] for r in sent(nurse, item)] == ["signed"]
    late = {
        **item,
        "action": "addendum",
        "fields": [*item["fields"], ["addendum_reason", "The tablet was offline"]],
    }
    assert only(sent(nurse, late)) == only(sent(nurse, late)) == ["applied"]
    event, entry = last(signed), world.step(signed, "K11").live[-1]
    assert (event.kind, event.source, event.data["reason"]) == (
        "addendum.added",
        "offline",
        "The tablet was offline",
    )
    at = datetime.fromisoformat(item["device_at"]) - timedelta(seconds=1.5)
    assert (event.performed_at, event.data["offset_ms"]) == (at, -1500)
    assert entry.flags == ("addendum", "unusual")  # nobody could be asked
    assert entry.values["modality"] == "ct"
    assert "from a tablet that was offline" in nurse.get("note", signed).page.ids["addenda"]
    assert [fault for _n, fault in verify(signed) if fault] == []


def test_what_no_step_takes_any_more_comes_in_as_words(world: World, signed: UUID, nurse: Visitor) -> None:
    reason = ["addendum_reason", "The tablet was offline"]
    done = tick(world, signed, "K10", values={"v_remark": "All out"}, action="addendum")
    both = tick(world, signed, "K08b-L1", values={"side": "both", "v_gauge": "11"}, action="addendum")
    skipped = tick(
        world, signed, "K06a", action="addendum-mark", values={"status": "not_done", "reason": "No razor"}
    )
    for item in (done, both, skipped):
        item["fields"].append(reason)
    assert only(sent(nurse, done, both, skipped)) == ["applied"] * 3
    said = [e.data["values"]["text"] for e in Event.objects.filter(kind="addendum.added").order_by("seq")]
    assert said == [
        "All vertebrae done: remark: All out",
        "Needle in, L1 both sides: gauge 11 G",
        "Not done: Skin cleaned. No razor",
    ]


def test_a_late_entry_without_a_reason_or_before_a_signature_stays_on_the_tablet(
    world: World, signed: UUID, nurse: Visitor
) -> None:
    item = tick(world, signed, "K11", action="addendum", values={"v_modality": "ct"})
    assert [(r["result"], r["sentence"]) for r in sent(nurse, item)] == [("refused", "Say why.")]
    other = world.started("L1", mrn="2")
    item = tick(world, other, "K11", action="addendum", values={"addendum_reason": "late"})
    assert [r["code"] for r in sent(nurse, item)] == ["not_signed"]
