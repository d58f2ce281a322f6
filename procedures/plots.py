"""Where the marks of the statistics go. Imports none of ours but the numbers, and draws nothing: templates make SVG of
it, which prints, needs no script and follows the theme. All lengths are in units of the drawing, `WIDTH` across.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10
from typing import ClassVar

from .statistics import Box, Curve, Month, Months, Verdict, quantile

WIDTH = 640
GUTTER, MEDIANS, NUMBERS = 172, 588, 632  # names end before, medians and numbers of cases end at
PLOT_RIGHT = 520
ROW, HEAD, TOP, FOOT = 22, 26, 24, 34
LONGEST = 25  # letters of a name that fit into the gutter
MONTHS_LEFT, MONTHS_RIGHT, MONTHS_HIGH = 44, 632, 132
CURVE_LEFT, CURVE_HIGH, CURVE_GAP, MOST_CURVES = 32, 104, 20, 9
LETTER = 6.6  # about as wide is one
MOST_CORNERS = 300
FEWEST_FOR_A_BOX = 5
MOST_OVER = 100
ROUND_MINUTES = (0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 480, 1440)
MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from 0: its end, and each tick with its share of the way there and what is written."""

    end: float
    ticks: list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """What is asked of one line of a box plot; `head`: a heading above the `inner` lines that follow.

    `over`: the values over the level to compare with.
    """

    name: str
    box: Box | None = None
    median: str = ""
    head: bool = False
    inner: bool = False
    over: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is drawn: whiskers from `p5` to `p95`, box from `q1` to `q3`, dots as a path of points.

    `boxed`: there are enough cases for a box; `over`: a triangle for each case over the level to compare with.
    """

    name: str
    whole_name: str
    head: bool
    y: float
    median: str
    n: str
    p5: float = 0
    q1: float = 0
    middle: float = 0
    wide: float = 0
    p95: float = 0
    dots: str = ""
    beyond: str = ""
    over: str = ""
    drawn: bool = False
    boxed: bool = False
    inner: bool = False

    @property
    def box_top(self) -> float:
        """Where the box begins."""
        return self.y - 6

    @property
    def median_top(self) -> float:
        """Where the line of the median begins."""
        return self.y - 8


@dataclass(frozen=True, slots=True)
class Mark:
    """A level to compare with: where it stands, or None where it lies beyond the axis."""

    x: float | None
    label: str


@dataclass(frozen=True, slots=True)
class BoxPlot:
    """Distributions below each other on one axis."""

    height: float
    bottom: float
    lines: list[Line]
    ticks: list[tuple[float, str]]
    unit: str
    column: str
    mark: Mark | None

    width: ClassVar[int] = WIDTH
    right: ClassVar[int] = PLOT_RIGHT
    medians: ClassVar[int] = MEDIANS
    numbers: ClassVar[int] = NUMBERS

    @property
    def scale(self) -> float:
        """Where the words of the axis stand."""
        return self.bottom + 14

    @property
    def under(self) -> float:
        """Where its unit stands."""
        return self.bottom + 28


def boxes(
    rows: Sequence[Row],
    unit: str,
    *,
    column: str = "",
    clock: bool = False,
    mark: tuple[float, str] | None = None,
) -> BoxPlot | None:
    """The lines from above to below; None where nothing is known of any.

    The axis ends shortly after the largest 95th percentile, so that one odd case does not flatten the rest: a dot
    beyond it stands at the edge as an arrow. Where cases lie over the mark, the axis reaches it. `column`: what the
    numbers beside the lines are, else medians. `clock`: ticks at round minutes. `mark`: a value and its words.
    """
    known = [row.box for row in rows if row.box]
    if not known:
        return None
    most = max((found.p95 for found in known), default=0) or 1
    if mark and (mark[0] <= 1.6 * most or any(row.over for row in rows)):
        most = max(most, 1.1 * mark[0])
    scale = axis(most * 1.04, ROUND_MINUTES if clock else ())

    def x(value: float) -> float:
        return _along(value, scale.end, GUTTER, PLOT_RIGHT)

    lines, y = [], float(TOP)
    for row in rows:
        high = HEAD if row.head else ROW
        lines.append(_line(row, y + high / 2, x, scale.end))
        y += high
    marked = Mark(x(mark[0]) if mark[0] <= scale.end else None, mark[1]) if mark else None
    return BoxPlot(
        height=y + FOOT,
        bottom=y,
        lines=lines,
        ticks=[(_along(share, 1, GUTTER, PLOT_RIGHT), text) for share, text in scale.ticks],
        unit=unit,
        column=column,
        mark=marked,
    )


def _line(row: Row, y: float, x: Callable[[float], float], end: float) -> Line:
    name = _cut(row.name, LONGEST)
    if not row.box:
        return Line(name, row.name, row.head, y, "", "" if row.head else "0", inner=row.inner)
    found = row.box
    within = [value for value in found.dots if value <= end]
    left, right = x(min(found.q1, end)), x(min(found.q3, end))
    return Line(
        name=name,
        whole_name=row.name,
        head=row.head,
        y=y,
        median=row.median,
        n=str(found.n),
        p5=x(found.p5),
        q1=left,
        middle=x(min(found.median, end)),
        wide=round(right - left, 1),
        p95=x(min(found.p95, end)),
        dots=_points((x(value), y + (place % 3 - 1) * 3.2) for place, value in enumerate(within)),
        beyond=f"M{x(end) + 3} {y - 3}l5 3l-5 3z" if len(within) < len(found.dots) else "",
        over="".join(
            f"M{x(min(value, end)):g} {y - 5:g}l5 9h-10z" for value in sorted(row.over)[-MOST_OVER:]
        ),
        drawn=True,
        boxed=found.n >= FEWEST_FOR_A_BOX or not found.dots,
        inner=row.inner,
    )


def _cut(words: str, most: int) -> str:
    """As much of the words as fits."""
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"


def _points(places: Iterable[tuple[float, float]]) -> str:
    """Points as one path: lines of no length with round ends; where two fall together one is drawn."""
    return "".join(f"M{x:g} {y:g}h0" for x, y in dict.fromkeys((round(x, 1), round(y, 1)) for x, y in places))


def _along(value: float, end: float, left: float, right: float) -> float:
    return round(left + value / end * (right - left), 1)


def axis(most: float, rounds: Sequence[float] = ()) -> Axis:
    """An axis from 0 to `most`, never ending below 0.01, ticked at round values: those given, else 1, 2, 5 × 10^n.

    At most seven ticks.
    """
    most = max(most, 0.01)
    fitting = (step for step in rounds if step <= most and most / step <= MOST_TICKS)
    step = next(fitting, 0) or _round_up(most / MOST_TICKS)
    digits = next(digits for digits in range(12) if abs(round(step, digits) - step) < step / 1000)
    count = floor(most / step + 1e-9)
    ticks = [(step * place / most, f"{step * place:.{digits}f}") for place in range(count + 1)]
    return Axis(most, ticks)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 × 10^n."""
    power = 10.0 ** floor(log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))


