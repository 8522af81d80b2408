-- One mail from arrival to its outcome. Called by lib/desk/ingest*.c, in the caller's transaction.

-- name: ingest_lock
-- $1 key. Two intakes of one mail in two mailboxes take turns; held until the commit. A statement
-- of its own, so that the next one sees what the other intake has committed.
SELECT pg_advisory_xact_lock($1) IS NULL AS waited;

-- name: ingest_look
-- $1 mailbox, $2 folder, $3 uidvalidity, $4 uid, $5 content hash or null, $6 BLAKE2b-128 of the
-- sender's folded address or null. What is known of the mail and its sender; always one row.
SELECT a.id AS arrival, a.outcome, a.reason, a.message_id AS arrival_message,
       a.ticket_id AS arrival_ticket,
       m.id AS same_message, m.ticket_id AS same_ticket,
       (SELECT f.mailbox FROM arrival f WHERE f.message_id = m.id ORDER BY f.id LIMIT 1) AS same_mailbox,
       p.id AS person, p.standing, p.language AS person_language, p.suppressed_until, p.suppressed_reason,
       o.name AS organisation, o.language AS organisation_language, p.organisation_set
  FROM (SELECT 1) AS one
  LEFT JOIN arrival a ON a.mailbox = $1 AND a.folder = $2 AND a.uidvalidity = $3 AND a.uid = $4
  LEFT JOIN message m ON m.content_hash = $5
  LEFT JOIN person p ON p.address_hash = $6
  LEFT JOIN organisation o ON o.id = p.organisation_id;

-- name: ingest_machine_repeat
-- $1 BLAKE2b-128 of the sender's folded address, $2 subject hash. The open ticket of that machine
-- with that subject.
SELECT t.id AS ticket
  FROM ticket t JOIN person p ON p.id = t.requester_id
 WHERE p.address_hash = $1 AND t.is_machine AND t.subject_hash = $2
   AND t.status NOT IN ('resolved', 'closed', 'junk', 'merged')
 ORDER BY t.id DESC LIMIT 1;

-- name: ingest_ticket
-- $1 queue, $2 type, $3 priority, $4 language, $5 subject, $6 subject hash, $7 opened_at,
-- $8 is_machine, $9 is_silent, $10 tags; requester: $11 hash or null, $12 address, $13 name;
-- organisation: $14 name or null, $15 language, $16 sla; copied people:
-- $17 hashes, $18 addresses, $19 names; $20 actor; by rules: $21 owner, $22 title, $23 fields,
-- $24 skill, $25 sla, $26 supplier; $27 required fields that are missing. Gives ticket.
WITH org_known AS (
	SELECT id FROM organisation WHERE name = $14
), org_new AS (
	INSERT INTO organisation (name, language, sla, created_at)
	SELECT $14, $15, $16, $7 WHERE $14::text IS NOT NULL AND NOT EXISTS (SELECT FROM org_known)
	ON CONFLICT (name) DO UPDATE SET name = excluded.name
	RETURNING id
), org AS (
	SELECT id FROM org_known UNION ALL SELECT id FROM org_new
), given AS (
	SELECT $11::bytea AS hash, $12::text AS address, $13::text AS name, 'requester' AS role
	 WHERE $11::bytea IS NOT NULL
	UNION ALL
	SELECT hash, address, name, 'cc'
	  FROM unnest($17::bytea[], $18::text[], $19::text[]) AS c (hash, address, name)
), known AS (
	SELECT p.id, p.address_hash, p.organisation_id
	  FROM person p JOIN given g ON g.hash = p.address_hash
), fresh AS (
	INSERT INTO person (address_hash, address, name, organisation_id, created_at)
	SELECT g.hash, g.address, g.name,
	       CASE WHEN g.role = 'requester' THEN (SELECT id FROM org) END, $7
	  FROM given g
	 WHERE NOT EXISTS (SELECT FROM known k WHERE k.address_hash = g.hash)
	 ORDER BY g.hash
	ON CONFLICT (address_hash) DO UPDATE SET address = person.address
	RETURNING id, address_hash, organisation_id
), people AS (
	SELECT id, address_hash, organisation_id FROM known
	UNION ALL
	SELECT id, address_hash, organisation_id FROM fresh
), filled AS (
	UPDATE person p
	   SET name = coalesce(p.name, $13),
	       organisation_id = CASE WHEN p.organisation_set THEN p.organisation_id
				      ELSE coalesce(org.id, p.organisation_id) END
	  FROM known k LEFT JOIN org ON true
	 WHERE p.id = k.id AND k.address_hash = $11
	   AND (p.name IS NULL AND $13::text IS NOT NULL
		OR NOT p.organisation_set AND p.organisation_id IS DISTINCT FROM org.id
		   AND org.id IS NOT NULL)
), opened AS (
	INSERT INTO ticket (queue, type, priority, language, subject, subject_hash, opened_at, is_machine,
		is_silent, tags, requester_id, organisation_id, changed_at, owner, title, fields, skill,
		sla, supplier, missing_fields)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text[], r.id,
	       coalesce((SELECT id FROM org), r.organisation_id), $7, $21, $22, $23::jsonb, $24, $25, $26,
	       $27::text[]
	  FROM (SELECT 1) AS one LEFT JOIN people r ON r.address_hash = $11
	RETURNING id
), staged AS (
	INSERT INTO stage (ticket_id, status, queue, from_at) SELECT id, 'new', $1, $7 FROM opened
), taking AS (
	INSERT INTO participant (ticket_id, person_id, role, added_by, added_at)
	SELECT o.id, p.id, g.role, $20, $7
	  FROM opened o CROSS JOIN given g JOIN people p ON p.address_hash = g.hash
)
SELECT id AS ticket FROM opened;

