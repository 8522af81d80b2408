/* Targets and due times, worked out by hand. Office hours in Helsinki, the Easter of 2026. */
#include "lib/desk/sla.h"

#include "lib/desk/hours.h"

#include <string.h>

enum { H = 3600 };

static lk_policy *policy;

static lk_time at(const char *text)
{
	lk_time result = LK_TIME_NONE;

	if (text && !lk_time_parse(text, &result))
		g_error("%s is no time", text);
	return result;
}

static void assert_time(const char *what, lk_time seen, const char *wanted)
{
	g_autofree char *is = lk_time_format(seen);

	if (seen != at(wanted))
		g_test_message("%s: %s instead of %s", what, is ? is : "none",
			       wanted ? wanted : "none");
	g_assert_cmpint(seen, ==, at(wanted));
}

static void add_sla(const char *name, const char *calendar, lk_span respond, lk_span resolve)
{
	lk_sla *sla = lk_sla_new();

	sla->name = g_strdup(name);
	sla->calendar = g_strdup(calendar);
	sla->warn_at = 75;
	sla->targets[LK_NORMAL].respond = respond;
	sla->targets[LK_NORMAL].resolve = resolve;
	sla->targets[LK_URGENT].respond.seconds = H / 2;
	sla->targets[LK_URGENT].resolve.seconds = 4 * H;
	g_ptr_array_add(policy->slas, sla);
}

/* Of the level added last: incidents of normal priority, and a supplier's time that does not count.
 */
static void refine_sla(void)
{
	lk_sla *sla = g_ptr_array_index(policy->slas, policy->slas->len - 1);
	lk_sla_typed *typed = lk_sla_typed_new("incident", LK_NORMAL);

	typed->target.respond.seconds = H;
	typed->target.resolve.seconds = 8 * H;
	g_ptr_array_add(sla->typed, typed);
	sla->pauses_on_supplier = true;
}

static void add_queue(const char *name, const char *sla)
{
	lk_queue *queue = lk_queue_new();

	queue->name = g_strdup(name);
	queue->sla = g_strdup(sla);
	g_ptr_array_add(policy->queues, queue);
}

static void add_calendar(const char *name, const char *hours, const char *holiday)
{
	lk_calendar_text *text = lk_calendar_text_new();

	text->name = g_strdup(name);
	text->hours = g_strdup(hours);
	if (holiday)
		g_ptr_array_add(text->holidays, g_strdup(holiday));
	g_ptr_array_add(policy->calendars, text);
}

static void make_policy(void)
{
	g_autoptr(GError) error = NULL;
	lk_organisation *hospital = lk_organisation_new();

	policy = lk_policy_new();
	policy->timezone = g_strdup("Europe/Helsinki");
	add_calendar("office", "Mon-Fri 08:00-16:00", "fi");
	add_calendar("always", "Mon-Sun 00:00-24:00", NULL);
	add_sla("standard", "office", (lk_span){.seconds = 8 * H}, (lk_span){.seconds = 40 * H});
	add_sla("round", "always", (lk_span){.seconds = 2 * H}, (lk_span){.seconds = 24 * H});
	add_sla("days", "office", (lk_span){.open_days = 1}, (lk_span){.open_days = 5});
	add_sla("fine", "office", (lk_span){.seconds = 2 * H}, (lk_span){.seconds = 16 * H});
	refine_sla();
	add_queue("tietoturva", "fine");
	add_queue("ict", "standard");
	add_queue("hr", "days");
	add_queue("talous", NULL);
	hospital->name = g_strdup("Sairaala");
	hospital->sla = g_strdup("round");
	g_ptr_array_add(policy->organisations, hospital);
	lk_policy_open_calendars(policy, &error);
	g_assert_no_error(error);
}

