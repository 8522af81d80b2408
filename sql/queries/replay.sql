-- Stored mail routed again. Called by lib/desk/replay.c; nothing here writes.

-- name: replay_page
-- $1 arrivals before this id, $2 since, $3 how many, $4 with the rules of then, which are most of what was
-- explained and are wanted only where that is what is compared with. The newest arrivals first; those with a mail
-- whose route the rules had a say in (is_routed) bring it along. Ends early once the texts of a
-- page grow large, so that the caller's memory does not depend on what strangers wrote.
WITH page AS (
	SELECT id, message_id, mailbox, outcome, received_at, fetched_at, explain,
	       fetched_at >= $2 AS is_within,
	       fetched_at >= $2 AND outcome IN ('ticket', 'quarantine') AND message_id IS NOT NULL AS is_routed
	  FROM arrival
	 WHERE id < $1
	 ORDER BY id DESC LIMIT $3
), sized AS (
	SELECT p.*, row_number() OVER newest AS n,
	       sum(coalesce(octet_length(m.text) + octet_length(m.reply_text)
			    + octet_length(m.header_block), 0)) OVER newest AS bytes
	  FROM page p LEFT JOIN message m ON m.id = p.message_id AND p.is_routed
	WINDOW newest AS (ORDER BY p.id DESC)
)
SELECT s.id, s.is_within, s.is_routed, s.mailbox, s.outcome, s.received_at, CASE WHEN $4::boolean THEN s.explain ELSE s.explain - 'rules' END AS explain,
       m.ticket_id, m.direction, m.kind, m.kind_reason, m.evidence, m.evidence_reason, m.writer,
       m.message_id, m.from_name, m.from_address, m.recipients_to, m.recipients_cc, m.subject,
       m.in_reply_to, m.refs, m.written_at, m.at, m.text, m.reply_text, m.language, m.importance,
       m.header_block, m.parsed, m.raw_size, t.is_silent,
       t.queue AS ticket_queue, t.type AS ticket_type, t.priority AS ticket_priority,
       (SELECT jsonb_agg(jsonb_build_object('filename', a.filename, 'content_type', a.content_type,
			'content_id', a.content_id, 'inline', a.is_inline, 'size', a.size) ORDER BY a.n)
	  FROM attachment a WHERE a.message_id = m.id) AS attachments
  FROM sized s
  LEFT JOIN message m ON m.id = s.message_id AND s.is_routed
  LEFT JOIN ticket t ON t.id = m.ticket_id
 WHERE s.n = 1 OR s.bytes <= 8388608
 ORDER BY s.id DESC;

-- name: replay_people
-- $1 BLAKE2b-128 of folded addresses. n: index of the address in $1.
SELECT h.n - 1 AS n, p.standing, p.language, o.name AS organisation, o.language AS organisation_language,
       p.organisation_set
  FROM unnest($1::bytea[]) WITH ORDINALITY AS h (hash, n)
  JOIN person p ON p.address_hash = h.hash
  LEFT JOIN organisation o ON o.id = p.organisation_id
 ORDER BY h.n;
