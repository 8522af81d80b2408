#include "daemon/rate.h"

enum { MOST_REMEMBERED = 100000 };

void lk_rate_init(lk_rate *rate, int64_t count, int64_t seconds, int64_t sharers)
{
	int64_t share = MAX(count / MAX(sharers, 1), 1);
	rate->window_ms = seconds * 1000;
	/* A rate beyond what is remembered is kept in a shorter window: the same mean. */
	if (share > MOST_REMEMBERED) {
		rate->window_ms = rate->window_ms * MOST_REMEMBERED / share;
		share = MOST_REMEMBERED;
	}
	rate->most = (size_t)share;
	rate->at_ms = g_array_new(FALSE, FALSE, sizeof(int64_t));
	rate->next = 0;
}

void lk_rate_clear(lk_rate *rate)
{
	g_clear_pointer(&rate->at_ms, g_array_unref);
}

int64_t lk_rate_wait_ms(const lk_rate *rate, int64_t now_ms)
{
	if (rate->at_ms->len < rate->most)
		return 0;
	int64_t oldest = g_array_index(rate->at_ms, int64_t, rate->next);
	return MAX(oldest + rate->window_ms - now_ms, 0);
}

void lk_rate_count(lk_rate *rate, int64_t now_ms)
{
	if (rate->at_ms->len < rate->most) {
		g_array_append_val(rate->at_ms, now_ms);
		return;
	}
	g_array_index(rate->at_ms, int64_t, rate->next) = now_ms;
	rate->next = (rate->next + 1) % rate->most;
}
