"""Who takes what away, by which right: written before the first row is sent, and how far it has come."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.utils.translation import gettext as _

from procedures import caselog, clock, rules
from procedures.definitions import Role
from procedures.models import CaseTeam, Export, ExportedCase, Membership, Product, Tablet, User
from procedures.models.case import CaseQuerySet
from procedures.models.export import FIGURES, KINDS, OF_CASES
from procedures.rules import MAY, Act, Invalid, Refused
from procedures.screens import log

from .loading import Facts, load, people_in, with_parts
from .tables import Away

LONGEST_REST = 0.25  # seconds
PAGE = 200  # cases read by one statement

type Gone = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody asks for. `query`: the address of the log, as its filters read it."""

    kind: str
    rows: str
    identified: bool
    reason: str
    query: QueryDict


def ask(user: User, wanted: Wanted, tablet: Tablet | None) -> Export:
    """Note that somebody wants to take cases away. Raises Invalid for what cannot be, Refused without the right."""
    if wanted.kind not in KINDS or wanted.rows not in OF_CASES:
        raise Invalid({"kind": _("Choose one of the answers.")})
    right = right_of(user, identified=wanted.identified)
    reason = rules.check_reason(wanted.reason) if wanted.identified else ""
    query = asked_for(wanted.query, user)
    found = cases(user, query, identified=wanted.identified)
    return Export.objects.create(
        user=user,
        tablet=tablet,
        asked_at=clock.now(),
        kind=wanted.kind,
        rows=wanted.rows,
        identified=wanted.identified,
        reason=reason,
        right=right,
        query=query.urlencode(),
        in_words=_in_words(user, query),
        expected=found.order_by().count(),
    )


def took_figures(
    user: User, plot: str, query: QueryDict, in_words: str, cases: int, tablet: Tablet | None
) -> Export:
    """Note that somebody takes a table of the statistics away, which rests on so many cases.

    It has figures of all of them together and no row of one, so none is noted by itself.
    """
    moment = clock.now()
    return Export.objects.create(
        user=user,
        tablet=tablet,
        asked_at=moment,
        kind="csv",
        rows=FIGURES,
        plot=plot,
        identified=False,
        right=right_of(user, identified=False),
        query=query.urlencode(),
        in_words=in_words,
        expected=cases,
        cases=cases,
        begun_at=moment,
        finished_at=moment,
    )


def _in_words(user: User, query: QueryDict) -> str:
    """The filters to be kept, and the product."""
    said = log.kept_words(user, caselog.Filters.read(query, user))
    if (pk := product_of(query)) is None:
        return said
    product = Product.objects.filter(pk=pk).first()
    named = _("product %(name)s") % {"name": product or pk}
    return f"{said} · {named}" if said else named


def asked_for(data: QueryDict, user: User) -> QueryDict:
    """The part of an address that chooses cases: the filters of the log, and a product of the catalogue."""
    query = caselog.Filters.read(data, user).query.copy()
    if (product := product_of(data)) is not None:
        query["product"] = str(product)
    return query


def product_of(data: QueryDict) -> int | None:
    """The product that an address asks for."""
    text = data.get("product", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def right_of(user: User, *, identified: bool) -> str:
    """By which right: the roles that allow names; without names that one may see the cases, as a member of a unit or
    of the teams of cases alone. Raises Refused without it."""
    if not identified:
        return "member" if Membership.objects.filter(user=user).exists() else "team"
    roles = set(Membership.objects.filter(user=user, role__in=MAY[Act.EXPORT]).values_list("role", flat=True))
    roles |= set(CaseTeam.objects.filter(user=user, role__in=MAY[Act.EXPORT]).values_list("role", flat=True))
    if not roles:
        rules.check_may(rules.Actor(user.pk, _any_role(user)), Act.EXPORT)
    return ",".join(sorted(roles))


def _any_role(user: User) -> Role | None:
    role = Membership.objects.filter(user=user).values_list("role", flat=True).first()
    return Role(role) if role else None


def cases(user: User, query: QueryDict, *, identified: bool) -> CaseQuerySet:
    """The cases that go along: those of the log, with names only where the role in the unit or the team allows it."""
    found = caselog.Found.of(user, caselog.Filters.read(query, user)).cases
    if (product := product_of(query)) is not None:
        found = found.filter(facets__contains=[f"product:{product}"])
    if not identified:
        return found
    units = Membership.objects.filter(user=user, role__in=MAY[Act.EXPORT]).values("unit")
    team = CaseTeam.objects.filter(case=OuterRef("pk"), user=user, role__in=MAY[Act.EXPORT])
    return found.filter(Q(unit__in=units) | Q(Exists(team)))


def away(export: Export) -> Away:
    """Who takes it away."""
    return Away(user=export.user_id, identified=export.identified, key=export.pk)


def pages(export: Export, by: Away, gone: Gone) -> Iterator[list[Facts]]:
    """The cases page by page, each a few short statements under the rights of now. Each page is noted before it goes.

    Ends as broken off where the reader has gone or something failed.
    """
    query = QueryDict(export.query)
    found = with_parts(cases(export.user, query, identified=export.identified))
    with _noted(export):
        done, begun = 0, time.perf_counter()
        for page in caselog.in_pages(found, PAGE):
            if gone():
                raise ReaderGone
            facts = load(page)
            by.names.update(people_in(facts))
            ExportedCase.objects.bulk_create(
                [ExportedCase(export=export, case=case) for case in page], ignore_conflicts=True
            )
            done += len(page)
            Export.objects.filter(pk=export.pk, cases__lt=done).update(cases=done)
            yield facts
            begun = _rest(begun)


def _rest(begun: float) -> float:
    """Leave the next moment to those who work with patients: as long as this page took. Returns when it is over."""
    time.sleep(min(time.perf_counter() - begun, LONGEST_REST))
    return time.perf_counter()


class ReaderGone(Exception):
    """Nobody is there to receive the rest."""


@contextmanager
def _noted(export: Export) -> Iterator[None]:
    """Begun; then finished or broken off."""
    mine = Export.objects.filter(pk=export.pk)
    mine.filter(begun_at=None).update(begun_at=clock.now())
    mine.update(failed_at=None)
    try:
        yield
    except BaseException:
        mine.update(failed_at=clock.now())
        raise
    mine.filter(finished_at=None).update(finished_at=clock.now())


def own(user: User, pk: Any) -> Export:
    """One's own export of cases. Raises Export.DoesNotExist."""
    return Export.objects.select_related("user").exclude(rows=FIGURES).get(pk=pk, user=user)


def check_open(export: Export) -> None:
    """Its file can still be fetched."""
    if not export.is_open(clock.now()):
        raise Refused("too_old", _("This export was asked for more than an hour ago. Ask for it again."))


def may_take_names(user: User) -> bool:
    """Whether somebody has the right in any unit or team, for the button."""
    return not rules.why_not(right_of, user, identified=True)
