#include "daemon/ctl-report.h"

#include "daemon/ctl.h"
#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/command.h"
#include "lib/desk/open-hours.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORTH_A_WORD = 2000 };

/* --- the period ------------------------------------------------------------------------------- */

static lk_day first_of_month(lk_day day, int months)
{
	int n = day.year * 12 + day.month - 1 + months;

	return (lk_day){.year = n / 12, .month = n % 12 + 1, .day = 1};
}

static lk_day day_after(lk_day day)
{
	GDate date;

	g_date_clear(&date, 1);
	g_date_set_dmy(&date, (GDateDay)day.day, (GDateMonth)day.month, (GDateYear)day.year);
	g_date_add_days(&date, 1);
	return (lk_day){.year = g_date_get_year(&date),
			.month = (int)g_date_get_month(&date),
			.day = g_date_get_day(&date)};
}

/* A day of the site, a moment, or how long ago. is_end: a day counts to its end. */
static bool read_date(const char *option, const char *text, const char *zone, bool is_end,
		      lk_time *ret_at, GError **error)
{
	lk_day today = lk_day_at(zone, lk_now());
	lk_day day = {0};
	int64_t seconds = 0;
	size_t used = 0;

	if (lk_time_parse(text, ret_at))
		return true;
	if (g_ascii_isdigit(text[0]) && lk_day_read(text, today, &day, &used) &&
	    text[used] == '\0' && lk_day_is_valid(day)) {
		*ret_at = lk_day_start(zone, is_end ? day_after(day) : day);
		return true;
	}
	if (lk_parse_duration(text, &seconds, NULL)) {
		*ret_at = lk_now() - seconds * LK_SECOND;
		return true;
	}
	g_set_error(error, LK_ERROR, LK_ERR_USAGE,
		    "--%s: \"%s\" is neither a day (2026-03-27), a time (2026-03-27T08:00:00Z) nor "
		    "a stretch of time before now (30d)",
		    option, text);
	return false;
}

/* Without options: the last whole month. */
static bool read_period(const lk_ctl *ctl, const char *zone, lk_report_question *q, GError **error)
{
	const char *from = lk_ctl_value(ctl, "from");
	const char *to = lk_ctl_value(ctl, "to");
	lk_day today = lk_day_at(zone, lk_now());

	q->from = lk_day_start(zone, first_of_month(today, from || to ? 0 : -1));
	q->to = lk_day_start(zone, from ? day_after(today) : first_of_month(today, 0));
	if (to && !read_date("to", to, zone, true, &q->to, error))
		return false;
	if (from && !read_date("from", from, zone, false, &q->from, error))
		return false;
	if (to && !from)
		q->from = lk_day_start(zone, first_of_month(lk_day_at(zone, q->to - 1), 0));
	if (q->from < q->to)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_USAGE, "the period ends before it begins");
	return false;
}

static char *period_text(const lk_report_question *q, const char *zone)
{
	g_autofree char *from = lk_day_format(lk_day_at(zone, q->from));
	g_autofree char *to = lk_day_format(lk_day_at(zone, q->to - 1));

	return g_strdup_printf("%s to %s", from, to);
}

/* --- the question ----------------------------------------------------------------------------- */

static bool refuse_word(const char *what, const char *word, const char *const *names,
			GError **error)
{
	unsigned n = g_strv_length((char **)names);
	const char *near = lk_nearest_word(word, names, n);
	g_autofree char *all = g_strjoinv(", ", (char **)names);

	g_set_error(error, LK_ERROR, LK_ERR_USAGE, "%s: there is no \"%s\"%s%s%s; one of: %s", what,
		    word, near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "",
		    all);
	return false;
}

static bool read_kind(const lk_ctl *ctl, lk_report_question *q, GError **error)
{
	const char *names[LK_N_REPORTS + 1] = {NULL};

	if (lk_report_parse(ctl->operands[0], &q->kind))
		return true;
	for (unsigned i = 0; i < LK_N_REPORTS; i++)
		names[i] = lk_report_name((lk_report_kind)i);
	return refuse_word("report", ctl->operands[0], names, error);
}

/* "type", or "field:device". */
static bool read_by(const lk_ctl *ctl, lk_report_question *q, GError **error)
{
	const char *by = lk_ctl_value(ctl, "by");

	if (!by)
		return true;
	if (g_str_has_prefix(by, "field:") && by[strlen("field:")] != '\0') {
		q->by = "field";
		q->field = by + strlen("field:");
		return true;
	}
	if (strcmp(by, "field") == 0) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "--by field: which one? write --by field:NAME");
		return false;
	}
	if (!g_strv_contains(lk_report_groups, by))
		return refuse_word("--by", by, lk_report_groups, error);
	q->by = by;
	return true;
}

