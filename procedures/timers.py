"""The clocks of a case: which run, and what they say at a moment. Pure: "now" is always given.

Everything follows from the times at which things were done, so that every tablet shows the same, a reload changes
nothing, a correction or a void moves the clock, and nothing can pause it. All times are brought to UTC before anything
is added to them: adding minutes to a local time goes wrong in the night of a change of clocks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate, count, takewhile
from typing import Any

from .definitions import (
    FieldType,
    Key,
    Milestone,
    Phase,
    Protocol,
    Scope,
    Step,
    Timer,
    TimerKind,
)
from .progress import Progress
from .state import CaseStatus, Entry, StepStatus

MINUTE = timedelta(minutes=1)
SOON = MINUTE  # before the end of a window or a band: time to get ready
MOST_SLOTS = 400  # due times of a schedule that nobody ended: 33 hours of vitals every five minutes
AHEAD = 8  # due times of a schedule that are given ahead
STALE = timedelta(hours=24)  # a clock that nobody ended is not shown for ever
CELSIUS = "Cel"
# What ends every clock of a case. Not the stop: cement hardens and a sedated patient breathes after it too.
OVER = (CaseStatus.COMPLETED, CaseStatus.CANCELLED, CaseStatus.VOIDED)


class Severity(StrEnum):
    """How urgent a clock is; shown as a colour, a shape and a word."""

    OK = "ok"
    SOON = "soon"
    OVER = "over"


class Word(StrEnum):
    """What a clock says beside its digits; the screens put it into words."""

    LEFT = "left"
    PAST = "past"
    WAIT = "wait"
    READY = "ready"
    CHECK = "check"
    LONG = "long"
    EARLY = "early"
    INJECT = "inject"
    TOO_LATE = "too_late"
    RUNNING = "running"
    NEXT = "next"
    DUE = "due"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One clock of a case, from `since` until `ended`, for a level and side where it has them.

    `number`: the how-manieth entry it stands on (the second batch of cement). `opens` and `closes`: the band of the
    product in use. `met`: the due times of a schedule that have their entry, counted from one.
    """

    timer: Timer
    since: datetime
    level: str = ""
    side: str = ""
    number: int = 1
    opens: datetime | None = None
    closes: datetime | None = None
    met: tuple[int, ...] = ()
    ended: datetime | None = None

    @property
    def key(self) -> str:
        """The clock's name in its case: `cement_hardening-L1`."""
        return str(Key(self.timer.key, self.level, self.side))

    def after(self, minutes: int) -> datetime:
        """So many minutes after the start."""
        return self.since + timedelta(minutes=minutes)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a clock says from `at` on. Its digits count down to `zero`, or up from it once it is past.

    `missed`: the due times that have gone by without an entry.
    """

    at: datetime
    word: Word
    severity: Severity
    zero: datetime
    missed: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """A due time of a schedule, and the stretch of time around it in which an entry counts for it."""

    number: int
    opens: datetime
    due: datetime
    closes: datetime


# Which clocks there are -------------------------------------------------------------------------------------


def runs(progress: Progress) -> list[Run]:
    """Every clock of the case that was started, also those that have ended; in the order of the protocol."""
    found = []
    for timer in progress.protocol.timers:
        for (level, side), entries in _groups(progress, timer).items():
            starts = sorted(entries, key=lambda e: (utc(e.performed_at), e.seq))
            if starts:
                found.append(_run(progress, timer, level, side, starts))
    return found


def running(progress: Progress) -> list[Run]:
    """The clocks that nobody has ended."""
    return [run for run in runs(progress) if run.ended is None]


def utc(moment: datetime) -> datetime:
    """The same moment in UTC, in which minutes can be added."""
    return moment.astimezone(UTC)


def _groups(progress: Progress, timer: Timer) -> dict[tuple[str, str], list[Entry]]:
    """The entries that start a timer: all together, by vertebra, or by vertebra and side."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for place in progress.by_code.get(timer.starts_on, ()):
        level = place.key.level if timer.scope in (Scope.LEVEL, Scope.ACCESS) else ""
        side = place.key.side if timer.scope is Scope.ACCESS else ""
        found.setdefault((level, side), []).extend(place.step.live)
    return found


def _run(progress: Progress, timer: Timer, level: str, side: str, starts: Sequence[Entry]) -> Run:
    ends = _ends(progress, timer, level, side)
    start = starts[0] if timer.kind is TimerKind.SCHEDULE else starts[-1]
    first = min(ends, default=None)
    definition = progress.protocol.by_code.get(timer.ends_on)
    end: datetime | None
    if timer.kind is TimerKind.WINDOW and first and definition and definition.phase is not Phase.ANY:
        # The first needle ends the window for good: a second dose during the case does not open it again.
        before = [entry for entry in starts if utc(entry.performed_at) <= first]
        start, end = (before[-1] if before else starts[0]), first
    else:
        end = min((e for e in ends if e >= utc(start.performed_at)), default=None)
    run = Run(timer=timer, level=level, side=side, since=utc(start.performed_at), ended=end)
    if timer.product_bands:
        run = _with_band(progress, replace(run, number=len(starts)), start)
    run = replace(run, ended=_closed(progress, run))
    if timer.kind is TimerKind.SCHEDULE:
        run = replace(run, met=_met(progress, run))
    return run


