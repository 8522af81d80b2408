#include "lib/conf/conf.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/conf/check.h"
#include "lib/conf/print.h"
#include "lib/conf/read.h"
#include "lib/conf/snapshot.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

const char *lk_conf_lang_code(lk_conf_lang lang)
{
	static const char *const codes[] = {"fi", "sv", "en"};

	g_assert((unsigned)lang < G_N_ELEMENTS(codes));
	return codes[lang];
}

const char *lk_conf_priority_name(int priority)
{
	static const char *const names[] = {"urgent", "high", "normal", "low"};

	g_assert((unsigned)priority < G_N_ELEMENTS(names));
	return names[priority];
}

void lk_conf_free(lk_conf *conf)
{
	if (!conf)
		return;
	lk_setting_clear("", conf);
	g_free(conf->path);
	g_free(conf->dir);
	g_free(conf->hash);
	g_clear_pointer(&conf->files, g_ptr_array_unref);
	g_clear_pointer(&conf->given, g_hash_table_unref);
	g_free(conf);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One of rule_files: a file with rules and nothing else. */
static void read_rule_file(lk_reader *reader, const char *path, const lk_conf_origin *from)
{
	const lk_setting *setting = lk_setting_find("", "rules");
	g_autoptr(lk_node) root = NULL;
	bool stopped = false;

	if (!lk_node_read(&reader->findings, path, from, &root, &stopped))
		return;
	reader->stopped = stopped;
	for (unsigned i = 0; i < root->items->len; i++) {
		const lk_node *item = g_ptr_array_index(root->items, i);

		if (strcmp(item->name, "rules") == 0)
			lk_read_objects(reader, setting, "rules", item, &reader->conf->rules);
		else
			lk_find_error(&reader->findings, item->at,
				      "%s: a file of rule_files holds rules: ( ... ); and nothing "
				      "else",
				      item->name);
	}
}

/* What rule_files names, in name order; or what it named when the configuration was checked. */
static GPtrArray *rule_paths(const lk_reader *reader, const char *pattern)
{
	lk_snapshot *snapshot = reader->findings.snapshot;
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	glob_t found = {0};

	if (snapshot && lk_snapshot_is_source(snapshot)) {
		const GPtrArray *kept = lk_snapshot_rules(snapshot);

		for (unsigned i = 0; i < kept->len; i++)
			g_ptr_array_add(paths, g_strdup(g_ptr_array_index(kept, i)));
		return paths;
	}
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
		qsort(found.gl_pathv, found.gl_pathc, sizeof(char *), compare_names);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		g_ptr_array_add(paths, g_strdup(found.gl_pathv[i]));
		if (snapshot)
			lk_snapshot_add_rules(snapshot, found.gl_pathv[i]);
	}
	globfree(&found);
	return paths;
}

static void read_rule_files(lk_reader *reader, const lk_node *root)
{
	const char *pattern = reader->conf->rule_files;
	const lk_node *node = lk_node_get(root, "rule_files");
	g_autoptr(GPtrArray) paths = NULL;
	bool stopped = reader->stopped;

	if (!pattern)
		return;
	paths = rule_paths(reader, pattern);
	for (unsigned i = 0; i < paths->len; i++) {
		read_rule_file(reader, g_ptr_array_index(paths, i), node ? &node->at : NULL);
		stopped = stopped || reader->stopped;
	}
	if (paths->len == 0 && !strpbrk(pattern, "*?["))
		lk_find_error(&reader->findings, node->at, "rule_files: there is no file %s",
			      pattern);
	reader->stopped = stopped;
}

static bool is_given(const lk_conf *conf, const void *place)
{
	return g_hash_table_contains(conf->given, place);
}

static int64_t default_port(int protocol, int tls)
{
	if (protocol == LK_CONF_IMAP)
		return tls == LK_CONF_TLS_IMPLICIT ? 993 : 143;
	return tls == LK_CONF_TLS_IMPLICIT ? 995 : 110;
}

/* Defaults that follow from other settings. */
static void derive_queues(lk_conf *conf)
{
	for (unsigned i = 0; i < conf->queues->len; i++) {
		lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		for (int lang = 0; lang < LK_CONF_N_LANGS; lang++)
			if (!is_given(conf, &queue->title) && !queue->title.in[lang])
				queue->title.in[lang] = g_strdup(queue->name);
		if (!queue->from && queue->addresses->len > 0)
			queue->from = g_strdup(g_ptr_array_index(queue->addresses, 0));
		if (!is_given(conf, &queue->language))
			queue->language = conf->site.language;
	}
}

