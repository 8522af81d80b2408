/* The parts of the rules that t/rules does not show: literals of patterns, the scan, explain. */
#include "lib/desk/rule-private.h"

#include <string.h>

static char *literals(GPtrArray *texts)
{
	GString *all = g_string_new(NULL);

	for (unsigned i = 0; texts && i < texts->len; i++)
		g_string_append_printf(all, "%s%s", i ? "|" : "",
				       (char *)g_ptr_array_index(texts, i));
	if (!texts)
		g_string_append(all, "-");
	else
		g_ptr_array_unref(texts);
	return g_string_free(all, FALSE);
}

static void test_literals(void)
{
	static const struct {
		const char *pattern;
		const char *texts;
	} rows[] = {
		{"/tulostin/", "tulostin"},
		{"/TULOSTIN/i", "tulostin"},
		{"/\\b(häiriö|outage|störning)\\b/i", "häiriö|outage|störning"},
		{"/palkka(lasku|laskelma)/i", "palkkalasku|palkkalaskelma"},
		{"/tulosti(n|met)?/", "tulostin|tulostimet|tulosti"},
		{"/INC[0-9]{7}/", "inc"},
		{"/a+bcd/", "bcd"},
		{"/(abc)+x/", "abc"},
		{"/abc.*def/", "abc"},
		{"/ab.*defg/", "defg"},
		{"/ab?c/", "abc|ac"},
		{"/(?i)foo/", "foo"},
		{"/(?:foo|bar)baz/", "foobaz|barbaz"},
		{"/(?<name>foo)/", "foo"},
		{"/[kc]at/", "kat|cat"},
		{"/[a-c]at/", "at"},
		{"/x{0,3}yz/", "yz"},
		{"/x{2}yz/", "yz"},
		{"/foo|b/", "-"},
		{"/foo|/", "-"},
		{"/.*/", "-"},
		{"/\\w+/", "-"},
		{"/(?=foo)bar/", "-"},
		{"/foo(?!bar)/", "-"},
		{"/(?x) foo/", "-"},
		{"/\\Qfoo\\E/", "-"},
		{"/\\x41bc/", "-"},
		{"/\\N{U+41}bc/", "-"},
		{"/(foo)\\1/", "-"},
		{"/(*UCP)foo/", "-"},
		{"/[[:alpha:]]foo/", "-"},
		{"/a\\.b\\-c/", "a.b-c"},
		{"/foo|bar|[0-9]/", "-"},
		{"/\xc2\xb5m foo/", "m foo"},
		{"/a{,3}b/", "a{,3}b"},
		{"/(a|b)(c|d)(e|f)/", "ace|acf|ade|adf|bce|bcf|bde|bdf"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = literals(lk_literals_of_pattern(rows[i].pattern));
		if (strcmp(got, rows[i].texts) != 0)
			g_error("%s: %s, expected %s", rows[i].pattern, got, rows[i].texts);
	}
	g_autofree char *glob = literals(lk_literals_of_glob("*tulostin*ei?toimi"));
	g_assert_cmpstr(glob, ==, "tulostin");
	g_autofree char *none = literals(lk_literals_of_glob("*?a*"));
	g_assert_cmpstr(none, ==, "-");
}

static void test_scan(void)
{
	static const char *const needles[] = {"he", "she", "his", "hers", "ä", "e", "rs "};
	static const struct {
		const char *text;
		const char *found;
	} rows[] = {
		{"", "......."},     {"ushers ", "XX.X.XX"}, {"his", "..X...."},
		{"sh", "......."},   {"hehe", "X....X."},    {"yö ä", "....X.."},
		{"shis", "..X...."}, {"hhers", "X..X.X."},
	};
	lk_scan *scan = lk_scan_new();

	g_assert_true(lk_scan_is_empty(scan));
	for (unsigned i = 0; i < G_N_ELEMENTS(needles); i++)
		g_assert_cmpuint(lk_scan_add(scan, needles[i]), ==, i);
	g_assert_cmpuint(lk_scan_add(scan, "his"), ==, 2);
	lk_scan_build(scan);
	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree guint32 *bits = lk_scan_text(scan, rows[i].text, strlen(rows[i].text));
		for (unsigned j = 0; j < G_N_ELEMENTS(needles); j++)
			if (!!(*bits & 1U << j) != (rows[i].found[j] == 'X'))
				g_error("%s in \"%s\"", needles[j], rows[i].text);
	}
	lk_scan_free(scan);
}

/* --- the scan never hides a match ---------------------------------------------------------------
 */

