-- Routing: what rules, people and agents' answers add to tickets and mails out.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE outbox ADD COLUMN form jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN outbox.form IS 'How it is composed: is_personal, is_bulk, from_name, to, cc, attach; {}: an automatic mail in the queue''s name.';

ALTER TABLE ticket
	ADD COLUMN skill    text,
	ADD COLUMN sla      text,
	ADD COLUMN supplier text;
COMMENT ON COLUMN ticket.skill IS 'The skill it needs, by a rule; null: none in particular.';
COMMENT ON COLUMN ticket.sla IS 'Its service level by a rule; null: that of the organisation or the queue.';
COMMENT ON COLUMN ticket.supplier IS 'The supplier it was handed to last.';
GRANT SELECT (skill, sla, supplier) ON ticket TO luukku_read;

-- People, required fields, assignment, urgency.

ALTER TABLE person ADD COLUMN organisation_set boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN person.organisation_set IS 'The organisation was imported: it wins over the domains of the configuration.';
GRANT SELECT (organisation_set) ON person TO luukku_read;

ALTER TABLE ticket ADD COLUMN missing_fields text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN ticket.missing_fields IS 'Required fields of its queue that nothing has filled yet, in the order they are asked for.';
GRANT SELECT (missing_fields) ON ticket TO luukku_read;

