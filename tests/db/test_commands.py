"""What all commands share: done once, under an id, by somebody who may see the case; kept as events and as rows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from procedures import canonical, clock, commands, projection
from procedures.commands import Command, PatientDetails, Plan, Receipt
from procedures.definitions import Role
from procedures.fold import replay
from procedures.models import Allergy, Case, CaseTeam, Event, Patient, Step
from procedures.protocols import frozen
from procedures.state import EventKind, Source, StepStatus
from tests.refusals import invalid, refused
from tests.world import World, open_with

pytestmark = pytest.mark.django_db


def test_a_whole_case_can_be_done_step_by_step(world: World) -> None:
    case_id = world.started("T12", "L1")
    world.do_until(case_id, "never")
    case = Case.objects.get(pk=case_id)
    assert (case.done, case.spine) == (case.total, "d" * 11)
    commands.complete(world.command(case_id))
    case.refresh_from_db()
    assert (case.status, case.next_step) == ("completed", "")
    assert case.ended_at


def plan(world: World, **rest: Any) -> Plan:
    given: dict[str, Any] = {
        "room": "IR room 1", "scheduled_at": datetime(2026, 11, 22, 10, 0, tzinfo=UTC), "indication": "myeloma",
        "anaesthesia": "general", "levels": ["L1", "L2"], "team": {world.operator.pk: Role.OPERATOR}, **rest,
    }  # fmt: skip
    return Plan(**given)


def person(**rest: Any) -> PatientDetails:
    given: dict[str, Any] = {
        "mrn": "004217889", "family_name": "Rossi-Verdi", "given_name": "Maria",
        "birth_date": datetime(1952, 3, 12, tzinfo=UTC).date(), "sex": "F", **rest,
    }  # fmt: skip
    return PatientDetails(**given)


type Act = Callable[[World, Command], Receipt]


ACTS: dict[str, Act] = {
    "change_case": lambda w, c: commands.change_case(c, plan=plan(w)),
    "start": lambda _, c: commands.start(c),
    "pause": lambda _, c: commands.pause(c, reason="fire drill"),
    "resume": lambda _, c: commands.resume(c, identity=True),
    "set_emergency": lambda _, c: commands.set_emergency(c, on=True),
    "cancel": lambda _, c: commands.cancel(c, reason="fever"),
    "stop": lambda _, c: commands.stop(c, reason="arrest"),
    "complete": lambda _, c: commands.complete(c),
    "void_case": lambda _, c: commands.void_case(c, reason="wrong patient"),
    "change_team": lambda w, c: commands.change_team(c, user_id=w.scrub.pk, role=Role.SCRUB_NURSE),
    "record_done": lambda _, c: commands.record_done(c, "EV-NOTE", values={"text": "x"}),
    "mark": lambda _, c: commands.mark(c, "K07-L1", status=StepStatus.NOT_DONE, reason="general anaesthesia"),
    "add_details": lambda _, c: commands.add_details(c, "PRE-ID", about=_seq(c), values={"first": "name"}),
    "correct": lambda _, c: commands.correct(
        c, "PRE-ID", about=_seq(c), values={"second": "mrn"}, reason="misread"
    ),
    "verify": lambda _, c: commands.verify(c, "PRE-ID", about=_seq(c)),
    "reconcile": lambda _, c: commands.reconcile(c, "K04", about=_seq(c, "K04"), remark="arrest"),
    "move_entry": lambda _, c: commands.move_entry(
        c, "PRE-ID", about=_seq(c), to=_other(c), reason="another patient"
    ),
    "offer_handover": lambda w, c: commands.offer_handover(c, to=w.recovery.pk, concerns="sleepy"),
    "accept_handover": lambda _, c: commands.accept_handover(c),
    "withdraw_handover": lambda _, c: commands.withdraw_handover(c),
    "void": lambda _, c: commands.void(c, "PRE-ID", about=_seq(c), reason="another patient"),
    "add_level": lambda _, c: commands.add_level(c, vertebra="T9", reason="found on X-ray"),
    "abandon_level": lambda _, c: commands.abandon_level(c, vertebra="L1", reason="no way in"),
    "defer_level": lambda _, c: commands.defer_level(c, vertebra="L1", reason="too long"),
    "reopen_level": lambda _, c: commands.reopen_level(c, vertebra="L2", reason="wrong level"),
    "correct_patient": lambda _, c: commands.correct_patient(c, details=person(), reason="wristband"),
    "add_allergy": lambda _, c: commands.add_allergy(c, substance="latex"),
    "withdraw_allergy": lambda _, c: commands.withdraw_allergy(
        c, allergy_id=Allergy.objects.order_by("pk")[0].pk, reason="never had it"
    ),
    "sign": lambda w, c: commands.sign(c, **w.note(c.case_id)),
    "cosign": lambda _, c: commands.cosign(c, remark="seen"),
    "move_cosigner": lambda _, c: commands.move_cosigner(c, to=None, reason="left us"),
    "add_addendum": lambda _, c: commands.add_addendum(c, reason="forgotten", text="The family was told"),
}
PREPARED: dict[str, Act] = {
    "resume": lambda _, c: commands.pause(c, reason="fire drill"),
    "reopen_level": lambda _, c: commands.defer_level(c, vertebra="L2", reason="too long"),
    "accept_handover": lambda w, c: commands.offer_handover(c, to=w.scrub.pk),
    "withdraw_handover": lambda w, c: commands.offer_handover(c, to=w.scrub.pk),
    "move_entry": lambda w, _: w.do(w.started("L1", mrn="900000009"), "EV-NOTE"),
}
SCHEDULED = {"change_case", "start", "cancel", "void_case"}
SIGNED = {"cosign", "add_addendum"}
BY = {
    "sign": "operator",
    "cosign": "supervisor",
    "move_cosigner": "supervisor",
}  # the others: by the scrub nurse


def _other(command: Command) -> UUID:
    """The other case of the test."""
    return Case.objects.exclude(pk=command.case_id).order_by("-opened_at")[0].pk


def _seq(command: Command, key: str = "PRE-ID") -> int:
    row = Step.objects.filter(case=command.case_id, key=key).first()
    return int(row.entries[0]["seq"]) if row else 1


def staged(world: World, name: str) -> UUID:
    """A case in which the scrub nurse can do the act: sedated, with an entry that waits for its second person."""
    if name in SCHEDULED:
        return world.open("L1")
    if name in SIGNED:
        return world.signed("L1")
    if name in {"complete", "sign", "move_cosigner"}:
        case_id = world.started("L1")
        world.do_until(case_id, "never")
        if name == "move_cosigner":
            world.sign(case_id, cosign_by=world.operator_too("trainer").pk)
        return case_id
    case_id = world.started("L1", "L2")
    world.rush(case_id, "PRE-ID", "K04")
    if name in PREPARED:
        PREPARED[name](world, world.command(case_id))
    return case_id


def test_every_command_is_tried_here() -> None:
    nouns = {"BOTH", "Command", "PatientDetails", "Plan", "Receipt", "open_case"}
    nouns.add("keep_note")  # a draft is no part of the record (web/test_drafting.py)
    assert set(ACTS) == set(commands.__all__) - nouns


@pytest.mark.parametrize("name", ACTS)
def test_a_command_is_carried_out_once_by_somebody_who_may_and_kept_as_events_and_rows(
    name: str, world: World
) -> None:
    case_id = staged(world, name)
    before = Case.objects.get(pk=case_id).last_seq
    world.operator_too("supervisor")
    actor = BY.get(name, "scrub")
    with refused("role"):
        ACTS[name](world, world.command(case_id, "admin"))
    for hidden in (Command(case_id=case_id, by=world.stranger, command_id=uuid4()), world.command(uuid4())):
        with pytest.raises(Case.DoesNotExist):
            ACTS[name](world, hidden)
    command = world.command(case_id, actor)
    first = ACTS[name](world, command)
    events = Event.objects.filter(case=case_id, command_id=command.command_id)
    assert (first.first, first.last, first.repeated) == (before + 1, before + events.count(), False)
    assert [event.part for event in events] == list(range(len(events)))
    assert {event.recorded_by_id for event in events} == {world.people[actor].pk}
    digests = {bytes(event.input_digest) for event in events}
    assert len(digests) == 1

    case = Case.objects.get(pk=case_id)
    log = [canonical.decode(event.data) for event in Event.objects.filter(case=case_id)]
    assert replay(frozen.protocol(case.protocol_id), log) == projection.load(case)

    again = ACTS[name](world, command)
    assert (again.first, again.last, again.repeated) == (first.first, first.last, True)
    other = replace(command, performed_by=world.operator.pk)  # the same form, sent with another content
    if name in {"correct_patient", "add_allergy", "withdraw_allergy"}:
        with invalid("command_id"):
            commands.add_allergy(command, substance="dust")
    else:
        with invalid("command_id"):
            ACTS[name](world, other)
    with invalid("command_id"):
        commands.pause(command, reason="another command under this id")
    assert Event.objects.filter(case=case_id).count() == case.last_seq


def test_what_a_failing_command_wrote_is_undone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = world.started("L1")
    before = projection.load(Case.objects.get(pk=case_id))

    def broken(*args: Any) -> None:
        raise OSError("the wire was cut")

    monkeypatch.setattr("procedures.live.announce", broken)
    with pytest.raises(OSError, match="cut"):
        world.do(case_id, "PRE-ID")
    monkeypatch.undo()
    assert projection.load(Case.objects.get(pk=case_id)) == before
    assert world.do(case_id, "PRE-ID").last == before.last_seq + 1


def test_the_source_is_kept(world: World) -> None:
    case_id = world.started("L1")
    command = replace(world.command(case_id), source=Source.PAPER)
    commands.record_done(command, "PRE-ID")
    assert Event.objects.get(case=case_id, command_id=command.command_id).source == "paper"


def test_the_chain_runs_through_all_events(world: World) -> None:
    case_id = world.started("L1")
    world.do(case_id, "PRE-ID", "K01", "K02")
    head = canonical.GENESIS
    for event in Event.objects.filter(case=case_id):
        assert bytes(event.prev_hash) == head
        head = canonical.chain(head, event.canonical)
        assert bytes(event.hash) == head
    assert bytes(Case.objects.get(pk=case_id).head_hash) == head


def test_a_tick_takes_ten_statements_whatever_the_size_of_the_case(
    world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    case_id = world.started("T9", "T10", "T11", "T12", "L1", "L2")
    world.rush(case_id, "CHK-TO", "K08a-T9")
    command = world.command(case_id)
    with django_assert_max_num_queries(10):
        commands.record_done(command, "K08b-T9", side="left")


# Opening: there is no case yet, so it stands by itself -----------------------------------------------


def test_opening_writes_the_plan_the_team_the_levels_and_the_allergies(world: World) -> None:
    case_id = world.open("L1", "T12", allergies=["penicillin", " ", "latex", "latex"])
    case = Case.objects.get(pk=case_id)
    assert (case.status, case.levels, case.operator) == ("scheduled", ["T12", "L1"], world.operator)
    assert (case.patient.mrn, case.unit, case.done) == ("004217889", world.unit, 0)
    assert sorted(CaseTeam.objects.filter(case=case).values_list("user__username", "role")) == [
        ("nurse", "circulating_nurse"), ("operator", "operator"),
    ]  # fmt: skip
    assert sorted(case.patient.allergies.values_list("substance", flat=True)) == ["latex", "penicillin"]
    kinds = list(Event.objects.filter(case=case).values_list("kind", flat=True))
    assert kinds == [
        EventKind.CASE_OPENED, EventKind.LEVEL_ADDED, EventKind.LEVEL_ADDED, EventKind.TEAM_JOINED,
        EventKind.TEAM_JOINED, EventKind.ALLERGY_ADDED, EventKind.ALLERGY_ADDED,
    ]  # fmt: skip


def test_opening_again_answers_as_the_first_time(world: World) -> None:
    case_id = uuid4()
    first = open_with(world, case_id, ["L1"])
    again = open_with(world, case_id, ["L1"])
    assert (again.first, again.last, again.repeated) == (first.first, first.last, True)
    with invalid("command_id"):
        open_with(world, case_id, ["L2"])
    with invalid("command_id"):
        open_with(world, case_id, ["L1"], mrn="7", family_name="Bianchi")
    assert not Patient.objects.filter(mrn="7").exists()


def test_opening_again_is_not_judged_anew(world: World) -> None:
    case_id = uuid4()
    first = open_with(world, case_id, ["L1"])
    commands.correct_patient(world.command(case_id), details=person(), reason="wristband")
    world.unit.rooms = ["IR room 1"]
    world.unit.save()
    again = open_with(world, case_id, ["L1"])
    assert (again.last, again.repeated) == (first.last, True)


def test_a_case_that_was_opened_under_another_id_is_not_opened_again(world: World) -> None:
    case_id = world.open("L1")
    command = Command(case_id=case_id, by=world.nurse, command_id=uuid4())
    with invalid("command_id"):
        commands.open_case(command, unit=world.unit, patient=person(), plan=plan(world))


def test_a_known_patient_is_found_by_mrn_and_must_be_the_same_person(world: World) -> None:
    first, second = world.open("L1"), world.open("L2", family_name="ROSSI")
    assert Patient.objects.count() == 1
    assert Case.objects.get(pk=first).patient == Case.objects.get(pk=second).patient
    assert Allergy.objects.count() == 1  # known already
    for wrong in ({"family_name": "Bianchi"}, {"birth_date": datetime(1952, 3, 13, tzinfo=UTC).date()}):
        with invalid("mrn"):
            world.open("L1", **wrong)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"room": "Theatre 9"}, "room"),
        ({"levels": []}, "levels"),
        ({"levels": ["T13"]}, "levels"),
        ({"team": {}}, "operator"),
    ],
)
def test_a_plan_that_cannot_be(world: World, wrong: dict[str, Any], field: str) -> None:
    case_id = uuid4()
    command = Command(case_id=case_id, by=world.nurse, command_id=case_id)
    with invalid(field):
        commands.open_case(command, unit=world.unit, patient=person(), plan=plan(world, **wrong))
    assert not Patient.objects.exists()
    scheduled = world.open("L1")
    with invalid(field):
        commands.change_case(world.command(scheduled), plan=plan(world, **wrong))


def test_the_team_is_of_clinicians_of_the_unit(world: World) -> None:
    case_id = uuid4()
    command = Command(case_id=case_id, by=world.nurse, command_id=case_id)
    for outsider in (world.stranger, world.admin):
        team = {world.operator.pk: Role.OPERATOR, outsider.pk: Role.ASSISTANT}
        with invalid("team"):
            commands.open_case(command, unit=world.unit, patient=person(), plan=plan(world, team=team))


def test_only_clinicians_of_the_unit_open_a_case(world: World) -> None:
    for somebody in (world.admin, world.stranger):
        with refused("role"):
            world.open("L1", by=somebody)


def test_without_a_published_protocol_there_is_no_case(world: World) -> None:
    from procedures.models import ProtocolVersion

    ProtocolVersion.objects.update(status="retired")
    with refused("no_protocol"):
        world.open("L1")


def test_a_case_keeps_the_version_that_was_newest_when_it_was_opened(world: World) -> None:
    from procedures.protocols import loader

    old = world.open("L1")
    newer = loader.load(loader.BUILT_IN.read_bytes().replace(b'title = "IV line"', b'title = "Line"'))
    assert Case.objects.get(pk=world.open("L1")).protocol == newer
    assert Case.objects.get(pk=old).protocol != newer


def test_times_are_the_clocks(world: World) -> None:
    moment = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    with clock.at(moment):
        case_id = world.open("L1")
    with clock.at(moment + timedelta(minutes=5)):
        commands.start(world.command(case_id))
    case = Case.objects.get(pk=case_id)
    assert (case.opened_at, case.started_at) == (moment, moment + timedelta(minutes=5))
