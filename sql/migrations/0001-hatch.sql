-- The first schema: from a mail in a mailbox to a ticket, an acknowledgement and a reply.
--
-- Bounds: nothing that a stranger writes is indexed as text. Message-IDs, subjects and addresses
-- are found by BLAKE2b-128 (bytea of 16), content by BLAKE2b-256 (bytea of 32). Business times are
-- parameters; only leases and claims use the database's clock.

CREATE TABLE setting (
	name  text PRIMARY KEY CHECK (length(name) <= 100),
	value text NOT NULL
);
COMMENT ON TABLE setting IS 'Facts about the whole installation that no configuration file can know.';
COMMENT ON COLUMN setting.name IS 'Which fact, for example oldest_program (the oldest schema number a program may need to run here).';
COMMENT ON COLUMN setting.value IS 'Its value as text.';

CREATE TABLE organisation (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name       text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
	language   text CHECK (language ~ '^[a-z]{2}$'),
	sla        text,
	created_at timestamptz NOT NULL
);
COMMENT ON TABLE organisation IS 'A customer''s employer, from the configuration or an import.';
COMMENT ON COLUMN organisation.id IS 'Internal key.';
COMMENT ON COLUMN organisation.name IS 'Name as written in the configuration; unique.';
COMMENT ON COLUMN organisation.language IS 'ISO 639-1 language of mail to its people, when set.';
COMMENT ON COLUMN organisation.sla IS 'Name of its SLA in the configuration, when set.';
COMMENT ON COLUMN organisation.created_at IS 'When it was first seen.';

CREATE TABLE person (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	address_hash    bytea NOT NULL UNIQUE CHECK (octet_length(address_hash) = 16),
	address         text NOT NULL,
	name            text,
	organisation_id bigint REFERENCES organisation,
	language        text CHECK (language ~ '^[a-z]{2}$'),
	phone           text,
	standing        text NOT NULL DEFAULT 'normal' CHECK (standing IN ('normal', 'vip', 'blocked', 'shared')),
	suppressed_until timestamptz,
	suppressed_reason text,
	created_at      timestamptz NOT NULL
);
COMMENT ON TABLE person IS 'Everybody who wrote to us or was written to, by address.';
COMMENT ON COLUMN person.id IS 'Internal key.';
COMMENT ON COLUMN person.address_hash IS 'BLAKE2b-128 of the folded (trimmed, lower-case) address.';
COMMENT ON COLUMN person.address IS 'Address as first seen.';
COMMENT ON COLUMN person.name IS 'Display name as last seen, or imported.';
COMMENT ON COLUMN person.organisation_id IS 'Employer, by domain, address or import.';
COMMENT ON COLUMN person.language IS 'ISO 639-1 language by import or choice; null: detected per mail.';
COMMENT ON COLUMN person.phone IS 'Telephone number by import.';
COMMENT ON COLUMN person.standing IS 'normal; vip (marked in notices); blocked (quarantined unanswered); shared (a mailbox of many people: no duplicate joining, no survey interval).';
COMMENT ON COLUMN person.suppressed_until IS 'No mail goes to this address before then (proven hard bounce); null: none.';
COMMENT ON COLUMN person.suppressed_reason IS 'Which report suppressed it.';
COMMENT ON COLUMN person.created_at IS 'When the address was first seen.';

