"""Clocks change their words in the page at their moments, are said once, and can be muted; vitals go in by the pad."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from procedures.models import Product
from tests.server import Server

from .ward import Ward

pytestmark = pytest.mark.browser

# The tones that were played, instead of playing them.
LISTEN = """
window.tones = [];
window.AudioContext = class { state = "running"; currentTime = 0; destination = {};
  createOscillator() { const tone = { frequency: {}, connect: x => x, stop() {},
    start() { tones.push(tone.frequency.value); } }; return tone; }
  createGain() { return { gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} }, connect: x => x }; } };
navigator.vibrate = () => true;
"""


def test_words_change_at_their_moments_and_are_said_once(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server)
    product = Product.objects.get(kind="cement")
    case = ward.suite.started("L1")
    ward.suite.rush(case, "CHK-TO", "K08a-L1")
    ward.suite.rush(case, *(f"{code}-L1-left" for code in ("K08b", "K09a", "K09b")))
    nurse = ward.has("nurse")
    page = nurse.page
    page.add_init_script(LISTEN)
    page.clock.install()
    ward.suite.do(
        case, "K09c", values={"cement": {"id": product.pk, "name": str(product), "lot": "1", "expires": ""}}
    )
    page.goto(f"/cases/{case}/")
    timer, said = page.locator("#timers .timer"), page.locator("#timer-said")
    expect(timer).to_contain_text("too early, inject from 5:00")
    expect(timer.locator(".shape--soon")).to_be_visible()
    page.locator("h1").tap()  # a browser sounds only after a touch
    page.clock.fast_forward("04:40")
    expect(timer).to_contain_text("too early")
    expect(said).to_be_empty()
    page.clock.fast_forward("00:30")
    expect(timer).to_contain_text("inject, until 12:00")
    expect(timer).to_have_attribute("data-severity", "ok")
    expect(said).to_be_empty()
    page.clock.fast_forward("06:00")
    expect(timer).to_contain_text("inject now, only until 12:00")
    expect(said).to_have_text("Cement since mixing: inject now, only until 12:00.")
    assert page.evaluate("tones") == [660]
    page.get_by_role("button", name="Sound of the timers").tap()
    page.clock.fast_forward("01:00")
    expect(timer).to_contain_text("too late, was until 12:00")
    expect(timer.locator(".shape--over")).to_be_visible()
    expect(said).to_have_text("Cement since mixing: too late, was until 12:00.")
    assert page.evaluate("tones") == [660], "muted"
    page.reload()
    expect(page.get_by_role("button", name="Sound of the timers")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("button", name="Sound of the timers")).to_contain_text("Muted")


def test_vitals_go_in_by_the_pad_and_the_fold_of_the_chart_stays_open(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server)
    case = ward.suite.started("L1")
    nurse = ward.has("nurse")
    page = nurse.page
    page.goto(f"/cases/{case}/steps/EV-VITALS/")
    for digits in ("70", "131", "9"):
        for digit in digits:
            page.locator(f"[data-digit='{digit}']").tap()
        page.get_by_role("button", name="Next value").tap()
    expect(page.locator("input[name=v_hr]")).to_have_value("70")
    expect(page.locator("input[name=v_sbp]")).to_have_value("131")
    page.locator("input[name=v_dbp]").tap()
    page.get_by_role("button", name="Delete the last digit").tap()
    for digit in "75":
        page.locator(f"[data-digit='{digit}']").tap()
    assert nurse.sends(nurse.form("done").locator(".button--main")) == 200
    page.locator("#vitals-fold > summary").tap()
    expect(page.locator("#vitals table")).to_contain_text("131")
    nurse.takes_any_time("Vitals taken")
    expect(page.locator(".vitals__rows .field").first).to_contain_text("before: 70 /min")
    page.locator("[data-digit='8']").tap()
    page.locator("[data-digit='8']").tap()
    assert nurse.sends(nurse.form("done").locator(".button--main")) == 200
    expect(page.locator("#vitals table")).to_contain_text("88")
    expect(page.locator("#vitals-fold")).to_have_attribute("open", "")
