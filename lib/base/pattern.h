/*
 * Patterns (PCRE2) and globs of the configuration, run on what strangers write: bounded in time and
 * memory whatever both say. UTF and Unicode classes are on.
 */
#ifndef LK_BASE_PATTERN_H
#define LK_BASE_PATTERN_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct lk_pattern lk_pattern;

enum {
	LK_PATTERN_IGNORE_CASE = 1, /* /i */
	LK_PATTERN_LINES = 2,	    /* /m: ^ and $ at every line */
	LK_PATTERN_ONCE = 4	    /* used a few times only: not made into machine code */
};

/*
 * LK_ERR_CONFIG says at which character it is wrong. Machine code is made when it is first matched.
 */
bool lk_pattern_new(const char *pattern, unsigned flags, lk_pattern **ret_pattern, GError **error);
void lk_pattern_free(lk_pattern *pattern);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_pattern, lk_pattern_free)

/*
 * "/.../im" taken apart: what stands between the slashes and the flags. LK_ERR_CONFIG when it
 * begins with a slash and does not end with one. Caller frees *ret_pattern.
 */
bool lk_pattern_split(const char *slashed, char **ret_pattern, unsigned *ret_flags, GError **error);
/* Both in one step; `more` are added to the flags. */
bool lk_pattern_new_slashed(const char *slashed, unsigned more, lk_pattern **ret_pattern,
			    GError **error);

/* LK_MATCH_LIMIT: given up; whether it holds is not known. */
typedef enum { LK_MATCH_NO, LK_MATCH_YES, LK_MATCH_LIMIT } lk_match;

/* Patterns see so much of a longer text. */
enum { LK_PATTERN_BYTES = 256 * 1024 };

/*
 * Does the pattern hold anywhere in the text? n: its bytes. What is not valid UTF-8 is replaced
 * before; _valid: the caller knows that it is valid.
 */
lk_match lk_pattern_match(lk_pattern *pattern, const char *text, size_t n);
lk_match lk_pattern_match_valid(lk_pattern *pattern, const char *text, size_t n);

/*
 * What a group caught in the last match of all, which was this pattern's and said LK_MATCH_YES; 0
 * is the whole. NULL when there is no such group or it took no part. Caller frees.
 */
char *lk_pattern_group(const lk_pattern *pattern, unsigned group);
/* The same by name. */
char *lk_pattern_group_named(const lk_pattern *pattern, const char *name);
/* How many groups it has, and whether one has this name. */
unsigned lk_pattern_groups(const lk_pattern *pattern);
bool lk_pattern_has_group(const lk_pattern *pattern, const char *name);

/*
 * Could a text make it take time that grows without bounds, as nested repeats like (a+)+ do? An
 * educated guess by trying; for warnings. The match limit stands in any case.
 */
bool lk_pattern_may_stall(const char *pattern, unsigned flags);

/* For measurements: no machine code for patterns first matched from here on. */
void lk_pattern_use_jit(bool use);

/*
 * Text in the one form that globs compare: lower case, characters that differ from a letter in
 * case only made that letter. Caller frees.
 */
char *lk_fold(const char *text, size_t n, size_t *ret_n);

/*
 * Globs over whole values: * stands for any text, ? for one character. Both sides folded. Time is
 * the product of the lengths at worst, their sum for globs without ?.
 */
bool lk_glob_match(const char *glob, const char *text, size_t n);

#endif
