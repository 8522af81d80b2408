/* What becomes of an agent's mail once it is known who wrote it. */
#include "lib/desk/ingest-agent-private.h"

#include "lib/base/text.h"
#include "lib/desk/absence.h"
#include "lib/desk/intake.h"
#include "lib/desk/outbox-private.h"
#include "lib/desk/when.h"

#include <string.h>

const lk_queue *lk_agent_mail_queue(const lk_agent_mail *m)
{
	return m->queue ? m->queue : m->work->route.queue;
}

static bool is_manager(const lk_agent_mail *m)
{
	return m->queue && lk_agent_manages(m->work->policy, m->agent, m->queue);
}

/* Who is not proven may be anybody; confirmed, it becomes the agent's. */
lk_writer lk_agent_mail_writer(const lk_agent_mail *m)
{
	return m->decision.authority != LK_AUTHORITY_PROVEN ? LK_WRITER_STRANGER
	       : is_manager(m)				    ? LK_WRITER_MANAGER
							    : LK_WRITER_AGENT;
}

/*
 * Stores the mail with the agent's own words alone as its new words. As a note: what goes to the
 * customer is made a message out when it is sent.
 */
bool lk_agent_mail_store(lk_agent_mail *m, int64_t ticket, const char *reason,
			 lk_ingest_result *result, GError **error)
{
	lk_work *work = m->work;
	const lk_mail *mail = work->mail;
	lk_mail words = *mail;
	bool is_on = ticket != 0;

	words.reply_text = m->commands->text;
	work->plan.writer = lk_agent_mail_writer(m);
	work->plan.ticket = ticket;
	work->plan.evidence = work->thread.evidence;
	work->plan.is_note = is_on;
	work->plan.moves = false;
	work->mail = &words;
	bool done =
		lk_work_store(work, is_on ? LK_OUTCOME_TICKET : LK_OUTCOME_CONTROL, reason, NULL,
			      ticket, ticket ? ticket : work->thread.ticket, result, error);
	work->mail = mail;
	return done;
}

/* A mail to the agent's address on file, whatever address the agent wrote from. */
bool lk_agent_mail_tell(lk_agent_mail *m, const char *template_name, int64_t ticket, int64_t cause,
			lk_json *variables, const char *reason, GError **error)
{
	lk_work *work = m->work;
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;
	g_autofree char *reference = ticket ? lk_reference(work->policy, ticket) : NULL;

	if (reference)
		lk_json_set_text(variables, "reference", reference);
	lk_json_set_text(variables, "subject", work->mail->subject);
	lk_outbox_mail mail = {.ticket = ticket,
			       .cause = cause,
			       .template_name = template_name,
			       .purpose = LK_PURPOSE_AGENT,
			       .queue = lk_agent_mail_queue(m),
			       .language = m->language,
			       .recipient = m->agent->address,
			       .recipient_name = m->agent->name,
			       .rank = LK_RANK_ANSWER,
			       .reason = reason,
			       .variables = variables,
			       .is_receipt = m->decision.authority == LK_AUTHORITY_PROVEN};
	return lk_outbox_add(work->db, work->policy, work->now, &mail, &verdict, &outbox, error);
}

bool lk_agent_mail_keep(lk_agent_mail *m, int64_t ticket, const char *reason,
			lk_ingest_result *result, GError **error)
{
	lk_work_tell_as(m->work, m->actor, ticket, "kept_as_note", reason, NULL);
	return lk_agent_mail_store(m, ticket, reason, result, error);
}

/* Its ticket's history says so, wherever it is; what the agent cannot see is not named to them. */
bool lk_agent_mail_refuse(lk_agent_mail *m, lk_ingest_result *result, GError **error)
{
	lk_work *work = m->work;
	bool is_seen = m->sight != LK_SIGHT_NONE;
	int64_t ticket = is_seen ? work->thread.ticket : 0;
	g_autofree char *reference =
		m->knows_ticket ? lk_reference(work->policy, work->thread.ticket) : NULL;
	g_autoptr(lk_json) variables = lk_json_object();
	g_autofree char *date = lk_when(work->policy, m->language, work->at);
	g_autofree char *reason =
		g_strdup_printf("not run and not sent on: %s", m->decision.reason);

	lk_work_tell(work, work->thread.ticket, "agent_refused", reason, NULL);
	if (!lk_agent_mail_store(m, ticket, reason, result, error))
		return false;
	if (!is_seen)
		m->queue = NULL;
	lk_json_set_text(variables, "reason", lk_authority_reason(&m->decision, m->language));
	lk_json_set_bool(variables, "is_left", m->decision.has_left);
	lk_json_set_text(variables, "from", work->from);
	lk_json_set_text(variables, "date", date);
	lk_json_set_text(variables, "reference", reference);
	return lk_agent_mail_tell(m, "refused", ticket, result->message, variables,
				  "somebody wrote under the agent's address", error);
}

