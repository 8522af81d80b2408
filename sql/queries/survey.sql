-- Surveys and their answers.

-- name: survey_look
-- $1 ticket. What says whether its requester is asked. Called by luukku-sched (lib/desk/timer-survey.c).
-- asked_at, outcome: of its own last survey; person_asked_at: the requester's last one about any ticket, of
-- those whose mail was not taken back before it went.
SELECT t.status, t.subject, t.language, t.resolved_at, t.closed_at, t.requester_id AS person,
       p.address AS requester, p.name AS requester_name, p.standing,
       coalesce(first.parsed ->> 'suppress_reply' = 'true' OR first.parsed -> 'auth' ->> 'dmarc' = 'fail',
		false) AS is_unanswerable,
       coalesce(p.language, o.language, first.language) IS NULL AS is_language_unknown,
       own.sent_at AS asked_at, own.outcome,
       (SELECT max(s.sent_at) FROM survey s LEFT JOIN outbox b ON b.id = s.outbox_id
	 WHERE s.person_id = t.requester_id AND b.state IS DISTINCT FROM 'cancelled') AS person_asked_at,
       EXISTS (SELECT FROM survey s
		WHERE s.person_id = t.requester_id AND s.ticket_id <> t.id AND s.ticket_id IN (
			SELECT l.other_id FROM ticket_link l WHERE l.ticket_id = t.id AND l.relation = 'parent'
			UNION
			SELECT l.ticket_id FROM ticket_link l
			 WHERE l.relation = 'parent' AND (l.other_id = t.id OR l.other_id IN (
				SELECT u.other_id FROM ticket_link u WHERE u.ticket_id = t.id AND u.relation = 'parent')))) AS is_family_asked,
       t.supplier IS NOT NULL
		OR EXISTS (SELECT FROM stage g WHERE g.ticket_id = t.id AND g.status = 'waiting_supplier')
		OR EXISTS (SELECT FROM message m WHERE m.ticket_id = t.id AND m.writer = 'supplier')
		OR EXISTS (SELECT FROM outbox b WHERE b.ticket_id = t.id AND b.purpose = 'supplier') AS had_supplier,
       coalesce((SELECT e.detail ->> 'is_silent' = 'true' FROM event e
		  WHERE e.ticket_id = t.id AND e.event = 'resolution' ORDER BY e.id DESC LIMIT 1), false) AS is_silent_end,
       EXISTS (SELECT FROM event e WHERE e.ticket_id = t.id AND e.event = 'closed_unanswered'
		AND e.at >= t.resolved_at) AS is_unanswered,
       EXISTS (SELECT FROM event e WHERE e.ticket_id = t.id AND e.event = 'survey_skipped'
		AND e.at >= t.resolved_at) AS is_skipped
  FROM ticket t
  LEFT JOIN person p ON p.id = t.requester_id
  LEFT JOIN organisation o ON o.id = t.organisation_id
  LEFT JOIN LATERAL (
	SELECT m.parsed, m.language FROM message m
	 WHERE m.ticket_id = t.id AND m.direction = 'in' ORDER BY m.id LIMIT 1) AS first ON true
  LEFT JOIN LATERAL (
	SELECT s.sent_at, s.outcome FROM survey s
	 WHERE s.ticket_id = t.id ORDER BY s.id DESC LIMIT 1) AS own ON true
 WHERE t.id = $1;

-- name: survey_turn
-- $1 person. Two tickets of one person take turns in being asked about; false: the other has it. Called by
-- luukku-sched.
SELECT pg_try_advisory_xact_lock(hashtextextended('luukku survey', $1::bigint)) AS is_ours;

-- name: survey_add
-- $1 ticket, $2 person, $3 queue, $4 language, $5 now. Gives its id. Called by luukku-sched.
INSERT INTO survey (ticket_id, person_id, queue, language, sent_at) VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- name: survey_sent
-- $1 survey, $2 its mail, or null: it did not go out, and was none. Called by luukku-sched.
WITH kept AS (
	UPDATE survey SET outbox_id = $2 WHERE id = $1 AND $2::bigint IS NOT NULL
)
DELETE FROM survey WHERE id = $1 AND $2::bigint IS NULL;

-- name: survey_find
-- $1 survey, $2 epoch of its token. What its page shows. Called by luukku-web and by the intake.
SELECT s.id, s.ticket_id AS ticket, s.queue, s.language, s.outcome, s.score, s.comment, s.answered_at,
       s.sent_at, t.subject, t.status
  FROM survey s JOIN ticket t ON t.id = s.ticket_id
 WHERE s.id = $1 AND t.token_epoch = $2;

