"""Letters as they are looked for: lower case, without accents and apostrophes. So `le thi` finds LÊ, Thị, and `obrien`
finds O’Brien. Said once for Python and for PostgreSQL, whose indexes must give the same."""

import unicodedata

APOSTROPHES = "'’‘ʼ`´"


def _accented() -> dict[str, str]:
    """Each small Latin letter with marks, and what is left without them; and some that no decomposition knows."""
    found = {"đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "ŧ": "t"}
    for code in (*range(0xDF, 0x250), *range(0x1E00, 0x1F00)):
        letter = chr(code)
        base = unicodedata.normalize("NFD", letter)[0]
        if letter.islower() and base != letter and base.isascii():
            found[letter] = base
    return found


_PLAIN = _accented()
# For translate() of PostgreSQL: what has no partner in the second text is taken out.
FROM, TO = "".join(_PLAIN) + APOSTROPHES, "".join(_PLAIN.values())
_TABLE = str.maketrans(FROM[: len(TO)], TO, APOSTROPHES)


def plain(text: str) -> str:
    """The text as it is looked for."""
    return text.lower().translate(_TABLE)
