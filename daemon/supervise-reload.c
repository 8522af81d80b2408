#include "daemon/supervise-desk.h"

#include "daemon/process.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/path.h"
#include "lib/base/sd.h"
#include "lib/base/text.h"
#include "lib/conf/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CHECK_MS = 120000,
	/* A child in the middle of a large mail, or at a server that does not answer, comes later.
	 */
	SETTLE_MS = 2000,
	MOST_OUTPUT = 64 * 1024,
	MOST_LINES = 200
};

/* Where the check leaves what it has checked. Caller frees. */
static char *checked_file(const lk_supervisor *supervisor)
{
	return g_build_filename(supervisor->conf->site.run_dir, "configuration.new", NULL);
}

/* --- a configuration that was found good ------------------------------------------------------ */

/* Has the configuration no place for this child any more? */
static bool is_gone(const lk_supervisor *supervisor, const lk_child *child)
{
	const lk_conf_mailbox *mailbox;

	switch (child->kind) {
	case LK_CHILD_SEND:
		return !supervisor->conf->smtp.send ||
		       child->number > supervisor->conf->smtp.connections;
	case LK_CHILD_FETCH:
		mailbox = lk_conf_find_mailbox(supervisor->conf, child->mailbox);
		return mailbox == NULL || mailbox->protocol == LK_CONF_NO_SERVER;
	case LK_CHILD_WEB:
		return supervisor->conf->web.listen == NULL &&
		       supervisor->conf->web.internal == NULL;
	case LK_CHILD_SCHED:
	case LK_CHILD_LMTP:
		break;
	}
	return false;
}

static void restart(lk_supervisor *supervisor, lk_child *child)
{
	child->history = (lk_history){.restarts = child->history.restarts};
	g_clear_pointer(&child->error, g_free);
	if (child->pid != 0) {
		lk_child_stop(supervisor, child);
		return;
	}
	child->start_at_ms = lk_monotonic_ms();
	lk_child_set_state(supervisor, child, LK_CHILD_WAITING);
}

static bool is_up_to_date(const lk_supervisor *supervisor, const lk_child *child)
{
	return !lk_child_takes_over(child) || g_strcmp0(child->digest, supervisor->digest) == 0;
}

/*
 * Once for each reload. Only one that has spoken is ready for the signal; any other reads the new
 * configuration by itself, or is asked when it says that it has read the old one.
 */
static void ask(const lk_supervisor *supervisor, lk_child *child)
{
	if (child->digest == NULL || child->asked == supervisor->reloads)
		return;
	child->asked = supervisor->reloads;
	(void)kill(child->pid, SIGHUP);
}

void lk_reload_hear(lk_supervisor *supervisor, lk_child *child, const char *digest)
{
	g_free(child->digest);
	child->digest = g_strdup(digest);
	if (child->state == LK_CHILD_RUNNING && !is_up_to_date(supervisor, child))
		ask(supervisor, child);
}

/* It has no place any more. */
static void drop(lk_supervisor *supervisor, unsigned i)
{
	lk_child *child = g_ptr_array_index(supervisor->children, i);

	child->is_unwanted = true;
	lk_info("reload.stops", "child=\"%s\"", child->name);
	if (child->pid != 0)
		lk_child_stop(supervisor, child);
	else
		(void)g_ptr_array_remove_index(supervisor->children, i);
}

/*
 * A child that routes nothing has no rules: while it sleeps there is nothing in a reload of rules
 * alone that it would have to wake up for.
 */
static void excuse(lk_supervisor *supervisor, const char *old_digest)
{
	for (unsigned i = 0; i < supervisor->children->len; i++) {
		lk_child *child = g_ptr_array_index(supervisor->children, i);

		if (child->kind == LK_CHILD_FETCH || child->digest == NULL ||
		    strcmp(child->digest, old_digest) != 0)
			continue;
		g_free(child->digest);
		child->digest = g_strdup(supervisor->digest);
	}
}

