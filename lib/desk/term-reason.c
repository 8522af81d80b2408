/*
 * Reasons stand in English in the database: one sentence for every decision, for luukkuctl and for
 * whoever asks why. People read those below in their mails; what stands behind them (a header, a
 * rule) is nobody's language.
 */
#include "lib/desk/term.h"

#include "lib/base/text.h"
#include "lib/desk/authority.h"
#include "lib/desk/outbox.h"

#include <string.h>

typedef struct {
	const char *english; /* what it begins with */
	const char *fi;
	const char *sv;
} reason;

static const reason reasons[] = {
	/* Mails in quarantine. */
	{"mail of a mailing list opens a ticket only where a rule says so",
	 "postituslistan viestistä tulee tukipyyntö vain, jos jokin sääntö määrää niin",
	 "ett mejl från en sändlista blir ett ärende bara om en regel säger det"},
	{"calendar mail opens a ticket only where a rule says so",
	 "kalenteriviestistä tulee tukipyyntö vain, jos jokin sääntö määrää niin",
	 "ett kalendermejl blir ett ärende bara om en regel säger det"},
	{"an automatic reply opens no ticket", "automaattivastauksesta ei tule tukipyyntöä",
	 "ett automatiskt svar blir inget ärende"},
	{"an automatic answer to a mail of ours opens no ticket",
	 "automaattivastauksesta omaan viestiimme ei tule tukipyyntöä",
	 "ett automatiskt svar på vårt mejl blir inget ärende"},
	{"a machine started it and no rule of the queue takes it",
	 "sen lähetti kone, eikä mikään jonon sääntö ota sitä",
	 "en maskin skickade det, och ingen av köns regler tar det"},
	{"a machine started it and the queue quarantines such mail",
	 "sen lähetti kone, ja jono ohjaa sellaiset karanteeniin",
	 "en maskin skickade det, och kön sätter sådant i karantän"},
	{"a delivery report that names no mail of ours",
	 "palautusviesti, joka ei koske mitään meidän lähettämäämme",
	 "en studsrapport som inte gäller något mejl från oss"},
	{"the sender is blocked", "lähettäjä on estetty", "avsändaren är spärrad"},
	{"it bears luukku's headers and an address of ours, but not our signature",
	 "se näyttää meidän lähettämältämme, mutta siinä ei ole allekirjoitustamme",
	 "det ser ut som vårt eget, men saknar vår signatur"},
	{"it lies in the folder of sent mail, but a mail server delivered it there",
	 "se on lähetettyjen kansiossa, mutta sen toi sinne postipalvelin",
	 "det ligger bland skickade mejl, men en mejlserver levererade det dit"},
	/* Mails that were not acknowledged. */
	{"automatic mail is never answered", "automaattiseen viestiin ei vastata",
	 "automatiska mejl besvaras inte"},
	{"mail in quarantine is not answered", "karanteenissa olevaan viestiin ei vastata",
	 "mejl i karantän besvaras inte"},
	{"the mail could not be parsed, so its kind is not known",
	 "viestiä ei voitu lukea, joten ei tiedetä, onko se automaattinen",
	 "mejlet gick inte att läsa, så det är okänt om det är automatiskt"},
	{"the mail names no sender that can be written to",
	 "viestissä ei ole lähettäjää, jolle voisi kirjoittaa",
	 "mejlet har ingen avsändare som det går att skriva till"},
	{"the return path is empty: nobody may be answered",
	 "viestin palautusosoite on tyhjä: siihen ei saa vastata",
	 "mejlets returadress är tom: det får inte besvaras"},
	{"the sender is an address of ours", "lähettäjä on oma osoitteemme",
	 "avsändaren är vår egen adress"},
	{"the mail asks for no automatic answer",
	 "viesti pyytää, ettei siihen vastata automaattisesti",
	 "mejlet ber om att inte få automatiska svar"},
	{"the sender's address failed dmarc", "lähettäjän osoite ei läpäissyt DMARC-tarkistusta",
	 "avsändarens adress klarade inte DMARC-kontrollen"},
	{"it is from before the first contact with the mailbox",
	 "viesti on vanhempi kuin postilaatikon käyttöönotto",
	 "mejlet är äldre än den första kontakten med brevlådan"},
	{"mail to the sender is suppressed",
	 "lähettäjälle ei nyt lähetetä viestejä, koska ne eivät ole menneet perille",
	 "till avsändaren skickas nu inga mejl, eftersom de inte har kommit fram"},
	{"a rule gives it the status junk", "sääntö merkitsi sen roskapostiksi",
	 "en regel markerade det som skräppost"},
	{"mail of kind list is never answered", "postituslistan viestiin ei vastata",
	 "mejl från en sändlista besvaras inte"},
	{"mail of kind calendar is never answered", "kalenteriviestiin ei vastata",
	 "kalendermejl besvaras inte"},
	{"mail of kind bounce is never answered", "palautusviestiin ei vastata",
	 "studsrapporter besvaras inte"},
	/* Mails of agents that wait. */
	{"somebody wrote after the mail that it answers",
	 "joku kirjoitti sen viestin jälkeen, johon se vastaa",
	 "någon skrev efter det mejl som det svarar på"},
	/* Mails that did not go out. */
	{"not sent: the address is suppressed",
	 "osoitteeseen ei nyt lähetetä viestejä, koska ne eivät ole menneet perille",
	 "till adressen skickas nu inga mejl, eftersom de inte har kommit fram"},
	{"not sent: the recipient is an address of ours", "vastaanottaja on oma osoitteemme",
	 "mottagaren är vår egen adress"},
	{"held by the breaker", "viestisuoja pidätti sen", "spärren höll det kvar"},
	{"the mail cannot be composed", "viestiä ei saatu koottua",
	 "mejlet kunde inte sammanställas"},
	{"the mail server refused it", "postipalvelin ei ottanut sitä vastaan",
	 "mejlservern tog inte emot det"},
	{"given up after 5 days", "yritetty viisi päivää turhaan", "försökt i fem dagar förgäves"},
	{"the server gave no reason", "palvelin ei kertonut syytä", "servern gav ingen orsak"},
	{"the address cannot stand in an SMTP command", "osoite ei kelpaa", "adressen duger inte"},
	{"the server does not take addresses outside ASCII",
	 "palvelin ei hyväksy osoitetta, jossa on muita kuin englannin kirjaimia",
	 "servern godkänner inte en adress med andra än engelska bokstäver"},
};

