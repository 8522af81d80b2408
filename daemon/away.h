/* The mail server is away: after a quarter of an hour somebody hears of it, once. */
#ifndef LK_DAEMON_AWAY_H
#define LK_DAEMON_AWAY_H

#include "daemon/program.h"

/*
 * One more try to reach it failed, or it is there and takes no mail. All senders of this host share
 * the beginning of the outage, which stands in a file in run_dir, so that a restart begins nothing
 * anew. Gives in how many milliseconds it is to be told of: the next try should not be later.
 * G_MAXINT64: there is nothing more to tell.
 */
int64_t lk_away_note(const lk_program *program, const GError *failure);

/* It has answered for a mail: it is back. */
void lk_away_end(const lk_program *program);

/* The clock was set back, and so many mails waited for times that are far away now: they go now. */
void lk_away_clock_back(const lk_program *program, int64_t mails);

#endif
