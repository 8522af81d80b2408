#include "daemon/supervise-desk.h"

#include "daemon/process.h"
#include "lib/base/backoff.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/path.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { STOP_MS = 10000 };

static const char *const programs[] = {
	[LK_CHILD_SCHED] = "luukku-sched", [LK_CHILD_SEND] = "luukku-send",
	[LK_CHILD_LMTP] = "luukku-lmtp",   [LK_CHILD_FETCH] = "luukku-fetch",
	[LK_CHILD_WEB] = "luukku-web",
};

static void child_free(void *data)
{
	lk_child *child = data;

	g_free(child->name);
	g_free(child->program);
	g_free(child->mailbox);
	g_free(child->needs);
	g_free(child->digest);
	g_free(child->status);
	g_free(child->error);
	g_free(child);
}

GPtrArray *lk_children_new(void)
{
	return g_ptr_array_new_with_free_func(child_free);
}

lk_child *lk_child_add(lk_supervisor *supervisor, lk_child_kind kind, const char *mailbox,
		       int64_t epoch, int number)
{
	lk_child *child = g_new0(lk_child, 1);

	child->kind = kind;
	child->program = g_strdup(programs[kind]);
	child->mailbox = g_strdup(mailbox);
	child->epoch = epoch;
	child->number = number;
	child->last_ok_at = LK_TIME_NONE;
	if (mailbox != NULL)
		child->name = g_strdup_printf("%s %s", child->program, mailbox);
	else if (number > 0)
		child->name = g_strdup_printf("%s %d", child->program, number);
	else
		child->name = g_strdup(child->program);
	child->start_at_ms = lk_monotonic_ms();
	lk_child_set_state(supervisor, child, LK_CHILD_WAITING);
	g_ptr_array_add(supervisor->children, child);
	return child;
}

lk_child *lk_child_find(const lk_supervisor *supervisor, lk_child_kind kind, const char *mailbox,
			int number)
{
	for (unsigned i = 0; i < supervisor->children->len; i++) {
		lk_child *child = g_ptr_array_index(supervisor->children, i);

		if (child->kind == kind && child->number == number &&
		    g_strcmp0(child->mailbox, mailbox) == 0)
			return child;
	}
	return NULL;
}

lk_child *lk_child_by_pid(const lk_supervisor *supervisor, int pid)
{
	for (unsigned i = 0; i < supervisor->children->len; i++) {
		lk_child *child = g_ptr_array_index(supervisor->children, i);

		if (child->pid == pid)
			return child;
	}
	return NULL;
}

void lk_child_set_state(lk_supervisor *supervisor, lk_child *child, lk_child_state state)
{
	child->state = state;
	child->since = lk_now();
	supervisor->is_changed = true;
}

void lk_child_add_fixed(lk_supervisor *supervisor)
{
	const lk_conf *conf = supervisor->conf;

	if (lk_child_find(supervisor, LK_CHILD_SCHED, NULL, 0) == NULL)
		(void)lk_child_add(supervisor, LK_CHILD_SCHED, NULL, 0, 0);
	for (int i = 1; conf->smtp.send && i <= conf->smtp.connections; i++) {
		if (lk_child_find(supervisor, LK_CHILD_SEND, NULL, i) == NULL)
			(void)lk_child_add(supervisor, LK_CHILD_SEND, NULL, 0, i);
	}
	if (conf->lmtp.listen != NULL && lk_child_find(supervisor, LK_CHILD_LMTP, NULL, 0) == NULL)
		(void)lk_child_add(supervisor, LK_CHILD_LMTP, NULL, 0, 0);
	if ((conf->web.listen != NULL || conf->web.internal != NULL) &&
	    lk_child_find(supervisor, LK_CHILD_WEB, NULL, 0) == NULL)
		(void)lk_child_add(supervisor, LK_CHILD_WEB, NULL, 0, 0);
}

/* The command line; nothing secret stands in it. */
static GPtrArray *child_argv(const lk_supervisor *supervisor, const lk_child *child)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(argv, lk_program_path(child->program));
	g_ptr_array_add(argv, g_strdup("-c"));
	g_ptr_array_add(argv, g_strdup(supervisor->config_file));
	if (supervisor->is_verbose)
		g_ptr_array_add(argv, g_strdup("-v"));
	if (supervisor->is_once)
		g_ptr_array_add(argv, g_strdup("--once"));
	if (child->kind == LK_CHILD_SCHED) {
		g_ptr_array_add(argv, g_strdup("-i"));
		g_ptr_array_add(argv, g_strdup(supervisor->instance));
		if (supervisor->is_leasing)
			g_ptr_array_add(argv, g_strdup("--leases"));
	}
	if (child->kind == LK_CHILD_FETCH) {
		g_ptr_array_add(argv, g_strdup("-e"));
		g_ptr_array_add(argv, g_strdup_printf("%" PRId64, child->epoch));
		g_ptr_array_add(argv, g_strdup(child->mailbox));
	}
	g_ptr_array_add(argv, NULL);
	return argv;
}

