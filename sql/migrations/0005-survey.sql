-- Surveys: what was asked, what came back.

CREATE TABLE survey (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ticket_id   bigint NOT NULL REFERENCES ticket,
	person_id   bigint REFERENCES person,
	queue       text NOT NULL CHECK (length(queue) <= 200),
	language    text NOT NULL,
	sent_at     timestamptz NOT NULL,
	outbox_id   bigint REFERENCES outbox,
	outcome     text CHECK (outcome IN ('score', 'yes', 'no', 'low')),
	score       smallint CHECK (score BETWEEN 0 AND 10),
	comment     text CHECK (length(comment) <= 4000),
	answered_at timestamptz,
	changed_at  timestamptz,
	answered_by text CHECK (answered_by IN ('page', 'mail')),
	message_id  bigint REFERENCES message,
	acted_at    timestamptz,
	CHECK ((outcome IS NULL) = (answered_at IS NULL)),
	CHECK ((score IS NOT NULL) = (outcome IS NOT DISTINCT FROM 'score'))
);
CREATE INDEX survey_ticket ON survey (ticket_id, id);
CREATE INDEX survey_person ON survey (person_id, sent_at) WHERE person_id IS NOT NULL;
CREATE INDEX survey_sent_at ON survey (sent_at);
COMMENT ON TABLE survey IS 'Each survey that was sent: a ticket that is resolved again may have another one. A score is nobody''s but the managers'' who took no part in the ticket; it counts unless ticket.survey_excluded.';
COMMENT ON COLUMN survey.id IS 'Stands in the token of its page and its reply address.';
COMMENT ON COLUMN survey.ticket_id IS 'About which ticket.';
COMMENT ON COLUMN survey.person_id IS 'Who was asked.';
COMMENT ON COLUMN survey.queue IS 'In which queue the ticket was then.';
COMMENT ON COLUMN survey.language IS 'ISO 639-1 language it was sent in.';
COMMENT ON COLUMN survey.sent_at IS 'When, business time.';
COMMENT ON COLUMN survey.outbox_id IS 'Its mail.';
COMMENT ON COLUMN survey.outcome IS 'score (in order, with a number), yes (in order, without one), no (not in order), low (a number under reopen_below of the queue, which is not kept); null: no answer.';
COMMENT ON COLUMN survey.score IS '0 to 10; only with the outcome score.';
COMMENT ON COLUMN survey.comment IS 'The customer''s words.';
COMMENT ON COLUMN survey.answered_at IS 'First answer; it may be changed for a week.';
COMMENT ON COLUMN survey.changed_at IS 'Last answer.';
COMMENT ON COLUMN survey.answered_by IS 'page or mail: how the last one came.';
COMMENT ON COLUMN survey.message_id IS 'The mail of the last answer, where it was one.';
COMMENT ON COLUMN survey.acted_at IS 'When the ticket was opened again, or its managers told, for its answer; null: nothing was to be done so far.';

-- luukku-web knows of a ticket what its page shows, and writes nothing but answers.
GRANT SELECT ON schema_migration, setting, survey TO luukku_web;
GRANT SELECT (id, subject, status, token_epoch) ON ticket TO luukku_web;
GRANT UPDATE (outcome, score, comment, answered_at, changed_at, answered_by, message_id) ON survey TO luukku_web;
GRANT INSERT ON timer TO luukku_web;

-- What /metrics counts: numbers and names of the house, no words.
GRANT SELECT (queue, opened_at, tags) ON ticket TO luukku_web;
GRANT SELECT (id, ticket_id, kind) ON message TO luukku_web;
GRANT SELECT (id, mailbox, message_id, outcome, server, server_error, fetched_at) ON arrival TO luukku_web;
GRANT SELECT (id, at, event) ON event TO luukku_web;
GRANT SELECT (id, at, state) ON delivery TO luukku_web;
GRANT SELECT (state, created_at) ON outbox TO luukku_web;
GRANT SELECT (state) ON quarantine TO luukku_web;
GRANT SELECT (due_at, attempts) ON timer TO luukku_web;
GRANT SELECT ON ticket_urgency, mailbox, lease TO luukku_web;

-- Answers by mail.
GRANT SELECT ON survey TO luukku_fetch, luukku_lmtp, luukku_ctl, luukku_send;
GRANT UPDATE (outcome, score, comment, answered_at, changed_at, answered_by, message_id) ON survey
	TO luukku_fetch, luukku_lmtp;

-- luukku-sched asks, and does what an answer asks for.
GRANT SELECT, INSERT, UPDATE, DELETE ON survey TO luukku_sched;
GRANT SELECT ON ticket_link, participant TO luukku_sched;

-- A person's data can be erased.
GRANT UPDATE (comment) ON survey TO luukku_ctl;
