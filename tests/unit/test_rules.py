"""Who may, and when may: each rule by itself, on paper."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from procedures import level_rules, rules
from procedures.definitions import Role
from procedures.progress import Place
from procedures.rules import Act, Actor, Invalid, Refused
from procedures.state import EventKind, Source, StepStatus
from tests.sheet import NURSE, OPERATOR, OTHER, SHIPPED, START, Sheet, ml

NURSE_ACTOR = Actor(NURSE, Role.CIRCULATING_NURSE)
SCRUB = Actor(OTHER, Role.SCRUB_NURSE)
OPERATOR_ACTOR = Actor(OPERATOR, Role.OPERATOR)
ADMIN = Actor(9, Role.ADMINISTRATOR)
NOBODY = Actor(8, None)
LONG = "x" * (rules.REASON_LIMIT + 1)


def code_of(check: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    """The code with which a check refuses; an empty text where it does not."""
    try:
        check(*args, **kwargs)
    except Refused as refused:
        return refused.code
    return ""


def fields_of(check: Callable[..., object], *args: Any, **kwargs: Any) -> tuple[set[str], set[str]]:
    """The fields that a check finds wrong, and those that it asks about."""
    try:
        check(*args, **kwargs)
    except Invalid as invalid:
        return set(invalid.errors), set(invalid.unusual)
    return set(), set()


# Who ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "roles"),
    [
        (Act.RECORD, set(Role) - {Role.ADMINISTRATOR}),
        (Act.VERIFY, set(Role) - {Role.ADMINISTRATOR}),
        (Act.PLAN, set(Role) - {Role.ADMINISTRATOR}),
        (Act.OVERRIDE, {Role.OPERATOR, Role.ANAESTHETIST, Role.CIRCULATING_NURSE}),
        (Act.SIGN, {Role.OPERATOR}),
        (Act.MANAGE, {Role.ADMINISTRATOR}),
    ],
)
def test_who_may_what(act: Act, roles: set[Role]) -> None:
    assert {role for role in Role if not code_of(rules.check_may, Actor(1, role), act)} == roles
    assert code_of(rules.check_may, NOBODY, act) == "role"


def test_the_refusal_says_whom_to_ask() -> None:
    assert "Administrators do not record" in rules.why_not(rules.check_may, ADMIN, Act.RECORD)
    assert "charge nurse" in rules.why_not(rules.check_may, NOBODY, Act.RECORD)
    assert "anaesthetist" in rules.why_not(rules.check_may, SCRUB, Act.OVERRIDE)
    assert rules.why_not(rules.check_may, SCRUB, Act.RECORD) == ""


def test_the_performer_is_a_clinician() -> None:
    assert fields_of(rules.check_performer, SCRUB) == (set(), set())
    for performer in (ADMIN, NOBODY):
        assert fields_of(rules.check_performer, performer) == ({"performed_by"}, set())


# The case ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "recordable", "running", "open_", "scheduled"),
    [
        (None, "", "", "", "not_scheduled"),
        (EventKind.CASE_COMPLETED, "", "ended", "ended", "not_scheduled"),
        (EventKind.CASE_STOPPED, "", "ended", "ended", "not_scheduled"),
        (EventKind.CASE_CANCELLED, "closed", "closed", "ended", "not_scheduled"),
        (EventKind.CASE_VOIDED, "closed", "closed", "ended", "not_scheduled"),
    ],
)
def test_what_a_case_takes_after_its_end(
    ending: EventKind | None, recordable: str, running: str, open_: str, scheduled: str
) -> None:
    sheet = Sheet()
    if ending:
        sheet.add(ending, reason="x")
    state = sheet.state
    assert code_of(rules.check_recordable, state) == recordable
    assert code_of(rules.check_running, state) == running
    assert code_of(rules.check_open, state) == open_
    assert code_of(rules.check_scheduled, state) == scheduled


def test_a_scheduled_case_takes_no_entries_and_can_be_started_once() -> None:
    sheet = Sheet(started=False)
    assert code_of(rules.check_recordable, sheet.state) == "not_started"
    assert code_of(rules.check_start, sheet.state) == ""
    sheet.add(EventKind.LEVEL_WITHDRAWN, values={"level": "L1"})
    assert code_of(rules.check_start, sheet.state) == "no_level"
    assert code_of(rules.check_start, Sheet().state) == "not_scheduled"


def test_voiding_a_case_needs_that_nothing_counts_in_it() -> None:
    sheet = Sheet()
    seq = sheet.done("PRE-ID")
    assert code_of(rules.check_void_case, sheet.state) == "recorded"
    sheet.void("PRE-ID", seq)
    assert code_of(rules.check_void_case, sheet.state) == ""
    sheet.mark("K01")
    assert code_of(rules.check_void_case, sheet.state) == "recorded"
    sheet = Sheet()
    sheet.add(EventKind.CASE_VOIDED, reason="x")
    assert code_of(rules.check_void_case, sheet.state) == "ended"


def test_cancelled_before_sedation_and_stopped_after() -> None:
    sheet = Sheet()
    assert code_of(rules.check_cancel, sheet.progress) == ""
    assert code_of(rules.check_stop, sheet.progress) == "not_begun"
    seq = sheet.done("K04")
    assert code_of(rules.check_cancel, sheet.progress) == "begun"
    assert code_of(rules.check_stop, sheet.progress) == ""
    sheet.void("K04", seq)
    assert code_of(rules.check_cancel, sheet.progress) == ""


def test_a_case_without_sedation_but_with_a_needle_in_is_stopped_and_not_cancelled() -> None:
    sheet = Sheet("L1")
    sheet.mark("K04")
    sheet.side("L1", "left", ("K08b",))
    assert code_of(rules.check_cancel, sheet.progress) == "begun"
    assert code_of(rules.check_stop, sheet.progress) == ""


def test_a_scheduled_case_can_be_cancelled_but_not_stopped() -> None:
    sheet = Sheet(started=False)
    assert code_of(rules.check_cancel, sheet.progress) == ""
    assert code_of(rules.check_stop, sheet.progress) == "not_started"


def test_completing_names_what_is_open_and_waits_for_the_end_of_an_emergency() -> None:
    sheet = Sheet()
    said = rules.why_not(rules.check_complete, sheet.progress)
    assert said.startswith("Still open: Identity checked, Consent checked,")
    assert said.endswith(f"and {len(sheet.progress.open_places) - 5} more.")
    sheet.prepare()
    sheet.whole_level("L1", "left")
    sheet.done("K10", "K11", "CNT", "CLO", "CHK-OUT", "REC-TURN", "REC-HO", "REC-OBS", "REC-SCO")
    assert rules.why_not(rules.check_complete, sheet.progress) == "Still open: Discharged."
    sheet.done("DIS")
    assert code_of(rules.check_complete, sheet.progress) == ""
    sheet.add(EventKind.EMERGENCY_ON)
    assert code_of(rules.check_complete, sheet.progress) == "emergency"


def test_a_switch_is_only_turned_to_what_it_is_not() -> None:
    assert code_of(rules.check_flip, None, True, "On.") == ""
    assert code_of(rules.check_flip, START, True, "On.") == "already"
    assert code_of(rules.check_flip, None, False, "Off.") == "already"
    assert code_of(rules.check_flip, START, False, "Off.") == ""


# A step ---------------------------------------------------------------------------------------------------------------


def step(sheet: Sheet, key: str) -> Place:
    return rules.check_step(sheet.progress, sheet.progress.place(key))


def test_the_case_must_have_the_step_and_know_the_side() -> None:
    sheet = Sheet("L1", "L2")
    assert code_of(step, sheet, "K99") == "no_step"
    assert fields_of(step, sheet, "K08b-L1") == ({"side"}, set())
    assert code_of(step, sheet, "K08b-L1-left") == ""
    assert code_of(step, sheet, "K09a-L1-left") == "no_access"
    sheet.add(EventKind.LEVEL_DEFERRED, values={"level": "L2"}, reason="x")
    assert code_of(step, sheet, "K08b-L2-left") == "level_closed"
    assert code_of(step, sheet, "K07-L2") == ""  # what happened there can still be recorded


def test_an_abandoned_level_takes_what_comes_out_but_no_new_side() -> None:
    sheet = Sheet("L1")
    sheet.side("L1", "left", ("K08b",))
    sheet.add(EventKind.LEVEL_ABANDONED, values={"level": "L1"}, reason="x")
    assert code_of(step, sheet, "K09e-L1-left") == ""
    assert code_of(step, sheet, "K08b-L1-right") == "level_closed"


def free(sheet: Sheet, key: str) -> None:
    rules.check_free(sheet.place(key), lambda user: f"person {user}", lambda moment: f"{moment:%H:%M}")


def test_a_step_is_done_once_unless_it_holds_many() -> None:
    sheet = Sheet()
    free(sheet, "K01")
    sheet.done("K01", "K02")
    assert rules.why_not(free, sheet, "K01") == "Done by person 2 at 09:04."
    assert code_of(free, sheet, "K01") == "already_done"
    assert code_of(free, sheet, "K02") == ""
    sheet.mark("ABX", StepStatus.NOT_DONE)
    sheet.mark("K03")
    assert "not done by person 2 at 09:06" in rules.why_not(free, sheet, "ABX")
    assert "not applicable" in rules.why_not(free, sheet, "K03")
    assert code_of(free, sheet, "ABX") == code_of(free, sheet, "K03") == "marked"


def order(sheet: Sheet, key: str, actor: Actor, reason: str = "") -> list[str]:
    return [u.needs.code for u in rules.check_order(sheet.progress, sheet.place(key), actor, reason)]


def test_a_hard_requirement_blocks_and_offers_the_override_to_those_who_may() -> None:
    sheet = Sheet()
    for actor, may in [(OPERATOR_ACTOR, True), (NURSE_ACTOR, True), (SCRUB, False)]:
        with pytest.raises(Refused) as refused:
            order(sheet, "K02", actor)
        assert (refused.value.code, refused.value.may_override) == ("out_of_order", may)
        assert refused.value.sentence == "First: Identity, two identifiers."
    assert order(sheet, "K02", OPERATOR_ACTOR, "collapsed at the door") == ["PRE-ID"]
    assert code_of(order, sheet, "K02", SCRUB, "collapsed at the door") == "role"


def test_a_soft_requirement_and_an_emergency_let_through() -> None:
    sheet = Sheet()
    assert order(sheet, "K01", SCRUB) == ["PRE-ID"]
    sheet.add(EventKind.EMERGENCY_ON)
    assert order(sheet, "K02", SCRUB) == ["PRE-ID"]


def test_order_judges_only_what_is_recorded_live() -> None:
    assert {source for source in Source if rules.judges_order(source)} == {Source.LIVE}
    sheet = Sheet()
    for source in (Source.OFFLINE, Source.PAPER):
        passed = rules.check_order(sheet.progress, sheet.place("K02"), SCRUB, "", source)
        assert [unmet.needs.code for unmet in passed] == ["PRE-ID"]


def test_the_sentence_names_the_level_and_the_right_answer() -> None:
    sheet = Sheet("T12", "L1")
    sheet.prepare()
    sheet.whole_level("T12", "left")
    assert rules.why_not(order, sheet, "K10", NURSE_ACTOR) == "First: Needle removed (L1)."
    sheet.whole_level("L1", "left")
    sheet.done("K10", "K11", "CNT", match=False)
    assert "counted, with the right answer" in rules.why_not(order, sheet, "CHK-OUT", NURSE_ACTOR)


def mark(sheet: Sheet, key: str, actor: Actor, reason: str = "") -> None:
    rules.check_mark(sheet.progress, sheet.place(key), actor, reason)


def test_what_may_be_skipped_and_by_whom() -> None:
    sheet = Sheet("L1")
    assert code_of(mark, sheet, "EV-NOTE", OPERATOR_ACTOR) == "any_time"
    assert code_of(mark, sheet, "ABX", SCRUB) == ""
    assert code_of(mark, sheet, "PRE-ID", SCRUB) == "critical"
    for reason in ("", "  ", LONG):
        assert fields_of(mark, sheet, "PRE-ID", NURSE_ACTOR, reason) == ({"override_reason"}, set())
    assert code_of(mark, sheet, "PRE-ID", NURSE_ACTOR, "unconscious") == ""
    sheet.add(EventKind.EMERGENCY_ON)
    assert code_of(mark, sheet, "PRE-ID", SCRUB) == ""


def test_what_went_in_cannot_be_skipped_out() -> None:
    sheet = Sheet("L1")
    sheet.side("L1", "left", ("K08b", "K09a"))
    for key in ("K09b-L1-left", "K09e-L1-left"):
        assert code_of(mark, sheet, key, OPERATOR_ACTOR, "a reason") == "owed"
    sheet.add(EventKind.EMERGENCY_ON)
    assert code_of(mark, sheet, "K09b-L1-left", OPERATOR_ACTOR, "a reason") == "owed"


def test_a_side_where_no_needle_went_in_has_nothing_to_skip() -> None:
    assert code_of(mark, Sheet("L1"), "K08b-L1-left", OPERATOR_ACTOR, "a reason") == "no_access"


@pytest.mark.parametrize(
    ("actor", "minutes", "flags"),
    [
        (NURSE_ACTOR, 0, set()),
        (NURSE_ACTOR, 15, set()),
        (NURSE_ACTOR, 16, {"late"}),
        (OPERATOR_ACTOR, 0, {"other_role"}),
        (OPERATOR_ACTOR, 60, {"late", "other_role"}),
    ],
)
def test_the_record_says_late_and_other_role_by_itself(actor: Actor, minutes: int, flags: set[str]) -> None:
    definition = SHIPPED.by_code["CHK-IN"]
    done_at = START - timedelta(minutes=minutes)
    assert rules.entry_flags(definition, actor, done_at, START, SHIPPED.late_after) == flags


def test_a_step_for_everybody_has_no_other_role() -> None:
    definition = SHIPPED.by_code["EV-NOTE"]
    assert rules.entry_flags(definition, SCRUB, START, START, SHIPPED.late_after) == set()


@pytest.mark.parametrize(
    ("done_at", "wrong"),
    [
        (START, False),
        (START + timedelta(microseconds=1), True),
        (START - timedelta(days=7), False),
        (START - timedelta(days=7, seconds=1), True),
        (datetime.min.replace(tzinfo=START.tzinfo), True),
    ],
)
def test_a_time_is_not_in_the_future_and_not_long_ago(done_at: datetime, wrong: bool) -> None:
    assert bool(fields_of(rules.check_times, done_at, START)[0]) is wrong


def values(code: str, given: dict[str, Any], *confirmed: str, whole: bool = True) -> set[str]:
    return rules.check_values(SHIPPED.by_code[code], given, set(confirmed), whole=whole)


def test_every_wrong_field_is_told_at_once() -> None:
    given = {"volume": ml("99"), "leak": ["none", "disc"], "stop_reason": "filled", "colour": "grey"}
    assert fields_of(values, "K09d", given) == ({"volume", "leak", "colour"}, set())


def test_what_is_unusual_is_asked_once_and_then_flagged() -> None:
    assert fields_of(values, "K09d", {"volume": ml("8")}) == (set(), {"volume"})
    assert values("K09d", {"volume": ml("8")}, "volume") == {"volume"}
    assert values("K09d", {"volume": ml("3")}, "volume") == set()
    assert fields_of(values, "K09d", {"volume": ml("99")}, "volume") == ({"volume"}, set())


def test_only_what_is_needed_now_holds_a_tick_up() -> None:
    assert fields_of(values, "K04", {}) == ({"mode"}, set())
    assert fields_of(values, "K04", {"mode": None}) == ({"mode"}, set())
    assert fields_of(values, "K04", {}, whole=False) == (set(), set())
    assert values("K09d", {}) == set()


# An entry ----------------------------------------------------------------------------------------------------------


def test_an_entry_must_be_there_and_count() -> None:
    sheet = Sheet()
    seq = sheet.done("K02")
    place, entry = rules.check_entry(sheet.progress, sheet.progress.place("K02"), seq)
    assert (str(place.key), entry.seq) == ("K02", seq)
    assert code_of(rules.check_entry, sheet.progress, sheet.progress.place("K02"), 1) == "no_entry"
    assert code_of(rules.check_entry, sheet.progress, None, seq) == "no_entry"
    sheet.void("K02", seq)
    assert code_of(rules.check_entry, sheet.progress, sheet.progress.place("K02"), seq) == "voided"


def test_details_add_and_change_nothing() -> None:
    sheet = Sheet()
    sheet.done("K02", site="hand")
    sheet.mark("ABX", StepStatus.NOT_DONE)
    entry = sheet.step("K02").live[0]
    assert code_of(rules.check_details, entry, {"side": "left"}) == ""
    assert fields_of(rules.check_details, entry, {"side": "left", "site": "hand"}) == ({"site"}, set())
    assert fields_of(rules.check_details, entry, {}) == ({""}, set())
    assert code_of(rules.check_details, sheet.step("ABX").entries[0], {"drug": "other"}) == "not_done"


def test_somebody_else_verifies_once() -> None:
    sheet = Sheet()
    seq = sheet.add(EventKind.STEP_DONE, step_key="PRE-ID", by=OPERATOR, recorded_by=NURSE)

    def code(actor: Actor, key: str = "PRE-ID") -> str:
        return code_of(rules.check_verify, sheet.place(key), sheet.step(key).entries[-1], actor)

    assert (code(OPERATOR_ACTOR), code(NURSE_ACTOR)) == ("same_person", "same_person")
    assert (code(SCRUB), code(ADMIN), code(NOBODY)) == ("", "role", "role")
    sheet.add(EventKind.STEP_VERIFIED, step_key="PRE-ID", about=seq, by=OTHER)
    assert code(Actor(5, Role.RADIOGRAPHER)) == "already_verified"
    sheet.done("K01")
    assert code(SCRUB, "K01") == "no_verification"
    sheet.mark("CHK-TO", StepStatus.NOT_DONE)
    assert code(SCRUB, "CHK-TO") == "no_verification"


def test_a_slip_is_the_own_entry_of_the_last_minute() -> None:
    sheet = Sheet()
    sheet.add(EventKind.STEP_DONE, step_key="K01", by=OPERATOR, recorded_by=NURSE)
    entry = sheet.step("K01").entries[0]
    minute = timedelta(seconds=60)
    assert rules.is_slip(entry, NURSE_ACTOR, entry.recorded_at + minute)
    assert not rules.is_slip(entry, NURSE_ACTOR, entry.recorded_at + minute + timedelta(microseconds=1))
    assert not rules.is_slip(entry, OPERATOR_ACTOR, entry.recorded_at)


def test_a_reason_is_some_words() -> None:
    assert rules.check_reason("  wrong side ") == "wrong side"
    for reason in ("", "  \n", LONG):
        assert fields_of(rules.check_reason, reason) == ({"reason"}, set())
    assert fields_of(rules.check_reason, "", "why") == ({"why"}, set())


# A level -------------------------------------------------------------------------------------------------------------


def test_a_level_is_added_once_and_after_the_time_out_with_a_reason() -> None:
    sheet = Sheet("L1")
    assert code_of(level_rules.check_add_level, sheet.progress, "L1") == "has_level"
    assert code_of(level_rules.check_add_level, sheet.progress, "L2") == ""
    assert not level_rules.level_needs_reason(sheet.progress)
    sheet.done("CHK-TO")
    assert level_rules.level_needs_reason(sheet.progress)
    sheet.add(EventKind.CASE_STOPPED, reason="x")
    assert code_of(level_rules.check_add_level, sheet.progress, "L2") == "ended"


def test_a_level_taken_off_the_plan_may_be_added_again() -> None:
    sheet = Sheet("L1", "L2", started=False)
    sheet.add(EventKind.LEVEL_WITHDRAWN, values={"level": "L2"})
    assert code_of(level_rules.check_add_level, sheet.progress, "L2") == ""


def close(sheet: Sheet, vertebra: str, *, defer: bool) -> str:
    return code_of(level_rules.check_close_level, sheet.progress, vertebra, defer=defer)


def test_a_level_is_deferred_before_the_needle_and_abandoned_after() -> None:
    sheet = Sheet("T12", "L1")
    assert close(sheet, "L1", defer=True) == close(sheet, "L1", defer=False) == ""
    assert close(sheet, "L5", defer=False) == "level_closed"
    sheet.side("L1", "left", ("K08b",))
    assert close(sheet, "L1", defer=True) == "needle_in"
    assert close(sheet, "L1", defer=False) == ""
    sheet.add(EventKind.LEVEL_ABANDONED, values={"level": "L1"}, reason="x")
    assert close(sheet, "L1", defer=False) == "level_closed"
    assert code_of(level_rules.check_reopen_level, sheet.progress, "L1") == ""
    assert code_of(level_rules.check_reopen_level, sheet.progress, "T12") == "level_open"


def test_a_completed_level_is_not_closed() -> None:
    sheet = Sheet("L1")
    sheet.whole_level("L1", "left")
    assert close(sheet, "L1", defer=False) == close(sheet, "L1", defer=True) == "level_completed"


def test_levels_of_a_case_that_does_not_run_stay_as_they_are() -> None:
    sheet = Sheet("L1", started=False)
    assert close(sheet, "L1", defer=True) == "not_started"
    assert code_of(level_rules.check_reopen_level, sheet.progress, "L1") == "not_started"