-- name: survey_answer
-- $1 survey, $2 outcome, $3 score or null, $4 comment or null, $5 now, $6 page or mail, $7 message or null,
-- $8 seconds for which it can be changed. Gives the ticket; no row: too late. The same answer again changes
-- nothing. Called by luukku-web and by the intake.
UPDATE survey
   SET outcome = $2, score = $3, comment = $4, answered_at = coalesce(answered_at, $5),
       changed_at = CASE WHEN (outcome, score, comment) IS NOT DISTINCT FROM ($2, $3::smallint, $4) THEN changed_at ELSE $5 END,
       answered_by = $6, message_id = $7
 WHERE id = $1 AND (answered_at IS NULL OR answered_at + make_interval(secs => $8::bigint) >= $5)
RETURNING ticket_id AS ticket;

-- name: survey_answered
-- $1 ticket, $2 survey as a text, $3 now. luukku-sched does what the answer asks for; the row that it may be
-- working on just now was locked before it looked. Called by luukku-web and by the intake, after survey_answer.
WITH put AS (
	INSERT INTO timer (kind, ticket_id, key, due_at) VALUES ('survey_answer', $1, $2, $3)
	ON CONFLICT DO NOTHING
)
SELECT pg_notify('luukku_work', 'timer');

-- name: survey_lock
-- $1 survey. Called by luukku-sched for its answer.
SELECT s.queue, s.outcome, s.comment, s.acted_at, s.changed_at, s.answered_by, s.message_id AS message,
       p.address AS requester, p.name AS requester_name, t.owner,
       (SELECT count(*) FROM event e WHERE e.ticket_id = s.ticket_id AND e.event = 'survey_answered') AS n_told
  FROM survey s JOIN ticket t ON t.id = s.ticket_id LEFT JOIN person p ON p.id = s.person_id
 WHERE s.id = $1
   FOR UPDATE OF s;

-- name: survey_acted
-- $1 survey, $2 now. Called by luukku-sched.
UPDATE survey SET acted_at = $2 WHERE id = $1;

-- name: survey_took_part
-- $1 ticket. Addresses of everybody of the team who had a hand in it. Called by luukku-sched.
SELECT substr(e.actor, 7) AS address FROM event e WHERE e.ticket_id = $1 AND starts_with(e.actor, 'agent:')
UNION
SELECT e.detail ->> 'to' FROM event e
 WHERE e.ticket_id = $1 AND e.event = 'owner' AND e.detail ->> 'to' IS NOT NULL
UNION
SELECT t.owner FROM ticket t WHERE t.id = $1 AND t.owner IS NOT NULL
UNION
SELECT lower(m.from_address) FROM message m
 WHERE m.ticket_id = $1 AND m.writer IN ('agent', 'manager') AND m.from_address IS NOT NULL;

-- name: survey_free_owner
-- $1 ticket, $2 now, $3 reason. Called by luukku-sched.
WITH was AS (
	SELECT id, owner FROM ticket WHERE id = $1 AND owner IS NOT NULL
), freed AS (
	UPDATE ticket t SET owner = NULL, changed_at = greatest(t.changed_at, $2) FROM was WHERE t.id = was.id
)
INSERT INTO event (ticket_id, at, actor, event, reason, detail)
SELECT w.id, $2, 'sched', 'owner', $3, jsonb_build_object('from', w.owner, 'to', NULL) FROM was w;

-- name: survey_show
-- $1 ticket. Its last survey. Called by luukkuctl show.
SELECT s.sent_at, s.answered_at, s.outcome, s.score, s.comment, t.survey_excluded
  FROM survey s JOIN ticket t ON t.id = s.ticket_id
 WHERE s.ticket_id = $1
 ORDER BY s.id DESC LIMIT 1;

-- name: survey_export
-- $1 person. Called by luukkuctl person export.
SELECT jsonb_build_object('ticket', s.ticket_id, 'sent_at', s.sent_at, 'answered_at', s.answered_at,
	'in_order', CASE WHEN s.outcome IS NOT NULL THEN s.outcome <> 'no' END, 'score', s.score, 'comment', s.comment) AS json
  FROM survey s WHERE s.person_id = $1 ORDER BY s.id;

-- name: survey_erase
-- $1 person. Called by luukkuctl person erase.
UPDATE survey SET comment = NULL WHERE person_id = $1 AND comment IS NOT NULL;
