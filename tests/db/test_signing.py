"""Signing the operative note, signing beside, adding to it; and what nobody can change any more afterwards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from procedures import clock, commands
from procedures.models import Case, Event, Product, User
from procedures.rules import Invalid
from procedures.state import EventKind, Source
from procedures.verification import verify
from tests.refusals import invalid, refused
from tests.world import World

pytestmark = pytest.mark.django_db

ML = {"amount": "3.0", "unit": "mL"}


@pytest.fixture
def signed(world: World) -> UUID:
    return world.signed("L1")


@pytest.fixture
def trainer(world: World) -> User:
    return world.operator_too("trainer")


def last(case_id: UUID) -> Event:
    return Event.objects.filter(case=case_id).latest("seq")


def cement_entry(world: World, case_id: UUID) -> int:
    return world.step(case_id, "K09d-L1-left").live[-1].seq


# Sign -----------------------------------------------------------------------------------------------------------------


def test_a_signature_keeps_note_head_and_who_was_asked_to_sign_beside(world: World, trainer: User) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    before = Case.objects.get(pk=case_id)
    world.sign(case_id, note={"procedure": "Kyphoplasty L1", "findings": " "}, cosign_by=trainer.pk)
    values = last(case_id).data["values"]
    assert values["note"] == {"procedure": "Kyphoplasty L1"}
    assert (values["seq"], values["head"]) == (before.last_seq, bytes(before.head_hash).hex())
    case = Case.objects.get(pk=case_id)
    assert (case.signed_by_id, case.signed_seq, case.cosign_by_id) == (
        world.operator.pk,
        case.last_seq,
        trainer.pk,
    )
    assert (before.to_sign, case.to_sign) == (True, False)
    assert [fault for _n, fault in verify(case_id) if fault] == []


def test_each_gap_is_explained(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    with pytest.raises(Invalid) as raised:
        world.sign(case_id, explained={})
    assert all(key.startswith("why_") for key in raised.value.errors)
    assert {"why_findings", "why_cement", "why_blood_loss"} <= set(raised.value.errors)
    assert "why_procedure" not in raised.value.errors  # the steps say what was done


def test_only_an_operator_signs_and_only_after_the_sign_out(world: World) -> None:
    case_id = world.started("L1")
    with refused("not_signed_out"):
        world.sign(case_id)
    world.do_until(case_id, "REC-HO")
    with refused("role"):
        world.sign(case_id, by="nurse")


def test_another_operator_says_why_the_operator_does_not_sign(world: World, trainer: User) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    for reason in ("", "  ", "x" * 501):
        with invalid("why_instead"):
            world.sign(case_id, "trainer", instead=reason)
    world.sign(case_id, "trainer", instead="Ill for weeks")
    assert (last(case_id).data["reason"], last(case_id).data["values"]["meaning"]) == (
        "Ill for weeks",
        "instead",
    )


def test_the_operator_of_the_case_needs_no_reason_and_keeps_none(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    world.sign(case_id, instead="Nobody asked")
    assert (last(case_id).data["reason"], last(case_id).data["values"]["meaning"]) == ("", "author")


def test_a_stopped_case_is_signed_and_a_cancelled_one_is_not(world: World) -> None:
    stopped, cancelled = world.started("L1"), world.started("L1", mrn="2")
    world.do_until(stopped, "K05")
    commands.stop(world.command(stopped), reason="Could not lie flat")
    world.sign(stopped)
    commands.cancel(world.command(cancelled), reason="Fever")
    with refused("not_signed_out"):
        world.sign(cancelled)


def test_an_empty_note_and_an_unknown_section_are_refused(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    with invalid(""):
        world.sign(case_id, note={"procedure": "  "})
    with invalid("weather"):
        world.sign(case_id, note={"weather": "fine"})


def test_nobody_signs_twice(world: World, signed: UUID) -> None:
    with refused("signed"):
        world.sign(signed)


def test_the_supervisor_signs_beside_once(world: World, trainer: User, signed: UUID) -> None:
    with refused("same_person"):
        commands.cosign(world.command(signed, "operator"))
    with refused("role"):
        commands.cosign(world.command(signed, "nurse"))
    with refused("changed"):
        commands.cosign(world.command(signed, "trainer"), read_up_to=last(signed).seq - 1)
    commands.cosign(world.command(signed, "trainer"), remark="Seen", read_up_to=last(signed).seq)
    assert Case.objects.get(pk=signed).cosigned_by_id == trainer.pk
    with refused("cosigned"):
        commands.cosign(world.command(signed, "trainer"))


# Another is asked -----------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(world: World, trainer: User) -> UUID:
    """A signed case for whose co-signature the trainer was asked; there is a third operator."""
    world.operator_too("third")
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    world.sign(case_id, cosign_by=trainer.pk)
    return case_id


def test_another_is_asked_to_co_sign_where_the_first_has_left(
    world: World, asked: UUID, trainer: User
) -> None:
    third = world.people["third"]
    with refused("not_yours"):
        commands.cosign(world.command(asked, "third"))
    trainer.memberships.all().delete()
    commands.move_cosigner(world.command(asked, "operator"), to=third.pk, reason="Left the hospital")
    case, event = Case.objects.get(pk=asked), last(asked)
    assert (case.cosign_by_id, "flag:cosign" in case.facets) == (third.pk, True)
    assert (event.kind, event.data["reason"]) == (EventKind.COSIGN_MOVED, "Left the hospital")
    assert event.data["values"] == {"from": trainer.pk, "to": third.pk}
    commands.cosign(world.command(asked, "third"))
    with refused("cosigned"):
        commands.move_cosigner(world.command(asked, "operator"), to=trainer.pk, reason="Back again")
    assert [fault for _n, fault in verify(asked) if fault] == []


def test_nobody_in_particular_is_asked_any_more_and_any_other_operator_can(world: World, asked: UUID) -> None:
    commands.move_cosigner(world.command(asked, "third"), to=None, reason="Left the hospital")
    assert (case := Case.objects.get(pk=asked)).cosign_by is None
    assert "flag:cosign" not in case.facets
    with refused("nobody_asked"):
        commands.move_cosigner(world.command(asked, "operator"), to=None, reason="Again")
    commands.cosign(world.command(asked, "third"))


def test_who_moves_a_co_signature_and_to_whom(world: World, asked: UUID, trainer: User) -> None:
    for by in ("nurse", "admin"):
        with refused("role"):
            commands.move_cosigner(world.command(asked, by), to=None, reason="Left")
    with invalid("reason"):
        commands.move_cosigner(world.command(asked, "third"), to=None, reason=" ")
    for somebody in (trainer.pk, world.operator.pk, world.nurse.pk, 2_000_000):
        with invalid("to"):
            commands.move_cosigner(world.command(asked, "third"), to=somebody, reason="Left")
    unsigned = world.started("L1", mrn="2")
    with refused("not_signed"):
        commands.move_cosigner(world.command(unsigned, "operator"), to=None, reason="Left")


# What is locked -------------------------------------------------------------------------------------------------------


def test_what_was_signed_is_neither_corrected_nor_taken_back_nor_added_to(world: World, signed: UUID) -> None:
    about = cement_entry(world, signed)
    command = world.command(signed)
    with refused("signed"):
        commands.correct(
            command, "K09d-L1-left", about=about, reason="Misread", values={"stop_reason": "leak"}
        )
    with refused("signed"):
        commands.void(command, "K09d-L1-left", about=about, reason="Misread")
    with refused("signed"):
        commands.add_details(command, "K09d-L1-left", about=about, values={"consistency": "dough"})
    with refused("signed"):
        commands.record_done(command, "K11", values={})
    with refused("signed"):
        commands.add_level(command, vertebra="L2", reason="More")


def test_what_waited_on_a_tablet_is_refused_too_and_comes_in_as_an_addendum(
    world: World, signed: UUID
) -> None:
    command = world.command(signed, source=Source.OFFLINE)
    with refused("signed"):
        commands.record_done(command, "K11", values={})
    commands.add_addendum(command, reason="From the tablet's queue", key="K11", values={"modality": "ct"})
    entry = world.step(signed, "K11").live[-1]
    assert (entry.source, entry.flags, entry.values) == ("offline", ("addendum",), {"modality": "ct"})


def test_the_recovery_goes_on_until_the_case_has_ended(world: World, signed: UUID) -> None:
    world.do_until(signed, "nothing")
    commands.complete(world.command(signed))
    assert Case.objects.get(pk=signed).status == "completed"
    with refused("signed"):
        world.do(signed, "REC-OBS")
    assert [fault for _n, fault in verify(signed) if fault] == []


def test_the_clock_that_waits_for_the_note_stops_with_the_signature(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    assert "operative_note" in [timer["key"] for timer in Case.objects.get(pk=case_id).timers]
    world.sign(case_id)
    assert "operative_note" not in [timer["key"] for timer in Case.objects.get(pk=case_id).timers]


def test_a_signed_case_is_not_cancelled_even_where_nothing_was_begun(world: World) -> None:
    case_id = world.started("L1")
    commands.abandon_level(world.command(case_id), vertebra="L1", reason="No way in")
    world.rush(case_id, "CHK-OUT")
    world.sign(case_id)
    with refused("signed"):
        commands.cancel(world.command(case_id), reason="Went home")


def test_what_the_signature_left_open_keeps_no_case_from_being_completed(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "CLO")
    world.rush(case_id, "CHK-OUT", "REC-TURN")
    world.sign(case_id)
    assert Case.objects.get(pk=case_id).next_step.startswith("REC-")
    with refused("open_steps"):
        commands.complete(world.command(case_id))
    world.do_until(case_id, "nothing")
    commands.complete(world.command(case_id))
    assert world.step(case_id, "CLO").mark is None
    assert [fault for _n, fault in verify(case_id) if fault] == []


def test_what_an_addendum_says_went_in_has_to_come_out_before_the_case_ends(
    world: World, signed: UUID
) -> None:
    world.do_until(signed, "nothing")
    commands.add_addendum(
        world.command(signed), reason="Forgotten", key="K09a-L1-left", values={"volume": ML}
    )
    assert Case.objects.get(pk=signed).next_step == "K09b-L1-left"
    with refused("open_steps"):
        commands.complete(world.command(signed))
    with refused("signed"):
        commands.stop(world.command(signed), reason="Enough")
    commands.add_addendum(world.command(signed), reason="Forgotten", key="K09b-L1-left")
    commands.complete(world.command(signed))


# Addenda --------------------------------------------------------------------------------------------------------------


def test_a_leak_seen_on_the_next_day_counts_and_the_log_says_what_stood_there(
    world: World, signed: UUID
) -> None:
    assert Case.objects.get(pk=signed).leak is None
    commands.add_addendum(
        world.command(signed, "operator"), reason="CT on the next day", text="Disc leak, no symptoms",
        key="K09d-L1-left", about=cement_entry(world, signed), values={"leak": ["disc"]},
    )  # fmt: skip
    case, event = Case.objects.get(pk=signed), last(signed)
    assert (case.leak, case.addenda) == (True, 1)
    assert {"flag:addendum", "leak:disc"} <= set(case.facets)
    assert event.kind == EventKind.ADDENDUM_ADDED
    assert (event.data["values"]["was"], event.data["values"]["values"]) == (
        {"leak": None},
        {"leak": ["disc"]},
    )
    assert "addendum" in world.step(signed, "K09d-L1-left").live[-1].flags
    assert [fault for _n, fault in verify(signed) if fault] == []


def test_an_addendum_to_the_cement_keeps_the_bands_it_was_mixed_under(world: World) -> None:
    case_id, product = world.started("L1"), Product.objects.get(kind="cement")
    cement = {"id": product.pk, "name": str(product), "lot": "KX-1", "expires": "2099-03-31"}
    world.do_until(case_id, "K09c")
    world.do(case_id, "K09c", values={"cement": cement})
    world.do_until(case_id, "REC-HO")
    world.sign(case_id)
    entry = world.step(case_id, "K09c").live[0]

    def adds(cement: object) -> None:
        commands.add_addendum(
            world.command(case_id), reason="Misread", key="K09c", about=entry.seq, values={"cement": cement}
        )

    with invalid(""):
        adds(cement)
    adds({**cement, "lot": "KX-2"})
    after = world.step(case_id, "K09c").live[0].values["cement"]
    assert (after["lot"], after["bands"]) == ("KX-2", entry.values["cement"]["bands"])


def test_people_in_another_order_are_the_same_people(world: World) -> None:
    case_id = world.started("L1")
    there = [{"id": user.pk, "name": user.display_name} for user in (world.operator, world.nurse)]
    world.do_until(case_id, "CHK-TO")
    seq = world.do(case_id, "CHK-TO", values={"present": there}).last
    world.do_until(case_id, "REC-HO")
    world.sign(case_id)
    with invalid(""):
        commands.add_addendum(
            world.command(case_id), reason="x", key="CHK-TO", about=seq, values={"present": there[::-1]}
        )
    commands.add_addendum(
        world.command(case_id), reason="x", key="CHK-TO", about=seq, values={"present": there[:1]}
    )
    assert world.step(case_id, "CHK-TO").live[0].values["present"] == there[:1]


def test_an_addendum_in_words_needs_words_and_a_reason(world: World, signed: UUID) -> None:
    with invalid("reason"):
        commands.add_addendum(world.command(signed), reason=" ", text="Something")
    with invalid("text"):
        commands.add_addendum(world.command(signed), reason="Forgotten", text=" ")
    commands.add_addendum(world.command(signed), reason="Forgotten", text="The patient was told")
    assert Case.objects.get(pk=signed).addenda == 1


def test_impossible_values_and_steps_that_have_their_entry_are_refused(world: World, signed: UUID) -> None:
    command = world.command(signed)
    about = cement_entry(world, signed)
    with invalid("volume"):
        amount = {"amount": "99", "unit": "mL"}
        commands.add_addendum(command, reason="x", key="K09d-L1-left", about=about, values={"volume": amount})
    with refused("already_done"):
        commands.add_addendum(command, reason="x", key="K10", values={"remark": "again"})
    with refused("no_step"):
        commands.add_addendum(command, reason="x", key="K09d-S1-left", values={"leak": ["disc"]})


def test_an_unsigned_record_is_corrected_instead(world: World) -> None:
    case_id = world.started("L1")
    with refused("not_signed"):
        commands.add_addendum(world.command(case_id), reason="x", text="y")
    with refused("not_signed"):
        commands.cosign(world.command(case_id, "operator"))


def test_the_performer_of_an_addendum_is_a_clinician_of_the_unit(world: World, signed: UUID) -> None:
    for somebody in (world.stranger.pk, world.admin.pk, 2_000_000):
        command = replace(world.command(signed), performed_by=somebody)
        with invalid("performed_by"):
            commands.add_addendum(command, reason="x", key="K11", values={"modality": "ct"})


def test_an_addendum_to_an_act_moves_no_time(world: World) -> None:
    start = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    with clock.at(start):
        case_id = world.started("L1")
    for minute, stop in enumerate(("K07", "K09d", "K09e", "K11", "REC-HO"), start=1):
        with clock.at(start + timedelta(minutes=10 * minute)):
            world.do_until(case_id, stop)
            if stop == "K09e":
                about = cement_entry(world, case_id)
    with clock.at(start + timedelta(hours=2)):
        world.sign(case_id)
        before = Case.objects.get(pk=case_id).account
        assert before["stretches"]["cement"] >= 600
        commands.add_addendum(
            world.command(case_id), reason="CT", key="K09d-L1-left", about=about, values={"leak": ["disc"]}
        )
        after = Case.objects.get(pk=case_id).account
        assert (after["stretches"], after["steps"]) == (before["stretches"], before["steps"])
        commands.add_addendum(world.command(case_id), reason="CT", key="K11", values={"modality": "ct"})
        assert Case.objects.get(pk=case_id).account["stretches"] == before["stretches"]


def test_what_was_verified_is_not_what_an_addendum_puts_in_its_place(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    about = world.step(case_id, "CHK-TO").live[-1].seq
    commands.add_details(world.command(case_id), "CHK-TO", about=about, values={"patient": "yes"})
    commands.verify(world.command(case_id, "scrub"), "CHK-TO", about=about, values={})
    world.sign(case_id)
    add: dict[str, Any] = {"reason": "x", "key": "CHK-TO", "about": about}
    commands.add_addendum(world.command(case_id), **add, values={"position": "yes"})
    assert world.step(case_id, "CHK-TO").live[-1].verified_by == world.scrub.pk  # something was said besides
    commands.add_addendum(world.command(case_id), **add, values={"patient": "no"})
    assert world.step(case_id, "CHK-TO").live[-1].verified_by is None


def test_a_batch_that_an_addendum_completes_keeps_its_bands_and_tells_an_old_date(world: World) -> None:
    case_id = world.started("L1")
    product = {
        "id": Product.objects.get(kind="cement").pk,
        "name": "Cement A",
        "lot": "KX-1",
        "how": "picked",
    }
    world.do_until(case_id, "K09c")
    world.do(case_id, "K09c", values={"cement": product})
    world.do_until(case_id, "REC-HO")
    about = world.step(case_id, "K09c").live[-1].seq
    kept = world.step(case_id, "K09c").live[-1].values["cement"]
    world.sign(case_id)
    add: dict[str, Any] = {"reason": "x", "key": "K09c", "about": about}
    with invalid(""):
        commands.add_addendum(world.command(case_id), **add, values={"cement": product})
    commands.add_addendum(world.command(case_id), **add, values={"cement": product, "liquid_lot": "L-7"})
    assert last(case_id).data["values"]["values"] == {"liquid_lot": "L-7"}
    assert world.step(case_id, "K09c").live[-1].values["cement"] == kept
    old = {**product, "expires": "2020-01-31"}
    commands.add_addendum(world.command(case_id), **add, values={"cement": old})
    assert "flag:expired" in Case.objects.get(pk=case_id).facets
    commands.add_addendum(world.command(case_id), **add, values={"cement": {**old, "expires": "2099-01-31"}})
    assert "flag:expired" not in Case.objects.get(pk=case_id).facets
