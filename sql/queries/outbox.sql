-- Every mail out. Called by lib/desk/outbox*.c.

-- name: outbox_prepare
-- $1 ticket or null, $2 BLAKE2b-128 of the folded recipient, $3 now, $4 budgets' counts,
-- $5 budgets' seconds, $6 hash of the domain or null, $7 fingerprint or null, $8 how many times a
-- budget an address gets over all tickets, $9 for receipts, $10 a ticket, $11 a domain, $12 a
-- fingerprint, $13 is it a receipt. The number of the new row and what stands against it: the budgets
-- are the index (from 1) of the first one that is used up. A ticket's counts where a domain is given;
-- receipts count by themselves. What is yet to come was written by a clock that was wrong.
SELECT nextval(pg_get_serial_sequence('outbox', 'id')) AS id,
       (SELECT p.suppressed_until FROM person p WHERE p.address_hash = $2) AS suppressed_until,
       (SELECT p.suppressed_reason FROM person p WHERE p.address_hash = $2) AS suppressed_reason,
       (SELECT b.n FROM unnest($4::bigint[], $5::bigint[]) WITH ORDINALITY AS b (most, seconds, n)
	 WHERE NOT $13::boolean AND (SELECT count(*)
		  FROM outbox o
		 WHERE o.recipient_hash = $2 AND o.ticket_id IS NOT DISTINCT FROM $1::bigint AND NOT o.is_receipt
		   AND o.created_at > $3::timestamptz - make_interval(secs => b.seconds)
		   AND o.created_at < $3::timestamptz + interval '10 minutes'
		   AND o.state NOT IN ('held', 'suppressed', 'cancelled')) >= b.most
	 ORDER BY b.n LIMIT 1) AS budget,
       (SELECT b.n FROM unnest($4::bigint[], $5::bigint[]) WITH ORDINALITY AS b (most, seconds, n)
	 WHERE NOT $13::boolean AND (SELECT count(*)
		  FROM outbox o
		 WHERE o.recipient_hash = $2 AND NOT o.is_receipt
		   AND o.created_at > $3::timestamptz - make_interval(secs => b.seconds)
		   AND o.created_at < $3::timestamptz + interval '10 minutes'
		   AND o.state NOT IN ('held', 'suppressed', 'cancelled')) >= b.most * $8::bigint
	 ORDER BY b.n LIMIT 1) AS address_budget,
       (SELECT b.n FROM unnest($4::bigint[], $5::bigint[]) WITH ORDINALITY AS b (most, seconds, n)
	 WHERE $13::boolean AND (SELECT count(*)
		  FROM outbox o
		 WHERE o.recipient_hash = $2 AND o.is_receipt
		   AND o.created_at > $3::timestamptz - make_interval(secs => b.seconds)
		   AND o.created_at < $3::timestamptz + interval '10 minutes'
		   AND o.state NOT IN ('held', 'suppressed', 'cancelled')) >= b.most * $9::bigint
	 ORDER BY b.n LIMIT 1) AS receipt_budget,
       (SELECT b.n FROM unnest($4::bigint[], $5::bigint[]) WITH ORDINALITY AS b (most, seconds, n)
	 WHERE $6::bytea IS NOT NULL AND (SELECT count(*)
		  FROM outbox o
		 WHERE o.ticket_id = $1::bigint
		   AND o.created_at > $3::timestamptz - make_interval(secs => b.seconds)
		   AND o.created_at < $3::timestamptz + interval '10 minutes'
		   AND o.state NOT IN ('held', 'suppressed', 'cancelled')) >= b.most * $10::bigint
	 ORDER BY b.n LIMIT 1) AS ticket_budget,
       (SELECT b.n FROM unnest($4::bigint[], $5::bigint[]) WITH ORDINALITY AS b (most, seconds, n)
	 WHERE $6::bytea IS NOT NULL AND (SELECT count(*)
		  FROM outbox o
		 WHERE o.domain_hash = $6::bytea
		   AND o.created_at > $3::timestamptz - make_interval(secs => b.seconds)
		   AND o.created_at < $3::timestamptz + interval '10 minutes'
		   AND o.state NOT IN ('held', 'suppressed', 'cancelled')) >= b.most * $11::bigint
	 ORDER BY b.n LIMIT 1) AS domain_budget,
       (SELECT b.n FROM unnest($4::bigint[], $5::bigint[]) WITH ORDINALITY AS b (most, seconds, n)
	 WHERE $7::bytea IS NOT NULL AND (SELECT count(*)
		  FROM outbox o
		 WHERE o.fingerprint = $7::bytea
		   AND o.created_at > $3::timestamptz - make_interval(secs => b.seconds)
		   AND o.created_at < $3::timestamptz + interval '10 minutes'
		   AND o.state NOT IN ('held', 'suppressed', 'cancelled')) >= b.most * $12::bigint
	 ORDER BY b.n LIMIT 1) AS fingerprint_budget;

