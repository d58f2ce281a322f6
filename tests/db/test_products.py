"""Products in use: past their date they are refused, with an override; what has happened is recorded and flagged."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils.timezone import localtime

from procedures import clock, commands
from procedures.models import Event, Product
from procedures.rules import Invalid
from procedures.state import EventKind, Flag, Source
from tests.refusals import refused
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def case_id(world: World) -> UUID:
    """A started case that stands before its cement."""
    found = world.started("L1")
    world.rush(found, "CHK-TO")
    return found


def cement(days: int, **rest: Any) -> dict[str, Any]:
    """A cement to be used until so many days from today."""
    product = Product.objects.get(kind="cement")
    until = localtime(clock.now()).date() + timedelta(days=days)
    return {
        "cement": {
            "id": product.pk,
            "name": str(product),
            "lot": "C-1",
            "expires": until.isoformat(),
            "how": "picked",
            **rest,
        }
    }


def test_the_last_day_of_use_is_a_day_of_use(world: World, case_id: UUID) -> None:
    commands.record_done(world.command(case_id, "scrub"), "K09c", values=cement(0))
    assert world.step(case_id, "K09c").live[0].flags == ()


def test_past_its_date_it_is_refused_at_the_field(world: World, case_id: UUID) -> None:
    for confirmed, reason in ((frozenset(), ""), (frozenset({"cement"}), " "), (frozenset(), "no other")):
        with pytest.raises(Invalid) as said:
            commands.record_done(
                world.command(case_id),
                "K09c",
                values=cement(-1),
                confirmed=confirmed,
                override_reason=reason,
            )
        assert said.value.expired.keys() == {"cement"}
    assert not world.step(case_id, "K09c").entries


def test_the_liquid_has_a_date_too(world: World, case_id: UUID) -> None:
    with pytest.raises(Invalid) as said:
        commands.record_done(world.command(case_id), "K09c", values={"liquid_expires": "2020-01-31"})
    assert said.value.expired == {
        "liquid_expires": "Expired: to be used until 31 Jan 2020. Take another one."
    }


def test_somebody_who_may_override_says_why(world: World, case_id: UUID) -> None:
    given: dict[str, Any] = {
        "values": cement(-1),
        "confirmed": frozenset({"cement"}),
        "override_reason": "the only one in house",
    }
    with refused("role"):
        commands.record_done(world.command(case_id, "scrub"), "K09c", **given)
    commands.record_done(world.command(case_id, "nurse"), "K09c", **given)
    assert {Flag.EXPIRED, Flag.OVERRIDDEN} <= set(world.step(case_id, "K09c").live[0].flags)
    said = Event.objects.get(case=case_id, kind=EventKind.REQUIREMENT_OVERRIDDEN)
    assert said.data["values"] == {"expired": ["cement"]}
    assert said.data["reason"] == "the only one in house"


@pytest.mark.parametrize("way", ["offline", "paper", "late", "emergency"])
def test_what_has_been_used_is_flagged_and_not_refused(world: World, case_id: UUID, way: str) -> None:
    source = Source(way) if way in ("offline", "paper") else Source.LIVE
    at = clock.now() - timedelta(minutes=40) if way == "late" else None  # after midnight that is yesterday
    if way == "emergency":
        commands.set_emergency(world.command(case_id), on=True)
    commands.record_done(
        world.command(case_id, "scrub", source=source), "K09c", values=cement(-2), performed_at=at
    )
    flags = world.step(case_id, "K09c").live[0].flags
    assert Flag.EXPIRED in flags
    assert Flag.OVERRIDDEN not in flags


def test_it_is_judged_by_the_day_of_use_in_the_zone_of_the_site(
    world: World, case_id: UUID, settings: Any
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    evening = localtime(clock.now()).replace(hour=23, minute=30, second=0, microsecond=0) + timedelta(days=1)
    with clock.at(evening):
        today = cement(0)
        commands.record_done(world.command(case_id), "K09c", values=today)
    with clock.at(evening + timedelta(hours=1)), pytest.raises(Invalid):
        commands.record_done(world.command(case_id), "K09c", values=today)
    with clock.at(evening + timedelta(minutes=35)):  # past midnight, but it was mixed before
        commands.record_done(
            world.command(case_id), "K09c", values=today, performed_at=evening + timedelta(minutes=25)
        )
    assert [entry.flags for entry in world.step(case_id, "K09c").live] == [(Flag.OTHER_ROLE,)] * 2


def test_added_later_it_is_flagged_and_a_correction_takes_the_flag_away(world: World, case_id: UUID) -> None:
    batch = commands.record_done(world.command(case_id, "scrub"), "K09c").last
    commands.add_details(world.command(case_id, "scrub"), "K09c", about=batch, values=cement(-3))
    assert world.step(case_id, "K09c").live[0].flags == (Flag.EXPIRED,)
    commands.correct(
        world.command(case_id, "scrub"), "K09c", about=batch, values=cement(300), reason="misread the year"
    )
    assert world.step(case_id, "K09c").live[0].flags == (Flag.CORRECTED,)
    commands.correct(
        world.command(case_id, "scrub"), "K09c", about=batch, values=cement(-3), reason="no, it was so"
    )
    assert Flag.EXPIRED in world.step(case_id, "K09c").live[0].flags
