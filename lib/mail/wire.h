/* What goes over the socket between lib/mail/parser.c and luukku-parse: one packet each way. */
#ifndef LK_MAIL_WIRE_H
#define LK_MAIL_WIRE_H

#include <stdint.h>

enum { LK_WIRE_SOCKET = 3, LK_WIRE_MAGIC = 0x6c6b7031 }; /* "lkp1" */

/* With two descriptors: the mail to read, the parts file to append to. */
typedef struct {
	uint32_t magic;
	uint32_t unused;
	uint64_t sequence;
} lk_wire_request;

/* Where in the parts file the answer lies; the decoded attachments end at or before it. */
typedef struct {
	uint32_t magic;
	uint32_t unused;
	uint64_t sequence;
	uint64_t offset;
	uint64_t size;
} lk_wire_reply;

#endif
