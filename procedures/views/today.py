"""Today: the cards of the day; and the choice of light or dark."""

from datetime import date

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from procedures.screens import today

from .answers import me

THEMES = ("light", "dark")


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The cases of a day, filtered by room and state."""
    live = request.headers.get("HX-Target") == "board"  # the cards alone: a colleague's tick woke the page
    room, state = request.GET.get("room", "")[:40], request.GET.get("state", "")[:12]
    screen = today.build(me(request), _day(request), room, state, cards_only=live)
    return render(request, "today.html#board" if live else "today.html", {"screen": screen})


def _day(request: HttpRequest) -> date | None:
    """The day asked for; today where it is none that a case can lie on."""
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return None
    return day if 2000 < day.year < 2199 else None


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the choice of light, dark, or as the system has it, and go back."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)  # not redirect(): a word would be taken for the name of a URL
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(
            "theme", chosen, max_age=365 * 86400, httponly=True, samesite="Lax", secure=settings.HTTPS
        )
    else:
        response.delete_cookie("theme")
    return response
