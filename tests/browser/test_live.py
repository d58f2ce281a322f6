"""Two tablets on one case: what one records the other sees, and nobody loses what is being typed."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.server import Server

from .ward import Tablet, Ward

pytestmark = pytest.mark.browser

GONE = re.compile(
    r"ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED|ERR_INCOMPLETE_CHUNKED|htmx:(sendError|afterRequest)"
)


def both(ward: Ward) -> tuple[Tablet, Tablet]:
    """Nurse and sedation nurse, each with the case in view, at the IV line."""
    case = ward.suite.started("L1")
    ward.suite.do_until(case, "K02")
    pair = ward.has("nurse"), ward.has("sedation")
    for tablet in pair:
        tablet.page.goto(f"/cases/{case}/steps/K02/")
        expect(tablet.page.locator("#live")).to_have_attribute("data-state", "live")
    return pair


def test_a_colleagues_tick_shows_within_a_second_and_takes_nothing_away(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server)
    nurse, second = both(ward)
    nurse.takes_in_hand("Monitors on")
    second.fills(second.form("done"), {"Site": "Hand"})
    gauge = second.page.locator("input[name=v_gauge]").first
    gauge.focus()
    nurse.ticks("Monitors on")
    expect(second.row("K03")).to_have_attribute("data-state", "done", timeout=1000)
    expect(second.page.locator("#feed-lines")).to_contain_text("Monitors on")
    expect(second.page.locator("#progress")).to_contain_text(re.compile(r"\d+ of \d+"))
    expect(gauge).to_be_focused()
    assert second.in_hand == "K02"
    expect(second.page.locator("#hand-news")).to_be_hidden()
    second.ticks("IV line in", {"Site": "Hand"})
    expect(nurse.row("K02")).to_have_attribute("data-state", "done", timeout=1000)


def test_the_step_in_hand_is_redrawn_only_where_nobody_is_at_work_in_it(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server)
    nurse, second = both(ward)
    third = ward.has("scrub")
    third.page.goto(nurse.page.url)
    expect(third.page.locator("#live")).to_have_attribute("data-state", "live")
    second.fills(second.form("done"), {"Site": "Forearm"})
    nurse.ticks("IV line in", {"Site": "Hand"})
    expect(third.hand).to_contain_text("Done by Ada Okafor", timeout=2000)
    assert third.in_hand == "K02", "the step stays the same under the finger"
    expect(second.page.locator("#hand-news")).to_be_visible()
    expect(second.hand.locator("input[name=v_site]:checked")).to_have_count(1)


def test_a_lost_network_and_a_restarted_server_are_made_good(
    own_server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(own_server)
    ward.expected.append(GONE)
    nurse, second = both(ward)
    second.page.context.set_offline(True)
    expect(second.page.locator("#live")).to_have_attribute("data-state", "offline")
    expect(second.page.get_by_text("No network")).to_be_visible()
    nurse.ticks("IV line in", {"Site": "Hand"})
    second.page.context.set_offline(False)
    expect(second.row("K02")).to_have_attribute("data-state", "done", timeout=3000)
    own_server.stop()
    expect(second.page.locator("#live")).to_have_attribute("data-state", "reconnecting")
    own_server.start()
    nurse.ticks("Monitors on")
    expect(second.row("K03")).to_have_attribute("data-state", "done", timeout=9000)


def test_today_follows(server: Server, ward_of: Callable[..., Ward]) -> None:
    ward = ward_of(server)
    nurse, second = both(ward)
    second.page.goto("/")
    expect(second.page.locator("#live")).to_have_attribute("data-state", "live")
    before = second.page.locator(".card__next small").inner_text()
    nurse.ticks("IV line in", {"Site": "Hand"})
    expect(second.page.locator(".card__next small")).not_to_have_text(before, timeout=2500)
