"""The ward: people at their tablets, in words of the ward. It hides whether the pages have scripts or not."""

import re
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from procedures.models import User
from tests import world as worlds

from . import filling
from .ledger import Entered, Ledger, Values, in_words, key_of, now

PORTRAIT = {"width": 800, "height": 1280}
COUNT_SWAPS = """
window.swaps = 0;
document.addEventListener("htmx:afterSettle", () => { window.swaps += 1; });
"""
# How often the page was changed in place so far; null where this control loads a page instead.
SWAPS_SO_FAR = "control => control.closest('[hx-post], [hx-get]') ? window.swaps : null"
PATIENCE = 8.0  # seconds


def until(page: Page, condition: str, arg: object = None) -> None:
    """Wait for a condition that the page has to await. `wait_for_function` takes the promise itself for an answer."""
    deadline = time.monotonic() + PATIENCE
    while not page.evaluate(condition, arg):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(50)


# An answer of 4xx to a tap is meant in these tests; the browser writes it into its console all the same.
MEANT = re.compile(
    r"Failed to load resource: the server responded with a status of 4(01|09|22)"
    # A page that is left, or that re-reads while one taps, gives up what it was asking for.
    r"|htmx:sendAbort, |htmx:afterRequest, \[object HTML(Paragraph|Div)Element\]"
)


