/* What keeps a mail from going out: the breaker's budgets, suppressed addresses, our own. */
#include "lib/desk/outbox-private.h"

#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/timer.h"

#include <string.h>

/* Who is told of it hears a while later, so that one mail tells of the whole beginning. */
static const int64_t digest_after_s = 120;

/*
 * How many times a budget each of them gets. Address: another desk that does not mark its answers
 * as automatic, and writes each as a new mail, gets a new ticket and a new acknowledgement each
 * time: the budgets of a ticket alone would never end that. Fingerprint: nor does an address that
 * changes each time; but in a great outage many people write the same subject, and each of them
 * wants to know that the mail arrived. A whole ticket or domain has many people. Receipts: an agent
 * who writes a command a minute gets an answer to each, whatever else the desk has to tell them; a
 * robot in the agent's name ends all the same.
 */
static const struct {
	const char *column;
	const char *before; /* how many, and what */
	const char *after;
	int64_t times;
	/* The same for people: within what time, how many. */
	const char *fi;
	const char *sv;
} scopes[] = {
	{"budget", "this address already got ", "mails about the ticket", 1,
	 "%s aikana osoitteeseen lähti tästä tukipyynnöstä viestejä jo %s",
	 "på %s har adressen redan fått %s mejl om ärendet"},
	{"address_budget", "this address already got ", "mails about all its tickets", 3,
	 "%s aikana osoitteeseen lähti kaikista sen tukipyynnöistä viestejä jo %s",
	 "på %s har adressen redan fått %s mejl om alla sina ärenden"},
	{"receipt_budget", "this address already got ", "receipts", 6,
	 "%s aikana osoitteeseen lähti kuittauksia jo %s",
	 "på %s har adressen redan fått %s kvitton"},
	{"ticket_budget", "already ", "mails about the ticket", 10,
	 "%s aikana tästä tukipyynnöstä lähti viestejä jo %s",
	 "på %s har redan %s mejl skickats om ärendet"},
	{"domain_budget", "already ", "mails to this domain", 20,
	 "%s aikana tähän verkkotunnukseen lähti viestejä jo %s",
	 "på %s har redan %s mejl skickats till domänen"},
	{"fingerprint_budget", "already ", "automatic answers to mails of this subject", 10,
	 "%s aikana tämän aiheisiin viesteihin lähti automaattivastauksia jo %s",
	 "på %s har redan %s automatiska svar skickats på mejl med denna rubrik"},
};

#define HELD "held by the breaker: "
#define RETRY "; luukkuctl outbox retry sends it all the same"

void lk_outbox_check_clear(lk_outbox_check *check)
{
	g_free(check->reason);
}

/* The letters of the subject alone: counters and dates make no difference. */
static bool fingerprint(const lk_outbox_mail *mail, uint8_t *ret_hash)
{
	const char *subject = mail->variables ? lk_json_get_text(mail->variables, "subject") : NULL;
	g_autoptr(GString) letters = g_string_new(mail->template_name);
	g_autofree char *folded = g_utf8_casefold(subject ? subject : "", -1);
	size_t n = letters->len;

	for (const char *p = folded; *p && letters->len < 1000; p = g_utf8_next_char(p))
		if (g_unichar_isalpha(g_utf8_get_char(p)))
			g_string_append_unichar(letters, g_utf8_get_char(p));
	lk_key_hash(letters->str, ret_hash);
	return letters->len > n;
}

static void look(const lk_outbox_mail *mail, lk_outbox_check *c)
{
	g_autofree char *folded = lk_address_fold(mail->recipient);
	const char *at = strrchr(folded, '@');

	lk_key_hash(folded, c->recipient);
	c->is_answer = mail->cause && !mail->is_personal && !lk_outbox_is_inside(mail->purpose);
	lk_key_hash(at ? at + 1 : folded, c->domain);
	c->has_fingerprint = c->is_answer && fingerprint(mail, c->fingerprint);
}

void lk_outbox_check_params(const lk_outbox_check *check, lk_params *params)
{
	if (check->is_answer)
		lk_param_bytes(params, check->domain, sizeof(check->domain));
	else
		lk_param_null(params);
	if (check->has_fingerprint)
		lk_param_bytes(params, check->fingerprint, sizeof(check->fingerprint));
	else
		lk_param_null(params);
}

static bool prepare(lk_db *db, const lk_policy *policy, lk_time now, const lk_outbox_mail *mail,
		    const lk_outbox_check *c, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autoptr(GArray) seconds = g_array_new(FALSE, FALSE, sizeof(int64_t));

	for (unsigned i = 0; i < policy->breaker->len; i++) {
		lk_budget budget = g_array_index(policy->breaker, lk_budget, i);
		g_array_append_val(counts, budget.count);
		g_array_append_val(seconds, budget.seconds);
	}
	if (mail->ticket)
		lk_param_int(params, mail->ticket);
	else
		lk_param_null(params);
	lk_param_bytes(params, c->recipient, sizeof(c->recipient));
	lk_param_time(params, now);
	lk_param_ints(params, (const int64_t *)(void *)counts->data, counts->len);
	lk_param_ints(params, (const int64_t *)(void *)seconds->data, seconds->len);
	lk_outbox_check_params(c, params);
	for (unsigned i = 1; i < G_N_ELEMENTS(scopes); i++)
		lk_param_int(params, scopes[i].times);
	lk_param_bool(params, mail->is_receipt);
	return lk_db_run(db, LK_Q_OUTBOX_PREPARE, params, ret_rows, error);
}

