"""Commands on the operative note: sign it, sign beside, add to it. Afterwards nothing else is written (`rules`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from procedures import operative_note, rules, signing_rules
from procedures.progress import Place
from procedures.signing_rules import Opened
from procedures.state import NOTHING, Entry, EventKind, Flag

from .drafts import check_opened, forget_notes, is_operator
from .ledger import Ledger, command
from .steps import changes, check_entries, past_date, with_bands


@command
def sign(
    ledger: Ledger,
    *,
    note: Mapping[str, str],
    explained: Mapping[str, str],
    cosign_by: int | None = None,
    untouched: frozenset[str] = frozenset(),
    read_up_to: int | None = None,
    opened: Opened | None = None,
    instead: str = "",
) -> None:
    """Sign the operative note as its author. What the record lacks is explained, item by item (`explained`).

    `untouched`: the sections whose words are the program's own, in which nothing was written by hand. `read_up_to`: the
    last event that the author has seen; where another has come since, the signature is refused. `opened`: the page that
    the note stands in; where another one has kept a newer draft of it, likewise. `instead`: why it is signed by an
    operator who was not that of the case.

    The event keeps the sections of the note, the last seq and the head hash that the signature stands on, and who was
    asked to sign beside. From here on the record takes addenda only, and the rest of the recovery.
    """
    signing_rules.check_sign(ledger.progress, ledger.actor)
    if read_up_to not in (None, ledger.state.last_seq):
        raise rules.Refused("changed", signing_rules.changed())
    if opened is not None:
        check_opened(ledger.case, ledger.command.by, opened)
    said = signing_rules.check_note(note, operative_note.SECTIONS)
    reasons = signing_rules.check_explained(
        signing_rules.lacking(ledger.progress, said, untouched), explained
    )
    why_instead = signing_rules.check_instead(ledger.state, ledger.actor, instead)
    if cosign_by is not None and (cosign_by == ledger.actor.id or not is_operator(ledger.case, cosign_by)):
        raise rules.Invalid({"cosign_by": _("Choose another operator of this unit.")})
    ledger.write(
        EventKind.CASE_SIGNED,
        values={
            "meaning": "instead" if why_instead else "author",
            "note": said,
            "explained": reasons,
            "cosign_by": cosign_by,
            "seq": ledger.state.last_seq,
            "head": bytes(ledger.case.head_hash).hex(),
        },
        reason=why_instead,
    )
    forget_notes(ledger.case)


@command
def cosign(ledger: Ledger, *, remark: str = "", read_up_to: int | None = None) -> None:
    """Sign beside the author, as the one who supervised.

    `read_up_to`: the last event that the supervisor has seen; where another has come since, it is refused.
    """
    signing_rules.check_cosign(ledger.progress, ledger.actor)
    if read_up_to is not None:
        signing_rules.check_read(ledger.state, read_up_to)
    remark = rules.check_reason(remark) if remark.strip() else ""
    ledger.write(
        EventKind.CASE_COSIGNED,
        about=ledger.state.signed.seq if ledger.state.signed else None,
        values={
            "meaning": "supervisor",
            "seq": ledger.state.last_seq,
            "head": bytes(ledger.case.head_hash).hex(),
        },
        reason=remark,
    )


@command
def move_cosigner(ledger: Ledger, *, to: int | None, reason: str) -> None:
    """Ask another operator of the unit to co-sign than the one who was asked, with the reason; with None nobody in
    particular, so that any other operator can."""
    signing_rules.check_move(ledger.progress, ledger.actor)
    reason, asked, signed = rules.check_reason(reason), ledger.state.cosign_by, ledger.state.signed
    author = signed.by if signed else None
    if to == asked or (to is not None and (to == author or not is_operator(ledger.case, to))):
        raise rules.Invalid({"to": _("Choose another operator of this unit.")})
    ledger.write(EventKind.COSIGN_MOVED, values={"from": asked, "to": to}, reason=reason)


@command
def add_addendum(
    ledger: Ledger,
    *,
    reason: str,
    text: str = "",
    key: str = "",
    about: int | None = None,
    values: Mapping[str, Any] | None = None,
    performed_at: datetime | None = None,
    confirmed: frozenset[str] = frozenset(),
    read_up_to: int | None = None,
) -> None:
    """Add to a signed record, with the reason: words, or data of a step (`key`), or both.

    Data with `about` gives an entry other values (None takes one out), without it is a further entry of the step.
    Either way the case log and the statistics count it, marked as added later; the old values stay in the log. Somebody
    else than the author can have done something; what is said is said by the author.

    `read_up_to`: the last event of the step that the author has seen. Where another came since, it is refused: a form
    from before would take out what that one added.
    """
    place, entry = _meant(ledger, key, about, read_up_to)
    rules.check_performer(ledger.performer)
    reason, text = rules.check_reason(reason), text.strip()
    if len(text) > signing_rules.WORDS_LIMIT:
        limit = {"limit": signing_rules.WORDS_LIMIT}
        raise rules.Invalid({"text": _("At most %(limit)s characters.") % limit})
    if place is None and not text:
        raise rules.Invalid({"text": _("Say what is to be added.")})
    queued = rules.was_queued(ledger.command.source)
    done_at = performed_at or ledger.now
    done_at = min(done_at, ledger.now) if queued else done_at  # a tablet whose clock was ahead
    rules.check_times(done_at, ledger.now)
    used_at = entry.performed_at if entry else done_at
    data = _data(ledger, place, entry, values or {}, confirmed, used_at) if place else _Data()
    flags = {Flag.ADDENDUM, *data.flags}
    if queued and rules.clock_was_wrong(ledger.command.offset_ms):
        flags.add(Flag.CLOCK)
    ledger.write(
        EventKind.ADDENDUM_ADDED,
        step_key=place.text if place else "",
        about=about if place else None,
        values={"text": text, **data.values},
        flags=flags,
        reason=reason,
        performed_at=done_at,
        performed_by=ledger.performer.id if (place and about is None) or queued else ledger.actor.id,
    )


def _meant(
    ledger: Ledger, key: str, about: int | None, read_up_to: int | None
) -> tuple[Place | None, Entry | None]:
    """The step and the entry that an addendum speaks of; neither where it is in words."""
    place = ledger.progress.place(key) if key else None
    if key and place is None:
        signing_rules.refuse_no_step()
    place, entry = signing_rules.check_addendum(ledger.progress, ledger.actor, place, about)
    if entry and place and read_up_to is not None and place.step.last_seq > read_up_to:
        raise rules.Refused("changed", signing_rules.added_to())
    return place, entry


@dataclass(frozen=True, slots=True)
class _Data:
    """What an addendum says in data, and what a reader of it has to know."""

    values: Mapping[str, Any] = NOTHING
    flags: frozenset[Flag] = frozenset()


def _data(
    ledger: Ledger,
    place: Place,
    entry: Entry | None,
    given: Mapping[str, Any],
    confirmed: frozenset[str],
    used_at: datetime,
) -> _Data:
    """A further entry's values, or what changes in an entry and what stood there.

    What waited on a tablet is past asking: what is unusual is flagged, what is missing is a deficit.
    """
    old = entry.values if entry else {}
    changed = changes(place, old, with_bands(ledger, place, given, old))
    queued = rules.was_queued(ledger.command.source)
    if entry and not changed:  # that something was done says enough without a value
        raise rules.Invalid({"": _("Nothing was changed.")})
    after = {k: v for k, v in {**old, **changed}.items() if v is not None}
    sure = set(confirmed) | {k for k in old if k not in changed}
    unusual = rules.check_values(place.definition, after, sure, whole=not queued, ask=not queued)
    check_entries(ledger, place, changed)
    asked = {Flag.UNUSUAL if queued else Flag.CONFIRMED} if unusual & changed.keys() else set()
    flags = frozenset(asked | past_date(place, used_at, after))
    if entry:
        return _Data({"values": changed, "was": {k: old.get(k) for k in changed}}, flags)
    return _Data({"values": after}, flags)
