"""The log is append-only, gapless and chained because the database says so (ENABLE ALWAYS: no session setting helps)."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION procedures_refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON procedures_event
    FOR EACH ROW EXECUTE FUNCTION procedures_refuse_change();
ALTER TABLE procedures_event ENABLE ALWAYS TRIGGER event_append_only;

CREATE TRIGGER access_append_only BEFORE UPDATE OR DELETE ON procedures_access
    FOR EACH ROW EXECUTE FUNCTION procedures_refuse_change();
ALTER TABLE procedures_access ENABLE ALWAYS TRIGGER access_append_only;

-- The columns of an event repeat what its canonical text says; here they are held equal to it. "IS TRUE", because a
-- check passes where it is unknown, and a text without a key would leave it so.
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
    AND (data ->> 'part')::int = part
) IS TRUE);

-- Each event follows the one before it: no gap in the numbers, and the hash stands on the previous hash.
-- The fixed search path and the schema keep a temporary table of the same name from standing in for the log.
CREATE FUNCTION procedures_event_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    previous bytea := decode(repeat('00', 32), 'hex');
BEGIN
    IF NEW.seq > 1 THEN
        SELECT hash INTO previous FROM public.procedures_event WHERE case_id = NEW.case_id AND seq = NEW.seq - 1;
    END IF;
    IF previous IS NULL OR NEW.prev_hash <> previous
        OR NEW.hash <> sha256(NEW.prev_hash || convert_to(NEW.canonical, 'UTF8')) THEN
        RAISE EXCEPTION 'event % of case % does not follow the log', NEW.seq, NEW.case_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER event_follows BEFORE INSERT ON procedures_event
    FOR EACH ROW EXECUTE FUNCTION procedures_event_follows();
ALTER TABLE procedures_event ENABLE ALWAYS TRIGGER event_follows;
"""

REVERSE = """
DROP TRIGGER event_follows ON procedures_event;
DROP FUNCTION procedures_event_follows();
ALTER TABLE procedures_event DROP CONSTRAINT event_columns_are_canonical;
DROP TRIGGER access_append_only ON procedures_access;
DROP TRIGGER event_append_only ON procedures_event;
DROP FUNCTION procedures_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("procedures", "0002_freeze_protocols")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
