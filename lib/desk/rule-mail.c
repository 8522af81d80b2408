/* What tests look at, made when the first of them asks for it and kept for the mail. */
#include "lib/desk/rule-private.h"

#include "lib/base/text.h"
#include "lib/base/units.h"

#include <string.h>

static void seen_clear(void *data)
{
	lk_seen *seen = data;

	g_free(seen->owned);
	g_free(seen->folded);
	g_free(seen->found);
}

static GArray *texts_new(void)
{
	GArray *texts = g_array_new(FALSE, FALSE, sizeof(lk_seen));

	g_array_set_clear_func(texts, seen_clear);
	return texts;
}

void lk_rule_mail_init(lk_rule_mail *mail, const lk_rules *rules, const lk_rule_facts *facts,
		       bool is_explained, lk_rule_result *result)
{
	memset(mail, 0, sizeof(*mail));
	mail->rules = rules;
	mail->policy = rules->policy;
	mail->facts = facts;
	mail->is_explained = is_explained;
	mail->result = result;
}

void lk_rule_mail_clear(lk_rule_mail *mail)
{
	for (unsigned i = 0; i < LK_N_FACTS; i++)
		if (mail->lists[i])
			g_array_unref(mail->lists[i]);
	for (unsigned i = 0; mail->headers && i < mail->rules->n_headers; i++)
		if (mail->headers[i])
			g_array_unref(mail->headers[i]);
	g_free(mail->headers);
}

void lk_seen_fold(lk_seen *seen)
{
	if (!seen->folded)
		seen->folded = lk_fold(seen->text, seen->n, &seen->n_folded);
}

/* What is not valid UTF-8 must not reach a pattern. */
static void add(GArray *texts, const char *text)
{
	lk_seen seen = {.text = text, .n = text ? strlen(text) : 0};

	if (!text)
		return;
	if (!g_utf8_validate_len(text, seen.n, NULL)) {
		seen.owned = lk_text_clean(text, seen.n);
		seen.text = seen.owned;
		seen.n = strlen(seen.owned);
	}
	g_array_append_val(texts, seen);
}

static void add_owned(GArray *texts, char *text)
{
	lk_seen seen = {.text = text, .n = strlen(text), .owned = text};

	g_array_append_val(texts, seen);
}

/* As written, and without our token where it has one. */
static void add_address(lk_rule_mail *mail, GArray *texts, const char *address)
{
	g_autofree char *folded = lk_address_fold(address);
	g_autofree char *plain = lk_policy_plain_address(mail->policy, address);

	if (strcmp(folded, plain) != 0)
		add_owned(texts, g_steal_pointer(&plain));
	add_owned(texts, g_steal_pointer(&folded));
}

static void add_addresses(lk_rule_mail *mail, GArray *texts, const GPtrArray *addresses)
{
	for (unsigned i = 0; i < addresses->len; i++) {
		const lk_address *address = g_ptr_array_index(addresses, i);
		add_address(mail, texts, address->address);
	}
}

static void add_recipients(lk_rule_mail *mail, GArray *texts)
{
	const lk_rule_facts *facts = mail->facts;

	add_addresses(mail, texts, facts->mail->to);
	add_addresses(mail, texts, facts->mail->cc);
	for (unsigned i = 0; facts->recipients && facts->recipients[i]; i++)
		add_address(mail, texts, facts->recipients[i]);
	for (unsigned i = 0; i < facts->mail->delivered_to->len; i++)
		add_address(mail, texts, g_ptr_array_index(facts->mail->delivered_to, i));
}

static const char *from_of(const lk_rule_mail *mail)
{
	const lk_address *from = mail->facts->mail->from;

	return from ? from->address : NULL;
}

static void add_agent(lk_rule_mail *mail, GArray *texts)
{
	const lk_agent *agent = lk_policy_agent(mail->policy, from_of(mail));

	if (!agent)
		return;
	add(texts, agent->address);
	add(texts, agent->name);
	for (unsigned i = 0; i < agent->aliases->len; i++)
		add(texts, g_ptr_array_index(agent->aliases, i));
}

