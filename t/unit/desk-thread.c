/* Decisions of lib/desk/thread from tables in t/thread: see t/thread/README for their form. */
#include "lib/base/secret.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/desk/thread.h"

#include <string.h>

#define RECEIVED (INT64_C(1767225600) * LK_SECOND)

typedef struct {
	char *name;
	lk_clues clues;
	lk_thread_facts facts;
	GPtrArray *expect; /* char * */
} table_case;

static lk_policy *policy;

static const struct {
	const char *name;
	lk_purpose purpose;
} purposes[] = {
	{"customer", LK_PURPOSE_CUSTOMER}, {"agent", LK_PURPOSE_AGENT},
	{"note", LK_PURPOSE_NOTE},	   {"supplier", LK_PURPOSE_SUPPLIER},
	{"consult", LK_PURPOSE_CONSULT},   {"bounce", LK_PURPOSE_BOUNCE},
};

static lk_purpose purpose_of(const char *name)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(purposes); i++)
		if (strcmp(purposes[i].name, name) == 0)
			return purposes[i].purpose;
	g_error("unknown purpose %s", name);
}

static void case_free(void *data)
{
	table_case *c = data;

	g_free(c->name);
	g_array_unref(c->clues.tokens);
	g_array_unref(c->clues.ids);
	g_array_unref(c->clues.tags);
	lk_thread_facts_clear(&c->facts);
	g_ptr_array_unref(c->expect);
	g_free(c);
}

static table_case *case_new(const char *name)
{
	table_case *c = g_new0(table_case, 1);

	c->name = g_strdup(name);
	c->clues.tokens = g_array_new(FALSE, TRUE, sizeof(lk_clue_token));
	c->clues.ids = g_array_new(FALSE, TRUE, sizeof(lk_clue_id));
	c->clues.tags = g_array_new(FALSE, TRUE, sizeof(int64_t));
	lk_thread_facts_init(&c->facts);
	c->facts.has_sender = true;
	c->facts.received_at = RECEIVED;
	c->expect = g_ptr_array_new_with_free_func(g_free);
	return c;
}

static int64_t number(const char *text)
{
	int64_t n = 0;

	g_assert_true(lk_parse_int(text, 0, INT64_MAX, &n, NULL));
	return n;
}

/* The value of "key=value" among the words, or the fallback. */
static const char *option(char **words, const char *key, const char *fallback)
{
	size_t n = strlen(key);

	for (unsigned i = 0; words[i]; i++)
		if (strncmp(words[i], key, n) == 0 && words[i][n] == '=')
			return words[i] + n + 1;
	return fallback;
}

static bool flag(char **words, const char *name)
{
	return g_strv_contains((const char *const *)words, name);
}

static void read_ticket(table_case *c, char **words)
{
	const char *part = option(words, "part", "no");
	const char *resolved = option(words, "resolved", NULL);
	lk_thread_ticket ticket = {
		.named = number(words[1]),
		.ticket = number(option(words, "merged", words[1])),
		.named_epoch = (uint8_t)number(option(words, "epoch", "0")),
		.resolved_at = LK_TIME_NONE,
		.reopen_s = 14 * 86400,
		.sender_is_requester = strcmp(part, "requester") == 0,
		.sender_takes_part = strcmp(part, "no") != 0,
		.sender_is_supplier = flag(words, "supplier") || flag(words, "referenced"),
		.is_referenced = flag(words, "referenced"),
		.is_hidden = flag(words, "hidden"),
		.closed_at = LK_TIME_NONE,
	};
	const char *closed = option(words, "closed", NULL);
	int64_t ago = 0;

	g_assert_true(lk_status_parse(option(words, "status", "open"), &ticket.status));
	if (resolved) {
		g_assert_true(lk_parse_duration(resolved, &ago, NULL));
		ticket.resolved_at = RECEIVED - ago * LK_SECOND;
	}
	if (closed) {
		g_assert_true(lk_parse_duration(closed, &ago, NULL));
		ticket.closed_at = RECEIVED - ago * LK_SECOND;
	}
	g_array_append_val(c->facts.tickets, ticket);
}

