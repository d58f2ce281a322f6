"""Commands on an entry that stands: details, correction, void, verification."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from procedures import clock, commands
from procedures.commands import Command
from procedures.models import Case, Event
from procedures.state import EventKind, Flag, StepStatus
from procedures.values import stamp
from tests.refusals import invalid, refused
from tests.world import World

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
    """The same case with the time-out done, and a needle in L1 left."""
    world.rush(case_id, "CHK-TO", "K08a-L1", "K08b-L1-left")
    return case_id


# Details and corrections --------------------------------------------------------------------------------------------


def test_details_follow_a_tick(world: World, case_id: UUID) -> None:
    seq = world.do(case_id, "PRE-ID").last
    before = Case.objects.get(pk=case_id).deficits
    commands.add_details(
        world.command(case_id), "PRE-ID", about=seq, values={"first": "name", "second": None}
    )
    assert world.step(case_id, "PRE-ID").live[0].values == {"first": "name"}
    assert Case.objects.get(pk=case_id).deficits == before - 1
    event = last_event(case_id)
    assert (event.kind, event.about) == (EventKind.STEP_DETAILED, seq)
    with invalid("first"):
        commands.add_details(world.command(case_id), "PRE-ID", about=seq, values={"first": "mrn"})
    with invalid(""):
        commands.add_details(world.command(case_id), "PRE-ID", about=seq, values={"second": None})
    with invalid("second", "colour"):
        commands.add_details(
            world.command(case_id), "PRE-ID", about=seq, values={"second": "face", "colour": "red"}
        )
    with refused("no_entry"):
        commands.add_details(world.command(case_id), "K01", about=seq, values={"gowned": True})


def test_an_unusual_detail_is_asked_about(world: World, case_id: UUID) -> None:
    seq = world.do(case_id, "PRE-BASE").last
    weight = {"weight": {"amount": "210", "unit": "kg"}}
    with invalid(unusual=("weight",)):
        commands.add_details(world.command(case_id), "PRE-BASE", about=seq, values=weight)
    commands.add_details(
        world.command(case_id), "PRE-BASE", about=seq, values=weight, confirmed=frozenset({"weight"})
    )
    assert last_event(case_id).data["flags"] == ["confirmed"]


def test_what_was_not_done_takes_no_details(world: World, case_id: UUID) -> None:
    commands.mark(world.command(case_id), "ABX", status=StepStatus.NOT_DONE, reason="allergy")
    with refused("not_done"):
        commands.add_details(
            world.command(case_id),
            "ABX",
            about=world.step(case_id, "ABX").entries[0].seq,
            values={"drug": "other"},
        )


def correct(world: World, case_id: UUID, key: str, about: int, **rest: Any) -> None:
    commands.correct(world.command(case_id), key, about=about, **{"reason": "misread", **rest})


def test_a_correction_keeps_the_old_value_readable(world: World, case_id: UUID) -> None:
    seq = world.do(case_id, "PRE-ID", values={"first": "name", "second": "mrn"}).last
    correct(world, case_id, "PRE-ID", seq, values={"first": "birth_date", "second": None})
    entry = world.step(case_id, "PRE-ID").live[0]
    assert (entry.values, entry.flags) == ({"first": "birth_date"}, (Flag.CORRECTED, Flag.OTHER_ROLE))
    event = last_event(case_id)
    assert event.data["values"]["was"] == {"first": "name", "second": "mrn"}
    assert (event.data["reason"], event.about) == ("misread", seq)
    first = Event.objects.get(case=case_id, seq=seq)
    assert first.data["values"] == {"first": "name", "second": "mrn"}


def test_a_correction_says_why_and_changes_something(world: World, case_id: UUID) -> None:
    seq = world.do(case_id, "PRE-ID", values={"first": "name"}).last
    at = world.step(case_id, "PRE-ID").live[0].performed_at
    with invalid("reason"):
        correct(world, case_id, "PRE-ID", seq, values={"first": "mrn"}, reason=" ")
    with invalid(""):
        correct(
            world, case_id, "PRE-ID", seq, values={"first": "name"}, performed_at=at, performer=world.nurse.pk
        )
    with invalid("first"):
        correct(world, case_id, "PRE-ID", seq, values={"first": "face"})
    with invalid("performed_at"):
        correct(world, case_id, "PRE-ID", seq, performed_at=clock.now() + timedelta(minutes=1))
    with refused("no_entry"):
        correct(world, case_id, "PRE-ID", 1, values={"first": "mrn"})


def test_a_time_that_an_input_sends_back_to_the_minute_is_not_changed(world: World, needled: UUID) -> None:
    began = (clock.now() - timedelta(minutes=2)).replace(second=37, microsecond=0)
    values = {"volume": ml("4"), "leak": ["none"], "started_at": stamp(began)}
    commands.record_done(world.command(needled), "K09d-L1-left", values=values, override_reason="x")
    seq = world.step(needled, "K09d-L1-left").live[0].seq
    shown = {"started_at": stamp(began.replace(second=0))}
    with invalid(""):
        correct(world, needled, "K09d-L1-left", seq, values=shown)
    correct(world, needled, "K09d-L1-left", seq, values={"leak": ["disc"], **shown})
    assert last_event(needled).data["values"]["values"] == {"leak": ["disc"]}
    assert world.step(needled, "K09d-L1-left").live[0].values["started_at"] == stamp(began)
    correct(
        world,
        needled,
        "K09d-L1-left",
        seq,
        values={"started_at": stamp(began.replace(second=0) + timedelta(minutes=1))},
    )
    assert last_event(needled).data["values"]["was"] == {"started_at": stamp(began)}


def test_what_is_needed_now_cannot_be_corrected_away(world: World, case_id: UUID) -> None:
    seq = world.do(case_id, "EV-NOTE", values={"text": "calm"}).last
    with invalid("text"):
        correct(world, case_id, "EV-NOTE", seq, values={"text": None})


def test_time_and_performer_can_be_corrected(world: World, case_id: UUID) -> None:
    seq = world.do(case_id, "PRE-ID").last
    was = world.step(case_id, "PRE-ID").live[0].performed_at
    at = was - timedelta(minutes=3)
    commands.correct(
        world.command(case_id, "nurse", performed_by="ward"), "PRE-ID", about=seq, reason="x", performed_at=at,
        performer=world.ward.pk,
    )  # fmt: skip
    entry = world.step(case_id, "PRE-ID").live[0]
    assert (entry.performed_at, entry.performed_by, entry.recorded_by) == (at, world.ward.pk, world.nurse.pk)
    said = last_event(case_id).data["values"]
    assert (said["was_at"], said["was_by"]) == (stamp(was), world.nurse.pk)


def test_a_correction_names_no_performer_whom_the_unit_does_not_know(world: World, case_id: UUID) -> None:
    seq = world.do(case_id, "PRE-ID").last
    for wrong in (world.stranger.pk, world.admin.pk, 10**9):
        command = Command(case_id=case_id, by=world.nurse, command_id=uuid4(), performed_by=wrong)
        with invalid("performed_by"):
            commands.correct(command, "PRE-ID", about=seq, reason="x", performer=wrong)
        with invalid("performed_by"):
            correct(world, case_id, "PRE-ID", seq, performer=wrong)


def test_a_correction_asks_only_about_what_it_changes(world: World, needled: UUID) -> None:
    values = {"volume": ml("9"), "leak": ["none"]}
    commands.record_done(
        world.command(needled),
        "K09d-L1-left",
        values=values,
        confirmed=frozenset({"volume"}),
        override_reason="x",
    )
    seq = world.step(needled, "K09d-L1-left").live[0].seq
    correct(world, needled, "K09d-L1-left", seq, values={"leak": ["disc"]})
    assert last_event(needled).data["flags"] == []
    with invalid(unusual=("volume",)):
        correct(world, needled, "K09d-L1-left", seq, values={"volume": ml("8.5")})
    correct(
        world, needled, "K09d-L1-left", seq, values={"volume": ml("8.5")}, confirmed=frozenset({"volume"})
    )
    case = Case.objects.get(pk=needled)
    assert (str(case.cement_ml), case.leak) == ("8.5", True)
    with invalid("batch"):
        correct(world, needled, "K09d-L1-left", seq, values={"batch": {"seq": 2, "key": "K09c"}})


# Void ---------------------------------------------------------------------------------------------


def test_a_slip_is_undone_without_asking_within_a_minute_by_the_same_person(
    world: World, case_id: UUID
) -> None:
    moment = clock.now()
    with clock.at(moment):
        first, second = (world.do(case_id, "PRE-ID").last for _ in range(2))
    with clock.at(moment + timedelta(seconds=59)), invalid("reason"):
        commands.void(world.command(case_id, "scrub"), "PRE-ID", about=first)
    with clock.at(moment + timedelta(seconds=60)):
        commands.void(world.command(case_id), "PRE-ID", about=first)
    with clock.at(moment + timedelta(seconds=61)):
        with invalid("reason"):
            commands.void(world.command(case_id), "PRE-ID", about=second)
        commands.void(world.command(case_id), "PRE-ID", about=second, reason="another patient")
    reasons = [entry.void_reason for entry in world.step(case_id, "PRE-ID").entries]
    assert reasons == ["slip", "another patient"]


def test_a_reason_given_is_kept_also_for_a_slip(world: World, case_id: UUID) -> None:
    seq = world.do(case_id, "PRE-ID").last
    commands.void(world.command(case_id), "PRE-ID", about=seq, reason="wrong row")
    assert world.step(case_id, "PRE-ID").entries[0].void_reason == "wrong row"


def test_what_was_voided_is_voided_once_and_takes_nothing_more(world: World, case_id: UUID) -> None:
    seq = world.do(case_id, "PRE-ID").last
    commands.void(world.command(case_id), "PRE-ID", about=seq)
    with refused("voided"):
        commands.void(world.command(case_id), "PRE-ID", about=seq)
    with refused("voided"):
        correct(world, case_id, "PRE-ID", seq, values={"first": "mrn"})
    with refused("voided"):
        commands.verify(world.command(case_id, "scrub"), "PRE-ID", about=seq)
    with refused("no_entry"):
        commands.void(world.command(case_id), "K02", about=seq)


def test_the_turn_taken_back_brings_the_case_back_into_the_room(world: World, case_id: UUID) -> None:
    world.rush(case_id, "REC-TURN")
    assert Case.objects.get(pk=case_id).status == "recovery"
    commands.void(world.command(case_id), "REC-TURN", about=world.step(case_id, "REC-TURN").live[0].seq)
    assert Case.objects.get(pk=case_id).status == "in_progress"


# The second person ---------------------------------------------------------------------------------------------


def test_another_clinician_verifies_in_the_own_session(world: World, case_id: UUID) -> None:
    commands.record_done(world.command(case_id, "nurse", performed_by="ward"), "PRE-ID")
    seq = world.step(case_id, "PRE-ID").live[0].seq
    deficits = Case.objects.get(pk=case_id).deficits
    for involved in ("nurse", "ward"):
        with refused("same_person"):
            commands.verify(world.command(case_id, involved), "PRE-ID", about=seq)
    commands.verify(world.command(case_id, "scrub"), "PRE-ID", about=seq)
    assert world.step(case_id, "PRE-ID").live[0].verified_by == world.scrub.pk
    assert Case.objects.get(pk=case_id).deficits == deficits - 1
    with refused("already_verified"):
        commands.verify(world.command(case_id, "operator"), "PRE-ID", about=seq)
    correct(world, case_id, "PRE-ID", seq, values={"first": "mrn"})
    assert world.step(case_id, "PRE-ID").live[0].verified_by is None
    commands.verify(world.command(case_id, "operator"), "PRE-ID", about=seq)


def test_a_step_for_one_needs_no_second_person(world: World, case_id: UUID) -> None:
    seq = world.do(case_id, "K01").last
    with refused("no_verification"):
        commands.verify(world.command(case_id, "scrub"), "K01", about=seq)
