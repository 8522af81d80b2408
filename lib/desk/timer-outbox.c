/* What the team hears of mails out: those that did not arrive, and those that the breaker holds. */
#include "lib/desk/timer-private.h"

#include "lib/base/json.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/authority.h"
#include "lib/desk/outbox.h"
#include "lib/desk/term.h"

#include <string.h>

/* While it goes on, so often. */
static const int64_t digest_every_s = 3600;

/* --- a mail to a customer that did not arrive ---------------------------------------------------
 */

static bool tell_failure(lk_round *round, const lk_job *job, const lk_rows *rows, int64_t outbox,
			 GError **error)
{
	const char *owner = lk_job_text(job, "owner");
	g_autoptr(GPtrArray) people = NULL;
	lk_json *detail = NULL;
	lk_alarm_line line = {.kind = LK_ALARM_FAILED,
			      .ticket = job->ticket,
			      .queue = job->queue,
			      .subject = lk_job_text(job, "subject"),
			      .priority = lk_job_text(job, "priority"),
			      .owner = owner,
			      .why = "is_failed",
			      .at = job->due_at,
			      .recipient = lk_row_text(rows, 0, "recipient"),
			      .failure = lk_row_text(rows, 0, "reason")};

	if (lk_owner_of(round->policy, owner, job->queue)) {
		people = g_ptr_array_new();
		g_ptr_array_add(people, (gpointer)owner);
	} else {
		people = lk_alarm_managers(round, job->queue);
	}
	if (!lk_alarm_tell(round, &line, people, NULL, error))
		return false;
	detail = lk_json_object();
	lk_json_set_int(detail, "outbox", outbox);
	return lk_job_tell(round, job, "failure_told",
			   "the team is told that a mail to the customer did not arrive", detail,
			   error);
}

bool lk_job_delivery_failed(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	int64_t outbox = 0;

	if (!job->queue || !job->tickets || !lk_parse_int(job->key, 1, INT64_MAX, &outbox, NULL))
		return true;
	lk_param_int(params, outbox);
	lk_param_int(params, job->ticket);
	if (!lk_db_run(round->db, LK_Q_TIMER_FAILURE, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0 || lk_row_bool(rows, 0, "was_told") ||
	    strcmp(lk_row_text(rows, 0, "state"), "failed") != 0 ||
	    lk_row_bool(job->tickets, job->row, "is_machine"))
		return true;
	return tell_failure(round, job, rows, outbox, error);
}

/* --- the breaker ---------------------------------------------------------------------------------
 */

static lk_time since_of(const lk_job *job)
{
	g_autoptr(lk_json) detail = NULL;
	const char *text = NULL;
	lk_time at = 0;

	if (!lk_json_parse(job->detail, strlen(job->detail), &detail, NULL))
		return job->due_at;
	text = lk_json_get_text(detail, "since");
	return text && lk_time_parse(text, &at) ? at : job->due_at - digest_every_s * LK_SECOND;
}

static void add_person(GPtrArray *people, const char *address)
{
	if (!g_ptr_array_find_with_equal_func(people, address, g_str_equal, NULL))
		g_ptr_array_add(people, (gpointer)address);
}

/* The admins, and the managers of the queues whose mail is held. */
static GPtrArray *people_of(const lk_round *round, const lk_rows *rows)
{
	GPtrArray *people = g_ptr_array_new();

	for (unsigned i = 0; i < round->policy->admins->len; i++)
		add_person(people, g_ptr_array_index(round->policy->admins, i));
	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		const lk_queue *queue =
			lk_policy_queue(round->policy, lk_row_text(rows, row, "queue"));
		for (unsigned i = 0; queue && i < queue->managers->len; i++)
			add_person(people, g_ptr_array_index(queue->managers, i));
	}
	return people;
}

static lk_json *variables_of(const lk_round *round, const lk_rows *rows, lk_lang lang)
{
	lk_json *json = lk_json_object();
	lk_json *lines = lk_json_array();

	lk_json_set_int(json, "total", lk_row_int(rows, 0, "total"));
	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		lk_json *one = lk_json_object();
		int64_t ticket = lk_row_int(rows, row, "ticket");
		g_autofree char *reference = ticket ? lk_reference(round->policy, ticket) : NULL;
		g_autofree char *reason = lk_term_reason(lk_row_text(rows, row, "reason"), lang);

		lk_json_set_int(one, "n", lk_row_int(rows, row, "n"));
		lk_json_set_int(one, "people", lk_row_int(rows, row, "people"));
		lk_json_set_text(one, "template",
				 lk_term_template(lk_row_text(rows, row, "template"), lang));
		lk_json_set_text(one, "domain", lk_row_text(rows, row, "domain"));
		lk_json_set_text(one, "reference", reference);
		lk_json_set_text(one, "reason", reason);
		lk_json_push(lines, one);
	}
	lk_json_take(json, "held", lines);
	return json;
}

static bool send_digest(lk_round *round, const lk_rows *rows, GError **error)
{
	static const char *const subjects[LK_N_LANGS] = {
		[LK_LANG_FI] = "Viestejä pidätettiin: mahdollinen silmukka",
		[LK_LANG_SV] = "Meddelanden hölls kvar: kanske en slinga",
		[LK_LANG_EN] = "Mails were held: perhaps a loop"};
	const lk_queue *queue = lk_policy_queue(round->policy, lk_row_text(rows, 0, "queue"));
	g_autoptr(GPtrArray) people = people_of(round, rows);

	if (!queue)
		queue = g_ptr_array_index(round->policy->queues, 0);
	for (unsigned i = 0; i < people->len; i++) {
		const char *address = g_ptr_array_index(people, i);
		const lk_agent *agent = lk_policy_agent(round->policy, address);
		lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
		int64_t outbox = 0;
		lk_lang lang = round->policy->language;
		g_autoptr(lk_json) variables = NULL;

		if (!lk_address_is_sane(address))
			continue;
		if (agent && agent->languages->len > 0)
			lk_lang_parse(g_ptr_array_index(agent->languages, 0), &lang);
		variables = variables_of(round, rows, lang);
		lk_json_set_text(variables, "subject", subjects[lang]);
		lk_outbox_mail mail = {.template_name = LK_TIMER_BREAKER_DIGEST,
				       .purpose = LK_PURPOSE_AGENT,
				       .queue = queue,
				       .language = lang,
				       .recipient = address,
				       .recipient_name = agent ? agent->name : NULL,
				       .rank = LK_RANK_ACKNOWLEDGEMENT,
				       .is_bulk = true,
				       .reason = "the breaker holds mails",
				       .variables = variables};
		if (!lk_outbox_add(round->db, round->policy, round->now, &mail, &verdict, &outbox,
				   error))
			return false;
	}
	return true;
}

bool lk_job_breaker_digest(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(lk_json) detail = lk_json_object();
	g_autofree char *since = lk_time_format(round->now);

	lk_param_time(params, since_of(job));
	if (!lk_db_run(round->db, LK_Q_TIMER_HELD, params, &rows, error))
		return false;
	/* Nothing new within the hour: it has resumed by itself. */
	if (lk_rows_count(rows) == 0)
		return true;
	lk_json_set_text(detail, "since", since);
	end->again_at = round->now + digest_every_s * LK_SECOND;
	end->detail = lk_json_dump(detail, false);
	return send_digest(round, rows, error);
}
