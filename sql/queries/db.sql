-- What lib/db itself needs: the session, transactions, bells.

-- name: db_session
-- Sets up a session at connect. $1 role to narrow to ('none': stay), $2 statement and $3 lock
-- time-out in ms. The role comes last: nothing before it needs a right. Called by every program
-- (lk_db_open).
SELECT set_config('TimeZone', 'UTC', false),
       set_config('DateStyle', 'ISO, MDY', false),
       set_config('IntervalStyle', 'postgres', false),
       set_config('bytea_output', 'hex', false),
       set_config('search_path', 'public', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('statement_timeout', $2::text, false),
       set_config('lock_timeout', $3::text, false),
       set_config('idle_in_transaction_session_timeout', '120s', false),
       set_config('synchronous_commit',
		  CASE current_setting('synchronous_commit')
		  WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
       set_config('role', $1::text, false);

-- name: db_schema
-- The newest migration that has been applied and the oldest schema number a program may have been
-- made for to run here. Called by every program (lk_db_open) and by luukkuctl status.
SELECT coalesce(max(m.number), 0) AS have,
       coalesce((SELECT s.value::integer FROM setting s WHERE s.name = 'oldest_program'), 0)
		AS oldest_program
  FROM schema_migration m;

-- name: db_begin
-- Called by every program.
BEGIN;

-- name: db_read_only
-- This transaction cannot write, whatever it runs. Called by luukkuctl explain.
SET TRANSACTION READ ONLY;

-- name: db_commit
-- Called by every program.
COMMIT;

-- name: db_rollback
-- Called by every program.
ROLLBACK;

-- name: db_savepoint
-- Called by luukku-fetch and luukku-lmtp, for one mail of a group that is committed together.
SAVEPOINT one;

-- name: db_release
-- Called by luukku-fetch and luukku-lmtp when that mail is stored.
RELEASE SAVEPOINT one;

-- name: db_rollback_to
-- Called by luukku-fetch and luukku-lmtp when that mail cannot be stored as it is.
ROLLBACK TO SAVEPOINT one;

-- name: db_notify
-- Rings a bell when the transaction commits. $1 channel (luukku_work, luukku_outbox),
-- $2 words for the listener. Called by every program.
SELECT pg_notify($1::text, $2::text);

-- name: db_listen_luukku_work
-- The bell of stored mail. Called by luukku-sched (lk_db_listen).
LISTEN luukku_work;

-- name: db_listen_luukku_outbox
-- The bell of mail to send. Called by luukku-send (lk_db_listen).
LISTEN luukku_outbox;
