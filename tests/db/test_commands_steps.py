"""Commands on steps: done, not done, not applicable, details, correction, void, verification."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from procedures import clock, commands
from procedures.commands import BOTH, Command
from procedures.definitions import Role
from procedures.models import Case, Event, Level, Membership
from procedures.state import EventKind, Flag, LevelStatus, Source, StepStatus
from tests.refusals import invalid, refused
from tests.world import World, needed_now

pytestmark = pytest.mark.django_db


def ml(amount: str) -> dict[str, str]:
    return {"amount": amount, "unit": "mL"}


def last_event(case_id: UUID) -> Event:
    return Event.objects.filter(case=case_id).order_by("-seq")[0]


@pytest.fixture
def case_id(world: World) -> UUID:
    """A started case at L1 and L2."""
    return world.started("L1", "L2")


@pytest.fixture
def needled(world: World, case_id: UUID) -> UUID:
    """The same case with the time-out done, a batch mixed, and a needle in L1 left."""
    world.rush(case_id, "CHK-TO", "K09c", "K08a-L1", "K08b-L1-left")
    return case_id


# Done ---------------------------------------------------------------------------------------------------------------


def test_a_tick_keeps_who_did_it_who_recorded_it_and_when(world: World, case_id: UUID) -> None:
    moment = clock.now()
    earlier = moment - timedelta(minutes=5)
    with clock.at(moment):
        commands.record_done(
            world.command(case_id, "nurse", performed_by="ward"),
            "PRE-ID",
            values={"first": "name"},
            performed_at=earlier,
        )
    entry = world.step(case_id, "PRE-ID").live[0]
    assert (entry.performed_by, entry.recorded_by) == (world.ward.pk, world.nurse.pk)
    assert (entry.performed_at, entry.recorded_at) == (earlier, moment)
    assert (entry.values, entry.flags) == ({"first": "name"}, ())
    event = last_event(case_id)
    assert (event.kind, event.step_key, event.performed_by, event.recorded_by) == (
        EventKind.STEP_DONE, "PRE-ID", world.ward, world.nurse,
    )  # fmt: skip


def test_a_tick_of_another_role_or_long_after_is_flagged(world: World, case_id: UUID) -> None:
    commands.record_done(
        world.command(case_id, "operator"), "PRE-ID", performed_at=clock.now() - timedelta(minutes=16)
    )
    assert world.step(case_id, "PRE-ID").live[0].flags == (Flag.LATE, Flag.OTHER_ROLE)
    commands.record_done(world.command(case_id, "nurse", performed_by="ward"), "PRE-ID")
    assert world.step(case_id, "PRE-ID").live[1].flags == ()


def test_a_time_to_come_or_long_past_is_refused(world: World, case_id: UUID) -> None:
    moment = clock.now()
    for wrong in (moment + timedelta(seconds=1), moment - timedelta(days=8)):
        with clock.at(moment), invalid("performed_at"):
            commands.record_done(world.command(case_id), "PRE-ID", performed_at=wrong)


def test_the_performer_must_be_a_clinician_of_unit_or_team(world: World, case_id: UUID) -> None:
    for wrong in (world.stranger.pk, world.admin.pk, 10**9):
        command = Command(case_id=case_id, by=world.nurse, command_id=uuid4(), performed_by=wrong)
        with invalid("performed_by"):
            commands.record_done(command, "PRE-ID")


def test_a_case_that_is_not_running_takes_no_tick(world: World) -> None:
    scheduled = world.open("L1")
    with refused("not_started"):
        world.do(scheduled, "PRE-ID")
    commands.cancel(world.command(scheduled), reason="fever")
    with refused("closed"):
        world.do(scheduled, "PRE-ID")


def test_a_step_that_is_done_names_who_did_it(world: World, case_id: UUID) -> None:
    world.do(case_id, "K01")
    with refused("already_done"):
        world.do(case_id, "K01", by="scrub")
    with pytest.raises(Exception, match=r"Done by Ada Okafor at \d\d:\d\d\."):
        world.do(case_id, "K01", by="scrub")


def test_a_step_the_case_does_not_have(world: World, case_id: UUID) -> None:
    for key in ("K99", "K07-T1", "K07", "K01-L1", "\x00", "K08b-T1-left"):
        with refused("no_step"):
            commands.record_done(world.command(case_id), key)


def test_values_are_judged_field_by_field(world: World, needled: UUID) -> None:
    def cement(confirmed: frozenset[str] = frozenset(), **values: Any) -> None:
        commands.record_done(
            world.command(needled),
            "K09d-L1-left",
            values=values,
            confirmed=confirmed,
            override_reason="no balloon",
        )

    with invalid("volume", "leak", "colour"):
        cement(volume=ml("16"), leak=["none", "disc"], colour="grey")
    with invalid(unusual=("volume",)):
        cement(volume=ml("9"))
    with invalid("volume"):
        cement(frozenset({"volume"}), volume=ml("16"))
    with invalid("batch"):
        cement(batch={"seq": 1, "key": "K09c"})
    cement(frozenset({"volume"}), volume=ml("9"), leak=None)
    entry = world.step(needled, "K09d-L1-left").live[0]
    assert entry.values == {"volume": ml("9")}  # what was left empty is missing, not empty
    assert Flag.CONFIRMED in entry.flags
    case = Case.objects.get(pk=needled)
    assert case.cement_ml == 9
    assert case.leak is None


def test_what_is_needed_now_is_needed(world: World, case_id: UUID) -> None:
    with invalid("text"):
        commands.record_done(world.command(case_id), "EV-NOTE")
    with invalid("text"):
        commands.record_done(world.command(case_id), "EV-NOTE", values={"text": None})


def test_a_batch_that_was_taken_back_cannot_be_injected(world: World, needled: UUID) -> None:
    batch = world.step(needled, "K09c").live[0].seq
    commands.void(world.command(needled), "K09c", about=batch)
    with invalid("batch"):
        commands.record_done(
            world.command(needled),
            "K09d-L1-left",
            values={"batch": {"seq": batch, "key": "K09c"}},
            override_reason="x",
        )


# Order --------------------------------------------------------------------------------------------------------------


def test_an_unmet_requirement_blocks_until_somebody_who_may_says_why(world: World, case_id: UUID) -> None:
    with refused("out_of_order"):
        commands.record_done(world.command(case_id, "scrub"), "K02")
    with refused("role"):
        commands.record_done(world.command(case_id, "scrub"), "K02", override_reason="line was in")
    with invalid("override_reason"):
        commands.record_done(world.command(case_id, "nurse"), "K02", override_reason="   ")
    command = world.command(case_id, "nurse")
    commands.record_done(command, "K02", override_reason="line was in already")
    said = Event.objects.get(case=case_id, command_id=command.command_id, part=0)
    assert (said.kind, said.data["values"], said.data["reason"]) == (
        EventKind.REQUIREMENT_OVERRIDDEN, {"needs": ["PRE-ID"]}, "line was in already",
    )  # fmt: skip
    assert world.step(case_id, "K02").live[0].flags == (Flag.OTHER_ROLE, Flag.OUT_OF_ORDER, Flag.OVERRIDDEN)


def test_a_soft_requirement_is_passed_and_flagged(world: World, case_id: UUID) -> None:
    commands.record_done(world.command(case_id, "ward"), "K01")
    assert world.step(case_id, "K01").live[0].flags == (Flag.OUT_OF_ORDER,)


def test_in_an_emergency_nothing_blocks_and_everything_is_flagged(world: World, case_id: UUID) -> None:
    commands.set_emergency(world.command(case_id, "scrub"), on=True)
    commands.record_done(world.command(case_id, "scrub"), "K06b")
    entry = world.step(case_id, "K06b").live[0]
    assert entry.flags == (Flag.OUT_OF_ORDER,)
    kinds = Event.objects.filter(case=case_id).values_list("kind", flat=True)
    assert EventKind.REQUIREMENT_OVERRIDDEN not in kinds


@pytest.mark.parametrize("source", [Source.OFFLINE, Source.PAPER])
def test_what_has_happened_is_recorded_whatever_its_order_and_says_so(
    world: World, case_id: UUID, source: Source
) -> None:
    commands.record_done(world.command(case_id, "sedation", source=source), "K02")
    balloon = needed_now(case_id, "K09a-L1-left")
    commands.record_done(world.command(case_id, "operator", source=source), "K09a-L1-left", values=balloon)
    for key in ("K02", "K09a-L1-left"):
        entry = world.step(case_id, key).live[0]
        assert (entry.source, entry.flags) == (source, (Flag.OUT_OF_ORDER,))
    kinds = Event.objects.filter(case=case_id).values_list("kind", flat=True)
    assert EventKind.REQUIREMENT_OVERRIDDEN not in kinds
    assert EventKind.ACCESS_ADDED in kinds  # a balloon without a recorded needle opens its side


# Access -------------------------------------------------------------------------------------------------------------


def test_the_side_is_chosen_at_the_needle_and_opens_the_access(world: World, case_id: UUID) -> None:
    world.rush(case_id, "CHK-TO", "K08a-L1")
    with invalid("side"):
        commands.record_done(world.command(case_id), "K08b-L1")
    with invalid("side"):
        commands.record_done(world.command(case_id), "K08b-L1", side="middle")
    with refused("no_access"):
        commands.record_done(world.command(case_id), "K09a-L1-left")
    commands.record_done(world.command(case_id), "K08b-L1", side="left")
    assert Level.objects.get(case=case_id, vertebra="L1").sides == ["left"]
    with refused("already_done"):
        commands.record_done(world.command(case_id), "K08b-L1-left")


def test_both_is_one_entry_for_each_side(world: World, case_id: UUID) -> None:
    world.rush(case_id, "CHK-TO", "K08a-L1")
    command = world.command(case_id)
    receipt = commands.record_done(command, "K08b-L1", side=BOTH, values={"approach": "transpedicular"})
    assert (receipt.last - receipt.first, Level.objects.get(case=case_id, vertebra="L1").sides) == (
        3, ["left", "right"],
    )  # fmt: skip
    for side in ("left", "right"):
        assert world.step(case_id, f"K08b-L1-{side}").live[0].values == {"approach": "transpedicular"}
    with refused("already_done"):
        commands.record_done(world.command(case_id), "K08b-L1", side=BOTH)


def test_both_is_all_or_nothing(world: World, needled: UUID) -> None:
    with refused("already_done"):
        commands.record_done(world.command(needled), "K08b-L1", side=BOTH)
    assert Level.objects.get(case=needled, vertebra="L1").sides == ["left"]


def test_a_needle_taken_back_takes_its_empty_access_with_it(world: World, needled: UUID) -> None:
    seq = world.step(needled, "K08b-L1-left").live[0].seq
    commands.void(world.command(needled), "K08b-L1-left", about=seq)
    assert last_event(needled).kind == EventKind.ACCESS_WITHDRAWN
    assert Level.objects.get(case=needled, vertebra="L1").sides == []
    assert len(world.step(needled, "K08b-L1-left").entries) == 1
    world.do(needled, "K08b-L1", side="left")
    assert [e.live for e in world.step(needled, "K08b-L1-left").entries] == [False, True]


def test_an_access_in_use_stays_when_its_needle_is_taken_back(world: World, needled: UUID) -> None:
    world.do(needled, "K09a-L1-left")
    seq = world.step(needled, "K08b-L1-left").live[0].seq
    commands.void(world.command(needled), "K08b-L1-left", about=seq)
    assert last_event(needled).kind == EventKind.EVENT_VOIDED
    assert Level.objects.get(case=needled, vertebra="L1").sides == ["left"]


# Not done and not applicable -----------------------------------------------------------------------------------------


def mark(world: World, case_id: UUID, key: str, by: str = "nurse", **rest: Any) -> None:
    given: dict[str, Any] = {"status": StepStatus.NOT_DONE, "reason": "not needed", **rest}
    commands.mark(world.command(case_id, by), key, **given)


def test_not_done_needs_a_reason_and_not_applicable_takes_one(world: World, case_id: UUID) -> None:
    with invalid("reason"):
        mark(world, case_id, "ABX", reason=" ")
    with invalid("reason"):
        mark(world, case_id, "ABX", status=StepStatus.NOT_APPLICABLE, reason="x" * 501)
    mark(world, case_id, "ABX", reason=" allergy ")
    mark(world, case_id, "K01", status=StepStatus.NOT_APPLICABLE, reason="")
    step = world.step(case_id, "ABX")
    assert (step.status, step.entries[0].reason) == (StepStatus.NOT_DONE, "allergy")
    assert world.step(case_id, "K01").status is StepStatus.NOT_APPLICABLE


def test_a_marked_step_must_be_unmarked_before_it_is_done(world: World, case_id: UUID) -> None:
    mark(world, case_id, "ABX")
    with refused("marked"):
        world.do(case_id, "ABX")
    with refused("marked"):
        mark(world, case_id, "ABX")
    seq = world.step(case_id, "ABX").entries[0].seq
    commands.void(world.command(case_id), "ABX", about=seq)
    world.do(case_id, "ABX")


def test_what_was_done_is_not_marked_not_done(world: World, case_id: UUID) -> None:
    world.do(case_id, "PRE-ID", "K01", "K02")
    for key in ("K01", "K02"):
        with refused("already_done"):
            mark(world, case_id, key)


def test_a_critical_step_is_skipped_only_by_those_who_may_with_a_second_reason(
    world: World, case_id: UUID
) -> None:
    with refused("critical"):
        mark(world, case_id, "PRE-ID", by="scrub", override_reason="unconscious")
    with invalid("override_reason"):
        mark(world, case_id, "PRE-ID")
    mark(world, case_id, "PRE-ID", override_reason="unconscious, identified by the son")
    entry = world.step(case_id, "PRE-ID").entries[0]
    assert entry.flags == (Flag.OVERRIDDEN,)
    assert entry.reason == "not needed; unconscious, identified by the son"


def test_there_is_nothing_to_skip(world: World, needled: UUID) -> None:
    with refused("any_time"):
        mark(world, needled, "EV-NOTE")
    with refused("owed"):
        mark(world, needled, "K09e-L1-left", override_reason="x")
    with invalid("side"):
        mark(world, needled, "K08b-L2", override_reason="x")
    with refused("no_access"):
        mark(world, needled, "K08b-L2-left", override_reason="x")
    with refused("no_access"):
        mark(world, needled, "K09a-L2-left", override_reason="x")


# Levels side by side ---------------------------------------------------------------------------------------------


def test_levels_interleave_a_balloon_ruptures_and_one_batch_serves_two(world: World) -> None:
    case_id = world.started("T12", "L1")
    world.rush(case_id, "CHK-TO")
    world.do(case_id, "K08a-T12", "K08a-L1")
    world.do(case_id, "K08b-T12", side="left")
    world.do(case_id, "K08b-L1", side=BOTH)
    world.do(case_id, "K09c", "K09a-T12-left", "K09a-L1-right", "K09a-L1-left")
    batch = {"seq": world.step(case_id, "K09c").live[0].seq, "key": "K09c"}
    world.do(
        case_id, "K09b-T12-left", "K09a-L1-left", "K09b-L1-left"
    )  # the first balloon of L1 left ruptured
    with refused("out_of_order"):
        world.do(case_id, "K09d-L1-left")
    world.do(case_id, "K09b-L1-left", "K09b-L1-right")
    for key in ("K09d-T12-left", "K09d-L1-left", "K09d-L1-right"):
        world.do(case_id, key, values={"batch": batch, "volume": ml("2")})
    world.do(case_id, "K09e-L1-right", "K09e-T12-left", "K09e-L1-left", "K09f-L1")
    states = dict(Level.objects.filter(case=case_id).values_list("vertebra", "state"))
    assert states == {"T12": LevelStatus.OPEN, "L1": LevelStatus.OPEN}  # no local anaesthetic recorded
    world.do(case_id, "K09f-T12", "K07-T12", "K07-L1")
    states = dict(Level.objects.filter(case=case_id).values_list("vertebra", "state"))
    assert states == {"T12": LevelStatus.COMPLETED, "L1": LevelStatus.COMPLETED}
    assert Case.objects.get(pk=case_id).cement_ml == 6


# Who sees it ---------------------------------------------------------------------------------------------


def test_the_team_of_a_case_sees_it_for_ever_and_records_while_in_it(world: World, case_id: UUID) -> None:
    commands.change_team(world.command(case_id), user_id=world.scrub.pk, role=Role.SCRUB_NURSE)
    Membership.objects.filter(user=world.scrub).update(unit=world.other_unit)
    assert Case.objects.visible_to(world.scrub).filter(pk=case_id).exists()
    commands.record_done(world.command(case_id, "scrub"), "PRE-ID")
    commands.change_team(world.command(case_id), user_id=world.scrub.pk, role=None)
    assert Case.objects.visible_to(world.scrub).filter(pk=case_id).exists()
    with refused("role"):
        commands.record_done(world.command(case_id, "scrub"), "K01")
    assert not Case.objects.visible_to(world.stranger).filter(pk=case_id).exists()
    assert not Case.objects.visible_to(world.scrub).filter(pk=world.open("L1")).exists()
