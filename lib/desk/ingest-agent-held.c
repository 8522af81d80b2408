/* Agents' mail that waits for its writer: kept, asked about, and run once it is confirmed. */
#include "lib/desk/ingest-agent-private.h"

#include "lib/desk/intake.h"
#include "lib/desk/outbox-private.h"
#include "lib/desk/when.h"

#include <string.h>

/* --- waiting for its writer ------------------------------------------------------------------- */

bool lk_agent_mail_add_held(lk_agent_mail *m, int64_t ticket, int64_t message, const char *kind,
			    const char *reason, int64_t *ret_id, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autofree char *words = lk_agent_mail_words(m);
	lk_work *work = m->work;

	lk_param_int(params, message);
	ticket ? lk_param_int(params, ticket) : lk_param_null(params);
	lk_param_text(params, m->agent->address);
	lk_param_text(params, kind);
	lk_param_text(params, reason);
	lk_param_text(params, words);
	lk_param_time(params, work->now);
	lk_param_time(params, work->now + LK_HELD_TIME);
	if (!lk_db_run(work->db, LK_Q_COMMAND_HOLD, params, &rows, error))
		return false;
	*ret_id = lk_row_int(rows, 0, "id");
	return true;
}

/* Nothing but #send or #drop: kept, it would be what the next one finds. */
static bool only_decides(const lk_agent_mail *m)
{
	const GPtrArray *list = m->commands->commands;

	for (unsigned i = 0; i < list->len; i++) {
		const lk_command *command = g_ptr_array_index(list, i);
		if (command->kind != LK_COMMAND_SEND && command->kind != LK_COMMAND_DROP)
			return false;
	}
	return list->len > 0 && m->commands->problems->len == 0 && !*m->commands->text;
}

bool lk_agent_mail_keep_refused(lk_agent_mail *m, int64_t ticket, int64_t message,
				const lk_receipt *receipt, GError **error)
{
	int64_t id = 0;

	if (receipt->has_run || only_decides(m))
		return true;
	if (!lk_agent_mail_add_held(m, ticket, message, "refused",
				    "a line was wrong, and none was run", &id, error))
		return false;
	lk_json_set_int(receipt->json, "held", id);
	return true;
}

/* "mailto:ict+TOKEN@example.fi?subject=OK"; NULL where addresses take no token. Caller frees. */
static char *action_link(const lk_agent_mail *m, int64_t held)
{
	const char *plain = lk_agent_mail_queue(m)->from;
	g_autofree char *address = lk_outbox_address(m->work->policy, plain, LK_PURPOSE_ACTION, 0,
						     held, m->agent->address);

	if (g_strcmp0(address, plain) == 0)
		return NULL;
	return g_strdup_printf("mailto:%s?subject=OK", address);
}

/* When the newest of what the mail answers was written; LK_TIME_NONE: nothing is known. */
bool lk_agent_mail_answered_at(lk_agent_mail *m, lk_time *ret_at, GError **error)
{
	const lk_clues *clues = m->work->clues;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GArray) outbox = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(GByteArray) hashes = g_byte_array_new();

	for (unsigned i = 0; i < clues->ids->len; i++) {
		const lk_clue_id *id = &g_array_index(clues->ids, lk_clue_id, i);
		if (id->is_own)
			continue;
		if (id->is_ours)
			g_array_append_val(outbox, id->outbox);
		g_byte_array_append(hashes, id->hash, sizeof(id->hash));
	}
	*ret_at = LK_TIME_NONE;
	lk_param_ints(params, (const int64_t *)(void *)outbox->data, outbox->len);
	lk_param_blocks(params, hashes->data, hashes->len / LK_KEY_HASH_BYTES, LK_KEY_HASH_BYTES);
	lk_param_int(params, m->work->thread.ticket);
	if (!lk_db_run(m->work->db, LK_Q_COMMAND_ANSWERED, params, &rows, error))
		return false;
	if (!lk_row_is_null(rows, 0, "at"))
		*ret_at = lk_row_time(rows, 0, "at");
	return true;
}