static void add_supplier(lk_rule_mail *mail, GArray *texts)
{
	const lk_supplier *supplier = lk_policy_supplier_by_address(mail->policy, from_of(mail));

	if (supplier)
		add(texts, supplier->name);
}

static bool is_word(const char *text, const char *word)
{
	return text && g_ascii_strcasecmp(text, word) == 0;
}

/*
 * One word for the trusted results: what dmarc says; where it says nothing, dkim's pass, or spf's
 * fail without one.
 */
static const char *auth_of(const lk_auth *auth)
{
	if (!auth)
		return "none";
	if (is_word(auth->dmarc, "pass") || is_word(auth->dmarc, "fail"))
		return is_word(auth->dmarc, "pass") ? "pass" : "fail";
	if (is_word(auth->dkim, "pass"))
		return "pass";
	return is_word(auth->spf, "fail") || is_word(auth->dkim, "fail") ? "fail" : "none";
}

static void add_attachments(lk_rule_mail *mail, GArray *texts, bool types)
{
	const GPtrArray *attachments = mail->facts->mail->attachments;

	for (unsigned i = 0; i < attachments->len; i++) {
		const lk_attachment *attachment = g_ptr_array_index(attachments, i);
		add(texts, types ? attachment->content_type : attachment->filename);
	}
}

static void add_domain(lk_rule_mail *mail, GArray *texts)
{
	g_autofree char *folded = from_of(mail) ? lk_address_fold(from_of(mail)) : NULL;
	const char *domain = folded ? lk_address_domain(folded) : NULL;

	if (domain)
		add_owned(texts, g_strdup(domain));
}

static void fill(lk_rule_mail *mail, lk_fact fact, GArray *texts)
{
	const lk_rule_facts *facts = mail->facts;

	switch (fact) {
	case LK_FACT_PERSON:
		add(texts, facts->standing);
		return;
	case LK_FACT_FROM:
		if (from_of(mail))
			add_owned(texts, lk_address_fold(from_of(mail)));
		return;
	case LK_FACT_FROM_DOMAIN:
		add_domain(mail, texts);
		return;
	case LK_FACT_ORGANISATION:
		add(texts, facts->organisation);
		return;
	case LK_FACT_TO:
		add_addresses(mail, texts, facts->mail->to);
		return;
	case LK_FACT_CC:
		add_addresses(mail, texts, facts->mail->cc);
		return;
	case LK_FACT_RECIPIENT:
		add_recipients(mail, texts);
		return;
	case LK_FACT_MAILBOX:
		add(texts, facts->mailbox);
		return;
	case LK_FACT_SUBJECT:
		add(texts, facts->mail->subject);
		return;
	case LK_FACT_BODY:
		add(texts, facts->mail->reply_text);
		return;
	case LK_FACT_TEXT:
		add(texts, facts->mail->text);
		return;
	case LK_FACT_ATTACHMENT:
	case LK_FACT_ATTACHMENT_TYPE:
		add_attachments(mail, texts, fact == LK_FACT_ATTACHMENT_TYPE);
		return;
	case LK_FACT_KIND:
		add(texts, lk_kind_name(facts->mail->kind));
		return;
	case LK_FACT_IMPORTANCE:
		add(texts, lk_importance_name(facts->mail->importance));
		return;
	case LK_FACT_AUTH:
		add(texts, auth_of(facts->mail->auth));
		return;
	case LK_FACT_AGENT:
		add_agent(mail, texts);
		return;
	case LK_FACT_SUPPLIER:
		add_supplier(mail, texts);
		return;
	default:
		g_assert_not_reached();
	}
}

const lk_queue *lk_rule_queue(const lk_rule_mail *mail)
{
	return mail->result->queue ? mail->result->queue : mail->facts->queue;
}

