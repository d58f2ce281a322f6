"""Every constraint of the clinical tables refuses what it names. A constraint without a row here fails.

The tables of the protocol are tried in test_protocol_frozen.py.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import CheckConstraint, F, Model

from procedures import commands
from procedures.models import (
    Access,
    AccountEvent,
    Allergy,
    Case,
    CaseTeam,
    Event,
    Level,
    Membership,
    NoteDraft,
    Patient,
    Pin,
    Product,
    SavedView,
    Step,
    Tablet,
    Unit,
    User,
    WallLink,
    WarmBand,
)
from tests.world import World, give_pin

pytestmark = pytest.mark.django_db
ELSEWHERE = {
    "Protocol",
    "ProtocolVersion",
    "StepDefinition",
    "FieldDefinition",
    "Requirement",
    "TimerDefinition",
    "Export",  # test_exports_kept.py
    "ExportedCase",
}
TOO_EARLY, TOO_LATE = datetime(1999, 12, 31, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ORIGIN = "0001-01-01T00:00:00+14:00"  # passes a form's field, and is a year before the first in UTC

# What one row of the model is changed to, by the constraint that refuses it. Several ways: a list.
REFUSED_CHANGES: dict[type[Model], dict[str, dict[str, Any] | list[dict[str, Any]]]] = {
    Case: {
        "case_status_known": {"status": "lost"},
        "case_started_pair": [{"started_at": None}, {"status": "scheduled"}],
        "case_ended_pair": [{"ended_at": NOON}, {"status": "completed"}, {"status": "stopped"}],
        "case_done_within_total": {"done": 999},
        "case_spine_form": [{"spine": "." * 10}, {"spine": "..........x"}],
        "case_levels_known": {"levels": ["L1", "C2"]},
        "case_times_in_range": [
            {"scheduled_at": TOO_EARLY},
            {"scheduled_at": TOO_LATE},
            {"opened_at": TOO_EARLY},
            {"started_at": TOO_LATE},
            {"ended_at": TOO_LATE, "status": "completed"},
            {"paused_at": TOO_EARLY},
            {"emergency_at": TOO_LATE},
            {"first_needle_at": TOO_EARLY},
            {"last_needle_out_at": TOO_LATE},
        ],
        "case_signed_pair": [{"addenda": 1}, {"cosign_by": F("operator")}],
        "case_cosigned_pair": {"cosigned_seq": 3},
    },
    Level: {
        "level_vertebra_known": {"vertebra": "C2"},
        "level_state_known": {"state": "lost"},
        "level_sides_known": {"sides": ["left", "both"]},
        "level_closed_with_reason": [{"state": "abandoned"}, {"state": "deferred"}],
    },
    Step: {
        "step_state_known": {"state": "begun"},
        "step_side_needs_level": {"side": "left", "level": None},
        "step_done_pair": [{"done_at": NOON}, {"state": "done"}],
        "step_times_in_range": [
            {"state": "done", "done_at": TOO_EARLY},
            {"state": "done", "done_at": TOO_LATE},
        ],
    },
    CaseTeam: {
        "team_role_known": {"role": "cleaner"},
        "team_until_after": {"since": datetime(2026, 11, 22, 13, 0, tzinfo=UTC), "until": NOON},
        "team_times_in_range": [{"since": TOO_EARLY}, {"until": TOO_LATE}],
    },
    Patient: {
        "patient_mrn_form": [{"mrn": ""}, {"mrn": "a b"}, {"mrn": "-1"}],
        "patient_birth_date_range": [{"birth_date": "1889-12-31"}, {"birth_date": "2200-01-01"}],
        "patient_sex_known": {"sex": "W"},
    },
    Allergy: {
        "allergy_withdrawn_pair": [
            {"withdrawn_reason": "x"},
            {
                "withdrawn_at": datetime(2001, 1, 1, tzinfo=UTC),
                "withdrawn_by": F("added_by"),
                "withdrawn_reason": "x",
            },
            {"withdrawn_at": datetime(2100, 1, 1, tzinfo=UTC)},
            {"withdrawn_by": F("added_by"), "withdrawn_reason": "x"},
        ],
        "allergy_times_in_range": [
            {"added_at": TOO_EARLY},
            {"added_at": TOO_LATE},
            {"withdrawn_at": TOO_LATE, "withdrawn_by": F("added_by"), "withdrawn_reason": "x"},
        ],
    },
    Membership: {"membership_role_known": {"role": "cleaner"}},
    Product: {
        "product_kind_known": {"kind": "screw"},
        "product_gtin_digits": [{"gtin": "4012345678901"}, {"gtin": "ABCDEFGHIJKLMN"}],
        "product_band_pair": [
            {"working_from": 5, "working_until": None},
            {"working_from": None, "working_until": 5},
            {"working_from": 5, "working_until": 5},
        ],
    },
    NoteDraft: {"note_draft_times_in_range": [{"updated_at": TOO_EARLY}, {"updated_at": TOO_LATE}]},
    SavedView: {
        "savedview_named": {"name": ""},
        "savedview_times_in_range": [{"saved_at": TOO_EARLY}, {"saved_at": TOO_LATE}],
    },
    WallLink: {"wall_times_in_range": [{"created_at": TOO_EARLY}, {"revoked_at": TOO_LATE}]},
    Tablet: {
        "tablet_times_in_range": [
            {"enrolled_at": TOO_EARLY},
            {"revoked_at": TOO_LATE},
            {"tries_since": TOO_LATE},
            {"code_expires_at": TOO_LATE},
        ],
        "tablet_code_pair": [{"code_hash": None}, {"code_expires_at": None}],
    },
    Pin: {
        "pin_locked_after_five": [{"failures": 5}, {"failures": 6, "locked_at": NOON}, {"locked_at": NOON}],
        "pin_times_in_range": [{"changed_at": TOO_EARLY}, {"failures": 5, "locked_at": TOO_LATE}],
    },
    User: {"user_times_in_range": [{"ends_at": TOO_EARLY}, {"ends_at": TOO_LATE}]},
    WarmBand: {
        "warm_band_rises": [{"working_from": 9, "working_until": 9}, {"working_from": -1}],
        "warm_band_room": [{"above": -1}, {"above": 46}],
    },
}
# A status that nobody knows has no ending either, and PostgreSQL asks in the order of the names.
IMPLIED_BY = {"case_status_known": "case_ended_pair"}
# What a copy of a row, changed so far that only this constraint is in its way, is refused by.
REFUSED_COPIES: dict[type[Model], dict[str, dict[str, Any]]] = {
    Level: {"level_once_per_case": {}},
    Step: {"step_once": {"key": "another"}, "step_key_once": {"code": "another"}},
    CaseTeam: {
        "team_once": {"until": datetime(2199, 1, 1, tzinfo=UTC)},
        "team_live_once": {"role": "assistant"},
    },
    Patient: {"procedures_patient_mrn_key": {"family_name": "Other"}},
    Allergy: {"allergy_live_once": {"added_at": NOON}},
    Membership: {"membership_once_per_unit": {"role": "assistant"}},
    Product: {"product_once": {"reference": "other"}, "product_gtin_once": {"name": "Other"}},
    WarmBand: {"warm_band_once": {"working_from": 1}},
    Unit: {"procedures_unit_name_key": {"rooms": []}},
    User: {"procedures_user_username_key": {"display_name": "Other"}},
    Access: {"access_once_an_hour": {"right": "team"}},
    NoteDraft: {"note_draft_once": {}},
    SavedView: {"savedview_name_once": {}},
    WallLink: {
        "wall_name_once_per_unit": {"token_hash": b"y" * 32},
        "wall_token_once": {"name": "Other"},
    },
    Tablet: {
        "tablet_name_once_per_unit": {"secret_hash": None, "code_hash": None, "code_expires_at": None},
        "tablet_secret_once": {"name": "Other", "code_hash": None, "code_expires_at": None},
        "tablet_code_once": {"name": "Other", "secret_hash": None},
    },
    Pin: {"procedures_pin_user_id_key": {"failures": 1}},
}
# Rows of the logs cannot be changed, so these are tried with a new row (`insert_event`, `insert_access`).
REFUSED_EVENTS: dict[str, dict[str, Any]] = {
    "event_seq_from_one": {"seq": 0},
    "event_kind_known": {"kind": "step.guessed"},
    "event_source_known": {"source": "dream"},
    "event_about_is_earlier": {"about": 10_000},
    "event_not_before_done": {
        "performed_at": "2026-11-22T12:00:01+00:00",
        "recorded_at": "2026-11-22T12:00:00+00:00",
    },
    "event_times_in_range": {"performed_at": ORIGIN},
    "event_command_part_once": {"part": 0},
    "event_columns_are_canonical": {"canonical": "{}"},
}
REFUSED_ACCESSES: dict[str, dict[str, Any]] = {
    "access_right_known": {"right": "curiosity"},
    "access_times_in_range": {"at": TOO_EARLY},
}
REFUSED_ACCOUNT_EVENTS: dict[str, dict[str, Any]] = {
    "accountevent_what_known": {"what": "pin.guessed"},
    "accountevent_times_in_range": {"at": TOO_EARLY},
}


@pytest.fixture
def case_id(world: World) -> UUID:
    """A case with a row in every clinical table."""
    case_id = world.started("L1")
    world.do(case_id, "PRE-ID")
    at = Case.objects.get(pk=case_id).opened_at
    Tablet.objects.create(
        unit=world.unit, name="Room 1", secret_hash=bytes(32), code_hash=bytes(32), code_expires_at=at
    )
    NoteDraft.objects.create(case_id=case_id, author=world.operator, seq=1, updated_at=NOON)
    SavedView.objects.create(user=world.nurse, name="Mine", query="flag=late", saved_at=NOON)
    WallLink.objects.create(
        unit=world.unit, name="Corridor", token_hash=b"x" * 32, created_by=world.admin, created_at=at
    )
    give_pin(world.nurse)
    AccountEvent.objects.create(at=at, what="pin.set", who=world.nurse, whom=world.nurse)
    WarmBand.objects.create(product=Product.objects.all()[0], above=23, working_from=3, working_until=9)
    Access.objects.create(case_id=case_id, user=world.nurse, hour=at, at=at, right="member")
    return case_id


def row(model: type[Model], case_id: UUID) -> Any:
    """A row of the model: pending where it is a step, a live one of the team."""
    rows = model._default_manager.order_by("pk")
    if model is Step:
        return rows.get(case=case_id, key="K07-L1")
    return rows.get(pk=case_id) if model is Case else rows[0]


def violated(write: Any) -> str:
    """The constraint that refuses the write, or an empty text."""
    try:
        with transaction.atomic():
            write()
    except IntegrityError as error:
        cause = error.__cause__
        assert isinstance(cause, psycopg.Error)
        return cause.diag.constraint_name or ""
    return ""


def by_name(table: dict[type[Model], dict[str, Any]]) -> list[Any]:
    return [
        pytest.param(model, name, changes, id=name)
        for model, rows in table.items()
        for name, changes in rows.items()
    ]


@pytest.mark.parametrize(("model", "name", "changes"), by_name(REFUSED_CHANGES))
def test_a_row_that_makes_no_sense_is_refused(
    model: type[Model], name: str, changes: Any, case_id: UUID
) -> None:
    found = row(model, case_id)
    for change in changes if isinstance(changes, list) else [changes]:
        rows = model._default_manager.filter(pk=found.pk)
        found_by = violated(lambda rows=rows, change=change: rows.update(**change))
        assert found_by == IMPLIED_BY.get(name, name), change


@pytest.mark.parametrize(("model", "name", "changes"), by_name(REFUSED_COPIES))
def test_a_row_that_stands_there_already_is_refused(
    model: type[Model], name: str, changes: Any, case_id: UUID
) -> None:
    found = row(model, case_id)
    found.pk = None
    for key, value in changes.items():
        setattr(found, key, value)
    assert violated(lambda: found.save(force_insert=True)) == name


@pytest.mark.parametrize(("name", "changes"), REFUSED_EVENTS.items(), ids=REFUSED_EVENTS)
def test_an_event_that_makes_no_sense_is_refused(name: str, changes: dict[str, Any], case_id: UUID) -> None:
    """By the same text and columns, so that only the constraint is in the way; the order is tried elsewhere."""
    import json

    from procedures import canonical

    last = Event.objects.filter(case=case_id).order_by("-seq")[0]
    said = {
        **last.data, "seq": last.seq + 1, "command_id": str(uuid4()),
        "performed_at": "2026-11-22T12:00:00+00:00", "recorded_at": "2026-11-22T12:00:00+00:00", **changes,
    }  # fmt: skip
    if name == "event_command_part_once":
        said["command_id"] = last.data["command_id"]
    text = said.pop("canonical", None) or json.dumps(said)
    previous = bytes(32) if said["seq"] == 0 else bytes(last.hash)
    values = {
        "case_id": case_id, "seq": said["seq"], "kind": said["kind"], "step_key": said["step_key"],
        "about": said["about"], "performed_by_id": said["performed_by"], "recorded_by_id": said["recorded_by"],
        "performed_at": said["performed_at"], "recorded_at": said["recorded_at"], "source": said["source"],
        "command_id": said["command_id"], "part": said["part"], "input_digest": bytes(32), "canonical": text,
        "prev_hash": previous, "hash": canonical.chain(previous, text),
    }  # fmt: skip
    places = ", ".join(["%s"] * len(values))

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO procedures_event ({', '.join(values)}) VALUES ({places})",  # noqa: S608 - own names
                list(values.values()),
            )

    assert violated(insert) == name


@pytest.mark.parametrize(("name", "changes"), REFUSED_ACCESSES.items(), ids=REFUSED_ACCESSES)
def test_a_look_that_makes_no_sense_is_refused(name: str, changes: dict[str, Any], case_id: UUID) -> None:
    look = row(Access, case_id)
    look.pk, look.hour = None, NOON
    for key, value in changes.items():
        setattr(look, key, value)
    assert violated(lambda: look.save(force_insert=True)) == name


@pytest.mark.parametrize(("name", "changes"), REFUSED_ACCOUNT_EVENTS.items(), ids=REFUSED_ACCOUNT_EVENTS)
def test_an_account_event_that_makes_no_sense_is_refused(
    name: str, changes: dict[str, Any], case_id: UUID
) -> None:
    event = row(AccountEvent, case_id)
    event.pk = None
    for key, value in changes.items():
        setattr(event, key, value)
    assert violated(lambda: event.save(force_insert=True)) == name


def named(table: dict[type[Model], dict[str, Any]]) -> set[str]:
    return {name for rows in table.values() for name in rows}


def test_every_constraint_is_tried() -> None:
    tried = named(REFUSED_CHANGES) | named(REFUSED_COPIES) | set(REFUSED_EVENTS) | set(REFUSED_ACCESSES)
    tried |= set(REFUSED_ACCOUNT_EVENTS)
    models = [m for m in apps.get_app_config("procedures").get_models() if m.__name__ not in ELSEWHERE]
    assert len(models) >= 12
    ours = {constraint.name for model in models for constraint in model._meta.constraints}
    # The first is tried in test_log_order.py; the second follows from the key, and is there for the team to point to.
    elsewhere = {"event_seq_once", "case_with_unit"}
    assert ours - tried == elsewhere
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = ANY (%s::regclass[]) AND contype IN ('c', 'u')",
            [[model._meta.db_table for model in models]],
        )
        in_database = {name for (name,) in cursor.fetchall()}
    # Django names these itself: whole numbers that are not negative, and the tie of a person to groups.
    assert {name for name in in_database - tried if not name.endswith("_check")} <= elsewhere


def test_every_trigger_is_always_on() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal")
        found = dict(cursor.fetchall())
    assert found.pop("names_changed") == "O"  # wakes, and guards nothing
    assert found == dict.fromkeys(
        [
            "access_append_only", "accountevent_append_only", "case_signed", "caseteam_signed", "event_append_only",
            "case_search", "event_follows", "event_signed", "export_kept", "patient_search",
            "exportedcase_append_only", "fielddefinition_frozen",
            "level_signed", "protocolversion_frozen",
            "requirement_frozen", "step_signed", "stepdefinition_frozen", "timerdefinition_frozen",
        ],
        "A",
    )  # fmt: skip


def test_every_time_of_the_record_has_a_range() -> None:
    """One row with an impossible time would make its case unreadable for good."""
    from django.db.models import DateTimeField

    guarded = {
        (model, name)
        for model in apps.get_app_config("procedures").get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, CheckConstraint) and str(constraint.name).endswith("_times_in_range")
        for name in (f.name for f in model._meta.fields)
        if f"('{name}__gte'" in str(constraint.condition)
    }
    clinical = (Case, Level, Step, CaseTeam, Access, Event, Allergy)
    times = {(m, f.name) for m in clinical for f in m._meta.fields if isinstance(f, DateTimeField)}
    assert times - guarded == set()


def test_every_pair_of_who_and_when_is_bound() -> None:
    """A column `x_by` beside a column `x_at` is null with it, by a constraint that names both."""
    for model in apps.get_app_config("procedures").get_models():
        names = {f.name for f in model._meta.fields}
        for at in sorted(name for name in names if name.endswith("_at")):
            by = at.removesuffix("_at") + "_by"
            if by not in names or not model._meta.get_field(at).null:
                continue
            conditions = [str(c.condition) for c in model._meta.constraints if isinstance(c, CheckConstraint)]
            assert any(at in text and by in text for text in conditions), f"{model.__name__}.{at} and {by}"


def test_the_forms_of_the_admin_hear_of_a_constraint_too(world: World) -> None:
    product = Product(kind="screw", name="X", manufacturer="Y")
    with pytest.raises(ValidationError):
        product.full_clean()


def test_what_a_command_writes_passes_every_constraint(world: World) -> None:
    case_id = world.started("L1")
    world.rush(case_id, "K04", "K08b-L1-left")
    commands.stop(world.command(case_id), reason="fever")
    assert Level.objects.get(case=case_id).state == "abandoned"
