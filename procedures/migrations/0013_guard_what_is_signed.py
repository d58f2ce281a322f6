"""What was signed stays as it was signed, because the database says so (ENABLE ALWAYS, as in 0003).

After the event `case.signed` the log of a case takes: addenda, a co-signature, corrections of the patient, and, until
the case has ended, what belongs to the recovery and the discharge. The rows follow the log only: a row of a signed case
changes in the same transaction as an event that is newer than the case's `last_seq`, and never by itself.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION procedures_signed_event() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    signed int;
    over boolean;
    version bigint;
    phase text;
BEGIN
    SELECT c.signed_seq, c.ended_at IS NOT NULL, c.protocol_id INTO signed, over, version
        FROM public.procedures_case c WHERE c.id = NEW.case_id;
    IF signed IS NULL OR NEW.kind IN ('addendum.added', 'case.cosigned', 'case.emergency_off', 'patient.corrected',
                                      'allergy.added', 'allergy.withdrawn') THEN
        RETURN NEW;
    END IF;
    IF NOT over AND NEW.kind IN ('case.completed', 'case.stopped', 'case.paused', 'case.resumed', 'case.emergency_on',
                                 'team.joined', 'team.left', 'handover.offered', 'handover.accepted',
                                 'handover.withdrawn') THEN
        RETURN NEW;
    END IF;
    IF NOT over AND NEW.kind IN ('step.done', 'step.not_done', 'step.not_applicable', 'step.detailed', 'step.corrected',
                                 'step.verified', 'step.disputed', 'requirement.overridden', 'event.voided',
                                 'event.moved', 'event.reconciled')
        AND (NEW.about IS NULL OR NEW.about > signed) THEN
        SELECT d.phase INTO phase FROM public.procedures_stepdefinition d
            WHERE d.version_id = version AND d.code = regexp_replace(
                NEW.step_key, '-(T[1-9]|T1[0-2]|L[1-5]|S1)(-(left|right))?$', '');
        IF phase IN ('recovery', 'discharge', 'any') THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'case % is signed', NEW.case_id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER event_signed BEFORE INSERT ON procedures_event
    FOR EACH ROW EXECUTE FUNCTION procedures_signed_event();
ALTER TABLE procedures_event ENABLE ALWAYS TRIGGER event_signed;

-- A signature is what an event says. Afterwards the row follows newer events only, and what was signed moves with none
-- but an addendum.
CREATE FUNCTION procedures_signed_case() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    by_addendum boolean;
BEGIN
    IF OLD.signed_seq IS NULL THEN
        IF NEW.signed_seq IS NULL OR EXISTS (
            SELECT FROM public.procedures_event e
            WHERE e.case_id = NEW.id AND e.seq = NEW.signed_seq AND e.kind = 'case.signed'
                AND e.performed_by_id = NEW.signed_by_id AND e.recorded_at = NEW.signed_at) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'case % has no such signature', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT bool_or(e.kind = 'addendum.added') INTO by_addendum FROM public.procedures_event e
        WHERE e.case_id = NEW.id AND e.seq > OLD.last_seq AND e.seq <= NEW.last_seq;
    IF by_addendum IS NULL
        OR (NEW.signed_seq, NEW.signed_at, NEW.signed_by_id, NEW.unit_id, NEW.patient_id, NEW.protocol_id,
            NEW.indication, NEW.anaesthesia, NEW.scheduled_at, NEW.opened_at, NEW.started_at, NEW.room, NEW.levels,
            NEW.cosign_by_id)
            IS DISTINCT FROM
           (OLD.signed_seq, OLD.signed_at, OLD.signed_by_id, OLD.unit_id, OLD.patient_id, OLD.protocol_id,
            OLD.indication, OLD.anaesthesia, OLD.scheduled_at, OLD.opened_at, OLD.started_at, OLD.room, OLD.levels,
            OLD.cosign_by_id)
        OR (NOT by_addendum AND
           (NEW.cement_ml, NEW.leak, NEW.first_needle_at, NEW.last_needle_out_at, NEW.treated, NEW.cement_by_level,
            NEW.skin_seconds, NEW.addenda)
            IS DISTINCT FROM
           (OLD.cement_ml, OLD.leak, OLD.first_needle_at, OLD.last_needle_out_at, OLD.treated, OLD.cement_by_level,
            OLD.skin_seconds, OLD.addenda))
        OR (OLD.cosigned_seq IS NOT NULL
            AND (NEW.cosigned_seq, NEW.cosigned_at, NEW.cosigned_by_id)
                IS DISTINCT FROM (OLD.cosigned_seq, OLD.cosigned_at, OLD.cosigned_by_id)) THEN
        RAISE EXCEPTION 'case % is signed', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER case_signed BEFORE UPDATE ON procedures_case
    FOR EACH ROW EXECUTE FUNCTION procedures_signed_case();
ALTER TABLE procedures_case ENABLE ALWAYS TRIGGER case_signed;

-- Steps, levels and team of a signed case: only while an event that the case does not count yet stands in the log.
CREATE FUNCTION procedures_signed_row() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    signed int;
    counted int;
    step text := '';
BEGIN
    SELECT c.signed_seq, c.last_seq INTO signed, counted FROM public.procedures_case c WHERE c.id = NEW.case_id;
    IF signed IS NULL THEN
        RETURN NEW;
    END IF;
    IF TG_TABLE_NAME = 'procedures_step' THEN
        step := NEW.key;
    END IF;
    IF NOT EXISTS (
        SELECT FROM public.procedures_event e
        WHERE e.case_id = NEW.case_id AND e.seq > counted AND (
            (TG_TABLE_NAME = 'procedures_step' AND e.step_key = step)
            OR (TG_TABLE_NAME = 'procedures_level' AND e.kind = 'addendum.added')
            OR (TG_TABLE_NAME = 'procedures_caseteam' AND e.kind IN ('team.joined', 'team.left')))) THEN
        RAISE EXCEPTION 'case % is signed', NEW.case_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER step_signed AFTER INSERT OR UPDATE ON procedures_step
    FOR EACH ROW EXECUTE FUNCTION procedures_signed_row();
CREATE TRIGGER level_signed AFTER INSERT OR UPDATE ON procedures_level
    FOR EACH ROW EXECUTE FUNCTION procedures_signed_row();
CREATE TRIGGER caseteam_signed AFTER INSERT OR UPDATE ON procedures_caseteam
    FOR EACH ROW EXECUTE FUNCTION procedures_signed_row();
ALTER TABLE procedures_step ENABLE ALWAYS TRIGGER step_signed;
ALTER TABLE procedures_level ENABLE ALWAYS TRIGGER level_signed;
ALTER TABLE procedures_caseteam ENABLE ALWAYS TRIGGER caseteam_signed;
"""

REVERSE = """
DROP TRIGGER caseteam_signed ON procedures_caseteam;
DROP TRIGGER level_signed ON procedures_level;
DROP TRIGGER step_signed ON procedures_step;
DROP FUNCTION procedures_signed_row();
DROP TRIGGER case_signed ON procedures_case;
DROP FUNCTION procedures_signed_case();
DROP TRIGGER event_signed ON procedures_event;
DROP FUNCTION procedures_signed_event();
"""


class Migration(migrations.Migration):
    dependencies = [("procedures", "0012_the_case_log")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
