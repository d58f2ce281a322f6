"""Words that may stand in an address although they name somebody: encrypted, so that no address, log or history of a
browser holds a patient's name. Whoever has the address and may see the case log can use it; nobody can read it."""

import base64
import hashlib
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

LONGEST = 2000


def seal(value: Any) -> str:
    """A token for this value."""
    return _fernet().encrypt(json.dumps(value).encode()).decode()


def unseal(token: str) -> Any:
    """The value of a token. Raises ValueError for one that is not ours, also after the key has been changed twice."""
    if len(token) > LONGEST:
        raise ValueError("too long")
    try:
        return json.loads(_fernet().decrypt(token.encode()))
    except (InvalidToken, UnicodeError) as problem:
        raise ValueError("not a token of ours") from problem


def _fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (hashlib.sha256(b"kypho.caselog" + key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
