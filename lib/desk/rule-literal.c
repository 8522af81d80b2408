/*
 * Which texts a pattern cannot do without. Careful rather than clever: what is not understood
 * gives no answer, and then the pattern is run on every mail.
 */
#include "lib/desk/rule-private.h"

#include <string.h>

enum { MOST_TEXTS = 24, MOST_BYTES = 40, LEAST_BYTES = 2, MOST_DEPTH = 20 };

/*
 * What is known of a piece of a pattern: the very texts that it matches (is_exact), or texts of
 * which one stands in whatever it matches (texts NULL: nothing is known).
 */
typedef struct {
	bool is_exact;
	GPtrArray *texts; /* char *; owned */
} piece;

typedef struct {
	const char *p;
	const char *end;
	unsigned depth;
	bool failed;
} reader;

static piece read_choice(reader *r);

static GPtrArray *texts_new(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

static GPtrArray *texts_of(const char *text)
{
	GPtrArray *texts = texts_new();

	g_ptr_array_add(texts, g_strdup(text));
	return texts;
}

static piece unknown(void)
{
	return (piece){false, NULL};
}

static piece exactly(const char *text)
{
	return (piece){true, texts_of(text)};
}

static void piece_clear(piece *given)
{
	g_clear_pointer(&given->texts, g_ptr_array_unref);
}

static void fail(reader *r)
{
	r->failed = true;
	r->p = r->end;
}

static size_t shortest(const GPtrArray *texts)
{
	size_t least = SIZE_MAX;

	for (unsigned i = 0; i < texts->len; i++)
		least = MIN(least, strlen(g_ptr_array_index(texts, i)));
	return least;
}

/* Takes the better one of both: longer texts are rarer. */
static void prefer(GPtrArray **best, GPtrArray *texts)
{
	if (!texts || shortest(texts) < LEAST_BYTES ||
	    (*best && shortest(*best) >= shortest(texts))) {
		if (texts)
			g_ptr_array_unref(texts);
		return;
	}
	if (*best)
		g_ptr_array_unref(*best);
	*best = texts;
}

/* All of a followed by all of b; NULL when these are too many or too long. */
static GPtrArray *product(const GPtrArray *a, const GPtrArray *b)
{
	GPtrArray *all = NULL;

	if (a->len * b->len > MOST_TEXTS)
		return NULL;
	all = texts_new();
	for (unsigned i = 0; i < a->len; i++)
		for (unsigned j = 0; j < b->len; j++) {
			char *text =
				g_strconcat(g_ptr_array_index(a, i), g_ptr_array_index(b, j), NULL);
			g_ptr_array_add(all, text);
			if (strlen(text) > MOST_BYTES) {
				g_ptr_array_unref(all);
				return NULL;
			}
		}
	return all;
}

/*
 * One character as lk_fold leaves it. Beyond ASCII only letters whose cases are one to one; others
 * may match characters that fold differently.
 */
static piece piece_of_char(gunichar c)
{
	char text[7] = "";

	if (c >= 0x80 && (c < 0xc0 || c > 0xff || c == 0xd7 || c == 0xf7))
		return unknown();
	text[g_unichar_to_utf8(g_unichar_tolower(c), text)] = '\0';
	return exactly(text);
}

static gunichar next_char(reader *r)
{
	gunichar c = g_utf8_get_char(r->p);

	r->p = g_utf8_next_char(r->p);
	return c;
}

/* Behind the backslash. Assertions match nothing by themselves, classes one unknown character. */
static piece read_escape(reader *r)
{
	char c = '\0';

	if (r->p >= r->end) {
		fail(r);
		return unknown();
	}
	c = *r->p;
	if (!g_ascii_isalnum(c))
		return piece_of_char(next_char(r));
	r->p++;
	if (strchr("bBAzZ", c))
		return exactly("");
	if (strchr("wWdDsSvVhHRtnrfea", c))
		return unknown();
	fail(r);
	return unknown();
}

/* [kc] is two characters; whatever is more than a few plain ones is unknown. */
static piece read_class(reader *r)
{
	g_autoptr(GPtrArray) texts = texts_new();
	bool is_plain = true;
	unsigned n = 0;

	if (r->p < r->end && *r->p == '^') {
		is_plain = false;
		r->p++;
	}
	for (; r->p < r->end && (*r->p != ']' || n == 0); n++) {
		piece one = unknown();

		if (*r->p == '[' && r->p + 1 < r->end && strchr(":.=", r->p[1])) {
			fail(r);
			return unknown();
		}
		if (*r->p == '\\' && r->p + 1 < r->end) {
			r->p++;
			if (g_ascii_isalnum(*r->p))
				is_plain = false;
		}
		if (*r->p == '-')
			is_plain = false;
		one = piece_of_char(next_char(r));
		if (one.texts)
			g_ptr_array_add(texts, g_strdup(g_ptr_array_index(one.texts, 0)));
		else
			is_plain = false;
		piece_clear(&one);
	}
	if (r->p >= r->end) {
		fail(r);
		return unknown();
	}
	r->p++;
	if (!is_plain || texts->len > 6)
		return unknown();
	return (piece){true, g_steal_pointer(&texts)};
}

/* Behind "(?": true for a group that only groups; an inline option that changes the language of
 * patterns, and all that looks around or back, is not understood. */
static bool skip_group_head(reader *r)
{
	const char *close = NULL;

	if (*r->p == ':') {
		r->p++;
		return true;
	}
	if (*r->p == 'P' && r->p + 1 < r->end && r->p[1] == '<')
		r->p++;
	if (*r->p != '<' || r->p + 1 >= r->end || r->p[1] == '=' || r->p[1] == '!')
		return false;
	close = memchr(r->p, '>', (size_t)(r->end - r->p));
	if (!close)
		return false;
	r->p = close + 1;
	return true;
}

static piece read_group(reader *r)
{
	piece inner = unknown();

	if (r->p < r->end && *r->p == '*') {
		fail(r);
		return unknown();
	}
	if (r->p < r->end && *r->p == '?') {
		r->p++;
		if (r->p < r->end && strchr("im", *r->p) && r->p + 1 < r->end && r->p[1] == ')') {
			r->p += 2;
			return exactly("");
		}
		if (r->p >= r->end || !skip_group_head(r)) {
			fail(r);
			return unknown();
		}
	}
	if (++r->depth > MOST_DEPTH) {
		fail(r);
		return unknown();
	}
	inner = read_choice(r);
	r->depth--;
	if (r->p >= r->end || *r->p != ')') {
		fail(r);
		piece_clear(&inner);
		return unknown();
	}
	r->p++;
	return inner;
}

static piece read_atom(reader *r)
{
	switch (*r->p) {
	case '\\':
		r->p++;
		return read_escape(r);
	case '[':
		r->p++;
		return read_class(r);
	case '(':
		r->p++;
		return read_group(r);
	case '.':
		r->p++;
		return unknown();
	case '^':
	case '$':
		r->p++;
		return exactly("");
	default:
		return piece_of_char(next_char(r));
	}
}

/* The least and whether there is a most other than one: {2,3}, {2}, *, +, ?. */
static bool read_repeat(reader *r, bool *ret_may_miss, bool *ret_is_once)
{
	size_t n = 0;

	if (r->p >= r->end)
		return false;
	*ret_is_once = *r->p == '?';
	*ret_may_miss = *r->p == '?' || *r->p == '*';
	if (strchr("?*+", *r->p)) {
		r->p++;
	} else if (*r->p == '{' && r->p + 1 < r->end && g_ascii_isdigit(r->p[1])) {
		n = strspn(r->p + 1, "0123456789,");
		if (r->p + 1 + n >= r->end || r->p[1 + n] != '}')
			return false;
		*ret_may_miss = r->p[1] == '0';
		r->p += n + 2;
	} else {
		return false;
	}
	if (r->p < r->end && strchr("?+", *r->p))
		r->p++;
	return true;
}

static piece repeat(piece atom, bool may_miss, bool is_once)
{
	if (may_miss && is_once && atom.is_exact) {
		g_ptr_array_add(atom.texts, g_strdup(""));
		return atom;
	}
	if (may_miss)
		piece_clear(&atom);
	atom.is_exact = false;
	return atom;
}

/* Pieces one behind the other. */
static piece read_sequence(reader *r)
{
	g_autoptr(GPtrArray) run = texts_of("");
	GPtrArray *best = NULL;
	bool all_exact = true;

	while (r->p < r->end && *r->p != '|' && *r->p != ')') {
		bool may_miss = false;
		bool is_once = false;
		piece atom = read_atom(r);
		GPtrArray *longer = NULL;

		if (read_repeat(r, &may_miss, &is_once))
			atom = repeat(atom, may_miss, is_once);
		longer = atom.is_exact ? product(run, atom.texts) : NULL;
		if (longer) {
			g_ptr_array_unref(run);
			run = longer;
			piece_clear(&atom);
			continue;
		}
		all_exact = false;
		prefer(&best, g_steal_pointer(&run));
		run = atom.is_exact ? g_steal_pointer(&atom.texts) : texts_of("");
		if (atom.texts)
			prefer(&best, g_steal_pointer(&atom.texts));
	}
	if (all_exact)
		return (piece){true, g_steal_pointer(&run)};
	prefer(&best, g_steal_pointer(&run));
	return (piece){false, best};
}

/* Sequences of which one matches. */
static piece read_choice(reader *r)
{
	piece all = read_sequence(r);

	while (!r->failed && r->p < r->end && *r->p == '|') {
		piece next = unknown();

		r->p++;
		next = read_sequence(r);
		all.is_exact = all.is_exact && next.is_exact;
		if (!all.texts || !next.texts || all.texts->len + next.texts->len > MOST_TEXTS) {
			piece_clear(&all);
			all.is_exact = false;
		} else {
			g_ptr_array_extend_and_steal(all.texts, g_steal_pointer(&next.texts));
		}
		piece_clear(&next);
	}
	return all;
}

GPtrArray *lk_literals_of_pattern(const char *slashed)
{
	const char *end = *slashed == '/' ? strrchr(slashed + 1, '/') : NULL;
	reader r = {.p = slashed + 1, .end = end};
	piece all = unknown();

	if (!end)
		return NULL;
	all = read_choice(&r);
	if (r.failed || r.p < end || !all.texts || shortest(all.texts) < LEAST_BYTES)
		piece_clear(&all);
	return all.texts;
}

GPtrArray *lk_literals_of_glob(const char *glob)
{
	const char *best = NULL;
	size_t best_n = 0;

	for (const char *p = glob; *p;) {
		size_t n = strcspn(p, "*?");
		if (n > best_n) {
			best = p;
			best_n = n;
		}
		p += n + (p[n] != '\0');
	}
	if (best_n < LEAST_BYTES)
		return NULL;
	g_autofree char *text = g_strndup(best, best_n);
	return texts_of(text);
}
