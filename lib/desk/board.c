#include "lib/desk/board.h"

#include "lib/desk/command.h"
#include "lib/desk/when.h"

#include <string.h>

/* A mailbox that nobody visited for so long is in trouble. */
enum { SILENT_MAILBOX_S = 900, HOURS = 24 };

/* Lengths of the drawings, in their own units; the page scales them. */
enum { BAR_WIDTH = 300, SLOT = 12, TALL = 40 };

typedef struct {
	lk_db *db;
	const lk_policy *policy;
	lk_lang lang;
	lk_time now;
	lk_time today;
	lk_time tomorrow;
	lk_rows *open;
	lk_rows *day;
	lk_rows *mails;
	lk_rows *mailboxes;
} board;

static void board_clear(board *b)
{
	lk_rows_free(b->open);
	lk_rows_free(b->day);
	lk_rows_free(b->mails);
	lk_rows_free(b->mailboxes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(board, board_clear)

static bool look(board *b, GError **error)
{
	g_autoptr(lk_params) open = lk_params_new();
	g_autoptr(lk_params) day = lk_params_new();

	lk_param_time(open, b->now);
	lk_param_time(open, b->tomorrow);
	lk_param_time(day, b->today);
	lk_param_time(day, b->tomorrow);
	return lk_db_run(b->db, LK_Q_BOARD_OPEN, open, &b->open, error) &&
	       lk_db_run(b->db, LK_Q_BOARD_DAY, day, &b->day, error) &&
	       lk_db_run(b->db, LK_Q_BOARD_MAILS, NULL, &b->mails, error) &&
	       lk_db_run(b->db, LK_Q_BOARD_MAILBOXES, NULL, &b->mailboxes, error);
}

/* --- words ------------------------------------------------------------------------------------ */

/* "25 min", "5 t", "3 pv". Caller frees. */
static char *age_of(const board *b, lk_time since)
{
	static const char *const units[LK_N_LANGS][3] = {[LK_LANG_FI] = {"min", "t", "pv"},
							 [LK_LANG_SV] = {"min", "tim", "d"},
							 [LK_LANG_EN] = {"min", "h", "d"}};
	int64_t minutes = MAX(0, (b->now - since) / LK_SECOND / 60);
	unsigned unit = minutes < 120 ? 0 : minutes < 48 * 60 ? 1 : 2;
	int64_t n = unit == 0 ? minutes : unit == 1 ? minutes / 60 : minutes / 1440;

	return g_strdup_printf("%" G_GINT64_FORMAT "\302\240%s", n, units[b->lang][unit]);
}

static void set_title(const board *b, lk_json *out, const lk_queue *queue)
{
	const char *title = lk_text_in(&queue->title, b->lang, b->policy->language);

	lk_json_set_text(out, "title", *title ? title : queue->name);
}

/* Zero counts are no sections, but are shown. */
static void set_count(lk_json *out, const char *key, int64_t n)
{
	g_autofree char *has = g_strconcat("has_", key, NULL);

	lk_json_set_int(out, key, n);
	lk_json_set_bool(out, has, n > 0);
}

/* --- drawings ---------------------------------------------------------------------------------
 */

static void push_bar(lk_json *bars, const char *kind, int64_t x, int64_t width)
{
	lk_json *bar = NULL;

	if (width <= 0)
		return;
	bar = lk_json_object();
	lk_json_set_text(bar, "kind", kind);
	lk_json_set_int(bar, "x", x);
	lk_json_set_int(bar, "width", width);
	lk_json_push(bars, bar);
}

/* The open ones by age, the oldest at the right; the longest row of all queues is full. */
static lk_json *age_bars(const board *b, size_t row, int64_t most)
{
	static const struct {
		const char *column;
		const char *kind;
	} ages[] = {{"n_day", "day"}, {"n_days", "days"}, {"n_week", "week"}, {"n_older", "older"}};
	lk_json *bars = lk_json_array();
	int64_t sum = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(ages); i++) {
		int64_t from = sum * BAR_WIDTH / most;

		sum += lk_row_int(b->open, row, ages[i].column);
		push_bar(bars, ages[i].kind, from, sum * BAR_WIDTH / most - from);
	}
	return bars;
}

/* In upwards, out downwards, an hour a slot. */
static lk_json *hour_bars(const int64_t in[HOURS], const int64_t out[HOURS])
{
	lk_json *hours = lk_json_array();
	int64_t most = 1;

	for (unsigned i = 0; i < HOURS; i++)
		most = MAX(most, MAX(in[i], out[i]));
	for (unsigned i = 0; i < HOURS; i++) {
		lk_json *one = lk_json_object();
		int64_t up = in[i] * TALL / most;

		lk_json_set_int(one, "hour", i);
		lk_json_set_int(one, "x", (int64_t)i * SLOT + 1);
		lk_json_set_int(one, "in", in[i]);
		lk_json_set_int(one, "out", out[i]);
		lk_json_set_int(one, "top", TALL - up);
		lk_json_set_int(one, "up", up);
		lk_json_set_int(one, "down", out[i] * TALL / most);
		lk_json_set_bool(one, "has_any", in[i] + out[i] > 0);
		lk_json_set_bool(one, "has_label", i % 3 == 0);
		lk_json_push(hours, one);
	}
	return hours;
}

/* --- parts ------------------------------------------------------------------------------------ */

static bool find_open(const board *b, const lk_queue *queue, size_t *ret_row)
{
	for (size_t row = 0; row < lk_rows_count(b->open); row++)
		if (strcmp(lk_row_text(b->open, row, "queue"), queue->name) == 0) {
			*ret_row = row;
			return true;
		}
	return false;
}

static void sum_day(const board *b, const lk_queue *queue, int64_t *ret_in, int64_t *ret_out)
{
	*ret_in = *ret_out = 0;
	for (size_t row = 0; row < lk_rows_count(b->day); row++) {
		if (strcmp(lk_row_text(b->day, row, "queue"), queue->name) != 0)
			continue;
		*ret_in += lk_row_int(b->day, row, "n_in");
		*ret_out += lk_row_int(b->day, row, "n_out");
	}
}

static const char *const counts[] = {"open", "free", "urgent", "alarm", "breached", "due"};

static int64_t count_of(const board *b, size_t row, const char *name)
{
	g_autofree char *column = g_strconcat("n_", name, NULL);

	return lk_row_int(b->open, row, column);
}

static lk_json *queue_card(const board *b, const lk_queue *queue, int64_t most)
{
	lk_json *card = lk_json_object();
	size_t row = 0;
	bool has_open = find_open(b, queue, &row);
	int64_t in = 0;
	int64_t out = 0;
	g_autofree char *oldest = NULL;

	set_title(b, card, queue);
	lk_json_set_text(card, "name", queue->name);
	for (unsigned i = 0; i < G_N_ELEMENTS(counts); i++)
		set_count(card, counts[i], has_open ? count_of(b, row, counts[i]) : 0);
	sum_day(b, queue, &in, &out);
	set_count(card, "in", in);
	set_count(card, "out", out);
	if (!has_open) {
		lk_json_set_text(card, "oldest", "");
		return card;
	}
	oldest = age_of(b, lk_row_time(b->open, row, "oldest_at"));
	lk_json_set_text(card, "oldest", oldest);
	lk_json_take(card, "ages", age_bars(b, row, most));
	set_count(card, "day", lk_row_int(b->open, row, "n_day"));
	set_count(card, "days", lk_row_int(b->open, row, "n_days"));
	set_count(card, "week", lk_row_int(b->open, row, "n_week"));
	set_count(card, "older", lk_row_int(b->open, row, "n_older"));
	return card;
}

static void add_queues(const board *b, lk_json *out)
{
	lk_json *cards = lk_json_array();
	int64_t most = 1;

	for (size_t row = 0; row < lk_rows_count(b->open); row++)
		most = MAX(most, lk_row_int(b->open, row, "n_open"));
	for (unsigned i = 0; i < b->policy->queues->len; i++)
		lk_json_push(cards, queue_card(b, g_ptr_array_index(b->policy->queues, i), most));
	lk_json_take(out, "queues", cards);
}

/* Queues that left the configuration count in the whole. */
static void add_totals(const board *b, lk_json *out)
{
	lk_json *all = lk_json_object();
	int64_t open = 0;
	int64_t breached = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(counts); i++) {
		int64_t sum = 0;

		for (size_t row = 0; row < lk_rows_count(b->open); row++)
			sum += count_of(b, row, counts[i]);
		set_count(all, counts[i], sum);
		if (strcmp(counts[i], "open") == 0)
			open = sum;
		if (strcmp(counts[i], "breached") == 0)
			breached = sum;
	}
	/* The share of the open ones that still are within their targets. */
	if (open > 0)
		lk_json_set_int(all, "within", (open - breached) * 100 / open);
	lk_json_set_bool(all, "has_within", open > 0);
	lk_json_take(out, "all", all);
}

