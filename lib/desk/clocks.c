#include "lib/desk/clocks.h"

#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/units.h"
#include "lib/desk/hours.h"
#include "lib/desk/sla.h"
#include "lib/desk/status.h"
#include "lib/desk/timer.h"

#include <string.h>

/* What the ticket is now, and what follows from it. */
typedef struct {
	const lk_policy *policy;
	const lk_clock_cause *cause;
	const lk_rows *row;
	lk_status status;
	GArray *stages; /* lk_sla_stage */
	lk_sla_choice choice;
	lk_sla_times times;
	GPtrArray *kinds; /* const char *, of the timers; the next two go with it */
	GPtrArray *bound; /* const char * */
	GArray *due;	  /* int64_t */
} clocks;

static void clocks_clear(clocks *c)
{
	lk_sla_choice_clear(&c->choice);
	g_array_unref(c->stages);
	g_ptr_array_unref(c->kinds);
	g_ptr_array_unref(c->bound);
	g_array_unref(c->due);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(clocks, clocks_clear)

/* "open 1774626600000000 -" a line. */
static void read_stages(clocks *c)
{
	const char *text = lk_row_text(c->row, 0, "stages");
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", 0);

	for (unsigned i = 0; lines[i]; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 0);
		lk_sla_stage stage = {.to = LK_TIME_NONE};

		if (g_strv_length(words) != 3 || !lk_status_parse(words[0], &stage.status) ||
		    !lk_parse_int(words[1], INT64_MIN + 1, INT64_MAX, &stage.from, NULL))
			continue;
		(void)lk_parse_int(words[2], INT64_MIN + 1, INT64_MAX, &stage.to, NULL);
		g_array_append_val(c->stages, stage);
	}
}

static void compute(clocks *c)
{
	lk_sla_question question = {
		.rule_sla = lk_row_text(c->row, 0, "sla"),
		.organisation = lk_row_text(c->row, 0, "organisation"),
		.queue = lk_row_text(c->row, 0, "queue"),
		.priority = lk_row_text(c->row, 0, "priority"),
		.type = lk_row_text(c->row, 0, "type"),
	};
	lk_sla_history history = {
		.opened_at = lk_row_time(c->row, 0, "opened_at"),
		.first_response_at = lk_row_time(c->row, 0, "first_response_at"),
		.stages = (const lk_sla_stage *)(void *)c->stages->data,
		.n_stages = c->stages->len,
	};

	lk_sla_choose(c->policy, &question, &c->choice);
	lk_sla_compute(&c->choice, &history, c->cause->at, &c->times);
}

static void add_timer(clocks *c, const char *kind, const char *bound, lk_time due)
{
	if (due == LK_TIME_NONE)
		return;
	g_ptr_array_add(c->kinds, (gpointer)kind);
	g_ptr_array_add(c->bound, (gpointer)bound);
	g_array_append_val(c->due, due);
}

static void add_sla_timers(clocks *c, const lk_sla_clock *clock, const char *warning,
			   const char *breach)
{
	if (!clock->is_running || clock->due == LK_TIME_NONE)
		return;
	if (clock->warn < clock->due)
		add_timer(c, warning, "", clock->warn);
	add_timer(c, breach, "", clock->due);
}

/* Did the queue that it waited in until now remind no customer? */
static bool is_from_silent_queue(const clocks *c)
{
	const lk_queue *before =
		c->cause->stage ? lk_policy_queue(c->policy, c->cause->stage_queue) : NULL;

	return before && before->customer_reminders->len == 0;
}

/*
 * They are due at once: the job itself looks when something was last heard, and sets itself for
 * when it is time. What is set already stays; what has come to its end in this wait does not begin
 * anew because something else changes.
 */
