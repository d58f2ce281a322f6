"""The second person: somebody else, and where the protocol says so without having seen the first answer."""

from typing import Any
from uuid import UUID

import pytest

from procedures import commands
from procedures.models import Case, Event
from procedures.progress import Progress
from procedures.protocols import frozen
from procedures.state import EventKind
from procedures.verification import verify
from tests.refusals import invalid, refused
from tests.world import World

pytestmark = pytest.mark.django_db


def number(amount: str) -> dict[str, str]:
    return {"amount": amount, "unit": ""}


def counts(out: str, match: bool = True) -> dict[str, Any]:
    return {"match": match, "counted_in": number("22"), "counted_out": number(out)}


@pytest.fixture
def case_id(world: World) -> UUID:
    """A started case at L1."""
    return world.started("L1")


def counted(world: World, case_id: UUID, **values: Any) -> int:
    """The circulating nurse's count; the seq of its entry."""
    commands.set_emergency(world.command(case_id), on=True)
    seq = world.do(case_id, "CNT", values=values or counts("22")).last
    commands.set_emergency(world.command(case_id), on=False)
    return seq


def sound(case_id: UUID) -> None:
    """The rows are what a replay of the log gives."""
    assert [fault for _events, fault in verify(case_id)] == [None]


def last_kind(case_id: UUID) -> str:
    return Event.objects.filter(case=case_id).order_by("-seq")[0].kind


def test_performer_recorder_and_the_session_it_came_through_cannot_verify(
    world: World, case_id: UUID
) -> None:
    by_pin = world.command(case_id, "ward", performed_by="operator")
    by_pin = type(by_pin)(
        case_id=case_id, by=world.ward, command_id=by_pin.command_id, performed_by=world.operator.pk,
        via=world.nurse.pk,
    )  # fmt: skip
    seq = commands.record_done(by_pin, "PRE-ID").last
    for involved in ("operator", "ward", "nurse"):
        with refused("same_person"):
            commands.verify(world.command(case_id, involved), "PRE-ID", about=seq)
    commands.verify(world.command(case_id, "scrub"), "PRE-ID", about=seq)
    entry = world.step(case_id, "PRE-ID").live[0]
    assert (entry.via, entry.verified_by) == (world.nurse.pk, world.scrub.pk)
    sound(case_id)


def test_an_independent_second_person_who_finds_the_same_verifies(world: World, case_id: UUID) -> None:
    seq = counted(world, case_id)
    with invalid("match", "counted_in", "counted_out"):
        commands.verify(world.command(case_id, "scrub"), "CNT", about=seq)
    with invalid("counted_out"):
        commands.verify(world.command(case_id, "scrub"), "CNT", about=seq, values=counts("201"))
    commands.verify(world.command(case_id, "scrub"), "CNT", about=seq, values=counts("22.0"))
    entry = world.step(case_id, "CNT").live[0]
    assert (entry.verified_by, dict(entry.second)) == (world.scrub.pk, {})
    said = Event.objects.filter(case=case_id).order_by("-seq")[0].data["values"]
    assert said == {"values": counts("22.0")}, "what the second person found is kept"
    sound(case_id)


def test_two_different_findings_verify_nothing_and_hold_up_what_depends_on_them(
    world: World, case_id: UUID
) -> None:
    seq = counted(world, case_id)
    commands.verify(world.command(case_id, "scrub"), "CNT", about=seq, values=counts("21", match=False))
    entry = world.step(case_id, "CNT").live[0]
    assert last_kind(case_id) == EventKind.STEP_DISPUTED
    assert (entry.verified_by, entry.second["by"]) == (None, world.scrub.pk)
    assert entry.values == counts("22"), "the first answer stays"
    progress = progress_of(case_id)
    assert {d.what for d in progress.deficits if d.seq == seq} == {"dispute"}
    place = progress.place("CHK-OUT")
    assert place
    waits = {u.needs.code for u in progress.unmet(place) if u.requirement.hard}
    assert "CNT" in waits, "nobody leaves the room while two people count differently"
    sound(case_id)


def test_a_correction_makes_way_for_another_look(world: World, case_id: UUID) -> None:
    seq = counted(world, case_id)
    commands.verify(world.command(case_id, "scrub"), "CNT", about=seq, values=counts("21"))
    commands.correct(
        world.command(case_id),
        "CNT",
        about=seq,
        values={"counted_out": number("21")},
        reason="one on the floor",
    )
    assert dict(world.step(case_id, "CNT").live[0].second) == {}
    commands.verify(world.command(case_id, "scrub"), "CNT", about=seq, values=counts("21"))
    assert world.step(case_id, "CNT").live[0].verified_by == world.scrub.pk
    sound(case_id)


def test_what_the_first_left_out_cannot_be_compared(world: World, case_id: UUID) -> None:
    seq = counted(world, case_id, match=True)
    with refused("no_first_value"):
        commands.verify(world.command(case_id, "scrub"), "CNT", about=seq, values=counts("22"))


def test_only_clinicians_of_unit_or_team_are_named_in_a_step(world: World, case_id: UUID) -> None:
    def present(user: Any) -> dict[str, Any]:
        return {"present": [{"id": user.pk, "name": user.display_name}]}

    commands.set_emergency(world.command(case_id), on=True)
    for outsider in (world.stranger, world.admin):
        with invalid("present"):
            commands.record_done(world.command(case_id), "CHK-TO", values=present(outsider))
        with invalid("ordered_by"):
            ordered = {"drug": "fentanyl", "ordered_by": present(outsider)["present"][0]}
            commands.record_done(world.command(case_id), "EV-DRUG", values=ordered)
    commands.record_done(world.command(case_id), "CHK-TO", values=present(world.scrub))


def test_a_needle_into_a_level_that_was_not_read_aloud_says_so(world: World, case_id: UUID) -> None:
    world.rush(case_id, "CHK-TO", values={"levels_read": ["L1"]})
    commands.add_level(world.command(case_id), vertebra="L2", reason="fresh fracture")
    world.rush(case_id, "K08b-L1-left", "K08b-L2-left")
    assert "not_read" not in world.step(case_id, "K08b-L1-left").live[0].flags
    assert "not_read" in world.step(case_id, "K08b-L2-left").live[0].flags


def test_questions_are_asked_once_and_leave_their_flag(world: World, case_id: UUID) -> None:
    world.do(case_id, "EV-NOTE", values={"text": "calm"})
    with invalid(unusual=("again",)):
        commands.record_done(world.command(case_id), "EV-NOTE", values={"text": "calm"})
    commands.record_done(
        world.command(case_id), "EV-NOTE", values={"text": "calm"}, confirmed=frozenset({"again"})
    )
    assert world.step(case_id, "EV-NOTE").live[1].flags == ("repeated",)
    world.rush(case_id, "CHK-TO")
    wrong = {"level_read": "L2"}
    with invalid(unusual=("level_read",)):
        commands.record_done(world.command(case_id, "operator"), "K08a-L1", values=wrong)
    commands.record_done(
        world.command(case_id, "operator"), "K08a-L1", values=wrong, confirmed=frozenset({"level_read"})
    )
    assert "confirmed" in world.step(case_id, "K08a-L1").live[0].flags


def progress_of(case_id: UUID) -> Progress:
    from procedures import projection

    case = Case.objects.get(pk=case_id)
    return Progress(frozen.protocol(case.protocol_id), projection.load(case))