-- name: outbox_tripped
-- $1 when the digest is due, $2 now. The breaker tripped; one digest tells of all.
WITH put AS (
	INSERT INTO timer (kind, due_at, detail)
	VALUES ('breaker-digest', $1, jsonb_build_object('since', $2::timestamptz))
	ON CONFLICT DO NOTHING RETURNING id
)
SELECT pg_notify('luukku_work', 'timer') FROM put;

-- name: outbox_insert
-- $1 id, $2 ticket, $3 cause, $4 template, $5 purpose, $6 queue, $7 language, $8 recipient,
-- $9 its hash, $10 its name, $11 variables, $12 Message-ID, $13 rank, $14 state, $15 reason, $16 now,
-- $17 event or null, $18 actor, $19 form, $20 message out or null, $21 due, $22 hash of the domain or
-- null, $23 fingerprint or null, $24 is it a receipt.
WITH added AS (
	INSERT INTO outbox (id, ticket_id, cause_id, template, purpose, queue, language, recipient,
		recipient_hash, recipient_name, variables, header_message_id, rank, state, reason, created_at,
		due_at, form, message_id, domain_hash, fingerprint, is_receipt)
	OVERRIDING SYSTEM VALUE
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12, $13, $14, $15, $16, $21, $19::jsonb,
		$20, $22, $23, $24)
	RETURNING id
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT $2, $3, $16, $18, $17, $15, jsonb_build_object('outbox', $1::bigint, 'template', $4::text)
	 WHERE $17::text IS NOT NULL
)
SELECT pg_notify('luukku_outbox', '') FROM added WHERE $14 = 'queued';

-- name: outbox_claim
-- $1 now, $2 at most, $3 claimer, $4 seconds of the claim. Rows whose claimer died go first.
WITH dead AS (
	SELECT id FROM outbox
	 WHERE state = 'sending' AND claimed_until < clock_timestamp()
	 ORDER BY claimed_until LIMIT $2 FOR UPDATE SKIP LOCKED
), due AS (
	SELECT id FROM outbox
	 WHERE state IN ('queued', 'retry', 'uncertain') AND due_at <= $1
	 ORDER BY rank, due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), picked AS (
	SELECT id FROM dead UNION ALL SELECT id FROM due LIMIT $2
), claimed AS (
	UPDATE outbox o
	   SET state = 'sending', claimed_by = $3, attempts = o.attempts + 1,
	       claimed_until = clock_timestamp() + make_interval(secs => $4::integer)
	  FROM picked
	 WHERE o.id = picked.id
	RETURNING o.*
)
SELECT c.id, c.ticket_id AS ticket, c.cause_id AS cause, c.template, c.purpose, c.queue, c.language,
       c.recipient, c.recipient_hash, c.recipient_name, c.variables, c.header_message_id, c.attempts,
       c.envelope_from, c.wire, c.created_at, c.form, t.subject, coalesce((
		SELECT a.epoch FROM agent_token a
		 WHERE c.purpose = 'agent' AND a.ticket_id = c.ticket_id AND a.agent = lower(c.recipient)),
	       t.token_epoch, 0)::bigint AS epoch
  FROM claimed c LEFT JOIN ticket t ON t.id = c.ticket_id
 ORDER BY c.rank, c.due_at, c.id;

