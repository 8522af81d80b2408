-- Agents live in mail: what their commands, answers and notices need.

-- luukku-send looks for resolved tickets like the one that a notice is about.
GRANT SELECT ON message_search TO luukku_send;

-- Commands: what was run and how to take it back.
CREATE TABLE command_run (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at         timestamptz NOT NULL,
	actor      text NOT NULL,
	message_id bigint REFERENCES message,
	tickets    bigint[] NOT NULL,
	steps      jsonb NOT NULL,
	undone_at  timestamptz,
	undone_by  text
);
CREATE INDEX command_run_actor ON command_run (actor, id);
CREATE INDEX ticket_tags ON ticket USING gin (tags);
COMMENT ON TABLE command_run IS 'Each mail or call of commands that was run, with what takes it back within the hour.';
COMMENT ON COLUMN command_run.id IS 'Internal key; order.';
COMMENT ON COLUMN command_run.at IS 'When.';
COMMENT ON COLUMN command_run.actor IS 'Who, as in event.actor.';
COMMENT ON COLUMN command_run.message_id IS 'The mail that the commands stood in.';
COMMENT ON COLUMN command_run.tickets IS 'The tickets it changed.';
COMMENT ON COLUMN command_run.steps IS 'What takes each change back, in the order of the changes.';
COMMENT ON COLUMN command_run.undone_at IS 'When it was taken back; null: it stands.';
COMMENT ON COLUMN command_run.undone_by IS 'Who took it back.';

CREATE TABLE held_command (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	message_id bigint NOT NULL REFERENCES message,
	ticket_id  bigint REFERENCES ticket,
	agent      text NOT NULL,
	kind       text NOT NULL CHECK (kind IN ('unproven', 'stale', 'refused')),
	reason     text NOT NULL,
	words      text NOT NULL,
	at         timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	state      text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'run', 'dropped')),
	decided_at timestamptz,
	decided_by text
);
CREATE INDEX held_command_agent ON held_command (agent, id) WHERE state = 'held';
CREATE INDEX held_command_message ON held_command (message_id);
COMMENT ON TABLE held_command IS 'Mails of agents that wait for their writer: without proof, written before something newer, or with a line that was wrong.';
COMMENT ON COLUMN held_command.id IS 'Stands in the action link that runs it.';
COMMENT ON COLUMN held_command.message_id IS 'The mail.';
COMMENT ON COLUMN held_command.ticket_id IS 'The ticket it is about; null: none.';
COMMENT ON COLUMN held_command.agent IS 'Address on file of the agent it is held for.';
COMMENT ON COLUMN held_command.kind IS 'unproven (nothing proves the writer), stale (somebody wrote in between), refused (a line was wrong).';
COMMENT ON COLUMN held_command.reason IS 'The same in words.';
COMMENT ON COLUMN held_command.words IS 'Its new words, run as written.';
COMMENT ON COLUMN held_command.at IS 'When it came.';
COMMENT ON COLUMN held_command.expires_at IS 'It cannot be run after this.';
COMMENT ON COLUMN held_command.state IS 'held until its writer runs or drops it.';
COMMENT ON COLUMN held_command.decided_at IS 'When.';
COMMENT ON COLUMN held_command.decided_by IS 'Who, as in event.actor.';

CREATE TABLE agent_token (
	ticket_id  bigint NOT NULL REFERENCES ticket,
	agent      text NOT NULL,
	epoch      smallint NOT NULL CHECK (epoch BETWEEN 1 AND 255),
	revoked_at timestamptz NOT NULL,
	reason     text NOT NULL,
	PRIMARY KEY (ticket_id, agent)
);
COMMENT ON TABLE agent_token IS 'Agents whose earlier reply addresses of a ticket were revoked, because others had got them.';
COMMENT ON COLUMN agent_token.ticket_id IS 'Of which ticket.';
COMMENT ON COLUMN agent_token.agent IS 'Address on file of the agent.';
COMMENT ON COLUMN agent_token.epoch IS 'Their agent tokens of smaller epochs are revoked; without a row the epoch is 0.';
COMMENT ON COLUMN agent_token.revoked_at IS 'When the last one was revoked.';
COMMENT ON COLUMN agent_token.reason IS 'Why.';

CREATE TABLE consultation (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ticket_id   bigint NOT NULL REFERENCES ticket,
	address     text NOT NULL CHECK (length(address) <= 500),
	asked_by    text NOT NULL,
	message_id  bigint REFERENCES message,
	at          timestamptz NOT NULL,
	answered_at timestamptz,
	ended_at    timestamptz
);
CREATE INDEX consultation_open ON consultation (address, ticket_id) WHERE ended_at IS NULL;
CREATE INDEX consultation_ticket ON consultation (ticket_id);
COMMENT ON TABLE consultation IS 'Questions by #ask to colleagues and outsiders.';
COMMENT ON COLUMN consultation.id IS 'Internal key.';
COMMENT ON COLUMN consultation.ticket_id IS 'About which ticket.';
COMMENT ON COLUMN consultation.address IS 'Who was asked, folded.';
COMMENT ON COLUMN consultation.asked_by IS 'Who asked, as in event.actor.';
COMMENT ON COLUMN consultation.message_id IS 'The question as a note of the ticket.';
COMMENT ON COLUMN consultation.at IS 'When.';
COMMENT ON COLUMN consultation.answered_at IS 'When the first answer came.';
COMMENT ON COLUMN consultation.ended_at IS 'When it was over (answered, taken back, or the ticket resolved); null: open, and a colleague who was asked sees the ticket.';

