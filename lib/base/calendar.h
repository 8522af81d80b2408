/*
 * Open hours: when a desk works, and how much of its time lies between two moments. Pure but for
 * the time zone data of the system; it has no clock of its own.
 *
 * The strings are those of the configuration: hours "Mon-Thu 08:00-11:30 12:00-16:00, Fri
 * 08:00-14:00"; holidays "2026-12-31", "12-25", "easter-2", "Fri 06-19..06-25" (the first Friday
 * within) and the set "fi"; short days "easter-3 08:00-14:00". A short day has other hours than its
 * weekday; it opens no day that is closed anyway.
 */
#ifndef LK_BASE_CALENDAR_H
#define LK_BASE_CALENDAR_H

#include "lib/base/clock.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct lk_calendar lk_calendar;

/*
 * zone_name: an IANA name, NULL for UTC. holidays, short_days: char *, NULL for none. LK_ERR_CONFIG
 * names the string that is wrong and what it should look like.
 */
bool lk_calendar_new(const char *zone_name, const char *hours, const GPtrArray *holidays,
		     const GPtrArray *short_days, lk_calendar **ret_calendar, GError **error);
void lk_calendar_free(lk_calendar *calendar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_calendar, lk_calendar_free)

/*
 * The answers. Years outside 1970-2199 are never open. What is worked out is kept per year inside
 * the calendar, so one calendar is for one thread.
 */
bool lk_calendar_is_open(const lk_calendar *calendar, lk_time at);

/* `at` itself when it is open then, else the next opening; LK_TIME_NONE: none within ten years. */
lk_time lk_calendar_next_open(const lk_calendar *calendar, lk_time at);

/*
 * The open stretch that `at` lies in, else the next one; false: none within ten years. None goes
 * beyond the end of its day.
 */
bool lk_calendar_stretch(const lk_calendar *calendar, lk_time at, lk_time *ret_from,
			 lk_time *ret_to);

/* Open seconds between two times; 0 when to is not after from. */
int64_t lk_calendar_seconds_between(const lk_calendar *calendar, lk_time from, lk_time to);

/*
 * The first moment by which so many open seconds have passed since `at`: an hour from Friday 15:00
 * is Friday 16:00 at closing time. 0 or less gives `at`. LK_TIME_NONE when it never comes.
 */
lk_time lk_calendar_add_seconds(const lk_calendar *calendar, lk_time at, int64_t seconds);

/*
 * So many open days later at the same time of day, a day of any length counting as one: a day from
 * Friday 15:50 is Monday 15:50. What comes while closed starts at the next opening. On a day that
 * is closed at that hour it is the end (or the beginning) of its open time. 0 or less gives `at`.
 */
lk_time lk_calendar_add_days(const lk_calendar *calendar, lk_time at, int64_t days);

/* How many days of the year are closed that its weekday would have open: a check for people. */
int lk_calendar_free_weekdays(const lk_calendar *calendar, int year);

/* "Mon-Fri 07:45": days as bits, Monday the lowest, and minutes since midnight. */
bool lk_digest_parse(const char *text, unsigned *ret_days, int *ret_minutes, GError **error);

/*
 * The next such moment after `after` in the calendar's time zone, on days that are not closed;
 * LK_TIME_NONE: none within ten years.
 */
lk_time lk_calendar_next_digest(const lk_calendar *calendar, unsigned days, int minutes,
				lk_time after);

/* Is the string right? NULL when it is, else why not, for people; caller frees. */
char *lk_hours_check(const char *text);
char *lk_holiday_check(const char *text);
char *lk_short_day_check(const char *text);
char *lk_digest_check(const char *text);

/* Year, month and day of a dated holiday ("2026-12-31"); false for all others. */
bool lk_holiday_date(const char *text, int *ret_year, int *ret_month, int *ret_day);

#endif
