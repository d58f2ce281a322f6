"""Structured logs without patient data, and one line and one measurement for each request.

A log line never holds a path, a query string, a body, the text of an exception (a database puts the offending values
into it) or a local variable: only names of routes, numbers, times and ids of users.
"""

import logging
import re
import time
import traceback
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

REQUESTS = Counter("kypho_requests", "Answers by route", ["method", "route", "status"])
SECONDS = Histogram(
    "kypho_request_seconds", "Time to an answer", ["route"], buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 6)
)
DEADLINES = Counter("kypho_deadlines", "Pages given up after the deadline")

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.stdlib.get_logger("kypho.request")


def configure(form: str, level: str, *, with_messages: bool) -> dict[str, Any]:
    """Set up structlog and return Django's LOGGING.

    `form` is "json" or "text", `level` the least that is logged. `with_messages` shows the texts of
    exceptions, which may hold patient data: for a developer's machine only.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: list[Any]
    if form == "json":
        last = [structlog.processors.JSONRenderer()]
    else:
        last = [
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        ]
    if not with_messages:
        last.insert(0, _bare_exception)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_path": {"()": NoPath}},
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            }
        },
        "handlers": {
            "lines": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["no_path"]}
        },
        "root": {"handlers": ["lines"], "level": level.upper()},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            # Each answer has its own line from RequestLog; what stays here are errors with their tracebacks.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
        },
    }


class NoPath(logging.Filter):
    """Cuts the requested path out of Django's own messages ("Internal Server Error: /some/path")."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.") and record.args and hasattr(record, "request"):
            record.msg, record.args = (
                str(record.args[0] if isinstance(record.args, tuple) else record.msg),
                (),
            )
        return True


def _bare_exception(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Replace a traceback by its types and places; the texts of exceptions may hold patient data."""
    info = event.pop("exc_info", None)
    record = event.get("_record")
    if not info and record is not None:
        info = record.exc_info
    error = info[1] if isinstance(info, tuple) else info
    event.pop("stack_info", None)
    chain = []
    while isinstance(error, BaseException):
        entry: dict[str, Any] = {
            "type": f"{type(error).__module__}.{type(error).__qualname__}",
            "at": [
                f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-25:]
            ],
        }
        if state := getattr(error, "sqlstate", None):
            entry["sqlstate"] = state
            entry["constraint"] = getattr(getattr(error, "diag", None), "constraint_name", None)
        chain.append(entry)
        error = error.__cause__ or error.__context__
        if len(chain) == 5:
            break
    if chain:
        event["error"] = chain
    return event


def route_of(request: HttpRequest) -> str:
    """The pattern of the URL, such as "cases/<uuid:pk>/"; never the path itself."""
    match = request.resolver_match
    return (match.route or "/") if match else "(none)"


class RequestLog:
    """The outermost middleware: one line for each answer, and a request id that the answer carries too."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._later(request)
        started = self._begin(request)
        return self._end(request, self.get_response(request), started)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        started = self._begin(request)
        return self._end(request, await self.get_response(request), started)

    def _begin(self, request: HttpRequest) -> float:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        request.META["kypho.request_id"] = request_id
        return time.perf_counter()

    def _end(self, request: HttpRequest, response: HttpResponseBase, started: float) -> HttpResponseBase:
        seconds = time.perf_counter() - started
        method = request.method if request.method in _METHODS else "OTHER"
        route = route_of(request)
        response.headers["X-Request-ID"] = request.META["kypho.request_id"]
        user = request.__dict__.get("_cached_user")  # only if somebody has asked: a log line makes no query
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(route).observe(seconds)
        log.info(
            "answered",
            method=method,
            route=route,
            name=request.resolver_match.view_name if request.resolver_match else None,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
            user=getattr(user, "pk", None),
        )
        return response
