"""The doses that a site sets limits to: from the protocol file, to the row of a version and back. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from procedures.definitions import DoseLimit, Dosing, FieldType, Protocol, Repeats, Step

from .errors import ProtocolError

if TYPE_CHECKING:
    from .reading import Table

PLACE = "dosing"


def from_file(table: "Table") -> Dosing:
    """The table `dosing` of a protocol file. Raises ProtocolError."""
    found = Dosing(
        step=table.text("step"),
        drug=table.text("drug"),
        volume=table.text("volume"),
        concentration=table.text("concentration"),
        weight_step=table.text("weight_step"),
        weight=table.text("weight"),
        limits=tuple(_limit(part) for part in table.tables("limits", "limit")),
    )
    table.done()
    return found


def _limit(table: "Table") -> DoseLimit:
    found = DoseLimit(
        drug=table.text("drug"),
        mg_per_kg=_positive(table, "mg_per_kg"),
        max_mg=_positive(table, "max_mg"),
        when=table.data.pop("when", {}),
    )
    table.done()
    return found


def _positive(table: "Table", key: str) -> Decimal:
    number = table.decimal(key)
    if number is None or number <= 0:
        raise table.wrong(key, "a number above 0", number)
    return number


def to_row(dosing: Dosing | None) -> dict[str, Any]:
    """As the version's row keeps it; nothing where the protocol sets no limits."""
    if dosing is None:
        return {}
    limits = [
        {
            "drug": limit.drug,
            "mg_per_kg": str(limit.mg_per_kg),
            "max_mg": str(limit.max_mg),
            "when": dict(limit.when),
        }
        for limit in dosing.limits
    ]
    return {**{name: getattr(dosing, name) for name in NAMES}, "limits": limits}


def from_row(row: Mapping[str, Any]) -> Dosing | None:
    """What `to_row` has made."""
    if not row:
        return None
    limits = tuple(
        DoseLimit(
            drug=limit["drug"],
            mg_per_kg=Decimal(limit["mg_per_kg"]),
            max_mg=Decimal(limit["max_mg"]),
            when=limit["when"],
        )
        for limit in row["limits"]
    )
    return Dosing(**{name: row[name] for name in NAMES}, limits=limits)


NAMES = ("step", "drug", "volume", "concentration", "weight_step", "weight")


def check(protocol: Protocol) -> None:
    """The fields are there in the units that the sum needs (mL, %, kg), and each limit can be met by an entry."""
    dosing = protocol.dosing
    if dosing is None:
        return
    step, weighed = _step(protocol, "step", dosing.step), _step(protocol, "weight_step", dosing.weight_step)
    if weighed.repeats is not Repeats.ONCE:
        raise ProtocolError(PLACE, f"{weighed.code} repeats, so it gives no one weight")
    for place, name, unit in (
        (step, "volume", "mL"),
        (step, "concentration", "%"),
        (weighed, "weight", "kg"),
    ):
        field = place.field(getattr(dosing, name))
        if field is None or field.unit != unit:
            raise ProtocolError(PLACE, f"{name} must name a field of {place.code} in {unit}")
    _check_answer(step, dosing.drug, None)
    if not dosing.limits:
        raise ProtocolError(PLACE, "there is no limit")
    seen: list[tuple[str, Mapping[str, object]]] = []
    for limit in dosing.limits:
        _check_answer(step, dosing.drug, limit.drug)
        if not isinstance(limit.when, Mapping):
            raise ProtocolError(PLACE, f"when must be a table, not {limit.when!r}")
        for key, value in limit.when.items():
            _check_answer(step, key, value)
        if (limit.drug, limit.when) in seen:
            raise ProtocolError(PLACE, f"the limit of {limit.drug} stands twice")
        seen.append((limit.drug, limit.when))


def _step(protocol: Protocol, name: str, code: str) -> Step:
    found = protocol.by_code.get(code)
    if found is None:
        raise ProtocolError(PLACE, f"{name} names the step {code!r}, which does not exist")
    return found


def _check_answer(step: Step, key: str, value: object) -> None:
    """The field exists, and the value (None: any) is one of its answers."""
    field = step.field(key)
    if field is None:
        raise ProtocolError(PLACE, f"{step.code} has no field {key!r}")
    match field.type:
        case FieldType.CHOICE if value is None or value in dict(field.options):
            return
        case FieldType.YESNO if isinstance(value, bool):
            return
    raise ProtocolError(PLACE, f"{value!r} is no answer of {key}")
