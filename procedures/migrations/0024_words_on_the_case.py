"""The words by which a case is found stand on its row: what was written down, and its patient's name and number.

They are the database's to keep (ENABLE ALWAYS, as in 0003): whoever changes a patient changes the words of all cases of
that patient, signed ones among them. So the function that does it is its owner's: nothing else of a signed case moves.
"""

import django.contrib.postgres.search
from django.db import migrations

from procedures import letters

FROM, TO = letters.FROM.replace("'", "''"), letters.TO
FORWARD = f"""
CREATE FUNCTION procedures_words(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_to_array(btrim(regexp_replace(plain, '[[:space:]]+', ' ', 'g')), ' ')
        || string_to_array(nullif(btrim(regexp_replace(plain, '[[:space:]-]+', ' ', 'g')), ''), ' ')
    FROM (SELECT translate(lower($1), '{FROM}', '{TO}') AS plain) given
$$;

CREATE FUNCTION procedures_case_search() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT array_to_tsvector(NEW.words
            || public.procedures_words(p.family_name || ' ' || p.given_name || ' ' || p.mrn))
        INTO NEW.search FROM public.procedures_patient p WHERE p.id = NEW.patient_id;
    NEW.search := coalesce(NEW.search, '');
    RETURN NEW;
END $$;
CREATE TRIGGER case_search BEFORE INSERT OR UPDATE OF words, patient_id, search ON procedures_case
    FOR EACH ROW EXECUTE FUNCTION procedures_case_search();
ALTER TABLE procedures_case ENABLE ALWAYS TRIGGER case_search;

CREATE FUNCTION procedures_patient_search() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.procedures_case SET search = '' WHERE patient_id = NEW.id;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION procedures_patient_search() FROM PUBLIC;
CREATE TRIGGER patient_search AFTER UPDATE OF family_name, given_name, mrn ON procedures_patient
    FOR EACH ROW EXECUTE FUNCTION procedures_patient_search();
ALTER TABLE procedures_patient ENABLE ALWAYS TRIGGER patient_search;

ALTER TABLE procedures_case DISABLE TRIGGER case_signed;
UPDATE procedures_case SET search = '';
ALTER TABLE procedures_case ENABLE ALWAYS TRIGGER case_signed;
"""  # noqa: S608 (letters of our own)
REVERSE = """
DROP TRIGGER patient_search ON procedures_patient;
DROP FUNCTION procedures_patient_search();
DROP TRIGGER case_search ON procedures_case;
DROP FUNCTION procedures_case_search();
DROP FUNCTION procedures_words(text);
"""


class Migration(migrations.Migration):
    dependencies = [("procedures", "0023_guard_the_cosignature")]

    operations = [
        migrations.AddField(
            model_name="case",
            name="search",
            field=django.contrib.postgres.search.SearchVectorField(default="", editable=False),
        ),
        migrations.RunSQL(FORWARD, REVERSE),
    ]
