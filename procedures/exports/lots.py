"""Who got this lot, or this product: every case of one's units in which it was used, where, by whom and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from procedures import caselog, scanning
from procedures.definitions import Key
from procedures.models import Membership, Product, User
from procedures.rules import side_name
from procedures.scanning import Unreadable
from procedures.screens.parts import role_words

from . import journal
from .loading import Facts, load, people_in, with_parts
from .uses import Use, of_case

MOST = 200  # cases on the page; the export holds them all


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One use of it, with the patient."""

    case_id: UUID
    patient: str
    mrn: str
    birth_date: date
    unit: str
    at: datetime
    what: str
    lot: str
    expires: str
    where: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LotScreen:
    """All that lots.html draws. `query`: the address of the export; `more`: cases beyond those shown."""

    role: str
    lot: str
    product: int | None
    products: list[tuple[int, str]]
    found: list[Recipient]
    cases: int
    more: bool
    query: str
    problem: str
    may_export: bool
    seen: list[UUID]


def build(user: User, data: QueryDict) -> LotScreen:
    """What an address asks for (`lot`: typed or scanned; `product`: of the catalogue). Nothing asked, nothing found."""
    lot, gtin, problem = read_lot(data.get("lot", "").strip())
    products = list(Product.objects.order_by("kind", "name"))
    product = journal.product_of(data)
    if product is None and gtin:
        product = next((p.pk for p in products if p.gtin == gtin), None)
        if product is None and not lot:
            problem = _("No product of the catalogue has this code.")
    if product is not None and product not in {p.pk for p in products}:
        product, problem = None, _("This product is not in the catalogue.")
    query = QueryDict(mutable=True)
    if lot:
        query["lot"] = lot
    if product is not None:
        query["product"] = str(product)
    facts, more = _facts(user, query) if query and not problem else ([], False)
    names = people_in(facts)
    found = [r for one in facts for r in _recipients(one, names, lot, product)]
    roles = Membership.objects.filter(user=user).values_list("role", flat=True)
    return LotScreen(
        role=role_words(dict.fromkeys(roles)),
        lot=lot,
        product=product,
        products=[(p.pk, f"{p.get_kind_display()}: {p}") for p in products],
        found=found,
        cases=len({r.case_id for r in found}),
        more=more,
        query=query.urlencode(),
        problem=problem,
        may_export=journal.may_take_names(user),
        seen=list(dict.fromkeys(r.case_id for r in found)),
    )


def read_lot(text: str) -> tuple[str, str, str]:
    """The lot and the GTIN that somebody typed or scanned, and what is wrong with it."""
    if "\x00" in text or len(text) > scanning.LIMIT:
        return "", "", _("This is no lot. Type it as it stands on the label.")
    looks_scanned = text.startswith(("]", "(")) or scanning.GS in text or (text.isdigit() and len(text) >= 16)
    if not looks_scanned:
        if len(text) > caselog.filters.LONGEST_WORDS:
            return "", "", _("This is no lot. Type it as it stands on the label.")
        return text, "", ""
    try:
        scan = scanning.read(text)
    except Unreadable as problem:
        return "", "", problem.sentence
    return scan.lot, scan.gtin, ""


def _facts(user: User, query: QueryDict) -> tuple[list[Facts], bool]:
    cases = with_parts(journal.cases(user, query, identified=False))
    found = list(cases.order_by("-scheduled_at", "-pk")[: MOST + 1])
    return load(found[:MOST]), len(found) > MOST


def _recipients(one: Facts, names: dict[int, str], lot: str, product: int | None) -> Iterator[Recipient]:
    patient = one.case.patient
    for use in of_case(one):
        if use.fits(lot, product):
            yield Recipient(
                case_id=one.case.pk,
                patient=str(patient),
                mrn=patient.mrn,
                birth_date=patient.birth_date,
                unit=one.case.unit.name,
                at=use.at,
                what=use.name or use.kind,
                lot=use.lot,
                expires=use.expires,
                where=_where(use),
                by=names.get(use.by, ""),
            )


def _where(use: Use) -> str:
    """ "T12 left, T12 right"."""
    keys = (Key.parse(f"X-{place}") for place in use.places)
    return ", ".join(dict.fromkeys(f"{key.level} {side_name(key.side)}".strip() for key in keys))
