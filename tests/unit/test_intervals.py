"""What came of the clocks, and what a step should have waited for; and how that is said."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from procedures import intervals, timing
from procedures.intervals import Outcome, Verdict
from procedures.state import EventKind
from tests.sheet import Sheet
from tests.unit.test_timers import BANDS, NOON, at, cemented, done


def outcome(sheet: Sheet, key: str, moment: datetime = NOON, where: str = "") -> Outcome:
    """What came of a clock, at a level and side where it has them."""
    found = intervals.outcomes(sheet.progress, moment)
    return next(o for o in found if (o.run.timer.key, f"{o.level} {o.side}".strip()) == (key, where))


def said(sheet: Sheet, key: str, moment: datetime, **values: Any) -> list[str]:
    """What speaks against doing a step then."""
    return [u.sentence for u in timing.untimely(sheet.progress, sheet.place(key), values, moment)]


# For the record -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "verdict"),
    [(60, Verdict.IN_TIME), (60.1, Verdict.TOO_LATE), (-1, Verdict.AFTER), (None, Verdict.RUNNING)],
)
def test_the_interval_from_antibiotic_to_needle_is_judged(minutes: float | None, verdict: Verdict) -> None:
    sheet = Sheet("L1")
    sheet.access("L1", "left")
    done(sheet, "ABX")
    if minutes is not None:
        done(sheet, "K08b-L1-left", at(minutes))
    found = outcome(sheet, "antibiotic", at(30))
    assert found.verdict is verdict
    assert found.until == at(30 if minutes is None else minutes)


@pytest.mark.parametrize(
    ("minutes", "verdict"), [(14.9, Verdict.TOO_EARLY), (15, Verdict.IN_TIME), (40, Verdict.IN_TIME)]
)
def test_hardening_minutes_stand_for_each_level(minutes: float, verdict: Verdict) -> None:
    sheet = cemented("T12", "L1")
    done(sheet, "K09d-T12-left")
    done(sheet, "K09d-L1-left", at(1))
    done(sheet, "K09f-T12", at(minutes), sample_hard=True)
    assert outcome(sheet, "cement_hardening", where="T12").verdict is verdict
    assert outcome(sheet, "cement_hardening", at(5), "L1").verdict is Verdict.RUNNING


def test_missed_observations_are_counted_and_never_forgotten() -> None:
    sheet = Sheet()
    done(sheet, "REC-TURN")
    for minutes in (15, 31, 60):
        done(sheet, "REC-OBS", at(minutes))
    done(sheet, "DIS", at(130))
    found = outcome(sheet, "recovery_observations", at(500))
    assert (found.verdict, found.taken, found.missed) == (Verdict.MISSED, 3, (at(45), at(90)))


def test_each_injection_is_judged_by_the_batch_it_names() -> None:
    sheet = Sheet("L1")
    sheet.side("L1", "left", ("K08b", "K09a", "K09b"))
    sheet.side("L1", "right", ("K08b", "K09a", "K09b"))
    cement: Any = {"cement": {"id": 1, "name": "A", "bands": BANDS}}
    first = done(sheet, "K09c", **cement)
    done(sheet, "K09c", at(10), **cement)
    done(sheet, "K09d-L1-left", at(13), batch={"seq": first, "key": "K09c"})
    done(sheet, "K09d-L1-right", at(16))
    left, right = (
        outcome(sheet, "cement_working", where="L1 left"),
        outcome(sheet, "cement_working", where="L1 right"),
    )
    assert (left.run.number, left.verdict) == (1, Verdict.TOO_LATE)
    assert (right.run.number, right.verdict) == (2, Verdict.IN_TIME)
    sheet.void("K09c", first)
    assert outcome(sheet, "cement_working", where="L1 left").run.since == at(10)


# While it can still be waited for -----------------------------------------------------------------------------------


def test_draping_before_the_skin_is_dry_is_said_and_stops_being_said() -> None:
    sheet = Sheet()
    done(sheet, "K06a")
    assert said(sheet, "K06b", at(1.9)) == ["Skin drying: 1 of 3 min have passed."]
    assert said(sheet, "K06b", at(3)) == []
    assert said(sheet, "CHK-TO", at(1)) == []


def test_hardening_is_waited_for_at_its_own_level_and_before_the_turn_at_all() -> None:
    sheet = cemented("T12", "L1")
    done(sheet, "K09d-T12-left", at(0))
    done(sheet, "K09d-L1-left", at(5))
    sentence = "Cement hardening, %s: %s of 15 min have passed."
    assert said(sheet, "K09f-T12", at(12)) == [sentence % ("T12", 12)]
    assert said(sheet, "K09f-L1", at(16)) == [sentence % ("L1", 11)]
    done(sheet, "K09f-T12", at(12), sample_hard=True)
    done(sheet, "K09f-L1", at(12), sample_hard=True)
    assert set(said(sheet, "REC-TURN", at(14))) == {sentence % ("T12", 14), sentence % ("L1", 9)}
    assert said(sheet, "REC-TURN", at(17)) == [sentence % ("L1", 12)]
    assert said(sheet, "REC-TURN", at(20)) == []


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (2, "Batch 1 was mixed 2:00 ago: too early, it can be injected from 5:00."),
        (8, ""),
        (12.5, "Batch 1 was mixed 12:30 ago: too late, it could be injected until 12:00."),
        (70, "Batch 1 was mixed 1:10:00 ago: too late, it could be injected until 12:00."),
    ],
)
def test_cement_out_of_its_time_is_said(minutes: float, words: str) -> None:
    assert "".join(said(cemented("L1"), "K09d-L1-left", at(minutes))) == words


def test_cement_of_which_nobody_knows_the_times_says_nothing() -> None:
    assert said(cemented("L1", bands=[]), "K09d-L1-left", at(90)) == []


def test_a_wait_blocks_nobody_in_an_emergency_or_otherwise() -> None:
    """Only the hand that felt the sample stands before the turn, and an emergency turns that into a warning too."""
    sheet = Sheet()
    done(sheet, "K06a")
    assert sheet.waits_for("K06b") == set()
    sheet.add(EventKind.EMERGENCY_ON)
    assert said(sheet, "K06b", at(0) + timedelta(seconds=5)) == ["Skin drying: 0 of 3 min have passed."]
