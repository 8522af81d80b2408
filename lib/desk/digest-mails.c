/* What a digest says of mails: those that wait for somebody, and those that cannot come or go. */
#include "lib/desk/digest-private.h"

#include "lib/base/text.h"
#include "lib/desk/authority.h"
#include "lib/desk/term.h"
#include "lib/desk/when.h"

#include <string.h>

/* Mails out are late when the oldest has waited for so long. */
enum { LATE_S = 1800, MAX_REASON = 300 };

static void set_text(lk_json *out, const char *key, const char *text)
{
	g_autofree char *squeezed = text ? lk_text_squeeze(text) : NULL;
	g_autofree char *cut = squeezed ? lk_text_cut(squeezed, MAX_REASON) : NULL;

	lk_json_set_text(out, key, cut ? cut : "");
}

static void set_reason(const lk_reader *reader, lk_json *out, const char *english)
{
	g_autofree char *words = lk_term_reason(english, reader->lang);

	set_text(out, "reason", words);
}

static void set_when(const lk_reader *reader, lk_json *out, lk_time at)
{
	g_autofree char *when = lk_when(reader->picture->policy, reader->lang, at);

	lk_json_set_text(out, "when", when ? when : "");
}

static void set_reference(const lk_reader *reader, lk_json *out, int64_t ticket)
{
	g_autofree char *reference = ticket ? lk_reference(reader->picture->policy, ticket) : NULL;

	lk_json_set_text(out, "reference", reference ? reference : "");
}

/* Two links that decide on the mail of that number. */
static bool add_choice(const lk_reader *reader, lk_json *one, const lk_queue *queue, int64_t target,
		       const char *const kinds[2], GError **error)
{
	lk_json *actions = lk_json_array();

	lk_json_take(one, "actions", actions);
	for (unsigned i = 0; i < 2; i++) {
		g_autofree char *name = g_strconcat("is_", kinds[i], NULL);
		lk_digest_action action = {
			.name = name, .kind = kinds[i], .queue = queue, .target = target};

		if (!lk_digest_add_action(reader, actions, &action, error))
			return false;
	}
	return true;
}

/* Of a mail that may have arrived the server's last words are known, of others a reason. */
static void set_why_stuck(const lk_reader *reader, lk_json *one, size_t row)
{
	const lk_rows *rows = reader->picture->stuck;
	const char *reason = lk_row_text(rows, row, "reason");
	g_autofree char *words = NULL;

	if (strcmp(lk_row_text(rows, row, "state"), "uncertain") != 0) {
		set_reason(reader, one, reason);
		return;
	}
	words = lk_term_trouble(reason, reader->lang);
	set_text(one, "reason", words);
}

static bool add_stuck(const lk_reader *reader, lk_json *out, GError **error)
{
	static const char *const kinds[] = {"retry", "cancel"};
	const lk_rows *rows = reader->picture->stuck;
	lk_json *lines = lk_json_array();
	int64_t count = 0;

	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		const lk_queue *queue =
			lk_policy_queue(reader->picture->policy, lk_row_text(rows, row, "queue"));
		g_autofree char *state = g_strconcat("is_", lk_row_text(rows, row, "state"), NULL);
		lk_json *one = NULL;

		if (!lk_reader_sees(reader, queue) || count++ >= LK_DIGEST_ROWS)
			continue;
		one = lk_json_object();
		lk_json_push(lines, one);
		lk_json_set_bool(one, state, true);
		set_text(one, "recipient", lk_row_text(rows, row, "recipient"));
		set_why_stuck(reader, one, row);
		set_text(one, "template",
			 lk_term_template(lk_row_text(rows, row, "template"), reader->lang));
		set_when(reader, one, lk_row_time(rows, row, "at"));
		set_reference(reader, one, lk_row_int(rows, row, "ticket"));
		if (!add_choice(reader, one, queue, lk_row_int(rows, row, "id"), kinds, error)) {
			lk_json_unref(lines);
			return false;
		}
	}
	lk_digest_take_rows(out, "stuck", lines, count);
	return true;
}

