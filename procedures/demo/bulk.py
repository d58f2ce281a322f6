"""Many past cases at once: each command runs as it always does, in memory, and all rows are written at the end.

A command is the same function under the same rules, with a ledger whose case is held here instead of being locked and
read again for each tick. What the database would be asked for a case alone (its state, roles, patient, allergies) is
answered from memory; the rows are made by the same projections and go in by COPY, past no trigger and no constraint.
Only for an empty database and nobody else at work: the demo, and the generator of the bench.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from procedures import canonical, clock, commands, projection, rules
from procedures.commands import Command, PatientDetails, Plan, Receipt
from procedures.commands.cases import asked_at_opening, write_opening
from procedures.commands.ledger import Ledger, asked_of
from procedures.definitions import Role
from procedures.models import Allergy, Case, Event, Membership, Patient, ProtocolVersion, Unit
from procedures.progress import Progress
from procedures.protocols import frozen
from procedures.state import CaseState, EventKind, Values

from .copying import Rows

_NOTHING = projection.Context({}, [], [])


@dataclass(eq=False)
class Held:
    """One case in memory: its row so far, its state, and its log."""

    case: Case
    state: CaseState = field(default_factory=CaseState)
    events: list[Event] = field(default_factory=list)


class Book:
    """A door (`door.Door`) behind which nothing is stored before `write`. Each patient has one case at a time."""

    def __init__(self) -> None:
        self.cases: dict[UUID, Held] = {}
        self.patients: dict[str, Patient] = {}
        self.allergies: dict[str, list[Allergy]] = {}
        rows = Membership.objects.values_list("unit", "user", "role")
        self._roles = {(unit, user): Role(role) for unit, user, role in rows}
        published = ProtocolVersion.objects.filter(status="published").order_by("published_at", "number")
        self._versions = list(published)

    def open(
        self, command: Command, *, unit: Unit, patient: PatientDetails, plan: Plan, allergies: Iterable[str]
    ) -> int:
        """Open a case with the protocol version that was the newest then; returns its id."""
        actor = rules.Actor(command.by.pk, self._roles.get((unit.pk, command.by.pk)))
        rules.check_may(actor, rules.Act.PLAN)
        substances = list(allergies)
        case = Case(
            pk=command.case_id, unit=unit, protocol=self._version(clock.now()), head_hash=canonical.GENESIS
        )
        held = self.cases[command.case_id] = Held(case)
        ledger = Ledger(case, _NOTHING, command, actor, actor, held.state)
        case.patient = self._patient(patient)
        write_opening(ledger, patient.mrn, plan)
        known = {allergy.substance.casefold() for allergy in self.allergies[patient.mrn]}
        for substance in substances:
            if substance.casefold() not in known:
                self._allergic(ledger, substance)
        self._keep(held, ledger, asked_at_opening(unit, patient, plan, substances))
        return case.protocol_id

    def send(self, verb: Callable[..., Receipt], command: Command, *args: Any, **inputs: Any) -> Receipt:
        """Carry a command out. What concerns the patient is done here; everything else by the command itself."""
        held = self.cases[command.case_id]
        actor = self._actor(held, command.by.pk)
        performer = self._actor(held, command.performed_by or command.by.pk)
        ledger = Ledger(held.case, _NOTHING, command, actor, performer, held.state)
        if verb is commands.correct_patient:
            return self._keep(held, ledger, self._correct(ledger, **inputs))
        if verb is commands.add_allergy:
            self._allergic(ledger, inputs["substance"])
            asked = canonical.digest("add_allergy", {**inputs, "by": command.by.pk})
            return self._keep(held, ledger, asked)
        verb.__wrapped__(ledger, *args, **inputs)  # type: ignore[attr-defined]
        return self._keep(held, ledger, asked_of(verb.__name__, command, args, inputs))

    def progress(self, case_id: UUID) -> Progress:
        """How far a case has come."""
        held = self.cases[case_id]
        return Progress(frozen.protocol(held.case.protocol_id), held.state)

    def write(self) -> None:
        """Store everything, in the transaction that is open."""
        rows = Rows()
        rows.number(self.patients.values())
        rows.add(self.patients.values())
        for patient in self.patients.values():
            for allergy in self.allergies[patient.mrn]:
                allergy.patient_id = patient.pk
            rows.add(self.allergies[patient.mrn])
        for held in self.cases.values():
            held.case.patient_id = held.case.patient.pk
            rows.add_case(held.case, self.progress(held.case.pk))
            rows.add(held.events)
        rows.write()

    def _actor(self, held: Held, user: int) -> rules.Actor:
        return rules.Actor(user, self._roles.get((held.case.unit_id, user)))

    def _version(self, moment: datetime) -> ProtocolVersion:
        """The newest at that moment; for what is older than any, the first."""
        before = [v for v in self._versions if v.published_at and v.published_at <= moment]
        return before[-1] if before else self._versions[0]

    def _patient(self, details: PatientDetails) -> Patient:
        known = self.patients.get(details.mrn)
        if known is None:
            given = {name: getattr(details, name) for name in PatientDetails.__slots__}
            known = self.patients[details.mrn] = Patient(**given)
            self.allergies[details.mrn] = []
        return known

    def _allergic(self, ledger: Ledger, substance: str) -> None:
        """As `commands.add_allergy`."""
        patient = ledger.case.patient
        if any(known.substance.casefold() == substance.casefold() for known in self.allergies[patient.mrn]):
            raise ValueError(f"{substance} is known already")
        self.allergies[patient.mrn].append(
            Allergy(patient=patient, substance=substance, added_at=ledger.now, added_by_id=ledger.actor.id)
        )
        ledger.write(EventKind.ALLERGY_ADDED, values={"substance": substance})

    def _correct(self, ledger: Ledger, *, details: PatientDetails, reason: str) -> bytes:
        """As `commands.correct_patient`, of names. Returns the fingerprint of what was asked."""
        wanted = {name: getattr(details, name) for name in PatientDetails.__slots__}
        patient = ledger.case.patient
        changed = {name: value for name, value in wanted.items() if getattr(patient, name) != value}
        said: Values = {"now": changed, "was": {name: getattr(patient, name) for name in changed}}
        for name, value in changed.items():
            setattr(patient, name, value)
        ledger.write(EventKind.PATIENT_CORRECTED, values=said, reason=reason)
        return canonical.digest("correct_patient", {**wanted, "reason": reason, "by": ledger.actor.id})

    @staticmethod
    def _keep(held: Held, ledger: Ledger, asked: bytes) -> Receipt:
        """What `Ledger.save` stores, kept until `write`."""
        rows, held.case.head_hash = ledger.chained(asked)
        held.events += rows
        first, held.state = held.state.last_seq + 1, ledger.state
        return Receipt(held.case.pk, first, held.state.last_seq)
