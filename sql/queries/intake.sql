-- What the intake asks of a sender's other tickets. Called by lib/desk/similar.c, chase.c, own.c,
-- vacation.c, status-list.c and mass-find.c, in the transaction of the mail.

-- name: intake_similar
-- $1 BLAKE2b-128 of the sender's folded address. The sender's open tickets among the newest 200, with
-- what they wrote there first and last, cut.
SELECT t.id AS ticket, t.status, t.queue, t.subject, first.words AS first_words,
       last.words AS last_words, last.at AS last_at
  FROM person p
 CROSS JOIN LATERAL (
	SELECT * FROM (SELECT * FROM ticket WHERE requester_id = p.id ORDER BY id DESC LIMIT 200) AS newest
	 WHERE NOT is_machine AND status NOT IN ('resolved', 'closed', 'junk', 'merged')
	 ORDER BY id DESC LIMIT 20) AS t
  LEFT JOIN LATERAL (
	SELECT left(m.reply_text, 2000) AS words FROM message m
	 WHERE m.ticket_id = t.id AND m.direction = 'in' AND m.writer = 'requester'
	 ORDER BY m.id LIMIT 1) AS first ON true
  LEFT JOIN LATERAL (
	SELECT left(m.reply_text, 2000) AS words, m.at FROM message m
	 WHERE m.ticket_id = t.id AND m.direction = 'in' AND m.writer = 'requester'
	 ORDER BY m.id DESC LIMIT 1) AS last ON true
 WHERE p.address_hash = $1
 ORDER BY t.id DESC;

-- name: intake_alike
-- $1 texts, $2 texts of the same number, all of a few kB. How alike each pair is, in percent.
SELECT round(similarity(a, b) * 100)::bigint AS percent
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS pair (a, b, n)
 ORDER BY n;

-- name: intake_chased
-- $1 ticket. Counts a chase; gives the count and what the customer may be told: no target that stands still.
UPDATE ticket t
   SET chased = t.chased + 1
 WHERE t.id = $1
RETURNING t.chased::bigint AS chased, t.status, t.queue, t.owner, t.subject, t.language, t.supplier,
	t.token_epoch::bigint AS epoch, t.waiting_until, t.first_response_at,
	CASE WHEN t.paused_at IS NULL THEN t.due_respond END AS due_respond,
	CASE WHEN t.paused_at IS NULL THEN t.due_resolve END AS due_resolve,
	coalesce((SELECT s.from_at FROM stage s WHERE s.ticket_id = t.id AND s.to_at IS NULL),
		t.opened_at) AS since;

-- name: intake_chase_supplier
-- $1 ticket, $2 now. The supplier's next reminder is due now, but not twice a day. No row: there is
-- none, or one just went.
UPDATE timer SET due_at = $2, detail = detail || '{"is_forced": true}'
 WHERE ticket_id = $1 AND kind = 'supplier_reminder'
   AND NOT EXISTS (SELECT FROM outbox o
		    WHERE o.ticket_id = $1 AND o.template = 'supplier-reminder'
		      AND o.created_at > $2::timestamptz - interval '1 day')
RETURNING pg_notify('luukku_work', 'timer');

-- name: intake_reminder
-- $1 ticket, $2 BLAKE2b-128 of the sender's folded address. The next reminder of the ticket's
-- requester, if it is they, and unless a vacation moved it already.
SELECT r.due_at
  FROM timer r JOIN ticket t ON t.id = r.ticket_id JOIN person p ON p.id = t.requester_id
 WHERE r.ticket_id = $1 AND r.kind = 'customer_reminder' AND NOT r.detail ? 'moved'
   AND p.address_hash = $2
   FOR UPDATE OF r;

-- name: intake_reminder_move
-- $1 ticket, $2 due.
UPDATE timer SET due_at = $2, detail = detail || '{"moved": true}'
 WHERE ticket_id = $1 AND kind = 'customer_reminder';

-- name: intake_chase_peek
-- $1 ticket. The same as if it had been counted; only reads.
SELECT t.chased::bigint + 1 AS chased, t.status, t.queue, t.owner, t.subject, t.language, t.supplier,
       t.token_epoch::bigint AS epoch, t.waiting_until, t.first_response_at,
       CASE WHEN t.paused_at IS NULL THEN t.due_respond END AS due_respond,
       CASE WHEN t.paused_at IS NULL THEN t.due_resolve END AS due_resolve,
       coalesce((SELECT s.from_at FROM stage s WHERE s.ticket_id = t.id AND s.to_at IS NULL),
		t.opened_at) AS since
  FROM ticket t
 WHERE t.id = $1;

-- name: intake_told
-- $1 ticket, $2 BLAKE2b-128 of a folded address, $3 templates, $4 since. Was such a mail sent there?
SELECT EXISTS (
	SELECT FROM outbox
	 WHERE ticket_id = $1 AND recipient_hash = $2 AND template = ANY ($3::text[]) AND created_at > $4
	   AND state NOT IN ('held', 'suppressed', 'cancelled', 'failed')) AS was_told;

-- name: intake_open
-- $1 BLAKE2b-128 of the sender's folded address. The sender's open tickets among the newest 500. n: how
-- many there are.
SELECT t.id AS ticket, t.status, t.subject, t.opened_at, t.waiting_until, count(*) OVER () AS n
  FROM person p
 CROSS JOIN LATERAL (SELECT * FROM ticket WHERE requester_id = p.id ORDER BY id DESC LIMIT 500) AS t
 WHERE p.address_hash = $1 AND t.status NOT IN ('resolved', 'closed', 'junk', 'merged')
 ORDER BY t.id DESC LIMIT 50;

