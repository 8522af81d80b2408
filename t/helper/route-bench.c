/*
 * Routes made mails by a configuration, for t/bench/route:
 *   route-bench CONF WORDS MAILS [no-jit]
 * WORDS is a file of words that the mails are made of. Prints what loading took, and the rate.
 */
#include "daemon/policy.h"
#include "lib/base/pattern.h"
#include "lib/base/units.h"
#include "lib/desk/route.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double seconds(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static const char *word(GRand *random, char **words, unsigned n)
{
	/* A few words are most of any text. */
	double x = g_rand_double(random);

	return words[(unsigned)(x * x * x * n)];
}

static char *text_of(GRand *random, char **words, unsigned n, size_t bytes)
{
	GString *text = g_string_sized_new(bytes + 16);

	while (text->len < bytes) {
		if (g_rand_int_range(random, 0, 60) == 0)
			g_string_append_printf(text, "%d-%d ", g_rand_int_range(random, 0, 9999),
					       g_rand_int_range(random, 0, 99));
		g_string_append(text, word(random, words, n));
		g_string_append(text, g_rand_int_range(random, 0, 12) == 0 ? ".\n" : " ");
	}
	return g_string_free(text, FALSE);
}

static void add_header(lk_mail *mail, const char *name, const char *value)
{
	lk_header *header = g_new0(lk_header, 1);

	header->name = g_strdup(name);
	header->value = g_strdup(value);
	g_ptr_array_add(mail->headers, header);
}

/* Text of 2 kB at the median, a tail up to 30 kB, new words a third of it. */
static lk_mail *mail_of(GRand *random, char **words, unsigned n)
{
	lk_mail *mail = lk_mail_new();
	double u = g_rand_double_range(random, 1e-6, 1);
	double v = g_rand_double(random);
	double bytes = 2048 * exp(0.8 * sqrt(-2 * log(u)) * cos(6.283185 * v));
	static const char *const names[] = {"Received",	   "Received",	    "Received",
					    "Date",	   "From",	    "To",
					    "Message-ID",  "MIME-Version",  "Content-Type",
					    "X-Mailer",	   "X-Spam-Status", "DKIM-Signature",
					    "Thread-Index"};
	g_autofree char *from = g_strdup_printf("%s@org%d.example", word(random, words, n),
						g_rand_int_range(random, 0, 300));

	g_free(mail->subject);
	g_free(mail->text);
	g_free(mail->reply_text);
	mail->subject = text_of(random, words, n, (size_t)g_rand_int_range(random, 10, 60));
	mail->text = text_of(random, words, n, (size_t)MIN(bytes, 30000));
	mail->reply_text = g_strndup(mail->text, strlen(mail->text) / 3);
	if (!g_utf8_validate(mail->reply_text, -1, NULL)) {
		char *valid = g_utf8_make_valid(mail->reply_text, -1);
		g_free(mail->reply_text);
		mail->reply_text = valid;
	}
	mail->from = lk_address_new("Maija Meikäläinen", from);
	g_ptr_array_add(mail->to, lk_address_new(NULL, "ict@example.fi"));
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		add_header(mail, names[i],
			   "some value; of=a; header that is folded and long enough");
	return mail;
}

static double run(const lk_policy *policy, GPtrArray *mails, int64_t *ret_hits)
{
	double begun = seconds(CLOCK_PROCESS_CPUTIME_ID);
	int64_t hits = 0;

	for (unsigned i = 0; i < mails->len; i++) {
		lk_route route = {0};
		lk_route_facts facts = {.mail = g_ptr_array_index(mails, i),
					.mailbox = "ict",
					.size = 5000,
					.at = INT64_C(1772618400) * LK_SECOND};

		lk_route_decide(policy, &facts, &route);
		hits += route.rules.hits->len;
		lk_route_clear(&route);
	}
	*ret_hits = hits;
	return seconds(CLOCK_PROCESS_CPUTIME_ID) - begun;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *all = NULL;
	g_autoptr(GPtrArray) mails = g_ptr_array_new_with_free_func((GDestroyNotify)lk_mail_free);
	g_autoptr(GRand) random = g_rand_new_with_seed(1);
	g_autoptr(lk_conf) conf = NULL;
	g_autoptr(lk_policy) policy = NULL;
	int64_t n = 0;
	int64_t hits = 0;

	if (argc < 4 || !lk_parse_int(argv[3], 1, 1000000, &n, NULL) ||
	    !g_file_get_contents(argv[2], &all, NULL, NULL))
		return 64;
	lk_pattern_use_jit(argc < 5);
	double begun = seconds(CLOCK_PROCESS_CPUTIME_ID);
	if (!lk_conf_open(argv[1], NULL, &conf, &error) ||
	    !lk_policy_from_conf(conf, NULL, &policy, &error)) {
		fprintf(stderr, "%s\n", error->message);
		return 78;
	}
	double loaded = seconds(CLOCK_PROCESS_CPUTIME_ID) - begun;
	g_auto(GStrv) words = g_strsplit(g_strchomp(all), "\n", -1);
	for (int64_t i = 0; i < n; i++)
		g_ptr_array_add(mails, mail_of(random, words, g_strv_length(words)));
	run(policy, mails, &hits);
	double took = run(policy, mails, &hits);
	printf("load_ms=%.1f rate=%.0f us=%.1f hits=%.2f\n", loaded * 1000, (double)n / took,
	       took * 1e6 / (double)n, (double)hits / (double)n);
	return 0;
}