static void read_id(table_case *c, char **words)
{
	const char *ours = option(words, "ours", NULL);
	lk_clue_id id = {.is_own = flag(words, "own"), .is_ours = ours != NULL};

	if (ours) {
		id.purpose = purpose_of(ours);
		id.ticket = number(option(words, "ticket", "0"));
	}
	for (unsigned i = 1; words[i]; i++) {
		bool is_stored = g_str_has_prefix(words[i], "stored=");
		if (!is_stored && !g_str_has_prefix(words[i], "named="))
			continue;
		g_auto(GStrv) tickets = g_strsplit(strchr(words[i], '=') + 1, ",", -1);
		for (unsigned k = 0; tickets[k]; k++) {
			lk_thread_hit hit = {.id = c->clues.ids->len,
					     .named = number(tickets[k]),
					     .is_stored = is_stored};
			g_array_append_val(c->facts.hits, hit);
		}
	}
	g_array_append_val(c->clues.ids, id);
}

static void read_token(table_case *c, char **words)
{
	lk_clue_token token = {
		.purpose = purpose_of(words[1]),
		.number = number(words[2]),
		.epoch = (uint8_t)number(option(words, "epoch", "0")),
		.is_for_sender = flag(words, "for-sender"),
	};
	g_array_append_val(c->clues.tokens, token);
}

static void read_similar(table_case *c, char **words)
{
	lk_thread_similar similar = {
		.ticket = number(words[1]),
		.subject = (int)number(option(words, "subject", "0")),
		.words = (int)number(option(words, "words", "0")),
		.names_more = flag(words, "names-more"),
	};

	g_assert_true(lk_status_parse(option(words, "status", "open"), &similar.status));
	g_assert_true(lk_parse_duration(option(words, "age", "1h"), &similar.age_s, NULL));
	if (strcmp(option(words, "window", "2d"), "0") != 0)
		g_assert_true(
			lk_parse_duration(option(words, "window", "2d"), &similar.window_s, NULL));
	g_array_append_val(c->facts.similar, similar);
}

static lk_words words_of(const char *name)
{
	for (unsigned w = 0; w <= LK_WORDS_THANKS; w++)
		if (strcmp(lk_words_name((lk_words)w), name) == 0)
			return (lk_words)w;
	g_error("unknown words %s", name);
}

static void read_line(table_case *c, char **words)
{
	if (strcmp(words[0], "ticket") == 0) {
		read_ticket(c, words);
	} else if (strcmp(words[0], "token") == 0) {
		read_token(c, words);
	} else if (strcmp(words[0], "id") == 0) {
		read_id(c, words);
	} else if (strcmp(words[0], "tag") == 0) {
		int64_t tag = number(words[1]);
		g_array_append_val(c->clues.tags, tag);
	} else if (strcmp(words[0], "sent") == 0) {
		lk_thread_sent sent = {.outbox = number(words[1]),
				       .ticket = number(words[2]),
				       .purpose = purpose_of(words[3])};
		g_array_append_val(c->facts.sent, sent);
	} else if (strcmp(words[0], "sender") == 0) {
		c->facts.has_sender = !flag(words, "none");
		c->facts.sender_is_agent = flag(words, "agent");
		c->facts.dmarc_fails = flag(words, "dmarc-fails");
		c->facts.sender_is_shared = flag(words, "shared");
	} else if (strcmp(words[0], "similar") == 0) {
		read_similar(c, words);
	} else if (strcmp(words[0], "words") == 0) {
		c->facts.words = words_of(words[1]);
	} else if (strcmp(words[0], "subject") == 0) {
		c->facts.subject_is_generic = flag(words, "generic");
		c->facts.subject_is_chase = flag(words, "chase");
	} else if (strcmp(words[0], "kind") == 0) {
		for (unsigned k = 0; k <= LK_KIND_CALENDAR; k++)
			if (strcmp(lk_kind_name(k), words[1]) == 0)
				c->facts.kind = k;
	} else if (strcmp(words[0], "expect") == 0) {
		for (unsigned i = 1; words[i]; i++)
			if (*words[i])
				g_ptr_array_add(c->expect, g_strdup(words[i]));
	} else {
		g_error("%s: unknown line %s", c->name, words[0]);
	}
}

static char *links_text(const lk_thread_decision *decision)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < decision->links->len; i++) {
		const lk_thread_link *link = &g_array_index(decision->links, lk_thread_link, i);
		g_assert_true(link->reason && *link->reason);
		g_string_append_printf(text, "%s%" G_GINT64_FORMAT ":%s", text->len ? "," : "",
				       link->ticket, link->relation);
	}
	return g_strdup(text->len ? text->str : "none");
}

