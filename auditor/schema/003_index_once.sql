-- One row per index. A unique index over the whole table would have to contain the partitions' key, and a second row
-- with another received_at would pass it; so each partition has one of its own, in place of the plain index that
-- they had before. Across partitions nothing refuses a second row: `holdpoint audit verify` names it.

CREATE OR REPLACE FUNCTION audit.index_once(part regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text := (SELECT relname FROM pg_class WHERE oid = part);
BEGIN
  IF to_regclass('audit.' || quote_ident(name || '_index_once')) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('CREATE UNIQUE INDEX %I ON %s (index)', name || '_index_once', part);
  EXECUTE format('DROP INDEX IF EXISTS audit.%I', name || '_index_plain');
EXCEPTION WHEN unique_violation THEN
  -- Evidence, and no reason to refuse to start: what was inserted here stays, and stays findable.
  RAISE WARNING 'two rows of % have the same index: holdpoint audit verify names them', part;
  EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %s (index)', name || '_index_plain', part);
END $$;
REVOKE ALL ON FUNCTION audit.index_once(regclass) FROM PUBLIC;

DO $$ DECLARE part regclass; BEGIN
  FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'audit.entries'::regclass LOOP
    PERFORM audit.index_once(part);
  END LOOP;
END $$;
DROP INDEX IF EXISTS audit.entries_index;
