"""The fold: what a case is after its events."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from procedures.definitions import Key
from procedures.fold import apply, replay
from procedures.state import (
    CaseState,
    CaseStatus,
    Event,
    EventKind,
    Flag,
    LevelStatus,
    StepStatus,
)
from tests.sheet import NURSE, OPERATOR, OTHER, SHIPPED, START, Sheet, ml


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("K02", Key("K02")),
        ("PRE-ID", Key("PRE-ID")),
        ("REC-OBS", Key("REC-OBS")),
        ("K07-L1", Key("K07", "L1")),
        ("K07-T1", Key("K07", "T1")),
        ("K07-T12", Key("K07", "T12")),
        ("K09a-S1-right", Key("K09a", "S1", "right")),
        ("CHK-OUT-L5-left", Key("CHK-OUT", "L5", "left")),
        ("K07-T13", Key("K07-T13")),
        ("K09a-left", Key("K09a-left")),
        ("K09a-L1-middle", Key("K09a-L1-middle")),
        ("", Key("")),
    ],
)
def test_a_key_is_read_as_it_is_written(text: str, key: Key) -> None:
    assert Key.parse(text) == key
    assert str(key) == text


def test_events_must_follow_each_other() -> None:
    sheet = Sheet()
    for seq in (0, sheet.state.last_seq, sheet.state.last_seq + 2):
        again = Event(
            seq=seq, kind=EventKind.CASE_PAUSED, performed_by=1, recorded_by=1, performed_at=START,
            recorded_at=START, command_id=sheet.events[0].command_id,
        )  # fmt: skip
        with pytest.raises(ValueError, match="does not follow"):
            apply(SHIPPED, sheet.state, again)


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        (EventKind.STEP_DONE, {"step_key": "K99"}),
        (EventKind.STEP_DONE, {"step_key": "K08b-L1-left"}),
        (EventKind.STEP_CORRECTED, {"step_key": "K02", "about": 77, "values": {"values": {}}}),
        (EventKind.STEP_VERIFIED, {"step_key": "K02"}),
        (EventKind.EVENT_VOIDED, {"step_key": "K02", "about": 1}),
        (EventKind.EVENT_VOIDED, {"step_key": "", "about": None}),
        (EventKind.LEVEL_ABANDONED, {"values": {"level": "T1"}, "reason": "x"}),
        (EventKind.ACCESS_ADDED, {"values": {"level": "T1", "side": "left"}}),
    ],
)
def test_an_event_about_what_is_not_there_is_refused(kind: EventKind, rest: dict[str, Any]) -> None:
    sheet = Sheet("L1")
    with pytest.raises(ValueError, match="event 4"):
        sheet.add(kind, **rest)


def test_what_was_voided_cannot_be_spoken_of_again() -> None:
    sheet = Sheet()
    seq = sheet.done("K02")
    sheet.void("K02", seq)
    for kind in (EventKind.EVENT_VOIDED, EventKind.STEP_VERIFIED, EventKind.STEP_DETAILED):
        with pytest.raises(ValueError, match="count"):
            sheet.add(kind, step_key="K02", about=seq, values={"values": {}})


def test_replaying_gives_the_same_state_as_going_along() -> None:
    sheet = Sheet("T12", "L1")
    sheet.prepare()
    sheet.whole_level("T12", "left", volume=ml("2.5"))
    assert replay(SHIPPED, sheet.events) == sheet.state
    assert replay(SHIPPED, sheet.events[:9]) != sheet.state
    assert replay(SHIPPED, []) == CaseState()


def test_the_status_follows_from_what_happened() -> None:
    sheet = Sheet(started=False)
    assert sheet.state.status(SHIPPED) is CaseStatus.SCHEDULED
    sheet.add(EventKind.CASE_STARTED)
    assert sheet.state.status(SHIPPED) is CaseStatus.IN_PROGRESS
    turned = sheet.done("REC-TURN")
    assert sheet.state.status(SHIPPED) is CaseStatus.RECOVERY
    sheet.void("REC-TURN", turned)
    assert sheet.state.status(SHIPPED) is CaseStatus.IN_PROGRESS


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (EventKind.CASE_COMPLETED, CaseStatus.COMPLETED),
        (EventKind.CASE_CANCELLED, CaseStatus.CANCELLED),
        (EventKind.CASE_STOPPED, CaseStatus.STOPPED),
        (EventKind.CASE_VOIDED, CaseStatus.VOIDED),
    ],
)
def test_an_ending_ends_the_pause_too(kind: EventKind, status: CaseStatus) -> None:
    sheet = Sheet()
    sheet.add(EventKind.CASE_PAUSED, reason="lunch")
    sheet.add(kind, reason="why")
    state = sheet.state
    assert state.status(SHIPPED) is status
    assert (state.paused_at, state.end_reason) == (None, "why")
    assert state.ended_at == sheet.events[-1].performed_at


def test_pause_and_emergency_go_on_and_off() -> None:
    sheet = Sheet()
    sheet.add(EventKind.CASE_PAUSED, reason="x")
    sheet.add(EventKind.EMERGENCY_ON)
    assert sheet.state.paused_at == START + timedelta(minutes=4)
    assert sheet.state.emergency_at == START + timedelta(minutes=5)
    sheet.add(EventKind.CASE_RESUMED)
    assert [bool(at) for at in (sheet.state.paused_at, sheet.state.emergency_at)] == [False, True]
    sheet.add(EventKind.EMERGENCY_OFF)
    assert [bool(at) for at in (sheet.state.paused_at, sheet.state.emergency_at)] == [False, False]


def test_a_change_of_plan_changes_only_what_it_names() -> None:
    sheet = Sheet(started=False)
    sheet.add(EventKind.CASE_CHANGED, values={"plan": {"room": "IR 2"}})
    assert sheet.state.plan["room"] == "IR 2"
    assert sheet.state.plan["anaesthesia"] == "sedation"


def test_the_team_keeps_who_was_there_and_when() -> None:
    sheet = Sheet()
    sheet.add(EventKind.TEAM_JOINED, values={"user": OPERATOR, "role": "operator"})
    sheet.add(EventKind.TEAM_LEFT, values={"user": OPERATOR, "role": "operator"})
    sheet.add(EventKind.TEAM_JOINED, values={"user": OTHER, "role": "operator"})
    sheet.add(EventKind.TEAM_JOINED, values={"user": OPERATOR, "role": "assistant"})
    state = sheet.state
    assert state.operator == OTHER
    assert state.in_team(OPERATOR)
    assert not state.in_team(NURSE)
    assert [(m.user, m.role, m.until is None) for m in state.team] == [
        (OPERATOR, "operator", False), (OTHER, "operator", True), (OPERATOR, "assistant", True),
    ]  # fmt: skip


def test_levels_stand_from_the_head_down_and_bring_their_steps() -> None:
    sheet = Sheet("L1", "T12", "T9")
    assert [level.vertebra for level in sheet.state.in_order()] == ["T9", "T12", "L1"]
    assert "K07-T9" in sheet.state.steps
    assert "K08b-T9-left" not in sheet.state.steps
    sheet.access("T9", "right", "left")
    assert sheet.state.levels["T9"].sides == ("left", "right")
    assert "K08b-T9-left" in sheet.state.steps
    sheet.add(EventKind.LEVEL_WITHDRAWN, values={"level": "L1"})
    assert [level.vertebra for level in sheet.state.in_order()] == ["T9", "T12"]


def test_a_level_taken_off_the_plan_can_come_back() -> None:
    sheet = Sheet("L1", "L2", started=False)
    sheet.add(EventKind.LEVEL_WITHDRAWN, values={"level": "L2"})
    sheet.level("L2", planned=True)
    assert sheet.state.levels["L2"].status is LevelStatus.OPEN
    assert len(sheet.state.in_order()) == 2


def test_closing_a_level_can_be_taken_back() -> None:
    sheet = Sheet("L1", "L2")
    closed = sheet.add(EventKind.LEVEL_ABANDONED, values={"level": "L1"}, reason="no access")
    level = sheet.state.levels["L1"]
    assert (level.status, level.reason, level.closed) == (LevelStatus.ABANDONED, "no access", closed)
    sheet.add(EventKind.EVENT_VOIDED, about=closed, values={"level": "L1"}, reason="wrong level")
    level = sheet.state.levels["L1"]
    assert (level.status, level.reason, level.closed) == (LevelStatus.OPEN, "", None)


def test_a_void_keeps_the_entry_readable_and_frees_the_step() -> None:
    sheet = Sheet()
    seq = sheet.done("K01", gowned=True)
    void = sheet.void("K01", seq)
    step = sheet.step("K01")
    entry = step.entries[0]
    assert (entry.values, entry.voided, entry.void_reason, entry.live) == (
        {"gowned": True},
        void,
        "slip",
        False,
    )
    assert (step.status, step.live, step.mark, step.last_seq) == (StepStatus.PENDING, (), None, void)
    sheet.done("K01")
    assert step.status is StepStatus.PENDING  # states are values: the old one has not changed
    assert sheet.step("K01").status is StepStatus.DONE
    assert len(sheet.step("K01").entries) == 2


def test_with_several_entries_a_void_takes_only_its_own() -> None:
    sheet = Sheet()
    first, second = sheet.done("K02", site="hand"), sheet.done("K02", site="elbow")
    sheet.void("K02", first)
    assert [e.seq for e in sheet.step("K02").live] == [second]
    assert sheet.step("K02").status is StepStatus.DONE


def test_a_mark_is_not_an_act() -> None:
    sheet = Sheet()
    seq = sheet.mark("ABX", StepStatus.NOT_DONE)
    assert (sheet.step("ABX").status, sheet.step("ABX").live) == (StepStatus.NOT_DONE, ())
    sheet.void("ABX", seq)
    sheet.mark("ABX")
    assert sheet.step("ABX").status is StepStatus.NOT_APPLICABLE


def test_details_add_and_a_correction_replaces() -> None:
    sheet = Sheet()
    seq = sheet.done("K02", site="hand")
    detail = sheet.add(
        EventKind.STEP_DETAILED,
        step_key="K02",
        about=seq,
        values={"values": {"side": "left", "patent": True}},
    )
    fixed = sheet.add(
        EventKind.STEP_CORRECTED, step_key="K02", about=seq, flags=(Flag.CONFIRMED,), reason="misread",
        values={
            "values": {"side": "right", "patent": None}, "was": {"side": "left", "patent": True},
            "performed_by": OTHER, "was_by": NURSE,
            "performed_at": "2026-11-22T08:30:00+00:00", "was_at": "2026-11-22T09:04:00+00:00",
        },
    )  # fmt: skip
    entry = sheet.step("K02").entries[0]
    assert entry.values == {"site": "hand", "side": "right"}
    assert (entry.performed_by, entry.recorded_by) == (OTHER, NURSE)
    assert entry.performed_at == datetime.fromisoformat("2026-11-22T08:30:00+00:00")
    assert entry.amended == (detail, fixed)
    assert entry.flags == (Flag.CONFIRMED, Flag.CORRECTED)
    assert entry.live


def test_a_verification_falls_with_a_correction_and_stands_through_details() -> None:
    sheet = Sheet()
    seq = sheet.done("PRE-ID", first="name")
    sheet.add(EventKind.STEP_VERIFIED, step_key="PRE-ID", about=seq, by=OTHER)
    assert sheet.step("PRE-ID").entries[0].verified_by == OTHER
    sheet.add(EventKind.STEP_DETAILED, step_key="PRE-ID", about=seq, values={"values": {"second": "mrn"}})
    assert sheet.step("PRE-ID").entries[0].verified_by == OTHER
    sheet.add(
        EventKind.STEP_CORRECTED,
        step_key="PRE-ID",
        about=seq,
        values={"values": {"first": "mrn"}},
        reason="x",
    )
    entry = sheet.step("PRE-ID").entries[0]
    assert (entry.verified_by, entry.verified_at) == (None, None)


def test_an_access_that_was_withdrawn_keeps_its_history() -> None:
    sheet = Sheet("L1")
    sheet.access("L1", "left")
    seq = sheet.done("K08b-L1-left")
    sheet.void("K08b-L1-left", seq)
    sheet.add(EventKind.ACCESS_WITHDRAWN, values={"level": "L1", "side": "left"})
    assert sheet.state.levels["L1"].sides == ()
    assert len(sheet.step("K08b-L1-left").entries) == 1
    sheet.access("L1", "left")
    sheet.done("K08b-L1-left")
    assert [e.live for e in sheet.step("K08b-L1-left").entries] == [False, True]


def test_the_holder_of_an_entry_is_found() -> None:
    sheet = Sheet()
    seq = sheet.done("K02")
    holder = sheet.state.holder(seq)
    assert holder
    assert str(holder.key) == "K02"
    assert sheet.state.holder(1) is None
