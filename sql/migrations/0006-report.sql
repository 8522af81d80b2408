-- Reports: one definition per figure, as views; luukkuctl report and BI tools read the same ones.

CREATE INDEX ticket_queue ON ticket (queue, opened_at);

-- Open hours as rows, so that a view can count open time. C works them out (lib/desk/report.c).
CREATE TABLE open_queue (
	queue        text PRIMARY KEY CHECK (length(queue) <= 200),
	timezone     text NOT NULL,
	covered_from timestamptz NOT NULL,
	covered_to   timestamptz NOT NULL
);
COMMENT ON TABLE open_queue IS 'The queues whose open hours are known to the database, for reports; kept by luukku-sched and luukkuctl report.';
COMMENT ON COLUMN open_queue.queue IS 'Name of the queue; one that left the configuration keeps the hours of the first calendar.';
COMMENT ON COLUMN open_queue.timezone IS 'The site''s time zone: months of reports begin by it.';
COMMENT ON COLUMN open_queue.covered_from IS 'Since when its open hours are known.';
COMMENT ON COLUMN open_queue.covered_to IS 'Until when.';

CREATE TABLE open_hours (
	queue          text NOT NULL REFERENCES open_queue ON DELETE CASCADE,
	from_at        timestamptz NOT NULL,
	to_at          timestamptz NOT NULL CHECK (to_at >= from_at),
	seconds_before bigint,
	PRIMARY KEY (queue, from_at)
);
COMMENT ON TABLE open_hours IS 'The open stretches of each queue''s calendar. Those that have begun are never changed: figures of the past stay when the hours change.';
COMMENT ON COLUMN open_hours.queue IS 'The queue.';
COMMENT ON COLUMN open_hours.from_at IS 'When the desk opens.';
COMMENT ON COLUMN open_hours.to_at IS 'When it closes; equal to from_at in the rows that only mark where what is known begins and ends.';
COMMENT ON COLUMN open_hours.seconds_before IS 'Open seconds before it, from an arbitrary beginning: differences count. Null in the row behind which nothing is known.';

