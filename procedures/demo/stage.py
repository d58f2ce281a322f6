"""One case being recorded: a clock that moves on, the people around the table, and the commands they send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from procedures import clock, commands, second_person
from procedures.cautions import AGAIN
from procedures.commands import Command, Plan, Receipt
from procedures.definitions import Key, Phase, Protocol, Role, SecondPerson, Step
from procedures.models import Unit, User
from procedures.protocols import frozen
from procedures.state import NOTHING, Source, StepStatus

from .details import Details, Supply, person
from .door import Door
from .patients import Person
from .people import Crew

BOTH = ("left", "right")
MOVED_TO = "Theatre 3"  # the room that a case is moved to
# These hold the tablet themselves; for everybody else (scrubbed, or at the X-ray) a nurse records.
_AT_THE_TABLET = (
    Role.WARD_NURSE,
    Role.CIRCULATING_NURSE,
    Role.SEDATION_NURSE,
    Role.ANAESTHETIST,
    Role.RECOVERY_NURSE,
)
_SECOND_PERSONS = (Role.RADIOGRAPHER, Role.SEDATION_NURSE, Role.ANAESTHETIST, Role.SCRUB_NURSE)
_TEAM = frozenset(
    {
        Role.OPERATOR,
        Role.ASSISTANT,
        Role.CIRCULATING_NURSE,
        Role.SEDATION_NURSE,
        Role.ANAESTHETIST,
        Role.SCRUB_NURSE,
        Role.RADIOGRAPHER,
    }
)


FROM_PAPER: Mapping[str, Any] = {"source": Source.PAPER}


class Curtain(Exception):
    """The case has come as far as it is to come: to the present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What a case is going to be. `levels`: the sides of each vertebra; `twists`: what goes otherwise than planned.

    `together`: all needles, then all balloons, then all cement; `gaps`: the share of details that nobody entered;
    `relief`: who takes the circulating nurse's place at a handover; `pace`: below 1 they work faster than usual.
    `supplies`: the lot in use, by kind of product; `approach`: the operator's own way, else after the level;
    `leak_share`: of the levels (series report 9 % of levels and 40 % of patients, sources S24, S25); `beam`: the
    operator's share of the usual fluoroscopy; `trainer`: who is asked to co-sign; `signed_off`: whether it is over.
    """

    person: Person
    crew: Crew
    levels: Mapping[str, tuple[str, ...]]
    start: datetime
    scheduled: datetime
    opened: datetime
    room: str
    relief: User | None = None
    supplies: Mapping[str, Supply] = field(default_factory=dict)
    approach: str = ""
    leak_share: float = 0.15
    beam: float = 1.0
    anaesthesia: str = "sedation"
    together: bool = True
    pace: float = 1.0
    vitals_every: int = 5  # minutes, source S35
    gaps: float = 0.0
    trainer: User | None = None
    signed_off: bool = False
    twists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An act that waits on a tablet without network."""

    key: str
    by: User
    performer: User
    values: Mapping[str, Any]
    at: datetime


