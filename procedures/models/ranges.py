"""The range of times that any row of the record may hold, so that no row can make a case unreadable."""

from django.db.models import CheckConstraint, Q

FIRST = "2000-01-01T00:00:00+00:00"
LAST = "2200-01-01T00:00:00+00:00"


def in_record_time(prefix: str, *fields: str) -> CheckConstraint:
    """A constraint that keeps the named times between the years 2000 and 2200, or null."""
    condition = Q()
    for name in fields:
        condition &= Q(**{f"{name}__gte": FIRST, f"{name}__lt": LAST}) | Q(**{f"{name}__isnull": True})
    return CheckConstraint(name=f"{prefix}_times_in_range", condition=condition)
