#include "lib/conf/problem.h"

#include <string.h>

/* More than this is noise; the last one says so. */
enum { MOST_PROBLEMS = 1000 };

static void problem_free(void *data)
{
	lk_conf_problem *problem = data;

	g_free(problem->file);
	g_free(problem->message);
	g_free(problem);
}

GPtrArray *lk_problems_new(void)
{
	return g_ptr_array_new_with_free_func(problem_free);
}

static void add(const lk_findings *findings, lk_conf_origin at, lk_conf_severity severity,
		char *message)
{
	lk_conf_problem *problem = NULL;

	if (findings->problems->len > MOST_PROBLEMS) {
		g_free(message);
		return;
	}
	if (findings->problems->len == MOST_PROBLEMS) {
		g_free(message);
		message = g_strdup("there are more problems; repair these first");
		severity = LK_CONF_IS_ERROR;
	}
	problem = g_new0(lk_conf_problem, 1);
	problem->file = g_strdup(at.file ? at.file : "");
	problem->line = at.line;
	problem->severity = severity;
	/* It may quote a name with bytes that no terminal and no JSON takes. */
	problem->message = g_utf8_make_valid(message, -1);
	g_free(message);
	g_ptr_array_add(findings->problems, problem);
}

void lk_find_error(const lk_findings *findings, lk_conf_origin at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(findings, at, LK_CONF_IS_ERROR, g_strdup_vprintf(format, args));
	va_end(args);
}

void lk_find_warning(const lk_findings *findings, lk_conf_origin at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(findings, at, LK_CONF_IS_WARNING, g_strdup_vprintf(format, args));
	va_end(args);
}

static unsigned file_rank(const GPtrArray *files, const char *name)
{
	for (unsigned i = 0; i < files->len; i++)
		if (strcmp(g_ptr_array_index(files, i), name) == 0)
			return i;
	return files->len;
}

static int compare(const void *a, const void *b, void *data)
{
	const lk_conf_problem *left = *(lk_conf_problem *const *)a;
	const lk_conf_problem *right = *(lk_conf_problem *const *)b;
	const GPtrArray *files = data;
	unsigned left_rank = file_rank(files, left->file);
	unsigned right_rank = file_rank(files, right->file);

	if (left_rank != right_rank)
		return left_rank < right_rank ? -1 : 1;
	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	return strcmp(left->message, right->message);
}

void lk_problems_sort(const lk_findings *findings)
{
	g_ptr_array_sort_with_data(findings->problems, compare, findings->files);
}

bool lk_problems_have_error(const GPtrArray *problems)
{
	for (unsigned i = 0; i < problems->len; i++) {
		const lk_conf_problem *problem = g_ptr_array_index(problems, i);

		if (problem->severity == LK_CONF_IS_ERROR)
			return true;
	}
	return false;
}

const char *lk_file_name_keep(GPtrArray *files, const char *name)
{
	unsigned at = file_rank(files, name);

	if (at == files->len)
		g_ptr_array_add(files, g_strdup(name));
	return g_ptr_array_index(files, at);
}

char *lk_conf_problem_format(const lk_conf_problem *problem)
{
	const char *kind = problem->severity == LK_CONF_IS_WARNING ? "warning: " : "";

	g_autofree char *file = g_utf8_make_valid(problem->file, -1);

	if (problem->line == 0)
		return g_strdup_printf("%s: %s%s", file, kind, problem->message);
	return g_strdup_printf("%s:%d: %s%s", file, problem->line, kind, problem->message);
}