static const char *const pieces[] = {
	"a",   "b", "ab",  "K",	  "s",	  "ä",	  "Å",	"ß",  "\xc2\xb5", "i",	   "(ab|ba)",
	"(a)", ".", "\\w", "\\b", "[ab]", "[^a]", "a?", "b*", "(ab)+",	  "ä{2}",  "(?:k|S)",
	"$",   "^", "|",   "\\.", "x+?",  "(?i)", "ÿ",	"é",  "(a|)",	  "[a-z]", "\\s",
};
static const char *const letters[] = {
	"a",
	"b",
	"k",
	"K",
	"\xe2\x84\xaa",
	"s",
	"\xc5\xbf",
	"S",
	"ä",
	"Ä",
	"å",
	"\xe2\x84\xab",
	"ß",
	"\xe1\xba\x9e",
	"\xc2\xb5",
	"\xce\xbc",
	"i",
	"İ",
	"ı",
	".",
	" ",
	"x",
	"ÿ",
	"Ÿ",
	"é",
	"É",
	"\n",
	"AB",
	"ab",
};

static void append_some(GString *out, const char *const *from, unsigned n, unsigned most)
{
	for (int i = g_test_rand_int_range(1, (int)most + 1); i > 0; i--)
		g_string_append(out, from[g_test_rand_int_range(0, (int)n)]);
}

static void try_one(void)
{
	g_autoptr(GString) slashed = g_string_new("/");
	g_autoptr(lk_pattern) pattern = NULL;
	g_autoptr(GPtrArray) texts = NULL;

	append_some(slashed, pieces, G_N_ELEMENTS(pieces), 6);
	g_string_append(slashed, g_test_rand_bit() ? "/i" : "/");
	if (!lk_pattern_new_slashed(slashed->str, LK_PATTERN_ONCE, &pattern, NULL))
		return;
	texts = lk_literals_of_pattern(slashed->str);
	for (unsigned i = 0; texts && i < 20; i++) {
		g_autoptr(GString) text = g_string_new(NULL);
		size_t n = 0;
		bool has_one = false;

		append_some(text, letters, G_N_ELEMENTS(letters), 10);
		if (lk_pattern_match(pattern, text->str, text->len) != LK_MATCH_YES)
			continue;
		g_autofree char *folded = lk_fold(text->str, text->len, &n);
		for (unsigned j = 0; j < texts->len; j++)
			has_one |= strstr(folded, g_ptr_array_index(texts, j)) != NULL;
		if (!has_one)
			g_error("%s matches \"%s\" without its literals", slashed->str, text->str);
	}
}

static void test_sound(void)
{
	for (unsigned i = 0; i < 20000; i++)
		try_one();
}

/* --- explain ------------------------------------------------------------------------------------
 */

static lk_rule_test *add_test(lk_rule_test *to, const char *name, const char *value)
{
	lk_rule_test *test = lk_rule_test_new();

	test->file = "x.conf";
	test->line = 7;
	test->name = name;
	if (value)
		g_ptr_array_add(test->values, (char *)value);
	g_ptr_array_add(to->children, test);
	return test;
}

static lk_rule *add_rule(lk_policy *policy, const char *name)
{
	lk_rule *rule = lk_rule_new();

	rule->file = "x.conf";
	rule->line = 5;
	rule->name = name;
	rule->match = lk_rule_test_new();
	rule->match->name = "all";
	g_ptr_array_add(policy->rules, rule);
	return rule;
}

static lk_policy *policy_new(void)
{
	lk_policy *policy = lk_policy_new();
	lk_queue *queue = lk_queue_new();

	queue->name = g_strdup("ict");
	policy->subaddress = g_strdup("+");
	policy->prefix = g_strdup("TUKI");
	g_ptr_array_add(policy->queues, queue);
	return policy;
}

