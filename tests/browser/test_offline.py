"""Behind lead: the network goes, the nurse goes on, and what was ticked arrives once, in order, with its times."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from procedures.models import Case, Event
from tests.server import Server
from tests.world import PASSWORD

from .test_pages import AXE, EVERY_RULE, RUN_AXE
from .ward import Tablet, Ward, until

pytestmark = pytest.mark.browser

LANDSCAPE = {"width": 1280, "height": 800}

GONE = re.compile(
    r"ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED|ERR_FAILED|ERR_INCOMPLETE_CHUNKED|htmx:(sendError|afterRequest)|"
    r"Status Error Code 401|status of 5|status of 410"
)
STORES = """async () => {
  const found = [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
  for (const name of await caches.keys()) for (const request of await (await caches.open(name)).keys())
    found.push(request.url, await (await (await caches.open(name)).match(request)).text());
  for (const { name } of await indexedDB.databases()) {
    const base = await new Promise((done) => { const r = indexedDB.open(name); r.onsuccess = () => done(r.result); });
    for (const store of base.objectStoreNames) found.push(JSON.stringify(await new Promise((done) => {
      const r = base.transaction(store).objectStore(store).getAll(); r.onsuccess = () => done(r.result); })));
    base.close();
  }
  return found.join("\\n");
}"""
KEPT_AT = """async () => { const cases = await caches.open('cases');
  return Number((await cases.match((await cases.keys())[0])).headers.get('X-Kept-At')); }"""
KEPT_ROW = """async (key) => { for (const request of await (await caches.open('cases')).keys())
  if ((await (await caches.match(request)).text()).includes(`data-key="${key}"`)) return true; }"""
KEPT = "async () => (await (await caches.open('cases')).keys()).length"


def opened(ward: Ward, who: str = "nurse") -> tuple[UUID, Tablet]:
    """A started case in view, and kept on this tablet."""
    case = ward.suite.started("L1")
    nurse = ward.has(who)
    nurse.page.goto(f"/cases/{case}/")
    until(
        nurse.page,
        "async () => (await navigator.serviceWorker.ready) && !!navigator.serviceWorker.controller",
    )
    nurse.page.reload()
    until(nurse.page, KEPT)
    return case, nurse


def ticks_without(page: Page, key: str, *, side: str = "") -> None:
    """Tick a row of the offline page."""
    page.locator(f"[data-key='{key}']").tap()
    if side:
        page.locator("#hand .segments label", has_text=re.compile(f"^{side}$")).tap()
    page.locator("#hand .button--main").tap()
    expect(page.locator(f"[data-key='{key}'] [data-queued]")).to_be_visible()


def test_a_session_that_ended_keeps_the_tick_until_its_person_is_back(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server, viewport=LANDSCAPE)
    ward.expected.append(GONE)
    case, nurse = opened(ward)
    nurse.takes_in_hand("Monitors on")
    Session.objects.all().delete()
    nurse.form("done").locator(".button--main").tap()
    expect(nurse.page.locator("#queue")).to_contain_text("Waiting to send (1)")
    expect(nurse.page.locator("#queue")).to_contain_text("Sign in")
    expect(nurse.row("K03")).to_have_attribute("data-state", "pending")
    sedation = ward.has("sedation").page.context.cookies()
    nurse.page.context.clear_cookies()
    nurse.page.context.add_cookies(
        [{"name": c["name"], "value": c["value"], "url": ward.url} for c in sedation]
    )
    nurse.page.goto(f"/cases/{case}/")
    expect(nurse.page.locator("#queue")).to_contain_text("Made by somebody else")
    assert not Event.objects.filter(case=case, step_key="K03").exists()
    nurse.page.context.clear_cookies()
    nurse.page.goto(f"/cases/{case}/")
    nurse.gives_name_and_password()
    expect(nurse.row("K03")).to_have_attribute("data-state", "done", timeout=8000)
    expect(nurse.page.locator("#queue")).to_be_hidden()
    found = Event.objects.get(case=case, step_key="K03")
    assert (found.recorded_by_id, found.source) == (ward.suite.nurse.pk, "offline")


def test_an_access_that_came_up_just_now_is_there_without_network(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    """The page for without network is kept anew when rows come up, not minutes later."""
    ward = ward_of(server, viewport=LANDSCAPE)
    case, nurse = opened(ward)
    ward.suite.do_until(case, "K08b")
    before = nurse.page.evaluate(KEPT_AT)
    nurse.page.goto(f"/cases/{case}/")
    until(nurse.page, f"async (before) => await ({KEPT_AT})() > before", before)
    assert not nurse.page.evaluate(KEPT_ROW, "K08c-L1-left")
    nurse.page.locator("#hand .segments label", has_text=re.compile("^Left$")).tap()
    nurse.form("done").locator(".button--main").tap()
    expect(nurse.row("K08c-L1-left")).to_be_attached()
    until(nurse.page, KEPT_ROW, "K08c-L1-left")


def test_nothing_is_left_after_signing_out(server: Server, ward_of: Callable[..., Ward]) -> None:
    ward = ward_of(server, viewport=LANDSCAPE)
    ward.expected.append(GONE)
    case, nurse = opened(ward)
    page, patient = nurse.page, Case.objects.get(pk=case).patient
    assert patient.mrn[-4:] in page.evaluate(STORES), "the case is kept while somebody is signed in"
    page.locator(".you > summary").tap()
    page.get_by_role("button", name="Sign out").tap()
    expect(page.get_by_label("Username")).to_be_visible()
    left = page.evaluate(STORES)
    for told in (patient.family_name, patient.mrn, patient.mrn[-4:], str(case)):
        assert told not in left
    page.go_back()
    expect(page.get_by_text(patient.family_name)).to_have_count(0)


def test_signing_out_with_something_waiting_says_so_and_keeps_it(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server, viewport=LANDSCAPE)
    ward.expected.append(GONE)
    _case, nurse = opened(ward)
    page = nurse.page
    page.route("**/outbox/", lambda route: route.abort())
    page.route("**/done/", lambda route: route.abort())
    nurse.takes_in_hand("Monitors on")
    nurse.form("done").locator(".button--main").tap()
    expect(page.locator("#queue")).to_contain_text("Waiting to send (1)")
    page.locator(".you > summary").tap()
    page.get_by_role("button", name="Sign out").tap()
    expect(page.get_by_role("heading", name="Not everything is sent yet")).to_be_visible()
    page.get_by_role("button", name="Sign out all the same").tap()
    expect(page.get_by_label("Username")).to_be_visible()
    expect(page.locator("#queue")).to_contain_text("Waiting to send (1)")
    page.unroute("**/outbox/")
    with page.expect_response("**/outbox/"):
        nurse.gives_name_and_password()
    expect(page.locator("#queue")).to_be_hidden()
    assert Event.objects.filter(step_key="K03", source="offline").count() == 1


def signs_in_over(page: Page, password: str) -> None:
    """The password, into the sheet over the page."""
    sheet = page.locator("#sign-in-sheet")
    sheet.get_by_label("Password of Ada Okafor").fill(password)
    sheet.get_by_role("button", name="Sign in").tap()


def test_off_a_tablet_the_sign_in_comes_over_the_page_and_what_was_tapped_is_sent(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server, viewport=LANDSCAPE)
    ward.expected += [GONE, re.compile("status of 400")]
    case, nurse = opened(ward)
    page, sheet = nurse.page, nurse.page.locator("#sign-in-sheet")
    nurse.takes_in_hand("Monitors on")
    Session.objects.all().delete()
    nurse.form("done").locator(".button--main").tap()
    expect(sheet.get_by_role("heading", name="You are signed out")).to_be_visible()
    signs_in_over(page, "not the password")
    expect(sheet).to_contain_text("The password is wrong.")
    page.evaluate(AXE)
    assert page.evaluate(RUN_AXE, ["#sign-in-sheet", EVERY_RULE]) == []
    signs_in_over(page, PASSWORD)
    expect(sheet).to_be_hidden()
    expect(nurse.row("K03")).to_have_attribute("data-state", "done", timeout=8000)
    expect(page.locator("#queue")).to_be_hidden()
    assert Event.objects.get(case=case, step_key="K03").recorded_by == ward.suite.nurse
    # What the queue does not take is sent again from the page, with what was typed.
    nurse.looks_at_entry("Monitors on")
    Session.objects.all().delete()
    nurse.fills(nurse.form("details"), {"Oxygen flow": "3 L/min"})
    nurse.form("details").locator(".button--action").tap()
    expect(sheet).to_be_visible()
    with page.expect_response("**/details/") as answered:
        signs_in_over(page, PASSWORD)
    assert answered.value.status == 200
    found = Event.objects.get(case=case, kind="step.detailed")
    assert found.data["values"]["values"]["oxygen_flow"]["amount"] == "3"
