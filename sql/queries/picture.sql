-- The picture of the day: what digests are made of. Called by lib/desk/picture*.c, as luukku_sched.

-- name: picture_tickets
-- $1 queues, $2 start of today, $3 now. Their open tickets, the most urgent first. told_at: the last mail to
-- the customer; reminded_at: the supplier's last reminder since we wrote to it; is_back: it waited for a
-- day until today; is_not_in_order: a survey said so since it was resolved last.
SELECT t.id, t.queue, t.status, t.priority, t.type, t.owner, coalesce(t.title, t.subject) AS subject,
       t.language, t.opened_at, t.chased, t.waiting_until, t.supplier, t.is_machine, t.is_silent, t.token_epoch::bigint AS epoch, u.due_at,
       coalesce(p.name, p.address) AS requester, coalesce(p.standing = 'vip', false) AS is_vip,
       CASE WHEN t.status <> 'waiting_customer' THEN (
	SELECT max(b.created_at) FROM outbox b
	 WHERE b.ticket_id = t.id AND b.purpose = 'customer'
	   AND b.state NOT IN ('held', 'suppressed', 'cancelled', 'failed')) END AS told_at,
       CASE WHEN t.status = 'waiting_supplier' THEN (
	SELECT max(r.created_at) FROM outbox r
	 WHERE r.ticket_id = t.id AND r.template = 'supplier-reminder'
	   AND r.created_at >= (SELECT max(s.created_at) FROM outbox s
				 WHERE s.ticket_id = t.id AND s.template = 'supplier')) END AS reminded_at,
       EXISTS (SELECT FROM stage s WHERE s.ticket_id = t.id AND s.status = 'on_hold' AND s.to_at >= $2) AS is_back,
       t.reopened > 0 AND EXISTS (
	SELECT FROM survey v WHERE v.ticket_id = t.id AND v.outcome IN ('no', 'low')
	   AND v.answered_at >= coalesce((SELECT max(g.from_at) FROM stage g
			WHERE g.ticket_id = t.id AND g.status = 'resolved'), t.opened_at)) AS is_not_in_order
  FROM ticket t
  JOIN ticket_urgency u ON u.ticket_id = t.id
  LEFT JOIN person p ON p.id = t.requester_id
 WHERE t.queue = ANY ($1::text[]) AND t.status NOT IN ('resolved', 'closed', 'junk', 'merged')
 ORDER BY urgency(u, $3), t.id
 LIMIT 20000;

-- name: picture_epochs
-- $1 queues. Agents whose addresses of an open ticket were revoked: later ones have this epoch.
SELECT a.ticket_id AS ticket, a.agent, a.epoch::bigint AS epoch
  FROM agent_token a JOIN ticket t ON t.id = a.ticket_id
 WHERE t.queue = ANY ($1::text[]) AND t.status NOT IN ('resolved', 'closed', 'junk', 'merged');

-- name: picture_flow
-- $1 queues, $2 starts of days and the end of the last one. Per queue and day what came in and what was
-- resolved.
WITH came AS (
	SELECT queue, width_bucket(opened_at, $2::text[]::timestamptz[])::bigint AS n, count(*) AS n_in
	  FROM ticket
	 WHERE opened_at >= ($2::text[])[1]::timestamptz
	   AND opened_at < ($2::text[])[cardinality($2::text[])]::timestamptz
	   AND queue = ANY ($1::text[]) AND status <> 'junk'
	 GROUP BY 1, 2
), went AS (
	SELECT queue, width_bucket(resolved_at, $2::text[]::timestamptz[])::bigint AS n, count(*) AS n_out
	  FROM ticket
	 WHERE resolved_at >= ($2::text[])[1]::timestamptz
	   AND resolved_at < ($2::text[])[cardinality($2::text[])]::timestamptz
	   AND queue = ANY ($1::text[])
	 GROUP BY 1, 2
)
SELECT queue, n AS day, coalesce(n_in, 0) AS n_in, coalesce(n_out, 0) AS n_out
  FROM came FULL JOIN went USING (queue, n)
 ORDER BY 1, 2;

-- name: picture_stuck
-- $1 queues, $2 since. Mails out that are held, did not arrive or may not have, the newest first; of those
-- that failed or were never sent only the newer ones. reason: of one that may have arrived what the server
-- said last, as its own is why it was written.
SELECT o.id, o.queue, o.ticket_id AS ticket, o.state, o.template, o.recipient, o.created_at AS at,
       CASE o.state WHEN 'uncertain' THEN coalesce(o.last_reply, o.reason) ELSE o.reason END AS reason
  FROM outbox o
 WHERE o.queue = ANY ($1::text[])
   AND (o.state = 'held' OR o.created_at >= $2)
   AND o.state IN ('failed', 'held', 'suppressed', 'uncertain')
 ORDER BY array_position(ARRAY['held', 'failed', 'uncertain', 'suppressed'], o.state), o.id DESC
 LIMIT 500;