/* --- running it ------------------------------------------------------------------------------- */

GPtrArray *lk_agent_mail_reached(const lk_agent_mail *m)
{
	const lk_work *work = m->work;
	GPtrArray *reached = g_ptr_array_new_with_free_func(g_free);
	const GPtrArray *const headers[] = {work->mail->to, work->mail->cc};

	for (unsigned h = 0; h < G_N_ELEMENTS(headers); h++)
		for (unsigned i = 0; i < headers[h]->len; i++) {
			const lk_address *one = g_ptr_array_index(headers[h], i);
			if (!lk_policy_is_own_address(work->policy, one->address))
				g_ptr_array_add(reached, lk_address_fold(one->address));
		}
	return reached;
}

static bool keeps_inside(lk_purpose purpose)
{
	return purpose == LK_PURPOSE_NOTE || purpose == LK_PURPOSE_SUPPLIER ||
	       purpose == LK_PURPOSE_CONSULT;
}

/* Does the number lead to the mail's ticket, merges followed? */
static bool is_own_ticket(const lk_work *work, int64_t named)
{
	for (unsigned i = 0; i < work->facts.tickets->len; i++) {
		const lk_thread_ticket *known =
			&g_array_index(work->facts.tickets, lk_thread_ticket, i);
		if (known->named == named)
			return known->ticket == work->thread.ticket;
	}
	return named == work->thread.ticket;
}

bool lk_agent_mail_is_inside(const lk_agent_mail *m)
{
	const lk_work *work = m->work;

	for (unsigned i = 0; i < m->tokens->len; i++) {
		const lk_authority_token *token = &g_array_index(m->tokens, lk_authority_token, i);
		if (keeps_inside(token->purpose) && token->ticket == work->thread.ticket)
			return true;
	}
	for (unsigned i = 0; i < work->clues->ids->len; i++) {
		const lk_clue_id *id = &g_array_index(work->clues->ids, lk_clue_id, i);
		if (id->is_ours && !id->is_own)
			return keeps_inside(id->purpose) && is_own_ticket(work, id->ticket);
	}
	return false;
}

/* Is all its text to come from a template? */
static bool fills_text(const lk_agent_mail *m)
{
	for (unsigned i = 0; i < m->commands->commands->len; i++) {
		const lk_command *command = g_ptr_array_index(m->commands->commands, i);
		if (command->kind == LK_COMMAND_TEMPLATE && command->text && *command->text)
			return true;
	}
	return false;
}

bool lk_agent_mail_has_text(const lk_agent_mail *m)
{
	return *m->commands->text || m->has_files || fills_text(m);
}

void lk_agent_mail_make_note(lk_agent_mail *m)
{
	static const char *const line[] = {"#note"};
	lk_command_context context = {.policy = m->work->policy,
				      .today = lk_execute_today(m->work->policy, m->work->now)};
	g_autoptr(lk_commands) note = NULL;

	if (!lk_agent_mail_is_inside(m) || lk_commands_text_owner(m->commands))
		return;
	m->is_made_note = true;
	note = lk_commands_read_lines(&context, line, 1, "");
	g_ptr_array_add(m->commands->commands, g_ptr_array_steal_index(note->commands, 0));
}

