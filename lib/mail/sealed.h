/* CMS objects (RFC 5652), as S/MIME wraps mails in: the content of opaque signed ones. */
#ifndef LK_MAIL_SEALED_H
#define LK_MAIL_SEALED_H

#include "lib/mail/walk.h"

#include <stdint.h>

typedef enum {
	LK_SEALED_NONE,	     /* not CMS, or of a form that holds no mail */
	LK_SEALED_ENCRYPTED, /* only its recipient can open it */
	LK_SEALED_SIGNED,    /* its content lies in the parts file now */
	LK_SEALED_DAMAGED    /* the same as far as it could be read */
} lk_sealed;

/*
 * Reads the object in bytes [start, end) of the parts file. The content of a signed one is
 * appended to that file, in bounded memory, and is no attachment. The signature is not checked.
 */
lk_sealed lk_sealed_open(lk_gather *gather, lk_parts *parts, uint64_t start, uint64_t end);

#endif
