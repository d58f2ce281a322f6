"""Many people at once on the real server, and servers and databases that die in the middle of it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psutil
import psycopg
import pytest
from django.conf import settings
from django.test import Client

from kypho import database
from procedures.models import Case, Event, User
from tests.server import ROOT, Server, environment
from tests.world import World, build

HUNDREDS = 200


class Person:
    """Somebody's browser: a session made beforehand, a CSRF token, a connection for each request (the pool of httpx
    closes what it holds too many of while another thread reads from it)."""

    def __init__(self, url: str, session: str) -> None:
        cookies = {settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: "a" * 32}
        alone = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self.client = httpx.Client(base_url=url, cookies=cookies, timeout=30, limits=alone)

    def tick(self, case_id: UUID, key: str, command_id: UUID | None = None, **values: str) -> httpx.Response:
        """Record a step as done, as the page's form does it."""
        form = {
            "command_id": str(command_id or uuid4()),
            "csrfmiddlewaretoken": "a" * 32,
            "seen": "6",
            **values,
        }
        return self.client.post(
            f"/cases/{case_id}/steps/{key}/done/", data=form, headers={"HX-Request": "true"}
        )


def session(user: User) -> str:
    """A signed-in session of somebody."""
    browser = Client()
    browser.force_login(user)
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def world(transactional_db: None) -> World:
    return build()


def sessions(world: World) -> list[str]:
    """One session for each clinician."""
    return [session(user) for name, user in world.people.items() if name != "admin"]


@pytest.fixture
def crowd(server: Server, world: World) -> Iterator[list[Person]]:
    """Eighteen browsers, two of each of nine clinicians."""
    people = [Person(server.url, key) for key in [*sessions(world), *sessions(world)]]
    yield people
    for person in people:
        person.client.close()


def together(number: int, call: Callable[[int], httpx.Response]) -> list[httpx.Response]:
    """So many calls at one moment, each in a thread of its own."""
    line = threading.Barrier(number)

    def wait_and_call(at: int) -> httpx.Response:
        line.wait()
        return call(at)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(wait_and_call, range(number)))


def whole(case_id: UUID) -> list[int]:
    """The numbers of the case's events; fails where one is missing or doubled, or the case says otherwise."""
    found = list(Event.objects.filter(case=case_id).order_by("seq").values_list("seq", flat=True))
    assert found == list(range(1, len(found) + 1))
    assert Case.objects.get(pk=case_id).last_seq == len(found)
    return found


def test_two_hundred_ticks_of_one_step_leave_one_event(
    server: Server, world: World, crowd: list[Person]
) -> None:
    case_id = world.started("T12", "L1")
    seen = str(Case.objects.get(pk=case_id).last_seq)
    began = time.monotonic()
    answers = together(HUNDREDS, lambda at: crowd[at % len(crowd)].tick(case_id, "K01", seen=seen))
    print(f"{HUNDREDS} at once: {time.monotonic() - began:.1f} s")
    assert Counter(a.status_code for a in answers) == {200: 1, 409: HUNDREDS - 1}
    assert all("Done by" in a.text for a in answers if a.status_code == 409)
    assert Event.objects.filter(case=case_id, kind="step.done").count() == 1
    whole(case_id)


def test_one_form_sent_two_hundred_times_is_one_event_and_answered_every_time(
    server: Server, world: World, crowd: list[Person]
) -> None:
    case_id, same = world.started("T12", "L1"), uuid4()
    seen = str(Case.objects.get(pk=case_id).last_seq)
    answers = together(
        HUNDREDS, lambda _at: crowd[0].tick(case_id, "EV-NOTE", same, v_text="once", seen=seen)
    )
    assert {a.status_code for a in answers} == {200}
    assert Event.objects.filter(case=case_id, kind="step.done").count() == 1
    whole(case_id)


def test_fifty_clients_ticking_different_steps_leave_no_gap(
    server: Server, world: World, crowd: list[Person]
) -> None:
    case_id = world.started("T12", "L1")
    keys = ("PRE-ID", "PRE-SCR", "PRE-BASE", "K01", "EV-NOTE")

    def call(at: int) -> httpx.Response:
        return crowd[at % len(crowd)].tick(case_id, keys[at % 5], v_text=f"{at}")

    answers = together(50, call)
    assert {a.status_code for a in answers} <= {200, 409}
    done = Event.objects.filter(case=case_id, kind="step.done")
    assert done.count() == sum(a.status_code == 200 for a in answers)
    assert done.filter(step_key="EV-NOTE").count() == done.filter(step_key="PRE-ID").count() == 10
    assert done.filter(step_key="K01").count() == 1
    whole(case_id)


# Killed -----------------------------------------------------------------------------------------------------


