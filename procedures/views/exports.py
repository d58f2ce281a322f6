"""Take away: the log as a table, a case as PDF, FHIR or print."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.timezone import localdate
from django.views.decorators.http import require_http_methods, require_safe

from procedures import clock, rules, signin
from procedures.export_forms import ExportForm
from procedures.exports import as_csv, as_fhir, as_pdf, as_xlsx, columns, journal, sides
from procedures.exports.tables import Away, Table
from procedures.models import Export
from procedures.rules import Act
from procedures.screens import record
from procedures.screens.view import View

from . import export_pages
from .answers import looked, me

CSV, XLSX = "text/csv; charset=utf-8", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Choose what to take away; then note it and go to its page."""
    if request.method != "POST":
        return export_pages.ask_page(request)
    given = ExportForm(request.POST).checked()
    wanted = journal.Wanted(
        kind=given["kind"],
        rows=given["rows"],
        identified=given["names"],
        reason=given["reason"],
        query=QueryDict(given["query"]),
    )
    return redirect("export", journal.ask(me(request), wanted, signin.tablet_of(request)).pk)


@require_safe
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far it has come, and the link to the file."""
    return export_pages.export_page(request)


@require_safe
def file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The file, as it is made. It ends when the reader goes away."""
    export = export_pages.own(request, pk)
    journal.check_open(export)
    by = journal.away(export)
    table = _table(export, by)
    if request.method == "HEAD":
        return HttpResponse()
    pages = journal.pages(export, by, _gone(request))
    made = (as_csv if export.kind == "csv" else as_xlsx).stream(table, by, pages)
    return _attached(made, CSV if export.kind == "csv" else XLSX, f"kypho-cases-{localdate()}.{export.kind}")


def _table(export: Export, by: Away) -> Table:
    if export.rows == "side":
        return sides.of_sides(by)
    if export.rows == "product":
        query = QueryDict(export.query)
        return columns.of_uses(by, query.get("lot", ""), journal.product_of(query))
    return columns.of_cases(by)


def _gone(request: HttpRequest) -> Callable[[], bool]:
    """Whether the reader went away (kypho/asgi.py notes it)."""
    scope = request.META.get("asgi.scope") or {}
    return lambda: bool(scope.get("kypho.gone"))


def _attached(made: Iterator[bytes], kind: str, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_until_gone(made), content_type=kind)
    response["Content-Encoding"] = "identity"  # not packed on the way: each page goes out as it is made
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _until_gone(made: Iterator[bytes]) -> Iterator[bytes]:
    with suppress(journal.ReaderGone):
        yield from made


# One case -------------------------------------------------------------------------------------------------------------


@require_safe
def pdf(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The record as PDF/A. With the patient's name, so by those who may take names away."""
    view = View.load(me(request), pk)
    rules.check_may(view.actor, Act.EXPORT)
    looked(request, view.case, "pdf")
    made = as_pdf.pdf(record.of(view), me(request).display_name, clock.now(), signin.tablet_of(request))
    return _file(made, "application/pdf", f"kypho-record-{localdate()}.pdf")


@require_safe
def fhir(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The record as a FHIR bundle: without names, or with them (`names=1`) by those who may take them away."""
    view, identified = View.load(me(request), pk), request.GET.get("names") == "1"
    if identified:
        rules.check_may(view.actor, Act.EXPORT)
    looked(request, view.case, "fhir_names" if identified else "fhir")
    made = as_fhir.bundle(view, identified=identified)
    return _file(made, "application/fhir+json", f"kypho-case-{localdate()}.json")


@require_safe
def printed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The record to be printed: the same page, noted as printed."""
    return export_pages.record_page(request, pk, printing=True)


def _file(made: bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(made, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
