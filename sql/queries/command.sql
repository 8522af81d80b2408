-- What agents' commands read and change. Called by lib/desk/execute*.c and absence.c, in the
-- caller's transaction, by the intake and by luukkuctl do.

-- name: command_ticket
-- $1 ticket, $2 folded address of the agent or null. The ticket, locked.
SELECT t.id, t.queue, t.status, t.type, t.priority, t.owner, t.title, t.subject, t.tags, t.fields, t.missing_fields,
       t.supplier, t.organisation_id, t.language, t.is_machine, t.is_silent, t.first_response_at, t.resolved_at, t.closed_at,
       t.waiting_until, t.answer_by, t.resolution, t.reopened, t.merged_into, t.requester_id, t.survey_excluded,
       p.address AS requester, p.name AS requester_name, p.language AS requester_language,
       (SELECT o.name FROM organisation o WHERE o.id = t.organisation_id) AS organisation,
       (SELECT max(m.id) FROM message m WHERE m.ticket_id = t.id AND m.direction = 'in' AND m.kind = 'normal'
		AND m.writer IN ('requester', 'participant')) AS customer_message,
       (SELECT max(m.id) FROM message m WHERE m.ticket_id = t.id AND m.direction = 'out'
		AND m.writer IN ('agent', 'manager')) AS answer_message,
       (SELECT array_agg(e.detail ->> 'queue') FROM event e
	 WHERE e.ticket_id = t.id AND e.event = 'also_addressed') AS also,
       EXISTS (SELECT FROM consultation c WHERE c.address = $2 AND c.ticket_id = t.id AND c.ended_at IS NULL) AS is_asked,
       coalesce((SELECT m.parsed -> 'auth' ->> 'dmarc' = 'fail' FROM message m
		  WHERE m.ticket_id = t.id AND m.direction = 'in' ORDER BY m.id LIMIT 1), false) AS is_dmarc_failed
  FROM ticket t LEFT JOIN person p ON p.id = t.requester_id
 WHERE t.id = $1
   FOR NO KEY UPDATE OF t;

-- name: command_ticket_seen
-- $1 ticket, $2 folded address of the agent. What is decided on before anything is done, not locked: for explain.
SELECT t.queue, t.status, t.closed_at, p.address AS requester,
       (SELECT array_agg(e.detail ->> 'queue') FROM event e
	 WHERE e.ticket_id = t.id AND e.event = 'also_addressed') AS also,
       EXISTS (SELECT FROM consultation c WHERE c.address = $2 AND c.ticket_id = t.id AND c.ended_at IS NULL) AS is_asked
  FROM ticket t LEFT JOIN person p ON p.id = t.requester_id
 WHERE t.id = $1;

-- name: command_final
-- $1 ticket. The same with merges followed; no row: there is none.
WITH RECURSIVE chain AS (
	SELECT id, merged_into, 0 AS depth FROM ticket WHERE id = $1
	UNION ALL
	SELECT t.id, t.merged_into, c.depth + 1 FROM chain c JOIN ticket t ON t.id = c.merged_into WHERE c.depth < 20
)
SELECT id FROM chain ORDER BY depth DESC LIMIT 1;

