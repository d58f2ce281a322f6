"""Ten thousand requests that no page of ours would send: none is a 5xx, and every page is still readable afterwards."""

import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
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

from procedures import access, commands, directory
from procedures.definitions import FieldType, Repeats, Step
from procedures.models import Case, Product
from procedures.protocols import frozen, loader
from tests.web.nasty import NASTY
from tests.web.stage import PATIENT, new_case, plan
from tests.web.visitor import Visitor
from tests.web.wire import FORM, Reply, Wire, encoded
from tests.world import World

pytestmark = pytest.mark.django_db

DICTIONARY, GUESSED = 6_000, 700
BATCH = 50
DESIGNED = {200, 302, 400, 404, 405, 409, 413, 422}

CODES = ("NUM", "CHO", "TXT", "DAY", "PRO", "PER", "BAT")

type Fields = dict[str, Any]
type Target = tuple[str, Fields, list[str]]


class Clean(HTMLParser):
    """Fails on anything in a page that could run."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """No handler, no foreign script, no picture of ours but drawings."""
        given = dict(attrs)
        assert tag not in ("img", "iframe", "object", "embed", "style"), (tag, attrs)
        assert tag != "script" or given.get("src", "").startswith("/static/"), attrs  # type: ignore[union-attr]
        for name, value in attrs:
            assert not name.startswith(("on", "hx-on", "data-hx", "style")), (name, value)
            assert not (value or "").strip().lower().startswith("javascript:") or name == "value", (
                name,
                value,
            )


class Site:
    """A small case of a protocol with a field of each type, and a case of the built-in one, before one nurse."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.count: Counter[int] = Counter()
        self.wire = Wire(Visitor(world.operator))
        self.real = world.started("L1", mrn="100000001")
        commands.set_emergency(world.command(self.real), on=True)
        loader.load(Path(__file__).parent / "tiny.toml")
        self.case = world.started("L1", "L2", mrn="100000002", family_name="Verdi")
        self.planned = world.open("L1", mrn="100000003", family_name="Bruni")
        self.batch = world.do(self.case, "MIX").last
        self.entries = {code: world.do(self.case, code, by="ward").last for code in CODES}
        commands.defer_level(world.command(self.case), vertebra="L2", reason="for the test")
        self.allergy = Case.objects.get(pk=self.case).patient.allergies.get().pk
        self.fields = [(path, right, name) for path, right, names in self.forms() for name in names]

    def send(self, path: str | bytes, body: bytes | None = None, kind: str = FORM, **extra: Any) -> Reply:
        """Send it, and look at what came back."""
        found = path if isinstance(path, bytes) else path.encode()
        reply = self.wire.send("GET" if body is None else "POST", found, body or b"", kind, **extra)
        self.count[reply.status] += 1
        allowed = DESIGNED | ({403} if found.startswith(b"/admin/") else set())
        allowed |= {429} if found.startswith(b"/accounts/") else set()
        assert reply.status in allowed, (reply.status, path, (body or b"")[:1500], kind, extra)
        for raw in (b"<img src=x", b"<script>pwn", b"<svg/onload", b"pwn=1\r\n"):
            assert raw not in reply.body, (path, body)
        assert "pwn" not in reply.headers.get("Set-Cookie", "")
        if sum(self.count.values()) % 25 == 0 and "html" in reply.headers.get("Content-Type", ""):
            Clean().feed(reply.text)
        return reply

    def read_back(self) -> None:
        """The pages that show what was kept."""
        pages = [f"/cases/{self.case}/{page}" for page in ("", "record/", "manage/")]
        pages += [f"/cases/{self.planned}/{page}" for page in ("", "record/")]
        pages += ["/", "/cases/new/?mrn=100000002", f"/cases/{self.real}/record/"]
        for page in pages:
            reply = self.wire.send("GET", page.encode())
            assert reply.status == 200, page
            Clean().feed(reply.text)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens inside is read back and then taken out of the database, so that the case stays small."""
        before = transaction.savepoint_create()
        access.forget()
        yield
        self.read_back()
        transaction.savepoint_rollback(before)
        directory.forget()

    def forms(self) -> list[Target]:
        """Every form: its path, what would be right, and the names to fill wrongly."""
        case, planned, why = f"/cases/{self.case}/", f"/cases/{self.planned}/", {"reason": "for the test"}
        by_step: dict[str, Fields] = {
            "NUM": {
                "v_number": "5",
                "v_pressure": "200",
                "v_pressure_unit": "[psi]",
                "confirmed": "pressure",
            },
            "CHO": {"v_choice": "one", "v_choices": "two", "v_yes": "yes"},
            "TXT": {"v_text": "words"},
            "DAY": {"v_time": "2026-11-22T08:00", "v_day": "2026-11-22"},
            "PRO": {
                "v_product": str(Product.objects.get(kind="cement").pk),
                "v_product_name": "",
                "v_product_lot": "K",
                "v_product_expires": "2027-03-31",
            },
            "PER": {"v_person": str(self.world.scrub.pk)},
            "BAT": {"v_batch": str(self.batch)},
        }
        at = {"seen": "999", "was": "MIX"}
        who = {"performed_by": str(self.world.nurse.pk), "performed_at": "", **at}
        mark = {"status": "not_done", "reason": "x", "override_reason": "y", **at}
        acts = [(f"{case}steps/{code}/done/", {**fields, **at}) for code, fields in by_step.items()]
        entry = f"{case}steps/{{}}/entries/{{}}/".format
        for code, seq in self.entries.items():
            acts.append((entry(code, seq) + "details/", {**by_step[code], "seen": "999"}))
            acts.append((entry(code, seq) + "correct/", {**by_step[code], **why, "seen": "999"}))
        number = entry("NUM", self.entries["NUM"])
        found: list[tuple[str, Fields]] = [
            *acts,
            (f"{case}steps/TXT/done/", {**who, "side": "", "override_reason": ""}),
            (f"{case}steps/IN-L1/done/", {"side": "both", **who}),
            (f"{case}steps/EV/done/", who),
            (f"{case}steps/IN-L1-left/mark/", mark),
            (f"{number}correct/", {**who, **why}),
            (f"{number}void/", {**why, "seen": "999"}),
            (f"{number}verify/", {"seen": "999"}),
            (f"{case}emergency/", {"on": "1", "seen": "999"}),
            (f"{case}pause/", {**why, "seen": "999"}),
            (f"{case}resume/", {"seen": "999"}),
            (f"{case}team/", {"user_id": str(self.world.scrub.pk), "role": "scrub_nurse"}),
            (f"{case}patient/", {**PATIENT, "family_name": "Verdi", "mrn": "100000002", **why}),
            (f"{case}allergies/add/", {"substance": "latex"}),
            (f"{case}allergies/{self.allergy}/withdraw/", why),
            (f"{case}levels/add/", {"vertebra": "L4", **why}),
            (f"{case}levels/L1/abandon/", why),
            (f"{case}levels/L2/reopen/", why),
            (f"{planned}plan/", {**plan(self.world), "team": str(self.world.nurse.pk)}),
            (f"{planned}start/", {}),
            (f"{planned}cancel/", why),
            (f"{planned}void/", why),
            (f"{planned}stop/", why),
            (f"{planned}complete/", {}),
            (
                "/cases/new/",
                {
                    **new_case(self.world),
                    "levels": "L1",
                    "team": str(self.world.nurse.pk),
                    "same_name_checked": "on",
                },
            ),
            ("/theme/", {"theme": "dark", "next": "/"}),
        ]
        return [(path, right, [*right, "command_id"]) for path, right in found]

    def submit(self, path: str, fields: Fields, name: str, value: bytes | str, htmx: bool = False) -> Reply:
        """The right form with one field filled with `value`."""
        right = {"command_id": str(uuid4()), **fields, name: value}
        return self.send(path, encoded(list(right.items())), **({"HTTP_HX_REQUEST": "true"} if htmx else {}))


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
            yield from (f"v_{field.key}_{part}" for part in ("name", "lot", "expires"))


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
