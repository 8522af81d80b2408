#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/db/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_STATUS_BYTES = 4 * 1024 * 1024, NOTE_DAYS = 7 };

/* What the two sources say: the database and luukkud's own file. */
typedef struct {
	lk_schema_state schema;
	lk_rows *mailboxes; /* NULL: the database is away */
	lk_rows *counts;
	lk_json *luukkud; /* status.json, or NULL */
	bool is_running;  /* does the process that wrote it live? */
	lk_time now;
} facts;

static void facts_clear(facts *f)
{
	lk_schema_state_clear(&f->schema);
	lk_rows_free(f->mailboxes);
	lk_rows_free(f->counts);
	lk_json_unref(f->luukkud);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(facts, facts_clear)

static bool read_database(lk_ctl *ctl, facts *f, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_params) since = lk_params_new();
	lk_db *db = NULL;

	lk_param_time(params, f->now);
	lk_param_time(since, f->now - NOTE_DAYS * INT64_C(86400) * LK_SECOND);
	return lk_ctl_db(ctl, &db, error) &&
	       lk_db_run(db, LK_Q_CTL_STATUS_MAILBOXES, since, &f->mailboxes, error) &&
	       lk_db_run(db, LK_Q_CTL_STATUS_COUNTS, params, &f->counts, error) &&
	       lk_schema_inspect(db, &f->schema, error);
}

/* The schema's number when the rest cannot be read because of it. */
static void read_schema(const lk_conf *conf, facts *f)
{
	lk_db_options options = {.conninfo = conf->database.conninfo,
				 .program = "luukkuctl",
				 .role = "luukku_ctl",
				 .any_schema = true};
	g_autoptr(lk_db) db = NULL;

	if (lk_db_open(&options, &db, NULL))
		(void)lk_schema_inspect(db, &f->schema, NULL);
}

static void read_luukkud(const lk_conf *conf, facts *f)
{
	g_autofree char *path = g_build_filename(conf->site.run_dir, "status.json", NULL);
	g_autoptr(GString) text = NULL;

	if (!lk_read_file(path, MAX_STATUS_BYTES, &text, NULL) ||
	    !lk_json_parse(text->str, text->len, &f->luukkud, NULL))
		return;
	f->is_running = lk_ctl_process_lives(lk_json_get_int(f->luukkud, "pid", 0));
}

/* What luukkud says of a child; all are down when it is. */
static const char *daemon_state(const facts *f, const lk_json *daemon)
{
	return f->is_running ? lk_json_get_text(daemon, "state") : "stopped";
}

static lk_json *daemon_json(const facts *f, const char *name, const lk_json *from,
			    const char *state)
{
	lk_json *json = lk_json_object();
	int64_t pid = lk_json_get_int(from, "pid", 0);

	lk_json_set_text(json, "name", name);
	lk_json_set_text(json, "host", lk_json_get_text(f->luukkud, "host"));
	if (pid > 0 && f->is_running)
		lk_json_set_int(json, "pid", pid);
	else
		lk_json_set_null(json, "pid");
	lk_json_set_text(json, "state", state);
	lk_json_set_text(json, "since", lk_json_get_text(from, "since"));
	return json;
}

static lk_json *daemons_json(const facts *f)
{
	lk_json *array = lk_json_array();
	const lk_json *children = f->luukkud != NULL ? lk_json_get(f->luukkud, "daemons") : NULL;

	if (f->luukkud == NULL)
		return array;
	lk_json_push(array,
		     daemon_json(f, "luukkud", f->luukkud, f->is_running ? "running" : "stopped"));
	for (size_t i = 0; children != NULL && i < lk_json_size(children); i++) {
		const lk_json *child = lk_json_at(children, i);

		lk_json_push(array, daemon_json(f, lk_json_get_text(child, "name"), child,
						daemon_state(f, child)));
	}
	return array;
}

