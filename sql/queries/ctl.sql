-- What luukkuctl reads and writes, as role luukku_ctl. Who calls: daemon/ctl-*.c.

-- name: ctl_list
-- Tickets in the order of their urgency. What is related is so both ways. $1 prefix of references; filters, null for any:
-- $2 queue, $3 statuses, $4 owner ('' for none), $5 BLAKE2b-128 of the requester's address,
-- $6 '@domain' of the requester, $7 organisation, $8 tag, $9 opened since; $10 at most; $11 now; for search_tickets:
-- $12 words, $13 the address and $14 the ticket that they are.
SELECT t.id, coalesce(t.title, t.subject) AS subject, t.status, t.queue, t.type, t.priority, t.owner,
	p.name AS requester_name, p.address AS requester_address, o.name AS organisation,
	t.language, t.tags, t.fields, t.opened_at, t.first_response_at, t.resolved_at, t.closed_at,
	t.due_respond, t.due_resolve, t.waiting_on, t.reopened,
	(SELECT jsonb_agg(jsonb_build_object('ref', $1::text || '-' || l.other_id,
			'relation', l.relation) ORDER BY l.created_at, l.other_id)
		FROM (SELECT other_id, relation, created_at FROM ticket_link WHERE ticket_id = t.id
			UNION ALL
			SELECT b.ticket_id, b.relation, b.created_at FROM ticket_link b
			WHERE b.other_id = t.id AND b.relation = 'related'
				AND NOT EXISTS (SELECT FROM ticket_link c WHERE c.ticket_id = t.id
					AND c.other_id = b.ticket_id AND c.relation = 'related')) l) AS links
FROM ticket t
JOIN ticket_urgency u ON u.ticket_id = t.id
LEFT JOIN person p ON p.id = t.requester_id
LEFT JOIN organisation o ON o.id = t.organisation_id
WHERE ($2::text IS NULL OR t.queue = $2)
	AND ($3::text[] IS NULL OR t.status = ANY ($3))
	AND ($4::text IS NULL OR coalesce(t.owner, '') = $4)
	AND ($5::bytea IS NULL OR t.requester_id = (SELECT id FROM person WHERE address_hash = $5))
	AND ($6::text IS NULL OR right(lower(p.address), length($6)) = $6)
	AND ($7::text IS NULL OR lower(o.name) = lower($7))
	AND ($8::text IS NULL OR $8 = ANY (t.tags))
	AND ($12::text IS NULL OR t.id IN (SELECT f.id FROM search_tickets($12, $13, $14) AS f (id)))
	AND ($9::timestamptz IS NULL OR t.opened_at >= $9)
ORDER BY urgency(u, $11), t.id
LIMIT $10;

-- name: ctl_ticket
-- One ticket for show. $1 prefix of references, $2 ticket.
SELECT t.id, coalesce(t.title, t.subject) AS subject, t.status, t.queue, t.type, t.priority, t.owner,
	p.name AS requester_name, p.address AS requester_address, o.name AS organisation,
	t.language, t.tags, t.fields, t.opened_at, t.first_response_at, t.resolved_at, t.closed_at,
	t.due_respond, t.due_resolve, t.waiting_on, t.reopened, t.resolution, t.chased, t.missing_fields,
	(SELECT jsonb_agg(jsonb_build_object('ref', $1::text || '-' || l.other_id,
			'relation', l.relation) ORDER BY l.created_at, l.other_id)
		FROM (SELECT other_id, relation, created_at FROM ticket_link WHERE ticket_id = t.id
			UNION ALL
			SELECT b.ticket_id, b.relation, b.created_at FROM ticket_link b
			WHERE b.other_id = t.id AND b.relation = 'related'
				AND NOT EXISTS (SELECT FROM ticket_link c WHERE c.ticket_id = t.id
					AND c.other_id = b.ticket_id AND c.relation = 'related')) l) AS links
