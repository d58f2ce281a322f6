# ruff: noqa: S608 - the statements are put together from names of our own tables
"""A protocol goes into rows and comes back the same; once published, the database lets nobody change it."""

from dataclasses import replace
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from procedures.models import (
    FieldDefinition,
    Protocol,
    ProtocolVersion,
    Requirement,
    StepDefinition,
    TimerDefinition,
)
from procedures.models.protocol import Status
from procedures.protocols import frozen
from procedures.protocols.loader import BUILT_IN, ProtocolError, digest, load, read

PARTS = [StepDefinition, FieldDefinition, Requirement, TimerDefinition]
TABLES = {model: model._meta.db_table for model in PARTS}


def changed(tmp_path: Path, old: str = 'title = "IV line"', new: str = 'title = "Line"') -> Path:
    text = BUILT_IN.read_text()
    assert text.count(old) == 1
    path = tmp_path / "changed.toml"
    path.write_text(text.replace(old, new))
    return path


@pytest.fixture
def version(db: None) -> ProtocolVersion:
    return load(BUILT_IN)


@pytest.fixture
def draft(db: None) -> ProtocolVersion:
    protocol = Protocol.objects.create(code="draft", title="Draft")
    version = ProtocolVersion.objects.create(protocol=protocol, number=1, title="Draft")
    step = StepDefinition.objects.create(
        version=version, position=1, code="A", title="A", button="A", phase="before",
        required="always", repeats="once", second_person="none",
    )  # fmt: skip
    FieldDefinition.objects.create(step=step, position=1, key="a", label="A", type="text", needed="optional")
    Requirement.objects.create(step=step, position=1, needs="A")
    TimerDefinition.objects.create(
        version=version, position=1, key="t", label="T", kind="count_up", starts_on="A"
    )
    return version


def first(model: Any, version: ProtocolVersion) -> Any:
    path = "version" if model in (StepDefinition, TimerDefinition) else "step__version"
    return model.objects.filter(**{path: version}).order_by("pk").first()


def refused(sql: str, values: list[Any]) -> None:
    """The statement fails in the database with restrict_violation."""
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    assert isinstance(error.value.__cause__, psycopg.errors.RestrictViolation)


def test_file_to_rows_to_definitions_is_the_same_protocol(version: ProtocolVersion) -> None:
    assert frozen.protocol(version.pk) == replace(read(BUILT_IN), number=1)
    assert digest(frozen.build(version)) == version.digest
    assert (version.status, version.number, version.published_by) == (Status.PUBLISHED, 1, None)


def test_numbers_come_back_as_they_were_written(version: ProtocolVersion) -> None:
    step = frozen.protocol(version.pk).by_code["K09d"]
    volume = step.field("volume")
    assert volume
    limits = (volume.refuse_below, volume.warn_below, volume.step, volume.refuse_above)
    assert [str(limit) for limit in limits] == ["0.1", "1", "0.5", "15"]


def test_a_published_version_is_read_once(
    version: ProtocolVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5):
        frozen.protocol(version.pk)
    with django_assert_num_queries(0):
        frozen.protocol(version.pk)


def test_a_draft_is_read_each_time(draft: ProtocolVersion) -> None:
    assert frozen.protocol(draft.pk).by_code["A"].title == "A"
    StepDefinition.objects.filter(version=draft).update(title="Another")
    assert frozen.protocol(draft.pk).by_code["A"].title == "Another"


def test_a_version_that_does_not_exist_is_said(db: None) -> None:
    with pytest.raises(ProtocolVersion.DoesNotExist):
        frozen.protocol(2**40)


def test_loading_again_publishes_nothing_new(version: ProtocolVersion, tmp_path: Path) -> None:
    assert load(BUILT_IN) == version
    second = load(changed(tmp_path))
    assert (second.number, second.protocol) == (2, version.protocol)
    assert load(changed(tmp_path)) == second
    assert load(BUILT_IN) == version
    assert ProtocolVersion.objects.count() == 2


def test_a_retired_content_can_be_published_again(version: ProtocolVersion) -> None:
    version.status = Status.RETIRED
    version.save()
    assert load(BUILT_IN).number == 2


def test_a_file_that_is_refused_writes_nothing(db: None, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="step K02: unknown key tilte"):
        load(changed(tmp_path, new='tilte = "Line"\ntitle = "Line"'))
    assert not Protocol.objects.exists()


@pytest.mark.parametrize("model", PARTS)
def test_no_part_of_a_published_version_can_be_changed_or_deleted(
    version: ProtocolVersion, model: Any
) -> None:
    row = first(model, version)
    refused(f"UPDATE {TABLES[model]} SET position = 999 WHERE id = %s", [row.pk])
    refused(f"DELETE FROM {TABLES[model]} WHERE id = %s", [row.pk])
    row.refresh_from_db()
    assert row.position != 999


