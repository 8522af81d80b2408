/* Signals as a descriptor, and where the other programs lie. Links lib/base only. */
#ifndef LK_DAEMON_PROCESS_H
#define LK_DAEMON_PROCESS_H

#include <glib.h>
#include <stdbool.h>

/*
 * Blocks SIGTERM and SIGINT and gives a descriptor that becomes readable at the first of them and
 * stays so (nobody reads it). SIGPIPE and SIGHUP are ignored: a child never reloads. Children that
 * are executed later get an empty signal mask from lk_process_exec_defaults.
 */
int lk_process_stop_fd(void);

/* In a forked child before execve: default signal dispositions and an empty mask. */
void lk_process_exec_defaults(void);

/*
 * The file of another program of luukku: beside this one (build tree), else where it was
 * installed. Caller frees. Never fails: the exec says what is missing.
 */
char *lk_process_find(const char *program);

/*
 * Dies with its parent. False when the parent has gone already: exit at once. parent is the
 * getpid() of who forked us.
 */
bool lk_process_follow_parent(int parent);

/* Does the descriptor have something to read within timeout_ms (-1: no limit)? */
bool lk_process_readable(int fd, int timeout_ms);

#endif