-- name: outbox_thread
-- $1 ticket, $2 BLAKE2b-128 of the folded recipient, $3 the recipient folded, $4 cause or null,
-- $5 this row. The Message-IDs that this recipient was sent by us or sent to us, newest last.
SELECT * FROM (
	SELECT o.header_message_id AS message_id, o.created_at AS at, false AS is_cause
	  FROM outbox o
	 WHERE o.ticket_id = $1 AND o.recipient_hash = $2 AND o.id <> $5
	   AND o.state IN ('sent', 'uncertain', 'sending')
	UNION ALL
	SELECT m.message_id, m.at, m.id = $4::bigint
	  FROM message m
	 WHERE m.ticket_id = $1 AND m.direction = 'in' AND m.message_id IS NOT NULL
	   AND lower(m.from_address) = $3
	 ORDER BY at DESC LIMIT 20) AS known
 ORDER BY at, is_cause;

-- name: outbox_composed
-- $1 outbox row, $2 wire, $3 envelope sender, $4 ticket or null, $5 from name, $6 from address,
-- $7 to as jsonb, $8 subject, $9 Message-ID, $10 its hash, $11 in_reply_to, $12 refs, $13 now,
-- $14 text, $15 language, $16 writer, $17 cc as jsonb,
-- $18 whether it is shown as a message of its ticket (mail within the team is not). A mail that failed and is sent again by hand is composed anew;
-- it stays one message of its ticket, as does one that goes to several people.
WITH before AS (
	SELECT coalesce(o.message_id, (SELECT s.message_id
		  FROM outbox s
		 WHERE s.ticket_id = o.ticket_id AND s.cause_id = o.cause_id AND s.template = o.template
		   AND s.purpose = o.purpose AND s.purpose = 'customer' AND s.created_at = o.created_at
		   AND s.message_id IS NOT NULL AND s.id <> o.id
		 ORDER BY s.id LIMIT 1)) AS id
	  FROM outbox o WHERE o.id = $1
), shown AS (
	INSERT INTO message (ticket_id, direction, kind, writer, message_id, message_id_hash, from_name,
		from_address, recipients_to, recipients_cc, subject, in_reply_to, refs, written_at, at, text,
		reply_text, language)
	SELECT $4, 'out', 'normal', $16, $9, $10, $5, $6, $7::jsonb, $17::jsonb, $8, $11, $12::text[], $13::timestamptz, $13,
	       $14, $14, $15
	 WHERE $18::boolean AND NOT EXISTS (SELECT FROM before WHERE id IS NOT NULL)
	RETURNING id
), carried AS (
	SELECT id FROM shown UNION ALL SELECT id FROM before WHERE id IS NOT NULL
), identified AS (
	INSERT INTO identifier (hash, ticket_id, message_id)
	SELECT $10::bytea, $4::bigint, (SELECT id FROM carried) WHERE $4::bigint IS NOT NULL
	ON CONFLICT (hash, ticket_id) DO UPDATE SET message_id = excluded.message_id
)
UPDATE outbox
   SET wire = $2, envelope_from = $3, message_id = (SELECT id FROM carried)
 WHERE id = $1;

