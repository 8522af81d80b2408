#include "lib/mail/phrases.h"

#include <glib.h>
#include <stddef.h>

/* clang-format off */

const char *const lk_bounce_subjects[] = {
	"undeliver", "undelivered", "non-deliver", "non deliver", "nondeliver",
	"not be delivered", "not delivered", "not deliverable", "delivery fail",
	"delivery status", "delivery notification", "delivery report", "delivery problem",
	"delivery error", "delivery has failed", "delivery incomplete", "delivery delayed",
	"delivery warning", "failure notice", "failure delivery", "failed delivery",
	"returned mail", "returned to sender", "returning message", "returning to sender",
	"returned message", "return receipt fail", "mail failure", "mail error",
	"mail system error", "message delivery", "failed mail", "mail delivery",
	"could not send message", "message status - undeliverable", "status notification",
	"warning: message", "has been delayed", "delayed mail", "delivery (delay", "mail failed",
	"could not be delivered", "couldn't be delivered", "unable to deliver", "user unknown",
	"error sending", "processing error", "recipient unknown", "mailbox full", "quota exceed",
	"unzustellbar", "zustellung", "nicht zustellbar", "mail konnte nicht", "non remis",
	"non distribu", "non délivr", "non rémis", "échec", "echec", "no se puede entregar",
	"no entregado", "error de entrega", "notificación de estado", "devuelto", "não entreg",
	"mensagem não", "falha na entrega", "devolvid", "mancata consegna", "non recapitabile",
	"impossibile recapitare", "onbestelbaar", "niet bezorgd", "ei voitu toimittaa",
	"ei voi toimittaa", "toimittamaton", "toimitus epäonnistui", "viestiä ei", "olevererbar",
	"kunde inte levereras", "kan inte levereras", "misslyckades", "ikke leveres",
	"kunne ikke leveres", "niedostarcz", "zwrot", "nie można dostarczyć", "недоставлен",
	"не доставлен", "не может быть доставлен", "невозможно доставить", "ваше сообщение не",
	"配信", "不達", "送信エラー", "退信", "退回", "投递失败", "无法送达", "系统退信", "未送達",
	"nedoruč", "kézbesíthetetlen", "teslim edilemedi", "ei saa kohale", "kohaletoimetami",
	NULL};

const char *const lk_bounce_notices[] = {
	"could not be delivered", "couldn't be delivered", "cannot be delivered",
	"can not be delivered", "can't be delivered", "was not delivered", "not been delivered",
	"not delivered to", "unable to deliver", "not able to deliver", "wasn't able to deliver",
	"undeliverable", "undelivered", "delivery failed", "failed permanently",
	"delivery to the", "did not reach", "not reach the following", "could not be reached",
	"permanent error", "permanent fatal error", "permanent fatal delivery", "fatal errors",
	"address(es) failed", "addresses failed", "address failed", "returned to sender",
	"transcript of session", "following recipient", "failed recipient", "user unknown",
	"unknown user", "no such user", "invalid recipient", "recipient rejected",
	"unknown recipient", "mailbox unavailable", "mailbox full", "mailbox is full",
	"over quota", "quota exceeded", "exceeds allowed size", "exceeding their quota",
	"user not found", "not listed in", "recipient not found", "invalid final delivery",
	"no mailbox here", "delivery attempts", "has been delayed", "not yet been delivered",
	"non-delivery", "delivery failure", "delivery problem", "delivery error",
	"message not delivered", "error while", "returned because", "has been returned",
	"message could not be sent", "did not exactly match", "was rejected",
	"has been rejected", "address is wrong or no longer", "delivery has failed", "bounced",
	"does not exist", "unzustellbar", "nicht zugestellt", "konnte nicht", "unbekannter empf",
	"n'a pas pu", "n'a pas été", "n'a pu être", "no pudo ser entregad",
	"no se pudo entregar", "no ha podido", "non è stato", "impossibile",
	"não pôde ser entreg", "não foi possível", "kon niet worden", "niet worden bezorgd",
	"ei voitu toimittaa", "ei toimitettu", "kunde inte levereras", "kunne ikke leveres",
	"nie mogła", "nie została", "не может быть доставлен", "не удалось доставить",
	"не доставлен", "невозможно доставить", "配信できません", "送信できません", "届けられません", "無法", "无法",
	"未能", "退回", "no valid recipient", "nezdařil", "kézbesítés nem", "teslim edilemedi", "nurjus",
	NULL};

