#include "daemon/ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the configuration says of a name, or NULL. */
static const lk_conf_organisation *find(const lk_conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->organisations->len; i++) {
		const lk_conf_organisation *one = g_ptr_array_index(conf->organisations, i);

		if (strcmp(one->name, name) == 0)
			return one;
	}
	return NULL;
}

static lk_json *texts_json(const GPtrArray *texts)
{
	lk_json *array = lk_json_array();

	for (unsigned i = 0; texts != NULL && i < texts->len; i++)
		lk_json_push_text(array, g_ptr_array_index(texts, i));
	return array;
}

/* conf or row may be missing (row < 0), not both. */
static lk_json *organisation_json(const lk_conf_organisation *conf, const lk_rows *rows,
				  int64_t row)
{
	size_t i = row < 0 ? 0 : (size_t)row;
	lk_json *json = lk_json_object();

	lk_json_set_text(json, "name", conf != NULL ? conf->name : lk_row_text(rows, i, "name"));
	lk_json_take(json, "domains", texts_json(conf != NULL ? conf->domains : NULL));
	lk_json_take(json, "addresses", texts_json(conf != NULL ? conf->addresses : NULL));
	lk_json_set_text(json, "language",
			 conf != NULL ? conf->language : lk_row_text(rows, i, "language"));
	lk_json_set_text(json, "sla", conf != NULL ? conf->sla : lk_row_text(rows, i, "sla"));
	lk_json_set_bool(json, "configured", conf != NULL);
	lk_json_set_int(json, "people", row < 0 ? 0 : lk_row_int(rows, i, "people"));
	lk_json_set_int(json, "open", row < 0 ? 0 : lk_row_int(rows, i, "open"));
	return json;
}

/* Those of the database, then those that only the configuration knows yet. */
static lk_json *all_json(const lk_conf *conf, const lk_rows *rows)
{
	lk_json *array = lk_json_array();

	for (size_t i = 0; i < lk_rows_count(rows); i++)
		lk_json_push(array, organisation_json(find(conf, lk_row_text(rows, i, "name")),
						      rows, (int64_t)i));
	for (unsigned c = 0; c < conf->organisations->len; c++) {
		const lk_conf_organisation *one = g_ptr_array_index(conf->organisations, c);
		bool is_known = false;

		for (size_t i = 0; i < lk_rows_count(rows); i++)
			is_known |= strcmp(lk_row_text(rows, i, "name"), one->name) == 0;
		if (!is_known)
			lk_json_push(array, organisation_json(one, rows, -1));
	}
	return array;
}

static char *joined(const lk_json *texts)
{
	g_autoptr(GString) all = g_string_new(NULL);

	for (size_t i = 0; i < lk_json_size(texts); i++)
		g_string_append_printf(all, "%s%s", i > 0 ? ", " : "",
				       lk_json_text(lk_json_at(texts, i)));
	return g_string_free(g_steal_pointer(&all), FALSE);
}

static void print_all(const lk_json *all)
{
	static const char *const headings[] = {"NAME", "LANGUAGE", "SLA",     "PEOPLE",
					       "OPEN", "FROM",	   "DOMAINS", NULL};
	g_autoptr(lk_ctl_table) table = lk_ctl_table_new(headings, 6);

	for (size_t i = 0; i < lk_json_size(all); i++) {
		const lk_json *one = lk_json_at(all, i);
		g_autofree char *people =
			g_strdup_printf("%" PRId64, lk_json_get_int(one, "people", 0));
		g_autofree char *open =
			g_strdup_printf("%" PRId64, lk_json_get_int(one, "open", 0));
		g_autofree char *domains = joined(lk_json_get(one, "domains"));

		lk_ctl_table_add(table, lk_json_get_text(one, "name"));
		lk_ctl_table_add(table, lk_json_get_text(one, "language"));
		lk_ctl_table_add(table, lk_json_get_text(one, "sla"));
		lk_ctl_table_add(table, people);
		lk_ctl_table_add(table, open);
		lk_ctl_table_add(table, lk_json_get_bool(one, "configured", false) ? "configuration"
										   : "import");
		lk_ctl_table_add(table, domains);
	}
	lk_ctl_table_print(table);
}

static bool run_list(lk_ctl *ctl, GError **error)
{
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(lk_json) all = NULL;
	lk_db *db = NULL;

	if (!lk_ctl_db(ctl, &db, error) ||
	    !lk_db_run(db, LK_Q_PERSON_ORGANISATIONS, NULL, &rows, error))
		return false;
	all = all_json(ctl->conf, rows);
	if (lk_ctl_has(ctl, "json"))
		lk_ctl_print_json(g_steal_pointer(&all));
	else if (lk_json_size(all) == 0)
		printf("no organisations are known\n");
	else
		print_all(all);
	return true;
}

static const lk_ctl_option list_options[] = {
	{"json", 0, NULL, "one JSON array"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_organisation_commands[] = {
	{.name = "organisation list",
	 .operands = "",
	 .options = list_options,
	 .run = run_list,
	 .summary = "customer organisations, by the configuration and by imports"},
	{.name = NULL},
};
