"""Commands on a patient, given from a case: they leave an event in every open case of that patient."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from procedures import canonical, projection, rules
from procedures.models import Allergy, Case, Patient
from procedures.state import EventKind, Values

from .cases import PatientDetails
from .everywhere import hold_open_cases, write_elsewhere
from .ledger import Command, Ledger, Receipt, answered, lock, people


def correct_patient(command: Command, *, details: PatientDetails, reason: str) -> Receipt:
    """Correct name, birth date, sex or MRN, with a reason."""
    reason = rules.check_reason(reason)
    wanted = {name: getattr(details, name) for name in PatientDetails.__slots__}

    def change(ledger: Ledger, patient: Patient) -> tuple[EventKind, Values]:
        changed = {name: value for name, value in wanted.items() if getattr(patient, name) != value}
        if not changed:
            raise rules.Invalid({"": _("Nothing was changed.")})
        taken = _("This MRN belongs to another patient. Check the wristband.")
        if Patient.objects.filter(mrn=details.mrn).exclude(pk=patient.pk).exists():
            raise rules.Invalid({"mrn": taken})
        was = {name: _text(getattr(patient, name)) for name in changed}
        try:
            with transaction.atomic():
                Patient.objects.filter(pk=patient.pk).update(**changed)
        except IntegrityError:  # somebody else took the MRN in this very moment
            raise rules.Invalid({"mrn": taken}) from None
        return EventKind.PATIENT_CORRECTED, {"now": {n: _text(v) for n, v in changed.items()}, "was": was}

    return _in_every_open_case(command, "correct_patient", {**wanted, "reason": reason}, reason, change)


def add_allergy(command: Command, *, substance: str) -> Receipt:
    """Add an allergy to the patient."""
    substance = substance.strip()
    if not substance or len(substance) > Allergy.LONGEST:
        raise rules.Invalid({"substance": _("Name the substance, in at most 80 characters.")})

    def change(ledger: Ledger, patient: Patient) -> tuple[EventKind, Values]:
        if patient.allergies.filter(withdrawn_at=None, substance__iexact=substance).exists():
            raise rules.Refused("known", _("This allergy is already recorded."))
        Allergy.objects.create(
            patient=patient, substance=substance, added_at=ledger.now, added_by_id=ledger.actor.id
        )
        return EventKind.ALLERGY_ADDED, {"substance": substance}

    return _in_every_open_case(command, "add_allergy", {"substance": substance}, "", change)


def withdraw_allergy(command: Command, *, allergy_id: int, reason: str) -> Receipt:
    """Withdraw an allergy that the patient does not have, with a reason."""
    reason = rules.check_reason(reason)

    def change(ledger: Ledger, patient: Patient) -> tuple[EventKind, Values]:
        allergy = patient.allergies.filter(pk=allergy_id, withdrawn_at=None).first()
        if allergy is None:
            raise rules.Refused("gone", _("This allergy was already withdrawn."))
        allergy.withdrawn_at = ledger.now
        allergy.withdrawn_by_id = ledger.actor.id
        allergy.withdrawn_reason = reason[:200]  # the event keeps all of it
        allergy.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
        return EventKind.ALLERGY_WITHDRAWN, {"substance": allergy.substance}

    asked = {"allergy_id": allergy_id, "reason": reason}
    return _in_every_open_case(command, "withdraw_allergy", asked, reason, change)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _in_every_open_case(
    command: Command, name: str, inputs: Mapping[str, Any], reason: str, change: Any
) -> Receipt:
    """Change the patient once, and write the event into the case it came from and every other open one.

    Two such commands cannot wait for each other (`everywhere`).
    """
    asked = canonical.digest(name, {**inputs, "by": command.by.pk})
    with transaction.atomic():
        case = Case.objects.visible_to(command.by).get(pk=command.case_id)
        patient = Patient.objects.select_for_update().get(pk=case.patient_id)
        ids = hold_open_cases(patient.pk, case.pk)
        here = lock(command)
        context = projection.context(here.pk, command.command_id)
        if context.seen:
            return answered(command, asked)
        actor, _performer = people(here, context, command)
        rules.check_may(actor, rules.Act.RECORD)
        ledger = Ledger(here, context, command, actor, actor)
        kind, values = change(ledger, patient)
        said = [(kind, values, reason)]
        write_elsewhere((pk for pk in ids if pk != here.pk), command, actor, said, asked)
        ledger.write(kind, values=values, reason=reason)
        return ledger.save(asked)
