/* Builds the bytes of a mail that goes out (RFC 5322, MIME). */
#ifndef LK_MAIL_COMPOSE_H
#define LK_MAIL_COMPOSE_H

#include "lib/base/clock.h"

#include <glib.h>
#include <stdbool.h>

typedef struct {
	const char *name;  /* "X-Luukku-Ticket" */
	const char *value; /* UTF-8, one line */
} lk_compose_header;

typedef struct {
	const char *name; /* or NULL */
	const char *address;
} lk_compose_address;

/* A part that goes along, byte for byte. Everything borrowed. */
typedef struct {
	const char *filename;	  /* UTF-8, or NULL */
	const char *content_type; /* "image/png"; NULL or nonsense: application/octet-stream */
	const char *content_id;	  /* without <>; shown within the HTML as cid:, or NULL */
	const void *bytes;
	size_t n;
} lk_compose_part;

/* Everything borrowed. Addresses must pass lk_address_is_sane. */
typedef struct {
	const char *message_id; /* without <> */
	lk_time date;
	const char *from_name; /* or NULL */
	const char *from_address;
	const char *reply_to; /* or NULL */
	const char *to_name;  /* or NULL */
	const char *to_address;
	const lk_compose_address *more_to; /* shown in To behind it: the envelope has one only */
	unsigned n_more_to;
	const lk_compose_address *cc;
	unsigned n_cc;
	const char *subject;
	const char *in_reply_to;       /* without <>, or NULL */
	const char *const *references; /* NULL-terminated, without <>, or NULL */
	const lk_compose_header *headers;
	unsigned n_headers;
	const char *language; /* Content-Language, or NULL */
	const char *text;
	const char *html; /* or NULL: text only */
	const lk_compose_part *parts;
	unsigned n_parts;
} lk_compose;

/*
 * The mail with CRLF line ends, 7-bit clean, lines of at most 998 octets. Values with CR, LF or NUL
 * are refused. LK_ERR_MESSAGE. Caller frees.
 */
bool lk_compose_build(const lk_compose *compose, GString **ret_bytes, GError **error);

#endif
