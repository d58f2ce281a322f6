"""Every screen of the app, one after the other, in states that show all of its parts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from playwright.sync_api import Page

from procedures import clock, commands, walls
from procedures.models import Case, Membership, WallLink
from tests import world as worlds
from tests.many import many

from .shared import shared
from .ward import Ward

# The answers that these screens are made of; the browser writes each into its console.
MEANT_ERRORS = re.compile(r"Failed to load resource: the server responded with a status of 40[134]")


@dataclass
class Cases:
    """A suite with one case in each of the states that look different."""

    planned: UUID
    running: UUID
    completed: UUID
    stormy: UUID
    line: int
    count: int


def cases(suite: worlds.World) -> Cases:
    """Made by the commands; the running case has come to the balloons, with an override and details missing."""
    planned = suite.open("T9", mrn="004300200", family_name="Moretti", given_name="Carla")
    running = suite.started("T12", "L1")
    suite.do(running, "EV-NOTE", values={"text": "The patient prefers the left side. " * 12})
    suite.do_until(running, "CHK-IN")
    suite.do(running, "K04", override_reason="The anaesthetist is needed elsewhere in five minutes")
    suite.do_until(running, "K09a")
    vitals = {"hr": {"amount": "70", "unit": "/min"}, "spo2": {"amount": "97", "unit": "%"}}
    suite.do(running, "EV-VITALS", "EV-VITALS", values=vitals)
    done = suite.started("L2", mrn="004300300", family_name="Brandt-Oberhauser", given_name="Maximiliane")
    suite.do_until(done, "none")
    stormy = suite.started("L1", mrn="004300400", family_name="Okonkwo", given_name="Ada")
    commands.offer_handover(suite.command(stormy), to=suite.scrub.pk, concerns="sleepy")
    commands.set_emergency(suite.command(stormy), on=True)
    counts = {name: {"amount": "22", "unit": ""} for name in ("counted_in", "counted_out")}
    suite.do(stormy, "CNT", by="operator", values={"match": True, **counts})
    commands.pause(suite.command(stormy), reason="arrest")
    whole = Case.objects.get(pk=done)
    many(whole, suite.operator, 40)
    many(whole, suite.assistant, 3)
    line, count = (suite.step(pk, key).live[0].seq for pk, key in ((running, "K02"), (stormy, "CNT")))
    return Cases(planned, running, done, stormy, line, count)


def signed_out(ward: Ward) -> Iterator[tuple[str, Page]]:
    """The screens that anybody sees."""
    page = ward.tablet().page
    page.goto("/accounts/login/")
    yield "sign-in", page
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("not correct").wait_for()
    yield "sign-in refused", page
    for name, change in (
        ("401", "form.action = '/theme/'"),
        ("403", "form.querySelector('[name=csrfmiddlewaretoken]').remove()"),
    ):
        page.goto("/accounts/login/")
        with page.expect_navigation():
            page.evaluate(f"() => {{ const form = document.forms[0]; {change}; form.submit(); }}")
        page.get_by_text(f"Kypho · {name}").wait_for()
        yield name, page


def wall(ward: Ward) -> str:
    """The token of a wall display of the unit."""
    token = walls.new_token()
    by = ward.suite.admin
    WallLink.objects.create(
        unit=ward.suite.unit,
        name=token[:8],
        token_hash=walls.digest(token),
        created_by=by,
        created_at=clock.now(),
    )
    return token


def signed_in(ward: Ward, found: Cases) -> Iterator[tuple[str, Page]]:
    """Every screen of the nurse."""
    tablet = ward.has("nurse")
    page, case = tablet.page, f"/cases/{found.running}/"
    for name, path in (
        ("404", "/no/such/page/"),
        ("today", "/?day=2026-11-22"),
        ("today, empty", "/?day=2031-01-01"),
        ("new case, find", "/cases/new/"),
        ("new case, known patient", "/cases/new/?mrn=004217889"),
        ("new case, new patient", "/cases/new/?mrn=004300999"),
        ("change the plan", f"/cases/{found.planned}/plan/"),
        ("manage, planned", f"/cases/{found.planned}/manage/"),
        ("manage", f"{case}manage/"),
        ("record", f"{case}record/"),
        ("record, completed", f"/cases/{found.completed}/record/"),
        ("record, emergency and pause", f"/cases/{found.stormy}/record/"),
        ("handover", f"{case}handover/"),
        ("to look at again", f"{case}reconcile/"),
        ("move", f"{case}steps/K02/entries/{found.line}/move/"),
        ("case, emergency and pause", f"/cases/{found.stormy}/"),
        ("case, second person", f"/cases/{found.stormy}/steps/CNT/entries/{found.count}/"),
        ("case, to start", f"/cases/{found.planned}/"),
        ("case, nothing open", f"/cases/{found.completed}/"),
        ("case, blocked", f"{case}steps/K10/"),
        ("case, both sides", f"{case}steps/K08b-L1/"),
        ("case, product", f"{case}steps/K09c/"),
        ("case, any time", f"{case}steps/EV-COMPLICATION/"),
        ("case, missing", f"{case}missing/"),
        ("case, many entries", f"{case}steps/EV-NOTE/"),
        ("case, step in hand", case),
        ("case without network", f"{case}offline/"),
        ("no network", "/offline/"),
        ("case log", "/log/"),
        ("case log, filtered, nothing fits", "/log/?level=L5&level=L9&flag=late"),
        ("take away", "/log/export/?level=L1"),
        ("who got a lot", "/log/lots/?lot=KX-1"),
        ("print view", f"{case}export/print/"),
        ("statistics", "/log/statistics/"),
        ("statistics, by operator", "/log/statistics/?by=operator&since=2026-13-01"),
        ("statistics, of nothing", "/log/statistics/?until=2001-01-01"),
        ("paper", "/paper/"),
        ("paper of a case", f"{case}paper/"),
        ("case, from paper", f"{case}?paper=1"),
        ("wall", f"/wall/{wall(ward)}/"),
        ("password", "/accounts/password/change/"),
        ("second factor", "/accounts/2fa/"),
        ("sign out", "/accounts/logout/"),
    ):
        page.goto(path)
        if name == "statistics":
            page.locator("#leaks summary").click()
        yield name, page
    yield from _after_something_wrong(ward, page, case, found)


def on_a_tablet(ward: Ward, found: Cases) -> Iterator[tuple[str, Page]]:
    """What only an enrolled tablet shows."""
    Membership.objects.filter(user=ward.suite.nurse).update(charge=True)
    page = shared(ward, "nurse").page
    for name in ("tablet", "pin", "unit"):
        page.goto(f"/{name}/")
        yield f"{name} page", page
    page.goto(f"/cases/{found.running}/")
    page.locator("#sheet form").first.wait_for(state="attached")
    page.get_by_role("link", name="You are Ada Okafor").click()
    page.locator("#sheet label.name").first.click()
    page.locator("#sheet .button--main").click()
    page.get_by_text("A PIN has 6 to 12 digits.").wait_for()
    yield "case, sheet", page
    page.locator("[data-close-sheet]").click()
    page.get_by_role("button", name="Lock this tablet").click()
    page.locator(".sheet--lock").wait_for()
    yield "case, locked", page


def _after_something_wrong(ward: Ward, page: Page, case: str, found: Cases) -> Iterator[tuple[str, Page]]:
    page.goto("/cases/new/?mrn=004300999")
    page.get_by_label("Family name").fill("Rossi")
    page.get_by_label("Given name").fill("Maria")
    with page.expect_navigation():
        page.get_by_role("button", name="Open this case").click()
    page.locator(".field--error").first.wait_for()
    yield "new case, 422", page
    page.goto(f"{case}steps/EV-VITALS/")
    page.get_by_role("textbox", name="Heart rate").fill("999")
    page.get_by_role("textbox", name="Oxygen saturation").fill("85")
    page.locator("#hand .button--main").click()
    page.get_by_text("Allowed: 20 to 250").wait_for()
    page.get_by_text("85 % is unusually low.").wait_for()
    yield "case, 422", page
    page.goto(f"{case}steps/K07-L1/")
    page.locator(
        "#hand .segments label", has_text="Skin to bone"
    ).click()  # begun: it stays, whatever others do meanwhile
    ward.suite.do(found.running, "K07-L1")
    page.locator("#hand .button--main").click()
    page.get_by_text("Done by Ada Okafor at").first.wait_for()
    yield "case, 409", page
    page.goto(case)
    page.locator("#correct > summary, .you > summary").last.click()
    page.locator("details.pop.you[open]").wait_for()
    yield "case, menu open", page
    with page.expect_response(lambda r: "/entries/" in r.url):
        page.goto(f"{case}steps/K02/")
        page.locator("#hand article.entry a.button").first.click()
    page.locator("#correct > summary").click()
    yield "case, entry", page
