"""The state of a case, and the events that it is folded from (`fold.py`). Pure: standard library and definitions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from .definitions import VERTEBRAE, Key, Milestone, Protocol

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
    CASE_SIGNED = "case.signed"
    CASE_COSIGNED = "case.cosigned"
    COSIGN_MOVED = "case.cosign_moved"
    ADDENDUM_ADDED = "addendum.added"
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
    STEP_DISPUTED = "step.disputed"
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
    PAUSED = "paused"
    NOT_READ = "not_read"
    REPEATED = "repeated"
    MOVED = "moved"
    ADDENDUM = "addendum"


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
    """One recorded act of a step, with everything that was later said about it.

    `second`: what the second person found instead (`by`, `at`, `values`), until it is put right. `reconciled`: the seq
    of the event that put it in order afterwards. `moved`: it was taken back because it belongs to another case.
    `added`: it came as an addendum; one that an addendum says more of has the flag alone.
    """

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
    via: int | None = None
    second: Values = NOTHING
    reconciled: int | None = None
    moved: bool = False
    added: bool = False

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


@dataclass(frozen=True, slots=True)
class Handover:
    """A handover that was offered and not answered yet: the event's seq, from whom, to whom, when."""

    seq: int
    by: int
    to: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed the operative note, when; `seq`: of the event. What came before it is locked."""

    seq: int
    by: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseState:
    """A whole case at one moment. `plan` holds room, scheduled_at, indication and anaesthesia; `cosign_by`: who was
    asked to sign too; `addenda`: how many there are."""

    last_seq: int = 0
    opened_at: datetime | None = None
    plan: Values = NOTHING
    started_at: datetime | None = None
    ended: CaseStatus | None = None
    ended_at: datetime | None = None
    end_reason: str = ""
    paused_at: datetime | None = None
    emergency_at: datetime | None = None
    handover: Handover | None = None
    signed: Signature | None = None
    cosign_by: int | None = None
    cosigned: Signature | None = None
    addenda: int = 0
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
