"""The rounds: each measures its rivals one after the other, so that a busy moment of the machine hits all of them."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count as count_up
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kypho import database
from procedures import clock
from procedures.models import Case, User
from tests import world as worlds
from tests.bench import many, report, taken, wards
from tests.bench.actors import Browser, Checkbox, Raw, Ticks
from tests.bench.report import Row, at_least, at_most
from tests.server import Server, collected, environment, free_port
from tests.settings import FOLDER

CLIENTS = 8


def main(root: Path, *, quick: bool) -> None:
    """Everything; about two minutes, a third of that when quick."""
    rows: list[Row] = []

    def take(measured: list[Row]) -> None:
        report.show(measured)
        rows.extend(measured)

    database.remove(FOLDER)
    database.start(FOLDER)
    try:
        call_command("migrate", verbosity=0)
        world = worlds.build()
        User.objects.filter(username="admin").update(is_staff=True, is_superuser=True)
        static = collected(root / "var" / "bench-static")
        with Server(database.url("kypho_app", FOLDER), static, workers=2, LOG_LEVEL="error") as server:
            ticks = Ticks(world)
            take(one_client(world, ticks, server.url, rounds=3 if quick else 7))
            take(many_clients(world, ticks, server.url, seconds=2 if quick else 5))
            take(weights(world, server.url))
            take([taken.pdf(world, server.url)])
            take(wards.rows(world, server.url))
            take(memory(server))
        take(queries(world))
    finally:
        connections.close_all()
        database.stop(FOLDER)
    take(many.rows(root, static, quick=quick))
    take(demo(root))
    report.write(rows, root / "var" / "bench.json")


def one_client(world: worlds.World, ticks: Ticks, url: str, rounds: int) -> list[Row]:
    """A whole tick against raw writing and against the admin, one client, interleaved."""
    raw, box = Raw(world, (rounds + 1) * 60 // Raw.NOTES + 1), Checkbox(url, world.admin)
    browser, forms = Browser(url, world.nurse), ticks.cases()

    def tick() -> None:
        path, data = next(forms)
        started = time.perf_counter()
        status, body = browser.post(path, data, **{"HX-Request": "true"})
        took["tick"].append(time.perf_counter() - started)
        if status != 200:
            raise AssertionError(f"{path} answered {status}: {body[:300]!r}")

    took: dict[str, list[float]] = {}
    versus_raw, versus_raw_95, versus_admin, absolute = [], [], [], []
    for number in range(rounds + 1):
        took = {"raw": [], "tick": [], "admin": []}
        for _ in range(60):
            _timed(raw.write, took["raw"])
            tick()
            _timed(box.save, took["admin"])
        if number:  # the first round warms up
            middle = {name: report.median(times) for name, times in took.items()}
            versus_raw.append(middle["tick"] / middle["raw"])
            versus_raw_95.append(report.percentile(took["tick"], 0.95) / report.percentile(took["raw"], 0.95))
            versus_admin.append(middle["tick"] / middle["admin"])
            absolute.append([middle[name] * 1000 for name in ("raw", "tick", "admin")])
    return [
        at_most(f"tick / raw psycopg, p50 ({report.spread(versus_raw)})", report.median(versus_raw), "×", 8),
        at_most(
            f"tick / raw psycopg, p95 ({report.spread(versus_raw_95)})", report.median(versus_raw_95), "×", 10
        ),
        at_most(
            f"tick / admin checkbox, p50 ({report.spread(versus_admin)})",
            report.median(versus_admin),
            "×",
            1.3,
        ),
        *(
            Row(f"{name}, p50", report.median([one[i] for one in absolute]), "ms")
            for i, name in enumerate(("raw psycopg", "tick", "admin checkbox"))
        ),
    ]


def _timed(action: Callable[[], None], into: list[float]) -> None:
    started = time.perf_counter()
    action()
    into.append(time.perf_counter() - started)


def many_clients(world: worlds.World, ticks: Ticks, url: str, seconds: float) -> list[Row]:
    """Throughput at eight clients, each on its own cases; two rounds of each, interleaved."""
    raws = [Raw(world, int(seconds * 2 * 600) // Raw.NOTES + 1) for n in range(CLIENTS)]
    browsers = [Browser(url, world.nurse) for _ in range(CLIENTS)]
    per_second = {"raw": 0.0, "tick": 0.0}
    for _ in range(2):
        scripts = [ticks.cases() for _ in browsers]  # each browser works at cases of its own
        prepared = [[next(script) for _ in range(int(seconds * 60))] for script in scripts]

        def send(number: int, work: list[list[tuple[str, object]]] = prepared) -> None:  # type: ignore[assignment]
            path, data = work[number].pop(0)
            status, _body = browsers[number].post(path, data, **{"HX-Request": "true"})  # type: ignore[arg-type]
            if status != 200:
                raise AssertionError(f"{path} answered {status}: {_body[:600]!r}")

        per_second["raw"] += _rate(lambda n: raws[n].write(), seconds) / 2
        per_second["tick"] += _rate(send, seconds) / 2
    return [
        at_least("throughput / raw psycopg, 8 clients", per_second["tick"] / per_second["raw"], "×", 0.1),
        Row("raw psycopg, 8 clients", per_second["raw"], "/s"),
        Row("ticks, 8 clients", per_second["tick"], "/s"),
    ]


def _rate(action: Callable[[int], None], seconds: float) -> float:
    """How often a second eight threads together get the action done."""
    done, stop = [0] * CLIENTS, time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < stop:
            action(number)
            done[number] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)


def weights(world: worlds.World, url: str) -> list[Row]:
    """What the first visit of the case page brings over the wire, compressed."""
    case_id = world.started("T12", "L1", mrn="weights")
    world.do_until(case_id, "K09c")
    browser = Browser(url, world.nurse)
    status, page = browser.get(f"/cases/{case_id}/")
    if status != 200:
        raise AssertionError(f"the case answered {status}")
    parts = set(re.findall(rb'(?:href|src)="(/static/[^"#]+)', page))
    zipped = {"Accept-Encoding": "br, gzip"}
    html = len(browser.get(f"/cases/{case_id}/", **zipped)[1])
    files = sum(len(browser.get(part.decode(), **zipped)[1]) for part in parts)
    return [
        at_most("case page, HTML compressed", html / 1000, "kB", 25),
        at_most(f"case page, first visit in all ({len(parts)} files)", (html + files) / 1000, "kB", 120),
    ]


def memory(server: Server) -> list[Row]:
    """The server's own memory after the load: its processes, each page that they share counted once."""
    assert server.process
    top = psutil.Process(server.process.pid)
    shares = [p.memory_full_info().pss for p in (top, *top.children(recursive=True))]
    return [at_most("server memory, 2 workers (PSS)", sum(shares) / 2**20, "MiB", 250)]


