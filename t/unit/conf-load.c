/* Configurations without mistakes: what they become. */
#include "lib/base/err.h"
#include "lib/base/seal.h"
#include "lib/conf/conf.h"
#include "lib/conf/snapshot.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char minimal[] =
	"site: { domain = \"Example.FI\"; };\n"
	"database: { conninfo = \"dbname=luukku\"; };\n"
	"smtp: { host = \"smtp.example.fi\"; };\n"
	"mailboxes: ( { name = \"ict\"; host = \"imap.example.fi\"; user = \"ict@example.fi\";\n"
	"               password_file = \"ict.pass\"; } );\n"
	"queues: ( { name = \"ict\"; addresses = ( \"ICT@example.fi\" ); } );\n";

typedef struct {
	char *dir;
	char *path; /* dir/luukku.conf */
} fixture;

static void put(const fixture *f, const char *name, const char *text, int mode)
{
	g_autofree char *path = g_build_filename(f->dir, name, NULL);
	g_autofree char *folder = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_assert_cmpint(chmod(path, (mode_t)mode), ==, 0);
}

static void set_up(fixture *f, const void *data)
{
	f->dir = g_dir_make_tmp("luukku-load-XXXXXX", NULL);
	f->path = g_build_filename(f->dir, "luukku.conf", NULL);
}

static void remove_folder(const char *path)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const char *name = NULL;

	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree char *item = g_build_filename(path, name, NULL);

		if (g_file_test(item, G_FILE_TEST_IS_DIR))
			remove_folder(item);
		else
			unlink(item);
	}
	rmdir(path);
}

static void tear_down(fixture *f, const void *data)
{
	remove_folder(f->dir);
	g_free(f->dir);
	g_free(f->path);
}

/* Loads and says every problem there is; NULL where there is an error. */
static lk_conf *load(const fixture *f, unsigned n_problems)
{
	g_autoptr(GPtrArray) problems = NULL;
	lk_conf *conf = NULL;

	if (!lk_conf_load(f->path, &conf, &problems))
		g_test_fail();
	g_assert_cmpuint(problems->len, ==, n_problems);
	for (unsigned i = 0; i < problems->len; i++) {
		g_autofree char *line = lk_conf_problem_format(g_ptr_array_index(problems, i));

		g_test_message("%s", line);
	}
	return conf;
}

static char *with(const char *more)
{
	return g_strconcat(minimal, more, NULL);
}

static void test_minimal(fixture *f, const void *data)
{
	g_autoptr(lk_conf) conf = NULL;
	const lk_conf_mailbox *mailbox = NULL;
	const lk_conf_queue *queue = NULL;

	put(f, "luukku.conf", minimal, 0644);
	/* Nobody is told of a ticket. */
	conf = load(f, 1);
	mailbox = g_ptr_array_index(conf->mailboxes, 0);
	queue = g_ptr_array_index(conf->queues, 0);
	g_assert_cmpstr(conf->site.domain, ==, "example.fi");
	g_assert_cmpstr(conf->site.name, ==, "example.fi");
	g_assert_cmpstr(conf->site.prefix, ==, "TUKI");
	g_assert_cmpstr(conf->site.subaddress, ==, "+");
	g_assert_true(g_str_has_prefix(conf->site.key_file, f->dir));
	g_assert_cmpstr(conf->database.owner_conninfo, ==, "dbname=luukku");
	g_assert_cmpint(conf->database.keep_raw_s, ==, 90 * 86400);
	g_assert_cmpint(conf->smtp.port, ==, 587);
	g_assert_cmpint(conf->smtp.auth, ==, LK_CONF_AUTH_NONE);
	g_assert_cmpint(conf->smtp.rate.count, ==, 600);
	g_assert_cmpint(conf->smtp.rate.seconds, ==, 60);
	g_assert_cmpstr(conf->smtp.envelope_from, ==, "ict@example.fi");
	g_assert_cmpint(mailbox->protocol, ==, LK_CONF_IMAP);
	g_assert_cmpint(mailbox->port, ==, 993);
	g_assert_cmpint(mailbox->tls, ==, LK_CONF_TLS_IMPLICIT);
	g_assert_cmpint(mailbox->poll_s, ==, 60);
	g_assert_cmpint(mailbox->max_size, ==, 50 << 20);
	g_assert_cmpint(mailbox->after.kind, ==, LK_CONF_AFTER_KEEP);
	g_assert_cmpstr(g_ptr_array_index(mailbox->folders, 0), ==, "INBOX");
	g_assert_cmpint(mailbox->password.form, ==, LK_CONF_SECRET_FILE);
	g_assert_cmpint(mailbox->at.line, ==, 4);
	g_assert_cmpstr(queue->from, ==, "ict@example.fi");
	g_assert_cmpstr(queue->title.in[LK_CONF_SV], ==, "ict");
	g_assert_true(queue->acknowledge);
	g_assert_cmpint(queue->reopen_s, ==, 14 * 86400);
	g_assert_cmpint(queue->retention.text_s, ==, LK_CONF_FOREVER);
	g_assert_cmpuint(conf->breaker->len, ==, 5);
	g_assert_cmpstr(conf->lmtp.listen, ==, "/run/luukku/lmtp");
	g_assert_null(conf->templates);
}

