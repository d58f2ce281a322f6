"""Tablets; the session and the tablet that an event came through; and names that change wake every process."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import procedures.state

CANONICAL = """
ALTER TABLE procedures_event DROP CONSTRAINT event_columns_are_canonical;
ALTER TABLE procedures_event ADD CONSTRAINT event_columns_are_canonical CHECK ((
    data ->> 'case' = case_id::text
    AND (data ->> 'seq')::bigint = seq
    AND data ->> 'kind' = kind
    AND data ->> 'step_key' = step_key
    AND (data ->> 'about')::bigint IS NOT DISTINCT FROM about
    AND (data ->> 'performed_by')::bigint = performed_by_id
    AND (data ->> 'recorded_by')::bigint = recorded_by_id
    AND (data ->> 'performed_at')::timestamptz = performed_at
    AND (data ->> 'recorded_at')::timestamptz = recorded_at
    AND data ->> 'source' = source
    AND data ->> 'command_id' = command_id::text
    AND (data ->> 'part')::int = part{further}
) IS TRUE);
"""
FURTHER = """
    AND (data ->> 'via')::bigint IS NOT DISTINCT FROM via_id
    AND (data ->> 'tablet')::bigint IS NOT DISTINCT FROM tablet_id"""

# Each process keeps names for a minute (directory.py). What changes them says so on the channel of live.py.
NAMES = """
CREATE FUNCTION procedures_names_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('kypho', 'names');
    RETURN NULL;
END $$;
CREATE TRIGGER names_changed AFTER INSERT OR DELETE OR UPDATE OF display_name, initials, profession, is_active
    ON procedures_user FOR EACH STATEMENT EXECUTE FUNCTION procedures_names_changed();
CREATE TRIGGER names_changed AFTER INSERT OR DELETE OR UPDATE ON procedures_membership
    FOR EACH STATEMENT EXECUTE FUNCTION procedures_names_changed();
CREATE TRIGGER names_changed AFTER INSERT OR DELETE OR UPDATE ON procedures_product
    FOR EACH STATEMENT EXECUTE FUNCTION procedures_names_changed();