static void apply(lk_supervisor *supervisor)
{
	unsigned restarted = 0, kept = 0;

	for (unsigned i = supervisor->children->len; i-- > 0;) {
		lk_child *child = g_ptr_array_index(supervisor->children, i);
		g_autofree char *needs = NULL;

		if (is_gone(supervisor, child)) {
			drop(supervisor, i);
			continue;
		}
		needs = lk_child_needs(supervisor, child);
		if (child->state == LK_CHILD_RUNNING && g_strcmp0(needs, child->needs) == 0) {
			kept++;
			if (!is_up_to_date(supervisor, child))
				ask(supervisor, child);
			continue;
		}
		lk_info("reload.restarts", "child=\"%s\"", child->name);
		restart(supervisor, child);
		restarted++;
	}
	lk_child_add_fixed(supervisor);
	supervisor->is_changed = true;
	supervisor->is_settling = true;
	supervisor->settle_begun_ms = supervisor->reload_begun_ms;
	supervisor->settle_until_ms = lk_monotonic_ms() + SETTLE_MS;
	/* Each of them looks before it begins anything: nothing goes by the old one any more. */
	lk_info("reload.done", "restarted=%u kept=%u ms=%" PRId64, restarted, kept,
		lk_monotonic_ms() - supervisor->reload_begun_ms);
}

static bool needs_restart(const lk_conf *old, const lk_conf *new)
{
	return strcmp(old->site.run_dir, new->site.run_dir) != 0 ||
	       g_strcmp0(old->site.user, new->site.user) != 0;
}

/* The bytes that were checked, whatever the files hold by now. */
static bool open_checked(const lk_supervisor *supervisor, const char *path, char **ret_digest,
			 lk_conf **ret_conf, GError **error)
{
	g_autoptr(lk_snapshot) snapshot = NULL;

	if (!lk_snapshot_open(path, &snapshot, error) ||
	    !lk_conf_open_ruleless(supervisor->config_file, snapshot, ret_conf, error))
		return false;
	if (needs_restart(supervisor->conf, *ret_conf)) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "site.run_dir or site.user changed: stop luukkud and start it again");
		return false;
	}
	*ret_digest = lk_snapshot_digest(snapshot);
	return true;
}

static bool take(lk_supervisor *supervisor, GError **error)
{
	g_autofree char *checked = checked_file(supervisor);
	g_autofree char *kept = lk_supervisor_conf_file(supervisor);
	g_autofree char *digest = NULL;
	g_autofree char *old_digest = NULL;
	g_autoptr(lk_conf) conf = NULL;

	if (!open_checked(supervisor, checked, &digest, &conf, error))
		return false;
	/* From here on children read the new one, and each mail is routed by it. */
	if (rename(checked, kept) != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "%s cannot be replaced: %s", kept,
			    g_strerror(errno));
		return false;
	}
	old_digest = g_steal_pointer(&supervisor->digest);
	supervisor->digest = g_steal_pointer(&digest);
	if (strcmp(lk_conf_hash(supervisor->conf), lk_conf_hash(conf)) == 0)
		excuse(supervisor, old_digest);
	lk_conf_free(supervisor->conf);
	supervisor->conf = g_steal_pointer(&conf);
	supervisor->reloads++;
	apply(supervisor);
	return true;
}

/* --- the check -------------------------------------------------------------------------------- */

static void refuse(const char *why)
{
	lk_error("reload.refused", "error=\"%s\" running=old", why);
}

/* The end of a reload, good or bad. */
static void finish(lk_supervisor *supervisor)
{
	bool force = supervisor->check_force;

	(void)lk_sd_notify("READY=1\nSTATUS=running\n");
	if (!supervisor->check_again)
		return;
	supervisor->check_again = false;
	supervisor->check_force = false;
	lk_reload_begin(supervisor, force);
}