static void test_sample(void)
{
	g_autoptr(GPtrArray) problems = NULL;
	g_autoptr(lk_conf) conf = NULL;
	const lk_conf_queue *queue = NULL;

	g_assert_true(lk_conf_load(LUUKKU_TEST_DIR "/../conf/luukku.conf", &conf, &problems));
	g_assert_cmpuint(problems->len, ==, 0);
	queue = lk_conf_find_queue(conf, "ict");
	g_assert_cmpuint(queue->required->len, ==, 2);
	g_assert_cmpint(g_array_index(queue->customer_reminders, lk_conf_span, 1).open_days, ==, 4);
	g_assert_nonnull(lk_conf_find_agent(conf, "Aino.Aalto@example.fi"));
	g_assert_null(lk_conf_find_agent(conf, "nobody@example.fi"));
	g_assert_nonnull(lk_conf_find_mailbox(conf, "pipe"));
}

static void test_include(fixture *f, const void *data)
{
	g_autofree char *text = with("@include \"more/rules.conf\"   # all of them\n"
				     "reload_limit = 7;\n");
	g_autoptr(lk_conf) conf = NULL;
	const lk_conf_rule *rule = NULL;

	put(f, "luukku.conf", text, 0644);
	put(f, "more/rules.conf", "\n@include \"deep/list.conf\"\n", 0644);
	put(f, "more/deep/list.conf",
	    "rules: (\n{ name = \"one\"; match: { subject = \"x\"; };\n set: { priority = \"low\"; "
	    "}; },\n"
	    "@include \"two.conf\"\n);",
	    0644);
	put(f, "more/deep/two.conf", "\n\n{ name = \"two\"; set: { priority = \"low\"; }; }", 0644);
	conf = load(f, 1);
	g_assert_cmpuint(conf->rules->len, ==, 2);
	g_assert_cmpint(conf->reload_limit, ==, 7);
	rule = g_ptr_array_index(conf->rules, 0);
	g_assert_true(g_str_has_suffix(rule->at.file, "/more/deep/list.conf"));
	g_assert_cmpint(rule->at.line, ==, 2);
	rule = g_ptr_array_index(conf->rules, 1);
	g_assert_true(g_str_has_suffix(rule->at.file, "/more/deep/two.conf"));
	g_assert_cmpint(rule->at.line, ==, 3);
}

/* What looks like an include or a large number and is none. */
static void test_no_include(fixture *f, const void *data)
{
	g_autofree char *text =
		with("# @include \"nosuch.conf\" 99999999999\n"
		     "/*\n@include \"nosuch.conf\"\n99999999999 */\n"
		     "rules: ( { name = \"99999999999 // \\\" # x\"; match: { subject = \"\n"
		     "@include \\\"nosuch.conf\\\"\n\"; }; stop = true; } );\n");
	g_autoptr(GPtrArray) problems = NULL;
	lk_conf *conf = NULL;
	const lk_conf_problem *problem = NULL;

	put(f, "luukku.conf", text, 0644);
	/* Only the line feed in the pattern is wrong. */
	g_assert_false(lk_conf_load(f->path, &conf, &problems));
	for (unsigned i = 0; i < problems->len; i++) {
		g_autofree char *line = lk_conf_problem_format(g_ptr_array_index(problems, i));

		g_test_message("%s", line);
	}
	problem = g_ptr_array_index(problems, problems->len - 1);
	g_assert_nonnull(strstr(problem->message, "control character"));
}

