"""The state of a case, folded from its events. Pure: standard library and the protocol's definitions only.

`apply` is the one fold: live commands, replay, `verify_log` and the demo data all go through it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from .definitions import VERTEBRAE, Key, Milestone, Protocol, Repeats

type Values = Mapping[str, Any]
NOTHING: Values = MappingProxyType({})


class EventKind(StrEnum):
    """What an event says: `noun.verb`."""

    CASE_OPENED = "case.opened"
    CASE_CHANGED = "case.changed"
    CASE_STARTED = "case.started"
    CASE_PAUSED = "case.paused"
    CASE_RESUMED = "case.resumed"
    EMERGENCY_ON = "case.emergency_on"
    EMERGENCY_OFF = "case.emergency_off"
    CASE_COMPLETED = "case.completed"
    CASE_CANCELLED = "case.cancelled"
    CASE_STOPPED = "case.stopped"
    CASE_VOIDED = "case.voided"
    TEAM_JOINED = "team.joined"
    TEAM_LEFT = "team.left"
    LEVEL_ADDED = "level.added"
    LEVEL_WITHDRAWN = "level.withdrawn"
    LEVEL_ABANDONED = "level.abandoned"
    LEVEL_DEFERRED = "level.deferred"
    ACCESS_ADDED = "access.added"
    ACCESS_WITHDRAWN = "access.withdrawn"
    STEP_DONE = "step.done"
    STEP_NOT_DONE = "step.not_done"
    STEP_NOT_APPLICABLE = "step.not_applicable"
    STEP_DETAILED = "step.detailed"
    STEP_CORRECTED = "step.corrected"
    STEP_VERIFIED = "step.verified"
    REQUIREMENT_OVERRIDDEN = "requirement.overridden"
    EVENT_VOIDED = "event.voided"
    EVENT_MOVED = "event.moved"
    EVENT_RECONCILED = "event.reconciled"
    HANDOVER_OFFERED = "handover.offered"
    HANDOVER_ACCEPTED = "handover.accepted"
    HANDOVER_WITHDRAWN = "handover.withdrawn"
    PATIENT_CORRECTED = "patient.corrected"
    ALLERGY_ADDED = "allergy.added"
    ALLERGY_WITHDRAWN = "allergy.withdrawn"


class Source(StrEnum):
    """How an event came in."""

    LIVE = "live"
    OFFLINE = "offline"
    PAPER = "paper"


class Flag(StrEnum):
    """What a reader of the record must know about an entry."""

    LATE = "late"
    OVERRIDDEN = "overridden"
    OUT_OF_ORDER = "out_of_order"
    OFF_TIME = "off_time"
    CONFIRMED = "confirmed"
    OTHER_ROLE = "other_role"
    CORRECTED = "corrected"
    EXPIRED = "expired"
    UNUSUAL = "unusual"
    CLOCK = "clock"


class CaseStatus(StrEnum):
    """Where a case stands."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    RECOVERY = "recovery"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    VOIDED = "voided"


class LevelStatus(StrEnum):
    """Where a vertebra stands; withdrawn: taken off the plan before the start."""

    OPEN = "open"
    COMPLETED = "completed"
    ABANDONED = "abandoned"
    DEFERRED = "deferred"
    WITHDRAWN = "withdrawn"


