"""A shared tablet in a real browser: people change under an open page, and it locks without losing anything."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect

from procedures.models import Event
from tests.server import Server
from tests.world import PIN

from .shared import gives_pin, shared
from .ward import Tablet, Ward, until

pytestmark = pytest.mark.browser

GONE = re.compile(r"ERR_INTERNET_DISCONNECTED|ERR_FAILED|htmx:(sendError|afterRequest)")

HEAR = """() => { window.told = []; for (const name of ['kypho:person', 'kypho:confirmed'])
  document.addEventListener(name, event => window.told.push([name, String(event.detail.id)])); }"""


def at_the_line(tablet: Tablet) -> UUID:
    """The IV line in hand, its gauge half typed."""
    case = tablet.ward.suite.started("L1")
    tablet.ward.suite.do_until(case, "K02")
    tablet.page.goto(f"/cases/{case}/steps/K02/")
    tablet.page.locator("input[name=v_gauge]").fill("20")
    return case


def who(page: Page) -> Locator:
    """Who the bar says is there."""
    return page.locator("#you [data-name]")


def test_somebody_else_goes_on_with_what_is_half_typed(server: Server, ward_of: Callable[..., Ward]) -> None:
    ward = ward_of(server)
    nurse = shared(ward, "nurse")
    case, page = at_the_line(nurse), nurse.page
    page.get_by_role("link", name="You are Ada Okafor").tap()
    sheet = page.locator("#sheet")
    gives_pin(sheet, "Sven Scrub")
    expect(who(page)).to_have_text("Sven Scrub")
    expect(sheet).not_to_be_visible()
    gauge = page.locator("input[name=v_gauge]")
    expect(gauge).to_have_value("20")
    marked = page.locator(".field", has=gauge).get_by_text("typed by Ada Okafor")
    expect(marked).to_be_visible()
    expect(page.get_by_text("You send what Ada Okafor typed.")).to_be_visible()
    gauge.fill("18")
    expect(marked).not_to_be_visible()
    expect(page.get_by_text("You send what Ada Okafor typed.")).not_to_be_visible()
    page.locator("input[name=v_site]").first.check(force=True)
    assert nurse.sends(nurse.form("done").locator(".button--main")) == 200
    event = Event.objects.filter(case=case, step_key="K02").latest("seq")
    scrub = ward.suite.scrub
    assert (event.performed_by, event.recorded_by) == (scrub, scrub)
    # A form without htmx goes too, though its token was drawn for somebody else.
    page.locator("#pause > summary").tap()
    page.locator("#pause-reason").fill("The C-arm is being moved")
    with page.expect_navigation():
        page.get_by_role("button", name="Pause the case").tap()
    expect(page.get_by_text("Paused since")).to_be_visible()
    assert Event.objects.filter(case=case, recorded_by=scrub, kind="case.paused").exists()


def test_the_lock_hides_the_patient_and_loses_nothing(server: Server, ward_of: Callable[..., Ward]) -> None:
    ward = ward_of(server)
    nurse = shared(ward, "nurse")
    page = nurse.page
    page.clock.install()
    at_the_line(nurse)
    expect(page.locator("#banner")).to_contain_text("Rossi", ignore_case=True)
    expect(page.locator("#sheet form")).to_have_count(4)  # the names are there before they are needed
    page.clock.fast_forward("04:50")
    expect(page.locator("body")).not_to_have_attribute("data-locked", "")
    with page.expect_response("**/lock/"):
        page.clock.fast_forward("00:12")
    lock = page.locator("#sheet")
    expect(lock.get_by_text("Locked.")).to_be_visible()
    expect(page.get_by_text("Rossi", exact=False).first).not_to_be_visible()
    expect(page.locator("[inert] #banner, #banner[inert]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(lock).to_be_visible()
    assert "Rossi" not in page.locator("body").aria_snapshot()
    gives_pin(lock, "Ada Okafor")
    expect(lock).not_to_be_visible()
    expect(page.locator("#banner")).to_contain_text("Rossi", ignore_case=True)
    expect(page.locator("input[name=v_gauge]")).to_have_value("20")
    expect(page.get_by_text("typed by")).to_have_count(0)
    page.locator("input[name=v_site]").first.check(force=True)
    assert nurse.sends(nurse.form("done").locator(".button--main")) == 200


def test_without_a_network_the_name_alone_opens_it_and_the_pin_is_asked_for_later(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server)
    ward.expected.append(GONE)
    nurse = shared(ward, "nurse")
    page = nurse.page
    case = at_the_line(nurse)
    expect(page.locator("#sheet form")).to_have_count(4)
    until(page, "async () => (await (await caches.open('cases')).keys()).length")
    page.context.set_offline(True)
    page.get_by_role("button", name="Lock this tablet").tap()
    lock = page.locator("#sheet")
    expect(lock.get_by_text("No connection.")).to_be_visible()
    lock.locator("label.name", has_text="Sven Scrub").tap()
    expect(who(page)).to_have_text("Sven Scrub")
    expect(page.locator("#you")).to_contain_text("not yet confirmed")
    expect(page.locator("body")).to_have_attribute("data-confirmed", "no")
    expect(page.locator("input[name=v_gauge]")).to_have_value("20")
    # The page that is kept of the case knows it too, and is locked without a network as well.
    page.goto(f"/cases/{case}/offline/")
    expect(page.locator("#you")).to_contain_text("Sven Scrub")
    expect(page.locator("#you")).to_contain_text("not yet confirmed")
    page.get_by_role("button", name="Lock this tablet").tap()
    page.reload()
    expect(page.locator("#sheet").get_by_text("Locked.")).to_be_visible()
    expect(page.locator(".patient")).not_to_be_visible()
    page.locator("#sheet label.name", has_text="Sven Scrub").tap()
    expect(page.locator(".patient")).to_be_visible()
    page.context.set_offline(False)
    page.goto(f"/cases/{case}/")
    page.evaluate(HEAR)
    lock = page.locator("#sheet")
    expect(lock.locator("input[name=pin]")).to_be_focused()
    expect(lock.get_by_role("radio", name="Sven Scrub")).to_be_checked()
    for digit in PIN:
        lock.locator(f"[data-pin-key='{digit}']").tap()
    lock.get_by_role("button", name="Go on").tap()
    expect(page.locator("body")).to_have_attribute("data-confirmed", "yes")
    expect(page.locator("#you")).not_to_contain_text("not yet confirmed", use_inner_text=True)
    scrub = str(ward.suite.scrub.pk)
    assert page.evaluate("window.told") == [["kypho:person", scrub], ["kypho:confirmed", scrub]]
    assert page.evaluate("localStorage.getItem('kypho-turn')") is None
    assert Event.objects.filter(case=case, step_key="K02").count() == 0
