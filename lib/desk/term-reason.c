/*
 * Reasons stand in English in the database: one sentence for every decision, for luukkuctl and for
 * whoever asks why. People read those below in their mails; what stands behind them (a header, a
 * rule) is nobody's language.
 */
#include "lib/desk/term.h"

#include "lib/desk/authority.h"

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
	/* Mails that did not go out. */
	{"not sent: the address is suppressed",
	 "osoitteeseen ei nyt lähetetä viestejä, koska ne eivät ole menneet perille",
	 "till adressen skickas nu inga mejl, eftersom de inte har kommit fram"},
	{"not sent: the recipient is an address of ours", "vastaanottaja on oma osoitteemme",
	 "mottagaren är vår egen adress"},
	{"held by the breaker", "viestisuoja pidätti sen", "spärren höll det kvar"},
};

char *lk_term_reason(const char *english, lk_lang lang)
{
	const char *known = english ? lk_authority_words(english, lang) : NULL;

	if (!english || lang == LK_LANG_EN)
		return g_strdup(english);
	if (known)
		return g_strdup(known);
	for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
		const reason *r = &reasons[i];

		if (g_str_has_prefix(english, r->english))
			return g_strconcat(lang == LK_LANG_SV ? r->sv : r->fi,
					   english + strlen(r->english), NULL);
	}
	return g_strdup(english);
}
