-- Open hours for reports. Called by lib/desk/open-hours.c (luukku-sched, luukkuctl report).

-- name: hours_state
-- $1 queues of the configuration, $2 now. Each queue that has tickets or is configured: what is known
-- of its open hours; last_to and base: end of the last stretch that has begun, and open seconds
-- before that end; first: those at the beginning; ahead: the stretches to come, "FROM-TO" in
-- microseconds. oldest: the oldest ticket's opening. is_standby: nothing can be written here. The
-- queues of tickets by the index, one step for each.
WITH RECURSIVE used (queue) AS (
	SELECT min(t.queue) FROM ticket t
	UNION ALL
	SELECT (SELECT min(t.queue) FROM ticket t WHERE t.queue > u.queue) FROM used u WHERE u.queue IS NOT NULL
)
SELECT n.queue, q.covered_from, q.covered_to, q.timezone, l.to_at AS last_to, l.base,
       (SELECT h.seconds_before FROM open_hours h WHERE h.queue = n.queue ORDER BY h.from_at LIMIT 1) AS first,
       (SELECT string_agg((extract(epoch FROM h.from_at) * 1000000)::bigint || '-'
			|| (extract(epoch FROM h.to_at) * 1000000)::bigint, ' ' ORDER BY h.from_at)
	  FROM open_hours h
	 WHERE h.queue = n.queue AND h.from_at > $2 AND h.seconds_before IS NOT NULL) AS ahead,
       (SELECT min(t.opened_at) FROM ticket t) AS oldest, pg_is_in_recovery() AS is_standby
  FROM (SELECT unnest($1::text[]) AS queue UNION SELECT u.queue FROM used u WHERE u.queue IS NOT NULL) n
  LEFT JOIN open_queue q ON q.queue = n.queue
  LEFT JOIN LATERAL (
	SELECT h.to_at, h.seconds_before + extract(epoch FROM h.to_at - h.from_at)::bigint AS base
	  FROM open_hours h
	 WHERE h.queue = n.queue AND h.from_at <= $2 AND h.seconds_before IS NOT NULL
	 ORDER BY h.from_at DESC LIMIT 1) l ON true
 ORDER BY n.queue;

-- name: hours_lock
-- One process at a time writes open hours, until its transaction ends.
SELECT pg_advisory_xact_lock(hashtext('luukku.open_hours'));

-- name: hours_cut
-- $1 queue, $2 after. The stretches to come are to be written anew.
DELETE FROM open_hours WHERE queue = $1 AND (from_at > $2 OR seconds_before IS NULL);

-- name: hours_queue
-- $1 queue, $2 time zone, $3 covered_from, $4 covered_to.
INSERT INTO open_queue (queue, timezone, covered_from, covered_to)
VALUES ($1, $2, $3, $4)
ON CONFLICT (queue) DO UPDATE
   SET timezone = excluded.timezone, covered_from = excluded.covered_from, covered_to = excluded.covered_to;

-- name: hours_put
-- $1 queue, $2 from, $3 to (microseconds), $4 open seconds before.
INSERT INTO open_hours (queue, from_at, to_at, seconds_before)
SELECT $1, 'epoch'::timestamptz + s.f * interval '1 microsecond', 'epoch'::timestamptz + s.t * interval '1 microsecond', s.b
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS s (f, t, b)
ON CONFLICT DO NOTHING;

-- name: hours_end
-- $1 queue, $2 covered_to. Behind it nothing is known.
INSERT INTO open_hours (queue, from_at, to_at) VALUES ($1, $2, $2)
ON CONFLICT DO NOTHING;
