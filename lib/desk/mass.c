#include "lib/desk/mass.h"

#include "lib/base/text.h"
#include "lib/desk/phrases.h"

#include <math.h>
#include <string.h>

enum { READ_BYTES = 600, WORD_CHARS = 5, LEAST_CHARS = 3, MOST_WORDS = 40 };

/* A month's mail comes in about a quarter of its hours. */
static const double busy = 4;
/* Below so much history a queue counts as unknown, its words as neither rare nor usual. */
static const double assumed_tickets = 50;
static const double least_days = 2;
/* Words of a subject say what the matter is. */
static const double subject_weight = 1.5;
/* Words that so many tickets share tell nothing apart, even when they are all there is: 1 in 12. */
static const double least_weight = 2.5;

static void add_words(GPtrArray *words, const char *text)
{
	g_autofree char *content = lk_words_content(text);
	g_auto(GStrv) all = g_strsplit(content, " ", -1);

	for (unsigned i = 0; all[i] && words->len < MOST_WORDS; i++) {
		if (g_utf8_strlen(all[i], -1) < LEAST_CHARS)
			continue;
		g_autofree char *begin =
			g_utf8_substring(all[i], 0, MIN(g_utf8_strlen(all[i], -1), WORD_CHARS));
		if (!g_ptr_array_find_with_equal_func(words, begin, g_str_equal, NULL))
			g_ptr_array_add(words, g_steal_pointer(&begin));
	}
}

GPtrArray *lk_mass_words(const char *subject, const char *text)
{
	g_autofree char *cut = lk_text_cut(text ? text : "", READ_BYTES);
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

	add_words(words, subject);
	add_words(words, cut);
	return words;
}

static bool has(const GPtrArray *words, const char *word)
{
	return g_ptr_array_find_with_equal_func((GPtrArray *)words, word, g_str_equal, NULL);
}

/* Requesters of those members that have the word, the new ticket's own left out. */
static unsigned count_people(const GArray *others, const GArray *members, const char *word)
{
	g_autoptr(GHashTable) people =
		g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, NULL);
	unsigned n = members ? members->len : others->len;

	for (unsigned i = 0; i < n; i++) {
		unsigned index = members ? g_array_index(members, unsigned, i) : i;
		lk_mass_ticket *other = &g_array_index(others, lk_mass_ticket, index);
		if (has(other->words, word))
			g_hash_table_add(people, &other->person);
	}
	return g_hash_table_size(people);
}

bool lk_mass_may_be(const lk_mass_policy *policy, const lk_mass_ticket *ticket,
		    const GArray *others)
{
	for (unsigned i = 0; policy->people > 0 && i < ticket->words->len; i++) {
		const char *word = g_ptr_array_index(ticket->words, i);
		if ((int64_t)count_people(others, NULL, word) + 1 >= policy->people)
			return true;
	}
	for (unsigned i = 0; policy->people > 0 && i < others->len; i++)
		if (g_array_index(others, lk_mass_ticket, i).mass)
			return true;
	return false;
}

static unsigned usual_count(const lk_mass_usual *usual, const char *word)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(usual->counts, word));
}

static double weight(const lk_mass_usual *usual, const char *word)
{
	return log(((double)usual->tickets + assumed_tickets) /
		   ((double)usual_count(usual, word) + 1));
}

static double weight_of_all(const lk_mass_usual *usual, const lk_mass_ticket *ticket)
{
	double sum = 0;

	for (unsigned i = 0; i < ticket->words->len; i++) {
		const char *word = g_ptr_array_index(ticket->words, i);
		sum += weight(usual, word) * (has(ticket->subject, word) ? subject_weight : 1);
	}
	return sum;
}

/* Of the lighter ticket's words, how much do both have, by weight and in percent? */
static bool is_alike(const lk_mass_policy *policy, const lk_mass_usual *usual,
		     const lk_mass_ticket *one, const lk_mass_ticket *other)
{
	double both = 0;
	double heaviest = 0;

	for (unsigned i = 0; i < one->words->len; i++) {
		const char *word = g_ptr_array_index(one->words, i);
		bool in_subject = has(one->subject, word) || has(other->subject, word);
		if (!has(other->words, word))
			continue;
		heaviest = MAX(heaviest, weight(usual, word));
		both += weight(usual, word) * (in_subject ? subject_weight : 1);
	}
	double least = MIN(weight_of_all(usual, one), weight_of_all(usual, other));
	return heaviest >= least_weight && least > 0 &&
	       100 * both / least >= (double)policy->similarity;
}

/* How many tickets with the word would come within the time at a busy hour. */
static double usual_within(const lk_mass_policy *policy, const lk_mass_usual *usual,
			   const char *word)
{
	double seconds = MAX((double)usual->seconds, least_days * 86400);

	return (double)usual_count(usual, word) * (double)policy->within_s / seconds * busy;
}

/* The word that most of the alike share, where so many are far from usual. */
static void find_burst(const lk_mass_policy *policy, const lk_mass_ticket *ticket,
		       const GArray *others, const lk_mass_usual *usual, lk_mass_finding *finding)
{
	for (unsigned i = 0; i < ticket->words->len; i++) {
		const char *word = g_ptr_array_index(ticket->words, i);
		unsigned people = count_people(others, finding->members, word) + 1;
		double expected = usual_within(policy, usual, word);
		if ((int64_t)people < policy->people || people <= finding->people ||
		    weight(usual, word) < least_weight ||
		    people < 2 + expected + 3 * sqrt(expected))
			continue;
		g_free(finding->word);
		finding->word = g_strdup(word);
		finding->people = people;
		finding->usual = (int64_t)(expected + 0.5);
	}
}

static void keep_members_with(const GArray *others, const char *word, GArray *members)
{
	for (unsigned i = members->len; i > 0; i--) {
		unsigned index = g_array_index(members, unsigned, i - 1);
		if (!has(g_array_index(others, lk_mass_ticket, index).words, word))
			g_array_remove_index(members, i - 1);
	}
}

void lk_mass_finding_clear(lk_mass_finding *finding)
{
	g_clear_pointer(&finding->members, g_array_unref);
	g_clear_pointer(&finding->word, g_free);
}

void lk_mass_decide(const lk_mass_policy *policy, const lk_mass_ticket *ticket,
		    const GArray *others, const lk_mass_usual *usual, lk_mass_finding *ret_finding)
{
	memset(ret_finding, 0, sizeof(*ret_finding));
	ret_finding->members = g_array_new(FALSE, FALSE, sizeof(unsigned));
	for (unsigned i = 0; policy->people > 0 && i < others->len; i++) {
		const lk_mass_ticket *other = &g_array_index(others, lk_mass_ticket, i);
		if (!is_alike(policy, usual, ticket, other))
			continue;
		g_array_append_val(ret_finding->members, i);
		if (!ret_finding->mass)
			ret_finding->mass = other->mass;
	}
	if (ret_finding->mass) {
		ret_finding->verdict = LK_MASS_JOINS;
		return;
	}
	find_burst(policy, ticket, others, usual, ret_finding);
	if (!ret_finding->word)
		return;
	keep_members_with(others, ret_finding->word, ret_finding->members);
	ret_finding->verdict = LK_MASS_PROPOSES;
}
