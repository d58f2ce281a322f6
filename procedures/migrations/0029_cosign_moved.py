"""Another operator is asked to co-sign than the one who was asked, because an event says so: `case.cosign_moved`.

Of a signed case the column `cosign_by` changes with such an event only, to the one whom it names, and not once somebody
has co-signed.
"""

from importlib import import_module

from django.db import migrations, models

import procedures.state

SIGNED = import_module("procedures.migrations.0013_guard_what_is_signed").FORWARD
COSIGNED = import_module("procedures.migrations.0023_guard_the_cosignature").FORWARD


def _in_place_of(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        if text.count(old) != 1:
            raise ValueError(f"not once in the function before: {old}")
        text = text.replace(old, new)
    return text


EVENT_BEFORE = SIGNED[: SIGNED.index("CREATE TRIGGER event_signed")].replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
EVENT = _in_place_of(EVENT_BEFORE, ("'case.cosigned', ", "'case.cosigned', 'case.cosign_moved', "))
CASE = _in_place_of(
    COSIGNED,
    ("    with_data boolean;\n", "    with_data boolean;\n    asked bigint;\n"),
    ("NEW.room, NEW.levels,\n            NEW.cosign_by_id)", "NEW.room, NEW.levels)"),
    ("OLD.room, OLD.levels,\n            OLD.cosign_by_id)", "OLD.room, OLD.levels)"),
    (
        "    IF (NEW.cosigned_seq, NEW.cosigned_at",
        """    SELECT (e.data #>> '{values,to}')::bigint INTO asked FROM public.procedures_event e
        WHERE e.case_id = NEW.id AND e.seq > OLD.last_seq AND e.seq <= NEW.last_seq AND e.kind = 'case.cosign_moved'
        ORDER BY e.seq DESC LIMIT 1;
    IF NOT FOUND THEN
        asked := OLD.cosign_by_id;
    ELSIF OLD.cosigned_seq IS NOT NULL THEN
        RAISE EXCEPTION 'case % is co-signed', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.cosign_by_id IS DISTINCT FROM asked THEN
        RAISE EXCEPTION 'case % asks another to co-sign', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.cosigned_seq, NEW.cosigned_at""",
    ),
)


class Migration(migrations.Migration):
    dependencies = [
        ("procedures", "0028_page_of_the_draft"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="event",
            name="event_kind_known",
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
                    ("case.signed", "case.signed"),
                    ("case.cosigned", "case.cosigned"),
                    ("case.cosign_moved", "case.cosign_moved"),
                    ("addendum.added", "addendum.added"),
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
                    ("step.disputed", "step.disputed"),
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
                            procedures.state.EventKind["CASE_SIGNED"],
                            procedures.state.EventKind["CASE_COSIGNED"],
                            procedures.state.EventKind["COSIGN_MOVED"],
                            procedures.state.EventKind["ADDENDUM_ADDED"],
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
                            procedures.state.EventKind["STEP_DISPUTED"],
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
        migrations.RunSQL(EVENT + CASE, EVENT_BEFORE + COSIGNED),
    ]
