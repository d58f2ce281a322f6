"""Write the columns that are folded from the log anew: after an update that folds more than before."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError

from procedures import projection
from procedures.models import Case

PAGE = 200


class Command(BaseCommand):
    """Each case in a short transaction of its own, so that ticks go on meanwhile."""

    help = "Fold the summary of each case anew (after an update); changes nothing in the log."

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for a role that may not fold signed cases anew: the owner of the tables may."""
        changed = number = 0
        last = None
        while True:
            cases = Case.objects.order_by("pk")
            ids = list((cases.filter(pk__gt=last) if last else cases).values_list("pk", flat=True)[:PAGE])
            if not ids:
                break
            changed += self._fold(ids)
            number, last = number + len(ids), ids[-1]
        self.stdout.write(f"{number} cases looked at, {changed} folded anew")

    def _fold(self, ids: list[UUID]) -> int:
        try:
            return sum(projection.refold(pk) for pk in ids)
        except IntegrityError:
            raise CommandError("Signed cases are folded anew by the owner of the tables only.") from None
