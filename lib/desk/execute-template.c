/* #template: texts of the agents' own, filled in for the ticket. */
#include "lib/desk/execute-private.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/template.h"

#include <string.h>

/* The customer's language, else the queue's, else the site's: the first that has the text. */
static unsigned languages_of(const lk_run *run, lk_lang languages[3])
{
	lk_lang order[] = {lk_run_language(run), run->queue ? run->queue->language : 0,
			   run->policy->language};
	unsigned n = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
		bool is_known = i == 1 && !run->queue;
		for (unsigned k = 0; k < n; k++)
			is_known |= languages[k] == order[i];
		if (!is_known)
			languages[n++] = order[i];
	}
	return n;
}

static lk_json *values_of(lk_run *run, lk_lang language, GError **error)
{
	g_autoptr(lk_json) values = lk_json_object();
	g_autofree char *reference = lk_reference(run->policy, run->ticket);
	const char *text = lk_run_text(run, "fields");
	lk_json *fields = NULL;

	if (!lk_json_parse(text, strlen(text), &fields, error))
		return NULL;
	lk_json_take(values, "fields", fields);
	lk_json_set_text(values, "reference", reference);
	lk_json_set_text(values, "subject", lk_run_text(run, "subject"));
	lk_json_set_text(values, "requester_name", lk_run_text(run, "requester_name"));
	lk_json_set_text(values, "agent_name", run->how->agent ? run->how->agent->name : NULL);
	lk_json_set_text(values, "queue_title",
			 lk_text_in(&run->queue->title, language, run->policy->language));
	lk_json_set_text(values, "site_name", run->policy->site_name);
	return g_steal_pointer(&values);
}

static bool no_template(lk_run *run, const char *name, lk_lang language)
{
	g_autoptr(GPtrArray) names = lk_template_quick_names(
		run->policy->templates_dir, run->queue->name, lk_lang_code(language));
	g_autofree char *list = NULL;

	g_ptr_array_add(names, NULL);
	list = g_strjoinv(", ", (char **)names->pdata);
	return lk_run_problem(run, LK_PROBLEM_TEMPLATE, name, *list ? list : NULL);
}

/* A template that cannot be rendered is a problem of this line, with the reason. */
static bool fill(lk_run *run, const char *word, GString *text, GError **error)
{
	g_autofree char *lower = g_ascii_strdown(word, -1);
	g_autofree char *name = g_strconcat(LK_TEMPLATE_QUICK, lower, NULL);
	lk_lang languages[3] = {0};
	unsigned n = languages_of(run, languages);

	for (unsigned i = 0; i < n; i++) {
		const char *code = lk_lang_code(languages[i]);
		g_autofree char *path = lk_template_find(run->policy->templates_dir,
							 run->queue->name, code, name, "txt");
		g_autoptr(lk_json) values = NULL;
		g_autofree char *filled = NULL;
		g_autoptr(GError) why = NULL;
		if (!path)
			continue;
		values = values_of(run, languages[i], error);
		if (!values)
			return false;
		if (!lk_template_fill(run->policy->templates_dir, run->queue->name, code, name,
				      "txt", values, &filled, &why))
			return lk_run_problem(run, LK_PROBLEM_TEMPLATE, word, why->message);
		g_strchomp(filled);
		g_string_append_printf(text, "%s%s", text->len > 0 ? "\n\n" : "", filled);
		return true;
	}
	return no_template(run, word, languages[0]);
}

bool lk_run_fill_text(lk_run *run, GError **error)
{
	g_autoptr(GString) text = g_string_new(run->commands->text);
	lk_sight sight = LK_SIGHT_NONE;

	for (unsigned i = 0; i < run->commands->commands->len; i++) {
		const lk_command *command = g_ptr_array_index(run->commands->commands, i);
		if (command->kind != LK_COMMAND_TEMPLATE || !command->text || !*command->text)
			continue;
		run->command = command;
		if (!run->how->ticket || command->tickets->len > 0)
			return lk_run_problem(run, LK_PROBLEM_WHICH_TICKET, "template", NULL);
		if (!lk_run_sight(run, run->how->ticket, &sight, error) ||
		    !lk_run_enter(run, run->how->ticket, error))
			return false;
		/* What is out of sight is refused by whatever takes the text. */
		if (sight == LK_SIGHT_FULL && run->queue && !fill(run, command->text, text, error))
			return false;
	}
	if (strcmp(text->str, run->commands->text) == 0)
		return true;
	run->filled = *run->commands;
	run->filled.text = g_string_free(g_steal_pointer(&text), FALSE);
	run->commands = &run->filled;
	return true;
}

static void add_names(lk_json *answer, GHashTable *seen, GPtrArray *names)
{
	for (unsigned i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *form = g_strconcat("#template ", name, NULL);
		lk_json *row = NULL;
		if (!g_hash_table_add(seen, g_strdup(name)))
			continue;
		row = lk_json_object();
		lk_json_set_text(row, "name", name);
		lk_json_set_bool(row, "is_form", true);
		lk_json_set_text(row, "form", form);
		lk_json_push(lk_json_get(answer, "rows"), row);
	}
}

/* Of the mail's ticket; without one, of all queues that the agent sees. */
bool lk_run_template(lk_run *run, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	lk_sight sight = LK_SIGHT_NONE;
	lk_json *answer = NULL;

	if (run->command->text && *run->command->text)
		return true;
	answer = lk_run_answer(run, "templates");
	if (run->how->ticket && (!lk_run_sight(run, run->how->ticket, &sight, error) ||
				 !lk_run_enter(run, run->how->ticket, error)))
		return false;
	for (unsigned i = 0; i < run->policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(run->policy->queues, i);
		bool is_seen =
			!run->how->agent || lk_sight_of(run->policy, run->how->agent, queue->name,
							NULL, false) == LK_SIGHT_FULL;
		if (!is_seen || (sight == LK_SIGHT_FULL && queue != run->queue))
			continue;
		for (int lang = 0; lang < LK_N_LANGS; lang++) {
			g_autoptr(GPtrArray) names =
				lk_template_quick_names(run->policy->templates_dir, queue->name,
							lk_lang_code((lk_lang)lang));
			add_names(answer, seen, names);
		}
	}
	return lk_run_enter(run, 0, error);
}
