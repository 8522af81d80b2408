/* What a notice says, looked up when it is composed. */
#include "lib/desk/notice.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/desk/authority.h"
#include "lib/desk/term.h"
#include "lib/desk/when.h"

#include <string.h>

/* Similar tickets are a help, not worth a wait. */
#define HURRY_MS "50"
enum { SIMILAR_DAYS = 365 };

typedef struct {
	lk_db *db;
	const lk_policy *policy;
	lk_time now;
	lk_lang lang;
	int64_t ticket;
	const char *recipient;
	bool sees_ticket; /* or only the mail, which an address of its own team stood in, too */
	bool may_split;	  /* that, and the mail can be made a ticket of its own */
	lk_json *out;
} filler;

static void set_when(filler *f, const char *key, const lk_rows *rows, size_t row,
		     const char *column)
{
	g_autofree char *text =
		lk_row_is_null(rows, row, column)
			? NULL
			: lk_when(f->policy, f->lang, lk_row_time(rows, row, column));

	lk_json_set_text(f->out, key, text ? text : "");
}

static void set_or_empty(lk_json *json, const char *key, const char *value)
{
	lk_json_set_text(json, key, value ? value : "");
}

static void fill_people(filler *f, const lk_rows *rows)
{
	const char *standing = lk_row_text(rows, 0, "standing");
	const char *name = lk_row_text(rows, 0, "requester_name");
	const char *address = lk_row_text(rows, 0, "requester_address");
	const char *from = lk_row_text(rows, 0, "from_address");
	bool is_other = from && address && g_ascii_strcasecmp(from, address) != 0;

	set_or_empty(f->out, "requester_name", name);
	set_or_empty(f->out, "requester_address", address);
	set_or_empty(f->out, "organisation", lk_row_text(rows, 0, "organisation"));
	set_or_empty(f->out, "phone", lk_row_text(rows, 0, "phone"));
	lk_json_set_bool(f->out, "is_vip", standing && strcmp(standing, "vip") == 0);
	set_or_empty(f->out, "writer_address", is_other ? from : "");
	set_or_empty(f->out, "writer_name", is_other ? lk_row_text(rows, 0, "from_name") : "");
	lk_json_set_bool(f->out, "is_guest",
			 lk_row_text(rows, 0, "writer") &&
				 strcmp(lk_row_text(rows, 0, "writer"), "guest") == 0);
}

static bool fill_fields(filler *f, const lk_rows *rows, GError **error)
{
	const lk_queue *queue = lk_policy_queue(f->policy, lk_row_text(rows, 0, "queue"));
	const char *type = lk_row_text(rows, 0, "type");
	const char *text = lk_row_text(rows, 0, "fields");
	g_autoptr(lk_json) fields = NULL;
	lk_json *filled = lk_json_array();
	lk_json *missing = lk_json_array();

	lk_json_take(f->out, "fields", filled);
	lk_json_take(f->out, "missing", missing);
	if (!f->sees_ticket)
		return true;
	if (!lk_json_parse(text, strlen(text), &fields, error))
		return false;
	g_autoptr(GPtrArray) keys = lk_json_keys(fields);
	for (unsigned i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);
		lk_json *one = lk_json_object();
		lk_json_set_text(one, "name", key);
		lk_json_set_text(one, "value", lk_json_get_text(fields, key));
		lk_json_push(filled, one);
	}
	for (unsigned i = 0; queue && i < queue->required->len; i++) {
		const lk_required *required = g_ptr_array_index(queue->required, i);
		bool applies = !required->when || (g_str_has_prefix(required->when, "type:") &&
						   type && strcmp(required->when + 5, type) == 0);
		if (applies && !lk_json_is_true(lk_json_get(fields, required->field)))
			lk_json_push_text(missing, required->field);
	}
	return true;
}

