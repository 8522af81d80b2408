/* The configuration as the desk gets it. */
#include "daemon/policy.h"

#include <unistd.h>

static const char text[] =
	"site: { domain = \"example.fi\"; language = \"sv\"; bilingual = ( \"fi\", \"sv\" ); };\n"
	"database: { conninfo = \"dbname=luukku\"; keep_raw = \"0\"; };\n"
	"smtp: { host = \"smtp.example.fi\"; send = false; };\n"
	"mailboxes: ( { name = \"second\"; host = \"h\"; user = \"HR@example.fi\"; password_file = "
	"\"p\"; },\n"
	"             { name = \"hr\"; protocol = \"none\"; },\n"
	"             { name = \"odd\"; host = \"h\"; user = \"odd\"; password_file = \"p\"; } );\n"
	"agents: ( { name = \"Aino\"; address = \"Aino@example.fi\"; aliases = \"a@example.fi\"; } "
	");\n"
	"organisations: ( { name = \"Org\"; domains = \"Org.example\"; } );\n"
	"queues: ( { name = \"ict\"; addresses = ( \"ict@example.fi\" ); agents = ( "
	"\"aino@example.fi\" );\n"
	"            title = { fi = \"Tuki\"; sv = \"Stöd\"; en = \"Support\"; }; reopen = "
	"\"3d\";\n"
	"            default_priority = \"high\"; machine_mail = \"quarantine\";\n"
	"            required = ( { field = \"device\"; pattern = \"PC[0-9]+\"; ask = \"Which?\"; "
	"} ); },\n"
	"          { name = \"hr\"; addresses = ( \"hr@example.fi\" ); agents = ( "
	"\"aino@example.fi\" );\n"
	"            language = \"en\"; acknowledge = false; } );\n"
	"breaker = ( \"7/2m\" );\n";

static lk_policy *load(void)
{
	g_autofree char *path = NULL;
	g_autoptr(lk_conf) conf = NULL;
	g_autoptr(GError) error = NULL;
	lk_policy *policy = NULL;
	int fd = g_file_open_tmp("luukku-policy-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	close(fd);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_assert_true(lk_conf_open(path, NULL, &conf, &error));
	g_assert_no_error(error);
	g_assert_true(lk_policy_from_conf(conf, NULL, &policy, &error));
	g_assert_no_error(error);
	unlink(path);
	/* The configuration is freed before the policy is looked at. */
	return policy;
}

static void test_site(void)
{
	g_autoptr(lk_policy) policy = load();

	g_assert_cmpstr(policy->site_name, ==, "example.fi");
	g_assert_cmpstr(policy->prefix, ==, "TUKI");
	g_assert_cmpint(policy->language, ==, LK_LANG_SV);
	g_assert_true(policy->bilingual[LK_LANG_FI]);
	g_assert_true(policy->bilingual[LK_LANG_SV]);
	g_assert_false(policy->bilingual[LK_LANG_EN]);
	g_assert_cmpstr(policy->envelope_from, ==, "ict@example.fi");
	g_assert_false(policy->send);
	g_assert_false(policy->keep_raw);
	g_assert_cmpuint(policy->breaker->len, ==, 1);
	g_assert_cmpint(g_array_index(policy->breaker, lk_budget, 0).count, ==, 7);
	g_assert_cmpint(g_array_index(policy->breaker, lk_budget, 0).seconds, ==, 120);
}

static void test_queues(void)
{
	g_autoptr(lk_policy) policy = load();
	const lk_queue *ict = lk_policy_queue(policy, "ict");
	const lk_queue *hr = lk_policy_queue_by_address(policy, "hr+token@example.fi");
	const lk_required *required = NULL;

	g_assert_cmpstr(ict->title.in[LK_LANG_SV], ==, "Stöd");
	g_assert_cmpint(ict->language, ==, LK_LANG_SV);
	g_assert_cmpint(ict->reopen_s, ==, 3 * 86400);
	g_assert_cmpstr(ict->default_priority, ==, "high");
	g_assert_null(ict->default_type);
	g_assert_cmpint(ict->machine_mail, ==, LK_MACHINE_QUARANTINE);
	g_assert_true(ict->acknowledge);
	g_assert_cmpuint(ict->required->len, ==, 1);
	required = g_ptr_array_index(ict->required, 0);
	g_assert_cmpstr(required->field, ==, "device");
	g_assert_cmpstr(required->ask.in[LK_LANG_EN], ==, "Which?");
	g_assert_cmpstr(hr->name, ==, "hr");
	g_assert_cmpstr(hr->from, ==, "hr@example.fi");
	g_assert_cmpint(hr->language, ==, LK_LANG_EN);
	g_assert_false(hr->acknowledge);
	g_assert_nonnull(lk_policy_agent(policy, "A@example.fi"));
	g_assert_nonnull(lk_policy_organisation(policy, "x@sub.org.example"));
}

static void test_mailboxes(void)
{
	static const struct {
		const char *name;
		const char *queue;
	} expected[] = {{"second", "hr"}, {"hr", "hr"}, {"odd", "ict"}};
	g_autoptr(lk_policy) policy = load();

	g_assert_cmpuint(policy->mailboxes->len, ==, G_N_ELEMENTS(expected));
	for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++) {
		const lk_desk_mailbox *mailbox = g_ptr_array_index(policy->mailboxes, i);

		g_assert_cmpstr(mailbox->name, ==, expected[i].name);
		g_assert_cmpstr(mailbox->queue, ==, expected[i].queue);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_sodium_init();
	g_test_add_func("/policy/site", test_site);
	g_test_add_func("/policy/queues", test_queues);
	g_test_add_func("/policy/mailboxes", test_mailboxes);
	return g_test_run();
}
