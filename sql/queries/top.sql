-- The desk live, and a trial beside another desk. Called by daemon/ctl-top.c and daemon/ctl-report-trial.c,
-- as luukku_ctl.

-- name: top_queues
-- $1 now. What is open in each queue.
SELECT t.queue, count(*) AS n_open, count(*) FILTER (WHERE t.owner IS NULL) AS n_free,
       count(*) FILTER (WHERE t.priority = 'urgent') AS n_urgent,
       count(*) FILTER (WHERE u.due_at < $1) AS n_breached, min(t.opened_at) AS oldest_at
  FROM ticket t JOIN ticket_urgency u ON u.ticket_id = t.id
 WHERE t.status NOT IN ('resolved', 'closed', 'junk', 'merged')
 GROUP BY t.queue
 ORDER BY t.queue;

-- name: top_outbox
-- Mails out that are not at their end, by state.
SELECT state, count(*) AS n, min(created_at) AS oldest_at
  FROM outbox
 WHERE state IN ('queued', 'retry', 'uncertain', 'sending', 'failed', 'held')
 GROUP BY state
 ORDER BY state;

-- name: top_decided
-- $1 at most. What was decided last, and why, the newest first.
SELECT at, ticket_id AS ticket, actor, event, reason FROM event ORDER BY id DESC LIMIT $1;

-- name: trial_mails
-- $1 from, $2 to. Mails that came, by what became of them.
SELECT outcome, count(*) AS n FROM arrival WHERE received_at >= $1 AND received_at < $2 GROUP BY outcome ORDER BY outcome;

-- name: trial_out
-- $1 from, $2 to. What would have been sent, by template: how many mails to how many people, and how many of
-- them stayed (held or suppressed) all the same.
SELECT template, purpose, count(*) AS n, count(DISTINCT recipient_hash) AS people,
       count(*) FILTER (WHERE state IN ('held', 'suppressed', 'cancelled')) AS n_stayed,
       count(*) FILTER (WHERE state = 'sent') AS n_sent
  FROM outbox WHERE created_at >= $1 AND created_at < $2
 GROUP BY 1, 2
 ORDER BY n DESC, 1;

-- name: trial_answers
-- $1 from, $2 to. The first answer that a person gave to each ticket opened in that time, as the folder of
-- sent mail shows it: by whom it went out, and where luukku had put the ticket.
SELECT t.id AS ticket, t.queue, t.owner, t.opened_at, a.at, a.from_address, a.mailbox
  FROM ticket t
 CROSS JOIN LATERAL (
	SELECT m.at, m.from_address, r.mailbox
	  FROM message m JOIN arrival r ON r.message_id = m.id
	 WHERE m.ticket_id = t.id AND m.direction = 'out' AND m.writer IN ('agent', 'manager')
	 ORDER BY m.id LIMIT 1) a
 WHERE t.opened_at >= $1 AND t.opened_at < $2
 ORDER BY t.id;

-- name: trial_tickets
-- $1 from, $2 to. Tickets opened, and those of them that rules or people thought to be nobody's business.
SELECT count(*) AS n, count(*) FILTER (WHERE status = 'junk') AS n_junk
  FROM ticket WHERE opened_at >= $1 AND opened_at < $2;

-- name: trial_threads
-- $1 from, $2 to. Mails that name one we know as the one they answer: how many are on its ticket. A mail that
-- an agent took off it, or that followed a merge, counts as there.
WITH known AS (
	SELECT DISTINCT ON (x.message_id) x.message_id, x.ticket_id, x.id
	  FROM message x
	 WHERE x.ticket_id IS NOT NULL AND x.message_id IS NOT NULL AND x.at >= $1::timestamptz - interval '90 days'
	 ORDER BY x.message_id, x.id
), answer AS (
	SELECT m.id, m.ticket_id IS NOT DISTINCT FROM k.ticket_id
		     OR m.ticket_id IS NOT DISTINCT FROM t.merged_into AS is_there
	  FROM message m JOIN known k ON k.message_id = m.in_reply_to AND k.id <> m.id JOIN ticket t ON t.id = k.ticket_id
	 WHERE m.at >= $1 AND m.at < $2 AND m.direction = 'in' AND m.kind = 'normal'
)
SELECT count(*) AS n, count(*) FILTER (WHERE is_there) AS n_there,
       (array_agg(id::text ORDER BY id) FILTER (WHERE NOT is_there))[1:20] AS others
  FROM answer;

-- name: trial_quarantine
-- $1 from, $2 to. Mails in the quarantine, and those of them that a person answered: they were somebody's matter.
SELECT count(*) AS n, count(*) FILTER (WHERE EXISTS (
		SELECT FROM message a WHERE a.in_reply_to = m.message_id AND a.direction = 'out'
		   AND a.writer IN ('agent', 'manager') AND a.at >= m.at)) AS n_answered
  FROM quarantine q JOIN message m ON m.id = q.message_id
 WHERE q.at >= $1 AND q.at < $2;

-- name: trial_refs
-- $1 messages. Their tickets and Message-IDs, for people to look at.
SELECT id, ticket_id AS ticket, message_id, subject FROM message WHERE id = ANY ($1::bigint[]) ORDER BY id;