-- name: outbox_attachments
-- $1 message. What goes along with a mail that carries its attachments. Of a mail of the team not what carries that
-- very mail or its writer's address (signatures, keys, winmail.dat, the mail as it came), nor pictures that stand in
-- what it quotes or that the ticket has already. content_id: of pictures that are shown among the words.
SELECT a.n, a.filename, a.content_type, a.is_inline, a.size, a.blob_id,
       CASE WHEN k.is_picture AND a.is_inline OR k.is_shown THEN a.content_id END AS content_id
  FROM attachment a JOIN message m ON m.id = a.message_id
  CROSS JOIN LATERAL (
	SELECT m.writer IN ('agent', 'manager') AS is_team, a.content_type LIKE 'image/%' AS is_picture,
	       coalesce(position('[cid:' || a.content_id || ']' IN coalesce(m.reply_text, m.text)) > 0, false) AS is_shown,
	       coalesce(position('[cid:' || a.content_id || ']' IN m.text) > 0, false) AS is_named) AS k
 WHERE a.message_id = $1
   AND NOT (k.is_team AND (coalesce(a.blob_id = m.raw_blob, false)
	OR coalesce(lower(a.filename), '') IN ('smime.p7m', 'winmail.dat', 'original.eml', 'header.eml')
	OR a.content_type IN ('application/pkcs7-signature', 'application/x-pkcs7-signature', 'application/pgp-signature',
		'application/pgp-keys', 'application/ms-tnef', 'application/vnd.ms-tnef')))
   AND (NOT k.is_team OR NOT a.is_inline OR NOT k.is_picture OR k.is_shown OR a.content_id IS NULL
	OR NOT k.is_named AND NOT EXISTS (
		SELECT FROM message e JOIN attachment o ON o.message_id = e.id
		 WHERE e.ticket_id = m.ticket_id AND e.id < m.id AND o.blob_id = a.blob_id))
 ORDER BY a.n LIMIT 200;

-- name: outbox_uncomposable
-- $1 outbox row, $2 now, $3 reason, $4 actor.
WITH failed AS (
	UPDATE outbox SET state = 'failed', reason = $3, claimed_by = NULL, claimed_until = NULL
	 WHERE id = $1
	RETURNING id, ticket_id, cause_id, purpose
), shown AS (
	INSERT INTO timer (kind, ticket_id, key, due_at)
	SELECT 'delivery_failed', ticket_id, id::text, $2 FROM failed
	 WHERE purpose = 'customer' AND ticket_id IS NOT NULL
	ON CONFLICT DO NOTHING RETURNING pg_notify('luukku_work', 'timer')
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT ticket_id, cause_id, $2, $4, 'not_sent', $3, jsonb_build_object('outbox', $1::bigint) FROM failed
)
SELECT count(*) AS n FROM shown;

-- name: outbox_record
-- $1 outbox row, $2 attempt, $3 now, $4 state, $5 due again, $6 code, $7 RFC 3463 status, $8 reply,
-- $9 delivery state, $10 event or null, $11 actor, $12 why it failed for good or null. A claim that
-- another sender took over keeps that one's state. Run again after a lost commit it is one record.
WITH delivered AS (
	INSERT INTO delivery (outbox_id, at, state, code, status, reply)
	SELECT $1, $3, $9, $6, $7, $8
	 WHERE NOT EXISTS (SELECT FROM delivery WHERE outbox_id = $1 AND at = $3 AND state = $9)
), done AS (
	UPDATE outbox
	   SET state = $4, due_at = coalesce($5, due_at), last_code = $6, last_reply = $8,
	       sent_at = CASE WHEN $4 = 'sent' THEN $3 ELSE sent_at END,
	       wire = CASE WHEN $4 IN ('sent', 'failed') THEN NULL ELSE wire END,
	       reason = coalesce($12, reason), claimed_by = NULL, claimed_until = NULL
	 WHERE id = $1 AND state = 'sending' AND attempts = $2
	RETURNING id, ticket_id, message_id, template, recipient, reason, purpose
), shown AS (
	INSERT INTO timer (kind, ticket_id, key, due_at)
	SELECT 'delivery_failed', ticket_id, id::text, $3 FROM done
	 WHERE $4 = 'failed' AND purpose = 'customer' AND ticket_id IS NOT NULL
	ON CONFLICT DO NOTHING RETURNING pg_notify('luukku_work', 'timer')
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT ticket_id, message_id, $3, $11,
	       CASE WHEN $10 = 'sent' AND template = 'acknowledgement' THEN 'acknowledged' ELSE $10 END,
	       CASE WHEN $4 = 'failed' THEN $12 ELSE reason END,
	       jsonb_build_object('outbox', $1::bigint, 'recipient', recipient, 'template', template)
	  FROM done
	 WHERE $10::text IS NOT NULL AND ticket_id IS NOT NULL
)
SELECT count(*) AS n, (SELECT count(*) FROM shown) AS shown FROM done;

