#include "lib/mail/bounce.h"

#include "lib/base/text.h"
#include "lib/mail/address.h"
#include "lib/mail/answer.h"
#include "lib/mail/bounce-parts.h"
#include "lib/mail/charset.h"
#include "lib/mail/phrases.h"
#include "lib/mail/words.h"

#include <string.h>

enum { DIAGNOSTIC_BYTES_MOST = 1000 };

static bool contains_any(const char *folded, const char *const *words)
{
	for (; *words; words++)
		if (strstr(folded, *words))
			return true;
	return false;
}

/* How much its sender looks like a mail system: people bear some of these names too. */
typedef enum { SENDER_OTHER, SENDER_MAYBE, SENDER_DAEMON } sender_likeness;

/* Everything that the verdict weighs, folded. */
typedef struct {
	const lk_gather *gather;
	char *subject;
	char *notice; /* as written */
	char *folded; /* the notice in lower case, runs of blanks as one */
	const char *returned;
	lk_fields *inner; /* header of the returned mail, or NULL */
	char *from;	  /* of the report, folded, or NULL */
	char *sender;	  /* of the returned mail, folded, or NULL */
	sender_likeness likeness;
	bool from_daemon, says_subject, says_notice, is_null_path;
	bool has_code;	    /* a reply code or a status of SMTP */
	bool names_failure; /* that, or address of somebody else's */
} weighing;

