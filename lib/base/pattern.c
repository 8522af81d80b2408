#define PCRE2_CODE_UNIT_WIDTH 8
#include "lib/base/pattern.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/text.h"

#include <pcre2.h>
#include <string.h>

enum {
	MOST_PATTERN_BYTES = 10000,
	MOST_GROUPS = 100,
	HEAP_KIB = 20 * 1024,
	DEPTH_LIMIT = 100 * 1000, /* nested backtracking; each costs some hundred bytes of heap */
	JIT_STACK_BYTES = 1024 * 1024,
	/* Divided by the length: starting points before the first look at the clock. */
	FIRST_STARTS = 1 << 20,
	FIRST_STARTS_SLOW = 1 << 16 /* without machine code */
};

/* A match may take so long of the processor; then it is given up at the next look. */
static const int64_t most_ms = 250;
static const int64_t fast_ms = 2;

struct lk_pattern {
	pcre2_code *code;
	bool is_jit;
	bool wants_jit;	  /* at its first match: many never come that far */
	bool is_anchored; /* one starting point only */
	uint32_t groups;
};

/* Where matches run; one for all, as programs have one thread. */
static struct {
	pcre2_compile_context *compile;
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
	const lk_pattern *last; /* whose captures data holds */
	const char *text;	/* that they point into */
	char *cleaned;		/* owner of text when it had to be made valid */
	bool no_jit;
} room;

static void room_open(void)
{
	if (room.context)
		return;
	room.compile = pcre2_compile_context_create(NULL);
	pcre2_set_parens_nest_limit(room.compile, 50);
	room.context = pcre2_match_context_create(NULL);
	pcre2_set_heap_limit(room.context, HEAP_KIB);
	pcre2_set_depth_limit(room.context, DEPTH_LIMIT);
	room.data = pcre2_match_data_create(MOST_GROUPS + 1, NULL);
	room.stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK_BYTES, NULL);
	if (room.stack)
		pcre2_jit_stack_assign(room.context, NULL, room.stack);
}

void lk_pattern_use_jit(bool use)
{
	room.no_jit = !use;
}

static bool refuse(GError **error, int code, const char *pattern, size_t at)
{
	unsigned char words[256] = "";

	pcre2_get_error_message(code, words, sizeof(words));
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "bad pattern at character %ld: %s",
		    g_utf8_strlen(pattern, (gssize)MIN(at, strlen(pattern))) + 1, (char *)words);
	return false;
}

static bool compile(const char *pattern, uint32_t options, pcre2_code **ret_code, GError **error)
{
	int code = 0;
	size_t at = 0;

	room_open();
	*ret_code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern), options, &code, &at,
				  room.compile);
	return *ret_code || refuse(error, code, pattern, at);
}

static uint32_t options_of(unsigned flags)
{
	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;

	if (flags & LK_PATTERN_IGNORE_CASE)
		options |= PCRE2_CASELESS;
	if (flags & LK_PATTERN_LINES)
		options |= PCRE2_MULTILINE;
	return options;
}

bool lk_pattern_new(const char *pattern, unsigned flags, lk_pattern **ret_pattern, GError **error)
{
	g_autoptr(lk_pattern) made = g_new0(lk_pattern, 1);
	uint32_t all = 0;

	if (*pattern == '\0' || strlen(pattern) > MOST_PATTERN_BYTES) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    *pattern ? "the pattern is longer than %d bytes"
				     : "an empty pattern would match everything",
			    MOST_PATTERN_BYTES);
		return false;
	}
	if (!compile(pattern, options_of(flags) | PCRE2_USE_OFFSET_LIMIT, &made->code, error))
		return false;
	pcre2_pattern_info(made->code, PCRE2_INFO_CAPTURECOUNT, &made->groups);
	pcre2_pattern_info(made->code, PCRE2_INFO_ALLOPTIONS, &all);
	made->is_anchored = (all & PCRE2_ANCHORED) != 0;
	if (made->groups > MOST_GROUPS) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "the pattern has %u groups; at most %d are allowed, (?:..) counts not",
			    made->groups, MOST_GROUPS);
		return false;
	}
	made->wants_jit = !(flags & LK_PATTERN_ONCE);
	*ret_pattern = g_steal_pointer(&made);
	return true;
}

void lk_pattern_free(lk_pattern *pattern)
{
	if (!pattern)
		return;
	if (room.last == pattern)
		room.last = NULL;
	pcre2_code_free(pattern->code);
	g_free(pattern);
}

bool lk_pattern_split(const char *slashed, char **ret_pattern, unsigned *ret_flags, GError **error)
{
	const char *end = *slashed == '/' ? strrchr(slashed + 1, '/') : NULL;

	if (!end) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "a pattern ends with a slash too: \"/pattern/\" or \"/pattern/i\"");
		return false;
	}
	if (strspn(end + 1, "im") != strlen(end + 1)) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "\"%s\" behind a pattern; only i (ignore case) and m (^ and $ at every "
			    "line) may stand there",
			    end + 1);
		return false;
	}
	*ret_flags = (strchr(end + 1, 'i') ? LK_PATTERN_IGNORE_CASE : 0U) |
		     (strchr(end + 1, 'm') ? LK_PATTERN_LINES : 0U);
	*ret_pattern = g_strndup(slashed + 1, (size_t)(end - slashed - 1));
	return true;
}

