"""Plausible values for every step of the built-in protocol (domain.md sections 1 and 3.4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from procedures.definitions import VERTEBRAE, Field, Key, Needed, Role, Step
from procedures.models import Product, User
from procedures.scanning import Scan, encode
from procedures.values import quantity, stamp

ANSWER = {"yes", "no", "na"}


@dataclass(frozen=True, slots=True)
class Between:
    """A number drawn between two limits, with so many decimals."""

    low: float
    high: float
    decimals: int = 0

    def draw(self, rng: Random) -> Decimal:
        """One number."""
        return _round(rng.uniform(self.low, self.high), self.decimals)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several values, each as likely as it is often named; None leaves the field empty."""

    values: tuple[Any, ...]

    def draw(self, rng: Random) -> Any:
        """One value."""
        return rng.choice(self.values)


def one_of(*values: Any) -> OneOf:
    """Short for the table."""
    return OneOf(values)


# What each field usually holds: a constant, or something to draw from. Fields answered with yes, no or not applicable
# are "yes" where nothing else stands here.
_USUAL: Mapping[str, Mapping[str, Any]] = {
    "PRE-ID": {"first": "name", "second": one_of("birth_date", "birth_date", "mrn"), "wristband": True},
    "PRE-CON": {"signed_by": one_of("patient", "patient", "patient", "proxy"),
                "interpreter": one_of(False, False, True)},
    "PRE-SCR": {
        "allergies_asked": True, "inr": Between(0.9, 1.4, 1), "platelets": Between(140, 380),
        "haemoglobin": Between(9.8, 14.8, 1), "asa": one_of("2", "3", "3"), "airway": one_of("1", "2", "2", "3"),
        "blood_thinner": one_of(None, None, "Apixaban, stopped three days ago", "Aspirin, goes on"),
        "sleep_apnoea": one_of(False, False, False, True), "pregnancy": "not_needed",
    },
    "PRE-BASE": {"weight": Between(48, 92, 1), "pain": Between(5, 9), "power_left": one_of("5", "5", "5", "4"),
                 "power_right": "5", "sensation": one_of("normal", "normal", "normal", "changed")},
    "K01": {"gowned": True, "removed": True},
    "K02": {"site": one_of("hand", "forearm", "forearm", "elbow"), "side": one_of("left", "right"),
            "gauge": one_of(Decimal(20), Decimal(20), Decimal(22)), "patent": True,
            "attempts": one_of(Decimal(1), Decimal(1), Decimal(2)), "fluid": one_of(None, "Balanced solution"),
            "fluid_volume": one_of(None, Decimal(500))},
    "ABX": {"drug": "cefazolin", "dose": (Decimal(2), "g"), "route": "iv"},
    "K03": {"monitors": ["ecg", "spo2", "nibp", "etco2"], "oxygen_by": "nasal", "oxygen_flow": Between(2, 4)},
    "CHK-IN": {"blood_loss": "na", "airway": one_of("yes", "na")},
    "K04": {"depth": one_of(Decimal(-1), Decimal(-2), None)},
    "K05": {"position": "prone", "supports": one_of("Chest and pelvis rolls", "Gel frame, knees padded"), "eyes": True,
            "arms": True, "pressure": True},
    "K06a": {"hair": one_of("none", "none", "clip"), "antiseptic": one_of("chlorhexidine", "chlorhexidine", "iodine")},
    "K06b": {"dry": True},
    "CHK-TO": {"prevention": one_of("yes", "na")},
    "K07": {"technique": one_of("infiltration", "infiltration", "block"), "drug": one_of("lidocaine", "ropivacaine"),
            "concentration": one_of(Decimal(1), Decimal("0.5")), "volume": Between(6, 14), "adrenaline": False},
    "K08a": {"images_saved": True},
    "K08b": {"gauge": one_of(Decimal(10), Decimal(11)), "attempts": one_of(Decimal(1), Decimal(1), Decimal(2))},
    "K08c": {"labelled": True},
    "K09a": {"pressure": Between(120, 260), "stop_reason": one_of("height", "height", "cortex", "volume"),
             "rupture": False},
    "K09b": {"complete": True, "intact": True},
    "K09c": {"room_temp": Between(19, 23, 1), "antibiotic": None},
    "K09d": {"leak": ["none"], "stop_reason": one_of("filled", "filled", "resistance"),
             "consistency": one_of("paste", "paste", "dough"), "fluoroscopy": one_of("continuous", "intermittent")},
    "K09e": {"intact": True},
    "K09f": {"sample_hard": True},
    "K11": {"modality": one_of("fluoroscopy", "xray", "ct", "cone_beam"), "leak": ["none"],
            "height": one_of("restored", "partly", "partly", "unchanged"), "exposures": Between(6, 28),
            "machine": "C-arm 2"},
    "CNT": {"match": True, "counted_in": Decimal(14), "counted_out": Decimal(14)},
    "CLO": {"closure": one_of("strip", "glue"), "dressing": "Dry dressing", "blood_loss": Between(5, 20)},
    "CHK-OUT": {"specimens": "na"},
    "REC-TURN": {"airway_ok": True},
    "REC-HO": {"concerns": one_of("Flat for two hours, legs every 15 minutes", "Pain plan written, flat for an hour"),
               "situation": one_of(None, "Uneventful")},
    "REC-OBS": {"pain": Between(1, 4), "power_left": "5", "power_right": "5", "sensation": "normal", "wound": "dry"},
    "REC-SCO": {"activity": "2", "respiration": "2", "circulation": "2", "saturation": "2"},
    "DIS": {"criteria": ["lain", "vitals", "legs", "pain", "score", "wound", "walked"], "escort": True,
            "instructions": True, "bone_health": one_of(True, True, False)},
}  # fmt: skip
_SCREENED = {"penicillin": "antibiotic", "latex": "latex"}
_CENTRE = {
    "hr": (74, 9),
    "sbp": (138, 14),
    "dbp": (78, 8),
    "rr": (14, 2),
    "spo2": (96, 1),
    "temp": (36.5, 0.2),
}
_JITTER = {"hr": 4.0, "sbp": 7.0, "dbp": 4.0, "rr": 1.2, "spo2": 1.0, "temp": 0.1}
_FLOOR = {"hr": 48, "sbp": 96, "dbp": 48, "rr": 9, "spo2": 91, "temp": 35.4}


