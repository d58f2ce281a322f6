"""What a state means: what is owed, settled, missing, next, and the summary kept on the case. Pure.

These functions answer the rules, the screens and the projection alike, so that none of them can disagree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from .definitions import (
    Field,
    Key,
    Measure,
    Milestone,
    Needed,
    Phase,
    Protocol,
    Repeats,
    Required,
    Requirement,
    Scope,
    SecondPerson,
    Step,
)
from .state import (
    CaseState,
    CaseStatus,
    Entry,
    Flag,
    LevelState,
    LevelStatus,
    Source,
    StepState,
    StepStatus,
)

SPINE = 11
TO_RECONCILE = frozenset({Flag.OUT_OF_ORDER, Flag.OVERRIDDEN})
CLOSED = (LevelStatus.ABANDONED, LevelStatus.DEFERRED)
AFTER_SIGNING = (Phase.RECOVERY, Phase.DISCHARGE, Phase.ANY)  # what goes on once the note is signed


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the checklist, or one that will open once a side is chosen (an access step without a side)."""

    definition: Step
    key: Key
    step: StepState
    text: str

    @property
    def needs_side(self) -> bool:
        """Whether the side is still to be chosen."""
        return self.definition.repeats is Repeats.ACCESS and not self.key.side


@dataclass(frozen=True, slots=True)
class Unmet:
    """A requirement that does not hold yet, and the rows that hold it up."""

    requirement: Requirement
    needs: Step
    waiting: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Deficit:
    """Something that the record still lacks: a detail, a second person, or a partner entry."""

    key: Key
    seq: int | None
    what: str
    field: Field | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What Today and the case log read: columns of the case of the same names."""

    status: CaseStatus
    levels: list[str]
    done: int
    total: int
    deficits: int
    to_reconcile: int
    next_step: str
    spine: str
    first_needle_at: datetime | None
    last_needle_out_at: datetime | None
    cement_ml: Decimal
    leak: bool | None
    complications: int


class Progress:
    """Questions to one state under its protocol. Answers are computed once."""

    def __init__(self, protocol: Protocol, state: CaseState) -> None:
        self.protocol = protocol
        self.state = state
        self._expected: dict[str, bool] = {}

    # Rows ---------------------------------------------------------------------------------------------------

    @cached_property
    def places(self) -> dict[str, Place]:
        """Every row of the case in the order of work, by key: level by level within the level phase."""
        found: dict[str, Place] = {}
        levels = self.state.in_order()
        for definition in self.protocol.steps:
            if definition.phase is not Phase.LEVEL:
                self._put(found, definition, Key(definition.code))
        for level in levels:
            for definition in self.protocol.phase(Phase.LEVEL):
                for key in self._keys(definition, level):
                    self._put(found, definition, key)
        if not levels:
            for definition in self.protocol.phase(Phase.LEVEL):
                if definition.repeats is Repeats.ONCE:
                    self._put(found, definition, Key(definition.code))
        order = list(Phase)
        return dict(sorted(found.items(), key=lambda item: order.index(item[1].definition.phase)))

    def _put(self, found: dict[str, Place], definition: Step, key: Key) -> None:
        text = str(key)
        if text not in found:
            found[text] = Place(definition, key, self.state.steps.get(text) or StepState(key), text)

    @staticmethod
    def _keys(definition: Step, level: LevelState) -> list[Key]:
        if definition.repeats is Repeats.ONCE:
            return [Key(definition.code)]
        if definition.repeats is Repeats.LEVEL:
            return [Key(definition.code, level.vertebra)]
        return [Key(definition.code, level.vertebra, side) for side in level.sides or ("",)]

    def place(self, text: str) -> Place | None:
        """The row with that key; also one whose access is not open yet. None if the case cannot have it."""
        if found := self.places.get(text):
            return found
        key = Key.parse(text)
        definition = self.protocol.by_code.get(key.code)
        level = self.state.levels.get(key.level)
        if definition is None or definition.repeats is not Repeats.ACCESS or level is None:
            return None
        if level.status is LevelStatus.WITHDRAWN:
            return None
        return Place(definition, key, StepState(key), text)

    # What is owed and what is settled -----------------------------------------------------------------------

    def settled(self, place: Place) -> bool:
        """Done, not applicable, or not done with a reason; and its partner is not ahead of it.

        A mark given before its partner happened settles nothing: a balloon that went in later is still inside.
        """
        return place.step.status is not StepStatus.PENDING and not self.behind_partner(place)

    def behind_partner(self, place: Place) -> bool:
        """Whether the step it pairs with has more live entries: a balloon that is still inside."""
        partner = place.definition.pairs_with
        if not partner or place.needs_side:
            return False
        other = self.state.steps.get(str(Key(partner, place.key.level, place.key.side)))
        return other is not None and len(other.live) > len(place.step.live)

    def owed(self, place: Place) -> bool:
        """Whether what was begun makes this step due: its partner is ahead, or a step that it needs is done."""
        if self.behind_partner(place):
            return True
        if place.definition.required is not Required.STARTED or place.definition.pairs_with:
            return False
        return any(
            other.step.live
            for requirement in place.definition.requirements
            if requirement.hard and requirement.scope in (Scope.LEVEL, Scope.ACCESS)
            for other in self.needed(requirement, place.key)
        )

    def expected(self, place: Place) -> bool:
        """Whether the step counts: it must be settled, or already is, before the case is whole."""
        if place.text not in self._expected:
            self._expected[place.text] = self._is_expected(place)
        return self._expected[place.text]

    def _is_expected(self, place: Place) -> bool:
        definition, level = place.definition, self.state.levels.get(place.key.level)
        if definition.phase is Phase.ANY:
            return False
        if place.step.mark is not None or self.owed(place):
            return True
        if definition.required is Required.OPTIONAL or (level and level.status in CLOSED):
            return False
        if definition.phase is Phase.LEVEL and not level and self._all_levels_closed:
            return False
        return definition.required is Required.ALWAYS or place.needs_side or self._will_be_owed(place)

    @cached_property
    def _all_levels_closed(self) -> bool:
        """Every vertebra was abandoned or deferred: no cement is mixed for nobody."""
        levels = self.state.in_order()
        return bool(levels) and all(level.status in CLOSED for level in levels)

    def _will_be_owed(self, place: Place) -> bool:
        """An `if_started` step of an open level counts from the start, so that the total does not jump."""
        needed = [
            other
            for requirement in place.definition.requirements
            if requirement.hard and requirement.scope in (Scope.LEVEL, Scope.ACCESS)
            for other in self.needed(requirement, place.key)
        ]
        return not needed or any(
            other.step.status is StepStatus.PENDING or other.step.live for other in needed
        )

    def level_status(self, level: LevelState) -> LevelStatus:
        """Open, or completed once every expected step of the level is settled; else what closed it."""
        if level.status is not LevelStatus.OPEN:
            return level.status
        rows = [p for p in self.places.values() if p.key.level == level.vertebra]
        whole = level.sides and all(self.settled(p) for p in rows if self.expected(p))
        return LevelStatus.COMPLETED if whole else LevelStatus.OPEN

    # Requirements -------------------------------------------------------------------------------------------

    def needed(self, requirement: Requirement, key: Key) -> list[Place]:
        """The rows that a requirement of the step at `key` looks at."""
        found = []
        for place in self.by_code.get(requirement.needs, ()):
            match requirement.scope:
                case Scope.LEVEL if place.key.level != key.level:
                    continue
                case Scope.ACCESS if (place.key.level, place.key.side) != (key.level, key.side):
                    continue
            found.append(place)
        return found

    @cached_property
    def by_code(self) -> dict[str, list[Place]]:
        """The rows of each step."""
        found: dict[str, list[Place]] = {}
        for place in self.places.values():
            found.setdefault(place.definition.code, []).append(place)
        return found

    def unmet(self, place: Place) -> list[Unmet]:
        """The requirements of a step that do not hold, hard ones first."""
        found = []
        for requirement in place.definition.requirements:
            only = requirement.only_if_anaesthesia
            if only and self.state.plan.get("anaesthesia") not in only:
                continue
            waiting = tuple(
                p.key for p in self.needed(requirement, place.key) if not self._holds(requirement, p)
            )
            if waiting:
                found.append(Unmet(requirement, self.protocol.by_code[requirement.needs], waiting))
        return sorted(found, key=lambda unmet: not unmet.requirement.hard)

    def _holds(self, requirement: Requirement, place: Place) -> bool:
        if self.behind_partner(place):
            return False
        match place.step.status:
            case StepStatus.NOT_APPLICABLE:
                return True
            case StepStatus.NOT_DONE:
                return not requirement.hard
            case StepStatus.PENDING:
                return not self.expected(place) and place.key.level != ""
        last = place.step.live[-1]
        if last.second and requirement.hard:
            return False  # two people found different things: nothing that depends on it may go on
        return all(last.values.get(name) == value for name, value in requirement.expects.items())

    # What comes next and what is missing --------------------------------------------------------------------

    @cached_property
    def open_places(self) -> list[Place]:
        """The expected rows that are not settled, in the order of work."""
        return [p for p in self.places.values() if self.expected(p) and not self.settled(p)]

    @cached_property
    def to_do(self) -> list[Place]:
        """The open rows that can still be settled: what a signed note left open stays so, but for what is inside."""
        if self.state.signed is None:
            return self.open_places
        return [
            p
            for p in self.open_places
            if p.definition.phase in AFTER_SIGNING
            or (self.behind_partner(p) and p.step.status in (StepStatus.PENDING, StepStatus.DONE))
        ]

    def next_place(self, after: Key | None = None) -> Place | None:
        """The row to take in hand: on in the level just worked at if it can go on, else the first that can."""
        if after and after.level:
            order = list(self.places)
            position = order.index(str(after)) if str(after) in order else -1
            for place in self.to_do:
                here = place.key.level == after.level and place.key.side in (after.side, "")
                if here and order.index(place.text) > position and self._ready(place):
                    return place
        first = next(iter(self.to_do), None)
        return next((place for place in self.to_do if self._ready(place)), first)

    def _ready(self, place: Place) -> bool:
        return not any(unmet.requirement.hard for unmet in self.unmet(place))

    @cached_property
    def deficits(self) -> list[Deficit]:
        """What the record lacks of the steps that were recorded."""
        found = []
        for place in self.places.values():
            if self.behind_partner(place) and place.step.live:
                found.append(Deficit(place.key, None, "partner"))
            for entry in place.step.live:
                found += [Deficit(place.key, entry.seq, "field", f) for f in missing(place.definition, entry)]
                if place.definition.second_person is not SecondPerson.NONE and entry.verified_by is None:
                    what = "dispute" if entry.second else "verification"
                    found.append(Deficit(place.key, entry.seq, what))
        return found

    @staticmethod
    def to_reconcile(entry: Entry) -> bool:
        """Whether somebody still has to look at an entry that came out of order, by override or from offline."""
        if not entry.live or entry.reconciled is not None:
            return False
        return entry.source == Source.OFFLINE or not TO_RECONCILE.isdisjoint(entry.flags)

    @cached_property
    def unreconciled(self) -> list[tuple[Place, Entry]]:
        """The entries that somebody still has to look at, oldest first; who signed has looked at those before."""
        signed = self.state.signed.seq if self.state.signed else 0
        found = [
            (p, e)
            for p in self.places.values()
            for e in p.step.entries
            if e.seq > signed and self.to_reconcile(e)
        ]
        return sorted(found, key=lambda pair: pair[1].seq)

    def deficits_of(self, place: Place) -> list[Deficit]:
        """What the record lacks of one step."""
        return [deficit for deficit in self.deficits if deficit.key == place.key]

    # Summary ------------------------------------------------------------------------------------------------

    @cached_property
    def _summary(self) -> Summary:
        expected = [p for p in self.places.values() if self.expected(p)]
        status = self.state.status(self.protocol)
        over = status in (CaseStatus.COMPLETED, CaseStatus.CANCELLED, CaseStatus.STOPPED, CaseStatus.VOIDED)
        following = None if over else self.next_place()
        needles_in = self._times(Milestone.NEEDLE_IN)
        needles_out = self._times(Milestone.NEEDLE_OUT)
        return Summary(
            status=status,
            levels=[level.vertebra for level in self.state.in_order()],
            done=sum(self.settled(p) for p in expected),
            total=len(expected),
            deficits=len(self.deficits),
            to_reconcile=len(self.unreconciled),
            next_step=following.text if following else "",
            spine=self._spine(expected),
            first_needle_at=min(needles_in, default=None),
            last_needle_out_at=max(needles_out, default=None),
            cement_ml=self._cement(),
            leak=self._leak(),
            complications=sum(1 for _ in self._entries(Milestone.COMPLICATION)),
        )

    def summary(self) -> Summary:
        """The columns of the case that follow from its rows."""
        return self._summary

    def _entries(self, milestone: Milestone) -> Iterator[Entry]:
        step = self.protocol.by_milestone.get(milestone)
        for place in self.by_code.get(step.code, ()) if step else ():
            yield from place.step.live

    def _times(self, milestone: Milestone) -> list[datetime]:
        return [entry.performed_at for entry in self._entries(milestone)]

    def _measured(self, measure: Measure) -> Iterator[dict[str, str]]:
        for place in self.places.values():
            if field := place.definition.measuring(measure):
                yield from (entry.values[field.key] for entry in place.step.live if field.key in entry.values)

    def _cement(self) -> Decimal:
        """All cement in mL, to the tenth: what the column of the case holds."""
        amounts = (Decimal(value["amount"]) for value in self._measured(Measure.CEMENT_ML))
        return sum(amounts, Decimal()).quantize(Decimal("0.1"), ROUND_HALF_UP)

    def _leak(self) -> bool | None:
        """True when any leak was recorded, False when each answer was "none", None when nobody answered."""
        answers = [answer for answers in self._measured(Measure.LEAK) for answer in answers]
        return any(answer != "none" for answer in answers) if answers else None

    def _spine(self, expected: list[Place]) -> str:
        rows: list[list[Place]] = [[] for _ in range(SPINE)]
        for place in expected:
            if place.definition.seed:
                rows[place.definition.seed - 1].append(place)
        return "".join(self._mark(row) for row in rows)

    def _mark(self, row: list[Place]) -> str:
        settled = [self.settled(p) for p in row]
        if row and all(settled):
            return "d"
        return "~" if any(p.step.mark for p in row) else "."


def missing(definition: Step, entry: Entry) -> list[Field]:
    """The fields that are needed by completion (or now) and that the entry does not have."""
    return [f for f in definition.fields if f.needed is not Needed.OPTIONAL and f.key not in entry.values]
