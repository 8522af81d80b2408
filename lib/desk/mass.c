#include "lib/desk/mass.h"

#include "lib/base/text.h"
#include "lib/desk/intake.h"
#include "lib/desk/outbox.h"
#include "lib/desk/phrases.h"
#include "lib/desk/subject.h"
#include "lib/desk/when.h"

#include <string.h>

enum { READ_BYTES = 600, COMPARED_BYTES = 240, SHOWN_TICKETS = 50 };

/* --- pure ------------------------------------------------------------------------------------- */

lk_mass_verdict lk_mass_decide(const lk_mass_policy *policy, const GArray *others,
			       int64_t *ret_mass, GArray **ret_members)
{
	g_autoptr(GHashTable) people =
		g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, NULL);

	*ret_mass = 0;
	*ret_members = g_array_new(FALSE, FALSE, sizeof(unsigned));
	for (unsigned i = 0; policy->people > 0 && i < others->len; i++) {
		lk_mass_ticket *other = &g_array_index(others, lk_mass_ticket, i);
		if (other->alike < policy->similarity)
			continue;
		g_array_append_val(*ret_members, i);
		g_hash_table_add(people, &other->person);
		if (!*ret_mass)
			*ret_mass = other->mass;
	}
	if (*ret_mass)
		return LK_MASS_JOINS;
	if (policy->people > 0 && (int64_t)g_hash_table_size(people) + 1 >= policy->people)
		return LK_MASS_PROPOSES;
	return LK_MASS_NONE;
}

char *lk_mass_words(const char *subject, const char *text)
{
	g_autofree char *cut = lk_text_cut(text ? text : "", READ_BYTES);
	g_autofree char *title = lk_words_content(subject);
	g_autofree char *words = lk_words_content(cut);
	g_autofree char *all = g_strjoin(" ", title, words, NULL);

	return lk_text_cut(all, COMPARED_BYTES);
}

/* --- the intake's part ------------------------------------------------------------------------ */

/* The window's tickets. rows back everything. */
typedef struct {
	lk_work *work;
	const lk_queue *queue;
	int64_t ticket;
	const lk_rows *rows;
	GArray *others;	 /* lk_mass_ticket, one a row */
	GArray *members; /* indexes */
} window;

static bool is_worth_looking(const lk_work *work)
{
	return work->route.queue->mass.people > 0 && !work->plan.is_machine && work->has_from &&
	       !work->intake->is_silent && work->mail->kind == LK_KIND_NORMAL &&
	       !work->mail->is_unparsed && !work->facts.sender_is_agent &&
	       !lk_mail_fails_dmarc(work->mail);
}

static bool load(lk_work *work, int64_t ticket, lk_rows **ret_rows, GError **error)
{
	const lk_queue *queue = work->route.queue;
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, queue->name);
	lk_param_time(params, work->at - queue->mass.within_s * LK_SECOND);
	lk_param_time(params, work->at);
	lk_param_int(params, ticket);
	return lk_db_run(work->db, LK_Q_INTAKE_WINDOW, params, ret_rows, error);
}

static bool compare(window *w, GError **error)
{
	lk_work *work = w->work;
	g_autofree char *base = lk_subject_base(work->policy, work->mail->subject);
	g_autofree char *mine = lk_mass_words(base, work->mail->reply_text);
	g_autoptr(GPtrArray) left = g_ptr_array_new();
	g_autoptr(GPtrArray) right = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GArray) percents = NULL;

	for (size_t row = 0; row < lk_rows_count(w->rows); row++) {
		g_ptr_array_add(left, mine);
		g_ptr_array_add(right, lk_mass_words(lk_row_text(w->rows, row, "subject"),
						     lk_row_text(w->rows, row, "words")));
	}
	if (!lk_work_alike(work, left, right, &percents, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(w->rows); row++) {
		lk_mass_ticket other = {.ticket = lk_row_int(w->rows, row, "ticket"),
					.person = lk_row_int(w->rows, row, "person"),
					.mass = lk_row_int(w->rows, row, "mass"),
					.alike = *mine ? g_array_index(percents, int, row) : 0};
		g_array_append_val(w->others, other);
	}
	return true;
}

static bool join(window *w, int64_t mass, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_int(params, mass);
	lk_param_int(params, w->ticket);
	lk_param_time(params, w->work->at);
	return lk_db_run(w->work->db, LK_Q_INTAKE_MASS_JOIN, params, NULL, error);
}

/* *ret_is_new false: another intake was faster. */
static bool found(window *w, bool *ret_is_new, GError **error)
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
	for (unsigned i = 0; i < w->members->len; i++)
		g_array_append_val(tickets, g_array_index(w->others, lk_mass_ticket,
							  g_array_index(w->members, unsigned, i))
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

	for (unsigned i = w->members->len; i > 0 && shown < SHOWN_TICKETS; i--, shown++) {
		size_t row = g_array_index(w->members, unsigned, i - 1);
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
	lk_json_set_int(json, "count", (int64_t)w->members->len + 1);
	lk_json_set_bool(json, "is_cut", w->members->len > SHOWN_TICKETS);
	lk_json_take(json, "members", members);
	return json;
}

static bool tell(const window *w, int64_t parent, const char *address, GError **error)
{
	lk_work *work = w->work;
	const lk_agent *agent = lk_policy_agent(work->policy, address);
	lk_lang language = w->queue->language;
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;

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
		.reason = "several people wrote nearly the same within a short time",
		.variables = variables,
	};
	return lk_outbox_add(work->db, work->policy, work->now, &mail, &verdict, &outbox, error);
}

static bool propose(const window *w, GError **error)
{
	const GPtrArray *team = w->queue->managers->len > 0 ? w->queue->managers : w->queue->agents;
	size_t oldest = g_array_index(w->members, unsigned, w->members->len - 1);
	int64_t parent = lk_row_int(w->rows, oldest, "ticket");
	g_autofree char *reason = g_strdup_printf(
		"%u people wrote nearly the same within a short time: a possible mass incident; "
		"its managers were asked, nothing is linked by itself",
		w->members->len + 1);
	lk_event event = {.ticket = parent,
			  .at = w->work->at,
			  .actor = "sched",
			  .event = "mass_proposed",
			  .reason = reason};

	if (!lk_event_add(w->work->db, &event, error))
		return false;
	for (unsigned i = 0; i < team->len; i++)
		if (!tell(w, parent, g_ptr_array_index(team, i), error))
			return false;
	return true;
}

bool lk_work_mass(lk_work *work, int64_t ticket, GError **error)
{
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GArray) others = g_array_new(FALSE, TRUE, sizeof(lk_mass_ticket));
	g_autoptr(GArray) members = NULL;
	window w = {.work = work, .queue = work->route.queue, .ticket = ticket, .others = others};
	int64_t mass = 0;
	bool is_new = false;

	if (!is_worth_looking(work))
		return true;
	if (!load(work, ticket, &rows, error))
		return false;
	if (lk_rows_count(rows) == 0)
		return true;
	w.rows = rows;
	if (!compare(&w, error))
		return false;
	lk_mass_verdict verdict = lk_mass_decide(&w.queue->mass, others, &mass, &members);
	w.members = members;
	if (verdict == LK_MASS_JOINS)
		return join(&w, mass, error);
	if (verdict == LK_MASS_NONE)
		return true;
	return found(&w, &is_new, error) && (!is_new || propose(&w, error));
}