static void test_explain(void)
{
	g_autoptr(lk_policy) policy = policy_new();
	g_autoptr(lk_mail) mail = lk_mail_new();
	lk_rule *rule = add_rule(policy, "printers");
	lk_rule *other = add_rule(policy, "other");
	lk_rule_result result = {0};
	lk_rule_facts facts = {.mail = mail, .queue = g_ptr_array_index(policy->queues, 0)};
	g_autoptr(GError) error = NULL;

	lk_rule_test *any = add_test(rule->match, "any", NULL);
	lk_rule_test *first = add_test(any, "all", NULL);
	add_test(first, "subject", "*skrivare*");
	lk_rule_test *second = add_test(any, "all", NULL);
	add_test(second, "body", "/tulost(in|us)/");
	add_test(second, "header", "YES")->argument = "X-Odd";
	add_test(other->match, "subject", "Hei*");
	rule->stop = true;
	g_free(mail->subject);
	mail->subject = g_strdup("Hei kaikki");
	g_autoptr(GString) body = g_string_new(NULL);
	for (unsigned i = 0; i < 100; i++)
		g_string_append(body, "sanoja paljon ");
	g_string_append(body, "tulostus jumissa");
	g_free(mail->reply_text);
	mail->reply_text = g_strdup(body->str);
	lk_header *header = g_new0(lk_header, 1);
	header->name = g_strdup("x-odd");
	header->value = g_strdup("yes");
	g_ptr_array_add(mail->headers, header);

	g_assert_true(lk_rules_compile(policy, &policy->compiled, &error));
	lk_rules_run(policy->compiled, &facts, true, &result);
	g_autofree char *got = lk_json_dump(result.explained, false);
	g_assert_cmpstr(
		got, ==,
		"[{\"name\":\"printers\",\"file\":\"x.conf\",\"line\":5,\"matched\":true,"
		"\"because\":\"all its tests hold\",\"tests\":["
		"{\"test\":\"any[1].subject\",\"value\":\"*skrivare*\",\"seen\":\"Hei kaikki\","
		"\"holds\":false},"
		"{\"test\":\"any[2].body\",\"value\":\"/tulost(in|us)/\",\"seen\":\"tulostus\","
		"\"holds\":true},"
		"{\"test\":\"any[2].header X-Odd\",\"value\":\"YES\",\"seen\":\"yes\","
		"\"holds\":true}]},"
		"{\"name\":\"other\",\"file\":\"x.conf\",\"line\":5,\"matched\":false,"
		"\"because\":\"a rule above it stopped\",\"tests\":[]}]");
	lk_rule_result_clear(&result);
}

/* What is stored: the tests of what matched, short for the rest, and no word of the mail. */
static void test_kept(void)
{
	g_autoptr(lk_policy) policy = policy_new();
	g_autoptr(lk_mail) mail = lk_mail_new();
	lk_rule_result result = {0};
	lk_rule_facts facts = {
		.mail = mail, .queue = g_ptr_array_index(policy->queues, 0), .is_kept = true};
	g_autoptr(GError) error = NULL;

	add_test(add_rule(policy, "first")->match, "subject", "Hei*");
	for (unsigned i = 0; i < 1000; i++)
		add_test(add_rule(policy, "other")->match, "subject", "*skrivare*");
	add_test(add_rule(policy, "last")->match, "subject", "*salaista*");
	g_free(mail->subject);
	mail->subject = g_strdup("Hei, salaista");
	g_assert_true(lk_rules_compile(policy, &policy->compiled, &error));
	lk_rules_run(policy->compiled, &facts, false, &result);
	g_assert_cmpuint(lk_json_size(result.explained), ==, LK_RULES_KEPT + 2);
	g_assert_cmpint(result.left_out, ==, 1000 - LK_RULES_KEPT);
	g_autofree char *first = lk_json_dump(lk_json_at(result.explained, 0), false);
	g_assert_cmpstr(first, ==,
			"{\"name\":\"first\",\"file\":\"x.conf\",\"line\":5,\"matched\":true,"
			"\"because\":\"all its tests hold\",\"tests\":[{\"test\":\"subject\","
			"\"value\":\"Hei*\",\"holds\":true}]}");
	g_autofree char *other = lk_json_dump(lk_json_at(result.explained, 1), false);
	g_assert_cmpstr(other, ==,
			"{\"name\":\"other\",\"file\":\"x.conf\",\"line\":5,\"matched\":false,"
			"\"because\":\"subject = \\\"*skrivare*\\\" does not hold\"}");
	const lk_json *last = lk_json_at(result.explained, LK_RULES_KEPT + 1);
	g_assert_cmpstr(lk_json_get_text(last, "name"), ==, "last");
	lk_rule_result_clear(&result);
}

/* What a hand-made policy could hold and lib/conf would refuse. */
static void test_refused(void)
{
	static const struct {
		const char *test;
		const char *value;
		const char *words;
	} rows[] = {
		{"subject", "/(/", "x.conf:7: subject: bad pattern*"},
		{"colour", "red", "x.conf:7: there is no test \"colour\""},
		{"time", "nowhere", "*no such calendar"},
		{"size", "10M", "*begin with > or <"},
		{"spam_score", ">x", "*no number"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(lk_policy) policy = policy_new();
		g_autoptr(GError) error = NULL;

		add_test(add_rule(policy, "r")->match, rows[i].test, rows[i].value);
		g_assert_false(lk_rules_compile(policy, &policy->compiled, &error));
		if (!g_pattern_match_simple(rows[i].words, error->message))
			g_error("%s", error->message);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/rules/literals", test_literals);
	g_test_add_func("/rules/scan", test_scan);
	g_test_add_func("/rules/sound", test_sound);
	g_test_add_func("/rules/explain", test_explain);
	g_test_add_func("/rules/kept", test_kept);
	g_test_add_func("/rules/refused", test_refused);
	return g_test_run();
}
