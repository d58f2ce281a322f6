"""Whose cases somebody may look for, and those of them that fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from procedures.models import Case, Membership, User
from procedures.models.case import CaseQuerySet

from .filters import Filters, condition, days

MOST_UNITS = 8  # of somebody of more units than these, PostgreSQL need not know which
# Whether the user is in the team of a case of a unit that is not theirs. Not one row depends on the membership.
_ELSEWHERE = """EXISTS (
    SELECT FROM procedures_caseteam t WHERE t.user_id = %s
    AND t.unit_id NOT IN (SELECT m.unit_id FROM procedures_membership m WHERE m.user_id = %s))"""


@dataclass(frozen=True, slots=True)
class Reach:
    """A person, the units of theirs, and whether they were in the team of a case `elsewhere`."""

    user: User
    memberships: Sequence[Membership]
    elsewhere: bool

    @classmethod
    def of(cls, user: User) -> Self:
        """One statement."""
        elsewhere = RawSQL(_ELSEWHERE, (user.pk, user.pk), BooleanField())  # noqa: S611 (no text of anybody's)
        rows = Membership.objects.filter(user=user).select_related("unit").annotate(elsewhere=elsewhere)
        return cls(user, list(rows), rows[0].elsewhere if rows else True)

    @property
    def units(self) -> set[int]:
        """The ids of the units."""
        return {one.unit_id for one in self.memberships}

    def condition(self) -> Q:
        """Beside `visible_to`, which judges: units by number, of which PostgreSQL knows how many cases they have."""
        return Q() if self.elsewhere or len(self.units) > MOST_UNITS else Q(unit__in=sorted(self.units))


@dataclass(frozen=True)
class Found:
    """The cases that somebody may see and that fit."""

    reach: Reach
    filters: Filters

    @classmethod
    def of(cls, user: User, filters: Filters) -> Self:
        """What the filters ask for, for this person."""
        return cls(Reach.of(user), filters)

    @cached_property
    def fits(self) -> Q:
        """What all of them are."""
        return self.reach.condition() & condition(self.filters, self.reach.user.pk)

    @property
    def cases(self) -> CaseQuerySet:
        """All of them, in no order."""
        return Case.objects.filter(self.fits).visible_to(self.reach.user)

    @property
    def only_unit(self) -> int | None:
        """The one unit that all of them are of."""
        units = self.reach.units
        alone = next(iter(units)) if len(units) == 1 and not self.reach.elsewhere else None
        return self.filters.unit or alone

    @property
    def lead(self) -> Q:
        """A part of `fits` that an index has in the order of time: the narrowest, one unit, before all others."""
        filters = self.filters
        leads = {
            "unit": self.only_unit,
            "room": filters.room,
            "protocol": filters.version,
            "indication": filters.indication,
            "status": filters.status,
        }
        found = next(({name: value} for name, value in leads.items() if value), {})
        return Q(**found) & days(filters)
