#include "lib/db/private.h"

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/db/migrate.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
	STATEMENT_TIMEOUT_MS = 30 * 1000,
	LOCK_TIMEOUT_MS = 5 * 1000,
	/* How much longer than the server's own limit an answer may take. */
	ANSWER_GRACE_MS = 10 * 1000,
	/* A refusal is quick; only then is it worth asking again for its SQLSTATE. */
	QUICK_MS = 2000,
	OLDEST_SERVER = 130000
};

/* libpq's messages quote what they cannot parse, and that may be half a password: say less. */
static bool check_conninfo(const char *conninfo, char **ret_password, GError **error)
{
	g_autofree char *password = NULL;
	char *ignored = NULL;

	if (strchr(conninfo, '=') == NULL && strstr(conninfo, "://") == NULL) {
		*ret_password = NULL;
		return true;
	}
	PQconninfoOption *options = PQconninfoParse(conninfo, &ignored);

	PQfreemem(ignored);
	if (options == NULL) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "database.conninfo cannot be read: write keyword=value pairs, values "
			    "with blanks in single quotes, or a postgresql:// URI");
		return false;
	}
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (strcmp(o->keyword, "password") == 0)
			password = g_strdup(o->val);
	PQconninfoFree(options);
	*ret_password = g_steal_pointer(&password);
	return true;
}

static void wipe(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	g_free(*secret);
}

/* A connection's message on one line, without its password. */
static char *scrubbed(PGconn *conn, const char *password)
{
	g_autofree char *line = lk_pg_one_line(PQerrorMessage(conn));

	if (password == NULL || *password == '\0')
		return g_steal_pointer(&line);
	g_auto(GStrv) parts = g_strsplit(line, password, -1);

	return g_strjoinv("***", parts);
}

static void on_notice(void *data, const char *message)
{
	g_autofree char *line = lk_pg_one_line(message);

	lk_debug("db.notice", "text=\"%s\"", line);
}

static PGconn *connect_once(const lk_db_options *options)
{
	/* In this order: what stands before dbname is a default, what stands behind it is fixed. */
	const char *const keywords[] = {
		"connect_timeout",     "tcp_user_timeout", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "dbname",
		"application_name",    "client_encoding",  NULL};
	const char *const values[] = {
		"10", "30000", "30", "10", "3", options->conninfo, options->program, "UTF8", NULL};

	PGconn *conn = PQconnectdbParams(keywords, values, 1);

	g_assert(conn != NULL);
	PQsetNoticeProcessor(conn, on_notice, NULL);
	return conn;
}

/* The SQLSTATE in a message of verbosity "sqlstate": "...FATAL:  28P01". Caller frees. */
static char *find_sqlstate(const char *message)
{
	for (const char *c = strchr(message, ':'); c != NULL; c = strchr(c + 1, ':')) {
		const char *code = c + 1 + strspn(c + 1, " ");
		size_t n = strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

		if (n == 5 && (code[n] == '\0' || g_ascii_isspace(code[n])))
			return g_strndup(code, n);
	}
	return NULL;
}

/*
 * libpq gives no SQLSTATE for a refused login, and the text comes in the server's language: asked
 * again in the terse form, it does. The second try may succeed; then it counts.
 */
static bool refused(PGconn *conn, const char *password, int64_t took_ms, GError **error)
{
	g_autofree char *line = scrubbed(conn, password);
	g_autofree char *sqlstate = NULL;

	if (took_ms < QUICK_MS) {
		PQsetErrorVerbosity(conn, PQERRORS_SQLSTATE);
		PQreset(conn);
		PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
		if (PQstatus(conn) == CONNECTION_OK)
			return true;
		sqlstate = find_sqlstate(PQerrorMessage(conn));
	}
	lk_err code = lk_pg_classify(sqlstate);
	const char *advice = lk_pg_advice(sqlstate);

	if (PQconnectionNeedsPassword(conn)) {
		code = LK_ERR_CONFIG;
		advice = "add a password (better: a passfile) to database.conninfo";
	}
	if (advice == NULL)
		advice = "is PostgreSQL running, and is database.conninfo right? It will be tried "
			 "again";
	g_set_error(error, LK_ERROR, code, "cannot connect to the database: %s: %s", line, advice);
	return false;
}