void lk_reload_begin(lk_supervisor *supervisor, bool force)
{
	g_autofree char *program = lk_program_path("luukkuctl");
	g_autofree char *checked = checked_file(supervisor);
	const char *const argv[] = {
		program,  "-c",	   supervisor->config_file,  "check", "--reload",
		"--keep", checked, force ? "--force" : NULL, NULL};
	lk_spawn spawn = {.argv = argv, .extra_fd = -1};
	g_autoptr(GError) error = NULL;
	int ends[2];

	if (supervisor->check_pid != 0) {
		supervisor->check_again = true;
		supervisor->check_force |= force;
		return;
	}
	(void)lk_sd_notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=checking the new "
			   "configuration\n",
			   lk_monotonic_ms() * 1000);
	supervisor->reload_begun_ms = lk_monotonic_ms();
	lk_info("reload.begins", "file=\"%s\" force=%d", supervisor->config_file, force);
	/* What is found there is of this check. */
	(void)unlink(checked);
	if (pipe2(ends, O_CLOEXEC) != 0) {
		refuse(g_strerror(errno));
		finish(supervisor);
		return;
	}
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	spawn.out_fd = ends[1];
	if (!lk_process_spawn(&spawn, &supervisor->check_pid, &error)) {
		refuse(error->message);
		(void)close(ends[0]);
		(void)close(ends[1]);
		finish(supervisor);
		return;
	}
	(void)close(ends[1]);
	supervisor->check_fd = ends[0];
	supervisor->check_until_ms = lk_monotonic_ms() + CHECK_MS;
	supervisor->check_output = g_string_new(NULL);
}

void lk_reload_read(lk_supervisor *supervisor)
{
	GString *output = supervisor->check_output;

	for (;;) {
		g_autofree char *block = g_malloc(4096);
		ssize_t n = read(supervisor->check_fd, block, 4096);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0) {
			(void)close(supervisor->check_fd);
			supervisor->check_fd = -1;
		}
		if (n <= 0)
			return;
		if (output->len < MOST_OUTPUT)
			g_string_append_len(output, block, n);
	}
}

/* What the check has said: of a good configuration its warnings. */
static void tell_lines(const char *text, bool is_good)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", MOST_LINES);

	for (char **line = lines; *line != NULL; line++) {
		bool is_warning = strstr(*line, ": warning: ") != NULL;

		g_strdelimit(*line, "\"\n", '\'');
		if (is_good && is_warning)
			lk_warning("reload.warning", "line=\"%s\"", *line);
		else if (!is_good && **line != '\0')
			lk_error("reload.problem", "line=\"%s\"", *line);
	}
}

void lk_reload_end(lk_supervisor *supervisor, int wait_status)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	bool is_good = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;

	if (supervisor->check_fd >= 0)
		lk_reload_read(supervisor);
	if (supervisor->check_fd >= 0)
		(void)close(supervisor->check_fd);
	supervisor->check_fd = -1;
	supervisor->check_pid = 0;
	text = lk_text_clean(supervisor->check_output->str, supervisor->check_output->len);
	(void)g_string_free(g_steal_pointer(&supervisor->check_output), TRUE);
	tell_lines(text, is_good);
	if (!is_good) {
		g_autofree char *how = lk_supervise_describe(wait_status);
		g_autofree char *why = g_strdup_printf("luukkuctl check: %s", how);

		refuse(why);
	} else if (!take(supervisor, &error)) {
		refuse(error->message);
	}
	finish(supervisor);
}

/* --- until all children run on it ------------------------------------------------------------- */

/* One that waits for something else reads it when it starts. */
static bool is_settled(const lk_supervisor *supervisor, const lk_child *child, int64_t now_ms)
{
	switch (child->state) {
	case LK_CHILD_RUNNING:
		return is_up_to_date(supervisor, child);
	case LK_CHILD_STOPPING:
		return child->is_unwanted;
	case LK_CHILD_WAITING:
		return child->start_at_ms > now_ms;
	case LK_CHILD_REFUSED:
	case LK_CHILD_ENDED:
		break;
	}
	return true;
}

void lk_reload_settle(lk_supervisor *supervisor)
{
	int64_t now_ms = lk_monotonic_ms();
	unsigned late = 0;

	if (!supervisor->is_settling || supervisor->is_stopping)
		return;
	for (unsigned i = 0; i < supervisor->children->len; i++)
		late += !is_settled(supervisor, g_ptr_array_index(supervisor->children, i), now_ms);
	if (late > 0 && now_ms < supervisor->settle_until_ms)
		return;
	supervisor->is_settling = false;
	for (unsigned i = 0; late > 0 && i < supervisor->children->len; i++) {
		const lk_child *child = g_ptr_array_index(supervisor->children, i);

		if (!is_settled(supervisor, child, now_ms))
			lk_info("reload.late", "child=\"%s\"", child->name);
	}
	lk_info("reload.settled", "late=%u ms=%" PRId64, late,
		now_ms - supervisor->settle_begun_ms);
}
