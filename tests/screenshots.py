"""`make screenshots`: draws docs/screenshots/ anew, from the demo's data on a server and a database of its own."""

import base64
import os
import re
import shutil
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp(prefix="kypho-screenshots-"))
os.environ["KYPHO_TEST_FOLDER"] = str(FOLDER / "postgres")
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # see tests/browser/conftest.py

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from kypho import database  # noqa: E402
from procedures.demo import PIN, seed  # noqa: E402
from procedures.models import Case, Pin, Unit  # noqa: E402
from tests.browser.shared import gives_pin  # noqa: E402
from tests.browser.ward import Ward, until  # noqa: E402
from tests.server import Server, collected  # noqa: E402
from tests.world import secret_of, tablet_of  # noqa: E402

TARGET = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
SIZES = {"tablet": (1280, 800), "portrait": (800, 1280), "desktop": (1440, 900)}
THEMES = ("light", "dark")
WORKER, OPERATOR = "nurse", "chen"
ADA, LIAM = "Ada Okafor", "Liam Moreau"
WITHOUT_NETWORK = re.compile(r"ERR_INTERNET_DISCONNECTED|ERR_FAILED|htmx:(sendError|afterRequest)")


@contextmanager
def demo_server() -> Iterator[Server]:
    """The real server on a fresh database that holds the demo."""
    folder = Path(os.environ["KYPHO_TEST_FOLDER"])
    database.start(folder, durable=False)
    try:
        call_command("migrate", verbosity=0)
        seed()
        with Server(database.url("kypho_app", folder), collected(FOLDER / "static")) as server:
            yield server
    finally:
        connections.close_all()
        database.stop(folder)
        shutil.rmtree(FOLDER, ignore_errors=True)


def planning(page: Page) -> None:
    """A new patient with two vertebrae picked."""
    page.goto("/cases/new/?mrn=004300128")
    page.get_by_label("Family name").fill("Moretti")
    page.get_by_label("Given name").fill("Carla")
    for vertebra in ("T12", "L1"):
        page.locator(".vertebra", has_text=vertebra).click()
    page.locator(".spine").evaluate("spine => spine.scrollIntoView({block: 'center'})")


def screens(case: str) -> dict[str, Callable[[Page], object]]:
    """Each screen of the nurse by its name, and how she gets there."""
    return {
        "today": lambda page: page.goto("/"),
        "new-case": planning,
        "case": lambda page: page.goto(f"/cases/{case}/"),
        "manage": lambda page: page.goto(f"/cases/{case}/manage/"),
    }


def operators_screens(done: str, note: str) -> dict[str, Callable[[Page], object]]:
    """Each screen of the operator by its name."""
    return {
        "case-log": lambda page: page.goto(f"/log/?until={date.today() - timedelta(days=1)}"),  # noqa: DTZ011
        "statistics": lambda page: page.goto("/log/statistics/"),
        "record": lambda page: page.goto(f"/cases/{done}/record/"),
        "sign": lambda page: page.goto(f"/cases/{note}/sign/"),
        "note": lambda page: page.goto(f"/cases/{done}/note/"),
    }


def once(case: str) -> dict[str, Callable[[Page], object]]:
    """What is drawn once only: the case when something is missing, with an entry in view, and when it refuses."""

    def entry(page: Page) -> None:
        page.goto(f"/cases/{case}/steps/K02/")
        page.locator("#hand article.entry a.button").first.click()
        page.locator("#correct").wait_for()

    def refused(page: Page) -> None:
        page.goto(f"/cases/{case}/steps/EV-VITALS/")
        page.get_by_role("textbox", name="Heart rate").fill("999")
        page.get_by_role("textbox", name="Oxygen saturation").fill("85")
        page.locator("#hand .button--main").click()
        page.get_by_text("Allowed: 20 to 250").wait_for()

    return {
        "case-missing": lambda page: page.goto(f"/cases/{case}/missing/"),
        "case-entry": entry,
        "case-wrong-value": refused,
        "case-vitals": lambda page: page.goto(f"/cases/{case}/steps/EV-VITALS/"),
        "case-offline": lambda page: page.goto(f"/cases/{case}/offline/"),
        "handover": lambda page: page.goto(f"/cases/{case}/handover/"),
        "paper": lambda page: page.goto(f"/cases/{case}/paper/"),
        "case-blocked": lambda page: page.goto(f"/cases/{case}/steps/CHK-OUT/"),
    }