@dataclass(frozen=True, slots=True)
class Supply:
    """What lies on the shelf of one kind of product: the product by name, its lot, and until when it can be used."""

    product: str
    lot: str
    expires: date


@dataclass
class Details:
    """Draws the values of one case: steady around the patient's own baseline, with the products of the day."""

    rng: Random
    products: Mapping[str, list[Product]]
    day: date
    levels: tuple[str, ...]
    allergies: tuple[str, ...] = ()
    supplies: Mapping[str, Supply] = field(default_factory=dict)
    beam: float = 1.0
    lot: str = field(init=False)
    balloons: int = 0

    def __post_init__(self) -> None:
        self.baseline = {key: self.rng.gauss(mean, spread) for key, (mean, spread) in _CENTRE.items()}
        self.lot = f"{self.rng.choice('ABCDEFGHK')}{self.rng.randrange(1000, 9999)}"

    def of(self, step: Step, key: Key, moment: datetime, given: Mapping[str, Any]) -> dict[str, Any]:
        """What is entered for a step: `given` where it says something, else what is usual; not yet JSON."""
        usual = _USUAL.get(step.code, {})
        special = self._special.get(step.code, _nothing)(key, moment)
        special = {name: value for name, value in special.items() if step.field(name)}
        drawn = {f.key: self._draw(f, usual.get(f.key)) for f in step.fields}
        raw = {**drawn, **special, **given}
        return {name: value for name, value in raw.items() if value is not None}

    def shaped(
        self, step: Step, raw: Mapping[str, Any], *, gaps: float = 0.0, without: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The values as they are stored; some of those not needed at once are left out."""
        found = {}
        for name, value in raw.items():
            definition = step.field(name)
            if definition is None:
                raise KeyError(f"{step.code} has no field {name}")
            left_out = name in without or (
                gaps and definition.needed is Needed.COMPLETION and self.rng.random() < gaps
            )
            if not left_out:
                found[name] = _shape(definition, value)
        return found

    def product(self, kind: str, name: str = "") -> dict[str, Any]:
        """A product of the shelf, with its lot and expiry."""
        shelf = [p for p in self.products[kind] if p.name == name] or self.products[kind]
        product = self.rng.choice(shelf)
        expires = (self.day + timedelta(days=self.rng.randrange(120, 900))).isoformat()
        lot = f"{kind[0].upper()}{self.lot}"
        if supply := self.supplies.get(kind):
            product = next(p for p in self.products[kind] if p.name == supply.product)
            expires, lot = supply.expires.isoformat(), supply.lot
        found = {"id": product.pk, "name": str(product), "lot": lot, "expires": expires, "gtin": product.gtin}
        if kind == "cement" or self.lot[0] > "D":  # a cement is scanned always, the rest on most days
            self.balloons += kind == "balloon"
            serial = f"{self.lot[1:]}{self.balloons:02}" if kind == "balloon" else ""
            scan = encode(Scan(product.gtin, lot, expires, serial))
            return {**found, **({"serial": serial} if serial else {}), "scan": scan, "how": "scanned"}
        return {**found, "how": "picked"}

    def _draw(self, definition: Field, usual: Any) -> Any:
        if isinstance(usual, Between | OneOf):
            return usual.draw(self.rng)
        if usual is not None:
            return usual
        if definition.key in _CENTRE and definition.unit:
            return self._reading(definition)
        return "yes" if {code for code, _label in definition.options} == ANSWER else None

    def _reading(self, definition: Field) -> Decimal:
        name = definition.key
        value = max(_FLOOR[name], self.rng.gauss(self.baseline[name], _JITTER[name]))
        return _round(min(value, 100) if name == "spo2" else value, definition.decimals)

    @property
    def _special(self) -> Mapping[str, Callable[[Key, datetime], dict[str, Any]]]:
        """What depends on the level, the hour or the shelf."""
        return {
            "PRE-CON": lambda _key, moment: {
                "levels": sorted(self.levels, key=VERTEBRAE.index),
                "signed_at": moment - timedelta(minutes=self.rng.randrange(20, 90)),
            },
            "PRE-SCR": lambda _key, moment: {
                "allergy_to": [_SCREENED[a] for a in self.allergies if a in _SCREENED] or ["none"],
                "last_food_at": moment - timedelta(hours=self.rng.randrange(8, 14)),
                "last_drink_at": moment - timedelta(hours=self.rng.randrange(2, 5)),
            },
            "ABX": lambda _key, _moment: (
                {"drug": "clindamycin", "dose": (Decimal(600), "mg")}
                if "penicillin" in self.allergies
                else {}
            ),
            "PRE-MARK": lambda _key, _moment: {"region": _region(self.levels)},
            "CHK-IN": lambda _key, _moment: {
                "present": [Role.OPERATOR, Role.SEDATION_NURSE, Role.ANAESTHETIST, Role.CIRCULATING_NURSE]
            },
            "CHK-TO": lambda _key, _moment: {
                "levels_read": sorted(self.levels, key=VERTEBRAE.index),
                "present": [
                    Role.OPERATOR,
                    Role.SEDATION_NURSE,
                    Role.ANAESTHETIST,
                    Role.CIRCULATING_NURSE,
                    Role.SCRUB_NURSE,
                    Role.RADIOGRAPHER,
                ],
            },
            "CHK-OUT": lambda _key, _moment: {
                "present": [Role.OPERATOR, Role.CIRCULATING_NURSE, Role.SCRUB_NURSE, Role.RADIOGRAPHER]
            },
            "K08a": lambda key, _moment: {
                "level_read": key.level,
                "count_method": "sacrum" if key.level[0] == "L" or key.level == "T12" else "rib",
            },
            "K08b": lambda key, _moment: {
                "approach": "extrapedicular" if _thoracic(key.level) else "transpedicular",
                "needle": self.product("needle"),
            },
            "K08c": lambda key, _moment: {"specimen": f"B-{self.rng.randrange(10_000, 99_999)} {key.level}"},
            "K09a": lambda key, _moment: self._balloon(key),
            "K09c": lambda _key, _moment: {
                "cement": self.product("cement"),
                "liquid_lot": f"L{self.lot}",
                "liquid_expires": self.day + timedelta(days=self.rng.randrange(120, 700)),
            },
            "K09d": lambda _key, moment: {
                "started_at": moment - timedelta(seconds=self.rng.randrange(60, 180))
            },
            # Published means: 2.2 min for one level from the side and 1.6 from the front, more for more (source S26).
            "K11": lambda _key, _moment: {
                "fluoro_time": self._beam(150, 330),
                "dap": (self._beam(900, 3200), "cGy.cm2"),
                "air_kerma": self._beam(90, 380),
            },
            "REC-SCO": lambda _key, _moment: self._score(),
            "DIS": lambda _key, _moment: {"follow_up": self.day + timedelta(days=42)},
        }

    def _balloon(self, key: Key) -> dict[str, Any]:
        size = "10/3" if _thoracic(key.level) else self.rng.choice(("15/3", "15/3", "20/3"))
        high = {"10/3": 2.6, "15/3": 3.9, "20/3": 4.8}[size]
        volume = _round(self.rng.uniform(high * 0.55, high), 1)
        return {"size": size, "balloon": self.product("balloon", f"Levara {size}"), "volume": volume}

    def _beam(self, low: float, high: float) -> Decimal:
        return _round(len(self.levels) * self.rng.uniform(low, high) * self.beam, 0)

    def _score(self) -> dict[str, Any]:
        awake = self.rng.choice(("1", "2", "2"))
        return {"consciousness": awake, "total": Decimal(8 + int(awake))}


def amount(rng: Random, low: float, high: float, decimals: int = 1) -> Decimal:
    """A number drawn between two limits."""
    return _round(rng.uniform(low, high), decimals)


def person(user: User) -> dict[str, Any]:
    """A person as a value."""
    return {"id": user.pk, "name": user.display_name}


def _round(value: float, decimals: int) -> Decimal:
    return Decimal(f"{value:.{decimals}f}")


def _nothing(_key: Key, _moment: datetime) -> dict[str, Any]:
    return {}


def _thoracic(level: str) -> bool:
    return level[0] == "T" and level not in ("T11", "T12")


def _region(levels: tuple[str, ...]) -> str:
    if all(_thoracic(level) for level in levels):
        return "thoracic"
    return "thoracolumbar" if any(level[0] == "T" for level in levels) else "lumbar"


def _shape(definition: Field, value: Any) -> Any:
    match value:
        case (Decimal() as number, str() as unit):
            return quantity(definition, number, unit)
        case Decimal():
            return quantity(definition, value)
        case datetime():
            return stamp(value)
        case date():
            return value.isoformat()
    return value
