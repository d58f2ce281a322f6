"""Vitals of a case: which fields they are, what was measured last, and all of them over time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.utils.timezone import localtime

from procedures import charts, values
from procedures.definitions import Field, FieldType, Key, Milestone, Protocol
from procedures.progress import Progress
from procedures.state import Entry

LATEST = 4  # readings beside the chart of a running case


@dataclass(frozen=True, slots=True)
class Reading:
    """One set of vitals: when, at which step, and a text for each field."""

    at: datetime
    title: str
    texts: list[str]


@dataclass(frozen=True, slots=True)
class VitalsView:
    """The chart, and the same as a table: its heads and its readings, newest first. `more`: not all are listed."""

    chart: charts.Chart
    heads: list[str]
    readings: list[Reading]
    more: bool


def fields(protocol: Protocol) -> list[Field]:
    """What the step for vitals measures; none where the protocol has no such step."""
    step = protocol.by_milestone.get(Milestone.VITALS)
    return [f for f in step.fields if f.type is FieldType.QUANTITY] if step else []


def measured(protocol: Protocol, step_key: str) -> bool:
    """Whether a step takes vitals: it asks for all of them, whatever it asks for beside them."""
    step = protocol.by_code.get(Key.parse(step_key).code)
    wanted = {f.key for f in fields(protocol)}
    return bool(wanted) and step is not None and wanted <= {f.key for f in step.fields}


def _entries(progress: Progress) -> list[tuple[Entry, str]]:
    """Every live entry with vitals, and the title of its step; oldest first."""
    found = [
        (entry, place.definition.title)
        for place in progress.places.values()
        if measured(progress.protocol, place.text)
        for entry in place.step.live
        if any(f.key in entry.values for f in fields(progress.protocol))
    ]
    return sorted(found, key=lambda pair: (pair[0].performed_at.astimezone(UTC), pair[0].seq))


def last(progress: Progress) -> dict[str, tuple[str, datetime]]:
    """The last value of each field, with its unit, and when it was measured."""
    found = {}
    for entry, _title in _entries(progress):
        for f in fields(progress.protocol):
            if f.key in entry.values:
                found[f.key] = (values.show(f, entry.values[f.key]), entry.performed_at)
    return found


def view(progress: Progress, limit: int | None = LATEST) -> VitalsView | None:
    """All vitals of the case; None where none were measured."""
    entries, wanted = _entries(progress), fields(progress.protocol)
    chart = charts.chart(panels(progress), lambda moment: f"{localtime(moment):%H:%M}")
    if chart is None:
        return None
    newest = list(reversed(entries))
    return VitalsView(
        chart=chart,
        heads=[f"{f.label}, {unit}" if (unit := values.unit_name(f.unit)) else f.label for f in wanted],
        readings=[
            Reading(entry.performed_at, title, [_amount(entry.values.get(f.key)) for f in wanted])
            for entry, title in newest[:limit]
        ],
        more=limit is not None and len(newest) > limit,
    )


def panels(progress: Progress) -> list[tuple[str, list[charts.Series]]]:
    """All vitals as lines, with the unit of each panel."""
    return list(_panels(_entries(progress), fields(progress.protocol)))


def _panels(
    entries: list[tuple[Entry, str]], wanted: list[Field]
) -> Iterator[tuple[str, list[charts.Series]]]:
    """Neighbours with the same unit share a panel: the two pressures."""
    for unit, together in groupby(wanted, key=lambda f: f.unit):
        yield (
            values.unit_name(unit),
            [
                charts.Series(
                    f.label,
                    [
                        (e.performed_at, Decimal(e.values[f.key]["amount"]))
                        for e, _t in entries
                        if f.key in e.values
                    ],
                    (f.step or Decimal(1)) * 10,
                    f.refuse_above,
                )
                for f in together
            ],
        )


def _amount(value: Any) -> str:
    return str(value["amount"]) if value else "–"
