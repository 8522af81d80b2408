/* What #undo leaves as it is, since others changed it after the run, and what the receipt says. */
#include "lib/desk/execute-private.h"

#include "lib/desk/term.h"

#include <string.h>

typedef struct {
	int64_t ticket;
	char *what;
	char *value;
} left_thing;

static void thing_free(void *data)
{
	left_thing *thing = data;

	g_free(thing->what);
	g_free(thing->value);
	g_free(thing);
}

GPtrArray *lk_left_new(void)
{
	return g_ptr_array_new_with_free_func(thing_free);
}

bool lk_left_has(const GPtrArray *left, int64_t ticket, const char *what)
{
	for (unsigned i = 0; i < left->len; i++) {
		const left_thing *thing = g_ptr_array_index(left, i);
		if (thing->ticket == ticket && strcmp(thing->what, what) == 0)
			return true;
	}
	return false;
}

void lk_left_add(GPtrArray *left, int64_t ticket, const char *what, const char *value)
{
	left_thing *thing = NULL;

	for (unsigned i = 0; i < left->len; i++) {
		thing = g_ptr_array_index(left, i);
		if (thing->ticket == ticket && strcmp(thing->what, what) == 0 &&
		    g_strcmp0(thing->value, value) == 0)
			return;
	}
	thing = g_new0(left_thing, 1);
	thing->ticket = ticket;
	thing->what = g_strdup(what);
	thing->value = g_strdup(value);
	g_ptr_array_add(left, thing);
}

/* What it is called in the history, and in words: a column, but for these. */
static const char *event_of(const char *what)
{
	if (strcmp(what, "merged_into") == 0)
		return "merged";
	return what;
}

/* The value as people read it; NULL: too long to repeat, or none. */
static const char *value_shown(const left_thing *thing, lk_lang lang)
{
	static const char *const short_ones[] = {"owner",    "queue",	  "type",  "organisation",
						 "supplier", "requester", "field", "title"};

	if (strcmp(thing->what, "status") == 0)
		return lk_term_status(thing->value, lang);
	if (strcmp(thing->what, "priority") == 0)
		return lk_term_priority(thing->value, lang);
	for (unsigned i = 0; i < G_N_ELEMENTS(short_ones); i++)
		if (strcmp(thing->what, short_ones[i]) == 0)
			return thing->value;
	return NULL;
}

/* Who did the newest such thing after the run; *ret_actor NULL: the history does not say. */
static bool find_actor(lk_run *run, const left_thing *thing, lk_time since, char **ret_actor,
		       GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_int(params, thing->ticket);
	lk_param_int(params, 0);
	lk_param_int(params, LK_LOOK_UP_ROWS);
	if (!lk_db_run(run->db, LK_Q_COMMAND_HISTORY, params, &rows, error))
		return false;
	for (size_t i = 0; !*ret_actor && i < lk_rows_count(rows); i++) {
		const char *actor = lk_row_text(rows, i, "actor");

		if (lk_row_time(rows, i, "at") >= since && strcmp(actor, run->how->actor) != 0 &&
		    strcmp(lk_row_text(rows, i, "event"), event_of(thing->what)) == 0)
			*ret_actor = lk_term_actor(actor, run->how->language);
	}
	return true;
}

static bool remark_one(lk_run *run, const left_thing *thing, lk_time since, GError **error)
{
	lk_lang lang = run->how->language;
	g_autofree char *reference = lk_reference(run->policy, thing->ticket);
	const char *value = value_shown(thing, lang);
	const char *name = lk_term_event(event_of(thing->what), lang);
	g_autofree char *words = value ? g_strdup_printf("%s, %s (%s)", reference, name, value)
				       : g_strdup_printf("%s, %s", reference, name);
	g_autofree char *actor = NULL;
	lk_sight sight = LK_SIGHT_NONE;

	if (!lk_run_sight(run, thing->ticket, &sight, error))
		return false;
	/* It went to a team that the agent does not see: that it is there is known, no more. */
	if (sight != LK_SIGHT_FULL)
		return lk_run_remark(run, LK_REMARK_LEFT_ALONE, reference, NULL);
	if (!find_actor(run, thing, since, &actor, error))
		return false;
	return lk_run_remark(run, actor ? LK_REMARK_LEFT : LK_REMARK_LEFT_ALONE, words, actor);
}

bool lk_left_remark(lk_run *run, const GPtrArray *left, lk_time since, GError **error)
{
	for (unsigned i = 0; i < left->len; i++)
		if (!remark_one(run, g_ptr_array_index(left, i), since, error))
			return false;
	return true;
}