-- name: ingest_ticket_now
-- $1 ticket. What rules for replies look at, and who hears of the mail; also: queues that a mail on it
-- named beside its own.
SELECT t.queue, t.type, t.priority, t.owner, t.subject, t.language, t.is_machine,
       t.is_silent AND t.first_response_at IS NULL AS is_unheard,
       p.address AS requester, p.name AS requester_name,
       ARRAY(SELECT e.detail->>'queue' FROM event e
	      WHERE e.ticket_id = t.id AND e.event = 'also_addressed' AND e.detail ? 'queue') AS also
  FROM ticket t LEFT JOIN person p ON p.id = t.requester_id WHERE t.id = $1;

-- name: ingest_set
-- What rules set on a ticket that a mail joined. $1 ticket, $2 tags to add, $3 fields, $4 owner,
-- $5 title, $6 skill, $7 sla, $8 supplier, $9 language, $10 at; null: stays.
UPDATE ticket t
   SET tags = t.tags || ARRAY(SELECT g.tag FROM unnest($2::text[]) WITH ORDINALITY AS g (tag, n)
		WHERE g.tag <> ALL (t.tags) ORDER BY g.n),
       fields = t.fields || $3::jsonb,
       missing_fields = ARRAY(SELECT m.name FROM unnest(t.missing_fields) WITH ORDINALITY AS m (name, n)
		WHERE $3::jsonb IS NULL OR NOT $3::jsonb ? m.name ORDER BY m.n),
       owner = coalesce($4, t.owner), title = coalesce($5, t.title),
       skill = coalesce($6, t.skill), sla = coalesce($7, t.sla), supplier = coalesce($8, t.supplier),
       language = coalesce($9, t.language), changed_at = greatest(t.changed_at, $10)
 WHERE t.id = $1;

