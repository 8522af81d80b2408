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
	check("mail of kind list is never answered (List-Id)", LK_LANG_FI,
	      "postituslistan viestiin ei vastata (List-Id)");
	check("rule \"spam\" (luukku.conf:12) drops it: no business of ours", LK_LANG_FI,
	      "sääntö \"spam\" (luukku.conf:12) ohjaa sen sivuun: no business of ours");
	check("rule \"quiet\" (luukku.conf:9) says so", LK_LANG_SV,
	      "regeln \"quiet\" (luukku.conf:9) säger det");
	check("queue hr does not acknowledge", LK_LANG_FI, "jono hr ei lähetä vahvistuksia");
	check("somebody wrote after the mail that it answers", LK_LANG_SV,
	      "någon skrev efter det mejl som det svarar på");
	check("", LK_LANG_SV, "");
	check(NULL, LK_LANG_SV, NULL);
}

/* What the mail server said stays as it is; what we say of it does not. */
static void test_mails(void)
{
	static const char refused[] = "the mail server refused it: 550 5.1.1 no such user";
	static const char silent[] = "the mail server refused it: the server gave no reason";
	static const char late[] =
		"given up after 5 days: mx.example.fi:25: the server closed the connection";
	static const char suppressed[] =
		"not sent: the address is suppressed (a delivery report says that the reply could "
		"not be delivered (5.1.1); it names x@y.example, where the address leads to)";
	static const char delayed[] = "a delivery report says that the survey is delayed";

	check(refused, LK_LANG_EN, refused);
	check(refused, LK_LANG_FI, "postipalvelin ei ottanut sitä vastaan: 550 5.1.1 no such user");
	check(refused, LK_LANG_SV, "mejlservern tog inte emot det: 550 5.1.1 no such user");
	check(silent, LK_LANG_FI,
	      "postipalvelin ei ottanut sitä vastaan: palvelin ei kertonut syytä");
	check(late, LK_LANG_FI,
	      "yritetty viisi päivää turhaan: yhteys palvelimeen katkesi "
	      "(”mx.example.fi:25: the server closed the connection”)");
	check(suppressed, LK_LANG_FI,
	      "osoitteeseen ei nyt lähetetä viestejä, koska ne eivät ole menneet perille "
	      "(palautusviestin mukaan viesti (vastaus) ei mennyt perille (5.1.1); "
	      "siinä on osoite x@y.example, johon osoite ohjaa)");
	check(delayed, LK_LANG_SV, "enligt en studsrapport är ett mejl (enkät) försenat");
}

static void test_breaker(void)
{
	static const char address[] =
		"held by the breaker: this address already got 10 mails about the ticket within "
		"10m; luukkuctl outbox retry sends it all the same";
	static const char subject[] = "held by the breaker: already 100 automatic answers to mails "
				      "of this subject within 1h; luukkuctl outbox retry sends it "
				      "all the same";

	check(address, LK_LANG_EN, address);
	check(address, LK_LANG_FI,
	      "viestisuoja pidätti sen: 10 minuutin aikana osoitteeseen lähti tästä "
	      "tukipyynnöstä viestejä jo 10; luukkuctl outbox retry lähettää sen silti");
	check(address, LK_LANG_SV,
	      "spärren höll det kvar: på 10 minuter har adressen redan fått 10 mejl om "
	      "ärendet; luukkuctl outbox retry skickar det ändå");
	check(subject, LK_LANG_FI,
	      "viestisuoja pidätti sen: 1 tunnin aikana tämän aiheisiin viesteihin lähti "
	      "automaattivastauksia jo 100; luukkuctl outbox retry lähettää sen silti");
	check(subject, LK_LANG_SV,
	      "spärren höll det kvar: på 1 timme har redan 100 automatiska svar skickats på "
	      "mejl med denna rubrik; luukkuctl outbox retry skickar det ändå");
}

/* Whatever a mailbox suffers from, its manager reads a sentence first. */
static void test_mailboxes(void)
{
	static const char *const errors[][3] = {
		{"imap.example.fi:993: login refused for ict: check user and the password file "
		 "(server: NO bad)",
		 "palvelin ei hyväksy tunnusta tai salasanaa",
		 "servern godkänner inte användarnamnet eller lösenordet"},
		{"https://login.example/token answered 401 (invalid_client): the secret expired: "
		 "check oauth2.client_id",
		 "kirjautumispalvelu ei antanut lupaa postilaatikkoon",
		 "inloggningstjänsten gav inte åtkomst till brevlådan"},
		{"imap.example.fi:993: the certificate has expired: ask the server's administrator",
		 "palvelimen varmenteeseen ei voi luottaa",
		 "serverns certifikat går inte att lita på"},
		{"cannot reach imap.example.fi:993: Connection refused; check host, port and the "
		 "network",
		 "palvelimeen ei saada yhteyttä", "servern går inte att nå"},
		{"imap.example.fi:993: the answer took too long", "yhteys palvelimeen katkesi",
		 "anslutningen till servern bröts"},
		{"imap.example.fi:993: the folder \"INBOX\" cannot be opened: check folders",
		 "palvelimen kansiota ei voitu käyttää",
		 "en mapp på servern gick inte att använda"},
		{"3 mails are stored, but \"move:Done\" was refused by the server: the "
		 "certificate; "
		 "they stay in folder INBOX and are not taken again",
		 "viestit ovat tallessa, mutta palvelin ei siirtänyt eikä merkinnyt niitä",
		 "mejlen är sparade, men servern flyttade eller märkte dem inte"},
		{"mx.example.fi:25: the mail was sent but its answer was lost: the server closed "
		 "the connection",
		 "viesti lähetettiin, mutta palvelin ei ehtinyt vahvistaa sitä",
		 "mejlet skickades, men servern hann inte bekräfta det"},
		{"something that nobody foresaw", "odottamaton virhe", "ett oväntat fel"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
		for (int lang = LK_LANG_FI; lang <= LK_LANG_SV; lang++) {
			g_autofree char *words = lk_term_trouble(errors[i][0], (lk_lang)lang);
			g_autofree char *wanted = g_strdup_printf(
				"%s (”%s”)", errors[i][lang == LK_LANG_FI ? 1 : 2], errors[i][0]);
			g_assert_cmpstr(words, ==, wanted);
		}
		g_autofree char *english = lk_term_trouble(errors[i][0], LK_LANG_EN);
		g_assert_cmpstr(english, ==, errors[i][0]);
	}
	g_assert_null(lk_term_trouble(NULL, LK_LANG_FI));
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
					    "digest-incidents",
					    "breaker-digest"};

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
	g_test_add_func("/term/mails", test_mails);
	g_test_add_func("/term/breaker", test_breaker);
	g_test_add_func("/term/mailboxes", test_mailboxes);
	g_test_add_func("/term/authority", test_authority);
	g_test_add_func("/term/templates", test_templates);
	return g_test_run();
}
