-- Schema `reviews`: what all replicas of approvals share. Applied by its owner with `holdpoint-approvals --migrate`,
-- again and again without harm. The processes use the role holdpoint_approvals, which owns nothing, deletes no review
-- and no claim, and cannot change what was asked.
--
-- Each step is a transaction of its own and locks one table that is there already, at most (postgres/migration.cpp).
-- Whoever changes this file raises kSchemaVersion (schema.hpp).
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdpoint_approvals') THEN
    CREATE ROLE holdpoint_approvals LOGIN;
  END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS reviews;
CREATE TABLE IF NOT EXISTS reviews.schema_version (
  one     boolean PRIMARY KEY DEFAULT true CHECK (one),
  version integer NOT NULL,
  oldest  integer NOT NULL  -- programs that know this version or a later one may work under it
);

-- step
CREATE TABLE IF NOT EXISTS reviews.review (
  review_id          uuid PRIMARY KEY,
  principal          text NOT NULL,
  digest             text NOT NULL,
  question           text NOT NULL,  -- what is decided by; JSON text, not jsonb: no column type may refuse it
  state              text NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'expired', 'consumed')),
  requested_at       timestamptz NOT NULL,
  expires_at         timestamptz NOT NULL,
  grant_once         boolean,
  grant_not_before   timestamptz,
  grant_expires_at   timestamptz,
  decision           text,           -- the exact text that was signed
  decision_key_id    text,
  decision_signature bytea,
  announced          boolean NOT NULL DEFAULT false,  -- the decision is on record: gateways may be told
  CHECK (state NOT IN ('approved', 'consumed') OR (grant_once IS NOT NULL AND grant_not_before IS NOT NULL
         AND grant_expires_at IS NOT NULL AND decision IS NOT NULL)),
  CHECK (state <> 'consumed' OR grant_once)
);
-- A review changes three times: room in its page lets the change that no index knows of stay there.
ALTER TABLE reviews.review SET (fillfactor = 70);
CREATE INDEX IF NOT EXISTS review_asked ON reviews.review (principal, digest, requested_at DESC);
-- Not of the id too: then a planner that thinks the table small looks ids up in it, and reads it whole.
CREATE INDEX IF NOT EXISTS review_times ON reviews.review (requested_at DESC);
CREATE INDEX IF NOT EXISTS review_pending ON reviews.review (expires_at) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS review_waiting ON reviews.review (principal) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS review_granted ON reviews.review (grant_expires_at) WHERE state = 'approved';

-- step
DROP INDEX IF EXISTS reviews.review_newest;

-- step
-- What people are shown of the operation; apart, so that counting a vote neither reads nor copies it. Reviews that were
-- asked before this table was there have it in their question.
CREATE TABLE IF NOT EXISTS reviews.details (
  review_id uuid PRIMARY KEY REFERENCES reviews.review,
  details   text NOT NULL  -- JSON text
);

-- step
-- Which review a call asked for: all attempts of one call find the same one.
CREATE TABLE IF NOT EXISTS reviews.call (
  principal     text NOT NULL,
  digest        text NOT NULL,
  invocation_id text NOT NULL,
  review_id     uuid NOT NULL REFERENCES reviews.review,
  PRIMARY KEY (principal, digest, invocation_id)
);

-- step
CREATE TABLE IF NOT EXISTS reviews.vote (
  review_id   uuid NOT NULL REFERENCES reviews.review,
  reviewer    text NOT NULL,
  verdict     text NOT NULL CHECK (verdict IN ('approve', 'reject')),
  reason      text NOT NULL,
  grant_for_s bigint,  -- null = once
  at          timestamptz NOT NULL,
  PRIMARY KEY (review_id, reviewer)  -- people are counted
);

-- step
CREATE TABLE IF NOT EXISTS reviews.claim (
  operation_id  uuid PRIMARY KEY,
  review_id     uuid NOT NULL REFERENCES reviews.review,
  once          boolean NOT NULL,
  digest        text NOT NULL,
  principal     text NOT NULL,
  invocation_id text NOT NULL,
  gateway       text NOT NULL,
  epoch         bigint NOT NULL,
  key_id        text NOT NULL,
  state         text NOT NULL CHECK (state IN ('claimed', 'sent', 'done', 'failed', 'unknown', 'released')),
  outcome       text NOT NULL DEFAULT '',
  claimed_at    timestamptz NOT NULL
);
-- Whatever a statement does wrong: a grant for once has one live claim, and one call uses a grant for a time once. They
-- are also how a claim finds what stands in its way.
CREATE UNIQUE INDEX IF NOT EXISTS claim_once ON reviews.claim (review_id) WHERE once AND state <> 'released';
CREATE UNIQUE INDEX IF NOT EXISTS claim_of_call ON reviews.claim (review_id, invocation_id)
  WHERE NOT once AND invocation_id <> '' AND state <> 'released';
CREATE INDEX IF NOT EXISTS claim_open ON reviews.claim (gateway, claimed_at) WHERE state IN ('claimed', 'sent');
-- step
DROP INDEX IF EXISTS reviews.claim_call;
DROP INDEX IF EXISTS reviews.claim_review;

-- step
-- Events of changes, until they are in a journal.
CREATE TABLE IF NOT EXISTS reviews.outbox (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL UNIQUE,
  time     timestamptz NOT NULL,
  event    text NOT NULL  -- the event's JSON
);

-- step
-- The console. Hashes of secrets alone.
CREATE TABLE IF NOT EXISTS reviews.console_link (
  code_hash  bytea PRIMARY KEY,
  reviewer   text NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS reviews.console_session (
  cookie_hash bytea PRIMARY KEY,
  reviewer    text NOT NULL,
  expires_at  timestamptz NOT NULL
);

-- step
REVOKE ALL ON SCHEMA reviews FROM PUBLIC;
GRANT USAGE ON SCHEMA reviews TO holdpoint_approvals;
GRANT SELECT, INSERT ON reviews.review, reviews.details, reviews.call, reviews.vote, reviews.claim TO holdpoint_approvals;
GRANT UPDATE (state, grant_once, grant_not_before, grant_expires_at, decision, decision_key_id, decision_signature,
              announced) ON reviews.review TO holdpoint_approvals;
GRANT UPDATE (review_id) ON reviews.call TO holdpoint_approvals;
GRANT UPDATE (verdict, reason, grant_for_s, at), DELETE ON reviews.vote TO holdpoint_approvals;
GRANT UPDATE (state, outcome) ON reviews.claim TO holdpoint_approvals;
GRANT SELECT ON reviews.schema_version TO holdpoint_approvals;
GRANT SELECT, INSERT, DELETE ON reviews.outbox, reviews.console_link, reviews.console_session TO holdpoint_approvals;
