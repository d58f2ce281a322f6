"""Wake-ups between the processes. They carry no patient data; each tablet re-reads under its own rights.

`announce` sends, as part of a transaction; the `Hub` of each server process hears over one connection and wakes the
streams that are open in it. Imports none of ours.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import connection

CHANNEL = "kypho"
LISTENER = "kypho-listener"  # the name of its connection, for those who look at the database
NAMES = "names"  # sent by a trigger when the names of people or products change (migration 0004)
# With these headers a view says what its stream may hear, and the seq it begins with; they never leave the server.
TOPICS = "X-Kypho-Topics"
SEQ = "X-Kypho-Seq"
ANYTHING = ""  # the value of a wake-up after which everything may have changed
RECENT = 1000
QUIET_SECONDS = 20.0
ANSWER_SECONDS = 5.0
LONGEST_PAUSE = 10.0
AFTER_THE_ANSWER = 0.03  # seconds: what is left of a tick once it has committed, twice over

log = structlog.stdlib.get_logger("kypho.live")


def announce(unit_id: int, case_id: UUID, seq: int) -> None:
    """Wake those who show the case or its unit, once and only if the transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{unit_id}:{case_id}:{seq}"])


class Wakes:
    """The mailbox of one open stream: for each topic the last value since it was asked."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}
        self._bell = asyncio.Event()
        self.closed = False

    def put(self, topic: str, value: str) -> None:
        """Wake the stream."""
        self._waiting[topic] = value
        self._bell.set()

    def close(self) -> None:
        """End the stream."""
        self.closed = True
        self._bell.set()

    async def next(self, seconds: float) -> dict[str, str]:
        """What came in, as soon as something does; empty after so many seconds, or once it is closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        return self.taken()

    def taken(self) -> dict[str, str]:
        """What has come in by now."""
        found, self._waiting = self._waiting, {}
        if not self.closed:
            self._bell.clear()
        return found


class Hub:
    """The open streams of one process, by topic: `case:<uuid>` with the last seq as value, `unit:<id>`."""

    def __init__(self) -> None:
        self._open: dict[str, set[Wakes]] = {}
        self._recent: deque[tuple[float, str, str]] = deque(maxlen=RECENT)
        self._closed = False

    @contextmanager
    def subscribe(self, topics: Iterable[str], since: float) -> Iterator[Wakes]:
        """A mailbox for these topics. It starts with what was heard after `since` (time.monotonic()), so that
        nothing is lost between the moment in which a stream was judged and now."""
        wakes, wanted = Wakes(), set(topics)
        for heard, topic, value in self._recent:
            if heard >= since and topic in wanted:
                wakes.put(topic, value)
        for topic in wanted:
            self._open.setdefault(topic, set()).add(wakes)
        if self._closed:
            wakes.close()
        try:
            yield wakes
        finally:
            for topic in wanted:
                mates = self._open[topic]
                mates.discard(wakes)
                if not mates:
                    del self._open[topic]

    def publish(self, payload: str) -> None:
        """Wake those whom an announcement concerns. What is not one of ours is passed over."""
        unit, _, rest = payload.partition(":")
        case, _, seq = rest.partition(":")
        if not (unit and case and seq):
            return
        for topic, value in ((f"case:{case}", seq), (f"unit:{unit}", case)):
            self._recent.append((time.monotonic(), topic, value))
            for wakes in self._open.get(topic, ()):
                wakes.put(topic, value)

    def wake_all(self) -> None:
        """Wake every stream once: announcements may have been missed."""
        for topic, mates in self._open.items():
            for wakes in mates:
                wakes.put(topic, ANYTHING)

    def close(self) -> None:
        """End every stream, and each that is still to come."""
        self._closed = True
        for mates in self._open.values():
            for wakes in mates:
                wakes.close()

    async def listen(self, address: dict[str, Any], forget_names: Callable[[], None]) -> None:
        """Hear the channel until cancelled, over one connection. After a lost one every stream is woken."""
        pause, lost = 0.5, False
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**address, autocommit=True) as heard:
                    await heard.execute(f"LISTEN {CHANNEL}")
                    forget_names()
                    if lost:
                        log.info("listening again")
                        self.wake_all()
                    pause, lost = 0.5, True
                    await self._hear(heard, forget_names)
            except (psycopg.Error, OSError, TimeoutError) as problem:
                log.warning("not listening", error=type(problem).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _hear(self, heard: psycopg.AsyncConnection[Any], forget_names: Callable[[], None]) -> None:
        """Pass on what comes; after a while without anything, ask whether the database is still there."""
        while True:
            async for note in heard.notifies(timeout=QUIET_SECONDS):
                if note.payload == NAMES:
                    forget_names()
                else:  # whoever ticked is answered first; then all the others read the case at once
                    asyncio.get_running_loop().call_later(AFTER_THE_ANSWER, self.publish, note.payload)
            async with asyncio.timeout(ANSWER_SECONDS):
                await heard.execute("SELECT 1")


def address() -> dict[str, Any]:
    """How to reach the database, in the words of psycopg."""
    ours = {"context", "cursor_factory", "prepare_threshold", "client_encoding"}
    given = {name: value for name, value in connection.get_connection_params().items() if name not in ours}
    return {
        **given,
        "application_name": LISTENER,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
