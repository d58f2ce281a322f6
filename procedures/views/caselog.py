"""The case log: show it, look for words, keep a view."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from procedures import caselog
from procedures.caselog import Filters
from procedures.caselog.filters import NAMES, words_problem
from procedures.rules import Invalid, Refused
from procedures.screens import log

from .answers import me

KEPT = (*NAMES, "sort")


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The cases that fit, a page of them, and the figures of all."""
    screen = log.build(me(request), Filters.read(request.GET, me(request)), request.GET)
    return render(request, "case_log.html", {"screen": screen})


@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """Put the filters of the form into an address. The words are sealed: they may name a patient."""
    query, words = _filled(request.POST), request.POST.get("words", "").strip()
    query.pop("find", None)
    if problem := words_problem(words):
        screen = log.build(me(request), Filters.read(query, me(request)), query)
        return render(
            request, "case_log.html", {"screen": screen, "problem": problem, "typed": words}, status=422
        )
    if words:
        query["find"] = caselog.seal(words)
    return _to_log(query)


@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep the filters and the order under a name."""
    query = _filled(request.POST)
    try:
        view = caselog.keep(me(request), request.POST.get("name", ""), query.urlencode())
    except (Invalid, Refused) as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("Kept as “%(name)s”.") % {"name": view.name})
    return _to_log(query)


@require_POST
def forget_view(request: HttpRequest, view: int) -> HttpResponse:
    """Take a view away."""
    if not caselog.forget(me(request), view):
        raise Http404
    return _to_log(_filled(request.POST))


def _filled(data: QueryDict) -> QueryDict:
    """The filters of a form, without what was left empty."""
    query = QueryDict(mutable=True)
    for name in KEPT:
        if given := [value for value in data.getlist(name) if value]:
            query.setlist(name, given)
    return query


def _to_log(query: QueryDict) -> HttpResponse:
    return redirect(f"{reverse('case-log')}?{query.urlencode()}" if query else reverse("case-log"))
