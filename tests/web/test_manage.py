"""The Manage screen's forms: vertebrae, allergies, team, patient; each done, refused, wrong and sent twice."""

from uuid import UUID

import pytest

from procedures.models import Case, Event, Patient
from tests.web.stage import PATIENT
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def case_id(world: World) -> UUID:
    return world.started("T12", "L1")


def count(case_id: UUID, kind: str) -> int:
    return Event.objects.filter(case=case_id, kind=kind).count()


def test_a_vertebra_is_added_and_given_up_and_opened_again(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    form = nurse.get("manage", case_id).page.form("/levels/add/")
    for _twice in range(2):
        answer = nurse.press(form, vertebra="L3")
        assert (answer.status, answer.location) == (302, f"/cases/{case_id}/manage/")
    assert count(case_id, "level.added") == 3
    assert Case.objects.get(pk=case_id).levels == ["T12", "L1", "L3"]
    refused = nurse.post("level-add", case_id, vertebra="L3")
    assert (refused.status, "L3 is already part of this case." in refused.page.text) == (409, True)
    assert nurse.post("level-add", case_id, vertebra="L9").status == 422
    defer = nurse.get("manage", case_id).page.form("/L3/defer/")
    empty = nurse.press(defer)
    assert (empty.status, "Say why." in empty.page.text) == (422, True)
    assert nurse.press(defer, reason="another day").status == 302
    assert nurse.post("level-defer", case_id, "L3", reason="again").status == 409
    assert (
        nurse.press(nurse.get("manage", case_id).page.form("/L3/reopen/"), reason="time after all").status
        == 302
    )
    assert nurse.post("level-reopen", case_id, "L3", reason="again").status == 409
    world.do_until(case_id, "K08b")
    world.do(case_id, "K08b-T12", side="left")
    needle = nurse.post("level-defer", case_id, "T12", reason="x")
    assert (needle.status, "A needle went in at T12" in needle.page.text) == (409, True)
    assert nurse.post("level-abandon", case_id, "T12", reason="pedicle too narrow").status == 302
    assert "pedicle too narrow" in nurse.get("manage", case_id).page.ids["levels"]


def test_after_the_time_out_a_new_vertebra_needs_a_reason(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    world.do_until(case_id, "K07")
    empty = nurse.post("level-add", case_id, vertebra="L4", reason="")
    assert (empty.status, "Say why." in empty.page.text) == (422, True)
    assert empty.page.form("/levels/add/").data["vertebra"] == ["L4"], "the choice stays"
    assert nurse.post("level-add", case_id, vertebra="L4", reason="fresh fracture seen").status == 302


def test_an_allergy_shows_in_every_open_case_of_the_patient(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    other = world.open("L4")
    form = nurse.get("manage", case_id).page.form("/allergies/add/")
    for _twice in range(2):
        assert nurse.press(form, substance="Latex").status == 302
    for each in (case_id, other):
        assert "Allergy: Latex" in nurse.get("case", each).page.ids["banner"]
        assert count(each, "allergy.added") == (2 if each == case_id else 1)
    known = nurse.post("allergy-add", case_id, substance="latex")
    assert (known.status, "already recorded" in known.page.text) == (409, True)
    for wrong in ("", " ", "x" * 81):
        assert nurse.post("allergy-add", case_id, substance=wrong).status == 422
    allergy = Case.objects.get(pk=case_id).patient.allergies.get(substance="Latex")
    assert nurse.post("allergy-withdraw", case_id, allergy.pk).status == 422
    assert (
        nurse.post("allergy-withdraw", case_id, allergy.pk, reason="tolerated gloves for years").status == 302
    )
    for each in (case_id, other):
        assert "Latex" not in nurse.get("case", each).page.ids["banner"]
        assert count(each, "allergy.withdrawn") == 1


def test_somebody_joins_and_leaves_the_team(world: World, case_id: UUID, nurse: Visitor) -> None:
    who = str(world.scrub.pk)
    assert nurse.post("team", case_id, user_id=who, role="scrub_nurse").status == 302
    again = nurse.post("team", case_id, user_id=who, role="scrub_nurse")
    assert (again.status, "already in the team in that role" in again.page.text) == (409, True)
    assert "Sven Scrub" in nurse.get("manage", case_id).page.ids["team"]
    assert nurse.post("team", case_id, user_id=who, role="").status == 302
    assert nurse.post("team", case_id, user_id=who, role="").status == 409
    for wrong in (
        {"user_id": "x", "role": "operator"},
        {"user_id": who, "role": "administrator"},
        {"user_id": who, "role": "boss"},
        {"user_id": "0", "role": "operator"},
    ):
        assert nurse.post("team", case_id, htmx=False, **wrong).status == 422
    assert (count(case_id, "team.joined"), count(case_id, "team.left")) == (3, 1)


def test_a_corrected_patient_shows_everywhere_with_the_old_readable(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    other = world.open("L4")
    form = nurse.get("manage", case_id).page.form("/patient/")
    assert form.data["family_name"] == ["Rossi"]
    empty = nurse.press(form, family_name="Russo")
    assert (empty.status, "Say why." in empty.page.text) == (422, True)
    assert empty.page.form("/patient/").data["family_name"] == ["Russo"]
    for _twice in range(2):
        assert (
            nurse.press(
                form, family_name="Russo", birth_date="1952-03-13", reason="wristband read again"
            ).status
            == 302
        )
    for each in (case_id, other):
        assert "RUSSO" in nurse.get("case", each).page.ids["banner"]
        assert "13 Mar 1952" in nurse.get("case", each).page.ids["banner"]
        assert count(each, "patient.corrected") == 1
        assert "<del>Rossi</del>" in nurse.get("record", each).html
    same = nurse.press(nurse.get("manage", case_id).page.form("/patient/"), reason="looked again")
    assert (same.status, "Nothing was changed." in same.page.text) == (422, True)


def test_a_wrong_correction_of_the_patient(world: World, case_id: UUID, nurse: Visitor) -> None:
    world.open("L4", mrn="777", family_name="Verdi")
    good = {**PATIENT, "mrn": "004217889", "reason": "wristband"}
    for name, value, said in (
        ("mrn", "777", "This MRN belongs to another patient."),
        ("mrn", "7 7", "Letters, digits"),
        ("mrn", "", "This field is required."),
        ("birth_date", "2999-01-01", "Check the birth date."),
        ("birth_date", "1700-01-01", "Check the birth date."),
        ("birth_date", "soon", "Enter a valid date."),
        ("sex", "Q", "Select a valid choice."),
        ("family_name", "x" * 81, "at most 80 characters"),
    ):
        answer = nurse.post("patient", case_id, htmx=False, **{**good, name: value})
        assert (answer.status, said in answer.page.text) == (422, True), (name, value)
        assert answer.page.form("/patient/").data.get(name, [""]) in ([value], [""]), "what was typed stays"
    assert Patient.objects.get(mrn="004217889").family_name == "Rossi"


def test_an_administrator_reads_and_finds_no_form(world: World, case_id: UUID) -> None:
    admin = Visitor(world.admin)
    for name in ("manage", "case", "record", "missing"):
        page = admin.get(name, case_id).page
        assert [f.action for f in page.forms if f.action.startswith("/cases/")] == [], name
    refused = admin.post("level-add", case_id, vertebra="L4")
    assert (refused.status, "Administrators do not record." in refused.page.text) == (409, True)


def test_signed_out_and_forged(world: World, case_id: UUID, nobody: Visitor) -> None:
    assert nobody.get("manage", case_id).status == 302
    assert nobody.post("level-add", case_id, vertebra="L4").status == 401
    browser = Visitor(world.nurse, enforce_csrf_checks=True)
    for name, args in (
        ("level-add", ()),
        ("allergy-add", ()),
        ("team", ()),
        ("patient", ()),
        ("pause", ()),
        ("level-abandon", ("L1",)),
    ):
        assert browser.post(name, case_id, *args, reason="x").status == 403, name