-- name: intake_joined
-- $1 message. The ticket that it was joined to as a duplicate, as long as it is there.
SELECT m.ticket_id AS ticket, m.at, m.subject, t.token_epoch::bigint AS epoch, m.evidence = 'duplicate' AS is_duplicate
  FROM message m JOIN ticket t ON t.id = m.ticket_id
 WHERE m.id = $1;

-- name: intake_apart
-- $1 message, $2 its ticket. Takes the message off the ticket that it was joined to; no row: it was
-- taken away before.
WITH mine AS (
	SELECT id, message_id_hash FROM message
	 WHERE id = $1 AND ticket_id = $2 AND evidence = 'duplicate' FOR UPDATE
), freed AS (
	UPDATE message SET ticket_id = NULL, evidence = 'none' WHERE id = (SELECT id FROM mine)
), left_behind AS (
	UPDATE identifier i SET message_id = NULL
	  FROM mine m WHERE i.hash = m.message_id_hash AND i.ticket_id = $2
), unchased AS (
	UPDATE ticket SET chased = greatest(chased - 1, 0) WHERE id = $2 AND EXISTS (SELECT FROM mine)
)
SELECT id AS message FROM mine;

-- name: intake_mass_words
-- $1 ticket, $2 queue, $3 opened_at, $4 its words, $5 what is older is no longer of use.
WITH kept AS (
	INSERT INTO ticket_words (ticket_id, queue, opened_at, words) VALUES ($1, $2, $3, $4::text[])
	ON CONFLICT (ticket_id) DO NOTHING
)
DELETE FROM ticket_words WHERE ticket_id IN (
	SELECT ticket_id FROM ticket_words WHERE queue = $2 AND opened_at < $5
	 ORDER BY opened_at LIMIT 20 FOR UPDATE SKIP LOCKED);

-- name: intake_window
-- $1 queue, $2 from, $3 to, $4 a ticket (0: none yet), $5 BLAKE2b-128 of its requester's address. The
-- queue's open tickets of that time by other people, the newest first.
SELECT t.id AS ticket, t.requester_id AS person, t.subject, t.opened_at, w.words,
       coalesce(p.name, p.address) AS customer, coalesce(i.mass_id, 0)::bigint AS mass
  FROM ticket_words w
  JOIN ticket t ON t.id = w.ticket_id
  JOIN person p ON p.id = t.requester_id
  LEFT JOIN mass_ticket i ON i.ticket_id = t.id
 WHERE w.queue = $1 AND w.opened_at BETWEEN $2 AND $3 AND w.ticket_id <> $4 AND t.queue = $1
   AND t.status NOT IN ('resolved', 'closed', 'junk', 'merged') AND p.address_hash <> $5
 ORDER BY w.opened_at DESC, w.ticket_id DESC LIMIT 300;

-- name: intake_usual
-- $1 queue, $2 from, $3 to, $4 at most so many tickets, $5 words. In how many of the queue's tickets
-- of that time each word was; how many there are, and since when.
WITH recent AS MATERIALIZED (
	SELECT opened_at, words FROM ticket_words
	 WHERE queue = $1 AND opened_at >= $2 AND opened_at < $3
	 ORDER BY opened_at DESC LIMIT $4
), counted AS (
	SELECT word, count(*) AS n FROM recent CROSS JOIN unnest(words) AS word
	 WHERE word = ANY ($5::text[]) GROUP BY word
)
SELECT c.word, c.n AS count, a.tickets, a.since
  FROM (SELECT count(*) AS tickets, min(opened_at) AS since FROM recent) AS a LEFT JOIN counted c ON true;

-- name: intake_mass_join
-- $1 possible mass incident, $2 ticket, $3 at.
WITH joined AS (
	INSERT INTO mass_ticket (ticket_id, mass_id) VALUES ($2, $1) ON CONFLICT DO NOTHING
)
UPDATE mass SET last_at = greatest(last_at, $3) WHERE id = $1;

-- name: intake_mass_found
-- $1 queue, $2 at, $3 tickets. A new possible mass incident; no row: one of them is part of one.
WITH made AS (
	INSERT INTO mass (queue, proposed_at, last_at)
	SELECT $1, $2, $2
	 WHERE NOT EXISTS (SELECT FROM mass_ticket WHERE ticket_id = ANY ($3::bigint[]))
	RETURNING id
), members AS (
	INSERT INTO mass_ticket (ticket_id, mass_id)
	SELECT t.id, made.id FROM made CROSS JOIN unnest($3::bigint[]) AS t (id)
)
SELECT id FROM made;

-- name: intake_named
-- $1 a name as a mail program shows it, either way round. Up to two people who have it; rare enough
-- to read all.
SELECT address FROM person
 WHERE name IS NOT NULL
   AND lower(name) IN (lower($1), lower(regexp_replace($1, '^(\S+),? (.+)$', '\2 \1')))
 LIMIT 2;

-- name: intake_promise
-- $1 ticket. When its first answer is due by the service level, and how long those of its queue take
-- lately. Called by lib/desk/ingest-ticket.c.
SELECT t.due_respond, p.respond_s
  FROM ticket t LEFT JOIN queue_pace p ON p.queue = t.queue
 WHERE t.id = $1;
