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
    """A page of the cases that fit; or, where the page asks for them, the figures of all."""
    filters = Filters.read(request.GET, me(request))
    if request.headers.get("HX-Target") == "figures":
        return render(request, "case_log.html#figures", {"figures": log.figures(me(request), filters)})
    screen = log.build(me(request), filters, request.GET)
    return render(request, "case_log.html", {"screen": screen, "figures": screen.figures})


@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """Put the filters of the form into an address. The words are sealed: they may name a patient."""
    query, words = _filled(request.POST), request.POST.get("words", "").strip()
    query.pop("find", None)
    if problem := words_problem(words):
        screen = log.build(me(request), Filters.read(query, me(request)), query)
        page = {"screen": screen, "figures": screen.figures, "problem": problem, "typed": words}
        return render(request, "case_log.html", page, status=422)
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
    messages.success(request, _("The view is taken away."))
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
