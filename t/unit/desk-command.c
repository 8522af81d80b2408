/* Commands of lib/desk/command from tables in t/command: see t/command/README for their form. */
#include "lib/desk/command.h"

#include <string.h>

static lk_policy *policy;

typedef struct {
	char *name;
	GString *input;
	GString *expect;
} table_case;

static void case_free(void *data)
{
	table_case *c = data;

	g_free(c->name);
	g_string_free(c->input, TRUE);
	g_string_free(c->expect, TRUE);
	g_free(c);
}

/* "\u200b" and "\t" in a table's line. */
static void append_unescaped(GString *to, const char *line)
{
	for (const char *p = line; *p; p++) {
		if (p[0] == '\\' && p[1] == 'u') {
			gunichar c = 0;
			for (unsigned i = 2; i < 6; i++)
				c = c * 16 + (gunichar)g_ascii_xdigit_value(p[i]);
			g_string_append_unichar(to, c);
			p += 5;
		} else {
			g_string_append_c(to, *p);
		}
	}
	g_string_append_c(to, '\n');
}

static void show_list(GString *out, const char *key, const GPtrArray *list)
{
	for (unsigned i = 0; i < list->len; i++)
		g_string_append_printf(out, "%s%s", i ? "," : key,
				       (const char *)g_ptr_array_index(list, i));
}

static void show_text(GString *out, const char *key, const char *text)
{
	if (text)
		g_string_append_printf(out, " %s=%s", key, text);
}

static void show_day(GString *out, const char *key, lk_day day)
{
	g_autofree char *text = lk_day_is_set(day) ? lk_day_format(day) : NULL;

	show_text(out, key, text);
}

static void show_command(GString *out, const lk_command *c)
{
	static const char *const waits[] = {"customer", "supplier", "until"};

	g_string_append(out, lk_command_name(c->kind));
	for (unsigned i = 0; i < c->tickets->len; i++)
		g_string_append_printf(out, "%s%" G_GINT64_FORMAT,
				       i ? "," : " at=", g_array_index(c->tickets, int64_t, i));
	if (c->kind == LK_COMMAND_WAIT)
		show_text(out, "wait", waits[c->wait]);
	if (c->kind == LK_COMMAND_PRIORITY)
		show_text(out, "priority", lk_priority_name(c->priority));
	show_text(out, "name", c->name);
	show_text(out, "text", c->text);
	show_list(out, " add=", c->add);
	show_list(out, " remove=", c->remove);
	if (c->number)
		g_string_append_printf(out, " number=%" G_GINT64_FORMAT, c->number);
	if (c->ticket)
		g_string_append_printf(out, " ticket=%" G_GINT64_FORMAT, c->ticket);
	if (c->span.open_days)
		g_string_append_printf(out, " days=%" G_GINT64_FORMAT, c->span.open_days);
	if (c->span.seconds)
		g_string_append_printf(out, " seconds=%" G_GINT64_FORMAT, c->span.seconds);
	show_day(out, "day", c->day);
	show_day(out, "until", c->until);
	show_text(out, "deputy", c->deputy);
	g_string_append(out, c->is_none ? " none" : "");
	g_string_append(out, c->is_workaround ? " workaround" : "");
	g_string_append(out, c->is_silent ? " silent" : "");
	g_string_append(out, c->is_anyway ? " anyway" : "");
	g_string_append_c(out, '\n');
}

