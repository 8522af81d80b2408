#include "lib/desk/term.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *in[LK_N_LANGS]; /* fi, sv, en */
} term;

static const term statuses[] = {
	{"new", {"uusi", "nytt", "new"}},
	{"open", {"työn alla", "under arbete", "open"}},
	{"waiting_customer", {"odottaa asiakasta", "väntar på kunden", "waits for the customer"}},
	{"waiting_supplier",
	 {"odottaa toimittajaa", "väntar på leverantören", "waits for the supplier"}},
	{"on_hold", {"odottaa sovittua aikaa", "väntar på en avtalad tid", "on hold"}},
	{"resolved", {"ratkaistu", "löst", "resolved"}},
	{"closed", {"suljettu", "stängt", "closed"}},
	{"junk", {"roskaposti", "skräppost", "junk"}},
	{"merged", {"yhdistetty toiseen", "sammanfogat", "merged"}},
};

static const term priorities[] = {
	{"urgent", {"kiireellinen", "brådskande", "urgent"}},
	{"high", {"tärkeä", "viktig", "high"}},
	{"normal", {"tavallinen", "normal", "normal"}},
	{"low", {"vähäinen", "låg", "low"}},
};

static const term templates[] = {
	{"reply", {"vastaus", "svar", "answer"}},
	{"resolution", {"ratkaisu", "lösning", "resolution"}},
	{"transfer", {"ilmoitus siirrosta", "besked om flytt", "word of the transfer"}},
	{"waiting", {"ilmoitus odotuksesta", "besked om väntan", "word of the wait"}},
	{"consult", {"kysymys", "fråga", "question"}},
	{"supplier", {"viesti toimittajalle", "mejl till leverantören", "mail to the supplier"}},
	{"notice", {"ilmoitus käsittelijälle", "avisering till handläggare", "notice"}},
	{"acknowledgement", {"vastaanottovahvistus", "mottagningsbesked", "acknowledgement"}},
	{"customer-reminder",
	 {"muistutus asiakkaalle", "påminnelse till kunden", "customer's reminder"}},
	{"supplier-reminder",
	 {"muistutus toimittajalle", "påminnelse till leverantören", "supplier's reminder"}},
	{"still-working", {"väliaikatieto", "lägesbesked", "word that work goes on"}},
	{"progress", {"tilannetieto", "lägesbesked", "word of the progress"}},
	{"receipt", {"kuittaus", "kvitto", "receipt"}},
	{"command-error", {"virheilmoitus", "felmeddelande", "error mail"}},
	{"held", {"vahvistuspyyntö", "begäran om bekräftelse", "request to confirm"}},
	{"refused", {"hylkäysilmoitus", "avslag", "refusal"}},
	{"joined", {"tieto yhdistämisestä", "besked om koppling", "word that it joined"}},
	{"closed-unanswered", {"tieto sulkemisesta", "besked om stängning", "word of the closing"}},
	{"status-list",
	 {"luettelo avoimista asioista", "lista över öppna ärenden", "list of matters"}},
	{"survey", {"kysely", "enkät", "survey"}},
	{"dissatisfied",
	 {"tieto tyytymättömästä asiakkaasta", "besked om missnöjd kund",
	  "word of an unhappy customer"}},
	{"chase-notice", {"tieto kiirehdinnästä", "besked om påskyndan", "word of a chase"}},
	{"forward", {"välitetty viesti", "vidarebefordrat mejl", "forwarded mail"}},
	{"ask-customer", {"kysymys asiakkaasta", "fråga om kunden", "question about the customer"}},
	{"mass-incident",
	 {"ilmoitus laajasta häiriöstä", "besked om störning", "word of an incident"}},
	{"hand-over", {"sijaisuusilmoitus", "besked om vikariat", "word of the deputy"}},
	{"sla-warning", {"tavoiteaikavaroitus", "varning om tidsmål", "target warning"}},
	{"sla-breach", {"ylitysilmoitus", "besked om överskridet tidsmål", "target breach"}},
	{"owner-reminder",
	 {"muistutus käsittelijälle", "påminnelse till handläggaren", "reminder"}},
	{"delivery-failed",
	 {"tieto perille menemättömästä viestistä", "besked om mejl som inte kom fram",
	  "word of a mail that failed"}},
	{"digest-agents", {"päivän kooste", "dagens översikt", "digest"}},
	{"digest-managers", {"päivän kooste", "dagens översikt", "digest"}},
	{"digest-incidents", {"päivän kooste", "dagens översikt", "digest"}},
	{"breaker-digest",
	 {"tieto pidätetyistä viesteistä", "besked om mejl som hölls kvar",
	  "word of mails that were held"}},
};

