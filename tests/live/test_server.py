"""The real server on a real database: what a monitor, a browser and a bad day get from it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from kypho import asgi, database
from tests.server import ROOT, Server, address, environment


def test_alive_and_ready(server: Server) -> None:
    assert httpx.get(f"{server.url}/livez").status_code == 200
    ready = httpx.get(f"{server.url}/readyz")
    assert ready.status_code == 200
    # The tests' server has fsync off on purpose, and the page says so.
    assert ready.json() == {
        "database": "there",
        "safe": False,
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
    }


HARD = {
    "permissions-policy",
    "cross-origin-resource-policy",
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
}


@pytest.mark.parametrize(
    "path",
    ["/livez", "/readyz", "/accounts/login/", "/no/such/page", "/?q=%00", "/static/admin/css/base.css"],
)
def test_every_answer_is_hardened(server: Server, path: str) -> None:
    answer = httpx.get(server.url + path)
    assert set(answer.headers) >= HARD
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "server" not in answer.headers


def test_files_of_the_interface_are_hashed_compressed_and_kept_for_ever(
    server: Server, static_files: str
) -> None:
    found = next(Path(static_files).glob("admin/css/base.????????????.css"))
    answer = httpx.get(f"{server.url}/static/admin/css/{found.name}", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert int(answer.headers["content-length"]) < found.stat().st_size / 2


def test_pages_are_compressed(server: Server) -> None:
    answer = httpx.get(f"{server.url}/accounts/login/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("path", ["/accounts/login/", "/no/such/page"])
def test_too_large_a_body_is_refused(server: Server, path: str) -> None:
    answer = httpx.post(server.url + path, content=b"x" * (asgi.BODY_BYTES + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path", ["signup/", "password/reset/", "email/", "login/code/", "password/reset/key/1-2/"]
)
def test_nobody_signs_up_and_nothing_sends_mail(server: Server, path: str) -> None:
    for method in ("GET", "POST"):
        assert httpx.request(method, f"{server.url}/accounts/{path}").status_code in {403, 404}


def test_the_admin_has_no_door_of_its_own(server: Server) -> None:
    answer = httpx.get(f"{server.url}/admin/login/?next=/admin/")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/accounts/login/")


def test_metrics_need_the_token(server: Server) -> None:
    assert httpx.get(f"{server.url}/metrics").status_code == 404


def test_metrics_count_all_workers_and_name_routes_only(transactional_db: None, static_files: str) -> None:
    with Server(address(), static_files, METRICS_TOKEN="of-the-monitor") as server:
        for _ in range(20):
            httpx.get(f"{server.url}/readyz?who=Anna")
        assert (
            httpx.get(f"{server.url}/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
        )
        answer = httpx.get(f"{server.url}/metrics", headers={"Authorization": "Bearer of-the-monitor"})
    assert 'kypho_requests_total{method="GET",route="readyz",status="200"} 20.0' in answer.text
    assert "Anna" not in answer.text


def test_the_log_names_routes_and_holds_nothing_that_was_sent(own_server: Server) -> None:
    marker = "Zzyzx"
    httpx.get(f"{own_server.url}/readyz?patient={marker}")
    httpx.get(f"{own_server.url}/{marker}/")
    httpx.post(f"{own_server.url}/accounts/login/", data={"username": marker, "password": marker})
    httpx.get(f"{own_server.url}/readyz", headers={"X-Request-ID": "of-the-proxy-1"})
    own_server.stop()
    log = own_server.log.read_text()
    assert '"route": "readyz"' in log
    assert '"request_id": "of-the-proxy-1"' in log
    assert marker not in log


def still_running(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that run after so many seconds; one that has ended but was not waited for (a zombie) has ended."""
    deadline = time.monotonic() + seconds
    while True:
        left = [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def test_a_forgotten_supervisor_leaves_no_workers_behind(own_server: Server) -> None:
    assert own_server.process
    workers = psutil.Process(own_server.process.pid).children(recursive=True)
    os.kill(own_server.process.pid, signal.SIGKILL)
    own_server.process.wait(5)
    assert still_running(workers, 5) == []
    own_server.start()


def test_ctrl_c_stops_everything(own_server: Server) -> None:
    assert own_server.process
    workers = psutil.Process(own_server.process.pid).children(recursive=True)
    began = time.monotonic()
    own_server.stop()
    assert time.monotonic() - began < 6
    assert still_running(workers, 1) == []


@pytest.fixture(scope="module")
def lone_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A database of its own, to be frozen and killed."""
    folder = tmp_path_factory.mktemp("lone") / "data"
    database.start(folder, durable=False)
    yield folder
    database.stop(folder)


def postmaster(folder: Path) -> psutil.Process:
    return psutil.Process(int((folder / "postmaster.pid").read_text().split("\n", 1)[0]))


@contextmanager
def frozen(folder: Path) -> Iterator[None]:
    """Every process of the database stands still, as on a machine whose disk hangs."""
    head = postmaster(folder)
    everybody = [head, *head.children()]
    for process in everybody:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in everybody:
            process.send_signal(signal.SIGCONT)


def test_a_frozen_database_costs_a_person_seven_seconds_at_most_and_no_thread(
    lone_database: Path, static_files: str
) -> None:
    with (
        Server(database.url("kypho_app", lone_database), static_files, workers=1, PAGE_THREADS="2") as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        assert client.get("/readyz").status_code == 200
        with frozen(lone_database):
            for _ in range(2):
                began = time.monotonic()
                answer = client.get("/readyz")
                assert answer.status_code == 503
                assert time.monotonic() - began < 7
                assert "retry-after" in answer.headers
                assert client.get("/livez").status_code == 200
        wait_until_ready(client, 5)


@pytest.fixture(scope="module")
def lone_site(lone_database: Path) -> str:
    """The lone database with tables and one nurse; its address for the app."""
    owner = {
        "DATABASE_URL": database.url("kypho_owner", lone_database),
        "SECRET_KEY": os.environ["SECRET_KEY"],
    }
    make = "from procedures.models import User; User.objects.create_user('nurse', password='correct-horse-battery')"
    for command in (["migrate", "-v", "0"], ["shell", "-v", "0", "-c", make]):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=environment(**owner), check=True
        )
    return database.url("kypho_app", lone_database)


SIGNED_IN = "/accounts/password/change/"  # a page that only somebody signed in sees


def sign_in(client: httpx.Client) -> None:
    client.get("/accounts/login/")
    form = {
        "login": "nurse",
        "password": "correct-horse-battery",
        "csrfmiddlewaretoken": client.cookies["csrf"],
    }
    assert client.post("/accounts/login/", data=form).status_code == 302
    assert client.get(SIGNED_IN).status_code == 200


def test_a_signed_in_page_and_a_form_say_that_the_database_is_away(
    lone_database: Path, lone_site: str, static_files: str
) -> None:
    with (
        Server(lone_site, static_files, workers=1) as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        sign_in(client)
        time.sleep(1)  # the tests' server commits without waiting for the disk: let the session get there
        postmaster(lone_database).kill()
        time.sleep(0.5)
        try:
            for method in ("GET", "POST"):
                form = {"csrfmiddlewaretoken": client.cookies["csrf"]} if method == "POST" else None
                for path in ("/", SIGNED_IN, "/accounts/login/", "/admin/"):
                    began = time.monotonic()
                    answer = client.request(method, path, data=form)
                    assert answer.status_code in {302, 405, 503}, (method, path)
                    assert time.monotonic() - began < 7
            assert client.get(SIGNED_IN).status_code == 503
            assert client.get(SIGNED_IN).headers["retry-after"]
        finally:
            restart(lone_database)
        wait_until_ready(client, 5)
        assert client.get(SIGNED_IN).status_code == 200, "still signed in"


def wait_until_ready(client: httpx.Client, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (status := client.get("/readyz").status_code) != 200:
        assert time.monotonic() < deadline, status
        time.sleep(0.2)


def test_a_killed_database_is_found_again_without_a_restart(lone_database: Path, static_files: str) -> None:
    with (
        Server(database.url("kypho_app", lone_database), static_files, workers=1) as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        assert client.get("/readyz").status_code == 200
        postmaster(lone_database).kill()
        time.sleep(0.5)
        began = time.monotonic()
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"database": "away"})
        assert time.monotonic() - began < 7
        assert client.get("/livez").status_code == 200
        restart(lone_database)
        wait_until_ready(client, 5)


def restart(folder: Path) -> None:
    database._held.users.pop(folder).close()
    database.start(folder, durable=False)


def test_the_app_may_append_but_not_change_the_log(
    app_connection: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    def may(right: str, table: str) -> object:
        row = app_connection.execute("SELECT has_table_privilege(%s, %s)", [table, right]).fetchone()
        return row and row[0]

    for table in ("procedures_event", "procedures_access"):
        assert may("INSERT", table)
        assert not any(may(right, table) for right in ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"))
    for table in ("case", "step", "level", "patient", "allergy", "caseteam"):
        assert may("UPDATE", f"procedures_{table}")
        assert not any(may(right, f"procedures_{table}") for right in ("DELETE", "TRUNCATE", "TRIGGER"))
    assert may("DELETE", "django_session")
    assert not may("INSERT", "django_migrations")
    row = app_connection.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "
        "AND has_table_privilege(oid, 'TRUNCATE')"
    ).fetchone()
    assert row == (0,)
