"""The one text form of an event, its hash, and the way back. The hash stands on this text, never on jsonb read back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from .state import Event, EventKind, Source
from .values import plain, stamp

GENESIS = bytes(32)


def encode(case_id: UUID, event: Event) -> str:
    """The event as JSON: sorted keys, no spaces, numbers with a fraction as decimal text, times in UTC microseconds."""
    return dump(
        {
            "about": event.about,
            "case": case_id,
            "command_id": event.command_id,
            "device_at": event.device_at,
            "flags": sorted(event.flags),
            "kind": event.kind,
            "offset_ms": event.offset_ms,
            "part": event.part,
            "performed_at": event.performed_at,
            "performed_by": event.performed_by,
            "reason": event.reason,
            "recorded_at": event.recorded_at,
            "recorded_by": event.recorded_by,
            "seq": event.seq,
            "source": event.source,
            "step_key": event.step_key,
            "tablet": event.tablet,
            "values": event.values,
            "via": event.via,
        }
    )


def decode(data: Mapping[str, Any]) -> Event:
    """The event that `encode` wrote. Raises KeyError or ValueError where the data is not one."""
    device_at = data.get("device_at")
    return Event(
        seq=data["seq"],
        kind=EventKind(data["kind"]),
        step_key=data["step_key"],
        about=data["about"],
        values=data["values"],
        flags=tuple(data["flags"]),
        reason=data["reason"],
        performed_by=data["performed_by"],
        recorded_by=data["recorded_by"],
        performed_at=datetime.fromisoformat(data["performed_at"]),
        recorded_at=datetime.fromisoformat(data["recorded_at"]),
        source=Source(data["source"]),
        command_id=UUID(data["command_id"]),
        part=data["part"],
        via=data.get("via"),
        tablet=data.get("tablet"),
        device_at=datetime.fromisoformat(device_at) if device_at else None,
        offset_ms=data.get("offset_ms"),
    )


def chain(previous: bytes, canonical: str) -> bytes:
    """The hash of an event: SHA-256 over the previous event's hash and its own text."""
    return hashlib.sha256(previous + canonical.encode()).digest()


def digest(name: str, inputs: Mapping[str, Any]) -> bytes:
    """The fingerprint of what was asked: a repeated command must ask the same."""
    return hashlib.sha256(f"{name}:{dump(inputs)}".encode()).digest()


def dump(value: Any) -> str:
    """JSON in the canonical form. TypeError for floats: a record holds no rounded numbers."""
    return json.dumps(_strict(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _strict(value: Any) -> Any:
    match value:
        case None | bool() | int():
            return value
        case str() | UUID():
            return str(value)
        case Decimal():
            return plain(value)
        case datetime():
            return stamp(value)
        case Mapping():
            return {str(key): _strict(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted(_strict(item) for item in value)
        case list() | tuple():
            return [_strict(item) for item in value]
        case _ if hasattr(value, "isoformat"):
            return value.isoformat()
        case _ if is_dataclass(value):
            return {field.name: _strict(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"no canonical form for {type(value).__name__}")