static void derive_servers(lk_conf *conf)
{
	lk_conf_smtp *smtp = &conf->smtp;

	if (!smtp->port)
		smtp->port = smtp->tls == LK_CONF_TLS_IMPLICIT	 ? 465
			     : smtp->tls == LK_CONF_TLS_STARTTLS ? 587
								 : 25;
	if (!is_given(conf, &smtp->auth))
		smtp->auth = smtp->user ? LK_CONF_AUTH_PLAIN : LK_CONF_AUTH_NONE;
	if (!smtp->envelope_from && conf->queues->len > 0) {
		const lk_conf_queue *first = g_ptr_array_index(conf->queues, 0);

		smtp->envelope_from = g_strdup(first->from);
	}
	smtp->password.key_file = conf->site.key_file;
	smtp->oauth2.client_secret.key_file = conf->site.key_file;
	conf->web.board_token.key_file = conf->site.key_file;
	for (unsigned i = 0; i < conf->mailboxes->len; i++) {
		lk_conf_mailbox *mailbox = g_ptr_array_index(conf->mailboxes, i);

		if (!mailbox->port && mailbox->protocol != LK_CONF_NO_SERVER)
			mailbox->port = default_port(mailbox->protocol, mailbox->tls);
		mailbox->password.key_file = conf->site.key_file;
		mailbox->oauth2.client_secret.key_file = conf->site.key_file;
	}
}

static void derive(lk_conf *conf)
{
	if (!conf->site.name)
		conf->site.name = g_strdup(conf->site.domain);
	if (!conf->database.owner_conninfo)
		conf->database.owner_conninfo = g_strdup(conf->database.conninfo);
	derive_queues(conf);
	derive_servers(conf);
	if (!conf->lmtp.listen && conf->site.run_dir)
		conf->lmtp.listen = g_build_filename(conf->site.run_dir, "lmtp", NULL);
}

static void drop(lk_node *group, const char *name)
{
	for (unsigned i = group->items->len; i-- > 0;) {
		const lk_node *item = g_ptr_array_index(group->items, i);

		if (g_strcmp0(item->name, name) == 0)
			g_ptr_array_remove_index(group->items, i);
	}
}

/* The file goes without its own rules. */
static void drop_rules(lk_node *root)
{
	drop(root, "rules");
	drop(root, "rule_files");
}

static void drop_all_rules(lk_node *root)
{
	const lk_node *queues = lk_node_get(root, "queues");

	drop_rules(root);
	drop(root, "tests");
	for (unsigned i = 0; queues && i < queues->items->len; i++)
		drop(g_ptr_array_index(queues->items, i), "rules");
}

/* How a configuration is loaded. */
typedef struct {
	const char *rules; /* a file whose rules stand in place of all common ones, or NULL */
	bool is_ruleless;
	bool with_files; /* also look at what the configuration names, whatever else is wrong */
} manner;

static bool read_all(lk_reader *reader, const char *path, const manner *how)
{
	g_autoptr(lk_node) root = NULL;

	if (!lk_node_read(&reader->findings, path, NULL, &root, &reader->stopped))
		return false;
	if (how->is_ruleless)
		drop_all_rules(root);
	else if (how->rules)
		drop_rules(root);
	lk_read_group(reader, "", "", root, reader->conf);
	if (how->rules)
		read_rule_file(reader, how->rules, NULL);
	else
		read_rule_files(reader, root);
	return true;
}

bool lk_conf_load(const char *path, lk_conf **ret_conf, GPtrArray **ret_problems)
{
	return lk_conf_load_with(path, NULL, ret_conf, ret_problems);
}

static bool load(const char *path, const manner *how, lk_snapshot *snapshot, lk_conf **ret_conf,
		 GPtrArray **ret_problems)
{
	g_autoptr(GPtrArray) problems = lk_problems_new();
	g_autoptr(lk_conf) conf = g_new0(lk_conf, 1);
	lk_reader reader = {{NULL, problems, snapshot}, conf, false};
	bool ok = false;

	conf->files = g_ptr_array_new_with_free_func(g_free);
	conf->given = g_hash_table_new(NULL, NULL);
	conf->path = g_canonicalize_filename(path, NULL);
	conf->dir = g_path_get_dirname(conf->path);
	reader.findings.files = conf->files;
	bool is_whole = read_all(&reader, path, how) && !reader.stopped;
	if (is_whole) {
		derive(conf);
		lk_check_conf(&reader.findings, conf);
	}
	ok = !lk_problems_have_error(problems);
	if (is_whole && how->with_files)
		lk_conf_check_files(conf, problems);
	lk_problems_sort(&reader.findings);
	if (ok)
		*ret_conf = g_steal_pointer(&conf);
	*ret_problems = g_steal_pointer(&problems);
	return ok;
}

