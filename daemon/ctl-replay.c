#include "daemon/ctl.h"

#include "lib/base/err.h"
#include "lib/desk/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* The table for people ends here unless --limit says otherwise; JSON has no end. */
enum { DEFAULT_ROWS = 100, PROGRESS_MS = 500 };

/* Where the differences of one run go. */
typedef struct {
	bool json;
	int64_t most; /* rows for people; 0: all */
	int64_t shown;
	lk_ctl_table *table;
	int64_t progress_ms; /* when progress was last shown */
	bool has_progress;
} listing;

/* --- the two sides --------------------------------------------------------------------------- */

/* --rules FILE, else the file of -c. */
static bool open_after(lk_ctl *ctl, lk_ctl_desk *after, GError **error)
{
	const char *changed = lk_ctl_value(ctl, "rules");
	g_autoptr(GPtrArray) problems = NULL;

	if (changed == NULL)
		return lk_ctl_desk_open(ctl->conf, false, after, error);
	if (!lk_conf_load_changed(ctl->config, changed, &after->own, &problems)) {
		lk_ctl_print_errors(problems);
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "--rules: %s cannot be used: mend what is said above", changed);
		return false;
	}
	return lk_ctl_desk_open(after->own, false, after, error);
}

/*
 * What is in force: luukkud's configuration while it runs, else the file of -c when --rules names
 * another. No policy: what was decided then.
 */
static bool open_before(lk_ctl *ctl, lk_ctl_desk *before, const char **ret_words, GError **error)
{
	g_autoptr(GError) unreadable = NULL;

	*ret_words = "what was decided then";
	if (lk_ctl_has(ctl, "then"))
		return true;
	if (!lk_ctl_running(ctl, &before->own, &unreadable))
		fprintf(stderr,
			"luukkuctl: the configuration that luukkud runs on cannot be read: %s\n",
			unreadable->message);
	if (before->own != NULL) {
		*ret_words = "the configuration that luukkud runs on";
		return lk_ctl_desk_open(before->own, false, before, error);
	}
	if (!lk_ctl_has(ctl, "rules"))
		return true;
	*ret_words = ctl->conf->path;
	return lk_ctl_desk_open(ctl->conf, false, before, error);
}

/* --- the table ------------------------------------------------------------------------------- */

/* "queue ict -> hr; priority normal -> high". Caller frees. */
static char *differences(const lk_json *before, const lk_json *after)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GPtrArray) keys = lk_json_keys(after);

	for (unsigned i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);
		const lk_json *was = lk_json_get(before, key);
		const lk_json *is = lk_json_get(after, key);
		g_autofree char *old = NULL;
		g_autofree char *new = NULL;

		if (was == NULL || lk_json_equal(was, is))
			continue;
		old = lk_ctl_value_text(was);
		new = lk_ctl_value_text(is);
		g_string_append_printf(out, "%s%s %s -> %s", out->len > 0 ? "; " : "", key, old,
				       new);
	}
	return g_string_free(g_steal_pointer(&out), false);
}

static bool add_change(const lk_json *change, void *data, GError **error)
{
	listing *list = data;

	if (list->json) {
		g_autofree char *text = lk_json_dump(change, false);

		printf("%s\n    %s", list->shown++ > 0 ? "," : "", text);
		return true;
	}
	if (list->most == 0 || list->shown < list->most) {
		g_autofree char *words =
			differences(lk_json_get(change, "before"), lk_json_get(change, "after"));

		list->shown++;
		lk_ctl_table_add(list->table, lk_json_get_text(change, "subject"));
		lk_ctl_table_add(list->table, words);
		lk_ctl_table_add(list->table, lk_json_get_text(change, "rule"));
		lk_ctl_table_add(list->table, lk_json_get_text(change, "message_id"));
	}
	return true;
}

