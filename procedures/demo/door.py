"""The ways in which the commands of a demo case reach the record: one by one, or kept in memory first (`bulk`)."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol
from uuid import UUID

from procedures import commands, projection
from procedures.commands import Command, PatientDetails, Plan, Receipt
from procedures.models import Case, Unit
from procedures.progress import Progress
from procedures.protocols import frozen


class Door(Protocol):
    """What a stage sends its commands through. `verb` is always one of `commands`."""

    def open(
        self, command: Command, *, unit: Unit, patient: PatientDetails, plan: Plan, allergies: Iterable[str]
    ) -> int:
        """Open a case; returns the id of its protocol version."""

    def send(self, verb: Callable[..., Receipt], command: Command, *args: Any, **inputs: Any) -> Receipt:
        """Carry a command out."""

    def progress(self, case_id: UUID) -> Progress:
        """How far a case has come."""


class Live:
    """The commands as everybody else calls them: each in a transaction of its own."""

    def open(
        self, command: Command, *, unit: Unit, patient: PatientDetails, plan: Plan, allergies: Iterable[str]
    ) -> int:
        """Open a case; returns the id of its protocol version."""
        commands.open_case(command, unit=unit, patient=patient, plan=plan, allergies=allergies)
        return Case.objects.values_list("protocol_id", flat=True).get(pk=command.case_id)

    def send(self, verb: Callable[..., Receipt], command: Command, *args: Any, **inputs: Any) -> Receipt:
        """Carry a command out."""
        return verb(command, *args, **inputs)

    def progress(self, case_id: UUID) -> Progress:
        """How far a case has come."""
        case = Case.objects.get(pk=case_id)
        return Progress(frozen.protocol(case.protocol_id), projection.load(case))