static void test_rule_files(fixture *f, const void *data)
{
	g_autofree char *text = with("rule_files = \"rules.d/*.conf\";\n"
				     "rules: ( { name = \"first\"; set: { tags = \"x\"; }; } );\n");
	g_autoptr(lk_conf) conf = NULL;
	const char *names[] = {"first", "b", "c"};

	put(f, "luukku.conf", text, 0644);
	put(f, "rules.d/20.conf", "rules: ( { name = \"c\"; set: { tags = \"x\"; }; } );", 0644);
	put(f, "rules.d/10.conf", "rules: ( { name = \"b\"; set: { tags = \"x\"; }; } );", 0644);
	put(f, "rules.d/30.conf.old", "nonsense", 0644);
	conf = load(f, 1);
	g_assert_cmpuint(conf->rules->len, ==, 3);
	for (unsigned i = 0; i < 3 && i < conf->rules->len; i++) {
		const lk_conf_rule *rule = g_ptr_array_index(conf->rules, i);

		g_assert_cmpstr(rule->name, ==, names[i]);
	}
}

/* What was recorded stands in for files that were changed, broken, taken away or added since. */
static void test_snapshot(fixture *f, const void *data)
{
	g_autofree char *text = with("@include \"more.conf\"\nrule_files = \"rules.d/*.conf\";\n");
	g_autofree char *kept = g_build_filename(f->dir, "kept", NULL);
	g_autofree char *rules = g_build_filename(f->dir, "rules.d/10.conf", NULL);
	g_autofree char *hash = NULL;
	g_autoptr(lk_snapshot) recorded = lk_snapshot_new();
	g_autoptr(lk_snapshot) opened = NULL;
	g_autoptr(GPtrArray) problems = NULL;
	g_autoptr(GPtrArray) again = NULL;
	g_autoptr(lk_conf) conf = NULL;
	g_autoptr(lk_conf) same = NULL;
	struct stat st;

	put(f, "luukku.conf", text, 0644);
	put(f, "more.conf", "reload_limit = 7;\n", 0644);
	put(f, "rules.d/10.conf", "rules: ( { name = \"b\"; set: { tags = \"x\"; }; } );", 0644);
	g_assert_true(lk_conf_load_with(f->path, recorded, &conf, &problems));
	hash = g_strdup(lk_conf_hash(conf));
	g_assert_true(lk_snapshot_write(recorded, kept, NULL));
	g_assert_cmpint(stat(kept, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 0777, ==, 0600);
	put(f, "luukku.conf", "site: {", 0644);
	put(f, "more.conf", "reload_limit = \"x\";\n", 0644);
	put(f, "rules.d/20.conf", "rules: ( { name = \"c\"; set: { tags = \"x\"; }; } );", 0644);
	g_assert_cmpint(unlink(rules), ==, 0);
	g_assert_true(lk_snapshot_open(kept, &opened, NULL));
	g_assert_true(lk_conf_load_with(f->path, opened, &same, &again));
	g_assert_cmpstr(lk_conf_hash(same), ==, hash);
	g_assert_cmpint(same->reload_limit, ==, 7);
	g_assert_cmpuint(same->rules->len, ==, 1);
}

static void test_damaged_snapshot(fixture *f, const void *data)
{
	static const char *const damaged[] = {"",
					      "luukku configuration 2\n",
					      "luukku configuration 1\nfile",
					      "luukku configuration 1\nfile 5 /a\nab\n",
					      "luukku configuration 1\nfile -1 /a\n\n",
					      "luukku configuration 1\nfile 1 /a\nabc\n",
					      "luukku configuration 1\nother 0 /a\n"};

	for (unsigned i = 0; i < G_N_ELEMENTS(damaged); i++) {
		g_autoptr(lk_snapshot) opened = NULL;
		g_autoptr(GError) error = NULL;

		put(f, "luukku.conf", damaged[i], 0600);
		g_assert_false(lk_snapshot_open(f->path, &opened, &error));
		g_assert_true(lk_err_is(error, LK_ERR_DATA));
	}
}

static void test_rule_tree(fixture *f, const void *data)
{
	g_autofree char *text = with(
		"calendars: ( { name = \"office\"; hours = \"Mon-Fri 08:00-16:00\"; } );\n"
		"rules: ( { name = \"a\"; on = \"reply\"; stop = true;\n"
		"  match: { any = ( { subject = ( \"x*\", \"/(y)/i\" ); time = \"!office\"; },\n"
		"                   { header = ( { name = \"X.Odd\"; value = \"1\"; } ); } );\n"
		"           agent = false; };\n"
		"  set: { fields: { device = \"$1\"; }; tags = ( \"p\", \"q\" ); open = true; }; } "
		");\n");
	g_autoptr(lk_conf) conf = NULL;
	const lk_conf_rule *rule = NULL;
	const lk_conf_test *any = NULL;
	const lk_conf_test *test = NULL;
	const lk_conf_set *set = NULL;

	put(f, "luukku.conf", text, 0644);
	conf = load(f, 1);
	rule = g_ptr_array_index(conf->rules, 0);
	g_assert_cmpint(rule->on, ==, LK_CONF_ON_REPLY);
	g_assert_true(rule->stop);
	g_assert_cmpstr(rule->match->name, ==, "all");
	g_assert_cmpuint(rule->match->children->len, ==, 2);
	any = g_ptr_array_index(rule->match->children, 0);
	g_assert_cmpstr(any->name, ==, "any");
	g_assert_cmpuint(any->children->len, ==, 2);
	test = g_ptr_array_index(any->children, 0);
	g_assert_cmpstr(test->name, ==, "all");
	test = g_ptr_array_index(test->children, 1);
	g_assert_cmpstr(test->name, ==, "time");
	g_assert_true(test->negated);
	g_assert_cmpstr(g_ptr_array_index(test->values, 0), ==, "office");
	test = g_ptr_array_index(any->children, 1);
	test = g_ptr_array_index(test->children, 0);
	g_assert_cmpstr(test->argument, ==, "X.Odd");
	test = g_ptr_array_index(rule->match->children, 1);
	g_assert_cmpstr(g_ptr_array_index(test->values, 0), ==, "false");
	g_assert_cmpint(test->at.line, ==, 11);
	g_assert_cmpuint(rule->set->len, ==, 3);
	set = g_ptr_array_index(rule->set, 0);
	g_assert_cmpstr(set->name, ==, "fields");
	g_assert_cmpstr(set->argument, ==, "device");
	set = g_ptr_array_index(rule->set, 1);
	g_assert_cmpuint(set->values->len, ==, 2);
}

static void test_texts(fixture *f, const void *data)
{
	g_autoptr(GString) text = g_string_new(minimal);
	g_autoptr(lk_conf) conf = NULL;
	const lk_conf_queue *queue = NULL;

	g_string_replace(text, "addresses", "title = { fi = \"Tuki\"; sv = \"Stöd\"; }; addresses",
			 1);
	put(f, "luukku.conf", text->str, 0644);
	/* No English title, and nobody is told. */
	conf = load(f, 2);
	queue = g_ptr_array_index(conf->queues, 0);
	g_assert_cmpstr(queue->title.in[LK_CONF_SV], ==, "Stöd");
	g_assert_null(queue->title.in[LK_CONF_EN]);
}

static void test_plain_secret(fixture *f, const void *data)
{
	g_autoptr(GString) text = g_string_new(minimal);
	g_autoptr(lk_conf) conf = NULL;
	g_autoptr(lk_conf) other = NULL;
	g_autoptr(lk_secret) secret = NULL;
	g_autofree char *shown = NULL;
	g_autofree char *first = NULL;
	g_autofree char *second = NULL;
	const lk_conf_mailbox *mailbox = NULL;

	g_string_replace(text, "password_file = \"ict.pass\"", "password = \"hush-hush\"", 1);
	put(f, "luukku.conf", text->str, 0640);
	conf = load(f, 2);
	mailbox = g_ptr_array_index(conf->mailboxes, 0);
	g_assert_true(lk_conf_secret_read(&mailbox->password, &secret, NULL));
	g_assert_cmpstr(lk_secret_text(secret), ==, "hush-hush");
	shown = lk_conf_print_settings(conf, LK_CONF_PRINT_ALL);
	g_assert_null(strstr(shown, "hush"));
	/* A new password is another section and the same configuration. */
	g_string_replace(text, "hush-hush", "hush-hush2", 1);
	put(f, "luukku.conf", text->str, 0640);
	other = load(f, 2);
	first = lk_conf_section_hash(conf, "mailboxes", "ict");
	second = lk_conf_section_hash(other, "mailboxes", "ict");
	g_assert_cmpstr(first, !=, second);
	g_assert_cmpstr(lk_conf_hash(conf), ==, lk_conf_hash(other));
}

static void test_conninfo_secret(fixture *f, const void *data)
{
	static const char *const ways[] = {"host=db password=hush-hush dbname=luukku",
					   "password = 'hush-\\\\'hush' host=db",
					   "postgresql://luukku:hush-hush@db/luukku",
					   "postgresql://db/luukku?user=x&password=hush-hush&a=b"};

	for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++) {
		g_autoptr(GString) text = g_string_new(minimal);
		g_autoptr(lk_conf) conf = NULL;
		g_autofree char *shown = NULL;

		g_string_replace(text, "dbname=luukku", ways[i], 1);
		put(f, "luukku.conf", text->str, 0600);
		conf = load(f, 2);
		shown = lk_conf_print_settings(conf, LK_CONF_PRINT_ALL);
		g_assert_null(strstr(shown, "hush"));
		g_assert_nonnull(strstr(shown, "***"));
		g_assert_nonnull(strstr(conf->database.conninfo, "hush"));
	}
}

