/* One search for #search and luukkuctl list --search: a customer's address, words, tags, a
 * reference. */
#ifndef LK_DESK_SEARCH_H
#define LK_DESK_SEARCH_H

#include "lib/base/hash.h"
#include "lib/db/db.h"

/*
 * The parameters of the SQL function search_tickets for what a person wrote: the words, the hash of
 * the address that they are or null, the ticket that they name or null. words NULL: three nulls.
 * hash is room for the address's, as long as the parameters live.
 */
void lk_search_params(lk_params *params, const char *prefix, const char *words,
		      uint8_t hash[LK_KEY_HASH_BYTES]);

#endif