static void add_reminders(clocks *c, const lk_queue *queue)
{
	lk_time at = c->cause->at;
	bool is_new = c->cause->is_moved || lk_row_is_null(c->row, 0, "clocked_at");

	if (c->status == LK_STATUS_WAITING_CUSTOMER && queue->customer_reminders->len > 0 &&
	    (is_new || is_from_silent_queue(c)))
		add_timer(c, LK_TIMER_CUSTOMER_REMINDER, "waiting_customer", at);
	if (c->status == LK_STATUS_WAITING_SUPPLIER && is_new)
		add_timer(c, LK_TIMER_SUPPLIER_REMINDER, "waiting_supplier", at);
	if ((queue->tell_every.seconds > 0 || queue->tell_every.open_days > 0) &&
	    lk_status_is_open(c->status) && c->status != LK_STATUS_WAITING_CUSTOMER)
		add_timer(
			c, LK_TIMER_STILL_WORKING, "",
			lk_hours_add(lk_hours_of_queue(c->policy, queue), at, &queue->tell_every));
}

/* Whether it is sent is found out when it is due: a ticket may be opened again before. */
static void add_survey(clocks *c, const lk_queue *queue)
{
	const lk_survey_policy *survey = &queue->survey;
	const char *column = survey->send == LK_SURVEY_CLOSED ? "closed_at" : "resolved_at";
	bool is_due = survey->send == LK_SURVEY_CLOSED
			      ? c->status == LK_STATUS_CLOSED
			      : c->status == LK_STATUS_RESOLVED || c->status == LK_STATUS_CLOSED;

	if (survey->send != LK_SURVEY_NONE && is_due && !lk_row_is_null(c->row, 0, column))
		add_timer(c, LK_TIMER_SURVEY, "",
			  lk_row_time(c->row, 0, column) + survey->delay_s * LK_SECOND);
}

static void add_timers(clocks *c)
{
	const lk_queue *queue = lk_policy_queue(c->policy, lk_row_text(c->row, 0, "queue"));
	bool is_silent = lk_row_bool(c->row, 0, "is_silent");

	/* A mailbox's backlog tells nobody; its customers only once a person has answered them. */
	if (!is_silent) {
		add_sla_timers(c, &c->times.respond, LK_TIMER_RESPOND_WARNING,
			       LK_TIMER_RESPOND_BREACH);
		add_sla_timers(c, &c->times.resolve, LK_TIMER_RESOLVE_WARNING,
			       LK_TIMER_RESOLVE_BREACH);
	}
	if (queue && (!is_silent || !lk_row_is_null(c->row, 0, "first_response_at"))) {
		add_reminders(c, queue);
		add_survey(c, queue);
	}
	if (c->status == LK_STATUS_ON_HOLD && !lk_row_is_null(c->row, 0, "waiting_until"))
		add_timer(c, LK_TIMER_WAIT_UNTIL, "on_hold",
			  lk_row_time(c->row, 0, "waiting_until"));
	if (c->status == LK_STATUS_RESOLVED && queue && queue->close_after_s > 0 &&
	    queue->close_after_s != LK_FOREVER && !lk_row_is_null(c->row, 0, "resolved_at"))
		add_timer(c, LK_TIMER_CLOSE_AFTER, "resolved",
			  lk_row_time(c->row, 0, "resolved_at") + queue->close_after_s * LK_SECOND);
}

static lk_time due_before(const clocks *c, const char *column)
{
	return lk_row_time(c->row, 0, column);
}

static void set_time(lk_json *json, const char *key, lk_time at)
{
	g_autofree char *text = lk_time_format(at);

	if (text)
		lk_json_set_text(json, key, text);
	else
		lk_json_set_null(json, key);
}

/* { "respond": {"from", "to"}, "resolve": ... } of those that moved; NULL when none did. */
static lk_json *changes(const clocks *c)
{
	const struct {
		const char *key;
		lk_time from;
		lk_time to;
	} both[] = {
		{"respond", due_before(c, "due_respond"), c->times.respond.due},
		{"resolve", due_before(c, "due_resolve"), c->times.resolve.due},
	};
	g_autoptr(lk_json) json = lk_json_object();
	bool is_any = false;

	for (unsigned i = 0; i < G_N_ELEMENTS(both); i++) {
		lk_json *one = NULL;

		if (both[i].from == both[i].to)
			continue;
		one = lk_json_object();
		set_time(one, "from", both[i].from);
		set_time(one, "to", both[i].to);
		lk_json_take(json, both[i].key, one);
		is_any = true;
	}
	return is_any ? g_steal_pointer(&json) : NULL;
}