# Months -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
    """A month that was counted: its shape says the verdict, `word` stands beside what lies outside."""

    x: float
    y: float
    verdict: Verdict
    word_y: float


@dataclass(frozen=True, slots=True)
class MonthPlot:
    """A rate by month with its centre and, where asked for, the limits of each month as a band."""

    height: float
    top: float
    bottom: float
    points: list[Point]
    lines: list[str]
    bands: list[str]
    centre: float
    ticks: list[tuple[float, str]]
    labels: list[tuple[float, str]]
    numbers: list[tuple[float, str]]

    width: ClassVar[int] = WIDTH
    left: ClassVar[int] = MONTHS_LEFT
    right: ClassVar[int] = MONTHS_RIGHT
    scale: ClassVar[int] = MONTHS_LEFT - 6


def months(found: Months, label: Callable[[date], str], *, limits: bool = True) -> MonthPlot | None:
    """The months from left to right; a month without a count leaves a gap in line and band."""
    counted = [month for month in found.months if month.rate is not None]
    if not counted or found.total.rate is None:
        return None
    highs = sorted(month.high or 0 for month in counted) if limits else [0.0]
    most = max(max(month.rate or 0 for month in counted) * 1.15, quantile(highs, 0.5) * 1.1, 0.02)
    scale = axis(min(most, 1.0) * 100)
    bottom = TOP + MONTHS_HIGH
    slot = (MONTHS_RIGHT - MONTHS_LEFT) / len(found.months)

    def x(place: float) -> float:
        return round(MONTHS_LEFT + slot * place, 1)

    def y(share: float) -> float:
        return round(bottom - min(share * 100 / scale.end, 1) * MONTHS_HIGH, 1)

    points, numbers, runs = [], [], _runs(found.months)
    every = ceil(len(found.months) / 24)
    for place, month in enumerate(found.months):
        if month.rate is not None:
            verdict = month.verdict if limits else Verdict.WITHIN
            at = y(month.rate)
            points.append(Point(x(place + 0.5), at, verdict, at + 14 if verdict is Verdict.BELOW else at - 7))
        if place % every == 0:
            numbers.append((x(place + 0.5), str(month.n)))
    return MonthPlot(
        height=bottom + 48,
        top=TOP,
        bottom=bottom,
        points=points,
        lines=[" ".join(f"{x(place + 0.5)},{y(month.rate or 0)}" for place, month in run) for run in runs],
        bands=[_band(run, x, y) for run in runs] if limits else [],
        centre=y(found.total.rate),
        ticks=[(round(bottom - share * MONTHS_HIGH, 1), text) for share, text in scale.ticks],
        labels=[
            (x(place + 0.5), label(found.months[place].first))
            for place in range(0, len(found.months), ceil(len(found.months) / 12))
        ],
        numbers=numbers,
    )


