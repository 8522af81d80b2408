/*
 * The file a mail is read from. One of common size is read into memory once, as it is gone through
 * several times, a few kB each; a larger one is read in pieces each time.
 */
#ifndef LK_MAIL_MAIL_FILE_H
#define LK_MAIL_MAIL_FILE_H

#include "lib/mail/header.h"

#include <glib.h>
#include <stdint.h>

enum {
	LK_MAIL_FILE_HELD_MOST = 6 * 1024 * 1024,
	LK_MAIL_FILE_ROOM = 128 * 1024 /* a header that takes the place of the mail's own */
};

typedef struct {
	int fd; /* borrowed */
	uint64_t size;
	GByteArray *held; /* the room, then the mail; NULL: it is in the file only */
} lk_mail_file;

void lk_mail_file_open(lk_mail_file *file, int fd, uint64_t size);
void lk_mail_file_clear(lk_mail_file *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_mail_file, lk_mail_file_clear)

/* The mail's bytes, or NULL. Borrowed. */
char *lk_mail_file_bytes(const lk_mail_file *file);

/* Its header. Caller frees. */
lk_fields *lk_mail_file_fields(const lk_mail_file *file, uint64_t max_bytes);

#endif