bool lk_conf_load_with(const char *path, lk_snapshot *snapshot, lk_conf **ret_conf,
		       GPtrArray **ret_problems)
{
	return load(path, &(manner){0}, snapshot, ret_conf, ret_problems);
}

bool lk_conf_load_ruleless(const char *path, lk_snapshot *snapshot, lk_conf **ret_conf,
			   GPtrArray **ret_problems)
{
	return load(path, &(manner){.is_ruleless = true}, snapshot, ret_conf, ret_problems);
}

bool lk_conf_check(const char *path, lk_snapshot *snapshot, lk_conf **ret_conf,
		   GPtrArray **ret_problems)
{
	return load(path, &(manner){.with_files = true}, snapshot, ret_conf, ret_problems);
}

/* Does the file hold rules: ( ... ); and nothing else? */
static bool is_rules_only(const char *path)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) unused = lk_problems_new();
	const lk_findings findings = {files, unused, NULL};
	g_autoptr(lk_node) root = NULL;
	bool stopped = false;

	if (!lk_node_read(&findings, path, NULL, &root, &stopped) || root->items->len == 0)
		return false;
	for (unsigned i = 0; i < root->items->len; i++) {
		const lk_node *item = g_ptr_array_index(root->items, i);

		if (strcmp(item->name, "rules") != 0)
			return false;
	}
	return true;
}

bool lk_conf_load_changed(const char *path, const char *changed, lk_conf **ret_conf,
			  GPtrArray **ret_problems)
{
	if (is_rules_only(changed))
		return load(path, &(manner){.rules = changed}, NULL, ret_conf, ret_problems);
	return load(changed, &(manner){0}, NULL, ret_conf, ret_problems);
}

static void tell_first(const char *path, const GPtrArray *problems, GError **error)
{
	g_autofree char *first = NULL;
	unsigned others = 0;

	for (unsigned i = 0; i < problems->len; i++) {
		const lk_conf_problem *problem = g_ptr_array_index(problems, i);

		if (problem->severity == LK_CONF_IS_WARNING)
			continue;
		if (first)
			others++;
		else
			first = lk_conf_problem_format(problem);
	}
	if (others > 0)
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s (and %u more: luukkuctl -c %s check shows them)", first, others,
			    path);
	else
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "%s", first);
}

bool lk_conf_open(const char *path, lk_snapshot *snapshot, lk_conf **ret_conf, GError **error)
{
	g_autoptr(GPtrArray) problems = NULL;

	if (lk_conf_load_with(path, snapshot, ret_conf, &problems))
		return true;
	tell_first(path, problems, error);
	return false;
}

bool lk_conf_open_ruleless(const char *path, lk_snapshot *snapshot, lk_conf **ret_conf,
			   GError **error)
{
	g_autoptr(GPtrArray) problems = NULL;

	if (lk_conf_load_ruleless(path, snapshot, ret_conf, &problems))
		return true;
	tell_first(path, problems, error);
	return false;
}

const char *lk_conf_hash(lk_conf *conf)
{
	if (!conf->hash)
		conf->hash = lk_digest_conf(conf);
	return conf->hash;
}

const lk_conf_mailbox *lk_conf_find_mailbox(const lk_conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(conf->mailboxes, i);

		if (g_strcmp0(mailbox->name, name) == 0)
			return mailbox;
	}
	return NULL;
}

const lk_conf_queue *lk_conf_find_queue(const lk_conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		if (g_strcmp0(queue->name, name) == 0)
			return queue;
	}
	return NULL;
}

const lk_conf_agent *lk_conf_find_agent(const lk_conf *conf, const char *address)
{
	g_autofree char *folded = address ? lk_address_fold(address) : NULL;

	for (unsigned i = 0; folded && i < conf->agents->len; i++) {
		const lk_conf_agent *agent = g_ptr_array_index(conf->agents, i);

		if (g_strcmp0(agent->address, folded) == 0)
			return agent;
		for (unsigned j = 0; j < agent->aliases->len; j++)
			if (strcmp(g_ptr_array_index(agent->aliases, j), folded) == 0)
				return agent;
	}
	return NULL;
}
