-- Migrations; called by luukkuctl migrate as the owner of the schema.

-- name: migrate_patience
-- A migration may take its time and waits for another one that runs. Called by luukkuctl migrate.
SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '10min', false);

-- name: migrate_lock
-- One migration at a time in a database, until the session ends. Called by luukkuctl migrate.
SELECT pg_advisory_lock(7021758302);

-- name: migrate_unlock
-- Called by luukkuctl migrate.
SELECT pg_advisory_unlock(7021758302);

-- name: migrate_bookkeeping
-- The table of applied migrations, after the roles and before the first one. Called by
-- luukkuctl migrate.
DO $$
BEGIN
	IF to_regclass('public.schema_migration') IS NULL THEN
		CREATE TABLE schema_migration (
			number     integer PRIMARY KEY CHECK (number > 0),
			name       text NOT NULL,
			hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
			applied_at timestamptz NOT NULL DEFAULT now()
		);
		COMMENT ON TABLE schema_migration IS 'Applied migrations; kept by luukkuctl migrate.';
		COMMENT ON COLUMN schema_migration.number IS 'Number of the file; the highest is the schema''s.';
		COMMENT ON COLUMN schema_migration.name IS 'Number and slug of the file.';
		COMMENT ON COLUMN schema_migration.hash IS 'BLAKE2b-256 of its text; it never changes again.';
		COMMENT ON COLUMN schema_migration.applied_at IS 'When, by the database''s clock.';
		GRANT SELECT ON schema_migration TO luukku_fetch, luukku_lmtp, luukku_send, luukku_sched,
			luukku_ctl, luukku_read;
	END IF;
END
$$;

-- name: migrate_has_table
-- Has anything ever been migrated here? Called by luukkuctl migrate and status.
SELECT to_regclass('public.schema_migration') IS NOT NULL AS has_table;

-- name: migrate_applied
-- What has been applied. Called by luukkuctl migrate and status.
SELECT number, name, hash FROM schema_migration ORDER BY number;

-- name: migrate_record
-- $1 number, $2 name, $3 hash. Called by luukkuctl migrate, in the migration's transaction.
INSERT INTO schema_migration (number, name, hash) VALUES ($1, $2, $3);
