/* Words of suppliers and of those who were asked: notes that end a wait or a question. */
#include "lib/desk/intake.h"

#include "lib/base/pattern.h"
#include "lib/base/text.h"
#include "lib/desk/authority.h"

#include <string.h>

enum { MAX_REFERENCES = 10, MAX_REFERENCE = 100 };

/* --- the supplier's own references ------------------------------------------------------------ */

static void add_reference(lk_work *work, const char *found)
{
	g_autofree char *one = lk_text_squeeze(found);

	if (!*one || strlen(one) > MAX_REFERENCE)
		return;
	g_autofree char *named = g_strdup_printf("%s %s", work->supplier->name, one);
	if (!g_ptr_array_find_with_equal_func(work->supplier_references, named, g_str_equal, NULL))
		g_ptr_array_add(work->supplier_references, g_steal_pointer(&named));
}

/* Each place where the pattern holds: what it found is taken out before it looks again. */
static void find_references(lk_work *work, lk_pattern *pattern, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	g_autofree char *rest = g_strndup(text ? text : "", MIN(n, LK_PATTERN_BYTES));

	while (work->supplier_references->len < MAX_REFERENCES &&
	       lk_pattern_match(pattern, rest, strlen(rest)) == LK_MATCH_YES) {
		g_autofree char *found = lk_pattern_group(pattern, 0);
		char *at = found && *found ? strstr(rest, found) : NULL;
		if (!at)
			return;
		add_reference(work, found);
		memset(at, ' ', strlen(found));
	}
}

void lk_work_read_supplier(lk_work *work)
{
	g_autoptr(lk_pattern) pattern = NULL;

	if (!work->from || lk_policy_agent(work->policy, work->from) ||
	    lk_policy_is_own_address(work->policy, work->from) || lk_mail_fails_dmarc(work->mail))
		return;
	work->supplier = lk_policy_supplier_by_address(work->policy, work->from);
	/* The configuration was checked: a pattern that cannot be compiled finds nothing. */
	if (!work->supplier || !work->supplier->reference ||
	    !lk_pattern_new_slashed(work->supplier->reference, LK_PATTERN_ONCE, &pattern, NULL))
		return;
	find_references(work, pattern, work->mail->subject);
	find_references(work, pattern, work->mail->reply_text);
}

/* Their first automatic answer names it as a rule. */
static bool record_references(lk_work *work, int64_t ticket, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	bool is_theirs = work->plan.writer == LK_WRITER_SUPPLIER ||
			 (work->plan.writer == LK_WRITER_MACHINE && work->plan.is_note);

	if (!is_theirs || !work->supplier || work->supplier_references->len == 0)
		return true;
	lk_param_int(params, ticket);
	lk_param_texts(params, work->supplier_references);
	if (!lk_db_run(work->db, LK_Q_INGEST_SUPPLIER_REFERENCE, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	g_autoptr(lk_json) detail = lk_json_object();
	lk_json *list = lk_json_array();
	for (unsigned i = 0; i < work->supplier_references->len; i++)
		lk_json_push_text(list, g_ptr_array_index(work->supplier_references, i));
	lk_json_take(detail, "references", list);
	lk_event event = {.ticket = ticket,
			  .at = work->at,
			  .actor = work->actor,
			  .event = "supplier_reference",
			  .reason = "later mails of the supplier that name it join the ticket",
			  .detail = detail};
	return lk_event_add(work->db, &event, error);
}

/* --- questions -------------------------------------------------------------------------------- */

/* Who asked hears of the answer, whoever owns the ticket, as long as they see it. */
static void add_asker(const lk_work *work, lk_work_team *team, const char *actor)
{
	const char *address = g_str_has_prefix(actor, "agent:") ? actor + strlen("agent:") : NULL;
	const lk_agent *agent = address ? lk_policy_agent(work->policy, address) : NULL;

	if (!agent || lk_sight_of(work->policy, agent, team->notice.queue->name, NULL, false) ==
			      LK_SIGHT_NONE)
		return;
	if (!g_ptr_array_find(team->agents, agent, NULL))
		g_ptr_array_add(team->agents, (void *)agent);
}

/* Who answers, as who was asked is kept. Caller frees. */
static char *asked(const lk_work *work)
{
	const lk_agent *agent = lk_policy_agent(work->policy, work->from);

	return lk_address_fold(agent ? agent->address : work->from);
}

static bool is_answer(const lk_work *work)
{
	return work->plan.writer == LK_WRITER_CONSULTED && work->mail->kind == LK_KIND_NORMAL &&
	       work->from;
}

bool lk_work_add_askers(const lk_work *work, lk_work_team *team, GError **error)
{
	g_autofree char *address = NULL;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	if (!is_answer(work))
		return true;
	address = asked(work);
	lk_param_int(params, work->plan.ticket);
	lk_param_text(params, address);
	if (!lk_db_run(work->db, LK_Q_INGEST_ASKERS, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++)
		add_asker(work, team, lk_row_text(rows, i, "asked_by"));
	return true;
}

static bool end_questions(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	g_autofree char *address = asked(work);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, ticket);
	lk_param_text(params, address);
	lk_param_time(params, work->at);
	if (!lk_db_run(work->db, LK_Q_INGEST_ANSWERED, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	lk_event event = {.ticket = ticket,
			  .at = work->at,
			  .actor = work->actor,
			  .event = "question_answered",
			  .message = message,
			  .reason = "the question is over; who answered sees the ticket no more"};
	return lk_event_add(work->db, &event, error);
}

bool lk_work_inside(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	if (!work->from)
		return true;
	if (is_answer(work) && !end_questions(work, ticket, message, error))
		return false;
	return record_references(work, ticket, error);
}
