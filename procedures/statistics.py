"""What many cases come to: quantiles, rates with their intervals, control charts, learning curves. Pure.

Every number of the page of statistics, of its tables and its CSV is made here, from one `Figures` for each case. How
each is computed is said in words on the page and in docs/adr/0033; tests compare with NumPy and with other SQL.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from math import floor, sqrt
from typing import Any
from uuid import UUID

from .definitions import VERTEBRAE

Z95 = 1.959963984540054  # the standard normal's 97.5th percentile
SIGMAS = 3
FEWEST_TO_JUDGE = 5  # a month with fewer is drawn and not judged: one leak in two is no signal
DOTS = 30  # up to so many cases each is a dot
WINDOW = 11  # cases of a running median: five before, itself, five after


@dataclass(frozen=True, slots=True)
class LevelFigures:
    """A vertebra: its cement in mL (None: none given), the leaks seen ((): none; None: not answered), its accesses."""

    vertebra: str
    cement: float | None
    leak: tuple[str, ...] | None
    sides: tuple[str, ...]
    approach: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the statistics know of one case. Times in seconds, dose-area product in Gy·cm², air kerma in mGy.

    `at` is its date in the log, in the zone of the site: months are counted from it. `treated` are the levels that
    got cement, `counted` those of them that cement and leaks are counted at: all, or those that are asked for.
    """

    case_id: UUID
    at: datetime
    operator: int | None
    operator_name: str
    version: str
    status: str
    levels: tuple[LevelFigures, ...]
    treated: tuple[LevelFigures, ...]
    counted: tuple[LevelFigures, ...]
    skin_seconds: int | None
    stretches: Mapping[str, int]
    steps: Mapping[str, int]
    fluoro_seconds: float | None
    dap: float | None
    kerma: float | None
    mode: str
    complications: int
    entries: int
    late: int


def figures(
    account: Mapping[str, Any],
    *,
    case_id: UUID,
    at: datetime,
    operator: int | None,
    operator_name: str,
    version: str,
    status: str,
    skin_seconds: int | None,
    complications: int,
    only: Collection[str] = (),
) -> Figures:
    """The figures of a case from its row and its account (see `account.py` for the account's shape).

    `only`: the vertebrae at which cement and leaks are counted; none: all of them.
    """
    known = account.get("levels", {})
    levels = tuple(_level(vertebra, known[vertebra]) for vertebra in VERTEBRAE if vertebra in known)
    treated = tuple(level for level in levels if level.cement is not None)
    return Figures(
        case_id=case_id,
        at=at,
        operator=operator,
        operator_name=operator_name,
        version=version,
        status=status,
        levels=levels,
        treated=treated,
        counted=tuple(level for level in treated if level.vertebra in only) if only else treated,
        skin_seconds=skin_seconds,
        stretches=account.get("stretches", {}),
        steps=account.get("steps", {}),
        fluoro_seconds=_number(account.get("fluoro_s")),
        dap=_number(account.get("dap")),
        kerma=_number(account.get("kerma")),
        mode=account.get("mode") or "",
        complications=complications,
        entries=account.get("entries", 0),
        late=account.get("late", 0),
    )


def _level(vertebra: str, known: Mapping[str, Any]) -> LevelFigures:
    leak = known.get("leak")
    return LevelFigures(
        vertebra=vertebra,
        cement=_number(known.get("cement")),
        leak=None if leak is None else tuple(leak),
        sides=tuple(known.get("sides", ())),
        approach=tuple(known.get("approach", ())),
    )


def _number(text: str | float | None) -> float | None:
    return None if text is None else float(text)


# Distributions ------------------------------------------------------------------------------------------------------


def quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile of values in ascending order, by linear interpolation between them (type 7 of Hyndman and Fan).

    Interpolated from the nearer of the two neighbours, as NumPy does it, so that both give the same float.
    """
    place = (len(ordered) - 1) * share
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    part, step = place - below, ordered[above] - ordered[below]
    return ordered[above] - step * (1 - part) if part >= 0.5 else ordered[below] + step * part


@dataclass(frozen=True, slots=True)
class Box:
    """A distribution. `dots` has every value where there are few, else nothing."""

    n: int
    least: float
    p5: float
    q1: float
    median: float
    q3: float
    p95: float
    most: float
    dots: tuple[float, ...] = ()


def box(values: Iterable[float | None]) -> Box | None:
    """The distribution of what is known; None where nothing is."""
    ordered = sorted([float(value) for value in values if value is not None])
    if not ordered:
        return None
    p5, q1, median, q3, p95 = (quantile(ordered, share) for share in (0.05, 0.25, 0.5, 0.75, 0.95))
    dots = tuple(ordered) if len(ordered) <= DOTS else ()
    return Box(len(ordered), ordered[0], p5, q1, median, q3, p95, ordered[-1], dots)


def minutes(seconds: float | None) -> float | None:
    """Seconds as minutes."""
    return None if seconds is None else seconds / 60


def skin(cases: Iterable[Figures]) -> Box | None:
    """Skin to skin, in minutes."""
    return box(minutes(case.skin_seconds) for case in cases)


def stretches(cases: Iterable[Figures]) -> dict[str, Box]:
    """Each stretch of the case, in minutes."""
    return _each(case.stretches for case in cases)


def steps(cases: Iterable[Figures]) -> dict[str, Box]:
    """Each step by its code, in minutes: in each case all its vertebrae and sides together."""
    return _each(case.steps for case in cases)


def _each(known: Iterable[Mapping[str, int]]) -> dict[str, Box]:
    """In one pass: thousands of cases have dozens of steps each."""
    columns: dict[str, list[int]] = defaultdict(list)
    for seconds in known:
        for name, value in seconds.items():
            columns[name].append(value)
    return {name: found for name, values in columns.items() if (found := box([v / 60 for v in values]))}


def cement(cases: Iterable[Figures], vertebra: str = "") -> Box | None:
    """Cement in mL per treated vertebra: of all, or of one."""
    return box(level.cement for case in cases for level in case.counted if vertebra in ("", level.vertebra))


# Rates --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with Wilson's 95 % interval. All three are None where there is nothing to count."""

    hits: int
    n: int
    rate: float | None
    low: float | None
    high: float | None


def wilson(hits: int, n: int) -> Rate:
    """The score interval: it stays within 0 to 1 and says something with no hit at all, unlike hits/n ± 2 errors."""
    if not n:
        return Rate(hits, n, None, None, None)
    share, z2 = hits / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == n else min(1.0, middle + half)
    return Rate(hits, n, share, low, high)


type Count = tuple[int, int]
"""Hits, and out of how many."""


def leaks_of(case: Figures) -> Count:
    """Treated vertebrae with a leak, out of those where the question was answered."""
    answered = [level for level in case.counted if level.leak is not None]
    return sum(bool(level.leak) for level in answered), len(answered)


def complications_of(case: Figures) -> Count:
    """Whether the case had a complication, out of one case."""
    return int(case.complications > 0), 1


def late_of(case: Figures) -> Count:
    """Entries that were recorded late, out of all."""
    return case.late, case.entries


def rate(cases: Iterable[Figures], count: Callable[[Figures], Count]) -> Rate:
    """A rate over all cases."""
    counts = [count(case) for case in cases]
    return wilson(sum(hits for hits, _n in counts), sum(n for _hits, n in counts))


def leak_rate(cases: Iterable[Figures], vertebra: str = "", kind: str = "") -> Rate:
    """Leaks of one kind, or any, per treated vertebra where the question was answered: of all, or of one."""
    answers = [
        level.leak
        for case in cases
        for level in case.counted
        if level.leak is not None and vertebra in ("", level.vertebra)
    ]
    return wilson(sum(bool(leak) if not kind else kind in leak for leak in answers), len(answers))


