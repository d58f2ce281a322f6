"""Names of people and products, kept for a minute in each process: they stand beside every tick and rarely change."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from .definitions import Measure, Role
from .models import FieldDefinition, Membership, Product, ProtocolVersion, User, WarmBand
from .rules import CLINICIANS

type Band = dict[str, str | None]

_KEEP_SECONDS = 60.0
_known: dict[int, tuple[float, "Person"]] = {}
_clinicians: dict[int, tuple[float, list[tuple[int, str]]]] = {}
_operators: dict[tuple[int, ...], tuple[float, list[tuple[int, str]]]] = {}
_versions: list[tuple[float, list[tuple[int, str]]]] = []
_options: dict[Measure, tuple[float, list[tuple[str, str]]]] = {}
_products: dict[str, tuple[float, list[tuple[str, str]]]] = {}
_bands: dict[int, tuple[float, list[Band]]] = {}


@dataclass(frozen=True, slots=True)
class Person:
    """How somebody is shown."""

    id: int
    name: str
    initials: str
    profession: str


def people(ids: Iterable[int]) -> dict[int, Person]:
    """The persons with these ids; one statement for those not known yet."""
    wanted, now = set(ids), time.monotonic()
    fresh = {i: known[1] for i in wanted if (known := _known.get(i)) and now - known[0] < _KEEP_SECONDS}
    if absent := wanted - fresh.keys():
        rows = User.objects.filter(pk__in=absent).values_list("pk", "display_name", "initials", "profession")
        for pk, name, initials, profession in rows:
            fresh[pk] = Person(pk, name, initials, profession)
            _known[pk] = (now, fresh[pk])
    return fresh


def person(user_id: int) -> Person:
    """One person. KeyError for an id that nobody has."""
    return people([user_id])[user_id]


def clinicians(unit_id: int) -> list[tuple[int, str]]:
    """Those who can have done something in a unit: id and name, in the order of names."""
    now = time.monotonic()
    if (kept := _clinicians.get(unit_id)) and now - kept[0] < _KEEP_SECONDS:
        return kept[1]
    in_force = Q(user__ends_at=None) | Q(user__ends_at__gt=timezone.now())
    rows = Membership.objects.filter(in_force, unit=unit_id, role__in=CLINICIANS, user__is_active=True)
    found = list(rows.order_by("user__display_name").values_list("user", "user__display_name"))
    _clinicians[unit_id] = (now, found)
    return found


def operators(unit_ids: Iterable[int]) -> list[tuple[int, str]]:
    """Those who operate or assist in these units, also those who have left: id and name, in the order of names."""
    key, now = tuple(sorted(unit_ids)), time.monotonic()
    if (kept := _operators.get(key)) and now - kept[0] < _KEEP_SECONDS:
        return kept[1]
    rows = Membership.objects.filter(unit__in=key, role__in=(Role.OPERATOR, Role.ASSISTANT))
    found = list(rows.order_by("user__display_name").values_list("user", "user__display_name").distinct())
    _operators[key] = (now, found)
    return found


def versions() -> list[tuple[int, str]]:
    """The protocol versions that cases can have: id and "Kyphoplasty v2", the newest first."""
    now = time.monotonic()
    if not _versions or now - _versions[0][0] >= _KEEP_SECONDS:
        rows = ProtocolVersion.objects.exclude(status="draft").select_related("protocol")
        _versions[:] = [
            (now, [(v.pk, f"{v.protocol.title} v{v.number}") for v in rows.order_by("-published_at")])
        ]
    return _versions[0][1]


def options(measure: Measure) -> list[tuple[str, str]]:
    """What can be chosen where a field measures this, in the newest protocol version: code and label."""
    now = time.monotonic()
    if (kept := _options.get(measure)) and now - kept[0] < _KEEP_SECONDS:
        return kept[1]
    fields = FieldDefinition.objects.filter(measures=measure).order_by("-step__version__published_at")
    found = [(code, label) for code, label in fields.values_list("options", flat=True).first() or []]
    _options[measure] = (now, found)
    return found


def products(kind: str) -> list[tuple[str, str]]:
    """The products of a kind that are in use: id and name, for choosing."""
    now = time.monotonic()
    if (kept := _products.get(kind)) and now - kept[0] < _KEEP_SECONDS:
        return kept[1]
    found = [(str(p.pk), str(p)) for p in Product.objects.filter(kind=kind, active=True)]
    _products[kind] = (now, found)
    return found


def bands(product_id: int) -> list[Band]:
    """Between which minutes after mixing a product can be used, as an entry keeps it: first the band without a room
    temperature, then those for a warm room. Nothing where the catalogue does not say."""
    now = time.monotonic()
    if (kept := _bands.get(product_id)) and now - kept[0] < _KEEP_SECONDS:
        return kept[1]
    names = ("working_from", "working_until")
    rows = [(None, *row) for row in Product.objects.filter(pk=product_id).values_list(*names)]
    rows += WarmBand.objects.filter(product=product_id).order_by("above").values_list("above", *names)
    found: list[Band] = [
        {"above": None if above is None else str(above), "from": str(start), "until": str(end)}
        for above, start, end in rows
        if start is not None
    ]
    _bands[product_id] = (now, found)
    return found


def forget() -> None:
    """Forget all names (tests, and the admin after a change)."""
    _known.clear()
    _clinicians.clear()
    _operators.clear()
    _versions.clear()
    _options.clear()
    _products.clear()
    _bands.clear()
