"""The screens around the tablet itself: whose turn it is, whose PIN, who belongs to the unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from procedures import signin
from procedures.models import Membership, Pin, Tablet, Unit, User
from procedures.models.people import ROLE_LABELS
from procedures.rules import CLINICIANS, Refused
from procedures.signin import Person, accounts
from procedures.signin.people import members


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The names to tap and the pad for the PIN. `locked`: the person who is signed in has to give it again."""

    tablet: str
    unit: str
    people: list[Person]
    chosen: int = 0
    locked: bool = False
    back: str = "/"
    notice: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def switch(
    tablet: Tablet,
    *,
    chosen: int = 0,
    locked: bool = False,
    back: str = "/",
    notice: str = "",
    errors: Mapping[str, str] | None = None,
) -> Switch:
    """The names of this tablet's unit; a name that was tapped before is still chosen."""
    people = signin.people_of(tablet)
    return Switch(
        tablet=tablet.name,
        unit=Unit.objects.values_list("name", flat=True).get(pk=tablet.unit_id),
        people=people,
        chosen=chosen if chosen in {person.id for person in people} else 0,
        locked=locked,
        back=back,
        notice=notice,
        errors=errors or {},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPin:
    """Choosing one's own PIN. `state` as in `signin.state_of_pin`; `proof`: password, either (the PIN too), none."""

    state: str
    proof: str
    back: str
    notice: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def own_pin(user: User, tablet: Tablet | None, *, at_first_use: bool, **said: Any) -> OwnPin:
    """What is asked for depends on where: a PIN proves something on a tablet only."""
    state = signin.state_of_pin(user)
    either = tablet is not None and state == "set"
    return OwnPin(state=state, proof="none" if at_first_use else "either" if either else "password", **said)


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of the unit, as its charge nurse sees them. `pin` as in `signin.state_of_pin`."""

    id: int
    name: str
    role: str
    pin: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The people of a unit. `told`: the name and the PIN that is shown this once."""

    unit: Unit
    units: list[Membership]
    people: list[Colleague]
    roles: list[tuple[str, str]]
    told: tuple[str, str] | None = None
    typed: Mapping[str, Any] = field(default_factory=dict)
    notice: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def people(user: User, wanted: int, **said: Any) -> People:
    """The unit that was asked for, or the first of which the user is charge nurse. Raises Refused without any."""
    units = accounts.units_in_charge(user)
    chosen = next((m for m in units if m.unit_id == wanted), None) or next(iter(units), None)
    if chosen is None:
        raise Refused("role", _("Only a charge nurse of a unit may do this."))
    rows = members(chosen.unit_id).select_related("user").order_by("user__display_name", "user")
    pins = {pin.user_id: pin for pin in Pin.objects.filter(user__memberships__unit=chosen.unit_id)}
    found = [
        Colleague(
            m.user_id,
            m.user.display_name,
            m.get_role_display(),
            signin.state_of(pins.get(m.user_id)),
            m.user.ends_at,
        )
        for m in rows
    ]
    roles = [(role.value, str(label)) for role, label in ROLE_LABELS.items() if role in CLINICIANS]
    return People(unit=chosen.unit, units=units, people=found, roles=roles, **said)
