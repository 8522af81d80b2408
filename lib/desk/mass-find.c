/* A new ticket: is it part of a possible mass incident? The database's part of mass.h. */
#include "lib/desk/intake.h"

#include "lib/base/text.h"
#include "lib/desk/mass.h"
#include "lib/desk/outbox.h"
#include "lib/desk/subject.h"
#include "lib/desk/when.h"

#include <string.h>

enum { SHOWN_TICKETS = 50 };

/* The window's tickets. rows back everything. */
typedef struct {
	lk_work *work;
	const lk_queue *queue;
	int64_t ticket; /* 0: it is only explained */
	lk_mass_ticket newest;
	lk_rows *rows;
	GPtrArray *lists; /* owns the words of the others */
	GArray *others;	  /* lk_mass_ticket, one a row */
	lk_mass_finding found;
} window;

static bool is_worth_looking(const lk_work *work)
{
	return work->route.queue->mass.people > 0 && !work->plan.is_machine && work->has_from &&
	       !work->intake->is_silent && work->mail->kind == LK_KIND_NORMAL &&
	       !work->mail->is_unparsed && !work->facts.sender_is_agent &&
	       !lk_mail_fails_dmarc(work->mail);
}

static void window_init(window *w, lk_work *work, int64_t ticket)
{
	g_autofree char *base = lk_subject_base(work->policy, work->mail->subject);

	memset(w, 0, sizeof(*w));
	w->work = work;
	w->queue = work->route.queue;
	w->ticket = ticket;
	w->newest.ticket = ticket;
	w->newest.subject = lk_mass_words(base, "");
	w->newest.words = lk_mass_words(base, work->mail->reply_text);
	w->lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	w->others = g_array_new(FALSE, TRUE, sizeof(lk_mass_ticket));
}

