"""What was given: drugs with what they come to, local anaesthetic in mg, and the X-rays with their dose."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from procedures import dosing
from procedures.definitions import Field
from procedures.landmarks import Landmarks, entries
from procedures.progress import Place
from procedures.screens.view import View
from procedures.state import Entry
from procedures.values import converted, unit_name

from .words import Act, act, amount, drug, is_number, seconds, tidy, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """One dose as it was entered; `amount` is empty where nobody entered it."""

    act: Act
    amount: str
    route: str
    ordered_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    """One drug. `total` is in the canonical unit, and in the entered one too where all doses share it.

    `unknown`: how many doses have no amount and so are not in the total.
    """

    name: str
    total: str
    canonical: Decimal
    unit: str
    unknown: int
    doses: list[Dose]


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """Local anaesthetic at one vertebra. `mg` is the concentration times the volume, None where one is not known."""

    act: Act
    level: str
    name: str
    technique: str
    concentration: str
    volume: str
    adrenaline: str
    mg: Decimal | None

    @property
    def in_mg(self) -> str:
        """The amount as text."""
        return f"{tidy(self.mg)} mg" if self.mg is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTotal:
    """What one local anaesthetic comes to in the whole case; `per_kg` in mg/kg, None where no weight was recorded.

    `above`: more than the limit from which on the site asks. `unknown`: how many entries are not in the sum.
    """

    name: str
    mg: Decimal
    volume: Decimal
    per_kg: Decimal | None
    above: bool
    unknown: int

    @property
    def words(self) -> str:
        """ "180 mg in 18 mL, 2.57 mg/kg"."""
        said = {"mg": tidy(self.mg), "volume": tidy(self.volume)}
        if self.per_kg is None:
            return _("%(mg)s mg in %(volume)s mL") % said
        return _("%(mg)s mg in %(volume)s mL, %(per_kg)s mg/kg") % {
            **said,
            "per_kg": dosing.number(self.per_kg),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Radiation:
    """One quantity of the X-rays: its sum in the canonical unit, and each entry as it was entered."""

    key: str
    label: str
    total: Decimal
    unit: str
    words: str
    also: str
    entered: list[tuple[Act, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Final images: of what kind, and what they show."""

    act: Act
    modality: str
    leak: str
    height: str
    machine: str


def drugs(view: View) -> list[Drug]:
    """Every drug by the first time it was given."""
    found: dict[str, list[tuple[Place, Entry]]] = {}
    for place, entry in _doses(view):
        found.setdefault(drug(place, entry), []).append((place, entry))
    return [_drug(view, name, given) for name, given in found.items()]


def _doses(view: View) -> Iterator[tuple[Place, Entry]]:
    steps = Landmarks(view.protocol).doses
    given = [pair for step in steps for pair in entries(view.progress, step)]
    return iter(sorted(given, key=lambda pair: (pair[1].performed_at.timestamp(), pair[1].seq)))


def _drug(view: View, name: str, given: list[tuple[Place, Entry]]) -> Drug:
    known = [e.values["dose"] for _p, e in given if e.values.get("dose")]
    total = sum((Decimal(v["amount"]) for v in known), Decimal())
    unit = unit_name(known[0]["unit"]) if known else ""
    return Drug(
        name=name,
        total=_total(known, total, unit),
        canonical=total,
        unit=unit,
        unknown=len(given) - len(known),
        doses=[
            Dose(
                act=act(view, place, entry),
                amount=value(view, place, entry, "dose"),
                route=value(view, place, entry, "route"),
                ordered_by=value(view, place, entry, "ordered_by"),
            )
            for place, entry in given
        ],
    )


def _total(known: list[dict[str, str]], total: Decimal, unit: str) -> str:
    if not known:
        return ""
    canonical = f"{tidy(total)} {unit}"
    units = {v.get("entered_unit", v["unit"]) for v in known}
    if len(units) == 1 and (entered := units.pop()) != known[0]["unit"]:
        same = sum((Decimal(v["entered"]) for v in known), Decimal())
        return f"{tidy(same)} {unit_name(entered)} ({converted(total, same)} {unit})"
    return canonical


# Local anaesthetic ------------------------------------------------------------------------------------------


def local(view: View) -> list[Local]:
    """Each time it was given, from the head down."""
    found = entries(view.progress, Landmarks(view.protocol).local)
    return [_local(view, place, entry) for place, entry in found]


def _local(view: View, place: Place, entry: Entry) -> Local:
    per_cent, ml = amount(entry, "concentration"), amount(entry, "volume")
    return Local(
        act=act(view, place, entry),
        level=place.key.level,
        name=drug(place, entry),
        technique=value(view, place, entry, "technique"),
        concentration=value(view, place, entry, "concentration"),
        volume=value(view, place, entry, "volume"),
        adrenaline=value(view, place, entry, "adrenaline"),
        mg=per_cent * dosing.MG_OF_ML_AND_PERCENT * ml if per_cent is not None and ml is not None else None,
    )


def local_totals(view: View, given: list[Local]) -> list[LocalTotal]:
    """What each local anaesthetic comes to."""
    judged = {total.label: total for total in dosing.totals(view.progress)}
    return [
        _local_total(view, name, given, judged.get(name)) for name in dict.fromkeys(row.name for row in given)
    ]


def _local_total(view: View, name: str, given: list[Local], judged: dosing.Total | None) -> LocalTotal:
    rows = [row for row in given if row.name == name]
    known = [row for row in rows if row.mg is not None]
    return LocalTotal(
        name=name,
        mg=sum((row.mg or Decimal() for row in known), Decimal()),
        volume=sum((_ml(view, row) for row in known), Decimal()),
        per_kg=judged.per_kg if judged else None,
        above=judged is not None and judged.is_above,
        unknown=len(rows) - len(known),
    )


def _ml(view: View, row: Local) -> Decimal:
    entry = view.state.steps[row.act.key].entry(row.act.seq)
    return (amount(entry, "volume") if entry else None) or Decimal()


# X-rays -----------------------------------------------------------------------------------------------------


def radiation(view: View) -> list[Radiation]:
    """Each quantity of the X-rays that was entered."""
    step = Landmarks(view.protocol).images
    fields = [f for f in step.fields if is_number(f)] if step else []
    return [found for f in fields if (found := _radiation(view, f))]


def _radiation(view: View, f: Field) -> Radiation | None:
    given = [
        (place, entry)
        for place, entry in entries(view.progress, Landmarks(view.protocol).images)
        if f.key in entry.values
    ]
    if not given:
        return None
    total = sum((amount(entry, f.key) or Decimal() for _p, entry in given), Decimal())
    return Radiation(
        key=f.key,
        label=f.label,
        total=total,
        unit=unit_name(f.unit),
        words=f"{tidy(total)} {unit_name(f.unit)}".strip(),
        also=seconds(total) if f.unit == "s" else "",
        entered=[(act(view, place, entry), _entered(entry, f.key)) for place, entry in given],
    )


def _entered(entry: Entry, key: str) -> str:
    """As somebody typed it, in the unit of then."""
    said = entry.values[key]
    unit = unit_name(said.get("entered_unit", said["unit"]))
    return f"{said.get('entered', said['amount'])} {unit}".strip()


def images(view: View) -> list[Image]:
    """The final images in the order of time."""
    return [
        Image(
            act=act(view, place, entry),
            modality=value(view, place, entry, "modality"),
            leak=value(view, place, entry, "leak"),
            height=value(view, place, entry, "height"),
            machine=value(view, place, entry, "machine"),
        )
        for place, entry in entries(view.progress, Landmarks(view.protocol).images)
    ]