static void test_secret_ways(fixture *f, const void *data)
{
	g_autoptr(GString) text = g_string_new(minimal);
	g_autoptr(lk_conf) conf = NULL;
	g_autoptr(lk_conf) by_command = NULL;
	g_autoptr(lk_secret) secret = NULL;
	g_autoptr(lk_secret) said = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *first = NULL;
	g_autofree char *second = NULL;
	const lk_conf_mailbox *mailbox = NULL;

	put(f, "luukku.conf", minimal, 0644);
	conf = load(f, 1);
	mailbox = g_ptr_array_index(conf->mailboxes, 0);
	g_assert_false(lk_conf_secret_read(&mailbox->password, &secret, &error));
	g_assert_true(lk_err_is(error, LK_ERR_CONFIG));
	put(f, "ict.pass", "sala sana\nmore\n", 0600);
	g_assert_true(lk_conf_secret_read(&mailbox->password, &secret, NULL));
	g_assert_cmpstr(lk_secret_text(secret), ==, "sala sana");
	/* A replaced file is another section. */
	first = lk_conf_section_hash(conf, "mailboxes", "ict");
	put(f, "ict.pass", "uusi\n", 0600);
	second = lk_conf_section_hash(conf, "mailboxes", "ict");
	g_assert_cmpstr(first, !=, second);
	g_string_replace(text, "password_file = \"ict.pass\"",
			 "password_command = \"/bin/echo 'from a program'\"", 1);
	put(f, "luukku.conf", text->str, 0644);
	by_command = load(f, 1);
	mailbox = g_ptr_array_index(by_command->mailboxes, 0);
	g_assert_true(lk_conf_secret_read(&mailbox->password, &said, NULL));
	g_assert_cmpstr(lk_secret_text(said), ==, "from a program");
}

