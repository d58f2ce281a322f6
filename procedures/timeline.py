"""Where everything of a case stands on one axis of time. Pure: a template turns it into SVG, as with `charts.py`.

Words never overlap: each takes the first free line; where no line is free, the mark stays and its words are left to the
tables.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from textwrap import wrap

from . import charts, time_axis
from .time_axis import LEFT, RIGHT, WIDTH, Axis, Tick, utc

HEAD, PHASE, LANE, LINE, CLOCK, GAP, FOOT = 30.0, 18.0, 17.0, 13.0, 8.0, 9.0, 30.0
PANEL, PANEL_GAP = 34.0, 17.0
LAST_APART = 10.0  # between the last values of two lines
LETTER = 6.1  # the widest that a letter is on average, at the size of the words of the plot
MOST_LETTERS, FEWER_LETTERS = 64, 30  # of words, and where these find no room
NAME_LETTERS = int((LEFT - 8) / LETTER)  # of a line of a name beside the plot
NAME_LINE = 11.0
BAD = "bad"  # the kind of a timer that was not kept
MOST_LINES = 5
DOT = 4.0


# What is to be drawn ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stretch:
    """Something that lasted. `kind` says how it is drawn, `text` what is written into it where there is room."""

    start: datetime
    end: datetime
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened. The smaller the `rank`, the sooner it gets a line for its words."""

    at: datetime
    kind: str
    text: str = ""
    rank: int = 1


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of stretches and marks: its name at the left, a note at the right."""

    name: str
    stretches: Sequence[Stretch] = ()
    moments: Sequence[Moment] = ()
    note: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A case as it went. The time until `room` and the time from `after` on may be drawn narrower.

    `lanes`: one for each vertebra and side. `rows`: events with words. `clocks`: timers. `shades`: what lay over the
    whole case, as a pause does. `panels`: measured values, as `charts.chart` takes them.
    """

    phases: Sequence[Stretch] = ()
    lanes: Sequence[Lane] = ()
    rows: Sequence[Lane] = ()
    clocks: Sequence[Lane] = ()
    shades: Sequence[Stretch] = ()
    panels: Sequence[tuple[str, Sequence[charts.Series]]] = ()
    room: datetime | None = None
    after: datetime | None = None


# Where it stands --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch as drawn. `text` is empty where it has no room; `name` is what it would say."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    text: str = ""
    name: str = ""

    @property
    def end(self) -> float:
        """Where it ends."""
        return round(self.x + self.width, 1)

    @property
    def middle(self) -> float:
        """Where its words are centred."""
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True, slots=True)
class Spot:
    """A moment as drawn, with its words from `text_x` on, or up to there where they stand before it."""

    x: float
    y: float
    kind: str
    text: str = ""
    before: bool = False

    @property
    def text_x(self) -> float:
        """Where the words begin or end."""
        return round(self.x + (-DOT - 2 if self.before else DOT + 2), 1)

    @property
    def span(self) -> tuple[float, float]:
        """What it takes of its line, from left to right."""
        return _span(self.x, self.text, self.before)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A lane as drawn: `y` is its middle; `silent` counts the moments whose words found no line.

    `name` has the lines of its name, each with where it stands.
    """

    name: list[tuple[str, float]]
    note: str
    kind: str
    y: float
    bars: list[Bar]
    spots: list[Spot]
    silent: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole plot. `cuts`: stretches left out, with how long they are; `narrow`: those drawn narrower."""

    height: float
    top: float
    foot: float
    ticks: list[Tick]
    cuts: list[Bar]
    narrow: list[Bar]
    shades: list[Bar]
    phases: list[Bar]
    lanes: list[Drawn]
    rows: list[Drawn]
    clocks: list[Drawn]
    panels: list[charts.Panel]
    width: float = WIDTH
    left: float = LEFT
    right: float = WIDTH - RIGHT

    @property
    def unnamed(self) -> dict[str, str]:
        """The phases whose name found room nowhere, by their kind: the key of the plot says them."""
        named = {bar.kind for bar in self.phases if bar.text}
        return {bar.kind: bar.name for bar in self.phases if bar.kind not in named}

    @property
    def silent(self) -> int:
        """How many events have no words here."""
        return sum(row.silent for row in self.rows)


# The plot ---------------------------------------------------------------------------------------------------


