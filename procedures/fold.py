"""The one fold, from events to the state of a case: live commands, replay, `verify_log` and the demo data. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from .definitions import Key, Protocol, Repeats
from .state import (
    ENDINGS,
    MARKS,
    NOTHING,
    CaseState,
    Entry,
    Event,
    EventKind,
    Flag,
    Handover,
    LevelState,
    LevelStatus,
    Signature,
    StepState,
    StepStatus,
    TeamMember,
    Values,
)


def apply(protocol: Protocol, state: CaseState, event: Event) -> CaseState:
    """The state after one more event. Raises ValueError for an event that cannot follow this state."""
    if event.seq != state.last_seq + 1:
        raise ValueError(f"event {event.seq} does not follow {state.last_seq}")
    state = replace(state, last_seq=event.seq)
    noun = event.kind.partition(".")[0]
    match noun:
        case "case":
            return _apply_case(protocol, state, event)
        case "team":
            return _apply_team(state, event)
        case "level" | "access":
            return _apply_level(protocol, state, event)
        case "step":
            return _apply_step(state, event)
        case "event":
            return _apply_event(state, event)
        case "handover":
            return _apply_handover(state, event)
        case "addendum":
            return _apply_addendum(state, event)
    return state


def replay(protocol: Protocol, events: Iterable[Event]) -> CaseState:
    """The state after all the events, from nothing."""
    state = CaseState()
    for event in events:
        state = apply(protocol, state, event)
    return state


def _apply_case(protocol: Protocol, state: CaseState, event: Event) -> CaseState:
    if event.kind in ENDINGS:
        return replace(
            state,
            ended=ENDINGS[event.kind],
            ended_at=event.performed_at,
            end_reason=event.reason,
            paused_at=None,
            handover=None,
        )
    match event.kind:
        case EventKind.CASE_OPENED:
            state = replace(state, opened_at=event.recorded_at, plan=dict(event.values["plan"]))
            return _with_steps(state, [Key(s.code) for s in protocol.steps if s.repeats is Repeats.ONCE])
        case EventKind.CASE_CHANGED:
            return replace(state, plan={**state.plan, **event.values["plan"]})
        case EventKind.CASE_STARTED:
            return replace(state, started_at=event.performed_at)
        case EventKind.CASE_PAUSED:
            return replace(state, paused_at=event.performed_at)
        case EventKind.CASE_RESUMED:
            return replace(state, paused_at=None)
        case EventKind.EMERGENCY_ON:
            return replace(state, emergency_at=event.performed_at)
        case EventKind.CASE_SIGNED | EventKind.CASE_COSIGNED | EventKind.COSIGN_MOVED:
            return _apply_signature(state, event)
        case _:
            return replace(state, emergency_at=None)


def _apply_signature(state: CaseState, event: Event) -> CaseState:
    if event.kind is EventKind.COSIGN_MOVED:
        return replace(state, cosign_by=event.values["to"])
    signature = Signature(event.seq, event.performed_by, event.recorded_at)
    if event.kind is EventKind.CASE_COSIGNED:
        return replace(state, cosigned=signature)
    return replace(state, signed=signature, cosign_by=event.values.get("cosign_by"))


def _apply_team(state: CaseState, event: Event) -> CaseState:
    user = event.values["user"]
    if event.kind is EventKind.TEAM_JOINED:
        member = TeamMember(user, event.values["role"], event.performed_at)
        return replace(state, team=(*state.team, member))
    team = tuple(
        replace(m, until=event.performed_at) if m.user == user and m.until is None else m for m in state.team
    )
    return replace(state, team=team)


def _apply_level(protocol: Protocol, state: CaseState, event: Event) -> CaseState:
    vertebra = event.values["level"]
    level = state.levels.get(vertebra)
    keys: list[Key] = []
    match event.kind:
        case EventKind.LEVEL_ADDED:
            level = LevelState(vertebra, event.values["planned"], sides=level.sides if level else ())
            keys = [Key(s.code, vertebra) for s in protocol.steps if s.repeats is Repeats.LEVEL]
        case EventKind.ACCESS_ADDED if level:
            side = event.values["side"]
            level = replace(level, sides=tuple(sorted({*level.sides, side})))
            keys = [Key(s.code, vertebra, side) for s in protocol.steps if s.repeats is Repeats.ACCESS]
        case EventKind.ACCESS_WITHDRAWN if level:
            level = replace(level, sides=tuple(s for s in level.sides if s != event.values["side"]))
        case EventKind.LEVEL_WITHDRAWN if level:
            level = replace(level, status=LevelStatus.WITHDRAWN)
        case EventKind.LEVEL_ABANDONED if level:
            level = replace(level, status=LevelStatus.ABANDONED, reason=event.reason, closed=event.seq)
        case EventKind.LEVEL_DEFERRED if level:
            level = replace(level, status=LevelStatus.DEFERRED, reason=event.reason, closed=event.seq)
    if level is None:
        raise ValueError(f"event {event.seq} speaks of a level that the case does not have: {vertebra}")
    return _with_steps(replace(state, levels={**state.levels, vertebra: level}), keys)


def _with_steps(state: CaseState, keys: Iterable[Key]) -> CaseState:
    new = {str(key): StepState(key) for key in keys if str(key) not in state.steps}
    return replace(state, steps={**state.steps, **new}) if new else state


def _apply_step(state: CaseState, event: Event) -> CaseState:
    step, mark = _step_of(state, event), MARKS.get(event.kind)
    step = _with_entry(step, event, mark, event.values) if mark else _amend(step, event)
    return replace(state, steps={**state.steps, event.step_key: step})


def _step_of(state: CaseState, event: Event) -> StepState:
    step = state.steps.get(event.step_key)
    if step is None:
        raise ValueError(f"event {event.seq} speaks of a step that the case does not have: {event.step_key}")
    return step


def _with_entry(step: StepState, event: Event, mark: StepStatus, values: Values) -> StepState:
    entry = Entry(
        seq=event.seq,
        mark=mark,
        values=values,
        performed_by=event.performed_by,
        recorded_by=event.recorded_by,
        performed_at=event.performed_at,
        recorded_at=event.recorded_at,
        flags=event.flags,
        reason=event.reason,
        source=event.source,
        via=event.via,
        added=event.kind is EventKind.ADDENDUM_ADDED,
    )
    return StepState(step.key, (*step.entries, entry), event.seq)


def _apply_addendum(state: CaseState, event: Event) -> CaseState:
    """Something said after signing: in words, or of a step: a further act, or other values of one that is recorded."""
    state = replace(state, addenda=state.addenda + 1)
    if not event.step_key:
        return state
    step = _step_of(state, event)
    if event.about is None:
        step = _with_entry(step, event, StepStatus.DONE, event.values["values"])
    else:
        step = _amend(step, event)
    return replace(state, steps={**state.steps, event.step_key: step})


def _amend(step: StepState, event: Event) -> StepState:
    """The step after details, a correction or a verification of one of its entries."""
    old = step.entry(event.about or 0)
    if old is None or not old.live:
        raise ValueError(f"event {event.seq} is about an entry that does not count: {event.about}")
    match event.kind:
        case EventKind.STEP_VERIFIED:
            new = replace(old, verified_by=event.performed_by, verified_at=event.performed_at, second=NOTHING)
        case EventKind.STEP_DISPUTED:
            found = {
                "by": event.performed_by,
                "at": event.performed_at.isoformat(timespec="microseconds"),
                "values": dict(event.values["values"]),
            }
            new = replace(old, second=found)
        case EventKind.ADDENDUM_ADDED:
            new = _with_addendum(old, event)
        case EventKind.STEP_DETAILED:
            new = replace(
                old,
                values={**old.values, **event.values["values"]},
                flags=tuple(sorted({*old.flags, *event.flags})),
                amended=(*old.amended, event.seq),
            )
        case _:
            changes = event.values
            values = {
                key: value for key, value in {**old.values, **changes["values"]}.items() if value is not None
            }
            at = changes.get("performed_at")
            new = replace(
                old,
                values=values,
                performed_by=changes.get("performed_by", old.performed_by),
                performed_at=datetime.fromisoformat(at) if at else old.performed_at,
                flags=tuple(sorted({*old.flags, Flag.CORRECTED} - {Flag.EXPIRED} | {*event.flags})),
                amended=(*old.amended, event.seq),
                verified_by=None,
                verified_at=None,
                second=NOTHING,
            )
    return StepState(step.key, tuple(new if e is old else e for e in step.entries), event.seq)


def _with_addendum(old: Entry, event: Event) -> Entry:
    """An entry of which an addendum says more, or something else: then what was verified does not stand there now."""
    changed = event.values["values"]
    values = {key: value for key, value in {**old.values, **changed}.items() if value is not None}
    new = replace(
        old,
        values=values,
        flags=tuple(sorted({*old.flags} - {Flag.EXPIRED} | {*event.flags})),
        amended=(*old.amended, event.seq),
    )
    if old.values.keys().isdisjoint(changed):
        return new
    return replace(new, verified_by=None, verified_at=None, second=NOTHING)


def _apply_handover(state: CaseState, event: Event) -> CaseState:
    """One handover is open at a time; it is accepted or withdrawn."""
    if event.kind is EventKind.HANDOVER_OFFERED:
        offer = Handover(event.seq, event.performed_by, event.values["to"], event.performed_at)
        return replace(state, handover=offer)
    if state.handover is None or state.handover.seq != event.about:
        raise ValueError(f"event {event.seq} answers no handover that is open: {event.about}")
    return replace(state, handover=None)


def _apply_event(state: CaseState, event: Event) -> CaseState:
    """Void an entry, move it to another case or reconcile it; or take back the closing of a level.

    In the case that an entry was moved to, the event only says where it came from and who had recorded it there.
    """
    for vertebra, level in state.levels.items():
        if level.closed is not None and level.closed == event.about:
            reopened = replace(level, status=LevelStatus.OPEN, reason="", closed=None)
            return replace(state, levels={**state.levels, vertebra: reopened})
    step = state.steps.get(event.step_key)
    old = step.entry(event.about or 0) if step else None
    if step is None or old is None or not old.live:
        raise ValueError(f"event {event.seq} is about what does not count: {event.about}")
    if event.kind is EventKind.EVENT_RECONCILED:
        new = replace(old, reconciled=event.seq)
    elif event.kind is EventKind.EVENT_MOVED and "from" in event.values:
        new = replace(
            old,
            recorded_by=event.values["recorded_by"],
            recorded_at=datetime.fromisoformat(event.values["recorded_at"]),
        )
    else:
        moved = event.kind is EventKind.EVENT_MOVED
        new = replace(old, voided=event.seq, void_reason=event.reason, moved=moved)
    step = StepState(step.key, tuple(new if e is old else e for e in step.entries), event.seq)
    return replace(state, steps={**state.steps, event.step_key: step})