FROM ticket t
LEFT JOIN person p ON p.id = t.requester_id
LEFT JOIN organisation o ON o.id = t.organisation_id
WHERE t.id = $2;

-- name: ctl_participants
-- $1 ticket.
SELECT p.name, p.address, c.role
FROM participant c JOIN person p ON p.id = c.person_id
WHERE c.ticket_id = $1
ORDER BY c.role DESC, c.added_at, p.id;

-- name: ctl_messages
-- $1 ticket.
SELECT id, direction, kind, writer, from_name, from_address, recipients_to, recipients_cc, subject,
	message_id, at, text, reply_text, evidence, evidence_reason
FROM message
WHERE ticket_id = $1
ORDER BY id;

-- name: ctl_attachments
-- All attachments of a ticket, numbered through. $1 ticket.
SELECT row_number() OVER (ORDER BY a.message_id, a.n) AS n, a.message_id, a.filename, a.content_type,
	a.size, a.is_inline, a.blob_id
FROM attachment a JOIN message m ON m.id = a.message_id
WHERE m.ticket_id = $1
ORDER BY a.message_id, a.n;

-- name: ctl_deliveries
-- The mails out of a ticket with the newest answer about each. $1 ticket.
SELECT x.id, x.message_id, x.recipient, x.template, x.state, x.reason, x.due_at,
	coalesce(d.status, x.last_code::text) AS status, coalesce(d.at, x.sent_at, x.created_at) AS at
FROM outbox x
LEFT JOIN LATERAL (SELECT at, status FROM delivery WHERE outbox_id = x.id
	ORDER BY id DESC LIMIT 1) d ON true
WHERE x.ticket_id = $1
ORDER BY x.id;

-- name: ctl_events
-- $1 ticket.
SELECT at, actor, event, reason, detail
FROM event
WHERE ticket_id = $1
ORDER BY id;

-- name: ctl_stages
-- $1 ticket.
SELECT status, queue, from_at, to_at, business_seconds
FROM stage
WHERE ticket_id = $1
ORDER BY id;

-- name: ctl_trace_arrivals
-- Where a mail came in, and what became of it. $1 BLAKE2b-128 of the Message-ID.
SELECT a.mailbox, a.folder, a.uid, a.fetched_at, a.message_id, coalesce(m.ticket_id, a.ticket_id) AS ticket_id,
	a.outcome, a.reason, a.explain, a.server, a.server_error
FROM arrival a LEFT JOIN message m ON m.id = a.message_id
WHERE a.message_id_hash = $1
ORDER BY a.id;

-- name: ctl_trace_caused
-- Mails that a message caused. $1 ids of messages.
SELECT id, recipient, header_message_id, state, coalesce(sent_at, created_at) AS at, template, reason
FROM outbox
WHERE cause_id = ANY ($1::bigint[])
ORDER BY id;

-- name: ctl_trace_own
-- A mail of ours. $1 id of the outbox row that its Message-ID names.
SELECT id, ticket_id, recipient, header_message_id, state, coalesce(sent_at, created_at) AS at, template, reason
FROM outbox
WHERE id = $1;

-- name: ctl_status_mailboxes
-- All mailboxes ever polled, and who polls them now; what the mail server was not told and what was not
-- read whole, both since $1.
SELECT m.name, l.host, m.last_ok_at, m.lag_seconds, m.waiting, m.error, m.error_at,
	l.expires_at > clock_timestamp() AS is_leased,
	coalesce(f.n, 0) AS not_told, f.newest AS not_told_why,
	(SELECT count(DISTINCT t.id)
		FROM ticket t JOIN message x ON x.ticket_id = t.id JOIN arrival a ON a.message_id = x.id
		WHERE t.opened_at >= $1::timestamptz AND 'too_large' = ANY (t.tags) AND a.mailbox = m.name) AS too_large
