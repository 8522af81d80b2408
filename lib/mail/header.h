/* The header block of a mail, read from its file without trusting a byte of it. */
#ifndef LK_MAIL_HEADER_H
#define LK_MAIL_HEADER_H

#include "lib/base/clock.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LK_FIELD_BYTES = 64 * 1024, LK_FIELDS_MOST = 2000 };

typedef struct {
	char *name;
	GString *value; /* raw and folded, without the last line end; at most LK_FIELD_BYTES */
} lk_field;

typedef struct {
	GPtrArray *fields;   /* lk_field *, header order */
	uint64_t body;	     /* offset of the body in the file */
	bool was_cut;	     /* a field or the number of fields exceeded its limit */
	bool had_junk;	     /* lines above the first field were skipped */
	bool had_unindented; /* folded lines without their indent */
	bool had_no_end;     /* no empty line between header and body */
	bool has_bare_cr;    /* lines end in CR alone */
} lk_fields;

/*
 * Reads the block at offset of a file, at most max_bytes of the file. A mail without any header
 * line is all body. Never fails: an unreadable file has no fields.
 */
lk_fields *lk_fields_read(int fd, uint64_t offset, uint64_t max_bytes);

/* The same from memory; body is an offset into bytes. */
lk_fields *lk_fields_parse(const char *bytes, size_t n);
void lk_fields_free(lk_fields *fields);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_fields, lk_fields_free)

/* The first field of that name (ASCII case-insensitive), raw, or NULL. Borrowed. */
const lk_field *lk_fields_get(const lk_fields *fields, const char *name);

/* Its value unfolded, or decoded as RFC 2047 text; NULL when there is none. Caller frees. */
char *lk_fields_line(const lk_fields *fields, const char *name);
char *lk_fields_text(const lk_fields *fields, const char *name);

/* Dates as mail programs write them (RFC 5322 and worse); LK_TIME_NONE when it is none. */
lk_time lk_date_parse(const char *text);

#endif
