"""Which characters the fonts of the PDF can draw, and what stands for those that they cannot.

A PDF/A must not hold a character without a picture. One that no font covers is replaced by its number in brackets, and
the document names it: nothing is left out silently.
"""

import unicodedata
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FONTS = Path(__file__).parent / "fonts"
FIRST = "NotoSans-Regular.ttf"
_KEPT = "\n"
# Marks that steer the others and have no picture of their own: typst takes them as they are.
_SILENT = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\u2066\u2067\u2068\u2069")


@cache
def _fonts() -> list[Path]:
    """Every font, the one that nearly every text is drawn with first."""
    return sorted(
        (p for p in FONTS.iterdir() if p.suffix in (".ttf", ".ttc")), key=lambda p: (p.name != FIRST, p.name)
    )


@cache
def _covers(path: Path) -> frozenset[int]:
    from fontTools.ttLib import TTCollection, TTFont

    font = TTCollection(path, lazy=True).fonts[0] if path.suffix == ".ttc" else TTFont(path, lazy=True)
    return frozenset(font.getBestCmap())


@cache
def covered(char: str) -> bool:
    """Whether some font of ours can draw it; a font is read when the first character needs it."""
    return any(ord(char) in _covers(path) for path in _fonts())


@dataclass
class Drawable:
    """Makes the texts of one document drawable, and keeps what could not be drawn."""

    missing: dict[str, None] = field(default_factory=dict)

    def all(self, value: Any) -> Any:
        """The same structure of lists and dictionaries, with every text in it drawable."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {key: self.all(one) for key, one in value.items()}
            case list() | tuple():
                return [self.all(one) for one in value]
        return value

    def text(self, text: str) -> str:
        """The text in composed form; a control character is a space, what has no picture its number in brackets."""
        if text.isascii() and text.isprintable():
            return text
        return "".join(self._one(char) for char in unicodedata.normalize("NFC", text.replace("\r\n", "\n")))

    def _one(self, char: str) -> str:
        if char in _KEPT or char in _SILENT:
            return char
        kind = unicodedata.category(char)
        if kind == "Cc" or kind in ("Zl", "Zp"):
            return " "
        if kind != "Co" and covered(char):
            return char
        self.missing.setdefault(char)
        return f"[U+{ord(char):04X}]"

    def names(self) -> list[str]:
        """What could not be drawn: "U+1F600 GRINNING FACE"."""
        return [f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip() for char in sorted(self.missing)]
