"""The log takes only what follows it: the next number, on the hash of the one before, saying what its columns say."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import IntegrityError, transaction

from procedures import canonical
from procedures.models import Event
from tests.world import World

pytestmark = pytest.mark.django_db


@contextmanager
def refused(*names: str) -> Iterator[None]:
    """The database refuses the row: by that constraint, or (without a name) by the trigger."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        yield
    cause = error.value.__cause__
    assert isinstance(cause, psycopg.Error)
    if names:
        assert cause.diag.constraint_name in names
    else:
        assert isinstance(cause, psycopg.errors.RestrictViolation)


def the_next(world: World) -> Event:
    """An event that follows the log of a case and is written as the ledger writes it."""
    case_id = world.started("L1")
    last = Event.objects.filter(case=case_id).order_by("-seq")[0]
    happening = canonical.decode({**last.data, "seq": last.seq + 1, "command_id": str(uuid4())})
    text = canonical.encode(case_id, happening)
    last.pk, last.seq, last.command_id = None, happening.seq, happening.command_id
    return chained(last, bytes(last.hash), text)


def chained(event: Event, previous: bytes, text: str) -> Event:
    event.canonical, event.prev_hash, event.hash = text, previous, canonical.chain(previous, text)
    return event


def told(event: Event, **changes: Any) -> Event:
    """The event with another text and the hash that belongs to it."""
    text = json.dumps({**json.loads(event.canonical), **changes}, sort_keys=True)
    return chained(event, bytes(event.prev_hash), text)


def test_the_next_event_is_taken(world: World) -> None:
    event = the_next(world)
    event.save(force_insert=True)
    assert event.data["seq"] == event.seq


def test_an_event_after_a_gap_or_in_a_taken_place_is_refused(world: World) -> None:
    event = the_next(world)
    event.seq += 1
    with refused():
        told(event, seq=event.seq).save(force_insert=True)
    event.seq -= 2
    with refused("event_seq_once"):
        first = Event.objects.get(case=event.case_id, seq=event.seq - 1)
        event.prev_hash = first.hash
        told(event, seq=event.seq).save(force_insert=True)


def test_a_chain_that_is_broken_is_refused(world: World) -> None:
    event = the_next(world)
    right = bytes(event.prev_hash)
    with refused():
        chained(event, bytes(32), event.canonical).save(force_insert=True)
    chained(event, right, event.canonical).hash = bytes(32)
    with refused():
        event.save(force_insert=True)


def test_a_first_event_stands_on_nothing(world: World) -> None:
    event = the_next(world)
    other = world.open("L2")
    moved = told(event, case=str(other))
    moved.case_id = other
    with refused():
        moved.save(force_insert=True)


@pytest.mark.parametrize(
    "column",
    [
        "case", "seq", "kind", "step_key", "about", "performed_by", "recorded_by", "performed_at", "recorded_at",
        "source", "command_id", "part",
    ],
)  # fmt: skip
@pytest.mark.parametrize("how", ["different", "missing"])
def test_a_text_that_says_something_else_than_its_columns_is_refused(
    world: World, column: str, how: str
) -> None:
    event = the_next(world)
    said = json.loads(event.canonical)
    if how == "missing":
        del said[column]
        if column == "about":  # a text that names no entry is about none
            event.about = 1
    else:
        other = {"case": str(uuid4()), "command_id": str(uuid4()), "seq": 99, "kind": "step.done", "step_key": "K01",
                 "performed_at": "2026-01-01T00:00:00+00:00", "recorded_at": "2026-01-01T00:00:00+00:00"}  # fmt: skip
        said[column] = other.get(column, 3 if column != "source" else "paper")
        assert said[column] != json.loads(event.canonical)[column]
    text = json.dumps(said)
    with refused("event_columns_are_canonical"):
        chained(event, bytes(event.prev_hash), text).save(force_insert=True)


@pytest.mark.parametrize("text", ["{}", "[]", "null", '"x"', "7"])
def test_a_text_that_is_no_event_is_refused(world: World, text: str) -> None:
    event = the_next(world)
    with refused("event_columns_are_canonical"):
        chained(event, bytes(event.prev_hash), text).save(force_insert=True)
