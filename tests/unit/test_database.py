"""The embedded PostgreSQL: starts, joins, stops, and survives what happens to real machines."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kypho import database

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An own data folder; PostgreSQL may run as another user, who has to reach it."""
    found = tmp_path_factory.mktemp("pg") / "data"
    yield found
    database.stop(found)
    if (found / "postmaster.pid").exists():
        os.kill(postmaster(found), signal.SIGKILL)


def postmaster(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().split("\n", 1)[0])


def ask(folder: Path, statement: str, role: str = "kypho_app", name: str = "kypho") -> object:
    with psycopg.connect(database.url(role, folder, name), connect_timeout=3) as connection:
        row = connection.execute(statement).fetchone()
        return row and row[0]


def test_three_roles_none_of_them_a_superuser(folder: Path) -> None:
    database.start(folder, durable=False)
    rights = "SELECT rolsuper OR rolcreaterole OR rolbypassrls OR rolreplication FROM pg_roles"
    for role in database.ROLES:
        assert ask(folder, "SELECT current_user", role) == role
        assert ask(folder, rights + " WHERE rolname = current_user", role) is False
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'kypho'"
    assert ask(folder, owner) == "kypho_owner"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(folder, "CREATE TABLE mine ()")


def test_a_commit_survives_by_default_and_nobody_else_may_connect(folder: Path) -> None:
    database.start(folder)
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        assert ask(folder, f"SHOW {name}") == "on"
    assert ask(folder, "SHOW listen_addresses") == ""
    socket = database.socket_folder(folder) / ".s.PGSQL.5432"
    assert socket.stat().st_mode & 0o077 == 0


def test_stop_stops_and_data_is_there_at_the_next_start(folder: Path) -> None:
    database.start(folder, durable=False)
    with psycopg.connect(database.url("kypho_owner", folder)) as connection:
        connection.execute("CREATE TABLE kept ()")
    database.stop(folder)
    with pytest.raises(psycopg.OperationalError):
        ask(folder, "SELECT 1")
    database.start(folder, durable=False)
    assert ask(folder, "SELECT count(*) FROM kept", "kypho_owner") == 0


def test_the_last_user_stops_the_server(folder: Path) -> None:
    database.start(folder, durable=False)
    code = "import sys; from pathlib import Path; from kypho import database as d\n"
    code += "f = Path(sys.argv[1]); d.start(f, durable=False); print('in', flush=True); input(); d.stop(f)"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout
    assert other.stdout.readline() == b"in\n"
    database.stop(folder)
    assert ask(folder, "SELECT 1") == 1, "another program still uses it"
    other.communicate(b"\n", timeout=20)
    with pytest.raises(psycopg.OperationalError):
        ask(folder, "SELECT 1")


def test_two_starts_at_once(folder: Path) -> None:
    code = "import sys; from pathlib import Path; from kypho import database as d\n"
    code += "d.start(Path(sys.argv[1]), durable=False); print('in', flush=True); input()"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    assert [p.stdout and p.stdout.readline() for p in both] == [b"in\n", b"in\n"]
    for process in both:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe
            pipe.close()
    database.start(folder, durable=False)  # joins the server that the killed ones left
    assert ask(folder, "SELECT 1") == 1


def test_start_after_kill_9_of_everything(folder: Path) -> None:
    database.start(folder, durable=False)
    pid = postmaster(folder)
    os.kill(pid, signal.SIGKILL)
    database._held.users.pop(folder).close()  # as if this process had been killed too
    database.start(folder, durable=False)
    assert ask(folder, "SELECT 1") == 1
    assert postmaster(folder) != pid


def test_start_when_the_stale_pid_belongs_to_another_process(folder: Path) -> None:
    database.start(folder, durable=False)
    kept = (folder / "postmaster.pid").read_text()
    database.stop(folder)
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        (folder / "postmaster.pid").write_text(kept.replace(kept.split("\n", 1)[0], str(sleeper.pid), 1))
        database.start(folder, durable=False)
        assert ask(folder, "SELECT 1") == 1
        assert sleeper.poll() is None, "the other process is left alone"
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_folder_that_is_too_deep_for_a_socket_gets_a_short_one() -> None:
    deep = Path("/tmp") / ("d" * 120)
    assert len(str(database.socket_folder(deep))) < 60
    assert database.socket_folder(deep) != database.socket_folder(deep / "e")


def test_away_and_too_old_are_told_in_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = database.as_settings(database.url("kypho_app", folder))
    with pytest.raises(database.Unavailable, match=r"^The database cannot be reached: [^\n]+$"):
        database.check(entry)
    database.start(folder, durable=False)
    database.check(entry)
    monkeypatch.setattr(database, "OLDEST_SERVER", 99)
    with pytest.raises(
        database.Unavailable, match=r"^The database is PostgreSQL 18; 99 or newer is needed\.$"
    ):
        database.check(entry)


def test_the_data_can_be_thrown_away_but_not_under_a_running_demo(folder: Path) -> None:
    database.start(folder, durable=False)
    with pytest.raises(database.Unavailable, match="running elsewhere"):
        database.remove(folder)
    database.stop(folder)
    database.remove(folder)
    assert not folder.exists()
    database.remove(folder)


def test_starting_costs_little(folder: Path) -> None:
    database.start(folder, durable=False)
    database.stop(folder)
    began = time.monotonic()
    database.start(folder, durable=False)
    assert time.monotonic() - began < 3, "the whole demo has 5 s to its first page"
