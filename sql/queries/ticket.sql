-- What changes a ticket after it was opened. Called by lib/desk/ticket.c and lib/desk/clocks.c.

-- name: ticket_event_add
-- $1 ticket or null, $2 message or null, $3 at, $4 actor, $5 event, $6 reason, $7 detail or null.
INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
VALUES ($1, $2, $3, $4, $5, $6, coalesce($7::jsonb, '{}'));

-- name: ticket_move
-- $1 ticket, $2 status, $3 at, $4 actor, $5 reason, $6 message or null, $7 the date of on_hold or
-- null. The only statement that changes a status: ticket, stage and event together; what was to be
-- done in the old status is dropped, and with the work the questions to colleagues end. Gives the status before and the stage that ended (null: none);
-- no row: no ticket. The lock lets others refer to the ticket meanwhile.
WITH was AS (
	SELECT id, status FROM ticket WHERE id = $1 FOR NO KEY UPDATE
), moved AS (
	UPDATE ticket t
	   SET status = $2, changed_at = greatest(t.changed_at, $3),
	       resolved_at = CASE WHEN $2 = 'resolved' THEN $3
				  WHEN $2 = 'closed' THEN coalesce(t.resolved_at, $3)
				  WHEN $2 IN ('junk', 'merged') THEN t.resolved_at END,
	       closed_at = CASE WHEN $2 = 'closed' THEN $3 END,
	       waiting_on = CASE $2 WHEN 'waiting_customer' THEN 'customer'
				    WHEN 'waiting_supplier' THEN 'supplier'
				    WHEN 'on_hold' THEN 'until' END,
	       waiting_until = CASE WHEN $2 = 'on_hold' THEN $7::timestamptz END,
	       reopened = t.reopened + CASE WHEN was.status IN ('resolved', 'closed')
			AND $2 NOT IN ('resolved', 'closed', 'junk', 'merged') THEN 1 ELSE 0 END
	  FROM was
	 WHERE t.id = was.id AND was.status <> $2
	RETURNING t.id, t.queue, was.status AS was
), redated AS (
	UPDATE ticket t
	   SET waiting_until = $7::timestamptz, changed_at = greatest(t.changed_at, $3)
	  FROM was
	 WHERE t.id = was.id AND was.status = $2 AND $2 = 'on_hold' AND $7::timestamptz IS NOT NULL
	RETURNING t.id
), ended AS (
	UPDATE stage s SET to_at = greatest(s.from_at, $3)
	  FROM moved WHERE s.ticket_id = moved.id AND s.to_at IS NULL
	RETURNING s.id, s.ticket_id, s.queue, s.from_at, s.to_at
), begun AS (
	INSERT INTO stage (ticket_id, status, queue, from_at)
	SELECT m.id, $2, m.queue, coalesce(e.to_at, $3)
	  FROM moved m LEFT JOIN ended e ON e.ticket_id = m.id
), dropped AS (
	DELETE FROM timer USING moved
	 WHERE timer.ticket_id = moved.id
	   AND (timer.status <> $2
		OR timer.kind = 'still_working' AND $2 IN ('resolved', 'closed', 'junk', 'merged'))
), asked AS (
	UPDATE consultation c SET ended_at = $3
	  FROM moved
	 WHERE c.ticket_id = moved.id AND c.ended_at IS NULL
	   AND $2 IN ('resolved', 'closed', 'junk', 'merged')
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT m.id, $6::bigint, $3, $4, CASE WHEN m.was IN ('resolved', 'closed') AND $2 = 'open'
			THEN 'reopened' ELSE 'status' END,
	       $5, jsonb_build_object('from', m.was, 'to', $2::text)
	  FROM moved m
	UNION ALL
	SELECT r.id, $6::bigint, $3, $4, 'wait_until', $5, jsonb_build_object('until', $7::timestamptz)
	  FROM redated r
)
SELECT w.status AS was, e.id AS stage, e.queue, e.from_at, e.to_at,
       EXISTS (SELECT FROM redated) AS is_redated
  FROM was w LEFT JOIN ended e ON e.ticket_id = w.id;

-- name: ticket_change
-- $1 ticket, $2 queue, priority, type or organisation, $3 its new value (null only for type and
-- organisation), $4 at, $5 actor, $6 reason, $7 message or null. Field and event together; a change
-- of queue ends the stage. Gives the value before, whether it is another one now, and the stage that
-- ended (null: none); no row: no ticket.
WITH org_new AS (
	INSERT INTO organisation (name, created_at)
	SELECT $3, $4 WHERE $2 = 'organisation' AND $3::text IS NOT NULL
	ON CONFLICT (name) DO UPDATE SET name = excluded.name
	RETURNING id
), was AS (
	SELECT t.id, t.status,
	       CASE $2 WHEN 'queue' THEN t.queue WHEN 'priority' THEN t.priority WHEN 'type' THEN t.type
		       ELSE (SELECT o.name FROM organisation o WHERE o.id = t.organisation_id) END AS value
	  FROM ticket t WHERE t.id = $1 FOR NO KEY UPDATE OF t
), changed AS (
	UPDATE ticket t
	   SET queue = CASE WHEN $2 = 'queue' THEN $3 ELSE t.queue END,
	       priority = CASE WHEN $2 = 'priority' THEN $3 ELSE t.priority END,
	       type = CASE WHEN $2 = 'type' THEN $3 ELSE t.type END,
	       organisation_id = CASE WHEN $2 = 'organisation' THEN (SELECT id FROM org_new)
				      ELSE t.organisation_id END,
	       changed_at = greatest(t.changed_at, $4)
	  FROM was
	 WHERE t.id = was.id AND was.value IS DISTINCT FROM $3
	RETURNING t.id, was.status, was.value
), ended AS (
	UPDATE stage s SET to_at = greatest(s.from_at, $4)
	  FROM changed WHERE $2 = 'queue' AND s.ticket_id = changed.id AND s.to_at IS NULL
	RETURNING s.id, s.ticket_id, s.status, s.queue, s.from_at, s.to_at
), begun AS (
	INSERT INTO stage (ticket_id, status, queue, from_at)
	SELECT e.ticket_id, e.status, $3, e.to_at FROM ended e
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT c.id, $7::bigint, $4, $5, $2, $6, jsonb_build_object('from', c.value, 'to', $3::text)
	  FROM changed c
)
SELECT w.value AS was, EXISTS (SELECT FROM changed) AS is_changed, e.id AS stage, e.queue, e.from_at,
       e.to_at
  FROM was w LEFT JOIN ended e ON e.ticket_id = w.id;