class Ward:
    """One suite on one server, seen through tablets; with scripts or without."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        suite: worlds.World | None,
        *,
        javascript: bool = True,
        **context: Any,
    ) -> None:
        self.browser, self.url, self.javascript, self._suite = browser, url, javascript, suite
        self.context = {"viewport": PORTRAIT, "has_touch": True, **context}
        self.ledger = Ledger()
        self.contexts: list[BrowserContext] = []
        self.problems: list[str] = []
        self.expected: list[re.Pattern[str]] = [MEANT]

    @property
    def suite(self) -> worlds.World:
        """The suite behind it, of a test; the demo's pictures have none."""
        assert self._suite
        return self._suite

    def tablet(self, username: str = "") -> "Tablet":
        """A tablet of its own, with nobody signed in; `username` is who is going to use it."""
        return self._taken(self.browser.new_context(**self._settings), username)

    def tablet_with(self, profile: Path, username: str = "", **launching: Any) -> "Tablet":
        """A tablet that keeps on its disk what it kept when its browser was last closed: a browser of its own."""
        kind = self.browser.browser_type
        return self._taken(kind.launch_persistent_context(profile, **launching, **self._settings), username)

    @property
    def _settings(self) -> dict[str, Any]:
        return {
            **self.context,
            "base_url": self.url,
            "java_script_enabled": self.javascript,
            "locale": "en-GB",
        }

    def _taken(self, context: BrowserContext, username: str) -> "Tablet":
        context.set_default_timeout(5_000)
        self.contexts.append(context)
        if self.javascript:
            context.add_init_script(COUNT_SWAPS)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)
        return Tablet(self, page, username)

    def signs_in(self, username: str) -> "Tablet":
        """Somebody takes a tablet and signs in through the page."""
        tablet = self.tablet(username)
        tablet.page.goto("/")
        tablet.gives_name_and_password()
        expect(tablet.page.get_by_role("link", name="Today")).to_be_visible()
        return tablet

    def has(self, username: str) -> "Tablet":
        """Somebody who is signed in already, without a detour over the page."""
        tablet, client = self.tablet(username), Client()
        client.force_login(User.objects.get(username=username))
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        tablet.page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": self.url}])
        return tablet

    def close(self) -> list[str]:
        """Put the tablets away; returns what went wrong in any of them."""
        for context in self.contexts:
            with suppress(Exception):
                context.close()
        return [p for p in self.problems if not any(known.search(p) for known in self.expected)]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        host = urlsplit(self.url).netloc
        if urlsplit(request.url).netloc not in ("", host):
            self.problems.append(f"asked a foreign host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page that was left
            self.problems.append(f"failed request: {request.method} {request.url}: {request.failure}")


class Tablet:
    """One person's browser."""

    def __init__(self, ward: Ward, page: Page, username: str) -> None:
        self.ward, self.page, self.ledger = ward, page, ward.ledger
        self.username = username
        self.name = worlds.PEOPLE[username][0] if username in worlds.PEOPLE else ""

    # Moving about ---------------------------------------------------------------------------------------------------

    def gives_name_and_password(self) -> None:
        """The sign-in page, filled in and sent."""
        self.page.get_by_label("Username").fill(self.username)
        self.page.get_by_label("Password").fill(worlds.PASSWORD)
        self.sends(self.page.get_by_role("button", name="Sign in", exact=True))

    def sends(self, control: Locator) -> int:
        """Tap what sends something, and wait for the answer; returns its status."""
        before = control.evaluate(SWAPS_SO_FAR) if self.ward.javascript else None
        if before is None:
            with self.page.expect_navigation() as arrived:
                control.tap()
            return arrived.value.status if arrived.value else 0
        with self.page.expect_response(
            lambda r: "hx-request" in r.request.headers and "/changes/" not in r.url
        ) as answered:
            control.tap()
        status = answered.value.status
        if status in (200, 409, 422):
            self.page.wait_for_function("before => window.swaps > before", arg=before)
        return status

    def opens_the_case_of(self, patient: str) -> None:
        """From Today."""
        self.page.goto("/")
        self.sends(self.page.get_by_role("link", name=re.compile(rf"^Open.*{patient}", re.IGNORECASE)))

    @property
    def here(self) -> str:
        """The address of the case on the screen."""
        found = re.search(r"/cases/[0-9a-f-]{36}/", self.page.url)
        assert found, self.page.url
        return found[0]

    def goes_to(self, where: str) -> None:
        """Another page of the case: "" (the case itself), "manage", "record"."""
        self.page.goto(self.here + (f"{where}/" if where else ""))

    @property
    def hand(self) -> Locator:
        """The step in hand."""
        return self.page.locator("#hand")

    @property
    def in_hand(self) -> str:
        """The key of the step in hand."""
        return self.page.locator("#was").input_value()

    def row(self, key: str) -> Locator:
        """The row of a step in the whole procedure."""
        return self.page.locator(f"#row-{key} > a")

    def takes_in_hand(self, title: str) -> None:
        """Tap the row of a step; its phase or its vertebra is opened first where it is folded."""
        row = self.row(key_of(title)[0])
        if not row.is_visible():
            folded = row.locator("xpath=ancestor::details[not(@open)]/summary")
            for opener in (folded, row.locator("xpath=ancestor::section[contains(@class,'level ')]//label")):
                if opener.count():
                    opener.first.tap()
        assert self.sends(row) == 200

    def takes_any_time(self, title: str) -> None:
        """Tap one of the buttons for what can happen at any time."""
        assert self.sends(self.page.locator(f".anytime a[href$='/steps/{key_of(title)[0]}/']")) == 200

    def looks_at_entry(self, title: str, number: int = -1) -> None:
        """Take a step in hand and open one of its entries that count: the last, or the one with that number."""
        key = key_of(title)[0]
        self.takes_in_hand(title)
        live = self.hand.locator("article.entry:not(.entry--void)")
        assert self.sends(live.nth(number).locator(f"a[href*='/steps/{key}/entries/']")) == 200

    def sees(self, *words: str) -> None:
        """These words are to be read on the page."""
        for said in words:
            expect(self.page.locator("body")).to_contain_text(said, ignore_case=True)

    # Filling in -----------------------------------------------------------------------------------------------------

    def form(self, action: str) -> Locator:
        """The form of the step in hand that does this: done, details, correct, void, verify, mark."""
        return self.hand.locator(f"form[action$='/{action}/']")

    def box(self, form: Locator, label: str) -> Locator:
        """A field by the words above it, unfolded."""
        return filling.find(form, label)[0]

    def fills(self, form: Locator, values: Values) -> None:
        """Give each field its value, the way its control wants it."""
        filling.fill(form, values, steppers=self.ward.javascript)

    # Recording ------------------------------------------------------------------------------------------------------

    def ticks(
        self,
        title: str,
        values: Values | None = None,
        *,
        by: str = "",
        side: str = "",
        at: datetime | None = None,
        flags: set[str] | None = None,
        lacks: list[str] | None = None,
        override: str = "",
        unusual: str = "",
        kept: Values | None = None,
    ) -> None:
        """Record a step as done, and write it into the test's own ledger.

        `override`: the reason for which the order is passed over; `unusual`: the field whose value is asked about once;
        `kept`: what was typed before a refusal, and is to be in the form still.
        """
        key, definition = key_of(title)
        if self.in_hand != key:
            (self.takes_any_time if definition.phase == "any" else self.takes_in_hand)(title)
        form = self.form("done")
        self.fills(form, {**({"Side": side} if side else {}), **(values or {})})
        self._who_and_when(form, by, at)
        if override:
            form.get_by_label("If it has to be now: why?").fill(override)
        began = now()
        status = self.sends(form.locator(".button--main"))
        if unusual:
            assert status == 422
            self.confirms(self.form("done"), unusual)
            began = now()
            status = self.sends(self.form("done").locator(".button--main"))
        assert status == 200, self.hand.inner_text()
        shown = {
            label: in_words(definition, label, v) for label, v in {**(kept or {}), **(values or {})}.items()
        }
        sides = {"Both sides": ["left", "right"]}.get(side, [side.lower()] if side else [""])
        for each in sides:
            full = f"{title.removesuffix(' left')} {each}" if side == "Both sides" else title
            full = f"{full} {each}" if each and not full.endswith(each) else full
            entered = Entered(full, dict(shown), by or self.name, self.name, (began, now()), at)
            entered.flags, entered.lacks = set(flags or ()), list(lacks or ())
            self._write_down(entered, override, opens=definition.milestone == "needle_in")

    def _write_down(self, entered: Entered, override: str, *, opens: bool) -> None:
        key, _definition = key_of(entered.title)
        if opens:
            self.ledger.note(f"Access {entered.title.rpartition(', ')[2]} opened", self.name)
        if override:
            self.ledger.note(f"Order overridden: {entered.title}", self.name, reason=override)
        self.ledger.note(entered.title, entered.by, self.name)
        self.ledger.entries.setdefault(key, []).append(entered)
        if self.row(key).count():
            expect(self.row(key)).to_have_attribute("data-state", "done")

    def _who_and_when(self, form: Locator, by: str, at: datetime | None) -> None:
        if by and by != self.name:
            form.get_by_label("Done by").select_option(label=by)
        if at:
            self.box(form, "Done at").locator("label", has_text="Earlier").tap()
            form.get_by_label("Time it was done").fill(f"{at:%Y-%m-%dT%H:%M}")

    def confirms(self, form: Locator, label: str) -> None:
        """Answer the question about an unusual value with yes."""
        self.box(form, label).locator(".field__ask input").check()

    def tries(self, title: str, values: Values | None = None) -> int:
        """Tap the big button as the page stands, and be refused; returns the status."""
        assert self.in_hand == key_of(title)[0]
        self.fills(self.form("done"), values or {})
        return self.sends(self.form("done").locator(".button--main"))

    def adds_details(self, title: str, values: Values) -> None:
        """What was missing, to the entry in view."""
        self.fills(self.form("details"), values)
        assert self.sends(self.form("details").locator(".button--action")) == 200
        entered, definition = self.ledger.last(title), key_of(title)[1]
        entered.values |= {label: in_words(definition, label, v) for label, v in values.items()}
        entered.lacks = [label for label in entered.lacks if label not in values]
        self.ledger.note(f"Details added: {title}", self.name)

    def corrects(self, title: str, values: Values, why: str, number: int = -1) -> None:
        """One entry, with the reason."""
        self.looks_at_entry(title, number)
        self.hand.locator("#correct > summary").tap()
        self.fills(self.form("correct"), values)
        self.form("correct").get_by_label("Why it is corrected").fill(why)
        assert self.sends(self.form("correct").locator(".button--action")) == 200, self.hand.inner_text()
        key, definition = key_of(title)
        entered = [e for e in self.ledger.entries[key] if not e.taken_back][number]
        entered.values |= {label: in_words(definition, label, v) for label, v in values.items()}
        entered.flags.add("corrected")
        self.ledger.note(f"Corrected: {title}", self.name, reason=why)

    def undoes(self, title: str) -> None:
        """What was just recorded, with the button of the toast."""
        toast = self.page.locator("#undo")
        expect(toast).to_contain_text(f"Recorded: {title}")
        assert self.sends(toast.get_by_role("button", name="Undo")) == 200
        self._taken_back(title, "slip")

    def takes_back(self, title: str, why: str) -> None:
        """An entry of somebody else, with the reason."""
        self.looks_at_entry(title)
        self.hand.locator("#take-back > summary").tap()
        assert self.sends(self.form("void").locator(".button--danger")) == 422  # no reason, no taking back
        if not self.form("void").get_by_label("Why").is_visible():
            self.hand.locator("#take-back > summary").tap()
        self.form("void").get_by_label("Why").fill(why)
        assert self.sends(self.form("void").locator(".button--danger")) == 200
        self._taken_back(title, why)

    def _taken_back(self, title: str, why: str) -> None:
        entered = self.ledger.last(title)
        entered.taken_back = True
        entered.why.append(f"Taken back: {why}")
        entered.lacks = []
        self.ledger.note(f"Taken back: {title}", self.name, reason=why)

    def verifies(self, title: str, number: int = -1) -> None:
        """Confirm as a second person what somebody else recorded; what is to be found unseen, is found the same."""
        self.looks_at_entry(title, number)
        key, definition = key_of(title)
        entered = [e for e in self.ledger.entries[key] if not e.taken_back][number]
        form = self.form("verify")
        self.fills(
            form, {f.label: entered.values[f.label].capitalize() for f in definition.fields if f.unseen}
        )
        assert self.sends(form.locator(".button--action")) == 200
        entered.verified_by = self.name
        self.ledger.note(f"Verified: {title}", self.name)

    def manages(self, form: str, button: str, reason: str = "") -> int:
        """Unfold one form of the Manage page, give the reason and send it; returns the status."""
        fold = self.page.locator(f"details#{form}")
        if fold.get_attribute("open") is None:
            fold.locator("> summary").tap()
        fold.get_by_label("Why").fill(reason)
        return self.sends(fold.get_by_role("button", name=button))


def minutes_ago(minutes: int) -> datetime:
    """A whole minute in the past, as an input for a time gives it."""
    return now().replace(second=0, microsecond=0) - timedelta(minutes=minutes)
