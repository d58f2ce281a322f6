"""The Record: every event in order, and the values step by step and level by level. Read-only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime

from procedures.definitions import Phase, Role
from procedures.models import Case, User
from procedures.models.case import ANAESTHESIA, INDICATIONS
from procedures.models.people import ROLE_LABELS
from procedures.state import EventKind

from . import clocks, feed, vitals
from .parts import PHASE_LABELS, Banner, EntryView, entry_view
from .view import Missing, View


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStep:
    """One step with every entry, also those taken back."""

    key: str
    seed: int | None
    title: str
    where: str
    state: str
    entries: list[EntryView]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPart:
    """A phase, or one vertebra, with its recorded steps."""

    title: str
    note: str
    steps: list[RecordStep]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordScreen:
    """All that record.html draws. `corrected` and `voided` are the seqs of events that later ones changed."""

    case: Case
    banner: Banner
    status_word: str
    role: str
    facts: list[tuple[str, str]]
    parts: list[RecordPart]
    lines: list[feed.Line]
    voided: set[int]
    moved: set[int]
    corrected: set[int]
    missing: list[Missing]
    team: list[tuple[str, str, datetime, datetime | None]]
    timings: list[clocks.TimingLine]
    vitals: vitals.VitalsView | None


def build(user: User, pk: Any) -> RecordScreen:
    """The record for this person. Raises Case.DoesNotExist."""
    from django.utils.translation import gettext as _

    view = View.load(user, pk)
    case = view.case
    events = list(reversed(feed.since(case, 0)))
    lines = feed.lines(events, view, whole=True)
    moved = {e.about for e in events if e.about and e.kind is EventKind.EVENT_MOVED and "to" in e.values}
    summary = view.progress.summary()
    leak = {True: _("yes"), False: _("no"), None: _("not recorded")}[summary.leak]
    facts = [
        (_("Indication"), str(INDICATIONS[case.indication])),
        (_("Levels"), ", ".join(summary.levels)),
        (_("Operator"), case.operator.display_name if case.operator else ""),
        (_("Room"), case.room),
        (_("Planned anaesthesia"), str(ANAESTHESIA[case.anaesthesia])),
        (_("Protocol"), f"{view.protocol.title} v{view.protocol.number}"),
        (_("Scheduled"), _moment(case.scheduled_at)),
        (_("Started"), _moment(case.started_at)),
        (_("First needle in"), _moment(summary.first_needle_at)),
        (_("Last needle out"), _moment(summary.last_needle_out_at)),
        (_("Ended"), _moment(case.ended_at)),
        (_("Cement in all"), f"{summary.cement_ml} mL"),
        (_("Cement leak"), leak),
        (_("Complications"), str(summary.complications)),
    ]
    return RecordScreen(
        case=case,
        banner=view.banner,
        status_word=view.status_word,
        role=view.role,
        facts=[(label, value) for label, value in facts if value],
        parts=_parts(view),
        lines=lines,
        voided={e.about for e in events if e.about and e.kind is EventKind.EVENT_VOIDED} | moved,
        moved=moved,
        corrected={line.about for line in lines if line.kind == "step.corrected" and line.about},
        missing=view.missing(),
        timings=clocks.timings(view.progress, view.now),
        vitals=vitals.view(view.progress, limit=None),
        team=[
            (view.names[m.user].name, str(ROLE_LABELS[Role(m.role)]), m.since, m.until)
            for m in view.state.team
        ],
    )


def _moment(moment: datetime | None) -> str:
    return localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""


def _parts(view: View) -> list[RecordPart]:
    """The phases in order; the level phase as what is once for the case, then vertebra by vertebra."""
    parts = []
    for phase in Phase:
        steps = [s for p in _places(view, phase) if not p.key.level and (s := _step(view, p))]
        if steps:
            parts.append(RecordPart(title=str(PHASE_LABELS[phase]), note="", steps=steps))
        if phase is Phase.LEVEL:
            for level in view.state.in_order():
                inside = [p for p in _places(view, phase) if p.key.level == level.vertebra]
                steps = [s for p in inside if (s := _step(view, p))]
                state = view.progress.level_status(level).value
                note = f"{state}: {level.reason}" if level.reason else state
                parts.append(RecordPart(title=level.vertebra, note=note, steps=steps))
    return parts


def _places(view: View, phase: Phase):  # type: ignore[no-untyped-def]
    return (p for p in view.progress.places.values() if p.definition.phase is phase)


def _step(view: View, place: Any) -> RecordStep | None:
    if not place.step.entries:
        return None
    return RecordStep(
        key=place.text,
        seed=place.definition.seed,
        title=place.definition.title,
        where=view.where(place.key),
        state=place.step.status.value,
        entries=[entry_view(view, place, e, whole=True) for e in place.step.entries],
    )