static void test_choice(void)
{
	static const struct {
		const char *rule;
		const char *organisation;
		const char *queue;
		const char *priority;
		const char *sla; /* NULL: none */
		int64_t resolve_s;
		const char *says;
		const char *type;
	} cases[] = {
		{NULL, NULL, "ict", "normal", "standard", 40 * H,
		 "service level standard of queue ict: priority normal, respond within 8h, "
		 "resolve within 40h",
		 NULL},
		{NULL, NULL, "ict", "urgent", "standard", 4 * H, "respond within 30m", NULL},
		{NULL, "Sairaala", "ict", "normal", "round", 24 * H, "of organisation Sairaala",
		 NULL},
		{NULL, "Sairaala", "talous", "normal", "round", 24 * H, "of organisation Sairaala",
		 NULL},
		{"days", "Sairaala", "ict", "normal", "days", 0, "of a rule", NULL},
		{"gone", "Kadonnut", "ict", "normal", "standard", 40 * H, "of queue ict", NULL},
		{NULL, NULL, "hr", "normal", "days", 0, "resolve within 5d", NULL},
		{NULL, NULL, "talous", "normal", NULL, 0, "no service level", NULL},
		{NULL, NULL, "gone", "normal", NULL, 0, "no service level", NULL},
		{NULL, NULL, "ict", "odd", "standard", 40 * H, "priority normal", NULL},
		{NULL, NULL, "tietoturva", "normal", "fine", 8 * H,
		 "normal, type incident, respond", "incident"},
		{NULL, NULL, "tietoturva", "normal", "fine", 16 * H, "normal, respond", "request"},
		{NULL, NULL, "tietoturva", "normal", "fine", 16 * H, "normal, respond", NULL},
		{NULL, NULL, "tietoturva", "urgent", "fine", 4 * H, "urgent, respond", "incident"},
		{NULL, NULL, "ict", "normal", "standard", 40 * H, "normal, respond", "incident"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		lk_sla_question question = {.rule_sla = cases[i].rule,
					    .organisation = cases[i].organisation,
					    .queue = cases[i].queue,
					    .priority = cases[i].priority,
					    .type = cases[i].type};
		lk_sla_choice choice = {0};

		lk_sla_choose(policy, &question, &choice);
		g_assert_cmpstr(choice.sla ? choice.sla->name : NULL, ==, cases[i].sla);
		g_assert_cmpint(choice.resolve.seconds, ==, cases[i].resolve_s);
		g_assert_nonnull(choice.calendar);
		g_assert_nonnull(strstr(choice.reason, cases[i].says));
		lk_sla_choice_clear(&choice);
	}
}

/* One history a row: stages as "status from", each up to the next one. */
static const struct {
	const char *what;
	const char *queue;
	const char *priority;
	const char *opened;
	const char *answered;
	const char *stages[8][2];
	const char *now;
	const char *respond;
	const char *resolve;
	const char *warn;
	int64_t paused_s;
	bool responds;
	bool resolves;
} histories[] = {
	/* 10 min on Friday, the rest of 8 h on Monday; 40 h end before the second Easter day. */
	{"over a weekend and Easter",
	 "ict",
	 "normal",
	 "2026-03-27T15:50:00+02:00",
	 NULL,
	 {{"new", "2026-03-27T15:50:00+02:00"}},
	 "2026-03-27T15:50:00+02:00",
	 "2026-03-30T15:50:00+03:00",
	 /* 0:10 Fri, 8 Mon, 8 Tue, 8 Wed, 8 Thu, Good Friday, Easter Monday, 7:50 Tue */
	 "2026-04-07T15:50:00+03:00",
	 /* 30 h: 0:10 Fri, 8 Mon, 8 Tue, 8 Wed, 5:50 Thu */
	 "2026-04-02T13:50:00+03:00",
	 0,
	 true,
	 true},
	/* Two waits of 2 h and (over Easter) 3 h of open time. */
	{"two waits",
	 "ict",
	 "normal",
	 "2026-03-27T15:50:00+02:00",
	 "2026-03-30T09:00:00+03:00",
	 {{"new", "2026-03-27T15:50:00+02:00"},
	  {"waiting_customer", "2026-03-30T09:00:00+03:00"},
	  {"open", "2026-03-30T11:00:00+03:00"},
	  {"waiting_customer", "2026-04-02T14:00:00+03:00"},
	  {"open", "2026-04-07T09:00:00+03:00"}},
	 "2026-04-07T09:00:00+03:00",
	 "2026-03-30T15:50:00+03:00",
	 "2026-04-08T12:50:00+03:00",
	 "2026-04-07T10:50:00+03:00",
	 5 * H,
	 false,
	 true},
	/* While it waits: as if it went on now. */
	{"waiting since an hour",
	 "ict",
	 "normal",
	 "2026-03-30T08:00:00+03:00",
	 NULL,
	 {{"new", "2026-03-30T08:00:00+03:00"}, {"waiting_customer", "2026-03-30T10:00:00+03:00"}},
	 "2026-03-30T11:00:00+03:00",
	 "2026-03-31T09:00:00+03:00",
	 "2026-04-08T09:00:00+03:00",
	 "2026-04-02T15:00:00+03:00",
	 H,
	 false,
	 false},
	/* A supplier and a date stop nothing. */
	{"other waits",
	 "ict",
	 "normal",
	 "2026-04-13T08:00:00+03:00",
	 NULL,
	 {{"new", "2026-04-13T08:00:00+03:00"},
	  {"waiting_supplier", "2026-04-13T09:00:00+03:00"},
	  {"on_hold", "2026-04-14T09:00:00+03:00"}},
	 "2026-04-15T09:00:00+03:00",
	 "2026-04-13T16:00:00+03:00",
	 "2026-04-17T16:00:00+03:00",
	 "2026-04-16T14:00:00+03:00",
	 0,
	 true,
	 true},
	/* Where the level says so a supplier does: 16 h, 1 h of Monday and 2 h of Tuesday not. */
	{"a supplier who stops the clocks",
	 "tietoturva",
	 "normal",
	 "2026-04-13T08:00:00+03:00",
	 "2026-04-13T08:30:00+03:00",
	 {{"new", "2026-04-13T08:00:00+03:00"},
	  {"waiting_supplier", "2026-04-13T15:00:00+03:00"},
	  {"open", "2026-04-14T10:00:00+03:00"},
	  {"on_hold", "2026-04-14T11:00:00+03:00"}},
	 "2026-04-14T12:00:00+03:00",
	 "2026-04-13T10:00:00+03:00",
	 "2026-04-15T11:00:00+03:00",
	 "2026-04-14T15:00:00+03:00",
	 3 * H,
	 false,
	 true},
	/* Resolved: the due time stays, however long ago it was. */
	{"resolved",
	 "ict",
	 "normal",
	 "2026-04-13T08:00:00+03:00",
	 NULL,
	 {{"new", "2026-04-13T08:00:00+03:00"},
	  {"resolved", "2026-04-14T08:00:00+03:00"},
	  {"closed", "2026-04-21T08:00:00+03:00"}},
	 "2026-06-01T09:00:00+03:00",
	 "2026-04-13T16:00:00+03:00",
	 "2026-04-17T16:00:00+03:00",
	 "2026-04-16T14:00:00+03:00",
	 0,
	 false,
	 false},
	/* Reopened: the days it was resolved do not count. */
	{"reopened",
	 "ict",
	 "normal",
	 "2026-04-13T08:00:00+03:00",
	 "2026-04-13T09:00:00+03:00",
	 {{"new", "2026-04-13T08:00:00+03:00"},
	  {"resolved", "2026-04-14T08:00:00+03:00"},
	  {"open", "2026-04-16T08:00:00+03:00"}},
	 "2026-04-16T09:00:00+03:00",
	 "2026-04-13T16:00:00+03:00",
	 "2026-04-21T16:00:00+03:00",
	 "2026-04-20T14:00:00+03:00",
	 16 * H,
	 false,
	 true},
	/* Days: five open ones from Tuesday before Easter. */
	{"open days",
	 "hr",
	 "normal",
	 "2026-03-31T15:50:00+03:00",
	 NULL,
	 {{"new", "2026-03-31T15:50:00+03:00"}},
	 "2026-03-31T15:50:00+03:00",
	 "2026-04-01T15:50:00+03:00",
	 "2026-04-09T15:50:00+03:00",
	 /* 40 h of open time lie between; 30 h: 0:10 Tue, 8 Wed, 8 Thu, 8 Tue, 5:50 Wed */
	 "2026-04-08T13:50:00+03:00",
	 0,
	 true,
	 true},
	{"the change to winter time",
	 "ict",
	 "urgent",
	 "2026-10-23T15:50:00+03:00",
	 NULL,
	 {{"new", "2026-10-23T15:50:00+03:00"}},
	 "2026-10-23T15:50:00+03:00",
	 "2026-10-26T08:20:00+02:00",
	 "2026-10-26T11:50:00+02:00",
	 "2026-10-26T10:50:00+02:00",
	 0,
	 true,
	 true},
	{"no targets",
	 "talous",
	 "normal",
	 "2026-10-23T15:50:00+03:00",
	 NULL,
	 {{"new", "2026-10-23T15:50:00+03:00"}},
	 "2026-10-26T15:50:00+03:00",
	 NULL,
	 NULL,
	 NULL,
	 0,
	 false,
	 false},
};

static void test_due(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(histories); i++) {
		lk_sla_stage stages[8];
		lk_sla_question question = {.queue = histories[i].queue,
					    .priority = histories[i].priority};
		lk_sla_history history = {.opened_at = at(histories[i].opened),
					  .first_response_at = at(histories[i].answered),
					  .stages = stages};
		lk_sla_choice choice = {0};
		lk_sla_times times = {0};

		for (unsigned s = 0; s < 8 && histories[i].stages[s][0]; s++) {
			g_assert_true(
				lk_status_parse(histories[i].stages[s][0], &stages[s].status));
			stages[s].from = at(histories[i].stages[s][1]);
			stages[s].to = LK_TIME_NONE;
			if (s > 0)
				stages[s - 1].to = stages[s].from;
			history.n_stages = s + 1;
		}
		g_test_message("%s", histories[i].what);
		lk_sla_choose(policy, &question, &choice);
		lk_sla_compute(&choice, &history, at(histories[i].now), &times);
		assert_time("respond", times.respond.due, histories[i].respond);
		assert_time("resolve", times.resolve.due, histories[i].resolve);
		assert_time("warn", times.resolve.warn, histories[i].warn);
		g_assert_cmpint(times.resolve.paused_s, ==, histories[i].paused_s);
		g_assert_cmpint(times.respond.is_running, ==, histories[i].responds);
		g_assert_cmpint(times.resolve.is_running, ==, histories[i].resolves);
		lk_sla_choice_clear(&choice);
	}
}

