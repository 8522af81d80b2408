-- What changes a ticket after it was opened. Called by lib/desk/ticket.c.

-- name: ticket_event_add
-- $1 ticket or null, $2 message or null, $3 at, $4 actor, $5 event, $6 reason, $7 detail or null.
INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
VALUES ($1, $2, $3, $4, $5, $6, coalesce($7::jsonb, '{}'));

-- name: ticket_move
-- $1 ticket, $2 status, $3 at, $4 actor, $5 reason, $6 message or null. The only statement that
-- changes a status: ticket, stage and event together. Gives the status before; no row: no ticket.
WITH was AS (
	SELECT id, status FROM ticket WHERE id = $1 FOR UPDATE
), moved AS (
	UPDATE ticket t
	   SET status = $2, changed_at = greatest(t.changed_at, $3),
	       resolved_at = CASE WHEN $2 = 'resolved' THEN $3
				  WHEN $2 IN ('closed', 'junk', 'merged') THEN t.resolved_at END,
	       closed_at = CASE WHEN $2 = 'closed' THEN $3 END,
	       waiting_on = CASE $2 WHEN 'waiting_customer' THEN 'customer'
				    WHEN 'waiting_supplier' THEN 'supplier'
				    WHEN 'on_hold' THEN 'until' END,
	       waiting_until = CASE WHEN $2 = 'on_hold' THEN t.waiting_until END,
	       reopened = t.reopened + CASE WHEN was.status IN ('resolved', 'closed')
			AND $2 NOT IN ('resolved', 'closed', 'junk', 'merged') THEN 1 ELSE 0 END
	  FROM was
	 WHERE t.id = was.id AND was.status <> $2
	RETURNING t.id, t.queue, was.status AS was
), ended AS (
	UPDATE stage s SET to_at = greatest(s.from_at, $3)
	  FROM moved WHERE s.ticket_id = moved.id AND s.to_at IS NULL
	RETURNING s.ticket_id, s.to_at
), begun AS (
	INSERT INTO stage (ticket_id, status, queue, from_at)
	SELECT m.id, $2, m.queue, coalesce(e.to_at, $3)
	  FROM moved m LEFT JOIN ended e ON e.ticket_id = m.id
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT m.id, $6::bigint, $3, $4, CASE WHEN m.was IN ('resolved', 'closed') AND $2 = 'open'
			THEN 'reopened' ELSE 'status' END,
	       $5, jsonb_build_object('from', m.was, 'to', $2::text)
	  FROM moved m
)
SELECT status AS was FROM was;

-- name: ticket_touch
-- $1 ticket, $2 at. A message was added.
UPDATE ticket SET changed_at = greatest(changed_at, $2) WHERE id = $1;

-- name: ticket_link
-- $1 ticket, $2 other, $3 relation, $4 reason, $5 at.
INSERT INTO ticket_link (ticket_id, other_id, relation, reason, created_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;
