"""What becomes of each vertebra when a case is stopped. Nearly pure."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from .definitions import Milestone
from .progress import Progress
from .rules import Invalid
from .state import LevelStatus


def open_levels(progress: Progress) -> list[str]:
    """The vertebrae that are neither completed nor closed, from the head down."""
    levels = progress.state.in_order()
    return [v.vertebra for v in levels if progress.level_status(v) is LevelStatus.OPEN]


def check_closings(progress: Progress, chosen: Mapping[str, LevelStatus]) -> None:
    """When a case is stopped, each open level is said to be what it can be."""
    errors = {}
    for vertebra in open_levels(progress):
        level, status = progress.state.levels[vertebra], chosen.get(vertebra)
        if status is None:
            errors[f"state_{vertebra}"] = _("Say what became of %(level)s.") % {"level": vertebra}
        elif status is LevelStatus.DEFERRED and level.sides:
            errors[f"state_{vertebra}"] = _("A needle went in at %(level)s: it is not deferred.") % {
                "level": vertebra
            }
        elif status is LevelStatus.COMPLETED and not has_cement(progress, vertebra):
            errors[f"state_{vertebra}"] = _("No cement is recorded at %(level)s.") % {"level": vertebra}
    if errors:
        raise Invalid(errors)


def has_cement(progress: Progress, vertebra: str) -> bool:
    """Whether cement that counts was injected into the vertebra."""
    step = progress.protocol.by_milestone.get(Milestone.CEMENT)
    rows = progress.by_code.get(step.code, ()) if step else ()
    return any(place.step.live for place in rows if place.key.level == vertebra)
