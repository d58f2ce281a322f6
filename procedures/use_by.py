"""The rule of dates: what is past its date is not used, unless somebody who may override says why."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from . import rules, values
from .definitions import Step


def check(
    definition: Step,
    given: Mapping[str, Any],
    used_on: date,
    actor: rules.Actor,
    confirmed: set[str],
    reason: str,
) -> set[str]:
    """What is used is not past its date on the day of use, or somebody who may override confirms it with a reason.

    Returns the keys of what is expired all the same. Raises Invalid with `expired`.
    """
    late = expired(definition, given, used_on)
    if not late:
        return set()
    if late.keys() <= confirmed and reason.strip():
        rules.check_may(actor, rules.Act.OVERRIDE)
        return set(late)
    raise rules.Invalid(expired=late)


def expired(definition: Step, given: Mapping[str, Any], used_on: date) -> dict[str, str]:
    """What is past its date on the day of use, in words, by field. The date on the label is the last day of use."""
    dates = {f.key: values.use_by(f, given[f.key]) for f in definition.fields if given.get(f.key) is not None}
    return {
        key: _("Expired: to be used until %(date)s. Take another one.")
        % {"date": date_format(date.fromisoformat(day), "j M Y")}
        for key, day in dates.items()
        if day and date.fromisoformat(day) < used_on
    }
