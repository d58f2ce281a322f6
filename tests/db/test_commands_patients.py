"""Commands on a patient: changed once, told in every open case."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from procedures import commands
from procedures.commands import PatientDetails
from procedures.models import Allergy, Case, Event, Patient
from procedures.state import EventKind
from tests.refusals import invalid, refused
from tests.world import World

pytestmark = pytest.mark.django_db
AS_OPENED = PatientDetails(
    mrn="004217889", family_name="Rossi", given_name="Maria", birth_date=date(1952, 3, 12), sex="F"
)


def last(case_id: UUID) -> tuple[str, Any]:
    event = Event.objects.filter(case=case_id).order_by("-seq")[0]
    return event.kind, event.data["values"]


@pytest.fixture
def cases(world: World) -> dict[str, UUID]:
    """Cases of one patient in three states, and one of another patient."""
    found = {
        "here": world.started("L1"), "planned": world.open("L2"), "over": world.open("L3"),
        "other": world.open("L4", mrn="7", family_name="Bianchi"),
    }  # fmt: skip
    commands.cancel(world.command(found["over"]), reason="fever")
    return found


def test_a_correction_is_told_in_every_open_case(world: World, cases: dict[str, UUID]) -> None:
    details = replace(AS_OPENED, family_name="Rossi-Verdi", birth_date=date(1951, 3, 12))
    before = {name: Case.objects.get(pk=case_id).last_seq for name, case_id in cases.items()}
    commands.correct_patient(world.command(cases["here"]), details=details, reason="wristband")
    patient = Patient.objects.get(mrn="004217889")
    assert (patient.family_name, patient.birth_date) == ("Rossi-Verdi", date(1951, 3, 12))
    said = {
        "now": {"family_name": "Rossi-Verdi", "birth_date": "1951-03-12"},
        "was": {"family_name": "Rossi", "birth_date": "1952-03-12"},
    }
    for name in ("here", "planned"):
        assert last(cases[name]) == (EventKind.PATIENT_CORRECTED, said)
    after = {name: Case.objects.get(pk=case_id).last_seq for name, case_id in cases.items()}
    assert {name for name in after if after[name] == before[name] + 1} == {"here", "planned"}


def test_a_correction_needs_a_reason_a_change_and_a_free_mrn(world: World, cases: dict[str, UUID]) -> None:
    command = world.command(cases["here"])
    with invalid("reason"):
        commands.correct_patient(command, details=replace(AS_OPENED, sex="X"), reason="")
    with invalid(""):
        commands.correct_patient(command, details=AS_OPENED, reason="x")
    with invalid("mrn"):
        commands.correct_patient(command, details=replace(AS_OPENED, mrn="7"), reason="x")
    commands.correct_patient(command, details=replace(AS_OPENED, mrn="004217890"), reason="typing error")
    assert Case.objects.get(pk=cases["planned"]).patient.mrn == "004217890"


def test_a_new_allergy_is_told_in_every_open_case(world: World, cases: dict[str, UUID]) -> None:
    commands.add_allergy(world.command(cases["planned"]), substance="  latex ")
    for name in ("here", "planned"):
        assert last(cases[name]) == (EventKind.ALLERGY_ADDED, {"substance": "latex"})
    assert last(cases["over"])[0] == EventKind.CASE_CANCELLED
    for again in ("latex", "LATEX"):
        with refused("known"):
            commands.add_allergy(world.command(cases["here"]), substance=again)
    for wrong in ("", "  ", "x" * 81):
        with invalid("substance"):
            commands.add_allergy(world.command(cases["here"]), substance=wrong)


def test_an_allergy_is_withdrawn_with_a_reason_and_stays_readable(
    world: World, cases: dict[str, UUID]
) -> None:
    allergy = Allergy.objects.get(patient__mrn="004217889")
    with invalid("reason"):
        commands.withdraw_allergy(world.command(cases["here"]), allergy_id=allergy.pk, reason=" ")
    reason = "only a rash after amoxicillin in childhood, tested negative " * 5
    commands.withdraw_allergy(world.command(cases["here"]), allergy_id=allergy.pk, reason=reason)
    allergy.refresh_from_db()
    assert (allergy.withdrawn_by, bool(allergy.withdrawn_at)) == (world.nurse, True)
    assert reason.startswith(allergy.withdrawn_reason)
    for name in ("here", "planned"):
        assert last(cases[name]) == (EventKind.ALLERGY_WITHDRAWN, {"substance": "penicillin"})
        event = Event.objects.filter(case=cases[name]).order_by("-seq")[0]
        assert event.data["reason"] == reason.strip()
    with refused("gone"):
        commands.withdraw_allergy(world.command(cases["here"]), allergy_id=allergy.pk, reason="x")
    commands.add_allergy(world.command(cases["here"]), substance="penicillin")


def test_the_allergy_of_another_patient_is_out_of_reach(world: World, cases: dict[str, UUID]) -> None:
    theirs = Allergy.objects.get(patient__mrn="7")
    with refused("gone"):
        commands.withdraw_allergy(world.command(cases["here"]), allergy_id=theirs.pk, reason="x")


def test_an_allergy_can_be_added_after_the_end(world: World, cases: dict[str, UUID]) -> None:
    commands.add_allergy(world.command(cases["over"]), substance="iodine")
    for name in ("over", "here", "planned"):
        assert last(cases[name])[0] == EventKind.ALLERGY_ADDED


def test_an_allergy_told_at_a_new_case_is_told_in_the_open_ones_once(
    world: World, cases: dict[str, UUID]
) -> None:
    world.open("T5", allergies=["Penicillin", "Latex", "latex"])
    told = (EventKind.ALLERGY_ADDED, {"substance": "Latex"})
    assert (last(cases["here"]), last(cases["planned"])) == (told, told)
    assert last(cases["over"])[0] == EventKind.CASE_CANCELLED
    assert last(cases["other"]) != told
    assert Allergy.objects.filter(patient__mrn="004217889", substance__iexact="latex").count() == 1


def test_a_long_allergy_at_a_new_case_is_refused(world: World) -> None:
    with invalid("allergies"):
        world.open("T5", allergies=["x" * 81])
