#include "lib/desk/report.h"

#include <string.h>

static const struct {
	const char *name;
	const char *view;
	lk_query query;
} kinds[LK_N_REPORTS] = {
	[LK_REPORT_QUEUES] = {"queues", "report_queues", LK_Q_REPORT_QUEUES},
	[LK_REPORT_SLA] = {"sla", "report_sla", LK_Q_REPORT_SLA},
	[LK_REPORT_STAGES] = {"stages", "report_stages", LK_Q_REPORT_STAGES},
	[LK_REPORT_SURVEY] = {"survey", "report_survey", LK_Q_REPORT_SURVEY},
	[LK_REPORT_COMMENTS] = {"comments", "report_comments", LK_Q_REPORT_COMMENTS},
	[LK_REPORT_SUPPLIERS] = {"suppliers", "report_suppliers", LK_Q_REPORT_SUPPLIERS},
	[LK_REPORT_RULES] = {"rules", "report_rules", LK_Q_REPORT_RULES},
	[LK_REPORT_AGENTS] = {"agents", "report_agents", LK_Q_REPORT_AGENTS},
	[LK_REPORT_ORGANISATIONS] = {"organisations", "report_organisations",
				     LK_Q_REPORT_ORGANISATIONS},
};

const char *const lk_report_groups[] = {"queue",    "organisation", "type", "tag",
					"priority", "field",	    NULL};

const char *lk_report_name(lk_report_kind kind)
{
	return (unsigned)kind < LK_N_REPORTS ? kinds[kind].name : NULL;
}

bool lk_report_parse(const char *name, lk_report_kind *ret_kind)
{
	for (unsigned i = 0; i < LK_N_REPORTS; i++)
		if (strcmp(name, kinds[i].name) == 0) {
			*ret_kind = (lk_report_kind)i;
			return true;
		}
	return false;
}

static void free_column(void *data)
{
	lk_report_column *column = data;

	g_free(column->name);
	g_free(column->meaning);
	g_free(column);
}

static void free_row(void *data)
{
	g_ptr_array_unref(data);
}

void lk_report_free(lk_report *report)
{
	if (!report)
		return;
	g_ptr_array_unref(report->columns);
	g_ptr_array_unref(report->rows);
	g_free(report);
}

const char *lk_report_cell(const lk_report *report, unsigned row, const char *column)
{
	const GPtrArray *cells = g_ptr_array_index(report->rows, row);

	for (unsigned i = 0; i < report->columns->len; i++) {
		const lk_report_column *one = g_ptr_array_index(report->columns, i);

		if (strcmp(one->name, column) == 0)
			return g_ptr_array_index(cells, i);
	}
	return NULL;
}

static void add_setting(GPtrArray *names, GPtrArray *values, const char *name, const char *value)
{
	g_ptr_array_add(names, (void *)name);
	g_ptr_array_add(values, (void *)(value ? value : ""));
}

static bool ask(lk_db *db, const lk_report_question *q, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GPtrArray) values = g_ptr_array_new();
	g_autoptr(lk_params) params = lk_params_new();
	g_autofree char *from = lk_time_format(q->from);
	g_autofree char *to = lk_time_format(q->to);

	add_setting(names, values, "from", from);
	add_setting(names, values, "to", to);
	add_setting(names, values, "queue", q->queue);
	add_setting(names, values, "organisation", q->organisation);
	add_setting(names, values, "by", q->by);
	add_setting(names, values, "field", q->field);
	add_setting(names, values, "total", q->is_total ? "yes" : NULL);
	lk_param_texts(params, names);
	lk_param_texts(params, values);
	return lk_db_run(db, LK_Q_REPORT_ASK, params, NULL, error);
}

static bool tell_size(lk_db *db, void (*before)(int64_t tickets), GError **error)
{
	g_autoptr(lk_rows) rows = NULL;

	if (!before)
		return true;
	if (!lk_db_run(db, LK_Q_REPORT_SIZE, NULL, &rows, error))
		return false;
	before(lk_row_int(rows, 0, "tickets"));
	return true;
}

static bool read_columns(lk_db *db, const char *view, lk_report *report, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_text(params, view);
	if (!lk_db_run(db, LK_Q_REPORT_COLUMNS, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		lk_report_column *column = g_new0(lk_report_column, 1);

		column->name = g_strdup(lk_row_text(rows, i, "name"));
		column->meaning = g_strdup(lk_row_text(rows, i, "meaning"));
		column->is_text = lk_row_bool(rows, i, "is_text");
		g_ptr_array_add(report->columns, column);
	}
	return true;
}

static bool read_rows(lk_db *db, lk_query query, lk_report *report, GError **error)
{
	g_autoptr(lk_rows) rows = NULL;

	if (!lk_db_run(db, query, NULL, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		GPtrArray *cells = lk_row_texts(rows, i, "cells");

		g_assert(cells->len == report->columns->len);
		g_ptr_array_add(report->rows, cells);
	}
	return true;
}

bool lk_report_make(lk_db *db, const lk_report_question *question, void (*before)(int64_t tickets),
		    lk_report **ret_report, GError **error)
{
	g_autoptr(lk_report) report = g_new0(lk_report, 1);

	report->columns = g_ptr_array_new_with_free_func(free_column);
	report->rows = g_ptr_array_new_with_free_func(free_row);
	if (!lk_db_begin(db, error))
		return false;
	if (!ask(db, question, error) || !tell_size(db, before, error) ||
	    !read_columns(db, kinds[question->kind].view, report, error) ||
	    !read_rows(db, kinds[question->kind].query, report, error)) {
		lk_db_rollback(db);
		return false;
	}
	/* What was asked goes with the transaction; nothing was written. */
	lk_db_rollback(db);
	*ret_report = g_steal_pointer(&report);
	return true;
}