class Verdict(StrEnum):
    """How a month stands to its limits; `FEW`: too few to judge, `GAP`: nothing to count."""

    WITHIN = "within"
    ABOVE = "above"
    BELOW = "below"
    FEW = "few"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a control chart; rate and limits are None where nothing was counted."""

    first: date
    hits: int
    n: int
    rate: float | None
    low: float | None
    high: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Months:
    """A rate month by month, from the first month with a case to the last, and over all."""

    months: tuple[Month, ...]
    total: Rate

    @property
    def outside(self) -> list[Month]:
        """Months outside their limits."""
        return [month for month in self.months if month.verdict in (Verdict.ABOVE, Verdict.BELOW)]


def by_month(cases: Sequence[Figures], count: Callable[[Figures], Count]) -> Months:
    """A p-chart: the centre is the rate over all, the limits of a month are three standard errors of its own number.

    The limits are clipped to 0 and 1. A month without a count is a gap; one with fewer than five is not judged.
    """
    counts: dict[int, Count] = {}
    for case in cases:
        hits, n = count(case)
        place = case.at.year * 12 + case.at.month - 1
        before = counts.get(place, (0, 0))
        counts[place] = before[0] + hits, before[1] + n
    total = wilson(sum(hits for hits, _n in counts.values()), sum(n for _hits, n in counts.values()))
    if total.rate is None:
        return Months((), total)
    first, last = (end(place for place, (_hits, n) in counts.items() if n) for end in (min, max))
    return Months(
        tuple(_month(place, total.rate, *counts.get(place, (0, 0))) for place in range(first, last + 1)),
        total,
    )


def _month(place: int, centre: float, hits: int, n: int) -> Month:
    first = date(place // 12, place % 12 + 1, 1)
    if not n:
        return Month(first, 0, 0, None, None, None, Verdict.GAP)
    reach = SIGMAS * sqrt(centre * (1 - centre) / n)
    low, high, share = max(0.0, centre - reach), min(1.0, centre + reach), hits / n
    if n < FEWEST_TO_JUDGE:
        verdict = Verdict.FEW
    elif share > high:
        verdict = Verdict.ABOVE
    elif share < low:
        verdict = Verdict.BELOW
    else:
        verdict = Verdict.WITHIN
    return Month(first, hits, n, share, low, high, verdict)


# Learning -----------------------------------------------------------------------------------------------------------


def running_median(values: Sequence[float], window: int = WINDOW) -> list[float]:
    """The median around each value: as many before as after, fewer at both ends."""
    half = window // 2
    ordered: list[float] = []
    found = []
    for place in range(-half, len(values)):
        if place + half < len(values):
            insort(ordered, values[place + half])
        if place - half - 1 >= 0:
            ordered.pop(bisect_left(ordered, values[place - half - 1]))
        if place >= 0:
            found.append(quantile(ordered, 0.5))
    return found


@dataclass(frozen=True, slots=True)
class Curve:
    """One operator's cases in the order of time: minutes skin to skin per treated vertebra, and the running median."""

    operator: int | None
    name: str
    minutes: tuple[float, ...]
    running: tuple[float, ...]


def curve(cases: Iterable[Figures]) -> Curve | None:
    """The learning curve of one operator, numbered within what is given; cases without a figure have no number."""
    in_order = sorted(
        (case for case in cases if case.skin_seconds is not None and case.treated),
        key=lambda case: (case.at, case.case_id),
    )
    if not in_order:
        return None
    values = [(case.skin_seconds or 0) / 60 / len(case.treated) for case in in_order]
    last = in_order[-1]
    return Curve(last.operator, last.operator_name, tuple(values), tuple(running_median(values)))


# Radiation ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dose:
    """A quantity of radiation per case against the site's alert level; `over`: what lies over it."""

    box: Box | None
    alert: float
    over: tuple[float, ...]

    @property
    def above(self) -> int:
        """How many cases lie over the alert level."""
        return len(self.over)


def dose(values: Iterable[float | None], alert: float) -> Dose:
    """The distribution of what was recorded, and what lies over the alert level (which itself does not)."""
    known = [value for value in values if value is not None]
    return Dose(box(known), alert, tuple(value for value in known if value > alert))
