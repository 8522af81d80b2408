/* Reads a mail into lk_mail. Runs in luukku-parse only: here the bytes of strangers are opened. */
#ifndef LK_MAIL_PARSE_H
#define LK_MAIL_PARSE_H

#include "lib/mail/mail.h"

#include <stdbool.h>

/* NULL-terminated lists or NULL; borrowed. */
typedef struct {
	const char *const *authserv;  /* ids whose Authentication-Results are believed */
	const char *const *relays;    /* hosts whose topmost Received line they must stand at */
	const char *const *own_lists; /* List-Ids of the desk's own group addresses */
	const char *const *strip;     /* gateway banners to remove */
} lk_parse_settings;

/* Once, before the sandbox closes: whatever opens files later. */
void lk_parse_init(void);

/*
 * Reads the mail and appends its decoded attachments to the parts file, whose new end is returned.
 * Never fails: what cannot be read is a defect in the answer.
 */
lk_mail *lk_parse(int mail_fd, int parts_fd, const lk_parse_settings *settings,
		  uint64_t *ret_parts_end);

#endif
