/*
 * The parser's answer on its way between processes: read through one bounds check, with every
 * limit of luukku checked on top.
 */
#ifndef LK_MAIL_ANSWER_H
#define LK_MAIL_ANSWER_H

#include "lib/mail/mail.h"

enum {
	LK_ANSWER_BYTES_MOST = 16 * 1024 * 1024,
	LK_TEXT_BYTES_MOST = 1024 * 1024, /* longer parts are attached whole */
	LK_REFERENCES_MOST = 100,
	LK_HEADERS_MOST = 500,
	LK_HEADER_BYTES_MOST = 2048,
	LK_ATTACHMENTS_MOST = 2000,
	LK_DEFECTS_MOST = 100,
	LK_BOUNCE_RECIPIENTS_MOST = 1000,
	LK_SIGNERS_MOST = 10,
	LK_AUTH_TRAIL_MOST = 20,
	LK_DOMAIN_BYTES_MOST = 253
};

/* The bytes of a mail's fields; hashes of attachments are not part of it. Caller unrefs. */
GBytes *lk_answer_encode(const lk_mail *mail);

/*
 * Reads such bytes as those of an enemy: text is made clean UTF-8, lists and texts are cut at
 * their limits, attachments must lie within parts_size. LK_ERR_DATA.
 */
bool lk_answer_decode(const void *bytes, size_t n, uint64_t parts_size, lk_mail **ret_mail,
		      GError **error);

#endif
