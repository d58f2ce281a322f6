"""Requests as bytes, sent through the whole stack in process: what a test client would never let through."""

import io
from typing import Any
from urllib.parse import quote_plus

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import RequestFactory

from tests.web.visitor import Visitor

FORM = "application/x-www-form-urlencoded"
TOKEN = "a" * 32


class Reply:
    """Status, headers and body."""

    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = int(status.split(maxsplit=1)[0])
        self.headers = dict(headers)
        self.body = body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Wire:
    """One signed-in person's connection. CSRF is met, so that the fuzz reaches the forms."""

    def __init__(self, visitor: Visitor) -> None:
        session = visitor.client.cookies[settings.SESSION_COOKIE_NAME].value
        self.cookie = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={TOKEN}"
        self._handler = WSGIHandler()
        self._factory = RequestFactory()

    def send(
        self, method: str, path: bytes, body: bytes = b"", content_type: str = FORM, **extra: Any
    ) -> Reply:
        """Send these bytes. `path` is decoded as a server does it; `extra` are further CGI names."""
        path, _, query = path.partition(b"?")
        environ = self._factory.generic(method, "/").environ | dict(
            REQUEST_METHOD=method,
            PATH_INFO=path.decode("latin-1"),
            QUERY_STRING=query.decode("latin-1"),
            CONTENT_TYPE=content_type,
            CONTENT_LENGTH=str(len(body)),
            HTTP_COOKIE=self.cookie,
            **{"HTTP_X_CSRFTOKEN": TOKEN, **extra},
        )
        environ["wsgi.input"] = io.BytesIO(body)
        # The test's transaction lives on this connection: it must not be closed between requests.
        begun: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            begun.extend((status, headers))

        request_started.disconnect(close_old_connections)
        request_finished.disconnect(close_old_connections)
        response = self._handler(environ, start)
        try:
            return Reply(begun[0], begun[1], b"".join(response))
        finally:
            response.close()
            request_started.connect(close_old_connections)
            request_finished.connect(close_old_connections)


def encoded(fields: list[tuple[str, Any]]) -> bytes:
    """A form body; bytes go as they are, percent-encoded; a list gives its name several times."""
    pairs = [(name, one) for name, value in fields for one in (value if isinstance(value, list) else [value])]
    return b"&".join(quote_plus(name).encode() + b"=" + quote_plus(value).encode() for name, value in pairs)
