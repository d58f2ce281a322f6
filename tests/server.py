"""The real server as a process of its own, for tests that need threads, streams, deadlines or a browser."""

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from django.db import connection

from kypho import database
from tests.settings import FOLDER

ROOT = Path(__file__).resolve().parent.parent
MOVED = ROOT / "tests" / "moved"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**changes: str) -> dict[str, str]:
    """The environment for a program under test: ours without any setting of Kypho, plus `changes`."""
    ours = ("DATABASE_", "KYPHO_", "SECRET_", "DJANGO_", "PYTHONDONTWRITEBYTECODE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**kept, "PYTHONPATH": str(ROOT), **changes}


def address() -> str:
    """The test database's address for a server under test, as kypho_app; only while the test database exists."""
    return database.url("kypho_app", FOLDER, connection.settings_dict["NAME"])


def collected(folder: Path) -> str:
    """Collect the files of the interface into a folder; its name is for STATIC_ROOT."""
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"]
    subprocess.run(command, cwd=ROOT, env=environment(KYPHO_DEMO="1", STATIC_ROOT=str(folder)), check=True)
    return str(folder)


class Server:
    """`with Server(database_url, static_root) as server:` serves at `server.url` until the block ends."""

    def __init__(self, database_url: str, static_root: str, *, workers: int = 2, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = ROOT / "var" / f"test-server-{self.port}.log"
        self.settings = {
            "DATABASE_URL": database_url,
            "SECRET_KEY": os.environ["SECRET_KEY"],
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "STATIC_ROOT": static_root,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WORKERS": str(workers),
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, ago: timedelta = timedelta(0)) -> None:
        """Start, on a clock that is `ago` behind, and wait until it answers. Raises AssertionError with its log."""
        moved = (
            {"TESTS_CLOCK_MOVED_BY": str(-ago.total_seconds()), "PYTHONPATH": f"{MOVED}:{ROOT}"}
            if ago
            else {}
        )
        command = [sys.executable, "-m", "kypho.serve"]
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment(**self.settings, **moved),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/livez", timeout=1).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def stop(self) -> None:
        """Stop as Ctrl-C does, and wait."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """kill -9 of the supervisor and its workers."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(15)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None:
            self.log.unlink(missing_ok=True)