static bool add_quarantine(const lk_reader *reader, lk_json *out, GError **error)
{
	static const char *const kinds[] = {"release", "drop"};
	const lk_rows *rows = reader->picture->quarantine;
	lk_json *lines = lk_json_array();
	int64_t count = 0;

	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		const lk_queue *queue = lk_picture_queue_of_held(reader->picture, row);
		lk_json *one = NULL;

		if (!lk_reader_sees(reader, queue) || count++ >= LK_DIGEST_ROWS)
			continue;
		one = lk_json_object();
		lk_json_push(lines, one);
		lk_json_set_int(one, "number", lk_row_int(rows, row, "id"));
		set_text(one, "from", lk_row_text(rows, row, "from_address"));
		set_text(one, "title", lk_row_text(rows, row, "subject"));
		set_text(one, "mailbox", lk_row_text(rows, row, "mailbox"));
		set_reason(reader, one, lk_row_text(rows, row, "detail"));
		set_when(reader, one, lk_row_time(rows, row, "at"));
		if (!add_choice(reader, one, queue, lk_row_int(rows, row, "id"), kinds, error)) {
			lk_json_unref(lines);
			return false;
		}
	}
	lk_digest_take_rows(out, "quarantine", lines, count);
	return true;
}

static const lk_picture_ticket *find_ticket(const lk_reader *reader, int64_t id)
{
	const GArray *tickets = reader->picture->tickets;

	for (unsigned i = 0; i < tickets->len; i++) {
		const lk_picture_ticket *t = &g_array_index(tickets, lk_picture_ticket, i);

		if (t->id == id)
			return t;
	}
	return NULL;
}

/* A ticket that is resolved already has its answer: nobody has to look. */
static void add_unacknowledged(const lk_reader *reader, lk_json *out)
{
	const lk_rows *rows = reader->picture->unacknowledged;
	lk_json *lines = lk_json_array();
	int64_t count = 0;

	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		const lk_picture_ticket *t = find_ticket(reader, lk_row_int(rows, row, "ticket"));
		lk_json *one = NULL;

		if (!t || !lk_reader_sees(reader, t->queue) || count++ >= LK_DIGEST_ROWS)
			continue;
		one = lk_digest_line(reader, t, LK_DO_TAKE | LK_DO_GIVE | LK_DO_TELL);
		set_reason(reader, one, lk_row_text(rows, row, "reason"));
		lk_json_push(lines, one);
	}
	lk_digest_take_rows(out, "unacknowledged", lines, count);
}

/* Mails of agents that nobody but their writer can let go. */
static void add_held(const lk_reader *reader, lk_json *out)
{
	const lk_picture *p = reader->picture;
	lk_json *lines = lk_json_array();
	int64_t count = 0;

	for (size_t row = 0; row < lk_rows_count(p->held); row++) {
		const lk_agent *agent =
			lk_policy_agent(p->policy, lk_row_text(p->held, row, "agent"));
		const lk_queue *queue =
			lk_policy_queue(p->policy, lk_row_text(p->held, row, "queue"));
		int64_t ticket = lk_row_int(p->held, row, "ticket");
		lk_json *one = NULL;
		lk_json *actions = NULL;

		for (unsigned i = 0; agent && !queue && i < reader->queues->len; i++)
			if (lk_agent_serves(p->policy, agent, g_ptr_array_index(reader->queues, i)))
				queue = g_ptr_array_index(reader->queues, i);
		if (!agent || !lk_reader_sees(reader, queue) || count++ >= LK_DIGEST_ROWS)
			continue;
		one = lk_json_object();
		actions = lk_json_array();
		lk_json_set_text(one, "agent", lk_digest_name(reader, agent->address));
		set_reason(reader, one, lk_row_text(p->held, row, "reason"));
		set_when(reader, one, lk_row_time(p->held, row, "at"));
		set_reference(reader, one, ticket);
		lk_digest_add_mailto(actions, "is_write", agent->address,
				     ticket ? lk_json_get_text(one, "reference")
					    : p->policy->site_name,
				     lk_json_get_text(one, "reason"));
		lk_json_take(one, "actions", actions);
		lk_json_push(lines, one);
	}
	lk_digest_take_rows(out, "held", lines, count);
}

bool lk_digest_add_mails(const lk_reader *reader, lk_json *out, GError **error)
{
	add_held(reader, out);
	if (!add_stuck(reader, out, error) || !add_quarantine(reader, out, error))
		return false;
	add_unacknowledged(reader, out);
	return true;
}

