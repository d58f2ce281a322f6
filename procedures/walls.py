"""Links of wall displays: made once, shown once, kept as a hash, revoked for good."""

import secrets
from hashlib import sha256

from . import clock
from .models import WallLink


def new_token() -> str:
    """A token that nobody guesses: 256 bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def find(token: str) -> WallLink:
    """The link with that token. Raises WallLink.DoesNotExist, also where it was revoked."""
    return WallLink.objects.select_related("unit").get(token_hash=digest(token), revoked_at=None)


def revoke(link: WallLink) -> None:
    """From now on its address is not found."""
    if link.revoked_at is None:
        link.revoked_at = clock.now()
        link.save(update_fields=["revoked_at"])
