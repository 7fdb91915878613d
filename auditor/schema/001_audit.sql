-- The log's schema, applied by its owner (holdpoint-auditor --migrate). Every statement may be repeated.
--
-- Three roles: the owner (this script's user) changes the schema; holdpoint_writer inserts and reads; holdpoint_reader
-- sees the views alone. Nobody updates or deletes: triggers refuse it to the owner too, and what a superuser does
-- behind them, `holdpoint audit verify` finds.

CREATE SCHEMA IF NOT EXISTS audit;

CREATE TABLE IF NOT EXISTS audit.schema_version (
  version    integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdpoint_writer') THEN
    CREATE ROLE holdpoint_writer LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdpoint_reader') THEN
    CREATE ROLE holdpoint_reader LOGIN;
  END IF;
END $$;

-- One row per entry. `bytes` are exactly what was hashed: leaf_hash = SHA-256(0x00 || bytes), head = the source's chain
-- after this entry. The columns from `time` on are copies out of the event, for querying; the verifier computes them
-- again. They are NULL where the event has no such member, where it is no text, and in every column of an entry that
-- is no event. NUL characters are replaced by U+FFFD and texts are cut after 500 characters (an index takes
-- 2,704 bytes), here alone.
CREATE TABLE IF NOT EXISTS audit.entries (
  index          bigint      NOT NULL,
  received_at    timestamptz NOT NULL,
  source         text        NOT NULL,
  epoch          bigint      NOT NULL,
  sequence       bigint      NOT NULL,
  leaf_hash      bytea       NOT NULL,
  head           bytea       NOT NULL,
  bytes          bytea       NOT NULL,
  quarantined    boolean     NOT NULL,
  time           timestamptz,
  type           text,
  subject        text,
  session_id     text,
  operation_id   text,
  review_id      text,
  principal      text,
  role_arn       text,
  target         text,
  service        text,
  operation      text,
  region         text,
  access         text,
  decision       text,
  outcome        text,
  code           text,
  reason         text,
  policy         text,
  statement      text,
  status         bigint,
  wait_ms        bigint,
  upstream_ms    bigint,
  findings       bigint,
  upstream_request_id text,
  reviewer       text,
  verdict        text,
  source_ip      text,
  user_agent     text
) PARTITION BY RANGE (received_at);

CREATE TABLE IF NOT EXISTS audit.entries_other PARTITION OF audit.entries DEFAULT;

-- That of `index` stands in 003_index_once.sql.
CREATE INDEX IF NOT EXISTS entries_source ON audit.entries (source, epoch, sequence);
CREATE INDEX IF NOT EXISTS entries_operation ON audit.entries (operation_id) WHERE operation_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_session ON audit.entries (session_id, index) WHERE session_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_review ON audit.entries (review_id) WHERE review_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_time ON audit.entries (time);

-- Complete subtrees of the Merkle tree (RFC 6962) from 256 leaves up: node (level, index) covers the leaves
-- [index * 2^level, (index + 1) * 2^level). Smaller ones are computed from the leaf hashes.
CREATE TABLE IF NOT EXISTS audit.nodes (
  level smallint NOT NULL CHECK (level >= 8),
  index bigint   NOT NULL,
  hash  bytea    NOT NULL,
  PRIMARY KEY (level, index)
);

-- Each chain that the log has ever begun, and whose key signed its first entries. Its end is its last entry.
CREATE TABLE IF NOT EXISTS audit.sources (
  source     text        NOT NULL,
  epoch      bigint      NOT NULL,
  key_id     text        NOT NULL,
  first_seen timestamptz NOT NULL,
  PRIMARY KEY (source, epoch)
);

CREATE TABLE IF NOT EXISTS audit.checkpoints (
  size       bigint PRIMARY KEY,
  root       bytea       NOT NULL,
  note       text        NOT NULL,
  created_at timestamptz NOT NULL
);

-- Why an entry stands in audit.entries without columns: PostgreSQL refused them.
CREATE TABLE IF NOT EXISTS audit.quarantine (
  index  bigint PRIMARY KEY,
  reason text NOT NULL
);

-- What retention dropped, with the leaf hashes that keep the proofs of the rest whole.
CREATE TABLE IF NOT EXISTS audit.dropped (
  first      bigint      NOT NULL,
  last       bigint      NOT NULL,
  partition  text        NOT NULL,
  dropped_at timestamptz NOT NULL DEFAULT now(),
  dropped_by text        NOT NULL DEFAULT session_user,
  PRIMARY KEY (first)
);
CREATE TABLE IF NOT EXISTS audit.dropped_leaves (
  index     bigint PRIMARY KEY,
  leaf_hash bytea NOT NULL,
  source    text NOT NULL,
  epoch     bigint NOT NULL,
  sequence  bigint NOT NULL,
  head      bytea NOT NULL
);

CREATE OR REPLACE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'records are never updated or deleted (% on %.%)', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE FUNCTION audit.guard(target regclass, rows boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF rows THEN
    EXECUTE format('CREATE OR REPLACE TRIGGER no_change BEFORE UPDATE OR DELETE ON %s FOR EACH ROW '
                   'EXECUTE FUNCTION audit.refuse()', target);
  END IF;
  EXECUTE format('CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT '
                 'EXECUTE FUNCTION audit.refuse()', target);
END $$;

-- Row triggers of a partitioned table reach its partitions; statement triggers do not.
DO $$ DECLARE name text; BEGIN
  FOREACH name IN ARRAY ARRAY['entries', 'nodes', 'sources', 'checkpoints', 'quarantine', 'dropped', 'dropped_leaves'] LOOP
    PERFORM audit.guard(('audit.' || name)::regclass, true);
  END LOOP;
  PERFORM audit.guard('audit.entries_other'::regclass, false);
END $$;

-- The partition of one month. The writer may not create tables; it may call this.
CREATE OR REPLACE FUNCTION audit.ensure_partition(moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  month timestamptz := date_trunc('month', moment);
  name  text := 'entries_' || to_char(month, 'YYYY_MM');
BEGIN
  IF to_regclass('audit.' || name) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.entries FOR VALUES FROM (%L) TO (%L)',
                 name, month, month + interval '1 month');
  PERFORM audit.guard(('audit.' || name)::regclass, false);
  PERFORM audit.index_once(('audit.' || name)::regclass);
END $$;
REVOKE ALL ON FUNCTION audit.ensure_partition(timestamptz) FROM PUBLIC;

-- Retention, for the owner: drops one month, and records that it did.
CREATE OR REPLACE FUNCTION audit.drop_partition(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  part regclass := to_regclass('audit.' || quote_ident(name));
BEGIN
  IF part IS NULL OR name = 'entries_other' OR
     NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = part AND inhparent = 'audit.entries'::regclass) THEN
    RAISE EXCEPTION '% is no partition of audit.entries', name;
  END IF;
  EXECUTE format('INSERT INTO audit.dropped_leaves SELECT index, leaf_hash, source, epoch, sequence, head FROM %s', part);
  EXECUTE format('INSERT INTO audit.dropped (first, last, partition) '
                 'SELECT min(index), max(index), %L FROM %s HAVING count(*) > 0', name, part);
  EXECUTE format('DROP TABLE %s', part);
END $$;
REVOKE ALL ON FUNCTION audit.drop_partition(text) FROM PUBLIC;

GRANT USAGE ON SCHEMA audit TO holdpoint_writer, holdpoint_reader;
GRANT SELECT, INSERT ON audit.entries, audit.nodes, audit.sources, audit.checkpoints, audit.quarantine TO holdpoint_writer;
GRANT SELECT ON audit.dropped, audit.dropped_leaves, audit.schema_version TO holdpoint_writer;
GRANT SELECT ON audit.schema_version TO holdpoint_reader;
GRANT EXECUTE ON FUNCTION audit.ensure_partition(timestamptz) TO holdpoint_writer;
