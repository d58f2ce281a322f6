"""The words of a note: what the record knows is said with its unit, and nothing else."""

import re
from uuid import UUID

import pytest

from procedures import commands, drafting
from procedures.operative_note import SECTIONS
from procedures.screens import note
from procedures.screens.view import View
from procedures.state import StepStatus
from tests.world import World

pytestmark = pytest.mark.django_db


def drafted(world: World, case_id: UUID) -> dict[str, str]:
    return note.draft(View.load(world.operator, case_id))


def quantity(amount: str, unit: str, **entered: str) -> dict[str, str]:
    return {"amount": amount, "unit": unit, **entered}


@pytest.fixture
def treated(world: World) -> UUID:
    """T12 from both sides, L1 given up, with values in canonical and other units, a leak and a dose."""
    case_id = world.started("T12", "L1")
    world.do_until(case_id, "K09a")
    dose = quantity("0.05", "mg", entered="50", entered_unit="ug")
    world.do(case_id, "EV-DRUG", values={"drug": "fentanyl", "dose": dose, "route": "iv"})
    world.do_until(case_id, "K09d")
    batch = world.step(case_id, "K09c").live[-1].seq
    values = {
        "batch": {"seq": batch, "key": "K09c"},
        "volume": quantity("4.5", "mL"),
        "leak": ["segmental", "disc"],
    }
    world.do(case_id, "K09d-T12-left", values=values)
    world.do_until(case_id, "K07")
    commands.abandon_level(world.command(case_id), vertebra="L1", reason="No view of the pedicle")
    world.do_until(case_id, "REC-HO")
    return case_id


def test_what_the_record_knows_is_said_with_its_unit(world: World, treated: UUID) -> None:
    words = drafted(world, treated)
    assert list(words) == list(SECTIONS)
    assert "Kyphoplasty of T12 with balloon, from the left." in words["procedure"]
    assert "L1 abandoned: No view of the pedicle." in words["procedure"]
    assert "batch 1, volume 4.5 mL, leak: segmental vein (S) and disc (D)" in words["description"]
    assert "Fentanyl: 50 µg (0.05 mg) into the vein at" in words["anaesthesia"]
    assert "T12 left: leak: segmental vein (S) and disc (D)." in words["complications"]
    assert words["team"].startswith("Operator: Dr W. Chen.")
    assert words["indication"] == "Osteoporosis, planned at T12 and L1."


def test_without_sedation_none_was_started(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "K04")
    world.do(case_id, "K04", values={"mode": "none"})
    world.do_until(case_id, "REC-HO")
    assert drafted(world, case_id)["anaesthesia"].startswith("No sedation and no general anaesthesia.")
    assert "Sedation started" not in drafted(world, case_id)["anaesthesia"]


def test_a_second_balloon_is_told_after_the_first_came_out(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "K09b")
    commands.record_done(world.command(case_id), "K09b-L1-left", values={"intact": False})
    commands.record_done(world.command(case_id), "K09a-L1-left", values={})
    world.do_until(case_id, "REC-HO")
    acts = re.findall(
        r"(Needle in|Balloon in|Balloon out|Cement in|Needle out)", drafted(world, case_id)["description"]
    )
    assert acts[:5] == ["Needle in", "Balloon in", "Balloon out", "Balloon in", "Balloon out"]


def test_what_nobody_recorded_is_not_said(world: World, treated: UUID) -> None:
    words = drafted(world, treated)
    for section in ("diagnosis_after", "instructions", "findings", "blood_loss"):
        assert words[section] == ""
    assert set(drafted(world, world.open("L1", mrn="2")).values()) == {""}


def test_a_step_that_was_left_out_says_why(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "ABX")
    commands.mark(world.command(case_id), "ABX", status=StepStatus.NOT_DONE, reason="Allergic to it")
    assert drafted(world, case_id)["prophylaxis"] == "Not done: Antibiotic started: Allergic to it."


def test_a_text_is_known_again_whatever_its_spaces() -> None:
    assert drafting.digest("10  mL.\r\n") == drafting.digest("10 mL.")
    assert drafting.digest("10 mL.") != drafting.digest("11 mL.")
