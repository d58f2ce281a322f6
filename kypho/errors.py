"""The last resort when something in or around a view breaks."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.defaults import server_error as plain_server_error

from procedures.middleware import away, unreadable


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400. Django's own page reads the form again for its CSRF token, and fails on it a second time."""
    return unreadable()


def server_error(request: HttpRequest) -> HttpResponse:
    """503 when the database is away, else 500.

    A session is read while the sign-in is checked and written after the view has answered; Django turns an error there
    into this answer before any middleware of ours could see it.
    """
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return away()
    return plain_server_error(request)
