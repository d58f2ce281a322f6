"""Random people send random commands to two cases of one patient; after each, the rows are what a replay gives."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from procedures import canonical, clock, commands, projection, second_person
from procedures.commands import BOTH, Command, PatientDetails, Plan, Receipt
from procedures.definitions import Key, Protocol, Repeats, Role
from procedures.fold import apply, replay
from procedures.models import Case, Event
from procedures.progress import Progress
from procedures.protocols import frozen
from procedures.rules import Invalid, Refused
from procedures.state import CaseState, Source, StepStatus
from procedures.verification import verify
from tests.db.drawn import needed, values_of
from tests.db.held import is_an_act, sensible, stored_as, takes_back
from tests.sheet import SHIPPED
from tests.world import World, needed_now

MORNING = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LEVELS = ["T12", "L1", "L2"]
PEOPLE = ["nurse", "nurse", "operator", "operator", "scrub", "ward", "sedation", "admin", "trainer"]
REPEATED = {
    Repeats.ONCE: [""],
    Repeats.LEVEL: [f"-{level}" for level in LEVELS],
    Repeats.ACCESS: [f"-{level}{side}" for level in LEVELS for side in ("", "-left", "-right")],
}
KNOWN = [f"{step.code}{place}" for step in SHIPPED.steps for place in REPEATED[step.repeats]]
KEYS = [*KNOWN, "K99", "K07-S1", "K01-L1"]

people = st.sampled_from(PEOPLE)
cases = st.sampled_from([0, 0, 0, 1])  # the second stands by, as another case of the same patient
keys = st.sampled_from(KEYS)
reasons = st.sampled_from(["because", "because", "because", " "])
vertebrae = st.sampled_from([*LEVELS, "S1"])
seldom = st.sampled_from([False, False, False, True])
entry_acts = st.sampled_from(
    ["void", "void", "correct", "verify", "verify", "add_details", "reconcile", "move", "move"]
)
case_acts = st.sampled_from(
    ["start", "pause", "resume", "emergency", "emergency", "complete", "cancel", "stop", "void_case"]
)
level_acts = st.sampled_from(["add_level", "abandon_level", "defer_level", "reopen_level", "reopen_level"])


class Cases(RuleBasedStateMachine):
    """Two cases of one patient in a suite at work. What a command refuses leaves everything as it was."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.rolled_back = transaction.atomic()
        self.rolled_back.__enter__()
        self.now = MORNING
        self.sent = 0
        self.ids: list[UUID] = []
        self.folded: dict[UUID, CaseState] = {}
        self.heads: dict[UUID, bytes] = {}
        self.protocol: Protocol = SHIPPED

    @initialize(
        levels=st.lists(st.sampled_from(LEVELS), min_size=1, max_size=2, unique=True),
        anaesthesia=st.sampled_from(["sedation", "general"]),
        stage=st.sampled_from(
            ["scheduled", "room", "needle", "needle", "needle", "late", "whole", "whole", "broken off"]
        ),
    )
    def opened(self, levels: list[str], anaesthesia: str, stage: str) -> None:
        """One case somewhere on its way, perhaps signed already; one still to come."""
        with clock.at(self.now):
            self.ids = [self.world.open(*levels, anaesthesia=anaesthesia), self.world.open("L1")]
            self.protocol = frozen.protocol(Case.objects.get(pk=self.ids[0]).protocol_id)
        self.forward(1)
        with clock.at(self.now):
            if stage != "scheduled":
                commands.start(self.world.command(self.ids[0]))
            if stage in ("needle", "late"):
                self.world.rush(self.ids[0], "K04", "CHK-TO", "K09c", *(f"K08a-{level}" for level in levels))
            if stage == "late":
                self.world.rush(self.ids[0], "K10", "CNT", "REC-TURN")
            if stage in ("whole", "broken off"):
                self.to_the_signature(levels, whole=stage == "whole")
        self.check()

    def to_the_signature(self, levels: list[str], *, whole: bool) -> None:
        """Everything was done as it comes, or no needle went in anywhere; the team signed out, the operator too."""
        first = self.ids[0]
        if whole:
            self.world.do_until(first, "REC-HO")
        else:
            for level in levels:
                commands.abandon_level(self.world.command(first), vertebra=level, reason="no way in")
            self.world.rush(first, "CHK-OUT")
        self.world.sign(first, cosign_by=self.world.trainer.pk if whole else None)

    # Commands ---------------------------------------------------------------------------------------------------------

    @rule(by=people, times=st.integers(1, 4), data=st.data())
    def go_on(self, by: str, times: int, data: st.DataObject) -> None:
        """Do what comes next."""
        for _ in range(times):
            place = self.progress(self.ids[0]).next_place()
            if place:
                side = data.draw(st.sampled_from(["left", "right", BOTH])) if place.needs_side else ""
                self.tick(str(place.key), by, side)

    def tick(self, key: str, by: str, side: str) -> None:
        values = needed_now(self.ids[0], key)
        self.send(0, by, lambda c: commands.record_done(c, key, values=values, side=side))

    @rule(
        which=cases, by=people, performer=st.sampled_from(["", "", *PEOPLE]), key=keys,
        ago=st.sampled_from([0, 0, 0, 5, 40, -5, 20000]), override=st.sampled_from(["", "", "because"]),
        sure=st.booleans(), filled=st.booleans(), data=st.data(),
    )  # fmt: skip
    def record_done(
        self, which: int, by: str, performer: str, key: str, ago: int, override: str, sure: bool, filled: bool,
        data: st.DataObject,
    ) -> None:  # fmt: skip
        """Do any step, in or out of order, with any values."""
        values = self.values(key, data) if filled else needed(key)
        at = self.now - timedelta(minutes=ago) if ago else None
        self.send(
            which,
            by,
            lambda c: commands.record_done(
                c,
                key,
                values=values,
                performed_at=at,
                override_reason=override,
                confirmed=frozenset(values) if sure else frozenset(),
            ),
            performer,
        )

    @rule(
        by=people, key=keys, not_done=st.booleans(), reason=reasons, override=st.sampled_from(["", "because"])
    )
    def mark(self, by: str, key: str, not_done: bool, reason: str, override: str) -> None:
        """Mark any step not done or not applicable."""
        status = StepStatus.NOT_DONE if not_done else StepStatus.NOT_APPLICABLE
        self.send(
            0, by, lambda c: commands.mark(c, key, status=status, reason=reason, override_reason=override)
        )

    @precondition(lambda self: self.entries())
    @rule(by=people, act=entry_acts, reason=reasons, performer=st.sampled_from(["", *PEOPLE]), data=st.data())
    def treat_an_entry(self, by: str, act: str, reason: str, performer: str, data: st.DataObject) -> None:
        """Take an entry back, correct it, add to it, or verify it."""
        key, seq = data.draw(st.sampled_from(self.entries()))
        sure = frozenset(f.key for f in self.protocol.by_code[Key.parse(key).code].fields)
        match act:
            case "void":
                self.send(0, by, lambda c: commands.void(c, key, about=seq, reason=reason.strip()))
            case "verify":
                found = self.second_finding(key, seq, data)
                self.send(0, by, lambda c: commands.verify(c, key, about=seq, values=found))
            case "reconcile":
                self.send(0, by, lambda c: commands.reconcile(c, key, about=seq))
            case "move":
                to = self.ids[1]
                self.send(
                    0, by, lambda c: commands.move_entry(c, key, about=seq, to=to, reason="wrong patient")
                )
            case "add_details":
                more = self.values(key, data)
                self.send(
                    0, by, lambda c: commands.add_details(c, key, about=seq, values=more, confirmed=sure)
                )
            case _:
                changed = self.values(key, data)
                who = self.world.people[performer].pk if performer else None
                self.send(
                    0,
                    by,
                    lambda c: commands.correct(
                        c, key, about=seq, values=changed, reason=reason, confirmed=sure, performer=who
                    ),
                    performer,
                )

    def second_finding(self, key: str, seq: int, data: st.DataObject) -> dict[str, Any]:
        """What the second person finds: mostly the same as the first, sometimes something else."""
        entry = self.folded[self.ids[0]].steps[key].entry(seq)
        fields = second_person.unseen(self.protocol.by_code[Key.parse(key).code])
        same = data.draw(st.sampled_from([True, True, False]))
        known = dict(entry.values) if entry else {}
        return {f.key: known.get(f.key) if same else data.draw(values_of(f)) for f in fields}

    # The note ---------------------------------------------------------------------------------------------------------

    @rule(
        by=people, beside=st.sampled_from(["", "trainer", "operator", "nurse"]), explained=st.booleans(),
        read=st.sampled_from([0, 0, -1]), instead=reasons,
    )  # fmt: skip
    def sign(self, by: str, beside: str, explained: bool, read: int, instead: str) -> None:
        """With everything explained or nothing, having read all or not the last event; not always as the operator."""
        note = self.world.note(self.ids[0], cosign_by=self.world.people[beside].pk if beside else None)
        note |= {"read_up_to": self.folded[self.ids[0]].last_seq + read, "instead": instead}
        note |= {} if explained else {"explained": {}}
        self.send(0, by, partial(commands.sign, **note))

    @rule(by=people, to=st.sampled_from(["", "trainer", "operator", "nurse"]), reason=reasons)
    def cosign(self, by: str, to: str, reason: str) -> None:
        """Mostly by somebody who may not; before it, perhaps another is asked."""
        asked = self.world.people[to].pk if to else None
        self.send(0, by, lambda c: commands.move_cosigner(c, to=asked, reason=reason))
        self.send(0, by, commands.cosign)

    @rule(by=people, reason=reasons, text=st.sampled_from(["", "The patient was told"]))
    def add_words(self, by: str, reason: str, text: str) -> None:
        """An addendum in words."""
        self.send(0, by, lambda c: commands.add_addendum(c, reason=reason, text=text))

    @rule(
        by=people, key=keys, ago=st.sampled_from([0, 40, 20000]), queued=st.booleans(), sure=st.booleans(),
        data=st.data(),
    )  # fmt: skip
    def add_data(self, by: str, key: str, ago: int, queued: bool, sure: bool, data: st.DataObject) -> None:
        """An addendum that says more of a step, or changes an entry of it, voided ones among them."""
        entries = [seq for of_step, seq in self.entries() if of_step == key]
        about = data.draw(st.sampled_from([None, *entries]))
        values = self.values(key, data) or needed(key)
        self.send(
            0,
            by,
            lambda c: commands.add_addendum(
                replace(c, source=Source.OFFLINE) if queued else c,
                reason="seen later",
                key=key,
                about=about,
                values=values,
                performed_at=self.now - timedelta(minutes=ago),
                confirmed=frozenset(values) if sure else frozenset(),
            ),
        )

    @precondition(lambda self: self.entries())
    @rule(by=people, data=st.data())
    def add_to_an_entry(self, by: str, data: st.DataObject) -> None:
        """An addendum to what was recorded."""
        key, about = data.draw(st.sampled_from(self.entries()))
        values = self.values(key, data)
        self.send(
            0,
            by,
            lambda c: commands.add_addendum(
                c, reason="seen later", key=key, about=about, values=values, confirmed=frozenset(values)
            ),
        )

    @rule(which=cases, by=people, to=people, answer=st.sampled_from(["accept", "withdraw", ""]))
    def hand_over(self, which: int, by: str, to: str, answer: str) -> None:
        """Offered to somebody; sometimes answered by somebody, perhaps the right one."""
        user_id = self.world.people[to].pk
        self.send(which, by, lambda c: commands.offer_handover(c, to=user_id))
        if answer == "accept":
            self.send(which, to, commands.accept_handover)
        elif answer:
            self.send(which, by, commands.withdraw_handover)

    @rule(by=people, act=level_acts, vertebra=vertebrae, reason=reasons)
    def treat_a_level(self, by: str, act: str, vertebra: str, reason: str) -> None:
        """Add, abandon, defer or reopen a vertebra."""
        self.send(0, by, lambda c: getattr(commands, act)(c, vertebra=vertebra, reason=reason))

    @rule(which=cases, by=people, act=case_acts, reason=reasons, really=seldom)
    def treat_the_case(self, which: int, by: str, act: str, reason: str, really: bool) -> None:
        """Start, pause, switch the emergency, end."""
        match act:
            case "start" | "complete":
                self.send(which, by, getattr(commands, act))
            case "resume":
                self.send(which, by, lambda c: commands.resume(c, identity=really))
            case "emergency":
                on = self.folded[self.ids[which]].emergency_at is None
                self.send(which, by, lambda c: commands.set_emergency(c, on=on))
            case "pause":
                self.send(which, by, lambda c: commands.pause(c, reason=reason))
            case _ if really:
                self.send(which, by, lambda c: getattr(commands, act)(c, reason=reason))

    @rule(which=cases, by=people, user=people, role=st.sampled_from([None, *Role]))
    def change_team(self, which: int, by: str, user: str, role: Role | None) -> None:
        """Somebody comes, changes role or leaves."""
        user_id = self.world.people[user].pk
        self.send(which, by, lambda c: commands.change_team(c, user_id=user_id, role=role))

    @rule(
        by=people,
        levels=st.lists(vertebrae, max_size=3, unique=True),
        room=st.sampled_from(["IR room 1", "Attic"]),
    )
    def change_case(self, by: str, levels: list[str], room: str) -> None:
        """Change what is planned of the second case."""
        plan = Plan(
            room=room, scheduled_at=self.now, indication="trauma", anaesthesia="local", levels=levels,
            team={self.world.operator.pk: Role.OPERATOR},
        )  # fmt: skip
        self.send(1, by, lambda c: commands.change_case(c, plan=plan))

    @rule(which=cases, by=people, substance=st.sampled_from(["latex", "Latex", "iodine", ""]))
    def add_allergy(self, which: int, by: str, substance: str) -> None:
        """Told in every open case of the patient."""
        self.send(which, by, lambda c: commands.add_allergy(c, substance=substance))

    @rule(which=cases, by=people, name=st.sampled_from(["Rossi", "Verdi"]), reason=reasons)
    def correct_patient(self, which: int, by: str, name: str, reason: str) -> None:
        """Told in every open case of the patient."""
        details = PatientDetails(
            mrn="004217889", family_name=name, given_name="Maria", birth_date=date(1952, 3, 12), sex="F"
        )
        self.send(which, by, lambda c: commands.correct_patient(c, details=details, reason=reason))

    @rule(seconds=st.sampled_from([30, 61, 900, 1800]))
    def time_passes(self, seconds: int) -> None:
        """A minute is the limit of an undo, a quarter of an hour that of "late"."""
        self.forward(seconds)

    # How a command is sent, and what must hold after it -------------------------------------------------

    def forward(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def send(self, which: int, by: str, act: Callable[[Command], Receipt], performer: str = "") -> None:
        """Send a command, every third twice; it is carried out once, or refused and nothing has changed."""
        self.forward(1)
        self.sent += 1
        case_id = self.ids[which]
        user = self.world.people[performer].pk if performer else None
        command = Command(
            case_id=case_id, by=self.world.people[by], command_id=UUID(int=self.sent), performed_by=user
        )
        before = self.folded[case_id].last_seq
        with clock.at(self.now):
            try:
                with transaction.atomic():
                    receipt = act(command)
            except (Refused, Invalid):
                assert Case.objects.get(pk=case_id).last_seq == before
                return
            assert (receipt.first, receipt.repeated) == (before + 1, False)
            if self.sent % 3 == 0:
                again = act(command)
                assert (again.first, again.last, again.repeated) == (receipt.first, receipt.last, True)
        self.check()
        assert self.folded[case_id].last_seq == receipt.last

    def check(self, *, at_the_end: bool = False) -> None:
        """Every case that has changed: the log is whole, and its rows are what its events give."""
        for case_id in self.ids:
            case = Case.objects.get(pk=case_id)
            state = self.folded.get(case_id, CaseState())
            if case.last_seq == state.last_seq and not at_the_end:
                continue
            head = self.heads.get(case_id, canonical.GENESIS)
            for event in Event.objects.filter(case=case, seq__gt=state.last_seq):
                state = apply(self.protocol, state, canonical.decode(event.data))
                assert bytes(event.prev_hash) == head
                head = canonical.chain(head, event.canonical)
                assert bytes(event.hash) == head
            self.folded[case_id], self.heads[case_id] = state, head
            assert (case.last_seq, bytes(case.head_hash)) == (state.last_seq, head)
            assert projection.load(case) == state
            progress = Progress(self.protocol, state)
            stored_as(case, progress)
            sensible(progress)

    def progress(self, case_id: UUID) -> Progress:
        return Progress(self.protocol, self.folded[case_id])

    def entries(self) -> list[tuple[str, int]]:
        """Every entry of the first case, voided ones among them."""
        if not self.ids:
            return []
        steps = self.folded[self.ids[0]].steps
        return [(key, entry.seq) for key, step in steps.items() for entry in step.entries]

    def values(self, key: str, data: st.DataObject) -> dict[str, Any]:
        """Values for a few fields of a step."""
        step = self.protocol.by_code.get(Key.parse(key).code)
        if step is None or not step.fields:
            return {}
        some = data.draw(st.lists(st.sampled_from(step.fields), max_size=3, unique_by=lambda f: f.key))
        return {field.key: data.draw(values_of(field)) for field in some}

    def teardown(self) -> None:
        """Once from the start: the whole log is readable and gives what going along gave."""
        try:
            self.check(at_the_end=True)
            for case_id, folded in self.folded.items():
                events = list(Event.objects.filter(case=case_id))
                assert [event.seq for event in events] == list(range(1, len(events) + 1))
                assert replay(self.protocol, (canonical.decode(event.data) for event in events)) == folded
                acts = {event.seq for event in events if is_an_act(event)}
                kept = {entry.seq for step in folded.steps.values() for entry in step.entries}
                assert kept == acts  # nothing that was recorded is ever gone
                voided = {event.about for event in events if takes_back(event)} & acts
                assert voided == {e.seq for step in folded.steps.values() for e in step.entries if not e.live}
                assert [fault for _n, fault in verify(case_id) if fault] == []
        finally:
            transaction.set_rollback(True)
            self.rolled_back.__exit__(None, None, None)


@pytest.mark.django_db
def test_after_every_command_the_rows_are_what_a_replay_gives(world: World) -> None:
    world.operator_too("trainer")

    class CasesOfThisSuite(Cases):
        def __init__(self) -> None:
            super().__init__(world)

    run_state_machine_as_test(
        CasesOfThisSuite,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_a_tampered_event_is_not_what_was_recorded() -> None:
    """The comparison of the state machine is one that can fail: another value is another state."""
    from tests.sheet import Sheet

    sheet = Sheet("L1")
    sheet.done("K02", site="hand")
    changed = [*sheet.events[:-1], replace(sheet.events[-1], values={"site": "elbow"})]
    assert replay(SHIPPED, changed) != sheet.state