CREATE TABLE absence (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	agent      text NOT NULL,
	first_day  date NOT NULL,
	last_day   date,
	deputy     text,
	added_by   text NOT NULL,
	message_id bigint REFERENCES message,
	added_at   timestamptz NOT NULL,
	ended_at   timestamptz,
	CHECK (last_day >= first_day)
);
CREATE INDEX absence_agent ON absence (agent, first_day) WHERE ended_at IS NULL;
COMMENT ON TABLE absence IS 'When agents are away: by #away, or by a vacation answer of theirs.';
COMMENT ON COLUMN absence.id IS 'Internal key.';
COMMENT ON COLUMN absence.agent IS 'Address on file of the agent.';
COMMENT ON COLUMN absence.first_day IS 'First day away, in the site''s time zone.';
COMMENT ON COLUMN absence.last_day IS 'Last day away; null: until their next own mail.';
COMMENT ON COLUMN absence.deputy IS 'Who gets new assignments and reminders meanwhile; null: nobody.';
COMMENT ON COLUMN absence.added_by IS 'Who said so, as in event.actor.';
COMMENT ON COLUMN absence.message_id IS 'The mail that said so.';
COMMENT ON COLUMN absence.added_at IS 'When.';
COMMENT ON COLUMN absence.ended_at IS 'When it was taken back or ended by itself; null: it holds.';

CREATE TABLE look_up (
	agent text PRIMARY KEY,
	query jsonb NOT NULL,
	shown integer NOT NULL,
	at    timestamptz NOT NULL
);
COMMENT ON TABLE look_up IS 'Each agent''s last #list, #history or #search, for #more.';
COMMENT ON COLUMN look_up.agent IS 'Address on file of the agent.';
COMMENT ON COLUMN look_up.query IS 'What was looked up.';
COMMENT ON COLUMN look_up.shown IS 'How many rows were shown so far.';
COMMENT ON COLUMN look_up.at IS 'When.';

ALTER TABLE ticket
	ADD COLUMN answer_by       timestamptz,
	ADD COLUMN survey_excluded text;
COMMENT ON COLUMN ticket.answer_by IS 'Until when a customer who was asked should answer, by #wait customer 3d; null: by the queue''s customer_reminders.';
COMMENT ON COLUMN ticket.survey_excluded IS 'Why a manager excluded its survey score from the figures; null: it counts.';
GRANT SELECT (answer_by) ON ticket TO luukku_read;

ALTER TABLE ticket ADD COLUMN supplier_references text[] NOT NULL DEFAULT '{}';
CREATE INDEX ticket_supplier_references ON ticket USING gin (supplier_references) WHERE supplier IS NOT NULL;
COMMENT ON COLUMN ticket.supplier_references IS 'References of suppliers'' own, from their mails: the supplier''s name, a space, the reference.';

CREATE FUNCTION search_tickets(words text, address bytea, ticket bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT m.ticket_id FROM message_search s JOIN message m ON m.id = s.message_id
	 WHERE m.ticket_id IS NOT NULL
	   AND s.words @@ (websearch_to_tsquery('simple', $1) || websearch_to_tsquery('finnish', $1)
		|| websearch_to_tsquery('swedish', $1) || websearch_to_tsquery('english', $1))
	UNION
	SELECT c.ticket_id FROM participant c JOIN person p ON p.id = c.person_id WHERE p.address_hash = $2
	UNION
	SELECT id FROM ticket WHERE id = $3
	UNION
	SELECT id FROM ticket WHERE tags @> ARRAY[lower($1)]
$$;
COMMENT ON FUNCTION search_tickets IS 'Tickets that #search and luukkuctl list --search find: by words of messages in any of the three languages, the BLAKE2b-128 of a customer''s address, a ticket''s number, a tag.';

GRANT SELECT, INSERT, UPDATE ON command_run, held_command, agent_token, consultation, absence, look_up
	TO luukku_fetch, luukku_lmtp, luukku_ctl;
GRANT SELECT ON agent_token, consultation, absence TO luukku_send;
GRANT SELECT ON held_command, consultation, absence TO luukku_sched;
GRANT DELETE ON ticket_link, participant TO luukku_fetch, luukku_lmtp, luukku_ctl;
GRANT UPDATE (direction, reply_text) ON message TO luukku_fetch, luukku_lmtp, luukku_ctl;
GRANT UPDATE (ticket_id) ON message, identifier TO luukku_fetch, luukku_lmtp, luukku_ctl;
GRANT SELECT ON message_search TO luukku_fetch, luukku_lmtp;
GRANT INSERT ON ticket_link, outbox, message, attachment TO luukku_ctl;
GRANT UPDATE ON ticket, stage TO luukku_ctl;
GRANT UPDATE (message_id) ON identifier TO luukku_ctl;
GRANT UPDATE (name) ON organisation TO luukku_ctl;
GRANT USAGE ON SEQUENCE outbox_id_seq TO luukku_ctl;
