"""An entry through its URLs: marked as not done, detailed, corrected, taken back, verified."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from procedures import clock, commands
from procedures.models import Event, Step
from procedures.state import StepStatus
from tests.web.stage import entries, seen, ward_check
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def case_id(world: World) -> UUID:
    return world.started("T12", "L1")


def test_not_done_needs_a_reason_and_a_critical_step_more(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    answer = nurse.post("step-mark", case_id, "PRE-BASE", status="not_done")
    assert (answer.status, "Say why." in answer.page.ids["hand"]) == (422, True)
    answer = nurse.post(
        "step-mark",
        case_id,
        "PRE-BASE",
        htmx=True,
        status="not_done",
        reason="machine broken",
        seen=seen(case_id),
    )
    assert answer.status == 200
    assert "not done" in answer.page.ids["row-PRE-BASE"]
    assert entries(case_id, "PRE-BASE")[0]["reason"] == "machine broken"
    critical = nurse.post("step-mark", case_id, "PRE-CON", status="not_done", reason="no pen")
    assert critical.status == 422
    assert "say why it is safe" in critical.page.ids["hand"]
    refused = Visitor(world.scrub).post("step-mark", case_id, "PRE-CON", status="not_done", reason="no pen")
    assert (refused.status, "This step is critical." in refused.page.text) == (409, True)
    again = nurse.post("step-mark", case_id, "PRE-BASE", status="not_applicable")
    assert again.status == 409
    assert "Marked as not done by Ada Okafor" in again.page.ids["hand"]
    assert nurse.post("step-mark", case_id, "K01", status="done").status == 422


def test_details_are_added_and_change_nothing(world: World, case_id: UUID, nurse: Visitor) -> None:
    seq = ward_check(world, case_id)
    assert nurse.post("entry-details", case_id, "PRE-ID", seq, v_first="name").status == 302
    changed = nurse.post("entry-details", case_id, "PRE-ID", seq, v_first="mrn")
    assert changed.status == 422
    assert "Already recorded. Correct it, with a reason." in changed.page.ids["hand"]
    empty = nurse.post("entry-details", case_id, "PRE-ID", seq)
    assert (empty.status, "Enter at least one detail." in empty.page.ids["hand"]) == (422, True)
    page = nurse.get("entry", case_id, "PRE-ID", seq).page
    assert (
        nurse.press(page.form(f"{seq}/details/"), htmx=True, v_second="mrn", v_wristband="yes").status == 200
    )
    assert entries(case_id, "PRE-ID")[0]["values"] == {"first": "name", "second": "mrn", "wristband": True}


def test_a_correction_keeps_the_old_value_readable(world: World, case_id: UUID, nurse: Visitor) -> None:
    world.do_until(case_id, "K02")
    nurse.post("step-done", case_id, "K02", v_gauge="18", v_patent="yes")
    seq = entries(case_id, "K02")[0]["seq"]
    form = nurse.get("entry", case_id, "K02", seq).page.form(f"{seq}/correct/")
    assert form.data["v_gauge"] == ["18"]
    silent = nurse.press(form, v_gauge="20")
    assert (silent.status, "Say why." in silent.page.ids["hand"]) == (422, True)
    assert silent.page.form(f"{seq}/correct/").data["v_gauge"] == ["20"], "what was typed stays"
    same = nurse.press(form, reason="looked again")
    assert (same.status, "Nothing was changed." in same.page.ids["hand"]) == (422, True)
    assert nurse.press(form, htmx=True, v_gauge="20", reason="misread").status == 200
    entry = entries(case_id, "K02")[0]
    assert (entry["values"]["gauge"]["amount"], entry["values"]["patent"]) == ("20", True)
    assert "corrected" in entry["flags"]
    text = nurse.get("record", case_id).html
    assert "<del>18 G</del>" in text
    assert "misread" in text


def test_an_undo_asks_nothing_within_a_minute_and_later_asks_why(
    world: World, case_id: UUID, nurse: Visitor, operator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse.post("step-done", case_id, "K01")
    page = nurse.get("case", case_id).page
    undo = next(f for f in page.forms_to("/void/"))
    assert "undo" in page.ids
    theirs = operator.ask("POST", undo.action, {**undo.data, "command_id": str(uuid4())})
    assert (theirs.status, "Say why." in theirs.page.ids["hand"]) == (422, True), "somebody else's slip"
    answer = nurse.press(undo, htmx=True, seen=seen(case_id))
    assert answer.status == 200
    assert Step.objects.get(case=case_id, key="K01").state == StepStatus.PENDING
    assert "row-K01" in answer.page.swapped
    assert Event.objects.get(case=case_id, kind="event.voided").data["reason"] == "slip"
    assert nurse.press(undo).status == 302, "a repeated undo is the same undo"
    assert (
        nurse.post("entry-void", case_id, "K01", entries(case_id, "K01")[0]["seq"], reason="x").status == 409
    )
    nurse.post("step-done", case_id, "K01")
    seq = entries(case_id, "K01")[-1]["seq"]
    moment = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr(clock, "now", lambda: moment)
    late = nurse.post("entry-void", case_id, "K01", seq)
    assert (late.status, "Say why." in late.page.ids["hand"]) == (422, True)
    assert nurse.post("entry-void", case_id, "K01", seq, reason="wrong patient's step").status == 302


def test_a_second_person_verifies_and_not_the_first(world: World, case_id: UUID, nurse: Visitor) -> None:
    seq = ward_check(world, case_id)
    ward = Visitor(world.ward)
    refused = ward.post("entry-verify", case_id, "PRE-ID", seq)
    assert (refused.status, "Somebody else has to verify" in refused.page.ids["hand"]) == (409, True)
    assert "not yet verified" in nurse.get("case", case_id).page.ids["row-PRE-ID"]
    form = nurse.get("entry", case_id, "PRE-ID", seq).page.form(f"{seq}/verify/")
    assert nurse.press(form, htmx=True, seen=seen(case_id)).status == 200
    assert entries(case_id, "PRE-ID")[0]["ver"] == world.nurse.pk
    assert "not yet verified" not in nurse.get("case", case_id).page.ids["row-PRE-ID"]
    assert nurse.post("entry-verify", case_id, "PRE-ID", seq).status == 409
    commands.record_done(world.command(case_id), "K01")
    seq = entries(case_id, "K01")[0]["seq"]
    assert Visitor(world.scrub).post("entry-verify", case_id, "K01", seq).status == 409