static void window_clear(window *w)
{
	g_clear_pointer(&w->newest.subject, g_ptr_array_unref);
	g_clear_pointer(&w->newest.words, g_ptr_array_unref);
	g_clear_pointer(&w->others, g_array_unref);
	g_clear_pointer(&w->lists, g_ptr_array_unref);
	lk_mass_finding_clear(&w->found);
	g_clear_pointer(&w->rows, lk_rows_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(window, window_clear)

/* What the ticket is about, for those that come after it. */
static bool keep_words(const window *w, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	if (w->ticket == 0 || w->newest.words->len == 0)
		return true;
	lk_param_int(params, w->ticket);
	lk_param_text(params, w->queue->name);
	lk_param_time(params, w->work->at);
	lk_param_texts(params, w->newest.words);
	lk_param_time(params, w->work->at - INT64_C(86400) * LK_MASS_USUAL_DAYS * LK_SECOND);
	return lk_db_run(w->work->db, LK_Q_INTAKE_MASS_WORDS, params, NULL, error);
}

static GPtrArray *keep_list(window *w, GPtrArray *list)
{
	g_ptr_array_add(w->lists, list);
	return list;
}

static bool load(window *w, GError **error)
{
	const lk_work *work = w->work;
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, w->queue->name);
	lk_param_time(params, work->at - w->queue->mass.within_s * LK_SECOND);
	lk_param_time(params, work->at);
	lk_param_int(params, w->ticket);
	lk_param_bytes(params, work->from_hash, sizeof(work->from_hash));
	if (!lk_db_run(work->db, LK_Q_INTAKE_WINDOW, params, &w->rows, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(w->rows); row++) {
		const char *subject = lk_row_text(w->rows, row, "subject");
		lk_mass_ticket other = {.ticket = lk_row_int(w->rows, row, "ticket"),
					.person = lk_row_int(w->rows, row, "person"),
					.mass = lk_row_int(w->rows, row, "mass")};
		other.subject = keep_list(w, lk_mass_words(subject ? subject : "", ""));
		other.words = keep_list(w, lk_row_texts(w->rows, row, "words"));
		g_array_append_val(w->others, other);
	}
	return true;
}

static void add_words(GHashTable *seen, GPtrArray *all, const GPtrArray *words)
{
	for (unsigned i = 0; i < words->len; i++) {
		char *word = g_ptr_array_index(words, i);
		if (g_hash_table_add(seen, word))
			g_ptr_array_add(all, word);
	}
}

/* How many of the queue's tickets before the window had each of these words. */
static bool decide(window *w, GError **error)
{
	lk_time until = w->work->at - w->queue->mass.within_s * LK_SECOND;
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	lk_mass_usual usual = {.counts = counts};

	add_words(seen, words, w->newest.words);
	for (unsigned i = 0; i < w->others->len; i++)
		add_words(seen, words, g_array_index(w->others, lk_mass_ticket, i).words);
	lk_param_text(params, w->queue->name);
	lk_param_time(params, until - INT64_C(86400) * LK_MASS_USUAL_DAYS * LK_SECOND);
	lk_param_time(params, until);
	lk_param_int(params, LK_MASS_USUAL_TICKETS);
	lk_param_texts(params, words);
	if (!lk_db_run(w->work->db, LK_Q_INTAKE_USUAL, params, &rows, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(rows); row++)
		if (!lk_row_is_null(rows, row, "word"))
			g_hash_table_insert(
				counts, (char *)lk_row_text(rows, row, "word"),
				GUINT_TO_POINTER((unsigned)lk_row_int(rows, row, "count")));
	if (lk_rows_count(rows) > 0 && !lk_row_is_null(rows, 0, "since")) {
		usual.tickets = lk_row_int(rows, 0, "tickets");
		usual.seconds = (until - lk_row_time(rows, 0, "since")) / LK_SECOND;
	}
	lk_mass_decide(&w->queue->mass, &w->newest, w->others, &usual, &w->found);
	return true;
}

static bool join(const window *w, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, w->found.mass);
	lk_param_int(params, w->ticket);
	lk_param_time(params, w->work->at);
	return lk_db_run(w->work->db, LK_Q_INTAKE_MASS_JOIN, params, NULL, error);
}

/* *ret_is_new false: another intake was faster. */
static bool found_new(const window *w, bool *ret_is_new, GError **error)
{
	lk_work *work = w->work;
	g_autofree char *name = g_strdup_printf("mass:%s", w->queue->name);
	g_autoptr(GArray) tickets = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(lk_params) turn = lk_params_new();
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	uint8_t hash[LK_KEY_HASH_BYTES];
	int64_t key = 0;

	lk_key_hash(name, hash);
	memcpy(&key, hash, sizeof(key));
	lk_param_int(turn, key);
	if (!lk_db_run(work->db, LK_Q_INGEST_LOCK, turn, NULL, error))
		return false;
	g_array_append_val(tickets, w->ticket);
	for (unsigned i = 0; i < w->found.members->len; i++)
		g_array_append_val(tickets,
				   g_array_index(w->others, lk_mass_ticket,
						 g_array_index(w->found.members, unsigned, i))
					   .ticket);
	lk_param_text(params, w->queue->name);
	lk_param_time(params, work->at);
	lk_param_ints(params, (const int64_t *)(void *)tickets->data, tickets->len);
	if (!lk_db_run(work->db, LK_Q_INTAKE_MASS_FOUND, params, &rows, error))
		return false;
	*ret_is_new = lk_rows_count(rows) > 0;
	return true;
}

static lk_json *member_json(const lk_work *work, int64_t ticket, const char *subject,
			    const char *customer, lk_time opened_at, lk_lang lang)
{
	g_autofree char *reference = lk_reference(work->policy, ticket);
	g_autofree char *opened = lk_when(work->policy, lang, opened_at);
	g_autofree char *cut = lk_text_cut(subject ? subject : "", 200);
	lk_json *json = lk_json_object();

	lk_json_set_text(json, "reference", reference);
	lk_json_set_text(json, "subject", cut);
	lk_json_set_text(json, "customer", customer);
	lk_json_set_text(json, "opened", opened);
	return json;
}

/* Members oldest first; the oldest one is proposed as the parent. */
static lk_json *proposal(const window *w, int64_t parent, lk_lang lang)
{
	lk_work *work = w->work;
	g_autofree char *head = lk_reference(work->policy, parent);
	g_autoptr(GString) line = g_string_new(NULL);
	g_autofree char *within =
		g_strdup_printf("%" G_GINT64_FORMAT, w->queue->mass.within_s / 60);
	lk_json *members = lk_json_array();
	lk_json *json = lk_json_object();
	unsigned shown = 0;

	for (unsigned i = w->found.members->len; i > 0 && shown < SHOWN_TICKETS; i--, shown++) {
		size_t row = g_array_index(w->found.members, unsigned, i - 1);
		int64_t ticket = lk_row_int(w->rows, row, "ticket");
		g_autofree char *reference = lk_reference(work->policy, ticket);
		const char *name = lk_row_text(w->rows, row, "customer");
		lk_json_push(members,
			     member_json(work, ticket, lk_row_text(w->rows, row, "subject"), name,
					 lk_row_time(w->rows, row, "opened_at"), lang));
		if (ticket != parent)
			g_string_append_printf(line, "%s ", reference);
	}
	g_autofree char *base = lk_subject_base(work->policy, work->mail->subject);
	g_autofree char *newest = lk_reference(work->policy, w->ticket);
	const char *name = work->mail->from->name;
	lk_json_push(members, member_json(work, w->ticket, base, name && *name ? name : work->from,
					  work->at, lang));
	g_string_append_printf(line, "%s #parent %s", newest, head);
	lk_json_set_text(json, "parent", head);
	lk_json_set_text(json, "command", line->str);
	lk_json_set_text(json, "minutes", within);
	lk_json_set_int(json, "count", (int64_t)w->found.members->len + 1);
	lk_json_set_bool(json, "is_cut", w->found.members->len > SHOWN_TICKETS);
	lk_json_take(json, "members", members);
	return json;
}

static bool tell(const window *w, int64_t parent, const char *address, GError **error)
{
	lk_work *work = w->work;
	const lk_agent *agent = lk_policy_agent(work->policy, address);
	lk_lang language = w->queue->language;

	if (agent && agent->languages->len > 0)
		lk_lang_parse(g_ptr_array_index(agent->languages, 0), &language);
	g_autoptr(lk_json) variables = proposal(w, parent, language);
	lk_outbox_mail mail = {
		.ticket = parent,
		.template_name = "mass-incident",
		.purpose = LK_PURPOSE_AGENT,
		.queue = w->queue,
		.language = language,
		.recipient = address,
		.recipient_name = agent ? agent->name : NULL,
		.rank = LK_RANK_ANSWER,
		.reason = "possible mass incident: far more people than usual name the same thing",
		.variables = variables,
	};
	return lk_work_send(work, &mail, error);
}

static bool propose(const window *w, GError **error)
{
	const GPtrArray *team = w->queue->managers->len > 0 ? w->queue->managers : w->queue->agents;
	size_t oldest = g_array_index(w->found.members, unsigned, w->found.members->len - 1);
	int64_t parent = lk_row_int(w->rows, oldest, "ticket");
	g_autofree char *reason = g_strdup_printf(
		"%u people name the same (%s...) within a short time, %" G_GINT64_FORMAT
		" would be usual: a possible mass incident; the managers were asked, nothing is "
		"linked by itself",
		w->found.people, w->found.word, w->found.usual);
	lk_event event = {.ticket = parent,
			  .at = w->work->at,
			  .actor = "sched",
			  .event = "mass_proposed",
			  .reason = reason};

	if (!w->work->is_dry && !lk_event_add(w->work->db, &event, error))
		return false;
	for (unsigned i = 0; i < team->len; i++)
		if (!tell(w, parent, g_ptr_array_index(team, i), error))
			return false;
	return true;
}

bool lk_work_mass(lk_work *work, int64_t ticket, GError **error)
{
	g_auto(window) w = {0};
	bool is_new = false;

	if (!is_worth_looking(work))
		return true;
	window_init(&w, work, ticket);
	if (!keep_words(&w, error) || !load(&w, error))
		return false;
	if (!lk_mass_may_be(&w.queue->mass, &w.newest, w.others))
		return true;
	if (!decide(&w, error))
		return false;
	if (w.found.verdict == LK_MASS_JOINS)
		return work->is_dry || join(&w, error);
	if (w.found.verdict == LK_MASS_NONE)
		return true;
	if (work->is_dry)
		return propose(&w, error);
	return found_new(&w, &is_new, error) && (!is_new || propose(&w, error));
}