char *lk_agent_mail_words(const lk_agent_mail *m)
{
	bool has_text = *m->commands->text || m->has_files;
	bool is_note = m->is_made_note || (has_text && lk_agent_mail_is_inside(m) &&
					   !lk_commands_text_owner(m->commands));
	g_autoptr(GString) words = g_string_new(NULL);

	if (!m->mended && !m->is_opened)
		return g_strconcat(is_note ? "#note\n\n" : "", m->words, NULL);
	for (unsigned i = 0; i < m->commands->commands->len; i++) {
		const lk_command *command = g_ptr_array_index(m->commands->commands, i);
		g_string_append_printf(words, "%s\n", command->line);
	}
	/* What may have been meant for the text is asked about again. */
	for (unsigned i = 0; i < m->commands->problems->len; i++) {
		const lk_problem *problem = g_ptr_array_index(m->commands->problems, i);
		if (problem->code == LK_PROBLEM_UNKNOWN)
			g_string_append_printf(words, "%s\n", problem->line);
	}
	g_string_append_printf(words, "\n%s", m->commands->text);
	return g_string_free(g_steal_pointer(&words), FALSE);
}

bool lk_agent_mail_execute(lk_agent_mail *m, int64_t ticket, int64_t message, lk_time seen_at,
			   bool is_confirmed, const lk_commands *commands, lk_receipt **ret_receipt,
			   GError **error)
{
	g_autoptr(GPtrArray) reached = lk_agent_mail_reached(m);
	lk_execution how = {.agent = m->agent,
			    .actor = m->actor,
			    .now = m->work->now,
			    .language = m->language,
			    .ticket = ticket,
			    .message = message,
			    .seen_at = seen_at,
			    .is_confirmed = is_confirmed,
			    .has_files = m->has_files,
			    .reached = (const char *const *)(void *)reached->pdata,
			    .n_reached = reached->len};

	return lk_execute(m->work->db, m->work->policy, &how, commands, ret_receipt, error);
}

bool lk_agent_mail_send_receipt(lk_agent_mail *m, int64_t ticket, int64_t message,
				const lk_receipt *receipt, GError **error)
{
	g_autoptr(lk_json) variables = lk_json_ref(receipt->json);

	if (m->commands->commands->len == 0 && receipt->has_run)
		return true;
	return lk_agent_mail_tell(
		m, receipt->has_run ? "receipt" : "command-error", ticket, message, variables,
		receipt->has_run ? "the commands were run" : "a line was wrong, and none was run",
		error);
}

static bool close_held(lk_agent_mail *m, const char *state, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	if (!m->mended)
		return true;
	lk_param_int(params, m->mended);
	lk_param_text(params, state);
	lk_param_time(params, m->work->now);
	lk_param_text(params, m->actor);
	return lk_db_run(m->work->db, LK_Q_COMMAND_HELD_DECIDE, params, NULL, error);
}

/* Words written in ignorance of newer ones wait; a mistake is kept for the line that mends it. */
static bool take_refusal(lk_agent_mail *m, int64_t home, const lk_receipt *receipt,
			 lk_ingest_result *result, GError **error)
{
	int64_t ticket = m->sight != LK_SIGHT_NONE ? m->work->thread.ticket : home;
	int64_t message = 0;
	const char *reason = receipt->is_stale ? "somebody wrote after the mail that it answers"
					       : "a line was wrong, and none was run";

	lk_work_tell_as(m->work, m->actor, ticket,
			receipt->is_stale ? "agent_held" : "commands_refused", reason, NULL);
	if (!lk_agent_mail_store(m, home, reason, result, error) ||
	    !close_held(m, "dropped", error))
		return false;
	message = m->text_from ? m->text_from : result->message;
	if (receipt->is_stale)
		return lk_agent_mail_ask(m, ticket, message, "stale", reason, error);
	/* Of what is sealed no line can be mended. */
	return (m->is_sealed || lk_agent_mail_keep_refused(m, ticket, message, receipt, error)) &&
	       lk_agent_mail_send_receipt(m, ticket, result->message, receipt, error);
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b && g_ascii_strcasecmp(a, b) == 0;
}

static bool are_same_tickets(const GArray *a, const GArray *b)
{
	return a->len == b->len &&
	       (a->len == 0 || memcmp(a->data, b->data, a->len * sizeof(int64_t)) == 0);
}

