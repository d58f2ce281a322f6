"""The site that the fuzz drives: it sends, judges each answer, and reads every page back."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import transaction

from procedures import access, commands, directory
from procedures.models import Case, Product
from procedures.protocols import loader
from tests.web.stage import PATIENT, new_case, plan
from tests.web.visitor import Visitor
from tests.web.wire import FORM, Reply, Wire, encoded
from tests.world import World

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
        self.signed = world.signed("L1", mrn="100000004", family_name="Alba")
        self.cement = world.step(self.signed, "K09d-L1-left").live[-1].seq
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
        pages += [f"/cases/{self.signed}/{page}" for page in ("note/", "addendum/")]
        pages += [f"/cases/{self.real}/sign/"]
        pages += ["/log/", "/log/?sort=patient", "/log/statistics/"]
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
                "v_product_expires": "2099-03-31",
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
            *self.notes(),
            ("/log/find/", {"words": "rossi", "status": "scheduled", "level": "L1", "sort": "patient"}),
            ("/log/views/save/", {"name": "mine", "flag": "late", "find": "x"}),
            ("/theme/", {"theme": "dark", "next": "/"}),
        ]
        return [(path, right, [*right, "command_id"]) for path, right in found]

    def notes(self) -> list[tuple[str, Fields]]:
        """The forms of an operative note, before and after it is signed."""
        note = {"seq": "3", "s_findings": "words", "seen_findings": "0", "why_cement": "x", "cosign_by": ""}
        note |= {"page": "", "kept": "", "over": "", "why_instead": ""}
        proof = {"password": "not this", "code": ""}
        added = {"key": "K09d-L1-left", "about": str(self.cement), "v_volume": "4", "v_leak": "disc"}
        signed = f"/cases/{self.signed}/"
        return [
            (f"/cases/{self.real}/sign/", {**note, **proof}),
            (f"/cases/{self.real}/sign/draft/", {**note, "take": "", "leave": ""}),
            (f"{signed}note/cosign/", {"reason": "", "seen": "9", **proof}),
            (f"{signed}note/cosign/move/", {"to": "", "reason": ""}),
            (
                f"{signed}addendum/",
                {**added, "why": "image", "reason": "", "text": "words", "performed_at": ""},
            ),
        ]

    def submit(self, path: str, fields: Fields, name: str, value: bytes | str, htmx: bool = False) -> Reply:
        """The right form with one field filled with `value`."""
        right = {"command_id": str(uuid4()), **fields, name: value}
        return self.send(path, encoded(list(right.items())), **({"HTTP_HX_REQUEST": "true"} if htmx else {}))
