-- The documented views, and what the verifier needs, for holdpoint_reader. A view is made anew by every migration.

DROP VIEW IF EXISTS audit.decision_times, audit.resources, audit.findings, audit.denials, audit.reviews, audit.sessions,
  audit.operations, audit.unmasked, audit.log, audit.log_nodes, audit.log_sources, audit.log_checkpoints, audit.log_quarantine,
  audit.log_dropped, audit.log_dropped_leaves;

-- An entry's event as PostgreSQL can read it: jsonb takes no NUL, so that an escaped one is shown as U+FFFD, as in the
-- columns. An odd number of backslashes makes an escape of \u0000, an even one does not.
CREATE OR REPLACE FUNCTION audit.event_text(bytes bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT regexp_replace(convert_from(bytes, 'UTF8'), '(?<!\\)((?:\\\\)*)\\u0000', '\1' || '\\ufffd', 'g')
$$;

-- An entry's event, or NULL where it is none that PostgreSQL can read. Slow: for looking at few entries.
CREATE OR REPLACE FUNCTION audit.event(bytes bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN audit.event_text(bytes)::jsonb;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END $$;

-- One list out of an entry's data, empty where it has none. Nothing else in the entry is converted, so that nothing
-- else can hide it; where the list itself cannot be read it holds one null, and a view shows a row without a value.
CREATE OR REPLACE FUNCTION audit.list(bytes bytea, name text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  list json;
BEGIN
  list := audit.event_text(bytes)::json #> ARRAY['data', name];
  IF list IS NULL OR json_typeof(list) <> 'array' THEN RETURN '[]'; END IF;
  RETURN list::jsonb;
EXCEPTION WHEN OTHERS THEN
  RETURN '[null]';
END $$;

-- One row per operation: what was asked, what was decided, how it ended. `decision` is allowed, granted, or why not
-- (denied, rejected, expired, …); `outcome` is NULL while it runs. A gateway that died in between writes `unknown` when it
-- starts again on its journal. Where it never will, `unknown` stands here as soon as a gateway of that name has begun
-- another journal (a newer epoch); until then the record cannot tell it from one that takes long.
CREATE VIEW audit.operations AS
SELECT e.operation_id,
       min(e.time)                                                                     AS time,
       min(e.session_id)                                                               AS session_id,
       min(e.principal)                                                                AS principal,
       min(e.role_arn)                                                                 AS role_arn,
       min(e.target)                                                                   AS target,
       min(e.service)                                                                  AS service,
       min(e.operation)                                                                AS operation,
       min(e.region)                                                                   AS region,
       min(e.access)                                                                   AS access,
       coalesce(min(e.decision) FILTER (WHERE e.type = 'holdpoint.operation.refused'),
                min(e.decision) FILTER (WHERE e.type = 'holdpoint.operation.intended'),
                CASE WHEN bool_or(e.type = 'holdpoint.operation.parked') THEN 'held' END) AS decision,
       coalesce(min(e.outcome),
                CASE WHEN bool_or(e.type = 'holdpoint.operation.intended')
                      AND EXISTS (SELECT FROM audit.sources s WHERE s.source = min(e.source) AND s.epoch > max(e.epoch))
                     THEN 'unknown' END)                                               AS outcome,
       max(e.status)                                                                   AS status,
       min(e.reason)                                                                   AS reason,
       min(e.policy)                                                                   AS policy,
       min(e.statement)                                                                AS statement,
       min(e.review_id)                                                                AS review_id,
       max(e.wait_ms)                                                                  AS wait_ms,
       max(e.upstream_ms)                                                              AS upstream_ms,
       coalesce(max(e.findings), 0)                                                    AS findings,
       min(e.upstream_request_id)                                                      AS upstream_request_id,
       min(e.source)                                                                   AS gateway,
       min(e.index)                                                                    AS first_index,
       max(e.index)                                                                    AS last_index
FROM audit.entries e
WHERE e.operation_id IS NOT NULL AND e.type LIKE 'holdpoint.operation.%'
GROUP BY e.operation_id;

CREATE VIEW audit.sessions AS
SELECT e.session_id,
       min(e.principal)                                                                AS principal,
       min(e.role_arn)                                                                 AS role_arn,
       min(e.time)                                                                     AS started_at,
       max(e.time)                                                                     AS last_at,
       count(DISTINCT e.operation_id)                                                  AS operations,
       count(DISTINCT e.operation_id) FILTER (WHERE e.type = 'holdpoint.operation.refused') AS denied,
       count(DISTINCT e.operation_id) FILTER (WHERE e.type = 'holdpoint.operation.parked')  AS held,
       min(e.source_ip)                                                                AS source_ip,
       min(e.user_agent)                                                               AS user_agent
FROM audit.entries e
WHERE e.session_id IS NOT NULL
GROUP BY e.session_id;

CREATE VIEW audit.reviews AS
SELECT e.review_id,
       min(e.time) FILTER (WHERE e.type = 'holdpoint.review.requested')                AS requested_at,
       min(e.time) FILTER (WHERE e.type = 'holdpoint.review.decided')                  AS decided_at,
       coalesce(min(e.verdict) FILTER (WHERE e.type = 'holdpoint.review.decided'), 'pending') AS verdict,
       min(e.reason) FILTER (WHERE e.type = 'holdpoint.review.decided')                AS reason,
       array_agg(DISTINCT e.reviewer) FILTER (WHERE e.type = 'holdpoint.review.voted') AS reviewers,
       min(e.principal)                                                                AS principal,
       min(e.service)                                                                  AS service,
       min(e.operation)                                                                AS operation,
       array_agg(DISTINCT e.operation_id) FILTER (WHERE e.operation_id IS NOT NULL)    AS operation_ids
FROM audit.entries e
WHERE e.review_id IS NOT NULL
GROUP BY e.review_id;

CREATE VIEW audit.denials AS
SELECT e.time, e.operation_id, e.session_id, e.principal, e.role_arn, e.service, e.operation, e.region, e.decision,
       e.code, e.reason, e.policy, e.statement, e.status, e.source_ip, e.user_agent, e.index
FROM audit.entries e
WHERE e.type IN ('holdpoint.operation.refused', 'holdpoint.session.refused');

-- What was touched, or would have been: one row per entry and resource. Opens each entry: ask for a time, an operation
-- or a principal.
CREATE VIEW audit.resources AS
SELECT e.time, e.operation_id, e.session_id, e.principal, e.service, e.operation, e.decision, r AS resource, e.index
FROM audit.entries e
CROSS JOIN LATERAL jsonb_array_elements_text(audit.list(e.bytes, 'resources')) AS r
WHERE e.type IN ('holdpoint.operation.intended', 'holdpoint.operation.refused', 'holdpoint.operation.parked');

-- What was masked: one row per class, rule and place of a completed operation. `path` names members ("*" where a name
-- may be more than a name, ":headers" for the answer's head), NULL where there are none and for entries from before
-- names were looked at. How often, per class:
--   SELECT class, sum(count) FROM audit.findings WHERE operation_id = '…' GROUP BY class
CREATE VIEW audit.findings AS
SELECT e.time, e.operation_id, e.session_id, o.principal, o.service, o.operation, f ->> 'class' AS class,
       f ->> 'rule' AS rule, f ->> 'path' AS path,
       CASE WHEN f ->> 'count' ~ '^[0-9]{1,18}$' THEN (f ->> 'count')::bigint END AS count, e.index
FROM audit.entries e
LEFT JOIN audit.entries o ON o.operation_id = e.operation_id AND o.type = 'holdpoint.operation.intended'
CROSS JOIN LATERAL jsonb_array_elements(audit.list(e.bytes, 'findings')) AS f
WHERE e.type = 'holdpoint.operation.completed' AND e.findings > 0;

-- What was found and left as it was, since a statement's Unmask says so: which statement, and until when it does.
CREATE VIEW audit.unmasked AS
SELECT e.time, e.operation_id, e.session_id, o.principal, o.service, o.operation, f ->> 'class' AS class,
       f ->> 'rule' AS rule, f ->> 'path' AS path,
       CASE WHEN f ->> 'count' ~ '^[0-9]{1,18}$' THEN (f ->> 'count')::bigint END AS count,
       f ->> 'policy' AS policy, f ->> 'statement' AS statement, f ->> 'until' AS until, e.index
FROM audit.entries e
LEFT JOIN audit.entries o ON o.operation_id = e.operation_id AND o.type = 'holdpoint.operation.intended'
CROSS JOIN LATERAL jsonb_array_elements(audit.list(e.bytes, 'unmasked')) AS f
WHERE e.type = 'holdpoint.operation.completed' AND position('"unmasked":'::bytea IN e.bytes) > 0;

-- How long reviewers took, per reviewer and day. A process of approvals that was killed, or another one for it, records
-- again what it cannot know to be recorded, under the same event id and time: that counts once, here and above.
CREATE VIEW audit.decision_times AS
SELECT v.reviewer, date_trunc('day', v.time) AS day, count(*) AS votes,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM v.time - r.time)) AS median_s,
       max(extract(epoch FROM v.time - r.time))                                         AS longest_s
FROM (SELECT DISTINCT review_id, reviewer, verdict, time FROM audit.entries WHERE type = 'holdpoint.review.voted') v
JOIN (SELECT review_id, min(time) AS time FROM audit.entries WHERE type = 'holdpoint.review.requested'
      GROUP BY review_id) r ON r.review_id = v.review_id
GROUP BY v.reviewer, date_trunc('day', v.time);

-- The log as it is, for verification.
CREATE VIEW audit.log AS SELECT * FROM audit.entries;
CREATE VIEW audit.log_nodes AS SELECT * FROM audit.nodes;
CREATE VIEW audit.log_sources AS SELECT * FROM audit.sources;
CREATE VIEW audit.log_checkpoints AS SELECT * FROM audit.checkpoints;
CREATE VIEW audit.log_quarantine AS SELECT * FROM audit.quarantine;
CREATE VIEW audit.log_dropped AS SELECT * FROM audit.dropped;
CREATE VIEW audit.log_dropped_leaves AS SELECT * FROM audit.dropped_leaves;

GRANT SELECT ON audit.operations, audit.sessions, audit.reviews, audit.denials, audit.findings, audit.unmasked, audit.resources,
  audit.decision_times,
  audit.log, audit.log_nodes, audit.log_sources, audit.log_checkpoints, audit.log_quarantine, audit.log_dropped,
  audit.log_dropped_leaves TO holdpoint_reader, holdpoint_writer;
GRANT EXECUTE ON FUNCTION audit.event(bytea), audit.event_text(bytea), audit.list(bytea, text)
  TO holdpoint_reader, holdpoint_writer;
