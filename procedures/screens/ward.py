"""The screens around the tablet itself: whose turn it is, whose PIN, who belongs to the unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from procedures import signin
from procedures.models import Tablet, Unit
from procedures.signin import Person


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
