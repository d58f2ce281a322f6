"""`make demo` as somebody meets it: in a folder of its own, from nothing, again, and after a bad end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.server import ROOT, environment, free_port

PARTS = ("kypho", "procedures", "templates", "static")


class Demo:
    """A copy of the project with a var/ of its own."""

    def __init__(self, folder: Path) -> None:
        for name in PARTS:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "manage.py", folder)
        self.folder = folder
        self.port = free_port()
        self.scheme = "http"
        self.output = folder / "output.txt"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self, **settings: str) -> float:
        """Start, wait for the first page, and return the seconds that took."""
        self.scheme = "https" if settings.get("HTTPS") else "http"
        began = time.monotonic()
        given = environment(**{"KYPHO_DEMO": "1", "PORT": str(self.port), "PYTHONPATH": "", **settings})
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo"],
                cwd=self.folder,
                env=given,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while True:
            try:
                answer = httpx.get(f"{self.url}/accounts/login/", timeout=5, verify=False)  # noqa: S501
                assert answer.status_code == 200
                return time.monotonic() - began
            except httpx.TransportError:
                assert self.process.poll() is None, self.output.read_text()
                assert time.monotonic() - began < 180, self.output.read_text()
                time.sleep(0.05)

    def everything(self) -> list[psutil.Process]:
        """The server, its workers, and the database."""
        assert self.process
        head = psutil.Process(self.process.pid)
        return [head, *head.children(recursive=True), *self.database()]

    def database(self) -> list[psutil.Process]:
        pid_file = self.folder / "var/postgres/postmaster.pid"
        if not pid_file.exists():
            return []
        return [psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))]

    def processor_seconds(self) -> float:
        """What the start has cost so far, without the database."""
        assert self.process
        head = psutil.Process(self.process.pid)
        times = [process.cpu_times() for process in (head, *head.children(recursive=True))]
        return sum(t.user + t.system for t in times)

    def interrupt(self) -> None:
        """Ctrl-C reaches every process of the terminal's group."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(20)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    found = Demo(tmp_path_factory.mktemp("demo"))
    found.start()
    yield found
    for process in found.everything():
        if process.is_running():
            process.kill()


def ended(processes: list[psutil.Process]) -> bool:
    """A zombie has ended, too: it was only not waited for."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
            return True
        time.sleep(0.1)
    return False


def test_it_prints_where_it_is_and_who_may_sign_in(demo: Demo) -> None:
    from procedures.demo import LOGINS, PASSWORD

    text = demo.output.read_text()
    assert f"http://localhost:{demo.port}" in text
    assert PASSWORD in text
    assert all(username in text for username, _ in LOGINS)


def test_the_demo_log_ins_work_and_see_cases(demo: Demo) -> None:
    from procedures.demo import LOGINS, PASSWORD

    for username, _ in LOGINS:
        with httpx.Client(base_url=demo.url, follow_redirects=True) as client:
            client.get("/accounts/login/")
            form = {"login": username, "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrf"]}
            answer = client.post("/accounts/login/", data=form)
            assert answer.status_code == 200, username
            assert "/accounts/login/" not in str(answer.url), username


def test_a_taken_port_is_told_in_one_line(demo: Demo) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        given = environment(KYPHO_DEMO="1", PORT=str(port))
        command = [sys.executable, "manage.py", "demo"]
        result = subprocess.run(
            command, cwd=demo.folder, env=given, capture_output=True, text=True, check=False
        )
    assert result.returncode == 1
    assert result.stderr == (
        f"CommandError: Port {port} cannot be used (Address already in use); choose another with PORT={port + 1}.\n"
    )


def test_ctrl_c_stops_everything_and_the_next_start_is_quick_and_keeps_the_data(demo: Demo) -> None:
    everything = demo.everything()
    assert len(everything) >= 4
    demo.interrupt()
    assert ended(everything)
    demo.start()
    # The target is 5 s on a quiet machine (`make bench` measures it); work done counts the same on a busy one.
    assert demo.processor_seconds() < 5
    assert "Loading" not in demo.output.read_text(), "the data is kept, not loaded again"


def test_it_comes_back_after_kill_9_of_everything(demo: Demo) -> None:
    for process in demo.everything():
        process.kill()
    assert demo.process
    demo.process.wait(5)
    demo.start()


def test_it_serves_https_for_tablets_with_cookies_that_only_travel_so(demo: Demo) -> None:
    demo.interrupt()
    demo.start(HTTPS="1", HOST="127.0.0.1")
    answer = httpx.get(f"{demo.url}/accounts/login/", verify=False)  # noqa: S501
    assert answer.headers["set-cookie"].startswith("__Host-csrf=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "strict-transport-security" not in answer.headers, (
        "a self-signed localhost is not pinned for a year"
    )
