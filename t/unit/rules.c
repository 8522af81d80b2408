/*
 * Rules from a file to what they decide, as t/rules/README says: each file there has rules and
 * mails, and what must come of them.
 */
#include "daemon/policy.h"
#include "lib/base/io.h"
#include "lib/base/pattern.h"
#include "lib/desk/route.h"
#include "lib/mail/parse.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static lk_policy *load_policy(const char *rules)
{
	g_autofree char *base = NULL;
	g_autofree char *path = NULL;
	g_autoptr(lk_conf) conf = NULL;
	g_autoptr(GError) error = NULL;
	lk_policy *policy = NULL;
	int fd = g_file_open_tmp("luukku-rules-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	close(fd);
	if (!g_file_get_contents(LUUKKU_TEST_DIR "/rules/base.conf", &base, NULL, &error))
		g_error("%s", error->message);
	g_autofree char *all = g_strconcat(base, rules, NULL);
	g_assert_true(g_file_set_contents(path, all, -1, NULL));
	if (!lk_conf_open(path, NULL, &conf, &error) ||
	    !lk_policy_from_conf(conf, NULL, &policy, &error))
		g_error("%s", error->message);
	unlink(path);
	return policy;
}

static lk_mail *parse_mail(const char *text)
{
	static const char *const authserv[] = {"mx.example.fi", NULL};
	static const char *const relays[] = {"mx.example.fi", NULL};
	const lk_parse_settings settings = {.authserv = authserv, .relays = relays};
	uint64_t end = 0;
	int mail_fd = memfd_create("mail", MFD_CLOEXEC);
	int parts_fd = memfd_create("parts", MFD_CLOEXEC);

	g_assert_true(lk_write_all(mail_fd, text, strlen(text), NULL));
	lk_mail *mail = lk_parse(mail_fd, parts_fd, &settings, &end);
	close(mail_fd);
	close(parts_fd);
	return mail;
}

/* "key value" of a head line to the facts. */
static void read_fact(const lk_policy *policy, lk_route_facts *facts, const char *key, char *value)
{
	static const char *recipients[2];

	if (strcmp(key, "mailbox") == 0)
		facts->mailbox = value;
	else if (strcmp(key, "person") == 0)
		facts->standing = value;
	else if (strcmp(key, "organisation") == 0)
		facts->organisation = value;
	else if (strcmp(key, "recipient") == 0)
		recipients[0] = value, facts->recipients = recipients;
	else if (strcmp(key, "size") == 0)
		facts->size = g_ascii_strtoull(value, NULL, 10);
	else if (strcmp(key, "at") == 0)
		g_assert_true(lk_time_parse(value, &facts->at));
	else if (strcmp(key, "joins") == 0) {
		facts->is_reply = true;
		facts->ticket_queue = lk_policy_queue(policy, value);
	} else if (strcmp(key, "ticket_type") == 0)
		facts->ticket_type = value;
	else if (strcmp(key, "ticket_priority") == 0)
		facts->ticket_priority = value;
	else if (strcmp(key, "guest") == 0)
		facts->ruleless = LK_RULELESS_GUEST;
	else
		g_error("unknown fact %s", key);
}

static void show(GString *out, const char *key, const char *value)
{
	if (value)
		g_string_append_printf(out, "%s %s\n", key, value);
}

static void show_all(GString *out, const char *key, const GPtrArray *texts)
{
	for (unsigned i = 0; i < texts->len; i++)
		g_string_append_printf(out, "%s%s", i ? ", " : key, i ? "" : " "),
			g_string_append(out, g_ptr_array_index(texts, i));
	if (texts->len)
		g_string_append_c(out, '\n');
}

/* Everything that was decided, one line each, in the order of t/rules/README. */
static char *result_text(const lk_route *route, bool is_reply)
{
	static const char *const notify[] = {"agents", "managers", "none"};
	const lk_rule_result *rules = &route->rules;
	GString *out = g_string_new("rules");

	for (unsigned i = 0; i < rules->hits->len; i++) {
		const lk_rule_hit *hit = g_ptr_array_index(rules->hits, i);
		g_string_append_printf(out, "%s %s", i ? "," : "", hit->rule->name);
	}
	g_string_append_c(out, '\n');
	show(out, "queue",
	     is_reply ? (rules->queue ? rules->queue->name : NULL) : route->queue->name);
	show(out, "type", is_reply ? rules->type : route->type);
	show(out, "priority", is_reply ? rules->priority : route->priority);
	show(out, "status", rules->status);
	show(out, "owner", rules->owner);
	show(out, "skill", rules->skill);
	show_all(out, "tags", rules->tags);
	for (unsigned i = 0; i < rules->fields->len; i++) {
		const lk_rule_field *field = g_ptr_array_index(rules->fields, i);
		g_string_append_printf(out, "field %s=%s\n", field->name, field->value);
	}
	show(out, "title", rules->title);
	show(out, "language", rules->language);
	show(out, "acknowledge",
	     rules->has_acknowledge ? (rules->acknowledge ? "yes" : "no") : NULL);
	show(out, "notify", rules->has_notify ? notify[rules->notify] : NULL);
	show_all(out, "cc", rules->cc);
	show_all(out, "forward", rules->forward);
	show(out, "supplier", rules->supplier ? rules->supplier->name : NULL);
	show(out, "template", rules->template_name);
	show(out, "sla", rules->sla);
	show(out, "open", rules->open_rule ? "yes" : NULL);
	show(out, "drop", rules->drop);
	for (unsigned i = 0; i < rules->limits->len; i++) {
		const lk_rule_limit *limit = g_ptr_array_index(rules->limits, i);
		g_string_append_printf(out, "gave-up %s %s\n", limit->rule->name,
				       limit->test->name);
	}
	return g_string_free(out, FALSE);
}

/* explain must decide the same, and name every rule. */
static void check_explained(const lk_policy *policy, lk_route_facts *facts, const char *expected,
			    const char *name)
{
	lk_route route = {0};

	facts->is_explained = true;
	lk_route_decide(policy, facts, &route);
	g_autofree char *again = result_text(&route, facts->is_reply);
	if (strcmp(again, expected) != 0)
		g_error("%s: explain decides otherwise:\n%s", name, again);
	if (!facts->ruleless)
		g_assert_cmpuint(lk_json_size(route.rules.explained), >=, policy->rules->len);
	for (size_t i = 0; !facts->ruleless && i < lk_json_size(route.rules.explained); i++) {
		const lk_json *rule = lk_json_at(route.rules.explained, i);
		g_assert_true(*lk_json_get_text(rule, "because") != '\0');
		g_assert_cmpint(lk_json_get_int(rule, "line", 0), >, 0);
	}
	lk_route_clear(&route);
}

static void run_case(const lk_policy *policy, const char *file, char *text)
{
	char *body = strstr(text, "\n\n");
	char *expected = strstr(text, "\n== expect\n");
	lk_route_facts facts = {0};
	lk_route route = {0};

	g_assert_nonnull(body);
	g_assert_nonnull(expected);
	*expected = '\0';
	expected += strlen("\n== expect\n");
	*body = '\0';
	g_auto(GStrv) head = g_strsplit(text, "\n", -1);
	lk_time_parse("2026-03-04T10:00:00Z", &facts.at);
	for (unsigned i = 1; head[i]; i++) {
		char *value = strchr(head[i], ' ');
		if (value)
			*value++ = '\0';
		read_fact(policy, &facts, head[i], value);
	}
	g_autoptr(lk_mail) mail = parse_mail(body + 2);
	facts.mail = mail;
	facts.size = facts.size ? facts.size : strlen(body + 2);
	lk_route_decide(policy, &facts, &route);
	g_autofree char *got = result_text(&route, facts.is_reply);
	g_strchomp(expected);
	g_strchomp(got);
	if (strcmp(got, expected) != 0) {
		g_test_message("%s: case %s\nexpected:\n%s\ngot:\n%s", file, head[0], expected,
			       got);
		g_test_fail();
	}
	g_autofree char *whole = g_strconcat(got, "\n", NULL);
	check_explained(policy, &facts, whole, head[0]);
	lk_route_clear(&route);
}

static void test_file(gconstpointer data)
{
	const char *path = data;
	g_autofree char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_auto(GStrv) cases = g_strsplit(text, "\n== case ", -1);
	for (unsigned pass = 0; pass < 2; pass++) {
		g_autoptr(lk_policy) policy = load_policy(cases[0]);

		lk_pattern_use_jit(pass == 0);
		for (unsigned i = 1; cases[i]; i++) {
			g_autofree char *copy = g_strdup(cases[i]);
			run_case(policy, path, copy);
		}
	}
	g_assert_nonnull(cases[1]);
}

int main(int argc, char **argv)
{
	g_autoptr(GDir) dir = NULL;
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	const char *name = NULL;

	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_parse_init();
	dir = g_dir_open(LUUKKU_TEST_DIR "/rules", 0, NULL);
	while (dir && (name = g_dir_read_name(dir)))
		if (g_str_has_suffix(name, ".txt")) {
			char *path = g_build_filename(LUUKKU_TEST_DIR "/rules", name, NULL);
			g_autofree char *test = g_strconcat("/rules/", name, NULL);
			g_ptr_array_add(paths, path);
			g_test_add_data_func(test, path, test_file);
		}
	return g_test_run();
}
