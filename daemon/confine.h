/* Giving up, once at the start, what a program will not need. */
#ifndef LK_DAEMON_CONFINE_H
#define LK_DAEMON_CONFINE_H

#include <stdbool.h>

/*
 * No new privileges, no core files, not readable by other processes of the same user, no
 * descriptor above keep_fd (2: none but the standard ones), files made for ourselves only. Never
 * fails: logs confine.done at debug with what the kernel did not give.
 */
void lk_confine(int keep_fd);

#endif
