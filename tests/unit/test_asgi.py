"""The deadline, the pools and the limits of kypho/asgi.py, without a database."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from kypho import asgi

N = 3


def scope(path: str = "/", **changes: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [],
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
        **changes,
    }


class Client:
    """Sends one request to an ASGI application and keeps what comes back."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks or [b""])
        self.messages: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        if not self.chunks:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": self.chunks.pop(0), "more_body": bool(self.chunks)}

    async def send(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages[1:])


async def ask(app: Any, request: dict[str, Any], *chunks: bytes) -> Client:
    client = Client(*chunks)
    await app(request, client.receive, client.send)
    return client


class Django:
    """A stand-in that works as long as it is told to, and counts."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.begun = 0
        self.seen: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.begun += 1
        self.seen.append(environ)
        if environ["PATH_INFO"] == "/slow":
            self.release.wait(10)
        start_response("200 OK", [])
        return [b"page ", environ["wsgi.input"].read()]


def test_after_the_deadline_every_worker_is_free_again_and_what_waited_never_began() -> None:
    django = Django()
    app = asgi.Deadline(asgi.Pool(django, N), 0.3)

    async def play() -> tuple[list[Client], float, list[Client]]:
        late = await asyncio.gather(*(ask(app, scope("/slow")) for _ in range(2 * N)))
        assert django.begun == N
        django.release.set()
        began = time.monotonic()
        fresh = await asyncio.gather(*(ask(app, scope("/quick")) for _ in range(N)))
        return late, time.monotonic() - began, fresh

    late, seconds, fresh = asyncio.run(play())
    assert [c.status for c in late] == [503] * 2 * N
    assert all(b"did not answer in time" in c.body for c in late)
    assert all(len(c.messages) == 2 for c in late), "nothing of the drained work may follow the 503"
    assert [c.status for c in fresh] == [200] * N
    assert seconds < 0.3
    assert django.begun == 2 * N, "those that had expired in the queue are not begun"


def test_a_response_that_has_begun_is_never_cut() -> None:
    def slow_body(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        yield b"first "
        time.sleep(0.4)
        yield b"last"

    client = asyncio.run(ask(asgi.Deadline(asgi.Pool(slow_body, 1), 0.1), scope()))
    assert (client.status, client.body) == (200, b"first last")


def test_an_error_after_the_deadline_is_logged_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        time.sleep(0.2)
        raise RuntimeError

    async def play() -> Client:
        client = await ask(asgi.Deadline(asgi.Pool(broken, 1), 0.05), scope())
        await asyncio.sleep(0.4)
        return client

    assert asyncio.run(play()).status == 503
    assert "failed after the deadline" in caplog.text


def test_the_body_is_read_before_a_thread_is_taken() -> None:
    body = asyncio.run(asgi.whole_body(Client(b"ab", b"cd", b"").receive))
    assert body == b"abcd"


def test_a_body_beyond_the_limit_is_refused() -> None:
    big = b"x" * (asgi.BODY_BYTES // 2 + 1)
    client = asyncio.run(ask(asgi.Kypho(), scope("/", method="POST"), big, big))
    assert client.status == 413


def test_a_client_that_leaves_in_the_middle_gets_nothing_and_runs_nothing() -> None:
    client = Client(b"half")

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    client.receive = receive  # type: ignore[method-assign]
    asyncio.run(asgi.Kypho()(scope("/", method="POST"), client.receive, client.send))
    assert client.messages == []


def test_a_query_that_is_not_ascii_is_refused_and_not_an_error() -> None:
    client = asyncio.run(ask(asgi.Kypho(), scope("/", query_string=b"q=\xff")))
    assert client.status == 400


def test_alive_needs_neither_thread_nor_database() -> None:
    client = asyncio.run(ask(asgi.Kypho(), scope("/livez")))
    assert client.status == 200
    assert dict(client.messages[0]["headers"])[b"cache-control"] == b"no-store"


def test_headers_behind_an_underscore_and_false_lengths_do_not_reach_django() -> None:
    django = Django()
    request = scope(
        headers=[
            (b"x_forwarded_for", b"10.0.0.1"),
            (b"x-forwarded-for", b"192.0.2.7"),
            (b"content-length", b"999"),
            (b"transfer-encoding", b"chunked"),
        ]
    )
    pool = asgi.Pool(django, 1)
    asyncio.run(pool(asgi.cleaned(request, 4), asgi.replay(b"body"), Client().send))
    seen = django.seen[0]
    assert seen["HTTP_X_FORWARDED_FOR"] == "192.0.2.7"
    assert seen["CONTENT_LENGTH"] == "4"
    assert "HTTP_TRANSFER_ENCODING" not in seen


@pytest.mark.parametrize("path", ["/cases/1/export/csv/", "/caselog/statistics/"])
def test_exports_have_threads_of_their_own(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    went: list[str] = []
    app = asgi.Kypho()

    def note(name: str) -> Any:
        async def noted(*_: Any) -> None:
            went.append(name)

        return noted

    for name in ("_exports", "_pages", "_streams"):
        monkeypatch.setattr(app, name, note(name))
    asyncio.run(ask(app, scope(path)))
    asyncio.run(ask(app, scope("/today/stream/")))
    asyncio.run(ask(app, scope("/today/")))
    assert went == ["_exports", "_streams", "_pages"]


class Leaving(Client):
    """A reader who goes away after so many pieces."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after
        self.left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self.chunks:
            return await super().receive()
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await super().send(message)
        if len(self.messages) == self.after + 1:
            self.left.set()


def test_a_long_answer_ends_when_its_reader_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    made, closed = [], []

    class Answer:
        def __iter__(self) -> Any:
            for number in range(1000):
                made.append(number)
                time.sleep(0.002)
                yield b"piece"

        def close(self) -> None:
            closed.append(True)

    def django(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        start_response("200 OK", [])
        return Answer()

    server = asgi.Kypho.__new__(asgi.Kypho)
    monkeypatch.setattr(server, "_exports", asgi.Pool(django, 1), raising=False)

    async def play(client: Client) -> None:
        await server._page(scope("/log/export/x/file/"), client.receive, client.send)

    asyncio.run(play(Leaving(after=3)))
    assert 3 <= len(made) < 100
    assert closed == [True]