static void check_case(const void *data)
{
	const table_case *c = data;
	lk_thread_decision decision = {0};

	lk_thread_decide(policy, &c->clues, &c->facts, &decision);
	g_assert_nonnull(decision.reason);
	g_assert_cmpuint(c->expect->len, >, 0);
	for (unsigned i = 0; i < c->expect->len; i++) {
		g_auto(GStrv) pair = g_strsplit(g_ptr_array_index(c->expect, i), "=", 2);
		g_autofree char *seen = NULL;
		if (strcmp(pair[0], "ticket") == 0)
			seen = decision.ticket
				       ? g_strdup_printf("%" G_GINT64_FORMAT, decision.ticket)
				       : g_strdup("new");
		else if (strcmp(pair[0], "evidence") == 0)
			seen = g_strdup(lk_evidence_name(decision.evidence));
		else if (strcmp(pair[0], "writer") == 0)
			seen = g_strdup(lk_writer_name(decision.writer));
		else if (strcmp(pair[0], "note") == 0)
			seen = g_strdup(decision.is_note ? "yes" : "no");
		else if (strcmp(pair[0], "moves") == 0)
			seen = g_strdup(decision.moves ? "yes" : "no");
		else if (strcmp(pair[0], "reopen") == 0)
			seen = g_strdup(decision.may_reopen ? "yes" : "no");
		else if (strcmp(pair[0], "chase") == 0)
			seen = g_strdup(decision.is_chase ? "yes" : "no");
		else if (strcmp(pair[0], "thanks") == 0)
			seen = g_strdup(decision.is_thanks ? "yes" : "no");
		else if (strcmp(pair[0], "own-token") == 0)
			seen = g_strdup(decision.is_own_token ? "yes" : "no");
		else if (strcmp(pair[0], "links") == 0)
			seen = links_text(&decision);
		else
			g_error("unknown expectation %s", pair[0]);
		if (g_strcmp0(seen, pair[1]) != 0)
			g_test_message("%s: %s, reason: %s", c->name, pair[0], decision.reason);
		g_assert_cmpstr(seen, ==, pair[1]);
	}
	lk_thread_decision_clear(&decision);
}

static void add_table(const char *path, GPtrArray *cases)
{
	g_autofree char *content = NULL;
	table_case *c = NULL;

	g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	for (unsigned i = 0; lines[i]; i++) {
		char *line = g_strstrip(lines[i]);
		if (!*line || *line == '#')
			continue;
		if (g_str_has_prefix(line, "case ")) {
			c = case_new(line + 5);
			g_ptr_array_add(cases, c);
			continue;
		}
		g_assert_nonnull(c);
		g_autofree char *squeezed = lk_text_squeeze(line);
		g_auto(GStrv) words = g_strsplit(squeezed, " ", -1);
		read_line(c, words);
	}
}

