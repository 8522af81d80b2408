-- Clocks: due times, and work that becomes due.

ALTER TABLE ticket
	ADD COLUMN clocked_at timestamptz,
	ADD COLUMN paused_at  timestamptz;
CREATE INDEX ticket_unclocked ON ticket (id)
	WHERE clocked_at IS NULL AND status NOT IN ('resolved', 'closed', 'junk', 'merged');
COMMENT ON COLUMN ticket.clocked_at IS 'When its due times were last worked out; null: never, luukku-sched will do it.';
COMMENT ON COLUMN ticket.paused_at IS 'Since when its targets stand still (it waits for the customer): due_respond and due_resolve are as of then; null: they run.';
COMMENT ON COLUMN ticket.due_respond IS 'Target of the first answer by the SLA; waits for the customer that are over have moved it.';
COMMENT ON COLUMN ticket.due_resolve IS 'Target of the resolution by the SLA; waits for the customer that are over have moved it.';
GRANT SELECT (clocked_at, paused_at) ON ticket TO luukku_read;

-- What stands still is not overdue.
CREATE OR REPLACE VIEW ticket_urgency AS
SELECT t.id AS ticket_id, t.queue, t.owner,
       t.status NOT IN ('resolved', 'closed', 'junk', 'merged') AS is_open,
       array_position(ARRAY['urgent', 'high', 'normal', 'low'], t.priority) AS rank,
       CASE WHEN t.paused_at IS NULL
	    THEN least(CASE WHEN t.first_response_at IS NULL THEN t.due_respond END, t.due_resolve) END AS due_at,
       t.opened_at
  FROM ticket t;
COMMENT ON COLUMN ticket_urgency.due_at IS 'The next target that is still to be met; null: none, or they stand still.';

CREATE TABLE timer (
	id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind      text NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
	ticket_id bigint REFERENCES ticket,
	key       text NOT NULL DEFAULT '' CHECK (length(key) <= 320),
	status    text,
	due_at    timestamptz NOT NULL,
	step      integer NOT NULL DEFAULT 0,
	detail    jsonb NOT NULL DEFAULT '{}',
	attempts  integer NOT NULL DEFAULT 0,
	error     text
);
CREATE UNIQUE INDEX timer_what ON timer (kind, (coalesce(ticket_id, 0)), key);
CREATE INDEX timer_due ON timer (due_at, id);
CREATE INDEX timer_ticket ON timer (ticket_id) WHERE ticket_id IS NOT NULL;
COMMENT ON TABLE timer IS 'Work that becomes due. luukku-sched does it and deletes the row in the same transaction.';
COMMENT ON COLUMN timer.id IS 'Internal key.';
COMMENT ON COLUMN timer.kind IS 'What is to be done: sla_respond_warning, sla_respond_breach, sla_resolve_warning, sla_resolve_breach, wait_until, close_after, customer_reminder, supplier_reminder, still_working, team_reminder, delivery_failed, breaker-digest, ...';
COMMENT ON COLUMN timer.ticket_id IS 'With which ticket; null: with none.';
COMMENT ON COLUMN timer.key IS 'With which of several, for example an address; mostly empty.';
COMMENT ON COLUMN timer.status IS 'It only makes sense while the ticket has this status, and goes with it; null: in any.';
COMMENT ON COLUMN timer.due_at IS 'Not before this, business time.';
COMMENT ON COLUMN timer.step IS 'Which of several steps comes next, from 0.';
COMMENT ON COLUMN timer.detail IS 'More for the job.';
COMMENT ON COLUMN timer.attempts IS 'How often it failed; it is tried again later each time.';
COMMENT ON COLUMN timer.error IS 'Why it failed last.';

GRANT SELECT, INSERT, UPDATE, DELETE ON timer TO luukku_fetch, luukku_lmtp, luukku_sched, luukku_ctl;
GRANT SELECT (id, kind, ticket_id, status, due_at, step, attempts) ON timer TO luukku_read;

-- luukku-sched moves tickets and tells people.
GRANT SELECT, UPDATE ON ticket TO luukku_sched;
GRANT SELECT, INSERT, UPDATE ON stage TO luukku_sched;
GRANT SELECT, INSERT ON event, outbox TO luukku_sched;
GRANT SELECT ON person, organisation TO luukku_sched;
GRANT UPDATE (ended_at) ON consultation TO luukku_sched;
GRANT USAGE ON SEQUENCE outbox_id_seq TO luukku_sched;

-- The breaker counts automatic answers by domain and by fingerprint, too; who is told of a failure and
-- of a breaker is told by luukku-sched.
ALTER TABLE outbox
	ADD COLUMN domain_hash bytea CHECK (octet_length(domain_hash) = 16),
	ADD COLUMN fingerprint bytea CHECK (octet_length(fingerprint) = 16),
	ADD COLUMN is_receipt  boolean NOT NULL DEFAULT false;
CREATE INDEX outbox_domain ON outbox (domain_hash, created_at) WHERE domain_hash IS NOT NULL;
CREATE INDEX outbox_fingerprint ON outbox (fingerprint, created_at) WHERE fingerprint IS NOT NULL;
COMMENT ON COLUMN outbox.domain_hash IS 'BLAKE2b-128 of the recipient''s domain, of automatic answers; for the breaker.';
COMMENT ON COLUMN outbox.fingerprint IS 'BLAKE2b-128 of template and letters of the subject, of automatic answers; for the breaker.';
COMMENT ON COLUMN outbox.is_receipt IS 'It answers an agent''s own mail: the breaker counts it by itself.';
GRANT SELECT, INSERT ON timer TO luukku_send;

-- What the desk is like lately: no acknowledgement promises more (desk.md 11).
CREATE TABLE queue_pace (
	queue     text PRIMARY KEY,
	respond_s bigint NOT NULL CHECK (respond_s >= 0),
	tickets   integer NOT NULL,
	at        timestamptz NOT NULL
);
COMMENT ON TABLE queue_pace IS 'How long the first answers of a queue took lately. luukku-sched works it out once an open day.';
COMMENT ON COLUMN queue_pace.queue IS 'The queue, as the configuration names it.';
COMMENT ON COLUMN queue_pace.respond_s IS 'Open seconds within which four of five first answers of the last 20 open days came.';
COMMENT ON COLUMN queue_pace.tickets IS 'Of so many tickets.';
COMMENT ON COLUMN queue_pace.at IS 'When it was worked out.';
GRANT SELECT, INSERT, UPDATE, DELETE ON queue_pace TO luukku_sched;
GRANT SELECT ON queue_pace TO luukku_fetch, luukku_lmtp, luukku_ctl, luukku_read;
