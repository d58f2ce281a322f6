"""What raw SQL of the app's own role can do to a signed case: nothing."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from procedures import canonical
from procedures.models import Case, Event, Level
from procedures.state import Event as Happening
from procedures.state import EventKind
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = {
    "cement": "UPDATE procedures_case SET cement_ml = 99 WHERE id = %(case)s",
    "leak": "UPDATE procedures_case SET leak = NOT leak WHERE id = %(case)s",
    "with a higher number": "UPDATE procedures_case SET leak = true, last_seq = last_seq + 1 WHERE id = %(case)s",
    "unsign": "UPDATE procedures_case SET signed_seq = NULL, signed_at = NULL, signed_by_id = NULL WHERE id = %(case)s",
    "another signer": "UPDATE procedures_case SET signed_by_id = %(other)s WHERE id = %(case)s",
    "a step": "UPDATE procedures_step SET entries = '[]' WHERE case_id = %(case)s AND key = 'K09d-L1-left'",
    "a step's state": "UPDATE procedures_step SET state = 'pending', done_at = NULL WHERE case_id = %(case)s",
    "a further step": (
        "INSERT INTO procedures_step (case_id, key, code, state, entries, last_seq)"
        " VALUES (%(case)s, 'X', 'X', 'pending', '[]', 0)"
    ),
    "a level": "UPDATE procedures_level SET state = 'abandoned', reason = 'x' WHERE case_id = %(case)s",
    "the team": "UPDATE procedures_caseteam SET role = 'assistant' WHERE case_id = %(case)s",
    "the patient": (
        "UPDATE procedures_case SET patient_id = (SELECT max(id) FROM procedures_patient) WHERE id = %(case)s"
    ),
}


def test_the_apps_role_changes_nothing_of_a_signed_case_by_sql(
    lasting_world: World, app_connection: psycopg.Connection[Any]
) -> None:
    case_id = lasting_world.signed("L1")
    lasting_world.open("L2", mrn="another")
    before = Case.objects.filter(pk=case_id).values().get()
    for name, statement in ROWS.items():
        assert is_refused(app_connection, statement, {"case": case_id, "other": lasting_world.nurse.pk}), name
    assert Case.objects.filter(pk=case_id).values().get() == before
    assert Level.objects.get(case=case_id).state == "completed"


def test_the_apps_role_folds_no_signed_case(
    lasting_world: World, app_connection: psycopg.Connection[Any]
) -> None:
    lasting_world.signed("L1")
    with pytest.raises(psycopg.errors.RestrictViolation):
        app_connection.execute("UPDATE procedures_case SET words = '{}'")


def test_the_words_by_which_a_case_is_found_are_no_ones_to_write(
    lasting_world: World, app_connection: psycopg.Connection[Any]
) -> None:
    open_case, signed = lasting_world.open("L2", mrn="another"), lasting_world.signed("L1")
    before = Case.objects.order_by("pk").values_list("pk", "search")
    as_it_was = list(before)
    forge = "UPDATE procedures_case SET search = 'somebody' WHERE id = %s"
    app_connection.execute(forge, [open_case])
    assert is_refused(app_connection, forge, [signed])
    assert list(before) == as_it_was


def test_the_team_says_the_unit_of_its_case(
    lasting_world: World, app_connection: psycopg.Connection[Any]
) -> None:
    case_id = lasting_world.open("L2", mrn="another")
    move = "UPDATE procedures_caseteam SET unit_id = %s WHERE case_id = %s"
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        app_connection.execute(move, [lasting_world.other_unit.pk, case_id])


def test_the_apps_role_appends_no_event_that_changes_what_was_signed(
    lasting_world: World, app_connection: psycopg.Connection[Any]
) -> None:
    case_id = lasting_world.signed("L1")
    about = lasting_world.step(case_id, "K09d-L1-left").live[-1].seq
    head = Event.objects.filter(case=case_id).latest("seq")
    template = canonical.decode(head.data)
    for kind, key, which in (
        (EventKind.STEP_CORRECTED, "K09d-L1-left", about),
        (EventKind.EVENT_VOIDED, "K09d-L1-left", about),
        (EventKind.STEP_DONE, "K11", None),
        (EventKind.STEP_DETAILED, "REC-TURN", lasting_world.step(case_id, "REC-TURN").live[-1].seq),
        (EventKind.LEVEL_ADDED, "", None),
        (EventKind.CASE_SIGNED, "", None),
    ):
        event = forged(template, kind, key, which)
        text = canonical.encode(case_id, event)
        assert is_refused(app_connection, INSERT, row(case_id, event, text, bytes(head.hash))), kind


def test_nobody_is_made_a_signer_by_sql(
    lasting_world: World, app_connection: psycopg.Connection[Any]
) -> None:
    case_id = lasting_world.started("L1")
    lasting_world.do_until(case_id, "REC-HO")
    sign = (
        "UPDATE procedures_case SET signed_seq = last_seq, signed_at = now(), signed_by_id = %s, to_sign = false"
        " WHERE id = %s"
    )
    assert is_refused(app_connection, sign, [lasting_world.operator.pk, case_id])


COSIGN = (
    "UPDATE procedures_case SET last_seq = %(seq)s, cosigned_seq = %(seq)s, cosigned_at = now(),"
    " cosigned_by_id = %(who)s WHERE id = %(case)s"
)
FIGURES = "UPDATE procedures_case SET last_seq = %(seq)s, addenda = 1, cement_ml = 99 WHERE id = %(case)s"
UNCOUNTED = "UPDATE procedures_case SET last_seq = %(seq)s, leak = NOT leak WHERE id = %(case)s"


@pytest.mark.parametrize("statement", [COSIGN, FIGURES, UNCOUNTED])
def test_behind_an_addendum_in_words_neither_a_co_signer_nor_a_figure_is_slipped_in(
    lasting_world: World, app_connection: psycopg.Connection[Any], statement: str
) -> None:
    case_id = lasting_world.signed("L1")
    head = Event.objects.filter(case=case_id).latest("seq")
    event = forged(canonical.decode(head.data), EventKind.ADDENDUM_ADDED, "", None)
    text = canonical.encode(case_id, event)
    app_connection.execute("BEGIN")
    app_connection.execute(INSERT, row(case_id, event, text, bytes(head.hash)))
    values = {"case": case_id, "seq": event.seq, "who": lasting_world.nurse.pk}
    assert is_refused(app_connection, statement, values)
    app_connection.execute("ROLLBACK")


def test_who_is_asked_to_co_sign_is_who_the_signature_names(
    lasting_world: World, app_connection: psycopg.Connection[Any]
) -> None:
    case_id = lasting_world.started("L1")
    lasting_world.do_until(case_id, "REC-HO")
    head = Event.objects.filter(case=case_id).latest("seq")
    event = replace(
        forged(canonical.decode(head.data), EventKind.CASE_SIGNED, "", None), values={"cosign_by": None}
    )
    text = canonical.encode(case_id, event)
    app_connection.execute("BEGIN")
    app_connection.execute(INSERT, row(case_id, event, text, bytes(head.hash)))
    sign = (
        "UPDATE procedures_case SET last_seq = %(seq)s, signed_seq = %(seq)s, signed_at = %(at)s, to_sign = false,"
        " signed_by_id = %(by)s, cosign_by_id = %(who)s WHERE id = %(case)s"
    )
    values = {
        "case": case_id, "seq": event.seq, "at": event.recorded_at, "by": event.performed_by,
        "who": lasting_world.operator.pk,
    }  # fmt: skip
    assert is_refused(app_connection, sign, values)
    app_connection.execute("ROLLBACK")
    app_connection.execute("BEGIN")
    app_connection.execute(INSERT, row(case_id, event, text, bytes(head.hash)))
    assert not is_refused(app_connection, sign, {**values, "who": None})
    app_connection.execute("ROLLBACK")


def forged(template: Happening, kind: EventKind, key: str, about: int | None) -> Happening:
    return replace(
        template, seq=template.seq + 1, kind=kind, step_key=key, about=about, values={"values": {}},
        command_id=uuid4(), flags=(), part=0,
    )  # fmt: skip


INSERT = (
    "INSERT INTO procedures_event (case_id, seq, kind, step_key, about, performed_by_id, recorded_by_id, performed_at,"
    " recorded_at, source, command_id, part, input_digest, canonical, prev_hash, hash)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


def row(case_id: UUID, event: Happening, text: str, previous: bytes) -> list[Any]:
    return [
        case_id, event.seq, str(event.kind), event.step_key, event.about, event.performed_by, event.recorded_by,
        event.performed_at, event.recorded_at, str(event.source), event.command_id, event.part, bytes(32), text,
        previous, canonical.chain(previous, text),
    ]  # fmt: skip


def is_refused(connection: psycopg.Connection[Any], statement: str, values: Any) -> bool:
    try:
        connection.execute(statement, values)
    except psycopg.errors.RestrictViolation:
        return True
    return False


def test_who_is_asked_changes_with_an_event_that_says_so_only(
    lasting_world: World, app_connection: psycopg.Connection[Any]
) -> None:
    first, second = lasting_world.operator_too("trainer"), lasting_world.operator_too("third")
    case_id = lasting_world.started("L1")
    lasting_world.do_until(case_id, "REC-HO")
    lasting_world.sign(case_id, cosign_by=first.pk)
    head = Event.objects.filter(case=case_id).latest("seq")
    move = "UPDATE procedures_case SET last_seq = %(seq)s, cosign_by_id = %(who)s WHERE id = %(case)s"
    for kind, to, who in (
        (EventKind.CASE_COSIGNED, None, second.pk),
        (EventKind.COSIGN_MOVED, second.pk, first.pk),
        (EventKind.COSIGN_MOVED, second.pk, None),
    ):
        event = replace(
            forged(canonical.decode(head.data), kind, "", None), values={"from": first.pk, "to": to}
        )
        app_connection.execute("BEGIN")
        app_connection.execute(
            INSERT, row(case_id, event, canonical.encode(case_id, event), bytes(head.hash))
        )
        assert is_refused(app_connection, move, {"case": case_id, "seq": event.seq, "who": who}), (
            kind,
            to,
            who,
        )
        app_connection.execute("ROLLBACK")
