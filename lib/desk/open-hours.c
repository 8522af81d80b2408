#include "lib/desk/open-hours.h"

#include "lib/desk/hours.h"

#include <inttypes.h>
#include <string.h>

static const lk_time day = INT64_C(86400) * LK_SECOND;

enum { DAYS_AHEAD = 400, DAYS_AT_LEAST = 300, DAYS_BEFORE = 7 };

/* Stretches as hours_put takes them. */
typedef struct {
	GArray *from; /* int64_t, microseconds */
	GArray *to;
	GArray *before; /* open seconds */
	int64_t total;	/* open seconds so far */
} stretches;

static void stretches_init(stretches *s, int64_t base)
{
	s->from = g_array_new(FALSE, FALSE, sizeof(int64_t));
	s->to = g_array_new(FALSE, FALSE, sizeof(int64_t));
	s->before = g_array_new(FALSE, FALSE, sizeof(int64_t));
	s->total = base;
}

static void stretches_clear(stretches *s)
{
	g_clear_pointer(&s->from, g_array_unref);
	g_clear_pointer(&s->to, g_array_unref);
	g_clear_pointer(&s->before, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(stretches, stretches_clear)

static void add_stretch(stretches *s, lk_time from, lk_time to)
{
	g_array_append_val(s->from, from);
	g_array_append_val(s->to, to);
	g_array_append_val(s->before, s->total);
	s->total += (to - from) / LK_SECOND;
}

static void collect(const lk_calendar *calendar, lk_time from, lk_time to, stretches *s)
{
	lk_time at = from;
	lk_time opens = 0;
	lk_time closes = 0;

	while (at < to && lk_calendar_stretch(calendar, at, &opens, &closes) && opens < to) {
		add_stretch(s, MAX(opens, from), MIN(closes, to));
		at = closes;
	}
}

/* What hours_state would say of the stretches that begin after `now`. Caller frees. */
static char *ahead_of(const lk_calendar *calendar, lk_time now, lk_time to)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_auto(stretches) s = {0};

	stretches_init(&s, 0);
	collect(calendar, now, to, &s);
	for (unsigned i = 0; i < s.from->len; i++) {
		int64_t from = g_array_index(s.from, int64_t, i);

		/* The one that lasts was cut. */
		if (from > now)
			g_string_append_printf(text, "%s%" PRId64 "-%" PRId64, text->len ? " " : "",
					       from, g_array_index(s.to, int64_t, i));
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

typedef struct {
	lk_db *db;
	const lk_policy *policy;
	lk_time now;
	lk_time oldest; /* since when they must be known */
	const lk_rows *rows;
	size_t row;
	const char *queue;
	const lk_calendar *calendar;
} job;

static lk_time time_of(const job *j, const char *column)
{
	return lk_row_time(j->rows, j->row, column);
}

static bool is_ahead(const job *j)
{
	lk_time to = time_of(j, "covered_to");
	const char *known = lk_row_text(j->rows, j->row, "ahead");
	g_autofree char *wanted = NULL;

	if (to == LK_TIME_NONE || to < j->now + DAYS_AT_LEAST * day ||
	    g_strcmp0(lk_row_text(j->rows, j->row, "timezone"), j->policy->timezone) != 0)
		return false;
	wanted = ahead_of(j->calendar, j->now, to);
	return strcmp(wanted, known ? known : "") == 0;
}

static bool is_known(const job *j)
{
	lk_time from = time_of(j, "covered_from");

	return from != LK_TIME_NONE && from <= j->oldest && is_ahead(j);
}

static bool put(const job *j, const stretches *s, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, j->queue);
	lk_param_ints(params, (const int64_t *)(void *)s->from->data, s->from->len);
	lk_param_ints(params, (const int64_t *)(void *)s->to->data, s->to->len);
	lk_param_ints(params, (const int64_t *)(void *)s->before->data, s->before->len);
	return s->from->len == 0 || lk_db_run(j->db, LK_Q_HOURS_PUT, params, NULL, error);
}

static bool put_queue(const job *j, lk_time from, lk_time to, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, j->queue);
	lk_param_text(params, j->policy->timezone);
	lk_param_time(params, from);
	lk_param_time(params, to);
	return lk_db_run(j->db, LK_Q_HOURS_QUEUE, params, NULL, error);
}

/* From `from` on, where `base` open seconds have passed. */
static bool put_ahead(const job *j, lk_time from, lk_time to, int64_t base, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_auto(stretches) s = {0};

	stretches_init(&s, base);
	collect(j->calendar, from, to, &s);
	lk_param_text(params, j->queue);
	lk_param_time(params, to);
	return put(j, &s, error) && lk_db_run(j->db, LK_Q_HOURS_END, params, NULL, error);
}

/* A row without length marks where they begin, so that there is one before every ticket. */
static bool put_mark(const job *j, lk_time at, int64_t base, GError **error)
{
	g_auto(stretches) s = {0};

	stretches_init(&s, base);
	/* Before a stretch that begins at that very moment. */
	add_stretch(&s, at - LK_SECOND, at - LK_SECOND);
	return put(j, &s, error);
}

static bool extend_back(const job *j, lk_time from, lk_time to, GError **error)
{
	int64_t first = lk_row_int(j->rows, j->row, "first");
	g_auto(stretches) s = {0};

	/* A dry run tells how much there is: the rows that are known keep their counts. */
	stretches_init(&s, 0);
	collect(j->calendar, from, to, &s);
	for (unsigned i = 0; i < s.before->len; i++)
		g_array_index(s.before, int64_t, i) += first - s.total;
	return put_mark(j, from, first - s.total, error) && put(j, &s, error);
}

static bool extend_ahead(const job *j, lk_time covered_to, lk_time to, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	lk_time begin = MIN(j->now, covered_to);

	lk_param_text(params, j->queue);
	lk_param_time(params, begin);
	return lk_db_run(j->db, LK_Q_HOURS_CUT, params, NULL, error) &&
	       put_ahead(j, MAX(begin, time_of(j, "last_to")), to,
			 lk_row_int(j->rows, j->row, "base"), error);
}

static bool keep_queue(const job *j, GError **error)
{
	lk_time from = time_of(j, "covered_from");
	lk_time covered_to = time_of(j, "covered_to");
	lk_time to = (j->now / day + DAYS_AHEAD) * day;

	if (from == LK_TIME_NONE)
		return put_queue(j, j->oldest, to, error) && put_mark(j, j->oldest, 0, error) &&
		       put_ahead(j, j->oldest, to, 0, error);
	if (is_ahead(j))
		to = covered_to;
	else if (!extend_ahead(j, covered_to, to, error))
		return false;
	return (from <= j->oldest || extend_back(j, j->oldest, from, error)) &&
	       put_queue(j, MIN(from, j->oldest), to, error);
}

/* Each queue whose hours are not as they should be. *ret_todo: there is one. */
static bool look(lk_db *db, const lk_policy *policy, lk_time now, bool is_to_write, bool *ret_todo,
		 GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);
		g_ptr_array_add(names, queue->name);
	}
	lk_param_texts(params, names);
	lk_param_time(params, now);
	if (!lk_db_run(db, LK_Q_HOURS_STATE, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		job j = {.db = db, .policy = policy, .now = now, .rows = rows, .row = i};

		if (lk_row_bool(rows, i, "is_standby"))
			break;
		j.queue = lk_row_text(rows, i, "queue");
		j.calendar = lk_hours_of_queue(policy, lk_policy_queue(policy, j.queue));
		j.oldest = MIN(now, lk_row_is_null(rows, i, "oldest")
					    ? now
					    : lk_row_time(rows, i, "oldest"));
		if (is_known(&j))
			continue;
		*ret_todo = true;
		j.oldest = (j.oldest / day - DAYS_BEFORE) * day;
		if (is_to_write && !keep_queue(&j, error))
			return false;
	}
	return true;
}

bool lk_open_hours_keep(lk_db *db, const lk_policy *policy, lk_time now, GError **error)
{
	bool is_todo = false;

	if (!look(db, policy, now, false, &is_todo, error))
		return false;
	if (!is_todo)
		return true;
	if (!lk_db_begin(db, error))
		return false;
	if (lk_db_run(db, LK_Q_HOURS_LOCK, NULL, NULL, error) &&
	    look(db, policy, now, true, &is_todo, error))
		return lk_db_commit(db, error);
	lk_db_rollback(db);
	return false;
}