static bool check_server(PGconn *conn, GError **error)
{
	const char *encoding = PQparameterStatus(conn, "server_encoding");
	int version = PQserverVersion(conn);

	if (version < OLDEST_SERVER) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "the database server is PostgreSQL %d: luukku needs %d or newer",
			    version / 10000, OLDEST_SERVER / 10000);
		return false;
	}
	if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "the database is in %s: create it with ENCODING 'UTF8'",
			    encoding ? encoding : "an unknown encoding");
		return false;
	}
	return true;
}

static bool check_schema(const lk_rows *rows, GError **error)
{
	int64_t have = lk_row_int(rows, 0, "have");
	int64_t oldest_program = lk_row_int(rows, 0, "oldest_program");
	int need = lk_schema_needed();

	if (have < need) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "schema %d, need %d: run luukkuctl migrate", (int)have, need);
		return false;
	}
	if (need < oldest_program) {
		g_set_error(
			error, LK_ERROR, LK_ERR_CONFIG,
			"schema %d needs programs made for schema %d or newer, this one was made "
			"for %d: install the newer luukku",
			(int)have, (int)oldest_program, need);
		return false;
	}
	return true;
}

static bool is_wanted(const lk_db_options *options, lk_query query)
{
	for (unsigned i = 0; i < options->n_groups; i++)
		if (lk_sql_queries[query].group == options->groups[i])
			return true;
	return false;
}

/* Session, schema question and all PREPAREs go out together: one round trip. */
static bool send_setup(lk_db *db, const lk_db_options *options)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, options->role ? options->role : "none");
	lk_param_int(params, options->statement_timeout_ms ? options->statement_timeout_ms
							   : STATEMENT_TIMEOUT_MS);
	lk_param_int(params, options->lock_timeout_ms ? options->lock_timeout_ms : LOCK_TIMEOUT_MS);
	if (!PQenterPipelineMode(db->conn) ||
	    !PQsendQueryParams(db->conn, lk_sql_queries[LK_Q_DB_SESSION].text,
			       (int)params->values->len, NULL,
			       (const char *const *)params->values->pdata, NULL, NULL, 0))
		return false;
	if (!options->any_schema &&
	    !PQsendQueryParams(db->conn, lk_sql_queries[LK_Q_DB_SCHEMA].text, 0, NULL, NULL, NULL,
			       NULL, 0))
		return false;
	for (int q = 0; q < (int)LK_N_QUERIES; q++)
		if (is_wanted(options, (lk_query)q) &&
		    !PQsendPrepare(db->conn, lk_sql_queries[q].name, lk_sql_queries[q].text, 0,
				   NULL))
			return false;
	return PQpipelineSync(db->conn) != 0;
}

/* The answer to one command of the pipeline; takes the NULL behind it too. */
static PGresult *next_answer(lk_db *db)
{
	PGresult *result = lk_pg_next(db);

	if (result != NULL && PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
		g_autoptr(PGresult) end = lk_pg_next(db);
	}
	return result;
}

static bool role_error(lk_db *db, const PGresult *result, const lk_db_options *options,
		       GError **error)
{
	const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;

	if (g_strcmp0(sqlstate, "22023") != 0 && g_strcmp0(sqlstate, "42501") != 0)
		return lk_pg_fail(db, result, "db_session", error);
	g_set_error(
		error, LK_ERROR, LK_ERR_CONFIG,
		"the database role %s does not exist or user %s may not become it: run luukkuctl "
		"migrate, and connect as user luukku",
		options->role ? options->role : "none", PQuser(db->conn));
	return false;
}

