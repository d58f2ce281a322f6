"""Commands on steps and their entries: done, not done, not applicable, details, correction, void, verification."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.formats import time_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from procedures import cautions, directory, rules, second_person, timing, use_by
from procedures.definitions import SIDES, FieldType, Key, Milestone, Repeats
from procedures.directory import person
from procedures.progress import Place
from procedures.state import Entry, EventKind, Flag, StepStatus
from procedures.values import stamp

from .ledger import Ledger, command

BOTH = "both"


@command
def record_done(
    ledger: Ledger,
    key: str,
    *,
    values: Mapping[str, Any] | None = None,
    side: str = "",
    performed_at: datetime | None = None,
    confirmed: frozenset[str] = frozenset(),
    override_reason: str = "",
) -> None:
    """Record that a step was done: one entry, or with `side="both"` one for each side.

    Without `performed_at` it was done now. `confirmed` names the fields and questions that were asked about;
    `override_reason` passes over hard requirements where the role allows it. What comes from paper or from a tablet
    that was offline has happened: it is never refused for its order, but flagged.
    """
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_performer(ledger.performer)
    done_at = _possible(ledger, performed_at)
    rules.check_times(done_at, ledger.now)
    _begin(ledger, done_at)
    given = _without_gaps(values)
    for text in _keys(key, side):
        place = rules.check_step(ledger.progress, ledger.progress.place(text), ledger.command.source)
        open_access(ledger, place)
        place = ledger.progress.place(text) or place
        given = with_bands(ledger, place, given, {})
        rules.check_free(place, lambda user: person(user).name, clock_time)
        flags = _flags(ledger, place, given, confirmed, override_reason, done_at)
        ledger.write(
            EventKind.STEP_DONE,
            step_key=text,
            values=given,
            flags=flags,
            performed_at=done_at,
            performed_by=ledger.performer.id,
        )


def _possible(ledger: Ledger, performed_at: datetime | None) -> datetime:
    """When it was done. A tablet whose clock was ahead cannot have queued something in the future."""
    if performed_at is None:
        return ledger.now
    return min(performed_at, ledger.now) if rules.was_queued(ledger.command.source) else performed_at


def _begin(ledger: Ledger, done_at: datetime) -> None:
    """What a tablet recorded while it could not start the case has started it."""
    if rules.was_queued(ledger.command.source) and not (ledger.state.started_at or ledger.state.ended):
        ledger.write(EventKind.CASE_STARTED, performed_at=done_at)


def _without_gaps(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was given: a field left empty is a field that is missing."""
    return {key: value for key, value in (values or {}).items() if value is not None}


def with_bands(
    ledger: Ledger, place: Place, given: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any]:
    """The values, each product that starts a clock with the time bands of the catalogue: what held when it was recorded
    is part of the record, whatever the catalogue says later. A product that stays what it was keeps its bands."""
    found = dict(given)
    if not any(t.product_bands and t.starts_on == place.definition.code for t in ledger.protocol.timers):
        return found
    for field in place.definition.fields:
        value, was = found.get(field.key), before.get(field.key) or {}
        if field.type is not FieldType.PRODUCT or not value or not value.get("id"):
            continue
        same = value["id"] == was.get("id") and "bands" in was
        if bands := was["bands"] if same else directory.bands(value["id"]):
            found[field.key] = {**value, "bands": bands}
    return found


def _keys(key: str, side: str) -> list[str]:
    """The rows meant: a side chosen in the form takes the place of that in the key."""
    parsed = Key.parse(key)
    if not side or not parsed.level:
        return [key]
    if side != BOTH and side not in SIDES:
        raise rules.Invalid({"side": _("Choose left, right or both.")})
    return [str(Key(parsed.code, parsed.level, s)) for s in (SIDES if side == BOTH else (side,))]


def open_access(ledger: Ledger, place: Place) -> None:
    """Open the access that a step needs, where it is not open yet."""
    level = ledger.state.levels.get(place.key.level)
    if place.definition.repeats is Repeats.ACCESS and level and place.key.side not in level.sides:
        ledger.write(EventKind.ACCESS_ADDED, values={"level": level.vertebra, "side": place.key.side})


