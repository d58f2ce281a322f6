"""Half an hour behind lead. Both clocks run it: the server was left thirty minutes ago, the tablet's goes on in leaps.

So nothing is bent: when the network is back, the tablet's clock has come to where the server's is, and every time in
the record is one that the tablet's clock has shown.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.sessions.models import Session
from playwright.sync_api import Locator, Page, expect

from procedures import clock
from procedures.models import Event, Pin
from procedures.verification import verify
from tests.server import Server
from tests.world import PIN, give_pin, secret_of, tablet_of

from .shared import gives_pin
from .test_offline import GONE, KEPT, LANDSCAPE, ticks_without
from .ward import Tablet, Ward, until

pytestmark = pytest.mark.browser

AWAY = timedelta(minutes=30)
PATIENCE = 40_000  # ms: a send that was cut off on a busy machine comes again by itself
BETWEEN = timedelta(seconds=72)  # 25 ticks in half an hour
READY = "async () => (await navigator.serviceWorker.ready) && !!navigator.serviceWorker.controller"


class Room:
    """A case behind lead, and the tablet there: its profile on the disk, and how far its clock has come."""

    def __init__(self, ward: Ward, server: Server, profile: Path, launching: dict[str, Any]) -> None:
        self.ward, self.server, self.profile, self.launching = ward, server, profile, launching
        self.passed = timedelta(0)
        ward.expected.append(GONE)
        server.stop()
        server.start(ago=AWAY)
        with clock.at(self.now() - timedelta(minutes=5)):
            self.case: UUID = ward.suite.started("L1")
        self.page: Page
        self.tablet: Tablet

    def now(self) -> datetime:
        """What the tablet's clock shows."""
        return datetime.now(UTC) - AWAY + self.passed

    def opens_the_browser(self, username: str, *, network: bool = True) -> Page:
        """Start it on the same profile, its clock where the tablet's clock is."""
        self.tablet = self.ward.tablet_with(self.profile, username, **self.launching)
        context = self.tablet.page.context
        context.clock.install(time=self.now())
        context.set_offline(not network)
        self.page = self.tablet.page
        return self.page

    def has_the_case(self) -> None:
        """The case is in view, and kept on this tablet."""
        self.page.goto(f"/cases/{self.case}/")
        until(self.page, READY)
        self.page.reload()
        until(self.page, KEPT)

    def loses_network_and_server(self) -> None:
        """Behind lead, and the server goes down too."""
        self.page.context.set_offline(True)
        self.server.stop()
        self.page.goto(f"/cases/{self.case}/")
        expect(self.page.get_by_text("No network. What you tick waits")).to_be_visible()

    def restarts_the_browser(self, username: str) -> None:
        """The whole browser is closed, as by a dead battery, and opened again."""
        self.page.context.close()
        self.opens_the_browser(username, network=False)
        self.page.goto(f"/cases/{self.case}/offline/")

    def ticks(self, *keys: str, side: str = "") -> None:
        """One after the other, a little more than a minute apart."""
        for key in keys:
            self.page.clock.fast_forward(int(BETWEEN.total_seconds() * 1000))
            self.passed += BETWEEN
            ticks_without(self.page, key, side=side)

    def gets_both_back(self) -> None:
        """Network and server are there again, half an hour later."""
        self.server.start()
        self.page.context.set_offline(False)

    def recorded(self) -> list[Event]:
        """What came from the queue, in the order of the record."""
        return list(Event.objects.filter(case=self.case, source="offline", kind="step.done").order_by("seq"))


@pytest.fixture
def room(
    own_server: Server,
    ward_of: Callable[..., Ward],
    tmp_path: Path,
    browser_type_launch_args: dict[str, Any],
) -> Room:
    """The room, while there still is a network."""
    return Room(ward_of(own_server, viewport=LANDSCAPE), own_server, tmp_path, browser_type_launch_args)


