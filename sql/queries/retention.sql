-- What luukku-sched forgets of tickets that have been done for as long as their queue says. Called by
-- daemon/sched-retention.c.

-- name: retention_queues
-- Queues with tickets that are done and not yet forgotten, also those that left the configuration. By the index,
-- one step for each queue.
WITH RECURSIVE q (queue) AS (
	SELECT min(queue) FROM ticket WHERE words_gone_at IS NULL AND status IN ('closed', 'junk', 'merged')
	UNION ALL
	SELECT (SELECT min(t.queue) FROM ticket t
		 WHERE t.words_gone_at IS NULL AND t.status IN ('closed', 'junk', 'merged') AND t.queue > q.queue)
	  FROM q WHERE q.queue IS NOT NULL
)
SELECT queue FROM q WHERE queue IS NOT NULL;

-- name: retention_files_due
-- $1 queue, $2 done before this, $3 at most. Locked; a merged ticket goes with the one it went into.
SELECT t.id
  FROM ticket t
 WHERE t.queue = $1 AND t.files_gone_at IS NULL AND t.status IN ('closed', 'junk', 'merged')
   AND coalesce(t.closed_at, t.changed_at) < $2
   AND (t.status <> 'merged' OR EXISTS (
	SELECT FROM ticket r WHERE r.id = t.merged_into AND r.files_gone_at IS NOT NULL))
 ORDER BY coalesce(t.closed_at, t.changed_at)
 LIMIT $3
   FOR NO KEY UPDATE OF t SKIP LOCKED;

-- name: retention_words_due
-- The same for the words: $1 queue, $2 done before this, $3 at most.
SELECT t.id
  FROM ticket t
 WHERE t.queue = $1 AND t.words_gone_at IS NULL AND t.status IN ('closed', 'junk', 'merged')
   AND coalesce(t.closed_at, t.changed_at) < $2
   AND (t.status <> 'merged' OR EXISTS (
	SELECT FROM ticket r WHERE r.id = t.merged_into AND r.words_gone_at IS NOT NULL))
 ORDER BY coalesce(t.closed_at, t.changed_at)
 LIMIT $3
   FOR NO KEY UPDATE OF t SKIP LOCKED;

-- name: retention_files
-- $1 tickets, $2 now. The content itself goes when nothing refers to it any more.
WITH files AS (
	DELETE FROM attachment WHERE message_id IN (SELECT id FROM message WHERE ticket_id = ANY ($1::bigint[]))
), originals AS (
	UPDATE message SET raw_blob = NULL WHERE ticket_id = ANY ($1::bigint[]) AND raw_blob IS NOT NULL
)
UPDATE ticket SET files_gone_at = $2 WHERE id = ANY ($1::bigint[]);

-- name: retention_messages
-- $1 tickets. Who of the team wrote, and the hashes by which a mail that comes again is known, stay.
WITH messages AS (
	SELECT id FROM message WHERE ticket_id = ANY ($1::bigint[])
), unindexed AS (
	DELETE FROM message_search WHERE message_id IN (SELECT id FROM messages)
), unexplained AS (
	UPDATE arrival SET explain = '{}', reason = 'forgotten' WHERE message_id IN (SELECT id FROM messages)
), undetailed AS (
	UPDATE quarantine SET detail = 'forgotten' WHERE message_id IN (SELECT id FROM messages)
), unheld AS (
	UPDATE held_command SET words = 'forgotten' WHERE message_id IN (SELECT id FROM messages)
)
UPDATE message
   SET from_name = CASE WHEN direction <> 'in' THEN from_name END,
       from_address = CASE WHEN direction <> 'in' THEN from_address END,
       recipients_to = '[]', recipients_cc = '[]', subject = 'forgotten', text = '', reply_text = '',
       message_id = CASE direction WHEN 'out' THEN message_id END, in_reply_to = NULL, refs = '{}',
       kind_reason = NULL, evidence_reason = NULL, header_block = NULL, parsed = '{}'
 WHERE ticket_id = ANY ($1::bigint[]);

-- name: retention_outbox
-- $1 tickets. What was sent when, and what became of it, stays.
WITH silent AS (
	UPDATE delivery SET reply = NULL
	 WHERE reply IS NOT NULL AND outbox_id IN (SELECT id FROM outbox WHERE ticket_id = ANY ($1::bigint[]))
)
UPDATE outbox
   SET recipient = 'forgotten@erased.invalid', recipient_name = NULL,
       recipient_hash = substring(sha256('forgotten') FOR 16),
       variables = '{}', form = '{}', wire = NULL, last_reply = NULL, reason = 'forgotten'
 WHERE ticket_id = ANY ($1::bigint[]);

-- name: retention_history
-- $1 tickets. What happened when, between which queues, states and people of the team stays: figures are made of it.
WITH undone AS (
	UPDATE command_run SET steps = '[]' WHERE tickets && $1::bigint[]
), asked AS (
	UPDATE consultation SET address = 'forgotten@erased.invalid' WHERE ticket_id = ANY ($1::bigint[])
), unsaid AS (
	UPDATE survey SET comment = NULL WHERE ticket_id = ANY ($1::bigint[])
), unlike AS (
	DELETE FROM ticket_words WHERE ticket_id = ANY ($1::bigint[])
)
UPDATE event
   SET actor = regexp_replace(actor, '^customer:.*', 'customer:forgotten'), reason = 'forgotten',
       detail = detail - '{value,address,text,subject,name,recipient,evidence,file,line}'::text[]
		- CASE WHEN event IN ('field', 'title', 'requester') THEN '{from,to}'::text[] ELSE '{}' END
 WHERE ticket_id = ANY ($1::bigint[]);

-- name: retention_people
-- $1 tickets, of which the words are gone. Whoever has no other ticket with words becomes a number; whom an
-- admin marked stays known.
WITH people AS (
	DELETE FROM participant WHERE ticket_id = ANY ($1::bigint[]) RETURNING person_id AS id
), requesters AS (
	SELECT requester_id AS id FROM ticket WHERE id = ANY ($1::bigint[]) AND requester_id IS NOT NULL
	UNION
	SELECT id FROM people
)
UPDATE person p
   SET address = 'person-' || p.id || '@erased.invalid', name = NULL, phone = NULL,
       address_hash = substring(sha256(convert_to('person-' || p.id || '@erased.invalid', 'UTF8')) FOR 16),
       suppressed_until = NULL, suppressed_reason = NULL
  FROM requesters r
 WHERE p.id = r.id AND p.standing = 'normal'
   AND NOT EXISTS (SELECT FROM ticket t WHERE t.requester_id = p.id AND t.words_gone_at IS NULL)
   AND NOT EXISTS (SELECT FROM participant o JOIN ticket t ON t.id = o.ticket_id
		    WHERE o.person_id = p.id AND t.words_gone_at IS NULL);

-- name: retention_ticket
-- $1 tickets, $2 now, $3 hash of the subject that stands there now.
UPDATE ticket
   SET subject = 'forgotten', title = NULL, subject_hash = $3, words_gone_at = $2,
       resolution = CASE WHEN resolution IS NOT NULL THEN 'forgotten' END,
       fields = (SELECT coalesce(jsonb_object_agg(key, 'forgotten'), '{}') FROM jsonb_object_keys(fields) AS key)
 WHERE id = ANY ($1::bigint[]);

-- name: retention_event
-- $1 tickets, $2 now, $3 event, $4 reason. One line of history each.
INSERT INTO event (ticket_id, at, actor, event, reason)
SELECT id, $2, 'sched', $3, $4 FROM unnest($1::bigint[]) AS id;
