/* How `luukkuctl report` shows figures; ctl-report-*.c alone. */
#ifndef LK_CTL_REPORT_H
#define LK_CTL_REPORT_H

#include "lib/desk/report.h"

/* What stands above the figures. Everything borrowed. */
typedef struct {
	const char *site;
	const char *title;  /* "queues" */
	const char *period; /* "2026-03-01 to 2026-03-31" */
	const char *limits; /* "queue ict", or NULL */
} lk_report_head;

/* Caller frees each. Text: width 0: nothing is folded to a terminal. */
char *lk_report_text(const lk_report *report, const lk_report_head *head, int width);
char *lk_report_html(const lk_report *report, const lk_report_head *head);
char *lk_report_json(const lk_report *report);
/* RFC 4180, UTF-8; a text that a spreadsheet would run as a formula has an apostrophe in front. */
char *lk_report_csv(const lk_report *report);

/*
 * For people: is the column empty in every row (then it is left out)? "first reply, median";
 * "2 h 05 min", "14.5 %", "-". Caller frees the texts.
 */
bool lk_report_is_empty(const lk_report *report, unsigned column);
char *lk_report_heading(const lk_report_column *column);
char *lk_report_shown(const lk_report_column *column, const char *cell);

#endif