@dataclass
class Load:
    """Nurses who tick on and on and repeat each tick, with its id, until it is acknowledged."""

    url: str
    case_id: UUID
    sessions: list[str]
    acknowledged: list[UUID] = field(default_factory=list)
    repeated: int = 0
    wrong: list[int] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def nurse(self, key: str) -> None:
        """One nurse, until it is over."""
        person = Person(self.url, key)
        while not self.over.is_set():
            self._until_acknowledged(person, uuid4())

    def _until_acknowledged(self, person: Person, command_id: UUID) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                answer = person.tick(self.case_id, "EV-NOTE", command_id, v_text=str(command_id))
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200:
                self.acknowledged.append(command_id)
                return
            if answer is not None and answer.status_code != 503:
                self.wrong.append(answer.status_code)
                return
            self.repeated += 1
            time.sleep(0.1)
        self.wrong.append(-1)

    def run(self, disturb: Callable[[], None], times: int) -> None:
        """Let everybody tick, disturb them so many times, and let each bring the last tick home."""
        with ThreadPoolExecutor(len(self.sessions)) as pool:
            working = [pool.submit(self.nurse, key) for key in self.sessions]
            try:
                for _ in range(times):
                    self._go_on()
                    disturb()
                self._go_on()
            finally:
                self.over.set()
            for one in working:
                one.result(90)

    def _go_on(self) -> None:
        wanted, deadline = len(self.acknowledged) + 15, time.monotonic() + 60
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, f"the load stands still: {self.wrong}"
            time.sleep(0.01)


def judge(load: Load, rows: list[tuple[int, str, UUID]]) -> None:
    """Every acknowledged tick is there once, nothing else is, and no number is missing. Rows: seq, kind, command."""
    assert load.wrong == []
    assert load.repeated > 0, "the kill was noticed"
    assert [seq for seq, _kind, _command in rows] == list(range(1, len(rows) + 1))
    kept = Counter(command for _seq, kind, command in rows if kind == "step.done")
    assert set(kept.values()) == {1}, "doubled"
    assert len(load.acknowledged) == len(set(load.acknowledged))
    assert set(load.acknowledged) - set(kept) == set(), "acknowledged and lost"
    assert set(kept) - set(load.acknowledged) == set(), "kept, but its repetition was never acknowledged"


def events(case_id: UUID) -> list[tuple[int, str, UUID]]:
    """The events of a case: seq, kind, command id."""
    rows = Event.objects.filter(case=case_id).order_by("seq")
    return list(rows.values_list("seq", "kind", "command_id"))


def test_a_killed_worker_loses_and_doubles_nothing(own_server: Server, world: World) -> None:
    load = Load(own_server.url, world.started("L1"), sessions(world)[:6])

    def kill_a_worker() -> None:
        assert own_server.process
        children = psutil.Process(own_server.process.pid).children()
        alive = (child for child in children if child.status() != psutil.STATUS_ZOMBIE)
        next(child for child in alive if "spawn_main" in " ".join(child.cmdline())).kill()

    load.run(kill_a_worker, 3)
    judge(load, events(load.case_id))


def test_a_killed_server_loses_and_doubles_nothing(own_server: Server, world: World) -> None:
    load = Load(own_server.url, world.started("L1"), sessions(world)[:6])

    def kill_all() -> None:
        own_server.kill()
        own_server.start()

    load.run(kill_all, 3)
    judge(load, events(load.case_id))


MAKE = """
import json
from tests.live.test_parallel import sessions
from tests.world import build
world = build()
print("made", json.dumps([str(world.started("L1")), sessions(world)[:6]]))
"""


@pytest.fixture
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, list[str]]]:
    """A database of its own that keeps what it acknowledges, with a suite, a case and six sessions."""
    folder = tmp_path_factory.mktemp("lone") / "data"
    database.start(folder)
    settings_of_owner = environment(
        DATABASE_URL=database.url("kypho_owner", folder), SECRET_KEY=os.environ["SECRET_KEY"]
    )
    said = ""
    for command in (["migrate", "-v", "0"], ["shell", "-v", "0", "-c", MAKE]):
        program = [sys.executable, "manage.py", *command]
        done = subprocess.run(
            program, cwd=ROOT, env=settings_of_owner, check=True, capture_output=True, text=True
        )
        said = done.stdout
    case_id, keys = json.loads(next(line for line in said.splitlines() if line.startswith("made"))[5:])
    yield folder, case_id, keys
    database.stop(folder)


def test_a_killed_database_loses_and_doubles_nothing(
    lone: tuple[Path, str, list[str]], static_files: str
) -> None:
    folder, case_id, keys = lone

    def kill_the_database() -> None:
        head = psutil.Process(int((folder / "postmaster.pid").read_text().split("\n", 1)[0]))
        for process in [*head.children(), head]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        head.wait(10)
        database._held.users.pop(folder).close()
        database.start(folder)

    with Server(database.url("kypho_app", folder), static_files) as server:
        load = Load(server.url, UUID(case_id), keys)
        load.run(kill_the_database, 3)
    with psycopg.connect(database.url("kypho_owner", folder)) as direct:
        query = "SELECT seq, kind, command_id FROM procedures_event WHERE case_id = %s ORDER BY seq"
        judge(load, direct.execute(query, [case_id]).fetchall())
