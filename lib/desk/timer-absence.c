/* A deputy's first day: what the one who is away has left open. */
#include "lib/desk/timer-private.h"

#include "lib/base/units.h"
#include "lib/desk/authority.h"
#include "lib/desk/command.h"
#include "lib/desk/outbox.h"
#include "lib/desk/term.h"
#include "lib/desk/when.h"

enum { SHOWN_TICKETS = 100 };

static void set_day(const lk_round *round, lk_json *json, const char *key, lk_lang lang,
		    const char *text)
{
	lk_day day = {0};
	size_t used = 0;
	g_autofree char *shown = NULL;

	if (text && lk_day_read(text, day, &day, &used))
		shown = lk_when_day(round->policy, lang,
				    lk_day_start(round->policy->timezone, day));
	lk_json_set_text(json, key, shown);
}

static lk_json *ticket_json(const lk_round *round, const lk_rows *rows, size_t row, lk_lang lang)
{
	lk_json *one = lk_json_object();
	g_autofree char *reference = lk_reference(round->policy, lk_row_int(rows, row, "id"));
	g_autofree char *due = lk_when(round->policy, lang, lk_row_time(rows, row, "due_at"));

	lk_json_set_text(one, "reference", reference);
	lk_json_set_text(one, "title", lk_row_text(rows, row, "title"));
	lk_json_set_text(one, "queue", lk_row_text(rows, row, "queue"));
	lk_json_set_text(one, "requester", lk_row_text(rows, row, "requester"));
	lk_json_set_text(one, "status_shown",
			 lk_term_status(lk_row_text(rows, row, "status"), lang));
	lk_json_set_text(one, "priority_shown",
			 lk_term_priority(lk_row_text(rows, row, "priority"), lang));
	lk_json_set_text(one, "due", due);
	return one;
}

/* Those of queues that the deputy does not see are a number alone. */
static lk_json *variables_of(const lk_round *round, const lk_rows *absence, const lk_rows *rows,
			     lk_lang lang)
{
	static const char *const subjects[LK_N_LANGS] = {[LK_LANG_FI] = "Sijaisuutesi alkaa",
							 [LK_LANG_SV] = "Du vikarierar från i dag",
							 [LK_LANG_EN] = "You stand in from today"};
	lk_json *json = lk_json_object();
	lk_json *tickets = lk_json_array();
	const char *address = lk_row_text(absence, 0, "agent");
	const lk_agent *agent = lk_policy_agent(round->policy, address);
	int64_t hidden = 0;

	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		if (lk_row_bool(rows, row, "is_seen"))
			lk_json_push(tickets, ticket_json(round, rows, row, lang));
		else
			hidden++;
	}
	lk_json_set_text(json, "subject", subjects[lang]);
	lk_json_set_text(json, "agent", agent && agent->name ? agent->name : address);
	set_day(round, json, "first", lang, lk_row_text(absence, 0, "first_day"));
	set_day(round, json, "last", lang, lk_row_text(absence, 0, "last_day"));
	lk_json_set_bool(json, "has_tickets", lk_json_size(tickets) > 0);
	lk_json_take(json, "tickets", tickets);
	if (hidden > 0)
		lk_json_set_int(json, "hidden", hidden);
	return json;
}

static const lk_queue *queue_of(const lk_policy *policy, const lk_agent *agent)
{
	for (unsigned i = 0; i < policy->queues->len; i++)
		if (lk_agent_serves(policy, agent, g_ptr_array_index(policy->queues, i)))
			return g_ptr_array_index(policy->queues, i);
	return g_ptr_array_index(policy->queues, 0);
}

static bool send_list(lk_round *round, const lk_rows *absence, const lk_agent *deputy,
		      GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GPtrArray) queues = lk_sight_queues(round->policy, deputy);
	lk_lang lang = round->policy->language;
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;

	if (deputy->languages->len > 0)
		lk_lang_parse(g_ptr_array_index(deputy->languages, 0), &lang);
	lk_param_text(params, lk_row_text(absence, 0, "agent"));
	lk_param_texts(params, queues);
	lk_param_time(params, round->now);
	lk_param_int(params, SHOWN_TICKETS);
	if (!lk_db_run(round->db, LK_Q_TIMER_LEFT_OPEN, params, &rows, error))
		return false;
	g_autoptr(lk_json) variables = variables_of(round, absence, rows, lang);
	lk_outbox_mail mail = {.template_name = "hand-over",
			       .purpose = LK_PURPOSE_AGENT,
			       .queue = queue_of(round->policy, deputy),
			       .language = lang,
			       .recipient = deputy->address,
			       .recipient_name = deputy->name,
			       .rank = LK_RANK_REMINDER,
			       .is_bulk = true,
			       .reason = "the deputy of an agent who is away from today",
			       .variables = variables};
	return lk_outbox_add(round->db, round->policy, round->now, &mail, &verdict, &outbox, error);
}

bool lk_job_hand_over(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) absence = NULL;
	const lk_agent *deputy = NULL;
	int64_t id = 0;

	(void)end;
	if (!lk_parse_int(job->key, 1, INT64_MAX, &id, error))
		return false;
	lk_param_int(params, id);
	if (!lk_db_run(round->db, LK_Q_TIMER_ABSENCE, params, &absence, error))
		return false;
	if (lk_rows_count(absence) > 0)
		deputy = lk_policy_agent(round->policy, lk_row_text(absence, 0, "deputy"));
	/* Taken back meanwhile, or the deputy has left. */
	return !deputy || send_list(round, absence, deputy, error);
}
