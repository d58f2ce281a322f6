"""What every answer carries, and what none holds: no inline code, no patient in an address, a title or the log."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.template import loader
from django.urls import reverse
from django.utils.html import escape

from procedures import commands
from procedures.models import Case
from procedures.state import StepStatus
from tests.web.nasty import XSS
from tests.web.stage import PATIENT, Stage, new_case
from tests.web.visitor import Answer, Visitor
from tests.world import PASSWORD, World

pytestmark = pytest.mark.django_db(transaction=True)

TEMPLATES = Path(settings.BASE_DIR) / "templates"
MARKER: dict[str, Any] = {"family_name": "Zzyzxfamily", "given_name": "Zzyzxgiven", "mrn": "ZZYZX99"}
FORBIDDEN_TAGS = {"style", "iframe", "object", "embed", "base", "img"}


def every_answer(world: World) -> Iterator[tuple[str, Answer]]:
    """Each page of ours, and each kind of refusal, by its status."""
    stage = Stage(world)
    nurse, stranger, admin = Visitor(world.nurse), Visitor(world.stranger), Visitor(world.admin)
    for name, request in stage.requests.items():
        path = reverse(name, args=request.args)
        for method in ("GET", "POST"):
            for who in (nurse, admin, stranger, Visitor()):
                if method == "POST" and who is nurse:
                    yield f"wrong {name}", who.ask(method, path, {"command_id": "wrong"})
                    yield f"wrong {name}, htmx", who.ask(method, path, {"command_id": "wrong"}, htmx=True)
                else:
                    yield f"{method} {name}", who.ask(method, path, stage.data(name))
    yield "400", bad_host(nurse)
    yield "403", Visitor(world.nurse, enforce_csrf_checks=True).post("theme", theme="dark")
    yield "404", nurse.ask("GET", "/no/such/page/")
    yield "sign-in", Visitor().get("account_login")
    yield "readyz", Visitor().get("readyz")
    for name in ("account_logout", "account_change_password", "mfa_index", "account_inactive"):
        yield name, nurse.get(name)
    yield "wrong password", Visitor().ask("POST", "/accounts/login/", {"login": "nurse", "password": "no"})
    with connection.execute_wrapper(away):
        yield "503", nurse.get("today")
        yield "503", nurse.post("step-done", stage.running, "K01", htmx=True)


def bad_host(visitor: Visitor) -> Answer:
    return Answer(visitor.client.get("/", HTTP_HOST="evil.example"))


def away(*_: Any) -> Any:
    raise OperationalError("away")


@pytest.fixture
def answers(world: World) -> list[tuple[str, Answer]]:
    """All of them."""
    return list(every_answer(world))


# The same for everybody and without anybody's data: a tablet may keep them, and asks each time.
PUBLIC = {"GET manifest", "GET service-worker", "GET offline"}


def test_every_answer_is_hardened_and_kept_by_nobody(answers: list[tuple[str, Answer]]) -> None:
    assert {a.status for _name, a in answers} >= {200, 302, 400, 401, 403, 404, 405, 409, 422, 503}
    assert 500 not in {a.status for _name, a in answers}
    for name, answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy, name
        assert "default-src 'none'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
        assert answer.headers.get("X-Frame-Options") == "DENY", name
        assert answer.headers["Referrer-Policy"] == "same-origin", name
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", name
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", name
        assert "camera" in answer.headers["Permissions-Policy"], name
        assert ("no-cache" if name in PUBLIC else "no-store") in answer.headers["Cache-Control"], name


def test_no_page_holds_code_or_style_of_its_own(answers: list[tuple[str, Answer]]) -> None:
    read = 0
    for name, answer in answers:
        if "html" not in answer.headers.get("Content-Type", "") or not answer.html:
            continue
        read += 1
        tags = {tag for tag, _attribute, _value in answer.page.attributes}
        assert not tags & FORBIDDEN_TAGS, (name, tags & FORBIDDEN_TAGS)
        for tag, attribute, value in answer.page.attributes:
            assert attribute != "style", (name, tag, value)
            assert not attribute.startswith(("on", "hx-on", "hx-vals", "hx-headers", "data-hx")), (
                name,
                tag,
                attribute,
            )
            assert not value.strip().lower().startswith("javascript:"), (name, tag, attribute)
            assert not re.match(r"(?:https?:)?//", value) or attribute == "xmlns", (name, tag, value)
        for script in re.findall(r"<script\b([^>]*)>(.*?)</script>", answer.html, re.DOTALL):
            assert 'src="' in script[0], (name, script[0])
            assert not script[1].strip(), (name, script)
    assert read > 100


def test_no_template_writes_text_unescaped() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        # Django's own words about a good password are the only HTML that a template passes on.
        assert "|safe" not in text.replace("field.help_text|safe", ""), path
        assert "autoescape off" not in text, path
        assert not re.search(r"<[^>{%]*\bstyle\s*=", text), path
        assert not re.search(r"<[a-z][^>{%]*\son[a-z]+\s*=", text), path
        loader.get_template(str(path.relative_to(TEMPLATES)))


# The patient ------------------------------------------------------------------------------------------------


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """What is written to the log meanwhile, in the form in which it is written."""
    lines: list[str] = []
    formatter = next(
        h for h in logging.getLogger().handlers if h.__class__ is logging.StreamHandler
    ).formatter
    handler = logging.Handler()
    handler.setFormatter(formatter)
    handler.addFilter(next(iter(our_handler().filters)))
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


def our_handler() -> logging.Handler:
    """The handler that the settings made."""
    return next(h for h in logging.getLogger().handlers if h.__class__ is logging.StreamHandler)


def test_no_patient_in_an_address_a_title_a_header_or_the_log(world: World, log_lines: list[str]) -> None:
    case_id = world.started("L1", **MARKER)
    nurse = Visitor(world.nurse)
    seq = world.do(case_id, "PRE-ID", by="ward").last
    answers = [nurse.get(name, case_id) for name in ("case", "record", "manage", "missing")]
    answers += [
        nurse.get("today"),
        nurse.get("step", case_id, "K01"),
        nurse.get("entry", case_id, "PRE-ID", seq),
    ]
    answers += [nurse.get("new-case", mrn=MARKER["mrn"], family_name=MARKER["family_name"])]
    answers += [nurse.post("new-case", **new_case(world, **MARKER, birth_date="1952-03-12"))]
    answers += [nurse.post("new-case", **new_case(world, **MARKER))]
    details: dict[str, Any] = {**PATIENT, **MARKER, "sex": "X", "reason": "Zzyzx reason"}
    answers += [nurse.post("patient", case_id, **details)]
    answers += [nurse.post("patient", case_id, **details | {"mrn": "Zzyzx wrong"})]
    answers += [nurse.post("step-done", case_id, "EV-NOTE", v_text="Zzyzx note", htmx=True)]
    answers += [
        nurse.ask("GET", "/Zzyzxpath/"),
        nurse.ask("POST", "/cases/new/?mrn=ZZYZX99", {"mrn": "\0ZZYZX"}),
    ]
    answers += [Visitor().ask("POST", "/accounts/login/", {"login": "Zzyzxuser", "password": "Zzyzxword"})]
    with connection.execute_wrapper(broken):
        answers += [
            nurse.post("allergy-add", case_id, substance="Zzyzx substance"),
            nurse.get("case", case_id),
        ]
    shown = [a for a in answers if "zzyzx" in a.html.lower()]
    assert len(shown) > 8, "the marker is on the pages"
    for answer in answers:
        assert "zzyzx" not in answer.page.title.lower()
        assert "zzyzx" not in str(dict(answer.headers)).lower()
        links = " ".join(
            value
            for _tag, name, value in answer.page.attributes
            if name in ("href", "action", "hx-get", "hx-post", "src")
        )
        assert "zzyzx" not in links.lower()
        assert "zzyzx" not in str(answer.response.cookies).lower()
    written = [json.loads(line) for line in log_lines]
    assert sum(line["event"] == "answered" for line in written) >= len(answers)
    assert "zzyzx" not in "\n".join(log_lines).lower()
    assert PASSWORD not in "\n".join(log_lines)


def broken(_execute: Any, sql: str, params: Any, _many: bool, _context: Any) -> Any:
    """An error of the database that repeats what it was given, as PostgreSQL does."""
    raise OperationalError(f"Key (mrn)=(ZZYZX99) in {sql} {params}")


def test_text_that_would_run_is_shown_as_text(world: World) -> None:
    nurse = Visitor(world.nurse)
    for at, payload in enumerate(XSS):
        short = payload[:80]
        case_id = world.started("L1", mrn=f"5{at}", family_name=short, given_name=short, allergies=[short])
        for key, name in (("EV-NOTE", "v_text"), ("EV-DEVICE", "v_device"), ("EV-DEVIATION", "v_what")):
            typed: dict[str, Any] = {name: payload}
            assert nurse.post("step-done", case_id, key, **typed).status == 302
        commands.pause(world.command(case_id), reason=payload)
        commands.defer_level(world.command(case_id), vertebra="L1", reason=payload)
        commands.mark(world.command(case_id), "PRE-BASE", status=StepStatus.NOT_DONE, reason=payload)
        shown = [nurse.get(name, case_id) for name in ("case", "record", "manage", "missing")]
        shown += [nurse.get("today"), nurse.get("new-case", mrn=f"5{at}")]
        shown += [nurse.get("step", case_id, "EV-NOTE", htmx=True, seen="1")]
        for answer in shown:
            assert answer.status == 200
            if escape(payload) != payload:
                assert payload not in answer.html
            assert not [
                t
                for t, name, _v in answer.page.attributes
                if t in FORBIDDEN_TAGS or name.startswith(("on", "hx-on"))
            ]
        assert escape(payload) in nurse.get("record", case_id).html
    assert Case.objects.count() == len(XSS)
