"""Commands on a vertebra: add, abandon, defer, reopen. An access opens with its needle (`steps.record_done`)."""

from django.utils.translation import gettext as _

from procedures import level_rules, rules
from procedures.definitions import VERTEBRAE
from procedures.state import EventKind

from .ledger import Ledger, command


@command
def add_level(ledger: Ledger, *, vertebra: str, reason: str = "") -> None:
    """Add a vertebra that was not planned; after the time-out with a reason."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    if vertebra not in VERTEBRAE:
        raise rules.Invalid({"vertebra": _("Choose a vertebra.")})
    level_rules.check_add_level(ledger.progress, vertebra)
    if level_rules.level_needs_reason(ledger.progress):
        reason = rules.check_reason(reason)
    planned = ledger.state.started_at is None
    ledger.write(EventKind.LEVEL_ADDED, values={"level": vertebra, "planned": planned}, reason=reason.strip())


@command
def abandon_level(ledger: Ledger, *, vertebra: str, reason: str) -> None:
    """Give a vertebra up; what went in is still owed out."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    level_rules.check_close_level(ledger.progress, vertebra, defer=False)
    ledger.write(EventKind.LEVEL_ABANDONED, values={"level": vertebra}, reason=rules.check_reason(reason))


@command
def defer_level(ledger: Ledger, *, vertebra: str, reason: str) -> None:
    """Leave a vertebra, where no needle went in, for another day."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    level_rules.check_close_level(ledger.progress, vertebra, defer=True)
    ledger.write(EventKind.LEVEL_DEFERRED, values={"level": vertebra}, reason=rules.check_reason(reason))


@command
def reopen_level(ledger: Ledger, *, vertebra: str, reason: str) -> None:
    """Take back that a vertebra was abandoned or deferred."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    level = level_rules.check_reopen_level(ledger.progress, vertebra)
    ledger.write(
        EventKind.EVENT_VOIDED,
        about=level.closed,
        values={"level": vertebra},
        reason=rules.check_reason(reason),
    )