-- name: ingest_participants
-- $1 ticket, $2 hashes, $3 addresses, $4 names, $5 actor, $6 at. Gives the addresses that are new
-- to the ticket.
WITH given AS (
	SELECT hash, address, name
	  FROM unnest($2::bytea[], $3::text[], $4::text[]) AS c (hash, address, name)
), known AS (
	SELECT p.id, p.address_hash FROM person p JOIN given g ON g.hash = p.address_hash
), fresh AS (
	INSERT INTO person (address_hash, address, name, created_at)
	SELECT g.hash, g.address, g.name, $6 FROM given g
	 WHERE NOT EXISTS (SELECT FROM known k WHERE k.address_hash = g.hash)
	 ORDER BY g.hash
	ON CONFLICT (address_hash) DO UPDATE SET address = person.address
	RETURNING id, address_hash
), people AS (
	SELECT id, address_hash FROM known UNION ALL SELECT id, address_hash FROM fresh
), added AS (
	INSERT INTO participant (ticket_id, person_id, role, added_by, added_at)
	SELECT $1, id, 'cc', $5, $6 FROM people
	ON CONFLICT DO NOTHING
	RETURNING person_id
)
SELECT g.address FROM added a JOIN people p ON p.id = a.person_id JOIN given g ON g.hash = p.address_hash;

-- name: ingest_store
-- The message and all that hangs on it. $1 ticket or null; message: $2 direction, $3 kind,
-- $4 kind_reason, $5 writer, $6 evidence, $7 evidence_reason, $8 message_id, $9 its hash,
-- $10 content hash, $11 from_name, $12 from_address, $13 to, $14 cc, $15 subject, $16 in_reply_to,
-- $17 refs, $18 written_at, $19 at, $20 text, $21 reply_text, $22 language, $23 importance,
-- $24 header_block, $25 parsed, $26 raw_blob, $27 raw_size; attachments: $28 file names, $29 types,
-- $30 content ids, $31 inline (0 or 1), $32 sizes, $33 blobs; $34 hashes of the ids it names;
-- events: $35 tickets (0: none), $36 events, $37 reasons, $38 details, $39 actors; arrival:
-- $40 mailbox, $41 folder, $42 uidvalidity, $43 uid, $44 fetched_at, $45 outcome, $46 reason,
-- $47 explain, $48 server_action, $49 ticket or null; $50 quarantine reason or null.
-- Gives message and arrival; no row when another intake has stored the same content.
WITH stored AS (
	INSERT INTO message (ticket_id, direction, kind, kind_reason, writer, evidence, evidence_reason,
		message_id, message_id_hash, content_hash, from_name, from_address, recipients_to,
		recipients_cc, subject, in_reply_to, refs, written_at, at, text, reply_text, language,
		importance, header_block, parsed, raw_blob, raw_size)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14::jsonb, $15, $16,
		$17::text[], $18, $19, $20, $21, $22, $23, $24, $25::jsonb, $26, $27)
	ON CONFLICT DO NOTHING
	RETURNING id
), attached AS (
	INSERT INTO attachment (message_id, n, filename, content_type, content_id, is_inline, size, blob_id)
	SELECT s.id, a.n, a.filename, a.content_type, a.content_id, a.is_inline = 1, a.size, a.blob
	  FROM stored s CROSS JOIN unnest($28::text[], $29::text[], $30::text[], $31::bigint[],
			$32::bigint[], $33::bigint[])
		WITH ORDINALITY AS a (filename, content_type, content_id, is_inline, size, blob, n)
), identified AS (
	INSERT INTO identifier (hash, ticket_id, message_id)
	SELECT $9::bytea, $1::bigint, s.id FROM stored s
	 WHERE $9::bytea IS NOT NULL AND $1::bigint IS NOT NULL
	UNION ALL
	SELECT hash, $1, NULL FROM stored CROSS JOIN unnest($34::bytea[]) AS hash WHERE $1::bigint IS NOT NULL
	ON CONFLICT (hash, ticket_id) DO UPDATE
	   SET message_id = coalesce(identifier.message_id, excluded.message_id)
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT nullif(e.ticket, 0), s.id, $19, e.actor, e.event, e.reason, coalesce(e.detail, '{}')::jsonb
	  FROM stored s CROSS JOIN unnest($35::bigint[], $36::text[], $37::text[], $38::text[],
			$39::text[])
		WITH ORDINALITY AS e (ticket, event, reason, detail, actor, n)
	 ORDER BY e.n
), arrived AS (
	INSERT INTO arrival (mailbox, folder, uidvalidity, uid, received_at, fetched_at, message_id_hash,
		message_id, ticket_id, outcome, reason, explain, server, server_action)
	SELECT $40, $41, $42, $43, $19, $44, $9, s.id, $49, $45, $46, $47::jsonb,
	       CASE WHEN $48 = 'keep' THEN 'done' ELSE 'pending' END, $48
	  FROM stored s
	RETURNING id
), held AS (
	INSERT INTO quarantine (message_id, mailbox, reason, detail, at)
	SELECT s.id, $40, $50, $46, $19 FROM stored s WHERE $50::text IS NOT NULL
)
SELECT s.id AS message, a.id AS arrival, pg_notify('luukku_work', 'message')
  FROM stored s CROSS JOIN arrived a;

