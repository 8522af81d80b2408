/*
 * lib/db for the tests in Perl: db COMMAND [ARGUMENT...], connection string in $LUUKKU_DB, role in
 * $LUUKKU_ROLE (none when unset). Results go to standard output as one "key value" a line; an error
 * goes to standard error as "CODE: message" and becomes the exit status.
 */
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/secret.h"
#include "lib/base/units.h"
#include "lib/db/blob.h"
#include "lib/db/lease.h"
#include "lib/db/migrate.h"
#include "lib/db/private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static lk_query_group all_groups[LK_N_QUERY_GROUPS + 1];

static lk_db_options options(bool any_schema, bool all)
{
	const char *conninfo = g_getenv("LUUKKU_DB");

	for (int i = 0; i < (int)LK_N_QUERY_GROUPS; i++)
		all_groups[i] = (lk_query_group)i;
	return (lk_db_options){.conninfo = conninfo ? conninfo : "",
			       .program = "t-helper",
			       .role = g_getenv("LUUKKU_ROLE"),
			       .groups = all_groups,
			       .n_groups = all ? LK_N_QUERY_GROUPS : 0,
			       .statement_timeout_ms = 2000,
			       .lock_timeout_ms = 500,
			       .any_schema = any_schema};
}

static bool open_db(lk_db **ret_db, GError **error)
{
	lk_db_options how = options(false, false);

	return lk_db_open(&how, ret_db, error);
}

static void say(const char *name, void *data)
{
	printf("migrate %s\n", name);
}

static bool do_migrate(char **args, GError **error)
{
	lk_db_options how = options(true, false);
	g_autoptr(lk_db) db = NULL;

	return lk_db_open(&how, &db, error) && lk_schema_migrate(db, say, NULL, error);
}

static bool do_inspect(char **args, GError **error)
{
	lk_db_options how = options(true, false);
	g_auto(lk_schema_state) state = {0};
	g_autoptr(lk_db) db = NULL;

	if (!lk_db_open(&how, &db, error) || !lk_schema_inspect(db, &state, error))
		return false;
	printf("have %d\nneed %d\n", state.have, state.need);
	for (unsigned i = 0; i < state.pending->len; i++)
		printf("pending %s\n", (char *)g_ptr_array_index(state.pending, i));
	return true;
}

/* Prepares every statement there is. */
static bool do_open(char **args, GError **error)
{
	lk_db_options how = options(false, true);
	g_autoptr(lk_db) db = NULL;

	if (!lk_db_open(&how, &db, error))
		return false;
	printf("prepared %d\n", (int)LK_N_QUERIES);
	return true;
}

/* Name, group, number of parameters and text of every statement, for EXPLAIN. */
static bool do_queries(char **args, GError **error)
{
	for (int q = 0; q < (int)LK_N_QUERIES; q++)
		printf("%s %d %s\n%c", lk_sql_queries[q].name, lk_sql_queries[q].n_params,
		       lk_sql_queries[q].text, '\0');
	return true;
}

static bool do_blob_store(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;

	if (!open_db(&db, error) || !lk_db_begin(db, error))
		return false;
	for (; *args != NULL; args++) {
		lk_autofd int fd = open(*args, O_RDONLY | O_CLOEXEC);
		uint64_t size = 0;
		int64_t blob = 0;
		uint8_t hash[LK_HASH_BYTES];

		if (!lk_file_size(fd, &size, error) ||
		    !lk_blob_store(db, fd, 0, size, &blob, hash, error))
			return false;
		g_autofree char *hex = lk_hex(hash, sizeof hash);

		printf("blob %" G_GINT64_FORMAT " %s\n", blob, hex);
	}
	return lk_db_commit(db, error);
}

/* OFFSET SIZE of FILE. */
static bool do_blob_part(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;
	lk_autofd int fd = open(args[0], O_RDONLY | O_CLOEXEC);
	int64_t offset = 0, size = 0, blob = 0;

	if (!lk_parse_int(args[1], 0, G_MAXINT64, &offset, error) ||
	    !lk_parse_int(args[2], 0, G_MAXINT64, &size, error) || !open_db(&db, error) ||
	    !lk_db_begin(db, error) ||
	    !lk_blob_store(db, fd, (uint64_t)offset, (uint64_t)size, &blob, NULL, error))
		return false;
	printf("blob %" G_GINT64_FORMAT "\n", blob);
	return lk_db_commit(db, error);
}

static bool do_blob_load(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;
	int64_t blob = 0;

	return lk_parse_int(args[0], 0, G_MAXINT64, &blob, error) && open_db(&db, error) &&
	       lk_blob_load(db, blob, STDOUT_FILENO, error);
}

