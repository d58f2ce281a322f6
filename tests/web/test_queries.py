"""How many statements a page costs, through the whole stack with a session, whatever the size of the case."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from procedures import access, commands, directory
from procedures.definitions import Role
from procedures.models import Case, Event, Membership, User
from tests.web.visitor import Visitor
from tests.world import World, give_pin, tablet_of

pytestmark = pytest.mark.django_db

TICK, TODAY, CASE, RECORD = 10, 6, 10, 12
TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@contextmanager
def at_most(limit: int) -> Iterator[list[str]]:
    """No more statements than this, transactions apart. The list holds them afterwards."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as seen:
        yield found
    found += [q["sql"] for q in seen.captured_queries if not q["sql"].startswith(TRANSACTION)]
    assert len(found) <= limit, "\n".join(sql[:150] for sql in found)


def forget_all() -> None:
    """As in a process that has just begun its work, but for the frozen protocol."""
    access.forget()
    directory.forget()


@pytest.fixture
def small(world: World) -> UUID:
    """A case just started."""
    return world.started("L1")


@pytest.fixture
def large(world: World) -> UUID:
    """A case of three vertebrae with more than a hundred events by ten people."""
    case_id = world.started("T12", "L1", "L2", mrn="900000001")
    world.do_until(case_id, "CLO")
    for name in ("ward", "sedation", "scrub", "radiographer", "assistant", "anaesthetist", "recovery"):
        role = Membership.objects.get(user=world.people[name]).role
        commands.change_team(world.command(case_id), user_id=world.people[name].pk, role=Role(role))
        for _ in range(5):
            world.do(case_id, "EV-VITALS", "EV-NOTE", by=name)
    assert Event.objects.filter(case=case_id).count() > 100
    return case_id


@pytest.fixture(params=["small", "large"])
def case_id(request: pytest.FixtureRequest) -> UUID:
    """Both sizes."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


# The names of people and products, and the protocol of a case, are asked once a minute in each process.
COLD = 4
# Who is behind the others reads the case afresh after the tick.
BEHIND = 5
NOW = {"K04": {"mode": "moderate"}, "K09f": {"sample_hard": "yes"}, "CNT": {"match": "yes"}}


def test_a_tick(world: World, case_id: UUID, nurse: Visitor) -> None:
    for htmx in (True, False):
        forget_all()
        for text, limit in (("first", TICK + COLD), ("second", TICK), ("third", TICK)):
            seen = str(Case.objects.get(pk=case_id).last_seq)
            with at_most(limit) as statements:
                answer = nurse.post(
                    "step-done", case_id, "EV-NOTE", v_text=f"{text} {htmx}", htmx=htmx, seen=seen
                )
            assert answer.status == (200 if htmx else 302)
            print("tick,", text, len(statements))
    nurse.get("case", case_id)
    world.do(case_id, "EV-NOTE", by="nurse")
    with at_most(TICK + BEHIND) as statements:
        assert nurse.post("step-done", case_id, "EV-NOTE", v_text="x", htmx=True, seen=seen).status == 200
    print("tick behind others:", len(statements))


def test_a_tick_of_any_kind(world: World, small: UUID) -> None:
    """Step by step through a whole case."""
    operator = Visitor(world.operator)
    operator.get("case", small)
    for kind in ("cement", "balloon", "needle"):
        directory.products(kind)
    counts = {}
    for _ in range(60):
        case = Case.objects.get(pk=small)
        if not case.next_step:
            break
        sent = {f"v_{name}": value for name, value in NOW.get(case.next_step.split("-L1")[0], {}).items()}
        if case.next_step == "K08b-L1":
            sent["side"] = "both"
        operator.get("step", small, case.next_step)
        with at_most(TICK) as statements:
            answer = operator.post(
                "step-done", small, case.next_step, htmx=True, seen=str(case.last_seq), **sent
            )
        assert answer.status == 200, (case.next_step, answer)
        counts[case.next_step] = len(statements)
    assert Case.objects.get(pk=small).next_step == ""
    print("tick by step:", counts)


def test_pages(case_id: UUID, nurse: Visitor) -> None:
    limits = {"case": CASE, "missing": CASE, "record": RECORD, "manage": RECORD}
    for name, limit in limits.items():
        forget_all()
        for what in ("first in the process", "again"):
            with at_most(limit) as statements:
                assert nurse.get(name, case_id).status == 200
            print(name, "page,", what, len(statements))
    for key in ("EV-NOTE", "EV-VITALS", "K01", "EV-DEVICE"):
        for htmx in (False, True):
            forget_all()
            with at_most(CASE):
                assert nurse.get("step", case_id, key, htmx=htmx, seen="3").status == 200
            forget_all()
            with at_most(2 * TICK):
                wrong = nurse.post("step-done", case_id, key, htmx=htmx, performed_by="x")
                assert wrong.status == 422


@pytest.mark.parametrize("number", [0, 40])
def test_today(world: World, nurse: Visitor, number: int) -> None:
    now = timezone.now()
    for at in range(number):
        case_id = world.open("T12", "L1", mrn=f"8{at:08}", scheduled_at=now, allergies=["latex", "iodine"])
        if at % 2:
            commands.start(world.command(case_id))
    forget_all()
    with at_most(TODAY) as statements:
        answer = nurse.get("today")
    print("today with", number, "cases:", len(statements))
    assert answer.html.count("card__open") == number
    operator = Visitor(world.operator)
    with at_most(TODAY + 1):  # the notes to sign
        operator.get("today")


def test_a_page_does_not_write_the_session(world: World, nurse: Visitor, small: UUID) -> None:
    nurse.get("case", small)
    session = Session.objects.get(session_key=nurse.client.cookies[settings.SESSION_COOKIE_NAME].value)
    assert session.expire_date - timezone.now() > timedelta(hours=11)
    with at_most(CASE) as statements:
        nurse.get("case", small)
    assert not [sql for sql in statements if "django_session" in sql and not sql.startswith("SELECT")]
    assert User.objects.get(pk=world.nurse.pk).is_active


def test_a_tablet_costs_no_statement_more(world: World, nurse: Visitor, small: UUID) -> None:
    """Which tablet it is, and that it was not revoked, is read with the person."""
    give_pin(world.nurse)
    at_tablet = Visitor.on(tablet_of(world.unit), world.nurse)
    counts = []
    for visitor, case_id in ((nurse, small), (at_tablet, world.started("L1", mrn="900000002"))):
        for _ in range(2):
            with at_most(CASE) as page:
                visitor.get("case", case_id)
        seen = str(Case.objects.get(pk=case_id).last_seq)
        with at_most(TICK) as tick:
            assert visitor.post("step-done", case_id, "PRE-BASE", htmx=True, seen=seen).status == 200
        assert not [sql for sql in page + tick if "django_session" in sql and not sql.startswith("SELECT")]
        counts.append((len(page), len(tick)))
    assert counts[0] == counts[1]
