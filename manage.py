#!/usr/bin/env python
"""Kypho's command line: `python manage.py help` lists what there is."""

import os
import sys

from kypho import database

OWNER_COMMANDS = {"migrate", "makemigrations", "createcachetable", "sqlmigrate", "showmigrations", "demo"}
CHECKED = {"migrate", "createcachetable", "showmigrations", "load_protocol", "verify_log"}
WITHOUT_DATABASE = {"collectstatic", "demo", "diffsettings", "findstatic", "help", "runserver", "version"}


def main() -> None:
    """Run one command, on the embedded server when no DATABASE_URL names another."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kypho.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command in OWNER_COMMANDS:
        os.environ["DATABASE_AS_OWNER"] = "1"
    embedded = not os.environ.get("DATABASE_URL")
    if embedded and not (os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE")):
        os.environ.setdefault("KYPHO_DEMO", "1")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    start = embedded and command not in WITHOUT_DATABASE and "--help" not in sys.argv
    try:
        if start:
            database.start()
        elif not embedded and command in CHECKED:
            from django.conf import settings

            database.check(settings.DATABASES["default"])
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, database.Unavailable) as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        database.stop()


if __name__ == "__main__":
    main()