def _flags(
    ledger: Ledger,
    place: Place,
    values: Mapping[str, Any],
    confirmed: frozenset[str],
    override_reason: str,
    done_at: datetime,
) -> set[str]:
    """Judge order, values and dates; write the override where one was needed. Returns the flags of the entry."""
    source, definition = ledger.command.source, place.definition
    queued = rules.was_queued(source)
    passed = rules.check_order(ledger.progress, place, ledger.actor, override_reason, source)
    unusual = rules.check_values(definition, values, set(confirmed), whole=not queued, ask=not queued)
    check_entries(ledger, place, values)
    asked = _ask(ledger, place, values, confirmed, done_at=done_at)
    flags = rules.entry_flags(definition, ledger.performer, done_at, ledger.now, ledger.protocol.late_after)
    flags |= {str(flag) for flag, _sentence in cautions.warnings(ledger.progress, place)}
    judged = rules.judges_order(source) and not ledger.state.emergency_at
    overridden = {"needs": [u.needs.code for u in passed if u.requirement.hard]} if judged else {}
    used_on = localtime(done_at).date()
    if judged and Flag.LATE not in flags:
        expired = use_by.check(definition, values, used_on, ledger.actor, set(confirmed), override_reason)
        overridden["expired"] = sorted(expired)
    else:  # what has been used is recorded, and the record says that it was too old
        expired = set(use_by.expired(definition, values, used_on))
    if overridden := {what: codes for what, codes in overridden.items() if codes}:
        flags.add(Flag.OVERRIDDEN)
        ledger.write(
            EventKind.REQUIREMENT_OVERRIDDEN,
            step_key=place.text,
            values=overridden,
            reason=rules.check_reason(override_reason, "override_reason"),
        )
    off_time = timing.untimely(ledger.progress, place, values, done_at)
    said = {
        Flag.OUT_OF_ORDER: passed or (queued and ledger.state.ended),
        Flag.OFF_TIME: off_time,
        Flag.CONFIRMED: (unusual and unusual <= confirmed) or asked - {cautions.AGAIN},
        Flag.UNUSUAL: unusual - confirmed,
        Flag.REPEATED: asked & {cautions.AGAIN},
        Flag.EXPIRED: expired,
        Flag.CLOCK: queued and rules.clock_was_wrong(ledger.command.offset_ms),
    }
    return flags | {flag for flag, why in said.items() if why}


def _ask(
    ledger: Ledger,
    place: Place,
    values: Mapping[str, Any],
    confirmed: frozenset[str],
    about: int | None = None,
    done_at: datetime | None = None,
) -> set[str]:
    """Ask once what goes beyond one value; `done_at` for a new entry. Returns the keys of what was confirmed.

    What happened without the server is past asking.
    """
    if not rules.judges_order(ledger.command.source):
        return set()
    found = cautions.of_values(ledger.progress, place, values, about)
    if done_at:
        performer = ledger.performer.id
        found |= cautions.the_same_again(ledger.progress, place, values, performer, done_at, _said_by)
    if asked := {key: said for key, said in found.items() if key not in confirmed}:
        raise rules.Invalid(unusual=asked)
    return set(found)


def _said_by(entry: Entry) -> tuple[str, str]:
    return clock_time(entry.performed_at), person(entry.performed_by).name


