"""Values: how they are stored, what is impossible, what is unusual, and how they read."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procedures import values
from procedures.definitions import Field, FieldType
from tests.sheet import SHIPPED


def a_field(kind: FieldType, **rest: Any) -> Field:
    return Field(key="f", label="F", type=kind, **rest)


VOLUME = a_field(
    FieldType.QUANTITY, unit="mL", decimals=1, units={"L": Decimal(1000)},
    refuse_below=Decimal("0.1"), warn_below=Decimal(1), warn_above=Decimal(7), refuse_above=Decimal(15),
)  # fmt: skip
PRESSURE = a_field(
    FieldType.QUANTITY, unit="[psi]", decimals=1, units={"atm": Decimal("14.6959"), "bar": Decimal("14.5038")}
)
SIDE = a_field(FieldType.CHOICE, options=(("left", "Left"), ("right", "Right")))
LEAK = a_field(FieldType.CHOICES, options=(("none", "None seen"), ("disc", "Disc (D)"), ("vein", "Vein")))


def test_a_number_keeps_its_unit_and_what_was_typed() -> None:
    assert values.quantity(VOLUME, Decimal("3.50")) == {"amount": "3.50", "unit": "mL"}
    assert values.quantity(VOLUME, Decimal("3.5"), "mL") == {"amount": "3.5", "unit": "mL"}
    assert values.quantity(VOLUME, Decimal("0.003"), "L") == {
        "amount": "3", "unit": "mL", "entered": "0.003", "entered_unit": "L",
    }  # fmt: skip
    assert values.quantity(PRESSURE, Decimal(12), "atm")["amount"] == "176.351"
    with pytest.raises(KeyError):
        values.quantity(VOLUME, Decimal(3), "gallon")


@given(st.decimals(-10000, 10000, places=4))
def test_a_number_is_plain_text(amount: Decimal) -> None:
    text = values.plain(amount)
    assert Decimal(text) == amount
    assert "E" not in text
    assert not (amount == 0 and text.startswith("-"))


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0.1", None),
        ("15", None),
        ("0", "Allowed: 0.1 to 15 mL."),
        ("15.1", "Allowed: 0.1 to 15 mL."),
        ("-3", "Allowed: 0.1 to 15 mL."),
    ],
)
def test_an_impossible_amount_is_told_with_its_limits(amount: str, said: str | None) -> None:
    assert values.problem(VOLUME, {"amount": amount, "unit": "mL"}) == said


@pytest.mark.parametrize(
    ("limits", "amount", "said"),
    [
        ({"refuse_below": Decimal(2)}, "1", "Allowed: 2 or more."),
        ({"refuse_above": Decimal(2)}, "3", "Allowed: up to 2."),
        ({}, "999999", None),
    ],
)
def test_one_limit_is_told_alone(limits: dict[str, Decimal], amount: str, said: str | None) -> None:
    field = a_field(FieldType.NUMBER, **limits)
    assert values.problem(field, {"amount": amount, "unit": ""}) == said


def test_another_unit_is_judged_in_the_canonical_one() -> None:
    assert values.problem(VOLUME, values.quantity(VOLUME, Decimal("0.015"), "L")) is None
    assert values.problem(VOLUME, values.quantity(VOLUME, Decimal("0.0151"), "L")) == "Allowed: 0.1 to 15 mL."


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("1", None), ("7", None), ("0.9", "0.9 mL is unusually low."), ("7.5", "7.5 mL is unusually high."),
    ],
)  # fmt: skip
def test_an_unusual_amount_is_asked_about(amount: str, said: str | None) -> None:
    assert values.doubt(VOLUME, {"amount": amount, "unit": "mL"}) == said


def test_only_numbers_are_unusual() -> None:
    assert values.doubt(SIDE, "left") is None
    assert values.doubt(a_field(FieldType.NUMBER), {"amount": "5", "unit": ""}) is None


@pytest.mark.parametrize(
    ("field", "value", "fine"),
    [
        (SIDE, "left", True),
        (SIDE, "middle", False),
        (LEAK, ["disc", "vein"], True),
        (LEAK, [], True),
        (LEAK, ["none"], True),
        (LEAK, ["none", "disc"], False),
        (LEAK, ["disc", "disc"], False),
        (LEAK, ["lung"], False),
        (a_field(FieldType.TEXT), "x" * values.TEXT_LIMIT, True),
        (a_field(FieldType.TEXT), "x" * (values.TEXT_LIMIT + 1), False),
        (a_field(FieldType.YESNO), False, True),
    ],
)
def test_answers_are_among_the_options(field: Field, value: Any, fine: bool) -> None:
    assert (values.problem(field, value) is None) is fine


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        (VOLUME, {"amount": "3.5", "unit": "mL"}, "3.5 mL"),
        (
            PRESSURE,
            {"amount": "176.351", "unit": "[psi]", "entered": "12", "entered_unit": "atm"},
            "12 atm (180 psi)",
        ),
        (a_field(FieldType.QUANTITY, unit="{score}"), {"amount": "9", "unit": "{score}"}, "9"),
        (a_field(FieldType.QUANTITY, unit="{breaths}"), {"amount": "9", "unit": "{breaths}"}, "9 breaths"),
        (SIDE, "left", "Left"),
        (SIDE, "gone", "gone"),
        (LEAK, ["disc", "vein"], "Disc (D), Vein"),
        (a_field(FieldType.YESNO), True, "yes"),
        (a_field(FieldType.YESNO), False, "no"),
        (
            a_field(FieldType.PRODUCT),
            {"id": 7, "name": "Cement A", "lot": "KX-1", "expires": "2027-03-31"},
            "Cement A, lot KX-1, expires 31 Mar 2027",
        ),
        (a_field(FieldType.PRODUCT), {"id": None, "name": "Other"}, "Other"),
        (a_field(FieldType.PERSON), {"id": 7, "name": "Ada Okafor"}, "Ada Okafor"),
        (a_field(FieldType.ENTRY), {"seq": 12, "key": "K09c"}, "entry 12"),
        (a_field(FieldType.TEXT), "as typed", "as typed"),
    ],
)
def test_a_value_reads_as_staff_write_it(field: Field, value: Any, shown: str) -> None:
    assert values.show(field, value) == shown


@pytest.mark.parametrize(
    ("unit", "typed", "shown"),
    [
        ("atm", "15", "15 atm (220 psi)"),
        ("atm", "8", "8 atm (120 psi)"),
        ("atm", "13.5", "13.5 atm (198 psi)"),
        ("bar", "10.25", "10.25 bar (148.7 psi)"),
        ("L", "0.0035", "0.0035 L (3.5 mL)"),
        ("L", "2", "2 L (2000 mL)"),
        ("atm", "0", "0 atm (0 psi)"),
    ],
)
def test_a_converted_value_claims_no_more_than_the_entered_one(unit: str, typed: str, shown: str) -> None:
    field = VOLUME if unit == "L" else PRESSURE
    kept = values.quantity(field, Decimal(typed), unit)
    assert values.show(field, kept) == shown
    assert Decimal(kept["amount"]) == round(Decimal(typed) * field.units[unit], 3)  # as machines get it


def test_every_unit_of_the_shipped_protocol_has_a_name_without_brackets() -> None:
    units = {unit for s in SHIPPED.steps for f in s.fields for unit in (f.unit, *f.units)}
    assert units > {"[psi]", "mL"}
    assert not [unit for unit in units if set("[]{}") & set(values.unit_name(unit))]