-- name: command_change
-- $1 ticket, $2 what changes as an object, $3 at. Keys are columns; a column that is no key stays.
UPDATE ticket t
   SET owner = CASE WHEN c ? 'owner' THEN c ->> 'owner' ELSE t.owner END,
       title = CASE WHEN c ? 'title' THEN c ->> 'title' ELSE t.title END,
       tags = CASE WHEN c ? 'tags' THEN ARRAY(SELECT jsonb_array_elements_text(c -> 'tags')) ELSE t.tags END,
       fields = CASE WHEN c ? 'fields' THEN c -> 'fields' ELSE t.fields END,
       missing_fields = CASE WHEN c ? 'missing_fields'
		THEN ARRAY(SELECT jsonb_array_elements_text(c -> 'missing_fields')) ELSE t.missing_fields END,
       supplier = CASE WHEN c ? 'supplier' THEN c ->> 'supplier' ELSE t.supplier END,
       requester_id = CASE WHEN c ? 'requester_id' THEN (c ->> 'requester_id')::bigint ELSE t.requester_id END,
       first_response_at = CASE WHEN c ? 'first_response_at' THEN (c ->> 'first_response_at')::timestamptz
		ELSE t.first_response_at END,
       resolved_at = CASE WHEN c ? 'resolved_at' THEN (c ->> 'resolved_at')::timestamptz ELSE t.resolved_at END,
       closed_at = CASE WHEN c ? 'closed_at' THEN (c ->> 'closed_at')::timestamptz ELSE t.closed_at END,
       waiting_until = CASE WHEN c ? 'waiting_until' THEN (c ->> 'waiting_until')::timestamptz ELSE t.waiting_until END,
       answer_by = CASE WHEN c ? 'answer_by' THEN (c ->> 'answer_by')::timestamptz ELSE t.answer_by END,
       resolution = CASE WHEN c ? 'resolution' THEN c ->> 'resolution' ELSE t.resolution END,
       reopened = CASE WHEN c ? 'reopened' THEN (c ->> 'reopened')::integer ELSE t.reopened END,
       merged_into = CASE WHEN c ? 'merged_into' THEN (c ->> 'merged_into')::bigint ELSE t.merged_into END,
       survey_excluded = CASE WHEN c ? 'survey_excluded' THEN c ->> 'survey_excluded' ELSE t.survey_excluded END,
       changed_at = greatest(t.changed_at, $3)
  FROM (SELECT $2::jsonb AS c) AS given
 WHERE t.id = $1;

-- name: command_message
-- A note or an answer that came by no mail. $1 ticket, $2 direction, $3 writer, $4 name, $5 address,
-- $6 to, $7 subject, $8 at, $9 text, $10 language. Gives id.
INSERT INTO message (ticket_id, direction, writer, from_name, from_address, recipients_to, subject, at, written_at,
	text, reply_text, language)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $8, $9, $9, $10)
RETURNING id;

-- name: command_direction
-- $1 message, $2 direction, $3 its words with templates filled in, or null, $4 writer. A stored mail of an agent goes
-- to the customer after all, or stays inside; who was not proven at first is the agent now.
UPDATE message SET direction = $2, reply_text = coalesce($3::text, reply_text), writer = $4
 WHERE id = $1 AND (direction <> $2 OR writer <> $4 OR $3::text IS NOT NULL);

-- name: command_unsaid
-- $1 message. An answer that was taken back before it went is the desk's own note.
UPDATE message SET direction = 'note' WHERE id = $1 AND direction = 'out';

-- name: command_participants
-- $1 ticket. Whom an answer goes to: the requester first.
SELECT p.id, p.address, p.name, c.role
  FROM participant c JOIN person p ON p.id = c.person_id
 WHERE c.ticket_id = $1
 ORDER BY c.role DESC, c.added_at, p.id;

-- name: command_person
-- $1 BLAKE2b-128 of the folded address, $2 address, $3 organisation or null, $4 at. Gives id.
WITH known AS (
	SELECT id FROM person WHERE address_hash = $1
), fresh AS (
	INSERT INTO person (address_hash, address, organisation_id, created_at)
	SELECT $1, $2, (SELECT id FROM organisation WHERE name = $3), $4 WHERE NOT EXISTS (SELECT FROM known)
	ON CONFLICT (address_hash) DO UPDATE SET address = person.address
	RETURNING id
)
SELECT id FROM known UNION ALL SELECT id FROM fresh;