static void fill_state(filler *f, const lk_rows *rows)
{
	g_autofree char *reference = lk_reference(f->policy, f->ticket);
	g_autoptr(GPtrArray) tags = lk_row_texts(rows, 0, "tags");
	g_autoptr(GString) joined = g_string_new(NULL);
	const lk_agent *owner = lk_policy_agent(f->policy, lk_row_text(rows, 0, "owner"));
	int64_t chased = f->sees_ticket ? lk_row_int(rows, 0, "chased") : 0;

	lk_json_set_text(f->out, "reference", reference);
	set_or_empty(f->out, "title", lk_row_text(rows, 0, f->sees_ticket ? "title" : "subject"));
	set_or_empty(f->out, "status", lk_row_text(rows, 0, "status"));
	set_or_empty(f->out, "status_shown",
		     lk_term_status(lk_row_text(rows, 0, "status"), f->lang));
	set_or_empty(f->out, "priority_shown",
		     lk_term_priority(lk_row_text(rows, 0, "priority"), f->lang));
	set_or_empty(f->out, "type", lk_row_text(rows, 0, "type"));
	set_or_empty(f->out, "priority", lk_row_text(rows, 0, "priority"));
	set_or_empty(f->out, "owner", owner ? owner->name : lk_row_text(rows, 0, "owner"));
	for (unsigned i = 0; f->sees_ticket && i < tags->len; i++)
		g_string_append_printf(joined, "%s%s", i > 0 ? ", " : "",
				       (char *)g_ptr_array_index(tags, i));
	lk_json_set_text(f->out, "tags", joined->str);
	if (chased > 0)
		lk_json_set_int(f->out, "chased", chased);
	set_when(f, "opened", rows, 0, "opened_at");
	set_when(f, "written", rows, 0, "written_at");
	if (f->sees_ticket && lk_row_is_null(rows, 0, "first_response_at"))
		set_when(f, "due_respond", rows, 0, "due_respond");
	if (f->sees_ticket)
		set_when(f, "due_resolve", rows, 0, "due_resolve");
	set_or_empty(f->out, "text", lk_row_text(rows, 0, "words"));
	lk_json_set_bool(f->out, "is_cut", lk_row_bool(rows, 0, "is_cut"));
}

static lk_json *one_ticket(filler *f, const lk_rows *rows, size_t row, const char *time)
{
	lk_json *one = lk_json_object();
	g_autofree char *reference = lk_reference(f->policy, lk_row_int(rows, row, "id"));
	g_autofree char *day = lk_when_day(f->policy, f->lang, lk_row_time(rows, row, time));

	lk_json_set_text(one, "reference", reference);
	set_or_empty(one, "title", lk_row_text(rows, row, "title"));
	set_or_empty(one, "day", day);
	return one;
}

static bool fill_earlier(filler *f, int64_t person, const GPtrArray *sight, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_json *earlier = lk_json_array();
	int64_t seen = 0;
	int64_t others = 0;

	lk_json_take(f->out, "earlier", earlier);
	if (!person)
		return true;
	lk_param_int(params, person);
	lk_param_int(params, f->ticket);
	lk_param_texts(params, sight);
	if (!lk_db_run(f->db, LK_Q_NOTICE_EARLIER, params, &rows, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		seen = lk_row_int(rows, row, "n_seen");
		others = lk_row_int(rows, row, "n_others");
		if (!lk_row_bool(rows, row, "is_seen"))
			continue;
		lk_json *one = one_ticket(f, rows, row, "opened_at");
		set_or_empty(one, "status_shown",
			     lk_term_status(lk_row_text(rows, row, "status"), f->lang));
		lk_json_push(earlier, one);
	}
	if (seen > (int64_t)lk_json_size(earlier))
		lk_json_set_int(f->out, "earlier_rest", seen - (int64_t)lk_json_size(earlier));
	if (others > 0)
		lk_json_set_int(f->out, "others", others);
	return true;
}

static bool hurry(filler *f, const char *ms, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, ms);
	return lk_db_run(f->db, LK_Q_NOTICE_HURRY, params, NULL, error);
}

/*
 * Undoes the limit as well; which holds for this very statement, so that it may be cancelled on a
 * busy machine, again and again but not for ever.
 */
static bool end_hurry(filler *f, GError **error)
{
	enum { TRIES = 50 };

	for (unsigned i = 1;; i++) {
		g_autoptr(GError) why = NULL;

		if (lk_db_rollback_to(f->db, &why))
			return true;
		if (i < TRIES && lk_db_is_alive(f->db))
			continue;
		g_propagate_error(error, g_steal_pointer(&why));
		return false;
	}
}

