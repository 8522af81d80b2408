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

-- name: timer_hurry
-- $1 now, $2 later than that none of these is set, but by a clock that was wrong, or after it failed.
UPDATE timer SET due_at = $1
 WHERE kind IN ('delivery_failed', 'survey_answer', 'breaker-digest') AND due_at > $2 AND attempts = 0;

-- name: timer_begin_sooner
-- $1 kind, $2 key, $3 due. A timer of no ticket, unless it is set to be due sooner.
INSERT INTO timer (kind, key, due_at) VALUES ($1, $2, $3)
ON CONFLICT (kind, (coalesce(ticket_id, 0)), key) DO UPDATE SET due_at = least(timer.due_at, excluded.due_at);

-- name: timer_look
-- $1 ticket. Whom its reminders concern and what they were told. told_at: when the last mail to the
-- requester went, or was written where it has not gone yet (is_mail_waiting); is_unreached: their last
-- reminder did not arrive; answered_at: the last words of a person to anybody outside; n_still: how often
-- they were told since that work goes on. A mail that wants no automatic answer, or failed dmarc, forbids
-- them. A target that stands still promises nothing.
SELECT t.status, t.subject, t.supplier, t.answer_by, t.waiting_until,
       CASE WHEN t.paused_at IS NULL THEN t.due_respond END AS due_respond,
       CASE WHEN t.paused_at IS NULL THEN t.due_resolve END AS due_resolve, t.first_response_at, t.language, p.address AS requester, p.name AS requester_name,
       p.suppressed_until, coalesce(p.standing = 'blocked', false) AS is_blocked,
       coalesce(first.parsed ->> 'suppress_reply' = 'true' OR first.parsed -> 'auth' ->> 'dmarc' = 'fail',
		false) AS is_unanswerable,
       coalesce(p.language, o.language, first.language) IS NULL AS is_language_unknown,
       coalesce((SELECT s.from_at FROM stage s WHERE s.ticket_id = t.id AND s.to_at IS NULL),
		t.opened_at) AS since,
       told.at AS told_at, coalesce(told.is_waiting, false) AS is_mail_waiting, words.at AS answered_at,
       coalesce((SELECT b.state IN ('failed', 'suppressed') FROM outbox b
		  WHERE b.ticket_id = t.id AND b.template = 'customer-reminder' AND b.state <> 'cancelled'
		  ORDER BY b.id DESC LIMIT 1), false) AS is_unreached,
       (SELECT count(*) FROM outbox b
	 WHERE b.ticket_id = t.id AND b.template = 'still-working'
	   AND b.created_at > coalesce(words.at, t.opened_at)) AS n_still
  FROM ticket t
  LEFT JOIN person p ON p.id = t.requester_id
  LEFT JOIN organisation o ON o.id = t.organisation_id
  LEFT JOIN LATERAL (
	SELECT m.parsed, m.language FROM message m
	 WHERE m.ticket_id = t.id AND m.direction = 'in' ORDER BY m.id LIMIT 1) AS first ON true
  LEFT JOIN LATERAL (
	SELECT max(coalesce(b.sent_at, b.created_at)) AS at,
	       bool_or(b.state IN ('queued', 'retry', 'uncertain', 'sending')) AS is_waiting FROM outbox b
	 WHERE b.ticket_id = t.id AND b.purpose = 'customer' AND b.recipient_hash = p.address_hash
	   AND b.state NOT IN ('held', 'suppressed', 'cancelled', 'failed')) AS told ON true
  LEFT JOIN LATERAL (
	SELECT max(m.at) AS at FROM message m
	 WHERE m.ticket_id = t.id AND m.direction = 'out' AND m.writer IN ('agent', 'manager')
	   AND NOT EXISTS (SELECT FROM outbox b WHERE b.ticket_id = t.id AND b.message_id = m.id
			AND b.purpose <> 'customer')) AS words ON true
 WHERE t.id = $1;

-- name: timer_supplier
-- $1 ticket. The last mail of an agent to a supplier and when they were reminded of it last; no row:
-- none went out.
SELECT o.recipient, o.recipient_name, o.language, o.created_at AS at,
       (SELECT max(r.created_at) FROM outbox r
	 WHERE r.ticket_id = o.ticket_id AND r.template = 'supplier-reminder'
	   AND r.created_at >= o.created_at) AS reminded_at
  FROM outbox o
 WHERE o.ticket_id = $1 AND o.purpose = 'supplier' AND o.template = 'supplier'
   AND o.state NOT IN ('held', 'suppressed', 'cancelled', 'failed')
 ORDER BY o.id DESC LIMIT 1;

-- name: timer_unread
-- $1 ticket, $2 mailboxes of the configuration, $3 a visit before this is long ago. Has one that mail of the
-- ticket came by not been read since?
SELECT EXISTS (SELECT FROM message m JOIN arrival a ON a.message_id = m.id JOIN mailbox b ON b.name = a.mailbox
		WHERE m.ticket_id = $1 AND m.direction = 'in' AND b.name = ANY ($2::text[])
		  AND b.last_ok_at < $3) AS is_unread;

