-- The board: counts and times, and no word of anybody's. Called by lib/desk/board.c as luukku_web.

-- name: board_open
-- $1 now, $2 start of tomorrow. What is open in each queue: how much, how old, how it stands with the
-- service level.
SELECT queue, count(*) AS n_open,
       count(*) FILTER (WHERE owner IS NULL) AS n_free,
       count(*) FILTER (WHERE priority = 'urgent') AS n_urgent,
       count(*) FILTER (WHERE priority = 'urgent' AND owner IS NULL) AS n_alarm,
       count(*) FILTER (WHERE due_at < $1) AS n_breached,
       count(*) FILTER (WHERE due_at >= $1 AND due_at < $2) AS n_due,
       count(*) FILTER (WHERE opened_at > $1::timestamptz - interval '1 day') AS n_day,
       count(*) FILTER (WHERE opened_at <= $1::timestamptz - interval '1 day'
			AND opened_at > $1::timestamptz - interval '3 days') AS n_days,
       count(*) FILTER (WHERE opened_at <= $1::timestamptz - interval '3 days'
			AND opened_at > $1::timestamptz - interval '7 days') AS n_week,
       count(*) FILTER (WHERE opened_at <= $1::timestamptz - interval '7 days') AS n_older,
       min(opened_at) AS oldest_at
  FROM (SELECT queue, owner, priority, opened_at,
	       CASE WHEN paused_at IS NULL
		    THEN least(CASE WHEN first_response_at IS NULL THEN due_respond END, due_resolve) END AS due_at
	  FROM ticket
	 WHERE status NOT IN ('resolved', 'closed', 'junk', 'merged')) t
 GROUP BY queue
 ORDER BY queue;

-- name: board_day
-- $1 start of today, $2 start of tomorrow. What came in and what was resolved today, by queue and hour.
SELECT queue, hour, sum(n_in)::bigint AS n_in, sum(n_out)::bigint AS n_out
  FROM (SELECT queue, floor(extract(epoch FROM opened_at - $1::timestamptz) / 3600)::bigint AS hour,
	       count(*) AS n_in, 0::bigint AS n_out
	  FROM ticket
	 WHERE opened_at >= $1 AND opened_at < $2 AND status <> 'junk'
	 GROUP BY 1, 2
	UNION ALL
	SELECT queue, floor(extract(epoch FROM resolved_at - $1::timestamptz) / 3600)::bigint, 0, count(*)
	  FROM ticket
	 WHERE resolved_at >= $1 AND resolved_at < $2
	 GROUP BY 1, 2) x
 GROUP BY queue, hour
 ORDER BY queue, hour;

-- name: board_mails
-- Mails out that wait or failed, and mails that nobody has decided on.
SELECT (SELECT count(*) FROM outbox WHERE state IN ('queued', 'retry', 'uncertain', 'sending')) AS n_waiting,
       (SELECT count(*) FROM outbox WHERE state = 'held') AS n_held,
       (SELECT count(*) FROM outbox WHERE state = 'failed') AS n_failed,
       (SELECT min(created_at) FROM outbox WHERE state IN ('queued', 'retry', 'uncertain', 'sending')) AS oldest_at,
       (SELECT count(*) FROM quarantine WHERE state = 'held') AS n_quarantine;

-- name: board_mailboxes
-- Each mailbox: since when it has been in trouble, and what waits in it.
SELECT name, last_ok_at, waiting, lag_seconds, error_at IS NOT NULL AS is_in_trouble FROM mailbox ORDER BY name;
