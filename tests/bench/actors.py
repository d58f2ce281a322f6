"""What is measured against each other: raw psycopg, a whole tick over HTTP, and a checkbox in the Django admin."""

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import psycopg
from django.conf import settings
from django.test import Client

from kypho import database
from procedures import canonical, clock, projection
from procedures.definitions import FieldType, Key
from procedures.fold import apply
from procedures.models import Case, Product, User
from procedures.progress import Progress
from procedures.protocols import frozen
from procedures.state import CaseState, EventKind, StepState
from procedures.state import Event as Happening
from tests import world as worlds
from tests.settings import FOLDER


class Browser:
    """A signed-in person over one kept-open connection; sends as little as a browser may."""

    def __init__(self, url: str, user: User) -> None:
        host = url.removeprefix("http://")
        self.connection = http.client.HTTPConnection(host, timeout=30)
        client = Client()
        client.force_login(user)
        token = "b" * 32
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.headers = {
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={token}",
            "X-CSRFToken": token,
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def post(self, path: str, data: list[tuple[str, Any]], **headers: str) -> tuple[int, bytes]:
        """Status and body."""
        self.connection.request("POST", path, urlencode(data), {**self.headers, **headers})
        response = self.connection.getresponse()
        return response.status, response.read()

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Status and body as sent (compressed where asked for)."""
        self.connection.request("GET", path, headers={**self.headers, **headers})
        response = self.connection.getresponse()
        return response.status, response.read()


class Ticks:
    """The ticks of a whole case in their natural order, with what each needs now, for as many cases as wanted."""

    def __init__(self, world: worlds.World) -> None:
        self.world = world
        self.forms = list(self._script())
        self.made = 0

    def _script(self) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
        case_id = self.world.started("T12", "L1", mrn="script")
        protocol = frozen.protocol(Case.objects.get(pk=case_id).protocol_id)
        while place := Progress(protocol, projection.load(Case.objects.get(pk=case_id))).next_place():
            values = worlds.needed_now(case_id, str(place.key))
            side = {"side": "left"} if place.needs_side else {}
            data = [
                (f"v_{f.key}", _sent(f.type, values[f.key]))
                for f in place.definition.fields
                if f.key in values
            ]
            yield str(place.key), [*data, *side.items(), ("was", str(place.key))]
            self.world.do(case_id, str(place.key), **side)

    def cases(self) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
        """Path and form of one tick after the other, case after case, without end."""
        while True:
            self.made += 1
            case_id = self.world.started("T12", "L1", mrn=f"b{self.made}-{uuid4().hex[:8]}")
            seen = Case.objects.get(pk=case_id).last_seq
            for key, data in self.forms:
                yield f"/cases/{case_id}/steps/{key}/done/", [*data, ("command_id", uuid4()), ("seen", seen)]
                seen += 2 if ("side", "left") in data else 1


def _sent(kind: FieldType, value: Any) -> Any:
    match kind:
        case FieldType.NUMBER | FieldType.QUANTITY:
            return value["amount"]
        case FieldType.PRODUCT | FieldType.PERSON:
            return value["id"]
        case FieldType.ENTRY:
            return value["seq"]
        case FieldType.YESNO:
            return "yes" if value else "no"
    return value


class Raw:
    """psycopg writing the rows that the tick of a note writes: lock, event, step, case, notify, commit. Nothing else.

    The rows are true: `verify_log` accepts them. After `NOTES` notes it goes on in the next case: rows stay small.
    """

    NOTES = 50

    def __init__(self, world: worlds.World, cases: int) -> None:
        self.waiting = [world.started("T12", "L1", mrn=f"raw-{uuid4().hex[:12]}") for _ in range(cases)]
        self.connection = psycopg.connect(database.url("kypho_app", FOLDER))
        self._next_case()

    def _next_case(self) -> None:
        self.case = Case.objects.get(pk=self.waiting.pop())
        self.head, self.seq = bytes(self.case.head_hash), self.case.last_seq
        self.entries: list[Any] = []

    def write(self) -> None:
        """One event with its projections, as kypho_app."""
        if len(self.entries) == self.NOTES:
            self._next_case()
        event = self._event()
        text, last, digest = canonical.encode(self.case.pk, event), self.head, bytes(32)
        self.head = canonical.chain(last, text)
        user, moment = event.performed_by, event.performed_at
        with self.connection.transaction():
            execute = self.connection.execute
            execute("SELECT * FROM procedures_case WHERE id = %s FOR UPDATE", [self.case.pk])
            execute(
                "INSERT INTO procedures_event (case_id, seq, kind, step_key, performed_by_id, recorded_by_id,"
                " performed_at, recorded_at, source, command_id, part, input_digest, canonical, prev_hash, hash)"
                " VALUES (%s, %s, 'step.done', 'EV-NOTE', %s, %s, %s, %s, 'live', %s, 0, %s, %s, %s, %s)",
                [
                    self.case.pk,
                    self.seq,
                    user,
                    user,
                    moment,
                    moment,
                    event.command_id,
                    digest,
                    text,
                    last,
                    self.head,
                ],
            )
            execute(
                "UPDATE procedures_step SET state = 'done', entries = %s, done_at = %s, last_seq = %s"
                " WHERE case_id = %s AND key = 'EV-NOTE'",
                [json.dumps(self.entries), moment, self.seq, self.case.pk],
            )
            execute(
                "UPDATE procedures_case SET last_seq = %s, head_hash = %s WHERE id = %s",
                [self.seq, self.head, self.case.pk],
            )
            execute("SELECT pg_notify('kypho', %s)", [f"{self.case.unit_id}:{self.case.pk}:{self.seq}"])

    def _event(self) -> Happening:
        self.seq += 1
        moment, user = clock.now(), self.case.operator_id or 0
        event = Happening(
            seq=self.seq,
            kind=EventKind.STEP_DONE,
            step_key="EV-NOTE",
            values={"text": "steady"},
            performed_by=user,
            recorded_by=user,
            performed_at=moment,
            recorded_at=moment,
            command_id=uuid4(),
        )
        before = CaseState(last_seq=self.seq - 1, steps={"EV-NOTE": StepState(Key("EV-NOTE"))})
        step = apply(frozen.protocol(self.case.protocol_id), before, event).steps["EV-NOTE"]
        self.entries.append(projection.entry_row(step.entries[0]))
        return event


class Checkbox:
    """The Django admin of this project, saving one checkbox of a product."""

    def __init__(self, url: str, admin: User) -> None:
        self.browser = Browser(url, admin)
        product = Product.objects.create(kind="needle", name="Bench needle", manufacturer="Maker")
        self.path = f"/admin/procedures/product/{product.pk}/change/"
        status, page = self.browser.get(self.path)
        if status != 200:
            raise AssertionError(f"the admin answered {status}")
        tags = re.findall(r"<(?:input|textarea)[^>]*>", page.decode())
        shown = {name[1]: tag for tag in tags if (name := re.search(r' name="([\w-]+)"', tag))}
        self.data = [("kind", "needle")] + [
            (name, value[1] if (value := re.search(r' value="([^"]*)"', tag)) else "")
            for name, tag in shown.items()
            if name not in ("csrfmiddlewaretoken", "active")
            and not name.startswith("_")
            and "__prefix__" not in name
        ]
        self.active = True

    def save(self) -> None:
        """Switch the checkbox."""
        self.active = not self.active
        data = [*self.data, ("_save", "Save"), *([("active", "on")] if self.active else [])]
        status, _body = self.browser.post(self.path, data)
        if status != 302:
            raise AssertionError(
                f"the admin answered {status}: {re.findall(rb'errorlist.{0,200}', _body)[:3]!r}"
            )