/* luukkud's child that polls a mailbox, or NULL. */
static const lk_json *find_fetcher(const facts *f, const char *mailbox)
{
	const lk_json *children = f->luukkud != NULL ? lk_json_get(f->luukkud, "daemons") : NULL;

	for (size_t i = 0; children != NULL && i < lk_json_size(children); i++) {
		const lk_json *child = lk_json_at(children, i);

		if (g_strcmp0(lk_json_get_text(child, "mailbox"), mailbox) == 0)
			return child;
	}
	return NULL;
}

static bool find_row(const facts *f, const char *mailbox, size_t *ret_row)
{
	for (size_t i = 0; f->mailboxes != NULL && i < lk_rows_count(f->mailboxes); i++) {
		if (strcmp(lk_row_text(f->mailboxes, i, "name"), mailbox) == 0) {
			*ret_row = i;
			return true;
		}
	}
	return false;
}

/* One mailbox as both sources know it; host is borrowed from the facts. */
typedef struct {
	const char *host; /* who polls it */
	char *last_ok_at;
	bool has_row;
	int64_t lag_seconds;
	int64_t waiting;
	char *error;
} mailbox_view;

static void mailbox_view_clear(mailbox_view *v)
{
	g_free(v->last_ok_at);
	g_free(v->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(mailbox_view, mailbox_view_clear)

/* What asks for a person though every mail was taken; NULL: nothing. Caller frees. */
static char *leftovers(const facts *f, size_t row)
{
	int64_t not_told = lk_row_int(f->mailboxes, row, "not_told");
	int64_t too_large = lk_row_int(f->mailboxes, row, "too_large");
	const char *why = lk_row_text(f->mailboxes, row, "not_told_why");
	g_autoptr(GString) text = g_string_new(NULL);

	if (not_told > 0)
		g_string_append_printf(text,
				       "%" PRId64
				       " mails of the last %d days are stored, but the mail "
				       "server could not be told; the last time: %s",
				       not_told, NOTE_DAYS, why ? why : "no reason is known");
	if (too_large > 0)
		g_string_append_printf(
			text,
			"%s%" PRId64 " tickets of the last %d days hold only the header "
			"of a mail larger than max_size; `luukkuctl list --tag "
			"too_large` names them, the mails are still on the mail server",
			text->len > 0 ? ". " : "", too_large, NOTE_DAYS);
	return text->len > 0 ? g_strdup(text->str) : NULL;
}

static void view_mailbox(const facts *f, const char *name, mailbox_view *v)
{
	const lk_json *child = find_fetcher(f, name);
	size_t row = 0;

	v->has_row = find_row(f, name, &row);
	if (v->has_row) {
		if (lk_row_bool(f->mailboxes, row, "is_leased"))
			v->host = lk_row_text(f->mailboxes, row, "host");
		v->last_ok_at = lk_time_format(lk_row_time(f->mailboxes, row, "last_ok_at"));
		v->lag_seconds = lk_row_int(f->mailboxes, row, "lag_seconds");
		v->waiting = lk_row_int(f->mailboxes, row, "waiting");
		v->error = g_strdup(lk_row_text(f->mailboxes, row, "error"));
	}
	if (v->error == NULL && child != NULL)
		v->error = g_strdup(lk_json_get_text(child, "error"));
	if (v->error == NULL && v->has_row)
		v->error = leftovers(f, row);
	if (child == NULL)
		return;
	if (v->last_ok_at == NULL)
		v->last_ok_at = g_strdup(lk_json_get_text(child, "last_ok_at"));
	if (v->host == NULL && f->is_running)
		v->host = lk_json_get_text(f->luukkud, "host");
}

static lk_json *mailboxes_json(const lk_conf *conf, const facts *f)
{
	lk_json *array = lk_json_array();

	for (unsigned i = 0; i < conf->mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(conf->mailboxes, i);
		lk_json *json = lk_json_object();
		g_auto(mailbox_view) v = {0};

		view_mailbox(f, mailbox->name, &v);
		lk_json_set_text(json, "name", mailbox->name);
		lk_json_set_text(json, "host", v.host);
		lk_json_set_text(json, "last_ok_at", v.last_ok_at);
		if (v.has_row) {
			lk_json_set_int(json, "lag_seconds", v.lag_seconds);
			lk_json_set_int(json, "waiting", v.waiting);
		} else {
			lk_json_set_null(json, "lag_seconds");
			lk_json_set_null(json, "waiting");
		}
		lk_json_set_text(json, "error", v.error);
		lk_json_push(array, json);
	}
	return array;
}

/* A count of the database, or null when it is away. */
static void set_count(lk_json *object, const char *key, const facts *f, const char *column)
{
	if (f->counts == NULL || lk_row_is_null(f->counts, 0, column))
		lk_json_set_null(object, key);
	else
		lk_json_set_int(object, key, lk_row_int(f->counts, 0, column));
}

static lk_json *status_json(const lk_conf *conf, const facts *f)
{
	lk_json *json = lk_json_object();
	lk_json *schema = lk_json_object();
	lk_json *outbox = lk_json_object();
	lk_json *tickets = lk_json_object();

	if (f->schema.pending != NULL)
		lk_json_set_int(schema, "have", f->schema.have);
	else
		lk_json_set_null(schema, "have");
	lk_json_set_int(schema, "need", lk_schema_needed());
	set_count(outbox, "waiting", f, "waiting");
	set_count(outbox, "failed", f, "failed");
	set_count(outbox, "oldest_seconds", f, "oldest_seconds");
	set_count(tickets, "open", f, "open");
	lk_json_take(json, "schema", schema);
	lk_json_take(json, "daemons", daemons_json(f));
	lk_json_take(json, "mailboxes", mailboxes_json(conf, f));
	lk_json_take(json, "outbox", outbox);
	set_count(json, "quarantine", f, "quarantine");
	lk_json_take(json, "tickets", tickets);
	return json;
}

static char *iso_to_local(const char *text)
{
	lk_time at = LK_TIME_NONE;

	if (text == NULL || !lk_time_parse(text, &at))
		return NULL;
	return lk_ctl_local_time(at);
}

static void print_daemons(const lk_conf *conf, const facts *f)
{
	static const char *const headings[] = {"DAEMON", "PROCESS", "STATE", "SINCE", "", NULL};
	g_autoptr(lk_ctl_table) table = NULL;
	g_autoptr(lk_json) all = daemons_json(f);

	if (!f->is_running) {
		printf("luukkud is not running here (%s/status.json)\n", conf->site.run_dir);
		if (f->luukkud == NULL)
			return;
	}
	table = lk_ctl_table_new(headings, 4);
	for (size_t i = 0; i < lk_json_size(all); i++) {
		const lk_json *daemon = lk_json_at(all, i);
		const lk_json *child =
			i > 0 ? lk_json_at(lk_json_get(f->luukkud, "daemons"), i - 1) : NULL;
		g_autofree char *since = iso_to_local(lk_json_get_text(daemon, "since"));
		int64_t pid = lk_json_get_int(daemon, "pid", 0);
		g_autofree char *process = pid > 0 ? g_strdup_printf("%" PRId64, pid) : NULL;
		const char *words = child != NULL ? lk_json_get_text(child, "error") : NULL;

		if (words == NULL && child != NULL)
			words = lk_json_get_text(child, "status");
		lk_ctl_table_add(table, lk_json_get_text(daemon, "name"));
		lk_ctl_table_add(table, process);
		lk_ctl_table_add(table, lk_json_get_text(daemon, "state"));
		lk_ctl_table_add(table, since);
		lk_ctl_table_add(table, words);
	}
	lk_ctl_table_print(table);
}

static void print_mailboxes(const lk_conf *conf, const facts *f)
{
	static const char *const headings[] = {"MAILBOX", "HOST",   "LAST OK",
					       "WAITING", "OLDEST", NULL};
	g_autoptr(lk_ctl_table) table = lk_ctl_table_new(headings, 1);

	for (unsigned i = 0; i < conf->mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(conf->mailboxes, i);
		g_autofree char *last_ok = NULL;
		g_autofree char *waiting = NULL;
		g_autofree char *lag = NULL;
		g_auto(mailbox_view) v = {0};

		view_mailbox(f, mailbox->name, &v);
		last_ok = iso_to_local(v.last_ok_at);
		if (v.has_row) {
			waiting = g_strdup_printf("%" PRId64, v.waiting);
			lag = v.waiting > 0 ? lk_ctl_span(v.lag_seconds) : NULL;
		}
		lk_ctl_table_add(table, mailbox->name);
		lk_ctl_table_add(table, v.host);
		lk_ctl_table_add(table, last_ok);
		lk_ctl_table_add(table, waiting);
		lk_ctl_table_add(table, lag);
	}
	putchar('\n');
	lk_ctl_table_print(table);
	/* errors are whole sentences: below the table, never cut */
	for (unsigned i = 0; i < conf->mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(conf->mailboxes, i);
		g_autofree char *words = NULL;
		g_auto(mailbox_view) v = {0};

		view_mailbox(f, mailbox->name, &v);
		words = lk_ctl_printable(v.error, false);
		if (*words != '\0')
			printf("\n%s: %s\n", mailbox->name, words);
	}
}

static void print_counts(const facts *f)
{
	g_autofree char *oldest = NULL;
	int64_t waiting = lk_row_int(f->counts, 0, "waiting");

	oldest = lk_ctl_span(lk_row_int(f->counts, 0, "oldest_seconds"));
	printf("\noutbox: %" PRId64 " waiting%s%s, %" PRId64 " failed\n", waiting,
	       waiting > 0 ? ", the oldest for " : "", waiting > 0 ? oldest : "",
	       lk_row_int(f->counts, 0, "failed"));
	printf("quarantine: %" PRId64 "\n", lk_row_int(f->counts, 0, "quarantine"));
	printf("open tickets: %" PRId64 "\n", lk_row_int(f->counts, 0, "open"));
	printf("timers: %" PRId64 " set, %" PRId64 " late, %" PRId64 " failing\n",
	       lk_row_int(f->counts, 0, "timers"), lk_row_int(f->counts, 0, "timers_late"),
	       lk_row_int(f->counts, 0, "timers_failing"));
}

static void print_people(const lk_conf *conf, const facts *f)
{
	print_daemons(conf, f);
	print_mailboxes(conf, f);
	if (f->counts != NULL)
		print_counts(f);
	if (f->schema.pending != NULL)
		printf("schema: %d%s\n", f->schema.have,
		       f->schema.have == lk_schema_needed() ? ""
							    : " (not the one this version needs)");
}

static bool run_status(lk_ctl *ctl, GError **error)
{
	g_auto(facts) f = {.now = lk_now()};
	const lk_conf *conf = NULL;
	g_autoptr(GError) local = NULL;

	if (!lk_ctl_conf(ctl, &conf, error))
		return false;
	read_luukkud(conf, &f);
	if (!read_database(ctl, &f, &local))
		read_schema(conf, &f);
	if (lk_ctl_has(ctl, "json"))
		lk_ctl_print_json(status_json(conf, &f));
	else
		print_people(conf, &f);
	if (local != NULL) {
		fflush(stdout);
		g_propagate_error(error, g_steal_pointer(&local));
		return false;
	}
	return true;
}

static const lk_ctl_option status_options[] = {
	{"json", 0, NULL, "one JSON object"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_status_commands[] = {
	{.name = "status",
	 .operands = "",
	 .options = status_options,
	 .run = run_status,
	 .summary = "daemons, mailboxes, outbox, quarantine, timers, schema",
	 .more = "The exit status is 69 when the database is away; what can be known without it is "
		 "shown\nall the same."},
	{.name = NULL},
};