CREATE TABLE ticket (
	id                bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) PRIMARY KEY,
	queue             text NOT NULL,
	status            text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'open', 'waiting_customer',
		'waiting_supplier', 'on_hold', 'resolved', 'closed', 'junk', 'merged')),
	type              text,
	priority          text NOT NULL DEFAULT 'normal' CHECK (priority IN ('urgent', 'high', 'normal', 'low')),
	owner             text,
	requester_id      bigint REFERENCES person,
	organisation_id   bigint REFERENCES organisation,
	language          text CHECK (language ~ '^[a-z]{2}$'),
	subject           text NOT NULL,
	title             text,
	subject_hash      bytea NOT NULL CHECK (octet_length(subject_hash) = 16),
	tags              text[] NOT NULL DEFAULT '{}',
	fields            jsonb NOT NULL DEFAULT '{}',
	opened_at         timestamptz NOT NULL,
	first_response_at timestamptz,
	resolved_at       timestamptz,
	closed_at         timestamptz,
	due_respond       timestamptz,
	due_resolve       timestamptz,
	waiting_on        text CHECK (waiting_on IN ('customer', 'supplier', 'until')),
	waiting_until     timestamptz,
	resolution        text,
	reopened          integer NOT NULL DEFAULT 0,
	chased            integer NOT NULL DEFAULT 0,
	merged_into       bigint REFERENCES ticket,
	token_epoch       smallint NOT NULL DEFAULT 0 CHECK (token_epoch BETWEEN 0 AND 255),
	is_machine        boolean NOT NULL DEFAULT false,
	is_silent         boolean NOT NULL DEFAULT false,
	changed_at        timestamptz NOT NULL
);
CREATE INDEX ticket_open ON ticket (queue, opened_at) WHERE status NOT IN ('resolved', 'closed', 'junk', 'merged');
CREATE INDEX ticket_requester ON ticket (requester_id, id);
CREATE INDEX ticket_owner ON ticket (owner, id) WHERE owner IS NOT NULL;
CREATE INDEX ticket_opened_at ON ticket (opened_at);
CREATE INDEX ticket_organisation ON ticket (organisation_id, id) WHERE organisation_id IS NOT NULL;
COMMENT ON TABLE ticket IS 'One matter, with a reference (site prefix and id) that never changes.';
COMMENT ON COLUMN ticket.id IS 'The number of the reference, from 1001 up; gaps are normal.';
COMMENT ON COLUMN ticket.queue IS 'Name of the queue in the configuration.';
COMMENT ON COLUMN ticket.status IS 'new, open, waiting_customer, waiting_supplier, on_hold, resolved, closed, junk, merged; moved on by lib/desk only.';
COMMENT ON COLUMN ticket.type IS 'incident, request or a type of the queue''s own.';
COMMENT ON COLUMN ticket.priority IS 'urgent, high, normal, low.';
COMMENT ON COLUMN ticket.owner IS 'Address of the agent it belongs to; null: nobody.';
COMMENT ON COLUMN ticket.requester_id IS 'The customer it is for; null only where a mail named no sender.';
COMMENT ON COLUMN ticket.organisation_id IS 'The requester''s organisation when the ticket was opened.';
COMMENT ON COLUMN ticket.language IS 'ISO 639-1 language of mail about it to the customer.';
COMMENT ON COLUMN ticket.subject IS 'The customer''s subject without our tag and reply prefixes.';
COMMENT ON COLUMN ticket.title IS 'Internal title by #subject or a rule; never in mail to the customer.';
COMMENT ON COLUMN ticket.subject_hash IS 'BLAKE2b-128 of the folded subject, for duplicates.';
COMMENT ON COLUMN ticket.tags IS 'Tags by rules and agents.';
COMMENT ON COLUMN ticket.fields IS 'Field name to value, strings.';
COMMENT ON COLUMN ticket.opened_at IS 'When the mail server received the opening mail; every clock starts here.';
COMMENT ON COLUMN ticket.first_response_at IS 'When the first answer by a person went out.';
COMMENT ON COLUMN ticket.resolved_at IS 'When it was resolved; null again once it is reopened.';
COMMENT ON COLUMN ticket.closed_at IS 'When it was closed.';
COMMENT ON COLUMN ticket.due_respond IS 'Target of the first answer by the SLA.';
COMMENT ON COLUMN ticket.due_resolve IS 'Target of the resolution by the SLA.';
COMMENT ON COLUMN ticket.waiting_on IS 'customer, supplier or until (a date), while waiting.';
COMMENT ON COLUMN ticket.waiting_until IS 'The date of waiting_on until.';
COMMENT ON COLUMN ticket.resolution IS 'What was done, as told to the customer.';
COMMENT ON COLUMN ticket.reopened IS 'How often it was reopened.';
COMMENT ON COLUMN ticket.chased IS 'How often its customer asked for progress.';
COMMENT ON COLUMN ticket.merged_into IS 'The ticket that took it over.';
COMMENT ON COLUMN ticket.token_epoch IS 'Tokens of other epochs are revoked.';
COMMENT ON COLUMN ticket.is_machine IS 'Opened by a machine (alarm, scanner): never acknowledged, reminded or surveyed.';
COMMENT ON COLUMN ticket.is_silent IS 'Opened from a mailbox''s backlog: no mail went out for its opening.';
COMMENT ON COLUMN ticket.changed_at IS 'When lib/desk last changed it.';

CREATE TABLE ticket_link (
	ticket_id  bigint NOT NULL REFERENCES ticket,
	other_id   bigint NOT NULL REFERENCES ticket,
	relation   text NOT NULL CHECK (relation IN ('continues', 'duplicate', 'merged_into', 'parent', 'child', 'related')),
	reason     text NOT NULL,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (ticket_id, other_id, relation)
);
CREATE INDEX ticket_link_other ON ticket_link (other_id);
COMMENT ON TABLE ticket_link IS 'How tickets belong together, read from ticket to other.';
COMMENT ON COLUMN ticket_link.ticket_id IS 'The ticket that has the relation.';
COMMENT ON COLUMN ticket_link.other_id IS 'To which ticket.';
COMMENT ON COLUMN ticket_link.relation IS 'continues, duplicate, merged_into, parent, child or related.';
COMMENT ON COLUMN ticket_link.reason IS 'Why, for people.';
COMMENT ON COLUMN ticket_link.created_at IS 'Since when.';

