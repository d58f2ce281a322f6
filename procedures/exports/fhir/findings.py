"""Observations: what was measured and what was found, one for each value; blood pressure as one with two parts."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from procedures.definitions import Field, FieldType, Key, Measure, Step
from procedures.progress import Place
from procedures.state import Entry, EventKind

from . import vocabulary as v
from .assembly import Assembly
from .shapes import Json, coding, concept, moment, quantity

PRESSURES = (v.SYSTOLIC, v.DIASTOLIC)


def of_entry(making: Assembly, place: Place, entry: Entry, held: set[str]) -> dict[str, Json]:
    """The observations of an entry: a reference for each field that one holds. `held`: fields that stand elsewhere."""
    found: dict[str, Json] = {}
    for field in place.definition.fields:
        if field.key not in entry.values or field.key in held | found.keys() or not v.is_observation(field):
            continue
        if _is_pressure(field):
            found |= _pressure(making, place, entry)
            continue
        about = _about(making, place, entry, {field.key})
        about["category"] = [_category(v.category(field))]
        about["code"] = making.of_field(place.definition, field, _standard(field))
        about |= _value(making, place.definition, field, entry.values[field.key])
        found[field.key] = making.add(about, entry.seq, field.key)
    return found


def _about(making: Assembly, place: Place, entry: Entry, keys: set[str]) -> Json:
    """What all observations of an entry share."""
    return {
        "resourceType": "Observation",
        "partOf": [making.procedure(place.key)],
        "status": _status(making, entry, keys),
        "subject": making.patient,
        "effectiveDateTime": moment(entry.performed_at),
        "performer": [making.person(entry.performed_by)],
        "bodySite": body_site(making, place.key) if place.key.level else {},
    }


def _status(making: Assembly, entry: Entry, keys: set[str]) -> str:
    """How far the values may be trusted: taken back, changed after signing, corrected before, or as first recorded."""
    if not entry.live:
        return "entered-in-error"
    if keys & making.changed(entry, EventKind.ADDENDUM_ADDED):
        return "amended"
    return "corrected" if keys & making.changed(entry, EventKind.STEP_CORRECTED) else "final"


def body_site(making: Assembly, key: Key) -> Json:
    """A vertebra, with the side where there is one."""
    code = v.VERTEBRAE.get(key.level)
    site = concept(
        making.view.where(key),
        coding(v.SNOMED, code) if code else None,
        coding(f"{v.OURS}vertebra", key.level),
    )
    return {"extension": side(key.side), **site} if key.side else site


def side(which: str) -> list[Json]:
    """Left or right, as an extension."""
    word = concept(which, coding(v.SNOMED, v.SIDES[which]))
    return [{"url": f"{v.EXTENSION}side", "valueCodeableConcept": word}]


def _category(code: str) -> Json:
    return {"coding": [coding(f"{v.TERMINOLOGY}observation-category", code)]}


def _standard(field: Field) -> Json | None:
    known = v.standard(field)
    return coding(*known) if known else None


def _value(making: Assembly, step: Step, field: Field, value: Any) -> Json:
    """The value of an observation; of several answers each is a part."""
    if field.type is FieldType.NUMBER and Decimal(value["amount"]) % 1 == 0:
        return {"valueInteger": int(Decimal(value["amount"]))}
    if field.type in (FieldType.NUMBER, FieldType.QUANTITY):
        return {"valueQuantity": quantity(value)}
    if field.type is FieldType.CHOICE:
        return {"valueCodeableConcept": making.of_option(step, field, value)}
    if len(value) == 1:
        return {"valueCodeableConcept": making.of_option(step, field, value[0])}
    code = making.of_field(step, field)
    return {
        "component": [
            {"code": code, "valueCodeableConcept": making.of_option(step, field, option)} for option in value
        ]
    }


def _is_pressure(field: Field) -> bool:
    return field.unit == "mm[Hg]" and field.key in dict(PRESSURES)


def _pressure(making: Assembly, place: Place, entry: Entry) -> dict[str, Json]:
    """Both pressures of an entry as one observation; the one that was not taken is said to be unknown."""
    step = place.definition
    parts, keys = [], []
    for key, code in PRESSURES:
        field = step.field(key)
        label = making.of_field(step, field, coding(v.LOINC, code)) if field else concept(key)
        if field and key in entry.values:
            parts.append({"code": label, "valueQuantity": quantity(entry.values[key])})
            keys.append(key)
        else:
            unknown = {"coding": [coding(f"{v.TERMINOLOGY}data-absent-reason", "unknown")]}
            parts.append({"code": label, "dataAbsentReason": unknown})
    found = _about(making, place, entry, set(keys))
    found["category"] = [_category("vital-signs")]
    found["code"] = {"coding": [coding(v.LOINC, v.BLOOD_PRESSURE)]}
    found["component"] = parts
    return dict.fromkeys(keys, making.add(found, entry.seq, "pressure"))


def totals(making: Assembly) -> None:
    """The cement of each vertebra and of the case, each derived from the injections that it sums up."""
    groups: dict[str, list[Injection]] = {}
    for place in making.progress.places.values():
        field = place.definition.measuring(Measure.CEMENT_ML)
        for entry in place.step.live:
            if field and field.key in entry.values:
                one = Injection(entry, field, making.reference("Observation", entry.seq, field.key))
                groups.setdefault(place.key.level, []).append(one)
    if groups:
        groups[""] = [one for rows in groups.values() for one in rows]
    for level, rows in sorted(groups.items()):
        _total(making, Key("", level), rows)


@dataclass(frozen=True, slots=True)
class Injection:
    """An entry that says how much cement went in, in which field, and its observation."""

    entry: Entry
    field: Field
    reference: Json


def _total(making: Assembly, key: Key, rows: list[Injection]) -> None:
    amount = sum((Decimal(one.entry.values[one.field.key]["amount"]) for one in rows), Decimal())
    total = {
        "resourceType": "Observation",
        "partOf": [making.procedure(key)],
        "status": "final",
        "category": [_category("procedure")],
        "code": concept(_("Cement in all"), coding(v.MEASURE, Measure.CEMENT_ML.value)),
        "subject": making.patient,
        "effectiveDateTime": moment(max(one.entry.performed_at for one in rows)),
        "valueQuantity": quantity({"amount": format(amount, "f"), "unit": rows[0].field.unit}),
        "bodySite": body_site(making, key) if key.level else {},
        "derivedFrom": [one.reference for one in rows],
    }
    making.add(total, "total", key.level)
