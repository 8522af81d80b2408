#include "lib/db/db.h"

#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "lib/db/private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

bool lk_pg_check_alive(const lk_db *db, GError **error)
{
	if (lk_db_is_alive(db))
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_RETRY,
		    "the connection to the database is lost; it will be tried again");
	return false;
}

PGresult *lk_pg_next(lk_db *db)
{
	int64_t deadline = lk_monotonic_ms() + db->patience_ms;
	struct pollfd answer = {.fd = PQsocket(db->conn), .events = POLLIN};

	while (!db->is_dead && PQisBusy(db->conn)) {
		int64_t left = db->patience_ms < 0 ? -1 : deadline - lk_monotonic_ms();

		if (db->patience_ms >= 0 && left <= 0) {
			/* The server is stuck; nothing can be said on this connection any more. */
			db->is_dead = true;
			break;
		}
		int n = poll(&answer, 1, (int)MIN(left, G_MAXINT));

		if (n < 0 && errno != EINTR)
			db->is_dead = true;
		if (n > 0 && !PQconsumeInput(db->conn))
			break;
	}
	return db->is_dead ? NULL : PQgetResult(db->conn);
}

static bool is_failed(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
	       status != PGRES_SINGLE_TUPLE && status != PGRES_COPY_IN &&
	       status != PGRES_COPY_OUT && status != PGRES_EMPTY_QUERY;
}

PGresult *lk_pg_last(lk_db *db)
{
	PGresult *last = NULL;

	for (;;) {
		PGresult *result = lk_pg_next(db);

		if (result == NULL)
			return last;
		ExecStatusType status = PQresultStatus(result);

		if (last != NULL && is_failed(last)) {
			PQclear(result);
		} else {
			PQclear(last);
			last = result;
		}
		if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT)
			return last;
	}
}

bool lk_pg_plain(lk_db *db, lk_query query, GError **error)
{
	if (!lk_pg_check_alive(db, error))
		return false;
	if (!PQsendQuery(db->conn, lk_sql_queries[query].text))
		return lk_pg_fail(db, NULL, lk_sql_queries[query].name, error);
	g_autoptr(PGresult) result = lk_pg_last(db);

	if (result == NULL || is_failed(result))
		return lk_pg_fail(db, result, lk_sql_queries[query].name, error);
	return true;
}

bool lk_pg_prepare(lk_db *db, lk_query query, GError **error)
{
	const lk_sql_query *sql = &lk_sql_queries[query];

	g_assert((int)query >= 0 && query < LK_N_QUERIES);
	if (!lk_pg_check_alive(db, error))
		return false;
	if (db->is_prepared[query])
		return true;
	if (!PQsendPrepare(db->conn, sql->name, sql->text, 0, NULL))
		return lk_pg_fail(db, NULL, sql->name, error);
	g_autoptr(PGresult) result = lk_pg_last(db);

	if (result == NULL || is_failed(result))
		return lk_pg_fail(db, result, sql->name, error);
	db->is_prepared[query] = true;
	return true;
}

/* Sends a prepared statement. A wrong number of parameters is our bug. */
static bool send_query(lk_db *db, lk_query query, const lk_params *params, bool is_binary,
		       GError **error)
{
	const lk_sql_query *sql = &lk_sql_queries[query];
	int n = params ? (int)params->values->len : 0;

	if (!lk_pg_prepare(db, query, error))
		return false;
	if (n != sql->n_params)
		g_error("%s takes %d parameters, not %d", sql->name, sql->n_params, n);
	if (!PQsendQueryPrepared(db->conn, sql->name, n,
				 params ? (const char *const *)params->values->pdata : NULL,
				 params ? (const int *)(const void *)params->lengths->data : NULL,
				 params ? (const int *)(const void *)params->formats->data : NULL,
				 is_binary))
		return lk_pg_fail(db, NULL, sql->name, error);
	return true;
}

bool lk_db_run(lk_db *db, lk_query query, const lk_params *params, lk_rows **ret_rows,
	       GError **error)
{
	if (!send_query(db, query, params, false, error))
		return false;
	g_autoptr(PGresult) result = lk_pg_last(db);

	if (result == NULL || is_failed(result))
		return lk_pg_fail(db, result, lk_sql_queries[query].name, error);
	if (ret_rows != NULL)
		*ret_rows = lk_rows_take(g_steal_pointer(&result));
	return true;
}

bool lk_pg_each(lk_db *db, lk_query query, const lk_params *params, bool is_binary,
		lk_row_callback callback, void *data, GError **error)
{
	bool is_ok = true;

	if (!send_query(db, query, params, is_binary, error))
		return false;
	PQsetSingleRowMode(db->conn);
	for (;;) {
		PGresult *result = lk_pg_next(db);

		if (result == NULL)
			break;
		/* After the first failure the rest is only read away. */
		if (!is_ok) {
			PQclear(result);
			continue;
		}
		g_autoptr(lk_rows) row = lk_rows_take(result);

		if (is_failed(result))
			is_ok = lk_pg_fail(db, result, lk_sql_queries[query].name, error);
		else if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
			is_ok = callback(row, data, error);
	}
	if (is_ok && !lk_db_is_alive(db))
		return lk_pg_fail(db, NULL, lk_sql_queries[query].name, error);
	return is_ok;
}

