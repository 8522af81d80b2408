-- Work that becomes due. Called by lib/desk/timer*.c.

-- name: timer_claim
-- $1 now, $2 at most. What is due, the oldest first; the rows are locked, those that another one
-- works on are left out.
SELECT t.id, t.kind, t.ticket_id AS ticket, t.key, t.due_at, t.step, t.detail, t.attempts
  FROM timer t
 WHERE t.due_at <= $1
 ORDER BY t.due_at, t.id
 LIMIT $2
   FOR UPDATE SKIP LOCKED;

-- name: timer_tickets
-- $1 tickets. Those that nobody else is changing just now, locked: waiting for one here could wait
-- for each other.
SELECT t.id, t.queue, t.status, t.type, t.priority, t.owner, coalesce(t.title, t.subject) AS subject,
       t.opened_at, t.first_response_at, t.resolved_at, t.waiting_until, t.due_respond, t.due_resolve,
       t.paused_at, t.changed_at, t.is_machine, t.is_silent
  FROM ticket t
 WHERE t.id = ANY ($1::bigint[])
 ORDER BY t.id
   FOR NO KEY UPDATE SKIP LOCKED;

-- name: timer_done
-- $1 timers.
DELETE FROM timer WHERE id = ANY ($1::bigint[]);

-- name: timer_again
-- $1 timer, $2 due, $3 step, $4 detail or null (as it was).
UPDATE timer SET due_at = $2, step = $3, detail = coalesce($4::jsonb, detail), attempts = 0, error = NULL
 WHERE id = $1;

-- name: timer_failed
-- $1 timer, $2 due, $3 why.
UPDATE timer SET due_at = $2, attempts = attempts + 1, error = $3 WHERE id = $1;

-- name: timer_set
-- $1 kind, $2 ticket or null, $3 key, $4 status or null, $5 due, $6 step, $7 detail. A timer of that
-- kind, ticket and key is set anew.
WITH put AS (
	INSERT INTO timer (kind, ticket_id, key, status, due_at, step, detail)
	VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb)
	ON CONFLICT (kind, (coalesce(ticket_id, 0)), key) DO UPDATE
	   SET status = excluded.status, due_at = excluded.due_at, step = excluded.step,
	       detail = excluded.detail, attempts = 0, error = NULL
	RETURNING id
)
SELECT pg_notify('luukku_work', 'timer') FROM put;

-- name: timer_drop
-- $1 ticket or null, $2 kind, $3 key.
DELETE FROM timer WHERE ticket_id IS NOT DISTINCT FROM $1::bigint AND kind = $2 AND key = $3;

-- name: timer_next
-- When the next one becomes due; null: none.
SELECT min(due_at) AS at FROM timer;

-- name: timer_unclocked
-- $1 at most. Open tickets whose due times nobody has worked out.
SELECT id FROM ticket
 WHERE clocked_at IS NULL AND status NOT IN ('resolved', 'closed', 'junk', 'merged')
 ORDER BY id
 LIMIT $1
   FOR NO KEY UPDATE SKIP LOCKED;