type Run = list[tuple[int, Month]]


def _runs(found: Sequence[Month]) -> list[Run]:
    """Months that follow each other without a gap."""
    runs: list[Run] = []
    for place, month in enumerate(found):
        if month.rate is None:
            continue
        if runs and runs[-1][-1][0] == place - 1:
            runs[-1].append((place, month))
        else:
            runs.append([(place, month)])
    return runs


def _band(run: Run, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    """The limits of each month as steps: along the upper ones, back along the lower ones."""
    upper = [f"{x(place + side)} {y(month.high or 0)}" for place, month in run for side in (0, 1)]
    lower = [f"{x(place + side)} {y(month.low or 0)}" for place, month in reversed(run) for side in (1, 0)]
    return f"M{'L'.join([*upper, *lower])}z"


# Learning curves ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CurvePanel:
    """One operator: dots of the cases, and the running median as corners of a line; `first` of its row."""

    name: str
    n: str
    left: float
    right: float
    top: float
    bottom: float
    dots: str
    running: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    first: bool


@dataclass(frozen=True, slots=True)
class CurvePlot:
    """Panels beside each other on the same scales; `more`: operators for whom there was no place."""

    height: float
    panels: list[CurvePanel]
    more: int

    width: ClassVar[int] = WIDTH
    left: ClassVar[int] = CURVE_LEFT

    @property
    def under(self) -> float:
        """Where the words of the axes stand."""
        return self.height - 8


def curves(found: Sequence[Curve]) -> CurvePlot | None:
    """One panel for each operator, as many as fit; times above the 98th percentile of all are drawn at the edge."""
    if not found:
        return None
    drawn = found[:MOST_CURVES]
    across = 1 if len(drawn) == 1 else 2 if len(drawn) in (2, 4) else 3
    wide = (WIDTH - CURVE_LEFT - 10 - (across - 1) * CURVE_GAP) / across
    high = axis(quantile(sorted(v for c in drawn for v in c.minutes), 0.98) * 1.1, ROUND_MINUTES)
    most = max(len(curve.minutes) for curve in drawn)
    panels = []
    for place, one in enumerate(drawn):
        left = CURVE_LEFT + place % across * (wide + CURVE_GAP)
        top = TOP + place // across * (CURVE_HIGH + TOP + FOOT)
        panels.append(_panel(one, left, left + wide, top, high, most))
    return CurvePlot(panels[-1].bottom + FOOT + 6, panels, len(found) - len(drawn))


def _panel(one: Curve, left: float, right: float, top: float, high: Axis, most: int) -> CurvePanel:
    bottom = top + CURVE_HIGH

    def x(number: float) -> float:
        return round(left + (number / most) * (right - left - 4), 1)

    def y(value: float) -> float:
        return round(bottom - min(value / high.end, 1) * CURVE_HIGH, 1)

    every = ceil(len(one.running) / MOST_CORNERS)
    corners = [*range(0, len(one.running), every)]
    if corners[-1] != len(one.running) - 1:
        corners.append(len(one.running) - 1)
    numbers = axis(most)
    few = numbers.ticks if right - left > WIDTH / 2 else numbers.ticks[:: max(1, len(numbers.ticks) // 3)]
    return CurvePanel(
        name=_cut(one.name, floor((right - left) / LETTER) - 7),
        n=str(len(one.minutes)),
        left=round(left, 1),
        right=round(right, 1),
        top=top,
        bottom=bottom,
        dots=_points((x(number), y(value)) for number, value in enumerate(one.minutes, 1)),
        running=" ".join(f"{x(place + 1)},{y(one.running[place])}" for place in corners),
        x_ticks=[(round(left + share * (right - left - 4), 1), text) for share, text in few],
        y_ticks=[(round(bottom - share * CURVE_HIGH, 1), text) for share, text in high.ticks],
        first=left == CURVE_LEFT,
    )
