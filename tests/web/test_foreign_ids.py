"""Ids that belong to somebody else, swapped into addresses and forms: nothing is shown, nothing is recorded."""

from typing import Any
from uuid import UUID

import pytest
from django.urls import reverse

from procedures import commands
from procedures.definitions import Role
from procedures.models import Access, Allergy, Case, Event, Membership, Patient, Product, Unit
from tests.web.stage import Stage, new_case, plan
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


def events(case_id: UUID) -> int:
    return Event.objects.filter(case=case_id).count()


def test_nothing_of_a_case_is_there_for_another_unit(world: World, stranger: Visitor) -> None:
    stage = Stage(world)
    before = Event.objects.count()
    for name, request in stage.requests.items():
        # What a code says is nobody's secret, and the statistics of somebody without cases are empty.
        if not request.args or name in {"product-scan", "statistics-table"}:
            continue
        for method, data in (("GET", {}), ("POST", stage.data(name)), ("POST", {"command_id": "wrong"})):
            for htmx in (False, True):
                answer = stranger.ask(method, reverse(name, args=request.args), data, htmx=htmx)
                assert answer.status in (404, 405), (name, method, htmx)
                assert "Rossi" not in answer.html
                assert "ROSSI" not in answer.html
    assert Event.objects.count() == before
    assert not Access.objects.filter(user=world.stranger).exists()


def test_a_case_that_never_was_answers_like_one_of_another_unit(world: World, stranger: Visitor) -> None:
    theirs = stranger.get("case", world.open())
    nothing = stranger.get("case", UUID(int=7))
    assert (theirs.status, theirs.html) == (nothing.status, nothing.html)


def test_who_leaves_the_unit_loses_it_and_the_team_keeps_it(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    scrub = Visitor(world.scrub)
    assert (nurse.get("case", case_id).status, scrub.get("case", case_id).status) == (200, 200)
    Membership.objects.filter(user__in=[world.nurse, world.scrub]).delete()
    assert nurse.get("case", case_id).status == 200, "the nurse is in the team of the case"
    assert scrub.get("case", case_id).status == 404
    assert set(Access.objects.filter(user=world.nurse).values_list("right", flat=True)) == {"member"}


@pytest.mark.parametrize("who", ["stranger", "admin", "nobody"])
def test_performed_by_somebody_who_is_no_clinician_here(world: World, nurse: Visitor, who: str) -> None:
    case_id = world.started("L1")
    performer = {"stranger": world.stranger.pk, "admin": world.admin.pk, "nobody": 2**40}[who]
    before = events(case_id)
    for htmx in (False, True):
        answer = nurse.post("step-done", case_id, "PRE-ID", performed_by=str(performer), htmx=htmx)
        assert answer.status == 422
        assert "Choose a clinician of this unit or team." in answer.page.ids["hand"]
    assert events(case_id) == before


def test_an_operator_or_nurse_of_another_unit_cannot_be_planned(world: World, nurse: Visitor) -> None:
    case_id = world.open()
    stranger, admin = str(world.stranger.pk), str(world.admin.pk)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"operator": stranger}, "Choose clinicians of this unit."),
        ({"operator": admin}, "Choose clinicians of this unit."),
        ({"team": [stranger]}, "Select a valid choice."),
        ({"team": [admin]}, "Select a valid choice."),
    ]
    for field, said in wrong:
        answer = nurse.post("plan", case_id, **plan(world, **field))
        assert (answer.status, said in answer.page.text) == (422, True), field
        answer = nurse.post("new-case", **new_case(world, **field))
        assert (answer.status, said in answer.page.text) == (422, True), field
    assert not Case.objects.get(pk=case_id).team.filter(user__in=[world.stranger, world.admin]).exists()
    assert Case.objects.count() == 1


def test_a_unit_of_others_is_never_the_unit_of_a_new_case(world: World, nurse: Visitor) -> None:
    theirs = {"unit": str(world.other_unit.pk)}
    assert nurse.post("new-case", **new_case(world, **theirs, room="Theatre 9")).status == 422
    assert nurse.post("new-case", **new_case(world, **theirs)).status in (302, 422)
    assert not Case.objects.filter(unit=world.other_unit).exists()


def test_a_room_of_another_unit_is_refused(world: World, nurse: Visitor) -> None:
    answer = nurse.post("plan", world.open(), **plan(world, room="Theatre 9"))
    assert answer.status == 422
    assert "Choose a room of this unit." in answer.page.text