-- name: ingest_duplicate
-- A known mail came again. $1 mailbox, $2 folder, $3 uidvalidity, $4 uid, $5 received_at,
-- $6 fetched_at, $7 Message-ID hash or null, $8 message, $9 ticket or null, $10 reason, $11 explain,
-- $12 server_action, $13 actor. Gives arrival.
WITH arrived AS (
	INSERT INTO arrival (mailbox, folder, uidvalidity, uid, received_at, fetched_at, message_id_hash,
		message_id, ticket_id, outcome, reason, explain, server, server_action)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'duplicate', $10, $11::jsonb,
		CASE WHEN $12 = 'keep' THEN 'done' ELSE 'pending' END, $12)
	RETURNING id
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT $9, $8, $5, $13, 'duplicate', $10, jsonb_build_object('mailbox', $1::text)
)
SELECT id AS arrival FROM arrived;

-- name: ingest_free
-- $1 BLAKE2b-128 of a folded address. A new mail from it ends its suppression.
UPDATE person SET suppressed_until = NULL, suppressed_reason = NULL WHERE address_hash = $1;

-- name: bounce_sent
-- $1 outbox rows. What a delivery report may be about. Called by lib/desk/bounce.c.
SELECT o.id, o.ticket_id AS ticket, o.recipient, o.state, o.template,
       coalesce(o.sent_at, o.created_at) AS at,
       EXISTS (SELECT FROM delivery d WHERE d.outbox_id = o.id AND d.state = 'delayed') AS was_delayed,
       EXISTS (SELECT FROM delivery d WHERE d.outbox_id = o.id AND d.state = 'bounced') AS was_bounced
  FROM outbox o
 WHERE o.id = ANY ($1::bigint[]);

