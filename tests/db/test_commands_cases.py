"""Commands on a whole case, its levels and its team."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from procedures import commands
from procedures.commands import Plan
from procedures.definitions import Role
from procedures.models import Case, CaseTeam, Event, Level
from procedures.state import EventKind
from tests.refusals import invalid, refused
from tests.world import World

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def plan(world: World, **rest: Any) -> Plan:
    """The plan with which the cases of the tests are opened, changed in parts."""
    given: dict[str, Any] = {
        "room": "IR room 2", "scheduled_at": MORNING, "indication": "osteoporosis", "anaesthesia": "sedation",
        "levels": ["L1"], "team": {world.operator.pk: Role.OPERATOR, world.nurse.pk: Role.CIRCULATING_NURSE}, **rest,
    }  # fmt: skip
    return Plan(**given)


def kinds(case_id: UUID, since: int = 0) -> list[str]:
    return list(Event.objects.filter(case=case_id, seq__gt=since).values_list("kind", flat=True))


def status(case_id: UUID) -> str:
    return Case.objects.get(pk=case_id).status


# Plan and start -----------------------------------------------------------------------------------------------------


def test_a_change_of_plan_keeps_what_it_was(world: World) -> None:
    case_id = world.open("L1")
    seq = Case.objects.get(pk=case_id).last_seq
    later = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
    commands.change_case(world.command(case_id), plan=plan(world, room="IR room 1", scheduled_at=later))
    case = Case.objects.get(pk=case_id)
    assert (case.room, case.scheduled_at, case.anaesthesia) == ("IR room 1", later, "sedation")
    event = Event.objects.get(case=case_id, seq=seq + 1)
    assert event.data["values"]["was"] == {
        "room": "IR room 2", "scheduled_at": "2026-11-22T09:00:00.000000+00:00",
    }  # fmt: skip
    with refused("nothing"):
        commands.change_case(world.command(case_id), plan=plan(world, room="IR room 1", scheduled_at=later))


def test_planned_levels_come_and_go(world: World) -> None:
    case_id = world.open("L1", "L2")
    commands.change_case(world.command(case_id), plan=plan(world, levels=["L1", "T12"]))
    assert Case.objects.get(pk=case_id).levels == ["T12", "L1"]
    assert Level.objects.get(case=case_id, vertebra="L2").state == "withdrawn"
    commands.change_case(world.command(case_id), plan=plan(world, levels=["L2"]))
    assert Case.objects.get(pk=case_id).levels == ["L2"]


def test_a_planned_team_is_replaced(world: World) -> None:
    case_id = world.open("L1")
    team = {world.assistant.pk: Role.OPERATOR, world.operator.pk: Role.ASSISTANT}
    commands.change_case(world.command(case_id), plan=plan(world, team=team))
    assert Case.objects.get(pk=case_id).operator == world.assistant
    now_in = CaseTeam.objects.filter(case=case_id, until=None)
    assert dict(now_in.values_list("user", "role")) == {
        world.assistant.pk: "operator", world.operator.pk: "assistant",
    }  # fmt: skip
    assert CaseTeam.objects.filter(case=case_id).count() == 4


def test_a_case_is_started_once_and_its_plan_stands_from_then_on(world: World) -> None:
    case_id = world.started("L1")
    assert status(case_id) == "in_progress"
    with refused("not_scheduled"):
        commands.start(world.command(case_id))
    with refused("not_scheduled"):
        commands.change_case(world.command(case_id), plan=plan(world, room="IR room 1"))


# Pause and emergency --------------------------------------------------------------------------------------------------


def test_a_case_pauses_and_goes_on(world: World) -> None:
    case_id = world.started("L1")
    with refused("already"):
        commands.resume(world.command(case_id), identity=True)
    with invalid("reason"):
        commands.pause(world.command(case_id), reason="")
    commands.pause(world.command(case_id), reason="fire drill")
    assert Case.objects.get(pk=case_id).paused_at
    with refused("already"):
        commands.pause(world.command(case_id), reason="again")
    commands.resume(world.command(case_id), identity=True)
    assert Case.objects.get(pk=case_id).paused_at is None


def test_an_emergency_is_switched_on_and_off(world: World) -> None:
    scheduled = world.open("L1")
    with refused("not_started"):
        commands.set_emergency(world.command(scheduled), on=True)
    case_id = world.started("L2")
    with refused("already"):
        commands.set_emergency(world.command(case_id), on=False)
    commands.set_emergency(world.command(case_id), on=True)
    with refused("already"):
        commands.set_emergency(world.command(case_id), on=True)
    assert Case.objects.get(pk=case_id).emergency_at


def test_a_case_stopped_in_an_emergency_gets_out_of_it(world: World) -> None:
    case_id = world.started("L1")
    commands.set_emergency(world.command(case_id), on=True)
    world.do(case_id, "K04")
    commands.stop(world.command(case_id), reason="arrest")
    commands.set_emergency(world.command(case_id), on=False)
    assert Case.objects.get(pk=case_id).emergency_at is None
    with refused("ended"):
        commands.set_emergency(world.command(case_id), on=True)


# Endings --------------------------------------------------------------------------------------------------------------


def test_before_sedation_a_case_is_cancelled(world: World) -> None:
    for case_id in (world.open("L1"), world.started("L1")):
        with invalid("reason"):
            commands.cancel(world.command(case_id), reason=" ")
        commands.cancel(world.command(case_id), reason="INR too high")
        case = Case.objects.get(pk=case_id)
        assert (case.status, case.end_reason, bool(case.ended_at)) == ("cancelled", "INR too high", True)
        with refused("ended"):
            commands.cancel(world.command(case_id), reason="again")


def test_after_sedation_a_case_is_stopped_and_its_open_levels_are_abandoned(world: World) -> None:
    case_id = world.started("T12", "L1", "L2")
    with refused("not_begun"):
        commands.stop(world.command(case_id), reason="x")
    world.rush(case_id, "K04", "K08b-L1-left")
    commands.defer_level(world.command(case_id), vertebra="L2", reason="too long")
    with refused("begun"):
        commands.cancel(world.command(case_id), reason="x")
    with invalid("reason"):
        commands.stop(world.command(case_id), reason="")
    commands.pause(world.command(case_id), reason="breathing")
    commands.stop(world.command(case_id), reason="arrest")
    case = Case.objects.get(pk=case_id)
    assert (case.status, case.end_reason, case.paused_at, case.next_step) == ("stopped", "arrest", None, "")
    levels = Level.objects.filter(case=case_id).values_list("vertebra", "state", "reason")
    assert sorted(levels) == [
        ("L1", "abandoned", "arrest"), ("L2", "deferred", "too long"), ("T12", "abandoned", "arrest"),
    ]  # fmt: skip
    world.do(case_id, "K09e-L1-left")  # the needle comes out, and that is recorded
    assert Case.objects.get(pk=case_id).last_needle_out_at


def test_a_case_without_sedation_but_with_a_needle_in_is_stopped(world: World) -> None:
    case_id = world.started("L1")
    world.rush(case_id, "K08b-L1-left")
    with refused("begun"):
        commands.cancel(world.command(case_id), reason="x")
    commands.stop(world.command(case_id), reason="pain")
    assert status(case_id) == "stopped"


def test_a_case_opened_by_mistake_is_voided_while_nothing_counts_in_it(world: World) -> None:
    case_id = world.started("L1")
    seq = world.do(case_id, "PRE-ID").last
    with refused("recorded"):
        commands.void_case(world.command(case_id), reason="wrong patient")
    commands.void(world.command(case_id), "PRE-ID", about=seq)
    with invalid("reason"):
        commands.void_case(world.command(case_id), reason="")
    commands.void_case(world.command(case_id), reason="wrong patient")
    assert status(case_id) == "voided"
    with refused("closed"):
        world.do(case_id, "PRE-ID")
    with refused("ended"):
        commands.void_case(world.command(case_id), reason="again")


def test_a_case_is_completed_when_nothing_is_open(world: World) -> None:
    case_id = world.started("L1")
    with refused("open_steps"):
        commands.complete(world.command(case_id))
    scheduled = world.open("L2")
    with refused("not_started"):
        commands.complete(world.command(scheduled))


def test_what_was_forgotten_is_still_recorded_after_the_end(world: World) -> None:
    case_id = world.started("L1")
    world.rush(case_id, "K04")
    commands.stop(world.command(case_id), reason="fever")
    world.do(case_id, "EV-NOTE")
    with refused("ended"):
        commands.pause(world.command(case_id), reason="x")
    with refused("ended"):
        commands.add_level(world.command(case_id), vertebra="T9", reason="x")
    with refused("ended"):
        commands.change_team(world.command(case_id), user_id=world.scrub.pk, role=Role.SCRUB_NURSE)


# Levels ---------------------------------------------------------------------------------------------------------------


def test_a_level_is_added_with_a_reason_once_the_time_out_has_named_them(world: World) -> None:
    scheduled = world.open("L1")
    commands.add_level(world.command(scheduled), vertebra="L2")
    assert Level.objects.get(case=scheduled, vertebra="L2").planned
    case_id = world.started("L1")
    commands.add_level(world.command(case_id), vertebra="L2")
    assert not Level.objects.get(case=case_id, vertebra="L2").planned
    with refused("has_level"):
        commands.add_level(world.command(case_id), vertebra="L2")
    with invalid("vertebra"):
        commands.add_level(world.command(case_id), vertebra="C2")
    world.rush(case_id, "CHK-TO")
    with invalid("reason"):
        commands.add_level(world.command(case_id), vertebra="L3")
    commands.add_level(world.command(case_id), vertebra="L3", reason="fresh fracture on X-ray")
    assert Case.objects.get(pk=case_id).levels == ["L1", "L2", "L3"]


def test_a_level_is_deferred_before_the_needle_and_abandoned_after(world: World) -> None:
    case_id = world.started("T12", "L1", "L2")
    world.rush(case_id, "K08b-L1-left", "K09a-L1-left")
    with refused("needle_in"):
        commands.defer_level(world.command(case_id), vertebra="L1", reason="x")
    for close in (commands.defer_level, commands.abandon_level):
        with invalid("reason"):
            close(world.command(case_id), vertebra="T12", reason="")
        with refused("level_closed"):
            close(world.command(case_id), vertebra="S1", reason="x")
    before = Case.objects.get(pk=case_id).total
    commands.abandon_level(world.command(case_id), vertebra="L1", reason="pain")
    commands.defer_level(world.command(case_id), vertebra="T12", reason="too long")
    with refused("level_closed"):
        commands.abandon_level(world.command(case_id), vertebra="L1", reason="x")
    with refused("level_closed"):
        world.do(case_id, "K08b-L1-right", side="right")
    world.do(case_id, "K09b-L1-left", "K09e-L1-left")
    commands.reopen_level(world.command(case_id), vertebra="T12", reason="there is time")
    with refused("level_open"):
        commands.reopen_level(world.command(case_id), vertebra="T12", reason="x")
    with invalid("reason"):
        commands.reopen_level(world.command(case_id), vertebra="L1", reason="")
    commands.reopen_level(world.command(case_id), vertebra="L1", reason="another try")
    assert Case.objects.get(pk=case_id).total == before
    assert set(Level.objects.filter(case=case_id).values_list("state", flat=True)) == {"open"}


def test_a_completed_level_is_not_abandoned(world: World) -> None:
    case_id = world.started("L1")
    world.rush(
        case_id, "K07-L1", "K08a-L1", "K08b-L1-left", "K09a-L1-left", "K09b-L1-left", "K09c", "K09d-L1-left",
        "K09e-L1-left", "K09f-L1",
    )  # fmt: skip
    assert Level.objects.get(case=case_id).state == "completed"
    for close in (commands.defer_level, commands.abandon_level):
        with refused("level_completed"):
            close(world.command(case_id), vertebra="L1", reason="x")


# Team -----------------------------------------------------------------------------------------------------------------


def test_people_join_change_role_and_leave(world: World) -> None:
    case_id = world.started("L1")

    def change(user: int, role: Role | None) -> None:
        commands.change_team(world.command(case_id), user_id=user, role=role)

    change(world.scrub.pk, Role.SCRUB_NURSE)
    with refused("in_team"):
        change(world.scrub.pk, Role.SCRUB_NURSE)
    seq = Case.objects.get(pk=case_id).last_seq
    change(world.scrub.pk, Role.ASSISTANT)
    assert kinds(case_id, seq) == [EventKind.TEAM_LEFT, EventKind.TEAM_JOINED]
    change(world.scrub.pk, None)
    with refused("not_in_team"):
        change(world.scrub.pk, None)
    change(world.scrub.pk, Role.SCRUB_NURSE)
    rows = CaseTeam.objects.filter(case=case_id, user=world.scrub).order_by("since")
    assert [(row.role, row.until is None) for row in rows] == [
        ("scrub_nurse", False), ("assistant", False), ("scrub_nurse", True),
    ]  # fmt: skip
    with invalid("role"):
        change(world.radiographer.pk, Role.ADMINISTRATOR)
    for outsider in (world.stranger.pk, world.admin.pk, 10**9):
        with invalid("user_id"):
            change(outsider, Role.ASSISTANT)


def test_the_operator_is_the_last_who_came_and_has_not_left(world: World) -> None:
    case_id = world.started("L1")
    commands.change_team(world.command(case_id), user_id=world.assistant.pk, role=Role.OPERATOR)
    assert Case.objects.get(pk=case_id).operator == world.assistant
    commands.change_team(world.command(case_id), user_id=world.assistant.pk, role=None)
    assert Case.objects.get(pk=case_id).operator == world.operator
    commands.change_team(world.command(case_id), user_id=world.operator.pk, role=None)
    assert Case.objects.get(pk=case_id).operator is None
