"""The first cases behind a place, in an order: two ways to the same rows, each bounded.

Where many cases fit, a short walk along the index of the order meets enough of them. Where few do, they are gathered
through the indexes of what is asked for, and sorted. PostgreSQL would have to guess which; and where what is asked for
lies together in time (a lot, somebody who has left), or two things are common but never come together, it guesses wrong
by a factor of a hundred. So a walk looks at WINDOW cases and gives up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, F, Func, OrderBy, Q, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from procedures.models import Case
from procedures.models.case import CaseQuerySet, visible

from .finding import Found

WINDOW = 5_000
NEAR = 60_000
THE_BEGINNING, THE_END = datetime(1900, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)


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
    """The ids of the first so many that fit, behind the place. One statement, at most three."""
    search = _Search(found, order, place, number)
    if not (order.by_patient and found.only_unit):  # few enough, and each step of that walk is a join
        ids, is_all = search.walk()
        if is_all:
            return ids
    if order.by_date and not found.only_unit:
        ids = search.gather(near=True)
        if len(ids) == number:
            return ids
    return search.gather()


# Each case of the walk says whether it fits; the last one that may be looked at comes along in any case.
_WALK = """
SELECT {id}, fits, nth = {window} FROM (SELECT *, row_number() OVER () AS nth FROM ({walk}) walk) looked_at
WHERE fits OR nth = {window} LIMIT {number}
"""
# OFFSET 0 keeps the order away from the plan: through the indexes of the filters, whatever it costs to sort.
_GATHER = """
SET LOCAL enable_seqscan = off;
SELECT {id} FROM (SELECT * FROM ({cases}) fitting OFFSET 0) found ORDER BY {order} LIMIT {number};
SET LOCAL enable_seqscan = on
"""


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for, and how much of it."""

    found: Found
    order: Order
    place: tuple[Any, ...] | None
    number: int

    def walk(self) -> tuple[list[UUID], bool]:
        """Those among the next WINDOW cases, and whether that is the answer: enough of them, or none beyond."""
        fits = ExpressionWrapper(self.found.fits & visible(self.found.reach.user.pk), BooleanField())
        seen = self._ahead().annotate(fits=fits).values(*self.order.keys, "fits")[:WINDOW]
        rows = self._ids(_WALK, walk=seen, window=WINDOW)
        ids = [row[0] for row in rows if row[1]]
        return ids, len(ids) == self.number or not any(is_last for _pk, _fits, is_last in rows)

    def gather(self, *, near: bool = False) -> list[UUID]:
        """All that fit, or those `near`, sorted; the table itself is never read from end to end."""
        cases = self.order.behind(self.found.cases, self.place)
        if near:
            cases = cases.filter(self._near())
        direction = "ASC" if self.order.up else "DESC"
        by = ", ".join(f"{name} {direction}" for name in self.order.keys)
        return [pk for (pk,) in self._ids(_GATHER, cases=cases.values(*self.order.keys), order=by)]

    def _ahead(self) -> CaseQuerySet:
        """The cases that a walk meets, whether they fit or not."""
        cases = Case.objects.filter(self.found.lead) if self.order.by_date else Case.objects.all()
        return self.order.sorted(self.order.behind(cases, self.place))

    def _near(self) -> Q:
        """Up to the day that NEAR cases from here lie on."""
        last = Subquery(self._ahead().values("scheduled_at")[NEAR : NEAR + 1])
        ends = Coalesce(last, Value(THE_END if self.order.up else THE_BEGINNING))
        return Q(scheduled_at__lte=ends) if self.order.up else Q(scheduled_at__gte=ends)

    def _ids(self, statement: str, **parts: Any) -> list[Any]:
        """The rows of a statement around a query, the id of a case the first in each."""
        sql, given = next(
            part for part in parts.values() if isinstance(part, CaseQuerySet)
        ).query.sql_with_params()
        named = {name: sql if isinstance(part, CaseQuerySet) else part for name, part in parts.items()}
        with connection.cursor() as cursor:
            cursor.execute(statement.format(id=list(self.order.keys)[-1], number=self.number, **named), given)
            if statement is _GATHER:
                cursor.nextset()
            rows: list[Any] = cursor.fetchall()
            return rows
