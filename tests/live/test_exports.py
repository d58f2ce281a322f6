"""A long export on the real server: flat memory, ticks beside it, and an end when its reader goes away."""

import threading
import time
from collections.abc import Iterator
from typing import Self
from uuid import UUID

import httpx
import psutil
import pytest
from django.db import connection

from procedures.models import Case, Export, ExportedCase
from tests.live.test_parallel import Person, session
from tests.server import Server
from tests.world import World, build

MANY = 6000
MOST_GROWTH = 40 * 2**20  # bytes that a worker may grow by, however long the file is


@pytest.fixture
def world(transactional_db: None) -> World:
    return build()


@pytest.fixture
def many(world: World) -> UUID:
    """A running case, and thousands that are its copies, each on another hour."""
    case_id = world.started("T12", "L1")
    columns = [f.column for f in Case._meta.concrete_fields if f.column not in ("id", "scheduled_at")]
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO procedures_case (id, scheduled_at, {names})"  # noqa: S608 - our own columns
            f" SELECT gen_random_uuid(), c.scheduled_at - n * interval '1 hour', {names}"
            " FROM procedures_case c, generate_series(1, %s) n WHERE c.id = %s",
            [MANY, case_id],
        )
    return case_id


@pytest.fixture
def reader(server: Server, world: World) -> Iterator[Person]:
    person = Person(server.url, session(world.operator))
    yield person
    person.client.close()


def ask(reader: Person, kind: str = "csv") -> str:
    """Ask for a file; its address."""
    form = {"kind": kind, "rows": "case", "query": "", "csrfmiddlewaretoken": "a" * 32}
    answer = reader.client.post("/log/export/", data=form)
    assert answer.status_code == 302, answer.text
    return f"{answer.headers['location']}file/"


def memory(server: Server) -> int:
    """The largest of the server's processes, in bytes."""
    assert server.process
    family = [
        psutil.Process(server.process.pid),
        *psutil.Process(server.process.pid).children(recursive=True),
    ]
    return max(process.memory_info().rss for process in family)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_memory_is_flat_and_ticks_go_on(
    server: Server, world: World, many: UUID, reader: Person, kind: str
) -> None:
    warm = ask(reader, kind)
    reader.client.get(f"{warm}?level=S1", timeout=120)
    address, before = ask(reader, kind), memory(server)
    with Beside(server, world, many) as beside:
        size = sum(map(len, read(reader, address)))
    assert size > MANY * 60
    assert beside.most - before < MOST_GROWTH
    assert len(beside.ticks) > 3
    assert max(beside.ticks) < 3  # alone it takes 0.02 s; a page has 6
    export = Export.objects.latest("asked_at")
    assert (export.cases, export.failed_at) == (MANY + 1, None)
    assert export.finished_at


def read(reader: Person, address: str) -> Iterator[bytes]:
    """The file, piece by piece."""
    with reader.client.stream("GET", address, timeout=120) as answer:
        assert answer.status_code == 200
        yield from answer.iter_bytes()


class Beside:
    """A nurse who ticks all the while, and an eye on the memory."""

    def __init__(self, server: Server, world: World, case_id: UUID) -> None:
        self.server, self.case_id = server, case_id
        self.nurse = Person(server.url, session(world.nurse))
        self.ticks: list[float] = []
        self.most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        while not self._over.wait(0.05):
            began = time.perf_counter()
            answer = self.nurse.tick(self.case_id, "EV-NOTE", v_text=f"Note {len(self.ticks)}")
            assert answer.status_code == 200, answer.text
            self.ticks.append(time.perf_counter() - began)
            self.most = max(self.most, memory(self.server))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._over.set()
        self._thread.join()
        self.nurse.client.close()
        print(
            f"ticks {sorted(self.ticks)[len(self.ticks) // 2] * 1000:.0f} ms, worst {max(self.ticks) * 1000:.0f} ms"
        )


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_it_ends_when_its_reader_goes_away(many: UUID, reader: Person, kind: str) -> None:
    address = ask(reader, kind)
    gone = httpx.Client(base_url=reader.client.base_url, cookies=reader.client.cookies)
    if kind == "csv":
        with gone.stream("GET", address) as answer:
            next(answer.iter_bytes())
    else:  # its first byte comes last
        with pytest.raises(httpx.ReadTimeout):
            gone.get(address, timeout=0.3)
    gone.close()
    until = time.monotonic() + 10
    while (export := Export.objects.latest("asked_at")).failed_at is None and time.monotonic() < until:
        time.sleep(0.1)
    assert export.failed_at
    assert (export.finished_at, export.cases < MANY) == (None, True)
    time.sleep(0.5)
    assert ExportedCase.objects.count() < MANY