def draw(
    course: Course, label: Callable[[datetime], tuple[str, str]], lasted: Callable[[timedelta], str]
) -> Timeline | None:
    """The plot of a case; None where nothing has happened.

    `label` says a moment as a time and a day, `lasted` says how long a time is.
    """
    moments = list(_moments(course))
    if not moments:
        return None
    scale = time_axis.axis(moments, course.room, course.after)
    y = HEAD
    phases = [_bar(scale, s, y, PHASE) for s in course.phases]
    y += PHASE + GAP
    lanes, y = _lanes(scale, course.lanes, y)
    rows, y = _rows(scale, course.rows, y)
    clocks, y = _clocks(scale, course.clocks, y)
    panels, y = _panels(scale, course.panels, y)
    height = y - HEAD
    narrow = _narrow(scale, height)
    cuts = [
        Bar(_r(p.x0), HEAD, _r(p.x1 - p.x0), height, "cut", lasted(p.end - p.start))
        for p in scale.pieces
        if p.cut
    ]
    return Timeline(
        height=y + (FOOT if cuts or narrow else GAP),
        top=HEAD,
        foot=y,
        ticks=list(time_axis.ticks(scale.pieces, label)),
        cuts=cuts,
        narrow=narrow,
        shades=[_bar(scale, s, HEAD, height) for s in course.shades],
        phases=phases,
        lanes=lanes,
        rows=rows,
        clocks=clocks,
        panels=panels,
    )


def _r(value: float) -> float:
    return round(value, 1)


def _moments(course: Course) -> Iterator[datetime]:
    stretches = [*course.phases, *course.shades]
    for lane in (*course.lanes, *course.rows, *course.clocks):
        stretches += lane.stretches
        yield from (m.at for m in lane.moments)
    for stretch in stretches:
        yield from (stretch.start, stretch.end)
    for _unit, series in course.panels:
        yield from (at for s in series for at, _value in s.points)


def _narrow(scale: Axis, height: float) -> list[Bar]:
    """The stretches in which a minute is narrower than in the room."""
    rates = {p.zone: (p.x1 - p.x0) / p.minutes for p in scale.pieces if not p.cut}
    if 1 not in rates:
        return []
    found = []
    for zone in (0, 2):
        places = [p for p in scale.pieces if p.zone == zone]
        if places and rates.get(zone, rates[1]) < 0.9 * rates[1]:
            x0, x1 = places[0].x0, places[-1].x1
            found.append(Bar(_r(x0), HEAD, _r(x1 - x0), height, "narrow"))
    return found


def _bar(scale: Axis, stretch: Stretch, y: float, height: float, *, least: float = 0.0) -> Bar:
    x0, x1 = scale.x(stretch.start), scale.x(max(utc(stretch.end), utc(stretch.start)))
    width = max(x1 - x0, least)
    x0 = min(x0, WIDTH - RIGHT - width)
    text = stretch.text if len(stretch.text) * LETTER + 4 <= width else ""
    return Bar(_r(x0), _r(y), _r(width), height, stretch.kind, text, stretch.text)


def _lanes(scale: Axis, lanes: Sequence[Lane], y: float) -> tuple[list[Drawn], float]:
    found = []
    for lane in lanes:
        middle = y + LANE / 2
        bars = [
            _bar(scale, s, y + (LANE - thick) / 2, thick, least=2.0)
            for s in lane.stretches
            for thick in (THICK.get(s.kind, LANE - 5),)
        ]
        spots = [Spot(scale.x(m.at), middle, m.kind) for m in lane.moments]
        found.append(Drawn(_name(lane.name, middle), lane.note, lane.kind, middle, bars, spots))
        y += LANE
    return found, y + (GAP if lanes else 0)


THICK = {"needle": 3.0, "hardening": 7.0}  # how thick a stretch of a lane is; the others fill it


def _rows(scale: Axis, rows: Sequence[Lane], y: float) -> tuple[list[Drawn], float]:
    """Rows of moments with words, each as many lines high as it needs."""
    found = []
    for row in rows:
        if not row.moments:
            continue
        spots, lines, silent = _stacked(scale, row.moments, y)
        name = _name(row.name, y + LINE / 2)
        found.append(Drawn(name, row.note, row.kind, y + LINE / 2, [], spots, silent))
        y += max(lines * LINE, _height(name)) + GAP
    return found, y