@pytest.mark.parametrize("model", PARTS)
def test_nothing_can_be_added_to_a_published_version_or_moved_into_it(
    version: ProtocolVersion, draft: ProtocolVersion, model: Any
) -> None:
    mine, theirs = first(model, draft), first(model, version)
    owner = "version_id" if model in (StepDefinition, TimerDefinition) else "step_id"
    target = getattr(theirs, owner)
    refused(f"UPDATE {TABLES[model]} SET {owner} = %s, position = 999 WHERE id = %s", [target, mine.pk])
    mine.pk, mine.position = None, 999
    setattr(mine, owner, target)
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        mine.save(force_insert=True)
    assert isinstance(error.value.__cause__, psycopg.errors.RestrictViolation)


@pytest.mark.parametrize("model", PARTS)
def test_a_draft_can_be_edited(draft: ProtocolVersion, model: Any) -> None:
    row = first(model, draft)
    row.position = 7
    row.save()
    row.delete()
    assert first(model, draft) is None


@pytest.mark.parametrize(
    "change", ["status = 'draft', published_at = NULL", "number = 9", "digest = repeat('0', 64)", "notes = 'x'",
               "status = 'retired', title = 'x'"],
)  # fmt: skip
def test_a_published_version_cannot_be_changed(version: ProtocolVersion, change: str) -> None:
    refused(f"UPDATE procedures_protocolversion SET {change} WHERE id = %s", [version.pk])


def test_a_published_version_can_only_be_retired_and_not_come_back(version: ProtocolVersion) -> None:
    refused("DELETE FROM procedures_protocolversion WHERE id = %s", [version.pk])
    version.status = Status.RETIRED
    version.save()
    refused("UPDATE procedures_protocolversion SET status = 'published' WHERE id = %s", [version.pk])
    row = first(StepDefinition, version)
    refused("UPDATE procedures_stepdefinition SET title = 'x' WHERE id = %s", [row.pk])


