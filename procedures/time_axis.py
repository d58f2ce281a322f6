"""An axis of time that is honest before it is even. Pure.

A stretch in which nothing happened for long is cut out, and the cut says how long it was. The time before the room and
the recovery may be narrower than the time in the room, and then the plot says so. Times are laid out as true minutes,
whatever the clocks on the wall did, so midnight and a change of clocks are nothing special.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from .charts import TICKS

WIDTH, LEFT, RIGHT = 760.0, 142.0, 74.0
CUT_FROM = timedelta(minutes=45)
CUT = TICK_APART = 40.0  # so that what stands alone behind a cut can have its time written
SHORTEST = timedelta(minutes=10)
BEFORE_SHARE, AFTER_SHARE = (
    0.14,
    0.28,
)  # at most so much of the width for the time before the room, and after it
DAY_APART = 60.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the axis; `day` is written where another day begins."""

    x: float
    text: str
    day: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the axis, from left to right without a gap. `zone`: 0 before the room, 1 in it, 2 after it."""

    start: datetime
    end: datetime
    zone: int
    cut: bool
    x0: float = 0.0
    x1: float = 0.0

    @property
    def minutes(self) -> float:
        """How long it is."""
        return (self.end - self.start) / timedelta(minutes=1)


@dataclass(frozen=True)
class Axis:
    """From moments to places. What lies outside is put at the nearer end."""

    pieces: list[Piece] = field(default_factory=list)

    def x(self, moment: datetime) -> float:
        """The place of a moment."""
        at = utc(moment)
        for piece in self.pieces:
            if at <= piece.end:
                share = max((at - piece.start) / (piece.end - piece.start), 0)
                return round(piece.x0 + share * (piece.x1 - piece.x0), 1)
        return round(self.pieces[-1].x1, 1)


def utc(moment: datetime) -> datetime:
    """The same moment in UTC, in which minutes are minutes."""
    return moment.astimezone(UTC)


def axis(moments: Sequence[datetime], room: datetime | None = None, after: datetime | None = None) -> Axis:
    """The axis that shows these moments; there must be one."""
    known = _with_room(sorted({utc(moment) for moment in moments}))
    first = utc(room) if room else known[0]
    last = utc(after) if after else known[-1]
    borders = sorted({*known, *(b for b in (first, last) if known[0] < b < known[-1])})
    pieces: list[Piece] = []
    for start, end in pairwise(borders):
        zone = 0 if end <= first else 2 if start >= last else 1
        cut = end - start > CUT_FROM
        goes_on = pieces and not cut and not pieces[-1].cut and pieces[-1].zone == zone
        pieces.append(Piece(pieces.pop().start if goes_on else start, end, zone, cut))
    return Axis(_placed(pieces))


def _with_room(known: list[datetime]) -> list[datetime]:
    """The moments, in order; what stands alone, as an addendum of another day does, gets some minutes after it."""
    far = [after - before > CUT_FROM for before, after in pairwise(known)]
    alone = [
        moment
        for moment, before, after in zip(known, [True, *far], [*far, True], strict=True)
        if before and after
    ]
    return sorted({*known, *(moment + SHORTEST for moment in alone)})


def _placed(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with their places: cuts are equally wide, the rest after its minutes and its zone."""
    cuts = sum(piece.cut for piece in pieces)
    open_width = WIDTH - LEFT - RIGHT
    cut_width = min(CUT, 0.4 * open_width / cuts) if cuts else 0.0
    left_over = open_width - cuts * cut_width
    rates = _rates(pieces, left_over)
    if cuts == len(pieces):
        cut_width = open_width / cuts
    found, x = [], LEFT
    for piece in pieces:
        x1 = x + (cut_width if piece.cut else piece.minutes * rates[piece.zone])
        found.append(Piece(piece.start, piece.end, piece.zone, piece.cut, x, x1))
        x = x1
    return found


def _rates(pieces: Sequence[Piece], width: float) -> dict[int, float]:
    """How wide a minute is in each zone: the same, but for a head or a tail that would crowd the rest out."""
    minutes = {zone: sum(p.minutes for p in pieces if p.zone == zone and not p.cut) for zone in (0, 1, 2)}
    total = sum(minutes.values())
    if not total:
        return dict.fromkeys(minutes, 0.0)
    most = {0: BEFORE_SHARE, 2: AFTER_SHARE} if minutes[1] else {}
    narrow = {z: width * share for z, share in most.items() if minutes[z] / total > share}
    rest = sum(m for zone, m in minutes.items() if zone not in narrow)
    even = (width - sum(narrow.values())) / rest if rest else 0.0
    return {z: narrow[z] / minutes[z] if z in narrow else even for z in minutes}


def ticks(pieces: Sequence[Piece], label: Callable[[datetime], tuple[str, str]]) -> Iterator[Tick]:
    """Round times, as many as fit; each piece after a cut has at least one where there is room."""
    last_x, last_day, last_day_x = LEFT - TICK_APART, "", LEFT - DAY_APART
    for piece in pieces:
        if piece.cut:
            continue
        found = False
        for moment in [*_round_times(piece), piece.start]:
            share = (moment - piece.start) / (piece.end - piece.start)
            x = round(piece.x0 + share * (piece.x1 - piece.x0), 1)
            if x - last_x < TICK_APART or (found and moment == piece.start):
                continue
            text, day = label(moment)
            new_day = day if day != last_day and x - last_day_x >= DAY_APART else ""
            if new_day:
                last_day, last_day_x = day, x
            last_x, found = x, True
            yield Tick(x, text, new_day)


def _round_times(piece: Piece) -> list[datetime]:
    rate = (piece.x1 - piece.x0) / piece.minutes
    minutes = next((m for m in TICKS if m * rate >= TICK_APART), TICKS[-1])
    step = timedelta(minutes=minutes)
    midnight = piece.start.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight + -(-(piece.start - midnight) // step) * step
    found = []
    while moment <= piece.end:
        found.append(moment)
        moment += step
    return found
