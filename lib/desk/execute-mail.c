/* What commands say to people: answers, resolutions, words to suppliers and colleagues. */
#include "lib/desk/execute-private.h"

#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/timer.h"

#include <string.h>

static const char *agent_name(const lk_run *run)
{
	return run->how->agent ? run->how->agent->name : NULL;
}

bool lk_run_needs_queue(const lk_run *run)
{
	const lk_command *c = run->command;

	return !c || c->kind == LK_COMMAND_ASK || c->kind == LK_COMMAND_SUPPLIER ||
	       (c->kind == LK_COMMAND_RESOLVE && !c->is_silent);
}

/* The mail was stored as a note; what goes to the customer is a message out. */
static bool set_direction(lk_run *run, const char *direction, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	bool is_manager = run->how->agent && run->queue &&
			  lk_agent_manages(run->policy, run->how->agent, run->queue);

	lk_param_int(params, run->how->message);
	lk_param_text(params, direction);
	lk_param_text(params, run->filled.text);
	lk_param_text(params, lk_writer_name(is_manager ? LK_WRITER_MANAGER : LK_WRITER_AGENT));
	return lk_db_run(run->db, LK_Q_COMMAND_DIRECTION, params, NULL, error);
}

bool lk_run_message(lk_run *run, const char *direction, const char *text, int64_t *ret_message,
		    GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	const char *subject = lk_run_text(run, "subject");

	if (run->how->message && run->ticket == run->how->ticket) {
		*ret_message = run->how->message;
		return set_direction(run, direction, error);
	}
	lk_param_int(params, run->ticket);
	lk_param_text(params, direction);
	lk_param_text(params, "agent");
	lk_param_text(params, agent_name(run));
	lk_param_text(params, run->how->agent ? run->how->agent->address : NULL);
	lk_param_text(params, "[]");
	lk_param_text(params, subject);
	lk_param_time(params, run->how->now);
	lk_param_text(params, text);
	lk_param_text(params, lk_lang_code(lk_run_language(run)));
	if (!lk_db_run(run->db, LK_Q_COMMAND_MESSAGE, params, &rows, error))
		return false;
	*ret_message = lk_row_int(rows, 0, "id");
	return true;
}

bool lk_run_post(lk_run *run, const lk_outbox_mail *mail, GError **error)
{
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;
	lk_sight sight = LK_SIGHT_NONE;

	if (!lk_outbox_add(run->db, run->policy, run->how->now, mail, &verdict, &outbox, error) ||
	    !lk_run_sight(run, mail->ticket, &sight, error))
		return false;
	if (sight != LK_SIGHT_NONE) {
		lk_json *shown = lk_json_object();
		lk_json_set_text(shown, "template", mail->template_name);
		lk_json_set_text(shown, "to", mail->recipient);
		lk_json_set_bool(shown, "is_sent", verdict == LK_OUTBOX_QUEUED);
		lk_json_push(lk_json_get(run->receipt->json, "mails"), shown);
	}
	lk_json_set_int(lk_run_step(run, "mail"), "outbox", outbox);
	return true;
}

/* The variables that every mail about a ticket has. */
static lk_json *variables_of(const lk_run *run, lk_json *more)
{
	lk_json *variables = more ? more : lk_json_object();
	g_autofree char *reference = lk_reference(run->policy, run->ticket);

	lk_json_set_text(variables, "reference", reference);
	lk_json_set_text(variables, "subject", lk_run_text(run, "subject"));
	return variables;
}

/* Who has the mail already by the agent's reply-all. */
static bool is_reached(const lk_run *run, const char *address)
{
	g_autofree char *folded = lk_address_fold(address);

	for (unsigned i = 0; i < run->how->n_reached; i++)
		if (strcmp(run->how->reached[i], folded) == 0)
			return true;
	return false;
}

/* The people of a ticket as To and Cc show them. Strings are borrowed from rows. */
typedef struct {
	lk_rows *rows;
	GArray *to; /* lk_outbox_person */
	GArray *cc;
} people;