static void weighing_clear(weighing *now)
{
	g_free(now->subject);
	g_free(now->notice);
	g_free(now->folded);
	lk_fields_free(now->inner);
	g_free(now->from);
	g_free(now->sender);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(weighing, weighing_clear)

static bool starts_with_any(const char *text, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (g_str_has_prefix(text, *prefixes))
			return true;
	return false;
}

static sender_likeness sender_of(const lk_gather *gather)
{
	static const char *const daemons[] = {"mailer-daemon",
					      "mailerdaemon",
					      "mailer_daemon",
					      "postmaster",
					      "post_master",
					      "mail-daemon",
					      "maildaemon",
					      "mdaemon",
					      "mail.delivery",
					      "maildelivery",
					      "mail_delivery",
					      "mailsystem",
					      "mail-system",
					      "mailerd",
					      "daemon@",
					      "mmdf",
					      "microsoftexchange",
					      "imss@",
					      NULL};
	static const char *const maybes[] = {"bounce",	   "administrator@", "smtp@",	 "mail@",
					     "autoreply@", "emailsystem",    "delivery", NULL};
	static const char *const names[] = {"mail delivery",	  "mailer-daemon",
					    "mailer daemon",	  "postmaster",
					    "mail administrator", "mail system",
					    "delivery subsystem", "mail server",
					    "mailserver",	  "email delivery",
					    "mail subsystem",	  "message transfer",
					    "internet mail",	  NULL};
	static const char *const maybe_names[] = {"system administrator", "microsoft outlook",
						  NULL};
	const lk_address *from = gather->mail->from;

	if (!from || !*from->address)
		return SENDER_OTHER;
	g_autofree char *address = g_ascii_strdown(from->address, -1);
	g_autofree char *name = g_utf8_strdown(from->name ? from->name : "", -1);
	if (starts_with_any(address, daemons) || contains_any(name, names))
		return SENDER_DAEMON;
	if (starts_with_any(address, maybes) || contains_any(name, maybe_names))
		return SENDER_MAYBE;
	return SENDER_OTHER;
}

static bool subject_says(const char *folded)
{
	return contains_any(folded, lk_bounce_subjects);
}

static bool notice_says(const char *folded)
{
	return contains_any(folded, lk_bounce_notices);
}

/* A filter that wants the sender to prove being human, not a failure. */
static bool is_challenge(const char *folded)
{
	return contains_any(folded, lk_challenge_words);
}

/* Does anything but the words of its text speak for a report? Most mails end here. */
static bool has_sign(const weighing *now)
{
	const lk_gather *gather = now->gather;

	return now->from_daemon || now->says_subject || now->is_null_path ||
	       gather->status->len > 0 || strcmp(gather->top_type, "multipart/report") == 0 ||
	       lk_fields_get(gather->fields, "X-Failed-Recipients");
}

/* The header of the returned mail, from its part or from behind the notice. */
static void read_inner(weighing *now)
{
	const lk_gather *gather = now->gather;
	const lk_address *from = gather->mail->from;
	g_autoptr(GPtrArray) senders =
		g_ptr_array_new_with_free_func((GDestroyNotify)lk_address_free);

	now->from = from ? lk_address_fold(from->address) : NULL;
	if (gather->returned->len > 0)
		now->inner = lk_fields_parse(gather->returned->str, gather->returned->len);
	else if (now->returned) /* its announcement is junk above the header to the reader */
		now->inner = lk_fields_parse(now->returned, MIN(strlen(now->returned), 64 * 1024));
	const lk_field *sender = now->inner ? lk_fields_get(now->inner, "From") : NULL;
	if (sender)
		lk_addresses_parse(sender->value->str, MIN(sender->value->len, 4096), senders);
	if (senders->len > 0) {
		const lk_address *first = g_ptr_array_index(senders, 0);
		now->sender = lk_address_fold(first->address);
	}
}

static lk_notice_parties parties_of(const weighing *now)
{
	return (lk_notice_parties){now->from, now->gather->mail->to, now->sender};
}

static void weigh(const lk_gather *gather, weighing *now)
{
	now->gather = gather;
	now->subject = lk_lower(gather->mail->subject, strlen(gather->mail->subject));
	now->likeness = sender_of(gather);
	now->from_daemon = now->likeness != SENDER_OTHER;
	now->says_subject = subject_says(now->subject);
	now->is_null_path = gather->mail->return_path && !*gather->mail->return_path;
	/* Nobody at all writes as a mail system does, if something else says so too. */
	const lk_address *from = gather->mail->from;
	if (!from || !*from->address)
		now->from_daemon = now->says_subject || now->is_null_path;
	if (!has_sign(now))
		return;
	now->notice = lk_notice_of(gather->mail->text, &now->returned);
	g_autofree char *squeezed = lk_text_squeeze(now->notice);
	now->folded = lk_lower(squeezed, strlen(squeezed));
	now->says_notice = notice_says(now->folded);
	read_inner(now);
	g_auto(lk_findings) named = {0};
	lk_notice_parties parties = parties_of(now);
	lk_notice_read(now->notice, &parties, &named);
	now->has_code = named.status || named.smtp_class;
	now->names_failure = named.recipients || now->has_code;
}

/* Vacation programs leave the return path empty too (RFC 3834 3.3), and may say that nobody is
 * there. */
static bool answers_for_somebody(const weighing *now)
{
	g_autofree char *submitted = lk_fields_line(now->gather->fields, "Auto-Submitted");

	for (size_t i = 0; lk_vacation_subjects[i]; i++)
		if (g_str_has_prefix(now->subject, lk_vacation_subjects[i]))
			return true;
	return submitted && g_ascii_strncasecmp(submitted, "auto-replied", 12) == 0 &&
	       !now->says_subject;
}

/* Is a mail without a status part a report all the same? The reason, or NULL. */
static const char *words_say(const weighing *now)
{
	const lk_gather *gather = now->gather;
	bool is_report =
		strcmp(gather->top_type, "multipart/report") == 0 &&
		(!gather->report_type || strcmp(gather->report_type, "delivery-status") == 0);
	bool has_returned = now->returned || gather->returned->len > 0;

	if (lk_fields_get(gather->fields, "X-Failed-Recipients"))
		return "X-Failed-Recipients";
	if (is_report && (now->from_daemon || now->says_notice || now->says_subject))
		return "a multipart/report of delivery";
	/* People called Administrator and parcel services write of failures as well. */
	bool is_sure = now->likeness == SENDER_DAEMON || has_returned || now->names_failure;
	if (now->from_daemon && is_sure && (now->says_subject || now->says_notice))
		return "a mail system reports a failure";
	if (now->is_null_path && now->says_notice && (has_returned || !answers_for_somebody(now)))
		return "the null return path and words of a failure";
	/* A person who forwards or answers a report is no report. */
	if (lk_subject_is_answer(now->subject))
		return now->says_notice && now->says_subject && !gather->mail->in_reply_to &&
				       gather->mail->references->len == 0 &&
				       strlen(now->notice) < 1000 && !strchr(now->notice, '>')
			       ? "a short notice in words of a failure"
			       : NULL;
	/* Somebody who asks about such words has sent the mail in person. */
	bool is_personal = now->from && gather->mail->from->name && gather->mail->return_path &&
			   g_ascii_strcasecmp(gather->mail->return_path, now->from) == 0;
	/* "My mailbox is full" and "the delivery has failed" are what people write to a desk. */
	if (now->says_subject && now->says_notice &&
	    (has_returned || (!is_personal && now->names_failure && strlen(now->notice) < 4000)))
		return "subject and words of a failure";
	/* In a language we do not know, but the codes are SMTP's. */
	if (now->likeness == SENDER_DAEMON && now->is_null_path && now->has_code)
		return "a mail system, the null return path and a code of failure";
	return NULL;
}

static bool wording_is_delay(const weighing *now)
{
	return contains_any(now->folded, lk_delay_words) || strstr(now->subject, "(delay)") ||
	       strstr(now->subject, "delayed");
}

static void take_failed_header(const lk_gather *gather, lk_findings *findings)
{
	g_autofree char *line = lk_fields_line(gather->fields, "X-Failed-Recipients");
	g_auto(GStrv) addresses = g_strsplit_set(line ? line : "", ", \t", -1);

	for (unsigned i = 0; addresses[i]; i++)
		if (*addresses[i])
			lk_findings_add(findings, addresses[i], strlen(addresses[i]));
}

/* Whom the returned mail was taken in for, if the notice names them without their domain. */
static void take_named(const weighing *now, lk_findings *findings)
{
	g_autofree char *line = lk_fields_line(now->inner, "Received");
	const char *start = line ? strstr(line, "for <") : NULL;

	if (!start)
		return;
	g_autofree char *address = g_strndup(start + 5, strcspn(start + 5, "> \t"));
	const char *at = strchr(address, '@');
	g_autofree char *local = at ? g_strndup(address, (size_t)(at - address)) : NULL;
	if (!local || strlen(local) < 2)
		return;
	bool is_sure = findings->recipients && !findings->is_mention;
	for (const char *p = now->notice; (p = strstr(p, local)); p++) {
		const char *line_start = p, *end = p + strlen(local);
		while (line_start > now->notice && strchr(" \t", line_start[-1]))
			line_start--;
		bool opens = line_start == now->notice || line_start[-1] == '\n';
		/* As in a list: alone in its line, or the reason stands in a column of its own. */
		bool is_listed = opens && (!*end || *end == '\n' || g_str_has_prefix(end, "  "));
		bool is_word = (p == now->notice || strchr(" \t\n<\"'(:", p[-1])) &&
			       (!*end || strchr(" \t\n>\"'):,;", *end));
		if (!is_word || (is_sure && !is_listed))
			continue;
		g_clear_pointer(&findings->recipients, g_ptr_array_unref);
		lk_findings_add(findings, address, strlen(address));
		return;
	}
}

static void take_returned(const weighing *now, lk_findings *findings)
{
	const lk_fields *fields = now->inner;

	if (!fields)
		return;
	g_autofree char *id = lk_fields_line(fields, "Message-ID");
	g_autoptr(GPtrArray) ids = lk_words_ids(id, 1);
	if (ids->len > 0)
		findings->message_id = lk_text_cut(g_ptr_array_index(ids, 0), LK_HEADER_BYTES_MOST);
	take_named(now, findings);
	if (findings->recipients)
		return;
	/* No recipient said: the returned mail had some, and one alone must be it. */
	const lk_field *to = lk_fields_get(fields, "X-Original-To");
	if (!to)
		to = lk_fields_get(fields, "To");
	g_autofree char *line =
		to ? lk_words_unfold(to->value->str, MIN(to->value->len, 4096)) : NULL;
	const char *at = line ? strchr(line, '@') : NULL;
	if (at && !strchr(at + 1, '@')) {
		const char *open = strchr(line, '<');
		const char *start = open ? open + 1 : line;
		lk_findings_add(findings, start, strcspn(start, "> \t"));
	}
}

static char *diagnostic_of(const weighing *now, const lk_findings *findings)
{
	if (findings->diagnostic)
		return lk_text_cut(findings->diagnostic, DIAGNOSTIC_BYTES_MOST);
	/* The line with the reply code, else the words themselves. */
	g_auto(GStrv) lines = g_strsplit(now->notice, "\n", 500);
	for (unsigned i = 0; lines[i]; i++) {
		g_autofree char *status = lk_status_in(lines[i]);
		if (status || lk_reply_class_in(lines[i]))
			return lk_text_cut(g_strstrip(lines[i]), DIAGNOSTIC_BYTES_MOST);
	}
	g_autofree char *words = lk_text_squeeze(now->notice);
	return *words ? lk_text_cut(words, DIAGNOSTIC_BYTES_MOST) : NULL;
}

/* What the report says of each recipient; "" where its words name them alone. */
static GPtrArray *states_of(const lk_findings *findings, const GPtrArray *recipients)
{
	GPtrArray *states = g_ptr_array_new_with_free_func(g_free);

	for (unsigned i = 0; i < recipients->len; i++) {
		const char *state = findings->states
					    ? g_hash_table_lookup(findings->states,
								  g_ptr_array_index(recipients, i))
					    : NULL;

		g_ptr_array_add(states, g_strdup(state ? state : ""));
	}
	return states;
}

static lk_bounce *verdict(const weighing *now, lk_findings *findings, bool is_delay)
{
	lk_bounce *bounce = g_new0(lk_bounce, 1);
	int class = findings->status ? *findings->status - '0' : 0;

	/* A host that was never reached and is given up on has failed for good, whatever 4.4.1
	 * says. */
	if (class == 4 && !findings->smtp_class && !findings->has_failure &&
	    (strstr(now->folded, "going to try again") || strstr(now->folded, "given up")))
		class = 5;
	if (class != 4 && class != 5)
		class = findings->smtp_class;
	bounce->permanent = !is_delay && class != 4;
	bounce->status =
		findings->status && *findings->status != '2' ? g_strdup(findings->status) : NULL;
	bounce->diagnostic = diagnostic_of(now, findings);
	take_returned(now, findings);
	if (!findings->recipients && now->returned) {
		/* What was taken for the returned mail may be the rest of the notice. */
		lk_notice_parties parties = parties_of(now);
		g_auto(lk_findings) rest = {0};
		lk_notice_read(now->returned, &parties, &rest);
		findings->recipients = g_steal_pointer(&rest.recipients);
	}
	bounce->original_message_id = g_steal_pointer(&findings->message_id);
	bounce->recipients = findings->recipients ? g_ptr_array_ref(findings->recipients)
						  : g_ptr_array_new_with_free_func(g_free);
	bounce->states = states_of(findings, bounce->recipients);
	return bounce;
}

static lk_report by_status(const weighing *now, lk_findings *findings, lk_bounce **ret_bounce,
			   const char **ret_reason)
{
	g_autofree char *diagnostic =
		findings->diagnostic ? g_ascii_strdown(findings->diagnostic, -1) : g_strdup("");
	if (is_challenge(now->folded) || is_challenge(diagnostic)) {
		*ret_reason = "a filter that asks its sender to confirm";
		return LK_REPORT_DELIVERED;
	}
	if (!findings->has_failure && !findings->has_delay) {
		*ret_reason = "a report of a successful delivery (RFC 3464)";
		return LK_REPORT_DELIVERED;
	}
	if (!findings->recipients) {
		take_failed_header(now->gather, findings);
		if (!findings->recipients) {
			lk_notice_parties parties = parties_of(now);
			g_auto(lk_findings) words = {0};
			lk_notice_read(now->notice, &parties, &words);
			findings->recipients = g_steal_pointer(&words.recipients);
		}
	}
	*ret_bounce = verdict(now, findings, !findings->has_failure);
	*ret_reason = findings->has_failure ? "a delivery report with a failure (RFC 3464)"
					    : "a delivery report of a delay (RFC 3464)";
	return LK_REPORT_BOUNCE;
}

lk_report lk_bounce_read(const lk_gather *gather, lk_bounce **ret_bounce, const char **ret_reason)
{
	g_auto(weighing) now = {0};
	g_auto(lk_findings) findings = {0};

	weigh(gather, &now);
	if (!has_sign(&now))
		return LK_REPORT_NONE;
	if (gather->status->len > 0) {
		g_autofree char *status = lk_text_clean(gather->status->str, gather->status->len);
		lk_status_read(status, &findings);
	}
	/* Gateways pass a report on as an attached mail. */
	if (gather->status->len == 0 && now.from_daemon && gather->returned->len > 0) {
		g_autofree char *type = lk_fields_line(now.inner, "Content-Type");
		if (type && g_ascii_strncasecmp(type, "multipart/report", 16) == 0) {
			g_autofree char *text =
				lk_text_clean(gather->returned->str, gather->returned->len);
			lk_status_read(text, &findings);
		}
	}
	if (findings.has_failure || findings.has_delay || findings.has_success)
		return by_status(&now, &findings, ret_bounce, ret_reason);
	if (gather->has_disposition || gather->has_feedback || is_challenge(now.folded))
		return LK_REPORT_NONE;
	const char *reason = words_say(&now);
	if (!reason)
		return LK_REPORT_NONE;
	lk_notice_parties parties = parties_of(&now);
	lk_notice_read(now.notice, &parties, &findings);
	take_failed_header(gather, &findings);
	*ret_bounce = verdict(&now, &findings, wording_is_delay(&now));
	*ret_reason = reason;
	return LK_REPORT_BOUNCE;
}
