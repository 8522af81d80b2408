#include "lib/base/backoff.h"

#include <glib.h>
#include <sodium.h>

int64_t lk_jitter(int64_t low, int64_t high)
{
	if (high <= low)
		return low;
	uint64_t span = (uint64_t)high - (uint64_t)low + 1;
	uint64_t r;
	if (span == 0) { /* the whole range of int64_t */
		randombytes_buf(&r, sizeof r);
		return (int64_t)r;
	}
	/* The values below 2^64 mod span would make the low results likelier: drawn again. */
	uint64_t skip = (0 - span) % span;
	do
		randombytes_buf(&r, sizeof r);
	while (r < skip);
	return (int64_t)((uint64_t)low + r % span);
}

int64_t lk_backoff_next(lk_backoff *backoff)
{
	int64_t first = MAX(backoff->first_ms, 1);
	int64_t most = MAX(backoff->most_ms, first);
	int64_t high = first;
	if (backoff->last_ms > 0)
		high = backoff->last_ms > most / 3 ? most : backoff->last_ms * 3;
	backoff->last_ms = lk_jitter((first + 1) / 2, MAX(high, (first + 1) / 2));
	return backoff->last_ms;
}

void lk_backoff_reset(lk_backoff *backoff)
{
	backoff->last_ms = 0;
}
