"""The clocks at each of their thresholds, on paper: a frozen moment, the shipped protocol, and what the clock says."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procedures import timers
from procedures.definitions import Phase, Repeats
from procedures.fold import replay
from procedures.state import EventKind, StepStatus
from procedures.timers import Run, Severity, Stage, Word
from tests.sheet import SHIPPED, START, Sheet

LONDON = ZoneInfo("Europe/London")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BANDS = [
    {"above": None, "from": "5", "until": "12"},
    {"above": "23.0", "from": "3.5", "until": "8"},
]


def at(minutes: float, start: datetime = NOON) -> datetime:
    """So many minutes after noon."""
    return start + timedelta(minutes=minutes)


def done(sheet: Sheet, key: str, moment: datetime = NOON, **values: Any) -> int:
    """A step done at that moment."""
    return sheet.add(EventKind.STEP_DONE, step_key=key, values=values, performed_at=moment)


def clock(sheet: Sheet, key: str) -> Run:
    """The clock with that name."""
    return next(run for run in timers.runs(sheet.progress) if run.key == key)


def keys(sheet: Sheet) -> set[str]:
    """The clocks that run."""
    return {run.key for run in timers.running(sheet.progress)}


def says(sheet: Sheet, key: str, minutes: float) -> tuple[Word, Severity]:
    """What a clock says so many minutes after noon."""
    found = timers.stage(clock(sheet, key), at(minutes))
    return found.word, found.severity


def cemented(*levels: str, temperature: str = "", bands: Any = BANDS) -> Sheet:
    """Cases with needles in and a batch mixed at noon."""
    sheet = Sheet(*levels)
    for level in levels:
        sheet.side(level, "left", ("K08b", "K09a", "K09b"))
    values: dict[str, Any] = {"cement": {"id": 1, "name": "A", "lot": "1", "expires": "", "bands": bands}}
    if temperature:
        values["room_temp"] = {"amount": temperature, "unit": "Cel"}
    done(sheet, "K09c", **values)
    return sheet


# Each kind at its thresholds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "word", "severity"),
    [
        (0, Word.LEFT, Severity.OK),
        (44.99, Word.LEFT, Severity.OK),
        (45, Word.LEFT, Severity.SOON),
        (59.99, Word.LEFT, Severity.SOON),
        (60, Word.PAST, Severity.OVER),
        (600, Word.PAST, Severity.OVER),
    ],
)
def test_the_antibiotic_holds_an_hour(minutes: float, word: Word, severity: Severity) -> None:
    sheet = Sheet()
    done(sheet, "ABX")
    assert says(sheet, "antibiotic", minutes) == (word, severity)
    assert timers.stage(clock(sheet, "antibiotic"), at(minutes)).zero == at(60)


@pytest.mark.parametrize(("minutes", "word"), [(0, Word.WAIT), (2.99, Word.WAIT), (3, Word.READY)])
def test_skin_dries_for_three_minutes(minutes: float, word: Word) -> None:
    sheet = Sheet()
    done(sheet, "K06a")
    assert says(sheet, "skin_drying", minutes) == (word, Severity.OK)


@pytest.mark.parametrize(
    ("minutes", "word", "severity"),
    [
        (14.99, Word.WAIT, Severity.OK),
        (15, Word.CHECK, Severity.SOON),
        (19.99, Word.CHECK, Severity.SOON),
        (20, Word.LONG, Severity.OVER),
    ],
)
def test_cement_hardens_fifteen_to_twenty_minutes_at_each_level(
    minutes: float, word: Word, severity: Severity
) -> None:
    sheet = cemented("T12", "L1")
    done(sheet, "K09d-T12-left", at(-5))
    done(sheet, "K09d-L1-left")
    assert {"cement_hardening-T12", "cement_hardening-L1"} <= keys(sheet)
    assert says(sheet, "cement_hardening-L1", minutes) == (word, severity)
    assert says(sheet, "cement_hardening-T12", minutes - 5) == (word, severity)
    done(sheet, "K09f-T12", at(30), sample_hard=True)
    assert clock(sheet, "cement_hardening-T12").ended == at(30)
    assert "cement_hardening-L1" in keys(sheet)


def test_the_last_injection_of_a_level_counts_and_a_new_one_starts_again() -> None:
    sheet = Sheet("L1")
    sheet.side("L1", "left", ("K08b",))
    sheet.side("L1", "right", ("K08b",))
    done(sheet, "K09d-L1-left", at(0))
    done(sheet, "K09d-L1-right", at(4))
    assert clock(sheet, "cement_hardening-L1").since == at(4)
    done(sheet, "K09f-L1", at(20), sample_hard=True)
    assert "cement_hardening-L1" not in keys(sheet)
    done(sheet, "K09d-L1-left", at(30))
    assert clock(sheet, "cement_hardening-L1").since == at(30)
    assert "cement_hardening-L1" in keys(sheet)


@pytest.mark.parametrize(
    ("temperature", "minutes", "word", "severity"),
    [
        ("", 0, Word.EARLY, Severity.SOON),
        ("", 4.99, Word.EARLY, Severity.SOON),
        ("", 5, Word.INJECT, Severity.OK),
        ("", 11, Word.INJECT, Severity.SOON),
        ("", 12, Word.TOO_LATE, Severity.OVER),
        ("22.9", 5, Word.INJECT, Severity.OK),
        ("23.0", 3.49, Word.EARLY, Severity.SOON),
        ("23.0", 3.5, Word.INJECT, Severity.OK),
        ("25", 8, Word.TOO_LATE, Severity.OVER),
    ],
)
def test_cement_is_too_early_then_to_inject_then_too_late(
    temperature: str, minutes: float, word: Word, severity: Severity
) -> None:
    sheet = cemented("L1", temperature=temperature)
    assert says(sheet, "cement_working", minutes) == (word, severity)
    assert timers.stage(clock(sheet, "cement_working"), at(minutes)).zero == NOON


def test_cement_that_the_catalogue_does_not_know_counts_up() -> None:
    sheet = cemented("L1", bands=[])
    assert says(sheet, "cement_working", 90) == (Word.RUNNING, Severity.OK)


def test_a_new_batch_takes_over_and_the_clock_ends_with_the_last_injection() -> None:
    sheet = cemented("T12", "L1")
    done(sheet, "K09d-T12-left", at(6))
    assert "cement_working" in keys(sheet)
    done(sheet, "K09c", at(10))
    assert (clock(sheet, "cement_working").since, clock(sheet, "cement_working").number) == (at(10), 2)
    done(sheet, "K09d-L1-left", at(16))
    assert clock(sheet, "cement_working").ended == at(16)


# Schedules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "word", "severity", "due", "gone"),
    [
        (0, Word.NEXT, Severity.OK, 5, []),
        (3.75, Word.NEXT, Severity.SOON, 5, []),
        (5, Word.DUE, Severity.OVER, 5, []),
        (7.49, Word.DUE, Severity.OVER, 5, []),
        (7.5, Word.NEXT, Severity.OK, 10, [5]),
        (12.5, Word.NEXT, Severity.OK, 15, [5, 10]),
    ],
)
def test_vitals_are_due_every_five_minutes_under_sedation(
    minutes: float, word: Word, severity: Severity, due: int, gone: list[int]
) -> None:
    sheet = Sheet()
    done(sheet, "K04", mode="moderate")
    found = timers.stage(clock(sheet, "sedation_vitals"), at(minutes))
    assert (found.word, found.severity, found.zero) == (word, severity, at(due))
    assert found.missed == tuple(at(m) for m in gone)


def test_an_entry_counts_for_the_nearest_due_time() -> None:
    sheet = Sheet()
    done(sheet, "K04", mode="moderate")
    for minutes in (1, 4, 8, 17.5):  # too soon, the first, the second, the fourth; the third stays missed
        done(sheet, "EV-VITALS", at(minutes))
    run = clock(sheet, "sedation_vitals")
    assert run.met == (1, 2, 4)
    assert timers.missed(run, at(20)) == (at(15),)
    assert timers.stage(run, at(20)).missed == (at(15),)
    assert timers.stage(run, at(20)).zero == at(25)


def test_recovery_is_observed_four_times_and_then_twice_and_what_was_missed_stays() -> None:
    sheet = Sheet()
    done(sheet, "REC-TURN")
    done(sheet, "REC-OBS", at(15))
    done(sheet, "REC-OBS", at(47))
    run = clock(sheet, "recovery_observations")
    assert [slot.due for slot in timers.slots(run)] == [at(m) for m in (15, 30, 45, 60, 90, 120)]
    assert run.met == (1, 3)
    assert timers.missed(run, at(70)) == (at(30),)
    assert timers.missed(run, at(75)) == (at(30), at(60))
    last = timers.stage(run, at(400))
    assert (last.word, last.missed) == (Word.ALL, (at(30), at(60), at(90), at(120)))
    done(sheet, "DIS", at(80))
    assert timers.missed(clock(sheet, "recovery_observations"), at(400)) == (at(30), at(60))


def test_a_late_correction_meets_what_was_missed_and_a_void_takes_it_away() -> None:
    sheet = Sheet()
    done(sheet, "REC-TURN")
    seq = done(sheet, "REC-OBS", at(50))
    assert timers.missed(clock(sheet, "recovery_observations"), at(45)) == (at(15), at(30))
    sheet.add(
        EventKind.STEP_CORRECTED,
        step_key="REC-OBS",
        about=seq,
        values={"values": {}, "was": {}, "performed_at": at(31).isoformat(), "was_at": at(50).isoformat()},
        reason="read the wrong line",
    )
    assert timers.missed(clock(sheet, "recovery_observations"), at(45)) == (at(15),)
    sheet.void("REC-OBS", seq)
    assert timers.missed(clock(sheet, "recovery_observations"), at(45)) == (at(15), at(30))


# What starts, moves and ends a clock --------------------------------------------------------------------------------


def test_a_correction_moves_the_clock_and_a_void_stops_it() -> None:
    sheet = Sheet()
    seq = done(sheet, "ABX")
    sheet.add(
        EventKind.STEP_CORRECTED,
        step_key="ABX",
        about=seq,
        values={"values": {}, "was": {}, "performed_at": at(-30).isoformat(), "was_at": NOON.isoformat()},
        reason="given before",
    )
    assert says(sheet, "antibiotic", 0) == (Word.LEFT, Severity.OK)
    assert says(sheet, "antibiotic", 30) == (Word.PAST, Severity.OVER)
    sheet.void("ABX", seq)
    assert "antibiotic" not in keys(sheet)


def test_the_first_needle_ends_the_window_for_good() -> None:
    sheet = Sheet("T12", "L1")
    sheet.access("T12", "left")
    sheet.access("L1", "left")
    done(sheet, "ABX", at(0))
    done(sheet, "ABX", at(10))
    done(sheet, "K08b-T12-left", at(40))
    run = clock(sheet, "antibiotic")
    assert (run.since, run.ended) == (at(10), at(40))
    done(sheet, "ABX", at(100))
    done(sheet, "K08b-L1-left", at(120))
    assert clock(sheet, "antibiotic") == run


def test_marking_the_end_as_not_applicable_ends_the_clock() -> None:
    sheet = Sheet()
    done(sheet, "K06a", at(-60 * 24))
    assert "skin_drying" in keys(sheet)
    sheet.mark("K06b", StepStatus.NOT_APPLICABLE)
    assert "skin_drying" not in keys(sheet)


def test_the_end_of_a_case_ends_its_clocks_but_a_stop_does_not() -> None:
    for kind, left in ((EventKind.CASE_STOPPED, {"antibiotic"}), (EventKind.CASE_COMPLETED, set())):
        sheet = Sheet()
        done(sheet, "ABX")
        sheet.add(kind, reason="x", performed_at=at(5))
        assert keys(sheet) == left
        assert timers.stages(clock(sheet, "antibiotic"), at(5))


def test_vitals_after_cement_run_at_each_access() -> None:
    sheet = Sheet("L1")
    sheet.access("L1", "left", "right")
    done(sheet, "EV-VITALS", at(-1))
    done(sheet, "K09d-L1-left", at(0))
    done(sheet, "K09d-L1-right", at(2))
    assert {"cement_vitals-L1-left", "cement_vitals-L1-right"} <= keys(sheet)
    assert says(sheet, "cement_vitals-L1-left", 2) == (Word.LEFT, Severity.SOON)
    assert says(sheet, "cement_vitals-L1-left", 3) == (Word.PAST, Severity.OVER)
    done(sheet, "EV-VITALS", at(2))
    assert not {"cement_vitals-L1-left", "cement_vitals-L1-right"} & keys(sheet)


# The time itself ----------------------------------------------------------------------------------------------------


def test_a_clock_runs_across_midnight() -> None:
    sheet = Sheet("L1")
    sheet.access("L1", "left")
    late = datetime(2026, 11, 22, 23, 50, tzinfo=LONDON)
    done(sheet, "K09d-L1-left", late)
    run = clock(sheet, "cement_hardening-L1")
    assert timers.stage(run, late + timedelta(minutes=14)).word is Word.WAIT
    assert timers.stage(run, late + timedelta(minutes=15)).word is Word.CHECK
    assert timers.stage(run, late).zero == datetime(2026, 11, 23, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "passed"),
    [
        # 01:55 BST: five minutes later it is 01:00 GMT again.
        (
            datetime(2026, 10, 25, 1, 55, tzinfo=LONDON, fold=0),
            datetime(2026, 10, 25, 1, 10, tzinfo=LONDON, fold=1),
        ),
        # 00:55 GMT: five minutes later it is 02:00 BST.
        (datetime(2026, 3, 29, 0, 55, tzinfo=LONDON), datetime(2026, 3, 29, 2, 10, tzinfo=LONDON)),
    ],
)
def test_minutes_are_true_minutes_in_the_nights_of_a_change_of_clocks(
    start: datetime, passed: datetime
) -> None:
    sheet = Sheet("L1")
    sheet.access("L1", "left")
    done(sheet, "K09d-L1-left", start)
    run = clock(sheet, "cement_hardening-L1")
    utc = passed.astimezone(UTC)
    assert utc - start.astimezone(UTC) == timedelta(minutes=15)
    assert timers.stage(run, utc).word is Word.CHECK
    assert timers.stage(run, passed).word is Word.CHECK
    assert timers.stage(run, utc - timedelta(seconds=1)).word is Word.WAIT


# Whatever happens ---------------------------------------------------------------------------------------------------

STEPS = sorted(
    {code for t in SHIPPED.timers for code in (t.starts_on, t.ends_on, t.met_by) if code}
    | {"K08b", "EV-NOTE"}
)
PLACES = {Repeats.ONCE: [""], Repeats.LEVEL: ["-L1", "-T12"], Repeats.ACCESS: ["-L1-left", "-L1-right"]}
ANY_TIME = {step.code for step in SHIPPED.phase(Phase.ANY)}
KEYS = [f"{code}{place}" for code in STEPS for place in PLACES[SHIPPED.by_code[code].repeats]]
acts = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.integers(-5000, 5000),
        st.sampled_from(["done", "done", "done", "void", "mark", "correct"]),
        st.sampled_from([BANDS, [], BANDS[1:]]),
    ),
    max_size=25,
)


def played(course: list[Any]) -> Sheet:
    """Any acts in any order, at any time."""
    sheet = Sheet("T12", "L1")
    sheet.access("L1", "left", "right")
    for key, minutes, act, bands in course:
        live = sheet.step(key).live
        if act == "done":
            values = {"cement": {"id": 1, "name": "A", "bands": bands}} if key == "K09c" else {}
            done(sheet, key, at(minutes, START), **values)
        elif act == "mark" and not sheet.step(key).mark and key not in ANY_TIME:
            sheet.mark(key)
        elif live and act == "void":
            sheet.void(key, live[-1].seq)
        elif live:
            moved = {"values": {}, "was": {}, "performed_at": at(minutes, START).isoformat()}
            sheet.add(EventKind.STEP_CORRECTED, step_key=key, about=live[-1].seq, values=moved, reason="x")
    return sheet


@settings(deadline=None)  # the machine may be busy
@given(acts, st.integers(-6000, 60000))
def test_clocks_never_fail_and_are_the_same_after_a_replay(course: list[Any], minutes: int) -> None:
    sheet = played(course)
    now = at(minutes, START)
    found = timers.runs(sheet.progress)
    sheet.state = replay(sheet.protocol, sheet.events)
    assert timers.runs(sheet.progress) == found
    for run in found:
        stages = timers.stages(run, now)
        assert stages
        assert [s.at for s in stages] == sorted(s.at for s in stages)
        assert stages[0].at >= run.since
        assert isinstance(timers.stage(run, now), Stage)
    urgent = timers.most_urgent(found, now)
    assert (urgent is None) == (not timers.fresh(found, now))
