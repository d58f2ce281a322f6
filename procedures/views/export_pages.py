"""The pages around an export, drawn again after a refusal too."""

from collections.abc import Callable, Mapping
from typing import cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from procedures import access, clock, signin
from procedures.caselog import Filters
from procedures.export_forms import QUERY_LIMIT as LONGEST
from procedures.exports import journal
from procedures.models import Export, Membership, User
from procedures.models.export import KINDS, OF_CASES
from procedures.rules import Act
from procedures.screens import accesses, log, record
from procedures.screens.parts import role_words
from procedures.screens.view import View

type Drawing = Callable[[HttpRequest, int, str, Mapping[str, str]], HttpResponse]


def ask_page(
    request: HttpRequest, status: int = 200, notice: str = "", errors: Mapping[str, str] | None = None
) -> HttpResponse:
    """What to take away of the cases that an address of the log chooses."""
    user = cast("User", request.user)
    typed = request.POST.get("query", "") if request.method == "POST" else request.GET.urlencode()
    query = journal.asked_for(QueryDict(typed[:LONGEST]), user)
    rows = request.POST.get("rows") or ("product" if {"lot", "product"} & query.keys() else "case")
    chips, problems = log.in_words(user, Filters.read(QueryDict(typed[:LONGEST]), user))
    screen = {
        "role": _role(user),
        "chips": chips,
        "problems": problems,
        "query": query.urlencode(),
        "cases": journal.cases(user, query, identified=False).order_by().count(),
        "kinds": [
            (key, str(label), key == (request.POST.get("kind") or "csv")) for key, label in KINDS.items()
        ],
        "rows": [(key, str(label), key == rows) for key, label in OF_CASES.items()],
        "names": bool(request.POST.get("names")),
        "reason": request.POST.get("reason", ""),
        "may_take_names": journal.may_take_names(user),
        "notice": notice,
        "errors": errors or {},
    }
    return render(request, "export_ask.html", {"screen": screen}, status=status)


def export_page(
    request: HttpRequest, status: int = 200, notice: str = "", errors: Mapping[str, str] | None = None
) -> HttpResponse:
    """How far an export has come; its owner's only."""
    match = request.resolver_match
    export = own(request, match.kwargs["pk"] if match else None)
    part = "#progress" if getattr(request, "htmx", False) else ""
    screen = {
        "role": _role(export.user),
        "export": export,
        "open": export.is_open(clock.now()),
        "notice": notice,
    }
    return render(request, f"export.html{part}", {"screen": screen}, status=status)


def _role(user: User) -> str:
    """What somebody is, in words."""
    return role_words(dict.fromkeys(Membership.objects.filter(user=user).values_list("role", flat=True)))


def record_page(request: HttpRequest, pk: UUID, *, printing: bool = False) -> HttpResponse:
    """The record, with what may be done with it: `printing` is the same page, noted as printed."""
    user = cast("User", request.user)
    view = View.load(user, pk)
    what = "print" if printing else "record"
    access.looked(user, view.case, what, signin.tablet_of(request))
    said = {
        "screen": record.of(view),
        "printing": printing,
        "may_export": view.actor.may(Act.EXPORT),
        "may_audit": view.actor.may(Act.AUDIT) or view.case.unit_id in accesses.may_audit_in(user),
    }
    return render(request, "record.html", said)


def own(request: HttpRequest, pk: object) -> Export:
    """The export, if it is the person's own; else it is not there."""
    try:
        return journal.own(cast("User", request.user), pk)
    except Export.DoesNotExist:
        raise Http404 from None


AGAIN: dict[str, Drawing] = {"export-ask": ask_page, "export-file": export_page}