/* Inserts a setting in a transaction; the answer to COMMIT may be lost by LUUKKU_FAULT_MODE. */
static bool do_commit(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;

	if (!open_db(&db, error) || !lk_db_begin(db, error))
		return false;
	if (!lk_lease_check(db, args[0], args[1], 1, error))
		return false;
	puts("in transaction");
	fflush(stdout);
	/* The test breaks something now and closes our standard input. */
	while (getchar() != EOF)
		continue;
	return lk_db_commit(db, error);
}

static bool do_renew(char **args, GError **error)
{
	g_autoptr(GPtrArray) mailboxes = g_ptr_array_new();
	g_autoptr(GPtrArray) leases = NULL;
	g_autoptr(lk_db) db = NULL;

	for (char **arg = args + 2; *arg != NULL; arg++)
		g_ptr_array_add(mailboxes, *arg);
	if (!open_db(&db, error) ||
	    !lk_lease_renew(db, args[0], args[1], mailboxes, 30, &leases, error))
		return false;
	for (unsigned i = 0; i < leases->len; i++) {
		const lk_lease *lease = g_ptr_array_index(leases, i);

		printf("%s:%" G_GINT64_FORMAT "\n", lease->mailbox, lease->epoch);
	}
	return true;
}

static bool do_check(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;
	int64_t epoch = 0;

	if (!lk_parse_int(args[2], 0, G_MAXINT64, &epoch, error) || !open_db(&db, error) ||
	    !lk_db_begin(db, error) || !lk_lease_check(db, args[0], args[1], epoch, error))
		return false;
	puts("ours");
	return lk_db_commit(db, error);
}

/* Listens on a channel and says what rang. */
static bool do_listen(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;
	const char *bell = NULL;

	if (!open_db(&db, error) || !lk_db_listen(db, args[0], error))
		return false;
	puts("listening");
	fflush(stdout);
	if (!lk_db_wait(db, STDIN_FILENO, 20000, &bell, error))
		return false;
	printf("bell %s\n", bell ? bell : "none");
	return true;
}

/* Runs one text on the connection, so that a test may use any SQL. */
static bool do_sql(char **args, GError **error)
{
	g_autoptr(lk_db) db = NULL;

	if (!open_db(&db, error))
		return false;
	for (; *args != NULL; args++) {
		if (!PQsendQuery(db->conn, *args))
			return lk_pg_fail(db, NULL, "test", error);
		g_autoptr(PGresult) result = lk_pg_last(db);
		ExecStatusType status = PQresultStatus(result);

		if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
			return lk_pg_fail(db, result, "test", error);
		if (PQntuples(result) > 0)
			printf("%s\n", PQgetvalue(result, 0, 0));
	}
	return true;
}

/* Values there and back: every kind of parameter through the server into every kind of reader. */
static bool do_values(char **args, GError **error)
{
	static const char sql[] =
		"SELECT $1::text AS t, $2::bigint AS i, $3::boolean AS b, $4::bytea AS y,"
		" $5::timestamptz AS at, $6::timestamptz AS none, $7::text[] AS ts,"
		" ($8::bytea[])[2] AS y2, ($9::bigint[])[2] AS i2, ''::bytea AS empty,"
		" $5::timestamptz = '2026-03-29 00:30:00.25+00' AS is_same,"
		" '1900-01-01 00:00:00+00'::timestamptz AS old, $10::bytea AS y0";
	static const char bytes[] = "a\0\377'\\";
	static const uint8_t blocks[] = {1, 2, 3, 255, 0, 7};
	static const int64_t ints[] = {-1, G_MAXINT64};
	g_autoptr(GPtrArray) texts = g_ptr_array_new();
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_db) db = NULL;
	size_t n = 0, n2 = 0, n3 = 0, n4 = 0;

	g_ptr_array_add(texts, (char *)"plain");
	g_ptr_array_add(texts, (char *)"a \"b\" \\ {c,d} \n");
	g_ptr_array_add(texts, (char *)"");
	g_ptr_array_add(texts, NULL);
	g_ptr_array_add(texts, (char *)"NULL");
	lk_param_text(params, "h\303\244iri\303\266 'x' \\");
	lk_param_int(params, G_MININT64);
	lk_param_bool(params, true);
	lk_param_bytes(params, bytes, 5);
	lk_param_time(params, INT64_C(1774744200250000));
	lk_param_time(params, LK_TIME_NONE);
	lk_param_texts(params, texts);
	lk_param_blocks(params, blocks, 2, 3);
	lk_param_ints(params, ints, 2);
	lk_param_bytes(params, NULL, 0);
	if (!open_db(&db, error))
		return false;
	lk_rows *raw =
		lk_rows_take(PQexecParams(db->conn, sql, (int)params->values->len, NULL,
					  (const char *const *)params->values->pdata,
					  (const int *)(const void *)params->lengths->data,
					  (const int *)(const void *)params->formats->data, 0));
	g_autoptr(lk_rows) rows = raw;

	if (lk_rows_count(rows) != 1)
		return lk_pg_fail(db, rows->result, "test", error);
	g_autoptr(GPtrArray) back = lk_row_texts(rows, 0, "ts");
	const uint8_t *y = lk_row_bytes(rows, 0, "y", &n);
	const uint8_t *y2 = lk_row_bytes(rows, 0, "y2", &n2);
	const uint8_t *empty = lk_row_bytes(rows, 0, "empty", &n3);
	const uint8_t *y0 = lk_row_bytes(rows, 0, "y0", &n4);
	bool is_same = back->len == texts->len;

	for (unsigned i = 0; is_same && i < texts->len; i++)
		is_same = g_strcmp0(g_ptr_array_index(back, i), g_ptr_array_index(texts, i)) == 0;
	printf("text %d\n", strcmp(lk_row_text(rows, 0, "t"), "h\303\244iri\303\266 'x' \\") == 0);
	printf("int %d\n", lk_row_int(rows, 0, "i") == G_MININT64);
	printf("bool %d\n", lk_row_bool(rows, 0, "b"));
	printf("bytes %d\n", n == 5 && memcmp(y, bytes, 5) == 0);
	printf("time %d\n", lk_row_time(rows, 0, "at") == INT64_C(1774744200250000));
	printf("same time %d\n", lk_row_bool(rows, 0, "is_same"));
	printf("old time %d\n", lk_row_time(rows, 0, "old") == INT64_C(-2208988800000000));
	printf("no time %d\n",
	       lk_row_time(rows, 0, "none") == LK_TIME_NONE && lk_row_is_null(rows, 0, "none"));
	printf("texts %d\n", is_same);
	printf("blocks %d\n", n2 == 3 && memcmp(y2, blocks + 3, 3) == 0);
	printf("ints %d\n", lk_row_int(rows, 0, "i2") == G_MAXINT64);
	printf("empty %d\n", empty != NULL && n3 == 0 && y0 != NULL && n4 == 0);
	return true;
}

