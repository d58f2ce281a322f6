"""What a complete operative note needs, item by item: there, none, missing, or written by hand."""

from typing import Any

import pytest

from procedures.completeness import Having, Item, items, label, missing
from procedures.signing_rules import SAID_IN
from procedures.state import EventKind, StepStatus
from tests.sheet import OPERATOR, OTHER, Sheet, ml

AFTER = ("K10", "CNT", "REC-TURN", "REC-HO", "REC-SCO")
LOT = {"id": 1, "name": "Cement A", "lot": "KX-20931", "how": "scanned"}
DOSE = {"amount": "2000", "unit": "mg"}
LOCAL = {"drug": "lidocaine", "concentration": {"amount": "1", "unit": "%"}, "volume": ml("10")}
LEGS = {"power_left": "5", "power_right": "5", "sensation": "normal"}
BALLOON = {
    "balloon": {"id": 2, "name": "Balloon 15/3", "lot": "B1"}, "size": "15/3", "volume": ml("3"),
    "pressure": {"amount": "200", "unit": "[psi]"}, "stop_reason": "height", "rupture": False,
}  # fmt: skip
CEMENT = {"batch": {"seq": 1, "key": "K09c"}, "volume": ml("3.5"), "stop_reason": "filled", "leak": ["none"]}
IMAGES = {"modality": "ct", "leak": ["none"], "fluoro_time": {"amount": "240", "unit": "s"},
          "dap": {"amount": "12", "unit": "Gy.cm2"}}  # fmt: skip


def whole(**otherwise: dict[str, Any] | None) -> Sheet:
    """A whole case with all that the note needs. `otherwise`: other values for a step; None leaves it out."""
    sheet = Sheet("L1")
    said: dict[str, dict[str, Any]] = {
        "ABX": {"drug": "cefazolin", "dose": DOSE, "route": "iv"}, "K04": {"mode": "moderate"},
        "CHK-TO": {"present": [{"id": 1, "name": "A"}]}, "K09c": {"cement": LOT, "liquid_lot": "L1"},
        "K07-L1": LOCAL, "K08a-L1": {"level_read": "L1", "count_method": "sacrum"},
        "K08b-L1-left": {"approach": "transpedicular", "gauge": {"amount": "10", "unit": "{G}"}},
        "K09a-L1-left": BALLOON, "K09b-L1-left": {}, "K09d-L1-left": CEMENT, "K09e-L1-left": {},
        "K09f-L1": {"sample_hard": True}, "K11": IMAGES,
        "CLO": {"closure": "strip", "blood_loss": ml("10")}, "CHK-OUT": {"present": [{"id": 1, "name": "A"}]},
        "REC-OBS": LEGS,
    }  # fmt: skip
    for user, role in ((OPERATOR, "operator"), (OTHER, "sedation_nurse")):
        sheet.add(EventKind.TEAM_JOINED, values={"user": user, "role": role})
    sheet.access("L1", "left")
    for key in [step.code for step in sheet.protocol.steps if step.phase in ("before", "room")] + list(said):
        if key.startswith(("PRE", "K0", "CHK")) and key not in said:
            sheet.done(key)
    for key, values in {**said, **otherwise}.items():
        if values is not None:
            sheet.done(key.replace("_", "-"), **values)
    sheet.done(*AFTER)
    return sheet


def found(sheet: Sheet) -> dict[str, Item]:
    return {item.key: item for item in items(sheet.progress)}


def lacks(sheet: Sheet) -> dict[str, tuple[str, str]]:
    """What is missing of what a step could hold: the row to go to, and what is lacking."""
    return {lack.key: (lack.step, lack.detail) for lack in missing(sheet.progress) if not lack.by_hand}


def test_a_whole_case_lacks_only_what_is_written_by_hand() -> None:
    sheet = whole()
    assert lacks(sheet) == {}
    assert {lack.key for lack in missing(sheet.progress)} == {
        "urgency", "imaging", "diagnosis", "incision", "findings", "clots", "instructions",
    }  # fmt: skip


def test_what_is_written_by_hand_has_its_section_in_the_note() -> None:
    assert {lack.key for lack in missing(whole().progress) if lack.by_hand} == set(SAID_IN)


