"""Fills a database with very many cases: shapes (`shapes`) stamped again and again, written with COPY.

Each copy has its own texts and its own chain of hashes; the triggers judge every event. `filling.py` is the program.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from procedures.canonical import GENESIS
from procedures.definitions import Role
from procedures.demo.names import names
from procedures.demo.people import Suite
from procedures.models import Case, CaseTeam, Event, Level, Membership, Patient, Step, Unit, User

from .shapes import FIRST_USER, HEAD, MOST, SEPARATOR, Shape, batch, copied, event_columns, play

CASES_OF_A_UNIT = 10_000  # so that its senior operator has between four and five thousand
CHUNK = 250  # cases in one transaction
WEEKS_BACK = 416  # eight years, the oldest first; only backwards, so that what was used had not expired
FIRST_PATIENT, FIRST_MRN = 10_000_000, 100_000_000
ANOTHER_CASE = 8  # one patient in so many comes twice
_TABLES: tuple[Any, ...] = (Event, Step, Level, CaseTeam, Case)  # the case last: it may say that it is signed
_OF_THE_LOG = {model._meta.db_table for model in (CaseTeam, Case)}


@dataclass(frozen=True, slots=True)
class House:
    """A unit that cases are copied to: its id, and who stands there for each person of the shapes."""

    unit: int
    people: dict[str, int]


def houses(suite: Suite, number: int) -> list[House]:
    """Units like the first one, each with staff of its own of the same names; the first one is among them."""
    staff = list(Membership.objects.filter(unit=suite.unit).select_related("user").order_by("user"))
    found = [House(suite.unit.pk, {_place(m.user_id): m.user_id for m in staff})]
    for copy in range(1, number):
        unit = Unit.objects.create(name=f"{suite.unit.name} {copy + 1}", rooms=suite.unit.rooms)
        people = {}
        for one in staff:
            user = User.objects.create(
                username=f"{one.user.username}{copy + 1}",
                display_name=one.user.display_name,
                initials=one.user.initials,
                profession=one.user.profession,
            )
            Membership.objects.create(user=user, unit=unit, role=one.role)
            people[_place(one.user_id)] = user.pk
        found.append(House(unit.pk, people))
    return found


def _let_see_all(suite: Suite, units: list[House]) -> None:
    """The first unit's operators are members of every unit: the log has no larger page than theirs."""
    for name in ("chen", "haddad"):
        user = suite.people[name]
        rows = (Membership(user=user, unit_id=house.unit, role=Role.OPERATOR) for house in units[1:])
        Membership.objects.bulk_create(rows)


def _place(user: int) -> str:
    return f"u{user - FIRST_USER + 1:03}"


# One copy -----------------------------------------------------------------------------------------------------------