def _stacked(scale: Axis, moments: Sequence[Moment], y: float) -> tuple[list[Spot], int, int]:
    """Each moment on the first line that is free for it with its words; without them where none is."""
    lines: list[list[tuple[float, float]]] = [[]]
    found, silent = [], 0
    for moment in sorted(moments, key=lambda m: (m.rank, utc(m.at))):
        x = scale.x(moment.at)
        whole, shorter = (
            [(words, False), (words, True)] if (words := _short(moment.text, most)) else []
            for most in (MOST_LETTERS, FEWER_LETTERS)
        )
        place = _free(lines, x, whole) or _free(lines, x, shorter) or (_least(lines, x), ("", False))
        line, (words, before) = place
        silent += bool(moment.text) and not words
        if line == len(lines):
            lines.append([])
        lines[line].append(_span(x, words, before))
        found.append(Spot(x, _r(y + LINE * (line + 0.5)), moment.kind, words, before))
    return sorted(found, key=lambda s: s.x), len(lines), silent


def _free(
    lines: Sequence[Sequence[tuple[float, float]]], x: float, choices: Sequence[tuple[str, bool]]
) -> tuple[int, tuple[str, bool]] | None:
    """The first line with room for the words, behind the mark or before it."""
    for line in range(min(len(lines) + 1, MOST_LINES)):
        taken = lines[line] if line < len(lines) else ()
        for words, before in choices:
            start, end = _span(x, words, before)
            inside = start >= LEFT - DOT and end <= WIDTH - RIGHT + DOT
            if inside and all(end < a or start > b for a, b in taken):
                return line, (words, before)
    return None


def _least(lines: Sequence[Sequence[tuple[float, float]]], x: float) -> int:
    """The line on which the mark alone covers the least."""
    start, end = _span(x, "", before=False)
    covered = [sum(not (end < a or start > b) for a, b in taken) for taken in lines]
    if min(covered) and len(lines) < MOST_LINES:
        return len(lines)
    return covered.index(min(covered))


def _span(x: float, text: str, before: bool) -> tuple[float, float]:
    width = DOT + 4 + len(text) * LETTER if text else DOT
    return (x - width, x + DOT) if before else (x - DOT, x + width)


def _name(text: str, y: float) -> list[tuple[str, float]]:
    """A name beside the plot on as many lines as it needs, the first at `y`."""
    return [(line, _r(y + n * NAME_LINE)) for n, line in enumerate(wrap(text, NAME_LETTERS) or [text])]


def _height(name: Sequence[tuple[str, float]]) -> float:
    return LINE + (len(name) - 1) * NAME_LINE


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _clocks(scale: Axis, clocks: Sequence[Lane], y: float) -> tuple[list[Drawn], float]:
    """Timers: those that run at the same time stand under each other; one that was not kept is crossed at its end."""
    found = []
    for clock in clocks:
        ends: list[float] = []
        bars: list[Bar] = []
        for stretch in sorted(clock.stretches, key=lambda s: utc(s.start)):
            bar = _bar(scale, stretch, y, CLOCK - 3, least=2.0)
            line = next((n for n, end in enumerate(ends) if end < bar.x), len(ends))
            ends[line : line + 1] = [bar.end]
            bars.append(Bar(bar.x, _r(y + line * CLOCK), bar.width, bar.height, bar.kind))
        spots = [Spot(scale.x(m.at), _r(y + (CLOCK - 3) / 2), m.kind) for m in clock.moments]
        spots += [Spot(b.end, _r(b.y + b.height / 2), b.kind) for b in bars if b.kind == BAD]
        middle = _r(y + (CLOCK - 3) / 2)
        name = _name(clock.name, middle)
        found.append(Drawn(name, clock.note, clock.kind, middle, bars, spots))
        y += max(len(ends) * CLOCK, _height(name))
    return found, y + (GAP if clocks else 0)


def _panels(
    scale: Axis, panels: Sequence[tuple[str, Sequence[charts.Series]]], y: float
) -> tuple[list[charts.Panel], float]:
    found = []
    for unit, series in panels:
        if drawn := [s for s in series if s.points]:
            panel = charts.panel(unit, drawn, y + PANEL_GAP, scale.x, height=PANEL)
            found.append(replace(panel, lines=_apart(panel.lines)))
            y += PANEL + PANEL_GAP
    return found, y + (GAP if found else 0)


def _apart(lines: Sequence[charts.Line]) -> list[charts.Line]:
    """The lines with their last values far enough from each other to be read; `last_y` is where each is written."""
    found: list[charts.Line] = []
    for line in sorted(lines, key=lambda line: line.last_y):
        least = found[-1].last_y + LAST_APART if found else line.last_y
        found.append(replace(line, last_y=_r(max(line.last_y, least))))
    return [next(moved for moved in found if moved.name == line.name) for line in lines]
