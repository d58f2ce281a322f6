"""What is warned of or asked about beyond a single value: the case, other entries and other vertebrae. Nearly pure.

A warning never blocks: the tick goes through and the entry carries its flag. A question is asked once, as an unusual
value is; the answer is sent back among the confirmed keys.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from . import dosing
from .definitions import FieldType, Measure, Milestone, Phase, Scope
from .progress import Place, Progress
from .state import Entry, Flag
from .values import plain, unit_name

AGAIN = "again"
SAME_WITHIN = timedelta(minutes=2)


def warnings(progress: Progress, place: Place) -> list[tuple[Flag, str]]:
    """What the nurse is told before she records this step now, each with the flag that the entry will carry."""
    found = []
    if progress.state.paused_at:
        found.append((Flag.PAUSED, _("The case is paused.")))
    if place.definition.milestone is Milestone.NEEDLE_IN and not was_read_aloud(progress, place.key.level):
        found.append((Flag.NOT_READ, _("%(level)s was not read aloud.") % {"level": place.key.level}))
    return found


def was_read_aloud(progress: Progress, level: str) -> bool:
    """Whether a time-out that counts names the vertebra. True where the protocol has no time-out that lists them."""
    time_out = progress.protocol.by_milestone.get(Milestone.TIME_OUT)
    field = time_out.measuring(Measure.LEVEL) if time_out else None
    if time_out is None or field is None:
        return True
    entries = (entry for place in progress.by_code.get(time_out.code, ()) for entry in place.step.live)
    return any(level in entry.values.get(field.key, ()) for entry in entries)


def of_values(
    progress: Progress, place: Place, given: Mapping[str, Any], about: int | None = None
) -> dict[str, str]:
    """Questions about what was given, by key: another vertebra than the row's; a total or a dose above its limit.

    `about`: the entry that the values belong to, where it stands already, so that it is not counted twice.
    """
    found = {}
    for field in place.definition.fields:
        value = given.get(field.key)
        if value is None:
            continue
        if field.measures is Measure.LEVEL and place.key.level and field.type is FieldType.CHOICE:
            if value != place.key.level:
                words = {"counted": value, "level": place.key.level}
                found[field.key] = _("%(counted)s was counted, but this is %(level)s.") % words
        elif field.total_above is not None:
            others = _others(progress, place, field.total_scope, about)
            amounts = [Decimal(e.values[field.key]["amount"]) for e in others if field.key in e.values]
            total = sum(amounts, Decimal(value["amount"]))
            if amounts and total > field.total_above:
                words = {"label": field.label, "total": plain(total), "unit": unit_name(field.unit)}
                where = place.key.level if field.total_scope is Scope.LEVEL else _("the whole case")
                found[f"total_{field.key}"] = _(
                    "%(label)s for %(where)s together: %(total)s %(unit)s. That is unusually much."
                ) % {**words, "where": where}
    return found | dosing.question(progress, place, given, about)


def _others(progress: Progress, place: Place, scope: Scope | None, about: int | None) -> list[Entry]:
    rows = progress.by_code.get(place.definition.code, ())
    return [
        entry
        for row in rows
        if scope is Scope.CASE or row.key.level == place.key.level
        for entry in row.step.live
        if entry.seq != about
    ]


def the_same_again(
    progress: Progress,
    place: Place,
    given: Mapping[str, Any],
    performer: int,
    done_at: datetime,
    said_by: Callable[[Entry], tuple[str, str]],
) -> dict[str, str]:
    """The question where an equal any-time entry stands already, not two minutes away; empty where there is none.

    Equal: the same values by the same person; of drugs the same drug and dose, whoever gave it. `said_by` gives the
    time and the name of an entry in words.
    """
    if place.definition.phase is not Phase.ANY or progress.state.emergency_at:
        return {}
    for entry in reversed(place.step.live):
        near = abs(entry.performed_at - done_at) <= SAME_WITHIN
        if near and _equal(place, entry, given, performer):
            at, name = said_by(entry)
            words = {"time": at, "name": name}
            return {AGAIN: _("The same was recorded at %(time)s by %(name)s. Record it again?") % words}
    return {}


def _equal(place: Place, entry: Entry, given: Mapping[str, Any], performer: int) -> bool:
    if place.definition.milestone is Milestone.DRUG:
        keys = ("drug", "other_drug", "dose")
        return all(entry.values.get(key) == given.get(key) for key in keys)
    return entry.performed_by == performer and dict(entry.values) == dict(given)
