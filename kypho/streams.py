"""Server-sent events. A stream's request is judged as any page is (session, rights, 404); then it is held open here,
without a thread and without a connection to the database: it costs a mailbox (ADR 0026)."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from procedures.live import ANYTHING, SEQ, TOPICS, Hub, Wakes

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]

# After a restart every tablet knocks at once: so many are judged at a time, the pages in between keep their threads.
DOORS = 4
BEAT_SECONDS = 15.0
# Then the tablet comes again and its rights are judged anew; spread, so that not all come at once.
LIFE_SECONDS = (480.0, 600.0)
SPREAD_SECONDS = 0.8
QUIET_SECONDS = 1.0
OWN = {TOPICS.lower().encode(), SEQ.lower().encode(), b"content-length", b"content-encoding"}


class Streams:
    """Holds the streams of this process open and passes wake-ups on."""

    def __init__(self, judge: Callable[[Scope], Awaitable[list[Message]]], hub: Hub) -> None:
        self._judge = judge
        self._hub = hub
        self._doors = asyncio.Semaphore(DOORS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        since = time.monotonic()
        async with self._doors:
            answer = await self._judge(scope)
        start = answer[0]
        headers = dict(start["headers"])
        topics = headers.get(TOPICS.lower().encode(), b"").decode().split()
        if start["status"] != 200 or not topics or scope["method"] != "GET":
            for message in answer:
                await send(message)
            return
        kept = [(name, value) for name, value in start["headers"] if name.lower() not in OWN]
        await send({**start, "headers": [*kept, (b"x-accel-buffering", b"no")]})
        with self._hub.subscribe(topics, since) as wakes:
            watch = asyncio.ensure_future(_until_gone(receive, wakes))
            try:
                await _run(wakes, send, headers.get(SEQ.lower().encode(), b"0").decode())
            finally:
                watch.cancel()


async def _until_gone(receive: Receive, wakes: Wakes) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    wakes.close()


async def _run(wakes: Wakes, send: Send, seq: str) -> None:
    """Say hello with the last seq, then pass on each wake-up; a beat in between shows that the line is alive."""
    until = time.monotonic() + random.uniform(*LIFE_SECONDS)  # noqa: S311 - no secret, only spread
    await _say(send, "hello", seq, retry=True)
    while not wakes.closed and time.monotonic() < until:
        heard = await wakes.next(BEAT_SECONDS)
        found = {topic: value for topic, value in heard.items() if not _is_known(value, seq)}
        if heard and not found:
            continue
        crowd = [topic for topic, value in found.items() if topic.startswith("unit:") or value == ANYTHING]
        if crowd and not wakes.closed:
            await asyncio.sleep(random.random() * SPREAD_SECONDS)  # noqa: S311
            found |= wakes.taken()
        if found:
            case = next((value for topic, value in found.items() if topic.startswith("case:")), "")
            await _say(send, "changed", case or "0")
        elif not wakes.closed:
            await _say(send, "beat", "0")
        if crowd:
            await asyncio.sleep(QUIET_SECONDS)
    await send({"type": "http.response.body", "body": b""})


def _is_known(value: str, seq: str) -> bool:
    """Whether that is an event which the page has from the beginning: it is heard of a little later than it happens."""
    return value.isdigit() and int(value) <= int(seq)


async def _say(send: Send, event: str, data: str, *, retry: bool = False) -> None:
    text = f"{'retry: 2000\n' if retry else ''}event: {event}\ndata: {data}\n\n"
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
