"""What a reader must look at: flags by their number, bursts, corrections and what was taken back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures.screens import feed
from procedures.screens.parts import FLAG_LABELS
from procedures.screens.view import View
from procedures.state import MARKS, Entry, Event, EventKind, Flag, Source

from .words import SOURCE_LABELS

BURST = 4  # so many taps of one person
WITHIN = timedelta(seconds=20)
# What says that something went otherwise than it should; the others only say how an entry came.
_WEIGHTY = frozenset(
    {Flag.OVERRIDDEN, Flag.OUT_OF_ORDER, Flag.EXPIRED, Flag.NOT_READ, Flag.OFF_TIME, Flag.CLOCK, "disputed"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagCount:
    """One kind of flag: how many entries carry it, and the numbers of their events."""

    key: str
    word: str
    seqs: list[int]
    weighty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Entries that one person recorded within seconds. Said quietly: it need not mean anything."""

    by: str
    first: datetime
    number: int
    seconds: int
    seqs: list[int]

    @property
    def sentence(self) -> str:
        """ "5 entries recorded within 12 s"."""
        words = {"number": self.number, "seconds": self.seconds}
        return (
            ngettext(
                "%(number)s entry recorded within %(seconds)s s",
                "%(number)s entries recorded within %(seconds)s s",
                self.number,
            )
            % words
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One later change: what it says, and the line that it changes. `taken_back`: that line counts no more."""

    line: feed.Line
    original: feed.Line | None
    taken_back: bool


def flag_counts(view: View) -> list[FlagCount]:
    """Every kind of flag in the case, what counts no more included; those first that went otherwise."""
    found: dict[str, list[Entry]] = {}
    for step in view.state.steps.values():
        for entry in step.entries:
            for key in _keys(entry):
                found.setdefault(key, []).append(entry)
    labels = {
        **{s.value: str(w) for s, w in SOURCE_LABELS.items()},
        **_flag_labels(),
        "voided": _("taken back"),
    }
    labels["disputed"] = _("second person found otherwise")
    counts = [
        FlagCount(key=key, word=word, seqs=sorted(e.seq for e in found[key]), weighty=key in _WEIGHTY)
        for key, word in labels.items()
        if key in found
    ]
    return sorted(counts, key=lambda count: not count.weighty)


def _flag_labels() -> dict[str, str]:
    return {flag.value: str(label) for flag, label in FLAG_LABELS.items()}


def _keys(entry: Entry) -> Iterable[str]:
    yield from entry.flags
    if entry.source != Source.LIVE:
        yield entry.source
    if not entry.live and not entry.moved:
        yield "voided"
    if entry.second:
        yield "disputed"


# Bursts -----------------------------------------------------------------------------------------------------


def bursts(events: Sequence[Event]) -> list[tuple[Event, ...]]:
    """Runs of entries that one person recorded within seconds of each other, oldest first. Pure.

    Taps are counted, and the entries said: one tap may write an entry for each side. What a tablet's queue sent and
    what was transcribed from paper comes in a burst by its nature, and says so by its own flag.
    """
    found = []
    for recorder in dict.fromkeys(e.recorded_by for e in events):
        own = [e for e in events if e.recorded_by == recorder and e.kind in MARKS and e.source is Source.LIVE]
        own.sort(key=lambda e: (e.recorded_at, e.seq))
        found += list(_runs(own))
    return sorted(found, key=lambda run: run[0].recorded_at)


def _runs(own: Sequence[Event]) -> Iterable[tuple[Event, ...]]:
    """The longest runs, none overlapping another."""
    start = 0
    while start < len(own):
        end = start
        while end < len(own) and own[end].recorded_at - own[start].recorded_at <= WITHIN:
            end += 1
        taps: set[UUID] = {e.command_id for e in own[start:end]}
        if len(taps) >= BURST:
            yield tuple(own[start:end])
            start = end
        else:
            start += 1


def burst_views(view: View, events: Sequence[Event]) -> list[Burst]:
    """The bursts of a case in words."""
    return [
        Burst(
            by=view.names[run[0].recorded_by].name,
            first=run[0].recorded_at,
            number=len(run),
            seconds=round((run[-1].recorded_at - run[0].recorded_at).total_seconds()),
            seqs=[e.seq for e in run],
        )
        for run in bursts(events)
    ]


# Corrections ------------------------------------------------------------------------------------------------

_CHANGES = frozenset(
    {
        EventKind.STEP_CORRECTED,
        EventKind.EVENT_VOIDED,
        EventKind.EVENT_MOVED,
        EventKind.PATIENT_CORRECTED,
        EventKind.ALLERGY_WITHDRAWN,
    }
)


def corrections(lines: Sequence[feed.Line]) -> list[Correction]:
    """What was changed afterwards, in the order of the record."""
    by_seq = {line.seq: line for line in lines}
    return [
        Correction(
            line=line,
            original=by_seq.get(line.about or 0),
            taken_back=line.kind in (EventKind.EVENT_VOIDED, EventKind.EVENT_MOVED),
        )
        for line in lines
        if line.kind in _CHANGES
    ]