/* What the clock shows in that hour since midnight: a day may have 23 of them, or 25. */
static int64_t clock_hour(const board *b, int64_t hour)
{
	g_autoptr(GTimeZone) zone =
		b->policy->timezone ? g_time_zone_new_identifier(b->policy->timezone) : NULL;
	g_autoptr(GDateTime) utc =
		g_date_time_new_from_unix_utc(b->today / LK_SECOND + hour * 3600);
	g_autoptr(GDateTime) local = utc && zone ? g_date_time_to_timezone(utc, zone) : NULL;

	return local ? g_date_time_get_hour(local) : CLAMP(hour, 0, HOURS - 1);
}

static void add_day(const board *b, lk_json *out)
{
	int64_t in[HOURS] = {0};
	int64_t gone[HOURS] = {0};
	int64_t sum_in = 0;
	int64_t sum_out = 0;
	lk_json *day = lk_json_object();

	for (size_t row = 0; row < lk_rows_count(b->day); row++) {
		int64_t hour = clock_hour(b, lk_row_int(b->day, row, "hour"));

		in[hour] += lk_row_int(b->day, row, "n_in");
		gone[hour] += lk_row_int(b->day, row, "n_out");
		sum_in += lk_row_int(b->day, row, "n_in");
		sum_out += lk_row_int(b->day, row, "n_out");
	}
	lk_json_take(day, "hours", hour_bars(in, gone));
	set_count(day, "in", sum_in);
	set_count(day, "out", sum_out);
	lk_json_take(out, "day", day);
}