/* Is the held command said anew, about the same tickets? What adds up is no other word for it. */
static bool is_said_again(const GPtrArray *commands, unsigned from, unsigned n,
			  const lk_command *held)
{
	if (held->kind == LK_COMMAND_TAG || held->kind == LK_COMMAND_CC ||
	    held->kind == LK_COMMAND_LINK)
		return false;
	for (unsigned i = from; i < from + n; i++) {
		const lk_command *command = g_ptr_array_index(commands, i);
		if (command->kind == held->kind &&
		    are_same_tickets(command->tickets, held->tickets) &&
		    (held->kind != LK_COMMAND_FIELD || is_same_text(command->name, held->name)))
			return true;
	}
	return false;
}

/* Does it end the work on the ticket, so that what is mended must be in order before? */
static bool is_last(lk_command_kind kind)
{
	return kind == LK_COMMAND_RESOLVE || kind == LK_COMMAND_CLOSE || kind == LK_COMMAND_WAIT ||
	       kind == LK_COMMAND_MERGE;
}

/* The lines of the mended mail as they stood, the new ones after what sets the stage for them. */
static void add_lines(GPtrArray *commands, GPtrArray *held)
{
	unsigned fresh = commands->len;
	unsigned first = 0;

	for (unsigned i = 0; i < held->len;) {
		lk_command *command = g_ptr_array_index(held, i);
		if (is_said_again(commands, first, fresh, command)) {
			i++;
			continue;
		}
		g_ptr_array_steal_index(held, i);
		g_ptr_array_insert(commands, is_last(command->kind) ? -1 : (int)first++, command);
	}
}

/*
 * Was the text meant to stay inside by a line that is wrong still? Then that line must be mended,
 * too, before the text goes anywhere.
 */
static void keep_unmet(lk_commands *commands, lk_commands *held)
{
	if (!*commands->text || lk_commands_text_owner(commands))
		return;
	for (unsigned i = held->problems->len; i-- > 0;) {
		const lk_problem *problem = g_ptr_array_index(held->problems, i);
		lk_command_kind kind = LK_COMMAND_TAKE;
		bool is_meant = problem->code == LK_PROBLEM_UNKNOWN && problem->hint &&
				lk_command_find(problem->hint, &kind, NULL) &&
				lk_command_keeps_inside(kind);

		if (is_meant || problem->code == LK_PROBLEM_MISPLACED)
			g_ptr_array_add(commands->problems,
					g_ptr_array_steal_index(held->problems, i));
	}
}

/* The text of the mail that is mended, and its files, unless the new one brings its own. */
static void take_text(lk_agent_mail *m, lk_commands *held, const lk_rows *row)
{
	if (*m->commands->text)
		return;
	g_free(m->commands->text);
	m->commands->text = g_steal_pointer(&held->text);
	if (m->has_files)
		return;
	m->has_files = lk_row_bool(row, 0, "has_files");
	if (*m->commands->text || m->has_files)
		m->text_from = lk_row_int(row, 0, "message_id");
}