CREATE TABLE participant (
	ticket_id bigint NOT NULL REFERENCES ticket,
	person_id bigint NOT NULL REFERENCES person,
	role      text NOT NULL CHECK (role IN ('requester', 'cc')),
	added_by  text NOT NULL,
	added_at  timestamptz NOT NULL,
	PRIMARY KEY (ticket_id, person_id)
);
CREATE INDEX participant_person ON participant (person_id);
COMMENT ON TABLE participant IS 'The people of a ticket: requester, To/Cc of the opening mail, and whom an agent added. Nobody becomes one by writing.';
COMMENT ON COLUMN participant.ticket_id IS 'The ticket.';
COMMENT ON COLUMN participant.person_id IS 'The person.';
COMMENT ON COLUMN participant.role IS 'requester or cc.';
COMMENT ON COLUMN participant.added_by IS 'The actor that added them, as in event.actor.';
COMMENT ON COLUMN participant.added_at IS 'When.';

CREATE TABLE blob (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
	size       bigint NOT NULL CHECK (size >= 0),
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE blob IS 'Content stored once: attachments and raw mails.';
COMMENT ON COLUMN blob.id IS 'Internal key.';
COMMENT ON COLUMN blob.hash IS 'BLAKE2b-256 of the content.';
COMMENT ON COLUMN blob.size IS 'Bytes.';
COMMENT ON COLUMN blob.created_at IS 'When it was stored, by the database''s clock (for the clean-up of unused blobs).';

CREATE TABLE blob_chunk (
	blob_id bigint NOT NULL REFERENCES blob ON DELETE CASCADE,
	n       integer NOT NULL CHECK (n >= 0),
	data    bytea NOT NULL,
	PRIMARY KEY (blob_id, n)
);
ALTER TABLE blob_chunk ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE blob_chunk IS 'The bytes of a blob in pieces of 256 KiB, uncompressed.';
COMMENT ON COLUMN blob_chunk.blob_id IS 'Whose piece.';
COMMENT ON COLUMN blob_chunk.n IS 'Which, from 0.';
COMMENT ON COLUMN blob_chunk.data IS 'The bytes.';

CREATE TABLE message (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ticket_id       bigint REFERENCES ticket,
	direction       text NOT NULL CHECK (direction IN ('in', 'out', 'note')),
	kind            text NOT NULL DEFAULT 'normal' CHECK (kind IN ('normal', 'auto_reply', 'bounce', 'list', 'calendar')),
	kind_reason     text,
	writer          text CHECK (writer IN ('requester', 'participant', 'guest', 'agent', 'manager', 'supplier', 'consulted', 'machine', 'stranger')),
	evidence        text CHECK (evidence IN ('token', 'message_id', 'reference', 'subject', 'supplier_reference', 'duplicate', 'none')),
	evidence_reason text,
	message_id      text,
	message_id_hash bytea CHECK (octet_length(message_id_hash) = 16),
	content_hash    bytea CHECK (octet_length(content_hash) = 32),
	from_name       text,
	from_address    text,
	recipients_to   jsonb NOT NULL DEFAULT '[]',
	recipients_cc   jsonb NOT NULL DEFAULT '[]',
	subject         text NOT NULL DEFAULT '',
	in_reply_to     text,
	refs            text[] NOT NULL DEFAULT '{}' CHECK (cardinality(refs) <= 100),
	written_at      timestamptz,
	at              timestamptz NOT NULL,
	text            text NOT NULL DEFAULT '',
	reply_text      text NOT NULL DEFAULT '',
	language        text,
	importance      text NOT NULL DEFAULT 'normal' CHECK (importance IN ('high', 'normal', 'low')),
	header_block    text,
	parsed          jsonb NOT NULL DEFAULT '{}',
	raw_blob        bigint REFERENCES blob,
	raw_size        bigint
);
CREATE INDEX message_ticket ON message (ticket_id, id);
CREATE INDEX message_message_id ON message (message_id_hash) WHERE message_id_hash IS NOT NULL;
CREATE UNIQUE INDEX message_content ON message (content_hash) WHERE content_hash IS NOT NULL;
CREATE INDEX message_raw_blob ON message (raw_blob) WHERE raw_blob IS NOT NULL;
COMMENT ON TABLE message IS 'A mail in or out, or a note. Every mail in is here, also one on no ticket (control, quarantine).';
COMMENT ON COLUMN message.id IS 'Internal key; order of arrival.';
COMMENT ON COLUMN message.ticket_id IS 'Whose; null: on no ticket.';
COMMENT ON COLUMN message.direction IS 'in, out or note.';
COMMENT ON COLUMN message.kind IS 'normal, auto_reply, bounce, list, calendar.';
COMMENT ON COLUMN message.kind_reason IS 'Which header or part says so.';
COMMENT ON COLUMN message.writer IS 'What its writer was to the ticket when it came.';
COMMENT ON COLUMN message.evidence IS 'What tied it to the ticket.';
COMMENT ON COLUMN message.evidence_reason IS 'The same in words.';
COMMENT ON COLUMN message.message_id IS 'Message-ID without <>, cut at 998 bytes.';
COMMENT ON COLUMN message.message_id_hash IS 'BLAKE2b-128 of the whole Message-ID.';
COMMENT ON COLUMN message.content_hash IS 'BLAKE2b-256 over Message-ID, From, Date and decoded text: the same mail again has the same one.';
COMMENT ON COLUMN message.from_name IS 'Display name of the sender.';
COMMENT ON COLUMN message.from_address IS 'Address of the sender.';
COMMENT ON COLUMN message.recipients_to IS 'To as [{"name","address"}].';
COMMENT ON COLUMN message.recipients_cc IS 'Cc as [{"name","address"}].';
COMMENT ON COLUMN message.subject IS 'Decoded subject as it came or went.';
COMMENT ON COLUMN message.in_reply_to IS 'First id of In-Reply-To.';
COMMENT ON COLUMN message.refs IS 'Ids of References, at most the newest 100.';
COMMENT ON COLUMN message.written_at IS 'Date header; a stranger''s claim.';
COMMENT ON COLUMN message.at IS 'In: when our mail server received it. Out: when it was composed. Note: when it was written.';
COMMENT ON COLUMN message.text IS 'All of its text.';
COMMENT ON COLUMN message.reply_text IS 'Its new words only.';
COMMENT ON COLUMN message.language IS 'ISO 639-1 language of the new words, when sure.';
COMMENT ON COLUMN message.importance IS 'high, normal, low by its headers.';
COMMENT ON COLUMN message.header_block IS 'Its headers, decoded, at most 64 kB; kept after the raw mail has gone.';
COMMENT ON COLUMN message.parsed IS 'The rest of what the parser saw: sender, reply_to, auth, bounce, defects, suppress_reply.';
COMMENT ON COLUMN message.raw_blob IS 'Its original bytes until keep_raw has passed.';
COMMENT ON COLUMN message.raw_size IS 'Size of the original bytes.';

CREATE TABLE attachment (
	message_id   bigint NOT NULL REFERENCES message,
	n            integer NOT NULL CHECK (n >= 1),
	filename     text,
	content_type text NOT NULL,
	content_id   text,
	is_inline    boolean NOT NULL,
	size         bigint NOT NULL,
	blob_id      bigint NOT NULL REFERENCES blob,
	PRIMARY KEY (message_id, n)
);
CREATE INDEX attachment_blob ON attachment (blob_id);
COMMENT ON TABLE attachment IS 'Parts of a mail that are not shown as its text, byte for byte.';
COMMENT ON COLUMN attachment.message_id IS 'Of which message.';
COMMENT ON COLUMN attachment.n IS 'Which, from 1.';
COMMENT ON COLUMN attachment.filename IS 'Decoded file name, made safe.';
COMMENT ON COLUMN attachment.content_type IS 'type/subtype.';
COMMENT ON COLUMN attachment.content_id IS 'Content-ID without <>.';
COMMENT ON COLUMN attachment.is_inline IS 'Meant to be shown within the text.';
COMMENT ON COLUMN attachment.size IS 'Decoded bytes.';
COMMENT ON COLUMN attachment.blob_id IS 'The bytes.';

CREATE TABLE identifier (
	hash       bytea NOT NULL CHECK (octet_length(hash) = 16),
	ticket_id  bigint NOT NULL REFERENCES ticket,
	message_id bigint REFERENCES message,
	PRIMARY KEY (hash, ticket_id)
);
CREATE INDEX identifier_ticket ON identifier (ticket_id);
COMMENT ON TABLE identifier IS 'Every Message-ID that a message of a ticket has or names, so that unseen roots tie side conversations together.';
COMMENT ON COLUMN identifier.hash IS 'BLAKE2b-128 of the Message-ID.';
COMMENT ON COLUMN identifier.ticket_id IS 'The ticket that knows it.';
COMMENT ON COLUMN identifier.message_id IS 'The stored message that has it; null: only named in References.';

CREATE TABLE event (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ticket_id  bigint REFERENCES ticket,
	message_id bigint REFERENCES message,
	at         timestamptz NOT NULL,
	actor      text NOT NULL,
	event      text NOT NULL,
	reason     text NOT NULL,
	detail     jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_ticket ON event (ticket_id, id);
CREATE INDEX event_message ON event (message_id) WHERE message_id IS NOT NULL;
COMMENT ON TABLE event IS 'One line of history each, with its reason. Only added to.';
COMMENT ON COLUMN event.id IS 'Internal key; order.';
COMMENT ON COLUMN event.ticket_id IS 'Whose history; null: of a mail on no ticket.';
COMMENT ON COLUMN event.message_id IS 'The mail that caused it.';
COMMENT ON COLUMN event.at IS 'When, business time.';
COMMENT ON COLUMN event.actor IS 'customer:ADDRESS, agent:ADDRESS, supplier:NAME, rule:NAME, sched, cli:OSUSER.';
COMMENT ON COLUMN event.event IS 'What, for example opened, joined, acknowledged, not_acknowledged, linked.';
COMMENT ON COLUMN event.reason IS 'Why, for people.';
COMMENT ON COLUMN event.detail IS 'More for machines.';

CREATE TABLE stage (
	id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ticket_id        bigint NOT NULL REFERENCES ticket,
	status           text NOT NULL,
	queue            text NOT NULL,
	from_at          timestamptz NOT NULL,
	to_at            timestamptz,
	business_seconds bigint,
	CHECK (to_at >= from_at)
);
CREATE UNIQUE INDEX stage_current ON stage (ticket_id) WHERE to_at IS NULL;
CREATE INDEX stage_ticket ON stage (ticket_id, id);
COMMENT ON TABLE stage IS 'A stretch of time of a ticket in one status and queue; they follow each other without gaps.';
COMMENT ON COLUMN stage.id IS 'Internal key.';
COMMENT ON COLUMN stage.ticket_id IS 'Whose.';
COMMENT ON COLUMN stage.status IS 'In which status.';
COMMENT ON COLUMN stage.queue IS 'In which queue.';
COMMENT ON COLUMN stage.from_at IS 'Since when.';
COMMENT ON COLUMN stage.to_at IS 'Until when; null: now.';
COMMENT ON COLUMN stage.business_seconds IS 'Open time of the queue''s calendar within it, set when it ends.';

CREATE TABLE mailbox (
	name             text PRIMARY KEY CHECK (length(name) <= 100),
	first_contact_at timestamptz,
	backlog_before   timestamptz,
	last_ok_at       timestamptz,
	waiting          bigint NOT NULL DEFAULT 0,
	lag_seconds      bigint NOT NULL DEFAULT 0,
	error            text,
	error_at         timestamptz
);
COMMENT ON TABLE mailbox IS 'A mailbox of the configuration and how its polling goes.';
COMMENT ON COLUMN mailbox.name IS 'Its name in the configuration.';
COMMENT ON COLUMN mailbox.first_contact_at IS 'First successful login.';
COMMENT ON COLUMN mailbox.backlog_before IS 'Mail that the server received earlier is backlog (first contact minus the setting); fixed at first contact.';
COMMENT ON COLUMN mailbox.last_ok_at IS 'Last visit without error.';
COMMENT ON COLUMN mailbox.waiting IS 'Mails seen on the server and not yet taken at the last visit.';
COMMENT ON COLUMN mailbox.lag_seconds IS 'Age of the oldest of them at the last visit.';
COMMENT ON COLUMN mailbox.error IS 'What went wrong at the last visit and what to do; null: nothing.';
COMMENT ON COLUMN mailbox.error_at IS 'Since when.';

CREATE TABLE lease (
	mailbox    text PRIMARY KEY CHECK (length(mailbox) <= 100),
	host       text NOT NULL,
	instance   text NOT NULL,
	epoch      bigint NOT NULL,
	expires_at timestamptz NOT NULL,
	UNIQUE (mailbox, epoch)
);
-- The unique key makes a change of epoch wait for ingests that hold the row FOR KEY SHARE; renewals
-- do not touch it and do not wait.
COMMENT ON TABLE lease IS 'Which host polls a mailbox. Times are the database''s clock; each ingest checks (mailbox, host, epoch) and locks the row FOR KEY SHARE.';
COMMENT ON COLUMN lease.mailbox IS 'Its name in the configuration.';
COMMENT ON COLUMN lease.host IS 'Host name of the holder.';
COMMENT ON COLUMN lease.instance IS 'Which run of luukkud there.';
COMMENT ON COLUMN lease.epoch IS 'Grows with every new holder, so that one that was paused cannot write.';
COMMENT ON COLUMN lease.expires_at IS 'Free for others after this.';

CREATE TABLE folder (
	mailbox     text NOT NULL,
	name        text NOT NULL CHECK (length(name) <= 500),
	uidvalidity bigint NOT NULL,
	last_uid    bigint NOT NULL,
	left_count  bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (mailbox, name)
);
COMMENT ON TABLE folder IS 'How far an IMAP folder has been taken.';
COMMENT ON COLUMN folder.mailbox IS 'Mailbox.';
COMMENT ON COLUMN folder.name IS 'Folder on the server, UTF-8.';
COMMENT ON COLUMN folder.uidvalidity IS 'UIDVALIDITY (RFC 3501) that last_uid belongs to.';
COMMENT ON COLUMN folder.last_uid IS 'Every UID up to this one has been dealt with.';
COMMENT ON COLUMN folder.left_count IS 'Backlog mails that on_backlog = "leave" left alone.';

CREATE TABLE arrival (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	mailbox       text NOT NULL,
	folder        text NOT NULL,
	uidvalidity   bigint NOT NULL,
	uid           text NOT NULL CHECK (length(uid) <= 100),
	received_at   timestamptz NOT NULL,
	fetched_at    timestamptz NOT NULL,
	message_id_hash bytea CHECK (octet_length(message_id_hash) = 16),
	message_id    bigint REFERENCES message,
	ticket_id     bigint REFERENCES ticket,
	outcome       text NOT NULL CHECK (outcome IN ('ticket', 'duplicate', 'control', 'quarantine')),
	reason        text NOT NULL,
	explain       jsonb NOT NULL DEFAULT '{}',
	server        text NOT NULL CHECK (server IN ('pending', 'done', 'failed')),
	server_action text NOT NULL,
	server_error  text,
	UNIQUE (mailbox, folder, uidvalidity, uid)
);
CREATE INDEX arrival_pending ON arrival (mailbox) WHERE server = 'pending';
CREATE INDEX arrival_failed ON arrival (mailbox, fetched_at) WHERE server = 'failed';
CREATE INDEX arrival_message_id ON arrival (message_id_hash) WHERE message_id_hash IS NOT NULL;
CREATE INDEX arrival_message ON arrival (message_id);
COMMENT ON TABLE arrival IS 'Every mail ever fetched, with exactly one outcome.';
COMMENT ON COLUMN arrival.id IS 'Internal key.';
COMMENT ON COLUMN arrival.mailbox IS 'Where it came in.';
COMMENT ON COLUMN arrival.folder IS 'In which folder; empty for POP3 and LMTP.';
COMMENT ON COLUMN arrival.uidvalidity IS 'UIDVALIDITY of the folder; 0 for POP3 and LMTP.';
COMMENT ON COLUMN arrival.uid IS 'IMAP UID, POP3 UIDL, or for LMTP the BLAKE2b-128 of its bytes and recipients.';
COMMENT ON COLUMN arrival.received_at IS 'When the mail server received it.';
COMMENT ON COLUMN arrival.fetched_at IS 'When luukku took it.';
COMMENT ON COLUMN arrival.message_id_hash IS 'BLAKE2b-128 of its Message-ID, for trace.';
COMMENT ON COLUMN arrival.message_id IS 'The stored message (of the first copy, for a duplicate).';
COMMENT ON COLUMN arrival.ticket_id IS 'The ticket it is on, if any.';
COMMENT ON COLUMN arrival.outcome IS 'ticket, duplicate, control or quarantine.';
COMMENT ON COLUMN arrival.reason IS 'Why, for people.';
COMMENT ON COLUMN arrival.explain IS 'The decision as luukkuctl explain shows it.';
COMMENT ON COLUMN arrival.server IS 'pending until the after-action is done on the mail server; then done, or failed.';
COMMENT ON COLUMN arrival.server_action IS 'keep, seen, delete or move:FOLDER.';
COMMENT ON COLUMN arrival.server_error IS 'What the server said against it.';

CREATE TABLE quarantine (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	message_id bigint NOT NULL REFERENCES message,
	mailbox    text NOT NULL,
	reason     text NOT NULL CHECK (reason IN ('list', 'calendar', 'auto_reply', 'unproven_bounce', 'own_mail',
		'dropped', 'blocked', 'machine_mail')),
	detail     text NOT NULL,
	at         timestamptz NOT NULL,
	state      text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'dropped')),
	decided_at timestamptz,
	decided_by text
);
CREATE INDEX quarantine_held ON quarantine (id) WHERE state = 'held';
CREATE INDEX quarantine_message ON quarantine (message_id);
COMMENT ON TABLE quarantine IS 'Mails kept but not made into tickets, each with its reason.';
COMMENT ON COLUMN quarantine.id IS 'Number that luukkuctl quarantine takes.';
COMMENT ON COLUMN quarantine.message_id IS 'The mail.';
COMMENT ON COLUMN quarantine.mailbox IS 'Where it came in.';
COMMENT ON COLUMN quarantine.reason IS 'list, calendar, auto_reply, unproven_bounce, own_mail, dropped, blocked, machine_mail.';
COMMENT ON COLUMN quarantine.detail IS 'The same in words.';
COMMENT ON COLUMN quarantine.at IS 'When it came.';
COMMENT ON COLUMN quarantine.state IS 'held until a person releases or drops it.';
COMMENT ON COLUMN quarantine.decided_at IS 'When.';
COMMENT ON COLUMN quarantine.decided_by IS 'Who, as in event.actor.';