CREATE FUNCTION open_seconds(text, timestamptz, timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN $3 <= $2 THEN 0 ELSE floor(
		(SELECT h.seconds_before + extract(epoch FROM least($3, h.to_at) - h.from_at)
		   FROM public.open_hours h WHERE h.queue = $1 AND h.from_at <= $3
		  ORDER BY h.from_at DESC LIMIT 1)
		- (SELECT h.seconds_before + extract(epoch FROM least($2, h.to_at) - h.from_at)
		     FROM public.open_hours h WHERE h.queue = $1 AND h.from_at <= $2
		    ORDER BY h.from_at DESC LIMIT 1)) END::bigint
$$;
COMMENT ON FUNCTION open_seconds IS 'Open seconds of a queue between two times; null where its hours are not known.';

-- What a report is about: settings of the session that luukkuctl report makes, and a BI tool may.
CREATE FUNCTION report_setting(text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT nullif(current_setting('luukku.report_' || $1, true), '')
$$;
COMMENT ON FUNCTION report_setting IS 'A setting of the session, luukku.report_NAME; null when it is not set.';

-- Bounds of what was asked for, so that a report of a month looks at the tickets of a month by their
-- indexes, however many there are.
CREATE FUNCTION report_from() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN public.report_setting('from') IS NULL OR public.report_setting('to') IS NULL THEN '-infinity'
		    ELSE public.report_setting('from')::timestamptz END
$$;
COMMENT ON FUNCTION report_from IS 'Since when tickets count for what the session asked.';
CREATE FUNCTION report_to() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN public.report_setting('from') IS NULL OR public.report_setting('to') IS NULL THEN 'infinity'
		    ELSE public.report_setting('to')::timestamptz END
$$;
COMMENT ON FUNCTION report_to IS 'Until when tickets count for what the session asked.';

CREATE FUNCTION report_is_desk() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT pg_has_role(current_user, 'luukku_ctl', 'USAGE')
$$;
COMMENT ON FUNCTION report_is_desk IS 'Is it luukkuctl that asks (or the owner), who sees words of customers anyway?';

CREATE FUNCTION report_groups(queue text, organisation text, type text, priority text, tags text[], fields jsonb)
RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT CASE coalesce(public.report_setting('by'), '')
		WHEN 'queue' THEN ARRAY[$1] WHEN 'organisation' THEN ARRAY[$2] WHEN 'type' THEN ARRAY[$3]
		WHEN 'priority' THEN ARRAY[$4]
		WHEN 'tag' THEN CASE WHEN cardinality($5) > 0 THEN $5 ELSE ARRAY[NULL::text] END
		WHEN 'field' THEN CASE WHEN public.report_is_desk()
			THEN ARRAY[$6 ->> public.report_setting('field')] ELSE ARRAY[NULL::text] END
		ELSE ARRAY[NULL::text] END
$$;
COMMENT ON FUNCTION report_groups IS 'The groups that a ticket counts in, by luukku.report_by.';

CREATE VIEW report_period AS
WITH zone AS (
	SELECT coalesce((SELECT min(q.timezone) FROM open_queue q), 'UTC') AS name
), asked AS (
	SELECT report_setting('from')::timestamptz AS from_at, report_setting('to')::timestamptz AS to_at
	 WHERE report_setting('from') IS NOT NULL AND report_setting('to') IS NOT NULL
), months AS (
	SELECT m AT TIME ZONE zone.name AS from_at, (m + interval '1 month') AT TIME ZONE zone.name AS to_at
	  FROM zone, generate_series(
		date_trunc('month', (SELECT min(t.opened_at) FROM ticket t) AT TIME ZONE zone.name),
		(SELECT max(t.opened_at) FROM ticket t) AT TIME ZONE zone.name, interval '1 month') AS m
	 WHERE NOT EXISTS (SELECT FROM asked)
)
SELECT (p.from_at AT TIME ZONE zone.name)::date AS period_from,
       ((p.to_at - interval '1 microsecond') AT TIME ZONE zone.name)::date AS period_to, p.from_at, p.to_at
  FROM (SELECT * FROM asked UNION ALL SELECT * FROM months) p, zone;
COMMENT ON VIEW report_period IS 'The periods that the report views speak of: each month that has tickets, or, where the session set luukku.report_from and luukku.report_to (times), that one. The report views also heed luukku.report_by (queue, organisation, type, priority, tag or field; luukku.report_field names the field), luukku.report_queue and luukku.report_organisation (only those tickets) and luukku.report_total (yes: one group * for all queues, organisations, ...).';
COMMENT ON COLUMN report_period.period_from IS 'First day, in the site''s time zone.';
COMMENT ON COLUMN report_period.period_to IS 'Last day.';
COMMENT ON COLUMN report_period.from_at IS 'Its first moment.';
COMMENT ON COLUMN report_period.to_at IS 'The first moment after it.';

-- One row a ticket. Everything about a single ticket is defined here, and nowhere again.
CREATE VIEW report_ticket AS
SELECT t.id AS ticket_id, t.queue, o.name AS organisation, t.type, t.priority, t.owner, t.tags, t.fields,
       t.opened_at, t.resolved_at, e.first_action_at, t.first_response_at AS first_reply_at,
       CASE WHEN NOT t.is_silent THEN open_seconds(t.queue, t.opened_at, e.first_action_at) END AS first_action_seconds,
       CASE WHEN NOT t.is_silent THEN open_seconds(t.queue, t.opened_at, t.first_response_at) END AS first_reply_seconds,
       CASE WHEN t.resolved_at IS NOT NULL AND NOT t.is_silent THEN s.worked_seconds END AS resolution_seconds,
       extract(epoch FROM t.resolved_at - t.opened_at)::bigint AS elapsed_seconds,
       CASE WHEN t.due_respond IS NULL OR t.is_silent THEN NULL
	    WHEN e.first_action_at IS NOT NULL THEN e.first_action_at <= t.due_respond
	    WHEN e.is_reply_late THEN false END AS is_action_in_target,
       CASE WHEN t.due_respond IS NULL OR t.is_silent THEN NULL
	    WHEN t.first_response_at IS NOT NULL THEN t.first_response_at <= t.due_respond
	    WHEN e.is_reply_late THEN false END AS is_reply_in_target,
       CASE WHEN t.due_resolve IS NULL OR t.is_silent THEN NULL
	    WHEN t.resolved_at IS NOT NULL THEN t.resolved_at <= t.due_resolve
	    WHEN e.is_resolution_late THEN false END AS is_resolution_in_target,
       n.needed_customer, n.needed_supplier, t.reopened, t.chased, e.is_consulted, e.is_moved, e.routed_by,
       t.resolved_at IS NOT NULL AND t.reopened = 0 AS is_first_time_right,
       CASE WHEN t.resolved_at IS NULL OR t.reopened > 0 OR n.needed_customer OR n.needed_supplier OR e.is_moved THEN false
	    ELSE (SELECT count(*) <= 1 FROM message m
		   WHERE m.ticket_id = t.id AND m.direction = 'out' AND m.writer IN ('agent', 'manager')
		     AND m.at <= t.resolved_at) END AS is_first_contact
  FROM ticket t
  LEFT JOIN organisation o ON o.id = t.organisation_id
  CROSS JOIN LATERAL (
	SELECT min(h.at) FILTER (WHERE h.is_person) AS first_action_at,
	       min(h.at) FILTER (WHERE h.event IN ('answered', 'fields_asked')) AS asked_at,
	       coalesce(bool_or(h.is_person AND h.event = 'queue'), false) AS is_moved,
	       (array_agg(h.detail ->> 'rule' ORDER BY h.id) FILTER (WHERE h.event = 'rule' AND h.detail ? 'queue'))[1] AS routed_by,
	       coalesce(bool_or(h.event = 'asked'), false) AS is_consulted,
	       coalesce(bool_or(h.event = 'supplier_asked' OR h.event = 'joined' AND h.detail ->> 'writer' = 'supplier'), false) AS has_supplier,
	       coalesce(bool_or(h.event = 'sla_respond_breach'), false) AS is_reply_late,
	       coalesce(bool_or(h.event = 'sla_resolve_breach'), false) AS is_resolution_late
	  FROM (SELECT v.id, v.at, v.event, v.detail,
		       v.event IN ('status', 'reopened', 'queue', 'priority', 'type', 'organisation', 'owner', 'answered',
				'noted', 'asked', 'supplier_asked', 'field', 'tags', 'title', 'requester', 'resolution',
				'linked', 'merged', 'split', 'wait_until')
		       AND (starts_with(v.actor, 'agent:') OR starts_with(v.actor, 'cli:')) AS is_person
		  FROM event v WHERE v.ticket_id = t.id) h) e
  CROSS JOIN LATERAL (
	SELECT coalesce(bool_or(g.status = 'waiting_customer'), false) AS waited_customer,
	       coalesce(bool_or(g.status = 'waiting_supplier'), false) AS waited_supplier,
	       min(g.from_at) FILTER (WHERE g.status IN ('resolved', 'closed')) AS ended_at,
	       sum(coalesce(g.business_seconds, open_seconds(g.queue, g.from_at, g.to_at)))
		FILTER (WHERE g.status IN ('new', 'open', 'waiting_supplier', 'on_hold') AND g.to_at <= t.resolved_at)::bigint AS worked_seconds
	  FROM stage g WHERE g.ticket_id = t.id) s
  CROSS JOIN LATERAL (
	SELECT s.waited_customer OR e.asked_at IS NOT NULL AND EXISTS (
			SELECT FROM event j
			 WHERE j.ticket_id = t.id AND j.event = 'joined' AND j.detail ->> 'writer' IN ('requester', 'participant')
			   AND NOT (j.detail ? 'words') AND j.at > e.asked_at
			   AND j.at < coalesce(s.ended_at, 'infinity')) AS needed_customer,
	       s.waited_supplier OR e.has_supplier AS needed_supplier) n
 WHERE t.status NOT IN ('junk', 'merged') AND NOT t.is_machine;
COMMENT ON VIEW report_ticket IS 'One row for each ticket that counts: opened by a person, neither junk nor merged into another (a merged matter counts once, with the ticket that took it over). Seconds are open time of the queue unless said otherwise. A ticket of a mailbox''s backlog counts, but in no time and no target.';
COMMENT ON COLUMN report_ticket.ticket_id IS 'The ticket.';
COMMENT ON COLUMN report_ticket.queue IS 'The queue that it is in now.';
COMMENT ON COLUMN report_ticket.organisation IS 'The customer''s organisation; null: not known.';
COMMENT ON COLUMN report_ticket.type IS 'incident, request or a type of the queue''s own.';
COMMENT ON COLUMN report_ticket.priority IS 'Priority now.';
COMMENT ON COLUMN report_ticket.owner IS 'Owner now.';
COMMENT ON COLUMN report_ticket.tags IS 'Tags now.';
COMMENT ON COLUMN report_ticket.fields IS 'Fields now; customers'' words, so not for the reporting role.';
COMMENT ON COLUMN report_ticket.opened_at IS 'When the mail server received its first mail.';
COMMENT ON COLUMN report_ticket.resolved_at IS 'When it was resolved last; null: it is open, or open again.';
COMMENT ON COLUMN report_ticket.first_action_at IS 'When a person of the desk first did something with it: took, gave, answered, noted, moved, asked, set, resolved.';
COMMENT ON COLUMN report_ticket.first_reply_at IS 'When the first answer by a person went to the customer.';
COMMENT ON COLUMN report_ticket.first_action_seconds IS 'From opened_at to first_action_at.';
COMMENT ON COLUMN report_ticket.first_reply_seconds IS 'From opened_at to first_reply_at.';
COMMENT ON COLUMN report_ticket.resolution_seconds IS 'From opened_at to resolved_at, without the time it waited for the customer and the time between a resolution and a reopening.';
COMMENT ON COLUMN report_ticket.elapsed_seconds IS 'From opened_at to resolved_at by the clock on the wall, all waiting included.';
COMMENT ON COLUMN report_ticket.is_action_in_target IS 'The first action came before the target of the first answer; null: no target, or undecided.';
COMMENT ON COLUMN report_ticket.is_reply_in_target IS 'The first answer met its target; false too when the target passed without one; null: no target, or undecided.';
COMMENT ON COLUMN report_ticket.is_resolution_in_target IS 'The resolution met its target; false too when the target passed without one; null: no target, or undecided.';
COMMENT ON COLUMN report_ticket.needed_customer IS 'The customer was needed again: the ticket waited for the customer, or the customer wrote, neither chasing nor only thanking, after the desk had answered or asked and before the ticket was first resolved.';
COMMENT ON COLUMN report_ticket.needed_supplier IS 'A supplier was needed: the ticket waited for one, one was asked, or one wrote.';
COMMENT ON COLUMN report_ticket.reopened IS 'How often it was reopened.';
COMMENT ON COLUMN report_ticket.chased IS 'How often its customer asked for progress.';
COMMENT ON COLUMN report_ticket.is_consulted IS 'A colleague or an outsider was asked about it.';
COMMENT ON COLUMN report_ticket.is_moved IS 'A person moved it to another queue after it was routed.';
COMMENT ON COLUMN report_ticket.routed_by IS 'The rule that chose its first queue; null: the address that it was written to.';
COMMENT ON COLUMN report_ticket.is_first_time_right IS 'Resolved and never reopened.';
COMMENT ON COLUMN report_ticket.is_first_contact IS 'Resolved with the first answer: at most one answer by a person, no need of customer or supplier, not moved, never reopened.';

CREATE VIEW report_stage AS
SELECT r.ticket_id, r.queue AS now_in, g.queue, r.organisation, r.type, r.priority, r.tags, r.fields, r.opened_at, g.status,
       g.from_at, g.to_at, coalesce(g.business_seconds, open_seconds(g.queue, g.from_at, g.to_at)) AS open_seconds,
       extract(epoch FROM g.to_at - g.from_at)::bigint AS seconds
  FROM (SELECT t.id AS ticket_id, t.queue, o.name AS organisation, t.type, t.priority, t.tags, t.fields, t.opened_at
	  FROM ticket t LEFT JOIN organisation o ON o.id = t.organisation_id
	 WHERE t.status NOT IN ('junk', 'merged') AND NOT t.is_machine) r
  JOIN stage g ON g.ticket_id = r.ticket_id
 WHERE g.status IN ('new', 'open', 'waiting_customer', 'waiting_supplier', 'on_hold');
COMMENT ON VIEW report_stage IS 'One row for each stretch of a ticket that counts (as in report_ticket) in one status and queue while it was open.';
COMMENT ON COLUMN report_stage.ticket_id IS 'The ticket.';
COMMENT ON COLUMN report_stage.now_in IS 'The queue that the ticket is in now.';
COMMENT ON COLUMN report_stage.queue IS 'The queue that it was in then.';
COMMENT ON COLUMN report_stage.organisation IS 'The customer''s organisation.';
COMMENT ON COLUMN report_stage.type IS 'Type of the ticket now.';
COMMENT ON COLUMN report_stage.priority IS 'Priority of the ticket now.';
COMMENT ON COLUMN report_stage.tags IS 'Tags of the ticket now.';
COMMENT ON COLUMN report_stage.fields IS 'Fields of the ticket now; not for the reporting role.';
COMMENT ON COLUMN report_stage.opened_at IS 'When the ticket was opened.';
COMMENT ON COLUMN report_stage.status IS 'new, open, waiting_customer, waiting_supplier or on_hold.';
COMMENT ON COLUMN report_stage.from_at IS 'Since when.';
COMMENT ON COLUMN report_stage.to_at IS 'Until when; null: now.';
COMMENT ON COLUMN report_stage.open_seconds IS 'Its open time; null while it lasts.';
COMMENT ON COLUMN report_stage.seconds IS 'Its time by the clock on the wall; null while it lasts.';

CREATE VIEW report_consultation AS
SELECT c.id AS consultation_id, r.ticket_id, r.queue, r.organisation, r.type, r.priority, r.tags, r.fields, r.opened_at,
       c.at AS asked_at, c.answered_at, c.ended_at, open_seconds(r.queue, c.at, c.answered_at) AS open_seconds,
       extract(epoch FROM c.answered_at - c.at)::bigint AS seconds
  FROM (SELECT t.id AS ticket_id, t.queue, o.name AS organisation, t.type, t.priority, t.tags, t.fields, t.opened_at
	  FROM ticket t LEFT JOIN organisation o ON o.id = t.organisation_id
	 WHERE t.status NOT IN ('junk', 'merged') AND NOT t.is_machine) r
  JOIN consultation c ON c.ticket_id = r.ticket_id;
COMMENT ON VIEW report_consultation IS 'One row for each question by #ask about a ticket that counts: an interval beside its stages, which go on meanwhile.';
COMMENT ON COLUMN report_consultation.consultation_id IS 'The question.';
COMMENT ON COLUMN report_consultation.ticket_id IS 'About which ticket.';
COMMENT ON COLUMN report_consultation.queue IS 'The queue that the ticket is in now.';
COMMENT ON COLUMN report_consultation.organisation IS 'The customer''s organisation.';
COMMENT ON COLUMN report_consultation.type IS 'Type of the ticket now.';
COMMENT ON COLUMN report_consultation.priority IS 'Priority of the ticket now.';
COMMENT ON COLUMN report_consultation.tags IS 'Tags of the ticket now.';
COMMENT ON COLUMN report_consultation.fields IS 'Fields of the ticket now; not for the reporting role.';
COMMENT ON COLUMN report_consultation.opened_at IS 'When the ticket was opened.';
COMMENT ON COLUMN report_consultation.asked_at IS 'When it was asked.';
COMMENT ON COLUMN report_consultation.answered_at IS 'When the answer came; null: none yet, or never.';
COMMENT ON COLUMN report_consultation.ended_at IS 'When the question was over; null: open.';
COMMENT ON COLUMN report_consultation.open_seconds IS 'Open time from asked_at to answered_at.';
COMMENT ON COLUMN report_consultation.seconds IS 'The same by the clock on the wall.';

CREATE VIEW report_supplier_answer AS
SELECT r.ticket_id, r.queue, r.organisation, r.type, r.priority, r.tags, r.fields, r.opened_at, a.supplier, a.asked_at,
       a.answered_at, open_seconds(r.queue, a.asked_at, a.answered_at) AS open_seconds,
       extract(epoch FROM a.answered_at - a.asked_at)::bigint AS seconds
  FROM (SELECT t.id AS ticket_id, t.queue, o.name AS organisation, t.type, t.priority, t.tags, t.fields, t.opened_at
	  FROM ticket t LEFT JOIN organisation o ON o.id = t.organisation_id
	 WHERE t.status NOT IN ('junk', 'merged') AND NOT t.is_machine AND t.supplier IS NOT NULL) r
 CROSS JOIN LATERAL (
	SELECT w.supplier, min(w.at) FILTER (WHERE NOT w.is_answer) AS asked_at,
	       min(w.at) FILTER (WHERE w.is_answer) AS answered_at
	  FROM (SELECT v.at, v.supplier, v.is_answer, count(*) FILTER (WHERE v.is_answer) OVER (
			PARTITION BY v.supplier ORDER BY v.at, v.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS n
		  FROM (SELECT x.id, x.at, x.detail ->> 'supplier' AS supplier, x.event = 'joined' AS is_answer
			  FROM event x
			 WHERE x.ticket_id = r.ticket_id
			   AND (x.event = 'supplier_asked' OR x.event = 'joined' AND x.detail ->> 'writer' = 'supplier')
			) v) w
	 GROUP BY w.supplier, w.n
	HAVING bool_or(NOT w.is_answer)) a;
COMMENT ON VIEW report_supplier_answer IS 'One row for each time that a supplier owed an answer about a ticket that counts: from the first words to the supplier since the supplier''s last answer to the next one. A second answer in a row is nobody''s waiting and has no row.';
COMMENT ON COLUMN report_supplier_answer.ticket_id IS 'The ticket.';
COMMENT ON COLUMN report_supplier_answer.queue IS 'The queue that the ticket is in now.';
COMMENT ON COLUMN report_supplier_answer.organisation IS 'The customer''s organisation.';
COMMENT ON COLUMN report_supplier_answer.type IS 'Type of the ticket now.';
COMMENT ON COLUMN report_supplier_answer.priority IS 'Priority of the ticket now.';
COMMENT ON COLUMN report_supplier_answer.tags IS 'Tags of the ticket now.';
COMMENT ON COLUMN report_supplier_answer.fields IS 'Fields of the ticket now; not for the reporting role.';
COMMENT ON COLUMN report_supplier_answer.opened_at IS 'When the ticket was opened.';
COMMENT ON COLUMN report_supplier_answer.supplier IS 'Name of the supplier in the configuration.';
COMMENT ON COLUMN report_supplier_answer.asked_at IS 'When the supplier was asked.';
COMMENT ON COLUMN report_supplier_answer.answered_at IS 'When the supplier answered; null: not yet.';
COMMENT ON COLUMN report_supplier_answer.open_seconds IS 'Open time of the queue from asked_at to answered_at.';
COMMENT ON COLUMN report_supplier_answer.seconds IS 'The same by the clock on the wall.';

-- Figures of groups, what luukkuctl report shows. A period's figures are about the tickets received
-- in it; those about resolutions are about the tickets resolved in it.
CREATE FUNCTION report_percent(bigint, bigint) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT round(100.0 * $1 / nullif($2, 0), 1)
$$;
COMMENT ON FUNCTION report_percent IS 'The first as a percentage of the second; null of nothing.';

CREATE VIEW report_figures AS
WITH row AS (
	SELECT p.period_from, p.period_to, r.queue, r.organisation, r.type, r.priority, r.tags, r.fields,
	       r.opened_at >= p.from_at AND r.opened_at < p.to_at AS is_received,
	       coalesce(r.resolved_at >= p.from_at AND r.resolved_at < p.to_at, false) AS is_resolved,
	       false AS is_open, NULL AS apart,
	       r.first_action_seconds, r.first_reply_seconds, r.resolution_seconds, r.elapsed_seconds,
	       r.is_action_in_target, r.is_reply_in_target, r.is_resolution_in_target, r.needed_customer,
	       r.needed_supplier, r.reopened, r.chased, r.is_consulted, r.is_moved, r.is_first_time_right,
	       r.is_first_contact
	  FROM report_period p
	  JOIN report_ticket r ON (r.opened_at >= p.from_at AND r.opened_at < p.to_at)
			       OR (r.resolved_at >= p.from_at AND r.resolved_at < p.to_at)
	 WHERE ((r.opened_at >= report_from() AND r.opened_at < report_to())
		OR (r.resolved_at >= report_from() AND r.resolved_at < report_to()))
	UNION ALL
	SELECT p.period_from, p.period_to, t.queue, o.name, t.type, t.priority, t.tags, t.fields, false, false, true,
	       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
	  FROM report_period p
	  JOIN ticket t ON t.opened_at < p.to_at
		AND (t.status NOT IN ('resolved', 'closed', 'junk', 'merged') OR t.resolved_at >= p.to_at)
		AND (t.status NOT IN ('resolved', 'closed', 'junk', 'merged') OR t.resolved_at >= report_from())
	  LEFT JOIN organisation o ON o.id = t.organisation_id
	 WHERE t.status NOT IN ('junk', 'merged') AND NOT t.is_machine
	   AND (t.reopened = 0 OR EXISTS (SELECT FROM stage g
			WHERE g.ticket_id = t.id AND g.from_at < p.to_at AND coalesce(g.to_at >= p.to_at, true)
			  AND g.status NOT IN ('resolved', 'closed')))
	UNION ALL
	SELECT p.period_from, p.period_to, t.queue, o.name, t.type, t.priority, t.tags, t.fields, false, false, false,
	       CASE WHEN t.status IN ('junk', 'merged') THEN t.status ELSE 'machine' END,
	       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
	  FROM report_period p
	  JOIN ticket t ON t.opened_at >= p.from_at AND t.opened_at < p.to_at
	  LEFT JOIN organisation o ON o.id = t.organisation_id
	 WHERE (t.status IN ('junk', 'merged') OR t.is_machine) AND t.opened_at >= report_from() AND t.opened_at < report_to()
)
SELECT w.period_from, w.period_to, k.kind, k.name, report_setting('by') AS grouped_by, g.group_value,
       count(*) FILTER (WHERE w.is_received) AS received,
       count(*) FILTER (WHERE w.is_resolved) AS resolved,
       count(*) FILTER (WHERE w.is_open) AS open,
       count(*) FILTER (WHERE w.apart = 'machine') AS machine,
       count(*) FILTER (WHERE w.apart = 'junk') AS junk,
       count(*) FILTER (WHERE w.apart = 'merged') AS merged,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.first_action_seconds) FILTER (WHERE w.is_received))::bigint AS first_action_median,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY w.first_action_seconds) FILTER (WHERE w.is_received))::bigint AS first_action_p90,
       report_percent(count(*) FILTER (WHERE w.is_received AND w.is_action_in_target),
		      count(w.is_action_in_target) FILTER (WHERE w.is_received)) AS first_action_in_target_percent,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.first_reply_seconds) FILTER (WHERE w.is_received))::bigint AS first_reply_median,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY w.first_reply_seconds) FILTER (WHERE w.is_received))::bigint AS first_reply_p90,
       count(w.is_reply_in_target) FILTER (WHERE w.is_received) AS first_reply_targets,
       count(*) FILTER (WHERE w.is_received AND w.is_reply_in_target) AS first_reply_in_target,
       report_percent(count(*) FILTER (WHERE w.is_received AND w.is_reply_in_target),
		      count(w.is_reply_in_target) FILTER (WHERE w.is_received)) AS first_reply_in_target_percent,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.resolution_seconds) FILTER (WHERE w.is_resolved))::bigint AS resolution_median,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY w.resolution_seconds) FILTER (WHERE w.is_resolved))::bigint AS resolution_p90,
       count(w.is_resolution_in_target) FILTER (WHERE w.is_resolved) AS resolution_targets,
       count(*) FILTER (WHERE w.is_resolved AND w.is_resolution_in_target) AS resolution_in_target,
       report_percent(count(*) FILTER (WHERE w.is_resolved AND w.is_resolution_in_target),
		      count(w.is_resolution_in_target) FILTER (WHERE w.is_resolved)) AS resolution_in_target_percent,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.elapsed_seconds) FILTER (WHERE w.is_resolved))::bigint AS elapsed_median,
       count(*) FILTER (WHERE w.is_received AND w.needed_customer) AS needed_customer,
       report_percent(count(*) FILTER (WHERE w.is_received AND w.needed_customer),
		      count(*) FILTER (WHERE w.is_received)) AS needed_customer_percent,
       count(*) FILTER (WHERE w.is_received AND w.needed_supplier) AS needed_supplier,
       report_percent(count(*) FILTER (WHERE w.is_received AND w.needed_supplier),
		      count(*) FILTER (WHERE w.is_received)) AS needed_supplier_percent,
       count(*) FILTER (WHERE w.is_received AND w.reopened > 0) AS reopened,
       report_percent(count(*) FILTER (WHERE w.is_received AND w.reopened > 0),
		      count(*) FILTER (WHERE w.is_received)) AS reopened_percent,
       count(*) FILTER (WHERE w.is_resolved AND w.is_first_time_right) AS first_time_right,
       report_percent(count(*) FILTER (WHERE w.is_resolved AND w.is_first_time_right),
		      count(*) FILTER (WHERE w.is_resolved)) AS first_time_right_percent,
       count(*) FILTER (WHERE w.is_resolved AND w.is_first_contact) AS first_contact,
       report_percent(count(*) FILTER (WHERE w.is_resolved AND w.is_first_contact),
		      count(*) FILTER (WHERE w.is_resolved)) AS first_contact_percent,
       count(*) FILTER (WHERE w.is_received AND w.chased > 0) AS chased,
       report_percent(count(*) FILTER (WHERE w.is_received AND w.chased > 0),
		      count(*) FILTER (WHERE w.is_received)) AS chased_percent,
       count(*) FILTER (WHERE w.is_received AND w.is_moved) AS moved,
       report_percent(count(*) FILTER (WHERE w.is_received AND w.is_moved),
		      count(*) FILTER (WHERE w.is_received)) AS moved_percent,
       count(*) FILTER (WHERE w.is_received AND w.is_consulted) AS consulted
  FROM row w
 CROSS JOIN LATERAL (VALUES ('queue', CASE WHEN report_setting('total') = 'yes' THEN '*' ELSE w.queue END),
			    ('organisation', CASE WHEN report_setting('total') = 'yes' THEN '*' ELSE w.organisation END)) AS k (kind, name)
 CROSS JOIN LATERAL unnest(report_groups(w.queue, w.organisation, w.type, w.priority, w.tags, w.fields)) AS g (group_value)
 WHERE (report_setting('queue') IS NULL OR w.queue = report_setting('queue'))
   AND (report_setting('organisation') IS NULL OR w.organisation = report_setting('organisation'))
 GROUP BY 1, 2, 3, 4, 6;
