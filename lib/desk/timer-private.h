/* Shared by the jobs of timer*.c only. */
#ifndef LK_DESK_TIMER_PRIVATE_H
#define LK_DESK_TIMER_PRIVATE_H

#include "lib/desk/ticket.h"
#include "lib/desk/timer.h"

/* One round of lk_timers_run. */
typedef struct {
	lk_db *db;
	const lk_policy *policy;
	lk_time now;
	GPtrArray *alarms;     /* of timer-sla.c */
	GHashTable *stand_ins; /* lk_agent * -> who is there for them; borrowed */
} lk_round;

/* A claimed row and its ticket (tickets NULL: it has none). Borrowed. */
typedef struct {
	int64_t id;
	const char *kind;
	int64_t ticket;
	const char *key;
	lk_time due_at;
	int64_t step;
	const char *detail; /* JSON */
	const lk_rows *tickets;
	size_t row;
	lk_status status;
	const lk_queue *queue; /* NULL: it left the configuration */
} lk_job;

/* What becomes of the row: gone, or again at a time. */
typedef struct {
	lk_time again_at; /* LK_TIME_NONE: it is done */
	int64_t step;
	char *detail; /* JSON, or NULL: as it was; freed by the caller */
} lk_job_end;

typedef bool (*lk_job_run)(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);

/* A time column of the job's ticket; LK_TIME_NONE for null. */
lk_time lk_job_time(const lk_job *job, const char *column);
const char *lk_job_text(const lk_job *job, const char *column);

/*
 * When the job's effect counts as having happened: when it was due, so that a night off costs no
 * business time, but not before the ticket's last change.
 */
lk_time lk_job_at(const lk_round *round, const lk_job *job);

/* timer-sla.c */
bool lk_job_sla(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
/* Writes the mails of the round. */
bool lk_alarms_send(lk_round *round, GError **error);
void lk_alarm_free(void *alarm);

#endif
