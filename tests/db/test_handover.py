"""A case goes from hand to hand; and what is put right afterwards."""

from datetime import timedelta
from uuid import UUID

import pytest

from procedures import clock, commands
from procedures.definitions import Role
from procedures.models import Case, Event, Level
from procedures.state import EventKind, Flag, LevelStatus, Source
from procedures.verification import verify
from tests.refusals import invalid, refused
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def case_id(world: World) -> UUID:
    """A started case at L1."""
    return world.started("L1")


def sound(*case_ids: UUID) -> None:
    """The rows are what a replay of the log gives."""
    assert [fault for pk in case_ids for _events, fault in verify(pk)] == [None] * len(case_ids)


def said(case_id: UUID, kind: EventKind) -> Event:
    return Event.objects.filter(case=case_id, kind=kind).order_by("-seq")[0]


# Handover -----------------------------------------------------------------------------------------------------------


def test_a_handover_is_offered_to_a_named_person_and_accepted_by_that_person(
    world: World, case_id: UUID
) -> None:
    given = world.do(case_id, "EV-DRUG", values={"drug": "fentanyl"}).last
    commands.offer_handover(world.command(case_id), to=world.recovery.pk, concerns=" sleepy ")
    values = said(case_id, EventKind.HANDOVER_OFFERED).data["values"]
    assert (values["to"], values["concerns"], values["drugs"]) == (world.recovery.pk, "sleepy", [given])
    assert values["open"][0] == "PRE-ID"
    assert f"EV-DRUG:{given}" in values["missing"]
    offer = Case.objects.get(pk=case_id).handover
    assert offer
    assert (offer["to"], offer["by"]) == (world.recovery.pk, world.nurse.pk)
    with refused("not_yours"):
        commands.accept_handover(world.command(case_id, "operator"))
    sound(case_id)
    commands.accept_handover(world.command(case_id, "recovery"))
    case = Case.objects.get(pk=case_id)
    assert case.handover is None
    joined = case.team.get(user=world.recovery)
    assert (joined.role, joined.until) == (Role.CIRCULATING_NURSE, None)
    with refused("no_handover"):
        commands.accept_handover(world.command(case_id, "recovery"))
    sound(case_id)


def test_who_is_in_the_team_already_stays_in_the_own_role(world: World, case_id: UUID) -> None:
    commands.offer_handover(world.command(case_id), to=world.operator.pk)
    commands.accept_handover(world.command(case_id, "operator"))
    roles = Case.objects.get(pk=case_id).team.filter(user=world.operator).values_list("role", flat=True)
    assert list(roles) == [Role.OPERATOR]


def test_one_handover_waits_at_a_time_and_can_be_withdrawn_or_declined(world: World, case_id: UUID) -> None:
    for wrong in (world.nurse.pk, world.stranger.pk, world.admin.pk, 10**9):
        with invalid("to"):
            commands.offer_handover(world.command(case_id), to=wrong)
    with invalid("concerns"):
        commands.offer_handover(world.command(case_id), to=world.scrub.pk, concerns="x" * 2001)
    commands.offer_handover(world.command(case_id), to=world.scrub.pk)
    with refused("handover_open"):
        commands.offer_handover(world.command(case_id), to=world.operator.pk)
    with refused("not_yours"):
        commands.withdraw_handover(world.command(case_id, "operator"))
    commands.withdraw_handover(world.command(case_id, "scrub"))
    with refused("no_handover"):
        commands.withdraw_handover(world.command(case_id))
    sound(case_id)


def test_the_end_of_a_case_ends_a_handover_that_waits(world: World, case_id: UUID) -> None:
    commands.offer_handover(world.command(case_id), to=world.scrub.pk)
    commands.cancel(world.command(case_id), reason="fever")
    assert Case.objects.get(pk=case_id).handover is None
    sound(case_id)


# Pause and stop -----------------------------------------------------------------------------------------------------