COMMENT ON VIEW report_figures IS 'Figures of queues and of organisations; report_queues and report_organisations are its two halves.';
COMMENT ON COLUMN report_figures.period_from IS 'First day of the period.';
COMMENT ON COLUMN report_figures.period_to IS 'Last day of the period.';
COMMENT ON COLUMN report_figures.kind IS 'queue or organisation: what name is.';
COMMENT ON COLUMN report_figures.name IS 'Name of the queue or organisation; null: organisation not known; *: all together.';
COMMENT ON COLUMN report_figures.grouped_by IS 'What group_value is: queue, organisation, type, priority, tag or field; null: the rows are not divided.';
COMMENT ON COLUMN report_figures.group_value IS 'Type, tag, ...; null: none. A ticket with several tags counts with each.';
COMMENT ON COLUMN report_figures.received IS 'Tickets opened in the period that count: not by machines, not junk, not merged.';
COMMENT ON COLUMN report_figures.resolved IS 'Tickets whose (last) resolution fell in the period, whenever they were opened.';
COMMENT ON COLUMN report_figures.open IS 'Tickets open at the end of the period, whenever they were opened.';
COMMENT ON COLUMN report_figures.machine IS 'Tickets that machines opened in the period; in no other figure.';
COMMENT ON COLUMN report_figures.junk IS 'Tickets opened in the period that are junk; in no other figure.';
COMMENT ON COLUMN report_figures.merged IS 'Tickets opened in the period that were merged into others; in no other figure, as their matter counts with the other ticket.';
COMMENT ON COLUMN report_figures.first_action_median IS 'Of received: median of the open seconds until a person first did something (report_ticket.first_action_seconds).';
COMMENT ON COLUMN report_figures.first_action_p90 IS 'Of received: the open seconds within which nine of ten had it.';
COMMENT ON COLUMN report_figures.first_action_in_target_percent IS 'Of received with a decided target of the first answer: how many saw a person act before it.';
COMMENT ON COLUMN report_figures.first_reply_median IS 'Of received: median of the open seconds until the first answer by a person (report_ticket.first_reply_seconds).';
COMMENT ON COLUMN report_figures.first_reply_p90 IS 'Of received: the open seconds within which nine of ten had it.';
COMMENT ON COLUMN report_figures.first_reply_targets IS 'Of received: those whose target of the first answer was met or missed.';
COMMENT ON COLUMN report_figures.first_reply_in_target IS 'Of these: met.';
COMMENT ON COLUMN report_figures.first_reply_in_target_percent IS 'The same in percent.';
COMMENT ON COLUMN report_figures.resolution_median IS 'Of resolved: median of the open seconds until the resolution, without waiting for the customer (report_ticket.resolution_seconds).';
COMMENT ON COLUMN report_figures.resolution_p90 IS 'Of resolved: the open seconds within which nine of ten were.';
COMMENT ON COLUMN report_figures.resolution_targets IS 'Of resolved: those that had a target of the resolution.';
COMMENT ON COLUMN report_figures.resolution_in_target IS 'Of these: met.';
COMMENT ON COLUMN report_figures.resolution_in_target_percent IS 'The same in percent.';
COMMENT ON COLUMN report_figures.elapsed_median IS 'Of resolved: median of the seconds from opening to resolution by the clock on the wall.';
COMMENT ON COLUMN report_figures.needed_customer IS 'Of received: those that needed the customer again (report_ticket.needed_customer).';
COMMENT ON COLUMN report_figures.needed_customer_percent IS 'The same in percent of received.';
COMMENT ON COLUMN report_figures.needed_supplier IS 'Of received: those that needed a supplier (report_ticket.needed_supplier).';
COMMENT ON COLUMN report_figures.needed_supplier_percent IS 'The same in percent of received.';
COMMENT ON COLUMN report_figures.reopened IS 'Of received: those reopened at least once until now.';
COMMENT ON COLUMN report_figures.reopened_percent IS 'The same in percent of received.';
COMMENT ON COLUMN report_figures.first_time_right IS 'Of resolved: never reopened until now.';
COMMENT ON COLUMN report_figures.first_time_right_percent IS 'The same in percent of resolved.';
COMMENT ON COLUMN report_figures.first_contact IS 'Of resolved: with the first answer (report_ticket.is_first_contact).';
COMMENT ON COLUMN report_figures.first_contact_percent IS 'The same in percent of resolved.';
COMMENT ON COLUMN report_figures.chased IS 'Of received: those whose customer asked for progress at least once.';
COMMENT ON COLUMN report_figures.chased_percent IS 'The same in percent of received.';
COMMENT ON COLUMN report_figures.moved IS 'Of received: those that a person moved to another queue after they were routed.';
COMMENT ON COLUMN report_figures.moved_percent IS 'The same in percent of received.';
COMMENT ON COLUMN report_figures.consulted IS 'Of received: those about which a colleague or an outsider was asked.';

