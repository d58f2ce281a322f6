"""Milligrams of a local anaesthetic: all entries of the case together, against the limits of the shipped protocol."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from procedures import cautions, dosing
from procedures.protocols import dosing as rows
from procedures.protocols.errors import ProtocolError
from procedures.protocols.reading import BUILT_IN, read
from tests.sheet import SHIPPED, Sheet, ml


def dose(drug: str, volume: str, percent: str, *, adrenaline: bool | None = None) -> dict[str, Any]:
    """What is entered at the step."""
    given = {"drug": drug, "volume": ml(volume), "concentration": {"amount": percent, "unit": "%"}}
    return given if adrenaline is None else {**given, "adrenaline": adrenaline}


def weighing(kilograms: str, *levels: str) -> Sheet:
    """A case of a patient with that weight; "" for none."""
    sheet = Sheet(*(levels or ("T12", "L1")))
    if kilograms:
        sheet.done("PRE-BASE", weight={"amount": kilograms, "unit": "kg"})
    return sheet


def asked(sheet: Sheet, given: dict[str, Any], key: str = "K07-L1", about: int | None = None) -> str:
    """The question about the dose, or nothing."""
    return cautions.of_values(sheet.progress, sheet.place(key), given, about).get("total_drug", "")


@pytest.mark.parametrize(
    ("drug", "adrenaline", "percent", "kilograms", "most"),
    [
        ("lidocaine", False, "1", "50", "22.5"),  # 4.5 mg/kg
        ("lidocaine", False, "1", "80", "30"),  # 300 mg
        ("lidocaine", None, "2", "80", "15"),  # not said: as without adrenaline
        ("lidocaine", True, "1", "50", "35"),  # 7 mg/kg
        ("lidocaine", True, "1", "90", "50"),  # 500 mg
        ("bupivacaine", False, "0.5", "50", "25"),  # 2.5 mg/kg
        ("bupivacaine", True, "0.5", "90", "35"),  # 175 mg
        ("lidocaine", False, "1", "", "30"),  # no weight: only the limit in mg
        ("bupivacaine", False, "0.25", "", "60"),
    ],
)
def test_each_limit_asks_from_just_above_it(
    drug: str, adrenaline: bool | None, percent: str, kilograms: str, most: str
) -> None:
    sheet = weighing(kilograms)
    assert asked(sheet, dose(drug, most, percent, adrenaline=adrenaline)) == ""
    if most != "60":  # more than that is refused at the field
        above = str(Decimal(most) + Decimal("0.1"))
        assert asked(sheet, dose(drug, above, percent, adrenaline=adrenaline))


def test_what_was_given_at_the_other_vertebra_counts_too() -> None:
    sheet = weighing("60")
    sheet.done("K07-T12", **dose("lidocaine", "15", "1"))
    assert asked(sheet, dose("lidocaine", "12", "1")) == ""
    assert asked(sheet, dose("lidocaine", "13", "1")) == (
        "Lidocaine 280 mg (4.67 mg/kg at 60 kg) in this case together. "
        "This site asks above 300 mg or 4.5 mg/kg."
    )
    assert asked(sheet, dose("bupivacaine", "13", "0.5")) == "", "each drug by itself"
    assert asked(sheet, dose("ropivacaine", "40", "1")) == "", "the site has set no limit"


def test_the_higher_limit_counts_only_where_all_of_it_was_with_adrenaline() -> None:
    sheet = weighing("60")
    first = sheet.done("K07-T12", **dose("lidocaine", "15", "1", adrenaline=False))
    assert asked(sheet, dose("lidocaine", "13", "1", adrenaline=True))
    sheet.void("K07-T12", first)
    sheet.done("K07-T12", **dose("lidocaine", "15", "1", adrenaline=True))
    assert asked(sheet, dose("lidocaine", "13", "1", adrenaline=True)) == ""


def test_details_and_corrections_count_the_entry_once_and_whole() -> None:
    sheet = weighing("60")
    seq = sheet.done("K07-L1", drug="lidocaine", volume=ml("28"))
    assert dosing.totals(sheet.progress) == [], "without its concentration it is no dose yet"
    assert asked(sheet, {"concentration": {"amount": "1", "unit": "%"}}, about=seq)
    assert asked(sheet, {"concentration": {"amount": "0.5", "unit": "%"}}, about=seq) == ""
    assert asked(sheet, {"technique": "block"}, about=seq) == "", "says nothing about the dose"
    done = sheet.done("K07-T12", **dose("lidocaine", "28", "1"))
    assert asked(sheet, {"volume": ml("27")}, "K07-T12", done) == ""
    assert asked(sheet, {"drug": None}, "K07-T12", done) == ""


def test_the_weight_is_the_one_that_stands_now() -> None:
    sheet = weighing("60")
    sheet.done("K07-T12", **dose("lidocaine", "15", "1"))
    (total,) = dosing.totals(sheet.progress)
    assert (total.mg, total.words) == (Decimal(150), "Lidocaine 150 mg (2.5 mg/kg at 60 kg)")
    assert not total.is_above
    bare = weighing("")
    bare.done("K07-T12", **dose("lidocaine", "15", "1"))
    assert dosing.totals(bare.progress)[0].words == "Lidocaine 150 mg (no weight recorded)"


def test_a_protocol_without_limits_asks_nothing() -> None:
    sheet = Sheet("L1", protocol=replace(SHIPPED, dosing=None))
    assert asked(sheet, dose("lidocaine", "60", "2")) == ""
    assert dosing.totals(sheet.progress) == []


def test_the_limits_come_back_from_the_row_as_they_were_written() -> None:
    assert rows.from_row(rows.to_row(SHIPPED.dosing)) == SHIPPED.dosing
    assert rows.from_row(rows.to_row(None)) is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('volume = "volume"\n', 'volume = "drug"\n', "volume must name a field of K07 in mL"),
        ('weight = "weight"\n', 'weight = "temp"\n', "weight must name a field of PRE-BASE in kg"),
        ('weight_step = "PRE-BASE"', 'weight_step = "K99"', "names the step 'K99', which does not exist"),
        ('{ drug = "bupivacaine", mg', '{ drug = "procaine", mg', "'procaine' is no answer of drug"),
        ("when = { adrenaline = true }", 'when = { adrenaline = "yes" }', "'yes' is no answer of adrenaline"),
        ("mg_per_kg = 2.5", "mg_per_kg = 0", "mg_per_kg must be a number above 0"),
        ("when = { adrenaline = true }, ", "", "the limit of lidocaine stands twice"),
        ("max_mg = 175", "max = 175", "max_mg must be a number above 0"),
    ],
)
def test_limits_that_make_no_sense_are_refused_with_the_place(old: str, new: str, said: str) -> None:
    text = BUILT_IN.read_text()
    assert text.count(old) == 1, old
    with pytest.raises(ProtocolError) as wrong:
        read(text.replace(old, new).encode())
    assert said in str(wrong.value)
    assert str(wrong.value).startswith("dosing")
