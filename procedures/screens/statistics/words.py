"""Groups, stretches, months and numbers in words."""

from collections.abc import Sequence
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from procedures.definitions import Measure, Phase, Step
from procedures.groups import FEWEST, REST, TOGETHER, By, Group
from procedures.statistics import Rate

BY_LABELS = {
    By.NOTHING: gettext_lazy("All together"),
    By.LEVELS: gettext_lazy("Number of vertebrae"),
    By.ACCESS: gettext_lazy("One or both pedicles"),
    By.APPROACH: gettext_lazy("Approach"),
    By.OPERATOR: gettext_lazy("Operator"),
    By.VERSION: gettext_lazy("Protocol version"),
}
STRETCHES = {
    "before": gettext_lazy("Before, on the ward"),
    "room": gettext_lazy("Room and anaesthesia"),
    "needle": gettext_lazy("Needle"),
    "balloon": gettext_lazy("Balloon"),
    "cement": gettext_lazy("Cement"),
    "hardened": gettext_lazy("Hardening"),
    "after": gettext_lazy("Closing and sign-out"),
    "recovery": gettext_lazy("Recovery"),
    "discharge": gettext_lazy("Discharge"),
}
# Two scales: an hour of recovery would flatten the minutes at the table.
AT_TABLE, AROUND = (
    ("room", "needle", "balloon", "cement", "hardened", "after"),
    ("before", "recovery", "discharge"),
)
PANELS = (
    (gettext_lazy("On the ward"), (Phase.BEFORE,)),
    (gettext_lazy("In the room"), (Phase.ROOM,)),
    (gettext_lazy("At the vertebrae, all together"), (Phase.LEVEL,)),
    (gettext_lazy("After the last vertebra"), (Phase.AFTER,)),
    (gettext_lazy("Recovery and discharge"), (Phase.RECOVERY, Phase.DISCHARGE)),
)
ACCESS = {
    "one": gettext_lazy("One pedicle"),
    "both": gettext_lazy("Both pedicles"),
    "mixed": gettext_lazy("One and both"),
}


def option(steps: Sequence[Step], measure: Measure, value: str) -> str:
    """What the protocol calls a choice of the field that measures this; the value itself where it knows none."""
    fields = (field for step in steps if (field := step.measuring(measure)))
    return next((label for field in fields for known, label in field.options if known == value), value)


def group_words(by: By, group: Group, viewer: int, steps: Sequence[Step]) -> str:
    """What a group is called; choices are named as the steps of the protocol name them."""
    if group.key == TOGETHER:
        return _("Fewer than %(few)d cases each") % {"few": FEWEST}
    if group.key == REST:
        return _("Others together")
    match by:
        case By.LEVELS:
            return _levels(int(group.key))
        case By.ACCESS:
            return str(ACCESS.get(group.key, _("Not recorded")))
        case By.APPROACH:
            known = {"": _("Not recorded"), "mixed": _("More than one approach")}
            return known.get(group.key) or option(steps, Measure.APPROACH, group.key)
        case By.OPERATOR:
            own = _("%(name)s (you)") % {"name": group.name}
            return own if group.key == str(viewer) else group.name or _("No operator")
        case By.VERSION:
            return _("Version %(number)s") % {"number": group.name}
        case _:
            return _("All")


def _levels(number: int) -> str:
    if not number:
        return _("None treated")
    if number >= 3:
        return _("3 or more vertebrae")
    return ngettext("%(n)d vertebra", "%(n)d vertebrae", number) % {"n": number}


def month_words(first: date) -> str:
    """March 2026."""
    return date_format(first, "F Y")


def short_month(first: date) -> str:
    """Mar; with its year in January."""
    return date_format(first, "M y") if first.month == 1 else date_format(first, "M")


def minutes(value: float) -> str:
    """Minutes as they are read: below ten with one digit after the point."""
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def percent(share: float) -> str:
    """7.3 %."""
    return f"{share * 100:.1f}\N{NO-BREAK SPACE}%"


def interval(found: Rate) -> str:
    """95 % interval 4.8 to 10.9, in percent; empty where nothing was counted."""
    if found.low is None or found.high is None:
        return ""
    return _("95\N{NO-BREAK SPACE}%% interval %(low)s to %(high)s") % {
        "low": f"{found.low * 100:.1f}",
        "high": f"{found.high * 100:.1f}",
    }