static void test_sealed(fixture *f, const void *data)
{
	static const char old_key[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";
	static const char both[] =
		"# newest\nfedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210\n"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";
	g_autofree char *key_file = g_build_filename(f->dir, "site.key", NULL);
	g_autoptr(lk_secret) secret = lk_secret_new("salasana", strlen("salasana"));
	g_autoptr(lk_secret) opened = NULL;
	g_autoptr(GString) text = g_string_new(minimal);
	g_autoptr(GError) error = NULL;
	g_autofree char *sealed = NULL;
	g_autofree char *again = NULL;
	g_autofree char *setting = NULL;
	g_autoptr(lk_conf) conf = NULL;
	const lk_conf_mailbox *mailbox = NULL;

	put(f, "site.key", old_key, 0600);
	g_assert_true(lk_seal(key_file, secret, &sealed, NULL));
	g_assert_true(lk_seal(key_file, secret, &again, NULL));
	g_assert_cmpstr(sealed, !=, again);
	put(f, "site.key", both, 0600);
	setting = g_strdup_printf("password_sealed = \"%s\"", sealed);
	g_string_replace(text, "password_file = \"ict.pass\"", setting, 1);
	put(f, "luukku.conf", text->str, 0644);
	conf = load(f, 1);
	mailbox = g_ptr_array_index(conf->mailboxes, 0);
	g_assert_true(lk_conf_secret_read(&mailbox->password, &opened, NULL));
	g_assert_cmpstr(lk_secret_text(opened), ==, "salasana");
	/* Another key, and a changed value. */
	g_clear_pointer(&opened, lk_secret_free);
	put(f, "site.key", "1111111111111111111111111111111111111111111111111111111111111111\n",
	    0600);
	g_assert_false(lk_conf_secret_read(&mailbox->password, &opened, &error));
	g_assert_true(lk_err_is(error, LK_ERR_CONFIG));
	g_assert_null(strstr(error->message, "salasana"));
	g_clear_error(&error);
	sealed[strlen("sealed1:") + 40] ^= 1;
	g_assert_false(lk_unseal(key_file, sealed, &opened, &error));
	g_clear_error(&error);
	g_assert_false(lk_unseal(key_file, "sealed1:", &opened, &error));
	g_clear_error(&error);
	g_assert_false(lk_unseal(key_file, "salasana", &opened, &error));
	g_assert_null(opened);
}

static void test_hash(fixture *f, const void *data)
{
	g_autofree char *commented = g_strconcat("# a comment\n\n\n", minimal, NULL);
	g_autoptr(GString) changed = g_string_new(minimal);
	g_autoptr(lk_conf) one = NULL;
	g_autoptr(lk_conf) two = NULL;
	g_autoptr(lk_conf) three = NULL;
	g_autofree char *mailbox_one = NULL;
	g_autofree char *mailbox_three = NULL;
	g_autofree char *smtp_one = NULL;
	g_autofree char *smtp_three = NULL;

	put(f, "luukku.conf", minimal, 0644);
	one = load(f, 1);
	put(f, "luukku.conf", commented, 0644);
	two = load(f, 1);
	g_assert_cmpstr(lk_conf_hash(one), ==, lk_conf_hash(two));
	g_string_replace(changed, "ict.pass\";", "ict.pass\"; poll = \"5m\";", 1);
	put(f, "luukku.conf", changed->str, 0644);
	three = load(f, 1);
	g_assert_cmpstr(lk_conf_hash(one), !=, lk_conf_hash(three));
	mailbox_one = lk_conf_section_hash(one, "mailboxes", "ict");
	mailbox_three = lk_conf_section_hash(three, "mailboxes", "ict");
	smtp_one = lk_conf_section_hash(one, "smtp", NULL);
	smtp_three = lk_conf_section_hash(three, "smtp", NULL);
	g_assert_cmpstr(mailbox_one, !=, mailbox_three);
	g_assert_cmpstr(smtp_one, ==, smtp_three);
	g_assert_null(lk_conf_section_hash(one, "mailboxes", "nosuch"));
	g_assert_null(lk_conf_section_hash(one, "nosuch", NULL));
}

static void test_print(fixture *f, const void *data)
{
	g_autofree char *text = with("reload_limit = 20;\nbreaker = ( \"5/1m\" );\n");
	g_autoptr(lk_conf) conf = NULL;
	g_autofree char *all = NULL;
	g_autofree char *diff = NULL;
	g_autofree char *defaults = lk_conf_print_settings(NULL, LK_CONF_PRINT_DEFAULTS);

	put(f, "luukku.conf", text, 0644);
	conf = load(f, 1);
	all = lk_conf_print_settings(conf, LK_CONF_PRINT_ALL);
	diff = lk_conf_print_settings(conf, LK_CONF_PRINT_DIFF);
	g_assert_nonnull(strstr(all, "\nmailboxes[ict].poll = \"1m\"\n"));
	g_assert_nonnull(strstr(all, "\nreload_limit = 20\n"));
	g_assert_nonnull(strstr(diff, "\nbreaker = ( \"5/1m\" )\n"));
	g_assert_null(strstr(diff, "reload_limit"));
	g_assert_null(strstr(diff, "poll"));
	g_assert_nonnull(strstr(defaults, "\nmailboxes[].poll = \"60s\"   # "));
	g_assert_nonnull(strstr(defaults, "\nsite.domain = (must be given)   # "));
}

static void test_check_files(fixture *f, const void *data)
{
	g_autofree char *text = with("templates = \"nosuch\";\n");
	g_autoptr(GPtrArray) problems = NULL;
	g_autoptr(lk_conf) conf = NULL;
	g_autoptr(GString) said = g_string_new(NULL);

	put(f, "luukku.conf", text, 0644);
	put(f, "ict.pass", "x\n", 0644);
	g_assert_true(lk_conf_load(f->path, &conf, &problems));
	lk_conf_check_files(conf, problems);
	for (unsigned i = 0; i < problems->len; i++) {
		g_autofree char *line = lk_conf_problem_format(g_ptr_array_index(problems, i));

		g_string_append_printf(said, "%s\n", line);
	}
	g_assert_nonnull(strstr(said->str, "site.key_file: cannot read"));
	g_assert_nonnull(strstr(said->str, "mailboxes[ict].password_file"));
	g_assert_nonnull(strstr(said->str, "(mode 0644): chmod 600 it"));
	g_assert_nonnull(strstr(said->str, "warning: templates: there is no folder"));
}

static void test_open(fixture *f, const void *data)
{
	g_autoptr(GError) error = NULL;
	lk_conf *conf = NULL;

	g_assert_false(lk_conf_open(f->path, NULL, &conf, &error));
	g_assert_true(lk_err_is(error, LK_ERR_CONFIG));
	g_assert_nonnull(strstr(error->message, "No such file"));
	g_clear_error(&error);
	put(f, "luukku.conf", "site: { };\n", 0644);
	g_assert_false(lk_conf_open(f->path, NULL, &conf, &error));
	g_assert_nonnull(strstr(error->message, "and 4 more"));
	g_clear_error(&error);
	/* A folder and a FIFO are no configuration, and hold nobody up. */
	g_assert_false(lk_conf_open(f->dir, NULL, &conf, &error));
	g_clear_error(&error);
	g_assert_cmpint(unlink(f->path), ==, 0);
	g_assert_cmpint(mkfifo(f->path, 0600), ==, 0);
	g_assert_false(lk_conf_open(f->path, NULL, &conf, &error));
	g_assert_nonnull(strstr(error->message, "not a regular file"));
	g_assert_null(conf);
}

/* tls = "none" is for this machine. */
static void test_local_hosts(fixture *f, const void *data)
{
	static const char *const local[] = {"127.0.0.1", "127.9.9.9", "::1", "localhost",
					    "/run/imap.sock"};
	static const char *const remote[] = {"128.0.0.1", "::2", "localhost.example.fi",
					     "127.0.0.1.example.fi", "0.0.0.0"};

	for (unsigned i = 0; i < G_N_ELEMENTS(local) + G_N_ELEMENTS(remote); i++) {
		bool is_local = i < G_N_ELEMENTS(local);
		g_autofree char *host =
			g_strdup_printf("\"%s\"; tls = \"none\"",
					is_local ? local[i] : remote[i - G_N_ELEMENTS(local)]);
		g_autoptr(GString) text = g_string_new(minimal);
		g_autoptr(GPtrArray) problems = NULL;
		g_autoptr(lk_conf) conf = NULL;

		g_string_replace(text, "\"imap.example.fi\"", host, 1);
		put(f, "luukku.conf", text->str, 0644);
		if (lk_conf_load(f->path, &conf, &problems) != is_local) {
			g_test_message("%s", host);
			g_test_fail();
		}
	}
}

static void add(const char *path, void (*test)(fixture *, const void *))
{
	g_test_add(path, fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_sodium_init();
	add("/conf/load/minimal", test_minimal);
	g_test_add_func("/conf/load/sample", test_sample);
	add("/conf/load/include", test_include);
	add("/conf/load/no-include", test_no_include);
	add("/conf/load/rule-files", test_rule_files);
	add("/conf/load/snapshot", test_snapshot);
	add("/conf/load/damaged-snapshot", test_damaged_snapshot);
	add("/conf/load/rule-tree", test_rule_tree);
	add("/conf/load/texts", test_texts);
	add("/conf/load/plain-secret", test_plain_secret);
	add("/conf/load/conninfo-secret", test_conninfo_secret);
	add("/conf/load/secret-ways", test_secret_ways);
	add("/conf/load/sealed", test_sealed);
	add("/conf/load/hash", test_hash);
	add("/conf/load/print", test_print);
	add("/conf/load/check-files", test_check_files);
	add("/conf/load/open", test_open);
	add("/conf/load/local-hosts", test_local_hosts);
	return g_test_run();
}
