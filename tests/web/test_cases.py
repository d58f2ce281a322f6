"""A case as a whole through its URLs: start, pause, emergency, endings, the plan; each refused and sent twice too."""

from uuid import UUID

import pytest

from procedures import commands
from procedures.models import Access, Case, Event
from tests.web.stage import plan
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


def status(case_id: UUID) -> str:
    return Case.objects.get(pk=case_id).status


def kinds(case_id: UUID) -> list[str]:
    return list(Event.objects.filter(case=case_id).order_by("seq").values_list("kind", flat=True))


def test_a_scheduled_case_is_started_from_its_page(world: World, nurse: Visitor) -> None:
    case_id = world.open()
    page = nurse.get("case", case_id).page
    assert "Check that this is the patient in front of you." in page.ids["hand"]
    form = page.form("/start/")
    for _twice in range(2):
        answer = nurse.press(form)
        assert (answer.status, answer.location) == (302, f"/cases/{case_id}/")
    assert kinds(case_id).count("case.started") == 1
    assert "elapsed" in nurse.get("case", case_id).page.ids["progress"]
    again = nurse.post("start", case_id)
    assert again.status == 409
    assert "already been started or closed" in again.page.ids["hand"]


def test_a_pause_has_a_reason_and_shows_until_it_ends(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    form = nurse.get("case", case_id).page.form("/pause/")
    empty = nurse.press(form)
    assert (empty.status, "Say why." in empty.page.text) == (422, True)
    assert nurse.press(form, reason="X-ray tube is cooling").status == 302
    page = nurse.get("case", case_id).page
    assert "Paused since" in page.ids["notices"]
    assert "Paused" in nurse.get("today").page.text
    twice = nurse.post("pause", case_id, reason="again")
    assert (twice.status, "already paused" in twice.page.text) == (409, True)
    refused = nurse.press(page.form("/resume/"))
    assert (refused.status, "Read name, birth date and record number aloud" in refused.page.text) == (
        422,
        True,
    )
    assert nurse.press(page.form("/resume/"), identity="yes", second=str(world.operator.pk)).status == 302
    assert "identity read aloud again, heard by Dr W. Chen" in nurse.get("record", case_id).page.text
    assert "Paused" not in nurse.get("case", case_id).page.ids["notices"]
    assert nurse.post("resume", case_id, identity="yes").status == 409


def test_an_emergency_is_on_for_everybody_until_it_is_over(
    world: World, nurse: Visitor, operator: Visitor
) -> None:
    case_id = world.started("L1")
    assert nurse.press(nurse.get("case", case_id).page.form("/emergency/")).status == 302
    page = operator.get("case", case_id).page
    assert "Emergency since" in page.ids["notices"]
    assert operator.post("emergency", case_id, on="1").status == 409
    over = operator.post("complete", case_id)
    assert (over.status, "Switch the emergency off first." in over.page.text) == (409, True)
    assert operator.press(page.form("/emergency/")).status == 302
    assert "Emergency since" not in nurse.get("case", case_id).page.ids["notices"]
    for wrong in ("2", "", "on"):
        assert nurse.post("emergency", case_id, on=wrong).status == 422


def test_with_htmx_a_command_on_the_case_answers_in_place(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    seen = str(Case.objects.get(pk=case_id).last_seq)
    answer = nurse.post("pause", case_id, htmx=True, reason="waiting for cement", seen=seen)
    assert answer.status == 200
    assert "Paused since" in answer.page.ids["notices"]
    assert {"notices", "seen"} <= answer.page.swapped
    world.do_until(case_id, "K08b")
    seen = str(Case.objects.get(pk=case_id).last_seq)
    access = nurse.post("step-done", case_id, "K08b-L1", htmx=True, side="left", seen=seen)
    assert {"level-L1", "phase-level-head"} <= access.page.swapped
    assert not {"procedure", "notices", "row-K08b-L1-left"} & access.page.swapped, "no more than the vertebra"
    assert {"row-K08b-L1-left", "row-K08c-L1-left"} <= access.page.ids.keys()
    refused = nurse.post("pause", case_id, htmx=True, reason="again", seen=seen)
    assert refused.status == 409
    assert "already paused" in refused.page.ids["hand"]


def test_the_last_tick_draws_its_own_row_alone(world: World, nurse: Visitor) -> None:
    """Nothing is in hand after it, and nothing is the partner of nothing."""
    case_id = world.started("L1")
    world.do_until(case_id, "DIS")
    seen = str(Case.objects.get(pk=case_id).last_seq)
    answer = nurse.post("step-done", case_id, "DIS", htmx=True, seen=seen)
    assert answer.status == 200
    assert {name for name in answer.page.swapped if name.startswith("row-")} == {"row-DIS"}


def test_before_sedation_a_case_is_cancelled_and_after_it_stopped(world: World, nurse: Visitor) -> None:
    early, late = world.started("L1"), world.started("L1", mrn="900")
    world.do_until(late, "K05")
    wrong = nurse.post("stop", early, reason="x")
    assert (wrong.status, "cancel the case instead" in wrong.page.text) == (409, True)
    wrong = nurse.post("cancel", late, reason="x")
    assert (wrong.status, "stop the case instead" in wrong.page.text) == (409, True)
    for name, case_id, end in (("cancel", early, "cancelled"), ("stop", late, "stopped")):
        assert nurse.post(name, case_id, reason=" ").status == 422
        assert nurse.post(name, case_id, reason="x" * 501).status == 422
        form = nurse.get("manage", case_id).page.form(f"/{name}/")
        for _twice in range(2):
            assert nurse.press(form, reason="patient has a fever", state_L1="deferred").status == 302
        assert status(case_id) == end
        assert sum(kind.startswith(f"case.{end}") for kind in kinds(case_id)) == 1
        assert nurse.post(name, case_id, reason="again").status == 409
        assert nurse.post("level-add", case_id, vertebra="L4", reason="x").status == 409


def test_what_is_open_is_named_before_a_case_can_be_completed(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    refused = nurse.post("complete", case_id)
    assert refused.status == 409
    assert "Still open: Identity checked" in refused.page.text
    world.do_until(case_id, "never")
    form = nurse.get("manage", case_id).page.form("/complete/")
    for _twice in range(2):
        assert nurse.press(form).status == 302
    assert status(case_id) == "completed"
    page = nurse.get("case", case_id).page
    assert not page.forms_to("/done/")
    late = nurse.post("step-done", case_id, "EV-NOTE", v_text="added later")
    assert late.status == 302, "what happened is never refused because the case has ended"


def test_a_case_opened_by_mistake_is_voided_while_nothing_counts_in_it(world: World, nurse: Visitor) -> None:
    case_id = world.open()
    assert nurse.post("void-case", case_id, reason="").status == 422
    assert nurse.post("void-case", case_id, reason="wrong patient").status == 302
    assert status(case_id) == "voided"
    other = world.started("L1", mrn="900")
    world.do(other, "PRE-ID")
    refused = nurse.post("void-case", other, reason="wrong patient")
    assert (refused.status, "Take them back first" in refused.page.text) == (409, True)


# The plan ---------------------------------------------------------------------------------------------------


def test_a_plan_is_changed_before_the_start_only(world: World, nurse: Visitor) -> None:
    case_id = world.open("T12", "L1")
    page = nurse.get("plan", case_id).page
    form = page.form("/plan/")
    assert form.data["levels"] == ["T12", "L1"]
    assert form.data["room"] == ["IR room 2"]
    same = nurse.press(form)
    assert (same.status, "Nothing was changed." in same.page.text) == (409, True)
    answer = nurse.press(form, levels=["L1", "L2"], room="IR room 1", team=[str(world.scrub.pk)])
    assert (answer.status, answer.location) == (302, f"/cases/{case_id}/")
    case = Case.objects.get(pk=case_id)
    assert (case.levels, case.room) == (["L1", "L2"], "IR room 1")
    commands.start(world.command(case_id))
    late = nurse.post("plan", case_id, **plan(world))
    assert late.status == 409
    assert "already been started or closed" in late.page.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"levels": []}, "This field is required."),
        ({"levels": ["L9"]}, "Select a valid choice."),
        ({"room": "Cellar"}, "Choose a room of this unit."),
        ({"scheduled_at": "0001-01-01T00:00:00+14:00"}, "Check the year."),
        ({"scheduled_at": "2300-01-01T08:00"}, "Check the year."),
        ({"indication": "boredom"}, "Select a valid choice."),
        ({"anaesthesia": ""}, "This field is required."),
        ({"operator": ""}, "This field is required."),
        ({"operator": "x"}, "Enter a whole number."),
    ],
)
def test_a_wrong_plan_says_where_and_keeps_what_was_typed(
    world: World, nurse: Visitor, changes: dict[str, object], said: str
) -> None:
    case_id = world.open()
    before = kinds(case_id)
    answer = nurse.post("plan", case_id, **plan(world, anaesthesia="local") | changes)
    assert answer.status == 422
    assert said in answer.page.text
    kept = answer.page.form("/plan/").data
    for name, value in plan(world, anaesthesia="local").items():
        if name not in changes and name not in ("team", "levels"):
            assert kept[name] == [value], name
    if "levels" not in changes:
        assert kept["levels"] == ["L1", "L2"]
    assert kinds(case_id) == before


# Who looked -------------------------------------------------------------------------------------------------


def test_each_look_leaves_one_row_an_hour_and_page(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    for name in ("case", "record", "manage", "case", "missing", "record"):
        nurse.get(name, case_id)
    rows = Access.objects.filter(user=world.nurse, case=case_id).order_by("what")
    assert list(rows.values_list("what", "right")) == [
        (what, "member") for what in ("case", "manage", "record")
    ]
    Visitor(world.admin).get("record", case_id)
    assert Access.objects.filter(case=case_id).count() == 4
