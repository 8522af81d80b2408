-- Content by hash (lib/db/blob.c).

-- name: blob_find
-- $1 BLAKE2b-256. KEY SHARE keeps the clean-up from taking a blob away that is about to be used.
-- Called by luukku-fetch, luukku-lmtp and luukkuctl.
SELECT id, size FROM blob WHERE hash = $1 FOR KEY SHARE;

-- name: blob_insert
-- $1 BLAKE2b-256, $2 size; no row when another transaction was first. Called by luukku-fetch,
-- luukku-lmtp and luukkuctl.
INSERT INTO blob (hash, size) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING RETURNING id;

-- name: blob_insert_small
-- $1 BLAKE2b-256, $2 size, $3 all of its bytes (at most one piece); no row when it is there already.
-- Called by luukku-fetch, luukku-lmtp and luukkuctl.
WITH new AS (
	INSERT INTO blob (hash, size) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING RETURNING id
)
INSERT INTO blob_chunk (blob_id, n, data) SELECT new.id, 0, $3 FROM new RETURNING blob_id AS id;

-- name: blob_chunks_in
-- The pieces of a new blob, in binary. Called by luukku-fetch, luukku-lmtp and luukkuctl.
COPY blob_chunk (blob_id, n, data) FROM STDIN (FORMAT binary);

-- name: blob_head
-- $1 blob. Called by luukku-fetch, luukku-lmtp, luukku-send, luukku-sched and luukkuctl.
SELECT hash, size FROM blob WHERE id = $1;

-- name: blob_chunks_out
-- $1 blob; its pieces in order. Called by luukku-fetch, luukku-lmtp, luukku-send, luukku-sched and
-- luukkuctl.
SELECT data FROM blob_chunk WHERE blob_id = $1 ORDER BY n;
