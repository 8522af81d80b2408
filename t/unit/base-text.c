#include "lib/base/text.h"

#include <glib.h>
#include <string.h>
#include <time.h>

#define R "\xEF\xBF\xBD"

static void test_clean(void)
{
	static const struct {
		const char *bytes;
		size_t n; /* 0: strlen */
		const char *text;
	} cases[] = {
		{"", 0, ""},
		{"plain", 0, "plain"},
		{"tab\tstays", 0, "tab\tstays"},
		{"a\nb\r\nc\rd", 0, "a\nb\nc\nd"},
		{"\r\r\n\n", 0, "\n\n\n"},
		{"a\r", 0, "a\n"},
		{"nul\0in", 6, "nulin"},
		{"\0\0\0", 3, ""},
		{"bell\a esc\x1b[31m", 0, "bell esc[31m"},
		{"\r\ax", 0, "\nx"},
		{"p\xc3\xa4iv\xc3\xa4\xc3\xa4", 0, "päivää"},
		{"p\xe4iv\xe4\xe4", 0, "p" R "iv" R R},
		{"\xff\xfe", 0, R R},
		{"cut \xe2\x82", 0, "cut " R R},
		{"\xed\xa0\x80", 0, R R R},	  /* a surrogate */
		{"\xc0\x80", 0, R R},		  /* an overlong NUL */
		{"\xf4\x90\x80\x80", 0, R R R R}, /* beyond Unicode */
		{"\xf0\x9f\x98\x80", 0, "\xf0\x9f\x98\x80"},
		{"\r\xff\n", 0, "\n" R "\n"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		size_t n = cases[i].n ? cases[i].n : strlen(cases[i].bytes);
		g_autofree char *text = lk_text_clean(cases[i].bytes, n);
		g_test_message("case %zu", i);
		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

/* Every byte value alone and in pairs gives something PostgreSQL and JSON take. */
static void test_clean_all_pairs(void)
{
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			const char bytes[] = {'x', (char)a, (char)b, 'y'};
			g_autofree char *text = lk_text_clean(bytes, sizeof bytes);
			bool ok = g_utf8_validate(text, -1, NULL) && text[0] == 'x' &&
				  text[strlen(text) - 1] == 'y';
			for (const char *p = text; *p; p++)
				ok = ok && ((unsigned char)*p >= 0x20 || *p == '\t' || *p == '\n');
			if (!ok)
				g_test_fail_printf("bytes %02x %02x", (unsigned)a, (unsigned)b);
		}
	}
}

/* Doubling the input must not square the time: 8 MB within what 8 MB may take. */
static void test_clean_linear(void)
{
	enum { N = 8 << 20 };
	g_autofree char *bytes = g_malloc(N);
	static const char *const fills[] = {"\xff", "a\xff", "\r", "\xe2\x82"};
	for (size_t f = 0; f < G_N_ELEMENTS(fills); f++) {
		size_t period = strlen(fills[f]);
		for (size_t i = 0; i < N; i++)
			bytes[i] = fills[f][i % period];
		clock_t start = clock();
		g_autofree char *text = lk_text_clean(bytes, N);
		g_assert_cmpint(clock() - start, <, 20 * CLOCKS_PER_SEC);
		g_assert_cmpuint(strlen(text), >=, N / 2);
	}
}

static void test_cut(void)
{
	static const struct {
		const char *text;
		size_t most;
		const char *cut;
	} cases[] = {{"abc", 10, "abc"},
		     {"abc", 3, "abc"},
		     {"abc", 2, "ab"},
		     {"abc", 0, ""},
		     {"", 5, ""},
		     {"ää", 4, "ää"},
		     {"ää", 3, "ä"},
		     {"ää", 2, "ä"},
		     {"ää", 1, ""},
		     {"\xf0\x9f\x98\x80", 3, ""},
		     {"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80"},
		     {"a\xff"
		      "bc",
		      10, "a" R "bc"},
		     {"a\xff"
		      "bc",
		      3, "a"},
		     {NULL, 5, NULL}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *cut = lk_text_cut(cases[i].text, cases[i].most);
		g_test_message("case %zu", i);
		g_assert_cmpstr(cut, ==, cases[i].cut);
	}
}

static void test_squeeze(void)
{
	static const struct {
		const char *text;
		const char *squeezed;
	} cases[] = {{"", ""},
		     {"  ", ""},
		     {" a  b\t\r\n c ", "a b c"},
		     {"\xc2\xa0tuki\xc2\xa0 \xe2\x80\x83pyynt\xc3\xb6\xc2\xa0", "tuki pyyntö"},
		     {"one", "one"},
		     {"\xff x", R " x"}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *squeezed = lk_text_squeeze(cases[i].text);
		g_assert_cmpstr(squeezed, ==, cases[i].squeezed);
	}
}

static void test_fold(void)
{
	static const struct {
		const char *address;
		const char *folded;
	} cases[] = {{"A@B.FI", "a@b.fi"},
		     {"  <A@B.FI>\r\n", "a@b.fi"},
		     {"< A@B.FI >", "a@b.fi"},
		     {"ÄIJÄ@ÖÖ.FI", "äijä@öö.fi"},
		     {"IJ@B.FI", "ij@b.fi"},
		     {"<a@b.fi", "<a@b.fi"},
		     {"<>", ""},
		     {"", ""},
		     {"\xff@b", R "@b"},
		     {NULL, NULL}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *folded = lk_address_fold(cases[i].address);
		g_assert_cmpstr(folded, ==, cases[i].folded);
	}
}

static void test_domain(void)
{
	g_assert_cmpstr(lk_address_domain("a@b.fi"), ==, "b.fi");
	g_assert_cmpstr(lk_address_domain("\"a@x\"@b.fi"), ==, "b.fi");
	g_assert_null(lk_address_domain("ab"));
	g_assert_null(lk_address_domain("a@"));
	g_assert_null(lk_address_domain(NULL));
}

static void test_split(void)
{
	static const struct {
		const char *address;
		const char *separator;
		const char *base;
		const char *detail;
	} cases[] = {{"ict@b.fi", "+", "ict", NULL},	      {"ict+abc@b.fi", "+", "ict", "abc"},
		     {"ict+a+b@b.fi", "+", "ict", "a+b"},     {"ict+@b.fi", "+", "ict", ""},
		     {"+abc@b.fi", "+", "+abc", NULL},	      {"ict+abc@b.fi", "", "ict+abc", NULL},
		     {"ict+abc@b.fi", NULL, "ict+abc", NULL}, {"ict--abc@b.fi", "--", "ict", "abc"},
		     {"ict@b+c.fi", "+", "ict", NULL},	      {"ict+abc", "+", "ict", "abc"}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *base = NULL;
		g_autofree char *detail = NULL;
		lk_address_split(cases[i].address, cases[i].separator, &base, &detail);
		g_assert_cmpstr(base, ==, cases[i].base);
		g_assert_cmpstr(detail, ==, cases[i].detail);
	}
}

static void test_sane(void)
{
	static const char *const sane[] = {
		"a@b.fi",	"a@localhost",	 "a.b+c=d@b-c.fi",	 "ääkkönen@öö.fi",
		"\"a.b\"@b.fi", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "o'neil/x@b.fi",
		"a@b_c.fi"};
	static const char *const insane[] = {NULL,	   "",	      "a",
					     "@",	   "a@",      "@b",
					     "a b@c",	   "a@b c",   "a@b\r\nRCPT TO:<x@y>",
					     "<a@b>",	   "a@b>",    "a,b@c",
					     "a@b,c@d",	   "a@b@c",   "a@b..c",
					     "a@.b",	   "a@b.",    "a@-b",
					     "a\t@b",	   "a\x7f@b", "\"a@b",
					     "\"a b\"@c",  "a\\b@c",  "a\xff@b",
					     "a@b;c",	   "a@b(c)",  "a\xc2\xa0@b",
					     "a\xc2\x85@b"};
	for (size_t i = 0; i < G_N_ELEMENTS(sane); i++) {
		g_test_message("%s", sane[i]);
		g_assert_true(lk_address_is_sane(sane[i]));
	}
	for (size_t i = 0; i < G_N_ELEMENTS(insane); i++) {
		g_test_message("case %zu", i);
		g_assert_false(lk_address_is_sane(insane[i]));
	}
	g_autofree char *name = g_strnfill(330, 'a');
	g_autofree char *endless = g_strconcat(name, "@b.fi", NULL);
	g_assert_false(lk_address_is_sane(endless));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/text/clean", test_clean);
	g_test_add_func("/text/clean-all-pairs", test_clean_all_pairs);
	g_test_add_func("/text/clean-linear", test_clean_linear);
	g_test_add_func("/text/cut", test_cut);
	g_test_add_func("/text/squeeze", test_squeeze);
	g_test_add_func("/text/fold", test_fold);
	g_test_add_func("/text/domain", test_domain);
	g_test_add_func("/text/split", test_split);
	g_test_add_func("/text/sane", test_sane);
	return g_test_run();
}
