"""The FHIR R4 bundle of a case: everything that its record holds, in the words of the standard (docs/fhir.md)."""

from procedures.definitions import age_on
from procedures.screens.view import View
from procedures.state import StepStatus

from .fhir import findings, log, note, tasks
from .fhir import vocabulary as v
from .fhir.assembly import Assembly
from .fhir.shapes import Json, clean, coding, identifier, moment, write
from .fhir.surgery import Surgery

OLDEST = 90  # from this age on the year of birth alone may tell who somebody is


def bundle(view: View, *, identified: bool) -> bytes:
    """The case as JSON, checked against the models of FHIR before it leaves.

    Without `identified` it names nobody: no names, record number, room or unit, of the birth the year alone (not even
    that from the age of 90), no text that somebody wrote, no serial number; the times of care stay. Ids are the same
    for the same case and kind of export, and those of the two kinds have nothing in common.
    """
    making = Assembly(view, identified=identified)
    _patient(making)
    _unit(making)
    _allergies(making)
    for place in making.places:
        for entry in place.step.entries:
            tasks.of_entry(making, place, entry)
    for place in making.progress.open_places:
        if place.step.status is StepStatus.PENDING:
            tasks.open_step(making, place)
    findings.totals(making)
    surgery = Surgery(making)
    surgery.case()
    for level in making.state.in_order():
        surgery.level(level)
    note.of_case(making)
    for event in making.events:
        log.of_event(making, event)
    log.of_log(making)
    making.practitioners()
    found = clean(
        {
            "resourceType": "Bundle",
            "meta": {"security": [] if identified else [_pseudonymised()]},
            "identifier": identifier(v.CASE, making.case_id),
            "type": "collection",
            "timestamp": moment(view.now),
            "entry": making.bundle(),
        }
    )
    _check(found)
    return write(found).encode()


def _check(found: Json) -> None:
    """Raises ValueError for what no reader of FHIR would take. The models are loaded by the first export only."""
    from fhir.resources.R4B.bundle import Bundle

    Bundle.model_validate(found)


def _pseudonymised() -> Json:
    return coding(f"{v.TERMINOLOGY}v3-ObservationValue", "PSEUDED")


def _patient(making: Assembly) -> None:
    patient, case = making.case.patient, making.case
    told: Json = {
        "gender": v.GENDERS[patient.sex],
        "birthDate": str(patient.birth_date.year)
        if age_on(patient.birth_date, case.scheduled_at.date()) < OLDEST
        else None,
    }
    if making.identified:
        record_number = {"coding": [coding("http://terminology.hl7.org/CodeSystem/v2-0203", "MR")]}
        told |= {
            "identifier": [{"type": record_number, **identifier(v.PATIENT, patient.mrn)}],
            "name": [{"family": patient.family_name, "given": [patient.given_name]}],
            "birthDate": patient.birth_date.isoformat(),
            "managingOrganization": making.unit,
        }
    making.add({"resourceType": "Patient", **told})


def _unit(making: Assembly) -> None:
    unit = making.case.unit
    told: Json = (
        {"identifier": [identifier(v.UNIT, unit.pk)], "name": unit.name}
        if making.identified
        else {"identifier": [identifier(v.UNIT, making.id("unit"))]}
    )
    making.add({"resourceType": "Organization", **told})


def _allergies(making: Assembly) -> None:
    """The allergies of the patient that stand now. Their words may say more than they should: identified only."""
    if not making.identified:
        return
    for allergy in making.case.patient.allergies.filter(withdrawn_at=None).order_by("added_at", "pk"):
        found = {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": {"coding": [coding(f"{v.TERMINOLOGY}allergyintolerance-clinical", "active")]},
            "code": {"text": allergy.substance},
            "patient": making.patient,
            "recordedDate": moment(allergy.added_at),
            "recorder": making.person(allergy.added_by_id),
        }
        making.add(found, allergy.pk)
