-- What notices to the team say. Called by lib/desk/notice*.c when luukku-send composes them.

-- name: notice_ticket
-- $1 ticket, $2 message or 0.
SELECT t.id, t.queue, t.status, t.type, t.priority, t.owner, t.tags, t.fields, t.opened_at,
       CASE WHEN t.paused_at IS NULL THEN t.due_respond END AS due_respond,
       CASE WHEN t.paused_at IS NULL THEN t.due_resolve END AS due_resolve, t.first_response_at, t.chased, t.reopened, t.is_machine,
       coalesce(t.title, t.subject) AS title, t.subject, p.id AS person, p.name AS requester_name,
       p.address AS requester_address, p.phone, p.standing, o.name AS organisation,
       m.from_name, m.from_address, m.at AS written_at, m.writer, m.direction,
       CASE WHEN octet_length(coalesce(m.reply_text, '')) > 0 THEN left(m.reply_text, 60000)
	    ELSE left(m.text, 60000) END AS words,
       coalesce(length(m.reply_text) > 60000, false) AS is_cut,
       (SELECT array_agg(e.detail ->> 'queue') FROM event e
	 WHERE e.ticket_id = t.id AND e.event = 'also_addressed') AS also
  FROM ticket t
  LEFT JOIN person p ON p.id = t.requester_id
  LEFT JOIN organisation o ON o.id = t.organisation_id
  LEFT JOIN message m ON m.id = $2 AND m.ticket_id = t.id
 WHERE t.id = $1;

-- name: notice_earlier
-- $1 person, $2 ticket, $3 queues that the agent sees. The person's other tickets, newest first;
-- of those in other queues only how many. n_seen, n_others: of all.
SELECT t.id, t.status, t.opened_at, coalesce(t.title, t.subject) AS title, t.queue = ANY ($3) AS is_seen,
       count(*) FILTER (WHERE t.queue = ANY ($3)) OVER () AS n_seen,
       count(*) FILTER (WHERE (t.queue = ANY ($3)) IS NOT TRUE) OVER () AS n_others
  FROM ticket t
 WHERE t.requester_id = $1 AND t.id <> $2 AND t.status NOT IN ('junk', 'merged')
 ORDER BY t.queue = ANY ($3) DESC, t.id DESC
 LIMIT 5;

-- name: notice_hurry
-- $1 milliseconds that the next statements of the transaction may take, "0" for no limit.
SELECT set_config('statement_timeout', $1, true) AS was;

-- name: notice_similar
-- $1 queue, $2 ticket, $3 resolved after. Resolved tickets whose words are nearest to those of the
-- ticket's subject; the newest 300 that share a word are looked at.
WITH asked AS (
	SELECT string_agg(DISTINCT quote_literal(lexeme), ' | ')::tsquery AS words
	  FROM ticket t, unnest(to_tsvector((CASE t.language WHEN 'fi' THEN 'finnish' WHEN 'sv' THEN 'swedish'
			WHEN 'en' THEN 'english' ELSE 'simple' END)::regconfig, left(t.subject, 300)))
	 WHERE t.id = $2 AND length(lexeme) > 2
), near AS (
	SELECT m.ticket_id, s.words
	  FROM message_search s JOIN message m ON m.id = s.message_id
	 WHERE s.words @@ (SELECT words FROM asked) AND m.direction = 'in' AND m.ticket_id IS NOT NULL
	 ORDER BY s.message_id DESC LIMIT 300
), ranked AS (
	SELECT ticket_id, max(ts_rank(words, (SELECT words FROM asked))) AS rank
	  FROM near GROUP BY ticket_id
)
SELECT t.id, coalesce(t.title, t.subject) AS title, left(t.resolution, 400) AS resolution, t.resolved_at
  FROM ranked r JOIN ticket t ON t.id = r.ticket_id
 WHERE t.queue = $1 AND t.id <> $2 AND t.status IN ('resolved', 'closed')
   AND coalesce(t.resolution, '') <> '' AND t.resolved_at > $3
 ORDER BY r.rank DESC, t.id DESC LIMIT 3;