static const term events[] = {
	{"opened", {"avattu", "öppnat", "opened"}},
	{"joined", {"uusi viesti", "nytt mejl", "a mail was added"}},
	{"acknowledged", {"vastaanotto vahvistettu", "mottagningen bekräftad", "acknowledged"}},
	{"not_acknowledged",
	 {"vastaanottoa ei vahvistettu", "mottagningen bekräftades inte", "not acknowledged"}},
	{"sent", {"viesti lähti", "mejl skickat", "mail sent"}},
	{"not_sent", {"viestiä ei lähetetty", "mejl skickades inte", "mail not sent"}},
	{"send_failed", {"viesti ei mennyt perille", "mejl kunde inte skickas", "mail failed"}},
	{"bounced", {"viesti palautui", "mejl studsade", "mail bounced"}},
	{"held", {"viesti pidätettiin", "mejl hölls kvar", "mail held"}},
	{"mail_cancelled", {"viesti peruttiin", "mejl återkallat", "mail cancelled"}},
	{"mail_retried", {"viesti lähetetään uudelleen", "mejl skickas på nytt", "mail retried"}},
	{"answered", {"asiakkaalle vastattiin", "kunden fick svar", "customer answered"}},
	{"noted", {"muistiinpano", "anteckning", "note"}},
	{"kept_as_note", {"pidettiin sisäisenä", "behölls internt", "kept inside"}},
	{"guest", {"ulkopuolinen kirjoitti", "en utomstående skrev", "an outsider wrote"}},
	{"asked", {"kysymys lähti", "fråga ställd", "question asked"}},
	{"question_answered", {"kysymykseen vastattiin", "frågan besvarad", "question answered"}},
	{"supplier_asked",
	 {"toimittajalle kirjoitettiin", "mejl till leverantör", "supplier asked"}},
	{"supplier_reference",
	 {"toimittajan viite", "leverantörens referens", "supplier's reference"}},
	{"supplier_chased",
	 {"toimittajaa kiirehditään", "leverantören påminns", "supplier chased"}},
	{"status", {"tila", "status", "status"}},
	{"reopened", {"avattiin uudelleen", "öppnat på nytt", "reopened"}},
	{"wait_until", {"odottaa", "väntar till", "waits until"}},
	{"owner", {"käsittelijä", "handläggare", "owner"}},
	{"assigned", {"annettiin käsittelijälle", "tilldelat", "assigned"}},
	{"queue", {"jono", "kö", "queue"}},
	{"priority", {"tärkeys", "prioritet", "priority"}},
	{"type", {"tyyppi", "typ", "type"}},
	{"organisation", {"organisaatio", "organisation", "organisation"}},
	{"title", {"otsikko", "rubrik", "title"}},
	{"supplier", {"toimittaja", "leverantör", "supplier"}},
	{"parent", {"päätapaus", "huvudärende", "parent"}},
	{"answer_by", {"vastausta odotetaan", "svar väntas", "answer expected by"}},
	{"tags", {"tunnisteet", "taggar", "tags"}},
	{"field", {"kenttä", "fält", "field"}},
	{"field_filled", {"kenttä täyttyi", "fält ifyllt", "field filled"}},
	{"fields_asked", {"puuttuvia tietoja kysyttiin", "uppgifter efterfrågade", "fields asked"}},
	{"requester", {"asiakas", "kund", "requester"}},
	{"participant_added", {"osallinen lisättiin", "deltagare tillagd", "participant added"}},
	{"participant_removed",
	 {"osallinen poistettiin", "deltagare borttagen", "participant removed"}},
	{"linked", {"liitettiin", "länkat", "linked"}},
	{"unlinked", {"liitos poistettiin", "länk borttagen", "unlinked"}},
	{"merged", {"yhdistettiin", "sammanfogat", "merged"}},
	{"split", {"erotettiin", "delat", "split"}},
	{"taken_apart", {"erotettiin omakseen", "delat till eget", "taken apart"}},
	{"resolution", {"ratkaisu", "lösning", "resolution"}},
	{"first_response", {"ensimmäinen vastaus", "första svaret", "first answer"}},
	{"chased", {"asiakas kysyi etenemistä", "kunden frågade hur det går", "customer asked"}},
	{"not_answered", {"kysyjälle ei vastattu", "frågan besvarades inte", "not answered"}},
	{"reminders_moved",
	 {"muistutuksia siirrettiin", "påminnelser flyttade", "reminders moved"}},
	{"reminders_ended",
	 {"muistutukset loppuivat", "påminnelserna tog slut", "reminders ended"}},
	{"also_addressed", {"viesti oli myös jonolle", "mejlet gick även till", "also for queue"}},
	{"agent_mail", {"käsittelijän viesti", "handläggarens mejl", "agent's mail"}},
	{"agent_held",
	 {"käsittelijän viesti odottaa vahvistusta", "handläggarens mejl väntar",
	  "agent's mail held"}},
	{"agent_refused",
	 {"käsittelijän nimissä tullut viesti hylättiin", "mejl i handläggarens namn avvisat",
	  "agent's mail refused"}},
	{"commands_refused", {"komennoissa oli virhe", "fel i kommandona", "commands refused"}},
	{"held_sent",
	 {"odottanut viesti suoritettiin", "väntande mejl utfördes", "held mail sent"}},
	{"held_dropped",
	 {"odottanut viesti hylättiin", "väntande mejl förkastades", "held mail dropped"}},
	{"undone", {"peruttiin", "ångrat", "taken back"}},
	{"token_revoked",
	 {"vastausosoite mitätöitiin", "svarsadress återkallad", "reply address revoked"}},
	{"token_over",
	 {"vanhentunut vastausosoite", "svarsadress för gammal", "reply address too old"}},
	{"rule", {"sääntö", "regel", "rule"}},
	{"rule_limit", {"säännön raja tuli vastaan", "regelns gräns nåddes", "rule limit"}},
	{"away", {"käsittelijä on poissa", "handläggaren är borta", "agent away"}},
	{"survey_excluded", {"kysely jätettiin pois", "enkäten utesluten", "survey excluded"}},
	{"mass_proposed", {"mahdollinen laaja häiriö", "kanske en större störning", "many alike"}},
	{"customer_unknown", {"asiakas ei selvinnyt", "kunden oklar", "customer unknown"}},
	{"incomplete",
	 {"viestiä ei voitu lukea kokonaan", "mejlet lästes ofullständigt", "not read whole"}},
	{"unparsed", {"viestiä ei voitu lukea", "mejlet gick inte att läsa", "not readable"}},
	{"too_large", {"viesti oli liian suuri", "mejlet var för stort", "too large"}},
	{"unsuppressed", {"osoite toimii taas", "adressen fungerar igen", "address works again"}},
	{"action", {"vahvistuslinkki", "bekräftelselänk", "action link"}},
	{"sla_respond_warning",
	 {"vastauksen tavoiteaika lähellä", "tidsmålet för svar nära", "answer is nearly due"}},
	{"sla_respond_breach",
	 {"vastauksen tavoiteaika ylittyi", "tidsmålet för svar överskridet", "answer is overdue"}},
	{"sla_resolve_warning",
	 {"ratkaisun tavoiteaika lähellä", "tidsmålet för lösning nära",
	  "resolution is nearly due"}},
	{"sla_resolve_breach",
	 {"ratkaisun tavoiteaika ylittyi", "tidsmålet för lösning överskridet",
	  "resolution is overdue"}},
};