/* Opens, waits for a line on standard input, then makes the connection alive again. */
static bool do_reopen(char **args, GError **error)
{
	lk_db_options how = options(false, false);
	lk_backoff backoff = {.first_ms = 20, .most_ms = 200};
	g_autoptr(lk_db) db = NULL;
	int failures = 0;

	if (!lk_db_reopen(&how, &db, &backoff, -1, error))
		return false;
	puts("open");
	fflush(stdout);
	while (getchar() != EOF)
		continue;
	g_autoptr(GError) lost = NULL;

	if (lk_db_run(db, LK_Q_DB_SCHEMA, NULL, NULL, &lost))
		puts("still alive");
	else
		printf("lost %d %d\n", lk_err_is(lost, LK_ERR_RETRY), lk_db_is_alive(db));
	for (;;) {
		g_autoptr(GError) again = NULL;

		if (lk_db_reopen(&how, &db, &backoff, -1, &again))
			break;
		if (failures++ == 0) {
			printf("refused %s\n", again->message);
			fflush(stdout);
		}
	}
	printf("reopened after failures: %d\n", failures > 0);
	return lk_db_run(db, LK_Q_DB_SCHEMA, NULL, NULL, error);
}

static const struct {
	const char *name;
	int n_args; /* at least */
	bool (*run)(char **args, GError **error);
} commands[] = {
	{"migrate", 0, do_migrate},
	{"inspect", 0, do_inspect},
	{"open", 0, do_open},
	{"queries", 0, do_queries},
	{"blob-store", 1, do_blob_store},
	{"blob-part", 3, do_blob_part},
	{"blob-load", 1, do_blob_load},
	{"commit", 2, do_commit},
	{"renew", 2, do_renew},
	{"check", 3, do_check},
	{"listen", 1, do_listen},
	{"sql", 1, do_sql},
	{"values", 0, do_values},
	{"reopen", 0, do_reopen},
};

static const char *code_name(int code)
{
	static const char *const names[] = {"RETRY", "MESSAGE", "MAILBOX", "CONFIG",	"UNCERTAIN",
					    "USAGE", "NOINPUT", "DATA",	   "PERMISSION"};

	return code >= 0 && code < (int)G_N_ELEMENTS(names) ? names[code] : "?";
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	lk_log_init("t-helper", LK_LOG_WARNING);
	for (unsigned i = 0; i < G_N_ELEMENTS(commands) && argc > 1; i++) {
		if (strcmp(argv[1], commands[i].name) != 0 || argc - 2 < commands[i].n_args)
			continue;
		if (commands[i].run(argv + 2, &error))
			return 0;
		fprintf(stderr, "%s: %s\n", code_name(error->code), error->message);
		return lk_exit_status(error);
	}
	fprintf(stderr, "usage: db COMMAND [ARGUMENT...]\n");
	return 64;
}
