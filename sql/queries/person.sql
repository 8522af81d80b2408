-- Customers and agents at the command line, as role luukku_ctl. Who calls: daemon/ctl-person*.c,
-- daemon/ctl-organisation.c, daemon/ctl-agent.c.

-- name: person_patience
-- For statements that read all mail; until the transaction ends.
SELECT set_config('statement_timeout', '600000', true) AS is_set;

-- name: person_organisations
-- All that are known, with their people and open tickets.
SELECT o.name, o.language, o.sla, o.created_at,
	(SELECT count(*) FROM person p WHERE p.organisation_id = o.id) AS people,
	(SELECT count(*) FROM ticket t WHERE t.organisation_id = o.id
		AND t.status NOT IN ('resolved', 'closed', 'junk', 'merged')) AS open
FROM organisation o
ORDER BY lower(o.name), o.id;

-- name: person_organisations_add
-- $1 names, $2 now. Those that are known stay as they are.
INSERT INTO organisation (name, created_at)
SELECT DISTINCT name, $2::timestamptz FROM unnest($1::text[]) AS name
ON CONFLICT (name) DO NOTHING;

-- name: person_import
-- Lists of one length: $1 address hashes, $2 addresses; with nulls, which leave what is stored: $3 names,
-- $4 organisations, $5 languages, $6 phones; $7 now. Gives how many are new and how many changed.
WITH given AS (
	SELECT g.hash, g.address, g.name, o.id AS organisation, g.language, g.phone
	FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
		AS g (hash, address, name, organisation, language, phone)
	LEFT JOIN organisation o ON o.name = g.organisation
), known AS (
	SELECT p.id, g.* FROM given g JOIN person p ON p.address_hash = g.hash
), changed AS (
	UPDATE person p
	SET name = coalesce(k.name, p.name), language = coalesce(k.language, p.language),
		phone = coalesce(k.phone, p.phone), organisation_id = coalesce(k.organisation, p.organisation_id),
		organisation_set = p.organisation_set OR k.organisation IS NOT NULL
	FROM known k
	WHERE p.id = k.id AND (k.name IS NOT NULL AND p.name IS DISTINCT FROM k.name
		OR k.language IS NOT NULL AND p.language IS DISTINCT FROM k.language
		OR k.phone IS NOT NULL AND p.phone IS DISTINCT FROM k.phone
		OR k.organisation IS NOT NULL AND (p.organisation_id IS DISTINCT FROM k.organisation
			OR NOT p.organisation_set))
	RETURNING p.id
), added AS (
	INSERT INTO person (address_hash, address, name, organisation_id, organisation_set, language, phone, created_at)
	SELECT g.hash, g.address, g.name, g.organisation, g.organisation IS NOT NULL, g.language, g.phone, $7
	FROM given g
	WHERE NOT EXISTS (SELECT FROM known k WHERE k.hash = g.hash)
	ORDER BY g.hash
	ON CONFLICT (address_hash) DO UPDATE
	SET name = coalesce(excluded.name, person.name), language = coalesce(excluded.language, person.language),
		phone = coalesce(excluded.phone, person.phone),
		organisation_id = coalesce(excluded.organisation_id, person.organisation_id),
		organisation_set = person.organisation_set OR excluded.organisation_set
	RETURNING id
)
SELECT (SELECT count(*) FROM added) AS added, (SELECT count(*) FROM changed) AS changed;

-- name: person_show
-- $1 BLAKE2b-128 of the folded address.
SELECT p.id, p.address, p.name, o.name AS organisation, o.language AS organisation_language, p.organisation_set,
	p.language, p.phone, p.standing, p.suppressed_until, p.suppressed_reason, p.created_at,
	(SELECT count(*) FROM ticket t WHERE t.requester_id = p.id) AS tickets,
	(SELECT count(*) FROM ticket t WHERE t.requester_id = p.id
		AND t.status NOT IN ('resolved', 'closed', 'junk', 'merged')) AS open
FROM person p LEFT JOIN organisation o ON o.id = p.organisation_id
WHERE p.address_hash = $1;

