"""Many hands at once: real threads, each with its own connection and its own transaction."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from procedures import canonical, commands, projection
from procedures.commands import Receipt
from procedures.definitions import Phase, Repeats
from procedures.fold import replay
from procedures.models import Allergy, Case, Event, Level, Patient
from procedures.protocols import frozen
from procedures.rules import Invalid, Refused
from procedures.verification import verify
from tests.world import World, needed_now, open_with

type Answer = Receipt | Exception


def at_once(calls: Sequence[Callable[[], Receipt]]) -> list[Answer]:
    """What each call answers when all start together. Locks are waited for: the order is tried here, not the speed."""
    answers: list[Answer | None] = [None] * len(calls)
    barrier = Barrier(len(calls))

    def run(place: int) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '60s'; SET statement_timeout = '60s'")
            barrier.wait(60)
            answers[place] = calls[place]()
        except Exception as problem:  # noqa: BLE001 - every answer counts
            answers[place] = problem
        finally:
            connection.close()

    threads = [Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return [answer if answer is not None else TimeoutError() for answer in answers]


def codes(answers: list[Answer]) -> Counter[str]:
    """How often each kind of answer was given: ok, a refusal's code, invalid, or what went wrong."""

    def code(answer: Answer) -> str:
        match answer:
            case Receipt():
                return "ok"
            case Refused():
                return answer.code
            case Invalid():
                return "invalid"
        return repr(answer)

    return Counter(code(answer) for answer in answers)


def sound(case_id: UUID) -> int:
    """The log has no gap, the chain holds, the rows are what a replay gives. Returns how many events there are."""
    case = Case.objects.get(pk=case_id)
    events = list(Event.objects.filter(case=case_id))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    head = canonical.GENESIS
    for event in events:
        head = canonical.chain(head, event.canonical)
        assert bytes(event.hash) == head
    assert (case.last_seq, bytes(case.head_hash)) == (len(events), head)
    state = replay(frozen.protocol(case.protocol_id), (canonical.decode(event.data) for event in events))
    assert projection.load(case) == state
    return len(events)


def tick(world: World, case_id: UUID, key: str, **rest: Any) -> Callable[[], Receipt]:
    """A tick of a step that only waits for its turn."""
    command, values = world.command(case_id), needed_now(case_id, key)
    return lambda: commands.record_done(command, key, values=values, **rest)


def test_fifty_ticks_of_different_steps_leave_no_gap(lasting_world: World) -> None:
    world = lasting_world
    levels = [f"T{n}" for n in range(5, 13)]
    case_id = world.started(*levels)
    commands.set_emergency(world.command(case_id), on=True)
    steps = frozen.protocol(Case.objects.get(pk=case_id).protocol_id).steps
    keys = [step.code for step in steps if step.repeats is Repeats.ONCE and step.phase is not Phase.ANY]
    keys += [f"{code}-{level}" for level in levels for code in ("K07", "K08a", "K09f")]
    before = sound(case_id)
    answers = at_once([tick(world, case_id, key) for key in keys[:50]])
    assert codes(answers) == {"ok": 50}
    assert sorted(a.first for a in answers if isinstance(a, Receipt)) == list(range(before + 1, before + 51))
    assert sound(case_id) == before + 50


def test_forty_ticks_of_one_step_are_one_event(lasting_world: World) -> None:
    case_id = lasting_world.started("L1")
    before = sound(case_id)
    answers = at_once([tick(lasting_world, case_id, "K01") for _ in range(40)])
    assert codes(answers) == {"ok": 1, "already_done": 39}
    assert sound(case_id) == before + 1


def test_one_form_sent_twenty_times_is_one_event_and_twenty_equal_receipts(lasting_world: World) -> None:
    case_id = lasting_world.started("L1")
    before = sound(case_id)
    answers = at_once([tick(lasting_world, case_id, "PRE-ID")] * 20)
    assert codes(answers) == {"ok": 20}
    receipts = [answer for answer in answers if isinstance(answer, Receipt)]
    assert {(receipt.first, receipt.last) for receipt in receipts} == {(before + 1, before + 1)}
    assert sum(not receipt.repeated for receipt in receipts) == 1
    assert sound(case_id) == before + 1


def test_undo_and_details_at_once_leave_one_winner(lasting_world: World) -> None:
    world = lasting_world
    case_id = world.started("L1")
    seq = world.do(case_id, "PRE-ID").last
    one, two = world.command(case_id), world.command(case_id)
    answers = at_once(
        [
            lambda: commands.void(one, "PRE-ID", about=seq),
            lambda: commands.void(two, "PRE-ID", about=seq),
        ]
    )
    assert codes(answers) == {"ok": 1, "voided": 1}
    sound(case_id)


