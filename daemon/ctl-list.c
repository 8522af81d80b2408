#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/search.h"
#include "lib/desk/ticket.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Tables for people end here unless --limit says otherwise; JSON has no end. */
enum { DEFAULT_ROWS = 100 };

static void set_text_or_null(lk_json *object, const char *key, const lk_rows *rows, size_t row,
			     const char *column)
{
	lk_json_set_text(object, key, lk_row_text(rows, row, column));
}

static void set_time(lk_json *object, const char *key, const lk_rows *rows, size_t row,
		     const char *column)
{
	lk_ctl_json_time(object, key, lk_row_time(rows, row, column));
}

lk_json *lk_ctl_person_json(const char *name, const char *address)
{
	lk_json *person = NULL;

	if (address == NULL)
		return NULL;
	person = lk_json_object();
	lk_json_set_text(person, "name", name);
	lk_json_set_text(person, "address", address);
	return person;
}

lk_json *lk_ctl_texts_json(const lk_rows *rows, size_t row, const char *column)
{
	g_autoptr(GPtrArray) texts = lk_row_texts(rows, row, column);
	lk_json *array = lk_json_array();

	for (unsigned i = 0; texts != NULL && i < texts->len; i++)
		lk_json_push_text(array, g_ptr_array_index(texts, i));
	return array;
}

/* A jsonb column that holds an array; empty when it is null. */
lk_json *lk_ctl_row_array(const lk_rows *rows, size_t row, const char *column)
{
	const char *text = lk_row_text(rows, row, column);
	lk_json *json = NULL;

	if (text == NULL || !lk_json_parse(text, strlen(text), &json, NULL))
		return lk_json_array();
	return json;
}

static void take_or_null(lk_json *object, const char *key, lk_json *value)
{
	if (value != NULL)
		lk_json_take(object, key, value);
	else
		lk_json_set_null(object, key);
}

lk_json *lk_ctl_ticket_json(lk_ctl *ctl, const lk_rows *rows, size_t row)
{
	g_autofree char *ref = lk_ctl_reference(ctl, lk_row_int(rows, row, "id"));
	lk_json *json = lk_json_object();
	lk_json *due = lk_json_object();

	lk_json_set_text(json, "ref", ref);
	set_text_or_null(json, "subject", rows, row, "subject");
	set_text_or_null(json, "status", rows, row, "status");
	set_text_or_null(json, "queue", rows, row, "queue");
	set_text_or_null(json, "type", rows, row, "type");
	set_text_or_null(json, "priority", rows, row, "priority");
	set_text_or_null(json, "owner", rows, row, "owner");
	take_or_null(json, "requester",
		     lk_ctl_person_json(lk_row_text(rows, row, "requester_name"),
					lk_row_text(rows, row, "requester_address")));
	set_text_or_null(json, "organisation", rows, row, "organisation");
	set_text_or_null(json, "language", rows, row, "language");
	lk_json_take(json, "tags", lk_ctl_texts_json(rows, row, "tags"));
	lk_json_take(json, "fields", lk_ctl_row_json(rows, row, "fields"));
	set_time(json, "opened_at", rows, row, "opened_at");
	set_time(json, "first_response_at", rows, row, "first_response_at");
	set_time(json, "resolved_at", rows, row, "resolved_at");
	set_time(json, "closed_at", rows, row, "closed_at");
	set_time(due, "respond", rows, row, "due_respond");
	set_time(due, "resolve", rows, row, "due_resolve");
	lk_json_take(json, "due", due);
	set_text_or_null(json, "waiting_on", rows, row, "waiting_on");
	lk_json_take(json, "links", lk_ctl_row_array(rows, row, "links"));
	lk_json_set_int(json, "reopened", lk_row_int(rows, row, "reopened"));
	return json;
}

static void set_unknown_status(const char *word, GError **error)
{
	const char *names[LK_N_STATUSES];
	const char *near = NULL;

	for (unsigned i = 0; i < LK_N_STATUSES; i++)
		names[i] = lk_status_name((lk_status)i);
	near = lk_nearest_word(word, names, LK_N_STATUSES);
	g_set_error(error, LK_ERROR, LK_ERR_USAGE,
		    "--status: there is no \"%s\"%s%s%s; luukkuctl(8) lists them, \"all\" is "
		    "every one",
		    word, near != NULL ? ", did you mean \"" : "", near != NULL ? near : "",
		    near != NULL ? "\"?" : "");
}