void lk_child_start(lk_supervisor *supervisor, lk_child *child)
{
	g_autoptr(GPtrArray) argv = child_argv(supervisor, child);
	g_autofree char *notify = g_strdup_printf("NOTIFY_SOCKET=%s", supervisor->notify_path);
	g_autofree char *kept = lk_supervisor_conf_file(supervisor);
	g_autofree char *snapshot = g_strdup_printf("LUUKKU_CONF_SNAPSHOT=%s", kept);
	const char *const env[] = {notify, snapshot, "LUUKKU_SUPERVISED=1", NULL};
	const lk_spawn spawn = {
		.argv = (const char *const *)argv->pdata,
		.env = env,
		.out_fd = -1,
		.extra_fd = -1,
	};
	g_autoptr(GError) error = NULL;

	if (!lk_process_spawn(&spawn, &child->pid, &error)) {
		lk_error("child.not_started", "child=\"%s\" error=\"%s\"", child->name,
			 error->message);
		child->start_at_ms = lk_monotonic_ms() + lk_jitter(5000, 10000);
		return;
	}
	g_free(child->needs);
	child->needs = lk_child_needs(supervisor, child);
	g_clear_pointer(&child->digest, g_free);
	child->asked = 0;
	child->history.started_ms = lk_monotonic_ms();
	child->history.did_cycle = false;
	child->did = 0;
	g_clear_pointer(&child->status, g_free);
	lk_child_set_state(supervisor, child, LK_CHILD_RUNNING);
	lk_info("child.started", "child=\"%s\" pid=%d restarts=%u", child->name, child->pid,
		child->history.restarts);
}

void lk_child_stop(lk_supervisor *supervisor, lk_child *child)
{
	if (child->pid == 0 || child->state == LK_CHILD_STOPPING)
		return;
	(void)kill(child->pid, SIGTERM);
	child->kill_at_ms = lk_monotonic_ms() + STOP_MS;
	lk_child_set_state(supervisor, child, LK_CHILD_STOPPING);
}

/* Its own words say more than its exit status, unless it had no time for any. */
static void blame(lk_child *child, int wait_status, const char *how)
{
	if (child->error != NULL && lk_supervise_class(wait_status) != LK_END_CRASH)
		return;
	g_free(child->error);
	child->error = g_strdup_printf("%s: %s", child->program, how);
	child->is_own_error = true;
}

/* A child that we stopped starts again at once; one that ended by itself as its history says. */
static void child_ended(lk_supervisor *supervisor, lk_child *child, int wait_status)
{
	bool was_stopped = child->state == LK_CHILD_STOPPING;
	g_autofree char *how = lk_supervise_describe(wait_status);
	lk_verdict verdict;

	child->pid = 0;
	child->exit_status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 70;
	if (supervisor->is_once) {
		if (child->exit_status != 0)
			blame(child, wait_status, how);
		lk_info("child.ended", "child=\"%s\" how=\"%s\"", child->name, how);
		lk_child_set_state(supervisor, child, LK_CHILD_ENDED);
		return;
	}
	if (was_stopped) {
		lk_info("child.ended", "child=\"%s\" how=\"%s\"", child->name, how);
		child->start_at_ms = lk_monotonic_ms();
		lk_child_set_state(supervisor, child, LK_CHILD_WAITING);
		return;
	}
	verdict = lk_supervise_decide(wait_status, &child->history, lk_monotonic_ms(),
				      (unsigned)lk_jitter(0, 999));
	blame(child, wait_status, how);
	child->start_at_ms = lk_monotonic_ms() + verdict.wait_ms;
	if (verdict.is_refused) {
		lk_error("child.refused",
			 "child=\"%s\" how=\"%s\" until=reload restart_ms=%" PRId64, child->name,
			 how, verdict.wait_ms);
		lk_child_set_state(supervisor, child, LK_CHILD_REFUSED);
		return;
	}
	lk_warning("child.died", "child=\"%s\" how=\"%s\" restart_ms=%" PRId64, child->name, how,
		   verdict.wait_ms);
	lk_child_set_state(supervisor, child, LK_CHILD_WAITING);
}

void lk_child_reap(lk_supervisor *supervisor)
{
	int status, pid;

	/* What a child said before it ended counts: read it while its pid is known. */
	lk_notify_read(supervisor);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		lk_child *child = lk_child_by_pid(supervisor, pid);

		if (pid == supervisor->check_pid) {
			lk_reload_end(supervisor, status);
			continue;
		}
		if (child == NULL)
			continue;
		/* Said between our reading and its end. */
		lk_notify_read(supervisor);
		child_ended(supervisor, child, status);
		if (child->is_unwanted)
			(void)g_ptr_array_remove(supervisor->children, child);
		supervisor->is_changed = true;
	}
}

int lk_child_tick(lk_supervisor *supervisor)
{
	int64_t now = lk_monotonic_ms(), next = INT64_MAX;

	for (unsigned i = 0; i < supervisor->children->len; i++) {
		lk_child *child = g_ptr_array_index(supervisor->children, i);

		if (child->state == LK_CHILD_WAITING || child->state == LK_CHILD_REFUSED) {
			if (supervisor->is_stopping || supervisor->is_once)
				continue;
			if (child->start_at_ms <= now)
				lk_child_start(supervisor, child);
			else
				next = MIN(next, child->start_at_ms);
		} else if (child->state == LK_CHILD_STOPPING) {
			if (child->kill_at_ms <= now) {
				lk_warning("child.killed", "child=\"%s\" pid=%d", child->name,
					   child->pid);
				(void)kill(child->pid, SIGKILL);
				child->kill_at_ms = now + STOP_MS;
			}
			next = MIN(next, child->kill_at_ms);
		}
	}
	return next == INT64_MAX ? -1 : (int)MIN(next - now, 60000);
}

bool lk_child_any_alive(const lk_supervisor *supervisor)
{
	for (unsigned i = 0; i < supervisor->children->len; i++) {
		const lk_child *child = g_ptr_array_index(supervisor->children, i);

		if (child->pid != 0)
			return true;
	}
	return false;
}
