"""Provenance: who did, who recorded and who changed what, one for each event of the log; and the log as a whole."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from procedures import directory
from procedures.definitions import Field, Key
from procedures.state import Entry, Event, EventKind

from . import note
from . import vocabulary as v
from .assembly import Assembly
from .shapes import Json, coding, identifier, moment

# What an event is to a log in general; what it is to ours, its own kind says.
OPERATIONS = {
    EventKind.STEP_DETAILED: "APPEND",
    EventKind.STEP_CORRECTED: "UPDATE",
    EventKind.CASE_CHANGED: "UPDATE",
    EventKind.PATIENT_CORRECTED: "UPDATE",
    EventKind.COSIGN_MOVED: "UPDATE",
    EventKind.ADDENDUM_ADDED: "APPEND",
    EventKind.EVENT_VOIDED: "NULLIFY",
    EventKind.EVENT_MOVED: "NULLIFY",
}
CREATES = {
    EventKind.CASE_OPENED, EventKind.STEP_DONE, EventKind.STEP_NOT_DONE, EventKind.STEP_NOT_APPLICABLE,
    EventKind.LEVEL_ADDED, EventKind.CASE_SIGNED,
}  # fmt: skip
# In which part somebody did it, where that is not as the performer; and what a signature means.
PARTS = {
    EventKind.STEP_VERIFIED: "verifier",
    EventKind.STEP_DISPUTED: "verifier",
    EventKind.CASE_SIGNED: "author",
    EventKind.CASE_COSIGNED: "attester",
    EventKind.ADDENDUM_ADDED: "author",
}
SIGNATURES = {EventKind.CASE_SIGNED: v.AUTHOR, EventKind.CASE_COSIGNED: v.COUNTERSIGN}


def of_event(making: Assembly, event: Event) -> None:
    """What one event says of the resources that it made or changed."""
    did = PARTS.get(event.kind, "performer")
    found = {
        "resourceType": "Provenance",
        "extension": list(_how(making, event)),
        "target": _targets(making, event),
        "occurredDateTime": moment(event.performed_at),
        "recorded": moment(event.recorded_at),
        "reason": [making.reason(event.reason)] if event.reason else [],
        "activity": {"coding": _activity(event)},
        "agent": [_agent(making, did, event.performed_by), _agent(making, "enterer", event.recorded_by)],
        "entity": [*_before(making, event), *_signed(making, event)],
        "signature": _signature(making, event),
    }
    making.add(found, event.seq)


def of_log(making: Assembly) -> None:
    """The log that the bundle was made from: its length, and in an identified export the hash that closes it."""
    last = making.events[-1]
    found = {
        "resourceType": "Provenance",
        "target": [making.reference("Procedure")],
        "recorded": moment(last.recorded_at),
        "agent": [{"type": _part("custodian"), "who": making.unit}],
        "entity": [_source(making, last.seq, bytes(making.case.head_hash).hex())],
    }
    making.add(found, "log")


def _agent(making: Assembly, part: str, user: int) -> Json:
    return {"type": _part(part), "who": making.person(user)}


def _part(code: str) -> Json:
    return {"coding": [coding(f"{v.TERMINOLOGY}provenance-participant-type", code)]}


def _activity(event: Event) -> list[Json]:
    operation = OPERATIONS.get(event.kind, "CREATE" if event.kind in CREATES else "")
    if event.kind is EventKind.EVENT_MOVED and "from" in event.values:
        operation = ""  # it came from another case: here it counts
    if event.kind is EventKind.ADDENDUM_ADDED and "was" in event.values:
        operation = "UPDATE"
    general = [coding(f"{v.TERMINOLOGY}v3-DataOperation", operation)] if operation else []
    return [*general, coding(v.EVENT, event.kind.value)]


def _how(making: Assembly, event: Event) -> Iterator[Json]:
    """How the event came in; and in an identified export through whose session and on which tablet."""
    yield {"url": f"{v.EXTENSION}source", "valueCode": str(event.source)}
    if event.device_at:
        yield {"url": f"{v.EXTENSION}device-time", "valueDateTime": moment(event.device_at)}
    if event.via and making.identified:
        yield {"url": f"{v.EXTENSION}session", "valueReference": making.person(event.via)}
    if event.tablet and making.identified:
        yield {"url": f"{v.EXTENSION}tablet", "valueIdentifier": identifier(v.TABLET, event.tablet)}


def _entry(making: Assembly, event: Event) -> Entry | None:
    """The entry that the event made or speaks of."""
    step = making.state.steps.get(event.step_key)
    return step.entry(event.about or event.seq) if step else None


def _targets(making: Assembly, event: Event) -> list[Json]:
    """What the event speaks of: an entry's task, a vertebra, the patient, else the case; of a note the note too."""
    of_note = event.kind in SIGNATURES or event.kind is EventKind.ADDENDUM_ADDED
    return [_target(making, event), *([note.reference(making)] if of_note and note.told(making) else [])]


def _target(making: Assembly, event: Event) -> Json:
    if entry := _entry(making, event):
        return making.reference("Task", entry.seq)
    if event.kind.value.startswith(("patient.", "allergy.")):
        return making.patient
    closed = making.by_seq.get(event.about or 0)
    level = event.values.get("level") or (closed.values.get("level") if closed else "")
    return making.procedure(Key("", level if isinstance(level, str) else ""))


def _before(making: Assembly, event: Event) -> list[Json]:
    """What stood there before values were changed. What belongs to another case is not told."""
    entry = _entry(making, event)
    if not event.step_key or "was" not in event.values or entry is None or entry.moved:
        return []
    said = "; ".join(_was(making, event))
    what = {"identifier": making.entry_id(entry.seq), "display": said}
    return [{"role": "revision", "what": what}]


def _signed(making: Assembly, event: Event) -> list[Json]:
    """The log that a signature stands on: its length, and in an identified export the hash that closed it then."""
    if event.kind not in SIGNATURES:
        return []
    return [_source(making, event.values["seq"], event.values["head"])]


def _source(making: Assembly, length: int, head: str) -> Json:
    value = f"{making.case_id}/{length}" + (f"/{head}" if making.identified else "")
    said = _("Log of the case, %(number)s events") % {"number": length}
    return {"role": "source", "what": {"identifier": identifier(v.LOG, value), "display": said}}


def _signature(making: Assembly, event: Event) -> list[Json]:
    """What was signed, when and by whom: what it means, in the codes of ASTM E1762."""
    meaning = SIGNATURES.get(event.kind)
    if meaning is None:
        return []
    return [
        {
            "type": [coding(v.SIGNATURES, meaning)],
            "when": moment(event.recorded_at),
            "who": making.person(event.performed_by),
        }
    ]


def _was(making: Assembly, event: Event) -> Iterator[str]:
    step = making.protocol.by_code[Key.parse(event.step_key).code]
    for key, old in event.values["was"].items():
        if field := step.field(key):
            yield f"{field.label}: {_old(making, field, old)}"
    if "was_at" in event.values:
        yield f"{_('Done at')}: {moment(datetime.fromisoformat(event.values['was_at']))}"
    if "was_by" in event.values:
        before = event.values["was_by"]
        who = directory.person(before).name if making.identified else making.person(before)["reference"]
        yield f"{_('Done by')}: {who}"


def _old(making: Assembly, field: Field, old: Any) -> str:
    if old is None:
        return _("not given")
    return making.show(field, old) or _("not told")