-- name: person_set
-- $1 hash, $2 address, $3 standing, $4 now. Gives the standing before; null: the person was not known.
WITH was AS (
	SELECT id, standing FROM person WHERE address_hash = $1 FOR UPDATE
), now AS (
	INSERT INTO person (address_hash, address, standing, created_at)
	SELECT $1, $2, $3, $4 FROM (SELECT count(*) FROM was) AS looked_first
	ON CONFLICT (address_hash) DO UPDATE SET standing = excluded.standing
	RETURNING id
)
SELECT now.id, was.standing AS was FROM now LEFT JOIN was ON was.id = now.id;

-- name: person_unblock
-- $1 hash. Gives what it was.
WITH was AS (
	SELECT id, standing, suppressed_until, suppressed_reason FROM person WHERE address_hash = $1 FOR UPDATE
), now AS (
	UPDATE person p SET suppressed_until = NULL, suppressed_reason = NULL FROM was WHERE p.id = was.id
)
SELECT id, standing, suppressed_until, suppressed_reason FROM was;

-- name: person_lock
-- $1 hash.
SELECT id FROM person WHERE address_hash = $1 FOR UPDATE;

-- name: person_tickets
-- $1 person. The tickets they opened, and those that they take part in.
SELECT id, true AS is_own FROM ticket WHERE requester_id = $1
UNION ALL
SELECT c.ticket_id, false FROM participant c JOIN ticket t ON t.id = c.ticket_id
WHERE c.person_id = $1 AND t.requester_id IS DISTINCT FROM $1
ORDER BY 1;

-- name: person_messages
-- $1 tickets they opened, $2 folded address, $3 hash of it. The messages of those tickets, what the address wrote
-- anywhere and what was mailed to it alone.
SELECT m.id FROM message m WHERE m.ticket_id = ANY ($1::bigint[])
UNION
SELECT m.id FROM message m
WHERE decode(md5(lower(m.from_address)), 'hex') = decode(md5($2), 'hex') AND lower(m.from_address) = $2
UNION
SELECT x.message_id FROM outbox x WHERE x.recipient_hash = $3 AND x.message_id IS NOT NULL
	AND NOT EXISTS (SELECT FROM outbox y WHERE y.message_id = x.message_id AND y.recipient_hash <> x.recipient_hash)
ORDER BY 1;