def test_a_case_goes_on_only_once_identity_was_read_aloud_again(world: World, case_id: UUID) -> None:
    commands.pause(world.command(case_id), reason="fire drill")
    world.do(case_id, "EV-NOTE")
    assert world.step(case_id, "EV-NOTE").live[0].flags == (Flag.PAUSED,)
    with invalid("identity"):
        commands.resume(world.command(case_id), identity=False)
    with invalid("second"):
        commands.resume(world.command(case_id), identity=True, second=world.nurse.pk)
    commands.resume(world.command(case_id), identity=True, second=world.operator.pk)
    values = said(case_id, EventKind.CASE_RESUMED).data["values"]
    assert values == {"identity": True, "second": world.operator.pk}


def test_an_emergency_does_not_wait_for_the_identity(world: World, case_id: UUID) -> None:
    commands.pause(world.command(case_id), reason="fire drill")
    commands.set_emergency(world.command(case_id), on=True)
    commands.resume(world.command(case_id), identity=False)
    assert Case.objects.get(pk=case_id).paused_at is None


def test_a_stop_closes_each_level_by_itself_in_one_command(world: World) -> None:
    case_id = world.started("T12", "L1", "L2")
    world.rush(case_id, "K04", "K08b-L1-left", "K09d-L1-left")
    levels = {
        "T12": (LevelStatus.DEFERRED, "tomorrow"),
        "L1": (LevelStatus.COMPLETED, ""),
        "L2": (LevelStatus.ABANDONED, ""),
    }
    wrong = {**levels, "L2": (LevelStatus.COMPLETED, "")}
    with invalid("state_L2"):
        commands.stop(world.command(case_id), reason="arrest", levels=wrong)
    command = world.command(case_id)
    commands.stop(command, reason="arrest", levels=levels)
    rows = Level.objects.filter(case=case_id).values_list("vertebra", "state", "reason")
    assert sorted(rows) == [
        ("L1", "open", ""),
        ("L2", "abandoned", "arrest"),
        ("T12", "deferred", "tomorrow"),
    ]
    kinds = Event.objects.filter(case=case_id, command_id=command.command_id).values_list("kind", flat=True)
    assert list(kinds) == [EventKind.LEVEL_DEFERRED, EventKind.LEVEL_ABANDONED, EventKind.CASE_STOPPED]
    world.do(case_id, "K09e-L1-left")  # the needle is still owed out
    sound(case_id)


# Reconciling --------------------------------------------------------------------------------------------------------


def test_what_was_out_of_order_waits_until_somebody_has_looked_at_it(world: World, case_id: UUID) -> None:
    world.rush(case_id, "K04")
    offline = world.command(case_id, "scrub", source=Source.OFFLINE)
    commands.record_done(offline, "EV-NOTE", values={"text": "sterile field up"})
    seqs = {key: world.step(case_id, key).live[0].seq for key in ("K04", "EV-NOTE")}
    commands.reconcile(world.command(case_id), "K04", about=seqs["K04"], remark="arrest")
    entry = world.step(case_id, "K04").live[0]
    assert entry.reconciled
    assert Flag.OUT_OF_ORDER in entry.flags, "the flag stays: the record says what happened"
    with refused("reconciled"):
        commands.reconcile(world.command(case_id), "K04", about=seqs["K04"])
    commands.reconcile(world.command(case_id), "EV-NOTE", about=seqs["EV-NOTE"])
    in_order = world.do(case_id, "PRE-ID").last
    with refused("reconciled"):
        commands.reconcile(world.command(case_id), "PRE-ID", about=in_order)
    sound(case_id)


# Moving -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def other(world: World) -> UUID:
    """The case that the entries belong to."""
    return world.started("L1", mrn="900000001", family_name="Bianchi")


def move(world: World, key: str, case_id: UUID, other: UUID, by: str = "nurse") -> None:
    about = world.step(case_id, key).live[-1].seq
    commands.move_entry(world.command(case_id, by), key, about=about, to=other, reason="wrong tablet")


