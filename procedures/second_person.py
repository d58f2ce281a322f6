"""The second person's own look: which values stay hidden until then, and whether both agree. Pure but for gettext."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from .definitions import Field, FieldType, SecondPerson, Step
from .progress import Place
from .rules import Invalid, Refused
from .state import Entry, StepStatus


def unseen(step: Step) -> tuple[Field, ...]:
    """The fields that the second person enters without having seen the first value."""
    independent = step.second_person is SecondPerson.INDEPENDENT
    return tuple(f for f in step.fields if f.unseen) if independent else ()


def hidden(step: Step, entry: Entry) -> bool:
    """Whether the values of an entry wait for the second person, and are shown to nobody until then."""
    waits = entry.live and entry.mark is StepStatus.DONE and entry.verified_by is None and not entry.second
    return waits and bool(unseen(step))


def check_given(place: Place, entry: Entry, given: Mapping[str, Any]) -> None:
    """The first person has given every value that is compared, and the second has too."""
    fields = unseen(place.definition)
    if lacking := [f.label for f in fields if f.key not in entry.values]:
        raise Refused(
            "no_first_value",
            _("The first person has not entered: %(labels)s. Add that first.")
            % {"labels": ", ".join(lacking)},
        )
    if empty := {f.key: _("Needed.") for f in fields if given.get(f.key) is None}:
        raise Invalid(empty)


def differing(place: Place, entry: Entry, given: Mapping[str, Any]) -> list[Field]:
    """The fields in which the two do not agree."""
    return [
        f
        for f in unseen(place.definition)
        if _plain(f, entry.values.get(f.key)) != _plain(f, given.get(f.key))
    ]


def _plain(field: Field, value: Any) -> Any:
    """A value for comparing: 20 and 20.0 are the same."""
    if value is not None and field.type in (FieldType.NUMBER, FieldType.QUANTITY):
        return Decimal(value["amount"])
    return value