/* --status: names joined by commas, or "all". *ret_names NULL: any status. */
static bool read_statuses(const char *text, GPtrArray **ret_names, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) words = NULL;

	if (text == NULL) {
		for (lk_status status = LK_STATUS_NEW; status <= LK_STATUS_ON_HOLD; status++)
			g_ptr_array_add(names, g_strdup(lk_status_name(status)));
		*ret_names = g_steal_pointer(&names);
		return true;
	}
	if (strcmp(text, "all") == 0) {
		*ret_names = NULL;
		return true;
	}
	words = g_strsplit(text, ",", -1);
	for (char **word = words; *word != NULL; word++) {
		lk_status status = LK_STATUS_NEW;

		if (!lk_status_parse(*word, &status)) {
			set_unknown_status(*word, error);
			return false;
		}
		g_ptr_array_add(names, g_strdup(*word));
	}
	*ret_names = g_steal_pointer(&names);
	return true;
}

bool lk_ctl_since(const char *text, lk_time now, lk_time *ret_since, GError **error)
{
	g_autofree char *midnight = g_strdup_printf("%sT00:00:00Z", text);
	int64_t seconds = 0;

	if (lk_time_parse(text, ret_since) || lk_time_parse(midnight, ret_since))
		return true;
	if (lk_parse_duration(text, &seconds, NULL)) {
		*ret_since = now - seconds * LK_SECOND;
		return true;
	}
	g_set_error(error, LK_ERROR, LK_ERR_USAGE,
		    "--since: \"%s\" is neither a stretch of time (12h, 30d, 2w) nor a day "
		    "(2026-03-27)",
		    text);
	return false;
}

bool lk_ctl_limit(const lk_ctl *ctl, int64_t fallback, int64_t *ret_limit, GError **error)
{
	const char *text = lk_ctl_value(ctl, "limit");

	*ret_limit = fallback;
	if (text == NULL || lk_parse_int(text, 0, INT32_MAX, ret_limit, NULL))
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_USAGE, "--limit: \"%s\" is no number", text);
	return false;
}

typedef struct {
	GPtrArray *statuses;
	char *owner;
	char *domain;
	uint8_t from[LK_KEY_HASH_BYTES];
	bool has_from;
	lk_time since;
	int64_t limit;
} filters;

