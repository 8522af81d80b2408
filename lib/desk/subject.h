/* Subjects: our tag in them, reply prefixes of other languages, and what they are compared by. */
#ifndef LK_DESK_SUBJECT_H
#define LK_DESK_SUBJECT_H

#include "lib/base/hash.h"
#include "lib/desk/policy.h"

enum { LK_SUBJECT_BYTES = 998, LK_SUBJECT_TAGS = 10 };

/*
 * The tickets named in a subject, each once, at most LK_SUBJECT_TAGS: tags like [TUKI-1042] first,
 * then bare references. GArray of int64_t; caller unrefs.
 */
GArray *lk_subject_tickets(const lk_policy *policy, const char *subject);

/* The customer's own words: our tags and leading reply prefixes gone, cut. Caller frees. */
char *lk_subject_base(const lk_policy *policy, const char *subject);

/* The subject of a mail about the ticket: "Re: [TUKI-1042] words", the tag once. Caller frees. */
char *lk_subject_out(const lk_policy *policy, int64_t ticket, const char *base, bool is_reply);

/* BLAKE2b-128 of the words without tags, reply and forward prefixes, case and blanks. */
void lk_subject_hash(const lk_policy *policy, const char *subject,
		     uint8_t ret_hash[LK_KEY_HASH_BYTES]);

/*
 * What repeats of one alarm have in common: the words without measures, dates, times and counters,
 * but with the digits of names ("srv12", "10.1.2.3"), which pg_trgm would find near-identical
 * though they are different machines. False when no words are left to compare by (the hash is made
 * all the same).
 */
bool lk_subject_machine_hash(const lk_policy *policy, const char *subject,
			     uint8_t ret_hash[LK_KEY_HASH_BYTES]);

#endif
