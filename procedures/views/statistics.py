"""The statistics of the case log's selection: the page, and each table as CSV."""

import csv
from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from procedures import caselog, signin
from procedures.exports import journal
from procedures.groups import By
from procedures.screens import statistics

from .answers import me


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """All plots of the selection."""
    return render(request, "statistics.html", {"screen": _screen(request)})


@require_safe
def table(request: HttpRequest, plot: str) -> HttpResponse:
    """The table behind one plot, noted as taken away. 404 for a plot that there is not."""
    if plot not in statistics.PLOTS:
        raise Http404(plot)
    screen = _screen(request, [plot])
    if request.method != "HEAD":
        _noted(request, plot, screen)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="kypho-{plot}.csv"'
    rows = csv.writer(response)
    for section in screen.sections:
        rows.writerows(section.table.csv())
    return response


def _noted(request: HttpRequest, plot: str, screen: statistics.StatisticsScreen) -> None:
    query = screen.filters.query.copy()
    if screen.by:
        query["by"] = screen.by
    journal.took_figures(me(request), plot, query, screen.in_words, screen.number, signin.tablet_of(request))


def _screen(request: HttpRequest, plots: Sequence[str] = ()) -> statistics.StatisticsScreen:
    filters = caselog.Filters.read(request.GET, me(request))
    asked = request.GET.get("by", "")
    by = By(asked) if asked in list(By) else By.NOTHING
    return statistics.build(me(request), filters, by, plots)