const char *const lk_challenge_words[] = {
	"requires confirmation", "require confirmation", "confirm this mail server",
	"guest list", "waitlisted", "recipient's allowed list", "allowed list and to ensure",
	"to verify that you are", "verify that the message was sent by a", "challenge/response",
	"confirm your message", "confirm that you sent", "approve your message by",
	"approved senders list", "please confirm your email by", "added to my whitelist",
	"click the link below to be added", "click here to confirm that",
	NULL};

const char *const lk_delay_words[] = {
	"has been delayed", "not yet been delivered", "not been delivered yet",
	"will be retried", "will continue to", "attempts will continue", "warning message only",
	"postponed", "will keep trying", "will retry", "still trying", "temporarily delayed",
	"delivery is delayed", "is being delayed", "do not need to resend",
	"no action is required", "wird weiter versucht", "verzögert", "viivästy", "fördröjd",
	"forsinket", "retardé", "delivery (delay", "message delayed", "will attempt to deliver",
	"continue to attempt",
	NULL};

const char *const lk_vacation_subjects[] = {
	"automatic reply", "auto-reply", "autoreply", "auto reply", "auto response",
	"auto-response", "autoresponse", "automated reply", "automated response",
	"automatic response", "out of office", "out-of-office", "ooo:", "vacation",
	"on vacation", "away from", "i am away", "automaattinen vastaus", "automaattivastaus",
	"poissaolo", "poissa", "lomalla", "autosvar", "automatiskt svar", "automatisk svar",
	"frånvaro", "fraværende", "fravær", "ikke til stede", "semester", "abwesenheit",
	"automatische antwort", "abwesend", "automatisch antwoord", "afwezig",
	"réponse automatique", "absence du bureau", "absence", "absent", "en congé",
	"respuesta automática", "fuera de la oficina", "ausente", "risposta automatica",
	"fuori ufficio", "assente", "resposta automática", "fora do escritório",
	"automatyczna odpowiedź", "poza biurem", "nieobecno", "автоматический ответ",
	"автоответ", "automaatvastus", "automaatne vastus", "kontorist väljas", "自動応答", "自动回复",
	"自動返信", "automatická odpověď", "automatikus válasz",
	"automatická odpoveď", "otomatik yanıt", "תשובה אוטומטית", "răspuns automat",
	"automatski odgovor", "samodejni odgovor", "αυτόματη απάντηση", "автоматична відповідь",
	"자동 회신", "자동 응답", "automātiska atbilde", "automatinis atsakymas", "sjálfvirkt svar",
	NULL};

const char *const lk_divider_words[] = {
	"original message", "original appointment", "original-message", "original email", "original e-mail",
	"reply message", "originalmessage", "ursprüngliche nachricht", "original-nachricht",
	"originalnachricht", "ursprüngliche mail", "message d'origine", "message d’origine",
	"message original", "message initial", "mensaje original", "messaggio originale",
	"messaggio original", "oorspronkelijk bericht", "origineel bericht", "originele bericht",
	"ursprungligt meddelande", "originalmeddelande", "ursprungsmeddelande",
	"oprindelig meddelelse", "original meddelelse", "oprindelig besked",
	"opprinnelig melding", "opprinnelig e-post", "opprinnelig epost", "original melding",
	"alkuperäinen viesti", "alkuperäinen sähköposti", "oryginalna wiadomość",
	"wiadomość oryginalna", "treść oryginalna", "исходное сообщение",
	"оригинальное сообщение", "первоначальное сообщение", "mensagem original", "algne kiri",
	"originaalkiri", "algne sõnum", "algne teade", "esialgne kiri", "eredeti üzenet",
	"původní zpráva", "originální zpráva", "původní e-mail", "pôvodná správa",
	"mesaj original", "orijinal mesaj", "orijinal ileti", "izvorna poruka", "αρχικό μήνυμα",
	"原始邮件", "原始郵件", "元のメッセージ", "オリジナルメッセージ", "original message from", "quoted message",
	"quoted text", "tin nhắn gốc", "thư gốc", "원본 메시지", "sākotnējais ziņojums",
	"pradinis laiškas",
	NULL};