@dataclass
class Stage:
    """Plays a plot in its case until `until`, the present; then every further act raises `Curtain`."""

    door: Door
    unit: Unit
    plot: Plot
    rng: Random
    until: datetime
    details: Details
    now: datetime = field(init=False)
    case_id: UUID = field(init=False)
    protocol: Protocol = field(init=False)
    next_vitals: datetime | None = None
    lag: timedelta = timedelta()  # how long after the act it is entered, from a sheet of paper
    queue: list[Waiting] | None = None  # what a tablet without network has recorded

    def __post_init__(self) -> None:
        self.now = self.plot.opened
        self.case_id = self.fresh_id()

    def fresh_id(self) -> UUID:
        """A command's or a case's id: always the same ones for the same seed."""
        return UUID(int=self.rng.getrandbits(128), version=4)

    def has(self, twist: str) -> bool:
        """Whether the plot has this twist."""
        return twist in self.plot.twists

    # Time ----------------------------------------------------------------------------------------------------------

    def wait(self, low: float, high: float) -> None:
        """Let a few minutes pass; under sedation the vitals are taken meanwhile. Raises Curtain at the present."""
        self.wait_until(self.now + timedelta(minutes=round(self.rng.uniform(low, high) * self.plot.pace, 2)))

    def wait_until(self, moment: datetime) -> None:
        """Let the time pass up to a moment."""
        while self.next_vitals and self.next_vitals < moment:
            self.now, due = max(self.now, self.next_vitals), self.next_vitals
            self._check_present(self.now)
            self.next_vitals = due + timedelta(minutes=self.plot.vitals_every)
            if self.rng.random() < 0.97:  # now and then a round is missed
                self.record("EV-VITALS", performer=self.one_of(Role.SEDATION_NURSE, Role.ANAESTHETIST))
        self._check_present(moment)
        self.now = max(self.now, moment)

    def _check_present(self, moment: datetime) -> None:
        if moment + self.lag > self.until:
            raise Curtain

    # Commands ------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the case, the working day before."""
        plot = self.plot
        command = Command(case_id=self.case_id, by=self.nurse, command_id=self.case_id)
        with clock.at(self.now):
            version = self.door.open(
                command,
                unit=self.unit,
                patient=plot.person.details,
                plan=self.plan(plot.room),
                allergies=plot.person.allergies,
            )
        self.protocol = frozen.protocol(version)

    def plan(self, room: str) -> Plan:
        """What is planned, in that room."""
        plot = self.plot
        return Plan(
            room=room,
            scheduled_at=plot.scheduled,
            indication=plot.person.indication,
            anaesthesia=plot.anaesthesia,
            levels=list(plot.levels),
            team={user.pk: role for role, user in plot.crew.items() if role in _TEAM},
        )

    def send(
        self,
        verb: Callable[..., Receipt],
        *args: Any,
        by: User,
        performer: User | None = None,
        way: Mapping[str, Any] = NOTHING,
        **inputs: Any,
    ) -> Receipt:
        """Send one command at this moment. `way`: how it came, where that is not live (fields of `Command`)."""
        command = Command(
            case_id=self.case_id,
            by=by,
            command_id=self.fresh_id(),
            performed_by=performer.pk if performer else None,
            **way,
        )
        with clock.at(self.now + self.lag):
            return self.door.send(verb, command, *args, **inputs)

    def record(
        self,
        key: str,
        *,
        performer: User | None = None,
        late: float = 0,
        verified: bool = True,
        override_reason: str = "",
        given: Mapping[str, Any] | None = None,
        without: tuple[str, ...] = (),
    ) -> int:
        """Record a step as done, with its details, `late` minutes after the act. Returns the seq of the entry (0: it
        waits in the queue of a tablet)."""
        definition = self.definition(key)
        performer = performer or self.performer(definition)
        by = self.recorder(definition, performer)
        done_at = self.now - timedelta(minutes=late) if late or self.lag else None
        raw = self.details.of(definition, Key.parse(key), done_at or self.now, given or {})
        if "present" in raw:
            raw["present"] = [person(u) for role in raw["present"] if (u := self.plot.crew.get(role))]
        values = self.details.shaped(definition, raw, gaps=self.plot.gaps, without=without)
        confirmed = frozenset({*raw, AGAIN, *(f"total_{name}" for name in raw)})
        if self.queue is not None:
            self.queue.append(Waiting(key, by, performer, values, done_at or self.now))
            return 0
        receipt = self.send(
            commands.record_done,
            key,
            by=by,
            performer=performer,
            way=FROM_PAPER if self.lag else NOTHING,
            values=values,
            confirmed=confirmed,
            performed_at=done_at,
            override_reason=override_reason,
        )
        unseen = {f.key for f in second_person.unseen(definition)}
        if verified and definition.second_person is not SecondPerson.NONE and unseen <= values.keys():
            found = {name: values[name] for name in unseen}
            self.verify(key, receipt.last, {performer.pk, by.pk}, found)
        return receipt.last

    def verify(self, key: str, seq: int, taken: set[int], found: Mapping[str, Any]) -> None:
        """Let somebody else verify an entry, some seconds later, finding the same as the first."""
        second = next(u for role in _SECOND_PERSONS if (u := self.plot.crew.get(role)) and u.pk not in taken)
        self.now += timedelta(seconds=self.rng.randint(8, 40))
        self.send(commands.verify, key, by=second, about=seq, values=found)

    def add_details(self, key: str, seq: int, given: Mapping[str, Any]) -> None:
        """Add to an entry what it lacks."""
        definition = self.definition(key)
        values = self.details.shaped(definition, given)
        by = self.recorder(definition, self.performer(definition))
        self.send(commands.add_details, key, by=by, about=seq, values=values, confirmed=frozenset(values))

    def correct(self, key: str, seq: int, given: Mapping[str, Any], reason: str) -> None:
        """Correct an entry."""
        definition = self.definition(key)
        values = self.details.shaped(definition, given)
        by = self.recorder(definition, self.performer(definition))
        self.send(
            commands.correct, key, by=by, about=seq, values=values, reason=reason, confirmed=frozenset(values)
        )

    def mark(self, key: str, status: StepStatus, reason: str = "") -> None:
        """Mark a step as not done or not applicable."""
        definition = self.definition(key)
        by = self.recorder(definition, self.performer(definition))
        way = FROM_PAPER if self.lag else NOTHING
        marked_at = self.now if self.lag else None
        self.send(commands.mark, key, by=by, way=way, status=status, reason=reason, performed_at=marked_at)

    def go_offline(self) -> None:
        """The tablet loses the network: what is recorded waits in it."""
        self.queue = []

    def back_online(self, clock_behind: timedelta) -> None:
        """The network is back: what waited is sent in its order, each with the time that the tablet's clock showed.
        Somebody looks at most of it afterwards."""
        waiting, self.queue = self.queue or [], None
        offset = clock_behind // timedelta(milliseconds=1)
        for one in waiting:
            self.now += timedelta(milliseconds=self.rng.randint(80, 400))
            way = {"source": Source.OFFLINE, "device_at": one.at - clock_behind, "offset_ms": offset}
            receipt = self.send(
                commands.record_done,
                one.key,
                by=one.by,
                performer=one.performer,
                way=way,
                values=one.values,
                performed_at=one.at,
            )
            if self.rng.random() < 0.7:
                self.now += timedelta(seconds=self.rng.randint(5, 20))
                self.send(commands.reconcile, one.key, by=one.by, about=receipt.last)

    # People --------------------------------------------------------------------------------------------------------

    def definition(self, key: str) -> Step:
        """The step of a key."""
        return self.protocol.by_code[Key.parse(key).code]

    def one_of(self, *roles: Role) -> User:
        """The first of these roles that the case has, else the circulating nurse."""
        return next((self.plot.crew[r] for r in roles if r in self.plot.crew), self.nurse)

    @property
    def nurse(self) -> User:
        """The circulating nurse, who usually holds the tablet."""
        return self.plot.crew[Role.CIRCULATING_NURSE]

    def relieve(self, relief: User) -> None:
        """Let another circulating nurse take over: offered, accepted, and the one who offered goes."""
        leaving = self.nurse
        concerns = (
            "First level done, batch sample on the table. Sleepy since the second dose: watch the breathing."
        )
        self.send(commands.offer_handover, by=leaving, to=relief.pk, concerns=concerns)
        self.now += timedelta(seconds=self.rng.randint(20, 90))
        self.send(commands.accept_handover, by=relief)
        self.send(commands.change_team, by=relief, user_id=leaving.pk, role=None)
        self.plot = replace(self.plot, crew={**self.plot.crew, Role.CIRCULATING_NURSE: relief})

    def performer(self, definition: Step) -> User:
        """Who does a step: the role that the protocol expects."""
        return self.one_of(*definition.roles)

    def recorder(self, definition: Step, performer: User) -> User:
        """Who taps: the performer, where the hands are free, else the nurse of that place."""
        role = next((role for role, user in self.plot.crew.items() if user.pk == performer.pk), None)
        if role in _AT_THE_TABLET:
            return performer
        return self.one_of(Role.WARD_NURSE) if definition.phase is Phase.BEFORE else self.nurse
