-- Who gets a new ticket, and what fills its fields. Called by lib/desk/assign.c and
-- lib/desk/ingest-fields.c, in the intake's transaction.

-- name: assign_lock
-- $1 queue. Whose ticket was the last; holds the queue's turn until the transaction ends.
INSERT INTO turn (queue) VALUES ($1)
ON CONFLICT (queue) DO UPDATE SET queue = excluded.queue
RETURNING last;

-- name: assign_peek
-- $1 queue. The same for explain, which changes nothing.
SELECT last FROM turn WHERE queue = $1;

-- name: assign_loads
-- $1 agents. Their open tickets; who has none is missing.
SELECT owner, count(*) AS n
  FROM ticket
 WHERE owner = ANY ($1::text[]) AND status NOT IN ('resolved', 'closed', 'junk', 'merged')
 GROUP BY owner;

-- name: assign_took
-- $1 queue, $2 agent.
UPDATE turn SET last = $2, assigned = assigned + 1 WHERE queue = $1;

-- name: field_missing
-- $1 ticket. What an answer may fill; no row when nothing is missing.
SELECT queue, type, fields, missing_fields
  FROM ticket WHERE id = $1 AND missing_fields <> '{}'
   FOR NO KEY UPDATE;

-- name: field_peek
-- $1 ticket. The same for explain, which locks nothing.
SELECT queue, type, fields, missing_fields FROM ticket WHERE id = $1 AND missing_fields <> '{}';

-- name: field_filled
-- $1 ticket, $2 fields that an answer fills, $3 at.
UPDATE ticket
   SET fields = fields || $2::jsonb,
       missing_fields = ARRAY(SELECT m.name FROM unnest(missing_fields) WITH ORDINALITY AS m (name, n)
			       WHERE NOT $2::jsonb ? m.name ORDER BY m.n),
       changed_at = greatest(changed_at, $3)
 WHERE id = $1;
