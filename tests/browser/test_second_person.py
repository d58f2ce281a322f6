"""On a shared tablet: a second person by PIN beside the next step, an unseen count, an emergency, a handover."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from procedures.models import Case, Event
from tests.server import Server
from tests.world import PIN

from .shared import shared
from .ward import Ward

pytestmark = pytest.mark.browser


def test_second_person_emergency_and_handover_on_one_tablet(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server)
    nurse = shared(ward, "nurse")
    case, page = ward.suite.started("L1"), nurse.page
    page.goto(f"/cases/{case}/steps/PRE-ID/")
    assert nurse.sends(nurse.form("done").locator(".button--main")) == 200
    expect(page.locator("#hand-title")).to_have_text("Consent and planned levels")
    second = page.locator("#second")
    expect(second).to_contain_text("Second person: Identity checked")
    second.get_by_label("Who").select_option(label="Sven Scrub")
    second.get_by_label("PIN").fill(PIN)
    assert nurse.sends(second.get_by_role("button", name="Verify")) == 200
    expect(page.locator("#row-PRE-ID")).not_to_contain_text("not yet verified")
    event = Event.objects.get(case=case, kind="step.verified")
    assert (event.recorded_by.display_name, event.via) == ("Sven Scrub", ward.suite.nurse)

    page.locator("textarea[name=v_remark], #hand input[name=v_signed_at]").first.fill("2026-11-22T08:00")
    with page.expect_navigation():
        page.locator(".caseline__alarm").get_by_role("button", name="Emergency").tap()
    page.goto(f"/cases/{case}/steps/EV-DEVIATION/")
    page.locator("#hand textarea[name=v_what]").fill("half typed")
    for label in ("Cardiac arrest", "Naloxone"):
        assert nurse.sends(page.locator(".quick").get_by_role("button", name=label)) == 200
        expect(page.locator("#quick-log")).to_contain_text(label)
    expect(page.locator("#hand textarea[name=v_what]")).to_have_value("half typed")
    assert Case.objects.get(pk=case).complications == 1
    with page.expect_navigation():
        page.get_by_role("button", name="Emergency over").tap()

    page.goto(f"/cases/{case}/handover/")
    page.get_by_label("Who takes over").select_option(label="Sven Scrub")
    page.get_by_label("Concerns").fill("Sleepy since the second dose")
    with page.expect_navigation():
        page.get_by_role("button", name="Offer the handover").tap()
    expect(page.locator("#notices")).to_contain_text("waiting for Sven Scrub")
    page.locator("#notices").get_by_role("link", name="Open the handover").tap()
    page.get_by_label("PIN of Sven Scrub").fill(PIN)
    with page.expect_navigation():
        page.get_by_role("button", name="Sven Scrub takes over").tap()
    expect(page.locator("#notices")).not_to_contain_text("Handover")
    accepted = Event.objects.get(case=case, kind="handover.accepted")
    assert accepted.performed_by == ward.suite.scrub
