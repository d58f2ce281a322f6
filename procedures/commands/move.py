"""Putting right afterwards: an entry made on the wrong patient is moved, one out of order is reconciled."""

from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from procedures import canonical, projection, rules
from procedures.definitions import FieldType, Milestone
from procedures.directory import person
from procedures.models import Case
from procedures.progress import Place
from procedures.state import Entry, EventKind, Flag, StepStatus
from procedures.values import stamp

from .ledger import Command, Ledger, Receipt, answered, command, lock, people
from .steps import clock_time, open_access, withdraw_access


@command
def reconcile(ledger: Ledger, key: str, *, about: int, remark: str = "") -> None:
    """Somebody has looked at an entry that was out of order, overridden or made offline, and it stands."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_recordable(ledger.state)
    place, entry = rules.check_entry(ledger.progress, ledger.progress.place(key), about)
    if not ledger.progress.to_reconcile(entry):
        raise rules.Refused("reconciled", _("There is nothing to put in order here any more."))
    remark = rules.check_reason(remark) if remark.strip() else ""
    ledger.write(EventKind.EVENT_RECONCILED, step_key=place.text, about=about, reason=remark)


def move_entry(command: Command, key: str, *, about: int, to: UUID, reason: str) -> Receipt:
    """Move an entry that was recorded on the wrong patient to the case `to`, with its people, times and values.

    Both cases are locked in the order of their ids. Here the entry counts no more, there it is flagged as moved;
    neither trace names a patient. Raises Refused where the other case has no such step open, or has it done already. A
    value that points to an entry of this case (a cement batch) is left behind and is missing there.
    """
    reason = rules.check_reason(reason)
    people_of_it = {"by": command.by.pk, "performed_by": command.performed_by}
    asked = canonical.digest(
        "move_entry", {"key": key, "about": about, "to": to, "reason": reason, **people_of_it}
    )
    with transaction.atomic():
        here, there = _open_both(command, to)
        if here.context.seen:
            return answered(command, asked)
        for ledger in (here, there):
            rules.check_may(ledger.actor, rules.Act.RECORD)
            rules.check_recordable(ledger.state)
        place, entry = rules.check_entry(here.progress, here.progress.place(key), about)
        if entry.mark is not StepStatus.DONE:
            raise rules.Refused("not_done", _("Only what was done can be moved. Take this back instead."))
        moved_to = _write_there(there, here, place, entry, reason)
        here.write(
            EventKind.EVENT_MOVED,
            step_key=key,
            about=about,
            values={"to": str(to), "as": moved_to},
            reason=reason,
        )
        if place.definition.milestone is Milestone.NEEDLE_IN:
            withdraw_access(here, place.key)
        there.save(asked)
        return here.save(asked)


def _open_both(command: Command, to: UUID) -> tuple[Ledger, Ledger]:
    """The two cases, locked. The other must be one that the user may see."""
    if to == command.case_id:
        raise rules.Invalid({"to": _("Choose another case.")})
    found: dict[UUID, Ledger] = {}
    for pk in sorted((command.case_id, to)):
        wanted = replace(command, case_id=pk)
        with suppress(Case.DoesNotExist):
            case = lock(wanted)
            context = projection.context(pk, command.command_id)
            found[pk] = Ledger(case, context, wanted, *people(case, context, wanted))
    if command.case_id not in found:
        raise Case.DoesNotExist
    if to not in found:
        raise rules.Invalid({"to": _("Choose a case of this unit.")})
    return found[command.case_id], found[to]


def _write_there(there: Ledger, here: Ledger, place: Place, entry: Entry, reason: str) -> int:
    """The entry in the other case, with where it came from. Returns its seq."""
    try:
        found = rules.check_step(there.progress, there.progress.place(place.text))
        rules.check_free(found, lambda user: person(user).name, clock_time)
    except rules.Refused as refused:
        why = _("It has no such vertebra.") if refused.code == "no_step" else refused.sentence
        said = _("It cannot go into the other case. %(why)s") % {"why": why}
        raise rules.Refused(refused.code, said) from None
    open_access(there, found)
    found = there.progress.place(place.text) or found
    pointing = {f.key for f in found.definition.fields if f.type is FieldType.ENTRY}
    known = {f.key for f in found.definition.fields} - pointing
    kept = {Flag.LATE, Flag.OTHER_ROLE, Flag.CONFIRMED}
    flags = {flag for flag in entry.flags if flag in kept} | {Flag.MOVED}
    if there.progress.unmet(found):
        flags.add(Flag.OUT_OF_ORDER)
    written = there.write(
        EventKind.STEP_DONE,
        step_key=place.text,
        values={key: value for key, value in entry.values.items() if key in known},
        flags=flags,
        performed_at=entry.performed_at,
        performed_by=entry.performed_by,
    )
    trace = {
        "from": str(here.case.pk),
        "seq": entry.seq,
        "recorded_by": entry.recorded_by,
        "recorded_at": stamp(entry.recorded_at),
    }
    there.write(EventKind.EVENT_MOVED, step_key=place.text, about=written.seq, values=trace, reason=reason)
    return written.seq
