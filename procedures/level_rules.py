"""When a vertebra may be added, given up, put off, or opened again."""

from django.utils.translation import gettext as _

from .definitions import Milestone
from .progress import Progress
from .rules import Refused, check_not_signed, check_open, check_running, reached
from .state import LevelState, LevelStatus


def level_needs_reason(progress: Progress) -> bool:
    """Whether adding a vertebra needs a reason: the time-out has already named the levels."""
    return reached(progress, Milestone.TIME_OUT)


def check_add_level(progress: Progress, vertebra: str) -> None:
    """The case is open and does not have the vertebra yet."""
    check_open(progress.state)
    check_not_signed(progress.state)
    level = progress.state.levels.get(vertebra)
    if level and level.status is not LevelStatus.WITHDRAWN:
        raise Refused("has_level", _("%(level)s is already part of this case.") % {"level": vertebra})


def check_close_level(progress: Progress, vertebra: str, *, defer: bool) -> LevelState:
    """The level is open. It is deferred only where no needle went in; else it is abandoned."""
    check_running(progress.state)
    check_not_signed(progress.state)
    level = progress.state.levels.get(vertebra)
    if level is None or level.status is not LevelStatus.OPEN:
        raise Refused("level_closed", _("This vertebra is not open."))
    if progress.level_status(level) is LevelStatus.COMPLETED:
        raise Refused("level_completed", _("This vertebra is completed."))
    if defer and level.sides:
        raise Refused(
            "needle_in", _("A needle went in at %(level)s: abandon it instead.") % {"level": vertebra}
        )
    return level


def check_reopen_level(progress: Progress, vertebra: str) -> LevelState:
    """The level was abandoned or deferred, and the case still runs."""
    check_running(progress.state)
    check_not_signed(progress.state)
    level = progress.state.levels.get(vertebra)
    if level is None or level.closed is None:
        raise Refused("level_open", _("This vertebra was not abandoned or deferred."))
    return level
