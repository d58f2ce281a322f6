"""Who can sign in on a tablet by tapping a name."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from procedures import clock
from procedures.models import Membership, Tablet
from procedures.rules import CLINICIANS


@dataclass(frozen=True, slots=True)
class Person:
    """A name to tap. `has_pin`: without one the first way in is the password."""

    id: int
    name: str
    initials: str
    role: str
    has_pin: bool


def members(unit_id: int) -> QuerySet[Membership]:
    """The clinicians of a unit whose accounts are in force."""
    in_force = Q(user__ends_at=None) | Q(user__ends_at__gt=clock.now())
    return Membership.objects.filter(in_force, unit=unit_id, role__in=CLINICIANS, user__is_active=True)


def people_of(tablet: Tablet) -> list[Person]:
    """The clinicians of the tablet's unit: who used this tablet last comes first, then by name."""
    rows = (
        members(tablet.unit_id)
        .select_related("user", "user__pin")
        .order_by("user__display_name", "user")
        .only("role", "user__display_name", "user__initials", "user__pin__user")
    )
    found = [
        Person(
            m.user_id, m.user.display_name, m.user.initials, str(m.get_role_display()), hasattr(m.user, "pin")
        )
        for m in rows
    ]
    place = {user_id: at for at, user_id in enumerate(tablet.recent)}
    return sorted(found, key=lambda person: place.get(person.id, len(place)))
