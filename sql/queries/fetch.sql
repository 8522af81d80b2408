-- Bookkeeping of luukku-fetch about mailboxes, folders and what the mail server still has to be told.
-- Called by daemon/fetch-*.c as luukku_fetch.

-- name: fetch_contact
-- $1 mailbox, $2 now, $3 backlog before: fixed at the first successful login, for ever; one that is yet to
-- come was by a clock that was wrong.
INSERT INTO mailbox (name, first_contact_at, backlog_before) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET
	first_contact_at = CASE WHEN mailbox.first_contact_at <= $2::timestamptz + interval '1 day' THEN mailbox.first_contact_at
			ELSE excluded.first_contact_at END,
	backlog_before = CASE WHEN mailbox.first_contact_at <= $2::timestamptz + interval '1 day' THEN mailbox.backlog_before
			ELSE excluded.backlog_before END
RETURNING first_contact_at, backlog_before;

-- name: fetch_mailbox_ok
-- $1 mailbox, $2 now, $3 mails waiting, $4 age of the oldest of them in seconds, $5 what is wrong
-- all the same (null: nothing).
INSERT INTO mailbox (name, last_ok_at, waiting, lag_seconds, error, error_at)
VALUES ($1, $2, $3, $4, $5, CASE WHEN $5::text IS NULL THEN NULL ELSE $2::timestamptz END)
ON CONFLICT (name) DO UPDATE SET
	last_ok_at = excluded.last_ok_at, waiting = excluded.waiting,
	lag_seconds = excluded.lag_seconds, error = excluded.error,
	error_at = CASE WHEN excluded.error IS NULL THEN NULL
		ELSE coalesce(mailbox.error_at, excluded.error_at) END;

-- name: fetch_mailbox_error
-- $1 mailbox, $2 now, $3 what went wrong and what to do.
INSERT INTO mailbox (name, error, error_at) VALUES ($1, $3, $2)
ON CONFLICT (name) DO UPDATE SET
	error = excluded.error, error_at = coalesce(mailbox.error_at, excluded.error_at);

-- name: fetch_folder
-- $1 mailbox, $2 folder.
SELECT uidvalidity, last_uid, left_count FROM folder WHERE mailbox = $1 AND name = $2;

-- name: fetch_folder_set
-- $1 mailbox, $2 folder, $3 UIDVALIDITY, $4 last UID dealt with, $5 backlog mails left alone.
INSERT INTO folder (mailbox, name, uidvalidity, last_uid, left_count) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (mailbox, name) DO UPDATE SET
	uidvalidity = excluded.uidvalidity, last_uid = excluded.last_uid,
	left_count = excluded.left_count;

-- name: fetch_pending
-- Mails that are stored and that the server has not been told about. $1 mailbox, $2 folder,
-- $3 UIDVALIDITY, $4 at most.
SELECT id, uid, server_action FROM arrival
WHERE server = 'pending' AND mailbox = $1 AND folder = $2 AND uidvalidity = $3
ORDER BY id
LIMIT $4;

-- name: fetch_stale
-- A folder that was made anew knows the old UIDs no more: nothing can be done about them.
-- $1 mailbox, $2 folder, $3 the UIDVALIDITY of now, $4 why.
UPDATE arrival SET server = 'failed', server_error = $4
WHERE server = 'pending' AND mailbox = $1 AND folder = $2 AND uidvalidity <> $3;

-- name: fetch_marked
-- $1 arrivals, $2 done or failed, $3 what the server said against it, or null.
UPDATE arrival SET server = $2, server_error = $3 WHERE id = ANY ($1::bigint[]);

-- name: fetch_known
-- Which of these POP3 UIDLs have been taken. $1 mailbox, $2 UIDLs.
SELECT id, uid, server, server_action FROM arrival
WHERE mailbox = $1 AND folder = '' AND uidvalidity = 0 AND uid = ANY ($2::text[]);
