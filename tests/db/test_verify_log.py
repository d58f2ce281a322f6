"""Whoever may do everything in the database can still not change the record without being found out."""

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from procedures import canonical, commands, directory
from procedures.models import Case, CaseTeam, Event, Step, Unit
from procedures.state import StepStatus
from procedures.verification import Fault, verify
from tests import world as worlds

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def case_id(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[UUID]:
    """A case in the middle, with a correction, a void and an abandoned level; a sound one stands beside it."""
    with django_db_blocker.unblock(), transaction.atomic():
        directory.forget()
        world = worlds.build()
        world.started("L3", mrn="004217890", family_name="Other")
        made = world.started("T12", "L1")
        world.do_until(made, "K02")
        line = world.do(made, "K02")
        commands.correct(
            world.command(made), "K02", about=line.last, values={"site": "hand"}, reason="Wrong arm"
        )
        slip = world.do(made, "EV-NOTE")
        commands.void(world.command(made), "EV-NOTE", about=slip.last)
        commands.mark(world.command(made), "ABX", status=StepStatus.NOT_DONE, reason="Not indicated")
        world.do_until(made, "K09b")
        commands.abandon_level(world.command(made), vertebra="L1", reason="Pedicle not visible")
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def owner() -> Callable[..., None]:
    """SQL as the owner of the tables, with the triggers of the log switched off."""

    def run(sql: str, *params: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE procedures_event DISABLE TRIGGER USER")
            cursor.execute(sql, params)
            assert cursor.rowcount in (-1, 1), "the tampering itself did nothing"

    return run


def fault() -> Fault | None:
    """The one fault that is found, or None."""
    found = [fault for _count, fault in verify() if fault]
    assert len(found) < 2, "a sound case was blamed too"
    return found[0] if found else None


def event(case_id: UUID, **which: Any) -> Event:
    found = Event.objects.filter(case=case_id, **which).order_by("seq").first()
    assert found
    return found


def rewritten(found: Event, old: str, new: str) -> tuple[str, bytes]:
    """An event's text with something else in it, and the hash that would belong to it."""
    assert old in found.canonical
    text = found.canonical.replace(old, new)
    return text, canonical.chain(bytes(found.prev_hash), text)


def test_the_record_is_sound_and_only_read(case_id: UUID) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        out = StringIO()
        call_command("verify_log", stdout=out)
    assert "The record is sound." in out.getvalue()
    assert f"2 cases, {Event.objects.count()} events" in out.getvalue()


def test_the_command_names_the_first_bad_event_and_fails(case_id: UUID, owner: Callable[..., None]) -> None:
    bad = event(case_id, step_key="K02")
    owner(
        "UPDATE procedures_event SET canonical = %s WHERE id = %s",
        rewritten(bad, '"source":"live"', '"source": "live"')[0],
        bad.pk,
    )
    out, errors = StringIO(), StringIO()
    with pytest.raises(CommandError, match="not sound: 1 of 2"):
        call_command("verify_log", stdout=out, stderr=errors)
    assert errors.getvalue().strip() == f"case {case_id}, event {bad.seq}: its hash is not that of its text"


def test_one_case_can_be_looked_at_alone(case_id: UUID) -> None:
    out = StringIO()
    call_command("verify_log", f"--case={case_id}", stdout=out)
    assert out.getvalue().startswith(f"1 cases, {Event.objects.filter(case=case_id).count()} events")
    with pytest.raises(CommandError, match="no case"):
        call_command("verify_log", f"--case={uuid4()}")


def test_another_text_with_its_own_hash_breaks_the_next_event(
    case_id: UUID, owner: Callable[..., None]
) -> None:
    bad = event(case_id, kind="step.not_done")
    text, digest = rewritten(bad, "Not indicated", "Given at 08:10")
    owner("UPDATE procedures_event SET canonical = %s, hash = %s WHERE id = %s", text, digest, bad.pk)
    found = fault()
    assert found
    assert found.case == case_id
    assert (found.seq, found.what) == (
        bad.seq + 1,
        "it stands on another hash than that of the event before it",
    )


def test_another_last_event_with_its_own_hash_is_found(case_id: UUID, owner: Callable[..., None]) -> None:
    last = Event.objects.filter(case=case_id).latest("seq")
    text, digest = rewritten(last, "Pedicle not visible", "Patient moved")
    owner("UPDATE procedures_event SET canonical = %s, hash = %s WHERE id = %s", text, digest, last.pk)
    found = fault()
    assert found
    assert (found.seq, found.what) == (last.seq, "its hash is not the one that the case keeps as its last")


def test_even_with_the_last_hash_of_the_case_the_rows_tell(case_id: UUID, owner: Callable[..., None]) -> None:
    last = Event.objects.filter(case=case_id).latest("seq")
    text, digest = rewritten(last, "Pedicle not visible", "Patient moved")
    owner("UPDATE procedures_event SET canonical = %s, hash = %s WHERE id = %s", text, digest, last.pk)
    owner("UPDATE procedures_case SET head_hash = %s WHERE id = %s", digest, case_id)
    found = fault()
    assert found
    assert (found.seq, found.what) == (last.seq, "level L1: reason differs")


def test_a_column_that_no_longer_says_what_its_text_says_is_found(
    case_id: UUID, owner: Callable[..., None]
) -> None:
    bad = event(case_id, step_key="K02")
    owner("ALTER TABLE procedures_event DROP CONSTRAINT event_columns_are_canonical")
    owner("UPDATE procedures_event SET performed_at = performed_at - interval '1 hour' WHERE id = %s", bad.pk)
    found = fault()
    assert found
    assert (found.seq, found.what) == (bad.seq, "a column differs from its text")


@pytest.mark.parametrize("back", [0, 5])
def test_a_deleted_event_is_found(case_id: UUID, owner: Callable[..., None], back: int) -> None:
    last = Event.objects.filter(case=case_id).latest("seq")
    owner("DELETE FROM procedures_event WHERE case_id = %s AND seq = %s", case_id, last.seq - back)
    found = fault()
    assert found
    assert found.seq == last.seq - back
    assert found.what.startswith("missing")


def test_a_case_moved_to_another_unit_is_found(case_id: UUID) -> None:
    other = Unit.objects.get(name="Other hospital wing")
    Case.objects.filter(pk=case_id).update(unit=other)
    CaseTeam.objects.filter(case=case_id).update(unit=other)  # else the database refuses it
    found = fault()
    assert found
    assert found.seq == 1
    assert found.what.startswith("it says unit")


def test_changed_entries_of_a_step_are_found(case_id: UUID) -> None:
    row = Step.objects.get(case=case_id, key="K02")
    row.entries[0]["values"]["site"] = "elbow"
    row.save()
    found = fault()
    assert found
    assert (found.seq, found.what) == (event(case_id, step_key="K02").seq, "step K02: entries differs")


@pytest.mark.parametrize(
    ("table", "change", "what"),
    [
        (
            "step",
            "SET state = 'pending', done_at = NULL WHERE case_id = %s AND key = 'K01'",
            "step K01: state, done_at",
        ),
        ("step", "SET key = 'X', code = 'X' WHERE case_id = %s AND key = 'K01'", "step K01: key, code"),
        ("level", "SET sides = '{left,right}' WHERE case_id = %s AND vertebra = 'T12'", "level T12: sides"),
        ("level", "SET vertebra = 'T11' WHERE case_id = %s AND vertebra = 'T12'", "level T12: vertebra"),
        ("caseteam", "SET role = 'assistant' WHERE case_id = %s AND role = 'operator'", "the team"),
        ("case", "SET cement_ml = 9.5 WHERE id = %s", "the case: cement_ml"),
        (
            "case",
            "SET complications = 1, spine = 'ddddddddddd' WHERE id = %s",
            "the case: spine, complications",
        ),
    ],
)
def test_a_changed_row_beside_the_log_is_found(
    case_id: UUID, owner: Callable[..., None], table: str, change: str, what: str
) -> None:
    owner(f"UPDATE procedures_{table} {change}", case_id)
    found = fault()
    assert found
    assert found.case == case_id
    assert found.what.startswith(what)


def test_a_row_that_no_event_made_is_found(case_id: UUID) -> None:
    Step.objects.create(case_id=case_id, key="X", code="X", state="pending")
    found = fault()
    assert found
    assert found.what == "step X is not in the log"


def test_pages_leave_no_case_out(case_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procedures.verification.PAGE", 1)
    assert sum(count for count, _fault in verify()) == Event.objects.count()


def test_an_event_that_cannot_follow_is_named(case_id: UUID, owner: Callable[..., None]) -> None:
    """A log that is whole by its hashes may still tell nonsense: the fold says where."""
    last = Event.objects.filter(case=case_id).latest("seq")
    text, digest = rewritten(last, '"level":"L1"', '"level":"L5"')
    owner("UPDATE procedures_event SET canonical = %s, hash = %s WHERE id = %s", text, digest, last.pk)
    found = fault()
    assert found
    assert found.seq == last.seq
    assert found.what.startswith("it cannot follow")
