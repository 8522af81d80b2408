/*
 * PostgreSQL through named statements. SQL stands in sql/queries/NAME.sql under "-- name: x";
 * the build turns it into LK_Q_X and a table of texts; each connection prepares the groups (files)
 * it was opened with.
 *
 * Errors: LK_ERR_RETRY (server away, serialization, lock or statement time-out, disk full),
 * LK_ERR_UNCERTAIN (a COMMIT whose answer was lost), LK_ERR_CONFIG (login refused, schema too old
 * or too new, missing right), LK_ERR_MESSAGE (a value that PostgreSQL refuses: 22xxx, 23xxx,
 * 54xxx).
 */
#ifndef LK_DB_DB_H
#define LK_DB_DB_H

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "queries.h" /* generated: typedef enum lk_query, enum lk_query_group */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lk_db lk_db;

typedef struct {
	const char *conninfo;
	const char *program;	      /* application_name */
	const char *role;	      /* SET ROLE at connect, or NULL */
	const lk_query_group *groups; /* prepared at connect */
	unsigned n_groups;
	int statement_timeout_ms; /* 0: 30 s */
	int lock_timeout_ms;	  /* 0: 5 s */
	bool any_schema;	  /* do not refuse a schema that is too old or too new (migrate) */
} lk_db_options;

/* Connects, narrows the role, checks the schema version, prepares. One try. */
bool lk_db_open(const lk_db_options *options, lk_db **ret_db, GError **error);
void lk_db_close(lk_db *db);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_db, lk_db_close)
/*
 * Makes *db (NULL, dead or alive) alive again: alive stays, else it is closed and opened once,
 * after waiting as long as the backoff says since the last failure. wake_fd (or -1) ends the wait
 * with LK_ERR_RETRY. On failure *db is NULL; callers log and call again. LISTENs must be repeated.
 */
bool lk_db_reopen(const lk_db_options *options, lk_db **db, lk_backoff *backoff, int wake_fd,
		  GError **error);
bool lk_db_is_alive(const lk_db *db);
int lk_db_socket(const lk_db *db); /* for poll() */

/* Parameters of one call, in $1, $2, ... order. Values are borrowed until the call returns. */
typedef struct lk_params lk_params;
lk_params *lk_params_new(void);
void lk_params_free(lk_params *params);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_params, lk_params_free)
void lk_param_text(lk_params *params, const char *value); /* NULL: SQL null */
void lk_param_int(lk_params *params, int64_t value);
void lk_param_bool(lk_params *params, bool value);
void lk_param_null(lk_params *params);
void lk_param_bytes(lk_params *params, const void *bytes, size_t n);
void lk_param_time(lk_params *params, lk_time at); /* LK_TIME_NONE: SQL null */
/* text[] of a GPtrArray of char *; bytea[] of n blocks of `size` bytes each; bigint[]. */
void lk_param_texts(lk_params *params, const GPtrArray *values);
void lk_param_blocks(lk_params *params, const uint8_t *blocks, size_t n, size_t size);
void lk_param_ints(lk_params *params, const int64_t *values, size_t n);

/* Rows of one call. Columns are named; an unknown name is our bug and aborts. */
typedef struct lk_rows lk_rows;
void lk_rows_free(lk_rows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_rows, lk_rows_free)
size_t lk_rows_count(const lk_rows *rows);
int64_t lk_rows_affected(const lk_rows *rows);
bool lk_row_is_null(const lk_rows *rows, size_t row, const char *column);
const char *lk_row_text(const lk_rows *rows, size_t row, const char *column); /* NULL for null */
int64_t lk_row_int(const lk_rows *rows, size_t row, const char *column);      /* 0 for null */
bool lk_row_bool(const lk_rows *rows, size_t row, const char *column);
/* LK_TIME_NONE for null */
lk_time lk_row_time(const lk_rows *rows, size_t row, const char *column);
/* bytea; borrowed until the rows are freed. */
const uint8_t *lk_row_bytes(const lk_rows *rows, size_t row, const char *column, size_t *ret_n);
/* text[]; caller frees. */
GPtrArray *lk_row_texts(const lk_rows *rows, size_t row, const char *column);

/* Runs a statement. ret_rows may be NULL. Borrows params (NULL: none). */
bool lk_db_run(lk_db *db, lk_query query, const lk_params *params, lk_rows **ret_rows,
	       GError **error);

/* Like lk_db_run with one row at a time, for results of any size; false from the callback stops. */
typedef bool (*lk_row_callback)(const lk_rows *row, void *data, GError **error);
bool lk_db_each(lk_db *db, lk_query query, const lk_params *params, lk_row_callback callback,
		void *data, GError **error);

bool lk_db_begin(lk_db *db, GError **error);
/* LK_ERR_UNCERTAIN when the answer is lost: reconnect and read the truth. */
bool lk_db_commit(lk_db *db, GError **error);
/* Never fails: a connection that cannot roll back is closed. */
void lk_db_rollback(lk_db *db);

/*
 * A savepoint within the transaction, so that one mail of a group can fail alone; nests. Release
 * keeps what was done since, rollback_to undoes it; both end the savepoint.
 */
bool lk_db_savepoint(lk_db *db, GError **error);
bool lk_db_release(lk_db *db, GError **error);
bool lk_db_rollback_to(lk_db *db, GError **error);

/* Rings a bell for every listener of the channel, when the transaction commits. */
bool lk_db_notify(lk_db *db, const char *channel, GError **error);

/*
 * LISTEN on a channel: luukku_work (mail was stored) or luukku_outbox (mail is to be sent); each
 * has a statement db_listen_CHANNEL. The connection stays usable. Lost on reconnect, so listen
 * again and rescan. lk_db_wait: waits for a bell, wake_fd (or -1) or the time (-1: no limit);
 * *ret_bell says which channel rang (borrowed until the next call) or NULL.
 */
bool lk_db_listen(lk_db *db, const char *channel, GError **error);
bool lk_db_wait(lk_db *db, int wake_fd, int timeout_ms, const char **ret_bell, GError **error);

#endif
