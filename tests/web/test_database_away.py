"""Each statement of a command may fail: 503 says so, nothing is half done, and the repetition is one event."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection

from procedures import access, directory, projection
from procedures.models import Case, Event, Patient, Step
from procedures.views import lookup
from tests.web.stage import new_case, ward_check
from tests.web.visitor import Answer, Visitor
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

MORE_THAN_ANY = 60


class Failing:
    """Lets the first statements through and fails the one after them, as a connection that breaks there."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.failed = False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            self.failed = True
            raise OperationalError("the connection is lost")
        return execute(sql, params, many, context)


@contextmanager
def broken_at(number: int) -> Iterator[Failing]:
    """The statement with that number, from 0, and every later one fails."""
    failing = Failing(number)
    access.forget()
    directory.forget()
    lookup._protocol_of.cache_clear()
    with connection.execute_wrapper(failing):
        yield failing


def state(case_id: UUID) -> Any:
    """All that is kept of a case, and whether its rows say what its events say."""
    case = Case.objects.get(pk=case_id)
    events = list(Event.objects.filter(case=case_id).order_by("seq").values_list("seq", "kind", "command_id"))
    steps = list(
        Step.objects.filter(case=case_id).order_by("key").values_list("key", "state", "entries", "last_seq")
    )
    assert case.last_seq == len(events)
    return case.last_seq, bytes(case.head_hash), events, steps, projection.load(case)


def drive(send: Callable[[UUID], Answer], look: Callable[[], Any], done: tuple[int, ...]) -> int:
    """Fail statement after statement until the command goes through. Returns how many could fail."""
    before, same = look(), uuid4()
    for number in range(MORE_THAN_ANY):
        with broken_at(number) as failing:
            answer = send(same)
        if not failing.failed:
            assert answer.status in done
            return number
        after = look()
        if answer.status in done:  # what failed came after the commit, or was not needed
            assert after != before
            break
        assert answer.status == 503, (number, answer)
        assert "Retry-After" in answer.headers
        assert "The database is away for the moment" in answer.page.text
        if after != before:  # the commit went through and the answer was lost
            break
    once = look()
    assert send(same).status in done
    assert look() == once or once == before
    return number


@pytest.mark.parametrize("htmx", [True, False])
def test_a_tick(world: World, htmx: bool) -> None:
    case_id, nurse = world.started("L1"), Visitor(world.nurse)
    ticks = Event.objects.filter(case=case_id, kind="step.done")
    failed = drive(
        lambda same: nurse.post("step-done", case_id, "K01", htmx=htmx, command_id=str(same), seen="6"),
        lambda: state(case_id),
        (200,) if htmx else (302,),
    )
    assert failed >= 8
    assert ticks.count() == 1


def test_an_undo(world: World) -> None:
    case_id, nurse = world.started("L1"), Visitor(world.nurse)
    seq = world.do(case_id, "K01").last
    failed = drive(
        lambda same: nurse.post(
            "entry-void", case_id, "K01", seq, command_id=str(same), reason="slip of the hand"
        ),
        lambda: state(case_id),
        (302,),
    )
    assert failed >= 8
    assert Event.objects.filter(case=case_id, kind="event.voided").count() == 1
    assert Step.objects.get(case=case_id, key="K01").state == "pending"


def test_both_sides_or_none(world: World) -> None:
    case_id, operator = world.started("L1"), Visitor(world.operator)
    world.do_until(case_id, "K08b")
    drive(
        lambda same: operator.post("step-done", case_id, "K08b-L1", command_id=str(same), side="both"),
        lambda: state(case_id),
        (302,),
    )
    assert Event.objects.filter(case=case_id, step_key__startswith="K08b").count() == 2


def test_opening_a_case(world: World) -> None:
    nurse, form = Visitor(world.nurse), new_case(world)

    def look() -> Any:
        cases = list(Case.objects.values_list("pk", "last_seq", "levels"))
        return cases, Event.objects.count(), Patient.objects.count(), Step.objects.count()

    failed = drive(lambda same: nurse.post("new-case", command_id=str(same), **form), look, (302,))
    assert failed >= 8
    assert (Case.objects.count(), Patient.objects.count()) == (1, 1)
    assert Event.objects.filter(kind="case.opened").count() == 1


def test_an_allergy_in_every_open_case_or_in_none(world: World) -> None:
    case_id, other, nurse = world.started("L1"), world.open("L4"), Visitor(world.nurse)
    drive(
        lambda same: nurse.post("allergy-add", case_id, command_id=str(same), substance="latex"),
        lambda: (state(case_id), state(other), Case.objects.get(pk=case_id).patient.allergies.count()),
        (302,),
    )
    assert Event.objects.filter(kind="allergy.added", canonical__contains="latex").count() == 2


def test_every_page(world: World) -> None:
    case_id, nurse = world.started("L1"), Visitor(world.nurse)
    seq = ward_check(world, case_id)
    pages: list[tuple[str, tuple[Any, ...]]] = [
        ("today", ()), ("new-case", ()), ("case", (case_id,)), ("record", (case_id,)), ("manage", (case_id,)),
        ("missing", (case_id,)), ("entry", (case_id, "PRE-ID", seq)), ("account_logout", ()),
    ]  # fmt: skip
    for name, args in pages:
        for htmx in (False, True):
            for number in range(MORE_THAN_ANY):
                with broken_at(number) as failing:
                    answer = nurse.get(name, *args, htmx=htmx)
                if not failing.failed:
                    assert answer.status == 200
                    break
                assert answer.status in (200, 503), (name, number, answer)
            assert 1 < number < MORE_THAN_ANY - 1


def test_a_refusal_while_the_database_goes_away(world: World) -> None:
    case_id, nurse = world.started("L1"), Visitor(world.nurse)
    before = state(case_id)
    for data in ({"v_hr": "900"}, {"performed_by": "x"}, {"command_id": "x"}):
        for number in range(MORE_THAN_ANY):
            with broken_at(number) as failing:
                answer = nurse.post("step-done", case_id, "K03", htmx=False, **data)
            if not failing.failed:
                break
            assert answer.status in (422, 503), (number, answer)
        assert answer.status == 422
    assert state(case_id) == before