/* Errors of mailboxes and of the mail server, by words in them; the first that fits. */
static const reason troubles[] = {
	{"was refused by the server: ",
	 "viestit ovat tallessa, mutta palvelin ei siirtänyt eikä merkinnyt niitä",
	 "mejlen är sparade, men servern flyttade eller märkte dem inte"},
	{"answers that people write from the mailbox itself are not seen",
	 "postilaatikosta itsestään lähetettyjä vastauksia ei nähdä",
	 "svar som skickas från själva brevlådan syns inte"},
	{"could not be stored in any form", "yhtä viestiä ei saatu talteen",
	 "ett mejl gick inte att spara"},
	{"the mail was sent but its answer was lost",
	 "viesti lähetettiin, mutta palvelin ei ehtinyt vahvistaa sitä",
	 "mejlet skickades, men servern hann inte bekräfta det"},
	{"login refused", "palvelin ei hyväksy tunnusta tai salasanaa",
	 "servern godkänner inte användarnamnet eller lösenordet"},
	{"takes no passwords here", "palvelin ei hyväksy tunnusta tai salasanaa",
	 "servern godkänner inte användarnamnet eller lösenordet"},
	{"oauth2", "kirjautumispalvelu ei antanut lupaa postilaatikkoon",
	 "inloggningstjänsten gav inte åtkomst till brevlådan"},
	{"access token", "kirjautumispalvelu ei antanut lupaa postilaatikkoon",
	 "inloggningstjänsten gav inte åtkomst till brevlådan"},
	{"it is asked again later", "kirjautumispalvelu ei antanut lupaa postilaatikkoon",
	 "inloggningstjänsten gav inte åtkomst till brevlådan"},
	{"certificate", "palvelimen varmenteeseen ei voi luottaa",
	 "serverns certifikat går inte att lita på"},
	{"not the pinned one", "palvelimen varmenteeseen ei voi luottaa",
	 "serverns certifikat går inte att lita på"},
	{"TLS", "suojattua yhteyttä palvelimeen ei saatu",
	 "en säker anslutning till servern gick inte att få"},
	{"cannot reach", "palvelimeen ei saada yhteyttä", "servern går inte att nå"},
	{"folder", "palvelimen kansiota ei voitu käyttää",
	 "en mapp på servern gick inte att använda"},
	{"took too long", "yhteys palvelimeen katkesi", "anslutningen till servern bröts"},
	{"closed the connection", "yhteys palvelimeen katkesi", "anslutningen till servern bröts"},
	{"Connection reset", "yhteys palvelimeen katkesi", "anslutningen till servern bröts"},
	{"the session has ended", "yhteys palvelimeen katkesi", "anslutningen till servern bröts"},
};

/* Bytes of an error that are quoted. */
enum { MOST_QUOTED = 200 };

static const reason *trouble_of(const char *english)
{
	for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++)
		if (strstr(english, troubles[i].english))
			return &troubles[i];
	return NULL;
}