static void test_hours(void)
{
	lk_policy *bare = lk_policy_new();
	lk_span hour = {.seconds = H};
	lk_span day = {.open_days = 1};

	g_assert_null(lk_hours_named(policy, "gone"));
	/* A queue without a service level keeps the first calendar's hours; no calendar, all hours.
	 */
	g_assert_true(lk_hours_of_queue(policy, lk_policy_queue(policy, "talous")) ==
		      lk_hours_named(policy, "office"));
	g_assert_true(
		lk_calendar_is_open(lk_hours_of_queue(bare, NULL), at("2026-04-05T01:00:00Z")));
	assert_time("hour",
		    lk_hours_add(lk_hours_named(policy, "office"), at("2026-03-27T15:50:00+02:00"),
				 &hour),
		    "2026-03-30T08:50:00+03:00");
	assert_time("day",
		    lk_hours_add(lk_hours_named(policy, "office"), at("2026-03-27T15:50:00+02:00"),
				 &day),
		    "2026-03-30T15:50:00+03:00");
	lk_policy_free(bare);
}

int main(int argc, char **argv)
{
	int status = 0;

	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	make_policy();
	g_test_add_func("/sla/choice", test_choice);
	g_test_add_func("/sla/due", test_due);
	g_test_add_func("/sla/hours", test_hours);
	status = g_test_run();
	lk_policy_free(policy);
	return status;
}
