-- Reports. Called by lib/desk/report.c (luukkuctl report). What the figures are stands in the views of
-- 0006-report.sql.

-- name: report_ask
-- $1 names of settings, $2 their values. What the views are asked, for this transaction; a report of
-- years may take longer than other statements.
SELECT set_config('luukku.report_' || s.name, s.value, true), set_config('statement_timeout', '900s', true)
  FROM unnest($1::text[], $2::text[]) AS s (name, value);

-- name: report_size
-- How many tickets the period has that was asked for.
SELECT count(*) AS tickets
  FROM report_period p JOIN ticket t ON t.opened_at >= p.from_at AND t.opened_at < p.to_at;

-- name: report_columns
-- $1 view. Its columns in their order, whether each holds text, and what it means.
SELECT a.attname AS name, a.atttypid IN ('text'::regtype, 'date'::regtype) AS is_text,
       col_description(a.attrelid, a.attnum) AS meaning
  FROM pg_attribute a
 WHERE a.attrelid = ('public.' || quote_ident($1))::regclass AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum;

-- name: report_queues
-- Rows as texts in the order of the view's columns, like those below.
SELECT ARRAY(SELECT j.value FROM json_each_text(row_to_json(r)) j) AS cells
  FROM report_queues r ORDER BY r.period_from, r.queue, r.group_value;

-- name: report_organisations
-- As report_queues.
SELECT ARRAY(SELECT j.value FROM json_each_text(row_to_json(r)) j) AS cells
  FROM report_organisations r ORDER BY r.period_from, r.organisation, r.group_value;

-- name: report_sla
-- As report_queues.
SELECT ARRAY(SELECT j.value FROM json_each_text(row_to_json(r)) j) AS cells
  FROM report_sla r
 ORDER BY r.period_from, r.queue, r.group_value, array_position(ARRAY['urgent', 'high', 'normal', 'low'], r.priority);

-- name: report_stages
-- As report_queues.
SELECT ARRAY(SELECT j.value FROM json_each_text(row_to_json(r)) j) AS cells
  FROM report_stages r
 ORDER BY r.period_from, r.queue, r.group_value, array_position(ARRAY['new', 'open', 'waiting_customer',
	'waiting_supplier', 'on_hold', 'consultation'], r.stage);

-- name: report_suppliers
-- As report_queues.
SELECT ARRAY(SELECT j.value FROM json_each_text(row_to_json(r)) j) AS cells
  FROM report_suppliers r ORDER BY r.period_from, r.supplier, r.group_value;

-- name: report_rules
-- As report_queues.
SELECT ARRAY(SELECT j.value FROM json_each_text(row_to_json(r)) j) AS cells
  FROM report_rules r ORDER BY r.period_from, r.rule, r.group_value;

-- name: report_agents
-- As report_queues.
SELECT ARRAY(SELECT j.value FROM json_each_text(row_to_json(r)) j) AS cells
  FROM report_agents r ORDER BY r.period_from, r.agent, r.group_value;

-- name: report_survey
-- As report_queues.
SELECT ARRAY(SELECT j.value FROM json_each_text(row_to_json(r)) j) AS cells
  FROM report_survey r ORDER BY r.period_from, r.queue, r.group_value;

-- name: report_comments
-- As report_queues; in an order that says nothing about when they came.
SELECT ARRAY(SELECT j.value FROM json_each_text(row_to_json(r)) j) AS cells
  FROM report_comments r ORDER BY r.period_from, r.queue, md5(r.comment);
