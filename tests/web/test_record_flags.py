"""The Record says every flag in words: how an entry came, what was passed over or changed, what came in a burst."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from procedures import clock, commands
from procedures.commands import Command
from procedures.state import Source
from tests.web.reading import screen_of, words
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


def flagged(world: World, case_id: UUID) -> dict[str, int]:
    """How many entries carry each flag; that the nurse of the tests does everything is not what they are about."""
    found = {flag.key: len(flag.seqs) for flag in screen_of(world, case_id).flags}
    return {key: number for key, number in found.items() if key not in ("other_role", "repeated")}


def test_late_offline_paper_and_out_of_order_are_said(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    now = clock.now()
    for key, source, minutes in (
        ("PRE-ID", Source.LIVE, 40),
        ("PRE-BASE", Source.OFFLINE, 1),
        ("K01", Source.PAPER, 30),
    ):
        performed_at = now - timedelta(minutes=minutes)
        commands.record_done(world.command(case_id, source=source), key, performed_at=performed_at)
    world.rush(case_id, "K06a")
    assert flagged(world, case_id) == {"out_of_order": 1, "late": 2, "offline": 1, "paper": 1}
    text = nurse.get("record", case_id).page.text
    for said in ("1 out of order", "2 late", "1 without network", "1 from paper"):
        assert said in text, said


def test_overridden_expired_and_unusual_are_said(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "K02")
    unusual = {"gauge": {"amount": "14", "unit": "{G}"}}
    world.do(case_id, "K02", values=unusual, confirmed=frozenset({"gauge"}))
    world.do_until(case_id, "CHK-IN")
    world.do(case_id, "K04", override_reason="Urgent")
    world.do_until(case_id, "K09c")
    old = {"cement": {"id": None, "name": "Cement", "lot": "1", "expires": "2020-01-31", "how": "typed"}}
    world.do(
        case_id, "K09c", values=old, confirmed=frozenset({"cement"}), override_reason="Nothing else here"
    )
    counts = flagged(world, case_id)
    assert {"overridden", "expired", "confirmed"} <= counts.keys()
    assert counts["confirmed"] == counts["expired"] == 1
    answer = nurse.get("record", case_id)
    assert "1 past its date" in answer.page.text
    assert "past its date" in words(answer, "devices-title")


def test_corrected_and_taken_back_stand_with_the_old_value_struck_through(
    world: World, nurse: Visitor
) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "K02")
    first = world.do(case_id, "K02", values={"gauge": {"amount": "18", "unit": "{G}"}}).last
    second = world.do(case_id, "K02", values={"gauge": {"amount": "22", "unit": "{G}"}}).last
    gauge = {"amount": "20", "unit": "{G}"}
    commands.correct(world.command(case_id), "K02", about=first, values={"gauge": gauge}, reason="Pink hub")
    commands.void(world.command(case_id), "K02", about=second, reason="Never went in")
    answer = nurse.get("record", case_id)
    said = words(answer, "corrections-title")
    assert "Pink hub" in said
    assert "Never went in" in said
    assert "<del>18 G</del> → <ins>20 G</ins>" in answer.html
    assert "<del>IV line in: Gauge 22 G</del>" in answer.html
    assert flagged(world, case_id) == {"corrected": 1, "voided": 1}


def test_many_taps_within_seconds_are_said_quietly(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    now = clock.now()
    for number, key in enumerate(("PRE-ID", "PRE-CON", "PRE-SCR", "PRE-BASE", "PRE-MARK")):
        with clock.at(now + timedelta(seconds=3 * number)):
            world.do(case_id, key)
    with clock.at(now + timedelta(minutes=5)):
        world.do(case_id, "K01")
    assert "5 entries recorded within 12 s (Ada Okafor" in nurse.get("record", case_id).page.text


def test_a_stopped_case_misses_nothing_after_its_end(world: World) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "K05")
    commands.stop(world.command(case_id), reason="Cannot lie flat")
    with clock.at(clock.now() + timedelta(days=30)):
        (vitals,) = [t for t in screen_of(world, case_id).timings if t.what == "Vitals under sedation"]
    assert "missed" not in vitals.detail


def test_the_same_command_twice_is_one_tap(world: World) -> None:
    """What was sent again by a tablet is no burst."""
    case_id = world.started("L1")
    command = Command(case_id=case_id, by=world.nurse, command_id=uuid4())
    for _ in range(6):
        commands.record_done(command, "PRE-ID")
    assert screen_of(world, case_id).bursts == []
