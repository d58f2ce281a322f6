"""What is warned of and asked about beyond one value."""

from datetime import timedelta

import pytest

from procedures import cautions
from procedures.closing import check_closings, open_levels
from procedures.rules import Invalid
from procedures.state import Entry, EventKind, Flag, LevelStatus
from tests.sheet import NURSE, OTHER, START, Sheet, ml


def warned(sheet: Sheet, key: str) -> list[tuple[Flag, str]]:
    place = sheet.place(key)
    assert place
    return cautions.warnings(sheet.progress, place)


def asked(sheet: Sheet, key: str, about: int | None = None, **values: object) -> dict[str, str]:
    place = sheet.place(key)
    assert place
    return cautions.of_values(sheet.progress, place, values, about)


def test_a_needle_warns_where_no_time_out_that_counts_named_the_level() -> None:
    sheet = Sheet("L1", "L3")
    sheet.access("L3", "left")
    assert warned(sheet, "K08b-L3-left") == [(Flag.NOT_READ, "L3 was not read aloud.")]
    first = sheet.done("CHK-TO", levels_read=["L1"])
    assert warned(sheet, "K08b-L3-left") == [(Flag.NOT_READ, "L3 was not read aloud.")]
    again = sheet.done("CHK-TO", levels_read=["L3"])
    assert warned(sheet, "K08b-L3-left") == []
    assert warned(sheet, "K07-L1") == []
    sheet.add(EventKind.EVENT_VOIDED, step_key="CHK-TO", about=again, reason="another patient")
    assert [flag for flag, _ in warned(sheet, "K08b-L3-left")] == [Flag.NOT_READ]
    assert first


def test_a_paused_case_warns_at_every_step() -> None:
    sheet = Sheet("L1")
    sheet.add(EventKind.CASE_PAUSED, reason="fire drill")
    assert warned(sheet, "PRE-ID") == [(Flag.PAUSED, "The case is paused.")]


def test_another_vertebra_than_the_rows_is_asked_about() -> None:
    sheet = Sheet("L1", "L2")
    assert asked(sheet, "K08a-L1", level_read="L1") == {}
    assert asked(sheet, "K08a-L1", level_read="L2") == {"level_read": "L2 was counted, but this is L1."}


def test_the_cement_of_a_level_is_added_up_over_both_sides() -> None:
    sheet = Sheet("L1", "L2")
    sheet.access("L1", "left", "right")
    first = sheet.done("K09d-L1-left", volume=ml("4"))
    assert asked(sheet, "K09d-L1-right", volume=ml("3")) == {}
    assert asked(sheet, "K09d-L1-right", volume=ml("3.5")) == {
        "total_volume": "Volume for L1 together: 7.5 mL. That is unusually much."
    }
    assert asked(sheet, "K09d-L1-left", first, volume=ml("7")) == {}, "its own old value does not count twice"


def test_local_anaesthetic_is_added_up_over_the_whole_case() -> None:
    sheet = Sheet("L1", "L2")
    sheet.done("K07-L1", volume=ml("40"))
    assert asked(sheet, "K07-L2", volume=ml("20")) == {}
    assert list(asked(sheet, "K07-L2", volume=ml("21"))) == ["total_volume"]


def same(sheet: Sheet, key: str, minutes: float, performer: int = NURSE, **values: object) -> bool:
    place = sheet.place(key)
    assert place
    last = place.step.live[-1].performed_at if place.step.live else START

    def said_by(entry: Entry) -> tuple[str, str]:
        return "10:02", f"person {entry.performed_by}"

    found = cautions.the_same_again(
        sheet.progress, place, values, performer, last + timedelta(minutes=minutes), said_by
    )
    assert found in ({}, {"again": f"The same was recorded at 10:02 by person {NURSE}. Record it again?"})
    return bool(found)


def test_an_equal_entry_within_two_minutes_is_asked_about() -> None:
    sheet = Sheet("L1")
    sheet.done("EV-NOTE", text="calm")
    assert same(sheet, "EV-NOTE", 2, text="calm")
    assert not same(sheet, "EV-NOTE", 2.1, text="calm")
    assert not same(sheet, "EV-NOTE", 1, text="restless")
    assert not same(sheet, "EV-NOTE", 1, OTHER, text="calm"), "two people may well write the same"
    assert not same(sheet, "K02", 1), "only what can happen at any time"


def test_the_same_dose_is_asked_about_whoever_gives_it_but_not_in_an_emergency() -> None:
    sheet = Sheet("L1")
    dose = {"amount": "0.05", "unit": "mg"}
    sheet.done("EV-DRUG", drug="fentanyl", dose=dose, route="iv")
    assert same(sheet, "EV-DRUG", 1, OTHER, drug="fentanyl", dose=dose)
    assert not same(sheet, "EV-DRUG", 1, OTHER, drug="fentanyl", dose={"amount": "0.1", "unit": "mg"})
    sheet.add(EventKind.EMERGENCY_ON)
    assert not same(sheet, "EV-DRUG", 1, OTHER, drug="fentanyl", dose=dose)


def test_a_stop_says_of_each_open_level_what_became_of_it() -> None:
    sheet = Sheet("T12", "L1", "L2")
    sheet.access("L1", "left")
    sheet.done("K08b-L1-left")
    assert open_levels(sheet.progress) == ["T12", "L1", "L2"]
    with pytest.raises(Invalid) as wrong:
        check_closings(sheet.progress, {"T12": LevelStatus.COMPLETED, "L1": LevelStatus.DEFERRED})
    assert wrong.value.errors == {
        "state_T12": "No cement is recorded at T12.",
        "state_L1": "A needle went in at L1: it is not deferred.",
        "state_L2": "Say what became of L2.",
    }
    sheet.done("K09d-L1-left")
    given = {"T12": LevelStatus.DEFERRED, "L1": LevelStatus.COMPLETED, "L2": LevelStatus.ABANDONED}
    check_closings(sheet.progress, given)