CREATE TABLE outbox (
	id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ticket_id      bigint REFERENCES ticket,
	cause_id       bigint REFERENCES message,
	message_id     bigint REFERENCES message,
	template       text NOT NULL,
	purpose        text NOT NULL CHECK (purpose IN ('customer', 'agent', 'note', 'supplier', 'consult', 'survey', 'admin')),
	queue          text NOT NULL,
	language       text NOT NULL,
	recipient      text NOT NULL,
	recipient_hash bytea NOT NULL CHECK (octet_length(recipient_hash) = 16),
	recipient_name text,
	variables      jsonb NOT NULL DEFAULT '{}',
	header_message_id text NOT NULL DEFAULT '',
	rank           smallint NOT NULL DEFAULT 5,
	state          text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'sent', 'retry', 'failed',
		'uncertain', 'cancelled', 'suppressed', 'held')),
	reason         text NOT NULL,
	created_at     timestamptz NOT NULL,
	due_at         timestamptz NOT NULL,
	attempts       integer NOT NULL DEFAULT 0,
	claimed_by     text,
	claimed_until  timestamptz,
	envelope_from  text,
	wire           bytea,
	sent_at        timestamptz,
	last_code      integer,
	last_reply     text
);
ALTER TABLE outbox ALTER COLUMN wire SET STORAGE EXTERNAL;
CREATE INDEX outbox_due ON outbox (rank, due_at) WHERE state IN ('queued', 'retry', 'uncertain');
CREATE INDEX outbox_claimed ON outbox (claimed_until) WHERE state = 'sending';
CREATE INDEX outbox_open ON outbox (state) WHERE state IN ('queued', 'retry', 'uncertain', 'sending', 'failed', 'held');
CREATE INDEX outbox_breaker ON outbox (recipient_hash, created_at);
CREATE INDEX outbox_ticket ON outbox (ticket_id, id);
CREATE INDEX outbox_cause ON outbox (cause_id) WHERE cause_id IS NOT NULL;
COMMENT ON TABLE outbox IS 'Every mail out, one row a recipient, from the decision to the final answer.';
COMMENT ON COLUMN outbox.id IS 'Stands in the Message-ID and the bounce address.';
COMMENT ON COLUMN outbox.ticket_id IS 'About which ticket.';
COMMENT ON COLUMN outbox.cause_id IS 'The message that caused it.';
COMMENT ON COLUMN outbox.message_id IS 'The message out as shown in the ticket; set when it is composed.';
COMMENT ON COLUMN outbox.template IS 'Name of the template.';
COMMENT ON COLUMN outbox.purpose IS 'What its reply address is for.';
COMMENT ON COLUMN outbox.queue IS 'From which queue''s address.';
COMMENT ON COLUMN outbox.language IS 'ISO 639-1 language of the template.';
COMMENT ON COLUMN outbox.recipient IS 'The one envelope recipient.';
COMMENT ON COLUMN outbox.recipient_hash IS 'BLAKE2b-128 of the folded address, for the breaker.';
COMMENT ON COLUMN outbox.recipient_name IS 'Display name.';
COMMENT ON COLUMN outbox.variables IS 'What the template is filled with.';
COMMENT ON COLUMN outbox.header_message_id IS 'Message-ID it will have, without <>; fixed with the row.';
COMMENT ON COLUMN outbox.rank IS 'Smaller goes first: a person''s answer, then acknowledgements, reminders, surveys.';
COMMENT ON COLUMN outbox.state IS 'queued and retry wait for luukku-send; sending is claimed; uncertain waits to go again with the same bytes; sent, failed, cancelled, suppressed are final; held waits for a person.';
COMMENT ON COLUMN outbox.reason IS 'Why it is sent, or why not.';
COMMENT ON COLUMN outbox.created_at IS 'When it was decided, business time.';
COMMENT ON COLUMN outbox.due_at IS 'Not before this.';
COMMENT ON COLUMN outbox.attempts IS 'SMTP transactions begun.';
COMMENT ON COLUMN outbox.claimed_by IS 'host/pid/start of the process that sends it; committed before the first byte of SMTP.';
COMMENT ON COLUMN outbox.claimed_until IS 'By the database''s clock: afterwards the claim''s process counts as dead.';
COMMENT ON COLUMN outbox.envelope_from IS 'Envelope sender it was composed with.';
COMMENT ON COLUMN outbox.wire IS 'The bytes sent, kept so that a repetition is the same; dropped when final.';
COMMENT ON COLUMN outbox.sent_at IS 'When the server took it.';
COMMENT ON COLUMN outbox.last_code IS 'Last SMTP reply code; 0: none came.';
COMMENT ON COLUMN outbox.last_reply IS 'The server''s last words.';

