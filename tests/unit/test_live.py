"""Mailboxes, topics and open streams, without a database or a server."""

import asyncio
import time
from typing import Any

import pytest

from kypho import streams
from procedures.live import SEQ, TOPICS, Hub

CASE = "0a0a0a0a-0000-4000-8000-000000000001"
NOTE = f"7:{CASE}:12"


class Line:
    """A browser at the end of a stream."""

    def __init__(self) -> None:
        self.text = ""
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.gone = asyncio.Event()
        self.over = False

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.text += message["body"].decode()
            self.over = not message.get("more_body")


def judged(*topics: str, status: int = 200, seq: int = 5) -> Any:
    """What Django says to everybody who knocks."""
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"content-length", b"0"),
        (TOPICS.lower().encode(), " ".join(topics).encode()),
        (SEQ.lower().encode(), str(seq).encode()),
    ]

    async def judge(_scope: Any) -> list[Any]:
        return [
            {"type": "http.response.start", "status": status, "headers": headers},
            {"type": "http.response.body", "body": b""},
        ]

    return judge


async def opened(app: streams.Streams, **scope: Any) -> tuple[Line, asyncio.Task[None]]:
    line = Line()
    task = asyncio.ensure_future(app({"type": "http", "method": "GET", **scope}, line.receive, line.send))
    await asyncio.sleep(0.02)
    return line, task


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is spread."""
    monkeypatch.setattr(streams, "SPREAD_SECONDS", 0.0)
    monkeypatch.setattr(streams, "QUIET_SECONDS", 0.0)


def test_a_stream_says_hello_and_passes_on_what_concerns_it() -> None:
    async def play() -> tuple[str, str]:
        hub = Hub()
        app = streams.Streams(judged(f"case:{CASE}"), hub)
        line, _task = await opened(app)
        hub.publish(NOTE)
        hub.publish(NOTE.replace("0001:12", "0002:40"))
        await asyncio.sleep(0.02)
        said = line.text
        line.gone.set()
        await asyncio.sleep(0.02)
        hub.publish(f"7:{CASE}:13")
        await asyncio.sleep(0.02)
        assert line.over
        assert line.headers[b"x-accel-buffering"] == b"no"
        assert not {b"content-length", TOPICS.lower().encode(), SEQ.lower().encode()} & line.headers.keys()
        return said, line.text

    said, after = asyncio.run(play())
    assert said == "retry: 2000\nevent: hello\ndata: 5\n\nevent: changed\ndata: 12\n\n"
    assert after == said, "who has gone hears nothing"


def test_many_wake_ups_at_once_are_one_and_the_last_counts() -> None:
    async def play() -> str:
        hub = Hub()
        line, _task = await opened(streams.Streams(judged(f"case:{CASE}"), hub))
        for seq in range(6, 90):
            hub.publish(f"7:{CASE}:{seq}")
        await asyncio.sleep(0.02)
        return line.text

    assert asyncio.run(play()).endswith("data: 5\n\nevent: changed\ndata: 89\n\n")


def test_today_hears_its_units_and_no_other() -> None:
    async def play() -> str:
        hub = Hub()
        line, _task = await opened(streams.Streams(judged("unit:7", "unit:8"), hub))
        hub.publish(NOTE.replace("7:", "9:", 1))
        await asyncio.sleep(0.02)
        assert "changed" not in line.text
        hub.publish(NOTE)
        await asyncio.sleep(0.02)
        return line.text

    assert asyncio.run(play()).endswith("event: changed\ndata: 0\n\n")


def test_what_was_announced_while_a_stream_was_judged_is_not_lost() -> None:
    async def play() -> str:
        hub = Hub()
        hub.publish(f"7:{CASE}:3")
        await asyncio.sleep(0.01)
        answer = judged(f"case:{CASE}")

        async def judge(scope: Any) -> Any:
            hub.publish(NOTE)
            return await answer(scope)

        line, _task = await opened(streams.Streams(judge, hub))
        return line.text

    assert asyncio.run(play()).endswith("data: 5\n\nevent: changed\ndata: 12\n\n")


def test_after_a_lost_connection_everybody_is_woken_once() -> None:
    async def play() -> list[str]:
        hub = Hub()
        lines = [(await opened(streams.Streams(judged(t), hub)))[0] for t in (f"case:{CASE}", "unit:7")]
        hub.wake_all()
        await asyncio.sleep(0.05)
        return [line.text for line in lines]

    assert all(text.count("event: changed\ndata: 0\n\n") == 1 for text in asyncio.run(play()))


def test_a_server_that_stops_ends_its_streams_and_takes_no_more() -> None:
    async def play() -> None:
        hub = Hub()
        app = streams.Streams(judged(f"case:{CASE}"), hub)
        first, task = await opened(app)
        hub.close()
        await asyncio.wait_for(task, 1)
        second, task = await opened(app)
        await asyncio.wait_for(task, 1)
        assert first.over
        assert second.over

    asyncio.run(play())


def test_who_may_not_hear_gets_the_answer_of_the_view() -> None:
    async def play() -> Line:
        line, task = await opened(streams.Streams(judged("", status=401), Hub()))
        await task
        return line

    line = asyncio.run(play())
    assert (line.status, line.text, line.over) == (401, "", True)


def test_so_many_are_judged_at_a_time() -> None:
    async def play() -> int:
        inside = most = 0
        answer = judged("unit:1")

        async def judge(scope: Any) -> Any:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.005)
            inside -= 1
            return await answer(scope)

        app = streams.Streams(judge, Hub())
        began = time.monotonic()
        lines = await asyncio.gather(*(opened(app) for _ in range(40)))
        await asyncio.sleep(0.1)
        assert time.monotonic() - began < 2
        assert all("hello" in line.text for line, _task in lines)
        return most

    assert asyncio.run(play()) == streams.DOORS


def test_a_mailbox_forgets_when_its_stream_ends() -> None:
    hub = Hub()
    with hub.subscribe(["unit:1", "unit:2"], 0.0):
        assert len(hub._open) == 2
    assert not hub._open


@pytest.mark.parametrize("payload", ["", "x", "1:2", "::", "7::3"])
def test_what_is_not_an_announcement_wakes_nobody(payload: str) -> None:
    async def play() -> dict[str, str]:
        hub = Hub()
        with hub.subscribe(["case:", "unit:7", "unit:1", "unit:"], 0.0) as wakes:
            hub.publish(payload)
            return wakes.taken()

    assert asyncio.run(play()) == {}
