"""A co-signature is what an event says, as the signature is; who is asked for it and the number of addenda likewise.

0013 let a row of a signed case name any co-signer once any newer event stood in the log, and let an addendum in words
change the figures. The owner of the tables, who migrates, may fold anew what an update keeps beyond the log (`refold`):
of a signed case neither the signatures nor what they stand for.
"""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("procedures.migrations.0013_guard_what_is_signed")

FORWARD = """
CREATE OR REPLACE FUNCTION procedures_signed_case() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added int;
    with_data boolean;
    refolds boolean := NEW.last_seq = OLD.last_seq
        AND current_user = pg_get_userbyid((SELECT c.relowner FROM pg_class c WHERE c.oid = TG_RELID));
BEGIN
    IF OLD.signed_seq IS NULL AND NEW.signed_seq IS NULL THEN
        RETURN NEW;
    END IF;
    IF OLD.signed_seq IS NULL THEN
        IF NEW.cosigned_seq IS NULL AND NEW.addenda = 0 AND EXISTS (
            SELECT FROM public.procedures_event e
            WHERE e.case_id = NEW.id AND e.seq = NEW.signed_seq AND e.kind = 'case.signed'
                AND e.performed_by_id = NEW.signed_by_id AND e.recorded_at = NEW.signed_at
                AND (e.data #>> '{values,cosign_by}')::bigint IS NOT DISTINCT FROM NEW.cosign_by_id) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'case % has no such signature', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT count(*) FILTER (WHERE e.kind = 'addendum.added'),
            bool_or(e.kind = 'addendum.added' AND e.step_key <> '')
        INTO added, with_data FROM public.procedures_event e
        WHERE e.case_id = NEW.id AND e.seq > OLD.last_seq AND e.seq <= NEW.last_seq;
    IF (with_data IS NULL AND NOT refolds)
        OR NEW.addenda <> OLD.addenda + added
        OR (NEW.signed_seq, NEW.signed_at, NEW.signed_by_id, NEW.unit_id, NEW.patient_id, NEW.protocol_id,
            NEW.indication, NEW.anaesthesia, NEW.scheduled_at, NEW.opened_at, NEW.started_at, NEW.room, NEW.levels,
            NEW.cosign_by_id)
            IS DISTINCT FROM
           (OLD.signed_seq, OLD.signed_at, OLD.signed_by_id, OLD.unit_id, OLD.patient_id, OLD.protocol_id,
            OLD.indication, OLD.anaesthesia, OLD.scheduled_at, OLD.opened_at, OLD.started_at, OLD.room, OLD.levels,
            OLD.cosign_by_id)
        OR (NOT coalesce(with_data, false) AND
           (NEW.cement_ml, NEW.leak, NEW.first_needle_at, NEW.last_needle_out_at, NEW.treated, NEW.cement_by_level,
            NEW.skin_seconds)
            IS DISTINCT FROM
           (OLD.cement_ml, OLD.leak, OLD.first_needle_at, OLD.last_needle_out_at, OLD.treated, OLD.cement_by_level,
            OLD.skin_seconds)) THEN
        RAISE EXCEPTION 'case % is signed', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.cosigned_seq, NEW.cosigned_at, NEW.cosigned_by_id)
            IS DISTINCT FROM (OLD.cosigned_seq, OLD.cosigned_at, OLD.cosigned_by_id)
        AND (OLD.cosigned_seq IS NOT NULL OR NOT EXISTS (
            SELECT FROM public.procedures_event e
            WHERE e.case_id = NEW.id AND e.seq = NEW.cosigned_seq AND e.kind = 'case.cosigned'
                AND e.performed_by_id = NEW.cosigned_by_id AND e.recorded_at = NEW.cosigned_at)) THEN
        RAISE EXCEPTION 'case % has no such co-signature', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
_START = BEFORE.FORWARD.index("CREATE FUNCTION procedures_signed_case()")
REVERSE = BEFORE.FORWARD[_START : BEFORE.FORWARD.index("CREATE TRIGGER case_signed")].replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)


class Migration(migrations.Migration):
    dependencies = [("procedures", "0022_beginnings_of_names")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