def test_a_needle_at_each_side_at_once_opens_both(lasting_world: World) -> None:
    world = lasting_world
    case_id = world.started("L1")
    commands.set_emergency(world.command(case_id), on=True)
    calls = [tick(world, case_id, "K08b-L1", side=side) for side in ("left", "right", "left", "right")]
    assert codes(at_once(calls)) == {"ok": 2, "already_done": 2}
    assert Level.objects.get(case=case_id).sides == ["left", "right"]
    sound(case_id)


def test_allergies_added_in_two_cases_of_a_patient_do_not_wait_for_each_other_for_ever(
    lasting_world: World,
) -> None:
    world = lasting_world
    cases = [world.started("L1"), world.open("L2")]

    def add(case_id: UUID, substance: str) -> Callable[[], Receipt]:
        command = world.command(case_id)
        return lambda: commands.add_allergy(command, substance=substance)

    answers = at_once([add(cases[n % 2], f"substance {n // 2}") for n in range(12)])
    assert codes(answers) == {"ok": 6, "known": 6}
    assert Allergy.objects.filter(substance__startswith="substance").count() == 6
    for case_id in cases:
        assert (
            Event.objects.filter(
                case=case_id, kind="allergy.added", data__values__substance__startswith="s"
            ).count()
            == 6
        )
        sound(case_id)


def test_a_case_opened_eight_times_at_once_is_one_case(lasting_world: World) -> None:
    case_id = uuid4()
    answers = at_once([lambda: open_with(lasting_world, case_id, ["L1"])] * 8)
    assert codes(answers) == {"ok": 8}
    receipts = [answer for answer in answers if isinstance(answer, Receipt)]
    assert len({(receipt.first, receipt.last) for receipt in receipts}) == 1
    assert sum(not receipt.repeated for receipt in receipts) == 1
    assert (Case.objects.count(), Patient.objects.count(), Allergy.objects.count()) == (1, 1, 1)
    sound(case_id)


def test_one_id_for_two_patients_at_once_is_one_case(lasting_world: World) -> None:
    case_id = uuid4()

    def opening(mrn: str) -> Callable[[], Receipt]:
        return lambda: open_with(lasting_world, case_id, ["L1"], mrn=mrn)

    answers = at_once([opening(str(n)) for n in range(6)])
    assert codes(answers) == {"ok": 1, "invalid": 5}
    assert (Case.objects.count(), Patient.objects.count()) == (1, 1)


def test_cases_opened_at_once_for_a_new_patient_share_the_patient(lasting_world: World) -> None:
    answers = at_once([lambda: open_with(lasting_world, uuid4(), ["L1"])] * 8)
    assert codes(answers) == {"ok": 8}
    assert (Case.objects.count(), Patient.objects.count(), Allergy.objects.count()) == (8, 1, 1)
    # The patient is known now; a new allergy that all of them name is still one.
    answers = at_once([lambda: open_with(lasting_world, uuid4(), ["L1"], allergies=["latex"])] * 8)
    assert codes(answers) == {"ok": 8}
    assert (Case.objects.count(), Patient.objects.count(), Allergy.objects.count()) == (16, 1, 2)


def test_two_signatures_a_tick_and_an_undo_at_once_leave_one_note_and_what_it_stands_on(
    lasting_world: World,
) -> None:
    trainer, case_id = lasting_world.operator_too("trainer"), lasting_world.started("L1")
    lasting_world.do_until(case_id, "REC-HO")
    note, about = lasting_world.note(case_id), lasting_world.step(case_id, "K10").live[-1].seq
    sign = [
        partial(commands.sign, lasting_world.command(case_id, by), **note, instead="Away")
        for by in ("operator", "trainer")
    ]
    tick = partial(commands.record_done, lasting_world.command(case_id), "EV-NOTE", values={"text": "Calm"})
    undo = partial(commands.void, lasting_world.command(case_id), "K10", about=about)
    found = codes(at_once([*sign, tick, undo]))
    assert found["signed"] >= 1, found
    assert set(found) <= {"ok", "signed", "invalid"}, (
        found
    )  # invalid: another gap came first, and is not explained
    case = Case.objects.get(pk=case_id)
    author = "operator" if case.signed_by_id == trainer.pk else "trainer"
    add = [
        partial(commands.add_addendum, lasting_world.command(case_id), reason="x", text=text)
        for text in "abc"
    ]
    beside = [partial(commands.cosign, lasting_world.command(case_id, author)) for _ in range(2)]
    assert codes(at_once([*add, *beside])) == {"ok": 4, "cosigned": 1}
    assert Case.objects.get(pk=case_id).addenda == 3
    assert [fault for _n, fault in verify(case_id) if fault] == []
