#include "daemon/ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(const lk_json *object, const char *key)
{
	const char *text = lk_json_get_text(object, key);

	return text != NULL ? text : "";
}

/* A line of the form "  name: value" with the value made printable; nothing for "". */
static void print_line(const char *name, const char *value)
{
	g_autofree char *shown = lk_ctl_printable(value, false);

	if (*shown != '\0')
		printf("  %s:%*s %s\n", name, MAX(0, 14 - lk_ctl_text_width(name)), "", shown);
}

char *lk_ctl_value_text(const lk_json *value)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GPtrArray) keys = lk_json_keys(value);

	if (lk_json_is_text(value))
		return g_strdup(lk_json_text(value));
	if (value != NULL && !lk_json_is_object(value) && !lk_json_is_array(value)) {
		g_autofree char *word = lk_json_dump(value, false);

		return g_strdup(strcmp(word, "true") == 0    ? "yes"
				: strcmp(word, "false") == 0 ? "no"
				: strcmp(word, "null") == 0  ? "-"
							     : word);
	}
	for (unsigned i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);

		g_string_append_printf(out, "%s%s = %s", i > 0 ? ", " : "", key,
				       text_of(value, key));
	}
	for (size_t i = 0; lk_json_is_array(value) && i < lk_json_size(value); i++) {
		const char *text = lk_json_text(lk_json_at(value, i));

		g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", text != NULL ? text : "?");
	}
	return out->len > 0 ? g_string_free(g_steal_pointer(&out), false) : g_strdup("-");
}

/* --- the parts ---------------------------------------------------------------------------------
 */

static void print_kind(const lk_json *explain)
{
	const char *evidence = text_of(explain, "evidence");
	g_autofree char *kind = g_strdup_printf("%s (%s)", text_of(explain, "kind"),
						text_of(explain, "kind_reason"));
	g_autofree char *thread =
		g_strdup_printf("%s%s%s", text_of(explain, "evidence_reason"),
				strcmp(evidence, "none") != 0 ? "; evidence: " : "",
				strcmp(evidence, "none") != 0 ? evidence : "");

	lk_ctl_print_field("Kind", kind);
	lk_ctl_print_field("Threading", thread);
	lk_ctl_print_field("Writer", text_of(explain, "writer"));
	lk_ctl_print_field("Outcome", text_of(explain, "reason"));
}

static void print_test(const lk_json *test)
{
	g_autofree char *name = lk_ctl_printable(text_of(test, "test"), false);
	g_autofree char *value = lk_ctl_printable(text_of(test, "value"), false);
	g_autofree char *seen = lk_ctl_printable(text_of(test, "seen"), false);
	const lk_json *holds = lk_json_get(test, "holds");
	g_autofree char *word = lk_json_dump(holds, false);
	const char *verdict = strcmp(word, "true") == 0	   ? "yes"
			      : strcmp(word, "false") == 0 ? "no "
							   : "?? ";

	printf("      %s  %s = %s\n", verdict, name, value);
	if (lk_json_get(test, "seen") != NULL || *verdict == '?')
		printf("           seen: %s%s\n", *seen != '\0' ? seen : "nothing",
		       *verdict == '?' ? " (given up: matching took too long)" : "");
}

static void print_rules(const lk_json *explain)
{
	const lk_json *rules = lk_json_get(explain, "rules");
	int64_t left_out = lk_json_get_int(explain, "rules_left_out", 0);
	size_t n = rules != NULL ? lk_json_size(rules) : 0;

	if (n == 0) {
		const char *why = lk_json_get_text(explain, "rules_reason");

		printf("\nRules: none has a say%s%s\n", why != NULL ? ": " : "",
		       why != NULL ? why : "");
		return;
	}
	printf("\nRules, in their order:\n");
	for (size_t i = 0; i < n; i++) {
		const lk_json *rule = lk_json_at(rules, i);
		const lk_json *tests = lk_json_get(rule, "tests");
		g_autofree char *name = lk_ctl_printable(text_of(rule, "name"), false);
		g_autofree char *because = lk_ctl_printable(text_of(rule, "because"), false);
		bool matched = lk_json_get_bool(rule, "matched", false);

		printf("  %s %s (%s:%" PRId64 ")\n      %s%s\n", matched ? "+" : "-", name,
		       text_of(rule, "file"), lk_json_get_int(rule, "line", 0),
		       matched ? "matches: " : "does not match: ", because);
		for (size_t t = 0; tests != NULL && t < lk_json_size(tests); t++)
			print_test(lk_json_at(tests, t));
	}
	if (left_out > 0)
		printf("  (%" PRId64 " more rules did not match and were not kept)\n", left_out);
}

