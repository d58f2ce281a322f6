"""A case on paper: events folded by the real fold, without a database and without the rules that guard it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from procedures.definitions import Phase, Protocol
from procedures.fold import apply
from procedures.progress import Place, Progress
from procedures.protocols.reading import BUILT_IN, read
from procedures.state import CaseState, Event, EventKind, StepState, StepStatus

OPERATOR, NURSE, OTHER = 1, 2, 3
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SHIPPED = read(BUILT_IN)
MARKS = {
    StepStatus.NOT_DONE: EventKind.STEP_NOT_DONE,
    StepStatus.NOT_APPLICABLE: EventKind.STEP_NOT_APPLICABLE,
}
ONE_SIDE = ("K08b", "K09a", "K09b", "K09d", "K09e")
NOW_VALUES: dict[str, dict[str, Any]] = {
    "K04": {"mode": "moderate"},
    "K09f": {"sample_hard": True},
    "CNT": {"match": True},
}


def ml(amount: str) -> dict[str, str]:
    """A volume as it is stored."""
    return {"amount": amount, "unit": "mL"}


class Sheet:
    """A started case at the given vertebrae. Every event comes a minute after the one before."""

    def __init__(
        self, *levels: str, anaesthesia: str = "sedation", protocol: Protocol = SHIPPED, started: bool = True
    ) -> None:
        self.protocol = protocol
        self.state = CaseState()
        self.events: list[Event] = []
        plan = {
            "room": "IR 1",
            "scheduled_at": START.isoformat(),
            "indication": "trauma",
            "anaesthesia": anaesthesia,
        }
        self.add(EventKind.CASE_OPENED, values={"plan": plan})
        for level in levels or ("L1",):
            self.level(level, planned=True)
        if started:
            self.add(EventKind.CASE_STARTED)

    def add(self, kind: EventKind, **rest: Any) -> int:
        """Fold one more event in; returns its number."""
        seq = self.state.last_seq + 1
        at = rest.pop("performed_at", None) or START + timedelta(minutes=seq)
        by = rest.pop("by", NURSE)
        event = Event(
            seq=seq,
            kind=kind,
            performed_by=by,
            recorded_by=rest.pop("recorded_by", by),
            performed_at=at,
            recorded_at=START + timedelta(minutes=seq),
            command_id=UUID(int=seq),
            **rest,
        )
        self.state = apply(self.protocol, self.state, event)
        self.events.append(event)
        return seq

    def level(self, vertebra: str, *, planned: bool = False) -> int:
        """Add a vertebra."""
        return self.add(EventKind.LEVEL_ADDED, values={"level": vertebra, "planned": planned})

    def access(self, vertebra: str, *sides: str) -> None:
        """Open the access of these sides."""
        for side in sides:
            self.add(EventKind.ACCESS_ADDED, values={"level": vertebra, "side": side})

    def done(self, *keys: str, by: int = NURSE, **values: Any) -> int:
        """Record steps as done; returns the number of the last entry."""
        for key in keys:
            given = {**NOW_VALUES.get(key.partition("-L")[0].partition("-T")[0], {}), **values}
            seq = self.add(EventKind.STEP_DONE, step_key=key, by=by, values=given)
        return seq

    def mark(self, key: str, status: StepStatus = StepStatus.NOT_APPLICABLE) -> int:
        """Mark a step not done or not applicable."""
        return self.add(MARKS[status], step_key=key, reason="said")

    def void(self, key: str, about: int) -> int:
        """Take an entry back."""
        return self.add(EventKind.EVENT_VOIDED, step_key=key, about=about, reason="slip")

    def side(self, vertebra: str, side: str, codes: tuple[str, ...] = ONE_SIDE, **values: Any) -> int:
        """Open an access and do these of its steps."""
        self.access(vertebra, side)
        for code in codes:
            seq = self.done(f"{code}-{vertebra}-{side}", **(values if code == "K09d" else {}))
        return seq

    def prepare(self) -> None:
        """Do everything up to the time-out, and mix a batch of cement."""
        for phase in (Phase.BEFORE, Phase.ROOM):
            self.done(*(step.code for step in self.protocol.phase(phase)))
        self.done("K09c")

    def whole_level(self, vertebra: str, *sides: str, **values: Any) -> None:
        """Do all of a vertebra."""
        self.done(f"K07-{vertebra}", f"K08a-{vertebra}")
        for side in sides:
            self.side(vertebra, side, **values)
        self.done(f"K09f-{vertebra}")

    @property
    def progress(self) -> Progress:
        """Questions to the case as it is now."""
        return Progress(self.protocol, self.state)

    def step(self, key: str) -> StepState:
        """The step with that key."""
        return self.state.steps[key]

    def place(self, key: str) -> Place:
        """The row with that key."""
        place = self.progress.place(key)
        assert place
        return place

    def waits_for(self, key: str, *, hard: bool = True) -> set[str]:
        """The keys of the rows that hold a step up."""
        return {
            str(waiting)
            for unmet in self.progress.unmet(self.place(key))
            if unmet.requirement.hard is hard
            for waiting in unmet.waiting
        }

    def open(self, vertebra: str = "") -> set[str]:
        """The keys that are expected and not settled, of one vertebra or of the whole case."""
        return {str(p.key) for p in self.progress.open_places if not vertebra or p.key.level == vertebra}
