"""Words that may stand in an address although they name somebody: encrypted, so that no address, log or history of a
browser holds a patient's name. Whoever has the address and may see the case log can use it; nobody can read it. A token
serves what it was made for: a place in the list, which names a patient, is never shown as words that somebody typed."""

import base64
import hashlib
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

LONGEST = 2000
WORDS, PLACE = "words", "place"


def seal(value: Any, purpose: str = WORDS) -> str:
    """A token for this value, good for this purpose alone."""
    return _fernet().encrypt(json.dumps([purpose, value], ensure_ascii=False).encode()).decode()


def unseal(token: str, purpose: str = WORDS) -> Any:
    """The value of a token. Raises ValueError for one that is not ours, also after the key has been changed twice, and
    for one that was made for something else."""
    if len(token) > LONGEST:
        raise ValueError("too long")
    try:
        made_for, value = json.loads(_fernet().decrypt(token.encode()))
    except (InvalidToken, UnicodeError) as problem:
        raise ValueError("not a token of ours") from problem
    if made_for != purpose:
        raise ValueError("made for something else")
    return value


def _fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (hashlib.sha256(b"kypho.caselog" + key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