/* desk.md 5: who wrote in ignorance of it is shown what came since. */
static bool add_newest(lk_agent_mail *m, int64_t ticket, int64_t message, lk_json *variables,
		       GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, ticket);
	lk_param_int(params, message);
	if (!lk_db_run(m->work->db, LK_Q_COMMAND_NEWEST, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	g_autofree char *when = lk_when(m->work->policy, m->language, lk_row_time(rows, 0, "at"));
	lk_json *newest = lk_json_object();
	lk_json_set_text(newest, "writer", lk_row_text(rows, 0, "writer"));
	lk_json_set_text(newest, "when", when);
	lk_json_set_text(newest, "text", lk_row_text(rows, 0, "words"));
	lk_json_take(variables, "newest", newest);
	return true;
}

/* Keeps it for 24 h and asks: kind as in held_command. */
bool lk_agent_mail_ask(lk_agent_mail *m, int64_t ticket, int64_t message, const char *kind,
		       const char *reason, GError **error)
{
	g_autoptr(lk_json) variables = lk_json_object();
	g_autofree char *expires =
		lk_when(m->work->policy, m->language, m->work->now + LK_HELD_TIME);
	g_autofree char *section = g_strconcat("is_", kind, NULL);
	g_autofree char *words = lk_agent_mail_words(m);
	int64_t held = 0;

	if (!lk_agent_mail_add_held(m, ticket, message, kind, reason, &held, error) ||
	    (strcmp(kind, "stale") == 0 && !add_newest(m, ticket, message, variables, error)))
		return false;
	g_autofree char *link = action_link(m, held);
	if (strcmp(kind, "unproven") == 0 && !m->decision.is_bare)
		lk_json_set_text(variables, "reason",
				 lk_authority_reason(&m->decision, m->language));
	lk_json_set_text(variables, "kind", kind);
	lk_json_set_bool(variables, section, true);
	lk_json_set_text(variables, "words", words);
	if (link) {
		/* Whatever else looks like one of our addresses is taken out of variables. */
		lk_json *actions = lk_json_object();
		lk_json_set_text(actions, "run", link);
		lk_json_take(variables, "actions", actions);
	}
	lk_json_set_text(variables, "expires", expires);
	return lk_agent_mail_tell(m, "held", ticket, message, variables,
				  "a mail of the agent's waits for the agent's word", error);
}

bool lk_agent_mail_hold(lk_agent_mail *m, lk_ingest_result *result, GError **error)
{
	int64_t ticket = m->work->thread.ticket;
	g_autofree char *reason = g_strdup_printf(
		"held for 24 hours until its writer confirms it: %s", m->decision.reason);

	lk_work_tell(m->work, ticket, "agent_held", reason, NULL);
	return lk_agent_mail_mend(m, error) &&
	       lk_agent_mail_store(m, m->text_from ? 0 : ticket, reason, result, error) &&
	       lk_agent_mail_ask(m, ticket, m->text_from ? m->text_from : result->message,
				 "unproven", m->decision.reason, error);
}

/* --- what was held ---------------------------------------------------------------------------- */

static bool find_held(lk_agent_mail *m, int64_t id, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, id);
	lk_param_text(params, m->agent->address);
	lk_param_time(params, m->work->now);
	lk_param_null(params);
	return lk_db_run(m->work->db, LK_Q_COMMAND_HELD, params, ret_rows, error);
}

static bool may_run(const lk_agent_mail *m, const lk_rows *held)
{
	return lk_rows_count(held) > 0 &&
	       strcmp(lk_row_text(held, 0, "agent"), m->agent->address) == 0 &&
	       strcmp(lk_row_text(held, 0, "state"), "held") == 0 &&
	       lk_row_time(held, 0, "expires_at") > m->work->now;
}

/* Its words open a ticket, as they would have at once. */
static bool open_held(lk_agent_mail *m, int64_t message, int64_t *ret_ticket, GError **error)
{
	lk_ingest_result opened = {0};
	lk_stored_open how = {.message = message,
			      .actor = m->actor,
			      .why = "its writer confirmed it",
			      .unanswered = "the receipt of its commands answers it",
			      .now = m->work->now};

	if (!lk_open_stored(m->work->db, m->work->policy, &how, &opened, error))
		return false;
	*ret_ticket = opened.ticket;
	lk_ingest_result_clear(&opened);
	g_free(m->commands->text);
	m->commands->text = g_strdup("");
	return true;
}

static bool run_held(lk_agent_mail *m, const lk_rows *held, GError **error)
{
	g_autoptr(lk_receipt) receipt = NULL;
	g_autoptr(lk_params) params = lk_params_new();
	lk_command_context context = {
		.policy = m->work->policy,
		.agent_name = m->agent->name,
		.today = lk_execute_today(m->work->policy, lk_row_time(held, 0, "at"))};
	int64_t ticket = lk_row_int(held, 0, "ticket_id");
	int64_t message = lk_row_int(held, 0, "message_id");

	lk_commands_free(m->commands);
	m->words = lk_row_text(held, 0, "words");
	m->commands = lk_commands_read(&context, m->words);
	m->has_files = lk_row_bool(held, 0, "has_files");
	bool opens = !ticket && !lk_agent_mail_stands_alone(m);
	if (opens && !open_held(m, message, &ticket, error))
		return false;
	m->has_files = m->has_files && !opens;
	m->is_opened = opens;
	if (!lk_agent_mail_execute(m, ticket, opens ? 0 : message, LK_TIME_NONE, true, m->commands,
				   &receipt, error))
		return false;
	lk_param_int(params, lk_row_int(held, 0, "id"));
	lk_param_text(params, receipt->has_run ? "run" : "dropped");
	lk_param_time(params, m->work->now);
	lk_param_text(params, m->actor);
	return lk_db_run(m->work->db, LK_Q_COMMAND_HELD_DECIDE, params, NULL, error) &&
	       lk_agent_mail_keep_refused(m, ticket, message, receipt, error) &&
	       lk_agent_mail_send_receipt(m, ticket, message, receipt, error);
}

bool lk_agent_mail_confirm(lk_agent_mail *m, lk_ingest_result *result, GError **error)
{
	g_autoptr(lk_rows) held = NULL;
	g_autoptr(lk_json) variables = lk_json_object();

	if (!find_held(m, m->work->held_command, &held, error))
		return false;
	bool is_good = may_run(m, held);
	lk_work_tell_as(m->work, m->actor, 0, "action",
			is_good ? "its writer confirmed a held mail by the link sent to the "
				  "address on file"
				: "the link was used before, or its time is over",
			NULL);
	if (!lk_agent_mail_store(m, 0, "an action link", result, error))
		return false;
	if (is_good)
		return run_held(m, held, error);
	lk_json_set_bool(variables, "is_link", true);
	return lk_agent_mail_tell(m, "refused", 0, result->message, variables,
				  "an action link that is over", error);
}
