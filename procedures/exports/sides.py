"""One row a vertebra and side: what the protocol asks there, each field a column with its unit.

Which columns there are follows from the versions of the protocol that are in use: a field that a later version adds is
a column, empty for the cases of before. Where a side has several entries, a cell holds them all, in their order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from procedures.definitions import Field, FieldType, Measure, Milestone, Phase, Repeats, Step
from procedures.models import ProtocolVersion
from procedures.models.protocol import Status
from procedures.protocols import frozen
from procedures.values import unit_name

from .columns import closing, heading, told_lot, told_name, who, zone
from .loading import Entry, Facts
from .tables import Away, Cell, Column, Row, Table, several

LEVEL_STATES = {
    "open": _("open"),
    "completed": _("completed"),
    "abandoned": _("abandoned"),
    "deferred": _("deferred"),
}


def of_sides(away: Away) -> Table:
    """One row a vertebra and side; a vertebra that nobody entered has one row without a side."""
    columns = [*who(away), *heading(), *_place(away), *_totals(), *_steps(away), *closing()]
    return Table(_("Vertebrae and sides"), columns, _rows)


def _rows(facts: Facts, away: Away) -> Iterator[Row]:
    for level in facts.levels:
        for side in level.sides or ("",):
            yield Row(facts, away, level=level, side=side)


def _place(away: Away) -> Iterator[Column]:
    yield Column(_("Vertebra"), lambda row: row.level.vertebra)
    yield Column(_("Side"), lambda row: row.side)
    yield Column(_("Planned"), lambda row: row.level.planned)
    yield Column(
        _("State of the vertebra"), lambda row: str(LEVEL_STATES.get(row.level.state, row.level.state))
    )
    if away.identified:
        yield Column(_("Why it was closed"), lambda row: row.level.reason)


def _totals() -> Iterator[Column]:
    """The cement of a side as one number, however many injections there were."""
    yield Column(_("Cement of the side, mL"), _cement)


def _cement(row: Row) -> Decimal | None:
    step = row.facts.protocol.by_milestone.get(Milestone.CEMENT)
    f = step.measuring(Measure.CEMENT_ML) if step else None
    if step is None or f is None:
        return None
    given = [e["values"][f.key]["amount"] for e in _entries(row, step) if f.key in e.get("values", {})]
    return sum(map(Decimal, given), Decimal()) if given else None


# The steps of the protocol --------------------------------------------------------------------------------------------


def _steps(away: Away) -> Iterator[Column]:
    """The steps at a vertebra of every version in use, the newest saying how they are called."""
    seen: set[tuple[str, str]] = set()
    versions = (
        ProtocolVersion.objects.exclude(status=Status.DRAFT).order_by("-pk").values_list("pk", flat=True)
    )
    for pk in versions:
        for step in frozen.protocol(pk).phase(Phase.LEVEL):
            if step.repeats is Repeats.ONCE:
                continue
            if (step.code, "") not in seen:
                seen.add((step.code, ""))
                yield Column(f"{step.button} ({zone()})", _When(step.code))
                yield Column(_("%(step)s: by") % {"step": step.button}, _By(step.code))
            for f in step.fields:
                if (step.code, f.key) not in seen and (away.identified or f.type is not FieldType.TEXT):
                    seen.add((step.code, f.key))
                    yield from _field(step, f, away)


def _field(step: Step, f: Field, away: Away) -> Iterator[Column]:
    unit = f", {unit_name(f.unit)}" if unit_name(f.unit) else ""
    label = f"{step.button}: {f.label}"
    if f.type is FieldType.TIME:
        yield Column(f"{label} ({zone()})", _Value(step.code, f.key))
    elif f.type in (FieldType.PRODUCT, FieldType.ENTRY):
        yield Column(label, _Value(step.code, f.key))
        yield Column(_("%(field)s, lot") % {"field": label}, _Part(step.code, f.key, "lot"))
        yield Column(_("%(field)s, GTIN") % {"field": label}, _Part(step.code, f.key, "gtin"))
        yield Column(_("%(field)s, expires") % {"field": label}, _Part(step.code, f.key, "expires"))
        if away.identified:
            yield Column(_("%(field)s, serial number") % {"field": label}, _Part(step.code, f.key, "serial"))
    else:
        yield Column(f"{label}{unit}", _Value(step.code, f.key))


def _entries(row: Row, step: Step) -> list[Entry]:
    """The entries of a step at the vertebra of the row, and at its side where the step is done for each."""
    key = f"{step.code}-{row.level.vertebra}"
    if step.repeats is Repeats.ACCESS:
        key = f"{key}-{row.side}"
    return row.facts.entries.get(key, [])


@dataclass(frozen=True)
class _Reader:
    """Reads a step of the version that the case was done by."""

    code: str

    def entries(self, row: Row) -> tuple[Step | None, list[Entry]]:
        step = row.facts.protocol.by_code.get(self.code)
        return step, _entries(row, step) if step else []


class _When(_Reader):
    def __call__(self, row: Row) -> Cell:
        return several([datetime.fromisoformat(entry["at"]) for entry in self.entries(row)[1]])


class _By(_Reader):
    def __call__(self, row: Row) -> Cell:
        return several([row.away.person(entry["by"]) for entry in self.entries(row)[1]])


@dataclass(frozen=True)
class _Value(_Reader):
    """A field, in its type."""

    key: str

    def found(self, row: Row) -> Iterator[tuple[Field, Any]]:
        step, entries = self.entries(row)
        f = step.field(self.key) if step else None
        if f:
            yield from ((f, e["values"][f.key]) for e in entries if f.key in e.get("values", {}))

    def __call__(self, row: Row) -> Cell:
        return several([typed(row, f, value) for f, value in self.found(row)])


@dataclass(frozen=True)
class _Part(_Value):
    """What is known of a product beside its name."""

    part: str

    def __call__(self, row: Row) -> Cell:
        return several([self._told(row, _product(row, f, value)) for f, value in self.found(row)])

    def _told(self, row: Row, said: dict[str, Any]) -> Cell:
        text = said.get(self.part) or ""
        if self.part == "expires":
            return date.fromisoformat(text) if text else None
        return told_lot(row.away, text) if self.part == "lot" else text


def typed(row: Row, f: Field, value: Any) -> Cell:
    """A stored value as a cell."""
    options = dict(f.options)
    match f.type:
        case FieldType.NUMBER | FieldType.QUANTITY:
            return Decimal(value["amount"])
        case FieldType.CHOICE:
            return str(options.get(value, value))
        case FieldType.CHOICES:
            return ", ".join(str(options.get(one, one)) for one in value)
        case FieldType.YESNO:
            return bool(value)
        case FieldType.TIME:
            return datetime.fromisoformat(value)
        case FieldType.DATE:
            return date.fromisoformat(value)
        case FieldType.PERSON | FieldType.PEOPLE:
            people = value if isinstance(value, list) else [value]
            return ", ".join(row.away.person(one["id"]) for one in people)
        case FieldType.PRODUCT | FieldType.ENTRY:
            said = _product(row, f, value)
            return told_name(row.away, said.get("id"), said.get("name", ""))
    return str(value)


def _product(row: Row, f: Field, value: Any) -> dict[str, Any]:
    """The product of a field; of one that names an entry, such as a batch, the product of that entry."""
    if f.type is FieldType.PRODUCT:
        return dict(value)
    step = row.facts.protocol.by_code.get(f.entry_of)
    product = next((one for one in step.fields if one.type is FieldType.PRODUCT), None) if step else None
    for entry in row.facts.entries.get(f.entry_of, []):
        if product and entry["seq"] == value["seq"]:
            return dict(entry.get("values", {}).get(product.key, {}))
    return {}
