"""Who looked: one Access row for each user, case, page, tablet and hour."""

from collections.abc import Iterable

from procedures import clock
from procedures.models import Access, Case, Membership, Tablet, User

_KEPT = 10_000
_seen: dict[tuple[object, ...], None] = {}


def looked(user: User, case: Case, what: str = "case", tablet: Tablet | None = None) -> None:
    """Leave the trace of a look at a case: at which page of it (`Access.WHAT`), and on which tablet.

    What this process has already written in this hour is not written again.
    """
    moment = clock.now()
    hour = moment.replace(minute=0, second=0, microsecond=0)
    key = (user.pk, case.pk, what, tablet.pk if tablet else None, hour)
    if key in _seen:
        return
    right = "member" if getattr(case, "actor_role", None) or _is_member(user, case) else "team"
    row = Access(user=user, case=case, what=what, tablet=tablet, hour=hour, at=moment, right=right)
    Access.objects.bulk_create([row], ignore_conflicts=True)
    if len(_seen) >= _KEPT:
        _seen.clear()
    _seen[key] = None


def listed(user: User, cases: Iterable[Case], what: str, tablet: Tablet | None = None) -> None:
    """Leave the trace of a look at each case of a list; these have `actor_role` (`with_roles`). One statement."""
    moment = clock.now()
    hour = moment.replace(minute=0, second=0, microsecond=0)
    rows = [
        Access(user=user, case=case, what=what, tablet=tablet, hour=hour, at=moment, right=_right(case))
        for case in cases
    ]
    Access.objects.bulk_create(rows, ignore_conflicts=True)


def _right(case: Case) -> str:
    return "member" if getattr(case, "actor_role", None) else "team"


def forget() -> None:
    """Forget what this process has written (tests)."""
    _seen.clear()


def _is_member(user: User, case: Case) -> bool:
    return Membership.objects.filter(user=user.pk, unit=case.unit_id).exists()
