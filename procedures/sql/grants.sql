-- What the three roles may do; run after every migration, by the role that owns the tables. Does nothing where the
-- roles do not exist. Tables that do not exist yet are passed over.
--   kypho_app     works: reads and writes rows, but appends only to the logs and never deletes a clinical row
--   kypho_backup  reads everything
-- Nobody but the owner may truncate a table, change it or switch its triggers off.
DO $$
DECLARE
    found regclass;
    allowed text;
    append_only constant text[] := ARRAY[
        'procedures_event', 'procedures_access', 'procedures_accountevent', 'procedures_exportedcase'];
    never_deleted constant text[] := ARRAY[
        'procedures_allergy', 'procedures_case', 'procedures_caseteam', 'procedures_export', 'procedures_level',
        'procedures_patient', 'procedures_step'];
    read_only constant text[] := ARRAY['django_migrations'];
BEGIN
    IF (SELECT count(*) FROM pg_roles WHERE rolname IN ('kypho_app', 'kypho_backup')) < 2
       OR current_user IN ('kypho_app', 'kypho_backup') THEN
        RETURN;
    END IF;
    FOR found IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
          AND pg_has_role(current_user, c.relowner, 'MEMBER')
        ORDER BY c.relname
    LOOP
        allowed := CASE
            WHEN found::text = ANY (read_only) THEN 'SELECT'
            WHEN found::text = ANY (append_only) THEN 'SELECT, INSERT'
            WHEN found::text = ANY (never_deleted) THEN 'SELECT, INSERT, UPDATE'
            ELSE 'SELECT, INSERT, UPDATE, DELETE'
        END;
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, kypho_app, kypho_backup', found);
        EXECUTE format('GRANT %s ON %s TO kypho_app', allowed, found);
        EXECUTE format('GRANT SELECT ON %s TO kypho_backup', found);
    END LOOP;
    FOR found IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
          AND pg_has_role(current_user, c.relowner, 'MEMBER')
    LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE %s TO kypho_app', found);
        EXECUTE format('GRANT SELECT ON SEQUENCE %s TO kypho_backup', found);
    END LOOP;
END
$$;
