"""Filling in a form as a nurse does: find the field by the words above it, and use whatever control it has."""

import re

from playwright.sync_api import Locator, expect

from .ledger import Shown, Stepped, Values

# The field under a label: its place among the form's fields, what its control is, and whether it is folded away.
FIND_FIELD = """(form, label) => {
  const fields = [...form.querySelectorAll('.field')];
  const at = fields.findIndex(field => {
    const words = field.querySelector('.field__label');
    return words?.closest('.field') === field && words.firstChild?.textContent.trim() === label;
  });
  if (at < 0) throw new Error(`no field “${label}” among: ${fields.map(field => field.innerText.split('\\n')[0])}`);
  return [at, ['.stepper', '.segments', 'select'].find(kind => fields[at].querySelector(kind)) ?? '',
    !fields[at].checkVisibility()];
}"""


def find(form: Locator, label: str) -> tuple[Locator, str]:
    """The field, unfolded where it was folded away, and what kind of control it has."""
    place, kind, folded = form.evaluate(FIND_FIELD, label)
    box = form.locator(".field").nth(place)
    if folded:
        box.locator("xpath=ancestor::details[not(@open)]/summary").last.tap()
    return box, kind


def fill(form: Locator, values: Values, *, steppers: bool) -> None:
    """Give each field its value; `steppers`: the buttons − and + are there, because scripts run."""
    for label, value in values.items():
        box, kind = find(form, label)
        if isinstance(value, Stepped) and steppers:
            for _tap in range(value.taps):
                box.locator("button[data-direction='1']").tap()
            expect(box.locator("input")).to_have_value(value.typed)
        elif isinstance(value, list):
            for word in value:
                box.locator(".check", has_text=re.compile(f"^{re.escape(word)}$")).locator("input").check()
        elif isinstance(value, dict):
            box.get_by_label("Which").select_option(value["Which"])
            box.get_by_label("Lot").fill(value["Lot"])
            box.get_by_label("Expires").fill(value["Expires"])
        else:
            _type(box, kind, value.typed if isinstance(value, Shown | Stepped) else value)


def _type(box: Locator, kind: str, typed: str) -> None:
    begins = re.compile(rf"^\s*{re.escape(typed)}")
    if kind == ".stepper":
        _type_number(box, typed)
    elif kind == ".segments":
        box.locator("label", has_text=begins).first.tap()
    elif kind == "select":
        value = box.locator("option", has_text=begins).first.get_attribute("value")
        box.locator("select").select_option(value)
    else:
        box.locator("input, textarea").fill(typed)


def _type_number(box: Locator, typed: str) -> None:
    amount, _space, unit = typed.partition(" ")
    box.locator("input").fill(amount)
    if box.locator("select.unit").count():
        box.locator("select.unit").select_option(label=unit)
    else:
        expect(box.locator("span.unit")).to_have_text(unit)
