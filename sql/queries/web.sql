-- What luukku-web asks beside surveys.

-- name: web_ready
-- Is the database there, with our schema and our rights? Called by luukku-web for /readyz.
SELECT 1 AS one;

-- name: web_positions
-- Where the counters of /metrics begin: what came before is not counted. Called by luukku-web.
SELECT coalesce((SELECT max(id) FROM arrival), 0) AS arrivals, coalesce((SELECT max(id) FROM delivery), 0) AS deliveries,
	coalesce((SELECT max(id) FROM event), 0) AS events;

-- name: web_count_arrivals
-- $1 position, $2 a time: what is older has no transaction before it any more that could still commit. Mails in
-- behind the position, by mailbox, kind and what became of them: those up to edge for good, the others again the next time.
-- Called by luukku-web.
WITH news AS (
	SELECT a.id, a.mailbox, a.outcome, coalesce(m.kind, 'none') AS kind, a.fetched_at < $2 AS is_old
	  FROM arrival a LEFT JOIN message m ON m.id = a.message_id
	 WHERE a.id > $1
), edge AS (
	SELECT coalesce(min(id) FILTER (WHERE NOT is_old) - 1, max(id), $1) AS at FROM news
)
SELECT n.mailbox AS a, n.kind AS b, n.outcome AS c, count(*) FILTER (WHERE n.id <= e.at) AS settled,
       count(*) FILTER (WHERE n.id > e.at) AS fresh, e.at AS edge
  FROM news n, edge e
 GROUP BY n.mailbox, n.kind, n.outcome, e.at;

-- name: web_count_deliveries
-- The same ($1, $2) of what became of mails out. Called by luukku-web.
WITH news AS (
	SELECT id, state, at < $2 AS is_old FROM delivery WHERE id > $1
), edge AS (
	SELECT coalesce(min(id) FILTER (WHERE NOT is_old) - 1, max(id), $1) AS at FROM news
)
SELECT n.state AS a, NULL::text AS b, NULL::text AS c, count(*) FILTER (WHERE n.id <= e.at) AS settled,
       count(*) FILTER (WHERE n.id > e.at) AS fresh, e.at AS edge
  FROM news n, edge e
 GROUP BY n.state, e.at;

-- name: web_count_events
-- The same ($1, $2) of events; an answer to a survey is nobody's to count here. Called by luukku-web.
WITH news AS (
	SELECT id, event, at < $2 AS is_old FROM event WHERE id > $1
), edge AS (
	SELECT coalesce(min(id) FILTER (WHERE NOT is_old) - 1, max(id), $1) AS at FROM news
)
SELECT n.event AS a, NULL::text AS b, NULL::text AS c, count(*) FILTER (WHERE n.id <= e.at) AS settled,
       count(*) FILTER (WHERE n.id > e.at) AS fresh, e.at AS edge
  FROM news n, edge e
 WHERE NOT starts_with(n.event, 'survey')
 GROUP BY n.event, e.at;

-- name: web_open_tickets
-- $1 now. Open tickets by queue and status, and how many of them are past their next target. Called by
-- luukku-web.
SELECT t.queue, t.status, count(*) AS n, count(*) FILTER (WHERE u.due_at < $1) AS overdue
  FROM ticket t JOIN ticket_urgency u ON u.ticket_id = t.id
 WHERE t.status NOT IN ('resolved', 'closed', 'junk', 'merged')
 GROUP BY t.queue, t.status
 ORDER BY t.queue, t.status;

-- name: web_outbox_states
-- Mails out that are not through, by state. Called by luukku-web.
SELECT state, count(*) AS n FROM outbox
 WHERE state IN ('queued', 'retry', 'uncertain', 'sending', 'failed', 'held')
 GROUP BY state ORDER BY state;