static bool read_schema(lk_db *db, GError **error)
{
	g_autoptr(PGresult) result = next_answer(db);
	const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;

	if (g_strcmp0(sqlstate, "42P01") == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "schema 0, need %d: run luukkuctl migrate", lk_schema_needed());
		return false;
	}
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return lk_pg_fail(db, result, "db_schema", error);
	g_autoptr(lk_rows) rows = lk_rows_take(g_steal_pointer(&result));

	return check_schema(rows, error);
}

static bool read_setup(lk_db *db, const lk_db_options *options, GError **error)
{
	g_autoptr(PGresult) session = next_answer(db);

	if (PQresultStatus(session) != PGRES_TUPLES_OK)
		return role_error(db, session, options, error);
	if (!options->any_schema && !read_schema(db, error))
		return false;
	for (int q = 0; q < (int)LK_N_QUERIES; q++) {
		if (!is_wanted(options, (lk_query)q))
			continue;
		g_autoptr(PGresult) prepared = next_answer(db);

		if (PQresultStatus(prepared) != PGRES_COMMAND_OK)
			return lk_pg_fail(db, prepared, lk_sql_queries[q].name, error);
		db->is_prepared[q] = true;
	}
	g_autoptr(PGresult) sync = next_answer(db);

	if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC || !PQexitPipelineMode(db->conn))
		return lk_pg_fail(db, sync, "db_session", error);
	return true;
}

bool lk_db_open(const lk_db_options *options, lk_db **ret_db, GError **error)
{
	__attribute__((cleanup(wipe))) char *password = NULL;
	int64_t start = lk_monotonic_ms();

	if (!check_conninfo(options->conninfo, &password, error))
		return false;
	g_autoptr(lk_db) db = g_new0(lk_db, 1);

	db->conn = connect_once(options);
	db->role = g_strdup(options->role);
	db->patience_ms =
		ANSWER_GRACE_MS + (options->statement_timeout_ms ? options->statement_timeout_ms
								 : STATEMENT_TIMEOUT_MS);
	if (PQstatus(db->conn) != CONNECTION_OK &&
	    !refused(db->conn, password, lk_monotonic_ms() - start, error))
		return false;
	if (!check_server(db->conn, error))
		return false;
	if (!send_setup(db, options))
		return lk_pg_fail(db, NULL, "db_session", error);
	if (!read_setup(db, options, error))
		return false;
	*ret_db = g_steal_pointer(&db);
	return true;
}

void lk_db_close(lk_db *db)
{
	if (db == NULL)
		return;
	PQfreemem(db->bell);
	PQfinish(db->conn);
	g_free(db->role);
	g_free(db);
}

bool lk_db_is_alive(const lk_db *db)
{
	return db != NULL && !db->is_dead && PQstatus(db->conn) == CONNECTION_OK;
}

int lk_db_socket(const lk_db *db)
{
	return PQsocket(db->conn);
}

static bool wait_or_wake(int wake_fd, int64_t wait_ms, GError **error)
{
	int64_t deadline = lk_monotonic_ms() + wait_ms;
	struct pollfd wake = {.fd = wake_fd, .events = POLLIN};

	for (;;) {
		int64_t left = deadline - lk_monotonic_ms();

		if (left <= 0)
			return true;
		int n = poll(&wake, 1, (int)MIN(left, G_MAXINT));

		if (n > 0) {
			g_set_error(error, LK_ERROR, LK_ERR_RETRY,
				    "woken while waiting for the database");
			return false;
		}
		if (n < 0 && errno != EINTR)
			return true;
	}
}

bool lk_db_reopen(const lk_db_options *options, lk_db **db, lk_backoff *backoff, int wake_fd,
		  GError **error)
{
	if (lk_db_is_alive(*db))
		return true;
	g_clear_pointer(db, lk_db_close);
	if (backoff->last_ms > 0 && !wait_or_wake(wake_fd, backoff->last_ms, error))
		return false;
	if (!lk_db_open(options, db, error)) {
		lk_backoff_next(backoff);
		return false;
	}
	lk_backoff_reset(backoff);
	return true;
}
