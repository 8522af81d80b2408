/*
 * When does a child that ended run again? Pure functions over (wait status, history, now): no
 * process, no clock and no log in here.
 */
#ifndef LK_DAEMON_SUPERVISE_H
#define LK_DAEMON_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>

/* What `luukkuctl reload --force` sends along with SIGHUP; any other value is a plain reload. */
enum { LK_RELOAD_FORCE = 1 };

/* Times are monotonic milliseconds. */
typedef struct {
	int64_t started_ms;
	bool did_cycle;	   /* finished a first cycle in this life (READY or X_OK) */
	unsigned failures; /* in a row, of one class */
	int last_class;	   /* lk_end_class of the last end */
	unsigned restarts; /* over all lives */
} lk_history;

/* How a life ended, by wait status; one class, one ladder of waits. */
typedef enum {
	LK_END_NONE,
	LK_END_DONE,	/* exit 0 */
	LK_END_RETRY,	/* 75, 69: the world outside */
	LK_END_MAILBOX, /* 77: login, certificate, folder */
	LK_END_CONFIG,	/* 78, 64: a person must edit */
	LK_END_CRASH	/* a signal, 70, anything else */
} lk_end_class;

typedef struct {
	lk_end_class class;
	bool is_refused; /* the configuration is wrong: a reload ends the wait */
	int64_t wait_ms; /* again after so long */
} lk_verdict;

lk_end_class lk_supervise_class(int wait_status);

/*
 * Decides and writes the end into the history. random is uniform in [0, 1000): waits are spread
 * over [half, whole] of each step, so that children do not restart in step.
 */
lk_verdict lk_supervise_decide(int wait_status, lk_history *history, int64_t now_ms,
			       unsigned random);

/* "exit 77 (mailbox)", "signal 9 (Killed)"; caller frees. */
char *lk_supervise_describe(int wait_status);

/* The exit status of two that tells more: our bug, configuration, mailbox, try again, 0. */
int lk_supervise_worse(int a, int b);

/*
 * "ict:17,hr:4" as luukku-sched tells it: which mailboxes this host polls, with which epoch.
 * Calls back for each; false when the text is malformed (nothing was called then).
 */
typedef void (*lk_lease_callback)(const char *mailbox, int64_t epoch, void *data);
bool lk_supervise_leases(const char *text, lk_lease_callback callback, void *data);

#endif
