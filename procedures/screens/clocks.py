"""Clocks in words: the strip of a case, the most urgent one of a card, and what the browser needs to count on.

The browser gets the thresholds as moments and the words for each; it counts and changes over, and decides nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from procedures import intervals, rules, timers, timing
from procedures.definitions import Key, Protocol, Repeats, TimerKind
from procedures.intervals import Outcome, Verdict
from procedures.progress import Progress
from procedures.timers import Run, Severity, Stage, Word

FINE_UP_TO = 20  # minutes: up to this, seconds are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerView:
    """One clock as drawn. `step`: the row that ends or meets it; `stages`: JSON for the browser, a list of
    [from, severity, word, zero, note], times in milliseconds since 1970."""

    key: str
    label: str
    where: str
    step: str
    severity: str
    count: str
    word: str
    note: str
    fine: bool
    stages: str


def strip(protocol: Protocol, runs: Sequence[Run], now: datetime) -> list[TimerView]:
    """The clocks that run, in the order of the protocol; those forgotten since yesterday are left out."""
    return [_view(protocol, run, now) for run in timers.fresh(runs, now)]


def moves(protocol: Protocol, step_key: str) -> bool:
    """Whether an event of that step can start, move, meet or end a clock. The last cement that is in ends its own."""
    definition = protocol.by_code.get(Key.parse(step_key).code)
    return definition is not None and (
        any(definition.code in (t.starts_on, t.ends_on, t.met_by) for t in protocol.timers)
        or any(f.entry_of for f in definition.fields)
    )


def urgent(protocol: Protocol, runs: Sequence[Run], now: datetime) -> TimerView | None:
    """The one to show where there is room for one."""
    run = timers.most_urgent(runs, now)
    return _view(protocol, run, now) if run else None


def _view(protocol: Protocol, run: Run, now: datetime) -> TimerView:
    found = timers.stages(run, now)
    current = timers.current(found, now)
    fine = _fine(run)
    where = f"{run.level} {rules.side_name(run.side)}".strip()
    if run.number > 1:
        where = _("batch %(number)s") % {"number": run.number}
    coming = found[found.index(current) :]
    return TimerView(
        key=run.key,
        label=run.timer.label,
        where=where,
        step=_step(protocol, run),
        severity=current.severity.value,
        count=count(current, now, fine=fine),
        word=word(run, current),
        note=note(current.missed),
        fine=fine,
        stages=json.dumps(_for_browser(run, coming), separators=(",", ":")),
    )


def _for_browser(run: Run, coming: Sequence[Stage]) -> list[list[object]]:
    notes = {missed: note(missed) for missed in {stage.missed for stage in coming}}
    return [
        [
            _milliseconds(stage.at),
            stage.severity.value,
            word(run, stage),
            0 if stage.word is Word.ALL else _milliseconds(stage.zero),
            notes[stage.missed],
        ]
        for stage in coming
    ]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _fine(run: Run) -> bool:
    if run.timer.kind is TimerKind.SCHEDULE:
        return run.timer.minutes[0] < FINE_UP_TO / 2
    return run.timer.product_bands or max(run.timer.minutes, default=FINE_UP_TO + 1) <= FINE_UP_TO


def _step(protocol: Protocol, run: Run) -> str:
    """The row to go to: an observation to take, or the step that ends the clock; "" where it is not one row."""
    definition = protocol.by_code.get(run.timer.met_by or run.timer.ends_on)
    if definition is None or run.timer.kind is TimerKind.COUNT_UP:
        return ""
    match definition.repeats:
        case Repeats.ONCE:
            return definition.code
        case Repeats.LEVEL:
            return str(Key(definition.code, run.level)) if run.level else ""
    return str(Key(definition.code, run.level, run.side)) if run.side else ""


def count(stage: Stage, now: datetime, *, fine: bool) -> str:
    """The digits: what is left until the stage's zero, or what has passed since. Minutes left are rounded up."""
    if stage.word is Word.ALL:
        return ""
    left = stage.zero > now
    seconds = int(abs(now - stage.zero) / timedelta(seconds=1) + (0.999 if left else 0))
    if fine and seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02}"
    whole = -(-seconds // 60) if left else seconds // 60
    return f"{whole} min" if whole < 60 else f"{whole // 60} h {whole % 60:02} min"


def word(run: Run, stage: Stage) -> str:
    """What the clock says beside its digits; never the same word for two severities."""
    soon = stage.severity is Severity.SOON
    match stage.word:
        case Word.LEFT:
            return _("left, nearly over") if soon else _("left")
        case Word.PAST:
            return _("over")
        case Word.WAIT:
            return _("to wait")
        case Word.READY | Word.CHECK:
            return _("minimum reached")
        case Word.LONG:
            minutes = max(m for m in run.timer.minutes if run.after(m) <= stage.at)
            return _("longer than %(minutes)s min") % {"minutes": minutes}
        case Word.RUNNING:
            return _("so far, times not known") if run.timer.product_bands else _("so far")
        case Word.NEXT:
            return _("soon due") if soon else _("until the next")
        case Word.DUE:
            return _("overdue")
        case Word.ALL:
            return _("no more are due")
    return _band_word(run, stage)


def _band_word(run: Run, stage: Stage) -> str:
    said = {"opens": timing.clock(run.opens, run.since), "closes": timing.clock(run.closes, run.since)}
    match stage.word:
        case Word.EARLY:
            return _("too early, inject from %(opens)s") % said
        case Word.TOO_LATE:
            return _("too late, was until %(closes)s") % said
    if stage.severity is Severity.SOON:
        return _("inject now, only until %(closes)s") % said
    return _("inject, until %(closes)s") % said


def note(missed: Sequence[datetime]) -> str:
    """The due times without an entry: they stay said."""
    if not missed:
        return ""
    last = f"{localtime(missed[-1]):%H:%M}"
    if len(missed) == 1:
        return _("missed %(time)s") % {"time": last}
    return _("%(number)s missed, last %(time)s") % {"number": len(missed), "time": last}


def spans(moments: Iterable[datetime], gap: timedelta) -> list[str]:
    """Due times in words, those that follow each other as one stretch: "10:05", "10:20–10:35 (4)"."""
    groups: list[list[datetime]] = []
    for moment in moments:
        if groups and moment - groups[-1][-1] <= gap:
            groups[-1].append(moment)
        else:
            groups.append([moment])
    said = []
    for group in groups:
        first, last = f"{localtime(group[0]):%H:%M}", f"{localtime(group[-1]):%H:%M}"
        said.append(first if len(group) == 1 else f"{first}–{last} ({len(group)})")
    return said


# For the record ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingLine:
    """What came of one clock. `bad`: a reader should look at it. `detail`: what was aimed at, what was missed."""

    what: str
    where: str
    since: datetime
    until: datetime | None
    lasted: str
    verdict: str
    bad: bool
    detail: str


def timings(progress: Progress, now: datetime) -> list[TimingLine]:
    """What came of every clock of the case, in the order of the protocol."""
    return [_timing(outcome) for outcome in intervals.outcomes(progress, now)]


def _timing(outcome: Outcome) -> TimingLine:
    run = outcome.run
    where = f"{outcome.level} {rules.side_name(outcome.side)}".strip()
    if run.timer.product_bands:
        where = _("%(where)s, batch %(number)s") % {"where": where, "number": run.number}
    return TimingLine(
        what=run.timer.label,
        where=where,
        since=run.since,
        until=outcome.until if run.ended or run.timer.product_bands else None,
        lasted=timing.clock(outcome.until, run.since) if outcome.until >= run.since else "",
        verdict=_verdict(outcome.verdict),
        bad=outcome.verdict in (Verdict.TOO_EARLY, Verdict.TOO_LATE, Verdict.AFTER, Verdict.MISSED),
        detail=_detail(outcome),
    )


def _verdict(verdict: Verdict) -> str:
    return {
        Verdict.RUNNING: _("still running"),
        Verdict.IN_TIME: _("kept"),
        Verdict.TOO_LATE: _("too late"),
        Verdict.TOO_EARLY: _("too early"),
        Verdict.AFTER: _("only afterwards"),
        Verdict.UNKNOWN: _("no limit known"),
        Verdict.TAKEN: _("all taken"),
        Verdict.MISSED: _("missed"),
    }[verdict]


def _detail(outcome: Outcome) -> str:
    run = outcome.run
    minutes = run.timer.minutes
    match run.timer.kind:
        case TimerKind.SCHEDULE:
            return _schedule_detail(outcome)
        case TimerKind.WINDOW:
            return _("within %(minutes)s min") % {"minutes": minutes[0]}
        case TimerKind.WAIT:
            return _("at least %(minutes)s min") % {"minutes": minutes[0]}
    if run.opens and run.closes:
        ends = {"opens": timing.clock(run.opens, run.since), "closes": timing.clock(run.closes, run.since)}
        return _("%(opens)s to %(closes)s after mixing") % ends
    return ""


def _schedule_detail(outcome: Outcome) -> str:
    gone = outcome.missed
    said = {"taken": outcome.taken, "due": outcome.taken + len(gone)}
    if not gone:
        return _("%(taken)s of %(due)s due") % said
    gap = timedelta(minutes=max(outcome.run.timer.minutes))
    return _("%(taken)s of %(due)s taken; missed %(times)s") % {**said, "times": ", ".join(spans(gone, gap))}
