/* The configuration as the desk gets it. */
#include "daemon/policy.h"

#include <string.h>
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
	"            language = \"en\"; acknowledge = false; managers = ( \"a@example.fi\" ); sla "
	"= "
	"\"standard\";\n"
	"            notify = \"managers\"; assign = \"least_loaded\"; types = ( \"leave\", "
	"\"pay\" ); "
	"default_type = \"pay\";\n"
	"            tell_on_transfer = false; tell_on_wait = false; tell_every = \"5d\"; "
	"close_after = "
	"\"7d\";\n"
	"            customer_reminders = ( \"3d\", \"6h\" ); close_unanswered = false; "
	"duplicate_window = \"1d\";\n"
	"            hold_stale_replies = false; digest = \"Mon-Fri 07:45\"; shares_with = ( "
	"\"ict\" );\n"
	"            survey: { send = \"closed\"; delay = \"2h\"; skip_if = ( \"supplier\" ); "
	"every = "
	"\"10d\"; reopen_below = 4; };\n"
	"            mass: { people = 6; within = \"2h\"; similarity = 50; };\n"
	"            retention: { text = \"forever\"; attachments = \"10d\"; };\n"
	"            rules: ( { name = \"own\"; match: { body = \"x\"; }; set: { type = \"leave\"; "
	"}; } "
	"); } );\n"
	"breaker = ( \"7/2m\" );\n"
	"calendars: ( { name = \"office\"; hours = \"Mon-Fri 08:00-16:00\"; holidays = ( \"fi\", "
	"\"easter+39\" );\n"
	"               short = ( \"easter-3 08:00-14:00\" ); } );\n"
	"slas: ( { name = \"standard\"; calendar = \"office\"; warn_at = 60;\n"
	"          targets = ( { priority = \"urgent\"; respond = \"30m\"; resolve = \"4h\"; },\n"
	"                      { priority = \"low\"; respond = \"2d\"; resolve = \"80h\"; } ); } "
	");\n"
	"suppliers: ( { name = \"Toimittaja\"; addresses = \"Tuki@toimittaja.example\"; domains = "
	"\"toimittaja.example\";\n"
	"               reference = \"/INC[0-9]+/\"; remind = ( \"2d\", \"4h\" ); public_name = "
	"\"Toimittaja Oy\"; } );\n"
	"rules: ( { name = \"first\"; on = \"reply\"; stop = true;\n"
	"           match: { subject = ( \"*a*\", \"/b/i\" ); time = \"!office\"; header: { X-Odd "
	"= "
	"\"1\"; };\n"
	"                    none = ( { from = \"x@y.example\"; } ); };\n"
	"           set: { queue = \"hr\"; tags = ( \"t1\", \"t2\" ); fields: { device = \"PC1\"; "
	"}; "
	"}; },\n"
	"         { name = \"second\"; match: { }; set: { priority = \"low\"; }; } );\n";

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

static void test_service(void)
{
	g_autoptr(lk_policy) policy = load();
	const lk_queue *ict = lk_policy_queue(policy, "ict");
	const lk_queue *hr = lk_policy_queue(policy, "hr");

	g_assert_cmpstr(hr->sla, ==, "standard");
	g_assert_cmpint(hr->notify, ==, LK_NOTIFY_MANAGERS);
	g_assert_cmpint(hr->assign, ==, LK_ASSIGN_LEAST_LOADED);
	g_assert_cmpint(ict->assign, ==, LK_ASSIGN_NONE);
	g_assert_cmpstr(g_ptr_array_index(hr->managers, 0), ==, "a@example.fi");
	g_assert_cmpuint(hr->types->len, ==, 2);
	g_assert_cmpstr(hr->default_type, ==, "pay");
	g_assert_false(hr->tell_on_transfer);
	g_assert_true(ict->tell_on_transfer);
	g_assert_false(hr->tell_on_wait);
	g_assert_cmpint(hr->tell_every.open_days, ==, 5);
	g_assert_cmpint(hr->tell_every.seconds, ==, 0);
	g_assert_cmpint(hr->close_after_s, ==, 7 * 86400);
	g_assert_cmpuint(hr->customer_reminders->len, ==, 2);
	g_assert_cmpint(g_array_index(hr->customer_reminders, lk_span, 0).open_days, ==, 3);
	g_assert_cmpint(g_array_index(hr->customer_reminders, lk_span, 1).seconds, ==, 6 * 3600);
	g_assert_false(hr->close_unanswered);
	g_assert_cmpint(hr->duplicate_window_s, ==, 86400);
	g_assert_false(hr->hold_stale_replies);
	g_assert_cmpstr(hr->digest, ==, "Mon-Fri 07:45");
	g_assert_cmpstr(g_ptr_array_index(hr->shares_with, 0), ==, "ict");
	g_assert_cmpint(hr->survey.send, ==, LK_SURVEY_CLOSED);
	g_assert_cmpint(hr->survey.delay_s, ==, 7200);
	g_assert_cmpstr(g_ptr_array_index(hr->survey.skip_if, 0), ==, "supplier");
	g_assert_cmpint(hr->survey.every_s, ==, 10 * 86400);
	g_assert_cmpint(hr->survey.reopen_below, ==, 4);
	g_assert_cmpint(hr->mass.people, ==, 6);
	g_assert_cmpint(hr->mass.within_s, ==, 7200);
	g_assert_cmpint(hr->mass.similarity, ==, 50);
	g_assert_cmpint(hr->keep_text_s, ==, LK_FOREVER);
	g_assert_cmpint(hr->keep_attachments_s, ==, 10 * 86400);
}

