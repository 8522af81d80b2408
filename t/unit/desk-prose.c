/* People's words for the HTML templates, and times as people read them. */
#include "lib/desk/prose.h"
#include "lib/desk/when.h"

#include <string.h>

static char *dump(const char *text, const GPtrArray *pictures)
{
	g_autoptr(lk_json) paragraphs = lk_prose(text, pictures);
	GString *out = g_string_new(NULL);

	for (size_t p = 0; p < lk_json_size(paragraphs); p++) {
		const lk_json *paragraph = lk_json_at(paragraphs, p);
		const lk_json *lines = lk_json_get(paragraph, "lines");
		g_string_append(out, lk_json_get_bool(paragraph, "is_quote", false) ? "Q" : "P");
		for (size_t l = 0; l < lk_json_size(lines); l++) {
			const lk_json *line = lk_json_at(lines, l);
			const lk_json *spans = lk_json_get(line, "spans");
			for (size_t s = 0; s < lk_json_size(spans); s++) {
				const lk_json *span = lk_json_at(spans, s);
				g_string_append_printf(out, "(%s|%s|%s)",
						       lk_json_get_text(span, "text"),
						       lk_json_get_text(span, "url"),
						       lk_json_get_text(span, "image"));
			}
			if (lk_json_get_bool(line, "has_more", false))
				g_string_append(out, "/");
		}
	}
	return g_string_free(out, FALSE);
}

static void test_prose(void)
{
	static const struct {
		const char *text;
		const char *expected;
	} rows[] = {
		{"", ""},
		{"Hei,\nrivi kaksi\n\n\nToinen kappale\n",
		 "P(Hei,||)/(rivi kaksi||)P(Toinen kappale||)"},
		{"ks. https://example.fi/a_(b)?x=1.\nohje",
		 "P(ks. ||)(https://example.fi/a_(b)?x=1|"
		 "https://example.fi/a_(b)?x=1|)(.||)/(ohje||)"},
		{"(http://example.fi)", "P((||)(http://example.fi|http://example.fi|)()||)"},
		{"xhttp://example.fi http:// https://<b>",
		 "P(xhttp://example.fi http:// https://<b>||)"},
		{"> lainaus\n> jatkuu\nvastaus", "Q(lainaus||)/(jatkuu||)P(vastaus||)"},
		{"javascript:alert(1)", "P(javascript:alert(1)||)"},
		{"kuva [cid:a@b] tässä", "P(kuva [cid:a@b] tässä||)"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = dump(rows[i].text, NULL);
		g_assert_cmpstr(got, ==, rows[i].expected);
	}
}

static void test_pictures(void)
{
	g_autoptr(GPtrArray) pictures = g_ptr_array_new();
	g_autofree char *got = NULL;

	g_ptr_array_add(pictures, (void *)"one@x");
	g_ptr_array_add(pictures, (void *)"two@x");
	got = dump("ennen [cid:two@x] jälkeen [cid:none@x]", pictures);
	g_assert_cmpstr(got, ==, "P(ennen ||)(||two@x)( jälkeen [cid:none@x]||)P(||one@x)");
}

static void test_long(void)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < 30000; i++)
		g_string_append(text, "[cid:\n");
	g_autoptr(lk_json) paragraphs = lk_prose(text->str, NULL);
	g_assert_cmpuint(lk_json_size(paragraphs), ==, 1);
	g_assert_cmpuint(lk_json_size(lk_json_get(lk_json_at(paragraphs, 0), "lines")), ==, 20001);
}

static void test_when(void)
{
	g_autoptr(lk_policy) policy = lk_policy_new();
	lk_time at = LK_TIME_NONE;

	policy->timezone = g_strdup("Europe/Helsinki");
	g_assert_null(lk_when(policy, LK_LANG_FI, at));
	g_assert_true(lk_time_parse("2026-11-23T07:05:00Z", &at));
	g_autofree char *fi = lk_when(policy, LK_LANG_FI, at);
	g_autofree char *sv = lk_when(policy, LK_LANG_SV, at);
	g_autofree char *en = lk_when(policy, LK_LANG_EN, at);
	g_autofree char *day = lk_when_day(policy, LK_LANG_FI, at);
	g_assert_cmpstr(fi, ==, "ma 23.11.2026 klo 9.05");
	g_assert_cmpstr(sv, ==, "mån 23.11.2026 kl. 9.05");
	g_assert_cmpstr(en, ==, "Mon 23 Nov 2026 at 9:05");
	g_assert_cmpstr(day, ==, "ma 23.11.2026");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/prose/table", test_prose);
	g_test_add_func("/prose/pictures", test_pictures);
	g_test_add_func("/prose/long", test_long);
	g_test_add_func("/when", test_when);
	return g_test_run();
}
