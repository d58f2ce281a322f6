"""A product as a form sends it: chosen from the catalogue, scanned, or typed; and back from its stored shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from . import scanning
from .models import Product
from .scanning import GS, Scan, Unreadable

PARTS = ("name", "lot", "expires", "serial", "scan", "read", "unread")
LONGEST = 80
SHOWN_GS = "␝"  # in an input the separator has to be visible, and to come back as it went


@dataclass(frozen=True, slots=True)
class Given:
    """What stands in the inputs of one product field.

    `parts` by the names of PARTS: `scan` is what the scan input holds, `read` the scan that filled the other inputs,
    `unread` one that could not be read and was told so. `error` refuses, `note` is only said; `label` names the
    product where the list to choose from may not hold it any more.
    """

    product: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    note: str = ""
    label: str = ""

    def __getitem__(self, part: str) -> str:
        return self.parts.get(part, "")

    def having(self, **parts: str) -> "Given":
        """The same with other parts."""
        return replace(self, parts={**self.parts, **parts})


def sent(data: Mapping[str, Any], name: str) -> Given:
    """What a request brought for the field of that name."""
    parts = {part: str(data.get(f"{name}_{part}", "")).strip(" \t\r\n") for part in PARTS}
    return Given(str(data.get(name, "")).strip(), parts)


def was_sent(data: Mapping[str, Any], name: str) -> bool:
    """Whether the request brought that field at all."""
    return name in data or any(f"{name}_{part}" in data for part in PARTS)


def scanned(given: Given, kind: str) -> Given:
    """The inputs after the scan that they hold was read; as they are where it holds none, or one already told about.

    A scan of another product takes the place of the first; one without a product number adds to it.
    """
    code = given["scan"].replace(SHOWN_GS, GS)
    if not code or code == given["unread"].replace(SHOWN_GS, GS):
        return given
    before = given["read"].replace(SHOWN_GS, GS)
    try:
        scan = scanning.read(code)
        if before and not scan.gtin:
            code = f"{before} {code}"
            scan = scanning.read(code)
        found = _found(scan, kind)
    except Unreadable as problem:
        return replace(given.having(unread=_visible(given["scan"])), error=problem.sentence)
    if before and not code.startswith(before):  # another product: nothing of the first may stay
        given = replace(given.having(lot="", expires="", serial="", name=""), product="")
    said = {part: value for part in ("lot", "expires", "serial") if (value := getattr(scan, part))}
    given = given.having(**said, read=_visible(code), scan="", unread="")
    if found:
        given = replace(given.having(name=""), product=str(found.pk), label=str(found))
    return replace(given, note=_note(scan, found, given))


def _found(scan: Scan, kind: str) -> Product | None:
    """The product with that number. Raises Unreadable where it is of another kind."""
    if not scan.gtin:
        return None
    found = Product.objects.filter(gtin=scan.gtin).first()
    if found and found.kind != kind:
        raise Unreadable(
            _("This is %(product)s, a %(kind)s. Here belongs a %(wanted)s.")
            % {
                "product": found,
                "kind": str(Product.KINDS[found.kind]).lower(),
                "wanted": str(Product.KINDS[kind]).lower(),
            }
        )
    return found


def _note(scan: Scan, found: Product | None, given: Given) -> str:
    """What the nurse should know about a scan that was read."""
    said = []
    if scan.gtin and not found:
        said.append(
            _("GTIN %(gtin)s is not in the catalogue. Type what it is; the scan is kept.")
            % {"gtin": scan.gtin}
        )
    elif not scan.gtin and not given.product and not given["name"]:
        said.append(_("This code has no product number. Scan the other code too, or choose the product."))
    if scan.unsure:
        said.append(_("The scanner sends no separator: check lot and serial number against the label."))
    return " ".join(said) or _("Read from the scan.")


def value(given: Given, kind: str) -> dict[str, Any] | None:
    """The stored shape (`values.py`) of what was chosen, scanned or typed; None where nothing was.

    `how` is "scanned" where the product and everything known of it come from the scan, "picked" where the product was
    chosen from the catalogue, "typed" where it is in none. Raises Unreadable with what is wrong.
    """
    fresh, chosen = given["scan"], given.product
    given = scanned(given, kind)
    if chosen and given.product not in ("", chosen):
        raise Unreadable(_another())
    raw = (given["read"] or given["unread"]).replace(SHOWN_GS, GS)
    if not given.product and not any(given[part] for part in ("name", "lot", "expires", "serial", "read")):
        if given.error or fresh:
            raise Unreadable(given.error or _unread(raw))
        return None
    if given.error:
        raise Unreadable(given.error)
    if any("\x00" in part or len(part) > scanning.LIMIT for part in given.parts.values()) or any(
        len(given[part]) > LONGEST for part in ("name", "lot", "serial")
    ):
        raise Unreadable(_("At most 80 characters that can be printed."))
    scan = scanning.read(given["read"].replace(SHOWN_GS, GS)) if given["read"] else Scan()
    known = _chosen(given, kind, scan)
    name = str(known) if known else given["name"]
    if not name and scan.gtin:
        name = _("GTIN %(gtin)s") % {"gtin": scan.gtin}
    if not name:
        raise Unreadable(_("Choose the product or type its name."))
    whole = all(given[part] == getattr(scan, part) for part in ("lot", "expires", "serial"))
    how = "typed" if not known else "scanned" if scan.gtin and known.gtin == scan.gtin and whole else "picked"
    said = {
        "serial": given["serial"],
        "gtin": scan.gtin or (known.gtin if known else ""),
        "made": scan.made,
        "scan": raw,
    }
    return {
        "id": known.pk if known else None,
        "name": name,
        "lot": given["lot"],
        "expires": given["expires"],
        "how": how,
        **{part: text for part, text in said.items() if text},
    }


def _unread(raw: str) -> str:
    try:
        scanning.read(raw)
    except Unreadable as problem:
        return problem.sentence
    return _("Choose the product or type its name.")


def _chosen(given: Given, kind: str, scan: Scan) -> Product | None:
    """The product of the catalogue. Raises Unreadable for one that is not there, or that the scan contradicts."""
    if not given.product:
        return None
    text = given.product
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0
    found = Product.objects.filter(pk=number, kind=kind).first()
    if found is None:
        raise Unreadable(_("Choose a product."))
    if scan.gtin and found.gtin and scan.gtin != found.gtin:
        raise Unreadable(_another())
    return found


def _another() -> str:
    return _("The scan is of another product than the one chosen. Scan again or choose again.")


def stored(kept: Mapping[str, Any]) -> Given:
    """The inputs for a value that was recorded."""
    raw = kept.get("scan") or ""
    parts = {part: kept.get(part) or "" for part in ("name", "lot", "expires", "serial")}
    try:
        parts |= {"read": _visible(raw)} if raw and scanning.read(raw) else {}
    except Unreadable:
        parts |= {"unread": _visible(raw)}
    return Given(str(kept.get("id") or ""), parts, label=str(kept.get("name") or ""))


def _visible(code: str) -> str:
    return code.replace(GS, SHOWN_GS)