static char *show(const lk_commands *commands)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (unsigned i = 0; i < commands->commands->len; i++)
		show_command(out, g_ptr_array_index(commands->commands, i));
	for (unsigned i = 0; i < commands->problems->len; i++) {
		const lk_problem *problem = g_ptr_array_index(commands->problems, i);
		g_string_append_printf(out, "error %s \"%s\"", lk_problem_name(problem->code),
				       problem->word);
		if (problem->code == LK_PROBLEM_UNKNOWN)
			show_text(out, "near", problem->hint);
		g_string_append_c(out, '\n');
	}
	if (*commands->text) {
		g_auto(GStrv) lines = g_strsplit(commands->text, "\n", -1);
		g_autofree char *joined = g_strjoinv("|", lines);
		g_string_append_printf(out, "text %s\n", joined);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static void run_case(const void *data)
{
	const table_case *c = data;
	lk_command_context context = {
		.policy = policy, .agent_name = "Aino Aalto", .today = {2026, 7, 1}};
	g_autoptr(lk_commands) commands = lk_commands_read(&context, c->input->str);
	g_autofree char *got = show(commands);

	g_assert_cmpstr(got, ==, c->expect->str);
	for (unsigned i = 0; i < commands->problems->len; i++)
		for (int lang = 0; lang < LK_N_LANGS; lang++) {
			g_autofree char *words = lk_problem_words(
				g_ptr_array_index(commands->problems, i), (lk_lang)lang);
			g_assert_true(g_utf8_validate(words, -1, NULL));
			g_assert_null(strchr(words, '%'));
		}
}

static void read_table(const char *path, GPtrArray *cases)
{
	g_autofree char *text = NULL;
	table_case *c = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (unsigned i = 0; lines[i]; i++) {
		const char *line = lines[i];
		if (g_str_has_prefix(line, "case ")) {
			c = g_new0(table_case, 1);
			c->name = g_strdup(line + 5);
			c->input = g_string_new(NULL);
			c->expect = g_string_new(NULL);
			g_ptr_array_add(cases, c);
		} else if (*line == '>') {
			append_unescaped(c->input, line[1] ? line + 2 : "");
		} else if (g_str_has_prefix(line, "= ")) {
			g_string_append_printf(c->expect, "%s\n", line + 2);
		} else if (*line && *line != '#') {
			g_error("%s:%u: cannot read: %s", path, i + 1, line);
		}
	}
}

/* What help and errors say can be written, in each language, names this command. */
static void check_forms(lk_command_kind kind)
{
	for (int lang = 0; lang < LK_N_LANGS; lang++) {
		const char *form = lk_command_form(kind, (lk_lang)lang);
		g_auto(GStrv) pieces = g_strsplit(form, "#", -1);

		g_test_message("%s", form);
		g_assert_cmpstr(pieces[0], ==, "");
		for (unsigned i = 1; pieces[i]; i++) {
			lk_command_kind found = LK_N_COMMANDS;
			g_autofree char *name = g_strndup(pieces[i], strcspn(pieces[i], " ,"));
			g_assert_true(lk_command_find(name, &found, NULL));
			g_assert_cmpint((int)found, ==, (int)kind);
		}
	}
}

/* Every name is of one command only, and every command has a form that begins with its name. */
static void test_names(void)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (int kind = 0; kind < LK_N_COMMANDS; kind++) {
		const char *name = lk_command_name((lk_command_kind)kind);
		lk_command_kind found = LK_N_COMMANDS;
		g_autofree char *start = g_strdup_printf("#%s", name);

		g_assert_true(g_hash_table_add(seen, (void *)name));
		g_assert_true(lk_command_find(name, &found, NULL));
		g_assert_cmpint((int)found, ==, kind);
		g_assert_true(g_str_has_prefix(lk_command_form((lk_command_kind)kind, LK_LANG_EN),
					       start));
		check_forms((lk_command_kind)kind);
	}
}

/* Each problem has words in each language. */
static void test_problems(void)
{
	for (int code = 0; code < LK_N_PROBLEMS; code++)
		for (int lang = 0; lang < LK_N_LANGS; lang++) {
			lk_problem *problem =
				lk_problem_new((lk_problem_code)code, "#x", "WORD", NULL);
			g_autofree char *words = lk_problem_words(problem, (lk_lang)lang);

			g_assert_nonnull(lk_problem_name((lk_problem_code)code));
			g_assert_cmpuint(strlen(words), >, 15);
			g_assert_null(strpbrk(words, "[]%"));
			lk_problem_free(problem);
		}
}

static void test_lines(void)
{
	static const char *const lines[] = {"assign bo", "#priority high", "TUKI-7 #take",
					    "note two  words"};
	lk_command_context context = {.policy = policy, .today = {2026, 7, 1}};
	g_autoptr(lk_commands) commands =
		lk_commands_read_lines(&context, lines, G_N_ELEMENTS(lines), " the text\n");
	g_autofree char *got = show(commands);

	g_assert_cmpstr(got, ==,
			"assign text=bo\npriority priority=high\ntake at=7\n"
			"note text=two words\ntext the text\n");
}

/* A mail of nothing but commands must not take for ever, and is refused as one. */
static void test_many(void)
{
	g_autoptr(GString) words = g_string_new(NULL);
	lk_command_context context = {.policy = policy, .today = {2026, 7, 1}};

	for (unsigned i = 0; i < 15000; i++)
		g_string_append(words, "#take\n");
	g_autoptr(lk_commands) commands = lk_commands_read(&context, words->str);
	g_assert_cmpuint(commands->commands->len, ==, LK_MAX_COMMANDS);
	g_assert_cmpuint(commands->problems->len, ==, 1);
	const lk_problem *problem = g_ptr_array_index(commands->problems, 0);
	g_assert_cmpint(problem->code, ==, LK_PROBLEM_TOO_MANY);
}

int main(int argc, char **argv)
{
	static const char *const tables[] = {"top-bottom", "clients", "arguments",
					     "languages",  "prose",   "signatures"};
	g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(case_free);

	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	policy = lk_policy_new();
	policy->prefix = g_strdup("TUKI");
	for (unsigned i = 0; i < G_N_ELEMENTS(tables); i++) {
		g_autofree char *path =
			g_strdup_printf("%s/command/%s.txt", LUUKKU_TEST_DIR, tables[i]);
		unsigned before = cases->len;

		read_table(path, cases);
		g_assert_cmpuint(cases->len, >, before + 3);
		for (unsigned k = before; k < cases->len; k++) {
			table_case *c = g_ptr_array_index(cases, k);
			g_autofree char *name =
				g_strdup_printf("/desk/command/%s/%s", tables[i], c->name);
			g_test_add_data_func(name, c, run_case);
		}
	}
	g_test_add_func("/desk/command/names", test_names);
	g_test_add_func("/desk/command/problems", test_problems);
	g_test_add_func("/desk/command/lines", test_lines);
	g_test_add_func("/desk/command/many", test_many);
	int status = g_test_run();
	lk_policy_free(policy);
	return status;
}
