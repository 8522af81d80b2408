/*
 * Figures for people: what is counted and how is defined by the views of the database
 * (luukku-schema(7)); here they are asked.
 */
#ifndef LK_DESK_REPORT_H
#define LK_DESK_REPORT_H

#include "lib/base/clock.h"
#include "lib/db/db.h"

typedef enum {
	LK_REPORT_QUEUES,
	LK_REPORT_SLA,
	LK_REPORT_STAGES,
	LK_REPORT_SURVEY,
	LK_REPORT_COMMENTS,
	LK_REPORT_SUPPLIERS,
	LK_REPORT_RULES,
	LK_REPORT_AGENTS,
	LK_REPORT_ORGANISATIONS,
	LK_N_REPORTS
} lk_report_kind;

/* "queues", ...; NULL for LK_N_REPORTS and above. */
const char *lk_report_name(lk_report_kind kind);
bool lk_report_parse(const char *name, lk_report_kind *ret_kind);

/* By what the rows are divided further; NULL-terminated: "queue", "type", "tag", ... */
extern const char *const lk_report_groups[];

/* Everything borrowed; NULL: no such wish. */
typedef struct {
	lk_report_kind kind;
	lk_time from;
	lk_time to; /* the first moment that does not count */
	const char *queue;
	const char *organisation;
	const char *by;	   /* of lk_report_groups */
	const char *field; /* whose, by "field" */
	bool is_total;	   /* all queues (organisations, suppliers, ...) as one */
} lk_report_question;

typedef struct {
	char *name;
	char *meaning;
	bool is_text; /* else a number */
} lk_report_column;

typedef struct {
	GPtrArray *columns; /* lk_report_column * */
	GPtrArray *rows;    /* GPtrArray * of char * (NULL: null), in the order of the columns */
} lk_report;
void lk_report_free(lk_report *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_report, lk_report_free)

/*
 * In a transaction of its own. before (may be NULL): told how many tickets the period has, as it
 * can take a while. Needs the statements of report.sql.
 */
bool lk_report_make(lk_db *db, const lk_report_question *question, void (*before)(int64_t tickets),
		    lk_report **ret_report, GError **error);

/* The cell of a row by the name of its column; NULL: null, or no such column. Borrowed. */
const char *lk_report_cell(const lk_report *report, unsigned row, const char *column);

#endif