static void people_clear(people *p)
{
	g_clear_pointer(&p->rows, lk_rows_free);
	g_clear_pointer(&p->to, g_array_unref);
	g_clear_pointer(&p->cc, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(people, people_clear)

static bool read_people(lk_run *run, people *ret, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	ret->to = g_array_new(FALSE, FALSE, sizeof(lk_outbox_person));
	ret->cc = g_array_new(FALSE, FALSE, sizeof(lk_outbox_person));
	lk_param_int(params, run->ticket);
	if (!lk_db_run(run->db, LK_Q_COMMAND_PARTICIPANTS, params, &ret->rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(ret->rows); i++) {
		lk_outbox_person one = {lk_row_text(ret->rows, i, "name"),
					lk_row_text(ret->rows, i, "address")};
		bool is_to = strcmp(lk_row_text(ret->rows, i, "role"), "requester") == 0;

		if (lk_address_is_sane(one.address))
			g_array_append_val(is_to ? ret->to : ret->cc, one);
	}
	return true;
}

static bool post_to(lk_run *run, lk_outbox_mail *mail, const GArray *list, GError **error)
{
	for (unsigned i = 0; i < list->len; i++) {
		const lk_outbox_person *person = &g_array_index(list, lk_outbox_person, i);

		if (is_reached(run, person->address))
			continue;
		mail->recipient = person->address;
		mail->recipient_name = person->name;
		if (!lk_run_post(run, mail, error))
			return false;
	}
	return true;
}

/*
 * Template "reply" (and "resolution"): variables reference, subject, text, agent_name; the files of
 * the message go along, and it is the message out that the ticket shows.
 */
bool lk_run_tell_people(lk_run *run, const char *template_name, const char *text, int64_t message,
			lk_json *more, const char *reason, GError **error)
{
	g_auto(people) p = {0};
	g_autoptr(lk_json) variables = variables_of(run, more);

	if (!run->queue || !read_people(run, &p, error))
		return run->queue == NULL;
	lk_json_set_text(variables, "text", text);
	lk_json_set_text(variables, "agent_name", agent_name(run));
	if (p.to->len + p.cc->len == 0) {
		g_autofree char *reference = lk_reference(run->policy, run->ticket);
		return lk_run_problem(run, LK_PROBLEM_NO_CUSTOMER, reference, NULL);
	}
	lk_outbox_mail mail = {
		.ticket = run->ticket,
		.cause = run->how->message,
		.template_name = template_name,
		.purpose = LK_PURPOSE_CUSTOMER,
		.queue = run->queue,
		.language = lk_run_language(run),
		.rank = LK_RANK_ANSWER,
		.reason = reason,
		.variables = variables,
		.is_personal = true,
		.from_name = agent_name(run),
		.to = (const lk_outbox_person *)(void *)p.to->data,
		.n_to = p.to->len,
		.cc = (const lk_outbox_person *)(void *)p.cc->data,
		.n_cc = p.cc->len,
		.attach = message == run->how->message ? message : 0,
		.message = message,
	};
	lk_json_set_int(lk_run_step(run, "said"), "message", message);
	return post_to(run, &mail, p.to, error) && post_to(run, &mail, p.cc, error);
}

bool lk_run_tell_requester(lk_run *run, const char *template_name, lk_json *variables,
			   const char *reason, GError **error)
{
	g_autoptr(lk_json) all = variables_of(run, variables);
	const char *requester = lk_run_text(run, "requester");
	/* Who of a mailbox's backlog was never answered is not written to by the desk itself. */
	bool is_unheard = lk_row_bool(run->row, 0, "is_silent") &&
			  lk_row_is_null(run->row, 0, "first_response_at");

	if (!requester || !run->queue || lk_row_bool(run->row, 0, "is_machine") || is_unheard ||
	    !lk_address_is_sane(requester))
		return true;
	if (lk_row_bool(run->row, 0, "is_dmarc_failed"))
		return lk_run_event(
			run, "not_sent",
			"the mail that opened the ticket failed dmarc: nothing automatic "
			"goes to its address",
			NULL, error);
	lk_outbox_mail mail = {
		.ticket = run->ticket,
		.cause = run->how->message,
		.template_name = template_name,
		.purpose = LK_PURPOSE_CUSTOMER,
		.queue = run->queue,
		.language = lk_run_language(run),
		.recipient = requester,
		.recipient_name = lk_run_text(run, "requester_name"),
		.rank = LK_RANK_ACKNOWLEDGEMENT,
		.reason = reason,
		.variables = all,
	};
	return lk_run_post(run, &mail, error);
}

/* --- the agent's answer ----------------------------------------------------------------------- */

/* What came after what is answered: the customer's newest words, a colleague's newest answer. */
static bool is_stale(lk_run *run, bool by_colleague, bool *ret_is_stale, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	*ret_is_stale = false;
	if (run->how->is_confirmed || run->how->seen_at == LK_TIME_NONE || !run->how->agent)
		return true;
	lk_param_int(params, run->ticket);
	lk_param_time(params, run->how->seen_at);
	lk_param_text(params, run->how->agent->address);
	if (!lk_db_run(run->db, LK_Q_COMMAND_NEWER, params, &rows, error))
		return false;
	*ret_is_stale = !lk_row_is_null(rows, 0, by_colleague ? "colleague" : "customer");
	return true;
}

bool lk_run_is_stale(lk_run *run, bool *ret_is_stale, GError **error)
{
	return is_stale(run, false, ret_is_stale, error);
}

bool lk_run_responded(lk_run *run, int64_t message, GError **error)
{
	if (lk_run_text(run, "first_response_at"))
		return true;
	lk_run_step(run, "responded");
	return lk_ticket_responded(run->db, run->policy, run->ticket, run->how->now,
				   run->how->actor, message, error);
}

bool lk_run_reply(lk_run *run, GError **error)
{
	const char *text = run->commands->text;
	const lk_agent *agent = run->how->agent;
	bool is_late = false;
	bool is_ok = false;
	int64_t message = 0;

	/* A colleague who was asked answers the one who asked, not the customer. */
	if (agent && !lk_agent_serves(run->policy, agent, run->queue))
		return lk_run_note(run, error);
	if (run->queue && run->queue->hold_stale_replies && !is_stale(run, true, &is_late, error))
		return false;
	if (is_late)
		return lk_run_problem(run, LK_PROBLEM_STALE, "", NULL);
	if (!lk_run_move(run, LK_EVENT_REPLY, "an agent answered the customer", 0, &is_ok, error))
		return false;
	if (!is_ok)
		return true;
	if (!lk_run_message(run, "out", text, &message, error) ||
	    !lk_run_tell_people(run, "reply", text, message, NULL, "an agent's answer", error))
		return false;
	if (agent && !lk_run_text(run, "owner") &&
	    !lk_run_set_owner(run, agent, "answered the customer first", error))
		return false;
	return lk_run_responded(run, message, error) &&
	       lk_run_event(run, "answered", "an agent answered the customer", NULL, error);
}

/* --- inside ----------------------------------------------------------------------------------- */

/* The text of a command that may stand on its line or be the mail's. NULL: there is none. */
static const char *own_text(const lk_run *run)
{
	const lk_command *c = run->command;

	if (c && c->kind == LK_COMMAND_NOTE && c->text)
		return c->text;
	return *run->commands->text ? run->commands->text : NULL;
}

bool lk_run_note(lk_run *run, GError **error)
{
	const char *text = own_text(run);
	int64_t message = 0;
	bool is_inline = run->command && run->command->text;

	if (!text && !run->how->has_files)
		return lk_run_problem(run, LK_PROBLEM_NEEDS_TEXT, "note", NULL);
	/* A note on its line beside other words is a message of its own. */
	lk_execution alone = *run->how;
	const lk_execution *how = run->how;
	if (is_inline) {
		alone.message = 0;
		run->how = &alone;
	}
	bool done = lk_run_message(run, "note", text ? text : "", &message, error);
	run->how = how;
	return done && lk_run_event(run, "noted", "an agent wrote a note", NULL, error);
}

static bool param_ask(lk_run *run, const char *address, int64_t message, int64_t *ret_id,
		      GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, run->ticket);
	lk_param_text(params, address);
	lk_param_text(params, run->how->actor);
	lk_param_int(params, message);
	lk_param_time(params, run->how->now);
	if (!lk_db_run(run->db, LK_Q_COMMAND_ASK, params, &rows, error))
		return false;
	*ret_id = lk_row_int(rows, 0, "id");
	return true;
}

/* A mail of the text to somebody who is no customer: template "consult" or "supplier". */
static bool post_inside(lk_run *run, const char *template_name, lk_purpose purpose,
			const char *address, const char *name, int64_t message, GError **error)
{
	g_autoptr(lk_json) variables = variables_of(run, NULL);

	lk_json_set_text(variables, "text", run->commands->text);
	lk_json_set_text(variables, "agent_name", agent_name(run));
	lk_outbox_mail mail = {
		.ticket = run->ticket,
		.cause = run->how->message,
		.template_name = template_name,
		.purpose = purpose,
		.queue = run->queue,
		.language = lk_run_language(run),
		.recipient = address,
		.recipient_name = name,
		.rank = LK_RANK_ANSWER,
		.reason = "an agent wrote to them",
		.variables = variables,
		.is_personal = true,
		.from_name = agent_name(run),
		.attach = message == run->how->message ? message : 0,
		.message = message,
	};
	return lk_run_post(run, &mail, error);
}

bool lk_run_ask(lk_run *run, GError **error)
{
	const lk_agent *agent = lk_agent_named(run->policy, run->command->text);
	g_autofree char *folded = lk_address_fold(run->command->text);
	const char *address = agent ? agent->address : folded;
	int64_t message = 0;
	int64_t question = 0;
	bool is_ok = false;

	if (!*run->commands->text)
		return lk_run_problem(run, LK_PROBLEM_NEEDS_TEXT, "ask", NULL);
	if (!agent && !lk_address_is_sane(folded))
		return lk_run_problem(run, LK_PROBLEM_AGENT, run->command->text, NULL);
	if (!agent && lk_policy_is_own_address(run->policy, folded))
		return lk_run_problem(run, LK_PROBLEM_OWN_ADDRESS, folded, NULL);
	if (!lk_run_move(run, LK_EVENT_ASK, "an agent asked somebody", 0, &is_ok, error))
		return false;
	if (!is_ok || !run->queue)
		return true;
	if (!lk_run_message(run, "note", run->commands->text, &message, error) ||
	    !param_ask(run, address, message, &question, error))
		return false;
	lk_json_set_int(lk_run_step(run, "ask"), "question", question);
	lk_json *detail = lk_json_object();
	lk_json_set_text(detail, "asked", address);
	return post_inside(run, "consult", LK_PURPOSE_CONSULT, address, agent ? agent->name : NULL,
			   message, error) &&
	       lk_run_event(run, "asked", "an agent asked somebody; the answer comes as a note",
			    detail, error);
}

/* The supplier by name or address; *ret_near the nearest name. */
const lk_supplier *lk_run_find_supplier(const lk_run *run, const char *word, const char **ret_near)
{
	g_autofree char *folded = lk_command_fold(word);
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (unsigned i = 0; i < run->policy->suppliers->len; i++) {
		const lk_supplier *supplier = g_ptr_array_index(run->policy->suppliers, i);
		g_autofree char *name = lk_command_fold(supplier->name);
		if (strcmp(name, folded) == 0)
			return supplier;
		g_ptr_array_add(names, supplier->name);
	}
	*ret_near = lk_nearest_word(folded, (const char *const *)names->pdata, names->len);
	return strchr(word, '@') ? lk_policy_supplier_by_address(run->policy, word) : NULL;
}

static bool restart_reminders(lk_run *run, GError **error)
{
	lk_timer_row row = {.kind = LK_TIMER_SUPPLIER_REMINDER,
			    .ticket = run->ticket,
			    .status = lk_status_name(LK_STATUS_WAITING_SUPPLIER),
			    .due_at = run->how->now};

	return lk_timer_set(run->db, &row, error);
}

bool lk_run_supplier(lk_run *run, GError **error)
{
	const char *near = NULL;
	const lk_supplier *supplier = lk_run_find_supplier(run, run->command->text, &near);
	int64_t message = 0;
	bool is_ok = false;

	if (!supplier)
		return lk_run_problem(run, LK_PROBLEM_SUPPLIER, run->command->text, near);
	if (!*run->commands->text)
		return lk_run_problem(run, LK_PROBLEM_NEEDS_TEXT, "supplier", NULL);
	if (supplier->addresses->len == 0)
		return lk_run_problem(run, LK_PROBLEM_ADDRESS, supplier->name, NULL);
	if (!lk_run_move(run, LK_EVENT_SUPPLIER_MAIL, "an agent wrote to the supplier", 0, &is_ok,
			 error))
		return false;
	if (!is_ok || !run->queue)
		return true;
	/* Who is asked again while the ticket waits for them is reminded of that, from the first
	 * step. */
	if (lk_run_status(run) == LK_STATUS_WAITING_SUPPLIER && !restart_reminders(run, error))
		return false;
	lk_json *detail = lk_json_object();
	lk_json_set_text(detail, "supplier", supplier->name);
	return lk_run_message(run, "note", run->commands->text, &message, error) &&
	       lk_run_change_text(run, "supplier", supplier->name, error) &&
	       post_inside(run, "supplier", LK_PURPOSE_SUPPLIER,
			   g_ptr_array_index(supplier->addresses, 0), supplier->name, message,
			   error) &&
	       lk_run_event(run, "supplier_asked", "an agent wrote to the supplier", detail, error);
}
