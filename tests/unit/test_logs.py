"""What reaches the log, and what never does."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from kypho import logs

MARKER = "Zzyzx"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The log as the real settings write it, into memory."""
    config = logs.configure("json", "info", with_messages=False)
    written = io.StringIO()
    config["handlers"]["lines"]["stream"] = written
    logging.config.dictConfig(config)
    yield written
    logging.config.dictConfig(settings.LOGGING)


def last(lines: io.StringIO) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return found


def test_an_error_shows_its_type_and_place_but_neither_its_words_nor_its_values(lines: io.StringIO) -> None:
    name = MARKER
    try:
        try:
            int(name)
        except ValueError as problem:
            raise LookupError(name) from problem
    except LookupError:
        logging.getLogger("kypho.test").exception("broken")
    assert MARKER not in lines.getvalue()
    assert [entry["type"] for entry in last(lines)["error"]] == [
        "builtins.LookupError",
        "builtins.ValueError",
    ]
    assert "test_logs.py" in last(lines)["error"][0]["at"][0]


def test_a_database_error_shows_its_code(lines: io.StringIO) -> None:
    try:
        raise psycopg.errors.UniqueViolation(f"Key (mrn)=({MARKER}) already exists")
    except psycopg.errors.UniqueViolation:
        logging.getLogger("kypho.test").exception("refused")
    assert last(lines)["error"][0]["sqlstate"] == "23505"
    assert MARKER not in lines.getvalue()


def test_djangos_own_messages_lose_the_path(lines: io.StringIO) -> None:
    request = RequestFactory().get(f"/{MARKER}/?q={MARKER}")
    logging.getLogger("django.request").error(
        "%s: %s", "Internal Server Error", request.path, extra={"status_code": 500, "request": request}
    )
    assert last(lines)["event"] == "Internal Server Error"
    assert MARKER not in lines.getvalue()


def answer(**headers: str) -> HttpResponse:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("hello", status=418)

    request = RequestFactory(headers=headers).post(f"/{MARKER}/?q={MARKER}", {"name": MARKER})
    request.resolver_match = None
    response = logs.RequestLog(view)(request)
    assert isinstance(response, HttpResponse)
    return response


def test_one_line_for_each_answer(lines: io.StringIO) -> None:
    response = answer()
    line = last(lines)
    assert (line["method"], line["route"], line["status"], line["user"]) == ("POST", "(none)", 418, None)
    assert line["request_id"] == response["X-Request-ID"]
    assert line["timestamp"].endswith("Z")
    assert MARKER not in lines.getvalue()


@pytest.mark.parametrize("given", ["short", "x" * 65, "line\nbreak-12345", "{json: 'yes-12345'}"])
def test_a_request_id_that_is_none_is_not_taken_over(lines: io.StringIO, given: str) -> None:
    assert answer(**{"X-Request-ID": given})["X-Request-ID"] != given
    assert given not in lines.getvalue()


def test_line_breaks_in_what_is_logged_do_not_make_lines(lines: io.StringIO) -> None:
    logging.getLogger("kypho.test").info('one\n{"event": "forged"}')
    assert len(lines.getvalue().splitlines()) == 1
