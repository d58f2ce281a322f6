"""The log in pages by key: a page begins behind the last row of the one before, however deep it lies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.translation import gettext as _

from procedures.models import Case
from procedures.models.case import CEMENT_UP, SKIN_UP, CaseQuerySet

from . import sealed, walking
from .finding import Found
from .walking import Order

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
# Going up, what has no figure comes last as well: a case that was cancelled is not the shortest of all.
_UP: dict[str, tuple[str | Combinable, ...]] = {"skin": (SKIN_UP,), "cement": (CEMENT_UP,)}
_READ: dict[type, Any] = {datetime: datetime.fromisoformat, Decimal: Decimal, UUID: UUID, int: int, str: str}


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


def page(found: Found, data: QueryDict, size: int = SIZE) -> Page:
    """The page that an address asks for (`sort`: a column, with a minus the other way round; `at`: a place)."""
    sort, place, problem = _asked(data)
    back = place is not None and place.back
    order = order_of(sort, back=back)
    ids = walking.first(found, order, place.values if place else None, size + 1)
    more, rows = len(ids) > size, _rows(found, order, ids[:size])
    if back:
        rows.reverse()
    has_following, has_before = (True, more) if back else (more, place is not None)
    return Page(
        rows=rows,
        sort=sort,
        following=_place(sort, order, rows[-1], back=False) if rows and has_following else "",
        before=_place(sort, order, rows[0], back=True) if rows and has_before else "",
        problem=problem,
    )


def order_of(sort: str, *, back: bool = False) -> Order:
    """The order of that name, forward or back from a place."""
    return Order.of(_UP.get(sort) or SORTS[sort.removeprefix("-")], up=sort.startswith("-") == back)


def _rows(found: Found, order: Order, ids: Sequence[UUID]) -> list[Case]:
    """The cases of these ids, as they are now: one that no longer fits is left out."""
    cases = found.cases.filter(pk__in=ids).annotate(**order.keys).select_related("patient", "operator")
    known = {case.pk: case for case in cases.defer("words", "search", "timers", "patient__sex")}
    return [known[pk] for pk in ids if pk in known]


def _asked(data: QueryDict) -> tuple[str, Place | None, str]:
    sort, token, problem = data.get("sort", "") or NEWEST, data.get("at", ""), ""
    if sort.removeprefix("-") not in SORTS:
        sort, problem = NEWEST, _("The log cannot be sorted by that. The newest come first.")
    try:
        place = Place.of(token, sort) if token else None
    except (KeyError, TypeError, ValueError):
        place, problem = None, problem or _("This page is no longer known. Here is the first one.")
    return sort, place, problem


def _place(sort: str, order: Order, row: Case, *, back: bool) -> str:
    return Place(sort, back, tuple(getattr(row, name) for name in order.keys)).token()


def in_pages(found: CaseQuerySet, size: int) -> Iterator[list[Case]]:
    """All of them, the newest first, in pages that are short queries of their own: for exports of any length."""
    order, place = order_of(NEWEST), None
    while rows := list(order.sorted(order.behind(found, place))[:size]):
        yield rows
        if len(rows) < size:
            return
        place = (rows[-1].scheduled_at, rows[-1].pk)