CREATE VIEW report_queues AS
SELECT f.period_from, f.period_to, f.name AS queue,
       f.grouped_by, f.group_value, f.received, f.resolved, f.open, f.machine, f.junk, f.merged,
       f.first_action_median, f.first_action_p90, f.first_action_in_target_percent, f.first_reply_median,
       f.first_reply_p90, f.first_reply_targets, f.first_reply_in_target, f.first_reply_in_target_percent,
       f.resolution_median, f.resolution_p90, f.resolution_targets, f.resolution_in_target,
       f.resolution_in_target_percent, f.elapsed_median, f.needed_customer, f.needed_customer_percent,
       f.needed_supplier, f.needed_supplier_percent, f.reopened, f.reopened_percent, f.first_time_right,
       f.first_time_right_percent, f.first_contact, f.first_contact_percent, f.chased, f.chased_percent,
       f.moved, f.moved_percent, f.consulted
  FROM report_figures f WHERE f.kind = 'queue';
COMMENT ON VIEW report_queues IS 'luukkuctl report queues: one row for each period and queue (report_period says how to divide them further). Medians and percentiles are open seconds of the tickets'' queues unless said otherwise.';
COMMENT ON COLUMN report_queues.queue IS 'The queue that the tickets are in now; *: all together.';

CREATE VIEW report_organisations AS
SELECT f.period_from, f.period_to, f.name AS organisation,
       f.grouped_by, f.group_value, f.received, f.resolved, f.open, f.machine, f.junk, f.merged,
       f.first_action_median, f.first_action_p90, f.first_action_in_target_percent, f.first_reply_median,
       f.first_reply_p90, f.first_reply_targets, f.first_reply_in_target, f.first_reply_in_target_percent,
       f.resolution_median, f.resolution_p90, f.resolution_targets, f.resolution_in_target,
       f.resolution_in_target_percent, f.elapsed_median, f.needed_customer, f.needed_customer_percent,
       f.needed_supplier, f.needed_supplier_percent, f.reopened, f.reopened_percent, f.first_time_right,
       f.first_time_right_percent, f.first_contact, f.first_contact_percent, f.chased, f.chased_percent,
       f.moved, f.moved_percent, f.consulted
  FROM report_figures f WHERE f.kind = 'organisation';
