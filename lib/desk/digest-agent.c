/* An agent's own digest: what is due, who waits, what nobody has taken, and whom they stand in for.
 */
#include "lib/desk/digest-private.h"

#include "lib/desk/absence.h"

#include <string.h>

enum { WAITING_ROWS = 10 };

/* What waits for others, so that nothing is forgotten. */
static void add_waiting(const lk_reader *reader, lk_json *out)
{
	const GArray *tickets = reader->picture->tickets;
	lk_json *rows = lk_json_array();
	int64_t count = 0;

	for (unsigned i = 0; i < tickets->len; i++) {
		const lk_picture_ticket *t = &g_array_index(tickets, lk_picture_ticket, i);
		bool waits = t->status == LK_STATUS_WAITING_CUSTOMER ||
			     t->status == LK_STATUS_WAITING_SUPPLIER ||
			     t->status == LK_STATUS_ON_HOLD;

		if (!waits || !lk_reader_sees(reader, t->queue) ||
		    g_strcmp0(t->owner, reader->agent->address) != 0)
			continue;
		if (count++ < WAITING_ROWS)
			lk_json_push(rows, lk_digest_line(reader, t, LK_DO_REMIND));
	}
	lk_digest_take_rows(out, "waiting", rows, count);
}

/* How much nobody has taken; the link takes the most urgent one. */
static bool add_free(const lk_reader *reader, lk_json *out, GError **error)
{
	const GArray *tickets = reader->picture->tickets;
	const lk_picture_ticket *oldest = NULL;
	lk_json *rows = NULL;
	lk_json *one = NULL;
	lk_json *actions = NULL;
	int64_t count = 0;

	for (unsigned i = 0; i < tickets->len; i++) {
		const lk_picture_ticket *t = &g_array_index(tickets, lk_picture_ticket, i);

		if (!lk_reader_sees(reader, t->queue) ||
		    lk_policy_agent(reader->picture->policy, t->owner))
			continue;
		count++;
		if (!oldest || t->opened_at < oldest->opened_at)
			oldest = t;
	}
	if (count == 0)
		return true;
	lk_digest_action next = {
		.name = "is_next", .kind = "commands", .queue = oldest->queue, .words = "#next"};
	one = lk_digest_line(reader, oldest, 0);
	actions = lk_json_array();
	lk_json_take(one, "actions", actions);
	rows = lk_json_array();
	lk_json_push(rows, one);
	if (!lk_digest_add_action(reader, actions, &next, error)) {
		lk_json_unref(rows);
		return false;
	}
	lk_json_set_int(out, "n_free", count);
	lk_digest_take_rows(out, "free", rows, 1);
	return true;
}

static lk_json *tickets_of(const lk_reader *reader, const char *owner, int64_t *ret_count)
{
	const GArray *tickets = reader->picture->tickets;
	lk_json *rows = lk_json_array();

	for (unsigned i = 0; i < tickets->len; i++) {
		const lk_picture_ticket *t = &g_array_index(tickets, lk_picture_ticket, i);

		if (!lk_reader_sees(reader, t->queue) || g_strcmp0(t->owner, owner) != 0)
			continue;
		if ((*ret_count)++ < LK_DIGEST_ROWS)
			lk_json_push(rows, lk_digest_line(reader, t, LK_DO_TAKE | LK_DO_TELL));
	}
	return rows;
}

/* On the first day of an absence its deputy gets the list of what they stand in for. */
static void add_deputy(const lk_reader *reader, lk_json *out)
{
	const lk_picture *p = reader->picture;
	lk_json *people = lk_json_array();

	for (size_t row = 0; row < lk_rows_count(p->starts); row++) {
		const char *deputy = lk_row_text(p->starts, row, "deputy");
		const char *agent = lk_row_text(p->starts, row, "agent");
		const lk_absence *absence = g_hash_table_lookup(p->absences, agent);
		lk_json *one = NULL;
		int64_t count = 0;

		if (!deputy || lk_policy_agent(p->policy, deputy) != reader->agent)
			continue;
		one = lk_json_object();
		lk_json_set_text(one, "agent", lk_digest_name(reader, agent));
		lk_digest_set_day(reader, one, "until",
				  absence && lk_day_is_set(absence->last_day)
					  ? lk_day_start(p->policy->timezone, absence->last_day)
					  : LK_TIME_NONE);
		lk_json *rows = tickets_of(reader, agent, &count);
		lk_json_set_bool(one, "has_none", count == 0);
		lk_digest_take_rows(one, "list", rows, count);
		lk_json_push(people, one);
	}
	lk_digest_take_rows(out, "deputy", people, (int64_t)lk_json_size(people));
}

bool lk_digest_of_agent(const lk_reader *reader, lk_json **ret_variables, GError **error)
{
	static const struct {
		const char *key;
		lk_section section;
		unsigned actions;
	} sections[] = {
		{"due", LK_SECTION_DUE, LK_DO_TELL | LK_DO_LATER},
		{"chased", LK_SECTION_CHASED, LK_DO_TELL},
		{"untold", LK_SECTION_UNTOLD, LK_DO_TELL},
		{"supplier_late", LK_SECTION_SUPPLIER, LK_DO_REMIND | LK_DO_TELL},
		{"back", LK_SECTION_BACK, LK_DO_LATER | LK_DO_TELL},
	};
	g_autoptr(lk_json) out = lk_json_object();

	add_deputy(reader, out);
	for (unsigned i = 0; i < G_N_ELEMENTS(sections); i++)
		lk_digest_add_section(reader, out, sections[i].key, sections[i].section,
				      reader->agent->address, sections[i].actions);
	add_waiting(reader, out);
	if (!add_free(reader, out, error))
		return false;
	g_autoptr(GPtrArray) keys = lk_json_keys(out);
	*ret_variables = keys->len > 0 ? g_steal_pointer(&out) : NULL;
	return true;
}