/* --- mailboxes, tokens, the way out ------------------------------------------------------------
 */

/* The admins are told by a mail that is written already. */
static void add_admins(const lk_reader *reader, lk_json *one, const char *subject, const char *body)
{
	const GPtrArray *admins = reader->picture->policy->admins;
	lk_json *actions = lk_json_array();

	lk_json_take(one, "actions", actions);
	if (admins->len > 0)
		lk_digest_add_mailto(actions, "is_admin", g_ptr_array_index(admins, 0), subject,
				     body);
}

static void add_mailboxes(const lk_reader *reader, lk_json *lines)
{
	const lk_picture *p = reader->picture;

	for (size_t row = 0; row < lk_rows_count(p->mailboxes); row++) {
		const char *name = lk_row_text(p->mailboxes, row, "name");
		int64_t not_told = lk_row_int(p->mailboxes, row, "not_told");
		lk_json *one = NULL;

		if (!lk_policy_mailbox(p->policy, name))
			continue;
		one = lk_json_object();
		lk_json_set_text(one, "mailbox", name);
		g_autofree char *error =
			lk_term_trouble(lk_row_text(p->mailboxes, row, "error"), reader->lang);
		set_text(one, "error", error);
		lk_json_set_bool(one, "is_unvisited",
				 lk_row_bool(p->mailboxes, row, "is_unvisited"));
		if (not_told > 0)
			lk_json_set_int(one, "not_told", not_told);
		if (!lk_row_is_null(p->mailboxes, row, "last_ok_at"))
			set_when(reader, one, lk_row_time(p->mailboxes, row, "last_ok_at"));
		add_admins(reader, one, name, lk_json_get_text(one, "error"));
		lk_json_push(lines, one);
	}
}

static void add_sending(const lk_reader *reader, lk_json *lines)
{
	const lk_picture *p = reader->picture;
	lk_json *one = NULL;

	if (p->sending_since == LK_TIME_NONE || p->sending_since > p->now - LATE_S * LK_SECOND)
		return;
	one = lk_json_object();
	lk_json_set_bool(one, "is_sending", true);
	set_when(reader, one, p->sending_since);
	add_admins(reader, one, "smtp", lk_json_get_text(one, "when"));
	lk_json_push(lines, one);
}

static bool is_known_list(const lk_desk_mailbox *mailbox, const char *list)
{
	return mailbox &&
	       g_ptr_array_find_with_equal_func(mailbox->own_lists, list, g_str_equal, NULL);
}

/* Named once: the admins decide whether it is the desk's own group address. */
static bool add_lists(const lk_reader *reader, lk_json *lines, GError **error)
{
	const lk_picture *p = reader->picture;

	for (size_t row = 0; row < lk_rows_count(p->lists); row++) {
		const char *name = lk_row_text(p->lists, row, "mailbox");
		const char *list = lk_row_text(p->lists, row, "list_id");
		const lk_desk_mailbox *mailbox = lk_policy_mailbox(p->policy, name);
		g_autoptr(lk_params) params = lk_params_new();
		g_autofree char *setting = NULL;
		lk_json *one = NULL;

		if (!mailbox || is_known_list(mailbox, list))
			continue;
		one = lk_json_object();
		lk_json_set_text(one, "mailbox", name);
		set_text(one, "list_id", list);
		lk_json_set_int(one, "n", lk_row_int(p->lists, row, "n"));
		lk_json_set_int(one, "total", lk_row_int(p->lists, row, "total"));
		setting = g_strdup_printf("own_lists = ( \"%s\" );", list);
		add_admins(reader, one, name, setting);
		lk_json_push(lines, one);
		lk_param_text(params, name);
		lk_param_text(params, list);
		if (!lk_db_run(p->db, LK_Q_PICTURE_LIST_TOLD, params, NULL, error))
			return false;
	}
	return true;
}

bool lk_digest_add_trouble(const lk_reader *reader, lk_json *out, GError **error)
{
	lk_json *lines = lk_json_array();

	add_mailboxes(reader, lines);
	add_sending(reader, lines);
	if (!add_lists(reader, lines, error)) {
		lk_json_unref(lines);
		return false;
	}
	lk_digest_take_rows(out, "trouble", lines, (int64_t)lk_json_size(lines));
	return true;
}