def queries(world: worlds.World) -> list[Row]:
    """Statements of the main pages, transaction control not counted."""
    for number in range(40):
        world.open("T12", mrn=f"today{number}", scheduled_at=clock.now())
    case_id = world.started("T12", "L1", mrn="queries")
    world.do_until(case_id, "K09c")
    client = Client()
    client.force_login(world.nurse)
    seen = Case.objects.get(pk=case_id).last_seq
    forms = (
        {"command_id": uuid4(), "v_text": f"steady {n}", "seen": seen + n, "was": "EV-NOTE"}
        for n in count_up()
    )
    base = f"/cases/{case_id}/"

    def count(send: Callable[[], object]) -> int:
        send()  # what a process keeps (names, products, the protocol) is there
        with CaptureQueriesContext(connection) as caught:
            send()
        return sum(
            not q["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))
            for q in caught.captured_queries
        )

    def tick() -> None:
        note = client.post(f"{base}steps/EV-NOTE/done/", next(forms), headers={"HX-Request": "true"})
        if note.status_code != 200:
            raise AssertionError(f"the note answered {note.status_code}")

    return [
        at_most("queries of a tick", count(tick), "", 10),
        at_most("queries of Today, 40 cases", count(lambda: client.get("/")), "", 6),
        at_most("queries of a case page", count(lambda: client.get(base)), "", 10),
        at_most("queries of a record", count(lambda: client.get(f"{base}record/")), "", 12),
    ]


def demo(root: Path) -> list[Row]:
    """From `make demo` to the first page, when it has run before; and how fast verify_log replays the demo's log."""
    own = environment(ALLOWED_HOSTS="", LOG_LEVEL="warning")
    rows = []
    for warm in (False, True):  # the first start may have to make tables and data
        port = free_port()
        started = time.perf_counter()
        command = ["make", "demo", f"PORT={port}"]
        with subprocess.Popen(
            command,
            cwd=root,
            env=own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as running:
            try:
                took = _until_first_page(port, started, running)
                if warm:
                    rows = [at_most("make demo, warm, to the first page", took, "s", 5), log_speed(root, own)]
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGINT)
    return rows


def log_speed(root: Path, own: dict[str, str]) -> Row:
    """How fast verify_log replays, the best of three: it needs one core for itself."""
    best = 0.0
    for _ in range(3):
        command = [sys.executable, "manage.py", "verify_log"]
        checked = subprocess.run(
            command, cwd=root, env={**own, "KYPHO_DEMO": "1"}, check=True, capture_output=True, text=True
        )
        found = re.search(r"([\d,]+) events/s", checked.stdout)
        if not found:
            raise AssertionError(checked.stdout)
        best = max(best, float(found[1].replace(",", "")))
    print(checked.stdout.strip())
    return at_least("verify_log, the demo's log", best, "events/s", 10_000)


def _until_first_page(port: int, started: float, running: subprocess.Popen[bytes]) -> float:
    while time.perf_counter() - started < 300 and running.poll() is None:
        try:
            if httpx.get(f"http://localhost:{port}/accounts/login/", timeout=5).status_code == 200:
                return time.perf_counter() - started
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError("the demo did not answer; run `make demo` and see what it says")
