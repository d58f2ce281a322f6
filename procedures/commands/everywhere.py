"""What concerns the patient stands in every open case of that patient.

Whoever writes it holds the patient first and then the cases in the order of their ids, so that no two commands can
wait for each other. A tick holds one case and never a patient.
"""

from collections.abc import Iterable
from uuid import UUID

from procedures import projection, rules
from procedures.models import Case
from procedures.state import EventKind, Values

from .ledger import Command, Ledger

OPEN = ("scheduled", "in_progress", "recovery")
type Said = tuple[EventKind, Values, str]


def hold_open_cases(patient_id: int, *also: UUID) -> list[UUID]:
    """Lock the patient's open cases, and those named, until the transaction ends. The patient is held already."""
    open_ids = Case.objects.filter(patient=patient_id, status__in=OPEN).values_list("pk", flat=True)
    ids = sorted({*open_ids, *also})
    held = Case.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",))
    return list(held.values_list("pk", flat=True))


def write_elsewhere(
    ids: Iterable[UUID], command: Command, actor: rules.Actor, said: list[Said], asked: bytes
) -> None:
    """Write the same events into each of these held cases."""
    if not said:
        return
    for case in Case.objects.filter(pk__in=list(ids)):
        ledger = Ledger(case, projection.context(case.pk), command, actor, actor)
        for kind, values, reason in said:
            ledger.write(kind, values=values, reason=reason)
        ledger.save(asked)