def shared_tablet(ward: Ward, desk: Page, case: str) -> None:
    """A tablet of the unit: the names, the pad, the lock over a case, somebody else's half-typed value, the queue."""
    unit = Unit.objects.get(memberships__user__username=WORKER)
    tablet_of(unit, "Room 2")
    Pin.objects.update(
        hash=Argon2PasswordHasher().encode(PIN, "only-for-pictures")
    )  # as the real server hashes
    page = ward.tablet().page
    ward.expected.append(WITHOUT_NETWORK)
    cookie = {"name": settings.TABLET_COOKIE_NAME, "value": secret_of("Room 2"), "url": ward.url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.goto(f"/cases/{case}/steps/EV-VITALS/")
    keep(desk, page, "tablet-names")
    names = page.locator("main")
    names.locator("label.name", has_text=ADA).click()
    for digit in PIN[:4]:
        names.locator(f"[data-pin-key='{digit}']").click()
    keep(desk, page, "tablet-pin")
    for digit in PIN[4:]:
        names.locator(f"[data-pin-key='{digit}']").click()
    names.get_by_role("button", name="Go on").click()
    page.locator("input[name=v_hr]").fill("72")
    sheet = page.locator("#sheet")
    page.locator("#sheet form").first.wait_for(state="attached")
    page.get_by_role("button", name="Lock this tablet").click()
    sheet.get_by_text("Locked.").wait_for()
    keep(desk, page, "tablet-lock")
    gives_pin(sheet, LIAM)
    page.get_by_text(f"typed by {ADA}").wait_for()
    keep(desk, page, "tablet-typed-by")
    page.goto(f"/cases/{case}/")
    until(page, "async () => (await (await caches.open('cases')).keys()).length")
    page.context.set_offline(True)
    page.goto(f"/cases/{case}/offline/")
    for key in ("K09c", "EV-VITALS", "EV-NOTE"):
        page.locator(f"[data-key='{key}']").click()
        if key == "EV-NOTE":
            page.locator("#hand textarea[name=v_text]").fill("Second tray opened")
        page.locator("#hand .button--main").click()
    page.get_by_text("Waiting to send (3)").wait_for()
    page.locator("#queue-box > summary").click()
    page.evaluate("scrollTo(0, 0)")
    keep(desk, page, "tablet-queue")
    page.context.set_offline(False)
    page = ward.has(WORKER).page
    page.goto("/unit/")
    keep(desk, page, "people-of-the-unit")


def draw(browser: Browser, url: str) -> None:
    """Every screen at every size in both themes."""
    desk = browser.new_page()
    case = str(Case.objects.get(status="in_progress", levels=["T12", "L1"]).pk)
    done = str(
        Case.objects.filter(status="completed", signed_by__username=OPERATOR, treated=2)
        .latest("started_at")
        .pk
    )
    note = str(Case.objects.filter(to_sign=True, operator__username=OPERATOR).latest("started_at").pk)
    for size, (width, height) in SIZES.items():
        for theme in THEMES:
            ward = Ward(browser, url, None, viewport={"width": width, "height": height}, color_scheme=theme)
            page = ward.tablet().page
            page.goto("/accounts/login/")
            keep(desk, page, f"sign-in-{size}-{theme}")
            page = ward.has(WORKER).page
            shown = screens(case) | (once(case) if (size, theme) == ("tablet", "light") else {})
            for name, go in shown.items():
                go(page)
                keep(desk, page, f"{name}-{size}-{theme}")
            page = ward.has(OPERATOR).page
            for name, go in operators_screens(done, note).items():
                go(page)
                keep(desk, page, f"{name}-{size}-{theme}")
            if (size, theme) == ("tablet", "light"):
                shared_tablet(ward, desk, case)
            if problems := ward.close():
                sys.exit("\n".join(problems))


# The 256 most frequent colours stay as they are; the few other pixels, edges of letters, take the nearest of them.
FEW_COLOURS = """async png => {
  const bitmap = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height), context = canvas.getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
  const count = new Map();
  for (const pixel of pixels) count.set(pixel, (count.get(pixel) ?? 0) + 1);
  const palette = [...count].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([colour]) => colour);
  const parts = c => [c & 255, c >> 8 & 255, c >> 16 & 255];
  const far = (a, b) => parts(a).reduce((sum, part, i) => sum + (part - parts(b)[i]) ** 2, 0);
  const place = new Map(palette.map((colour, index) => [colour, index]));
  const nearest = colour => palette.reduce(
    (best, other, i) => far(colour, other) < far(colour, palette[best]) ? i : best, 0);
  for (const colour of count.keys()) if (!place.has(colour)) place.set(colour, nearest(colour));
  const reader = new FileReader();
  const read = new Promise(done => { reader.onload = () => done(reader.result); });
  reader.readAsDataURL(new Blob([Uint8Array.from(pixels, pixel => place.get(pixel))]));
  return [bitmap.width, palette.flatMap(parts), (await read).split(',')[1]]; }"""


def keep(desk: Page, page: Page, name: str) -> None:
    """Take the picture of what is on the screen; `desk` is an empty page on which it is made smaller."""
    taken = page.screenshot(animations="disabled")
    width, palette, encoded = desk.evaluate(FEW_COLOURS, base64.b64encode(taken).decode())
    pixels = base64.b64decode(encoded)
    rows = b"".join(b"\0" + pixels[at : at + width] for at in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", width, len(pixels) // width, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", bytes(palette)), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    picture = b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts
    )
    (TARGET / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + picture)


def main() -> None:
    """Empty the folder, draw, and say how much it is."""
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    with demo_server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("KYPHO_CHROMIUM") or None,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        draw(browser, server.url)
        browser.close()
    pictures = list(TARGET.glob("*.png"))
    print(f"{len(pictures)} pictures, {sum(p.stat().st_size for p in pictures) / 1e6:.1f} MB, in {TARGET}")


if __name__ == "__main__":
    main()