static void test_lists(void)
{
	g_autoptr(lk_policy) policy = load();
	const lk_supplier *supplier =
		lk_policy_supplier_by_address(policy, "x@sub.toimittaja.example");
	const lk_calendar_text *calendar = lk_policy_calendar(policy, "office");
	const lk_sla *sla = lk_policy_sla(policy, "standard");

	g_assert_nonnull(supplier);
	g_assert_cmpstr(supplier->name, ==, "Toimittaja");
	g_assert_cmpstr(g_ptr_array_index(supplier->addresses, 0), ==, "tuki@toimittaja.example");
	g_assert_cmpstr(supplier->reference, ==, "/INC[0-9]+/");
	g_assert_cmpint(g_array_index(supplier->remind, lk_span, 0).open_days, ==, 2);
	g_assert_cmpint(g_array_index(supplier->remind, lk_span, 1).seconds, ==, 4 * 3600);
	g_assert_cmpstr(supplier->public_name, ==, "Toimittaja Oy");
	g_assert_nonnull(calendar);
	g_assert_cmpstr(calendar->hours, ==, "Mon-Fri 08:00-16:00");
	g_assert_cmpuint(calendar->holidays->len, ==, 2);
	g_assert_cmpstr(g_ptr_array_index(calendar->short_days, 0), ==, "easter-3 08:00-14:00");
	g_assert_nonnull(sla);
	g_assert_cmpstr(sla->calendar, ==, "office");
	g_assert_cmpint(sla->warn_at, ==, 60);
	g_assert_cmpint(sla->targets[LK_URGENT].respond.seconds, ==, 1800);
	g_assert_cmpint(sla->targets[LK_LOW].respond.open_days, ==, 2);
	g_assert_cmpint(sla->targets[LK_LOW].resolve.seconds, ==, 80 * 3600);
	g_assert_cmpint(sla->targets[LK_NORMAL].respond.seconds, ==, 0);
	g_assert_cmpint(sla->targets[LK_NORMAL].respond.open_days, ==, 0);
	g_assert_null(lk_policy_supplier(policy, "nobody"));
	g_assert_null(lk_policy_sla(policy, "nothing"));
}

/* The test of that name among the children, or NULL. */
static const lk_rule_test *child(const lk_rule_test *test, const char *name)
{
	for (unsigned i = 0; i < test->children->len; i++) {
		const lk_rule_test *one = g_ptr_array_index(test->children, i);

		if (strcmp(one->name, name) == 0)
			return one;
	}
	return NULL;
}

static void test_rules(void)
{
	g_autoptr(lk_policy) policy = load();
	const lk_queue *hr = lk_policy_queue(policy, "hr");

	g_assert_cmpuint(policy->rules->len, ==, 2);
	const lk_rule *first = g_ptr_array_index(policy->rules, 0);
	const lk_rule *second = g_ptr_array_index(policy->rules, 1);
	const lk_rule *own = g_ptr_array_index(hr->rules, 0);
	g_assert_cmpstr(first->name, ==, "first");
	g_assert_true(first->on_reply);
	g_assert_true(first->stop);
	g_assert_nonnull(first->file);
	g_assert_cmpint(first->line, >, 1);
	g_assert_cmpint(second->line, >, first->line);
	g_assert_false(second->on_reply);
	g_assert_cmpuint(second->match->children->len, ==, 0);

	const lk_rule_test *subject = child(first->match, "subject");
	const lk_rule_test *time = child(first->match, "time");
	const lk_rule_test *header = child(first->match, "header");
	const lk_rule_test *none = child(first->match, "none");
	g_assert_true(subject && time && header && none);
	g_assert_cmpuint(subject->values->len, ==, 2);
	g_assert_cmpstr(g_ptr_array_index(subject->values, 1), ==, "/b/i");
	g_assert_true(time->negated);
	g_assert_cmpstr(header->argument, ==, "X-Odd");
	const lk_rule_test *all = g_ptr_array_index(none->children, 0);
	g_assert_cmpstr(all->name, ==, "all");
	g_assert_nonnull(child(all, "from"));

	g_assert_cmpuint(first->set->len, ==, 3);
	const lk_rule_set *fields = g_ptr_array_index(first->set, 2);
	g_assert_cmpstr(fields->name, ==, "fields");
	g_assert_cmpstr(fields->argument, ==, "device");
	g_assert_cmpstr(g_ptr_array_index(fields->values, 0), ==, "PC1");
	g_assert_cmpstr(own->name, ==, "own");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_sodium_init();
	g_test_add_func("/policy/site", test_site);
	g_test_add_func("/policy/queues", test_queues);
	g_test_add_func("/policy/mailboxes", test_mailboxes);
	g_test_add_func("/policy/service", test_service);
	g_test_add_func("/policy/lists", test_lists);
	g_test_add_func("/policy/rules", test_rules);
	return g_test_run();
}
