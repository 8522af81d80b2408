/*
 * Figures for Prometheus. What `luukkuctl status` shows comes from the same statements; counters
 * begin at 0 when the program starts, as Prometheus expects of them.
 */
#include "daemon/web.h"

#include <inttypes.h>
#include <string.h>

enum {
	NOTE_DAYS = 7, /* as luukkuctl status */
	SETTLED_S = 300
};

/* One counter with its labels, by the text of these. */
typedef struct {
	lk_query query;
	const char *name;
	const char *help;
	const char *labels[4];
	int64_t position;
	GHashTable *settled; /* char * -> int64_t */
} counter;

struct lk_web_counters {
	counter all[3];
	bool is_begun;
};

static const counter blank[] = {
	{LK_Q_WEB_COUNT_ARRIVALS,
	 "luukku_mails_in_total",
	 "Mails taken from mail servers, by kind and what became of them.",
	 {"mailbox", "kind", "outcome", NULL},
	 0,
	 NULL},
	{LK_Q_WEB_COUNT_DELIVERIES,
	 "luukku_mails_out_total",
	 "What became of attempts to deliver mails.",
	 {"state", NULL},
	 0,
	 NULL},
	{LK_Q_WEB_COUNT_EVENTS,
	 "luukku_events_total",
	 "Lines of history, by event; event=\"unparsed\" are mails that could not be read.",
	 {"event", NULL},
	 0,
	 NULL},
};

void lk_web_counters_free(lk_web_counters *counters)
{
	if (!counters)
		return;
	for (unsigned i = 0; i < G_N_ELEMENTS(blank); i++)
		g_hash_table_unref(counters->all[i].settled);
	g_free(counters);
}

lk_web_counters *lk_web_counters_new(void)
{
	lk_web_counters *counters = g_new0(lk_web_counters, 1);

	for (unsigned i = 0; i < G_N_ELEMENTS(blank); i++) {
		counters->all[i] = blank[i];
		counters->all[i].settled =
			g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	}
	return counters;
}

/* --- the format ------------------------------------------------------------------------------- */

static void head(GString *out, const char *name, const char *type, const char *help)
{
	g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* name="value" with its comma. */
static void label(GString *out, const char *name, const char *value)
{
	if (out->len > 0)
		g_string_append_c(out, ',');
	g_string_append_printf(out, "%s=\"", name);
	for (const char *p = value ? value : ""; *p; p++) {
		if (*p == '\\' || *p == '"')
			g_string_append_c(out, '\\');
		if (*p == '\n')
			g_string_append(out, "\\n");
		else
			g_string_append_c(out, *p);
	}
	g_string_append_c(out, '"');
}

static void sample(GString *out, const char *name, const char *labels, int64_t value)
{
	if (labels && *labels)
		g_string_append_printf(out, "%s{%s} %" PRId64 "\n", name, labels, value);
	else
		g_string_append_printf(out, "%s %" PRId64 "\n", name, value);
}

static void gauge(GString *out, const char *name, const char *help, int64_t value)
{
	head(out, name, "gauge", help);
	sample(out, name, NULL, value);
}

/* --- counters --------------------------------------------------------------------------------- */

static bool begin(lk_web *web, GError **error)
{
	lk_web_counters *counters = web->counters;
	g_autoptr(lk_rows) rows = NULL;

	if (counters->is_begun)
		return true;
	if (!lk_db_run(web->db, LK_Q_WEB_POSITIONS, NULL, &rows, error))
		return false;
	counters->all[0].position = lk_row_int(rows, 0, "arrivals");
	counters->all[1].position = lk_row_int(rows, 0, "deliveries");
	counters->all[2].position = lk_row_int(rows, 0, "events");
	counters->is_begun = true;
	return true;
}

static char *labels_of(const counter *c, const lk_rows *rows, size_t row)
{
	static const char *const columns[] = {"a", "b", "c"};
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < G_N_ELEMENTS(columns) && c->labels[i]; i++)
		label(text, c->labels[i], lk_row_text(rows, row, columns[i]));
	return g_strdup(text->str);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that two readings can be compared. */
static void print_counter(GString *out, const counter *c, GHashTable *fresh)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	GHashTableIter iter;
	void *key;

	g_hash_table_iter_init(&iter, c->settled);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_ptr_array_add(names, key);
	g_ptr_array_sort(names, compare_names);
	head(out, c->name, "counter", c->help);
	for (unsigned i = 0; i < names->len; i++) {
		const int64_t *settled =
			g_hash_table_lookup(c->settled, g_ptr_array_index(names, i));
		const int64_t *more = g_hash_table_lookup(fresh, g_ptr_array_index(names, i));

		sample(out, c->name, g_ptr_array_index(names, i), *settled + (more ? *more : 0));
	}
}

