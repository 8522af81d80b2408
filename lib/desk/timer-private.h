/* Shared by the jobs of timer*.c only. */
#ifndef LK_DESK_TIMER_PRIVATE_H
#define LK_DESK_TIMER_PRIVATE_H

#include "lib/desk/status.h"
#include "lib/desk/ticket.h"
#include "lib/desk/timer.h"

/* One round of lk_timers_run. */
typedef struct {
	lk_db *db;
	const lk_policy *policy;
	lk_time now;
	GPtrArray *alarms;     /* of timer-alarm.c */
	GHashTable *stand_ins; /* lk_agent * -> who is there for them; borrowed */
	GPtrArray *digests;    /* const lk_queue *: whose digests are due */
	bool has_incident_digest;
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

/* By the table of status x event, as of lk_job_at. *ret_moved (may be NULL) false: it stays. */
bool lk_job_move(lk_round *round, const lk_job *job, lk_status_event event, const char *reason,
		 bool *ret_moved, GError **error);

/*
 * Is the queue closed now? Then the job is to be done when it opens (*end): reminders keep to its
 * hours also when they are late.
 */
bool lk_job_waits_for_opening(const lk_round *round, const lk_job *job, lk_job_end *end);

/*
 * Has a mailbox that the ticket's mail came by not been read for long? Then the answer may lie in
 * it, and whoever wrote that is not told that they did not: the job is done a while later (*end).
 */
bool lk_job_waits_for_intake(const lk_round *round, const lk_job *job, lk_job_end *end,
			     bool *ret_waits, GError **error);

/*
 * The breaker lets no more through to that address now: the job is done a while later (*end), so
 * that a desk that was off catches up without a storm, and without a reminder that is lost.
 */
void lk_job_wait_for_budget(const lk_round *round, const lk_job *job, lk_job_end *end);

/* One line of history as of now, with this detail (consumed; or NULL). */
bool lk_job_tell(lk_round *round, const lk_job *job, const char *event, const char *reason,
		 lk_json *detail, GError **error);

/* --- timer-alarm.c: what the team is told ------------------------------------------------------
 */

typedef enum {
	LK_ALARM_WARNING,
	LK_ALARM_BREACH,
	LK_ALARM_REMINDER,
	LK_ALARM_FAILED,
	LK_N_ALARMS
} lk_alarm_kind;

/* A ticket in a mail to somebody of the team. Everything borrowed. */
typedef struct {
	lk_alarm_kind kind;
	int64_t ticket;
	const lk_queue *queue;
	const char *subject;
	const char *priority;
	const char *owner; /* or NULL */
	const char *why;   /* the section of the template that it opens: "is_respond" */
	lk_time at;
	const char *recipient; /* of a mail that failed, and why; else NULL */
	const char *failure;
} lk_alarm_line;

/*
 * Adds the line to the mail of each of the people (addresses), deputies in place. ret_told may be
 * NULL.
 */
bool lk_alarm_tell(lk_round *round, const lk_alarm_line *line, const GPtrArray *people,
		   int64_t *ret_told, GError **error);
/* The queue's managers, else the admins. const char *; caller unrefs. */
GPtrArray *lk_alarm_managers(const lk_round *round, const lk_queue *queue);
/* Writes the mails of the round. */
bool lk_alarms_send(lk_round *round, GError **error);
void lk_alarm_free(void *alarm);

/* --- the jobs ----------------------------------------------------------------------------------
 */

/* timer-sla.c */
bool lk_job_sla(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
/* timer-remind.c */
bool lk_job_customer_reminder(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
bool lk_job_still_working(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
/* timer-supplier.c */
bool lk_job_supplier_reminder(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
/* timer-team.c */
bool lk_job_wait_until(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
bool lk_job_team_reminder(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
/* timer-survey.c */
bool lk_job_survey(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
bool lk_job_survey_answer(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
/* timer-outbox.c */
bool lk_job_delivery_failed(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
bool lk_job_breaker_digest(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);

/* timer-digest.c */
bool lk_job_digest(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
bool lk_job_incident_digest(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);
/* Writes those of the round. */
bool lk_digests_send(lk_round *round, GError **error);
bool lk_timers_prepare_digests(lk_db *db, const lk_policy *policy, lk_time now, GError **error);

/* --- timer-absence.c -------------------------------------------------------------------------- */

/* The first day of an absence: its deputy gets the list of the tickets that are left to them. */
bool lk_job_hand_over(lk_round *round, const lk_job *job, lk_job_end *end, GError **error);

#endif
