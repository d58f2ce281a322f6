"""Ten thousand requests that no page of ours would send: none is a 5xx, and every page is still readable afterwards."""

import logging
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction
from django.template.base import Template
from django.test.utils import _TestState
from hypothesis import HealthCheck, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from procedures.caselog.filters import NAMES
from procedures.definitions import FieldType, Repeats, Step
from procedures.models import Case
from procedures.protocols import frozen
from tests.web.fuzzed import BATCH, DESIGNED, Site
from tests.web.nasty import NASTY
from tests.web.wire import FORM, encoded
from tests.world import World

pytestmark = pytest.mark.django_db

DICTIONARY, GUESSED = 6_000, 700


@pytest.fixture
def site(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Without what the test runner adds to each page and log line: it would take half of the time."""
    undressed = _TestState.saved_data.template_render  # type: ignore[attr-defined]
    monkeypatch.setattr(Template, "_render", undressed)
    logging.disable(logging.INFO)
    yield Site(world)
    logging.disable(logging.NOTSET)


def test_a_dictionary_of_nasty_values_in_every_field(site: Site) -> None:
    dice = random.Random(20261122)
    pairs = [(*at, value) for at in site.fields for value in NASTY]
    dice.shuffle(pairs)
    assert len(pairs) > DICTIONARY
    for start in range(0, DICTIONARY, BATCH):
        with site.undone():
            for path, right, name, value in pairs[start : start + BATCH]:
                site.submit(path, right, name, value, htmx=dice.random() < 0.9)
    print(dict(site.count))
    assert sum(site.count.values()) >= DICTIONARY
    assert site.count[422] > DICTIONARY / 10, "the forms were reached"
    assert site.count[302] + site.count[200] > DICTIONARY / 10, "and so were the commands behind them"


def test_every_field_of_the_built_in_protocol(site: Site) -> None:
    """The case is an emergency, so that no order stands before the values."""
    protocol = frozen.protocol(Case.objects.get(pk=site.real).protocol_id)
    worst = (b"\x00", "1e309", '"><img src=x onerror=pwn()>', "9999-12-31T23:59:59-14:00")
    for start in range(0, len(protocol.steps), 10):
        with site.undone():
            for step in protocol.steps[start : start + 10]:
                where = {Repeats.ONCE: "", Repeats.LEVEL: "-L1", Repeats.ACCESS: "-L1-left"}[step.repeats]
                right = {"seen": "999"} | ({"side": "left"} if step.repeats is Repeats.ACCESS else {})
                for name in names(step):
                    for value in worst:
                        path = f"/cases/{site.real}/steps/{step.code}{where}/done/"
                        site.submit(path, right, name, value, htmx=True)
    assert sum(site.count.values()) > 700


def names(step: Step) -> Iterator[str]:
    for field in step.fields:
        yield f"v_{field.key}"
        if field.units:
            yield f"v_{field.key}_unit"
        if field.type is FieldType.PRODUCT:
            yield from (f"v_{field.key}_{part}" for part in ("name", "lot", "expires", "scan", "read"))


def test_every_part_of_an_address_and_every_query(site: Site) -> None:
    case = f"/cases/{site.case}/"
    parts = [
        "/{}",
        "/cases/{}/",
        "/cases/{}/record/",
        case + "{}/",
        case + "steps/{}/",
        case + "steps/{}/done/",
        case + "steps/TXT/entries/{}/",
        case + "steps/TXT/entries/{}/void/",
        case + "levels/{}/abandon/",
        case + "allergies/{}/withdraw/",
        "/log/views/{}/forget/",
        "/log/statistics/{}.csv",
        "/accounts/2fa/webauthn/keys/{}/edit/",
        "/admin/{}/",
        "/static/{}",
    ]
    queries = [
        "/?day={}",
        "/?room={}",
        "/?state={}",
        "/?{}",
        "/cases/new/?mrn={}",
        "/cases/new/?unit={}",
        "/cases/new/?family_name={}",
        "/cases/new/?levels={}",
        "/cases/new/?team={}",
        case + "?seen={}",
        case + "?was={}",
        case + "steps/TXT/?was={}&seen=2",
        "/accounts/login/?next={}",
        *(f"/log/?{name}={{}}" for name in (*NAMES, "sort", "at")),
        *(f"/log/statistics/?{name}={{}}" for name in ("by", "since", "operator", "lot")),
        f"/cases/{site.signed}/addendum/?key={{}}&about={site.cement}",
        f"/cases/{site.signed}/addendum/?key=K09d-L1-left&about={{}}",
        f"/cases/{site.signed}/addendum/?key=K09d-L1-left&about={site.cement}&first={{}}",
    ]
    for value in NASTY[::2]:
        raw = (value if isinstance(value, bytes) else value.encode())[:3000]
        if b"\x00" in raw or len(raw) < 200:
            for pattern in parts:
                head, _, tail = pattern.partition("{}")
                path = head.encode() + raw.replace(b"?", b"") + tail.encode()
                site.send(path)
                if "{}/" in pattern and (
                    "done" in tail or "void" in tail or "abandon" in tail or "withdraw" in tail
                ):
                    site.send(path, encoded([("command_id", str(uuid4())), ("reason", "x")]))
        for pattern in queries:
            head, _, tail = pattern.partition("{}")
            htmx: dict[str, Any] = (
                {"HTTP_HX_REQUEST": "true"} if "was" in pattern or "seen" in pattern else {}
            )
            site.send((head + quote(raw, safe="") + tail).encode(), **htmx)
    site.read_back()
    assert sum(site.count.values()) > 1_200


MULTI = "multipart/form-data; boundary=b"
CHARSETS = [
    "utf-7",
    "utf-16",
    "raw-unicode-escape",
    "unicode-escape",
    "idna",
    "punycode",
    "hex",
    "rot13",
    "zlib",
    "base64",
    "undefined",
    "mbcs",
    "cp037",
    "no-such",
    "",
    "x" * 5000,
    "latin-1",
    "utf-8-sig",
    "utf-8\r\nX: y",
]


def parts(*of: tuple[str, bytes]) -> bytes:
    """A multipart body."""
    made = [
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (n.encode(), v) for n, v in of
    ]
    return b"".join(made) + b"--b--\r\n"


def test_bodies_that_are_no_form(site: Site) -> None:
    path = f"/cases/{site.case}/steps/TXT/done/"
    right = encoded([("command_id", str(uuid4())), ("v_text", "x")])
    whole = parts(
        ("command_id", str(uuid4()).encode()),
        ("v_text", b"\\ud800 +2AA- \xed\xa0\x80"),
        ("reason", b"\\udfff"),
    )
    for address in (
        path,
        f"/cases/{site.case}/pause/",
        "/cases/new/",
        "/theme/",
        "/products/scan/needle/f-v_needle/",
        "/accounts/login/",
        f"/cases/{site.case}/steps/TXT/entries/{site.entries['TXT']}/correct/",
    ):
        for charset in CHARSETS:
            site.send(address, right, f"{FORM}; charset={charset}")
            site.send(address, whole, f"{MULTI}; charset={charset}")
        for kind in (
            "application/json",
            "text/plain",
            "",
            "x",
            "application/xml",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            f"multipart/form-data; boundary={'b' * 300}",
            "multipart/mixed; boundary=b",
            "multipart/form-data; boundary=\x00",
            "/",
            ";;;",
            "a/b; c",
        ):
            site.send(address, right, kind)
            site.send(address, b'{"command_id": "\\u0000", "a": [[[[NaN]]]]}', kind)
            site.send(address, whole, kind)
        for body in (
            b"",
            b"&",
            b"=",
            b"&&&===",
            b"%",
            b"%0",
            b"%zz=%zz",
            b"\x00",
            b"\xff" * 100,
            b"a=b;c=d",
            b"+" * 1000,
            right[:-3] + b"%",
            b"&".join(b"a%d=1" % n for n in range(1001)),
            b"a=" + b"x" * (3 * 1024 * 1024),
            b"command_id=" * 500,
        ):
            site.send(address, body)
            site.send(address, body, MULTI)
        for broken in (
            whole[:-9],
            whole[:20],
            b"--b\r\n\r\n--b--",
            b"--b--",
            whole.replace(b"\r\n", b"\n"),
            b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
            whole.replace(b"form-data;", b"form-data; filename=x;"),
            whole.replace(b'name="v_text"', b'name="\x00"'),
            b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--b--',
            parts(*((f"a{n}", b"1") for n in range(1001))),
            parts(("v_text", b"x" * (3 * 1024 * 1024))),
        ):
            site.send(address, broken, MULTI)
    site.read_back()
    assert sum(site.count.values()) > 500


def test_headers_and_cookies_that_no_browser_sends(site: Site) -> None:
    good = site.wire.cookie
    session, csrf = settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME
    for value in (
        "\\000",
        '"\\000aaaaaaaa"',
        '"\\377\\376aaaaaaa"',
        "a" * 8000,
        "aaaaaaaa;;;",
        "=",
        '"',
        "é" * 10,
        "\x80\x81" * 8,
        "%00aaaaaaa",
        "'--aaaaaaa",
    ):
        for name in (session, csrf, "theme", "messages", ""):
            site.wire.cookie = f"{good}; {name}={value}"
            site.wire.send("GET", b"/")
            for path, body in (
                ("/", None),
                ("/accounts/login/", b"login=x&password=y"),
                ("/theme/", b"theme=dark"),
            ):
                reply = site.wire.send("POST" if body else "GET", path.encode(), body or b"")
                assert reply.status < 500, (path, name, value)
                assert reply.status in DESIGNED | {401, 403, 429}, (reply.status, path, name, value)
    site.wire.cookie = good
    for name in (
        "HTTP_HOST",
        "HTTP_ACCEPT_LANGUAGE",
        "HTTP_X_REQUEST_ID",
        "HTTP_REFERER",
        "HTTP_ORIGIN",
        "HTTP_HX_CURRENT_URL",
        "HTTP_HX_TARGET",
        "HTTP_HX_PROMPT",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_NONE_MATCH",
        "HTTP_RANGE",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_ACCEPT_ENCODING",
        "HTTP_AUTHORIZATION",
        "HTTP_X_CSRFTOKEN",
        "HTTP_USER_AGENT",
        "REMOTE_ADDR",
    ):
        for value in (
            "",
            "\x80\xff",
            "a" * 9000,
            "'",
            "null",
            "http://[",
            "//",
            "-1",
            "bytes=9-1",
            "é",
            "%00",
            "Bearer \u00ff",
        ):
            for path in ("/", f"/cases/{site.case}/", "/readyz", "/metrics", "/nothing"):
                reply = site.wire.send(
                    "GET", path.encode(), b"", FORM, **({"HTTP_HX_REQUEST": "true"} | {name: value})
                )
                assert reply.status < 500, (path, name, value)
    site.read_back()


@with_settings(
    max_examples=GUESSED,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    at=st.integers(0, 10_000),
    value=st.one_of(
        st.binary(max_size=60),
        st.text(max_size=60),
        st.decimals().map(str),
        st.integers().map(str),
        st.datetimes().map(str),
        st.floats().map(str),
    ),
)
def test_whatever_hypothesis_thinks_of(site: Site, at: int, value: bytes | str) -> None:
    path, right, name = site.fields[at % len(site.fields)]
    before = transaction.savepoint_create()
    reply = site.submit(path, right, name, value, htmx=at % 8 > 0)
    if reply.status in (200, 302) and at % 4 == 0:
        site.read_back()
    transaction.savepoint_rollback(before)
