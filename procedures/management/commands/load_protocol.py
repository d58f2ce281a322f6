"""`manage.py load_protocol [FILE] [--check]`: publish a protocol file as the next version."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from procedures.protocols.loader import BUILT_IN, ProtocolError, load, read


class Command(BaseCommand):
    """Publish a protocol file, or only say whether it could be."""

    help = "Publish a protocol file as the next version. The same content is not published twice."

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, and whether to write."""
        parser.add_argument(
            "file", nargs="?", type=Path, default=BUILT_IN, help="a protocol file (the built-in one)"
        )
        parser.add_argument("--check", action="store_true", help="read and judge the file, write nothing")

    def handle(self, *args: Any, file: Path, check: bool, **options: Any) -> None:
        """Load or check. Raises CommandError with the place in the file that is wrong."""
        try:
            if check:
                protocol = read(file)
                counts = f"{len(protocol.steps)} steps, {len(protocol.timers)} timers"
                self.stdout.write(f"{file.name}: {protocol.title}, {counts}: in order.")
            else:
                version = load(file)
                self.stdout.write(f"{version} is published (digest {version.digest[:12]}).")
        except ProtocolError as problem:
            raise CommandError(f"{file.name}: {problem}") from None
        except OSError as problem:
            raise CommandError(f"{file.name} cannot be read: {problem.strerror}.") from None