-- name: ticket_fields_read
-- $1 ticket. Its fields, the customer's subject, and the new words of the first mails of those who may
-- answer for it. After ticket_change, which holds the ticket.
SELECT t.queue, t.type, t.fields, t.missing_fields, t.subject,
       (SELECT string_agg(left(coalesce(nullif(m.reply_text, ''), m.text), 20000), E'\n' ORDER BY m.id)
	  FROM (SELECT m.id, m.reply_text, m.text
		  FROM message m
		 WHERE m.ticket_id = t.id AND m.direction = 'in' AND m.kind = 'normal'
		   AND m.writer IN ('requester', 'participant')
		 ORDER BY m.id LIMIT 10) m) AS words
  FROM ticket t WHERE t.id = $1;

-- name: ticket_fields_set
-- $1 ticket, $2 fields that were found, $3 names of those that are missing now.
UPDATE ticket SET fields = $2::jsonb || fields, missing_fields = $3::text[] WHERE id = $1;

-- name: ticket_responded
-- $1 ticket, $2 at. The first answer by a person. No row: there was one already, or no ticket.
UPDATE ticket SET first_response_at = $2, changed_at = greatest(changed_at, $2)
 WHERE id = $1 AND first_response_at IS NULL
RETURNING id;

-- name: ticket_clock_read
-- $1 ticket. What its clocks depend on, stages from the oldest in arrays of one length (to: null for
-- the one that lasts), times in microseconds. Locks the ticket.
SELECT t.queue, t.type, t.priority, t.sla, o.name AS organisation, t.status, t.opened_at,
       t.first_response_at, t.resolved_at, t.closed_at, t.waiting_until, t.due_respond, t.due_resolve, t.clocked_at,
       t.is_silent,
       (SELECT string_agg(s.status || ' ' || (extract(epoch FROM s.from_at) * 1000000)::bigint || ' '
			|| coalesce((extract(epoch FROM s.to_at) * 1000000)::bigint::text, '-'),
			E'\n' ORDER BY s.id)
	  FROM stage s WHERE s.ticket_id = t.id) AS stages
  FROM ticket t LEFT JOIN organisation o ON o.id = t.organisation_id
 WHERE t.id = $1
   FOR NO KEY UPDATE OF t;

-- name: ticket_clock_set
-- $1 ticket, $2 due_respond, $3 due_resolve, $4 paused_at, $5 at, $6 kinds of its timers, $7 the
-- status each is bound to ('': none), $8 when each is due (microseconds), $9 actor, $10 event or null,
-- $11 reason, $12 detail, $13 message or null, $14 stage that ended or null, $15 its open seconds. A
-- timer whose kind stands in the history has done its work and is not set again; sla timers that are
-- not named are dropped; reminders that are set stay as they are.
WITH clocked AS (
	UPDATE ticket
	   SET due_respond = $2, due_resolve = $3, paused_at = $4, clocked_at = $5
	 WHERE id = $1
), counted AS (
	UPDATE stage SET business_seconds = $15 WHERE id = $14
), dropped AS (
	DELETE FROM timer
	 WHERE ticket_id = $1 AND starts_with(kind, 'sla_') AND kind <> ALL ($6::text[])
), put AS (
	INSERT INTO timer (kind, ticket_id, status, due_at)
	SELECT k.kind, $1, nullif(k.status, ''), 'epoch'::timestamptz + k.due * interval '1 microsecond'
	  FROM unnest($6::text[], $7::text[], $8::bigint[]) AS k (kind, status, due)
	 WHERE NOT EXISTS (SELECT FROM event e WHERE e.ticket_id = $1 AND e.event = k.kind)
	    OR NOT starts_with(k.kind, 'sla_')
	ON CONFLICT (kind, (coalesce(ticket_id, 0)), key) DO UPDATE
	   SET due_at = excluded.due_at, status = excluded.status, attempts = 0, error = NULL
	 WHERE starts_with(timer.kind, 'sla_') OR timer.kind IN ('wait_until', 'close_after')
	RETURNING id
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT $1, $13::bigint, $5, $9, $10, $11, $12::jsonb WHERE $10::text IS NOT NULL
)
SELECT pg_notify('luukku_work', 'timer') WHERE EXISTS (SELECT FROM put);

-- name: ticket_touch
-- $1 ticket, $2 at. A message was added.
UPDATE ticket SET changed_at = greatest(changed_at, $2) WHERE id = $1;

-- name: ticket_link
-- $1 ticket, $2 other, $3 relation, $4 reason, $5 at.
INSERT INTO ticket_link (ticket_id, other_id, relation, reason, created_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;
