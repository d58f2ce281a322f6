"""What came of the clocks of a case, and what a step should have waited for. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .definitions import Milestone, Timer, TimerKind
from .progress import Place, Progress
from .state import Entry
from .timers import Run, banded, missed, runs, users, utc


class Verdict(StrEnum):
    """What came of a clock."""

    RUNNING = "running"
    IN_TIME = "in_time"
    TOO_LATE = "too_late"
    TOO_EARLY = "too_early"
    AFTER = "after"
    UNKNOWN = "unknown"
    TAKEN = "taken"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a clock, for the record. `taken` and `missed` are the due times of a schedule."""

    run: Run
    until: datetime
    verdict: Verdict
    taken: int = 0
    missed: tuple[datetime, ...] = ()
    level: str = ""
    side: str = ""


# What came of it --------------------------------------------------------------------------------------------


def outcomes(progress: Progress, now: datetime) -> list[Outcome]:
    """What came of every clock, for the record: intervals kept or not, and each due time that was missed."""
    found = []
    for run in runs(progress):
        if run.timer.product_bands:
            found += list(_used(progress, run.timer))
            continue
        until = run.ended or utc(now)
        gone = missed(run, until) if run.timer.kind is TimerKind.SCHEDULE else ()
        found.append(
            Outcome(
                run=run,
                until=until,
                verdict=_verdict(run, until, gone),
                taken=len(run.met),
                missed=gone,
                level=run.level,
                side=run.side,
            )
        )
    return found


def _verdict(run: Run, until: datetime, gone: tuple[datetime, ...]) -> Verdict:
    timer = run.timer
    if until < run.since:
        return Verdict.AFTER
    match timer.kind:
        case TimerKind.SCHEDULE:
            return Verdict.MISSED if gone else Verdict.TAKEN
        case TimerKind.WINDOW if until > run.after(timer.minutes[0]):
            return Verdict.TOO_LATE
        case TimerKind.WAIT if run.ended and until < run.after(timer.minutes[0]):
            return Verdict.TOO_EARLY
    if run.ended is None:
        return Verdict.RUNNING
    return Verdict.IN_TIME if timer.minutes else Verdict.UNKNOWN


def _used(progress: Progress, timer: Timer) -> Iterator[Outcome]:
    """For each use of a product with a band: how old it was, and whether that was in its time."""
    made = [e for place in progress.by_code.get(timer.starts_on, ()) for e in place.step.live]
    for code in users(progress, timer):
        for place in progress.by_code.get(code, ()):
            for entry in place.step.live:
                if batch := _batch(progress, timer, place, entry.values, made):
                    run = _of_batch(progress, timer, batch, made.index(batch) + 1)
                    until = utc(entry.performed_at)
                    verdict = _in_band(run, until)
                    level, side = place.key.level, place.key.side
                    yield Outcome(run=run, until=until, verdict=verdict, level=level, side=side)


def _batch(
    progress: Progress, timer: Timer, place: Place, values: Mapping[str, Any], made: Sequence[Entry]
) -> Entry | None:
    """The entry that the use names, else the last one made."""
    named = {values[f.key]["seq"] for f in place.definition.fields if f.entry_of and f.key in values}
    return next((e for e in made if e.seq in named), made[-1] if made else None)


def _of_batch(progress: Progress, timer: Timer, batch: Entry, number: int) -> Run:
    return banded(
        progress.protocol, Run(timer=timer, since=utc(batch.performed_at), number=number), batch.values
    )


def _in_band(run: Run, at: datetime) -> Verdict:
    if run.opens is None or run.closes is None:
        return Verdict.UNKNOWN
    if at < run.opens:
        return Verdict.TOO_EARLY
    return Verdict.TOO_LATE if at > run.closes else Verdict.IN_TIME


# What a step should have waited for -------------------------------------------------------------------------


def not_over(progress: Progress, place: Place, at: datetime) -> list[Run]:
    """The waits that would be cut short if the step were done then: those that it ends; and before the turn those of
    the cement too, whoever has felt the sample."""
    codes = {place.definition.code}
    hardened = progress.protocol.by_milestone.get(Milestone.HARDENED)
    turn = place.definition.milestone is Milestone.TURNED
    if turn and hardened:
        codes.add(hardened.code)
    waits = {t.key for t in progress.protocol.timers if t.kind is TimerKind.WAIT and t.ends_on in codes}
    if not waits:
        return []
    return [
        run
        for run in runs(progress)
        if run.timer.key in waits
        and run.level in ("", place.key.level, run.level if turn else "")
        and run.side in ("", place.key.side, run.side if turn else "")
        and run.since <= utc(at) < run.after(run.timer.minutes[0])
    ]


def out_of_band(progress: Progress, place: Place, values: Mapping[str, Any], at: datetime) -> Outcome | None:
    """Where the step uses a product too early or too late: which, and how old it would be. None where it is in time,
    or where nobody knows."""
    for timer in progress.protocol.timers:
        if not timer.product_bands or not any(f.entry_of == timer.starts_on for f in place.definition.fields):
            continue
        made = [e for p in progress.by_code.get(timer.starts_on, ()) for e in p.step.live]
        if batch := _batch(progress, timer, place, values, made):
            run = _of_batch(progress, timer, batch, made.index(batch) + 1)
            verdict = _in_band(run, utc(at))
            if verdict in (Verdict.TOO_EARLY, Verdict.TOO_LATE):
                return Outcome(run=run, until=utc(at), verdict=verdict)
    return None