const char *const lk_forward_words[] = {
	"forwarded message", "forwarded by", "begin forwarded message", "forwarded mail",
	"weitergeleitete nachricht", "anfang der weitergeleiteten", "message transféré",
	"début du message transféré", "début du message réexpédié", "mensaje reenviado",
	"inicio del mensaje reenviado", "messaggio inoltrato", "inizio messaggio inoltrato",
	"doorgestuurd bericht", "begin doorgestuurd bericht", "vidarebefordrat meddelande",
	"vidarebefordrat brev", "vidarebefordra meddelande", "videresendt meddelelse",
	"videresendt melding", "videresendt besked", "start på videresendt", "välitetty viesti",
	"välitetty sähköposti", "edelleenlähetetty viesti", "alku välitetystä",
	"przekazana wiadomość", "wiadomość przekazana", "пересылаемое сообщение",
	"пересланное сообщение", "начало переадресованного", "mensagem encaminhada",
	"mensagem reencaminhada", "início da mensagem reencaminhada", "edastatud kiri",
	"edasi saadetud", "vidarebefordrat e-post", "továbbított üzenet", "přeposlaná zpráva",
	"iletilen mesaj", "转发的邮件", "轉寄郵件", "転送メッセージ", "転送されたメッセージ",
	NULL};

const char *const lk_mobile_signatures[] = {
	"sent from my ", "sent from a ", "sent from the ", "sent from yahoo",
	"sent from outlook", "sent from mail", "sent from samsung", "sent from iphone",
	"sent from ipad", "sent from gmail", "sent from proton", "sent from nine",
	"sent from bluemail", "sent from mobile", "sent via ", "sent on the go", "sent with ",
	"sent using ", "get outlook for", "get bluemail for", "from my iphone",
	"download outlook", "lähetetty ", "hanki outlook", "hämta outlook", "skickat från min",
	"skickat från mobil", "skickat från outlook", "skickat från yahoo", "skickat från samsung", "skickat med", "skickad från", "skickat via", "sendt fra min",
	"sendt fra mobil", "sendt fra outlook", "sendt fra yahoo", "sendt fra samsung", "hent outlook", "skaff outlook", "von meinem ",
	"gesendet von ", "gesendet mit", "von unterwegs gesendet", "outlook für",
	"envoyé de mon", "envoyé depuis", "envoyé à partir de", "télécharger outlook",
	"obtenez outlook", "enviado desde ", "enviado do meu", "enviado a partir",
	"enviado de mi", "enviado con ", "obtener outlook", "obtenga outlook", "obter o outlook",
	"inviato da ", "inviato dal ", "scarica outlook", "ottieni outlook", "verstuurd vanaf",
	"verzonden vanaf", "verzonden met", "outlook voor", "download outlook voor",
	"wysłane z ", "wysłano z ", "pobierz outlook", "отправлено с ", "отправлено из ",
	"отправлено от ", "saadetud minu", "saadetud ", "hangi outlook", "küldve ", "odesláno z",
	"iphone'umdan gönderildi", "从我的", "发自我的", "iphoneから送信", "получить outlook",
	NULL};

const char *const lk_recipient_leads[] = {
	"rcpt to:", "rcpt to", "recipient", "recipients", "recipient:", "recipient(s):", "user",
	"user:", "unknown user:", "userid:", "mailbox", "mailbox:", "address", "address:",
	"addressed to", "addressed,", "generated from", "expanded from:", "expanded from",
	"error-for:", "deliver to", "delivered to", "delivery to", "undeliverable to",
	"message to", "mail to", "email to", "for", "size:", "account", "account:", "full:",
	"unknown:", "user name:", "smtp:", "smtp=", "failed:", "original address:",
	"deliver mail to", "failed for", "adresse", "adresse :", "an", "destinataire",
	"empfänger", "empfänger:", "user is",
	NULL};