def test_a_draft_can_be_deleted_whole(draft: ProtocolVersion) -> None:
    draft.delete()
    assert not StepDefinition.objects.filter(version_id=draft.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_the_apps_own_role_cannot_get_round_the_freeze(app_connection: psycopg.Connection[Any]) -> None:
    version = load(BUILT_IN)
    change = "UPDATE public.procedures_stepdefinition SET title = 'x' WHERE version_id = %s"
    with pytest.raises(psycopg.errors.RestrictViolation):
        app_connection.execute(change, [version.pk])
    # A temporary table of the same name must not be what the trigger asks.
    app_connection.execute("CREATE TEMP TABLE procedures_protocolversion (id bigint, status text)")
    app_connection.execute(
        "INSERT INTO pg_temp.procedures_protocolversion VALUES (%s, 'draft')", [version.pk]
    )
    with pytest.raises(psycopg.errors.RestrictViolation):
        app_connection.execute(change, [version.pk])
    for way in (
        "SET session_replication_role = replica",
        "ALTER TABLE procedures_stepdefinition DISABLE TRIGGER stepdefinition_frozen",
        "TRUNCATE procedures_stepdefinition CASCADE",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app_connection.execute(way)


@pytest.mark.django_db(transaction=True)
def test_an_edit_during_publishing_waits_and_is_refused(app_connection: psycopg.Connection[Any]) -> None:
    protocol = Protocol.objects.create(code="race", title="Race")
    version = ProtocolVersion.objects.create(protocol=protocol, number=1, title="Race")
    timer = TimerDefinition.objects.create(
        version=version, position=1, key="t", label="T", kind="count_up", starts_on="A"
    )
    change = "UPDATE procedures_timerdefinition SET label = 'x' WHERE id = %s"
    with transaction.atomic():
        ProtocolVersion.objects.filter(pk=version.pk).update(
            status=Status.PUBLISHED, published_at="2026-01-01T00:00:00Z", digest="0" * 64
        )
        app_connection.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            app_connection.execute(change, [timer.pk])
    with pytest.raises(psycopg.errors.RestrictViolation):
        app_connection.execute(change, [timer.pk])


DIGEST = {"digest": "0" * 64}
PUBLISHED = {"published_at": "2026-01-01T00:00Z", **DIGEST}
ROWS_REFUSED = {
    "limits": (FieldDefinition, {"type": "number", "refuse_below": 2, "refuse_above": 1}, "limits_in_order"),
    "typical": (FieldDefinition, {"type": "number", "refuse_above": 1, "typical": 2}, "typical_in_limits"),
    "unit": (FieldDefinition, {"type": "quantity"}, "unit_of_quantity"),
    "unit_of_text": (FieldDefinition, {"unit": "mL"}, "unit_of_quantity"),
    "options": (FieldDefinition, {"type": "choice"}, "options_of_choice"),
    "options_of_text": (FieldDefinition, {"options": [["a", "A"]]}, "options_of_choice"),
    "product": (FieldDefinition, {"type": "product"}, "kind_of_product"),
    "entry": (FieldDefinition, {"type": "entry"}, "step_of_entry"),
    "step_size": (FieldDefinition, {"type": "number", "step_size": 0}, "step_size_positive"),
    "decimals": (FieldDefinition, {"decimals": 5}, "decimals_range"),
    "field_type": (FieldDefinition, {"type": "blob"}, "type_known"),
    "needed": (FieldDefinition, {"needed": "soon"}, "needed_known"),
    "measures": (FieldDefinition, {"measures": "height"}, "measures_known"),
    "key": (FieldDefinition, {"key": "A b"}, "key_form"),
    "code": (StepDefinition, {"code": "A b"}, "code_form"),
    "seed": (StepDefinition, {"seed": 12}, "seed_range"),
    "phase": (StepDefinition, {"phase": "pre"}, "phase_known"),
    "required": (StepDefinition, {"required": "maybe"}, "required_known"),
    "repeats": (StepDefinition, {"repeats": "twice"}, "repeats_known"),
    "second_person": (StepDefinition, {"second_person": "two"}, "second_person_known"),
    "milestone": (StepDefinition, {"milestone": "lunch"}, "milestone_known"),
    "roles": (StepDefinition, {"roles": ["cleaner"]}, "roles_known"),
    "scope": (Requirement, {"scope": "nearby"}, "scope_known"),
    "timer_kind": (TimerDefinition, {"kind": "alarm"}, "kind_known"),
    "timer_scope": (TimerDefinition, {"scope": "nearby"}, "scope_known"),
    "schedule": (TimerDefinition, {"kind": "schedule"}, "schedule_met_by"),
    "met_by": (TimerDefinition, {"met_by": "A"}, "schedule_met_by"),
    "status": (ProtocolVersion, {"status": "final", **PUBLISHED}, "status_known"),
    "number": (ProtocolVersion, {"number": 0}, "number_from_one"),
    "published_pair": (ProtocolVersion, {"status": "published", **DIGEST}, "published_pair"),
    "publisher_pair": (ProtocolVersion, {"published_by": 1}, "publisher_pair"),
    "digest": (ProtocolVersion, {"digest": "x" * 64}, "digest_form"),
}  # fmt: skip


@pytest.mark.parametrize(("model", "values", "constraint"), ROWS_REFUSED.values(), ids=ROWS_REFUSED)
def test_the_database_refuses_rows_that_make_no_sense(
    draft: ProtocolVersion, model: Any, values: dict[str, Any], constraint: str
) -> None:
    pk = draft.pk if model is ProtocolVersion else first(model, draft).pk
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        model.objects.filter(pk=pk).update(**values)
    cause = error.value.__cause__
    assert isinstance(cause, psycopg.errors.CheckViolation)
    assert cause.diag.constraint_name == f"{model._meta.model_name}_{constraint}"


TWICE = {
    "version": (ProtocolVersion, {"number": 1}, "number_once"),
    "code": (StepDefinition, {"position": 2}, "code_once"),
    "position": (StepDefinition, {"code": "B"}, "position_once"),
    "milestone": (StepDefinition, {"code": "B", "position": 2}, "milestone_once"),
    "field_key": (FieldDefinition, {"position": 2}, "key_once"),
    "field_position": (FieldDefinition, {"key": "b"}, "position_once"),
    "requirement": (Requirement, {"position": 2}, "once"),
    "requirement_position": (Requirement, {"needs": "B"}, "position_once"),
    "timer_key": (TimerDefinition, {"position": 2}, "key_once"),
    "timer_position": (TimerDefinition, {"key": "u"}, "position_once"),
}  # fmt: skip


@pytest.mark.parametrize(("model", "values", "constraint"), TWICE.values(), ids=TWICE)
def test_the_database_refuses_what_stands_twice(
    draft: ProtocolVersion, model: Any, values: dict[str, Any], constraint: str
) -> None:
    StepDefinition.objects.filter(version=draft).update(milestone="note")
    row = draft if model is ProtocolVersion else first(model, draft)
    row.refresh_from_db()
    row.pk = None
    for name, value in values.items():
        setattr(row, name, value)
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        row.save(force_insert=True)
    cause = error.value.__cause__
    assert isinstance(cause, psycopg.errors.UniqueViolation)
    assert cause.diag.constraint_name == f"{model._meta.model_name}_{constraint}"


def test_the_command_checks_loads_and_names_the_place(db: None, tmp_path: Path) -> None:
    said = StringIO()
    call_command("load_protocol", "--check", stdout=said)
    assert "43 steps, 10 timers: in order" in said.getvalue()
    assert not ProtocolVersion.objects.exists()
    call_command("load_protocol", stdout=said)
    assert "Kyphoplasty v1 is published" in said.getvalue()
    with pytest.raises(CommandError, match=r"changed\.toml: step K02: title is empty"):
        call_command("load_protocol", str(changed(tmp_path, new='title = ""')))
    with pytest.raises(CommandError, match=r"nowhere\.toml cannot be read"):
        call_command("load_protocol", str(tmp_path / "nowhere.toml"))


def test_the_freeze_can_be_taken_back_and_put_on_again(db: None) -> None:
    migration = import_module("procedures.migrations.0002_freeze_protocols")
    count = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%%\\_frozen' AND tgenabled = 'A'"
    with connection.cursor() as cursor:
        for sql, triggers in [("", 5), (migration.REVERSE, 0), (migration.FORWARD, 5)]:
            if sql:
                cursor.execute(sql)
            cursor.execute(count, [])
            assert cursor.fetchone() == (triggers,)
