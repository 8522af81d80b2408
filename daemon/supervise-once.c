#include "daemon/supervise-desk.h"

#include "lib/base/log.h"

#include <inttypes.h>
#include <sysexits.h>

/* Fetchers at a time, and rounds of sched and send until a mail that begets mails is a bug. */
enum { MOST_FETCHERS = 4, MOST_ROUNDS = 1000 };

static unsigned running(const lk_supervisor *supervisor)
{
	unsigned n = 0;

	for (unsigned i = 0; i < supervisor->children->len; i++) {
		const lk_child *child = g_ptr_array_index(supervisor->children, i);

		n += child->pid != 0;
	}
	return n;
}

/* Runs all children of a kind once, at most so many at a time; adds up what they did. */
static int64_t run_kind(lk_supervisor *supervisor, lk_child_kind kind, unsigned most,
			int *ret_worst)
{
	g_autoptr(GPtrArray) mine = g_ptr_array_new();
	int64_t did = 0;

	/* Children that luukku-sched makes known meanwhile are of another kind. */
	for (unsigned i = 0; i < supervisor->children->len; i++) {
		lk_child *child = g_ptr_array_index(supervisor->children, i);

		if (child->kind == kind)
			g_ptr_array_add(mine, child);
	}
	for (unsigned i = 0; i < mine->len && !supervisor->is_stopping; i++) {
		while (running(supervisor) >= most)
			lk_supervisor_wait(supervisor, 1000);
		if (!supervisor->is_stopping)
			lk_child_start(supervisor, g_ptr_array_index(mine, i));
	}
	while (running(supervisor) > 0)
		lk_supervisor_wait(supervisor, 1000);
	for (unsigned i = 0; i < mine->len; i++) {
		const lk_child *child = g_ptr_array_index(mine, i);

		did += child->did;
		*ret_worst = lk_supervise_worse(*ret_worst, child->exit_status);
	}
	return did;
}

int lk_once_run(lk_supervisor *supervisor)
{
	int worst = 0, ignored = 0;
	int64_t fetched, sent;

	(void)lk_child_add(supervisor, LK_CHILD_SCHED, NULL, 0, 0);
	if (supervisor->conf->smtp.send) {
		for (int i = 1; i <= supervisor->conf->smtp.connections; i++)
			(void)lk_child_add(supervisor, LK_CHILD_SEND, NULL, 0, i);
	}
	/* Without leases there is nothing to fetch; its failure is told by the status. */
	supervisor->is_leasing = true;
	(void)run_kind(supervisor, LK_CHILD_SCHED, 1, &worst);
	supervisor->is_leasing = false;
	fetched = run_kind(supervisor, LK_CHILD_FETCH, MOST_FETCHERS, &worst);
	for (int round = 0; round < MOST_ROUNDS && !supervisor->is_stopping; round++) {
		int *status = round == 0 ? &worst : &ignored;

		(void)run_kind(supervisor, LK_CHILD_SCHED, 1, status);
		sent = run_kind(supervisor, LK_CHILD_SEND, G_MAXUINT, status);
		worst = lk_supervise_worse(worst, ignored);
		/* Each does all there is: only a mail that was sent leaves more to be done. */
		if (sent == 0 || ignored != 0)
			break;
	}
	lk_info("once.done", "fetched=%" PRId64 " status=%d", fetched, worst);
	return supervisor->is_stopping ? lk_supervise_worse(worst, EX_TEMPFAIL) : worst;
}