/* The clues of a whole mail: order of tokens, ids and tags. */
static void test_clues(void)
{
	g_autoptr(lk_mail) mail = lk_mail_new();
	g_autofree char *token =
		lk_token_sign(policy->keys, LK_PURPOSE_CUSTOMER, 0, 1042, "maija@example.org");
	g_autofree char *bounce =
		lk_token_sign(policy->keys, LK_PURPOSE_BOUNCE, 0, 7, "maija@example.org");
	g_autofree char *upper = g_ascii_strup(token, -1);
	g_autofree char *reply_to = g_strdup_printf("ICT+%s@Example.FI", upper);
	g_autofree char *verp = g_strdup_printf("luukku-bounces-%s@example.fi", bounce);
	g_autofree char *id = lk_message_id_sign(policy->keys, LK_PURPOSE_CUSTOMER, 1042, 3);
	const char *const recipients[] = {verp, "ict@example.fi", NULL};

	mail->from = lk_address_new(NULL, "Maija@Example.org");
	g_ptr_array_add(mail->to, lk_address_new(NULL, "bo+abc@example.fi"));
	g_ptr_array_add(mail->cc, lk_address_new(NULL, reply_to));
	g_ptr_array_add(mail->delivered_to, g_strdup(reply_to));
	mail->message_id = g_strdup("new@example.org");
	mail->in_reply_to = g_strdup(id);
	g_ptr_array_add(mail->references, g_strdup("root@example.org"));
	g_ptr_array_add(mail->references, g_strdup("second@example.org"));
	g_ptr_array_add(mail->references, g_strdup(id));
	g_free(mail->subject);
	mail->subject = g_strdup("VS: [tuki-1042] Re: [TUKI-1040] TUKI-9 XTUKI-8");

	g_autoptr(lk_clues) clues = lk_clues_find(policy, mail, recipients);
	g_assert_cmpuint(clues->tokens->len, ==, 2);
	const lk_clue_token *first = &g_array_index(clues->tokens, lk_clue_token, 0);
	g_assert_cmpint(first->purpose, ==, LK_PURPOSE_CUSTOMER);
	g_assert_cmpint(first->number, ==, 1042);
	g_assert_true(first->is_for_sender);
	const lk_clue_token *second = &g_array_index(clues->tokens, lk_clue_token, 1);
	g_assert_cmpint(second->purpose, ==, LK_PURPOSE_BOUNCE);
	g_assert_cmpint(second->number, ==, 7);

	const char *const ids[] = {id, "second@example.org", "root@example.org", "new@example.org"};
	g_assert_cmpuint(clues->ids->len, ==, G_N_ELEMENTS(ids));
	for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++)
		g_assert_cmpstr(g_array_index(clues->ids, lk_clue_id, i).id, ==, ids[i]);
	g_assert_true(g_array_index(clues->ids, lk_clue_id, 0).is_ours);
	g_assert_cmpint(g_array_index(clues->ids, lk_clue_id, 0).ticket, ==, 1042);
	g_assert_true(g_array_index(clues->ids, lk_clue_id, 3).is_own);

	const int64_t tags[] = {1042, 1040, 9};
	g_assert_cmpuint(clues->tags->len, ==, G_N_ELEMENTS(tags));
	for (unsigned i = 0; i < G_N_ELEMENTS(tags); i++)
		g_assert_cmpint(g_array_index(clues->tags, int64_t, i), ==, tags[i]);
	g_assert_true(lk_clues_name_us(clues));
}

/* Somebody else's 36 characters, a changed token and an empty mail are no clues. */
static void test_no_clues(void)
{
	g_autoptr(lk_mail) mail = lk_mail_new();
	g_autofree char *token =
		lk_token_sign(policy->keys, LK_PURPOSE_CUSTOMER, 0, 1042, "maija@example.org");

	token[20] = token[20] == 'a' ? 'b' : 'a';
	g_autofree char *forged = g_strdup_printf("ict+%s@example.fi", token);
	g_ptr_array_add(mail->to, lk_address_new(NULL, forged));
	g_ptr_array_add(mail->to,
			lk_address_new(NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.fi"));
	g_ptr_array_add(mail->to, lk_address_new(NULL, "@"));
	g_autoptr(lk_clues) clues = lk_clues_find(policy, mail, NULL);
	g_assert_cmpuint(clues->tokens->len, ==, 0);
	g_assert_cmpuint(clues->ids->len, ==, 0);
	g_assert_cmpuint(clues->tags->len, ==, 0);
	g_assert_false(lk_clues_name_us(clues));
}

int main(int argc, char **argv)
{
	static const uint8_t key[32] = {7};
	g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(case_free);
	const char *const tables[] = {"order.txt", "field.txt",	     "notes.txt",
				      "ended.txt", "duplicates.txt", "words.txt"};

	g_test_init(&argc, &argv, NULL);
	g_test_set_nonfatal_assertions();
	lk_sodium_init();
	policy = lk_policy_new();
	policy->prefix = g_strdup("TUKI");
	policy->domain = g_strdup("example.fi");
	policy->subaddress = g_strdup("+");
	policy->keys = lk_keys_from_bytes(key, 1, "example.fi");
	for (unsigned i = 0; i < G_N_ELEMENTS(tables); i++) {
		g_autofree char *path =
			g_build_filename(LUUKKU_TEST_DIR, "thread", tables[i], NULL);
		add_table(path, cases);
	}
	for (unsigned i = 0; i < cases->len; i++) {
		const table_case *c = g_ptr_array_index(cases, i);
		g_autofree char *name = g_strdup_printf("/desk/thread/%s", c->name);
		g_test_add_data_func(name, c, check_case);
	}
	g_test_add_func("/desk/thread-clues", test_clues);
	g_test_add_func("/desk/thread-no-clues", test_no_clues);
	int status = g_test_run();
	lk_keys_free(policy->keys);
	lk_policy_free(policy);
	return status;
}