/* What the breaker says against a mail; NULL: nothing. Caller frees. */
static char *used_up(const lk_policy *policy, const lk_rows *rows)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(scopes); i++) {
		if (lk_row_is_null(rows, 0, scopes[i].column))
			continue;
		lk_budget budget =
			g_array_index(policy->breaker, lk_budget,
				      (unsigned)lk_row_int(rows, 0, scopes[i].column) - 1);
		g_autofree char *within = lk_format_duration(budget.seconds);
		return g_strdup_printf(HELD "%s%" G_GINT64_FORMAT " %s within %s" RETRY,
				       scopes[i].before, budget.count * scopes[i].times,
				       scopes[i].after, within);
	}
	return NULL;
}

/* "10m" as "10 minuutin" or "10 minuter"; as it is, if it is nothing like that. Caller frees. */
static char *time_words(const char *duration, lk_lang lang)
{
	static const struct {
		char unit;
		const char *fi;
		const char *sv_one;
		const char *sv_many;
	} units[] = {{'s', "sekunnin", "sekund", "sekunder"},
		     {'m', "minuutin", "minut", "minuter"},
		     {'h', "tunnin", "timme", "timmar"},
		     {'d', "päivän", "dygn", "dygn"},
		     {'w', "viikon", "vecka", "veckor"}};
	size_t n = strlen(duration);

	for (size_t i = 0; n > 1 && i < G_N_ELEMENTS(units); i++)
		if (duration[n - 1] == units[i].unit)
			return g_strdup_printf("%.*s %s", (int)n - 1, duration,
					       lang == LK_LANG_FI	    ? units[i].fi
					       : n == 2 && *duration == '1' ? units[i].sv_one
									    : units[i].sv_many);
	return g_strdup(duration);
}

/* "COUNT WHAT within TIME" of that scope. NULL: it is another one's. Caller frees. */
static char *scope_words(unsigned scope, const char *said, lk_lang lang)
{
	size_t digits = 0;
	const char *format = lang == LK_LANG_SV ? scopes[scope].sv : scopes[scope].fi;
	g_autofree char *what = g_strdup_printf(" %s within ", scopes[scope].after);
	g_autofree char *count = NULL;
	g_autofree char *within = NULL;
	g_autofree char *words = NULL;
	g_autoptr(GString) out = g_string_new(format);

	if (!g_str_has_prefix(said, scopes[scope].before))
		return NULL;
	said += strlen(scopes[scope].before);
	digits = strspn(said, "0123456789");
	if (digits == 0 || !g_str_has_prefix(said + digits, what))
		return NULL;
	count = g_strndup(said, digits);
	within = g_strdup(said + digits + strlen(what));
	if (g_str_has_suffix(within, RETRY))
		within[strlen(within) - strlen(RETRY)] = '\0';
	words = time_words(within, lang);
	g_string_replace(out, "%s", words, 1);
	g_string_replace(out, "%s", count, 1);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

char *lk_outbox_held_words(const char *english, lk_lang lang)
{
	if (!english || !g_str_has_prefix(english, HELD))
		return NULL;
	for (unsigned i = 0; i < G_N_ELEMENTS(scopes); i++) {
		g_autofree char *words = scope_words(i, english + strlen(HELD), lang);

		if (words)
			return g_strdup_printf(
				lang == LK_LANG_SV
					? "spärren höll det kvar: %s; luukkuctl outbox retry "
					  "skickar det ändå"
					: "viestisuoja pidätti sen: %s; luukkuctl outbox retry "
					  "lähettää sen silti",
				words);
	}
	return NULL;
}

/* The digest that tells of it, unless one is to go out anyway. */
static bool call_digest(lk_db *db, lk_time now, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_time(params, now + digest_after_s * LK_SECOND);
	lk_param_time(params, now);
	return lk_db_run(db, LK_Q_OUTBOX_TRIPPED, params, NULL, error);
}

bool lk_outbox_check_mail(lk_db *db, const lk_policy *policy, lk_time now,
			  const lk_outbox_mail *mail, lk_outbox_check *ret_check, GError **error)
{
	g_autoptr(lk_rows) rows = NULL;
	lk_outbox_check *c = ret_check;
	/* It tells that others are held, once an hour at most. */
	bool is_digest = strcmp(mail->template_name, LK_TIMER_BREAKER_DIGEST) == 0;

	look(mail, c);
	if (!prepare(db, policy, now, mail, c, &rows, error))
		return false;
	c->id = lk_row_int(rows, 0, "id");
	c->verdict = LK_OUTBOX_SUPPRESSED;
	if (lk_policy_is_own_address(policy, mail->recipient)) {
		c->reason = g_strdup("not sent: the recipient is an address of ours");
	} else if (!lk_row_is_null(rows, 0, "suppressed_until") &&
		   lk_row_time(rows, 0, "suppressed_until") > now) {
		const char *why = lk_row_text(rows, 0, "suppressed_reason");
		c->reason = g_strdup_printf("not sent: the address is suppressed (%s)",
					    why ? why : "a delivery report");
	} else if (!is_digest && (c->reason = used_up(policy, rows))) {
		c->verdict = LK_OUTBOX_HELD;
		return mail->is_patient || call_digest(db, now, error);
	} else {
		c->verdict = LK_OUTBOX_QUEUED;
		c->reason = g_strdup(mail->reason);
	}
	return true;
}
