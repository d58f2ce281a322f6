"""Totals, the next step, what is missing, and the summary kept on the case: the shipped protocol, on paper."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from procedures.definitions import Key
from procedures.state import CaseStatus, EventKind, StepStatus
from tests.sheet import NURSE, OTHER, START, Sheet, ml

AFTER = ("K10", "K11", "CNT", "CLO", "CHK-OUT", "REC-TURN", "REC-HO", "REC-OBS", "REC-SCO", "DIS")


def prepared(*levels: str) -> Sheet:
    sheet = Sheet(*levels)
    sheet.prepare()
    return sheet


def test_the_total_does_not_jump_while_a_case_is_done() -> None:
    sheet = Sheet("T12", "L1")
    sheet.access("T12", "left")
    sheet.access("L1", "left")
    totals = {sheet.progress.summary().total}
    done = [0]
    sheet.prepare()
    for level in ("T12", "L1"):
        for key in (f"K07-{level}", f"K08a-{level}"):
            sheet.done(key)
        for code in ("K08b", "K09a", "K09b", "K09d", "K09e"):
            sheet.done(f"{code}-{level}-left")
            totals.add(sheet.progress.summary().total)
            done.append(sheet.progress.summary().done)
        sheet.done(f"K09f-{level}")
    for key in AFTER:
        sheet.done(key)
        totals.add(sheet.progress.summary().total)
    assert len(totals) == 1
    assert done == sorted(done)
    summary = sheet.progress.summary()
    assert (summary.done, summary.spine) == (summary.total, "d" * 11)


def test_the_first_side_does_not_change_the_total_and_the_second_adds_its_steps() -> None:
    sheet = Sheet("L1")
    before = sheet.progress.summary().total
    sheet.access("L1", "left")
    assert sheet.progress.summary().total == before
    sheet.access("L1", "right")
    assert sheet.progress.summary().total == before + 5  # needle in, balloon in, out, cement, needle out


def test_any_time_and_optional_steps_count_only_where_they_belong() -> None:
    sheet = Sheet("L1")
    sheet.access("L1", "left")
    total = sheet.progress.summary().total
    sheet.done("EV-NOTE", text="x")
    assert sheet.progress.summary().total == total
    sheet.done("K08c-L1-left")
    assert sheet.progress.summary().total == total + 1


def test_next_begins_at_the_first_step() -> None:
    sheet = Sheet("L1")
    following = sheet.progress.next_place()
    assert following
    assert str(following.key) == "PRE-ID"


def test_next_goes_on_in_the_access_just_worked_at() -> None:
    sheet = prepared("T12", "L1")
    sheet.done("K07-T12", "K08a-T12", "K07-L1", "K08a-L1")
    sheet.side("T12", "left", ("K08b",))
    sheet.side("L1", "left", ("K08b",))
    sheet.side("L1", "right", ("K08b",))
    progress = sheet.progress
    for after, following in [
        (Key("K08b", "L1", "right"), "K09a-L1-right"),
        (Key("K08b", "L1", "left"), "K09a-L1-left"),
        (Key("K08b", "T12", "left"), "K09a-T12-left"),
        (None, "K09a-T12-left"),
    ]:
        place = progress.next_place(after)
        assert place
        assert str(place.key) == following


def test_next_leaves_a_finished_level_and_skips_what_is_blocked() -> None:
    sheet = prepared("T12", "L1")
    sheet.whole_level("T12", "left")
    place = sheet.progress.next_place(Key("K09f", "T12"))
    assert place
    assert str(place.key) == "K07-L1"
    sheet = Sheet()
    sheet.done("PRE-ID")
    sheet.void("PRE-ID", sheet.step("PRE-ID").live[0].seq)
    sheet.mark("PRE-ID", StepStatus.NOT_DONE)  # holds the consent up, but not the screening
    place = sheet.progress.next_place()
    assert place
    assert str(place.key) == "PRE-SCR"


def test_next_names_what_is_blocked_when_nothing_else_is_left() -> None:
    sheet = prepared("L1")
    sheet.whole_level("L1", "left")
    sheet.done("K10", "K11", "CLO", "CNT", match=False)
    sheet.mark("CNT", StepStatus.NOT_DONE)
    sheet.done("REC-TURN", "REC-HO", "REC-OBS", "REC-SCO", "DIS")
    place = sheet.progress.next_place()
    assert place
    assert str(place.key) == "CHK-OUT"
    assert sheet.waits_for("CHK-OUT") == {"CNT"}


def test_an_ended_case_has_no_next_step() -> None:
    sheet = Sheet()
    assert sheet.progress.summary().next_step == "PRE-ID"
    sheet.add(EventKind.CASE_CANCELLED, reason="fever")
    summary = sheet.progress.summary()
    assert (summary.next_step, summary.status) == ("", CaseStatus.CANCELLED)


# Deficits -----------------------------------------------------------------------------------------------------------


def deficits(sheet: Sheet, key: str) -> set[str]:
    return {d.field.key if d.field else d.what for d in sheet.progress.deficits if str(d.key) == key}


def test_missing_details_are_listed_until_they_are_given() -> None:
    sheet = Sheet()
    assert sheet.progress.deficits == []
    seq = sheet.done("K02", site="hand")
    assert deficits(sheet, "K02") == {"side", "gauge", "patent"}
    values = {"side": "left", "gauge": {"amount": "20", "unit": "{G}"}, "patent": True}
    sheet.add(EventKind.STEP_DETAILED, step_key="K02", about=seq, values={"values": values})
    assert deficits(sheet, "K02") == set()
    sheet.add(
        EventKind.STEP_CORRECTED, step_key="K02", about=seq, values={"values": {"patent": None}}, reason="?"
    )
    assert deficits(sheet, "K02") == {"patent"}
    sheet.void("K02", seq)
    assert deficits(sheet, "K02") == set()


def test_a_second_person_is_missing_until_verified_and_again_after_a_correction() -> None:
    sheet = Sheet()
    seq = sheet.done("PRE-ID", by=NURSE, first="name", second="mrn", wristband=True)
    assert deficits(sheet, "PRE-ID") == {"verification"}
    sheet.add(EventKind.STEP_VERIFIED, step_key="PRE-ID", about=seq, by=OTHER)
    assert deficits(sheet, "PRE-ID") == set()
    sheet.add(
        EventKind.STEP_CORRECTED,
        step_key="PRE-ID",
        about=seq,
        values={"values": {"second": "birth_date"}},
        reason="x",
    )
    assert deficits(sheet, "PRE-ID") == {"verification"}


def test_what_was_not_done_lacks_nothing() -> None:
    sheet = Sheet()
    sheet.mark("K02", StepStatus.NOT_DONE)
    assert sheet.progress.deficits == []


# Summary ------------------------------------------------------------------------------------------------------------


def test_the_summary_says_what_the_lists_need() -> None:
    sheet = prepared("T12", "L1")
    sheet.done("K07-T12", "K08a-T12")
    sheet.side("T12", "left", volume=ml("2.5"), leak=["none"])
    assert sheet.progress.summary().leak is False
    sheet.done("K08a-L1")
    needle = START + timedelta(minutes=1)
    sheet.access("L1", "right")
    sheet.add(EventKind.STEP_DONE, step_key="K08b-L1-right", performed_at=needle)
    sheet.done("K09a-L1-right", "K09b-L1-right")
    cement = sheet.done("K09d-L1-right", volume=ml("3.75"), leak=["disc", "cortical"])
    out = sheet.step("K09e-T12-left").live[0].performed_at
    sheet.done("EV-COMPLICATION", type="leak")
    wrong = sheet.done("EV-COMPLICATION", type="bleeding")
    sheet.void("EV-COMPLICATION", wrong)
    summary = sheet.progress.summary()
    assert summary.levels == ["T12", "L1"]
    assert (summary.first_needle_at, summary.last_needle_out_at) == (needle, out)
    assert (summary.leak, summary.complications) == (True, 1)
    assert summary.cement_ml == Decimal("6.3")  # to the tenth, as the column holds it
    sheet.void("K09d-L1-right", cement)
    summary = sheet.progress.summary()
    assert (summary.cement_ml, summary.leak) == (Decimal("2.5"), False)


def test_nobody_answered_is_not_no_leak() -> None:
    sheet = prepared("L1")
    summary = sheet.progress.summary()
    assert (summary.leak, summary.cement_ml, summary.first_needle_at) == (None, Decimal(0), None)


def test_the_spine_shows_open_begun_and_settled() -> None:
    sheet = Sheet("T12", "L1")
    assert sheet.progress.summary().spine == "." * 11
    sheet.done("PRE-ID", "K01", "K06a")
    assert sheet.progress.summary().spine == "d....~....."
    sheet.mark("K02")
    assert sheet.progress.summary().spine == "dd...~....."
    sheet.done("K07-L1")
    assert sheet.progress.summary().spine[6] == "~"


def test_the_status_of_the_summary_is_that_of_the_case() -> None:
    sheet = Sheet()
    assert sheet.progress.summary().status is CaseStatus.IN_PROGRESS
    sheet.done("REC-TURN")
    assert sheet.progress.summary().status is CaseStatus.RECOVERY


def test_a_protocol_without_milestones_still_gives_a_summary() -> None:
    plain = Sheet()
    protocol = replace(
        plain.protocol, steps=tuple(replace(step, milestone=None) for step in plain.protocol.steps)
    )
    sheet = Sheet("L1", protocol=protocol)
    sheet.done("REC-TURN")
    summary = sheet.progress.summary()
    assert (summary.status, summary.first_needle_at, summary.complications) == (
        CaseStatus.IN_PROGRESS,
        None,
        0,
    )
