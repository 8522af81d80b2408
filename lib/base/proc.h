/* Other processes: which one is it, and starting one. */
#ifndef LK_BASE_PROC_H
#define LK_BASE_PROC_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A pid alone is not enough to know a process by: pids come again, after a reboot the very same.
 * "host/pid/start" of this process, the start in clock ticks since boot. Caller frees.
 */
char *lk_proc_name(const char *host);

/* A name that lk_proc_name gave on this host: does its process live no more? False for others. */
bool lk_proc_has_died(const char *host, const char *name);

/*
 * Starts a command (found by PATH, without a shell) in a process group of its own, its signals as
 * at the beginning. input, output: descriptors, or -1 for /dev/null. 0, else an errno.
 */
int lk_proc_start(char **argv, int input, int output, pid_t *ret_pid);

#endif
