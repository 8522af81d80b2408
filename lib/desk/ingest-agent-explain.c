/* What explain says of an agent's mail, and what trace tells of it afterwards. */
#include "lib/desk/ingest-agent-private.h"

#include "lib/base/text.h"
#include "lib/desk/intake.h"

#include <string.h>

/* --- what becomes of it, in place of the plan --------------------------------------------------
 */

static char *reason_of(const lk_agent_mail *m, lk_agent_fate what)
{
	switch (what) {
	case LK_FATE_LINK:
		return g_strdup("an action link");
	case LK_FATE_REFUSED:
		return g_strdup_printf("not run and not sent on: %s", m->decision.reason);
	case LK_FATE_KEPT:
		return g_strdup("an agent's mail without new words");
	case LK_FATE_HELD:
		return g_strdup_printf("held for 24 hours until its writer confirms it: %s",
				       m->decision.reason);
	default:
		return g_strdup(m->commands->problems->len > 0
					? "a line was wrong, and none was run"
					: "an agent's mail");
	}
}

void lk_agent_mail_settle(lk_agent_mail *m, lk_agent_fate what)
{
	lk_work *work = m->work;
	lk_plan *plan = &work->plan;
	bool is_unseen = what == LK_FATE_REFUSED && m->sight == LK_SIGHT_NONE;
	int64_t ticket = what == LK_FATE_LINK || is_unseen ? 0 : work->thread.ticket;
	g_autofree char *reason = reason_of(m, what);

	lk_work_settle(work, ticket ? LK_OUTCOME_TICKET : LK_OUTCOME_CONTROL, NULL, reason);
	work->route.ruleless = LK_RULELESS_AGENT;
	plan->ticket = ticket;
	plan->evidence = work->thread.evidence;
	plan->writer = lk_agent_mail_writer(m);
	plan->is_note = ticket != 0;
	g_free(plan->acknowledge_reason);
	plan->acknowledge_reason = g_strdup("an agent's lines are answered by a receipt");
	lk_work_explain(work);
}

/* --- the mails of its lines --------------------------------------------------------------------
 */

static void add(const lk_agent_mail *m, const char *to, const char *template_name,
		const char *reason)
{
	lk_explain_mail(m->work->explain, to, template_name, reason);
}

/* The agent's words: to everybody of the ticket who has not got them by reply-all. */
static bool add_people(const lk_agent_mail *m, const char *template_name, GError **error)
{
	g_autoptr(GPtrArray) reached = lk_agent_mail_reached(m);
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, m->work->thread.ticket);
	if (!lk_db_run(m->work->db, LK_Q_COMMAND_PARTICIPANTS, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		const char *address = lk_row_text(rows, i, "address");
		g_autofree char *folded = lk_address_fold(address);

		if (lk_address_is_sane(address) &&
		    !g_ptr_array_find_with_equal_func(reached, folded, g_str_equal, NULL))
			add(m, address, template_name, "an agent's answer");
	}
	return true;
}

/* The desk's own words go to the requester alone, and not to everyone. */
static void add_requester(const lk_agent_mail *m, const char *template_name, const char *reason)
{
	const lk_rows *now = m->work->ticket_now;

	if (m->requester && lk_address_is_sane(m->requester) && now && lk_rows_count(now) > 0 &&
	    !lk_row_bool(now, 0, "is_machine") && !lk_row_bool(now, 0, "is_unheard"))
		add(m, m->requester, template_name, reason);
}

static void add_asked(const lk_agent_mail *m, const char *word)
{
	const lk_agent *agent = lk_agent_named(m->work->policy, word);
	g_autofree char *folded = lk_address_fold(word);

	add(m, agent ? agent->address : folded, "consult", "an agent asks them");
}

