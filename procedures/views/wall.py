"""The wall display: no sign-in, its token is its right. A token that is revoked or unknown is not found."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from procedures import walls
from procedures.models import WallLink
from procedures.screens import wall

from .stream import stream_of_unit

QUIET = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


def _link(token: str) -> WallLink:
    try:
        return walls.find(token)
    except WallLink.DoesNotExist:
        raise Http404 from None


@login_not_required
@require_safe
def show(request: HttpRequest, token: str) -> HttpResponse:
    """The board; with htmx the board alone."""
    screen = wall.build(_link(token))
    part = "wall.html#board" if request.htmx else "wall.html"  # type: ignore[attr-defined]
    return _quiet(render(request, part, {"screen": screen, "token": token, "theme": "dark"}))


def _quiet(response: HttpResponse) -> HttpResponse:
    for name, value in QUIET.items():
        response[name] = value
    return response


@login_not_required
@require_safe
def stream(request: HttpRequest, token: str) -> HttpResponse:
    """Wakes when a case of the unit changes; judged anew each time it is opened."""
    return stream_of_unit(_link(token).unit_id)
