"""New case: find the patient, be warned, fill in the plan, open it once."""

from uuid import uuid4

import pytest

from procedures.models import Case, Event, Membership, Patient
from tests.web.stage import new_case
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


def test_from_the_number_to_the_open_case_without_javascript(world: World, nurse: Visitor) -> None:
    first = nurse.get("new-case")
    assert first.status == 200
    second = nurse.get("new-case", mrn="700100200")
    form = second.page.form("/cases/new/")
    forms = [
        f for f in second.page.forms if f.attributes.get("method") == "post" and "/cases/new" in f.action
    ]
    form = forms[0] if forms else form
    typed = {k: v for k, v in new_case(world).items() if k != "unit"}
    for _twice in range(2):
        answer = nurse.press(form, **typed)
        assert answer.status == 302
    case = Case.objects.get()
    assert answer.location == f"/cases/{case.pk}/"
    assert (case.patient.mrn, case.levels, case.room, case.unit) == (
        "700100200",
        ["L1", "L2"],
        "IR room 1",
        world.unit,
    )
    assert {a.substance for a in case.patient.allergies.all()} == {"latex", "iodine"}
    assert case.operator == world.operator
    assert set(case.team.values_list("user", flat=True)) == {
        world.operator.pk,
        world.nurse.pk,
        world.scrub.pk,
    }
    assert Event.objects.filter(kind="case.opened").count() == 1
    other = nurse.press(form, **{**typed, "room": "IR room 2"})
    assert (other.status, "already sent" in other.page.text) == (422, True)
    assert Case.objects.count() == 1


def test_a_known_patient_comes_with_earlier_cases(world: World, nurse: Visitor) -> None:
    earlier = world.open("L4", mrn="555", family_name="Bianchi", given_name="Carla")
    page = nurse.get("new-case", mrn="555").page
    assert "BIANCHI, Carla" in page.text
    assert f"/cases/{earlier}/record/" in page.links
    assert "L4" in page.text
    assert page.inputs["family_name"]["value"] == "Bianchi"


def test_an_mrn_of_somebody_else_is_refused(world: World, nurse: Visitor) -> None:
    world.open(mrn="700100200")
    answer = nurse.post("new-case", **new_case(world))
    assert answer.status == 422
    assert "This MRN is known with another name or birth date. Check the wristband." in answer.page.text
    assert Case.objects.count() == 1


def test_the_same_name_is_asked_about_once(world: World, nurse: Visitor) -> None:
    world.open(mrn="555", family_name="Bianchi", given_name="Carla")
    answer = nurse.post("new-case", **new_case(world))
    assert answer.status == 422
    assert "BIANCHI, Carla" in answer.page.text
    assert "same_name_checked" in {a["name"] for a in answer.page.inputs.values()}
    assert nurse.post("new-case", **new_case(world), same_name_checked="on").status == 302


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mrn": ""}, "Find the patient"),
        ({"mrn": "1 2"}, "Letters, digits"),
        ({"mrn": "x" * 21}, "at most 20 characters"),
        ({"family_name": ""}, "This field is required."),
        ({"given_name": "x" * 81}, "at most 80 characters"),
        ({"birth_date": "2999-01-01"}, "Check the birth date."),
        ({"birth_date": "12/31/1950"}, "Enter a valid date."),
        ({"sex": ""}, "This field is required."),
        ({"levels": []}, "This field is required."),
        ({"operator": ""}, "This field is required."),
        ({"room": "Cellar"}, "Choose a room of this unit."),
        ({"scheduled_at": "9999-12-31T23:59:59-14:00"}, "Check the year."),
        ({"scheduled_at": "tomorrow"}, "Enter a valid date/time."),
        ({"indication": ""}, "This field is required."),
        ({"anaesthesia": "voodoo"}, "Select a valid choice."),
        ({"allergies": "x" * 2001}, "at most 2000 characters"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_rest_stays(
    world: World, nurse: Visitor, changes: dict[str, object], said: str
) -> None:
    sent = {**new_case(world), **changes}
    answer = nurse.post("new-case", **sent)
    assert answer.status == 422
    assert said in answer.page.text
    if sent["mrn"]:
        kept = next(f for f in answer.page.forms if "indication" in f.data).data
        for name in ("family_name", "given_name", "birth_date", "room", "scheduled_at"):
            if name not in changes:
                assert kept[name] == [sent[name]], name
        assert kept.get("levels", []) == sent["levels"]
    assert (Case.objects.count(), Patient.objects.count()) == (0, 0)


def test_an_administrator_and_somebody_without_a_unit_open_none(world: World) -> None:
    for user in (world.admin, world.scrub):
        if user == world.scrub:
            Membership.objects.filter(user=user).delete()
        visitor = Visitor(user)
        answer = visitor.get("new-case")
        assert answer.status == 409
        assert "Administrators do not record." in answer.page.text or "not in the team" in answer.page.text
        assert visitor.post("new-case", **new_case(world)).status == 409
    assert Case.objects.count() == 0


def test_signed_out_and_forged(world: World, nobody: Visitor) -> None:
    assert nobody.get("new-case").status == 302
    assert nobody.post("new-case", **new_case(world)).status == 401
    browser = Visitor(world.nurse, enforce_csrf_checks=True)
    assert browser.post("new-case", **new_case(world)).status == 403
    assert Case.objects.count() == 0


def test_the_id_of_an_existing_case_does_not_open_it_again(world: World, nurse: Visitor) -> None:
    known = world.open(mrn="555", family_name="Verdi")
    before = Event.objects.filter(case=known).count()
    answer = nurse.post("new-case", command_id=str(known), **new_case(world))
    assert answer.status == 422
    assert Event.objects.filter(case=known).count() == before
    assert nurse.post("new-case", command_id=str(uuid4()), **new_case(world)).status == 302
