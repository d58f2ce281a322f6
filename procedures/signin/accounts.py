"""What is done with PINs and accounts, by their owner or by a charge nurse. Each leaves an account event."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from allauth.core import ratelimit
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from procedures import clock
from procedures.models import AccountEvent, Membership, Pin, Tablet, User
from procedures.models.accounts import AccountAct
from procedures.rules import CLINICIANS, Invalid, Refused

from .people import members
from .pins import PIN_DIGITS, check_new_pin, check_pin, is_easy

# The owner ----------------------------------------------------------------------------------------------------


def prove(request: HttpRequest, user: User, tablet: Tablet | None, proof: str) -> None:
    """It is the owner who asks: their password, or on an enrolled tablet their present PIN. Raises Invalid, Refused."""
    if tablet and PIN_DIGITS.fullmatch(proof) and Pin.objects.filter(user=user).exists():
        try:
            check_pin(tablet, user.pk, proof)
        except Invalid as wrong:
            raise Invalid({"proof": wrong.errors["pin"]}) from None
        return
    if not ratelimit.consume(request, action="reauthenticate", user=user):
        raise Refused("tries", _("Too many tries. Wait a minute."))
    if not user.check_password(proof):
        raise Invalid({"proof": _("This is not right.")})


def choose_pin(user: User, pin: str, again: str, tablet: Tablet | None) -> None:
    """The owner's own PIN from now on. Raises Invalid for one that is too short, too easy, or not twice the same."""
    check_new_pin(pin, again)
    with transaction.atomic():
        first = not Pin.objects.filter(user=user).exists()
        _keep(user, pin, must_change=False)
        _log(AccountAct.PIN_SET if first else AccountAct.PIN_CHANGED, user, user, None, tablet)


# A charge nurse -----------------------------------------------------------------------------------------------


def units_in_charge(user: User) -> list[Membership]:
    """The units in which somebody is charge nurse."""
    rows = Membership.objects.filter(user=user, charge=True, role__in=CLINICIANS).select_related("unit")
    return list(rows.order_by("unit__name"))


def reset_pin(by: User, unit_id: int, user_id: int, tablet: Tablet | None) -> tuple[User, str]:
    """A new PIN that is good for one sign-in, to be told to its owner. Returns the person and the PIN."""
    person = _colleague(by, unit_id, user_id)
    with transaction.atomic():
        pin = _one_time(person)
        _log(AccountAct.PIN_RESET, by, person, unit_id, tablet)
    return person, pin


def unlock_pin(by: User, unit_id: int, user_id: int, tablet: Tablet | None) -> User:
    """Let somebody try again with the PIN they have."""
    person = _colleague(by, unit_id, user_id)
    with transaction.atomic():
        if not Pin.objects.filter(user=person, locked_at__isnull=False).update(failures=0, locked_at=None):
            raise Refused("not_locked", _("This PIN is not locked."))
        _log(AccountAct.PIN_UNLOCKED, by, person, unit_id, tablet)
    return person


def open_account(by: User, unit_id: int, given: Mapping[str, Any], tablet: Tablet | None) -> tuple[User, str]:
    """An account for an agency nurse that ends after `given["hours"]`, at most twelve. Returns the person and a PIN.

    It has no password: it can be used on the tablets of the unit only.
    """
    _check_charge(by, unit_id)
    now = clock.now()
    names = ("display_name", "initials", "profession", "registration_number")
    with transaction.atomic():
        person = User(username=f"agency-{secrets.token_hex(5)}", date_joined=now)
        for name in names:
            setattr(person, name, given[name])
        person.ends_at = now + timedelta(hours=min(given["hours"], 12))
        person.set_unusable_password()
        person.save()
        Membership.objects.create(user=person, unit_id=unit_id, role=given["role"])
        pin = _one_time(person)
        _log(AccountAct.OPENED, by, person, unit_id, tablet)
    return person, pin


def end_account(by: User, unit_id: int, user_id: int, tablet: Tablet | None) -> User:
    """End an agency nurse's account before its time. The name stays with what was recorded."""
    person = _colleague(by, unit_id, user_id)
    if person.ends_at is None:
        raise Refused("no_agency", _("This is no agency account. An administrator deactivates it."))
    with transaction.atomic():
        person.ends_at = clock.now()
        person.save(update_fields=["ends_at"])
        _log(AccountAct.ENDED, by, person, unit_id, tablet)
    return person


def _check_charge(by: User, unit_id: int) -> None:
    if not any(m.unit_id == unit_id for m in units_in_charge(by)):
        raise Refused("role", _("Only a charge nurse of this unit may do this."))


def _colleague(by: User, unit_id: int, user_id: int) -> User:
    _check_charge(by, unit_id)
    found = members(unit_id).filter(user=user_id).select_related("user").first()
    if found is None:
        raise Refused("not_here", _("This person does not work in this unit, or the account has ended."))
    return found.user


def _one_time(person: User) -> str:
    pin = "000000"
    while is_easy(pin):
        pin = "".join(secrets.choice("0123456789") for _digit in range(6))
    _keep(person, pin, must_change=True)
    return pin


def _keep(user: User, pin: str, *, must_change: bool) -> None:
    values: dict[str, str | int | bool | datetime | None] = {
        "hash": make_password(pin),
        "failures": 0,
        "locked_at": None,
        "changed_at": clock.now(),
        "must_change": must_change,
    }
    Pin.objects.update_or_create(user=user, defaults=values)


def _log(what: AccountAct, who: User, whom: User, unit_id: int | None, tablet: Tablet | None) -> None:
    AccountEvent.objects.create(
        at=clock.now(),
        what=what,
        who=who,
        whom=whom,
        unit_id=unit_id,
        tablet_id=tablet.pk if tablet else None,
    )
