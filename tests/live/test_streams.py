"""Streams on the real server: who hears what, how soon, and what happens when something breaks in between."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from socket import SHUT_RDWR, socket
from threading import Thread
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from django.conf import settings

from procedures.live import LISTENER
from procedures.models import Product, User
from tests.live.test_parallel import Person, session
from tests.server import Server
from tests.world import World, build

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> World:
    return build()


class Heard:
    """What a stream says, as it comes."""

    def __init__(self, server: Server, cookie: str, path: str) -> None:
        self.said: Queue[tuple[str, str]] = Queue()
        self.status = 0
        self.ended = False
        self._socket: socket | None = None
        self._client = httpx.Client(
            base_url=server.url,
            cookies={settings.SESSION_COOKIE_NAME: cookie},
            timeout=httpx.Timeout(5, read=30),
        )
        self._path = path
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        event = ""
        try:
            with self._client.stream("GET", self._path, headers={"Accept": "text/event-stream"}) as answer:
                self.status = answer.status_code
                self._socket = answer.extensions["network_stream"].get_extra_info("socket")
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        event = line[7:]
                    elif line.startswith("data: "):
                        self.said.put((event, line[6:]))
        except httpx.HTTPError:
            pass
        self.ended = True
        self.said.put(("end", ""))

    def next(self, seconds: float = 3.0) -> tuple[str, str]:
        """The next event and its data; ("", "") where none comes in time."""
        try:
            return self.said.get(timeout=seconds)
        except Empty:
            return "", ""

    def close(self) -> None:
        """Hang up. The thread that reads closes the socket itself: its number must not be another's meanwhile."""
        if self._socket:
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)
        self._thread.join(5)
        self._client.close()


@contextmanager
def listening(server: Server, user: User, path: str) -> Iterator[Heard]:
    heard = Heard(server, session(user), path)
    yield heard
    heard.close()


def listeners() -> int:
    """How many connections hear the channel."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()",
            [LISTENER],
        )
        return int(cursor.fetchone()[0])


@pytest.fixture
def case_id(world: World) -> UUID:
    return world.started("L1")


def test_a_tick_wakes_those_who_show_the_case_or_its_unit_within_a_second(
    server: Server, world: World, case_id: UUID
) -> None:
    nurse = Person(server.url, session(world.nurse))
    with (
        listening(server, world.operator, f"/cases/{case_id}/stream/") as case,
        listening(server, world.ward, "/stream/") as today,
        listening(server, world.stranger, "/stream/") as elsewhere,
    ):
        first = case.next()
        assert first[0] == "hello"
        assert today.next()[0] == elsewhere.next()[0] == "hello"
        began = time.monotonic()
        assert nurse.tick(case_id, "EV-NOTE", v_text="x").status_code == 200
        assert case.next(1) == ("changed", str(int(first[1]) + 1))
        assert time.monotonic() - began < 1
        assert today.next(2)[0] == "changed"
        assert elsewhere.next(0.5) == ("", "")


def test_a_stream_is_judged_as_a_page_is(server: Server, world: World, case_id: UUID) -> None:
    with listening(server, world.stranger, f"/cases/{case_id}/stream/") as stranger:
        assert stranger.next()[0] == "end"
        assert stranger.status == 404
    assert httpx.get(f"{server.url}/cases/{case_id}/stream/").status_code == 401


def test_a_stopping_server_ends_its_streams_and_stops_in_time(
    own_server: Server, world: World, case_id: UUID
) -> None:
    with listening(own_server, world.nurse, f"/cases/{case_id}/stream/") as heard:
        assert heard.next()[0] == "hello"
        began = time.monotonic()
        own_server.stop()
        assert time.monotonic() - began < 2.5
        assert heard.next(1)[0] == "end"


def test_a_lost_listener_comes_back_and_wakes_everybody(
    server: Server, world: World, case_id: UUID, app_connection: psycopg.Connection[object]
) -> None:
    with listening(server, world.nurse, f"/cases/{case_id}/stream/") as heard:
        assert heard.next()[0] == "hello"
        assert listeners() == 2, "one for each of the two workers"
        app_connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [LISTENER]
        )
        assert heard.next(4) == ("changed", "0")


def test_hundreds_of_streams_at_once_hold_no_connection(server: Server, world: World, case_id: UUID) -> None:
    cookie = session(world.nurse)
    with ThreadPoolExecutor(60) as pool:
        heard = list(pool.map(lambda _: Heard(server, cookie, f"/cases/{case_id}/stream/"), range(100)))
    try:
        assert [h.next(10)[0] for h in heard] == ["hello"] * 100
        assert listeners() == 2
        nurse = Person(server.url, session(world.nurse))
        assert nurse.tick(case_id, "EV-NOTE", uuid4(), v_text="x").status_code == 200
        assert [h.next(3)[0] for h in heard] == ["changed"] * 100
    finally:
        for each in heard:
            each.close()


def test_a_new_product_is_offered_at_once(server: Server, world: World, case_id: UUID) -> None:
    """Each process keeps names for a minute; what changes them wakes it."""
    nurse = Person(server.url, session(world.nurse))
    page = f"/cases/{case_id}/steps/K09c/"
    for _ in range(4):  # both workers have seen the list
        assert "Quite new" not in nurse.client.get(page).text
    Product.objects.create(kind="cement", name="Quite new", manufacturer="Maker")
    time.sleep(0.3)
    for _ in range(4):
        assert "Quite new" in nurse.client.get(page).text
