/* The only source of business time. Times are microseconds since 1970-01-01T00:00:00Z. */
#ifndef LK_BASE_CLOCK_H
#define LK_BASE_CLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef int64_t lk_time;
#define LK_TIME_NONE INT64_MIN
#define LK_SECOND INT64_C(1000000)

/*
 * Now. Tests move it: LUUKKU_NOW=2026-03-27T15:50:00Z starts the clock there, and it goes on
 * from there at normal speed. The first call writes into that variable when it began, for the
 * programs that this one starts: they go by the same clock.
 */
lk_time lk_now(void);

/*
 * Was the clock set back by a minute or more since the last question? now and now_ms as of lk_now
 * and lk_monotonic_ms. *watch is zero at first; *ret_back_s: by how many seconds.
 */
typedef struct {
	lk_time at;
	int64_t ms;
	bool is_set;
} lk_clock_watch;
bool lk_clock_is_back(lk_clock_watch *watch, lk_time now, int64_t now_ms, int64_t *ret_back_s);

/* Monotonic milliseconds, for deadlines only. */
int64_t lk_monotonic_ms(void);

/*
 * Milliseconds that this process has computed: bounds on work go by these, so that what comes of it
 * does not hang on what else the machine has to do.
 */
int64_t lk_processor_ms(void);

/* "YYYY-MM-DDTHH:MM:SSZ"; NULL for LK_TIME_NONE. Caller frees. */
char *lk_time_format(lk_time at);

/* Reads what lk_time_format writes, with optional fraction and "+HH:MM" offset. */
bool lk_time_parse(const char *text, lk_time *ret_at);

#endif
