"""A whole case of two vertebrae by touch alone: how many taps it takes beyond the values themselves."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from procedures.definitions import FieldType, Key, Needed
from procedures.models import Case
from procedures.protocols import frozen
from tests.server import Server

from .ward import Tablet, Ward

pytestmark = pytest.mark.browser

MOST_PER_STEP = 1.2


def gives_what_is_needed_now(nurse: Tablet, key: str, protocol_id: int) -> None:
    """Choose the side and the answers without which there is no tick: these are the values themselves."""
    form = nurse.form("done")
    sides = form.locator("input[name=side]")
    if sides.count() and not sides.first.is_checked():
        form.locator(".segments label", has=nurse.page.locator("input[name=side][value=left]")).tap()
    definition = frozen.protocol(protocol_id).by_code[Key.parse(key).code]
    for field in definition.fields:
        if field.needed is not Needed.NOW:
            continue
        if field.type is FieldType.YESNO:
            form.locator("label", has=nurse.page.locator(f"input[name=v_{field.key}][value=yes]")).tap()
        elif field.type is FieldType.CHOICE:
            form.locator("label", has=nurse.page.locator(f"input[name=v_{field.key}]")).first.tap()
        elif field.type in (FieldType.NUMBER, FieldType.QUANTITY):
            form.locator(f".stepper:has(input[name=v_{field.key}]) [data-direction='1']").tap()
        else:
            raise AssertionError(
                f"{key}: {field.key} is needed now, and the test does not know how to give it"
            )


def test_a_case_takes_hardly_more_than_one_tap_a_step(server: Server, ward_of: Callable[..., Ward]) -> None:
    ward = ward_of(server)
    case_id = ward.suite.open("T12", "L1")
    protocol_id = Case.objects.get(pk=case_id).protocol_id
    operator = ward.has("operator")
    operator.page.goto(f"/cases/{case_id}/")
    operator.sends(operator.page.get_by_role("button", name="Start this case"))
    taps, steps = 1, 0
    while operator.page.locator("#was").input_value():
        key = operator.in_hand
        gives_what_is_needed_now(operator, key, protocol_id)
        button = operator.form("done").locator(".button--main")
        assert operator.sends(button) == 200, operator.hand.inner_text()
        taps, steps = taps + 1, steps + 1
        expect(operator.page.locator("#was")).not_to_have_value(key)
        assert steps < 100
    case = Case.objects.get(pk=case_id)
    assert case.done == case.total == steps
    print(f"{taps} taps for {steps} steps")
    assert taps / steps <= MOST_PER_STEP
