/* Answers to surveys by mail: which lines are one, and the links that write them. */
#include "lib/desk/survey.h"

#include <string.h>

static void test_lines(void)
{
	static const struct {
		const char *words;
		int in_order; /* -1: no answer */
		int64_t score;
		const char *comment;
	} cases[] = {
		/* What the links write, filled in or not. */
		{"Kyllä, asiani on kunnossa.\n\nArvosana 0-10: \nKommentti: \n", 1, -1, ""},
		{"Kyllä, asiani on kunnossa.\n\nArvosana 0-10: 9\nKommentti: Hienoa\n", 1, 9,
		 "Hienoa"},
		{"Ja, mitt ärende är i ordning.\n\nBetyg 0-10: 10\nKommentar: Tack\nså mycket\n", 1,
		 10, "Tack\nså mycket"},
		{"Yes, my matter is in order.\nScore 0-10: 0\nComment: \n", 1, 0, ""},
		{"Ei, asiani ei ole kunnossa.\n\nMikä ei ole kunnossa: Väri\n", 0, -1, "Väri"},
		{"Nej, mitt ärende är inte i ordning.\nVad är inte i ordning: allt", 0, -1, "allt"},
		{"No, my matter is not in order.\n\nWhat is not in order: \n", 0, -1, ""},
		/* As people write. */
		{"kyllä", 1, -1, ""},
		{"\n\n  KYLLÄ!  \n", 1, -1, ""},
		{"Nej.\n\nDet fungerar inte.", 0, -1, "Det fungerar inte."},
		{"ei\nsoittakaa 123", 0, -1, "soittakaa 123"},
		{"9", 1, 9, ""},
		{"10/10\nLoistavaa", 1, 10, "Loistavaa"},
		{"0", 1, 0, ""},
		{"8 / 10", 1, 8, ""},
		{"> - *yes*", -1, 0, NULL},
		{"*Yes*\nScore 0-10: 7/10", 1, 7, ""},
		/* A number that is none; a number of a matter that is not in order. */
		{"Yes\nScore 0-10: 11", 1, -1, ""},
		{"Yes\nScore 0-10: -1", 1, -1, ""},
		{"Yes\nScore 0-10: nine", 1, -1, ""},
		{"Ei\nArvosana 0-10: 9", 0, -1, ""},
		{"yes\nscore 0-10: 3\nScore 0-10: 8", 1, 8, ""},
		/* No answers. */
		{NULL, -1, 0, NULL},
		{"", -1, 0, NULL},
		{"\n \n\t\n", -1, 0, NULL},
		{"Hei, tulostin meni taas rikki.", -1, 0, NULL},
		{"Yes but it broke again", -1, 0, NULL},
		{"Eikö tämä toimi vieläkään?", -1, 0, NULL},
		{"11", -1, 0, NULL},
		{"9 kpl puuttuu", -1, 0, NULL},
		{"Kiitos! Kyllä, asiani on kunnossa.", -1, 0, NULL},
		{"-", -1, 0, NULL},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		lk_survey_answer answer = {0};
		g_autofree char *comment = NULL;
		bool is_answer = lk_survey_read_lines(cases[i].words, &answer, &comment);

		g_test_message("%s", cases[i].words ? cases[i].words : "(null)");
		g_assert_cmpint(is_answer, ==, cases[i].in_order >= 0);
		if (!is_answer) {
			g_assert_null(comment);
			continue;
		}
		g_assert_cmpint(answer.is_in_order, ==, cases[i].in_order == 1);
		g_assert_cmpint(answer.score, ==, cases[i].score);
		g_assert_cmpstr(comment, ==, cases[i].comment);
		g_assert_true(answer.comment == comment);
	}
}

/* Each link's own lines are read back as what the link says. */
static void test_links(void)
{
	static const char token[] = "aeaaaaaaaawy6y3yieq6ov45l36l327avtab";
	g_autoptr(lk_policy) policy = lk_policy_new();

	for (int lang = 0; lang < LK_N_LANGS; lang++) {
		for (int no = 0; no < 2; no++) {
			g_autoptr(lk_json) json = lk_json_object();
			g_autofree char *comment = NULL;
			lk_survey_answer answer = {0};

			lk_survey_links(json, policy, (lk_lang)lang, token, "ict+x@example.fi");
			g_assert_null(lk_json_get_text(json, "survey_url"));
			const char *link = lk_json_get_text(json, no ? "mail_no" : "mail_yes");
			g_assert_true(g_str_has_prefix(link, "mailto:ict%2Bx@example.fi?subject="));
			g_autofree char *body =
				g_uri_unescape_string(strstr(link, "body=") + 5, NULL);
			g_auto(GStrv) lines = g_strsplit(body, "\r\n", -1);
			g_autofree char *text = g_strjoinv("\n", lines);
			g_assert_true(lk_survey_read_lines(text, &answer, &comment));
			g_assert_cmpint(answer.is_in_order, ==, !no);
			g_assert_cmpint(answer.score, ==, LK_SURVEY_NO_SCORE);
			g_assert_cmpstr(comment, ==, "");
		}
	}
}

static void test_page(void)
{
	static const struct {
		const char *base;
		const char *url;
	} cases[] = {{"https://a.example", "https://a.example/s/t"},
		     {"https://a.example/", "https://a.example/s/t"},
		     {"https://a.example/desk", "https://a.example/desk/s/t"}};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(lk_policy) policy = lk_policy_new();
		g_autoptr(lk_json) json = lk_json_object();

		policy->public_url = g_strdup(cases[i].base);
		lk_survey_links(json, policy, LK_LANG_EN, "t", NULL);
		g_assert_cmpstr(lk_json_get_text(json, "survey_url"), ==, cases[i].url);
		g_assert_null(lk_json_get_text(json, "mail_yes"));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/survey/lines", test_lines);
	g_test_add_func("/survey/links", test_links);
	g_test_add_func("/survey/page", test_page);
	return g_test_run();
}
