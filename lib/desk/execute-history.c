/* What #history shows of a ticket's events: in the agent's words, nothing of tickets out of sight.
 */
#include "lib/desk/execute-private.h"

#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/term.h"
#include "lib/desk/when.h"

#include <string.h>

enum { SHOWN_CHARS = 300 };

/* Why a mail was tied to a ticket may name other tickets, whether the agent sees them or not. */
static bool tells_of_others(const char *event)
{
	static const char *const names[] = {"opened", "joined", "linked",      "unlinked",
					    "merged", "split",	"taken_apart", "undone"};

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(names[i], event) == 0)
			return true;
	return false;
}

static const char *term_of(const char *event, const char *value, lk_lang lang)
{
	if (!value)
		return "-";
	if (strcmp(event, "status") == 0 || strcmp(event, "reopened") == 0)
		return lk_term_status(value, lang);
	return strcmp(event, "priority") == 0 ? lk_term_priority(value, lang) : value;
}

static void add_text(GString *what, const char *text)
{
	if (text && *text)
		g_string_append_printf(what, "%s%s", what->len ? ", " : "", text);
}

static void add_time(const lk_run *run, GString *what, const char *text)
{
	lk_time at = LK_TIME_NONE;
	g_autofree char *shown = NULL;

	if (text && lk_time_parse(text, &at))
		shown = lk_when(run->policy, run->how->language, at);
	add_text(what, shown);
}

/* What changed, from the event's detail. Caller frees. */
static char *what_of(const lk_run *run, const char *event, const lk_json *detail)
{
	static const char *const keys[] = {"field",    "ref",	"address",  "asked",
					   "supplier", "queue", "recipient"};
	lk_lang lang = run->how->language;
	g_autoptr(GString) what = g_string_new(NULL);

	for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
		add_text(what, lk_json_get_text(detail, keys[i]));
	add_text(what, lk_term_template(lk_json_get_text(detail, "template"), lang));
	add_time(run, what, lk_json_get_text(detail, "until"));
	add_time(run, what, lk_json_get_text(detail, "due"));
	if (lk_json_get(detail, "from") || lk_json_get(detail, "to"))
		g_string_append_printf(what, "%s%s -> %s", what->len ? ", " : "",
				       term_of(event, lk_json_get_text(detail, "from"), lang),
				       term_of(event, lk_json_get_text(detail, "to"), lang));
	return lk_text_cut(what->str, SHOWN_CHARS);
}

static bool may_see(lk_run *run, const lk_json *detail, bool *ret_may, GError **error)
{
	const char *reference = lk_json_get_text(detail, "ref");
	int64_t named = 0;

	*ret_may = true;
	return !reference || !lk_reference_parse(run->policy, reference, &named) ||
	       lk_run_sees(run, named, ret_may, error);
}

static void set_when(const lk_run *run, lk_json *row, lk_time at)
{
	g_autofree char *exact = lk_time_format(at);
	g_autofree char *shown = lk_when(run->policy, run->how->language, at);

	lk_json_set_text(row, "at", exact);
	lk_json_set_text(row, "at_shown", shown);
}

static bool show_event(lk_run *run, lk_json *list, const lk_rows *rows, size_t i, GError **error)
{
	const char *event = lk_row_text(rows, i, "event");
	const char *text = lk_row_text(rows, i, "detail");
	g_autoptr(lk_json) detail = NULL;
	bool may = false;

	if (!lk_json_parse(text, strlen(text), &detail, error) ||
	    !may_see(run, detail, &may, error))
		return false;
	if (!may)
		return true;
	lk_json *row = lk_json_object();
	g_autofree char *who = lk_term_actor(lk_row_text(rows, i, "actor"), run->how->language);
	g_autofree char *what = what_of(run, event, detail);
	bool is_plain = !run->how->agent || !tells_of_others(event);
	lk_json_set_bool(row, "is_event", true);
	lk_json_set_text(row, "actor", lk_row_text(rows, i, "actor"));
	lk_json_set_text(row, "actor_shown", who);
	lk_json_set_text(row, "event", event);
	lk_json_set_text(row, "event_shown", lk_term_event(event, run->how->language));
	lk_json_set_text(row, "what", what);
	lk_json_set_text(row, "reason", is_plain ? lk_row_text(rows, i, "reason") : NULL);
	set_when(run, row, lk_row_time(rows, i, "at"));
	lk_json_push(list, row);
	return true;
}

bool lk_run_show_history(lk_run *run, int64_t ticket, int64_t offset, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autofree char *reference = lk_reference(run->policy, ticket);

	lk_param_int(params, ticket);
	lk_param_int(params, offset);
	lk_param_int(params, LK_LOOK_UP_ROWS + 1);
	if (!lk_db_run(run->db, LK_Q_COMMAND_HISTORY, params, &rows, error))
		return false;
	lk_json *answer = lk_run_answer(run, "history");
	lk_json_set_text(answer, "about", reference);
	lk_json_set_bool(answer, "more", lk_rows_count(rows) > LK_LOOK_UP_ROWS);
	for (size_t i = 0; i < MIN(lk_rows_count(rows), LK_LOOK_UP_ROWS); i++)
		if (!show_event(run, lk_json_get(answer, "rows"), rows, i, error))
			return false;
	return true;
}
