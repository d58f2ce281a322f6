"""The sheet of paper: for when Kypho is away, and afterwards to enter from."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from procedures.models import ProtocolVersion
from procedures.screens import paper

from .answers import looked, me, sent


@require_safe
def blank(request: HttpRequest) -> HttpResponse:
    """A sheet without a patient; `protocol` asks for another published version than the newest."""
    try:
        screen = paper.blank(me(request), sent(request.GET, "protocol"))
    except ProtocolVersion.DoesNotExist:
        raise Http404 from None
    return render(request, "paper.html", {"screen": screen})


@require_safe
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The sheet of a case, with what is recorded so far. Printing is a look at the patient."""
    screen = paper.for_case(me(request), pk)
    looked(request, screen.case, "paper")
    return render(request, "paper.html", {"screen": screen})