def test_an_entry_moves_with_its_people_times_and_values(world: World, case_id: UUID, other: UUID) -> None:
    at = clock.now() - timedelta(minutes=7)
    command = world.command(case_id, "nurse", performed_by="ward")
    commands.record_done(command, "PRE-ID", values={"first": "name"}, performed_at=at)
    before = world.step(case_id, "PRE-ID").live[0]
    move(world, "PRE-ID", case_id, other, by="operator")
    gone, new = world.step(case_id, "PRE-ID").entries[0], world.step(other, "PRE-ID").live[0]
    assert (gone.live, gone.moved, gone.void_reason) == (False, True, "wrong tablet")
    for name in ("performed_by", "recorded_by", "performed_at", "recorded_at", "values"):
        assert getattr(new, name) == getattr(before, name), name
    assert new.flags == (Flag.MOVED,)
    here, there = said(case_id, EventKind.EVENT_MOVED), said(other, EventKind.EVENT_MOVED)
    assert here.data["values"] == {"to": str(other), "as": new.seq}
    assert (there.data["values"]["from"], there.data["values"]["seq"]) == (str(case_id), before.seq)
    assert (here.recorded_by, there.recorded_by) == (world.operator, world.operator), "who moved it is kept"
    for trace in (here.canonical, there.canonical):
        assert not [word for word in ("Rossi", "ROSSI", "Bianchi", "900000001") if word in trace]
    sound(case_id, other)


def test_a_move_that_is_sent_twice_moves_once(world: World, case_id: UUID, other: UUID) -> None:
    seq = world.do(case_id, "EV-NOTE").last
    command = world.command(case_id)
    for repeated in (False, True):
        receipt = commands.move_entry(command, "EV-NOTE", about=seq, to=other, reason="slip of the finger")
        assert receipt.repeated is repeated
    assert len(world.step(other, "EV-NOTE").live) == 1
    with refused("voided"):
        commands.move_entry(world.command(case_id), "EV-NOTE", about=seq, to=other, reason="again")


def test_what_the_other_case_cannot_take_is_not_moved(world: World, case_id: UUID, other: UUID) -> None:
    world.rush(case_id, "K01", "K08b-L1-left", "K09a-L1-left")
    world.do(other, "K01")
    with refused("already_done"):
        move(world, "K01", case_id, other)
    with refused("no_access"):
        move(world, "K09a-L1-left", case_id, other)
    without, scheduled = world.started("T9", mrn="900000002"), world.open("L1", mrn="900000003")
    with refused("no_step"):
        move(world, "K08b-L1-left", case_id, without)
    with refused("not_started"):
        move(world, "K08b-L1-left", case_id, scheduled)
    with invalid("to"):
        move(world, "K08b-L1-left", case_id, case_id)
    with invalid("reason"):
        commands.move_entry(world.command(case_id), "K01", about=1, to=other, reason=" ")
    sound(case_id, other)


def test_a_case_of_another_unit_cannot_be_moved_into(world: World, case_id: UUID, other: UUID) -> None:
    Case.objects.filter(pk=other).update(unit=world.other_unit)
    Case.objects.get(pk=other).team.all().delete()
    world.do(case_id, "EV-NOTE")
    with invalid("to"):
        move(world, "EV-NOTE", case_id, other)


def test_a_needle_takes_its_access_along_and_what_points_elsewhere_stays_behind(
    world: World, case_id: UUID, other: UUID
) -> None:
    world.rush(case_id, "K09c", "K08b-L1-left")
    move(world, "K08b-L1-left", case_id, other)
    assert Level.objects.get(case=case_id, vertebra="L1").sides == []
    assert Level.objects.get(case=other, vertebra="L1").sides == ["left"]
    assert Flag.OUT_OF_ORDER in world.step(other, "K08b-L1-left").live[0].flags
    world.rush(case_id, "K08b-L1-left")
    batch = {"batch": {"seq": world.step(case_id, "K09c").live[0].seq, "key": "K09c"}}
    world.rush(case_id, "K09d-L1-left", values={**batch, "leak": ["none"]})
    move(world, "K09d-L1-left", case_id, other)
    assert world.step(other, "K09d-L1-left").live[0].values == {"leak": ["none"]}
    sound(case_id, other)
