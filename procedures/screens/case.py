"""The Case screen: whole, or as the small answer to a tap that changes only what changed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from procedures import rules, signing_rules, timers
from procedures.definitions import Key, Milestone, Phase
from procedures.models import Case
from procedures.progress import Place
from procedures.state import ENDINGS, Entry, Event, EventKind

from . import clocks, feed, vitals
from .clocks import TimerView
from .hand import Hand, stamp
from .note import signed_words
from .parts import Banner, new_command_id
from .procedure import LevelView, PhaseView, Procedure, Row
from .view import View

REDRAW = ("case.", "level.", "handover.")
PATIENT = ("patient.", "allergy.")
TURNING = {EventKind.CASE_STARTED, *ENDINGS}
ICONS = {
    Milestone.VITALS: "pulse",
    Milestone.DRUG: "drug",
    Milestone.COMPLICATION: "warning",
    Milestone.DEVICE: "device",
    Milestone.NOTE: "note",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The offer to take back one's own last entry, until a minute after it was recorded."""

    key: str
    seq: int
    title: str
    seconds_left: int
    command_id: str


@dataclass(frozen=True, slots=True)
class Button:
    """An any-time entry: the step's code, its words, its icon."""

    code: str
    title: str
    icon: str


@dataclass(frozen=True, slots=True)
class QuickButton:
    """One tap of the emergency log: the step, the words, its values as the form sends them, and an id."""

    code: str
    label: str
    values: list[tuple[str, str]]
    command_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A handover that waits for its answer, in words."""

    to: str
    by: str
    at: datetime
    for_me: bool


@dataclass(slots=True, kw_only=True)
class Answer:
    """What a tap gets back: the step in hand and the parts that changed.

    `whole`: the set of rows itself changed, so `phases` and `levels` hold everything and are drawn anew; else
    `rows` are the rows that changed, `phases` the phases around them (for their heads) and `levels` their vertebrae.
    `timers` is None where no clock can have changed, `vitals` where none were taken.
    `banner` is there where what is known of the patient changed; `turned`: the case began or ended, and the page around
    the step is another. `signed`: who has signed the operative note, and when.
    """

    case: Case
    hand: Hand
    status: str
    status_word: str
    may_record: bool
    done: int
    total: int
    missing: int
    whole: bool
    phases: list[PhaseView]
    columns: list[str]
    levels: list[LevelView]
    rows: list[Row]
    feed: list[feed.Line]
    undo: Undo | None
    seen: int
    timers: list[TimerView] | None
    vitals: vitals.VitalsView | None
    notes: list[Button]
    paused_at: datetime | None
    emergency_at: datetime | None
    handover: Waiting | None = None
    members: list[tuple[int, str]] = field(default_factory=list)
    to_reconcile: int = 0
    quick: list[QuickButton] = field(default_factory=list)
    quick_log: list[tuple[datetime, str]] = field(default_factory=list)
    command_ids: dict[str, str] = field(default_factory=dict)
    signed: str = ""
    may_sign: bool = False
    may_cosign: bool = False
    banner: Banner | None = None
    turned: bool = False


@dataclass(slots=True, kw_only=True)
class CaseScreen(Answer):
    """All that the whole page draws."""

    levels_text: str
    operator: str
    protocol: str
    role: str
    any_time: list[Button]
    may_pause: bool


def answer(view: View, hand: Hand, events: list[Event], touched: Iterable[str]) -> Answer:
    """What changed for somebody who has seen everything before `events`. `touched`: rows to draw in any case.

    A vertebra that has got an access, or lost one, has other rows than before: it is drawn whole.
    """
    procedure = Procedure(view, hand.key)
    whole = any(event.kind.startswith(REDRAW) for event in events)
    keys = {*touched, *(event.step_key for event in events)} - {""}
    grown = {event.values["level"] for event in events if event.kind.startswith("access.")}
    changed = [p for p in view.progress.places.values() if p.text in keys or _partner(p) in keys]
    around = {place.definition.phase for place in changed} | ({Phase.LEVEL} if grown else set())
    vertebrae = {place.key.level for place in changed} | grown
    moved = whole or bool(grown) or any(clocks.moves(view.protocol, event.step_key) for event in events)
    taken = any(vitals.measured(view.protocol, event.step_key) for event in events)
    return Answer(
        **_common(view, hand),
        timers=_strip(view) if moved else None,
        vitals=vitals.view(view.progress) if taken else None,
        whole=whole,
        phases=[
            procedure.phase(p, with_rows=whole)
            for p in Phase
            if p is not Phase.ANY and (whole or p in around)
        ],
        columns=procedure.columns,
        levels=[
            procedure.level(level.vertebra, with_rows=whole or level.vertebra in grown)
            for level in view.state.in_order()
            if whole or level.vertebra in vertebrae
        ],
        rows=[]
        if whole
        else [
            procedure.row(p)
            for p in changed
            if p.definition.phase is not Phase.ANY and p.key.level not in grown
        ],
        feed=feed.lines(list(reversed(events[-feed.FEED :])), view),
        banner=view.banner if any(event.kind.startswith(PATIENT) for event in events) else None,
        turned=any(event.kind in TURNING for event in events),
    )


def _partner(place: Place) -> str:
    """The row that decides whether this one is owed: the balloon in of a balloon out."""
    code = place.definition.pairs_with
    return str(Key(code, place.key.level, place.key.side)) if code else ""


def build(view: View, hand: Hand) -> CaseScreen:
    """The whole screen around a step in hand."""
    procedure = Procedure(view, hand.key)
    case = view.case
    return CaseScreen(
        **_common(view, hand),
        timers=_strip(view),
        vitals=vitals.view(view.progress),
        whole=True,
        phases=[procedure.phase(phase) for phase in Phase if phase is not Phase.ANY],
        columns=procedure.columns,
        levels=[procedure.level(level.vertebra) for level in view.state.in_order()],
        rows=[],
        feed=feed.latest(view),
        banner=view.banner,
        levels_text=", ".join(level.vertebra for level in view.state.in_order()),
        operator=case.operator.display_name if case.operator else "",
        protocol=f"{view.protocol.title} v{view.protocol.number}",
        role=view.role,
        any_time=[
            Button(s.code, s.title, ICONS.get(s.milestone, "plus") if s.milestone else "plus")
            for s in view.protocol.phase(Phase.ANY)
        ],
        may_pause=not rules.why_not(rules.check_running, view.state),
    )


def _strip(view: View) -> list[TimerView]:
    return clocks.strip(view.protocol, timers.running(view.progress), view.now)


def _common(view: View, hand: Hand) -> dict[str, Any]:
    """What the page and the answer both show."""
    summary = view.progress.summary()
    by_milestone = view.protocol.by_milestone
    hand.stamp = stamp(view, hand.key)
    notes = (by_milestone.get(m) for m in (Milestone.NOTE, Milestone.COMPLICATION))
    return {
        "case": view.case,
        "hand": hand,
        "status": summary.status.value,
        "status_word": view.status_word,
        "may_record": view.actor.may(rules.Act.RECORD),
        "done": summary.done,
        "total": summary.total,
        "missing": summary.deficits,
        "signed": signed_words(view),
        "may_sign": not rules.why_not(signing_rules.check_sign, view.progress, view.actor),
        "may_cosign": not rules.why_not(signing_rules.check_cosign, view.progress, view.actor),
        "undo": _undo(view),
        "seen": view.state.last_seq,
        "paused_at": view.state.paused_at,
        "emergency_at": view.state.emergency_at,
        "handover": _handover(view),
        "members": [m for m in view.members if m[0] != view.actor.id] if view.state.paused_at else [],
        "to_reconcile": len(view.progress.unreconciled),
        "quick": _quick(view) if view.state.emergency_at else [],
        "quick_log": _quick_log(view),
        "notes": [Button(s.code, s.title, ICONS[s.milestone]) for s in notes if s and s.milestone],
        "command_ids": {name: new_command_id() for name in ("start", "pause", "resume", "emergency")},
    }


def _handover(view: View) -> Waiting | None:
    offer = view.state.handover
    if offer is None:
        return None
    names = view.names
    return Waiting(names[offer.to].name, names[offer.by].name, offer.at, view.actor.id == offer.to)


def _quick(view: View) -> list[QuickButton]:
    """The buttons of the emergency log, each with an id of its own: two taps on two of them are two entries."""
    return [
        QuickButton(
            q.step, q.label, [(f"v_{key}", str(value)) for key, value in q.values.items()], new_command_id()
        )
        for q in view.protocol.emergency
    ]


def _quick_log(view: View) -> list[tuple[datetime, str]]:
    """What was logged since the emergency began, newest first."""
    since = view.state.emergency_at
    if since is None:
        return []
    labels = {(q.step, tuple(sorted(q.values.items()))): q.label for q in view.protocol.emergency}
    found = []
    for code in dict.fromkeys(q.step for q in view.protocol.emergency):
        keys = {key for step, values in labels if step == code for key, _value in values}
        for entry in view.state.steps[code].live if code in view.state.steps else ():
            said = tuple(sorted((k, str(v)) for k, v in entry.values.items() if k in keys))
            if entry.recorded_at >= since and (label := labels.get((code, said))):
                found.append((entry.performed_at, label))
    return sorted(found, reverse=True)


def _undo(view: View) -> Undo | None:
    """One's own last entry that still counts, while it can be taken back without a reason."""
    found: tuple[Place, Entry] | None = None
    for place in view.progress.places.values():
        for entry in place.step.entries:
            own = entry.live and entry.recorded_by == view.actor.id
            if own and (not found or entry.seq > found[1].seq):
                found = place, entry
    if not found or view.state.ended or not rules.is_slip(found[1], view.actor, view.now):
        return None
    if rules.why_not(rules.check_not_signed, view.state, found[0], found[1].seq):
        return None
    left = rules.UNDO_WITHIN - (view.now - found[1].recorded_at)
    return Undo(
        key=str(found[0].key),
        seq=found[1].seq,
        title=rules.title(found[0]),
        seconds_left=int(left.total_seconds()),
        command_id=new_command_id(),
    )
