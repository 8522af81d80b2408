/* Strict readers of what people write into configurations and command lines. */
#ifndef LK_BASE_UNITS_H
#define LK_BASE_UNITS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* "90s" "15m" "4h" "3d" "2w" to seconds. A bare "0" is allowed. LK_ERR_CONFIG. */
bool lk_parse_duration(const char *text, int64_t *ret_seconds, GError **error);

/* "256K" "50M" "2G" or bare bytes, powers of 1024. LK_ERR_CONFIG. */
bool lk_parse_size(const char *text, int64_t *ret_bytes, GError **error);

/* A whole decimal number within [low, high], nothing before or after it. LK_ERR_DATA. */
bool lk_parse_int(const char *text, int64_t low, int64_t high, int64_t *ret_number, GError **error);

/*
 * A decimal number such as "-2.5" at the beginning of the text, at most nine digits before the
 * point. ret_end (may be NULL): behind it. False when there is none.
 */
bool lk_parse_decimal(const char *text, double *ret_number, const char **ret_end);

/* "10/10m": a count and the stretch it holds for, in seconds. LK_ERR_CONFIG. */
bool lk_parse_rate(const char *text, int64_t *ret_count, int64_t *ret_seconds, GError **error);

/* Seconds as the shortest exact form lk_parse_duration reads. Caller frees. */
char *lk_format_duration(int64_t seconds);

/* The candidate nearest to the word by edit distance, or NULL when none is near. Borrowed. */
const char *lk_nearest_word(const char *word, const char *const *candidates, unsigned n);

#endif
