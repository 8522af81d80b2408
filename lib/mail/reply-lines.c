#include "lib/mail/reply-lines.h"

#include "lib/mail/charset.h"

#include <glib.h>
#include <string.h>

enum { FOLD_BYTES_MOST = 600, ATTRIBUTION_LINES_MOST = 6, HEADER_LINES_MOST = 12 };

static char *fold(const char *start, size_t n)
{
	n = MIN(n, FOLD_BYTES_MOST);
	while (n > 0 && ((unsigned char)start[n] & 0xc0) == 0x80)
		n--;
	return lk_fold(start, n);
}

bool lk_line_is_blank(const lk_line *line)
{
	return line->n == 0;
}

bool lk_line_is_quote(const lk_line *line)
{
	size_t i = 0;

	while (i < line->n && i < 4 && (line->start[i] == ' ' || line->start[i] == '\t'))
		i++;
	return i < line->n && line->start[i] == '>';
}

/* Without dashes, blanks and the like at both ends; says how many dashes led. */
static char *bare_words(const lk_line *line, size_t *ret_dashes)
{
	static const char ornaments[] = "-_=*~# \t>";
	size_t start = 0, end = line->n, dashes = 0;

	while (start < end && strchr(ornaments, line->start[start])) {
		dashes += strchr("-_=", line->start[start]) != NULL;
		start++;
	}
	while (end > start && strchr("-_=*~# \t:", line->start[end - 1]))
		end--;
	*ret_dashes = dashes;
	return fold(line->start + start, end - start);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

bool lk_line_is_divider(const lk_line *line)
{
	static const char *const words[] = {"original message",
					    "original-message",
					    "original email",
					    "original e-mail",
					    "reply message",
					    "originalmessage",
					    "ursprüngliche nachricht",
					    "original-nachricht",
					    "originalnachricht",
					    "ursprüngliche mail",
					    "message d'origine",
					    "message d’origine",
					    "message original",
					    "message initial",
					    "mensaje original",
					    "messaggio originale",
					    "messaggio original",
					    "oorspronkelijk bericht",
					    "origineel bericht",
					    "originele bericht",
					    "ursprungligt meddelande",
					    "originalmeddelande",
					    "ursprungsmeddelande",
					    "oprindelig meddelelse",
					    "original meddelelse",
					    "oprindelig besked",
					    "opprinnelig melding",
					    "opprinnelig e-post",
					    "opprinnelig epost",
					    "original melding",
					    "alkuperäinen viesti",
					    "alkuperäinen sähköposti",
					    "oryginalna wiadomość",
					    "wiadomość oryginalna",
					    "treść oryginalna",
					    "исходное сообщение",
					    "оригинальное сообщение",
					    "первоначальное сообщение",
					    "mensagem original",
					    "algne kiri",
					    "originaalkiri",
					    "algne sõnum",
					    "algne teade",
					    "esialgne kiri",
					    "eredeti üzenet",
					    "původní zpráva",
					    "originální zpráva",
					    "původní e-mail",
					    "pôvodná správa",
					    "mesaj original",
					    "orijinal mesaj",
					    "orijinal ileti",
					    "izvorna poruka",
					    "αρχικό μήνυμα",
					    "原始邮件",
					    "原始郵件",
					    "元のメッセージ",
					    "オリジナルメッセージ",
					    "original message from",
					    "quoted message",
					    "quoted text",
					    "tin nhắn gốc",
					    "thư gốc",
					    "원본 메시지",
					    "sākotnējais ziņojums",
					    "pradinis laiškas",
					    NULL};
	size_t dashes = 0;

	/* Both a ruled divider and "reply above this line" begin with an ornament. */
	if (line->n < 4 || line->n > 120 || !strchr("-_=*~# \t>", *line->start))
		return false;
	g_autofree char *folded = bare_words(line, &dashes);
	if (strstr(folded, "reply above this line") ||
	    strstr(folded, "vastaa tämän rivin yläpuolelle") ||
	    strstr(folded, "svara ovanför denna rad"))
		return true;
	return dashes >= 2 && is_one_of(folded, words);
}

bool lk_line_is_forward(const lk_line *line)
{
	static const char *const words[] = {"forwarded message",
					    "forwarded by",
					    "begin forwarded message",
					    "forwarded mail",
					    "weitergeleitete nachricht",
					    "anfang der weitergeleiteten",
					    "message transféré",
					    "début du message transféré",
					    "début du message réexpédié",
					    "mensaje reenviado",
					    "inicio del mensaje reenviado",
					    "messaggio inoltrato",
					    "inizio messaggio inoltrato",
					    "doorgestuurd bericht",
					    "begin doorgestuurd bericht",
					    "vidarebefordrat meddelande",
					    "vidarebefordrat brev",
					    "vidarebefordra meddelande",
					    "videresendt meddelelse",
					    "videresendt melding",
					    "videresendt besked",
					    "start på videresendt",
					    "välitetty viesti",
					    "välitetty sähköposti",
					    "edelleenlähetetty viesti",
					    "alku välitetystä",
					    "przekazana wiadomość",
					    "wiadomość przekazana",
					    "пересылаемое сообщение",
					    "пересланное сообщение",
					    "начало переадресованного",
					    "mensagem encaminhada",
					    "mensagem reencaminhada",
					    "início da mensagem reencaminhada",
					    "edastatud kiri",
					    "edasi saadetud",
					    "vidarebefordrat e-post",
					    "továbbított üzenet",
					    "přeposlaná zpráva",
					    "iletilen mesaj",
					    "转发的邮件",
					    "轉寄郵件",
					    "転送メッセージ",
					    "転送されたメッセージ",
					    NULL};
	size_t dashes = 0;

	if (line->n < 4 || line->n > 160 ||
	    (line->start[line->n - 1] != ':' && !strchr("-_=*~# \t>", *line->start)))
		return false;
	g_autofree char *folded = bare_words(line, &dashes);
	for (size_t i = 0; words[i]; i++)
		if (g_str_has_prefix(folded, words[i]) &&
		    (dashes >= 2 || line->start[line->n - 1] == ':'))
			return true;
	return false;
}

bool lk_line_is_mobile_signature(const lk_line *line)
{
	static const char *const starts[] = {"sent from my ",
					     "sent from a ",
					     "sent from the ",
					     "sent from yahoo",
					     "sent from outlook",
					     "sent from mail",
					     "sent from samsung",
					     "sent from iphone",
					     "sent from ipad",
					     "sent from gmail",
					     "sent from proton",
					     "sent from nine",
					     "sent from bluemail",
					     "sent from mobile",
					     "sent via ",
					     "sent on the go",
					     "sent with ",
					     "sent using ",
					     "get outlook for",
					     "get bluemail for",
					     "from my iphone",
					     "download outlook",
					     "lähetetty ",
					     "hanki outlook",
					     "hämta outlook",
					     "skickat från min",
					     "skickat från mobil",
					     "skickat med",
					     "skickad från",
					     "skickat via",
					     "sendt fra min",
					     "sendt fra mobil",
					     "sendt fra outlook",
					     "hent outlook",
					     "skaff outlook",
					     "von meinem ",
					     "gesendet von ",
					     "gesendet mit",
					     "von unterwegs gesendet",
					     "outlook für",
					     "envoyé de mon",
					     "envoyé depuis",
					     "envoyé à partir de",
					     "télécharger outlook",
					     "obtenez outlook",
					     "enviado desde ",
					     "enviado do meu",
					     "enviado a partir",
					     "enviado de mi",
					     "enviado con ",
					     "obtener outlook",
					     "obtenga outlook",
					     "obter o outlook",
					     "inviato da ",
					     "inviato dal ",
					     "scarica outlook",
					     "ottieni outlook",
					     "verstuurd vanaf",
					     "verzonden vanaf",
					     "verzonden met",
					     "outlook voor",
					     "download outlook voor",
					     "wysłane z ",
					     "wysłano z ",
					     "pobierz outlook",
					     "отправлено с ",
					     "отправлено из ",
					     "отправлено от ",
					     "saadetud minu",
					     "saadetud ",
					     "hangi outlook",
					     "küldve ",
					     "odesláno z",
					     "iphone'umdan gönderildi",
					     "从我的",
					     "发自我的",
					     "iphoneから送信",
					     "получить outlook",
					     NULL};

	if (line->n < 6 || line->n > 90)
		return false;
	g_autofree char *folded = fold(line->start, line->n);
	const char *bare = folded + strspn(folded, " \t*_[(<");
	unsigned blanks = 0;
	for (const char *p = bare; *p; p++)
		blanks += *p == ' ';
	/* A sentence that happens to begin so goes on. */
	if (strchr(bare, ',') || blanks > 9)
		return false;
	for (size_t i = 0; starts[i]; i++)
		if (g_str_has_prefix(bare, starts[i]))
			return !g_str_has_suffix(bare, ":");
	return false;
}

bool lk_line_is_signature_start(const lk_line *line)
{
	return (line->n == 2 && memcmp(line->start, "--", 2) == 0) ||
	       (line->n == 3 && memcmp(line->start, "—", 3) == 0);
}

bool lk_line_is_dashed_name(const lk_line *line)
{
	unsigned words = 0;
	size_t i = strspn(line->start, "-");

	if (line->n > 40 || i == 0 || i > 2 || i >= line->n)
		return false;
	while (i < line->n) {
		while (i < line->n && line->start[i] == ' ')
			i++;
		if (i < line->n && !g_ascii_isupper(line->start[i]) &&
		    (unsigned char)line->start[i] < 0x80)
			return false;
		while (i < line->n && line->start[i] != ' ') {
			char c = line->start[i++];
			if (!g_ascii_isalpha(c) && (unsigned char)c < 0x80 && !strchr(".'-", c))
				return false;
		}
		words++;
	}
	return words <= 3;
}

bool lk_line_is_rule(const lk_line *line)
{
	size_t i = 0, count = 0;

	for (; i < line->n && strchr("-_=*~ \t", line->start[i]); i++)
		count += !g_ascii_isspace(line->start[i]);
	return i == line->n && count >= 5;
}

/* --- header blocks ------------------------------------------------------------------------- */

enum { LABEL_NONE, LABEL_FROM, LABEL_DATE, LABEL_TO, LABEL_CC, LABEL_SUBJECT };

static const struct {
	const char *word;
	int label;
} labels[] = {
	{"from", LABEL_FROM},
	{"von", LABEL_FROM},
	{"de", LABEL_FROM},
	{"da", LABEL_FROM},
	{"van", LABEL_FROM},
	{"från", LABEL_FROM},
	{"fra", LABEL_FROM},
	{"lähettäjä", LABEL_FROM},
	{"od", LABEL_FROM},
	{"от", LABEL_FROM},
	{"от кого", LABEL_FROM},
	{"saatja", LABEL_FROM},
	{"kellelt", LABEL_FROM},
	{"expéditeur", LABEL_FROM},
	{"mittente", LABEL_FROM},
	{"remitente", LABEL_FROM},
	{"remetente", LABEL_FROM},
	{"avsändare", LABEL_FROM},
	{"avsender", LABEL_FROM},
	{"afsender", LABEL_FROM},
	{"absender", LABEL_FROM},
	{"afzender", LABEL_FROM},
	{"nadawca", LABEL_FROM},
	{"відправник", LABEL_FROM},
	{"від", LABEL_FROM},
	{"feladó", LABEL_FROM},
	{"odesílatel", LABEL_FROM},
	{"kimden", LABEL_FROM},
	{"gönderen", LABEL_FROM},
	{"từ", LABEL_FROM},
	{"发件人", LABEL_FROM},
	{"寄件者", LABEL_FROM},
	{"差出人", LABEL_FROM},
	{"보낸 사람", LABEL_FROM},
	{"no", LABEL_FROM},
	{"nuo", LABEL_FROM},
	{"από", LABEL_FROM},
	{"de la", LABEL_FROM},
	{"sent", LABEL_DATE},
	{"date", LABEL_DATE},
	{"gesendet", LABEL_DATE},
	{"datum", LABEL_DATE},
	{"envoyé", LABEL_DATE},
	{"envoyé le", LABEL_DATE},
	{"date d'envoi", LABEL_DATE},
	{"enviado", LABEL_DATE},
	{"enviado el", LABEL_DATE},
	{"enviada em", LABEL_DATE},
	{"enviado em", LABEL_DATE},
	{"enviada", LABEL_DATE},
	{"fecha", LABEL_DATE},
	{"data", LABEL_DATE},
	{"inviato", LABEL_DATE},
	{"data invio", LABEL_DATE},
	{"verzonden", LABEL_DATE},
	{"skickat", LABEL_DATE},
	{"sendt", LABEL_DATE},
	{"dato", LABEL_DATE},
	{"lähetetty", LABEL_DATE},
	{"päivämäärä", LABEL_DATE},
	{"päiväys", LABEL_DATE},
	{"pvm", LABEL_DATE},
	{"wysłano", LABEL_DATE},
	{"wysłane", LABEL_DATE},
	{"отправлено", LABEL_DATE},
	{"дата", LABEL_DATE},
	{"saadetud", LABEL_DATE},
	{"kuupäev", LABEL_DATE},
	{"ngày", LABEL_DATE},
	{"đã gửi", LABEL_DATE},
	{"发送时间", LABEL_DATE},
	{"日期", LABEL_DATE},
	{"寄件日期", LABEL_DATE},
	{"送信日時", LABEL_DATE},
	{"日付", LABEL_DATE},
	{"küldve", LABEL_DATE},
	{"dátum", LABEL_DATE},
	{"tarih", LABEL_DATE},
	{"надіслано", LABEL_DATE},
	{"odesláno", LABEL_DATE},
	{"sendt den", LABEL_DATE},
	{"보낸 날짜", LABEL_DATE},
	{"ημερομηνία", LABEL_DATE},
	{"trimis", LABEL_DATE},
	{"to", LABEL_TO},
	{"an", LABEL_TO},
	{"à", LABEL_TO},
	{"a", LABEL_TO},
	{"para", LABEL_TO},
	{"til", LABEL_TO},
	{"till", LABEL_TO},
	{"vastaanottaja", LABEL_TO},
	{"do", LABEL_TO},
	{"кому", LABEL_TO},
	{"saaja", LABEL_TO},
	{"kellele", LABEL_TO},
	{"adressaat", LABEL_TO},
	{"aan", LABEL_TO},
	{"destinatario", LABEL_TO},
	{"destinataire", LABEL_TO},
	{"pour", LABEL_TO},
	{"mottagare", LABEL_TO},
	{"modtager", LABEL_TO},
	{"mottaker", LABEL_TO},
	{"收件人", LABEL_TO},
	{"宛先", LABEL_TO},
	{"címzett", LABEL_TO},
	{"kime", LABEL_TO},
	{"komu", LABEL_TO},
	{"đến", LABEL_TO},
	{"tới", LABEL_TO},
	{"adresat", LABEL_TO},
	{"받는 사람", LABEL_TO},
	{"προς", LABEL_TO},
	{"către", LABEL_TO},
	{"cc", LABEL_CC},
	{"kopia", LABEL_CC},
	{"kopio", LABEL_CC},
	{"копия", LABEL_CC},
	{"cópia", LABEL_CC},
	{"kopi", LABEL_CC},
	{"koopia", LABEL_CC},
	{"dw", LABEL_CC},
	{"抄送", LABEL_CC},
	{"副本", LABEL_CC},
	{"reply-to", LABEL_CC},
	{"bcc", LABEL_CC},
	{"importance", LABEL_CC},
	{"subject", LABEL_SUBJECT},
	{"betreff", LABEL_SUBJECT},
	{"objet", LABEL_SUBJECT},
	{"asunto", LABEL_SUBJECT},
	{"assunto", LABEL_SUBJECT},
	{"oggetto", LABEL_SUBJECT},
	{"onderwerp", LABEL_SUBJECT},
	{"ämne", LABEL_SUBJECT},
	{"emne", LABEL_SUBJECT},
	{"aihe", LABEL_SUBJECT},
	{"temat", LABEL_SUBJECT},
	{"тема", LABEL_SUBJECT},
	{"teema", LABEL_SUBJECT},
	{"pealkiri", LABEL_SUBJECT},
	{"主题", LABEL_SUBJECT},
	{"主旨", LABEL_SUBJECT},
	{"件名", LABEL_SUBJECT},
	{"tárgy", LABEL_SUBJECT},
	{"konu", LABEL_SUBJECT},
	{"chủ đề", LABEL_SUBJECT},
	{"předmět", LABEL_SUBJECT},
	{"predmet", LABEL_SUBJECT},
	{"제목", LABEL_SUBJECT},
	{"subiect", LABEL_SUBJECT},
	{"θέμα", LABEL_SUBJECT},
	{"otsikko", LABEL_SUBJECT},
	{"sujet", LABEL_SUBJECT},
	{"re", LABEL_SUBJECT},
};

int lk_line_label(const lk_line *line)
{
	size_t i = 0, end;

	while (i < line->n && strchr(" \t*_>|", line->start[i]))
		i++;
	const char *colon = memchr(line->start + i, ':', MIN(line->n - i, 40));
	const char *wide = NULL; /* the full-width colon of East Asia */
	for (size_t j = i; !colon && j + 2 < line->n && j < i + 40; j++)
		if (memcmp(line->start + j, "：", 3) == 0) {
			wide = line->start + j;
			break;
		}
	if (!colon && !wide)
		return LABEL_NONE;
	end = (size_t)((colon ? colon : wide) - line->start);
	while (end > i && strchr(" \t*_", line->start[end - 1]))
		end--;
	g_autofree char *word = fold(line->start + i, end - i);
	char *nbsp;
	while ((nbsp = strstr(word, "\xc2\xa0")))
		memmove(nbsp, nbsp + 2, strlen(nbsp + 2) + 1);
	for (size_t j = 0; j < G_N_ELEMENTS(labels); j++)
		if (strcmp(labels[j].word, word) == 0)
			return labels[j].label;
	return LABEL_NONE;
}

bool lk_lines_are_header_block(const lk_line *lines, size_t n)
{
	int first = lines[0].label;
	bool seen[LABEL_SUBJECT + 1] = {false};
	bool has_at = false;
	unsigned kinds = 0, strangers = 0;

	if (first == LABEL_NONE || first == LABEL_CC)
		return false;
	for (size_t i = 0; i < n && i < HEADER_LINES_MOST && strangers < 3; i++) {
		int label = lines[i].label;
		if (label == LABEL_NONE) {
			strangers++; /* folded addresses, empty lines between */
			has_at |= kinds > 0 && kinds < 3 && memchr(lines[i].start, '@', lines[i].n);
			continue;
		}
		strangers = 0;
		has_at |= memchr(lines[i].start, '@', lines[i].n) != NULL;
		kinds += !seen[label];
		seen[label] = true;
	}
	if (!seen[LABEL_FROM] && !(seen[LABEL_DATE] && has_at))
		return false;
	/* "From: Helsinki, To: Oulu, Date: Monday" is somebody's words. */
	return (kinds >= 2 && has_at) || (kinds >= 3 && seen[LABEL_SUBJECT] && seen[LABEL_DATE]);
}

/* --- attributions -------------------------------------------------------------------------- */

static const char *const verbs[] = {
	"wrote",     "writes",	   "sent",	  "said",	"escribió",   "escribio",
	"escribe",   "schrieb",	   "geschrieben", "écrit",	"ecrit",      "écrivait",
	"scritto",   "scrive",	   "scriveva",	  "schreef",	"geschreven", "skrev",
	"skriver",   "skrivit",	   "skrevet",	  "kirjoitti",	"kirjoittaa", "kirjoittanut",
	"kirjutas",  "kirjutab",   "kirjutanud",  "napisał",	"napisał(a)", "napisała",
	"napisał/a", "pisze",	   "написал",	  "написала",	"написал(а)", "пишет",
	"писал",     "написав",	   "пише",	  "escreveu",	"escreve",    "napsal",
	"napsal(a)", "napsala",	   "napísal",	  "napísal(a)", "írta",	      "viết",
	"yazdı",     "şunu",	   "rašė",	  "parašė",	"rakstīja",   "scris",
	"έγραψε",    "γράφει",	   "schrieb am",  "a écrit",	"写道",	      "寫道",
	"撰写",	     "書きました", "のメール",	  "작성",	"님이",	      "pisze",
	"napisao",   "napisala",   "je napisal",  "dixit",	"tarihinde",  NULL};

static const char *const openers[] = {
	"on ",	     "am ",	   "le ",	 "el ",		"il ",	     "op ",
	"em ",	     "den ",	   "på ",	 "dnia ",	"w dniu ",   "vào ",
	"na ",	     "dne ",	   "dňa ",	 "dana ",	"в ",	     "а ",
	"at ",	     "in data ",   "il giorno ", "quoting ",	"date: ",    "från: ",
	"a(z) ",     "στις ",	   "le\xc2\xa0", "on\xc2\xa0",	"在",	     "于",
	"pe ",	     "ma ",	   "ti ",	 "ke ",		"to ",	     "la ",
	"su ",	     "mon",	   "tue",	 "wed",		"thu",	     "fri",
	"sat",	     "sun",	   "pn.",	 "wt.",		"śr.",	     "czw.",
	"pt.",	     "sob.",	   "niedz.",	 "пн",		"вт",	     "ср",
	"чт",	     "пт",	   "сб",	 "вс",		"mån",	     "tis",
	"ons",	     "tors",	   "fre",	 "lör",		"sön",	     "tir",
	"lør",	     "søn",	   "man",	 "lun",		"mar",	     "mer",
	"jeu",	     "ven",	   "sam",	 "dim",		"mié",	     "jue",
	"vie",	     "sáb",	   "dom",	 "mi ",		"do ",	     "fr ",
	"sa ",	     "so ",	   "mo ",	 "di ",		"za ",	     "zo ",
	"wo ",	     "gio",	   "sab",	 "seg",		"ter",	     "qua",
	"qui",	     "sex",	   "e ",	 "kl ",		"kell ",     "esmasp",
	"teisip",    "kolmap",	   "neljap",	 "reede",	"laup",	     "pühap",
	"torstai",   "maanantai",  "tiistai",	 "keskiviikko", "perjantai", "lauantai",
	"sunnuntai", "el\xc2\xa0", NULL};

static unsigned digit_groups(const char *text)
{
	unsigned groups = 0;

	for (const char *p = text; *p; p++)
		groups += g_ascii_isdigit(*p) && !(p > text && g_ascii_isdigit(p[-1]));
	return groups;
}

/* Does a verb stand in the text as a word of its own? Its offset, or -1. */
static long verb_at(const char *folded)
{
	for (size_t i = 0; verbs[i]; i++) {
		size_t n = strlen(verbs[i]);
		bool is_ascii = (unsigned char)verbs[i][0] < 0x80;
		for (const char *p = folded; (p = strstr(p, verbs[i])); p += n) {
			/* "<joe@example.org>wrote:" */
			bool starts = p == folded || !is_ascii || !g_ascii_isalpha(p[-1]);
			bool ends = !g_ascii_isalpha(p[n]) || (unsigned char)verbs[i][0] >= 0xe3;
			if (starts && ends)
				return (long)(p - folded);
		}
	}
	return -1;
}

static bool ends_as_attribution(const char *folded)
{
	return g_str_has_suffix(folded, ":") || g_str_has_suffix(folded, "：") ||
	       g_str_has_suffix(folded, ": *") || g_str_has_suffix(folded, ":*");
}

static bool opens_as_attribution(const char *folded)
{
	if (g_ascii_isdigit(*folded))
		return true;
	for (size_t i = 0; openers[i]; i++)
		if (g_str_has_prefix(folded, openers[i]))
			return true;
	return false;
}

/* The verdict over the joined words of the lines. */
static lk_attribution judge(const char *folded, bool is_ruled)
{
	bool has_at = strchr(folded, '@') != NULL;
	unsigned groups = digit_groups(folded);
	long verb = verb_at(folded);

	/* "---- Joe wrote ----" */
	if (is_ruled && verb >= 0)
		return LK_ATTRIBUTION_STRONG;
	if (!ends_as_attribution(folded))
		return g_ascii_isdigit(*folded) && has_at && groups >= 3 &&
				       g_str_has_suffix(folded, ">")
			       ? LK_ATTRIBUTION_WEAK
			       : LK_ATTRIBUTION_NONE;
	if (verb < 0) {
		/* "2014-10-17 11:28 GMT+03:00 Joe <joe@example.org>:" */
		if (g_ascii_isdigit(*folded) && has_at && groups >= 4 &&
		    g_str_has_suffix(folded, ">:"))
			return LK_ATTRIBUTION_STRONG;
		return has_at || groups >= 3 ? LK_ATTRIBUTION_WEAK : LK_ATTRIBUTION_NONE;
	}
	if (groups >= 2 && (opens_as_attribution(folded) || has_at))
		return LK_ATTRIBUTION_STRONG;
	/* "Sent from Mobile <joe@example.org> wrote:" */
	if (has_at && strlen(folded) - (size_t)verb < 16)
		return LK_ATTRIBUTION_STRONG;
	return LK_ATTRIBUTION_WEAK;
}

/* "thanks On Wed, Apr 4, 2012 at 3:59 PM, joe@example.org wrote:": bytes before "On", or 0. */
static size_t words_before(const lk_line *line)
{
	for (size_t i = 1; i + 6 < line->n; i++) {
		if (strncmp(line->start + i, "On ", 3) != 0 || !strchr(" -", line->start[i - 1]))
			continue;
		g_autofree char *rest = fold(line->start + i, line->n - i);
		if (g_str_has_suffix(rest, "wrote:") && digit_groups(rest) >= 2) {
			while (i > 0 && strchr("- \t", line->start[i - 1]))
				i--;
			return i;
		}
	}
	return 0;
}

static bool could_begin(const lk_line *line, const char *folded)
{
	return opens_as_attribution(folded) || memchr(line->start, '<', line->n) ||
	       memchr(line->start, '@', line->n) || verb_at(folded) >= 0 ||
	       (line->n > 0 && line->start[line->n - 1] == ':');
}

lk_attribution lk_lines_attribution(const lk_line *lines, size_t n, size_t *ret_count,
				    size_t *ret_words)
{
	g_autoptr(GString) joined = g_string_new(NULL);
	lk_attribution best = LK_ATTRIBUTION_NONE;
	size_t dashes = 0;
	unsigned blanks = 0;

	*ret_words = 0;
	if (lines[0].n == 0 || lines[0].n > 400 || lk_line_is_quote(&lines[0]))
		return LK_ATTRIBUTION_NONE;
	g_autofree char *first = bare_words(&lines[0], &dashes);
	if (!could_begin(&lines[0], first))
		return LK_ATTRIBUTION_NONE;
	for (size_t i = 0; i < n && i < ATTRIBUTION_LINES_MOST; i++) {
		if (lk_line_is_quote(&lines[i]) && lines[i].n > 2 && i > 0 &&
		    !memchr(lines[i].start, ':', lines[i].n))
			break;
		if (lines[i].n == 0) {
			/* One broken line between: only inside what clearly began as one. */
			if (++blanks > 1 || !opens_as_attribution(first) ||
			    digit_groups(first) < 2 || ends_as_attribution(joined->str))
				break;
			continue;
		}
		g_autofree char *line = fold(lines[i].start, lines[i].n);
		const char *bare = i == 0 ? line + strspn(line, "-*_ \t") : line;
		if (joined->len + strlen(bare) > 500)
			break;
		if (joined->len > 0)
			g_string_append_c(joined, ' ');
		g_string_append(joined, bare);
		bool is_ruled = i == 0 && dashes >= 2 && lines[0].start[lines[0].n - 1] == '-';
		lk_attribution now = judge(joined->str, is_ruled);
		if (now > best) {
			best = now;
			*ret_count = i + 1;
		}
		if (best == LK_ATTRIBUTION_STRONG || ends_as_attribution(joined->str))
			break;
	}
	if (best == LK_ATTRIBUTION_STRONG && *ret_count == 1 && !opens_as_attribution(first))
		*ret_words = words_before(&lines[0]);
	return best;
}