/* Up to three resolved tickets like this one; none where looking for them would take long. */
static bool fill_similar(filler *f, const char *queue, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GError) why = NULL;
	lk_json *similar = lk_json_array();

	lk_json_take(f->out, "similar", similar);
	if (!f->sees_ticket)
		return true;
	lk_param_text(params, queue);
	lk_param_int(params, f->ticket);
	lk_param_time(params, f->now - (int64_t)SIMILAR_DAYS * 86400 * LK_SECOND);
	if (!lk_db_savepoint(f->db, error) || !hurry(f, HURRY_MS, error))
		return false;
	if (!lk_db_run(f->db, LK_Q_NOTICE_SIMILAR, params, &rows, &why))
		return lk_db_is_alive(f->db)
			       ? end_hurry(f, error)
			       : (g_propagate_error(error, g_steal_pointer(&why)), false);
	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		lk_json *one = one_ticket(f, rows, row, "resolved_at");
		set_or_empty(one, "resolution", lk_row_text(rows, row, "resolution"));
		lk_json_push(similar, one);
	}
	return end_hurry(f, error);
}

/* Links that write the command for the agent: nothing has to be typed. */
static void fill_actions(filler *f, const char *reply_to)
{
	static const struct {
		const char *key;
		const char *command;
		bool is_others; /* for the other team of a mail, which may do no more with it */
	} actions[] = {{"take", "#take", false},
		       {"note", "#note\n\n", false},
		       {"resolve", "#resolve\n\n", false},
		       {"wait", "#wait customer\n\n", false},
		       {"split", "#split", true}};
	const char *reference = lk_json_get_text(f->out, "reference");
	const char *title = lk_json_get_text(f->out, "title");
	g_autofree char *cut = lk_text_cut(title, 100);
	g_autofree char *subject = g_strdup_printf("Re: [%s] %s", reference, cut);
	g_autofree char *escaped = g_uri_escape_string(subject, NULL, FALSE);
	lk_json *links = lk_json_object();

	for (unsigned i = 0; reply_to && i < G_N_ELEMENTS(actions); i++) {
		if (actions[i].is_others ? !f->may_split : !f->sees_ticket)
			continue;
		g_autofree char *body = g_uri_escape_string(actions[i].command, NULL, FALSE);
		g_autofree char *address = g_uri_escape_string(reply_to, "@", FALSE);
		g_autofree char *link =
			g_strdup_printf("mailto:%s?subject=%s&body=%s", address, escaped, body);
		lk_json_set_text(links, actions[i].key, link);
	}
	lk_json_take(f->out, "actions", links);
}

static bool look_at_ticket(filler *f, int64_t message, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, f->ticket);
	lk_param_int(params, message);
	if (!lk_db_run(f->db, LK_Q_NOTICE_TICKET, params, ret_rows, error))
		return false;
	if (lk_rows_count(*ret_rows) > 0)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_DATA, "its ticket is gone");
	return false;
}

/* Was the mail for a queue of the agent's, too? */
static bool is_also(const filler *f, const lk_agent *agent, const lk_rows *rows)
{
	g_autoptr(GPtrArray) also =
		lk_row_is_null(rows, 0, "also") ? NULL : lk_row_texts(rows, 0, "also");

	return lk_sight_of(f->policy, agent, lk_row_text(rows, 0, "queue"), also, false) ==
	       LK_SIGHT_SPLIT;
}

bool lk_notice_fill(lk_db *db, const lk_policy *policy, lk_time now, const lk_notice_reader *reader,
		    lk_json *variables, GError **error)
{
	filler f = {.db = db,
		    .policy = policy,
		    .now = now,
		    .lang = reader->lang,
		    .ticket = reader->ticket,
		    .recipient = reader->recipient,
		    .out = variables};
	g_autoptr(lk_rows) rows = NULL;
	const lk_agent *agent = lk_policy_agent(policy, reader->recipient);
	g_autoptr(GPtrArray) sight = agent ? lk_sight_queues(policy, agent) : g_ptr_array_new();

	if (!look_at_ticket(&f, reader->message, &rows, error))
		return false;
	/* Who is no agent stands in the configuration for the queue itself. */
	f.sees_ticket = !agent || g_ptr_array_find_with_equal_func(
					  sight, lk_row_text(rows, 0, "queue"), g_str_equal, NULL);
	f.may_split = !f.sees_ticket && is_also(&f, agent, rows);
	lk_json_set_bool(variables, "is_others", !f.sees_ticket);
	lk_json_set_bool(variables, "is_split", f.may_split);
	fill_people(&f, rows);
	fill_state(&f, rows);
	fill_actions(&f, reader->reply_to);
	return fill_fields(&f, rows, error) &&
	       fill_earlier(&f, lk_row_int(rows, 0, "person"), sight, error) &&
	       fill_similar(&f, lk_row_text(rows, 0, "queue"), error);
}
