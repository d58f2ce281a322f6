"""Write the columns that are folded from the log anew: after an update that folds more than before."""

from typing import Any

from django.core.management.base import BaseCommand

from procedures import projection
from procedures.models import Case

PAGE = 200


class Command(BaseCommand):
    """Each case in a short transaction of its own, so that ticks go on meanwhile."""

    help = "Fold the summary of each case anew (after an update); changes nothing in the log."

    def handle(self, *args: Any, **options: Any) -> None:
        """Signed cases are frozen by the database, and what was folded when they were signed stays."""
        changed = number = 0
        last = None
        while True:
            cases = Case.objects.filter(signed_seq=None).order_by("pk")
            ids = list((cases.filter(pk__gt=last) if last else cases).values_list("pk", flat=True)[:PAGE])
            if not ids:
                break
            for pk in ids:
                changed += projection.refold(pk)
            number, last = number + len(ids), ids[-1]
        self.stdout.write(f"{number} cases looked at, {changed} folded anew")