class Stamper:
    """Makes so many copies, in the order of time as a house has them; the same seed makes the same ones."""

    def __init__(self, shapes: list[Shape], houses: list[House], seed: int, copies: int) -> None:
        self._rng, self._copies = Random(seed), copies
        self._shapes, self._houses = shapes, houses
        self._said: dict[date, str] = {}

    def stamp(self, number: int, *, whole: bool = True) -> tuple[str, dict[str, str]]:
        """The lines of the events of the copy of that number, and those of the other tables; not `whole`: of the case
        and its team alone, which are all that the case log and the statistics read."""
        rng = self._rng
        shape, house = rng.choice(self._shapes), rng.choice(self._houses)
        day = shape.day - timedelta(weeks=WEEKS_BACK - number * WEEKS_BACK // self._copies)
        patient = number - number // ANOTHER_CASE
        values: dict[str, Any] = {
            "case": str(UUID(int=rng.getrandbits(128), version=4)),
            "patient": FIRST_PATIENT + patient,
            "mrn": FIRST_MRN + patient,
            "unit": house.unit,
            "batch": batch(day),
            **house.people,
            **{f"d{away}": self._say(day + timedelta(days=away)) for away in shape.days},
        }
        events, head = _chained(shape, values) if whole else ("", GENESIS)
        values["head"] = head.hex()
        return events, {t: lines % values for t, lines in shape.rows.items() if whole or t in _OF_THE_LOG}

    def _say(self, day: date) -> str:
        said = self._said.get(day)
        if said is None:
            said = self._said[day] = day.isoformat()
        return said


def _chained(shape: Shape, values: dict[str, Any]) -> tuple[str, bytes]:
    """The lines of the log, each standing on the one before, and the last hash."""
    head, lines = GENESIS, []
    prefixes = (shape.prefixes % values).split(SEPARATOR)
    for at, text in enumerate((shape.canonicals % values).split(SEPARATOR)):
        if at in shape.signed:
            text = text.replace(HEAD, head.hex())  # noqa: PLW2901
        previous, head = head, hashlib.sha256(head + text.encode()).digest()
        if "\\" in text:
            text = text.replace("\\", "\\\\")  # noqa: PLW2901
        lines.append(f"{prefixes[at]}\t{text}\t\\\\x{previous.hex()}\t\\\\x{head.hex()}\n")
    return "".join(lines), head


# Many ---------------------------------------------------------------------------------------------------------------


def fill(raw: psycopg.Connection[Any], stamper: Stamper, numbers: range, every: int = 1) -> int:
    """Write the copies of these numbers in the transaction that is open, one in `every` with its log; returns how many
    events that were."""
    blocks: dict[str, list[str]] = {model._meta.db_table: [] for model in _TABLES}
    events = blocks[Event._meta.db_table]
    for number in numbers:
        log, rows = stamper.stamp(number, whole=number % every == 0)
        events.append(log)
        for table, lines in rows.items():
            blocks[table].append(lines)
    for model in _TABLES:
        table = model._meta.db_table
        _copy(raw, table, event_columns() if model is Event else copied(model), "".join(blocks[table]))
    return sum(log.count("\n") for log in events)


def _copy(raw: psycopg.Connection[Any], table: str, names: list[str], lines: str) -> None:
    listed = ", ".join(f'"{name}"' for name in names)
    with raw.cursor() as cursor, cursor.copy(f'COPY "{table}" ({listed}) FROM STDIN') as copy:
        copy.write(lines.encode())


def patients(raw: psycopg.Connection[Any], number: int) -> None:
    """Patients for so many copies, in the transaction that is open."""
    listed = copied(Patient)
    lines = (
        "\t".join(str(row.get(name, "")) for name in ("id", *listed)) + "\n" for row in _patients(number)
    )
    _copy(raw, Patient._meta.db_table, ["id", *listed], "".join(lines))


def _patients(number: int) -> Iterator[dict[str, Any]]:
    rng = Random(11)
    known = list(names(rng))
    for patient in range(number - number // ANOTHER_CASE + 1):
        family, given, sex = known[rng.randrange(len(known))]
        yield {
            "id": FIRST_PATIENT + patient,
            "mrn": FIRST_MRN + patient,
            "family_name": family,
            "given_name": given,
            "sex": sex,
            "birth_date": date(1925, 1, 1) + timedelta(days=rng.randrange(20_000)),
        }


@dataclass(frozen=True, slots=True)
class Filled:
    """What a filling came to; the shapes are counted among the cases and events."""

    cases: int
    events: int
    seconds: float


def fill_all(
    address: str, cases: int, *, whole: bool, now: datetime, workers: int = 2, every: int = 1
) -> Filled:
    """Fill the empty database of Django's connection, which is also at `address` for its superuser, with so many cases.

    The superuser's session does without the triggers of foreign keys, which cost more than all the rest; those that
    guard the log are ALWAYS enabled and judge each row.
    """
    started = time.perf_counter()
    suite, shapes = play(min(MOST, cases // 4), whole=whole, now=now)
    units, copies = houses(suite, max(1, cases // CASES_OF_A_UNIT)), cases - len(shapes)
    _let_see_all(suite, units)
    events = Event.objects.count()
    connection.close()
    with _superuser(address) as raw:
        patients(raw, copies)
        raw.commit()
    if copies:
        chunks = [range(at, min(at + CHUNK, copies)) for at in range(0, copies, CHUNK)]
        work = partial(_work, address, shapes, units, every, copies)
        with ProcessPoolExecutor(workers, get_context("fork")) as pool:
            events += sum(pool.map(work, chunks))
    seconds = time.perf_counter() - started
    with psycopg.connect(address, autocommit=True) as raw:
        raw.execute(
            "SELECT setval(pg_get_serial_sequence('procedures_patient', 'id'), max(id)) FROM procedures_patient"
        )
        raw.execute("VACUUM ANALYZE")
    return Filled(cases, events, seconds)


def _superuser(address: str) -> psycopg.Connection[Any]:
    raw = psycopg.connect(address)
    for setting in ("session_replication_role = replica", "synchronous_commit = off", "enable_seqscan = off"):
        raw.execute(f"SET {setting}")
    raw.commit()
    return raw


_kept: dict[int, psycopg.Connection[Any]] = {}


def _work(
    address: str, shapes: list[Shape], units: list[House], every: int, copies: int, numbers: range
) -> int:
    """One chunk, in a process that keeps its connection."""
    raw = _kept.get(os.getpid())
    if raw is None:
        raw = _kept[os.getpid()] = _superuser(address)
    with raw.transaction():
        return fill(raw, Stamper(shapes, units, numbers.start, copies), numbers, every)
