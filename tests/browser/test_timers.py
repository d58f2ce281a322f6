"""Clocks change their words in the page at their moments, are said once, and can be muted; vitals go in by the pad."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect

from procedures import clock
from procedures.models import Product
from tests.clocks import CLOCKS, NIGHTS, Clock
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
    page.locator("#toasts button").last.tap()  # a browser sounds only after a touch
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


SHOWN = """() => Object.fromEntries([...document.querySelectorAll("#timers .timer")].map(timer =>
  [timer.dataset.name, [timer.dataset.severity, timer.querySelector(".timer__word").textContent]]))"""
ROOM = ("ABX", "K04", "K06a")
AFTER = ("K09c", "K09d-L1-left", "CHK-OUT", "REC-TURN", "EV-REVERSAL")


def said_at(row: Clock, minute: float) -> list[str]:
    """Severity and words of a clock so many minutes after its start."""
    threshold = [t for t in row.thresholds if t.minute <= minute][-1]
    return [threshold.severity, threshold.words]


def name_of(row: Clock) -> str:
    """As the page names it."""
    _key, _dash, where = row.key.partition("-")
    return f"{row.label} {where.replace('-', ' ')}".strip()


def at_its_moments(ward: Ward, case: UUID, start: datetime, ago: timedelta, rows: list[Clock]) -> None:
    """The page is loaded at the start and left alone: each clock says each thing from its moment on, not before."""
    page = ward.has("nurse").page
    page.clock.install(time=datetime.now(UTC) - ago)  # as the server's
    page.goto(f"/cases/{case}/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    passed = timedelta(seconds=45)
    page.clock.pause_at(start + passed)
    moments = sorted({t.minute for row in rows for t in row.thresholds if t.minute})
    for moment in (timedelta(minutes=m, seconds=s) for m in moments for s in (-2, 2)):
        page.clock.fast_forward(int((moment - passed).total_seconds() * 1000))
        passed = moment
        shown: dict[str, Any] = page.evaluate(SHOWN)
        for row in rows:
            if row.key != "sedation_vitals" or passed < timedelta(
                minutes=12
            ):  # the table has the first two of them
                expected = said_at(row, passed / timedelta(minutes=1))
                assert shown[name_of(row)] == expected, (row.key, passed)
    page.close()


@pytest.mark.parametrize("night", [name for name in NIGHTS if name != "noon"])
def test_every_clock_of_the_protocol_at_its_moments(
    own_server: Server, ward_of: Callable[..., Ward], night: str
) -> None:
    start = NIGHTS[night].astimezone(UTC)
    own_server.stop()
    own_server.settings["TIME_ZONE"] = "Europe/London"
    ago = datetime.now(UTC) - start
    own_server.start(ago=ago)
    ward = ward_of(own_server, timezone_id="Europe/London")
    product = Product.objects.get(kind="cement")
    cement = {"cement": {"id": product.pk, "name": str(product), "lot": "1", "expires": ""}}
    with clock.at(start - timedelta(hours=1)):
        waiting, cemented = ward.suite.started("L1"), ward.suite.started("T12", "L1", mrn="000000002")
        for side in (
            "T12-left",
            "L1-left",
        ):  # the cement of the second vertebra is still to come: its clock runs
            ward.suite.rush(cemented, *(f"{code}-{side}" for code in ("K08b", "K09a", "K09b")))
    with clock.at(start):
        ward.suite.rush(waiting, *ROOM)
        ward.suite.rush(cemented, AFTER[0], values=cement)
        ward.suite.rush(cemented, *AFTER[1:])
    shown = {
        case: [row for row in CLOCKS if row.start in steps]
        for case, steps in ((waiting, ROOM), (cemented, AFTER))
    }
    assert sum(len(rows) for rows in shown.values()) == len(CLOCKS)
    for case, rows in shown.items():
        at_its_moments(ward, case, start, ago, rows)
