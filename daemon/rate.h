/* At most so many things within any stretch of time, such as mails by smtp.rate. */
#ifndef LK_DAEMON_RATE_H
#define LK_DAEMON_RATE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
	int64_t window_ms;
	size_t most;
	GArray *at_ms; /* int64_t, a ring of when the last `most` happened */
	size_t next;
} lk_rate;

/* The share of one of `sharers` processes; at least one thing per window. */
void lk_rate_init(lk_rate *rate, int64_t count, int64_t seconds, int64_t sharers);
void lk_rate_clear(lk_rate *rate);

/* Milliseconds until one more may happen; 0: now. */
int64_t lk_rate_wait_ms(const lk_rate *rate, int64_t now_ms);
void lk_rate_count(lk_rate *rate, int64_t now_ms);

#endif
