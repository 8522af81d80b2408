-- The picture of the day: digests and the board.

CREATE TABLE action (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	agent      text NOT NULL CHECK (length(agent) <= 320),
	kind       text NOT NULL CHECK (kind IN ('commands', 'release', 'drop', 'retry', 'cancel')),
	queue      text NOT NULL CHECK (length(queue) <= 200),
	target     bigint,
	words      text NOT NULL DEFAULT '' CHECK (length(words) <= 10000),
	at         timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	used_at    timestamptz
);
CREATE INDEX action_expires ON action (expires_at);
COMMENT ON TABLE action IS 'Action links of digests that are about no single ticket: what each does when a mail comes to it, once.';
COMMENT ON COLUMN action.id IS 'Stands in the link''s address.';
COMMENT ON COLUMN action.agent IS 'Address on file of the only one who can use it.';
COMMENT ON COLUMN action.kind IS 'commands (the words are run), release and drop (of the quarantine), retry and cancel (of the outbox).';
COMMENT ON COLUMN action.queue IS 'Whose manager it takes, also when it is used.';
COMMENT ON COLUMN action.target IS 'Number in the quarantine or the outbox; null: the words say it.';
COMMENT ON COLUMN action.words IS 'The commands, as an agent writes them.';
COMMENT ON COLUMN action.at IS 'When the digest was written.';
COMMENT ON COLUMN action.expires_at IS 'It does nothing after this.';
COMMENT ON COLUMN action.used_at IS 'When it was used; null: it can be.';
GRANT SELECT, INSERT, DELETE ON action TO luukku_sched;
GRANT SELECT, UPDATE (used_at) ON action TO luukku_fetch, luukku_lmtp;
GRANT SELECT ON action TO luukku_ctl;

-- What the links do is done by whoever takes the mail.
GRANT UPDATE (state, decided_at, decided_by) ON quarantine TO luukku_fetch, luukku_lmtp;
GRANT UPDATE (due_at, attempts) ON outbox TO luukku_fetch, luukku_lmtp;

ALTER TABLE ticket ADD COLUMN incident_told_at timestamptz;
CREATE INDEX ticket_urgent_incident ON ticket (id)
	WHERE type = 'incident' AND priority = 'urgent' AND incident_told_at IS NULL
	  AND status NOT IN ('resolved', 'closed', 'junk', 'merged');
COMMENT ON COLUMN ticket.incident_told_at IS 'When the incident managers were told of it as an urgent incident; null: they were not.';
GRANT SELECT (incident_told_at) ON ticket TO luukku_read;

-- What came in and went out on a day, of a million tickets.
CREATE INDEX ticket_resolved_at ON ticket (resolved_at) WHERE resolved_at IS NOT NULL;
-- What failed or is held of late, and quickly: the rest of the outbox is history.
CREATE INDEX outbox_stuck ON outbox (created_at) WHERE state IN ('failed', 'held', 'suppressed', 'uncertain');

-- luukku-sched writes the digests.
GRANT SELECT ON quarantine, mailbox, agent_token TO luukku_sched;

-- The board: counts and times, and no word of anybody's.
GRANT SELECT (id, queue, status, type, priority, owner, opened_at, first_response_at, resolved_at,
	due_respond, due_resolve, paused_at, is_machine) ON ticket TO luukku_web;
GRANT SELECT (name, last_ok_at, waiting, lag_seconds, error_at) ON mailbox TO luukku_web;
GRANT SELECT (id, state, created_at) ON outbox TO luukku_web;
GRANT SELECT (id, state) ON quarantine TO luukku_web;