static const char *find(const term *terms, size_t n, const char *name, lk_lang lang)
{
	for (size_t i = 0; name && i < n; i++)
		if (strcmp(terms[i].name, name) == 0)
			return terms[i].in[lang];
	return name;
}

const char *lk_term_status(const char *status, lk_lang lang)
{
	return find(statuses, G_N_ELEMENTS(statuses), status, lang);
}

const char *lk_term_priority(const char *priority, lk_lang lang)
{
	return find(priorities, G_N_ELEMENTS(priorities), priority, lang);
}

const char *lk_term_template(const char *template_name, lk_lang lang)
{
	return find(templates, G_N_ELEMENTS(templates), template_name, lang);
}

const char *lk_term_event(const char *event, lk_lang lang)
{
	return find(events, G_N_ELEMENTS(events), event, lang);
}

char *lk_term_actor(const char *actor, lk_lang lang)
{
	static const char *const rules[LK_N_LANGS] = {"sääntö", "regel", "rule"};
	const char *colon = strchr(actor, ':');

	if (g_str_has_prefix(actor, "rule:"))
		return g_strdup_printf("%s %s", rules[lang], colon + 1);
	if (strcmp(actor, "sched") == 0)
		return g_strdup("luukku");
	return g_strdup(colon ? colon + 1 : actor);
}