CREATE TABLE delivery (
	id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	outbox_id bigint NOT NULL REFERENCES outbox,
	at        timestamptz NOT NULL,
	state     text NOT NULL CHECK (state IN ('sent', 'retry', 'failed', 'uncertain', 'bounced', 'delayed')),
	code      integer,
	status    text,
	reply     text
);
CREATE INDEX delivery_outbox ON delivery (outbox_id, id);
COMMENT ON TABLE delivery IS 'What became of each attempt to deliver an outbox row, delivery reports included.';
COMMENT ON COLUMN delivery.id IS 'Internal key.';
COMMENT ON COLUMN delivery.outbox_id IS 'Which mail.';
COMMENT ON COLUMN delivery.at IS 'When.';
COMMENT ON COLUMN delivery.state IS 'sent, retry, failed, uncertain by SMTP; bounced, delayed by a proven report.';
COMMENT ON COLUMN delivery.code IS 'SMTP reply code.';
COMMENT ON COLUMN delivery.status IS 'RFC 3463 status.';
COMMENT ON COLUMN delivery.reply IS 'The server''s or the report''s words.';

CREATE TABLE message_search (
	message_id bigint PRIMARY KEY REFERENCES message ON DELETE CASCADE,
	words      tsvector NOT NULL
);
CREATE INDEX message_search_words ON message_search USING gin (words);
COMMENT ON TABLE message_search IS 'Search index, written by luukku-sched behind the intake from at most 256 kB of each message.';
COMMENT ON COLUMN message_search.message_id IS 'Which message.';
COMMENT ON COLUMN message_search.words IS 'Its words.';