def changes(place: Place, old: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What of the given values is other than what stands there.

    A form sent back untouched changes nothing: its input shows a time to the minute, and people in an order of its own.
    """
    types = {field.key: field.type for field in place.definition.fields}
    return {k: v for k, v in given.items() if not _same(types.get(k), old.get(k), v)}


def _same(type_: FieldType | None, old: Any, new: Any) -> bool:
    if old == new or old is None or new is None:
        return bool(old == new)
    if type_ is FieldType.TIME:
        minute = datetime.fromisoformat(old).replace(second=0, microsecond=0)
        return minute == datetime.fromisoformat(new)
    if type_ is FieldType.PEOPLE:
        return {person["id"] for person in old} == {person["id"] for person in new}
    return False


def check_entries(ledger: Ledger, place: Place, values: Mapping[str, Any]) -> None:
    """What points elsewhere points to what counts: an entry of another step, clinicians of the unit or team."""
    for field in place.definition.fields:
        value = values.get(field.key)
        if value and field.type in (FieldType.PERSON, FieldType.PEOPLE):
            named = {p["id"] for p in (value if isinstance(value, list) else [value])}
            known = {pk for pk, _name in directory.clinicians(ledger.case.unit_id)}
            if named - known - {member.user for member in ledger.state.team}:
                raise rules.Invalid({field.key: _("Choose clinicians of this unit or team.")})
        if field.entry_of and value:
            step = ledger.state.steps.get(field.entry_of)
            if step is None or value["seq"] not in {entry.seq for entry in step.live}:
                raise rules.Invalid({field.key: _("Choose one of the recorded entries.")})


def past_date(place: Place, used_at: datetime, given: Mapping[str, Any]) -> set[Flag]:
    """Whether something that has been used was past its date on that day: a flag, and no refusal any more."""
    used_on = localtime(used_at).date()
    return {Flag.EXPIRED} if use_by.expired(place.definition, given, used_on) else set()


def clock_time(moment: datetime) -> str:
    """A moment as the wall clock showed it."""
    return time_format(localtime(moment), "H:i")


@command
def mark(
    ledger: Ledger,
    key: str,
    *,
    status: StepStatus,
    reason: str = "",
    override_reason: str = "",
    performed_at: datetime | None = None,
) -> None:
    """Mark a step not done (with the reason) or not applicable; a critical one needs the right to override.

    `performed_at`: when it was marked, where the mark waited on a tablet.
    """
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_performer(ledger.performer)
    marked_at = _possible(ledger, performed_at)
    rules.check_times(marked_at, ledger.now)
    _begin(ledger, marked_at)
    place = rules.check_step(ledger.progress, ledger.progress.place(key), ledger.command.source)
    rules.check_free(place, lambda user: person(user).name, clock_time)
    if place.step.mark is not None:
        raise rules.Refused("already_done", _("This step was already recorded. Take that back first."))
    rules.check_mark(ledger.progress, place, ledger.actor, override_reason)
    if status is StepStatus.NOT_DONE or reason.strip():
        reason = rules.check_reason(reason)
    kind = EventKind.STEP_NOT_DONE if status is StepStatus.NOT_DONE else EventKind.STEP_NOT_APPLICABLE
    flags = {Flag.OVERRIDDEN} if place.definition.critical and override_reason else set()
    said = "; ".join(part for part in (reason.strip(), override_reason.strip()) if part)
    ledger.write(
        kind,
        step_key=key,
        reason=said,
        flags=flags,
        performed_at=marked_at,
        performed_by=ledger.performer.id,
    )


@command
def add_details(
    ledger: Ledger,
    key: str,
    *,
    about: int,
    values: Mapping[str, Any],
    confirmed: frozenset[str] = frozenset(),
) -> None:
    """Add values that an entry still lacks; changes none."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_recordable(ledger.state)
    place, entry = rules.check_entry(ledger.progress, ledger.progress.place(key), about)
    given = with_bands(ledger, place, _without_gaps(values), {})
    rules.check_details(entry, given)
    unusual = rules.check_values(place.definition, given, set(confirmed), whole=False)
    check_entries(ledger, place, given)
    asked = _ask(ledger, place, given, confirmed, about)
    flags = {Flag.CONFIRMED} if unusual or asked else set()
    flags |= past_date(place, entry.performed_at, given)
    ledger.write(EventKind.STEP_DETAILED, step_key=key, about=about, values={"values": given}, flags=flags)


@command
def correct(
    ledger: Ledger,
    key: str,
    *,
    about: int,
    reason: str,
    values: Mapping[str, Any] | None = None,
    performed_at: datetime | None = None,
    performer: int | None = None,
    confirmed: frozenset[str] = frozenset(),
    read_up_to: int | None = None,
) -> None:
    """Correct an entry, with a reason. `values` holds what changes; None takes a value out. The old stays readable.

    A verification of the entry falls: what was verified is not what now stands there. `read_up_to`: the last event that
    whoever corrects has seen. Where another about this entry came since, it is refused: a form from before would take
    out what that one said.
    """
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_recordable(ledger.state)
    place, entry = rules.check_entry(ledger.progress, ledger.progress.place(key), about)
    _check_read(ledger, about, read_up_to)
    reason = rules.check_reason(reason)
    given = with_bands(ledger, place, values or {}, entry.values)
    changed = changes(place, entry.values, given)
    after = {k: v for k, v in {**entry.values, **changed}.items() if v is not None}
    old = frozenset(k for k in entry.values if k not in changed)
    unusual = rules.check_values(
        place.definition, after, set(confirmed | old), whole=entry.mark is StepStatus.DONE
    )
    check_entries(ledger, place, changed)
    asked = _ask(ledger, place, changed, confirmed, about)
    said: dict[str, Any] = {"values": changed, "was": {k: entry.values.get(k) for k in changed}}
    # An input shows the minute, and sends it back untouched: that corrects nothing.
    shown = entry.performed_at.replace(second=0, microsecond=0)
    if performed_at and performed_at not in (entry.performed_at, shown):
        rules.check_times(performed_at, ledger.now)
        said |= {"performed_at": stamp(performed_at), "was_at": stamp(entry.performed_at)}
    if performer and performer != entry.performed_by:
        known = (
            ledger.performer.id == performer
        )  # the command names the same person, whose role was looked up
        rules.check_performer(ledger.performer if known else rules.Actor(performer, None))
        said |= {"performed_by": performer, "was_by": entry.performed_by}
    if not changed and len(said) == 2:
        raise rules.Invalid({"": _("Nothing was changed.")})
    flags = {Flag.CONFIRMED} if unusual & changed.keys() or asked else set()
    flags |= past_date(place, performed_at or entry.performed_at, after)
    ledger.write(EventKind.STEP_CORRECTED, step_key=key, about=about, values=said, reason=reason, flags=flags)


def _check_read(ledger: Ledger, about: int, read_up_to: int | None) -> None:
    """Nothing was said about the entry since. What else came into the record, or the step, holds no correction up."""
    if read_up_to is None or not ledger.case.events.filter(seq__gt=read_up_to, about=about).exists():
        return
    raise rules.Refused(
        "changed",
        _("Somebody has changed this entry since you opened it. Look at what stands there, then correct it."),
    )


@command
def void(ledger: Ledger, key: str, *, about: int, reason: str = "") -> None:
    """Take an entry back as entered in error. Within a minute by the same person it is a slip, without asking.

    The needle is what opens an access: where nothing else counts in it, the access goes with its needle.
    """
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_recordable(ledger.state)
    place, entry = rules.check_entry(ledger.progress, ledger.progress.place(key), about)
    if not reason.strip() and rules.is_slip(entry, ledger.actor, ledger.now):
        reason = "slip"
    ledger.write(EventKind.EVENT_VOIDED, step_key=key, about=about, reason=rules.check_reason(reason))
    if place.definition.milestone is Milestone.NEEDLE_IN:
        withdraw_access(ledger, place.key)


def withdraw_access(ledger: Ledger, key: Key) -> None:
    """Close an access in which nothing counts any more."""
    rows = [s for s in ledger.state.steps.values() if (s.key.level, s.key.side) == (key.level, key.side)]
    if not any(entry.live for row in rows for entry in row.entries):
        ledger.write(EventKind.ACCESS_WITHDRAWN, values={"level": key.level, "side": key.side})


@command
def verify(ledger: Ledger, key: str, *, about: int, values: Mapping[str, Any] | None = None) -> None:
    """Verify an entry as a second clinician, in one's own session or by one's PIN in somebody else's.

    Where the protocol says independent, `values` are what the second person found without seeing the first. Both agree:
    verified. They differ: that is recorded too, nothing is verified, and what waits for the step waits on.
    """
    rules.check_recordable(ledger.state)
    place, entry = rules.check_entry(ledger.progress, ledger.progress.place(key), about)
    rules.check_verify(place, entry, ledger.actor)
    unseen = {f.key for f in second_person.unseen(place.definition)}
    if not unseen:
        ledger.write(EventKind.STEP_VERIFIED, step_key=key, about=about)
        return
    given = {k: v for k, v in _without_gaps(values).items() if k in unseen}
    second_person.check_given(place, entry, given)
    rules.check_values(place.definition, given, set(given), whole=False)
    differ = second_person.differing(place, entry, given)
    kind = EventKind.STEP_DISPUTED if differ else EventKind.STEP_VERIFIED
    ledger.write(kind, step_key=key, about=about, values={"values": given})