-- name: person_export_tickets
-- $1 prefix of references, $2 tickets.
SELECT json_build_object('ref', $1::text || '-' || t.id, 'subject', t.subject, 'title', t.title, 'status', t.status,
	'queue', t.queue, 'type', t.type, 'priority', t.priority, 'language', t.language, 'tags', t.tags,
	'fields', t.fields, 'opened_at', to_char(t.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'resolved_at', to_char(t.resolved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'closed_at', to_char(t.closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'resolution', t.resolution, 'requester', p.address) AS json
FROM ticket t LEFT JOIN person p ON p.id = t.requester_id
WHERE t.id = ANY ($2::bigint[])
ORDER BY t.id;

-- name: person_export_messages
-- $1 prefix of references, $2 messages.
SELECT json_build_object('id', m.id, 'ref', $1::text || '-' || m.ticket_id, 'direction', m.direction, 'kind', m.kind,
	'writer', m.writer, 'from', json_build_object('name', m.from_name, 'address', m.from_address),
	'to', m.recipients_to, 'cc', m.recipients_cc, 'subject', m.subject, 'message_id', m.message_id,
	'at', to_char(m.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'language', m.language, 'text', m.text, 'header_block', m.header_block,
	'attachments', (SELECT coalesce(json_agg(json_build_object('n', a.n, 'filename', a.filename,
		'content_type', a.content_type, 'size', a.size) ORDER BY a.n), '[]')
		FROM attachment a WHERE a.message_id = m.id)) AS json
FROM message m
WHERE m.id = ANY ($2::bigint[])
ORDER BY m.id;

-- name: person_export_events
-- $1 prefix of references, $2 tickets, $3 messages.
SELECT json_build_object('ref', $1::text || '-' || e.ticket_id,
	'at', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'actor', e.actor, 'event', e.event, 'reason', e.reason, 'detail', e.detail) AS json
FROM event e
WHERE e.ticket_id = ANY ($2::bigint[]) OR e.message_id = ANY ($3::bigint[])
ORDER BY e.id;

-- name: person_export_mails
-- $1 prefix of references, $2 hash. What was mailed to them.
SELECT json_build_object('id', x.id, 'ref', $1::text || '-' || x.ticket_id, 'template', x.template,
	'recipient', x.recipient, 'state', x.state, 'reason', x.reason,
	'created_at', to_char(x.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'sent_at', to_char(x.sent_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'answer', x.last_reply) AS json
FROM outbox x
WHERE x.recipient_hash = $2
ORDER BY x.id;

-- name: person_erase_person
-- $1 person, $2 hash of the address that stands for them, $3 that address.
UPDATE person
SET address_hash = $2, address = $3, name = NULL, phone = NULL, suppressed_until = NULL, suppressed_reason = NULL
WHERE id = $1;

-- name: person_erase_tickets
-- $1 tickets they opened, $2 hash of the subject that stands there now. What commands on them can be taken back with
-- goes, and held ones are dropped: both hold words and values.
WITH runs AS (
	UPDATE command_run SET steps = '[]' WHERE tickets && $1::bigint[]
), held AS (
	UPDATE held_command SET words = 'erased', state = CASE state WHEN 'held' THEN 'dropped' ELSE state END
	WHERE ticket_id = ANY ($1::bigint[])
), forgotten AS (
	DELETE FROM ticket_words WHERE ticket_id = ANY ($1::bigint[])
)
UPDATE ticket
SET subject = 'erased', title = NULL, subject_hash = $2, resolution = CASE WHEN resolution IS NOT NULL THEN 'erased' END,
	fields = (SELECT coalesce(jsonb_object_agg(key, 'erased'), '{}') FROM jsonb_object_keys(fields) AS key)
WHERE id = ANY ($1::bigint[]);

-- name: person_erase_messages
-- $1 messages, $2 folded address, $3 address that stands for it. Hashes stay, so that a mail that comes again is
-- known.
WITH gone AS (
	DELETE FROM attachment WHERE message_id = ANY ($1::bigint[])
), unindexed AS (
	DELETE FROM message_search WHERE message_id = ANY ($1::bigint[])
), unexplained AS (
	UPDATE arrival SET explain = '{}' WHERE message_id = ANY ($1::bigint[])
), undetailed AS (
	UPDATE quarantine
	SET detail = 'erased', state = CASE state WHEN 'held' THEN 'dropped' ELSE state END
	WHERE message_id = ANY ($1::bigint[])
)
UPDATE message
SET from_name = CASE WHEN lower(from_address) = $2 THEN NULL ELSE from_name END,
	from_address = CASE WHEN lower(from_address) = $2 THEN $3 ELSE from_address END,
	recipients_to = '[]', recipients_cc = '[]', subject = 'erased', text = '', reply_text = '',
	message_id = CASE direction WHEN 'out' THEN message_id END, in_reply_to = NULL, refs = '{}',
	kind_reason = NULL, evidence_reason = NULL, header_block = NULL, parsed = '{}', raw_blob = NULL
WHERE id = ANY ($1::bigint[]);

-- name: person_erase_recipients
-- $1 tickets that they take part in, $2 folded address, $3 address that stands for it. In mails of others.
UPDATE message m
SET recipients_to = (SELECT coalesce(jsonb_agg(CASE WHEN lower(r ->> 'address') = $2
			THEN jsonb_build_object('name', NULL, 'address', $3::text) ELSE r END ORDER BY n), '[]')
		FROM jsonb_array_elements(m.recipients_to) WITH ORDINALITY AS a (r, n)),
	recipients_cc = (SELECT coalesce(jsonb_agg(CASE WHEN lower(r ->> 'address') = $2
			THEN jsonb_build_object('name', NULL, 'address', $3::text) ELSE r END ORDER BY n), '[]')
		FROM jsonb_array_elements(m.recipients_cc) WITH ORDINALITY AS a (r, n))
WHERE m.ticket_id = ANY ($1::bigint[])
	AND EXISTS (SELECT FROM jsonb_array_elements(m.recipients_to || m.recipients_cc) AS r
		WHERE lower(r ->> 'address') = $2);

-- name: person_erase_outbox
-- $1 hash, $2 hash of the address that stands for them, $3 that address, $4 tickets they opened. What waits is not sent.
WITH silent AS (
	UPDATE delivery d SET reply = NULL FROM outbox x WHERE x.id = d.outbox_id AND x.recipient_hash = $1
)
UPDATE outbox
SET recipient = CASE WHEN recipient_hash = $1 THEN $3 ELSE recipient END,
	recipient_name = CASE WHEN recipient_hash = $1 THEN NULL ELSE recipient_name END,
	recipient_hash = CASE WHEN recipient_hash = $1 THEN $2 ELSE recipient_hash END,
	variables = '{}', form = '{}', wire = NULL, last_reply = NULL,
	reason = CASE WHEN state IN ('queued', 'retry', 'uncertain', 'held') THEN 'the person was erased' ELSE reason END,
	state = CASE WHEN state IN ('queued', 'retry', 'uncertain', 'held') THEN 'cancelled' ELSE state END
WHERE recipient_hash = $1 OR ticket_id = ANY ($4::bigint[]);

-- name: person_sending
-- $1 hash, $2 tickets they opened. How many mails are being sent right now.
SELECT count(*) AS n FROM outbox
WHERE state = 'sending' AND (recipient_hash = $1 OR ticket_id = ANY ($2::bigint[]));

-- name: person_erase_events
-- $1 tickets that they opened or take part in, $2 messages, $3 the address as a pattern, $4 address that stands for it,
-- $5 tickets they opened.
WITH parts AS (
	UPDATE participant SET added_by = regexp_replace(added_by, $3, $4, 'gi')
	WHERE ticket_id = ANY ($1::bigint[]) AND added_by ~* $3
), arrivals AS (
	UPDATE arrival SET reason = regexp_replace(reason, $3, $4, 'gi')
	WHERE message_id = ANY ($2::bigint[]) AND reason ~* $3
)
UPDATE event
SET actor = regexp_replace(actor, $3, $4, 'gi'), reason = regexp_replace(reason, $3, $4, 'gi'),
	detail = CASE WHEN ticket_id = ANY ($5::bigint[]) AND detail ?| '{value,address,text,subject,name}'
		THEN detail - '{value,address,text,subject,name}'::text[]
		ELSE regexp_replace(detail::text, $3, $4, 'gi')::jsonb END
WHERE (ticket_id = ANY ($1::bigint[]) OR message_id = ANY ($2::bigint[]))
	AND (actor ~* $3 OR reason ~* $3 OR detail::text ~* $3
		OR ticket_id = ANY ($5::bigint[]) AND detail ?| '{value,address,text,subject,name}');

-- name: person_event
-- $1 now, $2 actor, $3 event, $4 reason, $5 detail. On no ticket.
INSERT INTO event (at, actor, event, reason, detail) VALUES ($1, $2, $3, $4, $5::jsonb);

-- name: person_agent_retire
-- $1 addresses of the agent, $2 who takes over or null, $3 queues that one works in, $4 now, $5 actor. Open tickets of
-- other queues become free. Gives ticket, queue and owner.
WITH was AS (
	SELECT id, owner FROM ticket
	WHERE owner = ANY ($1::text[]) AND status NOT IN ('resolved', 'closed', 'junk', 'merged')
	ORDER BY id
	FOR UPDATE
), moved AS (
	UPDATE ticket t
	SET owner = CASE WHEN t.queue = ANY ($3::text[]) THEN $2::text END, changed_at = greatest(t.changed_at, $4)
	FROM was WHERE t.id = was.id
	RETURNING t.id, t.queue, t.subject, t.owner, was.owner AS was
), told AS (
	INSERT INTO event (ticket_id, at, actor, event, reason, detail)
	SELECT m.id, $4, $5, CASE WHEN m.owner IS NULL THEN 'unassigned' ELSE 'assigned' END,
		CASE WHEN m.owner IS NOT NULL THEN 'its owner retires and hands over'
			WHEN $2::text IS NULL THEN 'its owner retires'
			ELSE 'its owner retires, and who takes over does not work in this queue' END,
		jsonb_build_object('owner', m.owner, 'was', m.was)
	FROM moved m
	ORDER BY m.id
)
SELECT id, queue, subject, owner FROM moved ORDER BY id;