FROM mailbox m LEFT JOIN lease l ON l.mailbox = m.name
LEFT JOIN LATERAL (SELECT count(*) AS n, (array_agg(server_error ORDER BY id DESC))[1] AS newest
	FROM arrival WHERE mailbox = m.name AND server = 'failed' AND fetched_at >= $1::timestamptz) f ON true
ORDER BY m.name;

-- name: ctl_status_counts
-- $1 now.
SELECT (SELECT count(*) FROM outbox WHERE state IN ('queued', 'retry', 'uncertain', 'sending', 'held')) AS waiting,
	(SELECT count(*) FROM outbox WHERE state = 'failed') AS failed,
	(SELECT extract(epoch FROM $1::timestamptz - min(created_at))::bigint FROM outbox
		WHERE state IN ('queued', 'retry', 'uncertain', 'sending', 'held')) AS oldest_seconds,
	(SELECT count(*) FROM quarantine WHERE state = 'held') AS quarantine,
	(SELECT count(*) FROM timer) AS timers,
	(SELECT count(*) FROM timer WHERE due_at < $1::timestamptz - interval '1 minute') AS timers_late,
	(SELECT count(*) FROM timer WHERE attempts > 0) AS timers_failing,
	(SELECT count(*) FROM ticket WHERE status NOT IN ('resolved', 'closed', 'junk', 'merged')) AS open;

-- name: ctl_outbox_list
-- Mails that wait, have failed or are held; with $1 all of them. $2 at most.
SELECT id, ticket_id, template, recipient, state, reason, created_at, due_at, attempts, last_code, last_reply
FROM outbox
WHERE $1::boolean OR state IN ('queued', 'retry', 'uncertain', 'sending', 'failed', 'held')
ORDER BY id DESC
LIMIT $2;

-- name: ctl_outbox_show
-- $1 outbox id.
SELECT x.id, x.ticket_id, x.template, x.purpose, x.queue, x.language, x.recipient, x.recipient_name, x.header_message_id,
	x.state, x.reason, x.created_at, x.due_at, x.attempts, x.claimed_by, x.envelope_from, x.sent_at,
	x.last_code, x.last_reply, x.wire, m.subject, m.text
FROM outbox x LEFT JOIN message m ON m.id = x.message_id
WHERE x.id = $1;

-- name: ctl_outbox_attempts
-- $1 outbox id.
SELECT at, state, code, status, reply
FROM delivery
WHERE outbox_id = $1
ORDER BY id;

-- name: ctl_quarantine_list
-- Mails that are held; with $1 those already decided on too. $2 at most.
SELECT q.id, q.mailbox, q.reason, q.detail, q.at, q.state, q.decided_at, q.decided_by,
	m.from_name, m.from_address, m.subject, m.message_id, m.ticket_id
FROM quarantine q JOIN message m ON m.id = q.message_id
WHERE $1::boolean OR q.state = 'held'
ORDER BY q.id DESC
LIMIT $2;

-- name: ctl_quarantine_show
-- $1 quarantine id.
SELECT q.id, q.message_id AS message, q.mailbox, q.reason, q.detail, q.at, q.state, q.decided_at, q.decided_by,
	m.from_name, m.from_address, m.recipients_to, m.recipients_cc, m.subject, m.message_id, m.ticket_id, m.kind,
	m.kind_reason, m.text
FROM quarantine q JOIN message m ON m.id = q.message_id
WHERE q.id = $1;

-- name: ctl_key_in_use
-- $1 when the next key began to sign, $2 prefix of references. Tickets not closed that were mailed before, the
-- first of them as references. Called by `key retire`.
SELECT count(*) AS n,
       array_to_string((array_agg($2::text || '-' || t.id ORDER BY t.id))[1:5], ', ') AS refs
  FROM ticket t
 WHERE t.status NOT IN ('closed', 'junk', 'merged')
   AND EXISTS (SELECT FROM outbox o WHERE o.ticket_id = t.id AND o.created_at < $1);
