#include "daemon/ctl-check.h"

#include "lib/base/err.h"
#include "lib/desk/replay.h"

#include <inttypes.h>
#include <string.h>

/* Last week's mail, as far as it can be routed in a time that a reload may take. */
/*
 * The few statements are prepared as they come: a reload waits for this, and preparing all that
 * luukkuctl knows would take longer than the rest.
 */

enum { WEEK_S = 7 * 86400, MOST_MAILS = 5000, REPLAY_MS = 20000 };

static lk_conf_origin whole_file(const lk_conf *conf)
{
	return (lk_conf_origin){g_ptr_array_index(conf->files, 0), 0};
}

/* --- what open tickets need ------------------------------------------------------------------- */

static void find_gone(lk_ctl *ctl, const lk_findings *findings, const lk_rows *rows, size_t row,
		      const char *what, const char *advice)
{
	g_autofree char *oldest = lk_ctl_reference(ctl, lk_row_int(rows, row, "oldest"));
	int64_t n = lk_row_int(rows, row, "tickets");

	lk_find_warning(findings, whole_file(ctl->conf),
			"%s \"%s\" is not in the configuration, but owns %" PRId64
			" open ticket%s (the oldest: %s): %s",
			what, lk_row_text(rows, row, "name"), n, n == 1 ? "" : "s", oldest, advice);
}

void lk_ctl_check_tickets(lk_ctl *ctl, const lk_findings *findings)
{
	g_autoptr(GError) unused = NULL;
	g_autoptr(lk_rows) queues = NULL;
	g_autoptr(lk_rows) owners = NULL;
	int status = ctl->status;
	lk_db *db = NULL;

	if (!lk_ctl_db_with(ctl, NULL, 0, &db, &unused) ||
	    !lk_db_run(db, LK_Q_CHECK_QUEUES, NULL, &queues, &unused) ||
	    !lk_db_run(db, LK_Q_CHECK_OWNERS, NULL, &owners, &unused)) {
		ctl->status = status;
		return;
	}
	for (size_t i = 0; i < lk_rows_count(queues); i++)
		if (lk_conf_find_queue(ctl->conf, lk_row_text(queues, i, "name")) == NULL)
			find_gone(ctl, findings, queues, i, "queue",
				  "keep the queue until they are moved (luukkuctl do REF "
				  "\"queue NAME\") or closed");
	for (size_t i = 0; i < lk_rows_count(owners); i++)
		if (lk_conf_find_agent(ctl->conf, lk_row_text(owners, i, "name")) == NULL)
			find_gone(ctl, findings, owners, i, "agent",
				  "luukkuctl agent retire hands them over");
}

/* --- what a reload would change ----------------------------------------------------------------
 */

static void find_excess(lk_ctl *ctl, const lk_findings *findings, const lk_replay_result *result)
{
	const lk_conf *conf = ctl->conf;
	double percent = 100.0 * (double)result->changed / (double)result->mails;

	if (result->changed * 100 <= conf->reload_limit * result->mails)
		return;
	lk_find_error(findings, whole_file(conf),
		      "%.0f percent of last week's mail would go another way (%" PRId64
		      " of %" PRId64 "%s; reload_limit is %" PRId64
		      "): see luukkuctl -c %s replay --since 7d --rules %s, then "
		      "luukkuctl reload --force",
		      percent, result->changed, result->mails, result->is_cut ? ", the newest" : "",
		      conf->reload_limit, conf->path, conf->path);
}

static bool replay(lk_ctl *ctl, const lk_conf *running, const lk_ctl_desk *desk,
		   lk_replay_result *ret_result, GError **error)
{
	g_auto(lk_ctl_desk) before = {0};
	lk_replay_options options = {
		.after = desk->policy,
		.since = lk_now() - WEEK_S * LK_SECOND,
		.most = MOST_MAILS,
		.until_ms = lk_monotonic_ms() + REPLAY_MS,
	};
	lk_db *db = NULL;

	if (!lk_ctl_desk_open(running, false, &before, error) ||
	    !lk_ctl_db_with(ctl, NULL, 0, &db, error))
		return false;
	options.before = before.policy;
	return lk_replay_run(db, &options, ret_result, error);
}

void lk_ctl_check_replay(lk_ctl *ctl, const lk_ctl_desk *desk, const lk_findings *findings)
{
	g_autoptr(lk_conf) running = NULL;
	g_autoptr(GError) error = NULL;
	lk_replay_result result = {0};
	int status = ctl->status;

	if (ctl->conf->reload_limit >= 100)
		return;
	if (!lk_ctl_running(ctl, &running, &error)) {
		lk_find_warning(findings, whole_file(ctl->conf),
				"reload_limit: the configuration in force cannot be read: %s",
				error->message);
		return;
	}
	if (running == NULL || strcmp(lk_conf_hash(running), lk_conf_hash(ctl->conf)) == 0)
		return;
	if (!replay(ctl, running, desk, &result, &error)) {
		ctl->status = status;
		lk_find_warning(findings, whole_file(ctl->conf),
				"reload_limit: last week's mail could not be routed again: %s",
				error->message);
		return;
	}
	if (result.mails > 0)
		find_excess(ctl, findings, &result);
}
