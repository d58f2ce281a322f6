"""How the pages around the tablet are drawn, and drawn again after a refusal. What was typed as a PIN never is."""

from collections.abc import Callable, Mapping
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from procedures import signin
from procedures.models import User
from procedures.rules import Refused
from procedures.screens import ward
from procedures.signin import sessions

type Drawing = Callable[[HttpRequest, int, str, Mapping[str, str]], HttpResponse]


def way_back(request: HttpRequest) -> str:
    """The page of ours from which somebody came, or Today."""
    sent = request.POST if request.method == "POST" else request.GET
    back = sent.get("next", "/")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return back if safe and not back.startswith("/switch/") else "/"


def switch_page(
    request: HttpRequest, status: int = 200, notice: str = "", errors: Mapping[str, str] | None = None
) -> HttpResponse:
    """The names and the pad: the page, or with htmx what stands in the sheet. Off a tablet: the sign-in."""
    tablet = signin.tablet_of(request)
    if tablet is None:
        if status == 200:
            return redirect("account_login")
        return render(request, "409.html", {"sentence": notice, "back": "/"}, status=status)
    typed = request.POST.get("user_id", "") if request.method == "POST" else ""
    screen = ward.switch(
        tablet,
        chosen=int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 16 else 0,
        locked=request.user.is_authenticated and sessions.is_locked(request),
        back=way_back(request),
        notice=notice,
        errors=errors,
    )
    part = "#sheet" if getattr(request, "htmx", False) else ""
    return render(request, f"switch.html{part}", {"screen": screen}, status=status)


def tablet_page(
    request: HttpRequest, status: int = 200, notice: str = "", errors: Mapping[str, str] | None = None
) -> HttpResponse:
    """Where a tablet takes its code."""
    found = {"enrolled": signin.tablet_of(request), "notice": notice, "errors": errors or {}}
    return render(request, "tablet.html", {"screen": found}, status=status)


def pin_page(
    request: HttpRequest, status: int = 200, notice: str = "", errors: Mapping[str, str] | None = None
) -> HttpResponse:
    """Where people choose their own PIN."""
    screen = ward.own_pin(
        cast("User", request.user),
        signin.tablet_of(request),
        at_first_use=sessions.must_change_pin(request),
        back=way_back(request),
        notice=notice,
        errors=errors or {},
    )
    return render(request, "pin.html", {"screen": screen}, status=status)


def unit_page(
    request: HttpRequest,
    status: int = 200,
    notice: str = "",
    errors: Mapping[str, str] | None = None,
    told: tuple[str, str] | None = None,
) -> HttpResponse:
    """The people of a unit. Whoever is charge nurse of none gets the sentence that says so."""
    sent = request.POST.get("unit_id", "") or request.GET.get("unit", "")
    wanted = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 16 else 0
    said = {"notice": notice, "errors": errors or {}, "told": told, "typed": {} if told else request.POST}
    try:
        screen = ward.people(cast("User", request.user), wanted, **said)
    except Refused as refused:
        return render(request, "409.html", {"sentence": refused.sentence, "back": "/"}, status=409)
    return render(request, "unit.html", {"screen": screen}, status=status)


AGAIN: dict[str, Drawing] = {
    "switch": switch_page,
    "tablet": tablet_page,
    "pin": pin_page,
    "unit": unit_page,
    "unit-reset": unit_page,
    "unit-unlock": unit_page,
    "unit-agency": unit_page,
    "unit-end": unit_page,
}