static void add_mails(const board *b, lk_json *out)
{
	lk_json *mails = lk_json_object();
	lk_json *boxes = lk_json_array();

	set_count(mails, "waiting", lk_row_int(b->mails, 0, "n_waiting"));
	set_count(mails, "held", lk_row_int(b->mails, 0, "n_held"));
	set_count(mails, "failed", lk_row_int(b->mails, 0, "n_failed"));
	set_count(mails, "quarantine", lk_row_int(b->mails, 0, "n_quarantine"));
	if (!lk_row_is_null(b->mails, 0, "oldest_at")) {
		g_autofree char *age = age_of(b, lk_row_time(b->mails, 0, "oldest_at"));
		lk_json_set_text(mails, "oldest", age);
	}
	lk_json_take(out, "mails", mails);
	for (size_t row = 0; row < lk_rows_count(b->mailboxes); row++) {
		const char *name = lk_row_text(b->mailboxes, row, "name");
		bool was_visited = !lk_row_is_null(b->mailboxes, row, "last_ok_at");
		lk_time last = was_visited ? lk_row_time(b->mailboxes, row, "last_ok_at") : b->now;
		g_autofree char *age = age_of(b, last);
		lk_json *box = NULL;

		if (!lk_policy_mailbox(b->policy, name))
			continue;
		box = lk_json_object();
		lk_json_set_text(box, "mailbox", name);
		set_count(box, "waiting", lk_row_int(b->mailboxes, row, "waiting"));
		lk_json_set_text(box, "last", was_visited ? age : "");
		lk_json_set_bool(box, "is_in_trouble",
				 lk_row_bool(b->mailboxes, row, "is_in_trouble") ||
					 last < b->now - SILENT_MAILBOX_S * LK_SECOND);
		lk_json_push(boxes, box);
	}
	lk_json_take(out, "mailboxes", boxes);
}

bool lk_board_fill(lk_db *db, const lk_policy *policy, lk_lang lang, lk_time now,
		   lk_json **ret_values, GError **error)
{
	g_auto(board) b = {.db = db, .policy = policy, .lang = lang, .now = now};
	g_autofree char *when = lk_when(policy, lang, now);
	lk_json *out = NULL;

	b.today = lk_day_start(policy->timezone, lk_day_at(policy->timezone, now));
	b.tomorrow = lk_day_start(policy->timezone,
				  lk_day_at(policy->timezone, b.today + 36 * 3600 * LK_SECOND));
	if (!look(&b, error))
		return false;
	out = lk_json_object();
	lk_json_set_text(out, "site_name", policy->site_name);
	lk_json_set_text(out, "accessibility_url", policy->accessibility_url);
	lk_json_set_text(out, "when", when ? when : "");
	add_totals(&b, out);
	add_queues(&b, out);
	add_day(&b, out);
	add_mails(&b, out);
	*ret_values = out;
	return true;
}
