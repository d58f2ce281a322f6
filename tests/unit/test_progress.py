"""What is owed, settled, missing and next, and the summary: the shipped protocol, on paper."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from procedures.definitions import Key, Phase
from procedures.progress import Place
from procedures.state import CaseStatus, EventKind, LevelStatus, StepStatus
from tests.sheet import NURSE, OTHER, START, Sheet, ml

AFTER = ("K10", "K11", "CNT", "CLO", "CHK-OUT", "REC-TURN", "REC-HO", "REC-OBS", "REC-SCO", "DIS")


def prepared(*levels: str) -> Sheet:
    sheet = Sheet(*levels)
    sheet.prepare()
    return sheet


def keys(places: list[Place]) -> list[str]:
    return [str(place.key) for place in places]


# Rows ---------------------------------------------------------------------------------------------------------------


def test_rows_stand_in_the_order_of_work() -> None:
    places = list(Sheet("L1", "T12").progress.places.values())
    order = list(Phase)
    phases = [order.index(p.definition.phase) for p in places]
    assert phases == sorted(phases)
    in_levels = [str(p.key) for p in places if p.definition.phase is Phase.LEVEL]
    assert in_levels.index("K09f-T12") < in_levels.index("K07-L1")
    assert in_levels.count("K09c") == 1


def test_an_access_without_a_side_is_one_row_that_asks_for_it() -> None:
    sheet = Sheet("L1")
    assert sheet.place("K08b-L1").needs_side
    sheet.access("L1", "right")
    assert sheet.progress.place("K08b-L1") is not None
    assert "K08b-L1" not in sheet.progress.places
    assert not sheet.place("K08b-L1-right").needs_side
    assert not sheet.place("K08b-L1-left").needs_side  # may be opened


@pytest.mark.parametrize(
    "text", ["K99", "K07", "K07-L2", "K07-L1-left", "K08b-L2-left", "K01-L1", "", "K08b", "K08b-T13-left"]
)
def test_the_case_has_no_such_row(text: str) -> None:
    assert Sheet("L1").progress.place(text) is None


def test_a_withdrawn_level_has_no_rows() -> None:
    sheet = Sheet("L1", "L2", started=False)
    sheet.add(EventKind.LEVEL_WITHDRAWN, values={"level": "L2"})
    assert sheet.progress.place("K07-L2") is None
    assert sheet.progress.place("K08b-L2-left") is None


def test_without_a_level_the_batch_still_has_its_row() -> None:
    sheet = Sheet("L1", started=False)
    sheet.add(EventKind.LEVEL_WITHDRAWN, values={"level": "L1"})
    assert "K09c" in sheet.progress.places


# Order --------------------------------------------------------------------------------------------------------------


def test_sedation_and_position_come_in_either_order() -> None:
    sheet = Sheet(anaesthesia="sedation")
    sheet.done("PRE-ID", "PRE-CON", "PRE-SCR", "PRE-MARK", "K01", "K02", "K03", "CHK-IN")
    assert sheet.waits_for("K04") == sheet.waits_for("K05") == set()
    sheet.done("K05")
    assert sheet.waits_for("K04") == set()


def test_under_general_anaesthesia_the_patient_is_turned_after_induction() -> None:
    sheet = Sheet(anaesthesia="general")
    sheet.done("PRE-ID", "PRE-CON", "PRE-SCR", "PRE-MARK", "K01", "K02", "K03", "CHK-IN")
    assert sheet.waits_for("K05") == {"K04"}
    sheet.done("K04")
    assert sheet.waits_for("K05") == set()


def test_a_soft_requirement_warns_and_a_hard_one_stands_first() -> None:
    sheet = prepared("L1")
    sheet.access("L1", "left")
    assert sheet.waits_for("K08b-L1-left") == {"K08a-L1"}
    assert sheet.waits_for("K08b-L1-left", hard=False) == {"K07-L1"}
    unmet = sheet.progress.unmet(sheet.place("K08b-L1-left"))
    assert [u.requirement.hard for u in unmet] == [True, False]


def test_levels_do_not_wait_for_each_other() -> None:
    sheet = prepared("T12", "L1")
    sheet.done("K08a-T12")
    sheet.side("T12", "left", ("K08b", "K09a"))
    sheet.done("K08a-L1")
    assert sheet.waits_for("K08b-L1-left") == set()
    sheet.side("L1", "left", ("K08b",))
    assert sheet.waits_for("K09a-L1-left") == set()
    assert sheet.waits_for("K09d-L1-left") == {"K09b-L1-left"}
    assert sheet.waits_for("K09d-T12-left") == {"K09b-T12-left"}
    sheet.done("K09b-T12-left")
    assert sheet.waits_for("K09d-T12-left") == set()
    assert sheet.waits_for("K09d-L1-left") == {"K09b-L1-left"}


def test_sides_do_not_wait_for_each_other() -> None:
    sheet = prepared("L1")
    sheet.done("K08a-L1")
    sheet.side("L1", "left", ("K08b", "K09a", "K09b"))
    sheet.side("L1", "right", ("K08b",))
    assert sheet.waits_for("K09d-L1-left") == set()
    assert sheet.waits_for("K09d-L1-right") == {"K09b-L1-right"}


def test_one_vertebra_from_one_side_another_from_both() -> None:
    sheet = prepared("T12", "L1")
    sheet.whole_level("T12", "left")
    sheet.whole_level("L1", "left", "right")
    assert sheet.waits_for("K10") == set()
    levels = {level.vertebra: sheet.progress.level_status(level) for level in sheet.state.in_order()}
    assert set(levels.values()) == {LevelStatus.COMPLETED}
    sheet.done(*AFTER)
    assert sheet.open() == set()


def test_not_applicable_satisfies_and_not_done_satisfies_only_what_is_soft() -> None:
    sheet = Sheet()
    sheet.mark("PRE-ID")
    assert sheet.waits_for("K02") == set()
    sheet = Sheet()
    sheet.mark("PRE-ID", StepStatus.NOT_DONE)
    assert sheet.waits_for("K02") == {"PRE-ID"}
    assert sheet.waits_for("K01", hard=False) == set()


def test_a_void_takes_the_satisfaction_back() -> None:
    sheet = Sheet()
    seq = sheet.done("PRE-ID")
    assert sheet.waits_for("K02") == set()
    sheet.void("PRE-ID", seq)
    assert sheet.waits_for("K02") == {"PRE-ID"}


# What went in must come out -----------------------------------------------------------------------------------------


def test_two_balloons_in_need_two_out() -> None:
    sheet = prepared("L1")
    sheet.done("K08a-L1")
    sheet.side("L1", "left", ("K08b", "K09a", "K09a", "K09b"))
    out = sheet.place("K09b-L1-left")
    assert sheet.progress.behind_partner(out)
    assert not sheet.progress.settled(out)
    assert sheet.waits_for("K09d-L1-left") == {"K09b-L1-left"}
    assert [(str(d.key), d.what) for d in sheet.progress.deficits if d.what == "partner"] == [
        ("K09b-L1-left", "partner")
    ]
    sheet.done("K09b-L1-left")
    assert sheet.progress.settled(sheet.place("K09b-L1-left"))
    assert sheet.waits_for("K09d-L1-left") == set()


@pytest.mark.parametrize("status", [StepStatus.NOT_APPLICABLE, StepStatus.NOT_DONE])
def test_a_mark_given_before_the_balloon_went_in_settles_nothing(status: StepStatus) -> None:
    sheet = prepared("L1")
    sheet.done("K08a-L1")
    sheet.side("L1", "left", ("K08b",))
    sheet.mark("K09b-L1-left", status)
    assert sheet.progress.settled(sheet.place("K09b-L1-left"))
    sheet.done("K09a-L1-left")
    assert not sheet.progress.settled(sheet.place("K09b-L1-left"))
    assert sheet.waits_for("K09d-L1-left") == {"K09b-L1-left"}
    assert "K09b-L1-left" in sheet.open("L1")


def test_an_abandoned_level_owes_what_is_inside_and_nothing_else() -> None:
    sheet = prepared("L1", "L2")
    sheet.done("K08a-L1")
    sheet.side("L1", "left", ("K08b", "K09a"))
    sheet.add(EventKind.LEVEL_ABANDONED, values={"level": "L1"}, reason="pain")
    assert sheet.open("L1") == {"K09b-L1-left", "K09e-L1-left"}
    assert {"K09e-L1-left"} < sheet.waits_for("K10")
    sheet.done("K09b-L1-left", "K09e-L1-left")
    assert sheet.open("L1") == set()
    assert sheet.waits_for("K10") == {"K09e-L2"}
    sheet.whole_level("L2", "left")
    assert sheet.waits_for("K10") == set()
    assert sheet.waits_for("REC-TURN") == {"CHK-OUT"}


def test_a_level_abandoned_with_cement_still_waits_until_it_is_hard() -> None:
    sheet = prepared("L1")
    sheet.done("K08a-L1")
    sheet.side("L1", "left", ("K08b", "K09a", "K09b", "K09d"))
    sheet.add(EventKind.LEVEL_ABANDONED, values={"level": "L1"}, reason="leak")
    assert sheet.open("L1") == {"K09e-L1-left", "K09f-L1"}
    assert "K09f-L1" in sheet.waits_for("REC-TURN")


def test_a_level_abandoned_before_the_needle_owes_nothing() -> None:
    sheet = prepared("L1", "L2")
    sheet.done("K07-L1")
    sheet.add(EventKind.LEVEL_ABANDONED, values={"level": "L1"}, reason="numbering")
    assert sheet.open("L1") == set()
    assert sheet.waits_for("K10") == {"K09e-L2"}


def test_a_deferred_level_holds_nothing_up_and_its_local_anaesthetic_stays_recorded() -> None:
    sheet = prepared("L1", "L2")
    sheet.done("K07-L1")
    sheet.add(EventKind.LEVEL_DEFERRED, values={"level": "L1"}, reason="too long")
    sheet.whole_level("L2", "left")
    assert sheet.waits_for("K10") == set()
    assert sheet.progress.level_status(sheet.state.levels["L1"]) is LevelStatus.DEFERRED
    assert sheet.progress.settled(sheet.place("K07-L1"))
    assert sheet.progress.expected(sheet.place("K07-L1"))


def test_closing_taken_back_makes_the_level_owe_again() -> None:
    sheet = prepared("L1")
    before = sheet.open("L1")
    closed = sheet.add(EventKind.LEVEL_DEFERRED, values={"level": "L1"}, reason="x")
    assert sheet.open("L1") == set()
    sheet.add(EventKind.EVENT_VOIDED, about=closed, values={"level": "L1"}, reason="y")
    assert sheet.open("L1") == before


def test_a_completed_level_is_open_again_when_an_entry_is_voided() -> None:
    sheet = prepared("L1")
    sheet.whole_level("L1", "left")
    assert sheet.progress.level_status(sheet.state.levels["L1"]) is LevelStatus.COMPLETED
    entry = sheet.step("K09f-L1").live[-1]
    sheet.void("K09f-L1", entry.seq)
    assert sheet.progress.level_status(sheet.state.levels["L1"]) is LevelStatus.OPEN


def test_a_second_side_opens_a_completed_level_again() -> None:
    sheet = prepared("L1")
    sheet.whole_level("L1", "left")
    sheet.access("L1", "right")
    assert sheet.progress.level_status(sheet.state.levels["L1"]) is LevelStatus.OPEN
    assert "K08b-L1-right" in sheet.open("L1")


# Cement -------------------------------------------------------------------------------------------------------------


def test_one_batch_serves_two_levels_and_one_level_takes_two_batches() -> None:
    sheet = prepared("T12", "L1")
    first = sheet.step("K09c").live[0].seq
    sheet.done("K08a-T12", "K08a-L1")
    sheet.side("T12", "left", ("K08b", "K09a", "K09b"))
    sheet.side("L1", "left", ("K08b", "K09a", "K09b"))
    sheet.done("K09d-T12-left", batch={"seq": first, "key": "K09c"}, volume=ml("2.5"))
    sheet.done("K09d-L1-left", batch={"seq": first, "key": "K09c"}, volume=ml("1.5"))
    second = sheet.done("K09c")
    sheet.done("K09d-L1-left", batch={"seq": second, "key": "K09c"}, volume=ml("1"))
    assert len(sheet.step("K09d-L1-left").live) == 2
    assert sheet.progress.summary().cement_ml == Decimal(5)
    assert sheet.waits_for("K09f-L1") == set()


def test_hardened_needs_cement_on_one_side_at_least() -> None:
    sheet = prepared("L1")
    sheet.done("K08a-L1")
    sheet.side("L1", "left", ("K08b", "K09a", "K09b"))
    assert sheet.waits_for("K09f-L1") == {"K09d-L1-left"}
    sheet.done("K09d-L1-left")
    assert sheet.waits_for("K09f-L1") == set()


def test_the_turn_waits_for_every_level_that_has_cement_and_for_a_hard_sample() -> None:
    sheet = prepared("T12", "L1")
    sheet.whole_level("T12", "left")
    sheet.done("K08a-L1")
    sheet.side("L1", "left")
    sheet.done("K10", "K11", "CNT", "CLO", "CHK-OUT")
    assert sheet.waits_for("REC-TURN") == {"K09f-L1"}
    seq = sheet.done("K09f-L1", sample_hard=False)
    assert sheet.waits_for("REC-TURN") == {"K09f-L1"}
    sheet.add(
        EventKind.STEP_CORRECTED,
        step_key="K09f-L1",
        about=seq,
        values={"values": {"sample_hard": True}},
        reason="hard",
    )
    assert sheet.waits_for("REC-TURN") == set()


def test_without_cement_there_is_no_waiting_for_it() -> None:
    sheet = prepared("L1")
    sheet.done("K08a-L1")
    sheet.access("L1", "left")
    sheet.done("K08b-L1-left")
    for key in ("K09a-L1-left", "K09d-L1-left"):
        sheet.mark(key)
    sheet.done("K09e-L1-left", "K10", "K11", "CNT", "CLO", "CHK-OUT")
    assert not sheet.progress.expected(sheet.place("K09b-L1-left"))
    assert not sheet.progress.expected(sheet.place("K09f-L1"))
    assert sheet.waits_for("REC-TURN") == set()


def test_sign_out_waits_for_counts_that_match() -> None:
    sheet = prepared("L1")
    sheet.whole_level("L1", "left")
    sheet.done("K10", "K11", "CLO")
    assert sheet.waits_for("CHK-OUT") == {"CNT"}
    sheet.done("CNT", match=False)
    assert sheet.waits_for("CHK-OUT") == {"CNT"}
    sheet.done("CNT", match=True)
    assert sheet.waits_for("CHK-OUT") == set()
    sheet.done("CNT", match=False)
    assert sheet.waits_for("CHK-OUT") == {"CNT"}


# Totals and what is next --------------------------------------------------------------------------------------------


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