def _closed(progress: Progress, run: Run) -> datetime | None:
    """When the clock ended; the end of the case ends it too."""
    state = progress.state
    if run.ended is None and state.ended in OVER and state.ended_at:
        return max(run.since, utc(state.ended_at))
    return run.ended


def _ends(progress: Progress, timer: Timer, level: str, side: str) -> list[datetime]:
    """When the step that ends the timer was done; also when it was marked as not done or not applicable."""
    found = []
    for place in progress.by_code.get(timer.ends_on, ()):
        if (level and place.key.level not in ("", level)) or (side and place.key.side not in ("", side)):
            continue
        found += [utc(entry.performed_at) for entry in place.step.live]
        mark = place.step.mark
        if mark and mark.mark is not StepStatus.DONE:
            found.append(utc(mark.performed_at))
    signed = progress.state.signed
    return [*found, utc(signed.at)] if signed and _is_of_the_note(progress, timer) else found


def _is_of_the_note(progress: Progress, timer: Timer) -> bool:
    """What counts up from the sign-out waits for the operative note: its signature ends it too."""
    signed_out = progress.protocol.by_milestone.get(Milestone.SIGN_OUT)
    return timer.kind is TimerKind.COUNT_UP and signed_out is not None and timer.starts_on == signed_out.code


# The product's band -----------------------------------------------------------------------------------------


def band(step: Step, values: Mapping[str, Any]) -> tuple[Decimal, Decimal] | None:
    """From which to which minute the product of an entry can be used, by the temperature recorded with it.

    The bands were written into the product's value when it was recorded, so that a later change of the catalogue
    changes no record. One without a temperature holds where no other fits; one with it from that temperature on.
    """
    known: list[Mapping[str, Any]] = next(
        (
            value["bands"]
            for f in step.fields
            if f.type is FieldType.PRODUCT and (value := values.get(f.key)) and value.get("bands")
        ),
        [],
    )
    temperature = next(
        (
            Decimal(values[f.key]["amount"])
            for f in step.fields
            if f.type is FieldType.QUANTITY and f.unit == CELSIUS and f.key in values
        ),
        None,
    )
    fitting = [
        (Decimal(row["above"]) if row["above"] is not None else Decimal("-Infinity"), row)
        for row in known
        if row["above"] is None or (temperature is not None and temperature >= Decimal(row["above"]))
    ]
    if not fitting:
        return None
    row = max(fitting, key=lambda pair: pair[0])[1]
    return Decimal(row["from"]), Decimal(row["until"])


def banded(protocol: Protocol, run: Run, values: Mapping[str, Any]) -> Run:
    """The clock with the band of the product that the entry names, where it has one."""
    found = band(protocol.by_code[run.timer.starts_on], values)
    if found is None:
        return run
    opens, closes = (run.since + timedelta(seconds=int(minutes * 60)) for minutes in found)
    return replace(run, opens=opens, closes=closes)


def _with_band(progress: Progress, run: Run, start: Entry) -> Run:
    """The clock of the last batch; it ends when all is in that needs one."""
    run = banded(progress.protocol, run, start.values)
    places = [place for code in users(progress, run.timer) for place in progress.by_code.get(code, ())]
    wanted = [place for place in places if progress.expected(place)]
    done = [utc(entry.performed_at) for place in places for entry in place.step.live]
    if run.ended is None and done and max(done) >= run.since and all(progress.settled(p) for p in wanted):
        return replace(run, ended=max(done))
    return run


def users(progress: Progress, timer: Timer) -> list[str]:
    """The steps that use up what the timer's first step made: those with a field that names its entry."""
    return [s.code for s in progress.protocol.steps if any(f.entry_of == timer.starts_on for f in s.fields)]


# Schedules --------------------------------------------------------------------------------------------------


def slots(run: Run) -> Iterator[Slot]:
    """The due times of a schedule. An entry counts for the one that it is nearest to."""
    dues = _dues(run)
    before, due = run.since, next(dues)
    opens = before + (due - before) / 2
    for number in count(1):
        following = next(dues, None)
        closes = due + ((following or due + (due - before)) - due) / 2
        yield Slot(number, opens, due, closes)
        if following is None:
            return
        before, due, opens = due, following, closes


def _dues(run: Run) -> Iterator[datetime]:
    """One interval repeats, several run once."""
    intervals = run.timer.minutes
    if len(intervals) == 1:
        return (run.after(intervals[0] * number) for number in range(1, MOST_SLOTS + 1))
    return (run.after(minutes) for minutes in accumulate(intervals))


def _met(progress: Progress, run: Run) -> tuple[int, ...]:
    taken = sorted(
        moment
        for place in progress.by_code.get(run.timer.met_by, ())
        for entry in place.step.live
        if (moment := utc(entry.performed_at)) >= run.since and (run.ended is None or moment <= run.ended)
    )
    if not taken:
        return ()
    reached = takewhile(lambda slot: slot.opens <= taken[-1], slots(run))
    return tuple(s.number for s in reached if any(s.opens <= moment < s.closes for moment in taken))