static void add(GHashTable *table, const char *labels, int64_t n)
{
	int64_t *was = g_hash_table_lookup(table, labels);

	if (was) {
		*was += n;
		return;
	}
	was = g_new(int64_t, 1);
	*was = n;
	g_hash_table_insert(table, g_strdup(labels), was);
}

static bool count(lk_web *web, counter *c, GString *out, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GHashTable) fresh =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	lk_param_int(params, c->position);
	lk_param_time(params, lk_now() - SETTLED_S * LK_SECOND);
	if (!lk_db_run(web->db, c->query, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		g_autofree char *labels = labels_of(c, rows, i);

		add(c->settled, labels, lk_row_int(rows, i, "settled"));
		add(fresh, labels, lk_row_int(rows, i, "fresh"));
		c->position = lk_row_int(rows, i, "edge");
	}
	print_counter(out, c, fresh);
	return true;
}

static bool print_counters(lk_web *web, GString *out, GError **error)
{
	if (!begin(web, error))
		return false;
	for (unsigned i = 0; i < G_N_ELEMENTS(blank); i++)
		if (!count(web, &web->counters->all[i], out, error))
			return false;
	return true;
}

/* --- what is now ------------------------------------------------------------------------------ */

static bool print_counts(lk_web *web, GString *out, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	static const struct {
		const char *column;
		const char *name;
		const char *help;
	} all[] = {
		{"open", "luukku_tickets_open", "Open tickets."},
		{"waiting", "luukku_outbox_waiting", "Mails out that wait."},
		{"failed", "luukku_outbox_failed", "Mails out that failed for good."},
		{"oldest_seconds", "luukku_outbox_oldest_seconds",
		 "How long the oldest mail out has waited."},
		{"quarantine", "luukku_quarantine_held", "Mails that wait for a person."},
		{"timers", "luukku_timers", "Work that is to become due."},
		{"timers_late", "luukku_timers_late",
		 "Work that is due for a minute and not done."},
		{"timers_failing", "luukku_timers_failing", "Work that failed and is tried again."},
	};

	lk_param_time(params, lk_now());
	if (!lk_db_run(web->db, LK_Q_CTL_STATUS_COUNTS, params, &rows, error))
		return false;
	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
		gauge(out, all[i].name, all[i].help, lk_row_int(rows, 0, all[i].column));
	return true;
}

static bool print_tickets(lk_web *web, GString *out, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	static const char *const names[] = {"luukku_queue_tickets", "luukku_queue_tickets_overdue"};

	lk_param_time(params, lk_now());
	if (!lk_db_run(web->db, LK_Q_WEB_OPEN_TICKETS, params, &rows, error))
		return false;
	for (int what = 0; what < 2; what++) {
		head(out, names[what], "gauge",
		     what ? "Of those, past their next target." : "Open tickets of each queue.");
		for (size_t i = 0; i < lk_rows_count(rows); i++) {
			g_autoptr(GString) labels = g_string_new(NULL);

			label(labels, "queue", lk_row_text(rows, i, "queue"));
			label(labels, "status", lk_row_text(rows, i, "status"));
			sample(out, names[what], labels->str,
			       lk_row_int(rows, i, what ? "overdue" : "n"));
		}
	}
	return true;
}