bool lk_pattern_new_slashed(const char *slashed, unsigned more, lk_pattern **ret_pattern,
			    GError **error)
{
	g_autofree char *pattern = NULL;
	unsigned flags = 0;

	return lk_pattern_split(slashed, &pattern, &flags, error) &&
	       lk_pattern_new(pattern, flags | more, ret_pattern, error);
}

/*
 * PCRE2 counts its limit anew for each starting point. With machine code one count can stand for a
 * walk over the whole text, so long texts get fewer of them.
 */
static uint32_t limit_for(const lk_pattern *pattern, size_t n)
{
	if (pattern->is_anchored || !pattern->is_jit)
		return 1000 * 1000;
	return (uint32_t)CLAMP((size_t)100 * 1000 * 1000 / (n + 1), 10 * 1000, 1000 * 1000);
}

static int run(const lk_pattern *pattern, const char *text, size_t n, size_t start, size_t last)
{
	pcre2_set_offset_limit(room.context, last >= n ? PCRE2_UNSET : last);
	if (pattern->is_jit)
		return pcre2_jit_match(pattern->code, (PCRE2_SPTR)text, n, start,
				       PCRE2_NO_UTF_CHECK, room.data, room.context);
	return pcre2_match(pattern->code, (PCRE2_SPTR)text, n, start, PCRE2_NO_UTF_CHECK, room.data,
			   room.context);
}