INSERT INTO setting (name, value) VALUES ('oldest_program', '1');

-- Rights. Each program has the least it needs; t/3020-roles.t holds the same table and compares it
-- with what the server says, extras included. UPDATE of one harmless column stands where rows are
-- only locked: PostgreSQL wants it for FOR KEY SHARE.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO luukku_fetch, luukku_lmtp, luukku_send, luukku_sched, luukku_web,
	luukku_ctl, luukku_read;

-- Intake: a mail becomes rows in one transaction.
GRANT SELECT ON setting TO luukku_fetch, luukku_lmtp;
GRANT SELECT, INSERT, UPDATE ON person, ticket, stage TO luukku_fetch, luukku_lmtp;
GRANT SELECT, INSERT ON organisation, ticket_link, participant, blob, blob_chunk, message, attachment,
	identifier, event, quarantine, delivery, outbox, arrival TO luukku_fetch, luukku_lmtp;
GRANT UPDATE (name) ON organisation TO luukku_fetch, luukku_lmtp;
GRANT UPDATE (created_at) ON blob TO luukku_fetch, luukku_lmtp;
GRANT UPDATE (message_id) ON identifier TO luukku_fetch, luukku_lmtp;
GRANT UPDATE (state, reason, wire, claimed_by, claimed_until) ON outbox TO luukku_fetch, luukku_lmtp;
GRANT USAGE ON SEQUENCE outbox_id_seq TO luukku_fetch, luukku_lmtp;
GRANT UPDATE (server, server_error) ON arrival TO luukku_fetch;
GRANT SELECT, INSERT, UPDATE ON mailbox, folder TO luukku_fetch;
GRANT SELECT, UPDATE (expires_at) ON lease TO luukku_fetch;

