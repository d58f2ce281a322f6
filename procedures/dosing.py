"""How much of a local anaesthetic a case has had, in mg and mg for each kg, and when to ask about it. Pure.

One millilitre of one per cent holds ten milligrams. All entries of the case count together: what was given at one
vertebra is still in the patient at the next. Nothing is dosed and nothing blocks; the limits are the site's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import gettext as _

from .definitions import DoseLimit, Dosing
from .progress import Place, Progress

MG_OF_ML_AND_PERCENT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """All entries of one drug together. `weight` in kg, None where nobody has recorded it."""

    drug: str
    label: str
    mg: Decimal
    weight: Decimal | None
    limit: DoseLimit | None

    @property
    def per_kg(self) -> Decimal | None:
        """Milligrams for each kilogram."""
        return self.mg / self.weight if self.weight else None

    @property
    def is_above(self) -> bool:
        """Above either limit; without a weight only that in mg counts."""
        if self.limit is None:
            return False
        per_kg = self.per_kg
        return self.mg > self.limit.max_mg or (per_kg is not None and per_kg > self.limit.mg_per_kg)

    @property
    def words(self) -> str:
        """ "Lidocaine 240 mg (3.43 mg/kg at 70 kg)"."""
        said = {"drug": self.label, "mg": number(self.mg)}
        if self.per_kg is None or self.weight is None:
            return _("%(drug)s %(mg)s mg (no weight recorded)") % said
        said |= {"per_kg": number(self.per_kg), "weight": number(self.weight)}
        return _("%(drug)s %(mg)s mg (%(per_kg)s mg/kg at %(weight)s kg)") % said


def totals(
    progress: Progress, given: Mapping[str, Any] | None = None, about: int | None = None
) -> list[Total]:
    """What all entries of the case come to, by drug, with what is `given` now.

    `about`: the entry that `given` adds to or corrects, so that it does not count twice. An entry without a drug,
    volume or concentration counts once it has them.
    """
    dosing = progress.protocol.dosing
    if dosing is None:
        return []
    entries = [
        entry.values
        for place in progress.by_code.get(dosing.step, ())
        for entry in place.step.live
        if entry.seq != about
    ]
    doses: dict[str, list[Mapping[str, Any]]] = {}
    for values in (*entries, *([given] if given else [])):
        if _is_whole(dosing, values):
            doses.setdefault(values[dosing.drug], []).append(values)
    return [_total(progress, dosing, drug, found) for drug, found in doses.items()]


def question(
    progress: Progress, place: Place, given: Mapping[str, Any], about: int | None = None
) -> dict[str, str]:
    """The question where what is given now brings its drug above a limit of the site; else empty."""
    dosing = progress.protocol.dosing
    if dosing is None or place.definition.code != dosing.step or not given.keys() & _counted(dosing):
        return {}
    before = place.step.entry(about) if about else None
    values = {k: v for k, v in {**(before.values if before else {}), **given}.items() if v is not None}
    drug = values.get(dosing.drug) if _is_whole(dosing, values) else None
    total = next((t for t in totals(progress, values, about) if t.drug == drug), None)
    if total is None or total.limit is None or not total.is_above:
        return {}
    said = {
        "total": total.words,
        "mg": number(total.limit.max_mg),
        "per_kg": number(total.limit.mg_per_kg),
    }
    sentence = _("%(total)s in this case together. This site asks above %(mg)s mg or %(per_kg)s mg/kg.")
    return {f"total_{dosing.drug}": sentence % said}


def number(amount: Decimal) -> str:
    """At most two decimals, and no zeros behind them."""
    return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_UP).normalize():f}"


def _total(progress: Progress, dosing: Dosing, drug: str, found: list[Mapping[str, Any]]) -> Total:
    mg = sum((_mg(dosing, values) for values in found), Decimal())
    field = progress.protocol.by_code[dosing.step].field(dosing.drug)
    label = dict(field.options).get(drug, drug) if field else drug
    return Total(
        drug=drug, label=label, mg=mg, weight=_weight(progress, dosing), limit=_limit(dosing, drug, found)
    )


def _mg(dosing: Dosing, values: Mapping[str, Any]) -> Decimal:
    millilitres = Decimal(values[dosing.volume]["amount"])
    return millilitres * Decimal(values[dosing.concentration]["amount"]) * MG_OF_ML_AND_PERCENT


def _limit(dosing: Dosing, drug: str, found: list[Mapping[str, Any]]) -> DoseLimit | None:
    """Of the limits of the drug that hold for every entry, the one that says most: the higher one for adrenaline counts
    only where all of it was given with adrenaline."""
    holding = [
        limit
        for limit in dosing.limits
        if limit.drug == drug and all(v.get(k) == wanted for v in found for k, wanted in limit.when.items())
    ]
    return max(holding, key=lambda limit: len(limit.when), default=None)


def _weight(progress: Progress, dosing: Dosing) -> Decimal | None:
    """The weight that was recorded last."""
    entries = [e for place in progress.by_code.get(dosing.weight_step, ()) for e in place.step.live]
    known = [e.values[dosing.weight] for e in entries if dosing.weight in e.values]
    return Decimal(known[-1]["amount"]) if known else None


def _counted(dosing: Dosing) -> set[str]:
    return {dosing.drug, dosing.volume, dosing.concentration} | {
        k for limit in dosing.limits for k in limit.when
    }


def _is_whole(dosing: Dosing, values: Mapping[str, Any]) -> bool:
    return {dosing.drug, dosing.volume, dosing.concentration} <= values.keys()