CREATE TABLE turn (
	queue    text PRIMARY KEY CHECK (length(queue) <= 200),
	last     text NOT NULL DEFAULT '',
	assigned bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE turn IS 'Whose turn it is when tickets are assigned by themselves. An intake locks its queue''s row until it commits.';
COMMENT ON COLUMN turn.queue IS 'Name of the queue in the configuration.';
COMMENT ON COLUMN turn.last IS 'Address of the agent who got the last ticket.';
COMMENT ON COLUMN turn.assigned IS 'How many tickets were assigned so.';
GRANT SELECT, INSERT, UPDATE ON turn TO luukku_fetch, luukku_lmtp;
GRANT SELECT ON turn TO luukku_ctl, luukku_read;

CREATE VIEW ticket_urgency AS
SELECT t.id AS ticket_id, t.queue, t.owner,
       t.status NOT IN ('resolved', 'closed', 'junk', 'merged') AS is_open,
       array_position(ARRAY['urgent', 'high', 'normal', 'low'], t.priority) AS rank,
       least(CASE WHEN t.first_response_at IS NULL THEN t.due_respond END, t.due_resolve) AS due_at,
       t.opened_at
  FROM ticket t;
COMMENT ON VIEW ticket_urgency IS 'What urgency is made of; ORDER BY urgency(ticket_urgency, TIME) is its one order: breached, then priority, then due time, then the oldest; finished tickets last, the newest first.';
COMMENT ON COLUMN ticket_urgency.ticket_id IS 'The ticket.';
COMMENT ON COLUMN ticket_urgency.queue IS 'Its queue.';
COMMENT ON COLUMN ticket_urgency.owner IS 'Its owner; null: nobody.';
COMMENT ON COLUMN ticket_urgency.is_open IS 'Neither resolved, closed, junk nor merged.';
COMMENT ON COLUMN ticket_urgency.rank IS '1 urgent, 2 high, 3 normal, 4 low.';
COMMENT ON COLUMN ticket_urgency.due_at IS 'The next target that is still to be met; null: none.';
COMMENT ON COLUMN ticket_urgency.opened_at IS 'When the mail server received the opening mail.';
GRANT SELECT ON ticket_urgency TO luukku_fetch, luukku_lmtp, luukku_sched, luukku_ctl, luukku_read;

CREATE FUNCTION urgency(u ticket_urgency, at timestamptz) RETURNS double precision[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN u.is_open
		THEN ARRAY[CASE WHEN u.due_at < at THEN 0 ELSE 1 END, u.rank,
			extract(epoch FROM coalesce(u.due_at, 'infinity')), extract(epoch FROM u.opened_at)]
		ELSE ARRAY[2, -extract(epoch FROM u.opened_at)] END::double precision[]
$$;
COMMENT ON FUNCTION urgency IS 'Sorts tickets: smaller is more urgent at that time.';

-- luukkuctl imports, erases and hands over. Erasing replaces what people wrote, their names and
-- their addresses; figures stay.
GRANT INSERT ON organisation TO luukku_ctl;
GRANT UPDATE ON person TO luukku_ctl;
GRANT UPDATE (subject, title, subject_hash, fields, resolution, owner, changed_at) ON ticket TO luukku_ctl;
GRANT UPDATE (kind_reason, evidence_reason, message_id, from_name, from_address, recipients_to, recipients_cc,
	subject, in_reply_to, refs, text, reply_text, header_block, parsed, raw_blob) ON message TO luukku_ctl;
GRANT DELETE ON attachment, message_search TO luukku_ctl;
GRANT UPDATE (actor, reason, detail) ON event TO luukku_ctl;
GRANT UPDATE (reason, explain) ON arrival TO luukku_ctl;
GRANT UPDATE (added_by) ON participant TO luukku_ctl;
GRANT UPDATE (detail) ON quarantine TO luukku_ctl;
GRANT UPDATE (recipient, recipient_hash, recipient_name, variables, form, last_reply) ON outbox TO luukku_ctl;
GRANT UPDATE (reply) ON delivery TO luukku_ctl;

-- A mail that was joined as a duplicate may become a ticket of its own.
GRANT UPDATE (ticket_id, evidence, evidence_reason) ON message TO luukku_fetch, luukku_lmtp;

CREATE TABLE mass (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	queue       text NOT NULL CHECK (length(queue) <= 200),
	proposed_at timestamptz NOT NULL,
	last_at     timestamptz NOT NULL
);
CREATE INDEX mass_queue ON mass (queue, last_at);
COMMENT ON TABLE mass IS 'A possible mass incident: many people wrote the same within a short time. Proposed to the managers once; linked by them alone.';
COMMENT ON COLUMN mass.id IS 'Internal key.';
COMMENT ON COLUMN mass.queue IS 'Name of the queue in the configuration.';
COMMENT ON COLUMN mass.proposed_at IS 'When the managers were told.';
COMMENT ON COLUMN mass.last_at IS 'When its newest ticket was opened.';

CREATE TABLE mass_ticket (
	ticket_id bigint PRIMARY KEY REFERENCES ticket,
	mass_id   bigint NOT NULL REFERENCES mass
);
CREATE INDEX mass_ticket_mass ON mass_ticket (mass_id);
COMMENT ON TABLE mass_ticket IS 'The tickets that a possible mass incident is made of.';
COMMENT ON COLUMN mass_ticket.ticket_id IS 'The ticket.';
COMMENT ON COLUMN mass_ticket.mass_id IS 'The possible mass incident.';
GRANT SELECT, INSERT, UPDATE (last_at) ON mass TO luukku_fetch, luukku_lmtp;
GRANT SELECT, INSERT ON mass_ticket TO luukku_fetch, luukku_lmtp;
GRANT SELECT ON mass, mass_ticket TO luukku_ctl, luukku_read;

CREATE TABLE ticket_words (
	ticket_id bigint PRIMARY KEY REFERENCES ticket,
	queue     text NOT NULL CHECK (length(queue) <= 200),
	opened_at timestamptz NOT NULL,
	words     text[] NOT NULL CHECK (cardinality(words) <= 100)
);
CREATE INDEX ticket_words_queue ON ticket_words (queue, opened_at);
COMMENT ON TABLE ticket_words IS 'What the tickets of the last four weeks are about, in queues that look for mass incidents.';
COMMENT ON COLUMN ticket_words.ticket_id IS 'The ticket.';
COMMENT ON COLUMN ticket_words.queue IS 'The queue that it was opened in.';
COMMENT ON COLUMN ticket_words.opened_at IS 'When its mail came.';
COMMENT ON COLUMN ticket_words.words IS 'Beginnings of the words of its subject and first mail, without greetings and little words.';
GRANT SELECT, INSERT, UPDATE, DELETE ON ticket_words TO luukku_fetch, luukku_lmtp;
GRANT SELECT, INSERT, UPDATE, DELETE ON ticket_words TO luukku_ctl;

-- A mail that a person released from the quarantine is a ticket like any other: whose turn it is, too.
GRANT INSERT, UPDATE ON turn TO luukku_ctl;
GRANT INSERT ON mass, mass_ticket TO luukku_ctl;
GRANT UPDATE (last_at) ON mass TO luukku_ctl;
GRANT UPDATE (evidence, writer) ON message TO luukku_ctl;
GRANT UPDATE (writer) ON message TO luukku_fetch, luukku_lmtp;
