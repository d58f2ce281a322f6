"""Run the server: `python -m kypho.serve`. Needs no Django itself, so that the supervisor stays small."""

import argparse
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import uvicorn

METRICS_DIR = Path(__file__).resolve().parent.parent / "var" / "metrics"


class PortTaken(Exception):
    """Another program listens there; the text says what to do."""


def whole_number(name: str, default: int, low: int, high: int) -> int:
    """A number from the environment. Raises SystemExit with a sentence that names what is allowed."""
    value = os.environ.get(name) or str(default)
    if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
        raise SystemExit(f"{name} is {value!r}; allowed: a whole number from {low} to {high}.")
    return int(value)


def check_port(host: str, port: int, patience: float = 3.0) -> None:
    """Raise PortTaken when the port stays taken (workers of a killed server need a second to go)."""
    deadline = time.monotonic() + patience
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return
            except OSError as problem:
                if time.monotonic() > deadline:
                    raise PortTaken(
                        f"Port {port} cannot be used ({problem.strerror}); choose another with PORT={port + 1}."
                    ) from None
        time.sleep(0.2)


def serve(
    host: str, port: int, *, workers: int = 2, tls: tuple[Path, Path] | None = None, reload: bool = False
) -> None:
    """Serve until SIGINT or SIGTERM. `tls` is the certificate and its key. Raises PortTaken."""
    check_port(host, port)
    shutil.rmtree(METRICS_DIR, ignore_errors=True)
    METRICS_DIR.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS_DIR)
    os.environ.pop("DATABASE_AS_OWNER", None)  # the workers are the app, never the owner
    if workers > 1 or reload:
        os.environ["KYPHO_SUPERVISOR"] = str(os.getpid())
    options: dict[str, Any] = {"reload": True, "reload_dirs": ["kypho", "procedures"]} if reload else {}
    uvicorn.run(
        "kypho.asgi:application",
        host=host,
        port=port,
        workers=None if reload else workers,
        ssl_certfile=tls and str(tls[0]),
        ssl_keyfile=tls and str(tls[1]),
        access_log=False,  # kypho.logs writes a line for each answer, without paths
        log_config=None,
        proxy_headers=False,  # Django reads them itself, and only when TRUSTED_PROXY_COUNT says so
        server_header=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=20,
        **options,
    )


def options() -> argparse.Namespace:
    """The command line; what it leaves out comes from the environment."""
    parser = argparse.ArgumentParser(prog="python -m kypho.serve", description="Serve Kypho.")
    parser.add_argument("--host", default=os.environ.get("HOST") or "0.0.0.0")
    parser.add_argument("--tls", nargs=2, type=Path, metavar=("CERTIFICATE", "KEY"))
    parser.add_argument("--embedded", action="store_true", help="hold the embedded PostgreSQL while serving")
    parser.add_argument("--reload", action="store_true", help="start again whenever a Python file changes")
    return parser.parse_args()


def main() -> None:
    """Serve as the command line and the environment say."""
    given = options()
    port = whole_number("PORT", 8000, 1, 65535)
    workers = whole_number("WORKERS", 2, 1, 64)
    try:
        with _embedded() if given.embedded else nullcontext():
            serve(given.host, port, workers=workers, tls=given.tls, reload=given.reload)
    except PortTaken as problem:
        raise SystemExit(str(problem)) from None


@contextmanager
def _embedded() -> Iterator[None]:
    from kypho import database

    database.start()
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not leave the database running
            signal.signal(number, signal.SIG_IGN)
        database.stop()


if __name__ == "__main__":
    main()
