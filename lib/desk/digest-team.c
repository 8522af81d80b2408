/* What a digest says of the team and of the week. */
#include "lib/desk/digest-private.h"

#include "lib/desk/command.h"

#include <string.h>

/* References that one link hands over. */
enum { MAX_HANDED = 50 };

/* --- who is away ------------------------------------------------------------------------------ */

/* Agents of the reader's queues, each once. GPtrArray of const lk_agent *; caller unrefs. */
static GPtrArray *team_of(const lk_reader *reader)
{
	GPtrArray *team = g_ptr_array_new();

	for (unsigned i = 0; i < reader->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(reader->queues, i);

		for (unsigned k = 0; k < queue->agents->len; k++) {
			const lk_agent *agent = lk_policy_agent(
				reader->picture->policy, g_ptr_array_index(queue->agents, k));

			if (agent && !g_ptr_array_find(team, agent, NULL))
				g_ptr_array_add(team, (void *)agent);
		}
	}
	return team;
}

static bool is_of(const lk_reader *reader, const lk_picture_ticket *t, const lk_agent *agent)
{
	return t->owner && lk_reader_sees(reader, t->queue) &&
	       strcmp(t->owner, agent->address) == 0;
}

/* "TUKI-1 TUKI-2 #assign bo@example.fi"; NULL: they have none. Caller frees. */
static char *hand_over(const lk_reader *reader, const lk_agent *agent, const lk_agent *to,
		       const lk_queue **ret_queue, int64_t *ret_n)
{
	const GArray *tickets = reader->picture->tickets;
	g_autoptr(GString) words = g_string_new(NULL);

	*ret_n = 0;
	for (unsigned i = 0; i < tickets->len; i++) {
		const lk_picture_ticket *t = &g_array_index(tickets, lk_picture_ticket, i);
		g_autofree char *reference = NULL;

		if (!is_of(reader, t, agent))
			continue;
		if (!*ret_queue)
			*ret_queue = t->queue;
		if (++*ret_n > MAX_HANDED)
			continue;
		reference = lk_reference(reader->picture->policy, t->id);
		g_string_append_printf(words, "%s ", reference);
	}
	if (!to || *ret_n == 0)
		return NULL;
	g_string_append_printf(words, "#assign %s", to->address);
	return g_string_free(g_steal_pointer(&words), FALSE);
}

static bool add_away_links(const lk_reader *reader, lk_json *one, const lk_agent *agent,
			   const lk_agent *deputy, GError **error)
{
	const lk_queue *queue = NULL;
	const lk_agent *to = deputy;
	lk_json *actions = lk_json_array();
	int64_t n = 0;

	lk_json_take(one, "actions", actions);
	if (!to)
		to = lk_picture_free_agent(reader->picture, g_ptr_array_index(reader->queues, 0),
					   agent->address, NULL);
	g_autofree char *words = hand_over(reader, agent, to, &queue, &n);
	g_autofree char *back = g_strdup_printf("#away %s none", agent->address);
	lk_json_set_int(one, "open", n);
	if (!queue)
		queue = g_ptr_array_index(reader->queues, 0);
	lk_digest_action give = {.name = "is_hand",
				 .kind = "commands",
				 .queue = queue,
				 .words = words,
				 .to = to ? to->name : NULL};
	lk_digest_action come = {
		.name = "is_there", .kind = "commands", .queue = queue, .words = back};

	return (!words || lk_digest_add_action(reader, actions, &give, error)) &&
	       lk_digest_add_action(reader, actions, &come, error);
}

