/* The mail server is away: after a quarter of an hour somebody hears of it, once. */
#ifndef LK_DAEMON_AWAY_H
#define LK_DAEMON_AWAY_H

#include "daemon/program.h"

/*
 * One more try to reach it failed. All senders of this host share the beginning of the outage,
 * which stands in a file in run_dir, so that a restart begins nothing anew.
 */
void lk_away_note(const lk_program *program, const GError *failure);

/* It is back. */
void lk_away_end(const lk_program *program);

#endif
