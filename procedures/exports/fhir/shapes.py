"""The small shapes of FHIR, as plain data; and how they are written. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from procedures.values import plain, unit_name

from .vocabulary import ABSENT, TRANSLATION, UCUM

type Json = dict[str, Any]

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # FHIR's text has no others below the space


def coding(system: str, code: str, **rest: Any) -> Json:
    """One code."""
    return {"system": system, "code": code, **rest}


def concept(text: str, *codings: Json | None) -> Json:
    """A concept: its words, and its codes."""
    return {"coding": [c for c in codings if c], "text": text}


def quantity(value: Mapping[str, str]) -> Json:
    """A number with its unit; what was entered in another unit stands beside it as its translation."""
    found = _amount(value["amount"], value["unit"])
    if "entered" in value:
        entered = _amount(value["entered"], value["entered_unit"])
        found["extension"] = [{"url": TRANSLATION, "valueQuantity": entered}]
    return found


def _amount(amount: str, unit: str) -> Json:
    code = unit or "1"
    return {"value": Decimal(amount), "unit": unit_name(code), "system": UCUM, "code": code}


def moment(when: datetime | None) -> str | None:
    """A moment in UTC."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z") if when else None


def period(start: datetime | None, end: datetime | None) -> Json:
    """From when until when. A beginning that was said to be after the end is left out: FHIR refuses it."""
    return {"start": moment(start if not (start and end and start > end) else None), "end": moment(end)}


def identifier(system: str, value: Any) -> Json:
    """What something is called in one of our systems."""
    return {"system": system, "value": str(value)}


def masked() -> Json:
    """There is a text here, and it is not told."""
    return {"extension": [{"url": ABSENT, "valueCode": "masked"}]}


def clean(value: Any) -> Any:
    """Without what is empty: FHIR has no empty texts, lists and objects. False and zero are not empty."""
    match value:
        case Mapping():
            kept = {key: found for key, part in value.items() if (found := clean(part)) is not None}
            return kept or None
        case str():
            return _UNPRINTABLE.sub("", value).strip() or None
        case Iterable():
            return [found for part in value if (found := clean(part)) is not None] or None
    return value


def write(value: Any) -> str:
    """JSON in which a number keeps the digits that it was recorded with: no float comes in between."""
    match value:
        case Mapping():
            return "{" + ",".join(f"{json.dumps(key)}:{write(part)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ",".join(write(part) for part in value) + "]"
        case Decimal():
            return plain(value)
    return json.dumps(value, ensure_ascii=False)
