#include "lib/desk/ingest-agent.h"

#include "lib/base/text.h"
#include "lib/desk/absence.h"
#include "lib/desk/ingest-agent-private.h"
#include "lib/desk/intake.h"
#include "lib/desk/outbox-private.h"
#include "lib/mail/reply-lines.h"

#include <string.h>

void lk_work_read_actions(lk_work *work)
{
	for (unsigned i = 0; i < work->clues->tokens->len; i++) {
		lk_clue_token *token = &g_array_index(work->clues->tokens, lk_clue_token, i);
		if (token->purpose != LK_PURPOSE_ACTION)
			continue;
		if (token->is_for_sender && !work->held_command && !work->action)
			*(token->epoch == LK_ACTION_EPOCH ? &work->action : &work->held_command) =
				token->number;
		token->number = 0;
	}
}

/* --- what the mail is ------------------------------------------------------------------------- */

/* The lines of a text, without their ends. */
typedef struct {
	char **texts;
	lk_line *lines;
	size_t n;
} mail_lines;

static void mail_lines_clear(mail_lines *t)
{
	g_clear_pointer(&t->texts, g_strfreev);
	g_clear_pointer(&t->lines, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(mail_lines, mail_lines_clear)

static void split(const char *text, mail_lines *ret)
{
	ret->texts = g_strsplit(text, "\n", -1);
	ret->n = g_strv_length(ret->texts);
	ret->lines = g_new0(lk_line, ret->n + 1);
	for (size_t i = 0; i < ret->n; i++) {
		g_strchomp(ret->texts[i]);
		ret->lines[i].start = ret->texts[i];
		ret->lines[i].n = strlen(ret->texts[i]);
	}
}

/* Does something older begin here, as it is quoted? */
static bool is_old(const mail_lines *t, size_t i)
{
	size_t count = 0;
	size_t words = 0;

	return lk_line_is_quote(&t->lines[i]) || lk_line_is_divider(&t->lines[i]) ||
	       lk_lines_are_header_block(&t->lines[i], t->n - i) ||
	       lk_lines_attribution(&t->lines[i], t->n - i, &count, &words) != LK_ATTRIBUTION_NONE;
}

/* An answer above nothing but the quoted notice has no words: what is quoted is not the agent's. */
static bool has_words(const lk_mail *mail)
{
	g_auto(mail_lines) t = {0};

	split(mail->reply_text, &t);
	for (size_t i = 0; i < t.n; i++)
		if (!lk_line_is_blank(&t.lines[i]))
			return !is_old(&t, i);
	return false;
}

static bool is_known_command(const lk_command_context *context, const char *line)
{
	g_autoptr(lk_commands) one = lk_commands_read(context, line);
	const lk_problem *problem =
		one->problems->len > 0 ? g_ptr_array_index(one->problems, 0) : NULL;

	return one->commands->len > 0 || (problem && problem->code != LK_PROBLEM_UNKNOWN);
}

/*
 * Command lines below a signature, which is cut with all below it: who writes at the very end of a
 * mail that ends with "-- " and a name means them no less. Caller frees.
 */
static char *commands_below(const lk_command_context *context, const lk_mail *mail)
{
	g_auto(mail_lines) t = {0};
	g_autoptr(GString) below = g_string_new(NULL);
	size_t start = 0;
	size_t end = 0;

	if (!strstr(mail->text, "#"))
		return g_strdup("");
	split(mail->text, &t);
	while (start < t.n && !lk_line_is_signature_start(&t.lines[start]) &&
	       !lk_line_is_divider(&t.lines[start]) &&
	       !lk_lines_are_header_block(&t.lines[start], t.n - start))
		start++;
	if (start == t.n || !lk_line_is_signature_start(&t.lines[start]))
		return g_strdup("");
	for (end = start + 1; end < t.n && !is_old(&t, end);)
		end++;
	for (size_t i = end; i-- > start + 1;) {
		if (lk_line_is_blank(&t.lines[i]))
			continue;
		/* What is too long for a signature was not cut. */
		if (below->len == 0 && g_str_has_suffix(mail->reply_text, t.texts[i]))
			break;
		if (!is_known_command(context, t.texts[i]))
			break;
		g_string_prepend_c(below, '\n');
		g_string_prepend(below, t.texts[i]);
	}
	return g_string_free(g_steal_pointer(&below), FALSE);
}

static unsigned count_auth_as(const lk_mail *mail, const char **ret_value)
{
	unsigned n = 0;

	for (unsigned i = 0; i < mail->headers->len; i++) {
		const lk_header *header = g_ptr_array_index(mail->headers, i);
		if (g_ascii_strcasecmp(header->name, "X-MS-Exchange-Organization-AuthAs") != 0)
			continue;
		if (n++ == 0)
			*ret_value = header->value;
	}
	return n;
}

/* The agent's epoch on the ticket: tokens of another one are revoked. */
static bool token_epoch(lk_agent_mail *m, int64_t ticket, int64_t *ret_epoch, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	*ret_epoch = -1;
	lk_param_ints(params, &ticket, 1);
	lk_param_text(params, m->agent->address);
	if (!lk_db_run(m->work->db, LK_Q_COMMAND_TOKEN_EPOCH, params, &rows, error))
		return false;
	if (lk_rows_count(rows) > 0)
		*ret_epoch = lk_row_int(rows, 0, "epoch");
	return true;
}

static void add_token(lk_agent_mail *m, const char *address, int64_t agent_epoch)
{
	const lk_work *work = m->work;
	lk_token token = {0};

	if (!lk_clue_token_in(work->policy, address, &token))
		return;
	lk_authority_token one = {
		.purpose = token.purpose,
		.ticket = (int64_t)token.number,
		.is_for_agent = lk_token_is_for(work->policy->keys, &token, m->agent->address),
	};
	for (unsigned i = 0; i < work->facts.tickets->len; i++) {
		const lk_thread_ticket *known =
			&g_array_index(work->facts.tickets, lk_thread_ticket, i);
		if (known->named != one.ticket)
			continue;
		int64_t epoch = agent_epoch >= 0 ? agent_epoch : known->named_epoch;
		one.is_revoked = token.epoch != epoch;
		one.ticket = known->ticket;
	}
	g_array_append_val(m->tokens, one);
}

/* The same places as lk_clues_find looks into; the agent's aliases count as the address on file. */
static bool read_tokens(lk_agent_mail *m, int64_t ticket, GError **error)
{
	const lk_mail *mail = m->work->mail;
	const GPtrArray *const headers[] = {mail->to, mail->cc};
	int64_t epoch = -1;

	if (ticket && !token_epoch(m, ticket, &epoch, error))
		return false;
	for (unsigned h = 0; h < G_N_ELEMENTS(headers); h++)
		for (unsigned i = 0; i < headers[h]->len; i++) {
			const lk_address *to = g_ptr_array_index(headers[h], i);
			add_token(m, to->address, epoch);
		}
	for (unsigned i = 0; i < mail->delivered_to->len; i++)
		add_token(m, g_ptr_array_index(mail->delivered_to, i), epoch);
	const char *const *envelope = m->work->intake->recipients;
	for (unsigned i = 0; envelope && envelope[i]; i++)
		add_token(m, envelope[i], epoch);
	return true;
}

static bool read_ticket(lk_agent_mail *m, int64_t ticket, lk_rows **ret_row, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, ticket);
	lk_param_text(params, m->agent->address);
	return lk_db_run(m->work->db,
			 m->work->is_dry ? LK_Q_COMMAND_TICKET_SEEN : LK_Q_COMMAND_TICKET, params,
			 ret_row, error);
}

static bool takes_part(const lk_work *work, int64_t ticket)
{
	for (unsigned i = 0; i < work->facts.tickets->len; i++) {
		const lk_thread_ticket *known =
			&g_array_index(work->facts.tickets, lk_thread_ticket, i);
		if (known->ticket == ticket && known->sender_takes_part)
			return true;
	}
	return false;
}

static bool only_undoes(const lk_commands *commands)
{
	const GPtrArray *list = commands->commands;

	return list->len == 1 && commands->problems->len == 0 && !*commands->text &&
	       ((const lk_command *)g_ptr_array_index(list, 0))->kind == LK_COMMAND_UNDO;
}

/* Does a command line begin with a reference to another ticket than the mail's own? */
static bool names_others(const lk_agent_mail *m, int64_t ticket)
{
	for (unsigned i = 0; i < m->commands->commands->len; i++) {
		const lk_command *command = g_ptr_array_index(m->commands->commands, i);
		for (unsigned k = 0; k < command->tickets->len; k++)
			if (g_array_index(command->tickets, int64_t, k) != ticket &&
			    !lk_command_only_answers(command->kind))
				return true;
	}
	return false;
}

/* What our mail server found out about the sender's domain. */
static void read_results(const lk_auth *auth, lk_authority_facts *facts)
{
	if (!auth)
		return;
	facts->spf = auth->spf;
	facts->dkim = auth->dkim;
	facts->dmarc = auth->dmarc;
	facts->is_dmarc_other =
		auth->dmarc_domain && !lk_domain_is_aligned(facts->from, auth->dmarc_domain);
	for (unsigned i = 0; i < auth->signers->len; i++)
		facts->is_dkim_aligned |=
			lk_domain_is_aligned(facts->from, g_ptr_array_index(auth->signers, i));
}

static bool decide(lk_agent_mail *m, GError **error)
{
	const lk_work *work = m->work;
	const lk_mail *mail = work->mail;
	const lk_desk_mailbox *mailbox = lk_policy_mailbox(work->policy, work->intake->mailbox);
	int64_t ticket = work->thread.ticket;
	g_autoptr(lk_rows) row = NULL;
	lk_authority_facts facts = {
		.from_headers = mail->from_headers,
		.from_addresses = mail->from_addresses,
		.from = work->from,
		.agent = m->agent,
		.senders_verified = work->policy->senders_verified,
		.trust_internal = mailbox && mailbox->trust_internal,
		.ticket = ticket,
		.ended_at = LK_TIME_NONE,
		.at = work->at,
		.takes_part = ticket && takes_part(work, ticket),
		.only_undoes = only_undoes(m->commands),
		.names_others = ticket && names_others(m, ticket),
	};

	read_results(mail->auth, &facts);
	facts.n_auth_as = count_auth_as(mail, &facts.auth_as);
	if (!read_tokens(m, ticket, error) || (ticket && !read_ticket(m, ticket, &row, error)))
		return false;
	if (row && lk_rows_count(row) > 0) {
		g_autoptr(GPtrArray) also =
			lk_row_is_null(row, 0, "also") ? NULL : lk_row_texts(row, 0, "also");
		m->requester = g_strdup(lk_row_text(row, 0, "requester"));
		lk_status_parse(lk_row_text(row, 0, "status"), &facts.status);
		if (!lk_row_is_null(row, 0, "closed_at"))
			facts.ended_at = lk_row_time(row, 0, "closed_at");
		m->queue = lk_policy_queue(work->policy, lk_row_text(row, 0, "queue"));
		facts.sight = lk_sight_of(work->policy, m->agent, lk_row_text(row, 0, "queue"),
					  also, lk_row_bool(row, 0, "is_asked"));
	}
	facts.tokens = (const lk_authority_token *)(void *)m->tokens->data;
	facts.n_tokens = m->tokens->len;
	m->sight = facts.sight;
	m->knows_ticket = lk_authority_knows(&facts);
	m->is_over = facts.status == LK_STATUS_CLOSED && lk_token_is_over(facts.ended_at, work->at);
	m->decision = lk_authority_decide(&facts);
	return true;
}

/* --- what becomes of it ----------------------------------------------------------------------- */

/* Do all the commands only answer to the agent's address on file? */
static bool only_looks_up(const lk_agent_mail *m)
{
	const GPtrArray *commands = m->commands->commands;

	for (unsigned i = 0; i < commands->len; i++) {
		const lk_command *command = g_ptr_array_index(commands, i);
		if (!lk_command_only_answers(command->kind))
			return false;
	}
	return commands->len > 0 && m->commands->problems->len == 0;
}

bool lk_agent_mail_stands_alone(const lk_agent_mail *m)
{
	const GPtrArray *commands = m->commands->commands;

	for (unsigned i = 0; i < commands->len; i++) {
		const lk_command *command = g_ptr_array_index(commands, i);
		bool needs_none =
			lk_command_only_answers(command->kind) ||
			command->kind == LK_COMMAND_NEXT || command->kind == LK_COMMAND_AWAY ||
			command->kind == LK_COMMAND_UNDO || command->kind == LK_COMMAND_SEND ||
			command->kind == LK_COMMAND_DROP ||
			(command->kind == LK_COMMAND_TEMPLATE && !command->text);
		if (command->tickets->len == 0 && !needs_none)
			return false;
	}
	return true;
}

static bool has_commands(const lk_agent_mail *m)
{
	return m->commands->commands->len + m->commands->problems->len > 0;
}

/*
 * Did it come to the address of a question to this agent, and to none that lets them act? Such an
 * address lets them answer, without more proof, and do nothing else: commands are words there.
 */
static bool answers_question(const lk_agent_mail *m)
{
	bool is_answer = false;

	for (unsigned i = 0; i < m->tokens->len; i++) {
		const lk_authority_token *token = &g_array_index(m->tokens, lk_authority_token, i);
		if (token->purpose == LK_PURPOSE_AGENT)
			return false;
		is_answer |= token->purpose == LK_PURPOSE_CONSULT && token->is_for_agent &&
			     !token->is_revoked && token->ticket == m->work->thread.ticket;
	}
	return is_answer && m->work->thread.ticket && !m->is_over;
}

/*
 * Proven, held or refused. Without a ticket and without commands it is a matter of the agent's own,
 * which needs no proof.
 */
static lk_agent_fate fate_of(const lk_agent_mail *m)
{
	int64_t ticket = m->work->thread.ticket;

	if (m->work->held_command || m->work->action)
		return m->decision.authority == LK_AUTHORITY_REFUSED ? LK_FATE_REFUSED
								     : LK_FATE_LINK;
	if ((!ticket && !has_commands(m)) || m->decision.authority == LK_AUTHORITY_NOT)
		return LK_FATE_ANYBODYS;
	if (m->decision.authority == LK_AUTHORITY_REFUSED)
		return LK_FATE_REFUSED;
	if (answers_question(m))
		return LK_FATE_CONSULTED;
	if (!has_commands(m) && !*m->commands->text && !m->has_files)
		return LK_FATE_KEPT;
	/* Nothing is run: there is nothing to prove. */
	if (m->is_sealed)
		return LK_FATE_RUN;
	if (m->decision.authority == LK_AUTHORITY_HELD && !only_looks_up(m))
		return LK_FATE_HELD;
	return ticket || lk_agent_mail_stands_alone(m) ? LK_FATE_RUN : LK_FATE_OPEN;
}

/* Whose mail, and what of it is kept and explained: before anything is done. */
static bool settle(lk_agent_mail *m, lk_agent_fate what, GError **error)
{
	lk_work *work = m->work;

	switch (what) {
	case LK_FATE_ANYBODYS:
	case LK_FATE_OPEN:
		return true;
	case LK_FATE_CONSULTED:
		work->plan.writer = LK_WRITER_CONSULTED;
		if (!lk_work_find_teams(work, error))
			return false;
		lk_work_explain(work);
		return true;
	case LK_FATE_LINK:
	case LK_FATE_REFUSED:
	case LK_FATE_KEPT:
	case LK_FATE_HELD:
	case LK_FATE_RUN:
		break;
	}
	lk_agent_mail_settle(m, what);
	return true;
}

static bool dispatch(lk_agent_mail *m, lk_agent_fate what, lk_ingest_result *result, bool *ret_done,
		     GError **error)
{
	*ret_done = what != LK_FATE_ANYBODYS && what != LK_FATE_CONSULTED;
	switch (what) {
	case LK_FATE_ANYBODYS:
	case LK_FATE_CONSULTED:
		break;
	case LK_FATE_LINK:
		return m->work->held_command ? lk_agent_mail_confirm(m, result, error)
					     : lk_agent_mail_act(m, result, error);
	case LK_FATE_REFUSED:
		return lk_agent_mail_refuse(m, result, error);
	case LK_FATE_KEPT:
		return lk_agent_mail_keep(m, m->work->thread.ticket,
					  "an agent's mail without new words", result, error) &&
		       lk_agent_mail_revoke(m, error);
	case LK_FATE_HELD:
		return lk_agent_mail_hold(m, result, error) && lk_agent_mail_revoke(m, error);
	case LK_FATE_RUN:
		return lk_agent_mail_run(m, result, error) && lk_agent_mail_revoke(m, error);
	case LK_FATE_OPEN:
		return lk_agent_mail_open(m, result, error);
	}
	return true;
}

/* An answer of a machine of the agent's to a mail of ours: away until the day that it names. */
static bool take_vacation(lk_work *work, const lk_agent *agent, GError **error)
{
	lk_absence_entry entry = {.agent = agent, .at = work->now, .actor = work->actor};
	bool is_ours = false;
	bool is_away = false;
	const lk_agent *unused = NULL;
	int64_t id = 0;

	for (unsigned i = 0; i < work->clues->ids->len; i++) {
		const lk_clue_id *clue = &g_array_index(work->clues->ids, lk_clue_id, i);
		is_ours |= clue->is_ours && clue->purpose == LK_PURPOSE_AGENT;
	}
	if (work->mail->kind != LK_KIND_AUTO_REPLY || !work->mail->is_vacation || !is_ours ||
	    lk_mail_fails_dmarc(work->mail) || work->is_dry)
		return true;
	if (!lk_absence_stand_in(work->db, work->policy, agent, work->now, &unused, &is_away,
				 error))
		return false;
	if (is_away)
		return true;
	entry.first_day = lk_execute_today(work->policy, work->now);
	lk_absence_read(work->mail->text, entry.first_day, &entry.last_day);
	if (lk_day_is_set(entry.last_day) && lk_day_compare(entry.last_day, entry.first_day) < 0)
		return true;
	lk_work_tell(work, work->thread.ticket, "away",
		     "an automatic reply says that the agent is away", NULL);
	return lk_absence_add(work->db, &entry, &id, error);
}

static void mail_clear(lk_agent_mail *m)
{
	g_clear_pointer(&m->commands, lk_commands_free);
	g_clear_pointer(&m->tokens, g_array_unref);
	g_clear_pointer(&m->actor, g_free);
	g_clear_pointer(&m->requester, g_free);
	g_clear_pointer(&m->words_below, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_agent_mail, mail_clear)

/*
 * A file that its writer sends, by whatever client: Apple's show even documents within the text.
 * Signatures, keys and Outlook's own form of the mail are none.
 */
static bool is_file(const lk_attachment *part)
{
	static const char *const wrapping[] = {
		"application/pkcs7-signature", "application/x-pkcs7-signature",
		"application/pgp-signature",   "application/pgp-keys",
		"application/ms-tnef",	       "application/vnd.ms-tnef"};

	for (unsigned i = 0; i < G_N_ELEMENTS(wrapping); i++)
		if (strcmp(part->content_type, wrapping[i]) == 0)
			return false;
	return !part->is_inline || !g_str_has_prefix(part->content_type, "image/");
}

static bool has_part(const lk_mail *mail, const char *type)
{
	for (unsigned i = 0; i < mail->attachments->len; i++) {
		const lk_attachment *part = g_ptr_array_index(mail->attachments, i);
		if (g_str_has_suffix(part->content_type, type))
			return true;
	}
	return false;
}

/* The mail itself lies in its only part, and cannot be opened. */
static bool is_sealed(const lk_mail *mail)
{
	static const char *const wraps[] = {"/pkcs7-mime", "/x-pkcs7-mime",
					    "application/pgp-encrypted"};

	if (*mail->reply_text && !g_str_has_prefix(mail->reply_text, "[encrypted: "))
		return false;
	for (unsigned i = 0; i < G_N_ELEMENTS(wraps); i++)
		if (has_part(mail, wraps[i]))
			return true;
	return false;
}

static void read_words(lk_agent_mail *m)
{
	const lk_mail *mail = m->work->mail;
	lk_command_context context = {.policy = m->work->policy,
				      .agent_name = m->agent->name,
				      .today = lk_execute_today(m->work->policy, m->work->now)};

	m->is_sealed = m->work->thread.ticket && is_sealed(mail);
	/* An emoji for a click is no answer to anybody. */
	bool is_reaction = has_part(mail, "text/vnd.google.email-reaction+json");
	m->words = has_words(mail) && !m->is_sealed && !is_reaction ? mail->reply_text : "";
	if (*m->words || (!*mail->reply_text && !m->is_sealed && !is_reaction)) {
		g_autofree char *below = commands_below(&context, mail);
		m->words_below = *below ? g_strconcat(m->words, "\n\n", below, NULL) : NULL;
		m->words = m->words_below ? m->words_below : m->words;
	}
	m->commands = lk_commands_read(&context, m->words);
	if (m->is_sealed)
		g_ptr_array_add(m->commands->problems,
				lk_problem_new(LK_PROBLEM_SEALED, "", "", NULL));
	for (unsigned i = 0; !m->is_sealed && !is_reaction && i < mail->attachments->len; i++)
		m->has_files |= is_file(g_ptr_array_index(mail->attachments, i));
}

bool lk_work_agent(lk_work *work, lk_ingest_result *result, bool *ret_done, GError **error)
{
	const lk_agent *agent = lk_policy_agent(work->policy, work->from);
	g_auto(lk_agent_mail) m = {.work = work, .agent = agent};

	*ret_done = false;
	if (!agent || work->mail->is_unparsed || work->sender.is_blocked)
		return true;
	if (work->mail->kind != LK_KIND_NORMAL)
		return take_vacation(work, agent, error);
	m.actor = g_strdup_printf("agent:%s", agent->address);
	m.tokens = g_array_new(FALSE, FALSE, sizeof(lk_authority_token));
	m.language = work->policy->language;
	if (agent->languages->len > 0)
		lk_lang_parse(g_ptr_array_index(agent->languages, 0), &m.language);
	read_words(&m);
	if (!decide(&m, error))
		return false;
	lk_agent_fate what = fate_of(&m);
	if (!settle(&m, what, error))
		return false;
	return work->is_dry ? lk_agent_mail_explain(&m, what, ret_done, error)
			    : dispatch(&m, what, result, ret_done, error);
}
