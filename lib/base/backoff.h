/* Waiting longer after each failure, with jitter, so that restarts do not come in step. */
#ifndef LK_BASE_BACKOFF_H
#define LK_BASE_BACKOFF_H

#include <stdint.h>

typedef struct {
	int64_t first_ms; /* the first wait is between half of this and this */
	int64_t most_ms;
	int64_t last_ms; /* 0 before the first failure */
} lk_backoff;

/* The next wait in ms: decorrelated jitter, uniform in [first/2, min(most, 3 * last)]. */
int64_t lk_backoff_next(lk_backoff *backoff);
void lk_backoff_reset(lk_backoff *backoff);

/* A uniform number in [low, high]. */
int64_t lk_jitter(int64_t low, int64_t high);

#endif
