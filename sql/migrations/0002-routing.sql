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