"""
NO_NAMES = """
DROP TRIGGER names_changed ON procedures_product;
DROP TRIGGER names_changed ON procedures_membership;
DROP TRIGGER names_changed ON procedures_user;
DROP FUNCTION procedures_names_changed();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("procedures", "0003_guard_the_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tablet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="As it is written on the tablet: Room 2", max_length=40, verbose_name="name"
                    ),
                ),
                ("secret_hash", models.BinaryField(max_length=32, null=True)),
                ("enrolled_at", models.DateTimeField(editable=False, null=True, verbose_name="enrolled at")),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="revoked at")),
            ],
            options={
                "verbose_name": "tablet",
                "verbose_name_plural": "tablets",
                "ordering": ["unit", "name"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="event",
            name="event_kind_known",
        ),
        migrations.AddField(
            model_name="event",
            name="via",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(
                choices=[
                    ("case.opened", "case.opened"),
                    ("case.changed", "case.changed"),
                    ("case.started", "case.started"),
                    ("case.paused", "case.paused"),
                    ("case.resumed", "case.resumed"),
                    ("case.emergency_on", "case.emergency_on"),
                    ("case.emergency_off", "case.emergency_off"),
                    ("case.completed", "case.completed"),
                    ("case.cancelled", "case.cancelled"),
                    ("case.stopped", "case.stopped"),
                    ("case.voided", "case.voided"),
                    ("team.joined", "team.joined"),
                    ("team.left", "team.left"),
                    ("level.added", "level.added"),
                    ("level.withdrawn", "level.withdrawn"),
                    ("level.abandoned", "level.abandoned"),
                    ("level.deferred", "level.deferred"),
                    ("access.added", "access.added"),
                    ("access.withdrawn", "access.withdrawn"),
                    ("step.done", "step.done"),
                    ("step.not_done", "step.not_done"),
                    ("step.not_applicable", "step.not_applicable"),
                    ("step.detailed", "step.detailed"),
                    ("step.corrected", "step.corrected"),
                    ("step.verified", "step.verified"),
                    ("requirement.overridden", "requirement.overridden"),
                    ("event.voided", "event.voided"),
                    ("event.moved", "event.moved"),
                    ("event.reconciled", "event.reconciled"),
                    ("handover.offered", "handover.offered"),
                    ("handover.accepted", "handover.accepted"),
                    ("handover.withdrawn", "handover.withdrawn"),
                    ("patient.corrected", "patient.corrected"),
                    ("allergy.added", "allergy.added"),
                    ("allergy.withdrawn", "allergy.withdrawn"),
                ],
                max_length=24,
            ),
        ),
        migrations.AddField(
            model_name="tablet",
            name="unit",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tablets",
                to="procedures.unit",
                verbose_name="unit",
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="tablet",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="procedures.tablet",
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            procedures.state.EventKind["CASE_OPENED"],
                            procedures.state.EventKind["CASE_CHANGED"],
                            procedures.state.EventKind["CASE_STARTED"],
                            procedures.state.EventKind["CASE_PAUSED"],
                            procedures.state.EventKind["CASE_RESUMED"],
                            procedures.state.EventKind["EMERGENCY_ON"],
                            procedures.state.EventKind["EMERGENCY_OFF"],
                            procedures.state.EventKind["CASE_COMPLETED"],
                            procedures.state.EventKind["CASE_CANCELLED"],
                            procedures.state.EventKind["CASE_STOPPED"],
                            procedures.state.EventKind["CASE_VOIDED"],
                            procedures.state.EventKind["TEAM_JOINED"],
                            procedures.state.EventKind["TEAM_LEFT"],
                            procedures.state.EventKind["LEVEL_ADDED"],
                            procedures.state.EventKind["LEVEL_WITHDRAWN"],
                            procedures.state.EventKind["LEVEL_ABANDONED"],
                            procedures.state.EventKind["LEVEL_DEFERRED"],
                            procedures.state.EventKind["ACCESS_ADDED"],
                            procedures.state.EventKind["ACCESS_WITHDRAWN"],
                            procedures.state.EventKind["STEP_DONE"],
                            procedures.state.EventKind["STEP_NOT_DONE"],
                            procedures.state.EventKind["STEP_NOT_APPLICABLE"],
                            procedures.state.EventKind["STEP_DETAILED"],
                            procedures.state.EventKind["STEP_CORRECTED"],
                            procedures.state.EventKind["STEP_VERIFIED"],
                            procedures.state.EventKind["REQUIREMENT_OVERRIDDEN"],
                            procedures.state.EventKind["EVENT_VOIDED"],
                            procedures.state.EventKind["EVENT_MOVED"],
                            procedures.state.EventKind["EVENT_RECONCILED"],
                            procedures.state.EventKind["HANDOVER_OFFERED"],
                            procedures.state.EventKind["HANDOVER_ACCEPTED"],
                            procedures.state.EventKind["HANDOVER_WITHDRAWN"],
                            procedures.state.EventKind["PATIENT_CORRECTED"],
                            procedures.state.EventKind["ALLERGY_ADDED"],
                            procedures.state.EventKind["ALLERGY_WITHDRAWN"],
                        ],
                    )
                ),
                name="event_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="tablet",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None)),
                fields=("unit", "name"),
                name="tablet_name_once_per_unit",
            ),
        ),
        migrations.AddConstraint(
            model_name="tablet",
            constraint=models.UniqueConstraint(fields=("secret_hash",), name="tablet_secret_once"),
        ),
        migrations.AddConstraint(
            model_name="tablet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(
                            ("enrolled_at__gte", "2000-01-01T00:00:00+00:00"),
                            ("enrolled_at__lt", "2200-01-01T00:00:00+00:00"),
                        ),
                        ("enrolled_at__isnull", True),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(
                            ("revoked_at__gte", "2000-01-01T00:00:00+00:00"),
                            ("revoked_at__lt", "2200-01-01T00:00:00+00:00"),
                        ),
                        ("revoked_at__isnull", True),
                        _connector="OR",
                    ),
                ),
                name="tablet_times_in_range",
            ),
        ),
        migrations.RunSQL(CANONICAL.format(further=FURTHER), CANONICAL.format(further="")),
        migrations.RunSQL(NAMES, NO_NAMES),
    ]