COMMENT ON VIEW report_organisations IS 'luukkuctl report organisations: one row for each period and organisation (report_period says how to divide them further). Medians and percentiles are open seconds of the tickets'' queues unless said otherwise.';
COMMENT ON COLUMN report_organisations.organisation IS 'The customers organisation; null: not known; *: all together.';

-- One definition per figure: what both views take over keeps the words that it has in report_figures.
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN
		SELECT v.attrelid::regclass AS view, v.attname AS name, col_description(f.attrelid, f.attnum) AS words
		  FROM pg_attribute f
		  JOIN pg_attribute v ON v.attname = f.attname
		   AND v.attrelid IN ('report_queues'::regclass, 'report_organisations'::regclass)
		 WHERE f.attrelid = 'report_figures'::regclass
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.view, c.name, c.words);
	END LOOP;
END
$$;

CREATE VIEW report_sla AS
WITH row AS (
	SELECT p.period_from, p.period_to, r.*,
	       r.opened_at >= p.from_at AND r.opened_at < p.to_at AS is_received,
	       coalesce(r.resolved_at >= p.from_at AND r.resolved_at < p.to_at, false) AS is_resolved
	  FROM report_period p
	  JOIN report_ticket r ON (r.opened_at >= p.from_at AND r.opened_at < p.to_at)
			       OR (r.resolved_at >= p.from_at AND r.resolved_at < p.to_at)
	 WHERE ((r.opened_at >= report_from() AND r.opened_at < report_to())
		OR (r.resolved_at >= report_from() AND r.resolved_at < report_to()))
	   AND (report_setting('queue') IS NULL OR r.queue = report_setting('queue'))
	   AND (report_setting('organisation') IS NULL OR r.organisation = report_setting('organisation'))
)
SELECT w.period_from, w.period_to, CASE WHEN report_setting('total') = 'yes' THEN '*' ELSE w.queue END AS queue,
       report_setting('by') AS grouped_by, g.group_value, w.priority,
       count(*) FILTER (WHERE w.is_received) AS received,
       count(w.is_reply_in_target) FILTER (WHERE w.is_received) AS first_reply_targets,
       count(*) FILTER (WHERE w.is_received AND w.is_reply_in_target) AS first_reply_in_target,
       report_percent(count(*) FILTER (WHERE w.is_received AND w.is_reply_in_target),
		      count(w.is_reply_in_target) FILTER (WHERE w.is_received)) AS first_reply_in_target_percent,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.first_reply_seconds) FILTER (WHERE w.is_received))::bigint AS first_reply_median,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY w.first_reply_seconds) FILTER (WHERE w.is_received))::bigint AS first_reply_p90,
       count(*) FILTER (WHERE w.is_resolved) AS resolved,
       count(w.is_resolution_in_target) FILTER (WHERE w.is_resolved) AS resolution_targets,
       count(*) FILTER (WHERE w.is_resolved AND w.is_resolution_in_target) AS resolution_in_target,
       report_percent(count(*) FILTER (WHERE w.is_resolved AND w.is_resolution_in_target),
		      count(w.is_resolution_in_target) FILTER (WHERE w.is_resolved)) AS resolution_in_target_percent,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.resolution_seconds) FILTER (WHERE w.is_resolved))::bigint AS resolution_median,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY w.resolution_seconds) FILTER (WHERE w.is_resolved))::bigint AS resolution_p90
  FROM row w
 CROSS JOIN LATERAL unnest(report_groups(w.queue, w.organisation, w.type, w.priority, w.tags, w.fields)) AS g (group_value)
 GROUP BY 1, 2, 3, 5, 6;