static void add_supplier(const lk_agent_mail *m, const char *word)
{
	const lk_policy *policy = m->work->policy;
	const lk_supplier *supplier = lk_policy_supplier(policy, word);

	if (!supplier)
		supplier = lk_policy_supplier_by_address(policy, word);
	if (supplier && supplier->addresses->len > 0)
		add(m, g_ptr_array_index(supplier->addresses, 0), "supplier",
		    "an agent wrote to them");
}

/* The new team, and the customer. */
static bool add_transfer(const lk_agent_mail *m, const char *word, GError **error)
{
	const lk_work *work = m->work;
	const lk_queue *to = lk_policy_queue(work->policy, word);
	g_autoptr(GPtrArray) agents = NULL;

	if (!to)
		to = lk_policy_queue_by_address(work->policy, word);
	if (!to || to == m->queue)
		return true;
	const lk_notice notice = {.kind = LK_NOTICE_TRANSFERRED,
				  .ticket = work->thread.ticket,
				  .queue = to,
				  .notify = to->notify,
				  .doer = m->agent->address};
	if (!lk_notice_find(work->db, work->policy, work->now, &notice, &agents, error))
		return false;
	for (unsigned i = 0; i < agents->len; i++)
		add(m, ((const lk_agent *)g_ptr_array_index(agents, i))->address, "notice",
		    "the ticket is moved to this queue");
	if (to->tell_on_transfer)
		add_requester(m, "transfer", "the ticket is moved to another queue");
	return true;
}

static bool add_resolution(const lk_agent_mail *m, const lk_command *command, GError **error)
{
	if (command->is_silent)
		return true;
	if (*m->commands->text || m->has_files)
		return add_people(m, "resolution", error);
	add_requester(m, "resolution", "the ticket is resolved");
	return true;
}

static bool add_command(const lk_agent_mail *m, const lk_command *command, GError **error)
{
	/* Lines about other tickets are told of by their receipt. */
	if (command->tickets->len > 0 || !m->work->thread.ticket || !m->queue)
		return true;
	switch (command->kind) {
	case LK_COMMAND_ASK:
		add_asked(m, command->text);
		return true;
	case LK_COMMAND_SUPPLIER:
		add_supplier(m, command->text);
		return true;
	case LK_COMMAND_QUEUE:
		return add_transfer(m, command->text, error);
	case LK_COMMAND_RESOLVE:
		return add_resolution(m, command, error);
	case LK_COMMAND_WAIT:
		if (command->wait != LK_WAIT_CUSTOMER && m->queue->tell_on_wait)
			add_requester(m, "waiting", "the ticket waits for others");
		return true;
	default:
		return true;
	}
}

/* Words of its own, and no line that they belong to: an answer, where they do not stay inside. */
static bool is_answer(const lk_agent_mail *m)
{
	return m->work->thread.ticket && (*m->commands->text || m->has_files) &&
	       !lk_commands_text_owner(m->commands) && !lk_agent_mail_is_inside(m) &&
	       lk_agent_serves(m->work->policy, m->agent, m->queue);
}

/* Who answers first takes what nobody has. */
static bool add_reply(const lk_agent_mail *m, GError **error)
{
	const lk_rows *now = m->work->ticket_now;

	if (now && lk_rows_count(now) > 0 && lk_row_is_null(now, 0, "owner"))
		lk_json_set_text(m->work->explain, "owner", m->agent->address);
	return add_people(m, "reply", error);
}

/* Has a colleague answered since what it answers? Then it waits for its writer. */
static bool find_stale(lk_agent_mail *m, bool *ret_is_stale, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_time at = LK_TIME_NONE;

	*ret_is_stale = false;
	if (!is_answer(m) || !m->queue || !m->queue->hold_stale_replies)
		return true;
	if (!lk_agent_mail_answered_at(m, &at, error))
		return false;
	if (at == LK_TIME_NONE)
		return true;
	lk_param_int(params, m->work->thread.ticket);
	lk_param_time(params, at);
	lk_param_text(params, m->agent->address);
	if (!lk_db_run(m->work->db, LK_Q_COMMAND_NEWER, params, &rows, error))
		return false;
	*ret_is_stale = !lk_row_is_null(rows, 0, "colleague");
	return true;
}

