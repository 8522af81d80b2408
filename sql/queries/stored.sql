-- A stored mail that a person made a ticket. Called by lib/desk/ingest-stored.c and ingest-store.c.

-- name: stored_message
-- $1 message, locked. All that lk_stored_mail reads, and the mailbox that it came in.
SELECT m.ticket_id, m.kind, m.kind_reason, m.message_id, m.from_name, m.from_address, m.recipients_to,
       m.recipients_cc, m.subject, m.in_reply_to, m.refs, m.written_at, m.at, m.text, m.reply_text,
       m.language, m.importance, m.header_block, m.parsed, m.raw_size,
       (SELECT a.mailbox FROM arrival a WHERE a.message_id = m.id ORDER BY a.id LIMIT 1) AS mailbox,
       (SELECT jsonb_agg(jsonb_build_object('filename', a.filename, 'content_type', a.content_type,
			'content_id', a.content_id, 'inline', a.is_inline, 'size', a.size) ORDER BY a.n)
	  FROM attachment a WHERE a.message_id = m.id) AS attachments
  FROM message m
 WHERE m.id = $1
   FOR UPDATE OF m;

-- name: stored_move
-- $1 message, $2 its new ticket, $3 writer, $4 evidence_reason, $5 hashes of the ids it names; events:
-- $6 tickets (0: none), $7 events, $8 reasons, $9 details, $10 actors; $11 now.
WITH moved AS (
	UPDATE message SET ticket_id = $2, writer = $3, evidence = 'none', evidence_reason = $4
	 WHERE id = $1
	RETURNING id, message_id_hash
), identified AS (
	INSERT INTO identifier (hash, ticket_id, message_id)
	SELECT message_id_hash, $2::bigint, id FROM moved WHERE message_id_hash IS NOT NULL
	UNION ALL
	SELECT hash, $2, NULL FROM moved CROSS JOIN unnest($5::bytea[]) AS hash
	 WHERE hash IS DISTINCT FROM message_id_hash
	ON CONFLICT (hash, ticket_id) DO UPDATE
	   SET message_id = coalesce(identifier.message_id, excluded.message_id)
)
INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
SELECT nullif(e.ticket, 0), m.id, $11, e.actor, e.event, e.reason, coalesce(e.detail, '{}')::jsonb
  FROM moved m CROSS JOIN unnest($6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[])
	WITH ORDINALITY AS e (ticket, event, reason, detail, actor, n)
 ORDER BY e.n;
