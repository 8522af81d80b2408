-- Retention: what is left of a ticket when its queue's time is over.

ALTER TABLE ticket
	ADD COLUMN files_gone_at timestamptz,
	ADD COLUMN words_gone_at timestamptz;
CREATE INDEX ticket_files_kept ON ticket (queue, (coalesce(closed_at, changed_at)))
	WHERE files_gone_at IS NULL AND status IN ('closed', 'junk', 'merged');
CREATE INDEX ticket_words_kept ON ticket (queue, (coalesce(closed_at, changed_at)))
	WHERE words_gone_at IS NULL AND status IN ('closed', 'junk', 'merged');
COMMENT ON COLUMN ticket.files_gone_at IS 'When its attachments and original mails were dropped by the queue''s retention.';
COMMENT ON COLUMN ticket.words_gone_at IS 'When its words and the people in it were forgotten by the queue''s retention; the figures stay.';
GRANT SELECT (files_gone_at, words_gone_at) ON ticket TO luukku_read;

-- What concerns one person is found by keys when it is exported or erased.
CREATE INDEX message_from ON message (decode(md5(lower(from_address)), 'hex')) WHERE from_address IS NOT NULL;
CREATE INDEX outbox_message ON outbox (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX held_command_ticket ON held_command (ticket_id);
CREATE INDEX command_run_tickets ON command_run USING gin (tickets);

GRANT DELETE ON attachment, message_search TO luukku_sched;
GRANT SELECT, DELETE ON participant, ticket_words TO luukku_sched;
GRANT UPDATE (kind_reason, evidence_reason, message_id, from_name, from_address, recipients_to, recipients_cc, subject,
	in_reply_to, refs, text, reply_text, header_block, parsed) ON message TO luukku_sched;
GRANT UPDATE (reason, explain) ON arrival TO luukku_sched;
GRANT UPDATE (actor, reason, detail) ON event TO luukku_sched;
GRANT SELECT, UPDATE (detail) ON quarantine TO luukku_sched;
GRANT SELECT, UPDATE (steps) ON command_run TO luukku_sched;
GRANT UPDATE (words) ON held_command TO luukku_sched;
GRANT UPDATE (address) ON consultation TO luukku_sched;
GRANT UPDATE (recipient, recipient_name, recipient_hash, variables, form, wire, last_reply, reason) ON outbox TO luukku_sched;
GRANT SELECT, UPDATE (reply) ON delivery TO luukku_sched;
GRANT UPDATE (address, address_hash, name, phone, suppressed_until, suppressed_reason) ON person TO luukku_sched;