def missed(run: Run, moment: datetime) -> tuple[datetime, ...]:
    """The due times that have gone by without an entry, until then or until the schedule ended."""
    last = min(moment, run.ended) if run.ended else moment
    gone = takewhile(lambda slot: slot.closes <= last, slots(run))
    return tuple(slot.due for slot in gone if slot.number not in run.met)


# What a clock says ------------------------------------------------------------------------------------------


def stages(run: Run, now: datetime) -> list[Stage]:
    """What the clock says from when on, in order of time; for a schedule from now on, some due times ahead."""
    match run.timer.kind:
        case TimerKind.WINDOW:
            return _window(run)
        case TimerKind.WAIT:
            return _wait(run)
        case TimerKind.SCHEDULE:
            return _schedule(run, utc(now))
    return _count_up(run)


def _window(run: Run) -> list[Stage]:
    end = run.after(run.timer.minutes[0])
    soon = run.after(run.timer.warn_minutes) if run.timer.warn_minutes else max(run.since, end - SOON)
    return [
        Stage(run.since, Word.LEFT, Severity.OK, end),
        Stage(soon, Word.LEFT, Severity.SOON, end),
        Stage(end, Word.PAST, Severity.OVER, end),
    ]


def _wait(run: Run) -> list[Stage]:
    least = run.after(run.timer.minutes[0])
    waiting = Stage(run.since, Word.WAIT, Severity.OK, least)
    if len(run.timer.minutes) == 1:
        return [waiting, Stage(least, Word.READY, Severity.OK, run.since)]
    return [
        waiting,
        Stage(least, Word.CHECK, Severity.SOON, run.since),
        Stage(run.after(run.timer.minutes[1]), Word.LONG, Severity.OVER, run.since),
    ]


def _count_up(run: Run) -> list[Stage]:
    if run.opens and run.closes:
        soon = max(run.opens, run.closes - SOON)
        return [
            Stage(run.since, Word.EARLY, Severity.SOON, run.since),
            Stage(run.opens, Word.INJECT, Severity.OK, run.since),
            Stage(soon, Word.INJECT, Severity.SOON, run.since),
            Stage(run.closes, Word.TOO_LATE, Severity.OVER, run.since),
        ]
    found = [Stage(run.since, Word.RUNNING, Severity.OK, run.since)]
    for minutes, severity in zip(run.timer.minutes, (Severity.SOON, Severity.OVER), strict=False):
        found.append(Stage(run.after(minutes), Word.LONG, severity, run.since))
    return found


def _schedule(run: Run, now: datetime) -> list[Stage]:
    """Missed due times stay named in every stage after them."""
    gone: list[datetime] = []
    found: list[Stage] = []
    at = run.since
    for slot in slots(run):
        if slot.number in run.met:
            continue
        if slot.closes > now:
            lead = min(2 * MINUTE, (slot.due - slot.opens) / 2)
            found += [
                Stage(at, Word.NEXT, Severity.OK, slot.due, tuple(gone)),
                Stage(max(at, slot.due - lead), Word.NEXT, Severity.SOON, slot.due, tuple(gone)),
                Stage(slot.due, Word.DUE, Severity.OVER, slot.due, tuple(gone)),
            ]
        gone.append(slot.due)
        at = slot.closes
        if len(found) >= 3 * AHEAD:
            return found
    return [*found, Stage(at, Word.ALL, Severity.OK, at, tuple(gone))]


def stage(run: Run, now: datetime) -> Stage:
    """What the clock says at a moment."""
    return current(stages(run, now), now)


def current(found: Sequence[Stage], now: datetime) -> Stage:
    """The stage that holds at a moment."""
    return next((s for s in reversed(found) if s.at <= now), found[0])


_RANK = {Severity.OVER: 0, Severity.SOON: 1, Severity.OK: 2}
_HARM = (TimerKind.COUNT_UP, TimerKind.WINDOW, TimerKind.SCHEDULE, TimerKind.WAIT)


def most_urgent(found: Sequence[Run], now: datetime) -> Run | None:
    """The clock to show where there is room for one: what is over, then what is due soon; cement before a wait."""

    def urgency(run: Run) -> tuple[Any, ...]:
        says = stage(run, now)
        open_end = says.word in (Word.RUNNING, Word.READY, Word.ALL)
        return (open_end, _RANK[says.severity], _HARM.index(run.timer.kind), says.zero)

    return min(fresh(found, now), key=urgency, default=None)


def fresh(found: Sequence[Run], now: datetime) -> list[Run]:
    """Those that are worth showing: not forgotten since yesterday."""
    return [run for run in found if now - run.since < STALE]


def named(protocol: Protocol, key: str) -> tuple[Timer, str, str]:
    """The timer that a clock's key names, with its level and side. StopIteration where the protocol has none."""
    parsed = Key.parse(key)
    return next(t for t in protocol.timers if t.key == parsed.code), parsed.level, parsed.side
