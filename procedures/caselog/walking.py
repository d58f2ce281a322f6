"""The first cases behind a place, in an order: two ways to the same rows, each bounded.

Where many cases fit, a short walk along the index of the order meets enough of them. Where few do, they are gathered
through the indexes of what is asked for, and sorted. PostgreSQL would have to guess which; and where what is asked for
lies together in time (a lot, somebody who has left), or two things are common but never come together, it guesses wrong
by a factor of a hundred. So a walk looks at WINDOW cases and gives up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.db import connection, models
from django.db.models import BooleanField, ExpressionWrapper, F, Func, OrderBy, Q, Value
from django.db.models.expressions import Combinable

from procedures import clock
from procedures.models import Case
from procedures.models.case import CaseQuerySet, visible

from .finding import Found

type Keys = models.QuerySet[Case, Any]

WINDOW, LONG_WINDOW = 1_500, 3_000
NEAR = timedelta(days=180)


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
    """The ids of the first so many that fit, behind the place: one statement."""
    search = _Search(found, order, place)
    direction = "ASC" if order.up else "DESC"
    words = {
        "id": list(order.keys)[-1],
        "keys": ", ".join(order.keys),
        "order": ", ".join(f"{name} {direction}" for name in order.keys),
        "number": number,
        "window": search.window,
        "sits": str(search.sits).lower(),
    }
    parts = {"walk": search.ahead(), "near": search.near(), "whole": search.whole()}
    compiled = {name: part.query.sql_with_params() for name, part in parts.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            _FIRST.format(**words, **{name: sql for name, (sql, _given) in compiled.items()}),
            [value for _sql, given in compiled.values() for value in given],
        )
        cursor.nextset()
        return [pk for (pk,) in cursor.fetchall()]


# Each case of the walk says whether it fits; the last one that may be looked at comes along in any case, and says so.
# What is gathered is asked for without its order (OFFSET 0), so that the plan goes through the indexes of the filters,
# and it is not begun where what came before has sufficed. The table itself is never read from end to end.
_FIRST = """
SET LOCAL enable_seqscan = off;
WITH walk AS MATERIALIZED (
    SELECT {keys}, fits, nth = {window} AS is_last
    FROM (SELECT *, row_number() OVER () AS nth FROM ({walk}) ahead) looked_at
    WHERE fits OR nth = {window} LIMIT {number}
), walked AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE fits) = {number} OR NOT coalesce(bool_or(is_last), {sits}) AS enough FROM walk
), near AS MATERIALIZED (
    SELECT * FROM (SELECT * FROM ({near}) fitting OFFSET 0) found
    WHERE NOT (SELECT enough FROM walked) ORDER BY {order} LIMIT {number}
), whole AS MATERIALIZED (
    SELECT * FROM (SELECT * FROM ({whole}) fitting OFFSET 0) found
    WHERE NOT (SELECT enough FROM walked) AND (SELECT count(*) FROM near) < {number}
    ORDER BY {order} LIMIT {number}
)
SELECT {id} FROM (
    SELECT {keys} FROM walk WHERE fits AND (SELECT enough FROM walked)
    UNION ALL SELECT {keys} FROM near WHERE (SELECT count(*) FROM near) = {number}
    UNION ALL SELECT {keys} FROM whole
) found ORDER BY {order};
SET LOCAL enable_seqscan = DEFAULT
"""


@dataclass(frozen=True, slots=True)
class _Search:
    """The three ways to what is looked for, as queries with the keys of the order."""

    found: Found
    order: Order
    place: tuple[Any, ...] | None

    @property
    def window(self) -> int:
        """How far the walk goes: less far in the order of time, where it is followed by what lies near."""
        return WINDOW if self.order.by_date else LONG_WINDOW

    @property
    def sits(self) -> bool:
        """Of one unit by patient nothing is walked: each step would be a join, and most patients are of other units."""
        return self.order.by_patient and self.found.only_unit is not None

    def ahead(self) -> Keys:
        """The next cases, each with whether it fits."""
        fits = ExpressionWrapper(self.found.fits & visible(self.found.reach.user.pk), BooleanField())
        seen: Keys = self._seen().annotate(fits=fits).values(*self.order.keys, "fits")
        return seen.filter(pk__isnull=True) if self.sits else seen[: self.window]

    def near(self) -> Keys:
        """Those that fit and lie NEAR in time; none where all are as quickly gathered, or nobody knows near what."""
        found, up = self.whole(), self.order.up
        if self.found.only_unit or not self.order.by_date or (up and not self.place):
            return found.filter(pk__isnull=True)
        here: datetime = self.place[0] if self.place else clock.now()
        return found.filter(Q(scheduled_at__lte=here + NEAR) if up else Q(scheduled_at__gte=here - NEAR))

    def whole(self) -> Keys:
        """All that fit."""
        found: Keys = self.order.behind(self.found.cases, self.place).order_by().values(*self.order.keys)
        return found

    def _seen(self) -> CaseQuerySet:
        """The cases that a walk meets, whether they fit or not."""
        cases: CaseQuerySet = Case.objects.filter(self.found.lead if self.order.by_date else Q())
        return self.order.sorted(self.order.behind(cases, self.place))
