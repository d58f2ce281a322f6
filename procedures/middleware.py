"""What stands around every view: sign-in, a database that is away, refusals as answers, nothing kept by browsers."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib.auth.middleware import AuthenticationMiddleware, LoginRequiredMiddleware
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.template import loader
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from .models import Case
from .rules import Invalid, Refused
from .signin import sessions
from .views import answers

type GetResponse = Callable[[HttpRequest], HttpResponseBase]


class WhoIsThere(AuthenticationMiddleware):
    """`request.user`, read when somebody asks for it, and with it the tablet (`signin.tablet_of`)."""

    def process_request(self, request: HttpRequest) -> None:
        """Nothing is read yet."""
        request.user = SimpleLazyObject(partial(sessions.who, request))  # type: ignore[assignment]
        request.auser = partial(sync_to_async(sessions.who), request)


class SignInRequired(LoginRequiredMiddleware):
    """A person's GET goes to the sign-in page. Anything else gets 401, so that no program reads a page as success.

    On an enrolled tablet it goes to the names, and a page that is open shows them over itself.
    """

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponse:
        """302 to sign-in for a page that a person asks for, else (streams too) 401 with nothing to swap."""
        if sessions.tablet_of(request):
            return ask_for_the_pin(request)
        if is_a_page(request):
            return super().handle_no_permission(request, view_func)
        return signed_out(request)


class Locked:
    """A session that is locked answers nothing but the PIN; one with a PIN to change, nothing but that change."""

    OPEN_ALL_THE_SAME = frozenset({"switch", "lock", "tablet", "pin", "account_logout"})

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Ask for the PIN where the session is locked, else note that somebody did something."""
        match = request.resolver_match
        free = not getattr(view_func, "login_required", True)
        if free or (match and match.url_name in self.OPEN_ALL_THE_SAME) or not request.user.is_authenticated:
            return None
        if sessions.is_locked(request) or sessions.is_another(request):
            return ask_for_the_pin(request)
        if sessions.must_change_pin(request):
            return redirect_or_401(request, reverse("pin"), "change")
        sessions.touch(request)
        return None


def is_a_page(request: HttpRequest) -> bool:
    """Whether a person asked for a page, and can be sent to another."""
    if request.method not in ("GET", "HEAD") or request.path.endswith("/stream/"):
        return False
    return (
        not getattr(request, "htmx", False)
        and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    )


def ask_for_the_pin(request: HttpRequest) -> HttpResponse:
    """The page with the names; or 401 with `X-Kypho-Lock`, upon which an open page shows them over itself."""
    return redirect_or_401(request, reverse("switch"), "pin")


def redirect_or_401(request: HttpRequest, address: str, wanted: str) -> HttpResponse:
    """To an address with the way back in it, or 401 that says what is wanted."""
    if is_a_page(request):
        return redirect(f"{address}?{urlencode({'next': request.get_full_path()})}")
    response = signed_out(request)
    response["X-Kypho-Lock"] = wanted
    return response


def signed_out(request: HttpRequest) -> HttpResponse:
    """401, and nothing to swap."""
    response = render(request, "401.html", status=401)
    response["HX-Reswap"] = "none"
    return response


class Readable:
    """A request whose characters cannot be what a browser sends is refused before anything reads them: 400.

    Another charset than UTF-8 can make half characters that no database keeps; a NUL in a cookie likewise.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on, or refuse it."""
        charset = (request.content_params or {}).get("charset", "utf-8")
        if charset.lower() not in ("utf-8", "utf8") or any("\0" in v for v in request.COOKIES.values()):
            return unreadable()
        return self.get_response(request)


def unreadable() -> HttpResponse:
    """The page for a request that cannot be read."""
    return HttpResponseBadRequest(loader.get_template("400.html").render())


class DatabaseAway:
    """A database that is away, too slow or locked: a plain page that says so, 503, and a fresh connection next time."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        try:
            return self.get_response(request)
        except (OperationalError, InterfaceError):
            return away()

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for the view."""
        return away() if isinstance(exception, OperationalError | InterfaceError) else None


def away() -> HttpResponse:
    """The page for it; the broken connection is closed, so that the next request opens another."""
    connection.close()
    return HttpResponse(
        loader.get_template("503.html").render(),
        status=503,
        headers={"Retry-After": "2", "HX-Reswap": "none"},
    )


class RefusedAsResponse:
    """A rule's refusal becomes 409, a wrong value 422, a case that the user may not see 404: for every view here."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Turn what the commands raise into an answer."""
        try:
            match exception:
                case Refused():
                    return answers.refused(request, exception)
                case Invalid():
                    return answers.invalid(request, exception)
                case Case.DoesNotExist():
                    raise Http404 from exception
        except Case.DoesNotExist as not_theirs:  # a wrong form for a case of another unit
            raise Http404 from not_theirs
        return None


class NoStore:
    """No browser or proxy keeps a page, unless its view said otherwise."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on and mark the answer."""
        response = self.get_response(request)
        if "Cache-Control" not in response:
            response["Cache-Control"] = "no-store"
        return response
