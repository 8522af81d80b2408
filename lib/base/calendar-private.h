/* Shared by the two files of the calendar only: what the strings say. */
#ifndef LK_BASE_CALENDAR_PRIVATE_H
#define LK_BASE_CALENDAR_PRIVATE_H

#include "lib/base/calendar.h"

/* A stretch of open time within a day, in minutes since midnight. */
typedef struct {
	int from;
	int to;
} lk_stretch;

typedef enum {
	LK_DAY_DATED,	/* 2026-12-31 */
	LK_DAY_YEARLY,	/* 12-25 */
	LK_DAY_EASTER,	/* easter-2 */
	LK_DAY_FLOATING /* the Friday between 06-19 and 06-25 */
} lk_day_kind;

typedef struct {
	lk_day_kind kind;
	int year;
	int month;
	int day;
	int last_month; /* of a floating one */
	int last_day;
	int weekday; /* 0: Monday */
	int offset;  /* from Easter Sunday */
} lk_day;

typedef struct {
	lk_day day;
	GArray *stretches; /* lk_stretch */
} lk_short_day;
void lk_short_day_free(lk_short_day *day);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_short_day, lk_short_day_free)

/* Each gives NULL, or why the text is wrong; caller frees. week: seven GArrays of lk_stretch. */
char *lk_hours_read(const char *text, GArray *const *week);
/* Adds what it means: one lk_day, or those of a set. */
char *lk_holiday_read(const char *text, GArray *days);
char *lk_short_day_read(const char *text, lk_short_day **ret_day);

#endif
