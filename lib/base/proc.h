/* Which process is it? A pid alone is not enough: pids come again, after a reboot the very same. */
#ifndef LK_BASE_PROC_H
#define LK_BASE_PROC_H

#include <stdbool.h>

/* "host/pid/start" of this process, the start in clock ticks since boot. Caller frees. */
char *lk_proc_name(const char *host);

/* A name that lk_proc_name gave on this host: does its process live no more? False for others. */
bool lk_proc_has_died(const char *host, const char *name);

#endif
