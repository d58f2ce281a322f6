"""Who looked: one Access row for each user, case and hour."""

from procedures import clock
from procedures.models import Access, Case, Membership, User

_KEPT = 10_000
_seen: dict[tuple[int, object, object], None] = {}


def looked(user: User, case: Case) -> None:
    """Leave the trace of a look at a case. What this process has already written in this hour is not written again."""
    moment = clock.now()
    hour = moment.replace(minute=0, second=0, microsecond=0)
    key = (user.pk, case.pk, hour)
    if key in _seen:
        return
    right = "member" if getattr(case, "actor_role", None) or _is_member(user, case) else "team"
    row = Access(user=user, case=case, hour=hour, at=moment, right=right)
    Access.objects.bulk_create([row], ignore_conflicts=True)
    if len(_seen) >= _KEPT:
        _seen.clear()
    _seen[key] = None


def forget() -> None:
    """Forget what this process has written (tests)."""
    _seen.clear()


def _is_member(user: User, case: Case) -> bool:
    return Membership.objects.filter(user=user.pk, unit=case.unit_id).exists()
