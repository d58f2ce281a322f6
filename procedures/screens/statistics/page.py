"""The page of statistics: which cases it is about, what of them may be shown to whom, the tiles and the sections."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from procedures import caselog, statistics
from procedures.account import WHOLE
from procedures.caselog import Filters
from procedures.definitions import Step
from procedures.groups import FEWEST, By, shown_to, split
from procedures.models import Case, User
from procedures.protocols import frozen
from procedures.screens.log_filters import Chip, Choice, Names, only
from procedures.screens.parts import role_words
from procedures.statistics import Box, Figures, Rate, figures

from . import amounts, rates, times, words
from .sections import Section, Selection

MOST = 10_000
CHOSEN_HERE = ("since", "until", "operator")  # the other filters are chosen in the case log

# In the order of the page, two beside each other.
PLOTS: dict[str, Callable[[Selection], Section]] = {
    "stretches": times.stretches,
    "cement": amounts.cement,
    "leaks": rates.leaks,
    "complications": rates.complications,
    "leak-places": rates.leak_places,
    "radiation": amounts.radiation,
    "learning": times.learning,
    "late": rates.late,
    "steps": times.steps,
}
# Where there are groups, the time takes the whole width and the tall ones stand together.
SPLIT = {
    "groups": amounts.side_by_side,
    **{name: PLOTS[name] for name in ("stretches", "cement", "leak-places", *PLOTS)},
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with its unit, what it is, and what more there is to say of it."""

    value: str
    unit: str
    label: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsScreen:
    """`capped`: only the newest are counted; `left_out`: sentences on what is not shown to this person;
    `counted`: at which vertebrae cement and leaks are counted, where not at all.

    `operators`: whose cases can be chosen; `chips`: the filters that are on beside that and the dates; `problems`: what
    of the address was not understood; `in_words`: filters and split, as they are kept with a table that is taken away.
    """

    role: str
    number: int
    capped: bool
    most: int
    left_out: list[str]
    splits: list[tuple[str, str, bool]]
    tiles: list[Tile]
    counted: str
    sections: list[Section]
    filters: Filters
    operators: Choice
    chips: list[Chip]
    problems: list[str]
    by: str
    in_words: str

    @property
    def kept(self) -> list[tuple[str, list[str]]]:
        """What of the address the form of this page sends along."""
        return [(name, values) for name, values in self.filters.query.lists() if name not in CHOSEN_HERE]


def build(user: User, filters: Filters, by: By, plots: Sequence[str] = ()) -> StatisticsScreen:
    """The statistics of the cases that the user may see and that fit, with all sections or only those named."""
    looked_for = caselog.Found.of(user, filters)
    found, versions = _figures(looked_for.cases, filters.levels)
    memberships = looked_for.reach.memberships
    names = Names(filters, memberships)
    shown = shown_to(user.pk, found[:MOST])
    groups = split(user.pk, shown.cases, by)
    selection = Selection(
        viewer=user.pk, cases=shown.cases, by=by, groups=groups, steps=_steps(versions), levels=filters.levels
    )
    sections = PLOTS if by is By.NOTHING else SPLIT
    return StatisticsScreen(
        role=role_words(dict.fromkeys(m.role for m in memberships)),
        number=len(shown.cases),
        capped=len(found) > MOST,
        most=MOST,
        left_out=_left_out(shown.withheld, groups.withheld),
        splits=[(one.value, str(words.BY_LABELS[one]), one is by) for one in By],
        tiles=_tiles(shown.cases, filters.levels),
        counted=_counted(filters.levels),
        sections=[
            make(selection) for name, make in sections.items() if shown.cases and name in (plots or SPLIT)
        ],
        filters=filters,
        operators=names.main()[0],
        chips=names.chips(but=CHOSEN_HERE),
        problems=names.problems(),
        by=by.value,
        in_words=" · ".join(filter(None, [names.kept(user.display_name), _split_words(by)])),
    )