static bool print_outbox(lk_web *web, GString *out, GError **error)
{
	static const char *const states[] = {"queued",	"retry",  "uncertain",
					     "sending", "failed", "held"};
	g_autoptr(lk_rows) rows = NULL;

	if (!lk_db_run(web->db, LK_Q_WEB_OUTBOX_STATES, NULL, &rows, error))
		return false;
	head(out, "luukku_outbox_mails", "gauge", "Mails out that are not through, by state.");
	for (unsigned i = 0; i < G_N_ELEMENTS(states); i++) {
		g_autoptr(GString) labels = g_string_new(NULL);
		int64_t n = 0;

		for (size_t row = 0; row < lk_rows_count(rows); row++)
			if (strcmp(lk_row_text(rows, row, "state"), states[i]) == 0)
				n = lk_row_int(rows, row, "n");
		label(labels, "state", states[i]);
		sample(out, "luukku_outbox_mails", labels->str, n);
	}
	return true;
}

static int64_t seconds_of(const lk_rows *rows, size_t row, const char *column)
{
	return lk_row_is_null(rows, row, column) ? 0 : lk_row_time(rows, row, column) / LK_SECOND;
}

static bool print_mailboxes(lk_web *web, GString *out, GError **error)
{
	static const struct {
		const char *name;
		const char *help;
	} all[] = {
		{"luukku_mailbox_last_ok_timestamp_seconds",
		 "When it was last read without error."},
		{"luukku_mailbox_lag_seconds", "Age of the oldest mail that waits in it."},
		{"luukku_mailbox_waiting", "Mails that wait in it."},
		{"luukku_mailbox_error", "1: it cannot be read."},
		{"luukku_mailbox_not_told",
		 "Mails of seven days that are stored, of which the server could not be told."},
	};
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_time(params, lk_now() - NOTE_DAYS * INT64_C(86400) * LK_SECOND);
	if (!lk_db_run(web->db, LK_Q_CTL_STATUS_MAILBOXES, params, &rows, error))
		return false;
	for (unsigned what = 0; what < G_N_ELEMENTS(all); what++) {
		head(out, all[what].name, "gauge", all[what].help);
		for (size_t i = 0; i < lk_rows_count(rows); i++) {
			const int64_t values[] = {
				seconds_of(rows, i, "last_ok_at"),
				lk_row_int(rows, i, "lag_seconds"),
				lk_row_int(rows, i, "waiting"),
				!lk_row_is_null(rows, i, "error"),
				lk_row_int(rows, i, "not_told"),
			};
			g_autoptr(GString) labels = g_string_new(NULL);

			label(labels, "mailbox", lk_row_text(rows, i, "name"));
			sample(out, all[what].name, labels->str, values[what]);
		}
	}
	return true;
}

static void print_program(const lk_web *web, GString *out)
{
	head(out, "luukku_build_info", "gauge", "Always 1; the version is its label.");
	sample(out, "luukku_build_info", "version=\"" LUUKKU_VERSION "\"", 1);
	gauge(out, "luukku_web_start_timestamp_seconds", "When luukku-web started.",
	      web->since / LK_SECOND);
	head(out, "luukku_web_answers_total", "counter", "Answers to requests, by status.");
	for (unsigned i = 2; i < G_N_ELEMENTS(web->answers); i++) {
		g_autofree char *labels = g_strdup_printf("status=\"%uxx\"", i);

		sample(out, "luukku_web_answers_total", labels, web->answers[i]);
	}
}

bool lk_web_metrics(lk_web *web, const lk_web_request *request, lk_web_reply *reply, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);

	print_program(web, out);
	if (!print_counts(web, out, error) || !print_tickets(web, out, error) ||
	    !print_outbox(web, out, error) || !print_mailboxes(web, out, error) ||
	    !print_counters(web, out, error))
		return false;
	lk_web_text(reply, 200, out->str);
	reply->type = "text/plain; version=0.0.4; charset=utf-8";
	return true;
}
