"""Who is there: the person of the session, the tablet that the request comes from, and whether it is locked.

A session that was opened on a tablet lives on that tablet only, ends with it, and ends after one shift. It remembers
when somebody last did something; after `IDLE_MINUTES` without that, it answers nothing but the PIN.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.http import HttpRequest

from procedures import clock
from procedures.models import Membership, Tablet, User

from . import tablets

SHIFT = timedelta(hours=12)
# Keys of the session
TABLET, UNTIL, LAST_ACT, LOCKED = "tablet", "until", "last_act", "locked"
MUST_CHANGE, BY_PIN = "must_change_pin", "by_pin"
WRITE_EVERY = 60  # seconds: so often at most the session is written because somebody did something

# Not a person's doing: what pages ask for by themselves. By the names of their URLs, and by this header.
BACKGROUND_HEADER = "X-Kypho-Background"
BACKGROUND = frozenset({"case-offline", "case-stream", "changes", "offline", "outbox", "today-stream"})

_shown: ContextVar[bytes | None] = ContextVar("secret_hash", default=None)


class Backend(AuthenticationBackend):  # type: ignore[misc]
    """allauth's, which also reads, in the same statement as the person, the tablet that the request comes from."""

    def user_can_authenticate(self, user: User) -> bool:
        """Not after the end of an account that was opened for one shift."""
        return super().user_can_authenticate(user) and not user.has_ended(clock.now())

    def get_user(self, user_id: int) -> User | None:
        """The person with `on_tablet` and `in_charge`, or None for somebody who may not be here any more."""
        in_charge = Membership.objects.filter(user=OuterRef("pk"), charge=True)
        people = User.objects.filter(pk=user_id).annotate(in_charge=Exists(in_charge))
        if (digest := _shown.get()) is not None:
            found = Tablet.objects.filter(secret_hash=digest, revoked_at=None)
            shape = JSONObject(id="id", unit_id="unit_id", name="name")
            people = people.annotate(on_tablet=Subquery(found.values_list(shape)[:1]))
        user = people.first()
        return user if user is not None and self.user_can_authenticate(user) else None

    async def aget_user(self, user_id: int) -> User | None:
        """The same."""
        return await sync_to_async(self.get_user)(user_id)


@contextmanager
def _showing(digest: bytes | None) -> Iterator[None]:
    token = _shown.set(digest)
    try:
        yield
    finally:
        _shown.reset(token)


def who(request: HttpRequest) -> User | AnonymousUser:
    """The person of the session; nobody where the session was opened on a tablet and does not come from it."""
    kept = vars(request)
    if "_cached_user" not in kept:
        kept["_cached_user"] = _read(request)
    found: User | AnonymousUser = kept["_cached_user"]
    return found


def _read(request: HttpRequest) -> User | AnonymousUser:
    digest = tablets.secret_hash(request)
    with _showing(digest):
        user: Any = auth.get_user(request)
    if user.is_authenticated and digest is not None:
        shown = user.__dict__.get("on_tablet")
        vars(request)["_tablet"] = Tablet(**shown, secret_hash=digest) if shown else None
    bound = request.session.get(TABLET)
    if bound is None or not user.is_authenticated:
        return user  # type: ignore[no-any-return]
    tablet = tablet_of(request)
    if tablet is None or tablet.pk != bound or _now() >= request.session.get(UNTIL, 0):
        return AnonymousUser()
    return user  # type: ignore[no-any-return]


def tablet_of(request: HttpRequest) -> Tablet | None:
    """The enrolled tablet that the request comes from, as it stands now; None from any other browser.

    Known without a statement of its own where somebody is signed in.
    """
    kept = vars(request)
    digest = tablets.secret_hash(request)
    if digest is None:
        return None
    if "_tablet" not in kept and hasattr(request, "user"):
        bool(request.user.is_authenticated)  # reads the person, and the tablet with them
    if "_tablet" not in kept:
        kept["_tablet"] = Tablet.objects.filter(secret_hash=digest, revoked_at=None).first()
    found: Tablet | None = kept["_tablet"]
    return found


# A session on a tablet -----------------------------------------------------------------------------------------


def sign_in(request: HttpRequest, user: User, *, must_change: bool = False) -> None:
    """Let somebody whose PIN was right go on from here: unlock their own session, or end another's and open theirs."""
    if request.user.is_authenticated and request.user.pk == user.pk and TABLET in request.session:
        request.session.pop(LOCKED, None)
        request.session[LAST_ACT] = _now()
    else:
        request.session.flush()
        auth.login(request, user, backend=f"{Backend.__module__}.{Backend.__name__}")
        request.session[BY_PIN] = True
    request.session[MUST_CHANGE] = must_change
    if tablet := tablet_of(request):
        tablets.remember(tablet, user)


def bind(sender: object, request: HttpRequest, user: User, **_: object) -> None:
    """Tie a new session to the tablet on which it is opened, however somebody signed in (`user_logged_in`)."""
    tablet = tablet_of(request)
    if tablet is None:
        return
    until = _now() + int(SHIFT.total_seconds())
    if user.ends_at:
        until = min(until, int(user.ends_at.timestamp()))
    request.session[TABLET], request.session[UNTIL], request.session[LAST_ACT] = tablet.pk, until, _now()


def lock(request: HttpRequest) -> None:
    """Lock the session until a PIN is given."""
    if TABLET in request.session:
        request.session[LOCKED] = True


def is_locked(request: HttpRequest) -> bool:
    """Whether the session waits for a PIN: locked by hand, or nobody did anything for the idle limit."""
    session = request.session
    if TABLET not in session:
        return False
    # The last act may be up to a minute later than it was written.
    idle = _now() - session.get(LAST_ACT, 0) > settings.IDLE_MINUTES * 60 + WRITE_EVERY
    return bool(session.get(LOCKED)) or idle


def touch(request: HttpRequest) -> None:
    """Note that a person did something, unless the page asked by itself; writes once a minute at most."""
    session = request.session
    if TABLET in session and is_act(request) and _now() - session.get(LAST_ACT, 0) >= WRITE_EVERY:
        session[LAST_ACT] = _now()


def is_act(request: HttpRequest) -> bool:
    """Whether a person asked for this: no stream, no re-reading in the background, no sending of a queue."""
    match = request.resolver_match
    # A page that a script has loaded again: browsers say with Sec-Fetch-User whether a person did.
    said = request.headers
    by_script = said.get("Sec-Fetch-Mode") == "navigate" and "Sec-Fetch-User" not in said
    return not (
        BACKGROUND_HEADER in said
        or (by_script and request.method == "GET")
        or (match and match.url_name in BACKGROUND)
    )


def is_another(request: HttpRequest) -> bool:
    """Whether a page sends something for somebody else than who is signed in on this tablet by now."""
    meant = request.headers.get("X-Kypho-Person", "")
    return TABLET in request.session and meant not in ("", str(request.user.pk))


def by_pin(request: HttpRequest) -> bool:
    """Whether the session was opened with a PIN, which is not enough to administer anything."""
    return bool(request.session.get(BY_PIN))


def must_change_pin(request: HttpRequest) -> bool:
    """Whether this session was opened with a PIN that has to be changed before anything else."""
    return bool(request.session.get(MUST_CHANGE))


def pin_was_changed(request: HttpRequest) -> None:
    """The person has a PIN of their own now."""
    request.session[MUST_CHANGE] = False


def _now() -> int:
    return int(clock.now().timestamp())
