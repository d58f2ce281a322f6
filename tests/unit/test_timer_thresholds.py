"""Every clock of the shipped protocol at every threshold: at noon, across midnight, in both nights of change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from procedures import timers
from procedures.screens import clocks
from procedures.state import EventKind
from procedures.timers import Run
from tests.clocks import CLOCKS, LONDON, NIGHTS, Clock
from tests.sheet import SHIPPED, Sheet

BANDS = [{"above": None, "from": "5", "until": "12"}]


def started(row: Clock, at: datetime) -> Sheet:
    """A case in which the clock was started then, by the time of the place."""
    sheet = Sheet("L1")
    sheet.access("L1", "left")
    values = {"cement": {**row.values["cement"], "bands": BANDS}} if row.values else {}
    sheet.add(EventKind.STEP_DONE, step_key=row.start, values=values, performed_at=at)
    return sheet


def run_of(sheet: Sheet, row: Clock) -> Run:
    """The clock."""
    return next(run for run in timers.runs(sheet.progress) if run.key == row.key)


def says(run: Run, now: datetime) -> tuple[str, str, str]:
    """Severity, words and digits on the strip."""
    (view,) = clocks.strip(SHIPPED, [run], now)
    return view.severity, view.word, view.count


def later(start: datetime, minutes: float) -> datetime:
    """True minutes later, as a time of the place: what a clock on the wall shows then."""
    return (start.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(LONDON)


def test_the_table_names_every_clock_of_the_protocol() -> None:
    assert [row.key.partition("-")[0] for row in CLOCKS] == [timer.key for timer in SHIPPED.timers]
    assert [row.label for row in CLOCKS] == [timer.label for timer in SHIPPED.timers]
    ends = {row.key.partition("-")[0]: row.end.partition("-L1")[0] for row in CLOCKS}
    assert {key: end for key, end in ends.items() if key != "cement_working"} == {
        t.key: t.ends_on for t in SHIPPED.timers if t.key != "cement_working"
    }


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize("row", CLOCKS, ids=lambda row: row.key)
def test_each_clock_changes_at_its_thresholds_and_not_a_second_before(row: Clock, night: str) -> None:
    start = NIGHTS[night]
    run = run_of(started(row, start), row)
    for threshold in row.thresholds:
        now = later(start, threshold.minute)
        assert says(run, now) == (threshold.severity, threshold.words, threshold.digits), threshold.minute
    for before, after in pairwise(row.thresholds):
        severity, words, _digits = says(run, later(start, after.minute - 1 / 60))
        assert (severity, words) == (before.severity, before.words), after.minute


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize("row", CLOCKS, ids=lambda row: row.key)
def test_each_clock_ends_with_its_step_at_that_moment(row: Clock, night: str) -> None:
    start = NIGHTS[night]
    sheet = started(row, start)
    end = later(start, 7)
    sheet.add(EventKind.STEP_DONE, step_key=row.end, values={"sample_hard": True}, performed_at=end)
    run = run_of(sheet, row)
    assert run.ended == end.astimezone(UTC)
    assert run not in timers.running(sheet.progress)


def test_missed_times_of_day_are_those_of_the_place_also_when_the_clocks_go_back() -> None:
    start = NIGHTS["clocks go back"]
    row = next(row for row in CLOCKS if row.key == "sedation_vitals")
    run = run_of(started(row, start), row)
    assert [f"{due.astimezone(LONDON):%H:%M}" for due in timers.missed(run, later(start, 12.5))] == [
        "01:03",
        "01:08",
    ]
    assert f"{start:%H:%M}" == "01:58"