static void print_ticket(const lk_json *explain)
{
	static const char *const keys[] = {
		"queue",  "type",	    "priority",	    "owner",	"status",  "tags",
		"fields", "missing_fields", "organisation", "language", "subject", "skill",
		"sla",	  "supplier",	    "template",	    "notify",	"cc",	   "forward"};
	const char *ticket = lk_json_get_text(explain, "ticket");
	const char *held = lk_json_get_text(explain, "quarantine");

	if (held != NULL)
		printf("\nNo ticket: quarantine (%s)\n", held);
	else if (ticket != NULL)
		printf("\nTicket %s:\n", ticket);
	else if (lk_json_get_text(explain, "queue") == NULL)
		printf("\nNo ticket\n");
	else
		printf("\nNew ticket:\n");
	for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
		const lk_json *value = lk_json_get(explain, keys[i]);
		g_autofree char *why_key = g_strdup_printf("%s_reason", keys[i]);
		const char *why = lk_json_get_text(explain, why_key);
		g_autofree char *shown = NULL;
		g_autofree char *line = NULL;

		if (!lk_json_is_true(value))
			continue;
		shown = lk_ctl_value_text(value);
		line = g_strdup_printf("%s%s%s%s", shown, why != NULL ? " (" : "",
				       why != NULL ? why : "", why != NULL ? ")" : "");
		if (strcmp(shown, "-") != 0)
			print_line(keys[i], line);
	}
}

static void print_mails(const lk_json *explain)
{
	const lk_json *mails = lk_json_get(explain, "mails");
	size_t n = mails != NULL ? lk_json_size(mails) : 0;

	printf("\nMails:\n");
	for (size_t i = 0; i < n; i++) {
		const lk_json *mail = lk_json_at(mails, i);
		g_autofree char *to = lk_ctl_printable(text_of(mail, "to"), false);
		g_autofree char *why = lk_ctl_printable(text_of(mail, "reason"), false);

		printf("  %s to %s: %s\n", text_of(mail, "template"), to, why);
	}
	if (!lk_json_get_bool(explain, "acknowledge", false)) {
		g_autofree char *why =
			lk_ctl_printable(text_of(explain, "acknowledge_reason"), false);

		printf("  no acknowledgement: %s\n", why);
	}
	if (lk_json_get_text(explain, "notify_reason") != NULL) {
		g_autofree char *why = lk_ctl_printable(text_of(explain, "notify_reason"), false);

		printf("  no notice: %s\n", why);
	}
}

static void print_commands(const lk_json *commands)
{
	size_t n = commands != NULL ? lk_json_size(commands) : 0;

	if (n > 0)
		printf("\nCommands:\n");
	for (size_t i = 0; i < n; i++) {
		const lk_json *one = lk_json_at(commands, i);
		g_autofree char *line = lk_ctl_printable(text_of(one, "line"), false);
		g_autofree char *result = lk_ctl_printable(text_of(one, "result"), false);

		printf("  %s: %s\n", line, result);
	}
}

void lk_ctl_print_explain(const lk_json *explain, bool with_mails)
{
	print_kind(explain);
	print_rules(explain);
	print_ticket(explain);
	if (with_mails)
		print_mails(explain);
	print_commands(lk_json_get(explain, "commands"));
}
