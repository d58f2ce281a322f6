"""The sections of the page: each answers one question with a sentence, plots and the table behind them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.definitions import Step
from procedures.groups import By, Group, Split
from procedures.plots import BoxPlot, CurvePlot, MonthPlot, Row
from procedures.statistics import Box, Figures

from . import words
from .tables import Cell, Column, Kind, Table

type Found = Mapping[str, Box | None]
"""A distribution for each group, by its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One plot of a section; the template draws it by its kind: boxes, months or curves."""

    kind: str
    plot: BoxPlot | MonthPlot | CurvePlot
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What is said and shown. `method`: how it was computed, in words; `wide`: it takes the whole width."""

    slug: str
    title: str
    reading: str
    method: str
    table: Table
    drawings: list[Drawing] = field(default_factory=list)
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The cases that may be shown to `viewer`, in the groups of the split, and the steps of their protocols.

    `levels`: the vertebrae that are asked for; cement and leaks are then counted at these alone.
    """

    viewer: int
    cases: Sequence[Figures]
    by: By
    groups: Split
    steps: Sequence[Step]
    levels: Sequence[str] = ()

    @property
    def every_vertebra(self) -> str:
        """All vertebrae that are counted, in words."""
        return (
            _("Asked for: %(levels)s") % {"levels": ", ".join(self.levels)}
            if self.levels
            else _("All vertebrae")
        )

    def each[T](self, measure: Callable[[Sequence[Figures]], T]) -> dict[str, T]:
        """What is measured in each group; without a split in all."""
        return {self.name(group): measure(group.cases) for group in self.groups.groups}

    def whole[T](self, each: Mapping[str, T], measure: Callable[[Sequence[Figures]], T]) -> T:
        """The same over all cases, which without a split has been measured already."""
        return next(iter(each.values())) if self.by is By.NOTHING and each else measure(self.cases)

    def name(self, group: Group, by: By | None = None) -> str:
        """What a group is called, of the split that was asked for or of another."""
        return words.group_words(self.by if by is None else by, group, self.viewer, self.steps)


HOW_BOXES = gettext_lazy(
    "The box holds the middle half of the cases, the line in it is the median, the whiskers reach from the 5th to the "
    "95th percentile (linear interpolation). Where there are up to 30 cases, each is a dot."
)


def box_cells(found: Box | None) -> list[Cell]:
    """A distribution as cells of a row."""
    if not found:
        return [0, *[None] * 7]
    return [found.n, found.least, found.p5, found.q1, found.median, found.q3, found.p95, found.most]


def unit_columns(unit: str, kind: Kind, n: str) -> list[Column]:
    """The columns of a distribution in that unit; `n`: what is counted."""
    heads = (_("Least"), _("5 %"), _("25 %"), _("Median"), _("75 %"), _("95 %"), _("Most"))
    return [Column(n, Kind.COUNT), *(Column(f"{head}, {unit}", kind) for head in heads)]


def box_rows(by: By, measured: Sequence[tuple[str, Found]], say: Callable[[float], str]) -> list[Row]:
    """Lines of a plot: one for each thing measured, or with a split a heading and one for each group."""
    rows = []
    for name, found in measured:
        if by is By.NOTHING:
            known = next(iter(found.values()), None)
            rows.append(Row(name, known, say(known.median) if known else ""))
        else:
            rows.append(Row(name, head=True))
            rows += [
                Row(group, known, say(known.median) if known else "", inner=True)
                for group, known in found.items()
            ]
    return rows


def box_table(
    selection: Selection, what: str, measured: Sequence[tuple[str, Found]], columns: Sequence[Column]
) -> Table:
    split_by = str(words.BY_LABELS[selection.by])
    one = selection.by is By.NOTHING
    return Table(
        [Column(what), *([] if one else [Column(split_by)]), *columns],
        [
            [name, *([] if one else [group]), *box_cells(known)]
            for name, found in measured
            for group, known in found.items()
        ],
    )
