"""PINs: what makes a good one, and whether a given one is right.

A try is taken before it is judged, in one statement that locks the row. So however many guesses arrive at once, from
however many processes, at most five are judged; then only a charge nurse can unlock the PIN.
"""

import re
from datetime import date, timedelta
from itertools import pairwise

import structlog
from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures import clock
from procedures.models import AccountEvent, Pin, Tablet, User
from procedures.models.accounts import TRIES, AccountAct
from procedures.rules import Invalid, Refused

from .people import members

PIN_DIGITS = re.compile(r"[0-9]{6,12}")
TABLET_TRIES = 20  # wrong PINs on one tablet, whosever they are, …
TABLET_WINDOW = timedelta(minutes=10)  # … within this time

log = structlog.stdlib.get_logger("kypho.pin")


def check_pin(tablet: Tablet | None, user_id: int, pin: str, *, one_time: bool = False) -> User:
    """The person whose PIN this is, if it is right and they may sign in on this tablet.

    `one_time`: whether a PIN that a charge nurse gave, and that has to be changed first, counts too. A wrong PIN raises
    Invalid for the field "pin"; what no PIN can mend raises Refused. Must not be called inside a transaction: a try
    counts even if what it was for comes to nothing.
    """
    tablet, person = _where_and_who(tablet, user_id)
    if not PIN_DIGITS.fullmatch(pin):
        raise Invalid({"pin": _("A PIN has 6 to 12 digits.")})
    kept = _take_a_try(tablet, person)
    if not check_password(pin, kept.hash):
        log.warning("wrong", user=person.pk, tablet=tablet.pk, failures=kept.failures)
        raise _wrong(tablet, person, kept)
    _give_back(tablet, kept)
    if kept.must_change and not one_time:
        raise Refused(
            "pin_must_change", _("This PIN is for one sign-in. Sign in with it and choose your own first.")
        )
    return person


def _where_and_who(tablet: Tablet | None, user_id: int) -> tuple[Tablet, User]:
    if tablet is None or tablet.revoked_at is not None or tablet.secret_hash is None:
        raise Refused(
            "not_enrolled", _("A PIN counts only on an enrolled tablet. Sign in with your password.")
        )
    found = members(tablet.unit_id).filter(user=user_id).select_related("user").first()
    if found is None:
        raise Refused("not_here", _("This person is no clinician of this tablet's unit any more."))
    return tablet, found.user


def _take_a_try(tablet: Tablet, person: User) -> Pin:
    """The PIN's row with this try counted. Raises Refused where none is left."""
    now = clock.now()
    with transaction.atomic(durable=True):
        taken = Pin.objects.filter(user=person, failures__lt=TRIES).update(
            failures=F("failures") + 1,
            locked_at=Case(When(failures=TRIES - 1, then=Value(now)), default=None),
        )
        kept = Pin.objects.filter(user=person).first()
        if kept is None:
            raise Refused(
                "no_pin",
                _("%(name)s has no PIN yet. Sign in with the password once and set one.")
                % {"name": person.display_name},
            )
        if not taken:
            raise Refused("pin_locked", _locked())
        if not _tablet_takes(tablet, now):
            raise Refused(
                "tablet_tries",
                _("Too many wrong PINs on this tablet. Wait ten minutes, or sign in with the password."),
            )
    return kept


def _tablet_takes(tablet: Tablet, now: object) -> bool:
    """Count a try of this tablet, if it has one left. A count that is older than the window starts anew."""
    stale = Q(tries_since=None) | Q(tries_since__lt=clock.now() - TABLET_WINDOW)
    return bool(
        Tablet.objects.filter(stale | Q(tries__lt=TABLET_TRIES), pk=tablet.pk).update(
            tries=Case(When(stale, then=Value(1)), default=F("tries") + 1),
            tries_since=Case(When(stale, then=Value(now)), default=F("tries_since")),
        )
    )


def _give_back(tablet: Tablet, kept: Pin) -> None:
    Pin.objects.filter(pk=kept.pk, hash=kept.hash).update(failures=0, locked_at=None)
    Tablet.objects.filter(pk=tablet.pk).update(tries=Greatest(F("tries") - 1, 0))


def _wrong(tablet: Tablet, person: User, kept: Pin) -> Exception:
    left = TRIES - kept.failures
    if left <= 0:
        AccountEvent.objects.create(
            at=clock.now(),
            what=AccountAct.PIN_LOCKED,
            whom=person,
            unit_id=tablet.unit_id,
            tablet=tablet,
        )
        return Refused("pin_locked", _locked())
    said = ngettext("Wrong PIN. %(left)s try left.", "Wrong PIN. %(left)s tries left.", left) % {"left": left}
    return Invalid({"pin": said})


def _locked() -> str:
    return _(
        "This PIN is locked after five wrong tries. Ask the charge nurse to unlock it, or sign in with the password."
    )


def state_of_pin(user: User) -> str:
    """none, set, once (to be changed at its first use) or locked."""
    return state_of(Pin.objects.filter(user=user).first())


def state_of(kept: Pin | None) -> str:
    """The same, of a row that was read already."""
    if kept is None:
        return "none"
    if kept.locked_at:
        return "locked"
    return "once" if kept.must_change else "set"


# What makes a good one --------------------------------------------------------------------------------------


def check_new_pin(pin: str, again: str) -> None:
    """The digits, twice the same, and not what somebody would guess. Raises Invalid for "pin" or "again"."""
    if not PIN_DIGITS.fullmatch(pin):
        raise Invalid({"pin": _("A PIN has 6 to 12 digits.")})
    if is_easy(pin):
        raise Invalid(
            {"pin": _("Too easy to guess: no rows, repeated digits or dates. Choose other digits.")}
        )
    if pin != again:
        raise Invalid({"again": _("This is not the same PIN. Enter it again.")})


def is_easy(pin: str) -> bool:
    """Whether it is a row, a repetition, or a date: what somebody tries first."""
    digits = [int(digit) for digit in pin]
    steps = {(after - before) % 10 for before, after in pairwise(digits)}
    repeated = any(pin == (pin[:n] * len(pin))[: len(pin)] for n in range(1, len(pin) // 2 + 1))
    return len(steps) == 1 or len(set(digits)) < 3 or repeated or _in_pairs(pin) or _is_date(pin)


def _in_pairs(pin: str) -> bool:
    """112233 and the like."""
    return len(pin) % 2 == 0 and all(pin[n] == pin[n + 1] for n in range(0, len(pin), 2))


def _is_date(pin: str) -> bool:
    """Six or eight digits that can be read as a day of the last or this century, in any usual order."""
    if len(pin) == 8:
        orders = [(pin[4:], pin[2:4], pin[:2]), (pin[4:], pin[:2], pin[2:4]), (pin[:4], pin[4:6], pin[6:])]
        return any(1900 <= int(year) < 2100 and _is_day(year, *rest) for year, *rest in orders)
    if len(pin) != 6:
        return False
    one, two, three = pin[:2], pin[2:4], pin[4:]
    return any(
        _is_day(f"20{year}", month, day)
        for year, month, day in [(three, two, one), (three, one, two), (one, two, three)]
    )


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True
