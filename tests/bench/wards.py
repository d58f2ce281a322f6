"""Many tablets at once: how soon a tick shows on the others, what open streams cost, how fast a queue drains."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection

from procedures.live import LISTENER
from procedures.models import Case, Pin, Tablet
from procedures.signin import tablets
from tests import world as worlds
from tests.bench import report
from tests.bench.actors import Browser
from tests.bench.report import Row, at_least, at_most

WATCHING, OPEN, AT_ONCE = 20, 200, 300
PAUSE = 0.05  # seconds between two ticks
NOTE = "EV-NOTE"


class Tab:
    """A browser's page of a case: an open stream, and a connection for what it re-reads."""

    def __init__(self, browser: Browser, path: str, changes: str = "") -> None:
        self.host = browser.connection.host
        self.port = browser.connection.port or 80
        self.cookie = browser.headers["Cookie"]
        self.path, self.changes = path, changes
        self.status = 0
        self.seen = 0
        self.at = 0.0
        self.woken = asyncio.Event()

    async def open(self) -> None:
        """Open the stream and wait for its first word."""
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        self.writer.write(self._request(self.path))
        self.status = int((await self.reader.readline()).split()[1])
        async with asyncio.timeout(30):
            while (await self.reader.readline()).strip() != b"event: hello":
                if self.reader.at_eof():
                    raise AssertionError(f"a stream ended with {self.status}")

    async def listen(self) -> None:
        """Re-read what changed at each wake-up."""
        self.pages = await asyncio.open_connection(self.host, self.port)
        while line := await self.reader.readline():
            if line.startswith(b"event: changed") and self.changes:
                await self._read()

    async def _read(self) -> None:
        reader, writer = self.pages
        query = urlencode({"seen": self.seen, "was": "K02", "stamp": ""})
        writer.write(self._request(f"{self.changes}?{query}", htmx=True))
        length = 0
        while (line := (await reader.readline()).strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        body = await reader.readexactly(length)
        if body:
            marker = body.index(b'id="seen"')
            self.seen = int(body[body.index(b'value="', marker) + 7 :].split(b'"')[0])
            self.at = time.perf_counter()
            self.woken.set()

    def _request(self, path: str, *, htmx: bool = False) -> bytes:
        extra = "HX-Request: true\r\n" if htmx else ""
        return f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nCookie: {self.cookie}\r\n{extra}\r\n".encode()

    def close(self) -> None:
        """Leave the page."""
        self.writer.close()


def rows(world: worlds.World, url: str) -> list[Row]:
    """All of it; about half a minute."""
    case_id = world.started("T12", "L1", mrn="wards")
    world.do_until(case_id, "K02")
    other = world.started("L2", mrn="wards-other")
    return [
        *asyncio.run(_streams(world, url, case_id)),
        *asyncio.run(_at_once(world, url, other)),
        *_queue(world, url),
        *_switch(world, url, case_id),
        *_one_row(world, url, case_id),
    ]


def _tick(browser: Browser, case_id: UUID, seen: int) -> float:
    """Seconds until a note was acknowledged."""
    data = [("command_id", str(uuid4())), ("v_text", str(uuid4())), ("seen", str(seen)), ("was", NOTE)]
    began = time.perf_counter()
    status, body = browser.post(f"/cases/{case_id}/steps/{NOTE}/done/", data, **{"HX-Request": "true"})
    if status != 200:
        raise AssertionError(f"the tick answered {status}: {body[:200]!r}")
    return time.perf_counter() - began


async def _streams(world: worlds.World, url: str, case_id: UUID) -> list[Row]:
    """Twenty tablets on a case, two hundred open streams in all."""
    nurse = Browser(url, world.nurse)
    first = Case.objects.get(pk=case_id).last_seq
    without = []
    for number in range(40):
        without.append(await asyncio.to_thread(_tick, nurse, case_id, first + number))
        await asyncio.sleep(PAUSE)
    here = f"/cases/{case_id}/"
    tabs = [Tab(Browser(url, world.operator), f"{here}stream/", f"{here}changes/") for _ in range(WATCHING)]
    bystander = Browser(url, world.ward)
    tabs += [Tab(bystander, "/stream/") for _ in range(OPEN - WATCHING)]
    await asyncio.gather(*(tab.open() for tab in tabs))
    listening = [asyncio.ensure_future(tab.listen()) for tab in tabs]
    await asyncio.sleep(1)
    held = _connections()
    seen = Case.objects.get(pk=case_id).last_seq
    took, until_shown = [], []
    for _ in range(40):
        for tab in tabs[:WATCHING]:
            tab.woken.clear()
            tab.seen = seen
        took.append(await asyncio.to_thread(_tick, nurse, case_id, seen))
        committed = time.perf_counter()
        until_shown += await asyncio.gather(*(_shown(tab, committed) for tab in tabs[:WATCHING]))
        seen += 1
        await asyncio.sleep(PAUSE)
    for tab, task in zip(tabs, listening, strict=True):
        task.cancel()
        tab.close()
    return [
        at_most("commit to changed row, 20 tablets, 200 streams, p50", report.median(until_shown), "s", 0.2),
        at_most("commit to changed row, p99", report.percentile(until_shown, 0.99), "s", 1),
        at_most(
            "tick with 200 streams / with none, p50", report.median(took) / report.median(without), "×", 1.3
        ),
        # Eight page threads and one listener for each of the two workers: no stream has one of its own.
        at_most("connections of the server with 200 streams open", held, "", 18),
        at_most("listening connections, 2 workers", _connections(LISTENER), "", 2),
    ]


async def _shown(tab: Tab, committed: float) -> float:
    async with asyncio.timeout(10):
        await tab.woken.wait()
    return max(tab.at - committed, 0.0)


async def _at_once(world: worlds.World, url: str, case_id: UUID) -> list[Row]:
    """Three hundred tablets come back after a restart."""
    browser = Browser(url, world.nurse)
    tabs = [Tab(browser, f"/cases/{case_id}/stream/") for _ in range(AT_ONCE)]
    began = time.perf_counter()
    await asyncio.gather(*(tab.open() for tab in tabs))
    took = time.perf_counter() - began
    served = sum(tab.status == 200 for tab in tabs)
    for tab in tabs:
        tab.close()
    return [
        at_least("streams served of 300 opened at once", served, "", AT_ONCE),
        Row("300 streams opened at once", took, "s"),
    ]


def _queue(world: worlds.World, url: str) -> list[Row]:
    """A hundred ticks that waited on a tablet."""
    case_id, browser = world.started("L1", mrn="wards-queue"), Browser(url, world.nurse)
    start = datetime.now(UTC) - timedelta(minutes=30)
    items = [
        {
            "id": str(uuid4()), "case": str(case_id), "key": NOTE, "action": "done", "person": world.nurse.pk,
            "device_at": (start + timedelta(seconds=n)).isoformat(), "offset_ms": 0, "fields": [["v_text", str(n)]],
        }
        for n in range(100)
    ]  # fmt: skip
    headers = {**browser.headers, "Content-Type": "application/json"}
    began = time.perf_counter()
    for at in range(0, 100, 25):
        browser.connection.request("POST", "/outbox/", json.dumps({"items": items[at : at + 25]}), headers)
        results = json.loads(browser.connection.getresponse().read())["results"]
        if [r["result"] for r in results] != ["applied"] * 25:
            raise AssertionError(results)
    return [at_most("100 queued ticks sent", time.perf_counter() - began, "s", 5)]


def _switch(world: worlds.World, url: str, case_id: UUID) -> list[Row]:
    """From the last digit of the PIN to the case on the screen, on an enrolled tablet."""
    for name in ("nurse", "sedation"):
        worlds.give_pin(world.people[name])
        hashed = Argon2PasswordHasher().encode(worlds.PIN, "only-for-bench")  # as the real server hashes it
        Pin.objects.filter(user=world.people[name]).update(hash=hashed)
    tablet = Tablet.objects.create(unit=world.unit, name="Bench")
    _tablet, secret = tablets.enrol(tablets.new_code(tablet, None))
    times = []
    for name in ("nurse", "sedation") * 5:
        browser = Browser(url, world.people[name])
        browser.headers["Cookie"] += f"; {settings.TABLET_COOKIE_NAME}={secret}"
        data = [("user_id", world.people[name].pk), ("pin", worlds.PIN), ("next", f"/cases/{case_id}/")]
        began = time.perf_counter()
        browser.connection.request("POST", "/switch/", urlencode(data), browser.headers)
        answer = browser.connection.getresponse()
        answer.read()
        if answer.status != 302:
            raise AssertionError(f"the switch answered {answer.status}")
        cookies = "; ".join(c.split(";")[0] for c in answer.headers.get_all("Set-Cookie") or [])
        cookies += f"; {settings.TABLET_COOKIE_NAME}={secret}"
        status, _page = browser.get(f"/cases/{case_id}/", Cookie=cookies)
        if status != 200:
            raise AssertionError(f"the case answered {status} after the switch")
        times.append(time.perf_counter() - began)
    return [at_most("user switch, last digit to the case, p50", report.median(times), "s", 2)]


def _one_row(world: worlds.World, url: str, case_id: UUID) -> list[Row]:
    """What a tablet gets when one row changed."""
    browser, seen = Browser(url, world.operator), Case.objects.get(pk=case_id).last_seq
    world.do(case_id, "K03", by="nurse")
    _status, body = browser.get(f"/cases/{case_id}/changes/?seen={seen}&was=K02", **{"HX-Request": "true"})
    zipped = browser.get(
        f"/cases/{case_id}/changes/?seen={seen}&was=K02", **{"HX-Request": "true", "Accept-Encoding": "gzip"}
    )[1]
    return [
        at_most("live refresh of one row, on the wire", len(zipped) / 1000, "kB", 3),
        Row("live refresh of one row, uncompressed", len(body) / 1000, "kB"),
    ]


def _connections(name: str = "") -> int:
    """How many connections the server has, or those of that name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND (%s = '' OR application_name = %s)",
            [name, name],
        )
        return int(cursor.fetchone()[0])
