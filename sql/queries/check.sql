-- What open tickets need of the configuration. Called by luukkuctl check.

-- name: check_queues
-- Queues that have open tickets, how many, and the oldest of them.
SELECT queue AS name, count(*) AS tickets, min(id) AS oldest
  FROM ticket
 WHERE status NOT IN ('resolved', 'closed', 'junk', 'merged')
 GROUP BY queue ORDER BY queue;

-- name: check_owners
-- The same for the agents who own open tickets.
SELECT owner AS name, count(*) AS tickets, min(id) AS oldest
  FROM ticket
 WHERE owner IS NOT NULL AND status NOT IN ('resolved', 'closed', 'junk', 'merged')
 GROUP BY owner ORDER BY owner;
