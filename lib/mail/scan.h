/*
 * A look at a mail before GMime sees it: where its costs (nesting, number of parts, part headers
 * without end) would leave their bounds, reading stops. One pass, constant memory.
 */
#ifndef LK_MAIL_SCAN_H
#define LK_MAIL_SCAN_H

#include "lib/mail/mail-file.h"

#include <stdint.h>

typedef struct {
	uint64_t end;	      /* offset behind what may be read */
	const char *exceeded; /* which limit says so, static; NULL when all may be read */
} lk_scan;

/* The body starts at `body`; boundary: of the Content-Type above it, or NULL. */
lk_scan lk_scan_body(const lk_mail_file *file, uint64_t body, const char *boundary);

#endif
