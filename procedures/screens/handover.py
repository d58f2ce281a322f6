"""The handover of a case: what the one who takes over has to know, drafted from the case itself."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures import dosing, rules, timers
from procedures.definitions import Milestone
from procedures.models import Case, User
from procedures.values import plain, unit_name

from . import clocks
from .parts import Banner, new_command_id
from .view import View

OPEN_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A handover that waits for its answer."""

    to: int
    to_name: str
    by_name: str
    at: datetime
    concerns: str
    for_me: bool
    mine: bool


@dataclass(slots=True, kw_only=True)
class HandoverScreen:
    """All that handover.html draws. `parts`: title and lines of the draft; `why_not`: why nobody here may offer."""

    case: Case
    banner: Banner
    status_word: str
    role: str
    parts: list[tuple[str, list[str]]]
    offer: Offer | None
    candidates: list[tuple[int, str]]
    why_not: str
    typed: Mapping[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    command_id: str = field(default_factory=new_command_id)


def build(
    user: User,
    pk: Any,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    notice: str = "",
) -> HandoverScreen:
    """The screen for this person. Raises Case.DoesNotExist."""
    view = View.load(user, pk)
    why_not = rules.why_not(rules.check_may, view.actor, rules.Act.RECORD) or rules.why_not(
        rules.check_running, view.state
    )
    return HandoverScreen(
        case=view.case,
        banner=view.banner,
        status_word=view.status_word,
        role=view.role,
        parts=[(title, said) for title, said in _draft(view) if said],
        offer=_offer(view),
        candidates=[(pk, name) for pk, name in view.members if pk != view.actor.id],
        why_not=why_not,
        typed=typed or {},
        errors=dict(errors or {}),
        notice=notice,
    )


def _offer(view: View) -> Offer | None:
    offer = view.state.handover
    if offer is None:
        return None
    said = view.case.events.values_list("data", flat=True).get(seq=offer.seq)["values"]
    return Offer(
        to=offer.to,
        to_name=view.names[offer.to].name,
        by_name=view.names[offer.by].name,
        at=offer.at,
        concerns=said["concerns"],
        for_me=view.actor.id == offer.to,
        mine=view.actor.id == offer.by,
    )


def _draft(view: View) -> list[tuple[str, list[str]]]:
    """What stands in the case now, in the order in which it matters to the one who comes."""
    return [
        (_("Vertebrae"), _levels(view)),
        (_("Clocks"), _clocks(view)),
        (_("Next"), _open_steps(view)),
        (_("Given so far"), [*_drugs(view), *(total.words for total in dosing.totals(view.progress))]),
        (_("Complications"), _complications(view)),
        (_("Still missing"), [item.sentence for item in view.missing()]),
        (_("Allergies"), [substance for _id, substance in view.banner.allergies]),
    ]


def _levels(view: View) -> list[str]:
    found = []
    words = {
        "open": _("open"),
        "completed": _("completed"),
        "abandoned": _("abandoned"),
        "deferred": _("deferred"),
    }
    for level in view.state.in_order():
        state = view.progress.level_status(level).value
        sides = ", ".join(rules.side_name(side) for side in level.sides)
        found.append(f"{level.vertebra}: {words.get(state, state)}" + (f" ({sides})" if sides else ""))
    if cement := view.progress.summary().cement_ml:
        found.append(_("Cement so far: %(amount)s mL") % {"amount": plain(cement)})
    return found


def _open_steps(view: View) -> list[str]:
    titles = [rules.title(place) for place in view.progress.open_places]
    rest = len(titles) - OPEN_SHOWN
    more = (
        [ngettext("and %(number)s more", "and %(number)s more", rest) % {"number": rest}] if rest > 0 else []
    )
    return titles[:OPEN_SHOWN] + more


def _drugs(view: View) -> list[str]:
    """Each drug with all its doses added up, in the order of its first dose."""
    total: dict[str, Decimal] = {}
    doses: dict[str, int] = defaultdict(int)
    units: dict[str, str] = {}
    for place in view.progress.places.values():
        drug, dose = place.definition.field("drug"), place.definition.field("dose")
        if drug is None or dose is None:
            continue
        for entry in place.step.live:
            if "drug" not in entry.values:
                continue
            name = str(entry.values.get("other_drug") or view.show(drug, entry.values["drug"]))
            units[name] = dose.unit
            doses[name] += 1
            if "dose" in entry.values:
                total[name] = total.get(name, Decimal()) + Decimal(entry.values["dose"]["amount"])
    return [
        f"{name}: {_amount(total.get(name), units[name])}, {_doses(number)}" for name, number in doses.items()
    ]


def _amount(total: Decimal | None, unit: str) -> str:
    if total is None:
        return _("dose not recorded")
    if unit == "mg" and 0 < total < 1:  # as it is drawn up and spoken
        total, unit = total * 1000, "ug"
    return f"{plain(total.normalize() + 0)} {unit_name(unit)}"


def _doses(number: int) -> str:
    return ngettext("%(number)s dose", "%(number)s doses", number) % {"number": number}


def _clocks(view: View) -> list[str]:
    """The clocks that run, as they stand when the page is drawn."""
    strip = clocks.strip(view.protocol, timers.running(view.progress), view.now)
    return [f"{c.label} {c.where}".strip() + f": {c.count} {c.word}" for c in strip]


def _complications(view: View) -> list[str]:
    step = view.protocol.by_milestone.get(Milestone.COMPLICATION)
    entries = view.state.steps[step.code].live if step and step.code in view.state.steps else ()
    kinds = step.field("type") if step else None
    return [view.show(kinds, e.values["type"]) for e in entries if kinds and "type" in e.values]