const char *const lk_other_addresses[] = {
	"contact", "mail from", "sender:", "from:", "assistance", "send mail to", "reply to",
	"reply-to", "questions", "sent by", "message-id", "http:", "https:", "mailto:", "help",
	"original sender", "reporting", "return-path",
	NULL};

const char *const lk_returned_words[] = {
	"original message", "original mail", "copy of the message", "copy of your message",
	"copy of the original", "returned message", "returned mail follows", "--returned mail",
	"returned mail ---", "message header follow", "message text follow",
	"header of the message", "headers of the message", "message headers follow",
	"unsent message", "undelivered message", "header of the original",
	"headers of the original", "message follows", "below this line", "below the next line",
	"your message reads", "message contents", "mensaje original", "message original",
	"ursprüngliche nachricht", "originalnachricht", "mensagem original",
	"messaggio originale", "oorspronkelijk bericht", "исходное сообщение",
	"alkuperäinen viesti", "ursprungligt meddelande", "text of the message",
	"transcript of message", "copy of the first part", "start of message",
	NULL};

const char *const lk_attribution_verbs[] = {
	"wrote", "כתב", "كتب", "writes", "sent", "said", "escribió", "escribio", "escribe", "schrieb",
	"geschrieben", "écrit", "ecrit", "écrivait", "scritto", "scrive", "scriveva", "schreef",
	"geschreven", "skrev", "skriver", "skrivit", "skrevet", "kirjoitti", "kirjoittaa",
	"kirjoittanut", "kirjutas", "kirjutab", "kirjutanud", "napisał", "napisał(a)",
	"napisała", "napisał/a", "pisze", "написал", "написала", "написал(а)", "пишет", "писал",
	"написав", "пише", "escreveu", "escreve", "napsal", "napsal(a)", "napsala", "napísal",
	"napísal(a)", "írta", "viết", "yazdı", "şunu", "rašė", "parašė", "rakstīja", "scris",
	"έγραψε", "γράφει", "schrieb am", "a écrit", "写道", "寫道", "撰写", "書きました", "のメール", "작성",
	"님이", "pisze", "napisao", "napisala", "je napisal", "dixit", "tarihinde",
	"написа", "escriure", "menulis", "เขียนว่า", "nadesłał", "のメッセージ",
	NULL};

const char *const lk_attribution_openers[] = {
	"on ", "kuupäev ", "בתאריך ", "ב-", "am ", "le ", "el ", "il ", "op ", "em ", "den ", "på ", "dnia ", "w dniu ",
	"vào ", "na ", "dne ", "dňa ", "dana ", "в ", "а ", "at ", "in data ", "il giorno ",
	"quoting ", "date: ", "från: ", "a(z) ", "στις ", "le\xc2\xa0", "on\xc2\xa0", "在", "于",
	"pe ", "ma ", "ti ", "ke ", "to ", "la ", "su ", "mon", "tue", "wed", "thu", "fri",
	"sat", "sun", "pn.", "wt.", "śr.", "czw.", "pt.", "sob.", "niedz.", "пн", "вт", "ср",
	"чт", "пт", "сб", "вс", "mån", "tis", "ons", "tors", "fre", "lör", "sön", "tir", "lør",
	"søn", "man", "lun", "mar", "mer", "jeu", "ven", "sam", "dim", "mié", "jue", "vie",
	"sáb", "dom", "mi ", "do ", "fr ", "sa ", "so ", "mo ", "di ", "za ", "zo ", "wo ",
	"gio", "sab", "seg", "ter", "qua", "qui", "sex", "e ", "kl ", "kell ", "esmasp",
	"teisip", "kolmap", "neljap", "reede", "laup", "pühap", "torstai", "maanantai",
	"tiistai", "keskiviikko", "perjantai", "lauantai", "sunnuntai", "el\xc2\xa0",
	"на ", "pada ", "เมื่อ", "понед", "вторн", "среда", "четв", "пятн", "субб", "воскр",
	NULL};