def test_nobody_of_another_unit_is_brought_into_a_team(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    before = events(case_id)
    for user in (world.stranger, world.admin):
        answer = nurse.post("team", case_id, user_id=str(user.pk), role="operator")
        assert answer.status == 422, user
    assert events(case_id) == before
    assert Visitor(world.stranger).get("case", case_id).status == 404


def test_a_product_of_another_kind_or_none(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "K08b")
    needle = Product.objects.get(kind="needle")
    cement = Product.objects.get(kind="cement")
    fields: dict[str, Any] = {"side": "left"}
    for wrong in (cement.pk, 2**40, -1):
        answer = nurse.post("step-done", case_id, "K08b-L1", v_needle=str(wrong), **fields)
        assert answer.status == 422
        assert {"Choose a product.", "Choose one from the list."} & set(_errors(answer.page.text))
    assert nurse.post("step-done", case_id, "K08b-L1", v_needle=str(needle.pk), **fields).status == 302


def _errors(text: str) -> list[str]:
    return [said for said in ("Choose a product.", "Choose one from the list.") if said in text]


def test_an_entry_of_another_step_or_case_is_not_there(world: World, nurse: Visitor) -> None:
    case_id, other = world.started("L1"), world.started("L1", mrn="900")
    here = world.do(case_id, "PRE-ID", by="ward").last
    world.do(other, "PRE-ID", "PRE-CON", "PRE-BASE", by="ward")
    there = Event.objects.filter(case=other).latest("seq").seq
    why: dict[str, Any] = {"reason": "swapped"}
    for key, seq in (("PRE-ID", there), ("PRE-CON", here), ("PRE-ID", 1), ("PRE-ID", 10**30)):
        assert nurse.post("entry-void", case_id, key, seq, **why).status == 409
        assert nurse.post("entry-correct", case_id, key, seq, v_first="name", **why).status == 409
        assert nurse.post("entry-details", case_id, key, seq, v_first="name").status == 409
        assert nurse.post("entry-verify", case_id, key, seq).status == 409
        assert nurse.get("entry", case_id, key, seq).status in (200, 404)
    assert events(case_id) == here


def test_a_cement_batch_of_another_case_is_refused(world: World, operator: Visitor) -> None:
    case_id, other = world.started("L1"), world.started("L1", mrn="900")
    world.do_until(case_id, "K09d")
    world.do_until(other, "K09d")
    here = Case.objects.get(pk=case_id).step_rows.get(key="K09c").entries[-1]["seq"]
    commands.add_allergy(world.command(other), substance="moves the numbers on")
    world.do(other, "K09c", by="scrub")
    there = Case.objects.get(pk=other).step_rows.get(key="K09c").entries[-1]["seq"]
    assert here != there
    wrong = operator.post("step-done", case_id, "K09d-L1-left", v_batch=str(there), v_volume="3")
    assert wrong.status == 422
    assert "Choose one of the recorded entries." in wrong.page.ids["hand"]
    assert operator.post("step-done", case_id, "K09d-L1-left", v_batch=str(here), v_volume="3").status == 302


def test_an_allergy_of_another_patient_stays(world: World, nurse: Visitor) -> None:
    case_id, other = world.started("L1"), world.started("L1", mrn="900")
    theirs = Case.objects.get(pk=other).patient.allergies.get()
    answer = nurse.post("allergy-withdraw", case_id, theirs.pk, reason="swapped")
    assert answer.status == 409
    theirs.refresh_from_db()
    assert theirs.withdrawn_at is None
    assert nurse.post("allergy-withdraw", case_id, 10**25, reason="huge").status == 409


def test_a_vertebra_that_the_case_does_not_have(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    for vertebra in ("L2", "S9", "Ω", "' OR 1=1"):
        for name in ("level-abandon", "level-defer", "level-reopen"):
            assert nurse.post(name, case_id, vertebra, reason="not there").status == 409
    for key in ("K08b-L2-left", "K08b-T1", "NOTHING", "K01-L1", "K08b-L1-both", "-", "K09a-L1-left-left"):
        assert nurse.post("step-done", case_id, key, side="left").status in (404, 409), key
        assert nurse.get("step", case_id, key).status in (200, 404), key


def test_the_number_of_a_patient_of_another_unit_shows_nothing(world: World, stranger: Visitor) -> None:
    world.open(mrn="004217889", family_name="Markerson")
    answer = stranger.get("new-case", mrn="004217889")
    assert "arkerson" not in answer.html.lower()
    assert "Earlier" not in answer.page.text
    data = new_case(world, mrn="004217889", room="Theatre 9", operator=str(world.stranger.pk), team=[])
    answer = stranger.post("new-case", **data)
    assert answer.status == 422
    assert "arkerson" not in answer.html.lower()
    assert Patient.objects.count() == 1


def test_an_old_team_member_who_left_sees_but_does_not_record(world: World) -> None:
    unit = Unit.objects.get(pk=world.unit.pk)
    case_id = world.started("L1")
    commands.change_team(world.command(case_id), user_id=world.scrub.pk, role=Role.SCRUB_NURSE)
    commands.change_team(world.command(case_id), user_id=world.scrub.pk, role=None)
    Membership.objects.filter(user=world.scrub, unit=unit).delete()
    scrub = Visitor(world.scrub)
    assert scrub.get("case", case_id).status == 200
    answer = scrub.post("step-done", case_id, "PRE-ID")
    assert answer.status == 409
    assert "You are not in the team of this unit." in answer.page.text
    assert Access.objects.get(user=world.scrub).right == "team"


def test_withdrawn_allergies_are_not_withdrawn_again(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    allergy = Allergy.objects.get(patient=Case.objects.get(pk=case_id).patient)
    assert nurse.post("allergy-withdraw", case_id, allergy.pk, reason="wrong").status == 302
    allergy.refresh_from_db()
    first = allergy.withdrawn_at
    assert nurse.post("allergy-withdraw", case_id, allergy.pk, reason="again").status == 409
    allergy.refresh_from_db()
    assert allergy.withdrawn_at == first
