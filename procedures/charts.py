"""Where the lines of a chart go. Imports none of ours and draws nothing: a template turns it into SVG, so that it
prints, needs no script and follows the theme."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

WIDTH, PANEL, GAP, FOOT = 640, 54, 22, 22
LEFT, RIGHT = 40, 12
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440)  # minutes between two labels
MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Series:
    """What one line shows: its name and its values in time; `least`: the smallest stretch of its scale; `most`: what no
    value can exceed."""

    name: str
    points: Sequence[tuple[datetime, Decimal]]
    least: Decimal = Decimal(10)
    most: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, its corners as SVG wants them, and where it ends with its last value."""

    name: str
    corners: str
    last_y: float
    last: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines of one unit above each other on one scale, between `top` and `bottom`."""

    title: str
    unit: str
    top: float
    bottom: float
    low: str
    high: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Chart:
    """Panels above one axis of time. `ticks`: where, and what to write there."""

    width: int
    height: float
    left: float
    right: float
    foot: float
    panels: list[Panel]
    ticks: list[tuple[float, str]]

    @property
    def times(self) -> float:
        """Where the words of the axis stand."""
        return self.foot + 14


def chart(panels: Iterable[tuple[str, Sequence[Series]]], label: Callable[[datetime], str]) -> Chart | None:
    """Small multiples, one for each unit that has a value; None where there is nothing to draw.

    `label` says a time of the axis. Times are laid out as true minutes, whatever the clocks on the wall did.
    """
    drawn = [(unit, [s for s in series if s.points]) for unit, series in panels]
    drawn = [(unit, series) for unit, series in drawn if series]
    moments = [at.astimezone(UTC) for _unit, series in drawn for s in series for at, _value in s.points]
    if not moments:
        return None
    first, last = min(moments), max(moments)
    span = max(last - first, timedelta(minutes=10))

    def x(moment: datetime) -> float:
        return round(LEFT + (moment.astimezone(UTC) - first) / span * (WIDTH - LEFT - RIGHT), 1)

    found: list[Panel] = []
    top = float(GAP)
    for unit, series in drawn:
        found.append(panel(unit, series, top, x))
        top += PANEL + GAP
    ticks = [(x(moment), label(moment)) for moment in _ticks(first, span)]
    return Chart(WIDTH, top + FOOT, LEFT, WIDTH - RIGHT, top, found, ticks)


def panel(
    unit: str,
    series: Sequence[Series],
    top: float,
    x: Callable[[datetime], float],
    *,
    height: float = PANEL,
) -> Panel:
    """Lines of one unit on one scale, `height` high from `top` down. `x` gives the place of a moment."""
    amounts = [value for s in series for _at, value in s.points]
    low, high = min(amounts), max(amounts)
    lacking = max(s.least for s in series) - (high - low)
    if lacking > 0:
        low, high = low - lacking / 2, high + lacking / 2
        ends = [s.most for s in series if s.most is not None]
        if len(ends) == len(series) and high > max(ends):  # no scale shows a saturation of 101 %
            low, high = low - (high - max(ends)), max(ends)

    def y(value: Decimal) -> float:
        return round(top + height * float((high - value) / (high - low)), 1)

    lines = []
    for s in series:
        points = sorted(s.points, key=lambda point: point[0].astimezone(UTC))
        corners = " ".join(f"{x(at)},{y(value)}" for at, value in points)
        lines.append(Line(s.name, corners, y(points[-1][1]), f"{points[-1][1]:f}"))
    title = ", ".join(s.name for s in series)
    return Panel(title, unit, top, top + height, f"{low:.0f}", f"{high:.0f}", lines)


def _ticks(first: datetime, span: timedelta) -> list[datetime]:
    """Round times of the clock within the span, not more than fit."""
    minutes = next((m for m in TICKS if span / timedelta(minutes=m) <= MOST_TICKS), TICKS[-1])
    step = timedelta(minutes=minutes)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight + -(-(first - midnight) // step) * step
    found: list[datetime] = []
    while moment <= first + span and len(found) <= 2 * MOST_TICKS:
        found.append(moment)
        moment += step
    return found