def spread_over_half_an_hour(room: Room, events: list[Event], left_at: datetime) -> None:
    """The times are those of the tablet's clock, in the order of doing; none is that of the sending."""
    times = [event.performed_at for event in events]
    assert times == sorted(times)
    assert timedelta(seconds=60) < times[0] - left_at < timedelta(seconds=90)
    assert timedelta(minutes=29) < times[-1] - left_at < timedelta(minutes=32)
    # The clock leaps 72 seconds and runs on while a finger taps; where one tick was refused there are two leaps.
    assert all(
        BETWEEN <= after - before < 2 * BETWEEN + timedelta(seconds=15) for before, after in pairwise(times)
    )
    told = [event.data for event in events]
    assert all(abs(data["offset_ms"]) < 2000 for data in told)
    shown = [datetime.fromisoformat(data["device_at"]) for data in told]
    assert all(abs(at - time) < timedelta(seconds=2) for at, time in zip(shown, times, strict=True))
    assert events[0].recorded_at - times[0] > timedelta(minutes=28)


def test_half_an_hour_without_network_arrives_once_and_in_order(room: Room) -> None:
    room.opens_the_browser("nurse")
    room.page.goto("/")
    room.tablet.gives_name_and_password()
    room.has_the_case()
    left_at = room.now()
    room.loses_network_and_server()
    room.ticks("PRE-ID", "PRE-CON", "PRE-SCR", "PRE-BASE", "PRE-MARK", "K01", "K02", "K03")
    room.page.reload()
    expect(room.page.locator("#queue")).to_contain_text("Waiting to send (8)")
    room.ticks("CHK-IN", "K05", "K06a", "K06b")
    room.restarts_the_browser("nurse")
    expect(room.page.locator("[data-key='K03'] [data-queued]")).to_be_visible()
    expect(room.page.locator("#queue")).to_contain_text("Waiting to send (12)")
    room.ticks("CHK-TO", "K07-L1", "K08a-L1")
    room.ticks("K08b-L1", side="Left")
    room.ticks(*["EV-VITALS", "EV-NOTE"] * 4, "EV-VITALS")
    expect(room.page.locator("#queue")).to_contain_text("Waiting to send (25)")
    assert not Event.objects.filter(case=room.case, kind="step.done").exists()
    with clock.at(
        left_at + timedelta(minutes=9)
    ):  # a colleague at another tablet, a minute before her own tick
        room.ward.suite.do(room.case, "K03", by="sedation")
    room.gets_both_back()
    queue = room.page.locator("#queue")
    expect(queue).to_contain_text("1 entry to settle", timeout=PATIENCE)
    expect(queue).to_contain_text("Done by Liam Moreau")
    expect(queue).not_to_contain_text("Waiting to send")
    events = room.recorded()
    assert [event.step_key for event in events] == [
        *("PRE-ID", "PRE-CON", "PRE-SCR", "PRE-BASE", "PRE-MARK", "K01", "K02"),
        *("CHK-IN", "K05", "K06a", "K06b", "CHK-TO", "K07-L1", "K08a-L1", "K08b-L1-left"),
        *["EV-VITALS", "EV-NOTE"] * 4,
        "EV-VITALS",
    ]
    spread_over_half_an_hour(room, events, left_at)
    assert len({event.command_id for event in events}) == len(events) == 24
    (theirs,) = Event.objects.filter(case=room.case, step_key="K03")
    assert (theirs.recorded_by, theirs.source) == (room.ward.suite.sedation, "live")
    assert not [fault for _number, fault in verify(room.case) if fault]
    # Settled by her, and nothing comes again: not by another send, not by a reload.
    room.page.goto(f"/cases/{room.case}/")
    expect(room.page.locator("#row-K08b-L1-left > a")).to_have_attribute("data-state", "done")
    expect(queue).to_contain_text("1 entry to settle")
    queue.get_by_role("button", name="It is settled").tap()
    expect(queue).to_be_hidden()
    room.page.reload()
    expect(queue).to_be_hidden()
    assert len(room.recorded()) == 24