static size_t char_start(const char *text, size_t n, size_t at)
{
	while (at < n && ((unsigned char)text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

/* The starting points in stretches, so that time can be looked at between them. */
static int run_in_stretches(const lk_pattern *pattern, const char *text, size_t n)
{
	size_t stretch = pattern->is_jit ? MAX(FIRST_STARTS / (n + 1), 16)
					 : MAX(FIRST_STARTS_SLOW / (n + 1), 4);
	size_t start = 0;
	int64_t begun = 0;

	if (pattern->is_anchored || stretch >= n)
		return run(pattern, text, n, 0, n);
	begun = lk_processor_ms();
	for (;;) {
		size_t next = char_start(text, n, start + MIN(stretch, n - start));
		int done = run(pattern, text, n, start, next >= n ? n : next - 1);
		int64_t took = 0;

		if (done != PCRE2_ERROR_NOMATCH || next >= n)
			return done;
		took = lk_processor_ms() - begun;
		if (took > most_ms)
			return PCRE2_ERROR_MATCHLIMIT;
		if (took < fast_ms)
			stretch *= 8;
		start = next;
	}
}

/* Where no memory may be both written and run there is no machine code: slower, the same. */
static void make_jit(lk_pattern *pattern)
{
	pattern->wants_jit = false;
	if (!room.no_jit)
		pattern->is_jit = pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE) == 0;
}

lk_match lk_pattern_match_valid(lk_pattern *pattern, const char *text, size_t n)
{
	int done = 0;

	if (pattern->wants_jit)
		make_jit(pattern);
	if (n > LK_PATTERN_BYTES)
		for (n = LK_PATTERN_BYTES; ((unsigned char)text[n] & 0xc0) == 0x80; n--)
			;
	pcre2_set_match_limit(room.context, limit_for(pattern, n));
	done = run_in_stretches(pattern, text, n);
	room.last = done >= 0 ? pattern : NULL;
	room.text = text;
	if (done >= 0)
		return LK_MATCH_YES;
	return done == PCRE2_ERROR_NOMATCH ? LK_MATCH_NO : LK_MATCH_LIMIT;
}

lk_match lk_pattern_match(lk_pattern *pattern, const char *text, size_t n)
{
	if (g_utf8_validate_len(text, n, NULL))
		return lk_pattern_match_valid(pattern, text, n);
	g_free(room.cleaned);
	room.cleaned = lk_text_clean(text, n);
	return lk_pattern_match_valid(pattern, room.cleaned, strlen(room.cleaned));
}

unsigned lk_pattern_groups(const lk_pattern *pattern)
{
	return pattern->groups;
}

bool lk_pattern_has_group(const lk_pattern *pattern, const char *name)
{
	PCRE2_SPTR first = NULL;
	PCRE2_SPTR last = NULL;

	return pcre2_substring_nametable_scan(pattern->code, (PCRE2_SPTR)name, &first, &last) > 0;
}

char *lk_pattern_group(const lk_pattern *pattern, unsigned group)
{
	const size_t *ends = NULL;

	if (room.last != pattern || group > pattern->groups)
		return NULL;
	ends = pcre2_get_ovector_pointer(room.data) + (size_t)group * 2;
	if (ends[0] == PCRE2_UNSET || ends[0] > ends[1])
		return NULL;
	return g_strndup(room.text + ends[0], ends[1] - ends[0]);
}

/* Several groups may bear one name (?|..): the one that took part. */
char *lk_pattern_group_named(const lk_pattern *pattern, const char *name)
{
	PCRE2_SPTR first = NULL;
	PCRE2_SPTR last = NULL;
	int size = pcre2_substring_nametable_scan(pattern->code, (PCRE2_SPTR)name, &first, &last);

	for (PCRE2_SPTR entry = first; size > 0 && entry <= last; entry += size) {
		char *text = lk_pattern_group(pattern, (unsigned)entry[0] << 8 | entry[1]);
		if (text)
			return text;
	}
	return NULL;
}

/* --- will it stall? --------------------------------------------------------------------------- */

enum { PROBE_REPEATS = 40, PROBE_LIMIT = 100 * 1000, MOST_PROBES = 24, MOST_PARTS = 8 };

/* Fails at the very end on every way through: what it tries then is the worst that it can do. */
static bool part_stalls(const char *part, size_t n, uint32_t options, GPtrArray *probes)
{
	g_autofree char *failing = g_strdup_printf("(?:%.*s)(?!)", (int)n, part);
	pcre2_code *code = NULL;
	pcre2_match_context *context = NULL;
	bool stalls = false;

	if (!compile(failing, options | PCRE2_NO_START_OPTIMIZE | PCRE2_ANCHORED, &code, NULL))
		return false;
	context = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(context, PROBE_LIMIT);
	pcre2_set_heap_limit(context, HEAP_KIB);
	room.last = NULL;
	for (unsigned i = 0; i < probes->len && !stalls; i++) {
		const char *probe = g_ptr_array_index(probes, i);
		int done = pcre2_match(code, (PCRE2_SPTR)probe, strlen(probe), 0,
				       PCRE2_NO_UTF_CHECK, room.data, context);
		stalls = done == PCRE2_ERROR_MATCHLIMIT || done == PCRE2_ERROR_HEAPLIMIT;
	}
	pcre2_match_context_free(context);
	pcre2_code_free(code);
	return stalls;
}

static void add_probe(GPtrArray *probes, const char *core)
{
	GString *probe = NULL;

	if (probes->len >= MOST_PROBES)
		return;
	probe = g_string_new(NULL);
	for (unsigned i = 0; i < PROBE_REPEATS; i++)
		g_string_append(probe, core);
	g_ptr_array_add(probes, g_string_free(probe, FALSE));
}

/* Runs of one character, of those that the pattern has and of some that classes hold. */
static GPtrArray *probes_for(const char *pattern)
{
	static const char *const common[] = {"a", "0", " ", "-", "a ", "a1", "\n", "\xc3\xa4"};
	GPtrArray *probes = g_ptr_array_new_with_free_func(g_free);
	bool seen[128] = {false};

	for (unsigned i = 0; i < G_N_ELEMENTS(common); i++)
		add_probe(probes, common[i]);
	for (const char *p = pattern; *p; p++) {
		unsigned byte = (unsigned char)*p;
		char core[2] = {*p, '\0'};

		if (byte >= 128 || seen[byte] || (byte < 128 && strchr("\\()[]{}|*+?^$a0 -", *p)))
			continue;
		seen[byte] = true;
		add_probe(probes, core);
	}
	return probes;
}

static bool repeats_without_end(const char *behind)
{
	size_t digits = 0;

	if (*behind == '*' || *behind == '+')
		return behind[1] != '+';
	if (*behind != '{')
		return false;
	digits = strspn(behind + 1, "0123456789");
	return behind[1 + digits] == ',';
}

/* Behind the ] of a class that begins here. */
static const char *skip_class(const char *p)
{
	p++;
	p += *p == '^';
	p += *p == ']';
	while (*p && *p != ']') {
		p += *p == '\\' && p[1];
		p++;
	}
	return p;
}

/* The whole, and each repeated group by itself: what stands before it cannot hide it then. */
bool lk_pattern_may_stall(const char *pattern, unsigned flags)
{
	g_autoptr(GPtrArray) probes = probes_for(pattern);
	g_autoptr(GPtrArray) open = g_ptr_array_new();
	uint32_t options = options_of(flags);
	unsigned parts = 0;

	if (part_stalls(pattern, strlen(pattern), options, probes))
		return true;
	for (const char *p = pattern; *p; p++) {
		const char *begin = NULL;

		if (*p == '\\' && p[1])
			p++;
		else if (*p == '[')
			p = skip_class(p);
		else if (*p == '(')
			g_ptr_array_add(open, (void *)p);
		if (!*p)
			break;
		if (*p != ')' || p[-1] == '\\' || open->len == 0)
			continue;
		begin = g_ptr_array_steal_index(open, open->len - 1);
		if (repeats_without_end(p + 1) && ++parts <= MOST_PARTS) {
			size_t n = (size_t)(p - begin) + 1 +
				   (p[1] == '{' ? strcspn(p + 1, "}") + 1 : 1);

			if (part_stalls(begin, n, options, probes))
				return true;
		}
	}
	return false;
}
