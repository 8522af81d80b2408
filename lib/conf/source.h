/*
 * The text of a configuration with its includes put in, and where each line of it came from.
 *
 * libconfig's own @include knows one folder only, does not name a file that it cannot open, and
 * reads without a limit; so the includes are put in before libconfig sees the text.
 */
#ifndef LK_CONF_SOURCE_H
#define LK_CONF_SOURCE_H

#include "lib/conf/problem.h"

typedef struct lk_source lk_source;

/*
 * Reads a file and what it includes. Finds: files that cannot be read, NUL bytes, strings and
 * comments that are never closed, and whole numbers that libconfig would wrap silently. False
 * when the file itself could not be read (found as at, or as line 0 of it).
 */
bool lk_source_read(const lk_findings *findings, const char *path, const lk_conf_origin *at,
		    lk_source **ret_source);
void lk_source_free(lk_source *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_source, lk_source_free)

/* Borrowed; NUL-terminated. */
const char *lk_source_text(const lk_source *source);

/* Where line n (from 1) of the text stands. */
lk_conf_origin lk_source_origin(const lk_source *source, int line);

/* Is the text as far as the files could be read, or did something end it early? */
bool lk_source_is_whole(const lk_source *source);

#endif
