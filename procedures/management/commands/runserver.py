"""Django's own development server is not used: it serves neither streams nor deadlines."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Points to the real server."""

    help = "Not used here: run `make run` (development) or `make demo`."

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whatever is given."""
        parser.add_argument("rest", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        """Always refuses."""
        raise CommandError("Use `make run`: it starts the real server, with streams, and reloads on changes.")
