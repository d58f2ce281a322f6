"""A step through its URLs: as a plain form, with htmx, refused, wrong, unusual, sent twice, signed out, forged."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils.timezone import localtime

from procedures import clock
from procedures.models import Event
from tests.web.stage import count, entries, seen
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def case_id(world: World) -> UUID:
    return world.started("T12", "L1")


# Done -------------------------------------------------------------------------------------------------------


def test_the_page_and_its_form_are_enough_without_javascript(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    form = nurse.get("case", case_id).page.form("steps/PRE-ID/done/")
    answer = nurse.press(form, v_first="name", v_second="mrn", v_wristband="yes")
    assert (answer.status, answer.location) == (302, f"/cases/{case_id}/")
    entry = entries(case_id, "PRE-ID")[0]
    assert entry["values"] == {"first": "name", "second": "mrn", "wristband": True}
    assert (entry["by"], entry["rec"]) == (world.nurse.pk, world.nurse.pk)
    page = nurse.ask("GET", answer.location).page
    assert "Identity, two identifiers" in page.ids["row-PRE-ID"]
    assert "done" in page.ids["row-PRE-ID"]
    assert "Consent" in page.ids["hand-title"], "what comes next is in hand"
    assert "Recorded: Identity checked" in page.ids["undo"]


def test_a_step_opened_from_the_list_is_in_hand(case_id: UUID, nurse: Visitor) -> None:
    page = nurse.get("step", case_id, "PRE-CON").page
    assert page.ids["hand-title"] == "Consent and planned levels"
    part = nurse.get("step", case_id, "PRE-CON", htmx=True, seen=seen(case_id), was="PRE-ID").page
    assert part.ids["hand-title"] == "Consent and planned levels"
    assert part.top[0] == "hand"
    assert {"row-PRE-CON", "row-PRE-ID", "seen"} <= part.swapped
    assert "row-K01" not in part.ids
    assert "procedure" not in part.ids


def test_a_tap_swaps_the_hand_and_only_the_rows_that_changed(case_id: UUID, nurse: Visitor) -> None:
    answer = nurse.post("step-done", case_id, "PRE-ID", htmx=True, seen=seen(case_id), was="PRE-ID")
    page = answer.page
    assert answer.status == 200
    assert page.top[0] == "hand"
    assert page.ids["hand-title"] == "Consent and planned levels"
    rows = {found for found in page.ids if found.startswith("row-")}
    assert rows == {"row-PRE-ID", "row-PRE-CON"}
    assert rows | {"progress", "undo", "seen", "missing"} <= page.swapped
    assert "done" in page.ids["row-PRE-ID"]
    assert page.inputs["seen"]["value"] == seen(case_id)
    assert "procedure" not in page.ids
    assert "banner" not in page.ids


def test_who_is_behind_gets_what_others_did_meanwhile(world: World, case_id: UUID, nurse: Visitor) -> None:
    before = seen(case_id)
    world.do(case_id, "PRE-ID", "PRE-BASE", by="ward")
    page = nurse.post("step-done", case_id, "PRE-CON", htmx=True, seen=before, was="PRE-CON").page
    assert {"row-PRE-ID", "row-PRE-BASE", "row-PRE-CON"} <= page.swapped
    assert "row-K01" not in page.ids


def test_who_saw_nothing_yet_gets_the_whole(case_id: UUID, nurse: Visitor) -> None:
    answer = nurse.post("step-done", case_id, "PRE-ID", htmx=True)
    assert answer.status == 200
    assert {"procedure", "hand"} <= answer.page.ids.keys()


def test_done_by_somebody_else_and_earlier(world: World, case_id: UUID, nurse: Visitor) -> None:
    at = localtime(clock.now() - timedelta(minutes=40))
    answer = nurse.post(
        "step-done",
        case_id,
        "PRE-ID",
        performed_by=str(world.ward.pk),
        performed_at=f"{at:%Y-%m-%dT%H:%M}",
    )
    assert answer.status == 302
    event = Event.objects.get(case=case_id, kind="step.done")
    assert (event.performed_by, event.recorded_by) == (world.ward, world.nurse)
    assert event.performed_at == at.replace(second=0, microsecond=0)
    assert "late" in event.data["flags"]
    page = nurse.get("case", case_id).page
    assert "late" in page.ids["row-PRE-ID"]
    assert "recorded by Ada Okafor" in nurse.get("entry", case_id, "PRE-ID", event.seq).page.ids["hand"]


def test_both_sides_give_one_entry_each(world: World, case_id: UUID, operator: Visitor) -> None:
    world.do_until(case_id, "K08b")
    refused = operator.post("step-done", case_id, "K08b-T12")
    assert refused.status == 422
    assert "Choose left, right or both." in refused.page.ids["hand"]
    answer = operator.post(
        "step-done", case_id, "K08b-T12", htmx=True, side="both", seen=seen(case_id), was="K08b-T12"
    )
    assert answer.status == 200
    for side in ("left", "right"):
        assert len(entries(case_id, f"K08b-T12-{side}")) == 1
    assert "level-T12" in answer.page.swapped, "new rows came up, so the vertebra is drawn anew"
    assert {"row-K08b-T12-left", "row-K08b-T12-right"} <= answer.page.ids.keys()


def test_a_second_entry_where_many_are_meant(world: World, case_id: UUID, nurse: Visitor) -> None:
    world.do_until(case_id, "K02")
    for value in ("18", "20"):
        assert nurse.post("step-done", case_id, "K02", v_gauge=value).status == 302
    assert [e["values"]["gauge"]["amount"] for e in entries(case_id, "K02")] == ["18", "20"]
    page = nurse.get("step", case_id, "K02").page
    assert "2 entries" in page.ids["row-K02"]
    assert "One more" in page.ids["hand"]


# Refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("htmx", [False, True])
def test_done_by_somebody_already_says_who_and_when(
    world: World, case_id: UUID, nurse: Visitor, operator: Visitor, htmx: bool
) -> None:
    assert nurse.post("step-done", case_id, "K01").status == 302
    at = localtime(Event.objects.get(case=case_id, kind="step.done").performed_at)
    before = count(case_id)
    answer = operator.post("step-done", case_id, "K01", htmx=htmx, seen=str(before - 1), was="K01")
    assert answer.status == 409
    assert f"Done by Ada Okafor at {at:%H:%M}." in answer.page.ids["hand"]
    assert count(case_id) == before
    if htmx:
        assert {"row-K01", "seen"} <= answer.page.swapped, "the row as it now stands comes along"


@pytest.mark.parametrize("htmx", [False, True])
def test_an_unmet_requirement_is_named_and_what_was_typed_stays(
    world: World, case_id: UUID, htmx: bool
) -> None:
    scrub = Visitor(world.scrub)
    before = count(case_id)
    answer = scrub.post(
        "step-done", case_id, "CHK-IN", htmx=htmx, v_identity="yes", v_remark="waits for Ms R."
    )
    assert answer.status == 409
    page = answer.page
    assert "First: " in page.ids["hand"]
    assert page.inputs["f-v_remark"]["name"] == "v_remark"
    assert "waits for Ms R." in page.ids["hand"]
    assert "override" not in page.inputs, "a scrub nurse cannot override"
    assert "An operator, anaesthetist or circulating nurse can override" in page.ids["hand"]
    assert count(case_id) == before


def test_an_override_needs_the_right_and_a_reason(world: World, case_id: UUID, nurse: Visitor) -> None:
    scrub = Visitor(world.scrub)
    refused = scrub.post("step-done", case_id, "CHK-IN", override_reason="hurry")
    assert refused.status == 409
    assert "An operator, anaesthetist or circulating nurse can override this." in refused.page.text
    form = nurse.get("step", case_id, "CHK-IN").page.form("CHK-IN/done/")
    assert nurse.press(form).status == 409
    assert nurse.press(form, override_reason="theatre needed, papers follow").status == 302
    flags = entries(case_id, "CHK-IN")[0]["flags"]
    assert {"overridden", "out_of_order"} <= set(flags)
    event = Event.objects.get(case=case_id, kind="requirement.overridden")
    assert event.data["reason"] == "theatre needed, papers follow"
    assert "overridden" in nurse.get("case", case_id).page.ids["row-CHK-IN"]


def test_an_emergency_turns_the_block_into_a_warning(case_id: UUID, nurse: Visitor) -> None:
    assert nurse.post("emergency", case_id, on="1").status == 302
    page = nurse.get("step", case_id, "CHK-IN").page
    assert "It can be recorded all the same" in page.ids["hand"]
    assert nurse.post("step-done", case_id, "CHK-IN").status == 302


def test_a_case_that_was_not_started_takes_no_step(world: World, nurse: Visitor) -> None:
    case_id = world.open()
    for htmx in (False, True):
        answer = nurse.post("step-done", case_id, "PRE-ID", htmx=htmx)
        assert (answer.status, "Start the case first." in answer.page.ids["hand"]) == (409, True)


# Wrong ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("v_hr", "400", "Allowed: 20 to 250 /min."),
        ("v_hr", "19", "Allowed: 20 to 250 /min."),
        ("v_sbp", "39", "Allowed: 40 to 300 mmHg."),
        ("v_temp", "45.1", "Allowed: 25 to 45 °C."),
        ("v_temp", "36.55", "At most 1 decimal places."),
        ("v_hr", "70.5", "Whole numbers only."),
        ("v_hr", "seventy", "Enter a number."),
        ("v_hr", "NaN", "Enter a number."),
        ("v_oxygen_flow", "-1", "Allowed: 0 to 15 L/min."),
        ("v_oxygen_by", "snorkel", "Choose one of the answers."),
    ],
)
def test_an_impossible_value_says_what_is_allowed_and_keeps_what_was_typed(
    case_id: UUID, nurse: Visitor, field: str, typed: str, said: str, htmx: bool
) -> None:
    before = count(case_id)
    answer = nurse.post("step-done", case_id, "K03", htmx=htmx, **{field: typed, "v_spo2": "97"})
    page = answer.page
    assert answer.status == 422
    assert page.ids.get(f"f-{field}-error") == said
    if typed != "snorkel":
        assert page.inputs[f"f-{field}"]["value"] == typed
    assert page.inputs["f-v_spo2"]["value"] == "97"
    assert count(case_id) == before


def test_every_wrong_field_is_told_at_once(case_id: UUID, nurse: Visitor) -> None:
    page = nurse.post("step-done", case_id, "K03", v_hr="400", v_sbp="9", v_temp="99").page
    assert {"f-v_hr-error", "f-v_sbp-error", "f-v_temp-error"} <= page.ids.keys()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"performed_at": "2199-12-31T23:59"}, "Check the year."),
        ({"performed_at": "0001-01-01T00:00:00+14:00"}, "Enter a date and a time."),
        ({"performed_at": "9999-12-31T23:59:59-14:00"}, "Enter a date and a time."),
        ({"performed_at": "yesterday"}, "Enter a valid date/time."),
        ({"performed_by": "x"}, "Enter a whole number."),
    ],
)
def test_a_wrong_time_or_person(case_id: UUID, nurse: Visitor, sent: dict[str, Any], said: str) -> None:
    answer = nurse.post("step-done", case_id, "PRE-ID", **sent)
    assert answer.status == 422
    assert said in answer.page.ids["hand"] or "Check the year." in answer.page.ids["hand"]
    assert not entries(case_id, "PRE-ID")


def test_a_time_in_the_future_or_long_ago(case_id: UUID, nurse: Visitor) -> None:
    for days, said in ((1, "This time is in the future."), (-8, "more than seven days ago")):
        at = localtime(clock.now() + timedelta(days=days))
        answer = nurse.post("step-done", case_id, "PRE-ID", performed_at=f"{at:%Y-%m-%dT%H:%M}")
        assert (answer.status, said in answer.page.ids["hand"]) == (422, True)


def test_what_is_needed_now_is_asked_for(world: World, case_id: UUID, operator: Visitor) -> None:
    world.do_until(case_id, "K04")
    answer = operator.post("step-done", case_id, "K04")
    assert answer.status == 422
    assert "Needed." in answer.page.ids["hand"]
    assert operator.post("step-done", case_id, "K04", v_mode="moderate").status == 302


def test_a_value_in_another_unit_is_kept_as_entered(world: World, case_id: UUID, operator: Visitor) -> None:
    world.do_until(case_id, "K09a")
    side = "K09a-T12-left"
    answer = operator.post("step-done", case_id, side, v_pressure="13", v_pressure_unit="atm")
    assert answer.status == 302
    kept = entries(case_id, side)[0]["values"]["pressure"]
    assert (kept["entered"], kept["entered_unit"], kept["unit"]) == ("13", "atm", "[psi]")
    assert kept["amount"].startswith("191.0")
    wrong = operator.post("step-done", case_id, side, v_pressure="13", v_pressure_unit="furlong")
    assert wrong.status == 422
    assert wrong.page.ids["f-v_pressure-error"] == "Choose a unit."


# Unusual ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("htmx", [False, True])
def test_an_unusual_value_is_asked_about_once_and_then_kept(
    case_id: UUID, nurse: Visitor, htmx: bool
) -> None:
    form = nurse.get("step", case_id, "K03").page.form("K03/done/")
    asked = nurse.press(form, htmx=htmx, v_hr="190", v_spo2="88")
    assert asked.status == 422
    hand = asked.page.ids["hand"]
    assert "190 /min is unusually high." in hand
    assert "88 % is unusually low." in hand
    assert "Yes, 190 /min is right" in hand
    assert not entries(case_id, "K03")
    half = nurse.press(asked.page.form("K03/done/"), htmx=htmx, confirmed=["hr"])
    assert half.status == 422, "one of two was confirmed"
    assert "190 /min is unusually high." not in half.page.ids["hand"]
    again = half.page.form("K03/done/")
    done = nurse.press(again, htmx=htmx, confirmed=["hr", "spo2"])
    assert done.status == (200 if htmx else 302)
    entry = entries(case_id, "K03")[0]
    assert (entry["values"]["hr"]["amount"], entry["values"]["spo2"]["amount"]) == ("190", "88")
    assert "confirmed" in entry["flags"]
    assert "unusual, confirmed" in nurse.get("case", case_id).page.ids["row-K03"]


def test_confirming_does_not_let_the_impossible_through(case_id: UUID, nurse: Visitor) -> None:
    answer = nurse.post("step-done", case_id, "K03", v_hr="900", confirmed=["hr"])
    assert answer.status == 422
    assert answer.page.ids["f-v_hr-error"] == "Allowed: 20 to 250 /min."


# Twice ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("htmx", [False, True])
def test_a_form_sent_twice_gives_one_event_and_the_same_answer(
    world: World, case_id: UUID, nurse: Visitor, htmx: bool
) -> None:
    world.do_until(case_id, "K02")
    form = nurse.get("step", case_id, "K02").page.form("K02/done/")
    first = nurse.press(form, htmx=htmx, v_gauge="18")
    again = nurse.press(form, htmx=htmx, v_gauge="18")
    assert first.status == again.status == (200 if htmx else 302)
    assert len(entries(case_id, "K02")) == 1
    other = nurse.press(form, htmx=htmx, v_gauge="20")
    assert other.status == 422
    assert "already sent with other values" in other.page.ids["hand"]
    assert len(entries(case_id, "K02")) == 1


def test_a_repeated_command_of_somebody_else_is_not_theirs(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    world.do_until(case_id, "K02")
    same = str(uuid4())
    assert nurse.post("step-done", case_id, "K02", command_id=same).status == 302
    assert Visitor(world.scrub).post("step-done", case_id, "K02", command_id=same).status == 422
    assert len(entries(case_id, "K02")) == 1


@pytest.mark.parametrize("wrong", [None, "", "7", "not-a-uuid", "0" * 40])
def test_a_form_without_its_id_is_wrong(case_id: UUID, nurse: Visitor, wrong: str | None) -> None:
    before = count(case_id)
    answer = nurse.post("step-done", case_id, "PRE-ID", command_id=wrong)
    assert (answer.status, count(case_id)) == (422, before)


# Signed out, forged -----------------------------------------------------------------------------------------


def test_signed_out_nothing_is_shown_and_nothing_recorded(
    world: World, case_id: UUID, nobody: Visitor
) -> None:
    page = nobody.get("step", case_id, "PRE-ID")
    assert (page.status, page.location) == (302, f"/accounts/login/?next=/cases/{case_id}/steps/PRE-ID/")
    part = nobody.get("step", case_id, "PRE-ID", htmx=True)
    assert (part.status, part.headers["HX-Reswap"]) == (401, "none")
    before = count(case_id)
    for htmx in (False, True):
        answer = nobody.post("step-done", case_id, "PRE-ID", htmx=htmx)
        assert answer.status == 401
        assert "Nothing was recorded. Sign in, then do it again." in answer.page.text
    assert count(case_id) == before


def test_a_forged_form_is_refused(world: World, case_id: UUID) -> None:
    browser = Visitor(world.nurse, enforce_csrf_checks=True)
    before = count(case_id)
    assert browser.post("step-done", case_id, "PRE-ID").status == 403
    form = browser.get("case", case_id).page.form("PRE-ID/done/")
    assert browser.press(form, csrfmiddlewaretoken="x" * 64).status == 403
    assert count(case_id) == before
    assert browser.press(form).status == 302
