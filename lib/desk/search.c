#include "lib/desk/search.h"

#include "lib/base/text.h"
#include "lib/desk/command.h"

void lk_search_params(lk_params *params, const char *prefix, const char *words,
		      uint8_t hash[LK_KEY_HASH_BYTES])
{
	g_autofree char *plain = words ? lk_command_plain(words) : NULL;
	g_autofree char *address = plain ? lk_address_fold(plain) : NULL;
	int64_t ticket = 0;

	lk_param_text(params, words);
	if (address && lk_address_is_sane(address)) {
		lk_key_hash(address, hash);
		lk_param_bytes(params, hash, LK_KEY_HASH_BYTES);
	} else {
		lk_param_null(params);
	}
	if (plain && lk_reference_read(prefix, plain, &ticket))
		lk_param_int(params, ticket);
	else
		lk_param_null(params);
}
