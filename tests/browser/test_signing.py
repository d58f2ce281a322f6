"""In the evening: the surgeon finishes the note, signs it, and adds to it the next day; what a tablet sends late."""

import re
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from procedures import commands
from procedures.definitions import Role
from procedures.models import Case, Event, Membership, NoteDraft
from procedures.verification import verify
from tests.server import Server
from tests.world import PASSWORD, World

from .test_offline import GONE, opened, ticks_without
from .test_pages import AXE, DESKTOP, LANDSCAPE, PHONE, RULES, RUN_AXE, SIDEWAYS, TOO_LOW
from .ward import PORTRAIT, Ward

pytestmark = pytest.mark.browser


def due(suite: World, **details: str) -> UUID:
    """A case in the recovery, whose note is due."""
    case = suite.started("L1", **details)
    suite.do_until(case, "REC-HO")
    return case


def explains(page: Page) -> None:
    """Say of everything that is still asked why it is missing."""
    for area in page.locator(".lacks__why textarea:visible").all():
        area.fill("Not written down at the time")


def test_the_older_of_two_windows_keeps_nothing_until_one_has_chosen(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server, viewport=DESKTOP)
    case = due(ward.suite)
    here = ward.has("operator").page
    here.goto(f"/cases/{case}/sign/")
    there = here.context.new_page()
    there.goto(f"/cases/{case}/sign/")
    there.locator("#t-findings").fill("Wedge, from the office")
    expect(there.locator("#kept")).to_contain_text("Draft kept")
    here.locator("#t-findings").fill("Biconcave, from the room")
    expect(here.locator("#kept")).to_contain_text("kept this draft in another window")
    expect(here.locator("#kept")).to_be_in_viewport()
    here.locator("#kept").get_by_role("link", name="Choose").click()
    expect(here.locator("#elsewhere")).to_contain_text("Wedge, from the office")
    expect(here.locator("#elsewhere-title")).to_be_in_viewport()
    here.locator("#t-findings").fill("Biconcave, from the room; wedge behind")
    expect(here.locator("#elsewhere")).to_contain_text("wedge behind")
    here.get_by_role("button", name="Go on with what is typed here").click()
    expect(here.locator("#t-findings")).to_have_value("Biconcave, from the room; wedge behind")
    here.locator("#t-findings").fill("Both")
    expect(here.locator("#kept")).to_contain_text("Draft kept")
    expect(here.locator("#elsewhere-title")).to_have_count(0)
    there.close()


def test_the_surgeon_writes_signs_and_adds_a_leak_the_next_day(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server, viewport=DESKTOP)
    case = due(ward.suite)
    surgeon = ward.has("operator")
    page = surgeon.page
    page.goto("/")
    expect(page.locator("#to-sign")).to_contain_text("1 note to sign")
    page.goto(f"/cases/{case}/")
    page.get_by_role("link", name="Write and sign…").click()
    page.get_by_label("Findings", exact=False).first.fill("Wedge of L1")
    with page.expect_response("**/sign/draft/"):
        page.get_by_role("button", name="Elective.").click()
    expect(page.locator("#kept")).to_contain_text("Draft kept")
    expect(page.locator("#said-findings")).to_contain_text("written under “Findings”")
    expect(page.locator("#lack-urgency textarea")).to_be_hidden()
    page.reload()
    expect(page.locator("#t-findings")).to_have_value("Wedge of L1")
    expect(page.locator("#t-urgency")).to_have_value(re.compile(r"\nElective\.$"))
    explains(page)
    page.locator("#proof-password").fill("not this")
    page.locator("#proof-password").press("Enter")
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    expect(page.locator("#proof-password")).to_have_value("")
    expect(page.locator("#proof-password")).to_be_focused()
    expect(page.locator("#t-findings")).to_have_value("Wedge of L1")
    page.locator("#proof-password").fill(PASSWORD)
    page.locator("#sign-button").click()
    expect(page.get_by_role("heading", name="As it was signed")).to_be_visible()
    assert not NoteDraft.objects.exists()
    page.get_by_role("link", name="Leak at L1 left").click()
    page.get_by_text("Disc (D)").click()
    page.get_by_role("button", name="Record the addendum").click()
    expect(page.locator("#addenda")).to_contain_text(
        "Cement in, L1 left: leak: disc (D); before: not recorded."
    )
    assert Case.objects.get(pk=case).leak is True
    page.goto("/log/?leak=yes&sort=-cement")
    page.locator(".log__open").click()
    page.get_by_role("link", name="Operative note").click()
    page.get_by_role("link", name="Case log").click()
    expect(page).to_have_url(re.compile(r"/log/\?leak=yes&sort=-cement$"))
    page.goto(f"/cases/{case}/")
    expect(page.locator("#notices")).to_contain_text("Signed by Dr W. Chen")
    assert [fault for _n, fault in verify(case) if fault] == []


