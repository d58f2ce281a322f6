"""How often: leaks and complications as control charts, and late entries."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from procedures import plots, statistics
from procedures.definitions import VERTEBRAE, Measure
from procedures.groups import By
from procedures.plots import Row
from procedures.statistics import Box, Months, Rate, Verdict

from . import words
from .sections import Drawing, Section, Selection
from .tables import Column, Kind, Table


def leaks(selection: Selection) -> Section:
    """Cement leaks per treated vertebra, by month."""
    found = statistics.by_month(selection.cases, statistics.leaks_of)
    treated = sum(len(case.counted) for case in selection.cases)
    unanswered = treated - found.total.n
    reading = _("A leak was seen at %(hits)d of %(n)d treated vertebrae%(rate)s. %(months)s")
    if unanswered:
        reading += " " + ngettext(
            "At %(unanswered)d more nobody answered.", "At %(unanswered)d more nobody answered.", unanswered
        )
    return _chart(
        "leaks",
        _("Cement leaks by month"),
        reading % {**_rate_words(found), "unanswered": unanswered},
        found,
        _("Vertebrae"),
        _("Leaks"),
    )


def leak_places(selection: Selection) -> Section:
    """At which vertebrae cement leaked, and where to."""
    cases = selection.cases
    kinds = sorted({kind for case in cases for level in case.counted for kind in level.leak or ()})
    parts: list[tuple[str, Sequence[tuple[str, Rate]]]] = [
        (
            selection.every_vertebra,
            [(selection.name(group), statistics.leak_rate(group.cases)) for group in selection.groups.groups],
        ),
        (_("Vertebra"), [(vertebra, statistics.leak_rate(cases, vertebra)) for vertebra in VERTEBRAE]),
        (
            _("Kind of leak"),
            [
                (words.option(selection.steps, Measure.LEAK, kind), statistics.leak_rate(cases, kind=kind))
                for kind in kinds
            ],
        ),
    ]
    known = [(title, [(name, found) for name, found in part if found.n]) for title, part in parts]
    rows = [row for title, part in known for row in _interval_rows(title, part)]
    if selection.by is By.NOTHING:
        rows[:2] = [replace(row, name=known[0][0], inner=False) for row in rows[1:2]]
    plot = plots.boxes(rows, _("% of vertebrae"), column=_("%"))
    return Section(
        slug="leak-places",
        title=_("Where cement leaked"),
        reading=_leak_places_read(known[1][1]),
        method=_(
            "The mark is the rate among treated vertebrae where the question was answered, the line its "
            "95\N{NO-BREAK SPACE}% interval (Wilson). One vertebra may have leaks of more than one kind."
        ),
        table=Table(
            [
                Column(_("By")), Column(_("What")), Column(_("Leaks"), Kind.COUNT), Column(_("Vertebrae"), Kind.COUNT),
                Column(_("Rate, %"), Kind.PERCENT), Column(_("from, %"), Kind.PERCENT),
                Column(_("to, %"), Kind.PERCENT),
            ],
            [[title, name, r.hits, r.n, r.rate, r.low, r.high] for title, part in known for name, r in part],
        ),
        drawings=[Drawing(kind="boxes", plot=plot)] if plot else [],
    )  # fmt: skip


def _interval_rows(title: str, part: Sequence[tuple[str, Rate]]) -> Iterator[Row]:
    """Rates with their intervals, in percent, as lines of a plot: a mark and a whisker, without a box."""
    if part:
        yield Row(title, head=True)
    for name, found in part:
        low, middle, high = ((share or 0) * 100 for share in (found.low, found.rate, found.high))
        box = Box(found.n, low, low, middle, middle, middle, high, high)
        yield Row(name, box, f"{middle:.1f}", inner=True)


def _leak_places_read(each: Sequence[tuple[str, Rate]]) -> str:
    seen = [(found.hits, name) for name, found in each if found.hits]
    if not seen:
        return _("No leak was seen in this selection.")
    most = max(hits for hits, _name in seen)
    places = [name for hits, name in seen if hits == most]
    return ngettext(
        "Most leaks were seen at %(places)s: %(n)d.",
        "Most leaks were seen at %(places)s: %(n)d each.",
        len(places),
    ) % {"places": ", ".join(places), "n": most}


def complications(selection: Selection) -> Section:
    """Cases with a complication, by month."""
    found = statistics.by_month(selection.cases, statistics.complications_of)
    return _chart(
        "complications",
        _("Complications by month"),
        _("A complication was recorded in %(hits)d of %(n)d cases%(rate)s. %(months)s") % _rate_words(found),
        found,
        _("Cases"),
        _("With a complication"),
    )


def _rate_words(found: Months) -> dict[str, object]:
    total = found.total
    rate = f" ({words.percent(total.rate)}, {words.interval(total)})" if total.rate is not None else ""
    above = [words.month_words(m.first) for m in found.months if m.verdict is Verdict.ABOVE]
    below = [words.month_words(m.first) for m in found.months if m.verdict is Verdict.BELOW]
    said = []
    if above:
        said.append(_("Above its limit: %(months)s.") % {"months": ", ".join(above)})
    if below:
        said.append(_("Below its limit: %(months)s.") % {"months": ", ".join(below)})
    judged = any(m.verdict is Verdict.WITHIN for m in found.months)
    quiet = _("Every month lies within its limits.") if judged else _("No month has enough to be judged.")
    return {"hits": total.hits, "n": total.n, "rate": rate, "months": " ".join(said) or quiet}


VERDICTS = {
    Verdict.WITHIN: gettext_lazy("within"),
    Verdict.ABOVE: gettext_lazy("above its limit"),
    Verdict.BELOW: gettext_lazy("below its limit"),
    Verdict.FEW: gettext_lazy("too few to judge"),
    Verdict.GAP: gettext_lazy("no case"),
}


def _chart(slug: str, title: str, reading: str, found: Months, of: str, hits: str) -> Section:
    plot = plots.months(found, words.short_month)
    return Section(
        slug=slug,
        title=title,
        reading=reading,
        method=_(
            "p-chart: the line is the rate over the whole selection, the band of a month is three standard errors of "
            "its own number on either side, from 0 to 100 %. A month with fewer than 5 is drawn hollow and not judged; "
            "a month without a case is a gap. The interval is Wilson's."
        ),
        table=Table(
            [
                Column(_("Month")), Column(hits, Kind.COUNT), Column(of, Kind.COUNT),
                Column(_("Rate, %"), Kind.PERCENT), Column(_("Lower limit, %"), Kind.PERCENT),
                Column(_("Upper limit, %"), Kind.PERCENT), Column(_("Verdict")),
            ],
            [
                [f"{m.first:%Y-%m}", m.hits, m.n, m.rate, m.low, m.high, str(VERDICTS[m.verdict])]
                for m in found.months
            ],
        ),
        drawings=[Drawing(kind="months", plot=plot)] if plot else [],
    )  # fmt: skip


def late(selection: Selection) -> Section:
    """The share of entries recorded late, by month."""
    found = statistics.by_month(selection.cases, statistics.late_of)
    plot = plots.months(found, words.short_month, limits=False)
    total = found.total
    return Section(
        slug="late",
        title=_("Late entries by month"),
        reading=_("%(share)s of %(n)d entries were recorded late.") % {"share": words.percent(total.rate), "n": total.n}
        if total.rate is not None
        else _("Nothing was recorded in this selection."),
        method=_(
            "Late is what was recorded longer after the act than its protocol allows. The line is the share over the "
            "whole selection. There are no limits: entries of one case are not independent of each other."
        ),
        table=Table(
            [
                Column(_("Month")), Column(_("Late"), Kind.COUNT), Column(_("Entries"), Kind.COUNT),
                Column(_("Share, %"), Kind.PERCENT),
            ],
            [[f"{m.first:%Y-%m}", m.hits, m.n, m.rate] for m in found.months],
        ),
        drawings=[Drawing(kind="months", plot=plot)] if plot else [],
    )  # fmt: skip
