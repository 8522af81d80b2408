-- What luukku-sched does behind the intake.

-- name: sched_index
-- Indexes messages for search. $1 only those above this id, $2 at most so many. What is indexed is
-- cut: a tsvector has a limit that a stranger could write beyond. Gives how many were looked at,
-- how many added, and the last id. Called by luukku-sched.
WITH batch AS (
	SELECT m.id, m.language, m.subject, m.from_name, m.from_address, m.text
	  FROM message m
	 WHERE m.id > $1 AND NOT EXISTS (SELECT FROM message_search s WHERE s.message_id = m.id)
	 ORDER BY m.id
	 LIMIT $2
), added AS (
	INSERT INTO message_search (message_id, words)
	SELECT b.id,
	       to_tsvector((CASE b.language WHEN 'fi' THEN 'finnish' WHEN 'sv' THEN 'swedish'
				WHEN 'en' THEN 'english' ELSE 'simple' END)::regconfig,
			   concat_ws(E'\n', left(b.subject, 2000), left(b.from_name, 500),
				     left(b.from_address, 500),
				     CASE WHEN octet_length(b.text) > 262144 THEN left(b.text, 65536)
					  ELSE b.text END))
	  FROM batch b
	ON CONFLICT (message_id) DO NOTHING
	RETURNING message_id
)
SELECT count(*) AS n, coalesce(max(b.id), $1) AS last, (SELECT count(*) FROM added) AS did
  FROM batch b;

-- name: sched_index_skip
-- The next message that is not indexed gets an empty index: its text cannot be. $1 above this id.
-- Gives its id. Called by luukku-sched.
INSERT INTO message_search (message_id, words)
SELECT m.id, ''::tsvector
  FROM message m
 WHERE m.id > $1 AND NOT EXISTS (SELECT FROM message_search s WHERE s.message_id = m.id)
 ORDER BY m.id
 LIMIT 1
ON CONFLICT (message_id) DO NOTHING
RETURNING message_id AS id;

-- name: sched_index_from
-- Up to here every message is indexed, those included whose commit came late. Called by
-- luukku-sched.
SELECT coalesce((SELECT value::bigint FROM setting WHERE name = 'search_from'), 0) AS id;

-- name: sched_index_advance
-- Call when nothing above search_from is left to index. Ids are given out before the commit: what
-- was the newest id some minutes ago is settled now, no transaction lives that long. $1 seconds.
-- Called by luukku-sched.
WITH seen AS (
	SELECT split_part(value, ' ', 1) AS id, split_part(value, ' ', 2)::bigint AS at
	  FROM setting WHERE name = 'search_seen'
), clock AS (
	SELECT extract(epoch FROM clock_timestamp())::bigint AS at
	 WHERE NOT EXISTS (SELECT FROM seen
			    WHERE seen.at > extract(epoch FROM clock_timestamp())::bigint - $1::bigint)
), moved AS (
	INSERT INTO setting (name, value)
	SELECT 'search_from', seen.id FROM seen, clock
	ON CONFLICT (name) DO UPDATE SET value = excluded.value
)
INSERT INTO setting (name, value)
SELECT 'search_seen', (SELECT coalesce(max(m.id), 0) FROM message m) || ' ' || clock.at FROM clock
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: sched_raw_drop
-- The oldest original mails, by blob, go when their time is over. $1 fetched before this, $2 look
-- at so many. Gives the blobs they stood in. Called by luukku-sched.
WITH oldest AS (
	SELECT m.id, m.raw_blob,
	       coalesce((SELECT min(a.fetched_at) FROM arrival a WHERE a.message_id = m.id), m.at) AS at
	  FROM message m
	 WHERE m.raw_blob IS NOT NULL
	 ORDER BY m.raw_blob
	 LIMIT $2
)
UPDATE message m SET raw_blob = NULL
  FROM oldest o
 WHERE m.id = o.id AND o.at < $1
RETURNING o.raw_blob AS blob;

-- name: sched_blob_window
-- Blobs that nothing refers to, among $2 ids above $1, by rows a day old. Called by luukku-sched.
SELECT b.id AS blob
  FROM blob b
 WHERE b.id > $1 AND b.id <= $1::bigint + $2::bigint
   AND b.created_at < clock_timestamp() - interval '1 day'
   AND NOT EXISTS (SELECT FROM attachment a WHERE a.blob_id = b.id)
   AND NOT EXISTS (SELECT FROM message m WHERE m.raw_blob = b.id);

-- name: sched_blob_newest
-- Called by luukku-sched.
SELECT coalesce(max(id), 0) AS id FROM blob;

-- name: sched_blob_lock
-- $1 blobs. Those that no intake is about to use. A statement of its own: the next one must see
-- what intakes have committed before the lock. Called by luukku-sched.
SELECT id FROM blob WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE SKIP LOCKED;

-- name: sched_blob_delete
-- $1 blobs, locked. Those that nothing refers to go. Called by luukku-sched.
DELETE FROM blob b
 WHERE b.id = ANY ($1::bigint[])
   AND NOT EXISTS (SELECT FROM attachment a WHERE a.blob_id = b.id)
   AND NOT EXISTS (SELECT FROM message m WHERE m.raw_blob = b.id);
