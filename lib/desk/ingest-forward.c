/*
 * An agent forwards a customer's mail to the desk (desk.md 15): it is read as if it began with
 * "#for CUSTOMER", proof and receipt included.
 */
#include "lib/desk/intake.h"

#include "lib/base/text.h"
#include "lib/desk/forward.h"
#include "lib/desk/outbox.h"

#include <string.h>
#include <unistd.h>

enum { HEADER_BYTES = 64 * 1024, MOST_BLOCKS = 5 };

static bool is_customer(const lk_work *work, const lk_forward *forward)
{
	return !forward->address || (!lk_policy_is_own_address(work->policy, forward->address) &&
				     !lk_policy_agent(work->policy, forward->address));
}

/* The newest writer of the forwarded mails who is neither ours nor an agent. */
static bool find_in_text(const lk_work *work, lk_forward *ret_forward)
{
	const char *text = work->mail->text;
	bool is_forward = lk_forward_subject(work->mail->subject);
	size_t from = 0;

	for (unsigned i = 0; i < MOST_BLOCKS && lk_forward_find(text, from, ret_forward); i++) {
		is_forward |= ret_forward->has_mark;
		if (is_forward && is_customer(work, ret_forward))
			return true;
		from = ret_forward->words;
		lk_forward_clear(ret_forward);
	}
	return false;
}

static bool find_attached(const lk_work *work, lk_forward *ret_forward)
{
	const lk_intake *intake = work->intake;

	for (unsigned i = 0; intake->parts_fd >= 0 && i < work->mail->attachments->len; i++) {
		const lk_attachment *part = g_ptr_array_index(work->mail->attachments, i);
		if (g_strcmp0(part->content_type, "message/rfc822") != 0)
			continue;
		size_t n = (size_t)MIN(part->size, HEADER_BYTES);
		g_autofree char *bytes = g_malloc(n + 1);
		ssize_t got = pread(intake->parts_fd, bytes, n, (off_t)part->offset);
		if (got <= 0 || !lk_forward_read(bytes, (size_t)got, ret_forward))
			continue;
		if (is_customer(work, ret_forward))
			return true;
		lk_forward_clear(ret_forward);
	}
	return false;
}

/* Outlook prints colleagues by name: known when exactly one person has it. */
static bool look_up(lk_work *work, const char *name, char **ret_address, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_text(params, name);
	if (!lk_db_run(work->db, LK_Q_INTAKE_NAMED, params, &rows, error))
		return false;
	if (lk_rows_count(rows) == 1)
		*ret_address = g_strdup(lk_row_text(rows, 0, "address"));
	return true;
}

bool lk_work_read_forward(lk_work *work, GError **error)
{
	const lk_mail *mail = work->mail;
	lk_forward forward = {0};
	g_autofree char *address = NULL;
	bool done = true;

	if (!work->facts.sender_is_agent || work->thread.ticket || mail->kind != LK_KIND_NORMAL ||
	    mail->is_unparsed || strstr(mail->reply_text, "#for "))
		return true;
	if (!find_in_text(work, &forward) && !find_attached(work, &forward))
		return true;
	if (forward.address)
		address = g_strdup(forward.address);
	else
		done = look_up(work, forward.name, &address, error);
	if (done && address && lk_address_is_sane(address)) {
		char *words = g_strdup_printf("#for %s\n\n%s", address, mail->reply_text);
		g_free(work->bare_words);
		work->bare_words = words;
		if (mail != &work->bare) {
			work->bare = *mail;
			work->bare_intake = *work->intake;
			work->bare_intake.mail = &work->bare;
			work->mail = &work->bare;
			work->intake = &work->bare_intake;
		}
		work->bare.reply_text = words;
	} else if (done) {
		g_free(work->unknown_customer);
		work->unknown_customer = g_strdup(forward.name);
	}
	lk_forward_clear(&forward);
	return done;
}

bool lk_work_ask_customer(lk_work *work, int64_t ticket, int64_t message, GError **error)
{
	const lk_agent *agent = lk_policy_agent(work->policy, work->from);
	g_autoptr(lk_json) variables = NULL;

	if (!work->unknown_customer || !agent)
		return true;
	lk_event event = {.ticket = ticket,
			  .message = message,
			  .at = work->at,
			  .actor = work->actor,
			  .event = "customer_unknown",
			  .reason =
				  "the forwarded mail names its writer without an address, and not "
				  "exactly one person has that name: the agent is asked"};
	if (!work->is_dry && !lk_event_add(work->db, &event, error))
		return false;
	g_autofree char *reference = lk_reference(work->policy, ticket);
	lk_lang language = work->route.queue->language;
	if (agent->languages->len > 0)
		lk_lang_parse(g_ptr_array_index(agent->languages, 0), &language);
	variables = lk_json_object();
	lk_json_set_text(variables, "reference", reference);
	lk_json_set_text(variables, "name", work->unknown_customer);
	lk_outbox_mail mail = {
		.ticket = ticket,
		.cause = message,
		.template_name = "ask-customer",
		.purpose = LK_PURPOSE_AGENT,
		.queue = work->route.queue,
		.language = language,
		.recipient = agent->address,
		.recipient_name = agent->name,
		.rank = LK_RANK_ANSWER,
		.reason = "nobody knows whose matter the forwarded mail is",
		.variables = variables,
	};
	return lk_work_send(work, &mail, error);
}
