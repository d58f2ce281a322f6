"""The first cases behind a place, in an order: two ways to the same rows, each bounded.

Where many cases fit, a short walk along the index of the order meets enough of them. Where few do, they are gathered
through the indexes of what is asked for, and sorted. PostgreSQL would have to guess which; and where what is asked for
lies together in time (a lot, somebody who has left), or two things are common but never come together, it guesses wrong
by a factor of a hundred. So a walk looks at WINDOW cases and gives up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, F, Func, OrderBy, Q, Value
from django.db.models.expressions import Combinable

from procedures.models import Case
from procedures.models.case import CaseQuerySet, visible

from .finding import Found

WINDOW = 5_000


class _Row(Func):
    """(a, b, id) > (x, y, z) as PostgreSQL compares rows: one range of an index."""

    output_field = BooleanField()

    def __init__(self, left: Sequence[Any], sign: str, right: Sequence[Any]) -> None:
        super().__init__(*left, *right)
        self.sign = sign

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """The comparison."""
        parts = [compiler.compile(part) for part in self.source_expressions]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _given in side) for side in (parts[:half], parts[half:]))
        return f"({left}) {self.sign} ({right})", [value for _sql, given in parts for value in given]


@dataclass(frozen=True, slots=True)
class Order:
    """An order of cases: its `keys` by the names under which they are read along, the id the last; `up` or down."""

    keys: dict[str, Combinable]
    up: bool
    by_date: bool
    by_patient: bool

    @classmethod
    def of(cls, columns: Sequence[str | Combinable], *, up: bool) -> Self:
        """By these columns, then by the id."""
        found = [F(column) if isinstance(column, str) else column for column in columns]
        keys = {f"key_{number}": column for number, column in enumerate([*found, F("pk")])}
        return cls(keys, up, columns[0] == "scheduled_at", str(columns[0]).startswith("patient"))

    def behind(self, cases: CaseQuerySet, place: tuple[Any, ...] | None) -> CaseQuerySet:
        """Those behind a place, or all."""
        found = cases.annotate(**self.keys)
        if place is None:
            return found
        names, values = [F(name) for name in self.keys], [Value(value) for value in place]
        row = Q(_Row(names, ">" if self.up else "<", values))
        if self.by_patient:  # a row across two tables is no range of an index; the name alone is
            row &= Q(**{f"key_0__{'gte' if self.up else 'lte'}": place[0]})
        return found.filter(row)

    def sorted(self, cases: CaseQuerySet) -> CaseQuerySet:
        """In this order."""
        return cases.order_by(*(OrderBy(F(name), descending=not self.up) for name in self.keys))


def first(found: Found, order: Order, place: tuple[Any, ...] | None, number: int) -> list[UUID]:
    """The ids of the first so many that fit, behind the place. One statement, or two."""
    ids, is_all = _walk(found, order, place, number)
    return ids if is_all else _gather(found, order, place, number)


# Each case of the walk says whether it fits; the last one that may be looked at comes along in any case.
_WALK = """
SELECT {id}, fits, nth = {window} FROM (SELECT *, row_number() OVER () AS nth FROM ({walk}) walk) looked_at
WHERE fits OR nth = {window} LIMIT {number}
"""


def _walk(found: Found, order: Order, place: tuple[Any, ...] | None, number: int) -> tuple[list[UUID], bool]:
    """Those among the next WINDOW cases, and whether that is the answer: enough of them, or none beyond."""
    fits = ExpressionWrapper(found.fits & visible(found.reach.user.pk), BooleanField())
    cases = Case.objects.filter(found.lead) if order.by_date else Case.objects.all()
    seen = order.sorted(order.behind(cases, place)).annotate(fits=fits).values(*order.keys, "fits")[:WINDOW]
    sql, given = seen.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_WALK.format(id=list(order.keys)[-1], walk=sql, window=WINDOW, number=number), given)
        rows = cursor.fetchall()
    ids = [pk for pk, is_fit, _last in rows if is_fit]
    return ids, len(ids) == number or not any(last for _pk, _is_fit, last in rows)


# OFFSET 0 keeps the order away from the plan: through the indexes of the filters, whatever it costs to sort.
_GATHER = """
SET LOCAL enable_seqscan = off;
SELECT {id} FROM (SELECT * FROM ({cases}) fitting OFFSET 0) found ORDER BY {order} LIMIT {number};
SET LOCAL enable_seqscan = on
"""


def _gather(found: Found, order: Order, place: tuple[Any, ...] | None, number: int) -> list[UUID]:
    """All that fit, sorted; the table itself is never read from end to end."""
    sql, given = order.behind(found.cases, place).values(*order.keys).query.sql_with_params()
    direction = "ASC" if order.up else "DESC"
    by = ", ".join(f"{name} {direction}" for name in order.keys)
    with connection.cursor() as cursor:
        cursor.execute(_GATHER.format(id=list(order.keys)[-1], cases=sql, order=by, number=number), given)
        cursor.nextset()
        return [pk for (pk,) in cursor.fetchall()]