/* Words that go by no line of their own, to a ticket of which the agent sees too little for any? */
static bool is_out_of_reach(const lk_agent_mail *m)
{
	return m->work->thread.ticket && (*m->commands->text || m->has_files) &&
	       (m->is_made_note || !lk_commands_text_owner(m->commands)) &&
	       !lk_execute_takes_words(m->sight);
}

static bool explain_run(lk_agent_mail *m, GError **error)
{
	const GPtrArray *commands = m->commands->commands;
	bool is_stale = false;

	if (lk_agent_mail_has_text(m))
		lk_agent_mail_make_note(m);
	if (m->commands->problems->len > 0 || is_out_of_reach(m)) {
		add(m, m->agent->address, "command-error", "a line was wrong, and none was run");
		return true;
	}
	if (!find_stale(m, &is_stale, error))
		return false;
	if (is_stale) {
		add(m, m->agent->address, "held", "somebody wrote after the mail that it answers");
		return true;
	}
	if (commands->len > 0)
		add(m, m->agent->address, "receipt",
		    "the commands were run; where something stands against one of them, "
		    "command-error");
	for (unsigned i = 0; i < commands->len; i++)
		if (!add_command(m, g_ptr_array_index(commands, i), error))
			return false;
	return !is_answer(m) || add_reply(m, error);
}

/* --- its lines ---------------------------------------------------------------------------------
 */

static const char *result_of(const lk_agent_mail *m, lk_agent_fate what)
{
	if (what == LK_FATE_RUN && m->decision.authority == LK_AUTHORITY_HELD)
		return "needs no proof: it only answers to the address on file";
	return lk_authority_name(m->decision.authority);
}

/* As they were read, and what would become of them. */
static lk_json *lines(const lk_agent_mail *m, lk_agent_fate what)
{
	lk_json *list = lk_json_array();

	for (unsigned i = 0; i < m->commands->commands->len; i++) {
		const lk_command *command = g_ptr_array_index(m->commands->commands, i);
		lk_json *one = lk_json_object();
		lk_json_set_text(one, "line", command->line);
		lk_json_set_text(one, "result", result_of(m, what));
		lk_json_push(list, one);
	}
	for (unsigned i = 0; i < m->commands->problems->len; i++) {
		const lk_problem *problem = g_ptr_array_index(m->commands->problems, i);
		g_autofree char *words = lk_problem_words(problem, LK_LANG_EN);
		lk_json *one = lk_json_object();
		lk_json_set_text(one, "line", problem->line);
		lk_json_set_text(one, "result", words);
		lk_json_push(list, one);
	}
	return list;
}

bool lk_agent_mail_explain(lk_agent_mail *m, lk_agent_fate what, bool *ret_done, GError **error)
{
	lk_json *explain = m->work->explain;

	lk_json_take(explain, "commands", lines(m, what));
	lk_json_set_text(explain, "authority", lk_authority_name(m->decision.authority));
	lk_json_set_text(explain, "authority_reason", m->decision.reason);
	*ret_done = what != LK_FATE_ANYBODYS && what != LK_FATE_CONSULTED && what != LK_FATE_OPEN;
	switch (what) {
	case LK_FATE_REFUSED:
		add(m, m->agent->address, "refused", m->decision.reason);
		return true;
	case LK_FATE_HELD:
		add(m, m->agent->address, "held", m->decision.reason);
		return true;
	case LK_FATE_LINK:
		add(m, m->agent->address, "receipt",
		    "what the link says was done; where it is over or was used, refused");
		return true;
	case LK_FATE_RUN:
	case LK_FATE_OPEN:
		return explain_run(m, error);
	case LK_FATE_ANYBODYS:
	case LK_FATE_CONSULTED:
	case LK_FATE_KEPT:
		break;
	}
	return true;
}
