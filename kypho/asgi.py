"""The only server entry: sends each request to the right kind of worker and never lets a page wait for ever.

* `/livez` is answered here: it says that this process runs, whatever the database does.
* Static files are sent from memory of their names, compressed beforehand.
* Streams are judged as a page is and then held open without a thread (kypho/streams.py).
* Exports, PDF and statistics go to a small pool of threads of their own; one whose reader goes away ends early.
* Every other page goes to a bounded pool of threads, with a deadline to the first byte. After it the person gets a
  plain page (503), and the work runs to its end into nothing: cancelling would lose the thread for good, and a
  commit that lands late is found again by its command_id. What has not begun by then is never begun.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any
from wsgiref.headers import Headers

import structlog
from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import Resolver404, get_resolver, resolve
from servestatic import ServeStaticASGI

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kypho.settings")

from kypho.headers import BARE
from kypho.logs import DEADLINES
from kypho.streams import Message, Receive, Scope, Send, Streams
from procedures.live import Hub, address

type App = Callable[[Any, Any, Any], Awaitable[None]]

DEADLINE_SECONDS = 6.0
BODY_SECONDS = 30.0
BODY_BYTES = 2 * 1024 * 1024

# Which paths are slow on purpose; one place.
STREAM_SUFFIX = "/stream/"
EXPORT_PARTS = ("/export/", "/statistics/")

EXPIRED = "kypho.expired"
GONE = "kypho.gone"

log = structlog.stdlib.get_logger("kypho.server")


class BodyTooLarge(Exception):
    """The request's body is larger than BODY_BYTES."""


class Gone(Exception):
    """The client went away before its request was complete."""


class Pool:
    """Django in a bounded number of threads. What expired while it waited for a thread is not begun."""

    def __init__(self, django: Callable[..., Iterable[bytes]], threads: int) -> None:
        self._django = django
        self._threads = WSGIMiddleware(self._unless_expired, workers=threads)  # type: ignore[arg-type]

    def _unless_expired(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        scope = environ["asgi.scope"]
        if scope.get(EXPIRED) or scope.get(GONE):
            start_response("503 Service Unavailable", [])
            return []
        return WhileThere(self._django(environ, start_response), scope)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._threads(scope, receive, send)  # type: ignore[arg-type]


class WhileThere:
    """The pieces of an answer, until its reader has gone. Closing it closes the answer."""

    def __init__(self, pieces: Iterable[bytes], scope: Scope) -> None:
        self._pieces = pieces
        self._scope = scope

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if self._scope.get(GONE):
                return
            yield piece

    def close(self) -> None:
        """Let go of what makes the pieces."""
        getattr(self._pieces, "close", lambda: None)()


class Deadline:
    """Give a page so many seconds to its first byte; then answer 503 and let the work run out."""

    def __init__(self, app: App, seconds: float) -> None:
        self._app = app
        self._seconds = seconds
        self._draining: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def gate(message: Message) -> None:
            nonlocal begun
            if scope.get(EXPIRED):
                return
            begun = True
            await send(message)

        work = asyncio.ensure_future(self._app(scope, receive, gate))
        await asyncio.wait({work}, timeout=self._seconds)
        if work.done() or begun:
            await work
            return
        scope[EXPIRED] = True
        self._draining.add(work)
        work.add_done_callback(self._drained)
        DEADLINES.inc()
        log.warning("deadline", method=scope["method"], route=route(scope["path"]), seconds=self._seconds)
        await plain(send, 503, TOO_LATE, {"Retry-After": "2"})

    def _drained(self, work: asyncio.Task[None]) -> None:
        self._draining.discard(work)
        if not work.cancelled() and (problem := work.exception()):
            log.error("failed after the deadline", exc_info=problem)


TOO_LATE = (
    "The server did not answer in time",
    "Your last entry may or may not have been kept. Send it again in a moment; it is recorded only once.",
)
TOO_LARGE = ("That is too much to send at once", "Shorten what you entered and send it again.")
TOO_SLOW = ("The request did not arrive completely", "Check the network, then try again.")
MALFORMED = ("The request is malformed", "Go back, reload the page and try again.")


async def plain(send: Send, status: int, words: tuple[str, str], extra: dict[str, str] | None = None) -> None:
    """Send a small page that needs neither Django nor the database."""
    title, advice = words
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><h1>{title}</h1><p>{advice}</p></html>"
    ).encode()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(len(page)),
        "Cache-Control": "no-store",
        **BARE,
        **(extra or {}),
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": page})


def route(path: str) -> str:
    """The pattern of a path, for the log; the path itself is never logged."""
    try:
        return resolve(path).route or "/"
    except Resolver404:
        return "(none)"


