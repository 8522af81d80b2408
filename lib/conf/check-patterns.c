#include "lib/conf/check.h"

#include "lib/base/path.h"
#include "lib/base/pattern.h"
#include "lib/conf/form.h"

#include <string.h>

/* --- patterns -----------------------------------------------------------------------------------
 */

static void check_pattern(const lk_findings *findings, lk_conf_origin at, const char *what,
			  const char *pattern, unsigned flags)
{
	if (lk_pattern_may_stall(pattern, flags))
		lk_find_warning(findings, at,
				"%s: matching %s can take for ever on some mails (repeats inside "
				"repeats, such as (a+)+); it is then given up and does not hold",
				what, pattern);
}

static void check_slashed(const lk_findings *findings, lk_conf_origin at, const char *what,
			  const char *value)
{
	g_autofree char *pattern = NULL;
	unsigned flags = 0;

	if (value && *value == '/' && lk_pattern_split(value, &pattern, &flags, NULL))
		check_pattern(findings, at, what, pattern, flags);
}

static void check_test(const lk_findings *findings, const char *rule, const lk_conf_test *test)
{
	g_autofree char *what = g_strdup_printf("rules[%s].match.%s", rule, test->name);

	for (unsigned i = 0; i < test->values->len; i++)
		check_slashed(findings, test->at, what, g_ptr_array_index(test->values, i));
	for (unsigned i = 0; i < test->children->len; i++)
		check_test(findings, rule, g_ptr_array_index(test->children, i));
}

static void check_rules(const lk_findings *findings, const GPtrArray *rules)
{
	for (unsigned i = 0; i < rules->len; i++) {
		const lk_conf_rule *rule = g_ptr_array_index(rules, i);

		check_test(findings, rule->name ? rule->name : "", rule->match);
	}
}

static void check_queue(const lk_findings *findings, const lk_conf_queue *queue)
{
	g_autofree char *what =
		g_strdup_printf("queues[%s].required[].pattern", queue->name ? queue->name : "");

	check_rules(findings, queue->rules);
	for (unsigned i = 0; i < queue->required->len; i++) {
		const lk_conf_required *required = g_ptr_array_index(queue->required, i);

		if (required->pattern)
			check_pattern(findings, required->at, what, required->pattern, 0);
	}
}

/* --- templates ----------------------------------------------------------------------------------
 */

/* As lib/desk looks for it: the folder's own, queues' own, the installed ones. */
static bool has_template(const lk_conf *conf, const char *folder, const char *name)
{
	g_autofree char *file = g_strconcat(name, ".txt", NULL);

	for (int lang = 0; lang < LK_CONF_N_LANGS; lang++) {
		const char *code = lk_conf_lang_code((lk_conf_lang)lang);
		g_autofree char *path = g_build_filename(folder, code, file, NULL);

		if (g_file_test(path, G_FILE_TEST_EXISTS))
			return true;
		for (unsigned i = 0; i < conf->queues->len; i++) {
			const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);
			g_autofree char *own = g_build_filename(
				folder, "queues", queue->name ? queue->name : "", code, file, NULL);

			if (g_file_test(own, G_FILE_TEST_EXISTS))
				return true;
		}
	}
	return false;
}

static GPtrArray *template_names(const char *folder)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	for (int lang = 0; lang < LK_CONF_N_LANGS; lang++) {
		g_autofree char *path =
			g_build_filename(folder, lk_conf_lang_code((lk_conf_lang)lang), NULL);
		g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
		const char *name = NULL;

		while (dir && (name = g_dir_read_name(dir)))
			if (g_str_has_suffix(name, ".txt"))
				g_ptr_array_add(names, g_strndup(name, strlen(name) - 4));
	}
	return names;
}

static void check_templates(const lk_findings *findings, const lk_conf *conf,
			    const GPtrArray *rules)
{
	g_autofree char *installed = lk_data_path("templates");

	for (unsigned i = 0; i < rules->len; i++) {
		const lk_conf_rule *rule = g_ptr_array_index(rules, i);

		for (unsigned j = 0; j < rule->set->len; j++) {
			const lk_conf_set *set = g_ptr_array_index(rule->set, j);
			const char *name = NULL;

			if (strcmp(set->name, "template") != 0 || set->values->len == 0)
				continue;
			name = g_ptr_array_index(set->values, 0);
			if ((conf->templates && has_template(conf, conf->templates, name)) ||
			    has_template(conf, installed, name))
				continue;
			g_autoptr(GPtrArray) names =
				template_names(conf->templates ? conf->templates : installed);
			g_autofree char *near = lk_did_you_mean(
				name, (const char *const *)names->pdata, names->len);
			lk_find_error(findings, set->at,
				      "rules[%s].set.template: there is no LANGUAGE/%s.txt in %s%s",
				      rule->name ? rule->name : "", name,
				      conf->templates ? conf->templates : installed, near);
		}
	}
}

void lk_check_patterns(const lk_findings *findings, const lk_conf *conf)
{
	check_rules(findings, conf->rules);
	check_templates(findings, conf, conf->rules);
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		check_queue(findings, queue);
		check_templates(findings, conf, queue->rules);
	}
	for (unsigned i = 0; i < conf->suppliers->len; i++) {
		const lk_conf_supplier *supplier = g_ptr_array_index(conf->suppliers, i);

		check_slashed(findings, supplier->at, "suppliers[].reference", supplier->reference);
	}
	for (unsigned i = 0; i < conf->mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(conf->mailboxes, i);

		for (unsigned j = 0; j < mailbox->strip->len; j++)
			check_slashed(findings, mailbox->at, "mailboxes[].strip",
				      g_ptr_array_index(mailbox->strip, j));
	}
}
