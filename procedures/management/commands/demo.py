"""One command that shows the whole of Kypho: database, tables, protocol, demo data, server. `make demo` calls it."""

import hashlib
import os
import shutil
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from kypho import database
from kypho.serve import PortTaken, check_port, whole_number
from procedures.models import Case

STATIC_STAMP = settings.STATIC_ROOT / ".made-from"


class Command(BaseCommand):
    """Starts what is missing, keeps what is there, and stops on Ctrl-C what it started."""

    help = "Show Kypho with demo data, on the embedded PostgreSQL unless DATABASE_URL names another."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--fresh` throws the data away first, `--prepare` stops before serving, `--reload` is for developers."""
        parser.add_argument(
            "--fresh", action="store_true", help="throw the embedded database away and start over"
        )
        parser.add_argument("--prepare", action="store_true", help="make everything ready, but do not serve")
        parser.add_argument(
            "--reload", action="store_true", help="start again whenever a Python file changes"
        )

    def handle(self, *args: Any, fresh: bool, prepare: bool, reload: bool, **options: Any) -> None:
        """Raises CommandError with one line that says what to do."""
        if not settings.DEMO:
            raise CommandError(
                "This makes accounts whose passwords everybody knows; set KYPHO_DEMO=1 if you want that."
            )
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop in order, also while still preparing
        https = settings.HTTPS
        host = os.environ.get("HOST") or ("0.0.0.0" if https else "127.0.0.1")
        port = whole_number("PORT", 8000, 1, 65535)
        try:
            if not prepare:
                check_port(host, port)
            with self._database(fresh):
                self._fill()
                self._static_files()
                connections.close_all()
                if prepare:
                    return
                self._announce("https" if https else "http", host, port)
                self._serve(host, https, reload)
        except (database.Unavailable, PortTaken) as problem:
            raise CommandError(str(problem)) from None

    @contextmanager
    def _database(self, fresh: bool) -> Iterator[None]:
        """The embedded server for as long as the demo runs, or a look at the one that DATABASE_URL names."""
        if os.environ.get("DATABASE_URL"):
            if fresh:
                raise CommandError(
                    "Only the embedded database is thrown away; empty the one of DATABASE_URL yourself."
                )
            database.check(settings.DATABASES["default"])
            yield
            return
        if fresh:
            database.remove()
        database.start()
        try:
            yield
        finally:
            connections.close_all()
            database.stop()

    def _fill(self) -> None:
        """Migrate if something is to be migrated; load the protocol and the demo data if there are none."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("Making the tables …")
            call_command("migrate", verbosity=0, interactive=False)
            call_command("refold", stdout=StringIO())  # a demo of an earlier version is kept
        if Case.objects.exists():
            return
        from procedures.demo import seed

        self.stdout.write("Loading the protocol and the demo data …")
        seed()

    def _static_files(self) -> None:
        """Collect, hash and compress the files of the interface when one of them has changed."""
        if settings.DEBUG:
            return
        stamp = static_stamp()
        if STATIC_STAMP.exists() and STATIC_STAMP.read_text() == stamp:
            return
        self.stdout.write("Compressing the files of the interface …")
        shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
        call_command("collectstatic", verbosity=0, interactive=False)
        STATIC_STAMP.write_text(stamp)

    def _serve(self, host: str, https: bool, reload: bool) -> None:
        """Become the server. A new program without Django in it, so that only the workers take its memory."""
        arguments = [sys.executable, "-m", "kypho.serve", "--host", host]
        if not os.environ.get("DATABASE_URL"):
            arguments.append("--embedded")
        if https:
            from kypho.certificate import self_signed

            arguments += ["--tls", *map(str, self_signed(settings.VAR_DIR))]
        if reload:
            arguments.append("--reload")
        os.execv(sys.executable, arguments)  # noqa: S606

    def _announce(self, scheme: str, host: str, port: int) -> None:
        from procedures.demo import LOGINS, PASSWORD, PIN

        self.stdout.write(f"\nKypho is at {scheme}://localhost:{port}  (stop with Ctrl-C)")
        if host == "0.0.0.0":
            from kypho.certificate import own_address

            self.stdout.write(f"Tablets in this network: {scheme}://{own_address()}:{port}")
        self.stdout.write(f"\nDemo log-ins, all with the password {PASSWORD}")
        for username, role in LOGINS:
            self.stdout.write(f"  {username:<12} {role}")
        self.stdout.write(
            f"\nTo try a shared tablet: sign in as admin, Administration > Tablets > add one, make its code,\n"
            f"and open {scheme}://localhost:{port}/tablet/ in the browser that is to be it. Everybody's PIN: {PIN}"
        )
        self.stdout.write("")
        self.stdout.flush()


def static_stamp() -> str:
    """A digest that changes whenever a file of the interface, or a package that brings some, changes."""
    digest = hashlib.sha256()
    for package in ("django", "django-htmx", "django-allauth", "servestatic"):
        digest.update(f"{package} {version(package)}\n".encode())
    for folder in settings.STATICFILES_DIRS:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                found = path.stat()
                digest.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