-- name: command_cc_add
-- $1 ticket, $2 person, $3 role, $4 actor, $5 at. Affects no row when they take part already.
INSERT INTO participant (ticket_id, person_id, role, added_by, added_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: command_cc_remove
-- $1 ticket, $2 BLAKE2b-128 of the folded address. The requester stays. Gives person.
DELETE FROM participant c
 USING person p
 WHERE c.ticket_id = $1 AND c.person_id = p.id AND p.address_hash = $2 AND c.role = 'cc'
RETURNING c.person_id AS person;

-- name: command_cc_off
-- $1 ticket, $2 person. Who joined by a merge that is taken back.
DELETE FROM participant WHERE ticket_id = $1 AND person_id = $2 AND role = 'cc';

-- name: command_requester
-- $1 ticket, $2 the new requester. The one before takes no part any more. Gives person.
WITH gone AS (
	DELETE FROM participant WHERE ticket_id = $1 AND (role = 'requester' OR person_id = $2)
	RETURNING person_id, role
), put AS (
	UPDATE ticket SET requester_id = $2 WHERE id = $1
)
SELECT (SELECT person_id FROM gone WHERE role = 'requester') AS person;

-- name: command_organisation
-- $1 name. Gives id and name, whatever the case.
SELECT id, name FROM organisation WHERE lower(name) = lower($1) ORDER BY name <> $1 LIMIT 1;

-- name: command_organisation_names
-- For "did you mean".
SELECT name FROM organisation ORDER BY name LIMIT 5000;

-- name: command_next
-- $1 queues, $2 the agent's skills, $3 their languages ({}: all), $4 now, $5 at most. The most urgent unowned
-- tickets, locked; those that a colleague takes at this moment are passed over.
SELECT t.id
  FROM ticket t JOIN ticket_urgency u ON u.ticket_id = t.id
 WHERE t.owner IS NULL AND t.status IN ('new', 'open') AND t.queue = ANY ($1::text[])
   AND (t.skill IS NULL OR t.skill = ANY ($2::text[]))
   AND ($3::text[] = '{}' OR t.language IS NULL OR t.language = ANY ($3::text[]))
 ORDER BY urgency(u, $4), t.id
 LIMIT $5
   FOR NO KEY UPDATE OF t SKIP LOCKED;

-- name: command_unlink
-- $1 ticket, $2 other, $3 relation.
DELETE FROM ticket_link WHERE ticket_id = $1 AND other_id = $2 AND relation = $3;

-- name: command_has_link
-- $1 ticket, $2 other, $3 relation.
SELECT EXISTS (SELECT FROM ticket_link WHERE ticket_id = $1 AND other_id = $2 AND relation = $3) AS has;

-- name: command_parent
-- $1 ticket. Its parent, if any.
SELECT other_id AS id FROM ticket_link WHERE ticket_id = $1 AND relation = 'parent' LIMIT 1;

-- name: command_is_above
-- Is $1 at or above $2 in the order of parents?
WITH RECURSIVE up AS (
	SELECT $2::bigint AS id, 0 AS depth
	UNION
	SELECT l.other_id, up.depth + 1 FROM up JOIN ticket_link l ON l.ticket_id = up.id AND l.relation = 'parent'
	 WHERE up.depth < 50
)
SELECT EXISTS (SELECT FROM up WHERE id = $1) AS is_above;

-- name: command_children
-- $1 ticket. Its open children and theirs, and those of tickets merged into it, locked by number.
WITH RECURSIVE below AS (
	SELECT $1::bigint AS id, 0 AS depth
	UNION
	SELECT l.ticket_id, b.depth + 1
	  FROM below b JOIN ticket_link l ON l.other_id = b.id AND l.relation IN ('parent', 'merged_into')
	 WHERE b.depth < 50
)
SELECT t.id
  FROM ticket t
 WHERE t.id IN (SELECT id FROM below) AND t.id <> $1 AND t.status NOT IN ('resolved', 'closed', 'junk', 'merged')
 ORDER BY t.id
   FOR NO KEY UPDATE OF t;

-- name: command_ask_again
-- $1 ticket, $2 at. Questions that ended without an answer when the ticket was moved at that time are open again.
UPDATE consultation SET ended_at = NULL WHERE ticket_id = $1 AND ended_at = $2 AND answered_at IS NULL;

-- name: command_ask
-- $1 ticket, $2 address, $3 actor, $4 message, $5 at. Gives id.
INSERT INTO consultation (ticket_id, address, asked_by, message_id, at) VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- name: command_unask
-- $1 consultation, $2 at.
UPDATE consultation SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL;

-- name: command_waiting_mail
-- $1 ticket, $2 templates or null for all to customers. Mails that have not gone, to be cancelled.
SELECT id FROM outbox
 WHERE ticket_id = $1 AND state IN ('queued', 'retry')
   AND CASE WHEN $2::text[] IS NULL THEN purpose = 'customer' ELSE template = ANY ($2) END
 ORDER BY id
   FOR UPDATE;

-- name: command_mail
-- $1 outbox rows, locked in order. What became of each.
SELECT id, ticket_id, recipient, template, state FROM outbox WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE;

-- name: command_cancel_mail
-- $1 outbox rows, $2 reason. Those that have not gone; gives them.
UPDATE outbox SET state = 'cancelled', reason = $2, wire = NULL, claimed_by = NULL, claimed_until = NULL
 WHERE id = ANY ($1::bigint[]) AND state IN ('queued', 'retry', 'held')
RETURNING id, ticket_id, recipient, template;

-- name: command_run_add
-- $1 at, $2 actor, $3 message or null, $4 tickets, $5 steps. Gives id.
INSERT INTO command_run (at, actor, message_id, tickets, steps) VALUES ($1, $2, $3, $4, $5::jsonb) RETURNING id;

-- name: command_run_last
-- $1 actor, $2 not before, $3 ticket or null for any. The last run that stands, locked.
SELECT id, at, tickets::text[] AS tickets, steps
  FROM command_run
 WHERE actor = $1 AND at >= $2 AND undone_at IS NULL AND ($3::bigint IS NULL OR $3 = ANY (tickets))
 ORDER BY id DESC LIMIT 1
   FOR UPDATE;

-- name: command_run_undone
-- $1 run, $2 at, $3 actor.
UPDATE command_run SET undone_at = $2, undone_by = $3 WHERE id = $1;

-- name: command_split_message
-- $1 ticket, $2 message or null for the customer's newest. What is split off; is_opening: its first mail.
SELECT m.id, m.from_address, m.from_name, m.subject, m.at, m.language, m.message_id_hash,
       m.id = (SELECT min(f.id) FROM message f WHERE f.ticket_id = $1 AND f.direction = 'in') AS is_opening
  FROM message m
 WHERE m.ticket_id = $1 AND m.direction = 'in' AND m.kind = 'normal' AND ($2::bigint IS NULL OR m.id = $2)
 ORDER BY m.id DESC LIMIT 1;

-- name: command_split_open
-- $1 ticket it comes from, $2 queue, $3 subject, $4 subject hash, $5 opened_at, $6 requester or null, $7 actor,
-- $8 language or null. Gives id.
WITH opened AS (
	INSERT INTO ticket (queue, type, priority, language, subject, subject_hash, opened_at, requester_id,
		organisation_id, changed_at)
	SELECT $2, t.type, t.priority, coalesce($8, t.language), $3, $4, $5, coalesce($6, t.requester_id),
	       t.organisation_id, $5
	  FROM ticket t WHERE t.id = $1
	RETURNING id, requester_id
), staged AS (
	INSERT INTO stage (ticket_id, status, queue, from_at) SELECT id, 'new', $2, $5 FROM opened
), taking AS (
	INSERT INTO participant (ticket_id, person_id, role, added_by, added_at)
	SELECT id, requester_id, 'requester', $7, $5 FROM opened WHERE requester_id IS NOT NULL
)
SELECT id FROM opened;

-- name: command_split_move
-- $1 message, $2 from ticket, $3 to ticket.
WITH moved AS (
	UPDATE message SET ticket_id = $3 WHERE id = $1 AND ticket_id = $2
), known AS (
	UPDATE identifier SET ticket_id = $3 WHERE message_id = $1 AND ticket_id = $2
)
SELECT $1::bigint AS id;

-- name: command_split_copy
-- $1 message, $2 ticket. The opening mail stays where it is and is on the new ticket too. Gives id.
WITH copy AS (
	INSERT INTO message (ticket_id, direction, kind, kind_reason, writer, evidence, evidence_reason, message_id,
		message_id_hash, from_name, from_address, recipients_to, recipients_cc, subject, in_reply_to, refs,
		written_at, at, text, reply_text, language, importance, header_block, parsed, raw_blob, raw_size)
	SELECT $2, direction, kind, kind_reason, writer, 'none', 'split off', message_id, message_id_hash, from_name,
	       from_address, recipients_to, recipients_cc, subject, in_reply_to, refs, written_at, at, text,
	       reply_text, language, importance, header_block, parsed, raw_blob, raw_size
	  FROM message WHERE id = $1
	RETURNING id
), attached AS (
	INSERT INTO attachment (message_id, n, filename, content_type, content_id, is_inline, size, blob_id)
	SELECT c.id, a.n, a.filename, a.content_type, a.content_id, a.is_inline, a.size, a.blob_id
	  FROM attachment a CROSS JOIN copy c WHERE a.message_id = $1
)
SELECT id FROM copy;

-- name: command_hold
-- $1 message, $2 ticket or null, $3 agent, $4 kind, $5 reason, $6 words, $7 at, $8 expires. Gives id.
INSERT INTO held_command (message_id, ticket_id, agent, kind, reason, words, at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING id;

-- name: command_held
-- $1 number, or null for the agent's last that #send or #drop may decide on, $2 agent, $3 now, $4 ticket or null.
SELECT h.id, h.message_id, h.ticket_id, h.agent, h.kind, h.reason, h.words, h.at, h.expires_at, h.state,
       EXISTS (SELECT FROM attachment a
		WHERE a.message_id = h.message_id AND (NOT a.is_inline OR a.content_type NOT LIKE 'image/%')
		  AND a.content_type NOT IN ('application/pkcs7-signature', 'application/x-pkcs7-signature',
			'application/pgp-signature', 'application/pgp-keys', 'application/ms-tnef',
			'application/vnd.ms-tnef')) AS has_files
  FROM held_command h
 WHERE CASE WHEN $1::bigint IS NOT NULL THEN h.id = $1
	ELSE h.agent = $2 AND h.state = 'held' AND h.kind <> 'unproven' AND h.expires_at > $3
	     AND ($4::bigint IS NULL OR h.ticket_id = $4) END
 ORDER BY h.id DESC LIMIT 1
   FOR UPDATE OF h;

-- name: command_mended
-- $1 outbox rows that are answered, $2 agent, $3 now. The refused mail that one of them was about.
SELECT h.id, h.message_id, h.words, h.at,
       EXISTS (SELECT FROM attachment a JOIN message m ON m.id = a.message_id
		WHERE a.message_id = h.message_id AND m.direction = 'note'
		  AND (NOT a.is_inline OR a.content_type NOT LIKE 'image/%')
		  AND a.content_type NOT IN ('application/pkcs7-signature', 'application/x-pkcs7-signature',
			'application/pgp-signature', 'application/pgp-keys', 'application/ms-tnef',
			'application/vnd.ms-tnef')) AS has_files
  FROM outbox o JOIN held_command h ON h.id = (o.variables ->> 'held')::bigint
 WHERE o.id = ANY ($1::bigint[]) AND o.template = 'command-error' AND h.agent = $2 AND h.state = 'held'
   AND h.kind = 'refused' AND h.expires_at > $3
 ORDER BY o.id DESC LIMIT 1
   FOR UPDATE OF h;

-- name: command_held_decide
-- $1 number, $2 state, $3 at, $4 actor.
UPDATE held_command SET state = $2, decided_at = $3, decided_by = $4 WHERE id = $1;

-- name: command_token_epoch
-- $1 tickets, $2 agent. The epochs of their agent tokens that are above 0.
SELECT ticket_id, epoch FROM agent_token WHERE ticket_id = ANY ($1::bigint[]) AND agent = $2;

-- name: command_token_revoke
-- $1 ticket, $2 agent, $3 at, $4 reason.
INSERT INTO agent_token (ticket_id, agent, epoch, revoked_at, reason) VALUES ($1, $2, 1, $3, $4)
ON CONFLICT (ticket_id, agent) DO UPDATE
   SET epoch = least(agent_token.epoch + 1, 255), revoked_at = excluded.revoked_at, reason = excluded.reason;

-- name: command_absences
-- $1 agents, $2 day. Who is away that day, each once, the latest word counts.
SELECT DISTINCT ON (agent) agent, last_day::text AS last_day, deputy
  FROM absence
 WHERE agent = ANY ($1::text[]) AND ended_at IS NULL AND first_day <= $2::date
   AND (last_day IS NULL OR last_day >= $2::date)
 ORDER BY agent, id DESC;

-- name: command_absence_add
-- $1 agent, $2 first day, $3 last day or null, $4 deputy or null, $5 actor, $6 message or null, $7 at. Gives id.
INSERT INTO absence (agent, first_day, last_day, deputy, added_by, message_id, added_at)
VALUES ($1, $2::text::date, $3::text::date, $4, $5, $6, $7)
RETURNING id;

-- name: command_hand_over
-- $1 kind of the timer, $2 absence, $3 due. Its deputy is to get the list of what is left.
WITH put AS (
	INSERT INTO timer (kind, key, due_at) VALUES ($1, $2::bigint::text, $3)
	ON CONFLICT (kind, (coalesce(ticket_id, 0)), key) DO UPDATE SET due_at = excluded.due_at
	RETURNING id
)
SELECT pg_notify('luukku_work', 'timer') FROM put;

-- name: command_absence_end
-- $1 agent, $2 day, $3 at. All of that agent's that are not over. Gives them.
UPDATE absence SET ended_at = $3
 WHERE agent = $1 AND ended_at IS NULL AND (last_day IS NULL OR last_day >= $2::text::date)
RETURNING id;

-- name: command_absence_back
-- $1 agent, $2 at. A mail of their own: those without a last day are over.
UPDATE absence SET ended_at = $2 WHERE agent = $1 AND ended_at IS NULL AND last_day IS NULL;

-- name: command_absence_undo
-- $1 absence, $2 at, or null to let it hold again.
UPDATE absence SET ended_at = $2 WHERE id = $1;

-- name: command_list
-- $1 queues seen, $2 the agent or null, $3 one queue or null, $4 now, $5 offset, $6 at most, $7 today. Open tickets,
-- most urgent first; those of the agent before those that the agent stands in for, these before the others.
SELECT t.id, coalesce(t.title, t.subject) AS subject, t.status, t.queue, t.priority, t.owner, u.due_at, t.opened_at,
       p.name AS requester_name, p.address AS requester
  FROM ticket t JOIN ticket_urgency u ON u.ticket_id = t.id LEFT JOIN person p ON p.id = t.requester_id
 WHERE u.is_open AND ($3::text IS NULL OR t.queue = $3)
   AND ($1::text[] IS NULL OR t.queue = ANY ($1)
	OR EXISTS (SELECT FROM consultation c WHERE c.address = $2 AND c.ticket_id = t.id AND c.ended_at IS NULL))
 ORDER BY t.owner IS DISTINCT FROM $2,
	NOT EXISTS (SELECT FROM absence a
		     WHERE a.agent = t.owner AND a.deputy = $2 AND a.ended_at IS NULL AND a.first_day <= $7::text::date
		       AND (a.last_day IS NULL OR a.last_day >= $7::text::date)),
	urgency(u, $4), t.id
OFFSET $5 LIMIT $6;

-- name: command_history
-- $1 ticket, $2 offset, $3 at most. The newest first. Scores are not among events that agents see.
SELECT at, actor, event, reason, detail FROM event
 WHERE ticket_id = $1 AND event NOT LIKE 'survey%'
 ORDER BY id DESC
OFFSET $2 LIMIT $3;

-- name: command_search
-- $1 queues seen, $2 the agent or null, $3 words, $4 a customer's address hash or null, $5 ticket or null,
-- $6 offset, $7 at most.
SELECT t.id, coalesce(t.title, t.subject) AS subject, t.status, t.queue, t.priority, t.owner, u.due_at, t.opened_at,
       p.name AS requester_name, p.address AS requester
  FROM search_tickets($3, $4, $5) AS f (id) JOIN ticket t ON t.id = f.id JOIN ticket_urgency u ON u.ticket_id = t.id
  LEFT JOIN person p ON p.id = t.requester_id
 WHERE $1::text[] IS NULL OR t.queue = ANY ($1)
	OR EXISTS (SELECT FROM consultation c WHERE c.address = $2 AND c.ticket_id = t.id AND c.ended_at IS NULL)
 ORDER BY u.is_open DESC, t.id DESC
OFFSET $6 LIMIT $7;

-- name: command_look_up
-- $1 agent. The last look-up.
SELECT query, shown FROM look_up WHERE agent = $1;

-- name: command_look_up_set
-- $1 agent, $2 query, $3 shown, $4 at.
INSERT INTO look_up (agent, query, shown, at) VALUES ($1, $2::jsonb, $3, $4)
ON CONFLICT (agent) DO UPDATE SET query = excluded.query, shown = excluded.shown, at = excluded.at;

-- name: command_answered
-- $1 outbox rows, $2 hashes of Message-IDs, $3 ticket. When the newest mail that is answered was written: what its
-- writer could know. Null: nothing is known of it.
SELECT max(at) AS at FROM (
	SELECT coalesce(sent_at, created_at) AS at FROM outbox WHERE id = ANY ($1::bigint[])
	UNION ALL
	SELECT m.at FROM message m WHERE m.message_id_hash = ANY ($2::bytea[]) AND m.ticket_id = $3
) AS known;

-- name: command_newest
-- $1 ticket, $2 a message that is not meant. The newest words that somebody said to the customer or the customer said.
SELECT coalesce(nullif(m.from_name, ''), m.from_address) AS writer, m.at,
       left(coalesce(nullif(m.reply_text, ''), m.text), 4000) AS words
  FROM message m
 WHERE m.ticket_id = $1 AND m.id <> $2
   AND (m.direction = 'in' AND m.kind = 'normal' AND m.writer IN ('requester', 'participant')
	OR m.direction = 'out' AND m.writer IN ('agent', 'manager'))
 ORDER BY m.id DESC LIMIT 1;

-- name: command_newer
-- $1 ticket, $2 at, $3 agent. What came after it: the customer's newest words, a colleague's newest answer.
SELECT (SELECT max(id) FROM message WHERE ticket_id = $1 AND direction = 'in' AND kind = 'normal'
		AND writer IN ('requester', 'participant') AND at > $2) AS customer,
       (SELECT max(id) FROM message WHERE ticket_id = $1 AND direction = 'out'
		AND writer IN ('agent', 'manager') AND at > $2 AND lower(from_address) <> $3) AS colleague;
