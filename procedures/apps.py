"""The one Django app of Kypho."""

from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.core.management import call_command
from django.db import connections
from django.db.models.signals import post_migrate

GRANTS = Path(__file__).parent / "sql" / "grants.sql"


def finish_migration(using: str, **_: Any) -> None:
    """Make the cache's table, then say again what each role may do with every table."""
    call_command("createcachetable", database=using, verbosity=0)
    with connections[using].cursor() as cursor:
        cursor.execute(GRANTS.read_text())


class ProceduresConfig(AppConfig):
    """Cases, their steps, the people who record them."""

    name = "procedures"
    verbose_name = "Procedures"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Django sends post_migrate when all migrations of all apps are done, user_logged_in at each sign-in."""
        from .signin import sessions

        post_migrate.connect(finish_migration, sender=self)
        user_logged_in.connect(sessions.bind, dispatch_uid="bind the session to its tablet")
