"""A published protocol is frozen by the database (ENABLE ALWAYS: no session setting helps).

The functions fix their search path and name the schema, so that a temporary table of the same name deceives nobody.
Reading the version FOR SHARE makes a change to a draft wait for somebody who is publishing it, and then refuses it.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION procedures_version_is_draft(wanted bigint) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text;
BEGIN
    SELECT status INTO found FROM public.procedures_protocolversion WHERE id = wanted FOR SHARE;
    RETURN found IS NULL OR found = 'draft';  -- without a version there is nothing to guard: the foreign key refuses
END $$;

CREATE FUNCTION procedures_version_part_frozen() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (TG_OP <> 'INSERT' AND NOT public.procedures_version_is_draft(OLD.version_id))
        OR (TG_OP <> 'DELETE' AND NOT public.procedures_version_is_draft(NEW.version_id)) THEN
        RAISE EXCEPTION '% belongs to a protocol version that is published', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION procedures_step_part_frozen() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    touched bigint[] := ARRAY[]::bigint[];
    owner bigint;
BEGIN
    IF TG_OP <> 'INSERT' THEN touched := touched || OLD.step_id; END IF;
    IF TG_OP <> 'DELETE' THEN touched := touched || NEW.step_id; END IF;
    FOR owner IN SELECT version_id FROM public.procedures_stepdefinition WHERE id = ANY (touched) LOOP
        IF NOT public.procedures_version_is_draft(owner) THEN
            RAISE EXCEPTION '% belongs to a protocol version that is published', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION procedures_version_frozen() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.status = 'draft' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status = 'published' AND NEW.status = 'retired'
        AND to_jsonb(NEW) - 'status' = to_jsonb(OLD) - 'status' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a % protocol version is frozen', OLD.status USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER stepdefinition_frozen BEFORE INSERT OR UPDATE OR DELETE ON procedures_stepdefinition
    FOR EACH ROW EXECUTE FUNCTION procedures_version_part_frozen();
CREATE TRIGGER timerdefinition_frozen BEFORE INSERT OR UPDATE OR DELETE ON procedures_timerdefinition
    FOR EACH ROW EXECUTE FUNCTION procedures_version_part_frozen();
CREATE TRIGGER fielddefinition_frozen BEFORE INSERT OR UPDATE OR DELETE ON procedures_fielddefinition
    FOR EACH ROW EXECUTE FUNCTION procedures_step_part_frozen();
CREATE TRIGGER requirement_frozen BEFORE INSERT OR UPDATE OR DELETE ON procedures_requirement
    FOR EACH ROW EXECUTE FUNCTION procedures_step_part_frozen();
CREATE TRIGGER protocolversion_frozen BEFORE UPDATE OR DELETE ON procedures_protocolversion
    FOR EACH ROW EXECUTE FUNCTION procedures_version_frozen();

ALTER TABLE procedures_stepdefinition ENABLE ALWAYS TRIGGER stepdefinition_frozen;
ALTER TABLE procedures_timerdefinition ENABLE ALWAYS TRIGGER timerdefinition_frozen;
ALTER TABLE procedures_fielddefinition ENABLE ALWAYS TRIGGER fielddefinition_frozen;
ALTER TABLE procedures_requirement ENABLE ALWAYS TRIGGER requirement_frozen;
ALTER TABLE procedures_protocolversion ENABLE ALWAYS TRIGGER protocolversion_frozen;
"""

REVERSE = """
DROP TRIGGER protocolversion_frozen ON procedures_protocolversion;
DROP TRIGGER requirement_frozen ON procedures_requirement;
DROP TRIGGER fielddefinition_frozen ON procedures_fielddefinition;
DROP TRIGGER timerdefinition_frozen ON procedures_timerdefinition;
DROP TRIGGER stepdefinition_frozen ON procedures_stepdefinition;
DROP FUNCTION procedures_version_frozen();
DROP FUNCTION procedures_step_part_frozen();
DROP FUNCTION procedures_version_part_frozen();
DROP FUNCTION procedures_version_is_draft(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("procedures", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
