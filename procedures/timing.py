"""Whether a step would be done at its time, in words. It warns and flags, and never blocks: a clock stands in nobody's
way. What may not be done before cement is hard waits for the hand that felt the sample, not for the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from . import intervals
from .intervals import Verdict
from .progress import Place, Progress
from .rules import side_name


@dataclass(frozen=True, slots=True)
class Untimely:
    """Why now is not the time, and until when; no end where it has become too late."""

    sentence: str
    until: datetime | None


def untimely(progress: Progress, place: Place, values: Mapping[str, Any], at: datetime) -> list[Untimely]:
    """What speaks against doing the step then: a wait that is not over, a product too early or too late."""
    found = []
    for run in intervals.not_over(progress, place, at):
        where = f"{run.level} {side_name(run.side)}".strip()
        said = {
            "what": f"{run.timer.label}, {where}" if where else run.timer.label,
            "passed": int((at - run.since) / timedelta(minutes=1)),
            "wanted": run.timer.minutes[0],
        }
        sentence = _("%(what)s: %(passed)s of %(wanted)s min have passed.") % said
        found.append(Untimely(sentence, run.after(run.timer.minutes[0])))
    if used := intervals.out_of_band(progress, place, values, at):
        found.append(_out_of_band(used))
    return found


def _out_of_band(used: intervals.Outcome) -> Untimely:
    run = used.run
    said = {
        "number": run.number,
        "age": clock(used.until, run.since),
        "opens": clock(run.opens, run.since),
        "closes": clock(run.closes, run.since),
    }
    if used.verdict is Verdict.TOO_EARLY:
        early = _("Batch %(number)s was mixed %(age)s ago: too early, it can be injected from %(opens)s.")
        return Untimely(early % said, run.opens)
    late = _("Batch %(number)s was mixed %(age)s ago: too late, it could be injected until %(closes)s.")
    return Untimely(late % said, None)


def clock(moment: datetime | None, since: datetime) -> str:
    """The minutes and seconds between two moments; with hours where there are any."""
    seconds = int((moment - since).total_seconds()) if moment else 0
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