static void show_progress(int64_t mails, int64_t changed, void *data)
{
	listing *list = data;
	int64_t now = lk_monotonic_ms();

	if (now - list->progress_ms < PROGRESS_MS)
		return;
	list->progress_ms = now;
	list->has_progress = true;
	fprintf(stderr, "\r%" PRId64 " mails, %" PRId64 " would change", mails, changed);
	fflush(stderr);
}

/* --- the command ----------------------------------------------------------------------------- */

static bool replay(lk_ctl *ctl, const lk_replay_options *options, const listing *list,
		   lk_replay_result *ret_result, GError **error)
{
	lk_db *db = NULL;
	bool done = lk_ctl_db(ctl, &db, error);

	if (done && list->json)
		printf("{\n  \"changes\": [");
	done = done && lk_replay_run(db, options, ret_result, error);
	if (list->has_progress)
		fprintf(stderr, "\r\033[K");
	if (done && list->json)
		printf("%s],\n  \"mails\": %" PRId64 ",\n  \"changed\": %" PRId64 "\n}\n",
		       list->shown > 0 ? "\n  " : "", ret_result->mails, ret_result->changed);
	return done;
}

static void print_sum(const lk_replay_result *result, const listing *list, lk_time since,
		      const char *against, int64_t ms)
{
	g_autofree char *from = lk_ctl_local_time(since);

	if (list->shown > 0) {
		lk_ctl_table_print(list->table);
		fputc('\n', stdout);
	}
	if (result->changed > list->shown)
		printf("... and %" PRId64 " more (--limit 0 shows all, --json too)\n\n",
		       result->changed - list->shown);
	printf("%" PRId64 " mails since %s, compared with %s: %" PRId64 " would go another way",
	       result->mails, from, against, result->changed);
	if (result->mails > 0)
		printf(" (%.1f %%)", 100.0 * (double)result->changed / (double)result->mails);
	printf("; %" PRId64 ".%" PRId64 " s\n", ms / 1000, ms % 1000 / 100);
}

bool lk_ctl_replay(lk_ctl *ctl, GError **error)
{
	static const char *const headings[] = {"SUBJECT", "DIFFERENCE", "RULE", "MESSAGE-ID", NULL};
	g_auto(lk_ctl_desk) before = {0};
	g_auto(lk_ctl_desk) after = {0};
	g_autoptr(lk_ctl_table) table = lk_ctl_table_new(headings, 1);
	listing list = {.json = lk_ctl_has(ctl, "json"), .table = table};
	lk_replay_options options = {.changed = add_change, .data = &list};
	lk_replay_result result = {0};
	const char *since = lk_ctl_value(ctl, "since");
	const char *against = NULL;
	const lk_conf *conf = NULL;
	int64_t begin = lk_monotonic_ms();

	if (since == NULL) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "--since is missing: whose mail? For example --since 30d");
		return false;
	}
	if (!lk_ctl_since(since, lk_now(), &options.since, error) ||
	    !lk_ctl_limit(ctl, DEFAULT_ROWS, &list.most, error) ||
	    !lk_ctl_conf(ctl, &conf, error) || !open_after(ctl, &after, error) ||
	    !open_before(ctl, &before, &against, error))
		return false;
	options.before = before.policy;
	options.after = after.policy;
	if (isatty(STDERR_FILENO) && lk_ctl_width() != 0)
		options.progress = show_progress;
	if (!replay(ctl, &options, &list, &result, error))
		return false;
	if (!list.json)
		print_sum(&result, &list, options.since, against, lk_monotonic_ms() - begin);
	return true;
}

const lk_ctl_option lk_ctl_replay_options[] = {
	{"since", 0, "D", "mail taken in since: 12h, 30d, 2w, or a day (2026-03-27)"},
	{"rules", 0, "FILE", "a changed configuration, or a file with rules: ( ... ); alone"},
	{"then", 0, NULL, "compare with what was decided then"},
	{"limit", 0, "N", "at most N rows; 0: all"},
	{"json", 0, NULL, "one JSON object"},
	{NULL, 0, NULL, NULL},
};
