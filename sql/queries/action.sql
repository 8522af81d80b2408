-- Action links of digests, used. Called by lib/desk/ingest-agent-action.c.

-- name: action_lock
-- $1 action.
SELECT agent, kind, queue, target, words, expires_at, used_at FROM action WHERE id = $1 FOR UPDATE;

-- name: action_use
-- $1 action, $2 now.
UPDATE action SET used_at = $2 WHERE id = $1;
