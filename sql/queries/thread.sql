-- Where the clues of a mail lead. Called by lib/desk/ingest-look.c.

-- name: thread_candidates
-- $1 BLAKE2b-128 of the sender's folded address or null, $2 ticket numbers that the mail names,
-- $3 BLAKE2b-128 of the ids it names, $4 outbox rows whose return address it came to, $5 the supplier who
-- sent it or null, $6 what it names as ticket.supplier_references, $7 address on file of the agent who sent it or
-- null; then is_asked and also are for lk_sight_of.
-- Rows of three sorts by column what: ticket (named, with merges followed), hit (the id with index
-- n belongs to named), sent (outbox row n is about named).
WITH RECURSIVE hit AS (
	SELECT h.n, i.ticket_id, i.message_id IS NOT NULL AS is_stored
	  FROM unnest($3::bytea[]) WITH ORDINALITY AS h (hash, n)
	 CROSS JOIN LATERAL (
		SELECT ticket_id, message_id FROM identifier
		 WHERE hash = h.hash ORDER BY ticket_id DESC LIMIT 50) AS i
), sent AS (
	SELECT id, ticket_id, purpose FROM outbox WHERE id = ANY ($4::bigint[])
), named AS (
	SELECT unnest($2::bigint[]) AS id
	UNION SELECT ticket_id FROM hit
	UNION SELECT ticket_id FROM sent
	UNION SELECT id FROM ticket WHERE supplier IS NOT NULL AND supplier_references && $6::text[]
), chain AS (
	SELECT t.id AS named, t.token_epoch AS epoch, t.id, t.merged_into,
	       0 AS depth
	  FROM ticket t JOIN named ON named.id = t.id
	UNION ALL
	SELECT c.named, c.epoch, t.id, t.merged_into, c.depth + 1
	  FROM chain c JOIN ticket t ON t.id = c.merged_into
	 WHERE c.depth < 20
), final AS (
	SELECT DISTINCT ON (named) named, epoch, id FROM chain ORDER BY named, depth DESC
)
SELECT 'ticket' AS what, 0::bigint AS n, f.named, f.epoch::bigint AS epoch, t.id AS ticket, t.status,
       t.queue, coalesce(t.resolved_at, t.closed_at) AS ended_at, t.closed_at, false AS is_stored,
       t.requester_id = p.id AS is_requester,
       t.requester_id = p.id OR EXISTS (
		SELECT FROM participant a
		 WHERE a.ticket_id IN (t.id, f.named) AND a.person_id = p.id) AS takes_part,
       NULL AS purpose,
       $5::text = t.supplier OR t.supplier_references && $6::text[] OR r.is_referenced AS is_supplier,
       r.is_referenced,
       $7::text IS NOT NULL AND EXISTS (
		SELECT FROM consultation c
		 WHERE c.address = $7 AND c.ticket_id = t.id AND c.ended_at IS NULL) AS is_asked,
       CASE WHEN $7::text IS NOT NULL
	    THEN (SELECT array_agg(e.detail ->> 'queue') FROM event e
		   WHERE e.ticket_id = t.id AND e.event = 'also_addressed') END AS also
  FROM final f
  JOIN ticket t ON t.id = f.id
 CROSS JOIN LATERAL (
	SELECT n.supplier_references && $6::text[] AS is_referenced FROM ticket n WHERE n.id = f.named) AS r
  LEFT JOIN person p ON p.address_hash = $1
UNION ALL
SELECT 'hit', n - 1, ticket_id, NULL, NULL, NULL, NULL, NULL, NULL, is_stored, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM hit
UNION ALL
SELECT 'sent', id, ticket_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, purpose, NULL, NULL, NULL, NULL FROM sent;
