/* What a string of the configuration must look like. */
#ifndef LK_CONF_FORM_H
#define LK_CONF_FORM_H

#include "lib/base/calendar.h" /* its strings are checked there */
#include "lib/conf/schema.h"

/*
 * Checks a text and gives it as it is kept: folded, lower case, absolute. NULL when it is wrong,
 * *ret_why then says what it should be. dir: folder that relative paths start from.
 */
char *lk_form_read(const lk_setting *setting, const char *text, const char *dir, char **ret_why);

/* Is it a host on this machine: a loopback address, localhost or a unix socket? */
bool lk_host_is_local(const char *host);

/* One of choices, or -1 with *ret_why. */
int lk_choice_read(const char *const *choices, const char *text, char **ret_why);

/* "; did you mean X?" or "". Caller frees. */
char *lk_did_you_mean(const char *word, const char *const *candidates, unsigned n);

/* "90s" "15m" "4h" "3d" "2w", and "5y" of 365 days each: calendar time in seconds. */
bool lk_duration_read(const char *text, int64_t *ret_seconds, char **ret_why);

/* "8h", "2d", "1w" of open time. */
bool lk_span_read(const char *text, lk_conf_span *ret_span, char **ret_why);

/* "keep", "seen", "delete", "move:FOLDER". */
bool lk_after_read(const char *text, lk_conf_after *ret_after, char **ret_why);

/*
 * conninfo.c: a libpq connection string with *** for a password. Caller frees.
 */
char *lk_conninfo_mask(const char *text, bool *ret_has_password);

/* pattern.c: does it compile (flags of lib/base/pattern.h)? NULL, else why not. Caller frees. */
char *lk_pattern_check(const char *pattern, unsigned flags);
/* "/.../im": false with *ret_why when it begins with a slash and is no pattern. */
bool lk_slashed_check(const char *text, char **ret_why);

#endif
