"""How much: cement, radiation, and the groups of a split side by side."""

from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures import plots, statistics
from procedures.definitions import VERTEBRAE
from procedures.groups import By
from procedures.statistics import Figures

from . import words
from .sections import Drawing, Found, Section, Selection, box_cells, box_rows, box_table, unit_columns
from .tables import Cell, Column, Kind, Table


def cement(selection: Selection) -> Section:
    """Millilitres per treated vertebra, over all and for each vertebra."""
    over_all = (selection.every_vertebra, selection.each(statistics.cement))
    each: list[tuple[str, Found]] = [
        (vertebra, {_("All"): found})
        for vertebra in VERTEBRAE
        if (found := statistics.cement(selection.cases, vertebra))
    ]
    rows = box_rows(selection.by, [over_all], lambda value: f"{value:.1f}")
    rows += box_rows(By.NOTHING, each, lambda value: f"{value:.1f}")
    plot = plots.boxes(rows, _("mL of cement"))
    found = statistics.cement(selection.cases)
    return Section(
        slug="cement",
        title=_("Cement per vertebra"),
        reading=_("Median %(median).1f mL; half of the treated vertebrae got %(low).1f to %(high).1f mL.")
        % {"median": found.median, "low": found.q1, "high": found.q3}
        if found
        else _("No vertebra of this selection got cement."),
        method=_(
            "Both sides of a vertebra together. Boxes as above: middle half, median, 5th to 95th percentile."
        ),
        table=box_table(
            selection, _("Vertebra"), [over_all, *each], unit_columns(_("mL"), Kind.AMOUNT, _("Treated"))
        ),
        drawings=[Drawing(kind="boxes", plot=plot)] if plot else [],
    )


def radiation(selection: Selection) -> Section:
    """Fluoroscopy time, dose-area product and air kerma against the site's alert levels."""
    quantities: list[tuple[str, str, float, Callable[[Figures], float | None]]] = [
        (_("Fluoroscopy time"), _("min"), settings.ALERT_FLUOROSCOPY_MINUTES, _fluoroscopy),
        (_("Dose-area product"), _("Gy·cm²"), settings.ALERT_DOSE_AREA_PRODUCT, lambda c: c.dap),
        (_("Air kerma"), _("mGy"), settings.ALERT_AIR_KERMA, lambda c: c.kerma),
    ]
    drawings, rows, above = [], list[list[Cell]](), dict[str, int]()
    for name, unit, alert, value in quantities:
        doses = {
            selection.name(group): statistics.dose(map(value, group.cases), alert)
            for group in selection.groups.groups
        }
        above[name] = statistics.dose(map(value, selection.cases), alert).above
        rows += [[name, unit, group, *box_cells(d.box), d.alert, d.above] for group, d in doses.items()]
        lines = box_rows(selection.by, [(name, {group: d.box for group, d in doses.items()})], words.minutes)
        over = iter(doses.values())
        lines = [line if line.head else replace(line, over=next(over).over) for line in lines]
        if plot := plots.boxes(lines, unit, mark=(alert, f"{alert:g} {unit}")):
            drawings.append(Drawing(kind="boxes", plot=plot))
    group_column = str(words.BY_LABELS[selection.by])
    return Section(
        slug="radiation",
        title=_("Radiation"),
        reading=_radiation_read(above) if drawings else _("No dose was recorded in this selection."),
        method=_(
            "Triangles: cases above the site's alert level; a case on it is not above it. Boxes as above: middle half, "
            "median, 5th to 95th percentile."
        ),
        table=Table(
            [
                Column(_("Quantity")), Column(_("Unit")), Column(group_column), Column(_("Cases"), Kind.COUNT),
                *(
                    Column(head, Kind.MINUTES)
                    for head in (_("Least"), "5 %", "25 %", _("Median"), "75 %", "95 %", _("Most"), _("Alert level"))
                ),
                Column(_("Above it"), Kind.COUNT),
            ],
            rows,
        ),
        drawings=drawings,
    )  # fmt: skip


def _fluoroscopy(case: Figures) -> float | None:
    return statistics.minutes(case.fluoro_seconds)


def _radiation_read(above: dict[str, int]) -> str:
    if not any(above.values()):
        return _("No case lies above an alert level of the site.")
    return _("Above the site's alert level: %(counts)s.") % {
        "counts": ", ".join(
            ngettext("%(name)s in %(n)d case", "%(name)s in %(n)d cases", n) % {"name": name.lower(), "n": n}
            for name, n in above.items()
            if n
        )
    }


def side_by_side(selection: Selection) -> Section:
    """The groups of the split in one table."""
    rows: list[list[Cell]] = []
    for group in selection.groups.groups:
        skin, amount = statistics.skin(group.cases), statistics.cement(group.cases)
        leak = statistics.rate(group.cases, statistics.leaks_of)
        trouble = statistics.rate(group.cases, statistics.complications_of)
        rows.append([
            selection.name(group), len(group.cases),
            sum(len(case.counted) for case in group.cases),
            *((skin.q1, skin.median, skin.q3) if skin else (None,) * 3), amount.median if amount else None,
            leak.rate, leak.low, leak.high, trouble.rate, trouble.low, trouble.high,
        ])  # fmt: skip
    return Section(
        slug="groups",
        title=_("Side by side"),
        reading=_("The same figures for each group. Groups that differ in their patients are not compared fairly."),
        method=_("The intervals are Wilson's, 95 %."),
        table=Table(
            [
                Column(str(words.BY_LABELS[selection.by])), Column(_("Cases"), Kind.COUNT),
                Column(_("Vertebrae"), Kind.COUNT), Column(_("Skin to skin 25 %, min"), Kind.MINUTES),
                Column(_("Median, min"), Kind.MINUTES), Column(_("75 %, min"), Kind.MINUTES),
                Column(_("Cement, mL"), Kind.AMOUNT), Column(_("Leaks, %"), Kind.PERCENT),
                Column(_("from, %"), Kind.PERCENT), Column(_("to, %"), Kind.PERCENT),
                Column(_("Complications, %"), Kind.PERCENT), Column(_("from, %"), Kind.PERCENT),
                Column(_("to, %"), Kind.PERCENT),
            ],
            rows,
        ),
        wide=True,
    )  # fmt: skip
