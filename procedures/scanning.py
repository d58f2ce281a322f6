"""Scans of products: from what a barcode scanner typed to the parts of a GS1 code. Pure but for gettext.

The grammar of GS1 (lengths, dates, check digits) is biip's; here is what hospitals' scanners make of it: a symbology
identifier or none, the separator FNC1 as ASCII 29 or as a sign that the keyboard has, brackets as printed on the
label, and one product in two barcodes.
"""

import re
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

LIMIT = 400  # signs; the longest GS1 symbol in use carries 3 × 48 = 144, a Data Matrix rarely more than 200
GS = "\x1d"
# No data of GS1 holds these signs (they are outside its character set 82), so they can only stand for the separator.
_STAND_INS = re.compile(r"<GS>|\{GS\}|\[GS\]|\\x1[dD]|\^\]|[\u241d|~^]")
_IDENTIFIER = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_BRACKETS = re.compile(r"(?:\(\d{2,4}\)[^(]+)+")
_AI = re.compile(r"\((\d{2,4})\)")
_TWO_IN_ONE = re.compile(r".+(?:1[17]\d{6}|10.{3,}|21.{3,})")


class Unreadable(Exception):
    """The scan is no GS1 product code; `sentence` says what is wrong and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Scan:
    """What the code says: GTIN with 14 digits, dates as ISO text; empty where it says nothing.

    `unsure`: the code came without separators, and its last part could be two.
    """

    gtin: str = ""
    lot: str = ""
    expires: str = ""
    serial: str = ""
    made: str = ""
    unsure: bool = False


def read(text: str) -> Scan:
    """The parts of one scan, or of several of the same product with a space between them. Raises Unreadable."""
    if len(text) > LIMIT:
        raise Unreadable(_("This code is too long. Scan one product only."))
    found = Scan()
    for code in text.split(" "):
        if code:
            found = _joined(found, _one(code))
    if found == Scan():
        raise Unreadable(_("This code names no product, lot or date. Scan the other code on the label."))
    return found


def check_gtin(text: str) -> str:
    """The GTIN with 14 digits. Raises Unreadable for another length or a wrong check digit."""
    from biip import ParseError
    from biip.gtin import Gtin

    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) in (8, 12, 13, 14) and digits.strip("0")):
        raise Unreadable(_("A GTIN has 8, 12, 13 or 14 digits."))
    try:
        return str(Gtin.parse(digits.zfill(14)).as_gtin_14())
    except (ParseError, AssertionError, ValueError) as problem:
        raise Unreadable(_("The last digit does not fit this GTIN. Scan or type it again.")) from problem


def _joined(one: Scan, other: Scan) -> Scan:
    """Two barcodes of one label. Raises Unreadable where they contradict each other."""
    said = {f.name: getattr(other, f.name) for f in fields(Scan) if getattr(other, f.name)}
    for name, value in said.items():
        if name != "unsure" and getattr(one, name) not in ("", value):
            raise Unreadable(_("These codes belong to two products. Scan one product only."))
    return replace(one, **said)


def _one(code: str) -> Scan:
    """One barcode."""
    text = _STAND_INS.sub(GS, code)
    text = _IDENTIFIER.sub("", text, count=1) if text.startswith("]") else text
    text = text.strip(GS)
    if text.startswith("+"):
        raise Unreadable(_("This is a HIBC code; Kypho reads GS1 codes. Type name, lot and expiry."))
    if not re.fullmatch(r"[\x21-\x7e\x1d]+", text):
        raise Unreadable(_unreadable())
    if text.isdigit() and len(text) in (8, 12, 13, 14) and not re.fullmatch(r"1[17]\d{6}", text):
        return Scan(gtin=check_gtin(text))  # a date alone has eight digits too: 17 and six
    if _BRACKETS.fullmatch(text):
        return _parts(_AI.sub(rf"{GS}\1", text).strip(GS))
    return _parts(text, link=text.lower().startswith(("http://", "https://")))


def _parts(text: str, *, link: bool = False) -> Scan:
    from biip import ParseError
    from biip.gs1_digital_link_uris import GS1DigitalLinkURI
    from biip.gs1_messages import GS1Message

    try:
        found = (GS1DigitalLinkURI.parse(text) if link else GS1Message.parse(text)).element_strings
    except (ParseError, ValueError, AssertionError, IndexError) as problem:
        raise Unreadable(_unreadable()) from problem
    said: dict[str, Any] = {}
    for element in found:
        name = _MEANING.get(element.ai.ai)
        if name is None:
            continue
        value = check_gtin(element.value) if name == "gtin" else _value(element)
        if name == "expires" and said.get(name):
            value = min(said[name], value)  # a date and a date with its hour: the earlier one counts
        if said.setdefault(name, value) != value and name != "expires":
            raise Unreadable(_("This code names two products. Scan one product only."))
        said[name] = value
    last = found[-1] if found else None
    lonely = GS not in text and not link and last is not None and last.ai.ai in ("10", "21")
    return Scan(**said, unsure=bool(lonely and last and _TWO_IN_ONE.fullmatch(last.value)))


_MEANING = {"01": "gtin", "10": "lot", "11": "made", "17": "expires", "21": "serial", "7003": "expires"}


def _value(element: Any) -> str:
    return element.date.isoformat() if element.date else str(element.value)


def _unreadable() -> str:
    return _("This is not a GS1 product code. Scan again, or choose the product and type lot and expiry.")


def encode(scan: Scan) -> str:
    """The code that a scanner in its usual setting types for these parts: for the demo and the tests."""
    fixed = [("01", scan.gtin), ("11", _yymmdd(scan.made)), ("17", _yymmdd(scan.expires))]
    open_ended = [(ai, value) for ai, value in (("10", scan.lot), ("21", scan.serial)) if value]
    return "]d2" + "".join(ai + value for ai, value in fixed if value) + GS.join(map("".join, open_ended))


def _yymmdd(day: str) -> str:
    """Six digits; the last day of a month as day 00, as makers print it."""
    if not day:
        return ""
    found = date.fromisoformat(day)
    is_last = (found + timedelta(days=1)).day == 1
    return f"{found:%y%m}{'00' if is_last else f'{found:%d}'}"
