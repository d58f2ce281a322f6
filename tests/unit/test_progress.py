"""What is owed, settled and waited for: the shipped protocol, on paper."""

from decimal import Decimal

import pytest

from procedures.definitions import Phase
from procedures.state import EventKind, LevelStatus, StepStatus
from tests.sheet import Sheet, ml

AFTER = ("K10", "K11", "CNT", "CLO", "CHK-OUT", "REC-TURN", "REC-HO", "REC-OBS", "REC-SCO", "DIS")


def prepared(*levels: str) -> Sheet:
    sheet = Sheet(*levels)
    sheet.prepare()
    return sheet


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