def _split_words(by: By) -> str:
    return "" if by is By.NOTHING else _("split by: %(by)s") % {"by": words.BY_LABELS[by]}


def _counted(levels: Sequence[str]) -> str:
    if not levels:
        return ""
    return _(
        "Cement and leaks are counted at %(levels)s only; times, radiation and complications are of the whole case."
    ) % {"levels": ", ".join(levels)}


def _figures(cases: QuerySet[Case], only: Sequence[str]) -> tuple[list[Figures], set[int]]:
    """The newest cases whose patient has left the table, one more than are counted; and their protocol versions."""
    rows = (
        cases.filter(status__in=WHOLE)
        .order_by("-scheduled_at", "-id")
        .values_list(
            "account", "id", "scheduled_at", "operator", "operator__display_name", "protocol", "protocol__number",
            "status", "skin_seconds", "complications",
        )[: MOST + 1]
    )  # fmt: skip
    found, versions = [], set()
    for account, pk, at, operator, name, version, number, status, skin_seconds, complications in rows:
        versions.add(version)
        found.append(
            figures(
                account, case_id=pk, at=localtime(at), operator=operator, operator_name=name or "",
                version=str(number), status=status, skin_seconds=skin_seconds, complications=complications, only=only,
            )
        )  # fmt: skip
    return found, versions


def _steps(versions: set[int]) -> list[Step]:
    """The steps of these versions, once each: titles and order of the newest that has it."""
    found: dict[str, Step] = {}
    for version in sorted(versions, reverse=True):
        for step in frozen.protocol(version).steps:
            found.setdefault(step.code, step)
    return list(found.values())


def _left_out(of_few: int, of_groups: int) -> list[str]:
    said: list[str] = []
    few: dict[str, Any] = {"few": FEWEST}
    if of_few:
        said.append(
            _(
                "%(n)d cases are left out: figures of fewer than %(few)d cases of one operator are shown to that "
                "operator alone."
            )
            % {**few, "n": of_few}
        )
    if of_groups:
        said.append(
            _(
                "%(n)d cases are in no group: a group with fewer than %(few)d cases of one operator is shown to that "
                "operator alone, and the next smallest with it, so that it does not follow from the others."
            )
            % {**few, "n": of_groups}
        )
    return said


def _tiles(cases: Sequence[Figures], levels: Sequence[str]) -> list[Tile]:
    if not cases:
        return []
    treated = sum(len(case.counted) for case in cases)
    return [
        Tile(f"{len(cases)}", "", _("cases"), _since(cases)),
        Tile(
            f"{treated}",
            "",
            only(_("vertebrae treated"), levels),
            _("%(n).1f per case") % {"n": treated / len(cases)},
        ),
        _box_tile(statistics.skin(cases), _("min"), _("median skin to skin"), words.minutes),
        _box_tile(
            statistics.cement(cases), _("mL"), only(_("median cement per vertebra"), levels), "{:.1f}".format
        ),
        _rate_tile(statistics.rate(cases, statistics.leaks_of), only(_("vertebrae with a leak"), levels)),
        _rate_tile(statistics.rate(cases, statistics.complications_of), _("cases with a complication")),
    ]


def _since(cases: Sequence[Figures]) -> str:
    first, last = (words.month_words(end(case.at for case in cases).date()) for end in (min, max))
    return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}


def _box_tile(found: Box | None, unit: str, label: str, say: Callable[[float], str]) -> Tile:
    if not found:
        return Tile("–", "", label, _("not recorded"))
    half = _("half: %(low)s to %(high)s") % {"low": say(found.q1), "high": say(found.q3)}
    return Tile(say(found.median), unit, label, half)


def _rate_tile(rate: Rate, label: str) -> Tile:
    if rate.rate is None:
        return Tile("–", "", label, _("not recorded"))
    counts = _("%(hits)d of %(n)d") % {"hits": rate.hits, "n": rate.n}
    return Tile(f"{rate.rate * 100:.1f}", "%", label, f"{counts} · {words.interval(rate)}")
