"""The units, the people with their log-ins, and the products of the demo."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.hashers import make_password

from procedures import clock
from procedures.definitions import Role
from procedures.models import Membership, Pin, Product, Unit, User
from procedures.models.people import ROLE_LABELS

PIN = "271828"  # of everybody who can log in; worth something on an enrolled tablet only
PASSWORD = "kypho-demo-only"  # noqa: S105 (printed by `make demo`; these accounts exist in the demo only)

# username, name, initials, role. The first block can log in; the others fill the teams of the other rooms.
_STAFF = (
    ("ward", "Wilma Brandt", "WB", Role.WARD_NURSE),
    ("nurse", "Ada Okafor", "AO", Role.CIRCULATING_NURSE),
    ("sedation", "Liam Moreau", "LM", Role.SEDATION_NURSE),
    ("anaesthetist", "Dr N. Lindgren", "NL", Role.ANAESTHETIST),
    ("scrub", "Sven Aalto", "SA", Role.SCRUB_NURSE),
    ("radiographer", "Rita Conti", "RC", Role.RADIOGRAPHER),
    ("chen", "Dr W. Chen", "WC", Role.OPERATOR),
    ("haddad", "Dr L. Haddad", "LH", Role.OPERATOR),
    ("assistant", "Dr P. Nair", "PN", Role.ASSISTANT),
    ("recovery", "Rosa Delgado", "RD", Role.RECOVERY_NURSE),
    ("admin", "Adam Kowalczyk", "AK", Role.ADMINISTRATOR),
)
_WITHOUT_LOGIN = (
    ("romero", "Elena Romero", "ER", Role.WARD_NURSE),
    ("osei", "Kofi Osei", "KO", Role.CIRCULATING_NURSE),
    ("ivanova", "Mila Ivanova", "MI", Role.CIRCULATING_NURSE),
    ("adeyemi", "Tunde Adeyemi", "TA", Role.SEDATION_NURSE),
    ("berg", "Dr H. Berg", "HB", Role.ANAESTHETIST),
    ("castillo", "Jorge Castillo", "JC", Role.SCRUB_NURSE),
    ("pham", "Linh Pham", "LP", Role.SCRUB_NURSE),
    ("yilmaz", "Deniz Yilmaz", "DY", Role.RADIOGRAPHER),
    ("tremblay", "Luc Tremblay", "LT", Role.RADIOGRAPHER),
    ("novak", "Dr S. Novak", "SN", Role.OPERATOR),
    ("whelan", "Dara Whelan", "DW", Role.RECOVERY_NURSE),
)
_ELSEWHERE = (
    ("otherunit", "Grace Mbeki", "GM", Role.CIRCULATING_NURSE),
    ("lopez", "Dr I. Lopez", "IL", Role.OPERATOR),
)
_CHARGE = ("nurse", "otherunit")
_REGISTERED = {
    Role.ANAESTHETIST: "Physician",
    Role.OPERATOR: "Physician",
    Role.ASSISTANT: "Physician",
    Role.RADIOGRAPHER: "Radiographer",
    Role.ADMINISTRATOR: "",
}

# kind, name, manufacturer, catalogue number, limits. The makers are fictional, the bands plausible and nobody's label.
_PRODUCTS: tuple[tuple[str, str, str, str, Mapping[str, object]], ...] = (
    (
        "cement",
        "Ossafill HV",
        "Norrland Medical",
        "NM-4100",
        {"working_from": Decimal("3.5"), "working_until": 11},
    ),
    ("cement", "Ossafill Slow", "Norrland Medical", "NM-4120", {"working_from": 5, "working_until": 16}),
    ("cement", "Vertecem Test", "Atlas Demo Devices", "AD-20", {"working_from": 3, "working_until": 9}),
    (
        "balloon",
        "Levara 10/3",
        "Atlas Demo Devices",
        "AD-B103",
        {"max_pressure_psi": 400, "max_volume_ml": 3},
    ),
    (
        "balloon",
        "Levara 15/3",
        "Atlas Demo Devices",
        "AD-B153",
        {"max_pressure_psi": 400, "max_volume_ml": 4},
    ),
    (
        "balloon",
        "Levara 20/3",
        "Atlas Demo Devices",
        "AD-B203",
        {"max_pressure_psi": 400, "max_volume_ml": 6},
    ),
    ("needle", "Pedicle needle 11 G", "Norrland Medical", "NM-N11", {}),
    ("needle", "Working cannula 10 G", "Norrland Medical", "NM-C10", {}),
)

LOGINS = [
    *((username, f"{ROLE_LABELS[role]} ({name})") for username, name, _initials, role in _STAFF),
    *(
        (username, f"{ROLE_LABELS[role]} of another unit ({name})")
        for username, name, _i, role in _ELSEWHERE[:1]
    ),
]

type Crew = Mapping[Role, User]


@dataclass(frozen=True, slots=True)
class Suite:
    """The units, everybody in the first by username and by role, and the team of the other one."""

    unit: Unit
    other_unit: Unit
    people: Mapping[str, User]
    elsewhere: Crew

    def crew(self, *usernames: str) -> Crew:
        """These people, each in the role of the unit."""
        roles = {username: role for username, _name, _initials, role in (*_STAFF, *_WITHOUT_LOGIN)}
        return {roles[username]: self.people[username] for username in usernames}

    def having(self, role: Role) -> list[User]:
        """Everybody of the first unit in that role."""
        return [self.people[u] for u, _name, _initials, r in (*_STAFF, *_WITHOUT_LOGIN) if r is role]


def make_suite() -> Suite:
    """Make the units, the people and the catalogue."""
    unit = Unit.objects.create(name="Interventional suite", rooms=["IR room 1", "IR room 2", "Theatre 3"])
    other = Unit.objects.create(name="Spine theatre, east wing", rooms=["Theatre 9"])
    # One hash for all: Argon2 is slow on purpose, and the password is printed anyway.
    known, none, pin = make_password(PASSWORD), make_password(None), make_password(PIN)
    people = _people(unit, _STAFF, known, pin) | _people(unit, _WITHOUT_LOGIN, none)
    elsewhere = _people(other, _ELSEWHERE[:1], known, pin) | _people(other, _ELSEWHERE[1:], none)
    Product.objects.bulk_create(
        Product(kind=kind, name=name, manufacturer=maker, reference=reference, gtin=_gtin(place), **limits)
        for place, (kind, name, maker, reference, limits) in enumerate(_PRODUCTS, start=1)
    )
    return Suite(unit, other, people, {role: elsewhere[username] for username, _n, _i, role in _ELSEWHERE})


def _gtin(place: int) -> str:
    """A number of the range 0952 that GS1 keeps for examples, with its check digit."""
    payload = f"0952110{place:06}"
    weighted = sum(int(digit) * (3, 1)[at % 2] for at, digit in enumerate(payload))
    return f"{payload}{-weighted % 10}"


def _people(
    unit: Unit, staff: tuple[tuple[str, str, str, Role], ...], password: str, pin: str = ""
) -> dict[str, User]:
    found = {}
    for number, (username, name, initials, role) in enumerate(staff, start=1):
        manages = role is Role.ADMINISTRATOR
        user = User(
            username=username,
            display_name=name,
            initials=initials,
            profession=_REGISTERED.get(role, "Nurse"),
            registration_number="" if manages else f"DEMO-{unit.pk}{role.value[:2].upper()}{number:03}",
            password=password,
            is_staff=manages,
            is_superuser=manages,
        )
        user.save()
        Membership.objects.create(user=user, unit=unit, role=role, charge=username in _CHARGE)
        if pin and not manages:
            Pin.objects.create(user=user, hash=pin, changed_at=clock.now())
        found[username] = user
    return found
