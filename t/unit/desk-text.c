/* Subjects, tags and the scrubbing of reply addresses: tables of input and result. */
#include "lib/base/secret.h"
#include "lib/desk/scrub.h"
#include "lib/desk/subject.h"

#include <string.h>

static lk_policy *policy;

static void test_base(void)
{
	static const struct {
		const char *subject;
		const char *base;
	} table[] = {
		{"", ""},
		{"Tulostin ei toimi", "Tulostin ei toimi"},
		{"Re: Tulostin ei toimi", "Tulostin ei toimi"},
		{"RE: VS: Sv: AW: Antw: x", "x"},
		{"Re[2]: x", "x"},
		{"SV(3): x", "x"},
		{"Re : x", "x"},
		{"Re\xef\xbc\x9a x", "x"},
		{"[TUKI-1042] x", "x"},
		{"Re: [TUKI-1042] x", "x"},
		{"[tuki-1042] Re: x", "x"},
		{"Re: [ TUKI-1042 ] Re: x", "x"},
		{"x [TUKI-1042] y", "x y"},
		{"[TUKI-1042][TUKI-1043] x", "x"},
		{"VL: Re: x", "VL: Re: x"},
		{"Re: Fwd: x", "Fwd: x"},
		{"Rekrytointi: uusi", "Rekrytointi: uusi"},
		{"Vsekki: x", "Vsekki: x"},
		{"[ICT-1042] x", "[ICT-1042] x"},
		{"[TUKI-] x", "[TUKI-] x"},
		{"[TUKI-1042 x", "[TUKI-1042 x"},
		{"TUKI-1042 x", "TUKI-1042 x"},
		{"  a\t b\xc2\xa0 c ", "a b c"},
		{"Re:", ""},
		{"Re: [TUKI-1042]", ""},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autofree char *base = lk_subject_base(policy, table[i].subject);
		g_assert_cmpstr(base, ==, table[i].base);
	}
	g_autofree char *none = lk_subject_base(policy, NULL);
	g_assert_cmpstr(none, ==, "");
}

static void test_out(void)
{
	g_autofree char *first = lk_subject_out(policy, 1042, "Tulostin", true);
	g_autofree char *again = lk_subject_out(policy, 1042, first, true);
	g_autofree char *plain = lk_subject_out(policy, 1042, "Fwd: [TUKI-1] x", false);
	g_autofree char *empty = lk_subject_out(policy, 1042, "", false);

	g_assert_cmpstr(first, ==, "Re: [TUKI-1042] Tulostin");
	g_assert_cmpstr(again, ==, first);
	g_assert_cmpstr(plain, ==, "[TUKI-1042] Fwd: x");
	g_assert_cmpstr(empty, ==, "[TUKI-1042]");
}

static char *tickets_text(const char *subject)
{
	g_autoptr(GArray) tickets = lk_subject_tickets(policy, subject);
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < tickets->len; i++)
		g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i ? " " : "",
				       g_array_index(tickets, int64_t, i));
	return g_strdup(text->str);
}

