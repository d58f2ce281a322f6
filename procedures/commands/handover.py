"""Commands on a handover: offered to a named person, accepted by that person, or withdrawn."""

from typing import Any

from django.utils.translation import gettext as _

from procedures import directory, rules
from procedures.definitions import Milestone
from procedures.state import EventKind
from procedures.values import TEXT_LIMIT

from .ledger import Ledger, command


@command
def offer_handover(ledger: Ledger, *, to: int, concerns: str = "") -> None:
    """Offer the case to another clinician of the unit or team. The event keeps what was open at that moment."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_running(ledger.state)
    if ledger.state.handover:
        name = directory.person(ledger.state.handover.to).name
        raise rules.Refused(
            "handover_open", _("A handover to %(name)s is waiting. Withdraw it first.") % {"name": name}
        )
    if to == ledger.actor.id or not is_clinician(ledger, to):
        raise rules.Invalid({"to": _("Choose another clinician of this unit or team.")})
    concerns = concerns.strip()
    if len(concerns) > TEXT_LIMIT:
        raise rules.Invalid({"concerns": _("At most %(limit)s characters.") % {"limit": TEXT_LIMIT}})
    ledger.write(EventKind.HANDOVER_OFFERED, values={"to": to, "concerns": concerns, **_what_is_open(ledger)})


@command
def accept_handover(ledger: Ledger) -> None:
    """Take the case over. Who is not in the team yet joins it, in the role of the one who hands over."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    offer = ledger.state.handover
    if offer is None:
        raise rules.Refused("no_handover", _("No handover is waiting any more."))
    if offer.to != ledger.actor.id:
        name = directory.person(offer.to).name
        raise rules.Refused("not_yours", _("This handover is for %(name)s.") % {"name": name})
    ledger.write(EventKind.HANDOVER_ACCEPTED, about=offer.seq, values={"from": offer.by, "to": offer.to})
    if not ledger.state.in_team(ledger.actor.id):
        roles = (m.role for m in ledger.state.team if m.user == offer.by and m.until is None)
        role = next(roles, str(ledger.actor.role))
        ledger.write(EventKind.TEAM_JOINED, values={"user": ledger.actor.id, "role": role})


@command
def withdraw_handover(ledger: Ledger) -> None:
    """Take the offer back, or decline it."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    offer = ledger.state.handover
    if offer is None:
        raise rules.Refused("no_handover", _("No handover is waiting any more."))
    if ledger.actor.id not in (offer.by, offer.to):
        name = directory.person(offer.by).name
        raise rules.Refused(
            "not_yours", _("%(name)s offered this handover and can withdraw it.") % {"name": name}
        )
    ledger.write(EventKind.HANDOVER_WITHDRAWN, about=offer.seq, values={"to": offer.to})


def is_clinician(ledger: Ledger, user_id: int) -> bool:
    """Whether somebody records in the unit of the case, or is in its team now."""
    unit = directory.clinicians(ledger.case.unit_id)
    return user_id in {pk for pk, _name in unit} or ledger.state.in_team(user_id)


def _what_is_open(ledger: Ledger) -> dict[str, Any]:
    """Keys only: which steps were open, which entries lacked something, which drugs had been recorded."""
    progress = ledger.progress
    drug = ledger.protocol.by_milestone.get(Milestone.DRUG)
    given = ledger.state.steps[drug.code].live if drug and drug.code in ledger.state.steps else ()
    return {
        "open": [place.text for place in progress.open_places],
        "missing": sorted({f"{d.key}:{d.seq or 0}" for d in progress.deficits}),
        "drugs": [entry.seq for entry in given],
    }