bool lk_digest_add_away(const lk_reader *reader, lk_json *out, GError **error)
{
	const lk_picture *p = reader->picture;
	g_autoptr(GPtrArray) team = team_of(reader);
	lk_json *lines = lk_json_array();

	for (unsigned i = 0; i < team->len; i++) {
		const lk_agent *agent = g_ptr_array_index(team, i);
		const lk_absence *absence = g_hash_table_lookup(p->absences, agent->address);
		const lk_agent *deputy =
			absence ? lk_policy_agent(p->policy, absence->deputy) : NULL;
		lk_json *one = NULL;

		if (!absence)
			continue;
		one = lk_json_object();
		lk_json_push(lines, one);
		lk_json_set_text(one, "agent", lk_digest_name(reader, agent->address));
		lk_json_set_text(one, "deputy",
				 deputy ? lk_digest_name(reader, deputy->address) : "");
		lk_digest_set_day(reader, one, "until",
				  lk_day_is_set(absence->last_day)
					  ? lk_day_start(p->policy->timezone, absence->last_day)
					  : LK_TIME_NONE);
		if (!add_away_links(reader, one, agent, deputy, error)) {
			lk_json_unref(lines);
			return false;
		}
	}
	lk_digest_take_rows(out, "away", lines, (int64_t)lk_json_size(lines));
	return true;
}

/* --- who has how much ------------------------------------------------------------------------- */

typedef struct {
	const char *owner; /* NULL: nobody */
	int64_t open;
	int64_t due;
	int64_t breached;
} load;

static load *load_of(GArray *loads, const char *owner)
{
	for (unsigned i = 0; i < loads->len; i++) {
		load *one = &g_array_index(loads, load, i);

		if (g_strcmp0(one->owner, owner) == 0)
			return one;
	}
	load fresh = {.owner = owner};
	g_array_append_val(loads, fresh);
	return &g_array_index(loads, load, loads->len - 1);
}

/* The most first; nobody's at the end. */
static int compare_loads(const void *a, const void *b)
{
	const load *x = a;
	const load *y = b;

	if (!x->owner != !y->owner)
		return x->owner ? -1 : 1;
	return x->open == y->open ? g_strcmp0(x->owner, y->owner) : x->open > y->open ? -1 : 1;
}

static GArray *count_loads(const lk_reader *reader)
{
	const lk_picture *p = reader->picture;
	g_autoptr(GPtrArray) team = team_of(reader);
	GArray *loads = g_array_new(FALSE, FALSE, sizeof(load));

	for (unsigned i = 0; i < team->len; i++)
		load_of(loads, ((const lk_agent *)g_ptr_array_index(team, i))->address);
	for (unsigned i = 0; i < p->tickets->len; i++) {
		const lk_picture_ticket *t = &g_array_index(p->tickets, lk_picture_ticket, i);
		const lk_agent *owner = lk_policy_agent(p->policy, t->owner);
		load *one = NULL;

		if (!lk_reader_sees(reader, t->queue))
			continue;
		one = load_of(loads, owner ? owner->address : NULL);
		one->open++;
		one->due += lk_section_has(p, LK_SECTION_DUE, t);
		one->breached += t->due_at != LK_TIME_NONE && t->due_at < p->now;
	}
	g_array_sort(loads, compare_loads);
	return loads;
}

/* What is due of theirs, a line each. Caller frees. */
static char *due_of(const lk_reader *reader, const char *owner)
{
	const lk_picture *p = reader->picture;
	g_autoptr(GString) lines = g_string_new(NULL);

	for (unsigned i = 0; i < p->tickets->len && lines->len < 1000; i++) {
		const lk_picture_ticket *t = &g_array_index(p->tickets, lk_picture_ticket, i);
		g_autofree char *reference = NULL;

		if (g_strcmp0(t->owner, owner) != 0 || !lk_reader_sees(reader, t->queue) ||
		    !lk_section_has(p, LK_SECTION_DUE, t))
			continue;
		reference = lk_reference(p->policy, t->id);
		g_string_append_printf(lines, "%s %s\n", reference, t->subject);
	}
	return g_string_free(g_steal_pointer(&lines), FALSE);
}

