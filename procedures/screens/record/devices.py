"""What was used: implants and devices with all that identifies them, and where."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from procedures.definitions import FieldType, Milestone
from procedures.landmarks import Landmarks, entries
from procedures.progress import Place
from procedures.screens.view import View
from procedures.state import Entry
from procedures.values import day_of

from .words import Act, act, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One product in use. `stays`: it stays in the body. `how`: scanned, typed or chosen; `scan`: what was read.

    `places`: the levels and sides it was used at; `remark`: what else was said, such as a problem.
    """

    act: Act
    kind: str
    name: str
    gtin: str
    lot: str
    serial: str
    expires: str
    how: str
    scan: str
    places: list[str]
    stays: bool
    remark: str


def devices(view: View) -> list[Device]:
    """Implants first, then the rest in the order of time."""
    found = [*_products(view), *_written(view)]
    return sorted(found, key=lambda d: (not d.stays, d.act.at.timestamp(), d.act.seq))


def _products(view: View) -> Iterator[Device]:
    batch = Landmarks(view.protocol).batch
    for place in view.progress.places.values():
        for f in place.definition.fields:
            if f.type is not FieldType.PRODUCT:
                continue
            stays = batch is not None and place.definition.code == batch.code
            for entry in place.step.live:
                if said := entry.values.get(f.key):
                    yield _product(view, place, entry, f.label, said, stays)
                if stays:  # also where the powder was not noted
                    yield from _liquid(view, place, entry)


def _product(view: View, place: Place, entry: Entry, kind: str, said: dict[str, str], stays: bool) -> Device:
    return Device(
        act=act(view, place, entry),
        kind=kind,
        name=said.get("name", ""),
        gtin=said.get("gtin", ""),
        lot=said.get("lot", ""),
        serial=said.get("serial", ""),
        expires=day_of(said.get("expires", "")),
        how=_how(said.get("how", "")),
        scan=_readable(said.get("scan", "")),
        places=_used_at(view, place, entry),
        stays=stays,
        remark="",
    )


def _how(how: str) -> str:
    return {"scanned": _("scanned"), "typed": _("typed"), "picked": _("chosen")}.get(how, how)


def _readable(scan: str) -> str:
    """A scan as text: the separator of its parts, which cannot be seen, as a bar."""
    return "".join(c if c.isprintable() else "|" for c in scan)


def _used_at(view: View, place: Place, entry: Entry) -> list[str]:
    """The place of the entry; of a batch, the places of the entries that name it."""
    if place.key.level:
        return [view.where(place.key)]
    return [
        view.where(other.key)
        for other in view.progress.places.values()
        for f in other.definition.fields
        if f.entry_of == place.definition.code
        for used in other.step.live
        if (used.values.get(f.key) or {}).get("seq") == entry.seq
    ]


def _liquid(view: View, place: Place, entry: Entry) -> Iterator[Device]:
    """The liquid of a cement has a lot of its own."""
    f = place.definition.field("liquid_lot")
    lot, expires = entry.values.get("liquid_lot", ""), entry.values.get("liquid_expires", "")
    if f and (lot or expires):
        yield Device(
            act=act(view, place, entry),
            kind=_("Cement, liquid"),
            name="",
            gtin="",
            lot=lot,
            serial="",
            expires=day_of(expires),
            how=_("typed"),
            scan="",
            places=_used_at(view, place, entry),
            stays=True,
            remark="",
        )


def _written(view: View) -> Iterator[Device]:
    """Further devices, and those that failed, as they were written down."""
    for place, entry in entries(view.progress, view.protocol.by_milestone.get(Milestone.DEVICE)):
        yield Device(
            act=act(view, place, entry),
            kind=place.definition.title,
            name=value(view, place, entry, "device"),
            gtin="",
            lot=value(view, place, entry, "lot"),
            serial="",
            expires=value(view, place, entry, "expires"),
            how=_("typed"),
            scan="",
            places=[],
            stays=False,
            remark=value(view, place, entry, "problem"),
        )
