"""A tablet that the ward shares: enrolled, and people change on it with name and PIN."""

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Locator, expect

from procedures.models import Pin
from tests.world import PIN, World, give_pin, secret_of, tablet_of

from .ward import Tablet, Ward


def shared(ward: Ward, username: str, room: str = "Room 2") -> Tablet:
    """An enrolled tablet on which somebody has just given the PIN."""
    world: World = ward.suite
    for name in ("nurse", "scrub"):
        give_pin(world.people[name])
    Pin.objects.update(hash=Argon2PasswordHasher().encode(PIN, "only-for-tests"))  # as the real server hashes
    tablet_of(world.unit, room)
    tablet = ward.tablet(username)
    cookie = {"name": settings.TABLET_COOKIE_NAME, "value": secret_of(room), "url": ward.url}
    tablet.page.context.add_cookies([cookie])  # type: ignore[list-item]
    tablet.page.goto("/")
    gives_pin(tablet.page.locator("main"), tablet.name)
    expect(tablet.page.get_by_role("link", name="Today")).to_be_visible()
    return tablet


def gives_pin(place: Locator, name: str) -> None:
    """Tap the name, tap the digits."""
    place.locator("label.name", has_text=name).tap()
    for digit in PIN:
        place.locator(f"[data-pin-key='{digit}']").tap()
    place.get_by_role("button", name="Go on").tap()