CREATE VIEW report_stages AS
WITH row AS (
	SELECT s.queue, s.organisation, s.type, s.priority, s.tags, s.fields, s.opened_at, s.ticket_id, s.status AS stage,
	       s.open_seconds, s.seconds
	  FROM report_stage s
	UNION ALL
	SELECT c.queue, c.organisation, c.type, c.priority, c.tags, c.fields, c.opened_at, c.ticket_id, 'consultation',
	       c.open_seconds, c.seconds
	  FROM report_consultation c
)
SELECT p.period_from, p.period_to, CASE WHEN report_setting('total') = 'yes' THEN '*' ELSE w.queue END AS queue,
       report_setting('by') AS grouped_by, g.group_value, w.stage,
       count(DISTINCT w.ticket_id) AS tickets, count(w.seconds) AS ended, count(*) - count(w.seconds) AS lasting,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.open_seconds))::bigint AS open_median,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY w.open_seconds))::bigint AS open_p90,
       sum(w.open_seconds)::bigint AS open_sum,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.seconds))::bigint AS elapsed_median,
       sum(w.seconds)::bigint AS elapsed_sum
  FROM report_period p
  JOIN row w ON w.opened_at >= p.from_at AND w.opened_at < p.to_at
   AND w.opened_at >= report_from() AND w.opened_at < report_to()
 CROSS JOIN LATERAL unnest(report_groups(w.queue, w.organisation, w.type, w.priority, w.tags, w.fields)) AS g (group_value)
 WHERE (report_setting('queue') IS NULL OR w.queue = report_setting('queue'))
   AND (report_setting('organisation') IS NULL OR w.organisation = report_setting('organisation'))
 GROUP BY 1, 2, 3, 5, 6;

CREATE VIEW report_suppliers AS
SELECT p.period_from, p.period_to, CASE WHEN report_setting('total') = 'yes' THEN '*' ELSE w.supplier END AS supplier,
       report_setting('by') AS grouped_by, g.group_value,
       count(DISTINCT w.ticket_id) AS tickets, count(*) AS asked, count(w.answered_at) AS answered,
       count(*) - count(w.answered_at) AS unanswered,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.open_seconds))::bigint AS answer_median,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY w.open_seconds))::bigint AS answer_p90,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.seconds))::bigint AS elapsed_median,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY w.seconds))::bigint AS elapsed_p90
  FROM report_period p
  JOIN report_supplier_answer w ON w.opened_at >= p.from_at AND w.opened_at < p.to_at
   AND w.opened_at >= report_from() AND w.opened_at < report_to()
 CROSS JOIN LATERAL unnest(report_groups(w.queue, w.organisation, w.type, w.priority, w.tags, w.fields)) AS g (group_value)
 WHERE (report_setting('queue') IS NULL OR w.queue = report_setting('queue'))
   AND (report_setting('organisation') IS NULL OR w.organisation = report_setting('organisation'))
 GROUP BY 1, 2, 3, 5;

CREATE VIEW report_rules AS
SELECT p.period_from, p.period_to, CASE WHEN report_setting('total') = 'yes' THEN '*' ELSE w.routed_by END AS rule,
       report_setting('by') AS grouped_by, g.group_value,
       count(*) AS received, count(*) FILTER (WHERE w.is_moved) AS moved,
       report_percent(count(*) FILTER (WHERE w.is_moved), count(*)) AS moved_percent
  FROM report_period p
  JOIN report_ticket w ON w.opened_at >= p.from_at AND w.opened_at < p.to_at
   AND w.opened_at >= report_from() AND w.opened_at < report_to()
 CROSS JOIN LATERAL unnest(report_groups(w.queue, w.organisation, w.type, w.priority, w.tags, w.fields)) AS g (group_value)
 WHERE (report_setting('queue') IS NULL OR w.queue = report_setting('queue'))
   AND (report_setting('organisation') IS NULL OR w.organisation = report_setting('organisation'))
 GROUP BY 1, 2, 3, 5;

CREATE VIEW report_agents AS
WITH row AS (
	SELECT p.period_from, p.period_to, r.owner AS agent, r.queue, r.organisation, r.type, r.priority, r.tags, r.fields,
	       r.opened_at >= p.from_at AND r.opened_at < p.to_at AS is_received,
	       coalesce(r.resolved_at >= p.from_at AND r.resolved_at < p.to_at, false) AS is_resolved,
	       false AS is_open, false AS is_answer, r.first_reply_seconds, r.resolution_seconds, r.reopened
	  FROM report_period p
	  JOIN report_ticket r ON (r.opened_at >= p.from_at AND r.opened_at < p.to_at)
			       OR (r.resolved_at >= p.from_at AND r.resolved_at < p.to_at)
	 WHERE r.owner IS NOT NULL AND ((r.opened_at >= report_from() AND r.opened_at < report_to())
		OR (r.resolved_at >= report_from() AND r.resolved_at < report_to()))
	UNION ALL
	SELECT p.period_from, p.period_to, t.owner, t.queue, o.name, t.type, t.priority, t.tags, t.fields, false, false, true,
	       false, NULL, NULL, NULL
	  FROM report_period p
	  JOIN ticket t ON t.opened_at < p.to_at
		AND (t.status NOT IN ('resolved', 'closed', 'junk', 'merged') OR t.resolved_at >= p.to_at)
		AND (t.status NOT IN ('resolved', 'closed', 'junk', 'merged') OR t.resolved_at >= report_from())
	  LEFT JOIN organisation o ON o.id = t.organisation_id
	 WHERE t.owner IS NOT NULL AND t.status NOT IN ('junk', 'merged') AND NOT t.is_machine
	   AND (t.reopened = 0 OR EXISTS (SELECT FROM stage g
			WHERE g.ticket_id = t.id AND g.from_at < p.to_at AND coalesce(g.to_at >= p.to_at, true)
			  AND g.status NOT IN ('resolved', 'closed')))
	UNION ALL
	SELECT p.period_from, p.period_to, substr(v.actor, 7), t.queue, o.name, t.type, t.priority, t.tags, t.fields, false,
	       false, false, true, NULL, NULL, NULL
	  FROM report_period p
	  JOIN ticket t ON t.opened_at >= p.from_at AND t.opened_at < p.to_at
	   AND t.opened_at >= report_from() AND t.opened_at < report_to()
	  LEFT JOIN organisation o ON o.id = t.organisation_id
	  JOIN event v ON v.ticket_id = t.id AND v.event IN ('answered', 'resolution') AND starts_with(v.actor, 'agent:')
	 WHERE t.status NOT IN ('junk', 'merged') AND NOT t.is_machine
)
SELECT w.period_from, w.period_to, CASE WHEN report_setting('total') = 'yes' THEN '*' ELSE w.agent END AS agent,
       report_setting('by') AS grouped_by, g.group_value,
       count(*) FILTER (WHERE w.is_received) AS received,
       count(*) FILTER (WHERE w.is_resolved) AS resolved,
       count(*) FILTER (WHERE w.is_open) AS open,
       count(*) FILTER (WHERE w.is_answer) AS answers,
       count(*) FILTER (WHERE w.is_received AND w.reopened > 0) AS reopened,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.first_reply_seconds) FILTER (WHERE w.is_received))::bigint AS first_reply_median,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY w.resolution_seconds) FILTER (WHERE w.is_resolved))::bigint AS resolution_median,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY w.resolution_seconds) FILTER (WHERE w.is_resolved))::bigint AS resolution_p90
  FROM row w
 CROSS JOIN LATERAL unnest(report_groups(w.queue, w.organisation, w.type, w.priority, w.tags, w.fields)) AS g (group_value)
 WHERE (report_setting('queue') IS NULL OR w.queue = report_setting('queue'))
   AND (report_setting('organisation') IS NULL OR w.organisation = report_setting('organisation'))
 GROUP BY 1, 2, 3, 5;

