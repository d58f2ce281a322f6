"""Devices: cement, balloons and needles with their UDI, and what was noted of others."""

import base64
from typing import Any

from procedures.definitions import Field, FieldType, Milestone, Step
from procedures.progress import Place
from procedures.state import Entry

from . import vocabulary as v
from .assembly import Assembly, is_lot
from .shapes import Json, coding, concept

IMPLANTED = "cement"  # stays in the body; all else is used and taken out
ENTRY_TYPES = {"scanned": "barcode", "picked": "manual", "typed": "manual"}
HUMAN = (("01", "gtin"), ("11", "made"), ("17", "expires"), ("10", "lot"), ("21", "serial"))


def of_entry(making: Assembly, place: Place, entry: Entry) -> dict[str, Json]:
    """The devices of an entry: a reference for each field that says something of one."""
    found: dict[str, Json] = {}
    for field in place.definition.fields:
        if field.type is FieldType.PRODUCT and field.key in entry.values:
            value = entry.values[field.key]
            device = _product(making, field, value, entry)
            found[field.key] = _add(making, device, field.product_kind, entry, field.key)
    if place.definition.milestone is Milestone.DEVICE and not found:
        return _named(making, place.definition, entry)
    for field in place.definition.fields:
        if is_lot(field) and field.key in entry.values:
            found |= _by_lot(making, place.definition, field, entry, next(iter(found.values()), {}))
    return found


def _add(making: Assembly, device: Json, kind: str, entry: Entry, what: str) -> Json:
    """Take a device in, and keep of which kind it is and of which entry."""
    reference = making.add(device, entry.seq, what)
    making.devices.setdefault(entry.seq, []).append((kind, reference))
    return reference


def _status(entry: Entry) -> str:
    return "active" if entry.live else "entered-in-error"


def _product(making: Assembly, field: Field, value: Any, entry: Entry) -> Json:
    """A product. Of a single one (serial number, raw scan) only an identified export tells."""
    name = making.name_of(value)
    told = value if making.identified else {**value, "serial": "", "scan": "", "gtin": value.get("gtin", "")}
    return {
        "resourceType": "Device",
        "status": _status(entry),
        "udiCarrier": [_udi(told)] if told.get("gtin") or told.get("scan") else [],
        "manufactureDate": told.get("made"),
        "expirationDate": told.get("expires"),
        "lotNumber": told.get("lot"),
        "serialNumber": told.get("serial"),
        "deviceName": [{"name": name, "type": "user-friendly-name"}] if name else [],
        "type": concept(field.label, coding(v.KIND, field.product_kind)),
        "patient": making.patient if field.product_kind == IMPLANTED else {},
        "owner": making.unit if field.product_kind != IMPLANTED else {},
    }


def _udi(value: Any) -> Json:
    """The carrier: what the scanner read, byte for byte, and the same as people read it."""
    scan = value.get("scan", "")
    return {
        "deviceIdentifier": value.get("gtin"),
        "issuer": v.GS1 if value.get("gtin") else None,
        "carrierAIDC": base64.b64encode(scan.encode()).decode() if scan else None,
        "carrierHRF": human(value) if value.get("gtin") else None,
        "entryType": ENTRY_TYPES[value["how"]],
    }


def human(value: Any) -> str:
    """The parts of a GS1 code as they are printed: (01)09521100000017(17)270331(10)KX-20931."""
    parts = ((ai, str(value.get(name) or "")) for ai, name in HUMAN)
    return "".join(f"({ai}){_day(text) if ai in ('11', '17') else text}" for ai, text in parts if text)


def _day(text: str) -> str:
    return text.replace("-", "")[2:]


def _by_lot(making: Assembly, step: Step, lot: Field, entry: Entry, whole: Json) -> dict[str, Json]:
    """A part that only its lot and its last day tell: the liquid of a cement. It belongs to the product beside it."""
    expires = step.field(lot.key.removesuffix("lot") + "expires")
    keys = [f.key for f in (lot, expires) if f and f.key in entry.values]
    device = {
        "resourceType": "Device",
        "status": _status(entry),
        "expirationDate": entry.values.get(expires.key) if expires else None,
        "lotNumber": entry.values[lot.key],
        "type": concept(lot.label.partition(",")[0], making.local(f"{step.code}.{lot.key}")),
        "parent": whole,
    }
    kind = making.devices[entry.seq][0][0] if whole else ""
    return dict.fromkeys(keys, _add(making, device, kind, entry, lot.key))


def _named(making: Assembly, step: Step, entry: Entry) -> dict[str, Json]:
    """A further device, or one that failed: by its name, its lot and its last day."""
    said = entry.values
    keys = [key for key in ("device", "lot", "expires") if key in said]
    name, problem = making.text(said.get("device", "")), making.text(said.get("problem", ""))
    device = {
        "resourceType": "Device",
        "status": _status(entry),
        "expirationDate": said.get("expires"),
        "lotNumber": said.get("lot"),
        "deviceName": [{"name": name, "type": "user-friendly-name"}] if name else [],
        "type": making.of_step(step),
        "owner": making.unit,
        "note": [{"text": problem}] if problem else [],
    }
    return dict.fromkeys(keys, _add(making, device, "", entry, "device"))
