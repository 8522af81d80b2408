-- One role per program, each with the least it needs (the GRANT lines stand with the tables in the
-- migrations). `luukku` is the login role that all daemons connect as; being NOINHERIT it can do
-- nothing by itself, and each program narrows it by SET ROLE at connect. Run by luukkuctl migrate;
-- safe to run again.
DO $$
DECLARE
	r text;
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'luukku') THEN
		CREATE ROLE luukku LOGIN NOINHERIT;
	END IF;
	FOREACH r IN ARRAY ARRAY['luukku_fetch', 'luukku_lmtp', 'luukku_send', 'luukku_sched',
				 'luukku_web', 'luukku_ctl', 'luukku_read'] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', r);
		END IF;
		IF r <> 'luukku_read' AND NOT pg_has_role('luukku', r, 'MEMBER') THEN
			EXECUTE format('GRANT %I TO luukku', r);
		END IF;
	END LOOP;
END
$$;