-- name: outbox_shrink
-- $1 outbox row, $2 attempt, $3 now, $4 code, $5 RFC 3463 status, $6 reply. The mail is too large for the
-- server: it is composed anew without its attachments. No row: it has none.
WITH bare AS (
	UPDATE outbox
	   SET state = 'queued', due_at = $3, wire = NULL, last_code = $4, last_reply = $6,
	       form = form || '{"is_bare": true}', claimed_by = NULL, claimed_until = NULL
	 WHERE id = $1 AND state = 'sending' AND attempts = $2 AND form ? 'attach' AND NOT form ? 'is_bare'
	   AND EXISTS (SELECT FROM attachment a WHERE a.message_id = (outbox.form ->> 'attach')::bigint)
	RETURNING id, ticket_id, message_id
), delivered AS (
	INSERT INTO delivery (outbox_id, at, state, code, status, reply)
	SELECT id, $3, 'retry', $4, $5, $6 FROM bare
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT ticket_id, message_id, $3, 'sched', 'shrunk',
	       'the mail server takes no mail of this size: it goes without its attachments, which it names',
	       jsonb_build_object('outbox', id)
	  FROM bare WHERE ticket_id IS NOT NULL
)
SELECT id FROM bare;

-- name: outbox_moot
-- $1 outbox row, claimed, $2 now. Is it to go at all? An acknowledgement that is late is left out when its
-- recipient was sent something about the ticket since; a reminder when the wait has ended that it belongs
-- to; that the ticket waits or was closed, and a survey, when it is no longer so. is_unseen: each try before was refused, so that nobody can have its bytes; what somebody may have
-- goes again.
WITH looked AS (
	SELECT o.id,
	       NOT EXISTS (SELECT FROM delivery d WHERE d.outbox_id = o.id AND d.state = 'uncertain')
	       AND (SELECT count(*) FROM delivery d WHERE d.outbox_id = o.id AND d.state = 'retry') >= o.attempts - 1
	       AS is_unseen,
	       CASE WHEN o.template = 'acknowledgement'
		    THEN EXISTS (SELECT FROM outbox n
				  WHERE n.ticket_id = o.ticket_id AND n.recipient_hash = o.recipient_hash
				    AND n.id > o.id AND n.purpose = 'customer' AND n.state = 'sent')
		    WHEN o.template = 'still-working'
		    THEN t.status IN ('waiting_customer', 'resolved', 'closed', 'junk', 'merged')
		    WHEN o.template = 'closed-unanswered' THEN t.status <> 'closed'
		    WHEN o.template = 'survey' THEN t.status NOT IN ('resolved', 'closed')
		    WHEN o.template = 'waiting' THEN t.status NOT IN ('waiting_supplier', 'on_hold')
		    ELSE t.status <> w.status
			 OR EXISTS (SELECT FROM stage s
				     WHERE s.ticket_id = o.ticket_id AND s.from_at > o.created_at AND s.status <> w.status)
	       END AS is_moot
	  FROM outbox o
	  JOIN ticket t ON t.id = o.ticket_id
	 CROSS JOIN LATERAL (SELECT CASE o.template WHEN 'customer-reminder' THEN 'waiting_customer'
			ELSE 'waiting_supplier' END AS status) AS w
	 WHERE o.id = $1
), gone AS (
	UPDATE outbox o
	   SET state = 'cancelled', wire = NULL, claimed_by = NULL, claimed_until = NULL,
	       reason = CASE WHEN o.template = 'acknowledgement' THEN 'late, and merged into what was sent since'
			     ELSE 'it was no longer needed when it could go' END
	  FROM looked l
	 WHERE o.id = l.id AND l.is_moot AND l.is_unseen
	RETURNING o.id, o.ticket_id, o.cause_id, o.template
), told AS (
	INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
	SELECT ticket_id, cause_id, $2, 'sched', 'not_sent',
	       CASE WHEN template = 'acknowledgement'
		    THEN 'the acknowledgement was late, and the customer has had mail since'
		    ELSE 'it was no longer needed when it could go' END,
	       jsonb_build_object('outbox', id, 'template', template)
	  FROM gone
)
SELECT EXISTS (SELECT FROM gone) AS is_gone, coalesce((SELECT is_unseen FROM looked), false) AS is_unseen;

