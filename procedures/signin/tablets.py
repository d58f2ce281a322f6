"""Enrolling a tablet: a code that is good once for a quarter of an hour, exchanged for a secret that stays in a cookie.

Only hashes are stored. Both are random and long, so a plain SHA-256 is enough for them.
"""

import secrets
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from procedures import clock
from procedures.models import AccountEvent, Tablet, User
from procedures.models.accounts import AccountAct
from procedures.rules import Invalid

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is mistaken for another
CODE_LENGTH = 10
CODE_GOOD_FOR = timedelta(minutes=15)
COOKIE_AGE = timedelta(days=400)  # the longest that browsers keep one; it is renewed at each change of person


def new_code(tablet: Tablet, by: User | None) -> str:
    """A fresh code for a tablet; the one before it is void. It can be read here only, once."""
    code = "".join(secrets.choice(CODE_LETTERS) for _letter in range(CODE_LENGTH))
    now = clock.now()
    with transaction.atomic():
        Tablet.objects.filter(pk=tablet.pk).update(
            code_hash=_digest(code), code_expires_at=now + CODE_GOOD_FOR
        )
        _log(AccountAct.TABLET_CODE, tablet, by)
    return f"{code[:5]}-{code[5:]}"


def enrol(code: str) -> tuple[Tablet, str]:
    """Make this device the tablet that the code was made for. Returns it with the secret for its cookie.

    The device that was this tablet before is it no more. Raises Invalid for a code that is wrong, used or too old.
    """
    digest = _digest("".join(code.split()).replace("-", "").upper())
    secret, now = secrets.token_urlsafe(32), clock.now()
    with transaction.atomic():
        waiting = Tablet.objects.filter(code_hash=digest, code_expires_at__gt=now, revoked_at=None)
        tablet = waiting.select_for_update().first()
        if tablet is None:
            raise Invalid(
                {"code": _("This code is wrong, was used, or is older than 15 minutes. Have a new one made.")}
            )
        tablet.code_hash = tablet.code_expires_at = None
        tablet.secret_hash, tablet.enrolled_at = _digest(secret), now
        tablet.save(update_fields=["code_hash", "code_expires_at", "secret_hash", "enrolled_at"])
        _log(AccountAct.TABLET_ENROLLED, tablet, None)
    return tablet, secret


def revoke(tablet: Tablet, by: User | None) -> None:
    """From now on the tablet is a browser like any other, and the sessions opened on it are over."""
    with transaction.atomic():
        live = Tablet.objects.filter(pk=tablet.pk, revoked_at=None)
        if live.update(revoked_at=clock.now(), code_hash=None, code_expires_at=None):
            _log(AccountAct.TABLET_REVOKED, tablet, by)


def remember(tablet: Tablet, user: User) -> None:
    """This person used the tablet last: their name comes first from now on."""
    with transaction.atomic():
        kept = Tablet.objects.select_for_update().only("recent").get(pk=tablet.pk)
        kept.recent = [user.pk, *(pk for pk in kept.recent if pk != user.pk)][:60]
        kept.save(update_fields=["recent"])


def keep(response: HttpResponseBase, secret: str) -> None:
    """Put the tablet's secret into its own cookie."""
    response.set_cookie(
        cookie_name(),
        secret,
        max_age=COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.HTTPS,
    )


def cookie_name() -> str:
    """The name of that cookie: `__Host-tablet` behind TLS."""
    name: str = settings.TABLET_COOKIE_NAME
    return name


def secret_hash(request: HttpRequest) -> bytes | None:
    """The hash of the secret that this device shows, if it shows one."""
    secret = request.COOKIES.get(cookie_name(), "")
    return _digest(secret) if secret else None


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _log(what: AccountAct, tablet: Tablet, by: User | None) -> None:
    AccountEvent.objects.create(at=clock.now(), what=what, who=by, unit_id=tablet.unit_id, tablet=tablet)