-- Sending.
GRANT SELECT ON setting, organisation, person, ticket, participant, attachment, blob, blob_chunk
	TO luukku_send;
GRANT SELECT, INSERT ON message, identifier, event, delivery TO luukku_send;
GRANT UPDATE (message_id) ON identifier TO luukku_send;
GRANT SELECT, UPDATE ON outbox TO luukku_send;

-- Time.
GRANT SELECT, INSERT, UPDATE ON setting, lease TO luukku_sched;
GRANT SELECT ON attachment, arrival TO luukku_sched;
GRANT SELECT, UPDATE (raw_blob) ON message TO luukku_sched;
GRANT SELECT, INSERT ON message_search TO luukku_sched;
GRANT SELECT, DELETE, UPDATE (created_at) ON blob TO luukku_sched;

-- People at the command line: they see everything and decide what waits for them.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO luukku_ctl;
GRANT UPDATE (state, decided_at, decided_by) ON quarantine TO luukku_ctl;
GRANT UPDATE (state, reason, due_at, attempts, claimed_by, claimed_until, wire) ON outbox
	TO luukku_ctl;
GRANT INSERT ON event TO luukku_ctl;
GRANT INSERT ON ticket, stage, participant, identifier, person TO luukku_ctl;
GRANT UPDATE (address) ON person TO luukku_ctl;
GRANT UPDATE (ticket_id) ON message TO luukku_ctl;

