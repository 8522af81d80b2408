/*
 * Signed tokens: the local parts and Message-IDs by which luukku knows its own mail.
 *
 * A token is base32 (a-z2-7, case does not matter) of
 *     purpose(1) epoch(1) number(5, big endian) recipient tag(5) MAC(10)
 * 22 bytes, 36 characters: "ict+" and a token stay well below the 64 octets of a local part
 * (RFC 5321 4.5.3.1.1). The MAC is keyed BLAKE2b over everything before it and the site's domain;
 * each purpose has its own subkey, so that a process holding one subkey cannot sign for another.
 * The recipient tag is a keyed hash of the lower-cased address.
 */
#ifndef LK_BASE_TOKEN_H
#define LK_BASE_TOKEN_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
	LK_PURPOSE_NONE = 0,
	LK_PURPOSE_CUSTOMER = 1,
	LK_PURPOSE_AGENT = 2,
	LK_PURPOSE_NOTE = 3,
	LK_PURPOSE_SUPPLIER = 4,
	LK_PURPOSE_CONSULT = 5,
	LK_PURPOSE_BOUNCE = 6, /* number is an outbox id */
	LK_PURPOSE_SURVEY = 7,
	LK_PURPOSE_ACTION = 8,
	LK_PURPOSE_APART = 9 /* number is a message that shall be a ticket of its own */
} lk_purpose;

enum { LK_TOKEN_CHARS = 36, LK_TOKEN_TAG_BYTES = 5 };

/* The site keys: the first signs, all verify. */
typedef struct lk_keys lk_keys;

/*
 * Reads the key file: one 64-hex-digit key a line, '#' comments and empty lines allowed, newest
 * first, at most 16. Refuses symbolic links and files readable by group or others. LK_ERR_CONFIG.
 */
bool lk_keys_load(const char *path, const char *domain, lk_keys **ret_keys, GError **error);

/*
 * What verifies tokens of one purpose and nothing else: neither the site keys nor a token of any
 * purpose can be made from it, and it knows no address (lk_token_is_for says false). For programs
 * that strangers reach.
 */
lk_keys *lk_keys_only(const lk_keys *keys, lk_purpose purpose);

/* From n raw keys of 32 bytes each, for tests. */
lk_keys *lk_keys_from_bytes(const uint8_t *bytes, unsigned n, const char *domain);
void lk_keys_free(lk_keys *keys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_keys, lk_keys_free)

unsigned lk_keys_count(const lk_keys *keys);
/*
 * By which people tell keys apart: 16 hex digits of a subkey of its own, the newest key first.
 * Nothing can be signed with it. Caller frees.
 */
char *lk_keys_fingerprint(const lk_keys *keys, unsigned key);

/* A new random key as 64 hex digits and a newline in locked memory (lk_secret.h). */
struct lk_secret;
struct lk_secret *lk_key_generate(void);

typedef struct {
	lk_purpose purpose;
	uint8_t epoch;
	uint64_t number; /* ticket number, but for LK_PURPOSE_BOUNCE and _APART */
	uint8_t tag[LK_TOKEN_TAG_BYTES];
	unsigned key; /* index of the key that verified it; 0 is the newest */
} lk_token;

/* The token as LK_TOKEN_CHARS characters. number < 2^40. Caller frees. */
char *lk_token_sign(const lk_keys *keys, lk_purpose purpose, uint8_t epoch, uint64_t number,
		    const char *recipient);

/* Decodes and verifies; false when it is no valid token of ours (not an error, a fact). */
bool lk_token_verify(const lk_keys *keys, const char *text, lk_token *ret_token);

/* Was this token made for this address? */
bool lk_token_is_for(const lk_keys *keys, const lk_token *token, const char *address);

/*
 * Message-IDs of ours: "lk.<base32>@domain" (without <>), of purpose(1) ticket(5) outbox id(5)
 * MAC(9): 20 bytes, 32 characters, under a key of their own, so that no address token can be made
 * from one. purpose is what the mail was for (customer, agent, note, supplier, consult, survey).
 */
char *lk_message_id_sign(const lk_keys *keys, lk_purpose purpose, uint64_t ticket,
			 uint64_t outbox_id);
/* Text with or without <>. */
bool lk_message_id_verify(const lk_keys *keys, const char *text, lk_purpose *ret_purpose,
			  uint64_t *ret_ticket, uint64_t *ret_outbox_id);

#endif
