-- Who polls which mailbox. Times are the database's clock: hosts' clocks may differ.
--
-- An ingest holds its lease's row by KEY SHARE, which a renewal (no key column) passes without
-- waiting; (mailbox, epoch) is a key, so that a take-over waits for ingests that have begun.

-- name: lease_renew
-- $1 mailboxes, $2 host, $3 instance, $4 seconds. What this instance holds. Called by luukku-sched.
UPDATE lease SET expires_at = clock_timestamp() + make_interval(secs => $4::integer)
 WHERE mailbox = ANY ($1::text[]) AND host = $2 AND instance = $3
RETURNING mailbox, epoch;

-- name: lease_take
-- $1 mailbox, $2 host, $3 instance, $4 seconds. A row when it is ours now. Called by luukku-sched.
INSERT INTO lease AS l (mailbox, host, instance, epoch, expires_at)
VALUES ($1, $2, $3, 1, clock_timestamp() + make_interval(secs => $4::integer))
ON CONFLICT (mailbox) DO UPDATE
   SET host = excluded.host, instance = excluded.instance, epoch = l.epoch + 1,
       expires_at = excluded.expires_at
 WHERE l.expires_at < clock_timestamp() OR l.host = excluded.host
RETURNING mailbox, epoch;

-- name: lease_check
-- $1 mailbox, $2 host, $3 epoch. A row while the lease is ours; it stays so until the commit.
-- Called by luukku-fetch in each ingest's transaction.
SELECT 1 AS is_ours FROM lease WHERE mailbox = $1 AND host = $2 AND epoch = $3 FOR KEY SHARE;

-- name: lease_list
-- All leases, for people. Called by luukkuctl status.
SELECT mailbox, host, instance, epoch, expires_at, expires_at > clock_timestamp() AS is_held
  FROM lease ORDER BY mailbox;