const lk_header_label lk_header_labels[] = {
	{"from", LK_LABEL_FROM}, {"von", LK_LABEL_FROM}, {"de", LK_LABEL_FROM},
	{"da", LK_LABEL_FROM}, {"van", LK_LABEL_FROM}, {"från", LK_LABEL_FROM},
	{"fra", LK_LABEL_FROM}, {"lähettäjä", LK_LABEL_FROM}, {"od", LK_LABEL_FROM},
	{"от", LK_LABEL_FROM}, {"от кого", LK_LABEL_FROM}, {"saatja", LK_LABEL_FROM},
	{"kellelt", LK_LABEL_FROM}, {"expéditeur", LK_LABEL_FROM}, {"mittente", LK_LABEL_FROM},
	{"remitente", LK_LABEL_FROM}, {"remetente", LK_LABEL_FROM}, {"avsändare", LK_LABEL_FROM},
	{"avsender", LK_LABEL_FROM}, {"afsender", LK_LABEL_FROM}, {"absender", LK_LABEL_FROM},
	{"afzender", LK_LABEL_FROM}, {"nadawca", LK_LABEL_FROM}, {"відправник", LK_LABEL_FROM},
	{"від", LK_LABEL_FROM}, {"feladó", LK_LABEL_FROM}, {"odesílatel", LK_LABEL_FROM},
	{"kimden", LK_LABEL_FROM}, {"gönderen", LK_LABEL_FROM}, {"từ", LK_LABEL_FROM},
	{"发件人", LK_LABEL_FROM}, {"寄件者", LK_LABEL_FROM}, {"差出人", LK_LABEL_FROM},
	{"보낸 사람", LK_LABEL_FROM}, {"보낸사람", LK_LABEL_FROM}, {"no", LK_LABEL_FROM}, {"nuo", LK_LABEL_FROM},
	{"από", LK_LABEL_FROM}, {"de la", LK_LABEL_FROM},
	{"sent", LK_LABEL_DATE}, {"date", LK_LABEL_DATE}, {"gesendet", LK_LABEL_DATE},
	{"datum", LK_LABEL_DATE}, {"envoyé", LK_LABEL_DATE}, {"envoyé le", LK_LABEL_DATE},
	{"date d'envoi", LK_LABEL_DATE}, {"enviado", LK_LABEL_DATE},
	{"enviado el", LK_LABEL_DATE}, {"enviada em", LK_LABEL_DATE},
	{"enviado em", LK_LABEL_DATE}, {"enviada", LK_LABEL_DATE}, {"fecha", LK_LABEL_DATE},
	{"data", LK_LABEL_DATE}, {"inviato", LK_LABEL_DATE}, {"data invio", LK_LABEL_DATE},
	{"verzonden", LK_LABEL_DATE}, {"skickat", LK_LABEL_DATE}, {"sendt", LK_LABEL_DATE},
	{"dato", LK_LABEL_DATE}, {"lähetetty", LK_LABEL_DATE}, {"päivämäärä", LK_LABEL_DATE},
	{"päiväys", LK_LABEL_DATE}, {"pvm", LK_LABEL_DATE}, {"wysłano", LK_LABEL_DATE},
	{"wysłane", LK_LABEL_DATE}, {"отправлено", LK_LABEL_DATE}, {"дата", LK_LABEL_DATE},
	{"saadetud", LK_LABEL_DATE}, {"kuupäev", LK_LABEL_DATE}, {"ngày", LK_LABEL_DATE},
	{"đã gửi", LK_LABEL_DATE}, {"发送时间", LK_LABEL_DATE}, {"日期", LK_LABEL_DATE},
	{"寄件日期", LK_LABEL_DATE}, {"送信日時", LK_LABEL_DATE}, {"日付", LK_LABEL_DATE},
	{"küldve", LK_LABEL_DATE}, {"dátum", LK_LABEL_DATE}, {"tarih", LK_LABEL_DATE},
	{"надіслано", LK_LABEL_DATE}, {"odesláno", LK_LABEL_DATE}, {"sendt den", LK_LABEL_DATE},
	{"보낸 날짜", LK_LABEL_DATE}, {"날짜", LK_LABEL_DATE}, {"elküldve", LK_LABEL_DATE},
	{"gönderildi", LK_LABEL_DATE}, {"gönderme tarihi", LK_LABEL_DATE}, {"ημερομηνία", LK_LABEL_DATE}, {"trimis", LK_LABEL_DATE},
	{"to", LK_LABEL_TO}, {"an", LK_LABEL_TO}, {"à", LK_LABEL_TO}, {"a", LK_LABEL_TO},
	{"para", LK_LABEL_TO}, {"til", LK_LABEL_TO}, {"till", LK_LABEL_TO},
	{"vastaanottaja", LK_LABEL_TO}, {"do", LK_LABEL_TO}, {"кому", LK_LABEL_TO},
	{"saaja", LK_LABEL_TO}, {"kellele", LK_LABEL_TO}, {"adressaat", LK_LABEL_TO},
	{"aan", LK_LABEL_TO}, {"destinatario", LK_LABEL_TO}, {"destinataire", LK_LABEL_TO},
	{"pour", LK_LABEL_TO}, {"mottagare", LK_LABEL_TO}, {"modtager", LK_LABEL_TO},
	{"mottaker", LK_LABEL_TO}, {"收件人", LK_LABEL_TO}, {"宛先", LK_LABEL_TO},
	{"címzett", LK_LABEL_TO}, {"kime", LK_LABEL_TO}, {"komu", LK_LABEL_TO},
	{"đến", LK_LABEL_TO}, {"tới", LK_LABEL_TO}, {"adresat", LK_LABEL_TO},
	{"받는 사람", LK_LABEL_TO}, {"받는사람", LK_LABEL_TO}, {"收件者", LK_LABEL_TO}, {"προς", LK_LABEL_TO}, {"către", LK_LABEL_TO},
	{"cc", LK_LABEL_CC}, {"kopia", LK_LABEL_CC}, {"kopio", LK_LABEL_CC},
	{"копия", LK_LABEL_CC}, {"cópia", LK_LABEL_CC}, {"kopi", LK_LABEL_CC},
	{"koopia", LK_LABEL_CC}, {"dw", LK_LABEL_CC}, {"抄送", LK_LABEL_CC}, {"副本", LK_LABEL_CC},
	{"reply-to", LK_LABEL_CC}, {"bcc", LK_LABEL_CC}, {"importance", LK_LABEL_CC},
	{"subject", LK_LABEL_SUBJECT}, {"betreff", LK_LABEL_SUBJECT},
	{"objet", LK_LABEL_SUBJECT}, {"asunto", LK_LABEL_SUBJECT}, {"assunto", LK_LABEL_SUBJECT},
	{"oggetto", LK_LABEL_SUBJECT}, {"onderwerp", LK_LABEL_SUBJECT},
	{"ämne", LK_LABEL_SUBJECT}, {"emne", LK_LABEL_SUBJECT}, {"aihe", LK_LABEL_SUBJECT},
	{"temat", LK_LABEL_SUBJECT}, {"тема", LK_LABEL_SUBJECT}, {"teema", LK_LABEL_SUBJECT},
	{"pealkiri", LK_LABEL_SUBJECT}, {"主题", LK_LABEL_SUBJECT}, {"主旨", LK_LABEL_SUBJECT},
	{"件名", LK_LABEL_SUBJECT}, {"tárgy", LK_LABEL_SUBJECT}, {"konu", LK_LABEL_SUBJECT},
	{"chủ đề", LK_LABEL_SUBJECT}, {"předmět", LK_LABEL_SUBJECT},
	{"predmet", LK_LABEL_SUBJECT}, {"제목", LK_LABEL_SUBJECT}, {"subiect", LK_LABEL_SUBJECT},
	{"θέμα", LK_LABEL_SUBJECT}, {"otsikko", LK_LABEL_SUBJECT}, {"sujet", LK_LABEL_SUBJECT},
	{"re", LK_LABEL_SUBJECT},
	{NULL, LK_LABEL_NONE}};

/* clang-format on */

bool lk_subject_is_answer(const char *folded)
{
	static const char *const prefixes[] = {
		"re:", "fwd:", "fw:", "vs:", "vl:", "sv:", "vb:", "aw:", "wg:", "antw:", "tr:"};

	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (g_str_has_prefix(folded, prefixes[i]))
			return true;
	return false;
}