char *lk_term_trouble(const char *english, lk_lang lang)
{
	static const reason other = {NULL, "odottamaton virhe", "ett oväntat fel"};
	const reason *r = NULL;
	g_autofree char *cut = NULL;

	if (!english || lang == LK_LANG_EN)
		return g_strdup(english);
	r = trouble_of(english);
	if (!r)
		r = &other;
	cut = lk_text_cut(english, MOST_QUOTED);
	return g_strdup_printf("%s (”%s”)", lang == LK_LANG_SV ? r->sv : r->fi, cut);
}

/* "a delivery report says that the reply could not be delivered (5.1.1)". NULL: it is not that. */
static char *report_words(const char *english, lk_lang lang)
{
	static const char begin[] = "a delivery report says that the ";
	static const char names[] = "; it names ";
	static const char leads[] = ", where the address leads to";
	static const reason ends[] = {
		{" could not be delivered", "palautusviestin mukaan viesti (%s) ei mennyt perille",
		 "enligt en studsrapport kom ett mejl (%s) inte fram"},
		{" is delayed", "palautusviestin mukaan viesti (%s) on myöhässä",
		 "enligt en studsrapport är ett mejl (%s) försenat"},
	};
	bool is_sv = lang == LK_LANG_SV;

	if (!g_str_has_prefix(english, begin))
		return NULL;
	english += strlen(begin);
	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		const char *end = strstr(english, ends[i].english);
		g_autoptr(GString) out = NULL;
		g_autofree char *name = NULL;

		if (!end)
			continue;
		name = g_strndup(english, (gsize)(end - english));
		out = g_string_new(is_sv ? ends[i].sv : ends[i].fi);
		g_string_replace(out, "%s", lk_term_template(name, lang), 1);
		g_string_append(out, end + strlen(ends[i].english));
		g_string_replace(out, names,
				 is_sv ? "; den nämner adressen " : "; siinä on osoite ", 1);
		g_string_replace(out, leads,
				 is_sv ? ", dit adressen leder" : ", johon osoite ohjaa", 1);
		return g_string_free(g_steal_pointer(&out), FALSE);
	}
	return NULL;
}

/* A rule or a queue between two parts of a sentence. NULL: it is not that. */
static char *named_words(const char *english, lk_lang lang)
{
	static const struct {
		const char *before[LK_N_LANGS];
		const char *after[LK_N_LANGS];
	} parts[] = {
		{{"sääntö \"", "regeln \"", "rule \""}, {" määrää niin", " säger det", " says so"}},
		{{"sääntö \"", "regeln \"", "rule \""},
		 {" ohjaa sen sivuun: ", " lägger det åt sidan: ", " drops it: "}},
		{{"jono ", "kön ", "queue "},
		 {" ei lähetä vahvistuksia", " skickar inga bekräftelser",
		  " does not acknowledge"}},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		const char *before = parts[i].before[LK_LANG_EN];
		const char *after = g_str_has_prefix(english, before)
					    ? strstr(english, parts[i].after[LK_LANG_EN])
					    : NULL;
		size_t n = strlen(before);

		if (after && after >= english + n)
			return g_strdup_printf("%s%.*s%s%s", parts[i].before[lang],
					       (int)(after - english - (ptrdiff_t)n), english + n,
					       parts[i].after[lang],
					       after + strlen(parts[i].after[LK_LANG_EN]));
	}
	return NULL;
}

/* What stands behind the beginning: a reason of ours, too, or a server's own words. Caller frees.
 */
static char *rest_in(const char *rest, lk_lang lang)
{
	g_autofree char *inner = NULL;
	g_autofree char *words = NULL;
	size_t n = strlen(rest);

	if (g_str_has_prefix(rest, " (") && g_str_has_suffix(rest, ")")) {
		inner = g_strndup(rest + 2, n - 3);
		words = lk_term_reason(inner, lang);
		return g_strdup_printf(" (%s)", words);
	}
	if (!g_str_has_prefix(rest, ": "))
		return g_strdup(rest);
	words = trouble_of(rest + 2) ? lk_term_trouble(rest + 2, lang)
				     : lk_term_reason(rest + 2, lang);
	return g_strconcat(": ", words, NULL);
}

char *lk_term_reason(const char *english, lk_lang lang)
{
	const char *known = english ? lk_authority_words(english, lang) : NULL;
	char *words = NULL;

	if (!english || lang == LK_LANG_EN)
		return g_strdup(english);
	if (known)
		return g_strdup(known);
	if ((words = lk_outbox_held_words(english, lang)) ||
	    (words = report_words(english, lang)) || (words = named_words(english, lang)))
		return words;
	for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
		const reason *r = &reasons[i];

		if (g_str_has_prefix(english, r->english)) {
			g_autofree char *rest = rest_in(english + strlen(r->english), lang);

			return g_strconcat(lang == LK_LANG_SV ? r->sv : r->fi, rest, NULL);
		}
	}
	return g_strdup(english);
}