const char *lk_rule_type(const lk_rule_mail *mail)
{
	if (mail->result->type)
		return mail->result->type;
	return mail->facts->is_reply ? mail->facts->type : lk_rule_queue(mail)->default_type;
}

const char *lk_rule_priority(const lk_rule_mail *mail)
{
	const char *given = mail->result->priority;

	if (!given && mail->facts->is_reply)
		given = mail->facts->priority;
	if (!given)
		given = lk_rule_queue(mail)->default_priority;
	return given ? given : "normal";
}

/* All headers of the mail in one pass, each to the tests that ask for its name. */
static void fill_headers(lk_rule_mail *mail)
{
	const GPtrArray *headers = mail->facts->mail->headers;

	mail->headers = g_new0(GArray *, mail->rules->n_headers);
	for (unsigned i = 0; i < headers->len; i++) {
		const lk_header *header = g_ptr_array_index(headers, i);
		unsigned slot =
			GPOINTER_TO_UINT(g_hash_table_lookup(mail->rules->headers, header->name));

		if (slot == 0)
			continue;
		if (!mail->headers[slot - 1])
			mail->headers[slot - 1] = texts_new();
		add(mail->headers[slot - 1], header->value);
	}
}

GArray *lk_rule_texts(lk_rule_mail *mail, const lk_test *test)
{
	GArray **place = &mail->lists[test->fact];

	switch (test->fact) {
	case LK_FACT_HEADER:
		if (!mail->headers)
			fill_headers(mail);
		place = &mail->headers[test->slot];
		break;
	case LK_FACT_QUEUE:
	case LK_FACT_TYPE:
	case LK_FACT_PRIORITY:
	case LK_FACT_LANGUAGE: /* rules change these: cheap enough to be made anew */
		if (!*place)
			*place = texts_new();
		g_array_set_size(*place, 0);
		if (test->fact == LK_FACT_QUEUE)
			add(*place, lk_rule_queue(mail)->name);
		else if (test->fact == LK_FACT_TYPE)
			add(*place, lk_rule_type(mail));
		else if (test->fact == LK_FACT_PRIORITY)
			add(*place, lk_rule_priority(mail));
		else
			add(*place, mail->result->language ? mail->result->language
							   : mail->facts->mail->language);
		return *place;
	default:
		break;
	}
	if (!*place) {
		*place = texts_new();
		if (test->fact != LK_FACT_HEADER)
			fill(mail, test->fact, *place);
	}
	return *place;
}

/* "5.1", "score=5.1 required=..", "default: False [7.20 / 15.00]" */
static bool read_score(const char *value, double *ret_score)
{
	const char *score = strstr(value, "score=");
	const char *bracket = strchr(value, '[');

	if (score)
		value = score + strlen("score=");
	else if (bracket)
		value = bracket + 1;
	return lk_parse_decimal(value + strspn(value, " \t"), ret_score, NULL);
}

bool lk_rule_score(lk_rule_mail *mail, double *ret_score)
{
	static const char *const names[] = {"X-Spam-Score", "X-Spam-Status", "X-Rspamd-Score",
					    "X-Spamd-Result", "X-MS-Exchange-Organization-SCL"};
	const lk_mail *m = mail->facts->mail;

	for (unsigned i = 0; !mail->knows_score && i < G_N_ELEMENTS(names) && !mail->has_score;
	     i++) {
		const char *value = lk_mail_header(m, names[i]);
		mail->has_score = value && read_score(value, &mail->score);
	}
	/* Stars, one a point. */
	if (!mail->knows_score && !mail->has_score) {
		const char *level = lk_mail_header(m, "X-Spam-Level");
		mail->has_score = level != NULL;
		mail->score = level ? (double)strspn(level, "*+") : 0;
	}
	mail->knows_score = true;
	*ret_score = mail->score;
	return mail->has_score;
}
