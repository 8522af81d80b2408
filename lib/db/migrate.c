#include "lib/db/migrate.h"

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/db/private.h"

#include <string.h>

int lk_schema_needed(void)
{
	return lk_sql_n_migrations;
}

void lk_schema_state_clear(lk_schema_state *state)
{
	g_clear_pointer(&state->pending, g_ptr_array_unref);
	state->have = state->need = 0;
}

static void hash_text(const char *text, uint8_t ret_digest[LK_HASH_BYTES])
{
	g_autoptr(lk_hash) hash = lk_hash_new();

	lk_hash_add(hash, text, strlen(text));
	lk_hash_end(hash, ret_digest);
}

/* History is only added to: an applied migration must be the compiled one, byte for byte. */
static bool check_applied(const lk_rows *applied, size_t row, GError **error)
{
	int64_t number = lk_row_int(applied, row, "number");
	uint8_t expected[LK_HASH_BYTES];
	size_t n = 0;
	const uint8_t *hash = lk_row_bytes(applied, row, "hash", &n);

	if (number > lk_sql_n_migrations)
		return true;
	const lk_sql_migration *migration = &lk_sql_migrations[number - 1];

	hash_text(migration->text, expected);
	if (n == LK_HASH_BYTES && memcmp(hash, expected, LK_HASH_BYTES) == 0 &&
	    number == (int64_t)row + 1)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
		    "migration %s as applied to this database is not the one of this program (%s): "
		    "use the luukkuctl that belongs to the installed release; nothing was changed",
		    lk_row_text(applied, row, "name"), migration->name);
	return false;
}

bool lk_schema_inspect(lk_db *db, lk_schema_state *ret_state, GError **error)
{
	g_autoptr(lk_rows) exists = NULL;
	g_autoptr(lk_rows) applied = NULL;
	int have = 0;

	if (!lk_db_run(db, LK_Q_MIGRATE_HAS_TABLE, NULL, &exists, error))
		return false;
	if (lk_row_bool(exists, 0, "has_table")) {
		if (!lk_db_run(db, LK_Q_MIGRATE_APPLIED, NULL, &applied, error))
			return false;
		for (size_t i = 0; i < lk_rows_count(applied); i++) {
			if (!check_applied(applied, i, error))
				return false;
			have = (int)lk_row_int(applied, i, "number");
		}
	}
	ret_state->have = have;
	ret_state->need = lk_sql_n_migrations;
	ret_state->pending = g_ptr_array_new_with_free_func(g_free);
	for (int i = have; i < lk_sql_n_migrations; i++)
		g_ptr_array_add(ret_state->pending, g_strdup(lk_sql_migrations[i].name));
	return true;
}

/* A file of several statements. */
static bool run_file(lk_db *db, const char *name, const char *text, GError **error)
{
	if (!lk_pg_check_alive(db, error))
		return false;
	if (!PQsendQuery(db->conn, text))
		return lk_pg_fail(db, NULL, name, error);
	g_autoptr(PGresult) result = lk_pg_last(db);
	ExecStatusType status = PQresultStatus(result);

	/* A migration may hold nothing but comments. */
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
		return lk_pg_fail(db, result, name, error);
	return true;
}

static bool record(lk_db *db, const lk_sql_migration *migration, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	uint8_t hash[LK_HASH_BYTES];

	hash_text(migration->text, hash);
	lk_param_int(params, migration->number);
	lk_param_text(params, migration->name);
	lk_param_bytes(params, hash, sizeof hash);
	return lk_db_run(db, LK_Q_MIGRATE_RECORD, params, NULL, error);
}

static bool apply(lk_db *db, const lk_sql_migration *migration, GError **error)
{
	if (!lk_db_begin(db, error))
		return false;
	if (!run_file(db, migration->name, migration->text, error) ||
	    !record(db, migration, error)) {
		lk_db_rollback(db);
		return false;
	}
	return lk_db_commit(db, error);
}

static bool migrate_locked(lk_db *db, void (*progress)(const char *name, void *data), void *data,
			   GError **error)
{
	g_auto(lk_schema_state) state = {0};

	if (!lk_schema_inspect(db, &state, error))
		return false;
	if (state.have > state.need) {
		g_set_error(
			error, LK_ERROR, LK_ERR_CONFIG,
			"schema %d is newer than this program's %d: use the luukkuctl of the newer "
			"release; nothing was changed",
			state.have, state.need);
		return false;
	}
	if (!run_file(db, "roles", lk_sql_roles, error)) {
		g_prefix_error(error,
			       "the owner must be allowed to create roles (ALTER ROLE ... "
			       "CREATEROLE), or a superuser creates them by sql/roles.sql: ");
		return false;
	}
	if (!lk_db_run(db, LK_Q_MIGRATE_BOOKKEEPING, NULL, NULL, error))
		return false;
	for (int i = state.have; i < lk_sql_n_migrations; i++) {
		if (progress != NULL)
			progress(lk_sql_migrations[i].name, data);
		if (!apply(db, &lk_sql_migrations[i], error))
			return false;
	}
	return true;
}

bool lk_schema_migrate(lk_db *db, void (*progress)(const char *name, void *data), void *data,
		       GError **error)
{
	int64_t patience_ms = db->patience_ms;

	if (!lk_db_run(db, LK_Q_MIGRATE_PATIENCE, NULL, NULL, error))
		return false;
	/* A rebuilt index may take hours; the server's limits are off by now as well. */
	db->patience_ms = -1;
	if (!lk_db_run(db, LK_Q_MIGRATE_LOCK, NULL, NULL, error))
		return false;
	bool is_ok = migrate_locked(db, progress, data, error);

	/* A connection that cannot unlock is dead, and its locks are gone with it. */
	lk_db_run(db, LK_Q_MIGRATE_UNLOCK, NULL, NULL, NULL);
	db->patience_ms = patience_ms;
	return is_ok;
}