COMMENT ON VIEW report_sla IS 'luukkuctl report sla: one row for each period, queue and priority. Targets are as they stand at the end: a later change of priority or queue counts.';
COMMENT ON COLUMN report_sla.period_from IS 'First day of the period.';
COMMENT ON COLUMN report_sla.period_to IS 'Last day of the period.';
COMMENT ON COLUMN report_sla.queue IS 'The queue that the tickets are in now; *: all together.';
COMMENT ON COLUMN report_sla.grouped_by IS 'What group_value is: queue, organisation, type, priority, tag or field; null: the rows are not divided.';
COMMENT ON COLUMN report_sla.group_value IS 'Type, tag, ...; null: none.';
COMMENT ON COLUMN report_sla.priority IS 'Priority of the tickets now.';
COMMENT ON COLUMN report_sla.received IS 'Tickets received in the period.';
COMMENT ON COLUMN report_sla.first_reply_targets IS 'Of received: those whose target of the first answer was met or missed.';
COMMENT ON COLUMN report_sla.first_reply_in_target IS 'Of these: met.';
COMMENT ON COLUMN report_sla.first_reply_in_target_percent IS 'The same in percent.';
COMMENT ON COLUMN report_sla.first_reply_median IS 'Of received: median of the open seconds until the first answer.';
COMMENT ON COLUMN report_sla.first_reply_p90 IS 'Of received: the open seconds within which nine of ten had it.';
COMMENT ON COLUMN report_sla.resolved IS 'Tickets resolved in the period.';
COMMENT ON COLUMN report_sla.resolution_targets IS 'Of resolved: those that had a target of the resolution.';
COMMENT ON COLUMN report_sla.resolution_in_target IS 'Of these: met.';
COMMENT ON COLUMN report_sla.resolution_in_target_percent IS 'The same in percent.';
COMMENT ON COLUMN report_sla.resolution_median IS 'Of resolved: median of the open seconds until the resolution, without waiting for the customer.';
COMMENT ON COLUMN report_sla.resolution_p90 IS 'Of resolved: the open seconds within which nine of ten were.';

COMMENT ON VIEW report_stages IS 'luukkuctl report stages: one row for each period, queue and stage of the tickets received in the period; consultations are intervals beside the stages.';
COMMENT ON COLUMN report_stages.period_from IS 'First day of the period.';
COMMENT ON COLUMN report_stages.period_to IS 'Last day of the period.';
COMMENT ON COLUMN report_stages.queue IS 'The queue that the tickets were in then (of a consultation: are in now); *: all together.';
COMMENT ON COLUMN report_stages.grouped_by IS 'What group_value is: queue, organisation, type, priority, tag or field; null: the rows are not divided.';
COMMENT ON COLUMN report_stages.group_value IS 'Type, tag, ...; null: none.';
COMMENT ON COLUMN report_stages.stage IS 'new, open, waiting_customer, waiting_supplier, on_hold, or consultation.';
COMMENT ON COLUMN report_stages.tickets IS 'How many tickets had such a stage.';
COMMENT ON COLUMN report_stages.ended IS 'How many such stretches are over (consultations: answered).';
COMMENT ON COLUMN report_stages.lasting IS 'How many go on (consultations: unanswered).';
COMMENT ON COLUMN report_stages.open_median IS 'Median of their open seconds, of those that are over.';
COMMENT ON COLUMN report_stages.open_p90 IS 'The open seconds within which nine of ten were over.';
COMMENT ON COLUMN report_stages.open_sum IS 'All their open seconds.';
COMMENT ON COLUMN report_stages.elapsed_median IS 'Median of their seconds by the clock on the wall.';
COMMENT ON COLUMN report_stages.elapsed_sum IS 'All their seconds by the clock on the wall.';

COMMENT ON VIEW report_suppliers IS 'luukkuctl report suppliers: one row for each period and supplier, about the tickets received in the period (report_supplier_answer).';
COMMENT ON COLUMN report_suppliers.period_from IS 'First day of the period.';
COMMENT ON COLUMN report_suppliers.period_to IS 'Last day of the period.';
COMMENT ON COLUMN report_suppliers.supplier IS 'Name of the supplier; *: all together.';
COMMENT ON COLUMN report_suppliers.grouped_by IS 'What group_value is: queue, organisation, type, priority, tag or field; null: the rows are not divided.';
COMMENT ON COLUMN report_suppliers.group_value IS 'Type, tag, ...; null: none.';
COMMENT ON COLUMN report_suppliers.tickets IS 'How many tickets the supplier was asked about.';
COMMENT ON COLUMN report_suppliers.asked IS 'How often an answer was owed.';
COMMENT ON COLUMN report_suppliers.answered IS 'How often one came.';
COMMENT ON COLUMN report_suppliers.unanswered IS 'How often none has come until now.';
COMMENT ON COLUMN report_suppliers.answer_median IS 'Median of the open seconds until the answer.';
COMMENT ON COLUMN report_suppliers.answer_p90 IS 'The open seconds within which nine of ten answers came.';
COMMENT ON COLUMN report_suppliers.elapsed_median IS 'Median of the seconds by the clock on the wall.';
COMMENT ON COLUMN report_suppliers.elapsed_p90 IS 'The seconds by the clock on the wall within which nine of ten answers came.';

COMMENT ON VIEW report_rules IS 'luukkuctl report rules: one row for each period and routing rule: how many of the tickets that it routed a person moved on.';
COMMENT ON COLUMN report_rules.period_from IS 'First day of the period.';
COMMENT ON COLUMN report_rules.period_to IS 'Last day of the period.';
COMMENT ON COLUMN report_rules.rule IS 'The rule that chose the first queue; null: the address that the mail was written to; *: all together.';
COMMENT ON COLUMN report_rules.grouped_by IS 'What group_value is: queue, organisation, type, priority, tag or field; null: the rows are not divided.';
COMMENT ON COLUMN report_rules.group_value IS 'Type, tag, ...; null: none.';
COMMENT ON COLUMN report_rules.received IS 'Tickets received in the period that it routed.';
COMMENT ON COLUMN report_rules.moved IS 'Of these: moved to another queue by a person.';
COMMENT ON COLUMN report_rules.moved_percent IS 'The same in percent.';

