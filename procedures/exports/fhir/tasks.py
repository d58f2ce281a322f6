"""Tasks: one for each entry of a step, with all its values, and one for each step that is still owed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.definitions import Field, FieldType, Step
from procedures.progress import Place
from procedures.state import Entry, StepStatus

from . import devices, drugs, findings
from . import vocabulary as v
from .assembly import Assembly
from .shapes import Json, coding, concept, moment, period, quantity

STATUS = {
    StepStatus.DONE: "completed",
    StepStatus.NOT_DONE: "cancelled",
    StepStatus.NOT_APPLICABLE: "cancelled",
    StepStatus.PENDING: "requested",
}
WORDS = {
    StepStatus.DONE: gettext_lazy("Done"),
    StepStatus.NOT_DONE: gettext_lazy("Not done"),
    StepStatus.NOT_APPLICABLE: gettext_lazy("Not applicable"),
    StepStatus.PENDING: gettext_lazy("Not recorded yet"),
}
STARTED, ENDED = "started_at", "ended_at"


def of_entry(making: Assembly, place: Place, entry: Entry) -> None:
    """The task of an entry, and the devices, doses and observations that its values are.

    The values of an entry that was moved to another case are another patient's: they are not told.
    """
    step = place.definition
    held: dict[str, Json] = {}
    if not entry.moved:
        held = devices.of_entry(making, place, entry)
        held |= drugs.of_entry(making, place, entry)
        held |= findings.of_entry(making, place, entry, set(held))
    task = {
        **_about(making, place),
        "identifier": [making.entry_id(entry.seq)],
        "extension": [
            *findings_side(place),
            {"url": f"{v.EXTENSION}source", "valueCode": str(entry.source)},
            *({"url": f"{v.EXTENSION}flag", "valueCode": str(flag)} for flag in entry.flags),
        ],
        "status": STATUS[entry.mark] if entry.live else "entered-in-error",
        "statusReason": making.reason(entry.reason if entry.live else entry.void_reason)
        if not entry.live or entry.mark is not StepStatus.DONE
        else {},
        "businessStatus": _business(entry.mark),
        "executionPeriod": _period(entry),
        "authoredOn": moment(entry.recorded_at),
        "lastModified": moment(_last(making, entry)),
        "owner": making.person(entry.performed_by),
        "reasonCode": making.reason(entry.reason) if entry.mark is StepStatus.DONE else {},
        "note": _otherwise(making, step, entry),
        "output": [] if entry.moved else list(_outputs(making, step, entry, held)),
    }
    making.add(task, entry.seq)


def open_step(making: Assembly, place: Place) -> None:
    """The task of a step that is owed and has no entry."""
    task = {
        **_about(making, place),
        "extension": findings_side(place),
        "status": STATUS[StepStatus.PENDING],
        "businessStatus": _business(StepStatus.PENDING),
        "authoredOn": moment(making.state.opened_at),
        "lastModified": moment(making.state.opened_at),
    }
    making.add(task, place.text)


def _about(making: Assembly, place: Place) -> Json:
    """What all tasks of a step share."""
    where = making.view.where(place.key)
    return {
        "resourceType": "Task",
        "instantiatesUri": f"{v.OURS}protocol:{making.protocol.code}:{making.protocol.number}:{place.definition.code}",
        "intent": "plan",
        "code": making.of_step(place.definition),
        "description": f"{place.definition.title}, {where}" if where else place.definition.title,
        "focus": making.procedure(place.key),
        "for": making.patient,
    }


def findings_side(place: Place) -> list[Json]:
    """The side of the access, where the step has one."""
    return findings.side(place.key.side) if place.key.side else []


def _business(status: StepStatus) -> Json:
    return concept(str(WORDS[status]), coding(v.STATUS, status.value))


def _period(entry: Entry) -> Json:
    """When it was done. The moment of a tick is one moment, unless the step asks when it began or ended."""
    at = entry.performed_at
    start, end = (_time(entry.values.get(key)) for key in (STARTED, ENDED))
    if end and not start:
        return period(at, end)
    return period(start or at, end or at)


def _time(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _last(making: Assembly, entry: Entry) -> datetime:
    """When anything was last recorded about the entry."""
    later = (event.recorded_at for event in making.about.get(entry.seq, ()))
    return max(later, default=entry.recorded_at)


def _otherwise(making: Assembly, step: Step, entry: Entry) -> list[Json]:
    """What the second person found otherwise, where it is not settled."""
    if not entry.second or entry.moved:
        return []
    found = entry.second["values"]
    said = [f"{f.label}: {making.show(f, found[f.key])}" for f in step.fields if f.key in found]
    note = {
        "authorReference": making.person(entry.second["by"]),
        "time": moment(datetime.fromisoformat(entry.second["at"])),
        "text": _("The second person found otherwise: %(values)s") % {"values": "; ".join(said)},
    }
    return [note]


def _outputs(making: Assembly, step: Step, entry: Entry, held: dict[str, Json]) -> Iterator[Json]:
    """Every value of an entry: itself, or a reference to the resource that it stands in."""
    for field in step.fields:
        if field.key not in entry.values:
            continue
        kind = making.of_field(step, field)
        if field.key in held:
            yield {"type": kind, "valueReference": held[field.key]}
        elif field.type in (FieldType.PERSON, FieldType.PEOPLE) or making.tells(field):
            for value in _values(making, step, field, entry.values[field.key]):
                yield {"type": kind, **value}


def _values(making: Assembly, step: Step, field: Field, value: Any) -> Iterator[Json]:
    """A value as it stands in a task; several where the field holds several."""
    match field.type:
        case FieldType.NUMBER | FieldType.QUANTITY:
            yield {"valueQuantity": quantity(value)}
        case FieldType.CHOICE:
            yield {"valueCodeableConcept": making.of_option(step, field, value)}
        case FieldType.CHOICES:
            yield from ({"valueCodeableConcept": making.of_option(step, field, option)} for option in value)
        case FieldType.YESNO:
            yield {"valueBoolean": value}
        case FieldType.TIME:
            yield {"valueDateTime": moment(datetime.fromisoformat(value))}
        case FieldType.DATE:
            yield {"valueDate": value}
        case FieldType.PERSON | FieldType.PEOPLE:
            for named in value if isinstance(value, list) else [value]:
                yield {"valueReference": making.person(named["id"])}
        case FieldType.ENTRY:
            yield {"valueReference": making.reference("Task", value["seq"])}
        case _:
            yield {"valueString": value}
