"""Somebody in front of the app, in process: asks, sends forms, and reads the answer as a browser would."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self, cast
from uuid import uuid4

from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from procedures.models import Tablet, User
from tests.world import PIN, secret_of

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "use", "wbr"}


@dataclass(slots=True)
class Form:
    """One form with what it would send if its button were pressed at once."""

    action: str
    attributes: dict[str, str]
    fields: list[tuple[str, str]] = field(default_factory=list)

    @property
    def data(self) -> dict[str, list[str]]:
        """The fields, by name."""
        found: dict[str, list[str]] = {}
        for name, value in self.fields:
            found.setdefault(name, []).append(value)
        return found


class Page(HTMLParser):
    """An HTML page or fragment: the text of each element with an id, what is swapped by id, the forms."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: dict[str, str] = {}
        self.swapped: set[str] = set()
        self.top: list[str] = []
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.inputs: dict[str, dict[str, str]] = {}
        self.title = ""
        self.text = ""
        self._open: list[tuple[str, str]] = []
        self._form: Form | None = None
        self._select = ""
        self._area: str | None = None
        self.feed(content)
        self.close()
        self.ids = {key: " ".join(text.split()) for key, text in self.ids.items()}
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of ids, forms and their fields."""
        a = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in a.items()]
        if found := a.get("id", ""):
            assert found not in self.ids, f"the id {found} stands twice in one page"
            self.ids[found] = ""
            if "hx-swap-oob" in a:
                self.swapped.add(found)
        if not self._open:
            self.top.append(found or tag)
        if tag == "a":
            self.links.append(a.get("href", ""))
        self._field(tag, a)
        if tag not in VOID:
            self._open.append((tag, found))

    def _field(self, tag: str, a: dict[str, str]) -> None:
        name = a.get("name", "")
        if tag in ("input", "textarea", "select") and name:
            self.inputs[a.get("id", "") or f"{name}={a.get('value', '')}"] = a
        if tag == "form":
            self._form = Form(a.get("action", ""), a)
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input" and name:
            if a.get("type") not in ("radio", "checkbox") or "checked" in a:
                self._form.fields.append((name, a.get("value", "")))
        elif tag == "select":
            self._select = name
            self._form.fields.append((name, ""))
        elif tag == "option" and "selected" in a:
            self._form.fields[-1] = (self._select, a.get("value", ""))
            self._area = None if "value" in a else self._select
        elif tag == "textarea" and name:
            self._area = name
            self._form.fields.append((name, ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<use …/>`: the same, and nothing to close."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close what is open up to this tag."""
        if tag == "form":
            self._form = None
        if tag in ("textarea", "option"):
            self._area = None
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Text belongs to every open element with an id."""
        if self._form and self._area:
            name, value = self._form.fields[-1]
            self._form.fields[-1] = (name, value + data)
        if self._open and self._open[-1][0] == "title":
            self.title += data
        self.text += data
        for _tag, found in self._open:
            if found:
                self.ids[found] += data

    def form(self, end: str) -> Form:
        """The first form whose address ends so."""
        return next(form for form in self.forms if form.action.endswith(end))

    def forms_to(self, end: str) -> list[Form]:
        """Every form whose address ends so."""
        return [form for form in self.forms if form.action.endswith(end)]


class Answer:
    """What came back."""

    def __init__(self, response: Any) -> None:
        self.response = cast("HttpResponse", response)
        self.status = response.status_code
        self.headers = response.headers
        self.location = response.headers.get("Location", "")
        self._page: Page | None = None

    @property
    def html(self) -> str:
        """The body as it stands."""
        return self.response.content.decode()

    @property
    def body(self) -> bytes:
        """The body as bytes, also of an answer that comes in pieces."""
        if self.response.streaming:
            return b"".join(cast("Any", self.response).streaming_content)
        return self.response.content

    @property
    def page(self) -> Page:
        """The body, read."""
        if self._page is None:
            self._page = Page(self.html)
        return self._page

    def __repr__(self) -> str:
        return f"<{self.status} {re.sub(r'\s+', ' ', self.page.text)[:200]}>"


class Visitor:
    """A person (or nobody, signed out) with a browser of their own."""

    def __init__(self, user: User | None = None, **options: Any) -> None:
        self.user = user
        self.client = Client(raise_request_exception=False, **options)
        if user:
            self.client.force_login(user)

    @classmethod
    def on(cls, tablet: Tablet, user: User | None = None) -> Self:
        """At an enrolled tablet; `user`, who has the PIN of all, has just given it."""
        visitor = cls()
        visitor.client.cookies[settings.TABLET_COOKIE_NAME] = secret_of(tablet.name)
        if user:
            assert visitor.switch(user).status == 302
            visitor.user = user
        return visitor

    def switch(self, user: User, pin: str = PIN, **rest: Any) -> "Answer":
        """Tap a name and give a PIN."""
        return self.post("switch", user_id=user.pk, pin=pin, **rest)

    def get(self, name: str, *args: Any, htmx: bool = False, **query: Any) -> Answer:
        """Open a page by the name of its URL."""
        return self.ask("GET", reverse(name, args=args), query, htmx=htmx)

    def post(self, name: str, *args: Any, htmx: bool = False, **data: Any) -> Answer:
        """Send a form to the URL of that name, with a fresh command_id unless one is given (None: without)."""
        data = {"command_id": str(uuid4())} | data
        return self.ask("POST", reverse(name, args=args), data, htmx=htmx)

    def press(self, form: Form, *, htmx: bool = False, **typed: Any) -> Answer:
        """Press the button of a form, after typing into some of its fields."""
        return self.ask("POST", form.action, {**form.data, **typed}, htmx=htmx)

    def ask(
        self,
        method: str,
        path: str,
        data: dict[str, Any] | None = None,
        *,
        htmx: bool = False,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request. Lists are sent as several values of one name, None not at all."""
        sent = {name: value for name, value in (data or {}).items() if value is not None}
        headers = {**(headers or {}), **({"HX-Request": "true"} if htmx else {})}
        if method == "GET":
            return Answer(self.client.get(path, sent, headers=headers))
        return Answer(self.client.post(path, sent, headers=headers))
