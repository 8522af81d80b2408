#include "lib/db/lease.h"

#include "lib/base/err.h"

#include <string.h>

void lk_lease_free(lk_lease *lease)
{
	if (lease == NULL)
		return;
	g_free(lease->mailbox);
	g_free(lease);
}

static void free_lease(void *lease)
{
	lk_lease_free(lease);
}

static void add_rows(GPtrArray *leases, const lk_rows *rows)
{
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		lk_lease *lease = g_new0(lk_lease, 1);

		lease->mailbox = g_strdup(lk_row_text(rows, i, "mailbox"));
		lease->epoch = lk_row_int(rows, i, "epoch");
		g_ptr_array_add(leases, lease);
	}
}

static bool is_held(const GPtrArray *leases, const char *mailbox)
{
	for (unsigned i = 0; i < leases->len; i++) {
		const lk_lease *lease = g_ptr_array_index(leases, i);

		if (strcmp(lease->mailbox, mailbox) == 0)
			return true;
	}
	return false;
}

static int by_mailbox(const void *a, const void *b)
{
	const lk_lease *const *left = a;
	const lk_lease *const *right = b;

	return strcmp((*left)->mailbox, (*right)->mailbox);
}

/* Waiting for the old holder's last ingest may take longer than a lock may: then the next time. */
static bool take(lk_db *db, const char *host, const char *instance, const char *mailbox,
		 int lease_s, GPtrArray *leases, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GError) failure = NULL;

	lk_param_text(params, mailbox);
	lk_param_text(params, host);
	lk_param_text(params, instance);
	lk_param_int(params, lease_s);
	if (lk_db_run(db, LK_Q_LEASE_TAKE, params, &rows, &failure)) {
		add_rows(leases, rows);
		return true;
	}
	if (lk_err_is(failure, LK_ERR_RETRY) && lk_db_is_alive(db))
		return true;
	g_propagate_error(error, g_steal_pointer(&failure));
	return false;
}

bool lk_lease_renew(lk_db *db, const char *host, const char *instance, const GPtrArray *mailboxes,
		    int lease_s, GPtrArray **ret_leases, GError **error)
{
	g_autoptr(GPtrArray) leases = g_ptr_array_new_with_free_func(free_lease);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_texts(params, mailboxes);
	lk_param_text(params, host);
	lk_param_text(params, instance);
	lk_param_int(params, lease_s);
	if (!lk_db_run(db, LK_Q_LEASE_RENEW, params, &rows, error))
		return false;
	add_rows(leases, rows);
	for (unsigned i = 0; i < mailboxes->len; i++) {
		const char *mailbox = g_ptr_array_index(mailboxes, i);

		if (!is_held(leases, mailbox) &&
		    !take(db, host, instance, mailbox, lease_s, leases, error))
			return false;
	}
	g_ptr_array_sort(leases, by_mailbox);
	*ret_leases = g_steal_pointer(&leases);
	return true;
}

bool lk_lease_check(lk_db *db, const char *mailbox, const char *host, int64_t epoch, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_text(params, mailbox);
	lk_param_text(params, host);
	lk_param_int(params, epoch);
	if (!lk_db_run(db, LK_Q_LEASE_CHECK, params, &rows, error))
		return false;
	if (lk_rows_count(rows) > 0)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_RETRY,
		    "lease lost: mailbox %s is polled by another host or instance now", mailbox);
	return false;
}
