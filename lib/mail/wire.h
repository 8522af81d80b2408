/* What goes over the socket between lib/mail/parser.c and luukku-parse: one packet each way. */
#ifndef LK_MAIL_WIRE_H
#define LK_MAIL_WIRE_H

#include <stdint.h>

/*
 * The version counts up with every change of these packets or of the answer's form (answer.c): an
 * upgrade puts a new parser beside a program that still runs.
 */
enum {
	LK_WIRE_SOCKET = 3,
	LK_WIRE_MAGIC = 0x6c6b7031 /* "lkp1" */,
	LK_WIRE_VERSION = 4,
	LK_WIRE_ANSWER_MOST = 48 * 1024 /* that goes with its reply in one packet */
};

/* With two descriptors: the mail to read, the parts file to append to. */
typedef struct {
	uint32_t magic;
	uint32_t unused;
	uint64_t sequence;
} lk_wire_request;

/*
 * The first packet of a parser that is ready, sandbox and all, has sequence 0 and its version for
 * size. In later ones the answer, of `size` bytes, stands behind this struct; a longer one than
 * fits in lies at `offset` in the parts file. The decoded attachments end there or before.
 */
typedef struct {
	uint32_t magic;
	uint32_t has_no_room; /* 1: the parts file could not be written; there is no answer */
	uint64_t sequence;
	uint64_t offset;
	uint64_t size;
} lk_wire_reply;

#endif