bool lk_db_each(lk_db *db, lk_query query, const lk_params *params, lk_row_callback callback,
		void *data, GError **error)
{
	return lk_pg_each(db, query, params, false, callback, data, error);
}

bool lk_db_begin(lk_db *db, GError **error)
{
	if (lk_db_is_alive(db))
		g_assert(PQtransactionStatus(db->conn) == PQTRANS_IDLE);
	return lk_pg_plain(db, LK_Q_DB_BEGIN, error);
}

/* An answer that says nothing sure: the truth stands in the database only. */
static bool uncertain(lk_db *db, GError **error)
{
	db->is_dead = true;
	g_set_error(
		error, LK_ERROR, LK_ERR_UNCERTAIN,
		"the database's answer to COMMIT was lost: reconnect and look whether it was done");
	return false;
}

bool lk_db_commit(lk_db *db, GError **error)
{
	if (!lk_pg_check_alive(db, error))
		return false;
	if (!PQsendQuery(db->conn, lk_sql_queries[LK_Q_DB_COMMIT].text))
		return uncertain(db, error);
	g_autoptr(PGresult) result = lk_pg_last(db);

	if (lk_fault_mode("lose-commit-answer"))
		return uncertain(db, error);
	if (result == NULL || !lk_db_is_alive(db))
		return uncertain(db, error);
	if (is_failed(result))
		return lk_pg_fail(db, result, "db_commit", error);
	/* COMMIT of a transaction in which a statement failed answers ROLLBACK, and no error. */
	if (strcmp(PQcmdStatus(result), "COMMIT") != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "the database rolled the transaction back; it will be tried again");
		return false;
	}
	return true;
}

void lk_db_rollback(lk_db *db)
{
	g_autoptr(GError) error = NULL;

	if (!lk_db_is_alive(db) || PQtransactionStatus(db->conn) == PQTRANS_IDLE)
		return;
	if (lk_pg_plain(db, LK_Q_DB_ROLLBACK, &error))
		return;
	lk_debug("db.rollback", "error=\"%s\"", error->message);
	db->is_dead = true;
}

bool lk_db_savepoint(lk_db *db, GError **error)
{
	return lk_pg_plain(db, LK_Q_DB_SAVEPOINT, error);
}

bool lk_db_release(lk_db *db, GError **error)
{
	return lk_pg_plain(db, LK_Q_DB_RELEASE, error);
}

bool lk_db_rollback_to(lk_db *db, GError **error)
{
	return lk_pg_plain(db, LK_Q_DB_ROLLBACK_TO, error) &&
	       lk_pg_plain(db, LK_Q_DB_RELEASE, error);
}

bool lk_db_notify(lk_db *db, const char *channel, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, channel);
	lk_param_text(params, "");
	return lk_db_run(db, LK_Q_DB_NOTIFY, params, NULL, error);
}

bool lk_db_listen(lk_db *db, const char *channel, GError **error)
{
	g_autofree char *name = g_strconcat("db_listen_", channel, NULL);

	for (int q = 0; q < (int)LK_N_QUERIES; q++)
		if (strcmp(lk_sql_queries[q].name, name) == 0)
			return lk_pg_plain(db, (lk_query)q, error);
	g_error("no statement %s", name);
}

static bool take_bell(lk_db *db, const char **ret_bell)
{
	g_clear_pointer(&db->bell, PQfreemem);
	db->bell = PQnotifies(db->conn);
	*ret_bell = db->bell ? db->bell->relname : NULL;
	return db->bell != NULL;
}

bool lk_db_wait(lk_db *db, int wake_fd, int timeout_ms, const char **ret_bell, GError **error)
{
	int64_t deadline = lk_monotonic_ms() + timeout_ms;

	for (;;) {
		if (!lk_pg_check_alive(db, error))
			return false;
		if (!PQconsumeInput(db->conn))
			return lk_pg_fail(db, NULL, "waiting", error);
		if (take_bell(db, ret_bell))
			return true;
		/* A server that says goodbye sends an answer nobody asked for. */
		if (PQisBusy(db->conn) == 0 && PQstatus(db->conn) != CONNECTION_OK)
			continue;
		int64_t left = deadline - lk_monotonic_ms();

		if (timeout_ms >= 0 && left <= 0)
			return true;
		struct pollfd fds[] = {{.fd = PQsocket(db->conn), .events = POLLIN},
				       {.fd = wake_fd, .events = POLLIN}};
		int n = poll(fds, G_N_ELEMENTS(fds),
			     timeout_ms < 0 ? -1 : (int)MIN(left, G_MAXINT));

		if (n > 0 && fds[1].revents != 0)
			return true;
		if (n < 0 && errno != EINTR) {
			g_set_error(error, LK_ERROR, LK_ERR_RETRY, "poll: %s", g_strerror(errno));
			return false;
		}
	}
}