static bool read_question(lk_ctl *ctl, const lk_conf *conf, lk_report_question *q, GError **error)
{
	q->queue = lk_ctl_value(ctl, "queue");
	q->organisation = lk_ctl_value(ctl, "organisation");
	q->is_total = lk_ctl_has(ctl, "total");
	if (!read_kind(ctl, q, error) || !read_by(ctl, q, error) ||
	    !read_period(ctl, conf->site.timezone, q, error))
		return false;
	if (q->queue && !lk_conf_find_queue(conf, q->queue))
		fprintf(stderr, "luukkuctl: warning: the configuration has no queue \"%s\"\n",
			q->queue);
	if (q->kind != LK_REPORT_AGENTS || conf->site.agent_reports)
		return true;
	ctl->status = EX_NOPERM;
	g_set_error(error, LK_ERROR, LK_ERR_USAGE,
		    "figures of single agents are shown only where the configuration says "
		    "site.agent_reports = true");
	return false;
}

/* --- the answer ------------------------------------------------------------------------------- */

static const char *const formats[] = {"text", "json", "csv", "html", NULL};

static void tell_size(int64_t tickets)
{
	if (tickets < WORTH_A_WORD || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "luukkuctl: reading %" PRId64 " tickets ...\r", tickets);
	fflush(stderr);
}

static void wipe_size(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\033[K", stderr);
}

static void show(const lk_ctl *ctl, const lk_conf *conf, const lk_report_question *q,
		 const lk_report *report)
{
	const char *format = lk_ctl_value(ctl, "format");
	g_autofree char *period = period_text(q, conf->site.timezone);
	g_autofree char *limits =
		q->queue && q->organisation
			? g_strdup_printf("queue %s, organisation %s", q->queue, q->organisation)
		: q->queue	  ? g_strdup_printf("queue %s", q->queue)
		: q->organisation ? g_strdup_printf("organisation %s", q->organisation)
				  : NULL;
	lk_report_head head = {.site = conf->site.name,
			       .title = lk_report_name(q->kind),
			       .period = period,
			       .limits = limits};
	g_autofree char *out = NULL;

	if (lk_ctl_has(ctl, "json") || g_strcmp0(format, "json") == 0)
		out = lk_report_json(report);
	else if (g_strcmp0(format, "csv") == 0)
		out = lk_report_csv(report);
	else if (g_strcmp0(format, "html") == 0)
		out = lk_report_html(report, &head);
	else
		out = lk_report_text(report, &head, lk_ctl_width());
	fputs(out, stdout);
}

static bool run_report(lk_ctl *ctl, GError **error)
{
	static const lk_query_group groups[] = {LK_QG_HOURS, LK_QG_REPORT};
	const char *format = lk_ctl_value(ctl, "format");
	const lk_conf *conf = NULL;
	lk_db *db = NULL;
	lk_report_question question = {0};
	g_auto(lk_ctl_desk) desk = {0};
	g_autoptr(lk_report) report = NULL;

	if (format && !g_strv_contains(formats, format))
		return refuse_word("--format", format, formats, error);
	if (!lk_ctl_conf(ctl, &conf, error) || !read_question(ctl, conf, &question, error) ||
	    !lk_ctl_desk_open(conf, false, &desk, error) ||
	    !lk_ctl_db_with(ctl, groups, G_N_ELEMENTS(groups), &db, error) ||
	    !lk_open_hours_keep(db, desk.policy, lk_now(), error))
		return false;
	bool is_made = lk_report_make(db, &question, tell_size, &report, error);
	wipe_size();
	if (is_made)
		show(ctl, conf, &question, report);
	return is_made;
}

static const lk_ctl_option report_options[] = {
	{"from", 0, "D", "first day: 2026-03-01, a time, or 30d (default: the last whole month)"},
	{"to", 0, "D", "last day, all of it"},
	{"organisation", 0, "O", "tickets of this organisation only"},
	{"queue", 0, "Q", "tickets of this queue only"},
	{"by", 0, "GROUP", "divide further: type, tag, queue, organisation, priority, field:NAME"},
	{"total", 0, NULL, "all queues (organisations, suppliers, ...) as one"},
	{"format", 0, "F", "text (default), json, csv or html"},
	{"json", 0, NULL, "the same as --format json"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_report_commands[] = {
	{.name = "report",
	 .operands = "KIND",
	 .least = 1,
	 .most = 1,
	 .options = report_options,
	 .run = run_report,
	 .summary = "figures: queues, sla, stages, survey, comments, suppliers, rules, agents, "
		    "organisations",
	 .more = "Open time is that of the queues' calendars. luukku-schema(7) defines every\n"
		 "figure; other programs read the same ones from the views report_*."},
	{.name = NULL},
};
