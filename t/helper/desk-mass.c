/*
 * For t/bench/mass: desk-mass PEOPLE WITHIN SIMILARITY runs the rule of lib/desk/mass.c over a
 * queue's tickets, sorted by time, on standard input: "SECONDS<TAB>PERSON<TAB>SUBJECT<TAB>TEXT" a
 * line, "|" standing for a line break in TEXT. For each ticket a line goes to standard output:
 * "none", "joins", or "proposes N..." with the numbers (from 0) of the others. What mass-find.c
 * asks of the database (the window, and what was usual before it) is looked up in the list here.
 */
#include "lib/base/units.h"
#include "lib/desk/mass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW_TICKETS = 300 };

typedef struct {
	int64_t at;
	lk_mass_ticket ticket;
} row;

static GArray *rows;
static lk_mass_policy policy;

static int64_t number(const char *text)
{
	int64_t n = 0;

	if (!lk_parse_int(text, 0, INT64_C(1) << 40, &n, NULL))
		g_error("%s is no number", text);
	return n;
}

static void read_rows(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	rows = g_array_new(FALSE, TRUE, sizeof(row));
	while ((n = getline(&line, &room, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		g_auto(GStrv) fields = g_strsplit(line, "\t", 4);
		if (g_strv_length(fields) != 4)
			g_error("not four fields in a line");
		g_strdelimit(fields[3], "|", '\n');
		row r = {.at = number(fields[0])};
		r.ticket.ticket = (int64_t)rows->len;
		r.ticket.person = number(fields[1]);
		r.ticket.subject = lk_mass_words(fields[2], "");
		r.ticket.words = lk_mass_words(fields[2], fields[3]);
		g_array_append_val(rows, r);
	}
	g_assert(!ferror(stdin));
	free(line);
}

/* The tickets of other people within the time before this one, newest first. */
static GArray *window_of(unsigned i, unsigned *ret_begin)
{
	const row *this = &g_array_index(rows, row, i);
	GArray *others = g_array_new(FALSE, TRUE, sizeof(lk_mass_ticket));
	unsigned k = i;

	for (; k > 0 && others->len < WINDOW_TICKETS; k--) {
		const row *r = &g_array_index(rows, row, k - 1);
		if (r->at < this->at - policy.within_s)
			break;
		if (r->ticket.person != this->ticket.person)
			g_array_append_val(others, r->ticket);
	}
	*ret_begin = k;
	return others;
}

static void count_usual(unsigned end, int64_t until, lk_mass_usual *usual)
{
	int64_t since = until - INT64_C(86400) * LK_MASS_USUAL_DAYS;
	unsigned n = 0;

	for (unsigned k = end; k > 0 && n < LK_MASS_USUAL_TICKETS; k--, n++) {
		const row *r = &g_array_index(rows, row, k - 1);
		if (r->at < since)
			break;
		usual->tickets++;
		usual->seconds = until - r->at;
		for (unsigned w = 0; w < r->ticket.words->len; w++) {
			char *word = g_ptr_array_index(r->ticket.words, w);
			unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(usual->counts, word));
			g_hash_table_insert(usual->counts, word, GUINT_TO_POINTER(count + 1));
		}
	}
}

static void run(unsigned i)
{
	row *this = &g_array_index(rows, row, i);
	g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
	lk_mass_usual usual = {.counts = counts};
	lk_mass_finding found = {0};
	unsigned begin = 0;
	g_autoptr(GArray) others = window_of(i, &begin);

	if (lk_mass_may_be(&policy, &this->ticket, others)) {
		count_usual(begin, this->at - policy.within_s, &usual);
		lk_mass_decide(&policy, &this->ticket, others, &usual, &found);
	}
	printf("%s", found.verdict == LK_MASS_JOINS	 ? "joins"
		     : found.verdict == LK_MASS_PROPOSES ? "proposes"
							 : "none");
	this->ticket.mass = found.verdict == LK_MASS_PROPOSES ? (int64_t)i + 1 : found.mass;
	for (unsigned m = 0; found.verdict == LK_MASS_PROPOSES && m < found.members->len; m++) {
		unsigned index = g_array_index(found.members, unsigned, m);
		int64_t ticket = g_array_index(others, lk_mass_ticket, index).ticket;
		printf(" %d", (int)ticket);
		g_array_index(rows, row, (unsigned)ticket).ticket.mass = (int64_t)i + 1;
	}
	printf(found.word ? "\t%s\n" : "\n", found.word);
	lk_mass_finding_clear(&found);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		g_error("desk-mass PEOPLE WITHIN SIMILARITY");
	policy = (lk_mass_policy){.people = number(argv[1]),
				  .within_s = number(argv[2]),
				  .similarity = (int)number(argv[3])};
	read_rows();
	for (unsigned i = 0; i < rows->len; i++)
		run(i);
	fflush(stdout);
	return 0;
}