bool lk_agent_mail_mend(lk_agent_mail *m, GError **error)
{
	const lk_clues *clues = m->work->clues;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(lk_commands) held = NULL;
	g_autoptr(GArray) outbox = g_array_new(FALSE, FALSE, sizeof(int64_t));

	for (unsigned i = 0; i < clues->ids->len; i++) {
		const lk_clue_id *id = &g_array_index(clues->ids, lk_clue_id, i);
		if (id->is_ours && !id->is_own)
			g_array_append_val(outbox, id->outbox);
	}
	if (outbox->len == 0 || m->commands->commands->len + m->commands->problems->len == 0)
		return true;
	lk_param_ints(params, (const int64_t *)(void *)outbox->data, outbox->len);
	lk_param_text(params, m->agent->address);
	lk_param_time(params, m->work->now);
	if (!lk_db_run(m->work->db, LK_Q_COMMAND_MENDED, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	lk_command_context context = {
		.policy = m->work->policy,
		.agent_name = m->agent->name,
		.today = lk_execute_today(m->work->policy, lk_row_time(rows, 0, "at"))};
	held = lk_commands_read(&context, lk_row_text(rows, 0, "words"));
	add_lines(m->commands->commands, held->commands);
	bool is_text = !*m->commands->text;
	take_text(m, held, rows);
	if (is_text)
		keep_unmet(m->commands, held);
	m->mended = lk_row_int(rows, 0, "id");
	return true;
}

/* Whatever became of the mail: was the agent's own address of the ticket among its recipients? */
static bool came_by_token(const lk_agent_mail *m)
{
	for (unsigned i = 0; i < m->tokens->len; i++) {
		const lk_authority_token *token = &g_array_index(m->tokens, lk_authority_token, i);
		if (token->purpose == LK_PURPOSE_AGENT && token->is_for_agent &&
		    !token->is_revoked && token->ticket == m->work->thread.ticket)
			return m->work->thread.ticket != 0;
	}
	return false;
}

/* Who has a mail with our address of the agent's in it could use that address. */
bool lk_agent_mail_revoke(lk_agent_mail *m, GError **error)
{
	static const char *const reason = "the mail that came by it also went to others";
	int64_t ticket = m->work->thread.ticket;
	g_autoptr(GPtrArray) reached = lk_agent_mail_reached(m);
	g_autoptr(lk_params) params = lk_params_new();

	if (!came_by_token(m) ||
	    !lk_authority_leaks(m->work->policy, (const char *const *)(void *)reached->pdata,
				reached->len))
		return true;
	lk_param_int(params, ticket);
	lk_param_text(params, m->agent->address);
	lk_param_time(params, m->work->now);
	lk_param_text(params, reason);
	lk_event event = {.ticket = ticket,
			  .at = m->work->now,
			  .actor = m->actor,
			  .event = "token_revoked",
			  .reason = reason};
	return lk_db_run(m->work->db, LK_Q_COMMAND_TOKEN_REVOKE, params, NULL, error) &&
	       lk_event_add(m->work->db, &event, error);
}

static void forget_told(lk_work *work)
{
	g_ptr_array_set_size(work->told, 0);
}

bool lk_agent_mail_run(lk_agent_mail *m, lk_ingest_result *result, GError **error)
{
	lk_work *work = m->work;
	int64_t ticket = work->thread.ticket;
	int64_t home = 0;
	g_autoptr(lk_receipt) receipt = NULL;
	lk_time seen_at = LK_TIME_NONE;

	if (!lk_agent_mail_mend(m, error) ||
	    (ticket && !lk_agent_mail_answered_at(m, &seen_at, error)))
		return false;
	if (m->is_sealed)
		home = ticket;
	if (lk_agent_mail_has_text(m)) {
		home = m->text_from ? 0 : ticket;
		lk_agent_mail_make_note(m);
	}
	lk_work_tell_as(work, m->actor, home, "agent_mail", m->decision.reason, NULL);
	if (!lk_db_savepoint(work->db, error) ||
	    !lk_agent_mail_store(m, home, "an agent's mail", result, error) ||
	    !lk_agent_mail_execute(m, ticket, m->text_from ? m->text_from : result->message,
				   seen_at, false, m->commands, &receipt, error))
		return false;
	if (!receipt->has_run) {
		lk_ingest_result_clear(result);
		forget_told(work);
		return lk_db_rollback_to(work->db, error) &&
		       take_refusal(m, home, receipt, result, error);
	}
	return lk_db_release(work->db, error) && close_held(m, "run", error) &&
	       lk_agent_mail_send_receipt(m, ticket, result->message, receipt, error) &&
	       lk_absence_back(work->db, m->agent, work->now, error);
}

bool lk_agent_mail_open(lk_agent_mail *m, lk_ingest_result *result, GError **error)
{
	g_autoptr(lk_receipt) receipt = NULL;
	int64_t message = 0;

	/* The words open the ticket: they are no answer to anybody. */
	g_free(m->commands->text);
	m->commands->text = g_strdup("");
	if (!lk_work_open(m->work, result, error))
		return false;
	message = result->message;
	if (!lk_agent_mail_execute(m, result->ticket, 0, LK_TIME_NONE, true, m->commands, &receipt,
				   error))
		return false;
	m->is_opened = true;
	return lk_agent_mail_keep_refused(m, result->ticket, message, receipt, error) &&
	       lk_agent_mail_send_receipt(m, result->ticket, message, receipt, error) &&
	       lk_absence_back(m->work->db, m->agent, m->work->now, error);
}