-- name: bounce_record
-- $1 outbox row, $2 at, $3 bounced or delayed, $4 RFC 3463 status, $5 diagnostic, $6 suppress the
-- recipient until (null: not), $7 reason, $8 is it too large for the recipient's server: then it goes
-- again without its attachments, if it has any and did not go so already. Called by lib/desk/bounce.c.
WITH reported AS (
	INSERT INTO delivery (outbox_id, at, state, status, reply) VALUES ($1, $2, $3, $4, $5)
), bare AS (
	UPDATE outbox
	   SET state = 'queued', due_at = $2, attempts = 0, wire = NULL, form = form || '{"is_bare": true}',
	       claimed_by = NULL, claimed_until = NULL
	 WHERE id = $1 AND $8::boolean AND state = 'sent' AND form ? 'attach' AND NOT form ? 'is_bare'
	   AND EXISTS (SELECT FROM attachment a WHERE a.message_id = (outbox.form ->> 'attach')::bigint)
	RETURNING id, ticket_id, message_id, pg_notify('luukku_outbox', '')
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT ticket_id, message_id, $2, 'sched', 'shrunk',
	       'the recipient''s mail server takes no mail of this size: it goes without its attachments, which it names',
	       jsonb_build_object('outbox', id)
	  FROM bare WHERE ticket_id IS NOT NULL
), failed AS (
	UPDATE outbox SET state = 'failed', reason = $7, wire = NULL, claimed_by = NULL, claimed_until = NULL
	 WHERE id = $1 AND $3 = 'bounced' AND state IN ('sent', 'sending', 'retry', 'uncertain', 'queued')
	   AND NOT EXISTS (SELECT FROM bare)
), shown AS (
	INSERT INTO timer (kind, ticket_id, key, due_at)
	SELECT 'delivery_failed', ticket_id, id::text, $2 FROM outbox
	 WHERE id = $1 AND $3 = 'bounced' AND purpose = 'customer' AND ticket_id IS NOT NULL
	   AND NOT EXISTS (SELECT FROM bare)
	ON CONFLICT DO NOTHING RETURNING pg_notify('luukku_work', 'timer')
), rung AS (
	SELECT count(*) FROM shown
)
UPDATE person p
   SET suppressed_until = greatest(p.suppressed_until, $6), suppressed_reason = $7
  FROM outbox o
 WHERE o.id = $1 AND p.address_hash = o.recipient_hash AND $6::timestamptz IS NOT NULL;

-- name: ingest_sent_known
-- $1 message. A mail that joined its ticket as a guest's from another folder lies in that of sent mail: it
-- is the desk's own answer. No row: it is none such. Called by lib/desk/ingest-sent.c.
UPDATE message SET direction = 'out', writer = 'agent'
 WHERE id = $1 AND ticket_id IS NOT NULL AND direction = 'in' AND writer = 'guest'
RETURNING ticket_id AS ticket;

-- name: ingest_sent_owner
-- $1 ticket, $2 agent. Whoever answered first owns it; no row: it has an owner.
UPDATE ticket SET owner = $2 WHERE id = $1 AND owner IS NULL RETURNING id;

-- name: ingest_sent_adopt
-- $1 ticket, $2 hashes of ids. Mails that people wrote from the mailbox itself about no ticket, and that
-- this ticket answers: its first messages. Gives their numbers.
WITH adopted AS (
	UPDATE message SET ticket_id = $1
	 WHERE message_id_hash = ANY ($2::bytea[]) AND ticket_id IS NULL AND direction = 'out' AND writer = 'agent'
	RETURNING id, message_id_hash
), identified AS (
	INSERT INTO identifier (hash, ticket_id, message_id) SELECT message_id_hash, $1, id FROM adopted
	ON CONFLICT (hash, ticket_id) DO UPDATE SET message_id = coalesce(identifier.message_id, excluded.message_id)
)
SELECT id FROM adopted;

-- name: ingest_supplier_reference
-- $1 ticket, $2 references as the column has them. Those that are new; 50 at most are kept.
UPDATE ticket t
   SET supplier_references = t.supplier_references || ARRAY(
	SELECT g.name FROM unnest($2::text[]) AS g (name) WHERE g.name <> ALL (t.supplier_references))
 WHERE t.id = $1 AND NOT $2::text[] <@ t.supplier_references AND cardinality(t.supplier_references) < 50
RETURNING t.id;

-- name: ingest_answered
-- $1 ticket, $2 folded address, $3 at. The open questions to who answered are over.
UPDATE consultation SET answered_at = $3, ended_at = $3
 WHERE ticket_id = $1 AND address = $2 AND ended_at IS NULL
RETURNING id;

-- name: ingest_askers
-- $1 ticket, $2 folded address of who answers. Who asked what is open; also for explain.
SELECT DISTINCT asked_by FROM consultation
 WHERE ticket_id = $1 AND address = $2 AND ended_at IS NULL ORDER BY asked_by;
