-- The two places where a mail can wait for a person.

-- name: held_outbox_lock
-- $1 outbox id.
SELECT ticket_id, message_id, recipient, state FROM outbox WHERE id = $1 FOR UPDATE;

-- name: held_outbox_retry
-- $1 outbox id, $2 now, $3 who wants it. What stood against the mail is no reason why it went.
UPDATE outbox SET state = CASE state WHEN 'uncertain' THEN 'uncertain' ELSE 'queued' END, due_at = $2, attempts = 0,
	claimed_by = NULL, claimed_until = NULL,
	reason = CASE WHEN state IN ('failed', 'held', 'suppressed', 'cancelled')
		THEN left('sent again as ' || $3::text || ' asked; before: ' || reason, 1000) ELSE reason END
WHERE id = $1;

-- name: held_outbox_cancel
-- $1 outbox id.
UPDATE outbox SET state = 'cancelled', wire = NULL, claimed_by = NULL, claimed_until = NULL WHERE id = $1;

-- name: held_quarantine_lock
-- $1 quarantine id.
SELECT message_id, mailbox, reason, state FROM quarantine WHERE id = $1 FOR UPDATE;

-- name: held_quarantine_decide
-- $1 quarantine id, $2 state, $3 now, $4 actor.
UPDATE quarantine SET state = $2, decided_at = $3, decided_by = $4 WHERE id = $1;
