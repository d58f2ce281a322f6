"""Make the code with which a device becomes a ward tablet, without the admin."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from procedures.models import Tablet, Unit
from procedures.signin import tablets


class Command(BaseCommand):
    """Prints the code once. The tablet's row is made if there is none of that name."""

    help = "Make the one-time code with which a device becomes a tablet of a unit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which unit, and what is written on the tablet."""
        parser.add_argument("--unit", required=True, help="the name of the unit")
        parser.add_argument("--name", required=True, help="as it is written on the tablet: Room 2")

    def handle(self, *args: Any, unit: str, name: str, **options: Any) -> None:
        """Raises CommandError for a unit that is not there."""
        found = Unit.objects.filter(name=unit).first()
        if found is None:
            known = ", ".join(Unit.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no unit {unit!r}; there are: {known}.")
        tablet, _made = Tablet.objects.get_or_create(unit=found, name=name, revoked_at=None)
        code = tablets.new_code(tablet, None)
        self.stdout.write(
            f"Code for the tablet {name!r} of {unit!r}, good once, for 15 minutes: {code}\n"
            "Open /tablet/ on the device and type it."
        )
