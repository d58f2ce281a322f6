"""What stands around every view: sign-in, a database that is away, refusals as answers, nothing kept by browsers."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase
from django.shortcuts import render
from django.template import loader

from .models import Case
from .rules import Invalid, Refused
from .views import answers

type GetResponse = Callable[[HttpRequest], HttpResponseBase]


class SignInRequired(LoginRequiredMiddleware):
    """A person's GET goes to the sign-in page. Anything else gets 401, so that no program reads a page as success."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponse:
        """302 to sign-in for a page that a person asks for, else (streams too) 401 with nothing to swap."""
        stream = request.path.endswith("/stream/")
        if request.method in ("GET", "HEAD") and not stream and not getattr(request, "htmx", False):
            return super().handle_no_permission(request, view_func)
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