@pytest.mark.parametrize(
    ("step", "values", "key", "detail"),
    [
        ("CLO", {"closure": "strip"}, "blood_loss", "Blood loss"),
        ("CLO", {"blood_loss": ml("10")}, "closure", "Closed with"),
        ("K09c", {"cement": {**LOT, "lot": ""}, "liquid_lot": "L1"}, "implants", "lot of the cement"),
        ("K09c", {"cement": LOT}, "implants", "Liquid, lot"),
        ("K11", {**IMAGES, "dap": None}, "dose_area", "Dose-area product"),
        ("K11", {**IMAGES, "modality": ""}, "final_images", "Images by"),
        ("CHK-OUT", {}, "sign_out", "Who was there"),
        ("K09a-L1-left", {**BALLOON, "pressure": None}, "balloons", "L1 left: Highest pressure"),
        ("K09d-L1-left", {**CEMENT, "leak": []}, "leaks", "L1 left: Leak"),
        ("K08b-L1-left", {"gauge": None}, "access", "L1 left: Approach, Gauge"),
        ("K07-L1", {**LOCAL, "concentration": None}, "drugs", "L1: Concentration"),
        ("ABX", {"drug": "other", "dose": DOSE, "route": "iv"}, "antibiotic", "Drug"),
    ],
)
def test_a_gap_is_named_with_the_step_to_go_to(
    step: str, values: dict[str, Any], key: str, detail: str
) -> None:
    sheet = whole(**{step: {name: value for name, value in values.items() if value}})
    assert lacks(sheet)[key] == (step, detail)


def test_a_step_that_was_never_recorded_is_missing() -> None:
    gone = lacks(whole(**{"CLO": None, "REC-OBS": None}))
    assert {k: v[0] for k, v in gone.items()} == {
        "closure": "CLO",
        "blood_loss": "CLO",
        "legs_after": "REC-OBS",
    }


def test_an_antibiotic_that_was_not_given_for_a_reason_is_not_missing() -> None:
    sheet = whole(ABX=None)
    assert "antibiotic" in lacks(sheet)
    sheet.mark("ABX", StepStatus.NOT_DONE)
    assert found(sheet)["antibiotic"].having is Having.NONE


def test_one_of_several_images_is_enough() -> None:
    sheet = whole()
    sheet.done("K11", modality="xray")
    assert lacks(sheet) == {}


def test_what_was_taken_back_is_missing_again() -> None:
    sheet = whole()
    sheet.void("CLO", sheet.step("CLO").live[0].seq)
    assert {"closure", "blood_loss"} <= lacks(sheet).keys()


def test_a_complication_says_what_came_of_it() -> None:
    sheet = whole()
    assert found(sheet)["complications"].having is Having.NONE
    sheet.done("EV-COMPLICATION", type="bleeding")
    assert lacks(sheet)["complications"] == ("EV-COMPLICATION", "With symptoms, What was done, Outcome")


def test_nobody_gives_no_anaesthesia() -> None:
    sheet = Sheet("L1")
    sheet.done("K04", mode="none")
    assert found(sheet)["anaesthetist"].having is Having.NONE
    sheet = Sheet("L1")
    sheet.done("K04", mode="moderate")
    assert lacks(sheet)["anaesthetist"] == ("K04", "")


def test_a_case_that_was_stopped_owes_nothing_that_it_never_came_to() -> None:
    sheet = Sheet("L1")
    sheet.add(EventKind.TEAM_JOINED, values={"user": OPERATOR, "role": "operator"})
    sheet.add(EventKind.TEAM_JOINED, values={"user": OTHER, "role": "anaesthetist"})
    sheet.done("K04", mode="moderate")
    sheet.add(EventKind.CASE_STOPPED, reason="Cannot lie flat")
    assert lacks(sheet) == {}


def test_a_case_that_was_stopped_after_a_needle_owes_the_closure_and_the_dose() -> None:
    sheet = Sheet("L1")
    sheet.side("L1", "left", ("K08b", "K09e"))
    sheet.add(EventKind.CASE_STOPPED, reason="Bleeding")
    assert {"closure", "blood_loss", "fluoroscopy", "dose_area"} <= lacks(sheet).keys()
    assert not {"cement", "balloons", "implants", "levels"} & lacks(sheet).keys()


def test_a_case_that_has_not_begun_lacks_nothing() -> None:
    assert missing(Sheet("L1", started=False).progress) == []


def test_every_item_has_a_name_and_an_unknown_one_keeps_its_key() -> None:
    assert label("blood_loss") == "Blood loss"
    assert label("of old") == "of old"
