#include "daemon/ctl-check.h"

#include "daemon/ctl-mail.h"
#include "lib/base/text.h"
#include "lib/desk/dry.h"

#include <string.h>

/* The values of an explained decision under one key, as texts. */
static GPtrArray *values_of(const lk_json *value)
{
	GPtrArray *values = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; lk_json_is_array(value) && i < lk_json_size(value); i++)
		g_ptr_array_add(values, g_strdup(lk_json_text(lk_json_at(value, i))));
	if (lk_json_is_text(value))
		g_ptr_array_add(values, g_strdup(lk_json_text(value)));
	else if (value != NULL && !lk_json_is_array(value)) {
		g_autofree char *word = lk_json_dump(value, false);

		if (strcmp(word, "null") != 0)
			g_ptr_array_add(values, g_steal_pointer(&word));
	}
	return values;
}

static bool has_value(const GPtrArray *values, const char *wanted, bool is_folded)
{
	g_autofree char *folded = is_folded ? lk_address_fold(wanted) : NULL;

	for (unsigned i = 0; i < values->len; i++)
		if (g_strcmp0(g_ptr_array_index(values, i), folded ? folded : wanted) == 0)
			return true;
	return false;
}

/* tags: all of them there; missing_fields: these and no other; else the one value. */
static bool is_as_expected(const lk_conf_set *expect, const GPtrArray *values)
{
	bool is_address = strcmp(expect->name, "owner") == 0;
	bool may_have_more = strcmp(expect->name, "tags") == 0;

	for (unsigned i = 0; i < expect->values->len; i++)
		if (!has_value(values, g_ptr_array_index(expect->values, i), is_address))
			return false;
	return may_have_more || values->len == expect->values->len;
}

static char *joined(const GPtrArray *values)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (unsigned i = 0; i < values->len; i++)
		g_string_append_printf(out, "%s\"%s\"", i > 0 ? ", " : "",
				       (const char *)g_ptr_array_index(values, i));
	return out->len > 0 ? g_string_free(g_steal_pointer(&out), false) : g_strdup("nothing");
}

static char *matched_rules(const lk_json *rules)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (size_t i = 0; rules != NULL && i < lk_json_size(rules); i++) {
		const lk_json *rule = lk_json_at(rules, i);

		if (lk_json_get_bool(rule, "matched", false))
			g_string_append_printf(out, "%s\"%s\"", out->len > 0 ? ", " : "",
					       lk_json_get_text(rule, "name"));
	}
	return out->len > 0 ? g_string_free(g_steal_pointer(&out), false) : g_strdup("none");
}

static void compare(const lk_findings *findings, const lk_conf_example *example,
		    const lk_conf_set *expect, const lk_json *explain)
{
	bool is_field = expect->argument != NULL;
	const lk_json *group = lk_json_get(explain, expect->name);
	const lk_json *value = is_field ? lk_json_get(group, expect->argument) : group;
	g_autoptr(GPtrArray) values = values_of(value);
	g_autofree char *name = g_path_get_basename(example->mail);
	g_autofree char *wanted = NULL;
	g_autofree char *got = NULL;
	g_autofree char *rules = NULL;

	if (is_as_expected(expect, values))
		return;
	wanted = joined(expect->values);
	got = joined(values);
	rules = matched_rules(lk_json_get(explain, "rules"));
	lk_find_error(findings, expect->at,
		      "tests[%s]: expects %s%s%s = %s, but the mail gets %s (rules that match: %s; "
		      "luukkuctl explain %s says more)",
		      name, expect->name, is_field ? "." : "", is_field ? expect->argument : "",
		      wanted, got, rules, example->mail);
}

/* The mail's own word about when it came, so that a test of times says the same every day. */
static lk_time time_of(const lk_mail *mail)
{
	if (mail->received != LK_TIME_NONE)
		return mail->received;
	return mail->date != LK_TIME_NONE ? mail->date : lk_now();
}

static void run_test(const lk_ctl_desk *desk, const lk_findings *findings,
		     const lk_conf_example *example)
{
	g_auto(lk_ctl_mail) mail = LK_CTL_MAIL_NONE;
	g_autoptr(lk_json) explain = NULL;
	g_autoptr(GError) error = NULL;
	const lk_conf_mailbox *mailbox = NULL;
	lk_intake intake = {0};

	if (!lk_ctl_mail_open(example->mail, &mail.fd, &error)) {
		g_autofree char *name = g_path_get_basename(example->mail);

		lk_find_error(findings, example->at, "tests[%s].mail: %s", name, error->message);
		return;
	}
	mailbox = lk_ctl_mail_mailbox(desk, NULL, mail.fd);
	if (!lk_ctl_mail_parse(desk->conf, mailbox, &mail, &error)) {
		lk_find_error(findings, example->at, "tests[].mail: %s: %s", example->mail,
			      error->message);
		return;
	}
	lk_ctl_mail_intake(&mail, mailbox->name, NULL, time_of(mail.mail), &intake);
	intake.received_at = time_of(mail.mail);
	explain = lk_dry_explain_first(desk->policy, &intake);
	for (unsigned i = 0; i < example->expect->len; i++)
		compare(findings, example, g_ptr_array_index(example->expect, i), explain);
}

void lk_ctl_check_tests(const lk_ctl_desk *desk, const lk_findings *findings)
{
	for (unsigned i = 0; i < desk->conf->tests->len; i++)
		run_test(desk, findings, g_ptr_array_index(desk->conf->tests, i));
}
