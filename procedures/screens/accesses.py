"""Who looked at a patient's cases and who took them away: who, when, what, by which right, on which tablet."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _

from procedures import rules
from procedures.definitions import Role
from procedures.models import Access, Case, ExportedCase, Membership, User
from procedures.models.export import KINDS
from procedures.models.people import ROLE_LABELS
from procedures.rules import MAY, Act
from procedures.values import day_words

from .parts import Banner
from .view import View

LIMIT = 500
FIRST, LAST = date(2000, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One line. `case`: which case of the patient, by its day and levels; `away`: it left the house with names."""

    at: datetime
    who: str
    what: str
    right: str
    tablet: str
    case: str
    case_at: datetime
    case_id: UUID
    away: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A heading by which the list is sorted: `query` sorts it so, `sorted` says how it is now."""

    key: str
    label: str
    query: str
    sorted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessScreen:
    """All that accesses.html draws. `more`: there are older lines than the LIMIT shown; `problem`: of the span."""

    case: Case
    banner: Banner
    role: str
    looks: list[Look]
    columns: list[Column]
    more: bool
    since: date | None
    until: date | None
    sort: str
    problem: str


_SORTS: dict[str, Callable[[Look], Any]] = {
    "at": lambda look: look.at,
    "who": lambda look: look.who.casefold(),
    "what": lambda look: look.what.casefold(),
    "case": lambda look: (look.case_at, look.case),
    "right": lambda look: look.right.casefold(),
    "tablet": lambda look: look.tablet.casefold(),
}


def build(
    user: User, pk: UUID, span: tuple[date | None, date | None], sort: str, problem: str = ""
) -> AccessScreen:
    """Of all cases of the patient in the units where one may know. Raises Case.DoesNotExist, Refused."""
    view = View.load(user, pk)
    units = may_audit_in(user)
    if view.case.unit_id not in units:
        rules.check_may(rules.Actor(user.pk, None), Act.AUDIT)
    cases = Case.objects.visible_to(user).filter(patient=view.case.patient_id, unit__in=units)
    since, until = (day if day and FIRST <= day <= LAST else None for day in span)
    looks = [*_looks(cases, since, until), *_exports(cases, since, until)]
    looks.sort(key=_SORTS["at"], reverse=True)
    shown = looks[:LIMIT]
    name = sort.removeprefix("-")
    if name not in _SORTS:
        sort, name = "-at", "at"
    shown.sort(key=_SORTS[name], reverse=sort.startswith("-"))
    return AccessScreen(
        case=view.case,
        banner=view.banner,
        role=view.role,
        looks=shown,
        columns=_columns(sort),
        more=len(looks) > LIMIT,
        since=since,
        until=until,
        sort=sort,
        problem=problem,
    )


def may_audit_in(user: User) -> set[int]:
    """The units in which somebody may know who looked: by role, or as charge nurse."""
    rows = Membership.objects.filter(user=user).values_list("unit", "role", "charge")
    return {unit for unit, role, charge in rows if charge or Role(role) in MAY[Act.AUDIT]}


def _spanned(found: QuerySet[Any], name: str, since: date | None, until: date | None) -> QuerySet[Any]:
    """The newest of a span, one more than is shown."""
    if since:
        found = found.filter(**{f"{name}__gte": _midnight(since)})
    if until:
        found = found.filter(**{f"{name}__lt": _midnight(until + timedelta(days=1))})
    return found.order_by(f"-{name}")[: LIMIT + 1]


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))


def _looks(cases: QuerySet[Case], since: date | None, until: date | None) -> list[Look]:
    rows = Access.objects.filter(case__in=cases).select_related("user", "tablet", "case")
    return [
        Look(
            at=row.at,
            who=row.user.display_name,
            what=row.get_what_display(),
            right=row.get_right_display(),
            tablet=row.tablet.name if row.tablet else "",
            case=_case(row.case),
            case_at=row.case.scheduled_at,
            case_id=row.case_id,
            away=row.what in ("pdf", "fhir_names"),
        )
        for row in _spanned(rows, "at", since, until)
    ]


def _exports(cases: QuerySet[Case], since: date | None, until: date | None) -> list[Look]:
    rows = ExportedCase.objects.filter(case__in=cases).select_related(
        "export__user", "export__tablet", "case"
    )
    return [
        Look(
            at=row.export.asked_at,
            who=row.export.user.display_name,
            what=_exported(row.export),
            right=_right(row.export.right),
            tablet=row.export.tablet.name if row.export.tablet else "",
            case=_case(row.case),
            case_at=row.case.scheduled_at,
            case_id=row.case_id,
            away=row.export.identified,
        )
        for row in _spanned(rows, "export__asked_at", since, until)
    ]


def _exported(export: Any) -> str:
    kind = str(KINDS[export.kind])
    if not export.identified:
        return _("Export, %(kind)s, without names") % {"kind": kind}
    words = {"kind": kind, "reason": export.reason}
    return _("Export, %(kind)s, with names: %(reason)s") % words


def _right(right: str) -> str:
    if right in Access.RIGHTS:
        return str(Access.RIGHTS[right])
    return ", ".join(str(ROLE_LABELS[Role(role)]) for role in right.split(","))


def _case(case: Case) -> str:
    return f"{day_words(localtime(case.scheduled_at).date())} {', '.join(case.levels)}"


def _columns(sort: str) -> list[Column]:
    labels = {
        "at": _("When"),
        "who": _("Who"),
        "what": _("What"),
        "case": _("Case"),
        "right": _("By right of"),
        "tablet": _("Tablet"),
    }
    now = sort.removeprefix("-")
    down = sort.startswith("-")
    return [
        Column(
            key=key,
            label=label,
            query=f"-{key}" if (key == now and not down) or (key == "at" and key != now) else key,
            sorted=("descending" if down else "ascending") if key == now else "none",
        )
        for key, label in labels.items()
    ]