async def whole_body(receive: Receive) -> bytes:
    """Read the body, so that no thread waits for a slow network. Raises BodyTooLarge, Gone, TimeoutError."""
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            body += message.get("body", b"")
            if len(body) > BODY_BYTES:
                raise BodyTooLarge
            if not message.get("more_body"):
                return bytes(body)


def replay(body: bytes) -> Receive:
    """A `receive` that hands over a body that has been read already."""
    parts: AsyncIterator[Message] = _once({"type": "http.request", "body": body, "more_body": False})

    async def receive() -> Message:
        return await anext(parts, {"type": "http.disconnect"})

    return receive


async def note_leaving(scope: Scope, receive: Receive) -> None:
    """Write into the scope that the reader has gone, where a long answer looks (`WhileThere`, the export's pages)."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope[GONE] = True


async def _once(message: Message) -> AsyncIterator[Message]:
    yield message


def cleaned(scope: Scope, length: int) -> Scope:
    """The request as Django may see it: no header that hides behind an underscore, the true length of the body."""
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if b"_" not in name and name not in {b"content-length", b"transfer-encoding"}
    ]
    headers.append((b"content-length", str(length).encode()))
    return {**scope, "headers": headers}


class Kypho:
    """The whole server as one ASGI application."""

    def __init__(self) -> None:
        django = get_wsgi_application()
        self._exports: App = Pool(django, settings.EXPORT_THREADS)
        self._pages: App = Deadline(Pool(django, settings.PAGE_THREADS), DEADLINE_SECONDS)
        self._hub = Hub()
        self._streams: App = Streams(self._judge, self._hub)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif scope["path"] == "/livez":
            await plain(send, 200, ("Alive", "This process answers."))
        elif scope["path"].endswith(STREAM_SUFFIX):
            await self._streams(scope, receive, send)
        else:
            await self._page(scope, receive, send)

    async def _judge(self, scope: Scope) -> list[Message]:
        """What Django says to a request without a body."""
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._pages(cleaned(scope, 0), replay(b""), keep)
        return answer

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["query_string"].isascii():
            await plain(send, 400, MALFORMED)
            return
        try:
            body = await whole_body(receive)
        except BodyTooLarge:
            await plain(send, 413, TOO_LARGE, {"Connection": "close"})
            return
        except TimeoutError:
            await plain(send, 408, TOO_SLOW, {"Connection": "close"})
            return
        except Gone:
            return
        seen = cleaned(scope, len(body))
        if not any(part in scope["path"] for part in EXPORT_PARTS):
            await self._pages(seen, replay(body), send)
            return
        watch = asyncio.create_task(note_leaving(seen, receive))
        try:
            await self._exports(seen, replay(body), send)
        finally:
            watch.cancel()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        warm_up()
        if parent := os.environ.get("KYPHO_SUPERVISOR"):
            threading.Thread(target=_end_with, args=[int(parent)], daemon=True).start()
        from procedures.directory import forget  # models can be imported only once Django is set up

        listener = asyncio.create_task(self._hub.listen(address(), forget))
        _before_the_end(self._hub.close)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        listener.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def warm_up() -> None:
    """Import the whole map of URLs now, not while the first nurse waits."""
    getattr(get_resolver(), "url_patterns")  # noqa: B009


def _before_the_end(close: Callable[[], None]) -> None:
    """End the streams at the signal to stop: the server waits for every open answer before it says goodbye to us."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def handle(sign: int, frame: FrameType | None, before: Any = before) -> None:
            loop.call_soon_threadsafe(close)
            if callable(before):
                before(sign, frame)

        signal.signal(number, handle)


def _end_with(parent: int) -> None:
    """Stop this worker once its supervisor is gone (kill -9), so that it does not keep the port."""
    while os.getppid() == parent:
        time.sleep(0.5)
    with suppress(ProcessLookupError):
        os.kill(os.getpid(), signal.SIGTERM)


def _hardened(headers: Headers, _path: str, _url: str) -> None:
    for name, value in BARE.items():
        headers[name] = value


def with_static_files(app: App) -> App:
    """Put the compressed and hashed files of the interface in front; hashed names are cached for ever."""
    return ServeStaticASGI(  # type: ignore[no-any-return]
        app,
        root=settings.STATIC_ROOT if settings.STATIC_ROOT.exists() else None,
        prefix=settings.STATIC_URL,
        autorefresh=settings.DEBUG,
        max_age=0 if settings.DEBUG else 3600,
        allow_all_origins=False,
        add_headers_function=_hardened,
        immutable_file_test=r"\.[0-9a-f]{12}\.",
    )


application = with_static_files(Kypho())
