"""Doses: one MedicationAdministration for each entry of a step that asks which drug was given."""

from procedures.definitions import FieldType, Step
from procedures.progress import Place
from procedures.state import Entry

from .assembly import Assembly
from .shapes import Json, moment, quantity

DRUG, OTHER, DOSES, ROUTE = "drug", "other_drug", ("dose", "volume"), "route"


def gives_drug(step: Step) -> bool:
    """Whether an entry of the step is a dose: it asks for the drug, and how much of it."""
    drug = step.field(DRUG)
    return bool(drug and drug.type is FieldType.CHOICE and _dose(step))


def _dose(step: Step) -> str:
    fields = (step.field(key) for key in DOSES)
    return next((f.key for f in fields if f and f.type is FieldType.QUANTITY), "")


def of_entry(making: Assembly, place: Place, entry: Entry) -> dict[str, Json]:
    """The dose of an entry: a reference for each field that it holds. Nothing where the drug is not known yet."""
    step, said = place.definition, entry.values
    drug, dose, route = step.field(DRUG), _dose(step), step.field(ROUTE)
    if not gives_drug(step) or drug is None or DRUG not in said:
        return {}
    what = making.of_option(step, drug, said[DRUG])
    if other := making.text(said.get(OTHER, "")):
        what["text"] = other
    keys = [key for key in (DRUG, OTHER, dose) if key in said]
    dosage: Json = {}
    if dose in said:  # a dosage without a dose is none
        dosage["dose"] = quantity(said[dose])
        if route and ROUTE in said:
            dosage["route"] = making.of_option(step, route, said[ROUTE])
            keys.append(ROUTE)
    given = {
        "resourceType": "MedicationAdministration",
        "identifier": [making.entry_id(entry.seq)],
        "partOf": [making.procedure(place.key)],
        "status": "completed" if entry.live else "entered-in-error",
        "medicationCodeableConcept": what,
        "subject": making.patient,
        "effectiveDateTime": moment(entry.performed_at),
        "performer": [{"actor": making.person(entry.performed_by)}],
        "dosage": dosage,
    }
    reference = making.add(given, entry.seq)
    return dict.fromkeys(keys, reference)