-- name: timer_failure
-- $1 outbox row, $2 ticket. A mail that did not arrive; was_told: somebody was told before.
SELECT o.recipient, o.reason, o.state,
       EXISTS (SELECT FROM event e WHERE e.ticket_id = $2 AND e.event = 'failure_told'
		AND e.detail ->> 'outbox' = $1::bigint::text) AS was_told
  FROM outbox o WHERE o.id = $1;

-- name: timer_held
-- $1 since. What the breaker held since, by queue, template and the recipient's domain, the most first.
SELECT queue, template, split_part(recipient, '@', 2) AS domain, count(*) AS n,
       count(DISTINCT recipient_hash) AS people, min(ticket_id) AS ticket, min(reason) AS reason,
       sum(count(*)) OVER () AS total
  FROM outbox
 WHERE state = 'held' AND created_at >= $1
 GROUP BY 1, 2, 3
 ORDER BY n DESC, 1, 2, 3 LIMIT 30;

-- name: timer_unhandled
-- $1 queue, $2 not after, $3 not after. Open tickets whose customer waits for a word since $2, or that
-- nobody of the team has touched since $3. since: from when on.
SELECT t.id, t.priority, t.owner, coalesce(t.title, t.subject) AS subject,
       greatest(asked.at, team.at) AS since, team.at IS NULL OR team.at < asked.at AS is_asked
  FROM ticket t
  LEFT JOIN stage s ON s.ticket_id = t.id AND s.to_at IS NULL
 CROSS JOIN LATERAL (
	SELECT greatest(t.opened_at, s.from_at, max(m.at)) AS at FROM message m
	 WHERE m.ticket_id = t.id AND m.direction = 'in' AND m.kind = 'normal'
	   AND m.writer IN ('requester', 'participant')) AS asked
 CROSS JOIN LATERAL (
	SELECT max(e.at) AS at FROM event e
	 WHERE e.ticket_id = t.id AND e.actor ~ '^(agent|cli):') AS team
 WHERE t.queue = $1 AND t.status IN ('new', 'open') AND NOT t.is_silent
   AND (asked.at <= $2 AND (team.at IS NULL OR team.at < asked.at) OR team.at <= $3)
 ORDER BY array_position(ARRAY['urgent', 'high', 'normal', 'low'], t.priority), since, t.id
 LIMIT 1000;

-- name: timer_answers
-- $1 queue, $2 since. Tickets opened since and when a person first answered them, the newest first.
SELECT t.opened_at, t.first_response_at
  FROM ticket t
 WHERE t.opened_at >= $2 AND t.queue = $1 AND t.first_response_at IS NOT NULL
   AND NOT t.is_machine AND NOT t.is_silent
 ORDER BY t.opened_at DESC
 LIMIT 5000;

-- name: timer_pace
-- $1 queue, $2 open seconds or null (nothing is known), $3 of so many tickets, $4 now.
WITH gone AS (
	DELETE FROM queue_pace WHERE queue = $1 AND $2::bigint IS NULL
)
INSERT INTO queue_pace (queue, respond_s, tickets, at)
SELECT $1, $2, $3, $4 WHERE $2::bigint IS NOT NULL
ON CONFLICT (queue) DO UPDATE SET respond_s = excluded.respond_s, tickets = excluded.tickets, at = excluded.at;

-- name: timer_unclocked
-- $1 at most. Open tickets whose due times nobody has worked out.
SELECT id FROM ticket
 WHERE clocked_at IS NULL AND status NOT IN ('resolved', 'closed', 'junk', 'merged')
 ORDER BY id
 LIMIT $1
   FOR NO KEY UPDATE SKIP LOCKED;

-- name: timer_absence
-- $1 absence. As long as it holds.
SELECT agent, deputy, first_day::text AS first_day, last_day::text AS last_day
  FROM absence WHERE id = $1 AND ended_at IS NULL AND deputy IS NOT NULL;

-- name: timer_left_open
-- $1 who is away, $2 queues that the deputy sees, $3 now, $4 at most. Their open tickets, most urgent first.
SELECT t.id, coalesce(t.title, t.subject) AS title, t.queue, t.status, t.priority, u.due_at,
       t.queue = ANY ($2::text[]) AS is_seen, coalesce(nullif(p.name, ''), p.address) AS requester
  FROM ticket t JOIN ticket_urgency u ON u.ticket_id = t.id LEFT JOIN person p ON p.id = t.requester_id
 WHERE t.owner = $1 AND u.is_open
 ORDER BY urgency(u, $3), t.id
 LIMIT $4;

-- name: timer_levels
-- By which service levels and calendars due times were worked out; no row: it was never noted.
SELECT value FROM setting WHERE name = 'service_levels';

-- name: timer_levels_note
-- $1 their fingerprint.
INSERT INTO setting (name, value) VALUES ('service_levels', $1)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: timer_open
-- All open tickets, after a change of service levels or calendars.
SELECT id FROM ticket WHERE status NOT IN ('resolved', 'closed', 'junk', 'merged') ORDER BY id;
