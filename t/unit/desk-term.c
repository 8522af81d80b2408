/* Reasons of the history in the languages of those who read them in a mail. */
#include "lib/desk/authority.h"
#include "lib/desk/term.h"

#include <string.h>

static void check(const char *english, lk_lang lang, const char *wanted)
{
	g_autofree char *words = lk_term_reason(english, lang);

	g_assert_cmpstr(words, ==, wanted);
}

static void test_reasons(void)
{
	static const char list[] =
		"mail of a mailing list opens a ticket only where a rule says so";
	static const char asked[] = "the mail asks for no automatic answer (Precedence: bulk)";

	check(list, LK_LANG_EN, list);
	check(list, LK_LANG_FI,
	      "postituslistan viestistä tulee tukipyyntö vain, jos jokin sääntö määrää niin");
	check(list, LK_LANG_SV,
	      "ett mejl från en sändlista blir ett ärende bara om en regel säger det");
	check(asked, LK_LANG_FI,
	      "viesti pyytää, ettei siihen vastata automaattisesti (Precedence: bulk)");
	check("550 5.1.1 no such user", LK_LANG_FI, "550 5.1.1 no such user");
	check("", LK_LANG_SV, "");
	check(NULL, LK_LANG_SV, NULL);
}

static void test_authority(void)
{
	lk_authority_decision decision = lk_authority_decide(&(lk_authority_facts){0});

	for (int i = 0; i < LK_N_LANGS; i++)
		check(decision.reason, (lk_lang)i, lk_authority_reason(&decision, (lk_lang)i));
	g_assert_null(lk_authority_words("no reason of ours", LK_LANG_FI));
}

/* A mail of ours has a name in each language: no word of the program stands in a digest. */
static void test_templates(void)
{
	static const char *const names[] = {"acknowledgement",
					    "joined",
					    "progress",
					    "still-working",
					    "waiting",
					    "transfer",
					    "customer-reminder",
					    "closed-unanswered",
					    "status-list",
					    "reply",
					    "consult",
					    "supplier",
					    "resolution",
					    "survey",
					    "supplier-reminder",
					    "notice",
					    "chase-notice",
					    "sla-warning",
					    "sla-breach",
					    "owner-reminder",
					    "delivery-failed",
					    "mass-incident",
					    "forward",
					    "ask-customer",
					    "held",
					    "refused",
					    "command-error",
					    "receipt",
					    "dissatisfied",
					    "hand-over",
					    "digest-agents",
					    "digest-managers",
					    "digest-incidents"};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_assert_cmpstr(lk_term_template(names[i], LK_LANG_FI), !=, names[i]);
		g_assert_cmpstr(lk_term_template(names[i], LK_LANG_SV), !=, names[i]);
	}
	g_assert_cmpstr(lk_term_template("of-the-site", LK_LANG_FI), ==, "of-the-site");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	g_test_add_func("/term/reasons", test_reasons);
	g_test_add_func("/term/authority", test_authority);
	g_test_add_func("/term/templates", test_templates);
	return g_test_run();
}