COMMENT ON VIEW report_agents IS 'luukkuctl report agents: one row for each period and agent, workload and times; not for the reporting role, and shown only where site.agent_reports is true.';
COMMENT ON COLUMN report_agents.period_from IS 'First day of the period.';
COMMENT ON COLUMN report_agents.period_to IS 'Last day of the period.';
COMMENT ON COLUMN report_agents.agent IS 'Address of the agent; *: all together.';
COMMENT ON COLUMN report_agents.grouped_by IS 'What group_value is: queue, organisation, type, priority, tag or field; null: the rows are not divided.';
COMMENT ON COLUMN report_agents.group_value IS 'Type, tag, ...; null: none.';
COMMENT ON COLUMN report_agents.received IS 'Tickets received in the period that are the agent''s now.';
COMMENT ON COLUMN report_agents.resolved IS 'Tickets resolved in the period that are the agent''s now.';
COMMENT ON COLUMN report_agents.open IS 'Open tickets that are the agent''s now and were open at the end of the period.';
COMMENT ON COLUMN report_agents.answers IS 'Answers and resolutions by the agent on tickets received in the period.';
COMMENT ON COLUMN report_agents.reopened IS 'Of received: those reopened at least once.';
COMMENT ON COLUMN report_agents.first_reply_median IS 'Of received: median of the open seconds until the first answer.';
COMMENT ON COLUMN report_agents.resolution_median IS 'Of resolved: median of the open seconds until the resolution.';
COMMENT ON COLUMN report_agents.resolution_p90 IS 'Of resolved: the open seconds within which nine of ten were.';

-- Nobody's score is to be read from sums: from five answers up, and for other roles whole months and
-- queues only, so that nothing can be worked out from two sums that differ by one answer.
CREATE VIEW report_survey AS
SELECT p.period_from, p.period_to, CASE WHEN report_setting('total') = 'yes' THEN '*' ELSE w.queue END AS queue,
       report_setting('by') AS grouped_by, g.group_value,
       count(*) AS sent, count(w.outcome) AS answered, report_percent(count(w.outcome), count(*)) AS answered_percent,
       count(*) FILTER (WHERE w.is_counted AND w.outcome IN ('score', 'yes')) AS in_order,
       count(*) FILTER (WHERE w.is_counted AND w.outcome = 'no') AS not_in_order,
       count(*) FILTER (WHERE w.is_counted AND w.outcome = 'low') AS low,
       count(*) FILTER (WHERE NOT w.is_counted AND w.outcome IS NOT NULL) AS excluded,
       count(w.score) FILTER (WHERE w.is_counted) AS counted,
       CASE WHEN count(w.score) FILTER (WHERE w.is_counted) >= 5
	    THEN round(avg(w.score) FILTER (WHERE w.is_counted), 1) END AS average
  FROM report_period p
  JOIN (SELECT s.queue, s.sent_at, s.outcome, s.score, t.survey_excluded IS NULL AS is_counted, o.name AS organisation,
	       t.type, t.priority, t.tags, t.fields
	  FROM survey s JOIN ticket t ON t.id = s.ticket_id LEFT JOIN organisation o ON o.id = t.organisation_id) w
    ON w.sent_at >= p.from_at AND w.sent_at < p.to_at AND w.sent_at >= report_from() AND w.sent_at < report_to()
 CROSS JOIN LATERAL unnest(report_groups(w.queue, w.organisation, w.type, w.priority, w.tags, w.fields)) AS g (group_value)
 WHERE (report_setting('queue') IS NULL OR w.queue = report_setting('queue'))
   AND (report_setting('organisation') IS NULL OR w.organisation = report_setting('organisation'))
   AND (report_is_desk() OR coalesce(report_setting('from'), report_setting('to'), report_setting('queue'),
		report_setting('organisation'), report_setting('by'), report_setting('total')) IS NULL)
 GROUP BY 1, 2, 3, 5;
COMMENT ON VIEW report_survey IS 'luukkuctl report survey: one row for each period and queue, about the surveys sent in the period. Other roles than luukkuctl''s see whole months and queues only: with any luukku.report setting it is empty for them.';
COMMENT ON COLUMN report_survey.period_from IS 'First day of the period.';
COMMENT ON COLUMN report_survey.period_to IS 'Last day of the period.';
COMMENT ON COLUMN report_survey.queue IS 'The queue that the ticket was in when it was sent; *: all together.';
COMMENT ON COLUMN report_survey.grouped_by IS 'What group_value is: queue, organisation, type, priority, tag or field; null: the rows are not divided.';
COMMENT ON COLUMN report_survey.group_value IS 'Type, tag, ...; null: none.';
COMMENT ON COLUMN report_survey.sent IS 'Surveys sent.';
COMMENT ON COLUMN report_survey.answered IS 'Of these: answered.';
COMMENT ON COLUMN report_survey.answered_percent IS 'The answer rate.';
COMMENT ON COLUMN report_survey.in_order IS 'Answers that the matter is in order, with a number or without.';
COMMENT ON COLUMN report_survey.not_in_order IS 'Answers that it is not in order: no number is kept of them, the ticket was opened again.';
COMMENT ON COLUMN report_survey.low IS 'Answers with a number under reopen_below of the queue: it is not kept, the ticket was opened again.';
COMMENT ON COLUMN report_survey.excluded IS 'Answers that a manager excluded (#survey exclude); in no other figure but answered.';
COMMENT ON COLUMN report_survey.counted IS 'Numbers that count in the average.';
COMMENT ON COLUMN report_survey.average IS 'Their average, 0 to 10; null: fewer than five count.';

CREATE VIEW report_comments AS
SELECT p.period_from, p.period_to, w.queue, w.comment
  FROM report_period p
  JOIN (SELECT s.queue, s.sent_at, s.comment, s.outcome, t.survey_excluded IS NULL AS is_counted, o.name AS organisation
	  FROM survey s JOIN ticket t ON t.id = s.ticket_id LEFT JOIN organisation o ON o.id = t.organisation_id) w
    ON w.sent_at >= p.from_at AND w.sent_at < p.to_at AND w.sent_at >= report_from() AND w.sent_at < report_to()
 WHERE w.is_counted AND w.outcome IN ('score', 'yes') AND w.comment ~ '\S'
   AND (report_setting('queue') IS NULL OR w.queue = report_setting('queue'))
   AND (report_setting('organisation') IS NULL OR w.organisation = report_setting('organisation'))
   AND (SELECT count(c.score) >= 5 FROM survey c JOIN ticket x ON x.id = c.ticket_id
	 WHERE c.queue = w.queue AND c.sent_at >= p.from_at AND c.sent_at < p.to_at AND x.survey_excluded IS NULL);
COMMENT ON VIEW report_comments IS 'luukkuctl report comments: what customers wrote whose matter was in order, without ticket, name or day, of queues with at least five counted answers in the period. Not for the reporting role.';
COMMENT ON COLUMN report_comments.period_from IS 'First day of the period.';
COMMENT ON COLUMN report_comments.period_to IS 'Last day of the period.';
COMMENT ON COLUMN report_comments.queue IS 'The queue that the ticket was in when the survey was sent.';
COMMENT ON COLUMN report_comments.comment IS 'The customer''s words.';

GRANT SELECT ON open_queue, open_hours, report_period, report_figures, report_queues, report_organisations, report_sla,
	report_stages, report_suppliers, report_rules, report_survey TO luukku_read;
GRANT SELECT (ticket_id, queue, organisation, type, priority, owner, tags, opened_at, resolved_at, first_action_at,
	first_reply_at, first_action_seconds, first_reply_seconds, resolution_seconds, elapsed_seconds, is_action_in_target,
	is_reply_in_target, is_resolution_in_target, needed_customer, needed_supplier, reopened, chased, is_consulted,
	is_moved, routed_by, is_first_time_right, is_first_contact) ON report_ticket TO luukku_read;
GRANT SELECT (ticket_id, now_in, queue, organisation, type, priority, tags, opened_at, status, from_at, to_at, open_seconds,
	seconds) ON report_stage TO luukku_read;
GRANT SELECT (consultation_id, ticket_id, queue, organisation, type, priority, tags, opened_at, asked_at, answered_at,
	ended_at, open_seconds, seconds) ON report_consultation TO luukku_read;
GRANT SELECT (ticket_id, queue, organisation, type, priority, tags, opened_at, supplier, asked_at, answered_at, open_seconds,
	seconds) ON report_supplier_answer TO luukku_read;
GRANT SELECT ON report_period, report_ticket, report_stage, report_consultation, report_supplier_answer, report_figures,
	report_queues, report_organisations, report_sla, report_stages, report_suppliers, report_rules, report_agents,
	report_survey, report_comments TO luukku_ctl;
GRANT SELECT, INSERT, UPDATE, DELETE ON open_queue, open_hours TO luukku_sched, luukku_ctl;
