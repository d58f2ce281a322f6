"""The log in pages by key: a page begins behind the last row of the one before, however deep it lies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from django.db.models import BooleanField, F, Func, OrderBy, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.translation import gettext as _

from procedures.models import Case
from procedures.models.case import CaseQuerySet

from . import sealed

SIZE = 50
NEWEST = "-date"
# By the name of a column: what it is sorted by. Each has an index in just this order, the id at its end.
SORTS: dict[str, tuple[str | Combinable, ...]] = {
    "date": ("scheduled_at",),
    "patient": ("patient__family_name", "patient__given_name"),
    "operator": (Coalesce("operator_id", 0), "scheduled_at"),
    "levels": ("treated", "scheduled_at"),
    "indication": ("indication", "scheduled_at"),
    "skin": (Coalesce("skin_seconds", -1),),
    "cement": ("cement_ml",),
    "complications": ("complications", "scheduled_at"),
    "status": ("status", "scheduled_at"),
}
_READ: dict[type, Any] = {datetime: datetime.fromisoformat, Decimal: Decimal, UUID: UUID, int: int, str: str}


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
class Place:
    """Where a page begins: behind, or going back before, the row with these values of the sorted columns and the id."""

    sort: str
    back: bool
    values: tuple[Any, ...]

    def token(self) -> str:
        """As it stands in an address: sealed, since a row is known by its patient's name where it is sorted by that."""
        return sealed.seal([self.sort, self.back, [_written(v) for v in self.values]], sealed.PLACE)

    @classmethod
    def of(cls, token: str, sort: str) -> Self:
        """Raises ValueError for what is no place in this order."""
        found = sealed.unseal(token, sealed.PLACE)
        if not isinstance(found, list) or len(found) != 3 or found[0] != sort:
            raise ValueError("a place in another order")
        return cls(sort, bool(found[1]), tuple(_READ[_TYPES[kind]](text) for kind, text in found[2]))


_TYPES = {kind.__name__: kind for kind in _READ}


def _written(value: Any) -> tuple[str, str]:
    return type(value).__name__, value.isoformat() if isinstance(value, datetime) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the log. `following` and `before` are tokens, empty where there is nothing more; `problem`: why the
    order or the place asked for is none."""

    rows: list[Case]
    sort: str
    following: str
    before: str
    problem: str = ""


def page(found: CaseQuerySet, data: QueryDict, size: int = SIZE) -> Page:
    """The page that an address asks for (`sort`: a column, with a minus the other way round; `at`: a place)."""
    sort, place, problem = _asked(data)
    rows = list(_ordered(found, sort, place)[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    back = place is not None and place.back
    if back:
        rows.reverse()
    has_following, has_before = (True, more) if back else (more, place is not None)
    return Page(
        rows=rows,
        sort=sort,
        following=_place(sort, rows[-1], back=False) if rows and has_following else "",
        before=_place(sort, rows[0], back=True) if rows and has_before else "",
        problem=problem,
    )


def _asked(data: QueryDict) -> tuple[str, Place | None, str]:
    sort, token, problem = data.get("sort", "") or NEWEST, data.get("at", ""), ""
    if sort.removeprefix("-") not in SORTS:
        sort, problem = NEWEST, _("The log cannot be sorted by that. The newest come first.")
    try:
        place = Place.of(token, sort) if token else None
    except (KeyError, TypeError, ValueError):
        place, problem = None, problem or _("This page is no longer known. Here is the first one.")
    return sort, place, problem


def _keys(sort: str) -> tuple[list[str], dict[str, Any]]:
    """The names of the sorted columns, and the expressions to be read along under their names."""
    names, extra = [], {}
    for number, column in enumerate(SORTS[sort.removeprefix("-")]):
        if isinstance(column, str):
            names.append(column)
        else:
            names.append(f"sorted_{number}")
            extra[f"sorted_{number}"] = column
    return [*names, "pk"], extra


def _ordered(found: CaseQuerySet, sort: str, place: Place | None) -> CaseQuerySet:
    names, extra = _keys(sort)
    up = not sort.startswith("-")
    if place is not None and place.back:
        up = not up
    found = found.annotate(**extra) if extra else found
    if place is not None:
        found = found.filter(_beyond(names, up, place.values))
    return found.order_by(*(OrderBy(F(name), descending=not up) for name in names))


def _beyond(names: list[str], up: bool, values: tuple[Any, ...]) -> Q:
    row = Q(_Row([F(name) for name in names], ">" if up else "<", [Value(value) for value in values]))
    if not names[0].startswith("patient"):
        return row
    # A row across two tables is no range of an index; the name alone is.
    return row & Q(**{f"{names[0]}__{'gte' if up else 'lte'}": values[0]})


def _place(sort: str, row: Case, *, back: bool) -> str:
    names, _extra = _keys(sort)
    return Place(sort, back, tuple(_value(row, name) for name in names)).token()


def _value(row: Any, name: str) -> Any:
    for part in name.split("__"):
        row = getattr(row, part)
    return row


def in_pages(found: CaseQuerySet, size: int) -> Iterator[list[Case]]:
    """All of them, the newest first, in pages that are short queries of their own: for exports of any length."""
    place = None
    while rows := list(_ordered(found, NEWEST, place)[:size]):
        yield rows
        if len(rows) < size:
            return
        place = Place(NEWEST, False, (rows[-1].scheduled_at, rows[-1].pk))