class StepStatus(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    DONE = "done"
    NOT_APPLICABLE = "not_applicable"
    NOT_DONE = "not_done"


ENDINGS = {
    EventKind.CASE_COMPLETED: CaseStatus.COMPLETED,
    EventKind.CASE_CANCELLED: CaseStatus.CANCELLED,
    EventKind.CASE_STOPPED: CaseStatus.STOPPED,
    EventKind.CASE_VOIDED: CaseStatus.VOIDED,
}
MARKS = {
    EventKind.STEP_DONE: StepStatus.DONE,
    EventKind.STEP_NOT_DONE: StepStatus.NOT_DONE,
    EventKind.STEP_NOT_APPLICABLE: StepStatus.NOT_APPLICABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as the fold sees it. `about` is the seq of the entry that it adds to, corrects, verifies or voids.

    `via` is whose session it came through, where that is not the recorder's own; `tablet` the enrolled tablet.
    What waited in a tablet's queue keeps `device_at`, the time that the tablet's own clock showed, and `offset_ms`,
    by how many milliseconds that clock was behind the server's when this was last measured.
    """

    seq: int
    kind: EventKind
    performed_by: int
    recorded_by: int
    performed_at: datetime
    recorded_at: datetime
    command_id: UUID
    part: int = 0
    step_key: str = ""
    about: int | None = None
    values: Values = NOTHING
    flags: tuple[str, ...] = ()
    reason: str = ""
    source: Source = Source.LIVE
    via: int | None = None
    tablet: int | None = None
    device_at: datetime | None = None
    offset_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One recorded act of a step, with everything that was later said about it."""

    seq: int
    mark: StepStatus
    performed_by: int
    recorded_by: int
    performed_at: datetime
    recorded_at: datetime
    values: Values = NOTHING
    flags: tuple[str, ...] = ()
    reason: str = ""
    source: str = Source.LIVE
    amended: tuple[int, ...] = ()
    verified_by: int | None = None
    verified_at: datetime | None = None
    voided: int | None = None
    void_reason: str = ""

    @property
    def live(self) -> bool:
        """Whether the entry still counts."""
        return self.voided is None


@dataclass(frozen=True, slots=True)
class StepState:
    """One row of the checklist with its entries, oldest first."""

    key: Key
    entries: tuple[Entry, ...] = ()
    last_seq: int = 0

    @property
    def live(self) -> tuple[Entry, ...]:
        """The entries that record an act that was done and still counts."""
        return tuple(e for e in self.entries if e.voided is None and e.mark is StepStatus.DONE)

    @property
    def mark(self) -> Entry | None:
        """The entry that decides the state: the last that still counts."""
        return next((e for e in reversed(self.entries) if e.voided is None), None)

    @property
    def status(self) -> StepStatus:
        """Done while any act counts, else what was last marked, else pending."""
        mark = self.mark
        return mark.mark if mark else StepStatus.PENDING

    def entry(self, seq: int) -> Entry | None:
        """The entry that the event `seq` made, or None."""
        return next((e for e in self.entries if e.seq == seq), None)


@dataclass(frozen=True, slots=True)
class LevelState:
    """One vertebra. `closed` is the seq of the event that abandoned or deferred it."""

    vertebra: str
    planned: bool
    status: LevelStatus = LevelStatus.OPEN
    reason: str = ""
    sides: tuple[str, ...] = ()
    closed: int | None = None


@dataclass(frozen=True, slots=True)
class TeamMember:
    """Somebody in the team of a case."""

    user: int
    role: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseState:
    """A whole case at one moment. `plan` holds room, scheduled_at, indication and anaesthesia."""

    last_seq: int = 0
    opened_at: datetime | None = None
    plan: Values = NOTHING
    started_at: datetime | None = None
    ended: CaseStatus | None = None
    ended_at: datetime | None = None
    end_reason: str = ""
    paused_at: datetime | None = None
    emergency_at: datetime | None = None
    team: tuple[TeamMember, ...] = ()
    levels: Mapping[str, LevelState] = field(default_factory=dict)
    steps: Mapping[str, StepState] = field(default_factory=dict)

    @property
    def operator(self) -> int | None:
        """The current operator's user id."""
        return next((m.user for m in reversed(self.team) if m.role == "operator" and m.until is None), None)

    def in_team(self, user: int) -> bool:
        """Whether the user is in the team now."""
        return any(m.user == user and m.until is None for m in self.team)

    def status(self, protocol: Protocol) -> CaseStatus:
        """The status: what ended the case, else how far it has come."""
        if self.ended:
            return self.ended
        if self.started_at is None:
            return CaseStatus.SCHEDULED
        turned = protocol.by_milestone.get(Milestone.TURNED)
        if turned and turned.code in self.steps and self.steps[turned.code].live:
            return CaseStatus.RECOVERY
        return CaseStatus.IN_PROGRESS

    def in_order(self) -> list[LevelState]:
        """The levels that are part of the case, from the head down."""
        return [
            level
            for vertebra in VERTEBRAE
            if (level := self.levels.get(vertebra)) and level.status is not LevelStatus.WITHDRAWN
        ]

    def holder(self, seq: int) -> StepState | None:
        """The step that holds the entry made by the event `seq`."""
        return next((step for step in self.steps.values() if step.entry(seq)), None)


def apply(protocol: Protocol, state: CaseState, event: Event) -> CaseState:
    """The state after one more event. Raises ValueError for an event that cannot follow this state."""
    if event.seq != state.last_seq + 1:
        raise ValueError(f"event {event.seq} does not follow {state.last_seq}")
    state = replace(state, last_seq=event.seq)
    noun = event.kind.partition(".")[0]
    match noun:
        case "case":
            return _apply_case(protocol, state, event)
        case "team":
            return _apply_team(state, event)
        case "level" | "access":
            return _apply_level(protocol, state, event)
        case "step":
            return _apply_step(state, event)
        case "event":
            return _apply_void(state, event)
    return state


def replay(protocol: Protocol, events: Iterable[Event]) -> CaseState:
    """The state after all the events, from nothing."""
    state = CaseState()
    for event in events:
        state = apply(protocol, state, event)
    return state


def _apply_case(protocol: Protocol, state: CaseState, event: Event) -> CaseState:
    if event.kind in ENDINGS:
        return replace(
            state,
            ended=ENDINGS[event.kind],
            ended_at=event.performed_at,
            end_reason=event.reason,
            paused_at=None,
        )
    match event.kind:
        case EventKind.CASE_OPENED:
            state = replace(state, opened_at=event.recorded_at, plan=dict(event.values["plan"]))
            return _with_steps(state, [Key(s.code) for s in protocol.steps if s.repeats is Repeats.ONCE])
        case EventKind.CASE_CHANGED:
            return replace(state, plan={**state.plan, **event.values["plan"]})
        case EventKind.CASE_STARTED:
            return replace(state, started_at=event.performed_at)
        case EventKind.CASE_PAUSED:
            return replace(state, paused_at=event.performed_at)
        case EventKind.CASE_RESUMED:
            return replace(state, paused_at=None)
        case EventKind.EMERGENCY_ON:
            return replace(state, emergency_at=event.performed_at)
        case _:
            return replace(state, emergency_at=None)


def _apply_team(state: CaseState, event: Event) -> CaseState:
    user = event.values["user"]
    if event.kind is EventKind.TEAM_JOINED:
        member = TeamMember(user, event.values["role"], event.performed_at)
        return replace(state, team=(*state.team, member))
    team = tuple(
        replace(m, until=event.performed_at) if m.user == user and m.until is None else m for m in state.team
    )
    return replace(state, team=team)


def _apply_level(protocol: Protocol, state: CaseState, event: Event) -> CaseState:
    vertebra = event.values["level"]
    level = state.levels.get(vertebra)
    keys: list[Key] = []
    match event.kind:
        case EventKind.LEVEL_ADDED:
            level = LevelState(vertebra, event.values["planned"], sides=level.sides if level else ())
            keys = [Key(s.code, vertebra) for s in protocol.steps if s.repeats is Repeats.LEVEL]
        case EventKind.ACCESS_ADDED if level:
            side = event.values["side"]
            level = replace(level, sides=tuple(sorted({*level.sides, side})))
            keys = [Key(s.code, vertebra, side) for s in protocol.steps if s.repeats is Repeats.ACCESS]
        case EventKind.ACCESS_WITHDRAWN if level:
            level = replace(level, sides=tuple(s for s in level.sides if s != event.values["side"]))
        case EventKind.LEVEL_WITHDRAWN if level:
            level = replace(level, status=LevelStatus.WITHDRAWN)
        case EventKind.LEVEL_ABANDONED if level:
            level = replace(level, status=LevelStatus.ABANDONED, reason=event.reason, closed=event.seq)
        case EventKind.LEVEL_DEFERRED if level:
            level = replace(level, status=LevelStatus.DEFERRED, reason=event.reason, closed=event.seq)
    if level is None:
        raise ValueError(f"event {event.seq} speaks of a level that the case does not have: {vertebra}")
    return _with_steps(replace(state, levels={**state.levels, vertebra: level}), keys)


def _with_steps(state: CaseState, keys: Iterable[Key]) -> CaseState:
    new = {str(key): StepState(key) for key in keys if str(key) not in state.steps}
    return replace(state, steps={**state.steps, **new}) if new else state


def _apply_step(state: CaseState, event: Event) -> CaseState:
    step = state.steps.get(event.step_key)
    if step is None:
        raise ValueError(f"event {event.seq} speaks of a step that the case does not have: {event.step_key}")
    if event.kind in MARKS:
        entry = Entry(
            seq=event.seq,
            mark=MARKS[event.kind],
            values=event.values,
            performed_by=event.performed_by,
            recorded_by=event.recorded_by,
            performed_at=event.performed_at,
            recorded_at=event.recorded_at,
            flags=event.flags,
            reason=event.reason,
            source=event.source,
        )
        step = StepState(step.key, (*step.entries, entry), event.seq)
    else:
        step = _amend(step, event)
    return replace(state, steps={**state.steps, event.step_key: step})


def _amend(step: StepState, event: Event) -> StepState:
    """The step after details, a correction or a verification of one of its entries."""
    old = step.entry(event.about or 0)
    if old is None or not old.live:
        raise ValueError(f"event {event.seq} is about an entry that does not count: {event.about}")
    match event.kind:
        case EventKind.STEP_VERIFIED:
            new = replace(old, verified_by=event.performed_by, verified_at=event.performed_at)
        case EventKind.STEP_DETAILED:
            new = replace(
                old,
                values={**old.values, **event.values["values"]},
                flags=tuple(sorted({*old.flags, *event.flags})),
                amended=(*old.amended, event.seq),
            )
        case _:
            changes = event.values
            values = {
                key: value for key, value in {**old.values, **changes["values"]}.items() if value is not None
            }
            at = changes.get("performed_at")
            new = replace(
                old,
                values=values,
                performed_by=changes.get("performed_by", old.performed_by),
                performed_at=datetime.fromisoformat(at) if at else old.performed_at,
                flags=tuple(sorted({*old.flags, Flag.CORRECTED} - {Flag.EXPIRED} | {*event.flags})),
                amended=(*old.amended, event.seq),
                verified_by=None,
                verified_at=None,
            )
    return StepState(step.key, tuple(new if e is old else e for e in step.entries), event.seq)


def _apply_void(state: CaseState, event: Event) -> CaseState:
    """Void an entry of a step, or take back the closing of a level."""
    for vertebra, level in state.levels.items():
        if level.closed is not None and level.closed == event.about:
            reopened = replace(level, status=LevelStatus.OPEN, reason="", closed=None)
            return replace(state, levels={**state.levels, vertebra: reopened})
    step = state.steps.get(event.step_key)
    old = step.entry(event.about or 0) if step else None
    if step is None or old is None or not old.live:
        raise ValueError(f"event {event.seq} voids what does not count: {event.about}")
    new = replace(old, voided=event.seq, void_reason=event.reason)
    step = StepState(step.key, tuple(new if e is old else e for e in step.entries), event.seq)
    return replace(state, steps={**state.steps, event.step_key: step})