static void test_tags(void)
{
	static const struct {
		const char *subject;
		const char *tickets;
	} table[] = {
		{"", ""},
		{"[TUKI-1042]", "1042"},
		{"re: [tuki-1042] and [TUKI-1042]", "1042"},
		{"TUKI-7 [TUKI-9]", "9 7"},
		{"TUKI-7, TUKI-8.", "7 8"},
		{"XTUKI-7", ""},
		{"TUKI-7x", ""},
		{"\xc3\xa4TUKI-7", ""},
		{"[TUKI-0]", ""},
		{"[TUKI-99999999999999999999]", ""},
		{"[TUKI--5] [TUKI-]", ""},
		{"[TUKI-1][TUKI-2][TUKI-3][TUKI-4][TUKI-5][TUKI-6][TUKI-7][TUKI-8][TUKI-9][TUKI-10]"
		 "[TUKI-11]",
		 "1 2 3 4 5 6 7 8 9 10"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autofree char *seen = tickets_text(table[i].subject);
		g_assert_cmpstr(seen, ==, table[i].tickets);
	}
}

static void test_hash(void)
{
	static const char *const same[] = {"Tulostin ei toimi", "RE: tulostin  EI toimi",
					   "VL: Vs: [TUKI-1] TULOSTIN ei toimi"};
	uint8_t first[LK_KEY_HASH_BYTES];
	uint8_t other[LK_KEY_HASH_BYTES];

	lk_subject_hash(policy, same[0], first);
	for (unsigned i = 1; i < G_N_ELEMENTS(same); i++) {
		lk_subject_hash(policy, same[i], other);
		g_assert_cmpmem(first, sizeof(first), other, sizeof(other));
	}
	lk_subject_hash(policy, "Tulostin toimii", other);
	g_assert_true(memcmp(first, other, sizeof(first)) != 0);

	g_assert_true(lk_subject_machine_hash(policy, "Disk 91% full on srv12", first));
	g_assert_true(lk_subject_machine_hash(policy, "DISK 7 % full on srv12 (2026-11-23 09:05)",
					      other));
	g_assert_cmpmem(first, sizeof(first), other, sizeof(other));
	g_assert_true(lk_subject_machine_hash(policy, "Disk 91% full on srv13", other));
	g_assert_true(memcmp(first, other, sizeof(first)) != 0);
	g_assert_true(lk_subject_machine_hash(policy, "Ping 10.1.2.3 lost 5min", first));
	g_assert_true(lk_subject_machine_hash(policy, "Ping 10.1.2.4 lost 10min", other));
	g_assert_true(memcmp(first, other, sizeof(first)) != 0);
	g_assert_true(lk_subject_machine_hash(policy, "Ping 10.1.2.3 lost 90s, Mon 23 Nov", other));
	g_assert_true(memcmp(first, other, sizeof(first)) == 0);
	g_assert_true(lk_subject_machine_hash(policy, "Disk full on web", other));
	g_assert_true(memcmp(first, other, sizeof(first)) != 0);
	g_assert_false(lk_subject_machine_hash(policy, "2026", other));
	g_assert_false(lk_subject_machine_hash(policy, "", other));
}

/* A subject of a megabyte costs no more than its cut. */
static void test_long(void)
{
	g_autofree char *bytes = g_strnfill(1024 * 1024, '[');
	g_autofree char *base = lk_subject_base(policy, bytes);

	g_assert_cmpuint(strlen(base), <=, LK_SUBJECT_BYTES);
}

static void check_scrub(const char *form, const char *expected)
{
	g_autofree char *token =
		lk_token_sign(policy->keys, LK_PURPOSE_CUSTOMER, 0, 1042, "maija@example.org");
	g_autofree char *upper = g_ascii_strup(token, -1);
	const char *const tokens[] = {token, upper};

	for (unsigned i = 0; i < G_N_ELEMENTS(tokens); i++) {
		g_auto(GStrv) parts = g_strsplit(form, "TOKEN", -1);
		g_autofree char *text = g_strjoinv(tokens[i], parts);
		g_autofree char *scrubbed = lk_scrub(policy, text);
		g_assert_cmpstr(scrubbed, ==, expected);
	}
}

static void test_scrub(void)
{
	static const struct {
		const char *form;
		const char *scrubbed;
	} table[] = {
		{"", ""},
		{"no address here", "no address here"},
		{"write to ict+TOKEN@example.fi now", "write to ict@example.fi now"},
		{"ict+TOKEN@example.fi", "ict@example.fi"},
		{"<ict+TOKEN@example.fi>,ict+TOKEN@example.fi", "<ict@example.fi>,ict@example.fi"},
		{"mailto:ict%2BTOKEN@example.fi", "mailto:ict@example.fi"},
		{"mailto:ict%2bTOKEN%40example.fi", "mailto:ict%40example.fi"},
		{"ict&#43;TOKEN@example.fi", "ict@example.fi"},
		{"ict&#x2B;TOKEN&#64;example.fi", "ict&#64;example.fi"},
		{"TOKEN", ""},
		{"xTOKENy", "xy"},
		{"TOKENTOKEN", ""},
		{"\xc3\xa4+TOKEN@\xc3\xa4", "\xc3\xa4@\xc3\xa4"},
		{"a+b@c.fi +TOKEN", "a+b@c.fi "},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++)
		check_scrub(table[i].form, table[i].scrubbed);
}

static void test_reference(void)
{
	int64_t ticket = 0;
	g_autofree char *reference = lk_reference(policy, 1042);

	g_assert_cmpstr(reference, ==, "TUKI-1042");
	g_assert_true(lk_reference_parse(policy, "tuki-1042", &ticket));
	g_assert_cmpint(ticket, ==, 1042);
	static const char *const bad[] = {"",		"TUKI",	      "TUKI-",	 "TUKI-x",
					  "TUKI-1042x", "TUKI- 1042", "TUKI-+1", "TUKI-1 ",
					  "1042",	"ICT-1042",   "TUKI-0"};
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(lk_reference_parse(policy, bad[i], &ticket));
	g_assert_false(lk_reference_parse(policy, NULL, &ticket));
}

int main(int argc, char **argv)
{
	static const uint8_t key[32] = {9};

	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_sodium_init();
	policy = lk_policy_new();
	policy->prefix = g_strdup("TUKI");
	policy->domain = g_strdup("example.fi");
	policy->subaddress = g_strdup("+");
	policy->keys = lk_keys_from_bytes(key, 1, "example.fi");
	g_test_add_func("/desk/subject/base", test_base);
	g_test_add_func("/desk/subject/out", test_out);
	g_test_add_func("/desk/subject/tags", test_tags);
	g_test_add_func("/desk/subject/hash", test_hash);
	g_test_add_func("/desk/subject/long", test_long);
	g_test_add_func("/desk/scrub", test_scrub);
	g_test_add_func("/desk/reference", test_reference);
	int status = g_test_run();
	lk_keys_free(policy->keys);
	lk_policy_free(policy);
	return status;
}
