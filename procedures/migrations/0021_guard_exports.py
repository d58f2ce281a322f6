"""What was taken away stays known: an export's row only says further on how far it has come (ENABLE ALWAYS, as in 0003)."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION procedures_export_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR (NEW.id, NEW.user_id, NEW.tablet_id, NEW.asked_at, NEW.kind, NEW.rows, NEW.identified, NEW.reason,
            NEW."right", NEW.query, NEW.expected)
            IS DISTINCT FROM
           (OLD.id, OLD.user_id, OLD.tablet_id, OLD.asked_at, OLD.kind, OLD.rows, OLD.identified, OLD.reason,
            OLD."right", OLD.query, OLD.expected)
        OR NEW.cases < OLD.cases
        OR (OLD.begun_at IS NOT NULL AND NEW.begun_at IS DISTINCT FROM OLD.begun_at)
        OR (OLD.finished_at IS NOT NULL AND NEW.finished_at IS DISTINCT FROM OLD.finished_at) THEN
        RAISE EXCEPTION 'an export is kept' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER export_kept BEFORE UPDATE OR DELETE ON procedures_export
    FOR EACH ROW EXECUTE FUNCTION procedures_export_kept();
ALTER TABLE procedures_export ENABLE ALWAYS TRIGGER export_kept;

CREATE TRIGGER exportedcase_append_only BEFORE UPDATE OR DELETE ON procedures_exportedcase
    FOR EACH ROW EXECUTE FUNCTION procedures_refuse_change();
ALTER TABLE procedures_exportedcase ENABLE ALWAYS TRIGGER exportedcase_append_only;
"""

REVERSE = """
DROP TRIGGER exportedcase_append_only ON procedures_exportedcase;
DROP TRIGGER export_kept ON procedures_export;
DROP FUNCTION procedures_export_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("procedures", "0020_exports_and_looks")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
