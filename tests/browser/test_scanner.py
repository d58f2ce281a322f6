"""A barcode scanner is a keyboard: wherever the focus is, its code lands in the product field and nowhere else."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from procedures.models import Event
from procedures.scanning import GS, Scan, encode
from tests.server import Server
from tests.world import CEMENT, NEEDLE

from .ward import Ward

pytestmark = pytest.mark.browser

UNTIL = (date.today() + timedelta(days=300)).isoformat()  # noqa: DTZ011


def scans(page: Page, code: str) -> None:
    """A keyboard wedge: every sign as a key, the separator as Control and ], Enter at the end; 5 ms apart.

    The keys carry their own times, as those of a scanner do, so that a busy machine does not make it a slow typist.
    """
    wedge, start = page.context.new_cdp_session(page), time.time()
    keys: list[dict[str, Any]] = [
        {"key": "]", "code": "BracketRight", "modifiers": 2} if sign == GS else {"key": sign, "text": sign}
        for sign in code
    ]
    for place, key in enumerate([*keys, {"key": "Enter", "text": "\r", "windowsVirtualKeyCode": 13}]):
        for kind in ("keyDown", "keyUp"):
            wedge.send("Input.dispatchKeyEvent", {**key, "type": kind, "timestamp": start + place * 0.005})
    wedge.detach()


def mixed(case: UUID) -> int:
    return Event.objects.filter(case=case, kind="step.done", step_key="K09c").count()


def test_a_scanner_fills_the_product_and_touches_nothing_else(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server)
    case = ward.suite.started("L1")
    ward.suite.rush(case, "CHK-TO")
    page = ward.has("nurse").page
    page.goto(f"/cases/{case}/steps/K09c/")
    temperature, lot = page.locator("#f-v_room_temp"), page.locator("#f-v_cement-lot")

    temperature.fill("21.5")
    scans(page, encode(Scan(CEMENT, "KX-7", UNTIL, "99")))
    expect(lot).to_have_value("KX-7")
    expect(page.locator("#f-v_cement option:checked")).to_have_text("Cement A (Maker)")
    expect(page.locator("#f-v_cement-serial")).to_have_value("99")
    expect(temperature).to_have_value("21.5")

    # On a button: the Enter of the scanner does not press it. A needle is no cement, and says so.
    page.locator(".hand__do button").focus()
    scans(page, f"01{NEEDLE}")
    expect(page.locator("#f-v_cement-error")).to_contain_text("Here belongs a cement.")
    expect(lot).to_have_value("KX-7")

    # In its own input: what is typed stays until it is read, and Enter does not send the step.
    page.locator("#f-v_cement-scan").fill("")
    page.keyboard.type(f"(01){CEMENT}(10)KX-8", delay=1)
    page.keyboard.press("Enter")
    expect(lot).to_have_value("KX-8")
    assert mixed(case) == 0

    page.locator(".hand__do button").tap()
    expect(page.locator("#undo")).to_contain_text("Cement mixing started")
    assert mixed(case) == 1

    # A step without a product: the code goes nowhere, and the nurse is told.
    page.goto(f"/cases/{case}/steps/EV-NOTE/")
    page.locator(".hand__do button").focus()
    scans(page, f"01{CEMENT}")
    expect(page.locator("#toasts")).to_contain_text("takes no product")
    assert Event.objects.filter(case=case, step_key="EV-NOTE").count() == 0
    # Fast keys without an Enter are no scanner: they stay where they were typed.
    note = page.locator("#hand textarea").first
    note.focus()
    page.keyboard.type("written by dictation", delay=0)
    expect(note).to_have_value("written by dictation")