static void filters_clear(filters *f)
{
	g_clear_pointer(&f->statuses, g_ptr_array_unref);
	g_free(f->owner);
	g_free(f->domain);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(filters, filters_clear)

static bool read_filters(lk_ctl *ctl, filters *f, GError **error)
{
	const char *owner = lk_ctl_value(ctl, "owner");
	const char *from = lk_ctl_value(ctl, "from");
	const char *since = lk_ctl_value(ctl, "since");
	const char *queue = lk_ctl_value(ctl, "queue");
	g_autofree char *folded = from != NULL ? lk_address_fold(from) : NULL;

	f->since = LK_TIME_NONE;
	if (!read_statuses(lk_ctl_value(ctl, "status"), &f->statuses, error))
		return false;
	if (since != NULL && !lk_ctl_since(since, lk_now(), &f->since, error))
		return false;
	if (queue != NULL && lk_conf_find_queue(ctl->conf, queue) == NULL)
		fprintf(stderr, "luukkuctl: warning: the configuration has no queue \"%s\"\n",
			queue);
	if (owner != NULL)
		f->owner = strcmp(owner, "none") == 0 ? g_strdup("") : lk_address_fold(owner);
	if (folded != NULL && folded[0] == '@') {
		f->domain = g_steal_pointer(&folded);
	} else if (folded != NULL) {
		lk_key_hash(folded, f->from);
		f->has_from = true;
	}
	return lk_ctl_limit(ctl, lk_ctl_has(ctl, "json") ? 0 : DEFAULT_ROWS, &f->limit, error);
}

static bool query(lk_ctl *ctl, lk_db *db, const filters *f, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	uint8_t hash[LK_KEY_HASH_BYTES];

	lk_param_text(params, ctl->conf->site.prefix);
	lk_param_text(params, lk_ctl_value(ctl, "queue"));
	if (f->statuses != NULL)
		lk_param_texts(params, f->statuses);
	else
		lk_param_null(params);
	lk_param_text(params, f->owner);
	if (f->has_from)
		lk_param_bytes(params, f->from, sizeof f->from);
	else
		lk_param_null(params);
	lk_param_text(params, f->domain);
	lk_param_text(params, lk_ctl_value(ctl, "organisation"));
	lk_param_text(params, lk_ctl_value(ctl, "tag"));
	lk_param_time(params, f->since);
	/* one more than shown tells whether there are more */
	if (f->limit > 0)
		lk_param_int(params, f->limit + 1);
	else
		lk_param_null(params);
	lk_param_time(params, lk_now());
	lk_search_params(params, ctl->conf->site.prefix, lk_ctl_value(ctl, "search"), hash);
	return lk_db_run(db, LK_Q_CTL_LIST, params, ret_rows, error);
}

static void print_table(lk_ctl *ctl, const lk_rows *rows, size_t shown)
{
	static const char *const headings[] = {"REF",	 "PRIORITY", "STATUS",	"QUEUE", "OWNER",
					       "OPENED", "FROM",     "SUBJECT", NULL};
	g_autoptr(lk_ctl_table) table = lk_ctl_table_new(headings, 7);

	for (size_t i = 0; i < shown; i++) {
		g_autofree char *ref = lk_ctl_reference(ctl, lk_row_int(rows, i, "id"));
		g_autofree char *opened = lk_ctl_local_time(lk_row_time(rows, i, "opened_at"));

		lk_ctl_table_add(table, ref);
		lk_ctl_table_add(table, lk_row_text(rows, i, "priority"));
		lk_ctl_table_add(table, lk_row_text(rows, i, "status"));
		lk_ctl_table_add(table, lk_row_text(rows, i, "queue"));
		lk_ctl_table_add(table, lk_row_text(rows, i, "owner"));
		lk_ctl_table_add(table, opened);
		lk_ctl_table_add(table, lk_row_text(rows, i, "requester_address"));
		lk_ctl_table_add(table, lk_row_text(rows, i, "subject"));
	}
	lk_ctl_table_print(table);
}

static bool run_list(lk_ctl *ctl, GError **error)
{
	g_auto(filters) f = {0};
	g_autoptr(lk_rows) rows = NULL;
	const lk_conf *conf = NULL;
	lk_db *db = NULL;
	size_t n = 0;

	if (!lk_ctl_conf(ctl, &conf, error) || !read_filters(ctl, &f, error) ||
	    !lk_ctl_db(ctl, &db, error) || !query(ctl, db, &f, &rows, error))
		return false;
	n = lk_rows_count(rows);
	if (f.limit > 0)
		n = MIN(n, (size_t)f.limit);
	if (lk_ctl_has(ctl, "json")) {
		lk_json *array = lk_json_array();

		for (size_t i = 0; i < n; i++)
			lk_json_push(array, lk_ctl_ticket_json(ctl, rows, i));
		lk_ctl_print_json(array);
		return true;
	}
	if (n == 0) {
		printf("no tickets%s\n", lk_ctl_has(ctl, "status")
						 ? ""
						 : " are open (`--status all` shows every one)");
		return true;
	}
	print_table(ctl, rows, n);
	if (n < lk_rows_count(rows))
		printf("... and more: `--limit 0` shows all\n");
	return true;
}

static const lk_ctl_option list_options[] = {
	{"queue", 0, "Q", "of this queue"},
	{"status", 0, "S", "new, open, ... (several joined by commas), or all"},
	{"owner", 0, "A", "of this agent; none: of nobody"},
	{"from", 0, "A", "by this requester; @domain: by anybody there"},
	{"organisation", 0, "O", "of this customer organisation"},
	{"tag", 0, "T", "with this tag"},
	{"search", 0, "WORDS",
	 "what #search finds: words, a customer's address, a tag, a reference"},
	{"since", 0, "D", "opened since: 30d, 12h, or a day 2026-03-27"},
	{"limit", 0, "N", "at most N; 0: all"},
	{"json", 0, NULL, "one JSON array"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_list_commands[] = {
	{.name = "list",
	 .operands = "",
	 .options = list_options,
	 .run = run_list,
	 .summary = "tickets: the open ones, or those that the options name",
	 .more = "The most urgent first: a target missed, then priority, due time and age. Without "
		 "--status\nthe open ones: new, open, waiting_customer, waiting_supplier, "
		 "on_hold."},
	{.name = NULL},
};
