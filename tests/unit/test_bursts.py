"""Many taps within seconds: who, how many, and what does not count as one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from procedures.screens.record.marks import bursts
from procedures.state import Event, EventKind, Source

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def tap(seq: int, seconds: float, **rest: Any) -> Event:
    at = NOON + timedelta(seconds=seconds)
    known: dict[str, Any] = {"kind": EventKind.STEP_DONE, "performed_by": 1, "recorded_by": 1, **rest}
    known.setdefault("command_id", UUID(int=seq))
    return Event(seq=seq, performed_at=at, recorded_at=at, **known)


def found(*events: Event) -> list[list[int]]:
    return [[e.seq for e in run] for run in bursts(events)]


def test_four_taps_within_twenty_seconds() -> None:
    assert found(*(tap(n, 6 * n) for n in range(1, 5))) == [[1, 2, 3, 4]]
    assert found(*(tap(n, 7 * n) for n in range(1, 5))) == []
    assert found(*(tap(n, n) for n in range(1, 4))) == []


def test_each_person_by_herself() -> None:
    assert found(*(tap(n, n, recorded_by=n % 2) for n in range(1, 7))) == []
    mixed = [tap(1, 0, recorded_by=2), *(tap(n, n) for n in range(2, 6))]
    assert found(*mixed) == [[2, 3, 4, 5]]


def test_both_sides_in_one_tap_are_one_tap() -> None:
    pairs = [tap(n, n, command_id=UUID(int=n // 2)) for n in range(2, 8)]
    assert found(*pairs) == []
    assert found(*pairs, tap(8, 8)) == [[2, 3, 4, 5, 6, 7, 8]]


def test_what_came_from_a_queue_or_from_paper_is_no_burst() -> None:
    for source in (Source.OFFLINE, Source.PAPER):
        assert found(*(tap(n, 0, source=source) for n in range(1, 9))) == []


def test_what_is_no_entry_does_not_count() -> None:
    assert found(*(tap(n, n, kind=EventKind.STEP_VERIFIED) for n in range(1, 9))) == []


def test_two_bursts_do_not_overlap() -> None:
    assert found(*(tap(n, n) for n in range(1, 5)), *(tap(n, 60 + n) for n in range(5, 9))) == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
    ]