/* A mail to the agent about what is due; where nobody owns them, the next one is taken. */
static bool add_load_links(const lk_reader *reader, lk_json *one, const load *of, GError **error)
{
	lk_json *actions = lk_json_array();
	lk_digest_action next = {.name = "is_next",
				 .kind = "commands",
				 .queue = g_ptr_array_index(reader->queues, 0),
				 .words = "#next"};

	lk_json_take(one, "actions", actions);
	if (of->owner) {
		g_autofree char *due = due_of(reader, of->owner);

		if (strcmp(of->owner, reader->agent->address) != 0)
			lk_digest_add_mailto(actions, "is_write", of->owner,
					     reader->picture->policy->site_name, due);
		return true;
	}
	return of->open == 0 || lk_digest_add_action(reader, actions, &next, error);
}

bool lk_digest_add_load(const lk_reader *reader, lk_json *out, GError **error)
{
	g_autoptr(GArray) loads = count_loads(reader);
	lk_json *lines = lk_json_array();
	int64_t most = 1;

	for (unsigned i = 0; i < loads->len; i++)
		most = MAX(most, g_array_index(loads, load, i).open);
	for (unsigned i = 0; i < loads->len; i++) {
		const load *of = &g_array_index(loads, load, i);
		g_autofree char *bar = g_strnfill((gsize)((of->open * 20 + most - 1) / most), '=');
		lk_json *one = lk_json_object();

		lk_json_push(lines, one);
		lk_json_set_text(one, "agent", lk_digest_name(reader, of->owner));
		lk_json_set_bool(one, "is_away",
				 of->owner && !lk_picture_is_present(reader->picture, of->owner));
		lk_json_set_int(one, "open", of->open);
		lk_json_set_int(one, "due", of->due);
		lk_json_set_int(one, "breached", of->breached);
		lk_json_set_text(one, "bar", bar);
		/* A bar of no width is none. */
		if (of->open > 0)
			lk_json_set_int(one, "percent", MAX(1, of->open * 100 / most));
		if (!add_load_links(reader, one, of, error)) {
			lk_json_unref(lines);
			return false;
		}
	}
	lk_digest_take_rows(out, "load", lines, (int64_t)lk_json_size(lines));
	return true;
}

/* --- in and out ------------------------------------------------------------------------------- */

static const char *weekday_of(const lk_reader *reader, lk_time start)
{
	static const char *const names[LK_N_LANGS][7] = {
		[LK_LANG_FI] = {"ma", "ti", "ke", "to", "pe", "la", "su"},
		[LK_LANG_SV] = {"mån", "tis", "ons", "tors", "fre", "lör", "sön"},
		[LK_LANG_EN] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}};
	lk_day day = lk_day_at(reader->picture->policy->timezone, start);
	GDate date;

	g_date_clear(&date, 1);
	g_date_set_dmy(&date, (GDateDay)day.day, (GDateMonth)day.month, (GDateYear)day.year);
	return names[reader->lang][g_date_get_weekday(&date) - 1];
}

void lk_digest_add_flow(const lk_reader *reader, lk_json *out)
{
	const lk_picture *p = reader->picture;
	lk_flow flow = {0};
	lk_json *chart = lk_json_object();
	lk_json *days = lk_json_array();

	lk_picture_flow(p, reader->queues, &flow);
	lk_digest_set_day(reader, out, "since", p->since);
	lk_json_set_bool(out, "is_yesterday", p->since == p->days[LK_PICTURE_DAYS - 1]);
	lk_json_set_int(out, "in_since", flow.in_since);
	lk_json_set_int(out, "out_since", flow.out_since);
	for (unsigned i = 0; i < LK_PICTURE_DAYS; i++) {
		lk_json *one = lk_json_object();

		lk_json_set_text(one, "weekday", weekday_of(reader, p->days[i]));
		lk_json_set_int(one, "in", flow.in[i]);
		lk_json_set_int(one, "out", flow.out[i]);
		lk_json_push(days, one);
	}
	lk_json_take(chart, "days", days);
	lk_json_take(out, "chart", chart);
}
