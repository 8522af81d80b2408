#include "daemon/sched.h"

#include "lib/base/err.h"

enum { INDEX_BATCH = 100, RAW_BATCH = 200, BLOB_WINDOW = 10000 };

bool lk_sched_index_sweep(lk_db *db, lk_sched_index *index, GError **error)
{
	g_autoptr(lk_rows) rows = NULL;

	if (!lk_db_run(db, LK_Q_SCHED_INDEX_FROM, NULL, &rows, error))
		return false;
	index->position = lk_row_int(rows, 0, "id");
	index->is_sweeping = true;
	return true;
}

static bool index_batch(lk_db *db, lk_sched_index *index, int most, int64_t *ret_n,
			int64_t *ret_did, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, index->position);
	lk_param_int(params, most);
	if (!lk_db_run(db, LK_Q_SCHED_INDEX, params, &rows, error))
		return false;
	index->position = lk_row_int(rows, 0, "last");
	*ret_n = lk_row_int(rows, 0, "n");
	*ret_did = lk_row_int(rows, 0, "did");
	return true;
}

static bool skip_one(lk_db *db, lk_sched_index *index, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, index->position);
	if (!lk_db_run(db, LK_Q_SCHED_INDEX_SKIP, params, &rows, error))
		return false;
	if (lk_rows_count(rows) > 0)
		index->position = lk_row_int(rows, 0, "id");
	return true;
}

/* The batch holds a text that cannot be indexed: one by one up to it, then past it. */
static bool index_singly(lk_db *db, lk_sched_index *index, int64_t *ret_did, GError **error)
{
	for (int i = 0; i < INDEX_BATCH; i++) {
		g_autoptr(GError) failure = NULL;
		int64_t n = 0, did = 0;

		if (!index_batch(db, index, 1, &n, &did, &failure)) {
			*ret_did += 1;
			if (lk_err_is(failure, LK_ERR_MESSAGE))
				return skip_one(db, index, error);
			g_propagate_error(error, g_steal_pointer(&failure));
			return false;
		}
		*ret_did += did;
		if (n == 0)
			break;
	}
	return true;
}

static bool advance(lk_db *db, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, LK_SCHED_SWEEP_S);
	return lk_db_run(db, LK_Q_SCHED_INDEX_ADVANCE, params, NULL, error);
}

bool lk_sched_index_step(lk_db *db, lk_sched_index *index, int64_t *ret_did, bool *ret_more,
			 GError **error)
{
	g_autoptr(GError) failure = NULL;
	int64_t n = 0, did = 0;

	if (!index_batch(db, index, INDEX_BATCH, &n, &did, &failure)) {
		if (!lk_err_is(failure, LK_ERR_MESSAGE)) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return false;
		}
		if (!index_singly(db, index, &did, error))
			return false;
		n = INDEX_BATCH;
	}
	*ret_did = did;
	*ret_more = n == INDEX_BATCH;
	if (*ret_more || !index->is_sweeping)
		return true;
	index->is_sweeping = false;
	return advance(db, error);
}

/* In the open transaction: deletes those of these blobs that nothing refers to. */
static bool delete_blobs(lk_db *db, const lk_rows *blobs, int64_t *ret_did, GError **error)
{
	g_autoptr(GArray) ids = g_array_new(false, false, sizeof(int64_t));
	g_autoptr(lk_params) candidates = lk_params_new();
	g_autoptr(lk_params) locked = lk_params_new();
	g_autoptr(lk_rows) free_rows = NULL;
	g_autoptr(lk_rows) gone = NULL;

	for (size_t i = 0; i < lk_rows_count(blobs); i++) {
		int64_t id = lk_row_int(blobs, i, "blob");

		g_array_append_val(ids, id);
	}
	lk_param_ints(candidates, &g_array_index(ids, int64_t, 0), ids->len);
	if (!lk_db_run(db, LK_Q_SCHED_BLOB_LOCK, candidates, &free_rows, error))
		return false;
	g_array_set_size(ids, 0);
	for (size_t i = 0; i < lk_rows_count(free_rows); i++) {
		int64_t id = lk_row_int(free_rows, i, "id");

		g_array_append_val(ids, id);
	}
	lk_param_ints(locked, &g_array_index(ids, int64_t, 0), ids->len);
	if (!lk_db_run(db, LK_Q_SCHED_BLOB_DELETE, locked, &gone, error))
		return false;
	*ret_did = lk_rows_affected(gone);
	return true;
}

static bool drop_raw(lk_db *db, lk_time before, int64_t *ret_did, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) dropped = NULL;
	int64_t blobs = 0;

	lk_param_time(params, before);
	lk_param_int(params, RAW_BATCH);
	if (!lk_db_run(db, LK_Q_SCHED_RAW_DROP, params, &dropped, error))
		return false;
	*ret_did = (int64_t)lk_rows_count(dropped);
	return *ret_did == 0 || delete_blobs(db, dropped, &blobs, error);
}

bool lk_sched_raw_step(lk_db *db, lk_time before, int64_t *ret_did, bool *ret_more, GError **error)
{
	int64_t did = 0;

	if (!lk_db_begin(db, error))
		return false;
	if (!drop_raw(db, before, &did, error)) {
		lk_db_rollback(db);
		return false;
	}
	if (!lk_db_commit(db, error))
		return false;
	*ret_did = did;
	*ret_more = did == RAW_BATCH;
	return true;
}

static bool clean_window(lk_db *db, int64_t position, int64_t *ret_did, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) orphans = NULL;

	*ret_did = 0;
	lk_param_int(params, position);
	lk_param_int(params, BLOB_WINDOW);
	return lk_db_run(db, LK_Q_SCHED_BLOB_WINDOW, params, &orphans, error) &&
	       (lk_rows_count(orphans) == 0 || delete_blobs(db, orphans, ret_did, error));
}

bool lk_sched_blob_step(lk_db *db, int64_t *position, int64_t *ret_did, bool *ret_more,
			GError **error)
{
	g_autoptr(lk_rows) newest = NULL;

	if (!lk_db_begin(db, error))
		return false;
	if (!lk_db_run(db, LK_Q_SCHED_BLOB_NEWEST, NULL, &newest, error) ||
	    !clean_window(db, *position, ret_did, error)) {
		lk_db_rollback(db);
		return false;
	}
	if (!lk_db_commit(db, error))
		return false;
	*position += BLOB_WINDOW;
	*ret_more = *position < lk_row_int(newest, 0, "id");
	if (!*ret_more)
		*position = 0;
	return true;
}