/* Why the due times are what they are now; for the event. Caller frees. */
static char *reason_of(const clocks *c, bool is_first)
{
	g_autofree char *paused = c->times.resolve.paused_s > 0
					  ? lk_format_duration(c->times.resolve.paused_s)
					  : NULL;
	bool is_both = c->choice.sla && c->choice.sla->pauses_on_supplier;
	g_autofree char *waits =
		paused ? g_strdup_printf("; %s of waiting for the customer%s did not count", paused,
					 is_both ? " or a supplier" : "")
		       : g_strdup("");

	if (is_first)
		return g_strconcat(c->choice.reason, waits, NULL);
	return g_strconcat(c->cause->why ? c->cause->why : "the configuration changed", ": ",
			   c->choice.reason, waits, NULL);
}

static int64_t stage_seconds(const clocks *c)
{
	const lk_clock_cause *cause = c->cause;
	const lk_queue *queue = lk_policy_queue(c->policy, cause->stage_queue);

	return lk_calendar_seconds_between(lk_hours_of_queue(c->policy, queue), cause->stage_from,
					   cause->stage_to);
}

static void param_id(lk_params *params, int64_t id)
{
	if (id)
		lk_param_int(params, id);
	else
		lk_param_null(params);
}

static bool write_back(lk_db *db, const clocks *c, GError **error)
{
	const lk_clock_cause *cause = c->cause;
	bool is_first = lk_row_is_null(c->row, 0, "clocked_at");
	bool is_paused = c->choice.sla && lk_status_is_open(c->status) &&
			 lk_sla_is_paused(c->choice.sla, c->status);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_json) detail = changes(c);
	g_autofree char *detail_text = detail ? lk_json_dump(detail, false) : g_strdup("{}");
	g_autofree char *reason = reason_of(c, is_first);

	lk_param_int(params, cause->ticket);
	lk_param_time(params, c->times.respond.due);
	lk_param_time(params, c->times.resolve.due);
	lk_param_time(params, is_paused ? cause->at : LK_TIME_NONE);
	lk_param_time(params, cause->at);
	lk_param_texts(params, c->kinds);
	lk_param_texts(params, c->bound);
	lk_param_ints(params, (const int64_t *)(void *)c->due->data, c->due->len);
	lk_param_text(params, cause->actor);
	lk_param_text(params, !detail ? NULL : is_first ? "due_set" : "due_changed");
	lk_param_text(params, reason);
	lk_param_text(params, detail_text);
	param_id(params, cause->message);
	param_id(params, cause->stage);
	if (cause->stage)
		lk_param_int(params, stage_seconds(c));
	else
		lk_param_null(params);
	return lk_db_run(db, LK_Q_TICKET_CLOCK_SET, params, NULL, error);
}

bool lk_clocks_update(lk_db *db, const lk_policy *policy, const lk_clock_cause *cause,
		      GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) row = NULL;

	lk_param_int(params, cause->ticket);
	if (!lk_db_run(db, LK_Q_TICKET_CLOCK_READ, params, &row, error))
		return false;
	if (lk_rows_count(row) == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_NOINPUT,
			    "ticket number %" G_GINT64_FORMAT " does not exist", cause->ticket);
		return false;
	}
	g_auto(clocks) c = {
		.policy = policy,
		.cause = cause,
		.row = row,
		.stages = g_array_new(FALSE, FALSE, sizeof(lk_sla_stage)),
		.kinds = g_ptr_array_new(),
		.bound = g_ptr_array_new(),
		.due = g_array_new(FALSE, FALSE, sizeof(int64_t)),
	};
	if (!lk_status_parse(lk_row_text(row, 0, "status"), &c.status))
		c.status = LK_STATUS_OPEN;
	read_stages(&c);
	compute(&c);
	add_timers(&c);
	return write_back(db, &c, error);
}