-- name: outbox_left
-- $1 outbox row, claimed, $2 now, $3 reason. A mail for the team whose recipient is of the desk no more: it
-- does not go, not even again.
WITH left_out AS (
	UPDATE outbox
	   SET state = 'cancelled', wire = NULL, claimed_by = NULL, claimed_until = NULL, reason = $3
	 WHERE id = $1 AND state = 'sending'
	RETURNING id, ticket_id, cause_id, template, recipient
)
INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail)
SELECT ticket_id, cause_id, $2, 'sched', 'not_sent', $3,
       jsonb_build_object('outbox', id, 'recipient', recipient, 'template', template)
  FROM left_out
 WHERE ticket_id IS NOT NULL OR cause_id IS NOT NULL;

-- name: outbox_next_due
-- When the next row becomes due; a claim whose time has run out is due at once. $1 now. Asked before each
-- mail: the index by rank is asked for the first row of each rank, however many wait.
WITH RECURSIVE ranks AS (
	(SELECT rank FROM outbox WHERE state IN ('queued', 'retry', 'uncertain') ORDER BY rank LIMIT 1)
	UNION ALL
	SELECT next.rank
	  FROM ranks r
	 CROSS JOIN LATERAL (
		SELECT o.rank FROM outbox o
		 WHERE o.state IN ('queued', 'retry', 'uncertain') AND o.rank > r.rank
		 ORDER BY o.rank LIMIT 1) AS next
)
SELECT least(
	(SELECT min(first.due_at)
	   FROM ranks r
	  CROSS JOIN LATERAL (
		SELECT o.due_at FROM outbox o
		 WHERE o.state IN ('queued', 'retry', 'uncertain') AND o.rank = r.rank
		 ORDER BY o.due_at LIMIT 1) AS first),
	(SELECT $1::timestamptz + (min(claimed_until) - clock_timestamp()) FROM outbox WHERE state = 'sending')
) AS at;

-- name: outbox_hurry
-- $1 now, $2 a try after this was set by a clock that was wrong. Those mails are due now.
WITH hurried AS (
	UPDATE outbox SET due_at = $1
	 WHERE state IN ('queued', 'retry', 'uncertain') AND due_at > $2
	RETURNING id
)
SELECT count(*) AS n FROM hurried;

-- name: outbox_claimers
-- $1 host. Who holds claims on this host: host/pid/start/start.
SELECT DISTINCT claimed_by FROM outbox WHERE state = 'sending' AND starts_with(claimed_by, $1::text || '/');

-- name: outbox_release
-- $1 claimer that has died or knows of no claim. Its rows can be claimed again at once.
UPDATE outbox SET claimed_until = 'epoch' WHERE state = 'sending' AND claimed_by = $1;
