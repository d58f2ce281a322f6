"""Is the record still what was recorded? Replays each case from its log and compares with every row that is stored.

Only reads; the role of the backup is enough. A page of cases is read in one snapshot, so that a case that is being
worked on compares with itself. What it cannot find: a case that its owner has rewritten whole, log, hashes and rows.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from procedures import canonical, projection
from procedures.definitions import Protocol
from procedures.fold import apply
from procedures.models import Case, CaseTeam, Event, Level, Step
from procedures.progress import Progress
from procedures.protocols import frozen
from procedures.state import CaseState, EventKind

PAGE = 200  # cases read at once: some 40 MB
STEP = ("key", "code", "level", "side", "state", "entries", "done_at", "last_seq")
LEVEL = ("vertebra", "planned", "state", "reason", "sides", "closed")
TEAM = ("user_id", "role", "since", "until")
# Beside the text and the hashes: what the columns of an event repeat of its text.
REPEATED = (
    "seq",
    "kind",
    "step_key",
    "about",
    "performed_by",
    "recorded_by",
    "source",
    "part",
    "via",
    "tablet",
)
EVENT = (
    "seq", "kind", "step_key", "about", "performed_by_id", "recorded_by_id", "source", "part", "via_id", "tablet_id",
    "performed_at", "recorded_at", "command_id", "prev_hash", "hash", "canonical",
)  # fmt: skip
REPEATS = len(REPEATED)


def _values(data: Mapping[str, Any]) -> tuple[Any, ...]:
    """Those of a text. One from before tablets were known does not name one."""
    return tuple(data.get(name) for name in REPEATED)


@dataclass(frozen=True, slots=True)
class Fault:
    """The first event of a case from which on the log or what is stored cannot be right, and what differs."""

    case: UUID
    seq: int
    what: str


@dataclass(slots=True)
class Stored:
    """All that is stored of one case."""

    case: dict[str, Any]
    events: list[tuple[Any, ...]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    levels: list[dict[str, Any]] = field(default_factory=list)
    team: list[dict[str, Any]] = field(default_factory=list)


class _Broken(Exception):
    """What is wrong with an event."""


def verify(only: UUID | None = None) -> Iterator[tuple[int, Fault | None]]:
    """For each case, by id: how many events its log has, and its first fault."""
    for page in _pages(only):
        for stored in page:
            yield len(stored.events), check(frozen.protocol(stored.case["protocol_id"]), stored)


def check(protocol: Protocol, stored: Stored) -> Fault | None:
    """The first fault of a case, or None. The log is judged first: rows are compared only with one that holds."""
    case_id, state, head, number = stored.case["id"], CaseState(), canonical.GENESIS, 0
    for row in stored.events:
        number += 1
        try:
            head, state = _follow(protocol, stored.case, state, head, row)
        except _Broken as broken:
            return Fault(case_id, number, str(broken))
    if number == 0:
        return Fault(case_id, 1, "the log has no event")
    if stored.case["last_seq"] > number:
        return Fault(case_id, number + 1, f"missing: the case counts {stored.case['last_seq']} events")
    if bytes(stored.case["head_hash"]) != head:
        return Fault(case_id, number, "its hash is not the one that the case keeps as its last")
    return next(_differences(protocol, state, stored), None)


# The log -------------------------------------------------------------------------------------------------------------


def _follow(
    protocol: Protocol, case: Mapping[str, Any], state: CaseState, head: bytes, row: tuple[Any, ...]
) -> tuple[bytes, CaseState]:
    """Check one event against the one before it and fold it. Returns its hash and the state after it."""
    performed_at, recorded_at, command_id, previous, own, text = row[REPEATS:]
    if row[0] != state.last_seq + 1:
        raise _Broken(f"missing: event {row[0]} follows {state.last_seq}")
    if bytes(previous) != head:
        raise _Broken("it stands on another hash than that of the event before it")
    if canonical.chain(head, text) != bytes(own):
        raise _Broken("its hash is not that of its text")
    try:
        data = json.loads(text)
        if _values(data) != row[:REPEATS] or data["case"] != str(case["id"]):
            raise _Broken("a column differs from its text")
        event = canonical.decode(data)
        if (event.performed_at, event.recorded_at, event.command_id) != (
            performed_at,
            recorded_at,
            command_id,
        ):
            raise _Broken("a column differs from its text")
        if event.kind is EventKind.CASE_OPENED:
            _check_opened(case, event.values)
        return bytes(own), apply(protocol, state, event)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise _Broken(f"it cannot follow: {problem}") from None


def _check_opened(case: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    for name, column in (("protocol", "protocol_id"), ("unit", "unit_id")):
        if values[name] != case[column]:
            raise _Broken(f"it says {name} {values[name]}, the case {case[column]}")


# What is stored beside the log -------------------------------------------------------------------------------


def _differences(protocol: Protocol, state: CaseState, stored: Stored) -> Iterator[Fault]:
    """Where the rows are not what the log says, with the event that such a row stands on (else the last)."""
    case_id, progress = stored.case["id"], Progress(protocol, state)
    rows = {row["key"]: row for row in stored.steps}
    for key, step in state.steps.items():
        wanted, row = projection.step_row(step), rows.pop(key, None)
        if row != wanted:
            yield Fault(case_id, _entry_seq(wanted, row), f"step {key}: {_names(wanted, row)} differs")
    for key in rows:
        yield Fault(case_id, state.last_seq, f"step {key} is not in the log")
    rows = {row["vertebra"]: row for row in stored.levels}
    for vertebra, level in state.levels.items():
        wanted, row = projection.level_row(level, progress), rows.pop(vertebra, None)
        if row != wanted:
            yield Fault(
                case_id, level.closed or state.last_seq, f"level {vertebra}: {_names(wanted, row)} differs"
            )
    for vertebra in rows:
        yield Fault(case_id, state.last_seq, f"level {vertebra} is not in the log")
    team = Counter(tuple(projection.team_row(member).values()) for member in state.team)
    if team != Counter(tuple(row.values()) for row in stored.team):
        yield Fault(case_id, state.last_seq, "the team differs")
    wanted = projection.case_row(progress)
    if any(stored.case[name] != value for name, value in wanted.items()):
        yield Fault(case_id, state.last_seq, f"the case: {_names(wanted, stored.case)} differs")


def _names(wanted: Mapping[str, Any], row: Mapping[str, Any] | None) -> str:
    """The columns that differ."""
    return ", ".join(name for name, value in wanted.items() if row is None or row[name] != value)


def _entry_seq(wanted: Mapping[str, Any], row: Mapping[str, Any] | None) -> int:
    """The seq of the first entry that differs, or of the last event of the step (1: none)."""
    there = {entry["seq"]: entry for entry in row["entries"]} if row else {}
    differing = (entry["seq"] for entry in wanted["entries"] if there.get(entry["seq"]) != entry)
    return next(differing, wanted["last_seq"] or 1)


# Reading -----------------------------------------------------------------------------------------------------


def _pages(only: UUID | None) -> Iterator[list[Stored]]:
    """All cases by id, a page at a time; each page is read in one snapshot that is let go before it is judged."""
    cases, after = Case.objects.order_by("pk"), UUID(int=0)
    if only:
        cases = cases.filter(pk=only)
    while True:
        page = _page(cases, after)
        if not page:
            return
        yield page
        after = page[-1].case["id"]


def _page(cases: Any, after: UUID) -> list[Stored]:
    """The next cases with all that belongs to them: five statements, whatever their number."""
    alone = not connection.in_atomic_block  # tests look on from inside their own transaction
    with transaction.atomic():
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = {row["id"]: Stored(row) for row in cases.filter(pk__gt=after).values()[:PAGE]}
        if not found:
            return []
        of_page = (
            {"case__gte": min(found), "case__lte": max(found)} if len(found) > 1 else {"case": min(found)}
        )
        for row in Event.objects.filter(**of_page).order_by("case", "seq").values_list("case_id", *EVENT):
            found[row[0]].events.append(row[1:])
        for model, columns, rows in (
            (Step, STEP, "steps"),
            (Level, LEVEL, "levels"),
            (CaseTeam, TEAM, "team"),
        ):
            for values in model.objects.filter(**of_page).values("case_id", *columns):
                getattr(found[values.pop("case_id")], rows).append(values)
    return list(found.values())
