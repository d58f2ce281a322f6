"""What holds on every screen: accessible, nothing sideways, large enough to tap, quiet, usable by keyboard."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_playwright_axe.axe import MIN_AXE_PATH

from procedures.models import Event
from tests.server import Server

from . import screens
from .ward import PORTRAIT, Ward

pytestmark = pytest.mark.browser

LANDSCAPE, DESKTOP, PHONE = (
    {"width": 1280, "height": 800}, {"width": 1440, "height": 900}, {"width": 360, "height": 740},
)  # fmt: skip
AXE = MIN_AXE_PATH.read_text()
RUN_AXE = """async ([within, runOnly]) => (await axe.run(document.querySelector(within), {runOnly,
  resultTypes: ['violations'], preload: false})).violations.flatMap(
  rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.failureSummary}`))"""
# A control is as high as what a finger can hit: its label, its stepper or itself. Links within a sentence are exempt.
TOO_LOW = """least => [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter(e => e.checkVisibility() && !e.matches('.skip, p > a, .what > a, td a'))
  .map(e => [Math.max(...[e, e.closest('label'), e.closest('.stepper')].filter(Boolean).map(
     x => x.getBoundingClientRect().height)), e])
  .filter(([height, e]) => height > 0 && height < least - 0.5)
  .map(([height, e]) => `${Math.round(height)} px: ${e.outerHTML.slice(0, 120)}`)"""
SIDEWAYS = """() => { const root = document.documentElement, wide = innerWidth;
  return root.scrollWidth <= wide ? [] : [`${root.scrollWidth} > ${wide}`, ...[...document.querySelectorAll('body *')]
    .filter(e => e.checkVisibility() && !e.closest('.scroll-x') && e.getBoundingClientRect().right > wide + 1)
    .slice(0, 3).map(e => e.outerHTML.slice(0, 120))]; }"""


EVERY_RULE = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# Between the themes only colours differ, and between the sizes everything but them.
RULES = {"light": EVERY_RULE, "dark": {"type": "rule", "values": ["color-contrast"]}}
SIZES_OF = {"light": (LANDSCAPE, PORTRAIT), "dark": (LANDSCAPE,)}


def every_screen(ward: Ward) -> Iterator[tuple[str, Page]]:
    """Signed out and signed in."""
    yield from screens.signed_out(ward)
    found = screens.cases(ward.suite)
    yield from screens.signed_in(ward, found)
    yield from screens.on_a_tablet(ward, found)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_screen(server: Server, ward_of: Callable[..., Ward], theme: str) -> None:
    ward = ward_of(server, color_scheme=theme, viewport=LANDSCAPE)
    ward.expected.append(screens.MEANT_ERRORS)
    found, seen = [], 0
    for name, page in every_screen(ward):
        page.evaluate(AXE)
        # An open menu or sheet lies over what is behind it.
        within = (
            ".menu" if "menu" in name else "#sheet" if name in ("case, sheet", "case, locked") else "html"
        )
        for size in SIZES_OF[theme]:
            page.set_viewport_size(size)  # type: ignore[arg-type]
            said = page.evaluate(RUN_AXE, [within, RULES[theme]])
            found += [f"{name}, {size['width']}: {problem}" for problem in said]
        page.set_viewport_size(LANDSCAPE)  # type: ignore[arg-type]
        seen += 1
    assert seen == 57
    assert not found, "\n".join(found)


def test_nothing_scrolls_sideways_and_everything_is_large_enough(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server, viewport=PHONE)
    ward.expected.append(screens.MEANT_ERRORS)
    found = []
    for name, page in every_screen(ward):
        for size in (PHONE, PORTRAIT, LANDSCAPE, DESKTOP):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            here = f"{name}, {size['width']}"
            found += [f"{here}: wider than the screen: {said}" for said in page.evaluate(SIDEWAYS)]
            least = 56 if name.startswith("case") else 44
            found += [f"{here}: {said}" for said in page.evaluate(TOO_LOW, least)]
            for box in (b.bounding_box() for b in page.locator("#hand .button--main:visible").all()):
                found += (
                    [f"{here}: the main button is {box['height']} px"] if box and box["height"] < 80 else []
                )
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert not found, "\n".join(found)


# What has the focus: its name, whether an outline shows that (on it, or on the control that it is part of), and whether
# something else lies over its middle. The little calendar inside a date has the browser's own ring.
FOCUSED = """() => { const e = document.activeElement, box = e.getBoundingClientRect();
  const calendar = e.type?.startsWith('date') && !e.matches(':focus-visible');
  const shown = calendar || [e, e.closest('label'), e.closest('.stepper'), e.closest('.check')].filter(Boolean).some(
    x => getComputedStyle(x).outlineStyle !== 'none' && parseFloat(getComputedStyle(x).outlineWidth) >= 2);
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20));
  const clear = !!top && (e.contains(top) || top.contains(e) || !!e.closest('label')?.contains(top));
  const words = (e.getAttribute('aria-label') || e.innerText || e.name || '').slice(0, 60);
  return {tag: e.tagName, words, shown, clear}; }"""


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT], ids=["landscape", "portrait"])
def test_the_focus_is_always_seen(server: Server, ward_of: Callable[..., Ward], size: dict[str, int]) -> None:
    ward = ward_of(server, viewport=size)
    found = screens.cases(ward.suite)
    page = ward.has("nurse").page
    page.goto(f"/cases/{found.running}/steps/K09c/")
    stops = []
    for _ in range(150):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
        if stops[-1]["tag"] == "BODY":
            break
    stops = [s for s in stops if s["tag"] != "BODY"]
    assert len(stops) > 50
    assert [s for s in stops if not s["shown"] or not s["clear"]] == []


def test_a_step_is_recorded_with_the_keyboard_alone(server: Server, ward_of: Callable[..., Ward]) -> None:
    ward = ward_of(server, viewport=LANDSCAPE)
    case = ward.suite.started("L1")
    ward.suite.do_until(case, "K02")
    page = ward.has("nurse").page
    page.goto(f"/cases/{case}/steps/K02/")
    page.locator("#hand-title").focus()
    _tab_to(page, "input[name=v_site]")
    page.keyboard.press("Space")
    _tab_to(page, "input[name=v_gauge]")
    page.keyboard.type("20")
    _tab_to(page, "#hand .button--main")
    page.keyboard.press("Enter")
    expect(page.locator("#row-K02 > a")).to_have_attribute("data-state", "done")
    expect(page.locator("#hand-title")).to_be_focused()
    expect(page.locator("#hand-title")).not_to_have_text("IV line")
    expect(page.locator("#row-K02")).to_contain_text("Hand · 20 G")


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_what_is_open_and_half_typed_survives_the_ticks_of_others(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server)
    case = ward.suite.started("T12", "L1")
    ward.suite.do_until(case, "K07")
    nurse = ward.has("nurse")
    page = nurse.page
    page.goto(f"/cases/{case}/")
    page.locator("#level-L1 label").tap()
    page.locator("#pause > summary").tap()
    page.locator("#pause-reason").fill("The C-arm is")
    ward.suite.do(case, "K08a-L1", by="scrub")
    expect(page.locator("#row-K08a-L1 > a")).to_have_attribute("data-state", "pending")
    nurse.takes_in_hand("Vitals taken") if page.locator("#row-EV-VITALS").count() else nurse.takes_any_time(
        "Vitals taken"
    )
    expect(page.locator("#row-K08a-L1 > a")).to_have_attribute("data-state", "done")
    expect(page.locator("#row-K08a-L1")).to_be_visible()  # L1 is still unfolded
    expect(page.locator("#pause-reason")).to_have_value("The C-arm is")
    assert nurse.tries("Vitals taken", {"Heart rate": "999 /min", "Oxygen saturation": "97 %"}) == 422
    expect(page.locator("input[name=v_hr]")).to_be_focused()
    expect(page.locator("input[name=v_spo2]")).to_have_value("97")
    page.locator("input[name=v_hr]").fill("99")
    assert nurse.sends(nurse.form("done").locator(".button--main")) == 200
    expect(page.locator("#pause-reason")).to_have_value("The C-arm is")
    expect(page.locator("#row-K08a-L1")).to_be_visible()


def test_a_double_tap_is_one_event(server: Server, ward_of: Callable[..., Ward]) -> None:
    ward = ward_of(server)
    case = ward.suite.started("L1")
    page = ward.has("nurse").page
    page.goto(f"/cases/{case}/steps/EV-NOTE/")
    page.get_by_role("textbox", name="Note").fill("Once")
    page.locator("#hand .button--main").dblclick()
    expect(page.locator("#feed-lines")).to_contain_text("Once")
    assert Event.objects.filter(case=case, step_key="EV-NOTE").count() == 1


def test_light_and_dark_can_be_chosen(server: Server, ward_of: Callable[..., Ward]) -> None:
    nurse = ward_of(server, color_scheme="light").has("nurse")
    page = nurse.page
    page.goto("/")
    background = "() => getComputedStyle(document.body.parentElement).backgroundColor"
    light = page.evaluate(background)
    page.locator(".you > summary").tap()
    nurse.sends(page.get_by_role("button", name="Dark, for a dim room"))
    assert page.evaluate(background) != light
    page.locator(".you > summary").tap()
    nurse.sends(page.get_by_role("button", name="As the device says"))
    assert page.evaluate(background) == light


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT, PHONE], ids=["landscape", "portrait", "phone"])
def test_the_undo_never_lies_over_the_emergency_or_the_button_that_records(
    server: Server, ward_of: Callable[..., Ward], size: dict[str, int]
) -> None:
    ward = ward_of(server, viewport=size)
    case = ward.suite.started("L1")
    nurse = ward.has("nurse")
    page = nurse.page
    page.goto(f"/cases/{case}/steps/EV-NOTE/")
    page.get_by_role("textbox", name="Note").fill("A sentence of some length, so that the toast is wide")
    assert nurse.sends(nurse.form("done").locator(".button--main")) == 200
    toast = page.locator("#undo .toast").bounding_box()
    assert toast
    assert toast["height"] <= 120, "the buttons stand in one line"
    for name in ("Emergency", "Identity checked"):
        button = page.get_by_role("button", name=name).first.bounding_box()
        assert button
        apart = (
            toast["x"] + toast["width"] <= button["x"]
            or button["x"] + button["width"] <= toast["x"]
            or toast["y"] + toast["height"] <= button["y"]
            or button["y"] + button["height"] <= toast["y"]
        )
        assert apart, name
