/* The MIME tree of a mail: text to show, the rest as attachments. */
#ifndef LK_MAIL_WALK_H
#define LK_MAIL_WALK_H

#include "lib/mail/gather.h"
#include "lib/mail/mail-file.h"

#include <stdint.h>

typedef struct {
	int fd;	      /* the parts file */
	uint64_t end; /* next byte to write */
	uint64_t most;
} lk_parts;

/*
 * Walks the body of the mail, which starts at gather->fields->body, and fills text, attachments and
 * what else the parts say. What of a held mail stands before its body is written over.
 */
void lk_walk(lk_gather *gather, const lk_mail_file *file, lk_parts *parts);

/* Appends n bytes; false, with a defect noted, when the file may not grow further. */
bool lk_parts_append(lk_gather *gather, lk_parts *parts, const void *bytes, size_t n);

/* Notes bytes [start, parts->end) as an attachment; the texts may be NULL. */
void lk_parts_attach(lk_gather *gather, lk_parts *parts, uint64_t start, const char *filename,
		     const char *content_type, const char *content_id, bool is_inline);

#endif
