#include "daemon/supervise.h"

#include "lib/base/units.h"

#include <glib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

enum {
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	/* A life this long with a cycle done shows that what failed before has passed. */
	HEALTHY_MS = 2 * MINUTE
};

typedef struct {
	int64_t first_ms;
	int64_t most_ms;
} ladder;

static const ladder ladders[] = {
	[LK_END_DONE] = {1 * SECOND, 60 * SECOND},
	[LK_END_RETRY] = {1 * SECOND, 60 * SECOND},
	[LK_END_MAILBOX] = {1 * MINUTE, 15 * MINUTE},
	/* What a person must mend may be in the database, or in a file that is back as it was. */
	[LK_END_CONFIG] = {10 * SECOND, 5 * MINUTE},
	[LK_END_CRASH] = {1 * SECOND, 60 * SECOND},
};

lk_end_class lk_supervise_class(int wait_status)
{
	if (!WIFEXITED(wait_status))
		return LK_END_CRASH;
	switch (WEXITSTATUS(wait_status)) {
	case 0:
		return LK_END_DONE;
	case EX_TEMPFAIL:
	case EX_UNAVAILABLE:
		return LK_END_RETRY;
	case EX_NOPERM:
		return LK_END_MAILBOX;
	case EX_CONFIG:
	case EX_USAGE:
		return LK_END_CONFIG;
	default:
		return LK_END_CRASH;
	}
}

static int64_t step(const ladder *steps, unsigned failures, unsigned random)
{
	int64_t whole = steps->first_ms;

	for (unsigned i = 1; i < failures && whole < steps->most_ms; i++)
		whole *= 2;
	whole = MIN(whole, steps->most_ms);
	return whole / 2 + whole / 2 * (int64_t)MIN(random, 999U) / 999;
}

lk_verdict lk_supervise_decide(int wait_status, lk_history *history, int64_t now_ms,
			       unsigned random)
{
	lk_verdict verdict = {.class = lk_supervise_class(wait_status)};
	bool was_healthy = history->did_cycle && now_ms - history->started_ms >= HEALTHY_MS;

	if (was_healthy || history->last_class != (int)verdict.class)
		history->failures = 0;
	history->failures++;
	history->last_class = (int)verdict.class;
	history->restarts++;
	history->did_cycle = false;
	verdict.is_refused = verdict.class == LK_END_CONFIG;
	verdict.wait_ms = step(&ladders[verdict.class], history->failures, random);
	return verdict;
}

char *lk_supervise_describe(int wait_status)
{
	static const char *const words[] = {
		[LK_END_NONE] = "",
		[LK_END_DONE] = "ended by itself",
		[LK_END_RETRY] = "try again later",
		[LK_END_MAILBOX] = "login, certificate or folder",
		[LK_END_CONFIG] = "configuration",
		[LK_END_CRASH] = "bug",
	};

	if (WIFSIGNALED(wait_status))
		return g_strdup_printf("signal %d (%s)", WTERMSIG(wait_status),
				       g_strsignal(WTERMSIG(wait_status)));
	if (WEXITSTATUS(wait_status) == 127)
		return g_strdup("exit 127 (the program cannot be executed)");
	return g_strdup_printf("exit %d (%s)", WEXITSTATUS(wait_status),
			       words[lk_supervise_class(wait_status)]);
}

int lk_supervise_worse(int a, int b)
{
	/* From good to bad; what is not listed is our bug. */
	static const int order[] = {0, EX_TEMPFAIL, EX_UNAVAILABLE, EX_NOPERM, EX_CONFIG};
	int rank_a = G_N_ELEMENTS(order), rank_b = G_N_ELEMENTS(order);

	for (int i = 0; i < (int)G_N_ELEMENTS(order); i++) {
		if (order[i] == a)
			rank_a = i;
		if (order[i] == b)
			rank_b = i;
	}
	return rank_b > rank_a ? b : a;
}

bool lk_supervise_leases(const char *text, lk_lease_callback callback, void *data)
{
	g_auto(GStrv) items = g_strsplit(text, ",", -1);
	g_autoptr(GArray) epochs = g_array_new(FALSE, FALSE, sizeof(int64_t));

	if (*text == '\0')
		return true;
	for (char **item = items; *item != NULL; item++) {
		char *colon = strrchr(*item, ':');
		int64_t epoch;

		if (colon == NULL || colon == *item ||
		    !lk_parse_int(colon + 1, 0, INT64_MAX, &epoch, NULL))
			return false;
		*colon = '\0';
		g_array_append_val(epochs, epoch);
	}
	for (unsigned i = 0; i < epochs->len; i++)
		callback(items[i], g_array_index(epochs, int64_t, i), data);
	return true;
}
