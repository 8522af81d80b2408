/* What the files of lib/db share; the only header that knows libpq. */
#ifndef LK_DB_PRIVATE_H
#define LK_DB_PRIVATE_H

#include "lib/base/err.h"
#include "lib/db/db.h"
#include "lib/db/sql.h"

#include <libpq-fe.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGresult, PQclear)

struct lk_db {
	PGconn *conn;
	char *role;	     /* or NULL */
	bool is_dead;	     /* did not answer in time, or a lost COMMIT: never used again */
	int64_t patience_ms; /* for one answer; -1: no limit (migrations) */
	PGnotify *bell;	     /* last one handed out */
	bool is_prepared[LK_N_QUERIES + 1];
};

struct lk_params {
	GPtrArray *values; /* const char *, borrowed or in `owned` */
	GArray *lengths;   /* int */
	GArray *formats;   /* int: 0 text, 1 binary */
	GPtrArray *owned;
};

struct lk_rows {
	PGresult *result;
	GPtrArray *owned; /* decoded bytea */
};

lk_rows *lk_rows_take(PGresult *result);

/* "12-34-56 ..." of PostgreSQL's ISO style in UTC, both ways. */
char *lk_pg_time_format(lk_time at);
lk_time lk_pg_time_parse(const char *text);

/* Sets the error that a failed result (or, with NULL, the connection) stands for; returns false. */
bool lk_pg_fail(lk_db *db, const PGresult *result, const char *query, GError **error);
/* The next step for a SQLSTATE. */
lk_err lk_pg_classify(const char *sqlstate);
/* What to do about it, for people; NULL when there is nothing to add. */
const char *lk_pg_advice(const char *sqlstate);
/* libpq's message on one line; caller frees. */
char *lk_pg_one_line(const char *message);

/* The next answer of a query that was sent; NULL at its end or when the connection died. */
PGresult *lk_pg_next(lk_db *db);
/* Reads until the end of a query; the first failed answer, or the last one. NULL: the link died. */
PGresult *lk_pg_last(lk_db *db);
/* Runs the text of one query unprepared (transactions, LISTEN, DDL). */
bool lk_pg_plain(lk_db *db, lk_query query, GError **error);
/* Is the connection usable? Sets LK_ERR_RETRY when it is not. */
bool lk_pg_check_alive(const lk_db *db, GError **error);
bool lk_pg_prepare(lk_db *db, lk_query query, GError **error);
/* lk_db_each with all columns in binary: for raw pieces. */
bool lk_pg_each(lk_db *db, lk_query query, const lk_params *params, bool is_binary,
		lk_row_callback callback, void *data, GError **error);

#endif