def test_the_same_with_the_session_gone_and_somebody_else_in_between(room: Room) -> None:
    suite = room.ward.suite
    for name in ("nurse", "scrub"):
        give_pin(suite.people[name])
    Pin.objects.update(hash=Argon2PasswordHasher().encode(PIN, "only-for-tests"))
    with clock.at(room.now() - timedelta(days=1)):
        tablet_of(suite.unit)
    room.opens_the_browser("nurse")
    cookie = {
        "name": settings.TABLET_COOKIE_NAME,
        "value": secret_of("Room 2"),
        "url": room.ward.url,
        "expires": 4e9,
    }
    room.page.context.add_cookies([cookie])  # type: ignore[list-item]
    room.page.goto("/")
    gives_pin(room.page.locator("main"), "Ada Okafor")
    expect(room.page.get_by_role("link", name="Today")).to_be_visible()
    room.has_the_case()
    left_at = room.now()
    room.loses_network_and_server()
    room.ticks("PRE-ID", "PRE-CON", "PRE-SCR", "PRE-BASE", "PRE-MARK", "K01", "K02", "K03")
    room.page.get_by_role("button", name="Lock this tablet").tap()
    room.page.locator("#sheet label.name", has_text="Sven Scrub").tap()
    expect(room.page.locator("#you")).to_contain_text("not yet confirmed")
    room.ticks("CHK-IN", "K05", "K06a", "K06b", "CHK-TO")
    room.restarts_the_browser("scrub")
    expect(room.page.locator("#you")).to_contain_text("Sven Scrub")
    room.ticks("K07-L1", "K08a-L1")
    room.page.context.set_offline(False)  # the network is back, the server is not: still the name alone
    room.page.get_by_role("button", name="Lock this tablet").tap()
    room.page.locator("#sheet label.name", has_text="Ada Okafor").tap()
    room.ticks(*["EV-VITALS", "EV-NOTE"] * 5)
    expect(room.page.locator("#queue")).to_contain_text("Waiting to send (25)")
    with clock.at(left_at + timedelta(minutes=3)):
        suite.do(room.case, "PRE-SCR", by="sedation")
    Session.objects.all().delete()
    room.gets_both_back()
    # Nobody is signed in: the page goes to the names by itself. Nothing goes out before a PIN, and then
    # only what its owner made, as far as the order allows.
    expect(room.page).to_have_url(re.compile("/switch/"), timeout=PATIENCE)
    expect(room.page.locator("#queue")).to_contain_text("Waiting to send (25)")
    assert not room.recorded()
    gives_pin(room.page.locator("main"), "Ada Okafor")
    queue = room.page.locator("#queue")
    sheet = room.page.locator("#sheet")
    expect(queue).to_contain_text("Waiting to send (17)", timeout=PATIENCE)
    assert [event.recorded_by for event in room.recorded()] == [suite.nurse] * 7
    _gives_the_pin_of(sheet, "Sven Scrub")
    expect(queue).to_contain_text("Waiting to send (10)", timeout=PATIENCE)
    _gives_the_pin_of(sheet, "Ada Okafor")
    expect(queue).not_to_contain_text("Waiting to send", timeout=PATIENCE)
    expect(queue).to_contain_text("1 entry to settle")
    expect(queue).to_contain_text("Done by Liam Moreau")
    events = room.recorded()
    assert [event.step_key for event in events] == [
        *("PRE-ID", "PRE-CON", "PRE-BASE", "PRE-MARK", "K01", "K02", "K03"),
        *("CHK-IN", "K05", "K06a", "K06b", "CHK-TO", "K07-L1", "K08a-L1"),
        *["EV-VITALS", "EV-NOTE"] * 5,
    ]
    assert [event.recorded_by for event in events] == [suite.nurse] * 7 + [suite.scrub] * 7 + [
        suite.nurse
    ] * 10
    spread_over_half_an_hour(room, events, left_at)
    assert len({event.command_id for event in events}) == 24
    assert not [fault for _number, fault in verify(room.case) if fault]


def _gives_the_pin_of(sheet: Locator, name: str) -> None:
    """The sheet asks for it by itself, with the name chosen."""
    expect(sheet.get_by_role("radio", name=name)).to_be_checked(timeout=PATIENCE)
    for digit in PIN:
        sheet.locator(f"[data-pin-key='{digit}']").tap()
    sheet.get_by_role("button", name="Go on").tap()
