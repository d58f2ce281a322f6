"""It is you who signs: the person of the session shows once more, for this one signature, that they are who they say.

The password, or a code of the second factor; both where the site wants two (`REQUIRE_MFA`). A PIN never counts: it is
short, known on a shared tablet, and good for ticks only. Who has no password here (single sign-on) or only a passkey
goes through allauth's reauthentication and comes back; that counts for one signature within its time.
"""

import time
from dataclasses import dataclass

import structlog
from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest
from django.utils.translation import gettext as _

from procedures.models import User
from procedures.rules import Invalid, Refused

from .pins import PIN_DIGITS
from .sessions import tablet_of

USED = "proved_at"  # of the session: the reauthentication that was used for a signature already
CODES = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)

log = structlog.stdlib.get_logger("kypho.proof")


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody can prove it. `either`: one of the two is enough. `elsewhere`: on allauth's own page; `done`: they
    have just been there. `refusal`: why not at all."""

    password: bool = False
    code: bool = False
    either: bool = False
    elsewhere: bool = False
    done: bool = False
    refusal: str = ""


def way(request: HttpRequest, user: User) -> Way:
    """What this person is asked for."""
    known = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    password, codes = user.has_usable_password(), bool(known & set(CODES))
    wants_two = bool(getattr(settings, "REQUIRE_MFA", False))
    if wants_two and not known:
        return Way(refusal=_("A signature needs your second factor. Set one up first."))
    if password and not wants_two:
        return Way(password=True, code=codes, either=codes)
    if password and codes:
        return Way(password=True, code=True)
    if known:
        return Way(elsewhere=True, done=_reauthenticated(request, user) is not None)
    return Way(
        refusal=_(
            "Your account has no password and no second factor here. Set up a second factor, then sign."
        )
    )


def prove(request: HttpRequest, user: User, password: str, code: str) -> None:
    """It is this person. Raises Invalid for what is wrong, Refused where trying again does not help.

    Tries are counted for each person as those of the sign-in are. What was typed is kept and logged nowhere.
    """
    asked = way(request, user)
    if asked.refusal:
        raise Refused("no_proof", asked.refusal)
    if asked.elsewhere:
        at = _reauthenticated(request, user)
        if at is None:
            raise Refused("identify", _("Identify yourself once more, then sign. What you wrote is kept."))
        request.session[USED] = at
        return
    _check_given(asked, password, code)
    key = f"signature-{user.pk}"
    if not ratelimit.consume(request, action="login_failed", key=key):
        raise Refused("tries", _("Too many tries. Wait five minutes, then sign. What you wrote is kept."))
    if errors := _wrong(request, user, asked, password, code):
        log.warning("wrong", user=user.pk)
        raise Invalid(errors)
    ratelimit.clear(request, action="login_failed", key=key)


def _check_given(asked: Way, password: str, code: str) -> None:
    missing = {}
    if asked.password and not password and not (asked.either and code):
        missing["password"] = _("Give your password. It is your signature.")
    if asked.code and not code and not asked.either:
        missing["code"] = _("Give a code of your second factor.")
    if missing:
        raise Invalid(missing)


def _wrong(request: HttpRequest, user: User, asked: Way, password: str, code: str) -> dict[str, str]:
    errors = {}
    # Only looked at: a hash that is renewed on the way, as at the sign-in, would end the session that signs.
    if (password or not asked.either) and not check_password(password, user.password):
        pin = tablet_of(request) is not None and PIN_DIGITS.fullmatch(password)
        errors["password"] = (
            _("This is not your password. A PIN is not enough for a signature.")
            if pin
            else _("This is not your password.")
        )
    # A code is spent by looking at it, so only where all else is right.
    if not errors and code and asked.code and not (asked.either and password) and not _is_code(user, code):
        errors["code"] = _("This code is not right. Take a fresh one.")
    return errors


def _is_code(user: User, code: str) -> bool:
    for authenticator in Authenticator.objects.filter(user=user, type__in=CODES):
        if authenticator.wrap().validate_code(code):
            authenticator.record_usage()
            return True
    return False


def _reauthenticated(request: HttpRequest, user: User) -> float | None:
    """When they identified themselves on allauth's page, if that is recent and was not used yet."""
    found = [r["at"] for r in get_authentication_records(request, user) if r.get("reauthenticated")]
    at = max(found, default=0.0)
    fresh = time.time() - at < app_settings.REAUTHENTICATION_TIMEOUT
    return at if fresh and at > request.session.get(USED, 0.0) else None
