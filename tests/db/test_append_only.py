# ruff: noqa: S608 - the statements are put together from names of our own tables
"""The logs cannot be changed by anything that the app's own role can send."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from procedures import canonical
from procedures.models import Access, AccountEvent, Case, Event, Export, ExportedCase
from tests.world import World

COLUMNS = (
    "case_id, seq, kind, step_key, about, performed_by_id, recorded_by_id, performed_at, recorded_at, source, "
    "command_id, part, input_digest, canonical, prev_hash, hash"
)
ATTACKS = {
    "update": "UPDATE {t} SET {c} = {c}",
    "update a row": "UPDATE {t} SET {c} = {c} WHERE id = (SELECT min(id) FROM {t})",
    "delete": "DELETE FROM {t}",
    "delete returning": "WITH gone AS (DELETE FROM {t} RETURNING *) SELECT count(*) FROM gone",
    "truncate": "TRUNCATE {t}",
    "truncate cascade": "TRUNCATE {t} CASCADE",
    "truncate from above": "TRUNCATE procedures_case CASCADE",
    "on conflict": "INSERT INTO {t} (id) SELECT min(id) FROM {t} ON CONFLICT (id) DO UPDATE SET {c} = EXCLUDED.{c}",
    "merge update": "MERGE INTO {t} a USING {t} b ON a.id = b.id WHEN MATCHED THEN UPDATE SET {c} = b.{c}",
    "merge delete": "MERGE INTO {t} a USING {t} b ON a.id = b.id WHEN MATCHED THEN DELETE",
    "cte": "WITH x AS (UPDATE {t} SET {c} = {c} RETURNING 1) SELECT * FROM x",
    "lock for update": "SELECT * FROM {t} FOR UPDATE",
    "disable a trigger": "ALTER TABLE {t} DISABLE TRIGGER {trigger}",
    "disable all triggers": "ALTER TABLE {t} DISABLE TRIGGER ALL",
    "drop the trigger": "DROP TRIGGER {trigger} ON {t}",
    "replace the function": (
        "CREATE OR REPLACE FUNCTION public.procedures_refuse_change() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NEW; END'"
    ),
    "own trigger": (
        "CREATE TRIGGER early BEFORE UPDATE ON {t} FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    "replica": "SET session_replication_role = replica",
    "replica by function": "SELECT set_config('session_replication_role', 'replica', false)",
    "drop the table": "DROP TABLE {t} CASCADE",
    "rename": "ALTER TABLE {t} RENAME TO gone",
    "drop a constraint": "ALTER TABLE {t} DROP CONSTRAINT {constraint}",
    "drop a column": "ALTER TABLE {t} DROP COLUMN {c}",
    "rule": "CREATE RULE quiet AS ON INSERT TO {t} DO INSTEAD NOTHING",
    "row security": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
    "owner": "ALTER TABLE {t} OWNER TO kypho_app",
    "be the owner": "SET ROLE kypho_owner",
    "be the superuser": "SET SESSION AUTHORIZATION postgres",
    "become superuser": "ALTER ROLE kypho_app SUPERUSER",
    "grant the role": "GRANT kypho_owner TO kypho_app",
    "a new role": "CREATE ROLE helper SUPERUSER",
    "copy to a program": "COPY {t} TO PROGRAM 'cat'",
    "copy from a program": "COPY {t} FROM PROGRAM 'cat'",
    "write a file": "COPY {t} TO '/tmp/log'",
    "a new schema": "CREATE SCHEMA shadow",
    "a table before ours": "CREATE TABLE public.shadow (id int)",
    "do block": "DO $$ BEGIN UPDATE {t} SET {c} = {c}; END $$",
    "sequence": "SELECT setval('{t}_id_seq', 1, false)",
}
TABLES = {
    "procedures_event": {
        "c": "kind",
        "trigger": "event_append_only",
        "constraint": "event_columns_are_canonical",
    },
    "procedures_access": {
        "c": '"right"',
        "trigger": "access_append_only",
        "constraint": "access_right_known",
    },
    "procedures_accountevent": {
        "c": "what",
        "trigger": "accountevent_append_only",
        "constraint": "accountevent_what_known",
    },
    "procedures_exportedcase": {
        "c": "export_id",
        "trigger": "exportedcase_append_only",
        "constraint": "exported_case_once",
    },
}


def rows(table: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY id")
        return list(cursor.fetchall())


def withheld(connection: psycopg.Connection[Any], statement: str) -> bool:
    """Whether the role lacks the right; any other error is one of the test."""
    try:
        connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


@pytest.fixture
def log(lasting_world: World) -> UUID:
    """A committed case with a few events, and one look at it."""
    case_id = lasting_world.started("L1")
    lasting_world.do(case_id, "PRE-ID")
    at = Case.objects.get(pk=case_id).opened_at
    Access.objects.create(case_id=case_id, user=lasting_world.nurse, hour=at, at=at, right="member")
    export = Export.objects.create(
        user=lasting_world.nurse,
        asked_at=at,
        kind="csv",
        rows="case",
        identified=False,
        right="member",
        expected=1,
    )
    ExportedCase.objects.create(export=export, case_id=case_id)
    AccountEvent.objects.create(at=at, what="pin.set", who=lasting_world.nurse, whom=lasting_world.nurse)
    return case_id


def test_nothing_that_the_app_can_send_changes_the_logs(
    log: UUID, app_connection: psycopg.Connection[Any]
) -> None:
    for table, names in TABLES.items():
        before = rows(table)
        assert before
        allowed = [
            attack
            for attack, statement in ATTACKS.items()
            if not withheld(app_connection, statement.format(t=table, **names))
        ]
        assert allowed == []
        assert rows(table) == before


def test_a_grant_that_is_not_ours_to_give_gives_nothing(
    log: UUID, app_connection: psycopg.Connection[Any]
) -> None:
    """PostgreSQL answers these with a warning instead of an error."""
    for table in TABLES:
        app_connection.execute(f"GRANT ALL ON {table} TO kypho_app".encode())
        app_connection.execute(f"GRANT ALL ON {table} TO PUBLIC".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app_connection.execute(f"DELETE FROM {table}".encode())


def test_not_even_the_owner_changes_the_logs_by_mistake(log: UUID) -> None:
    """The owner could drop the trigger; a stray statement of a migration is stopped."""
    for table, names in TABLES.items():
        for attack in ("update", "delete", "delete returning", "merge update", "merge delete"):
            with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(ATTACKS[attack].format(t=table, **names))
            assert isinstance(error.value.__cause__, psycopg.errors.RestrictViolation), attack


def test_clinical_rows_are_never_deleted(log: UUID, app_connection: psycopg.Connection[Any]) -> None:
    for table in ("case", "level", "step", "caseteam", "patient", "allergy", "export"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app_connection.execute(f"DELETE FROM procedures_{table}".encode())


def test_a_temporary_table_deceives_no_trigger(log: UUID, app_connection: psycopg.Connection[Any]) -> None:
    """What the trigger asks is the log itself, also where a table of the same name stands before it."""
    last = Event.objects.filter(case=log).order_by("-seq")[0]
    ghost = b"\x01" * 32
    happening = canonical.decode({**last.data, "seq": last.seq + 2, "command_id": str(uuid4())})
    text = canonical.encode(log, happening)
    app_connection.execute("CREATE TEMP TABLE procedures_event (case_id uuid, seq int, hash bytea)")
    app_connection.execute(
        "INSERT INTO pg_temp.procedures_event VALUES (%s, %s, %s)", [log, last.seq + 1, ghost]
    )
    values = [
        log, happening.seq, last.kind, last.step_key, last.about, last.performed_by_id, last.recorded_by_id,
        last.performed_at, last.recorded_at, last.source, happening.command_id, last.part, bytes(last.input_digest),
        text, ghost, canonical.chain(ghost, text),
    ]  # fmt: skip
    places = ", ".join(["%s"] * len(values))
    with pytest.raises(psycopg.errors.RestrictViolation):
        app_connection.execute(
            f"INSERT INTO public.procedures_event ({COLUMNS}) VALUES ({places})".encode(), values
        )
    assert Event.objects.filter(case=log).count() == last.seq
