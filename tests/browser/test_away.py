"""When the server, an answer or the session goes away under a tap: words that say so, nothing green, nothing twice."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, Route, expect

from procedures.models import Event
from tests.server import Server

from .ward import Tablet, Ward

pytestmark = pytest.mark.browser

# What the browser and htmx write into the console about it.
GONE = re.compile(r"ERR_CONNECTION_REFUSED|ERR_FAILED|htmx:(sendError|afterRequest)|Status Error Code 401")


def at_the_line(ward: Ward) -> tuple[UUID, Tablet]:
    """A started case with the IV line in hand and half filled in."""
    case = ward.suite.started("L1")
    ward.suite.do_until(case, "K02")
    nurse = ward.has("nurse")
    nurse.page.goto(f"/cases/{case}/steps/K02/")
    nurse.fills(nurse.form("done"), {"Site": "Hand", "Gauge": "20 G"})
    return case, nurse


def it_waits_and_nothing_is_green(page: Page) -> None:
    """The tick is kept on the tablet, in words, and the step is as it was."""
    expect(page.get_by_role("alert").filter(has_text="not in the record yet")).to_be_visible()
    expect(page.locator("#queue")).to_contain_text("Waiting to send (1)")
    expect(page.locator("#row-K02 > a")).to_have_attribute("data-state", "pending")
    expect(page.locator("#row-K02")).to_contain_text("IV line")
    expect(page.locator("#row-K02 [data-queued]")).to_be_visible()
    expect(page.locator("#undo")).not_to_contain_text("IV line")


def lines(case: UUID) -> int:
    """How many IV lines the record has."""
    return Event.objects.filter(case=case, kind="step.done", step_key="K02").count()


def test_a_server_that_is_gone_keeps_the_tick_waiting_and_it_goes_by_itself(
    own_server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(own_server)
    ward.expected.append(GONE)
    case, nurse = at_the_line(ward)
    own_server.stop()
    nurse.form("done").locator(".button--main").tap()
    it_waits_and_nothing_is_green(nurse.page)
    own_server.start()
    expect(nurse.page.locator("#row-K02 > a")).to_have_attribute("data-state", "done", timeout=15_000)
    expect(nurse.page.locator("#problem")).to_be_hidden()
    assert lines(case) == 1


def test_an_answer_that_is_lost_is_no_second_entry(server: Server, ward_of: Callable[..., Ward]) -> None:
    ward = ward_of(server)
    ward.expected.append(GONE)
    case, nurse = at_the_line(ward)

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    nurse.page.route("**/done/", lose_the_answer, times=1)
    nurse.form("done").locator(".button--main").tap()
    expect(nurse.page.locator("#row-K02 > a")).to_have_attribute("data-state", "done", timeout=15_000)
    expect(nurse.page.locator("#queue")).to_be_hidden(timeout=15_000)
    assert lines(case) == 1
    assert not Event.objects.filter(case=case, source="offline").exists()


def test_a_session_that_ended_says_so_and_the_tick_waits_for_it(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server)
    ward.expected.append(GONE)
    case, nurse = at_the_line(ward)
    Session.objects.all().delete()
    assert nurse.sends(nurse.form("done").locator(".button--main")) == 401
    it_waits_and_nothing_is_green(nurse.page)
    expect(nurse.page.locator("#queue")).to_contain_text("You are signed out. Sign in")
    assert lines(case) == 0
    nurse.page.goto(f"/cases/{case}/steps/K02/")
    nurse.gives_name_and_password()
    expect(nurse.page.locator("#row-K02 > a")).to_have_attribute("data-state", "done", timeout=15_000)
    assert lines(case) == 1