def test_without_script_the_note_is_written_and_signed_too(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server, viewport=LANDSCAPE, javascript=False)
    case = due(ward.suite)
    page = ward.has("operator").page
    page.goto(f"/cases/{case}/sign/")
    page.locator("#t-findings").fill("Wedge of L1")
    page.get_by_role("button", name="Keep the draft").click()
    expect(page.get_by_text("Draft kept. Nobody else sees it.")).to_be_visible()
    expect(page.locator("#t-findings")).to_have_value("Wedge of L1")
    explains(page)
    page.locator("#proof-password").fill(PASSWORD)
    page.locator("#sign-button").click()
    expect(page.get_by_role("heading", name="As it was signed")).to_be_visible()


def test_a_tick_that_comes_after_the_signature_is_taken_in_as_an_addendum(
    own_server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(own_server, viewport=LANDSCAPE)
    ward.expected.append(GONE)
    case, nurse = opened(ward)
    ward.suite.do_until(case, "REC-HO")
    nurse.page.reload()
    nurse.page.wait_for_timeout(1500)
    page, context = nurse.page, nurse.page.context
    context.set_offline(True)
    own_server.stop()
    page.goto(f"/cases/{case}/offline/")
    page.locator("[data-key='K11']").locator("xpath=ancestor::details[not(@open)]/summary").tap()
    ticks_without(page, "K11")
    ward.suite.sign(case)
    own_server.start()
    context.set_offline(False)
    queue = page.locator("#queue")
    expect(queue).to_contain_text("This record is signed.", timeout=15_000)
    queue.get_by_label("Why does this come only now?").fill("The tablet was offline")
    queue.get_by_role("button", name="Take in as an addendum").tap()
    expect(queue).to_be_hidden(timeout=15_000)
    event = Event.objects.get(case=case, kind="addendum.added")
    assert (event.step_key, event.source, event.recorded_by_id) == ("K11", "offline", ward.suite.nurse.pk)
    assert event.performed_at < Case.objects.get(pk=case).signed_at  # type: ignore[operator]
    page.goto(f"/cases/{case}/note/")
    expect(page.locator("#addenda")).to_contain_text("The tablet was offline")
    page.goto(f"/cases/{case}/record/")
    expect(page.locator("main")).to_contain_text("added later")


# Every new screen -----------------------------------------------------------------------------------------------------


def every_screen(ward: Ward) -> Iterator[tuple[str, Page]]:
    """The note before and after its signature, as author and as supervisor, and the forms of an addendum."""
    suite = ward.suite
    Membership.objects.filter(user=suite.assistant).update(role=Role.OPERATOR)
    unsigned, signed = due(suite), due(suite, mrn="004300200")
    long = "Wedge of L1. " * 40
    suite.sign(
        signed, note={"procedure": "Kyphoplasty of L1", "findings": long}, cosign_by=suite.assistant.pk
    )
    about = suite.step(signed, "K09d-L1-left").live[-1].seq
    commands.add_addendum(
        suite.command(signed, "operator"), reason="CT on the next day", text=long,
        key="K09d-L1-left", about=about, values={"leak": ["disc"]},
    )  # fmt: skip
    page, beside = ward.has("operator").page, ward.has("assistant").page
    for name, who, path in (
        ("sign", page, f"/cases/{unsigned}/sign/"),
        ("note", page, f"/cases/{signed}/note/"),
        ("note to co-sign", beside, f"/cases/{signed}/note/"),
        ("note, unsigned", page, f"/cases/{unsigned}/note/"),
        ("addendum", page, f"/cases/{signed}/addendum/"),
        ("addendum to an entry", page, f"/cases/{signed}/addendum/?key=K09d-L1-left&about={about}"),
        ("addendum refused", page, f"/cases/{unsigned}/addendum/"),
        ("case, signed", page, f"/cases/{signed}/steps/K09d-L1-left/entries/{about}/"),
        ("today", page, "/"),
    ):
        who.goto(path)
        yield name, who
    page.goto(f"/cases/{unsigned}/sign/")
    page.locator("#proof-password").fill("not this")
    page.locator("#sign-button").click()
    page.locator(".field--error").first.wait_for()
    yield "sign, 422", page
    page.goto(f"/cases/{signed}/addendum/")
    page.get_by_role("button", name="Record the addendum").click()
    page.locator(".field--error").first.wait_for()
    yield "addendum, 422", page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_everything_can_be_tapped(
    server: Server, ward_of: Callable[..., Ward], theme: str
) -> None:
    ward = ward_of(server, color_scheme=theme, viewport=LANDSCAPE)
    ward.expected.append(re.compile("the server responded with a status of 409"))
    found = []
    for name, page in every_screen(ward):
        page.evaluate(AXE)
        for size in (PHONE, PORTRAIT, LANDSCAPE, DESKTOP) if theme == "light" else (LANDSCAPE,):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            here = f"{name}, {size['width']}"
            found += [f"{here}: {said}" for said in page.evaluate(SIDEWAYS) + page.evaluate(TOO_LOW, 44)]
            if size in (LANDSCAPE, PORTRAIT):
                found += [f"{here}: {said}" for said in page.evaluate(RUN_AXE, ["html", RULES[theme]])]
        page.set_viewport_size(LANDSCAPE)  # type: ignore[arg-type]
    assert not found, "\n".join(found)