-- Reports: figures without what people wrote, their names and their addresses.
GRANT SELECT ON setting, organisation, stage, ticket_link, mailbox, lease TO luukku_read;
GRANT SELECT (id, queue, status, type, priority, owner, requester_id, organisation_id, language,
	tags, opened_at, first_response_at, resolved_at, closed_at, due_respond, due_resolve,
	waiting_on, waiting_until, reopened, chased, merged_into, is_machine, is_silent, changed_at)
	ON ticket TO luukku_read;
GRANT SELECT (id, organisation_id, language, standing, created_at) ON person TO luukku_read;
GRANT SELECT (ticket_id, person_id, role, added_at) ON participant TO luukku_read;
GRANT SELECT (id, ticket_id, direction, kind, writer, evidence, at, language, importance, raw_size)
	ON message TO luukku_read;
GRANT SELECT (message_id, n, content_type, is_inline, size) ON attachment TO luukku_read;
GRANT SELECT (id, ticket_id, message_id, at, event) ON event TO luukku_read;
GRANT SELECT (id, mailbox, received_at, fetched_at, message_id, ticket_id, outcome, server)
	ON arrival TO luukku_read;
GRANT SELECT (id, message_id, mailbox, reason, at, state, decided_at) ON quarantine TO luukku_read;
GRANT SELECT (id, ticket_id, cause_id, message_id, template, purpose, queue, language, rank, state,
	created_at, due_at, attempts, sent_at, last_code) ON outbox TO luukku_read;
GRANT SELECT (id, outbox_id, at, state, code, status) ON delivery TO luukku_read;