-- name: picture_quarantine
-- What nobody has decided on, the newest first. queue: of the rules that looked at it; null: they did not.
SELECT q.id, q.mailbox, q.reason, q.detail, q.at, m.from_address, m.subject,
       (SELECT a.explain ->> 'queue' FROM arrival a WHERE a.message_id = m.id ORDER BY a.id LIMIT 1) AS queue,
       (SELECT string_agg(x ->> 'address', ' ')
	  FROM jsonb_array_elements(m.recipients_to || m.recipients_cc) x) AS recipients
  FROM quarantine q JOIN message m ON m.id = q.message_id
 WHERE q.state = 'held'
 ORDER BY q.id DESC
 LIMIT 500;

-- name: picture_unacknowledged
-- $1 queues, $2 since. Tickets of people whose opening nobody was told of, and why.
SELECT t.id AS ticket, t.queue, coalesce(t.title, t.subject) AS subject, t.opened_at AS at, e.reason
  FROM ticket t JOIN event e ON e.ticket_id = t.id AND e.event = 'not_acknowledged'
 WHERE t.queue = ANY ($1::text[]) AND t.opened_at >= $2 AND t.status NOT IN ('junk', 'merged')
   AND NOT t.is_machine AND NOT t.is_silent
 ORDER BY t.id DESC
 LIMIT 500;

-- name: picture_held
-- $1 now. Mails of agents that wait for their writer.
SELECT h.id, h.agent, h.kind, h.reason, h.at, h.expires_at, t.queue, h.ticket_id AS ticket
  FROM held_command h LEFT JOIN ticket t ON t.id = h.ticket_id
 WHERE h.state = 'held' AND h.kind <> 'refused' AND h.expires_at > $1
 ORDER BY h.id DESC
 LIMIT 200;

-- name: picture_mailboxes
-- $1 a visit before this is long ago, $2 since. Mailboxes in trouble: with an error, not visited for long, or
-- with mails that the mail server could not be told about.
SELECT m.name, m.error, m.last_ok_at, coalesce(m.last_ok_at < $1, false) AS is_unvisited,
       (SELECT count(*) FROM arrival a
	 WHERE a.mailbox = m.name AND a.server = 'failed' AND a.fetched_at >= $2) AS not_told
  FROM mailbox m
 WHERE m.error IS NOT NULL OR m.last_ok_at < $1
    OR EXISTS (SELECT FROM arrival a
		WHERE a.mailbox = m.name AND a.server = 'failed' AND a.fetched_at >= $2)
 ORDER BY m.name;

-- name: picture_sending
-- Since when the oldest mail waits that should have gone; null: none does. $1 now.
SELECT min(due_at) AS at FROM outbox WHERE state IN ('queued', 'retry', 'uncertain') AND due_at <= $1;

-- name: picture_starts
-- $1 day. Absences that begin on it: whom the deputies stand in for from now on.
SELECT DISTINCT ON (agent) agent, deputy, last_day::text AS last_day
  FROM absence
 WHERE first_day = $1::text::date AND ended_at IS NULL
 ORDER BY agent, id DESC;

-- name: picture_lists
-- List-Ids that most of the newest mails of a mailbox carry, of those that no digest has named yet.
SELECT x.mailbox, x.list_id, x.n, x.total
  FROM (SELECT b.mailbox, b.list_id, count(*) AS n, b.total
	  FROM (SELECT a.mailbox, count(*) OVER (PARTITION BY a.mailbox) AS total,
		       lower(substring(substring(m.header_block FROM '(?in)^List-Id:[^\n]*') FROM '<([^<>]+)>')) AS list_id
		  FROM mailbox k
		 CROSS JOIN LATERAL (SELECT mailbox, message_id FROM arrival
				      WHERE mailbox = k.name AND message_id IS NOT NULL
				      ORDER BY id DESC LIMIT 100) a
		  JOIN message m ON m.id = a.message_id) b
	 WHERE b.list_id IS NOT NULL
	 GROUP BY b.mailbox, b.list_id, b.total) x
 WHERE x.n * 2 > x.total AND x.total >= 5
   AND NOT EXISTS (SELECT FROM setting s WHERE s.name = left('list_told ' || x.mailbox, 100))
 ORDER BY 1;

-- name: picture_list_told
-- $1 mailbox, $2 List-Id. One digest named it.
INSERT INTO setting (name, value) VALUES (left('list_told ' || $1::text, 100), $2) ON CONFLICT DO NOTHING;

-- name: picture_new_incidents
-- $1 changed after this. Urgent incidents that the incident managers have not heard of, locked.
SELECT t.id, t.queue
  FROM ticket t
 WHERE t.type = 'incident' AND t.priority = 'urgent' AND t.incident_told_at IS NULL
   AND t.status NOT IN ('resolved', 'closed', 'junk', 'merged')
   AND t.changed_at >= $1 AND NOT t.is_silent
 ORDER BY t.id
 LIMIT 50
   FOR NO KEY UPDATE SKIP LOCKED;

-- name: picture_incidents_told
-- $1 tickets, $2 now.
UPDATE ticket SET incident_told_at = $2 WHERE id = ANY ($1::bigint[]);

-- name: picture_action_add
-- $1 agent, $2 kind, $3 queue, $4 target or null, $5 words, $6 at, $7 expires at. Gives id.
INSERT INTO action (agent, kind, queue, target, words, at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id;

-- name: picture_actions_drop
-- $1 what was over by then goes.
DELETE FROM action WHERE expires_at < $1;
