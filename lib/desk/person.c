#include "lib/desk/person.h"

#include <glib.h>

static const char *const names[LK_N_STANDINGS] = {"normal", "vip", "blocked", "shared"};

const char *lk_standing_name(lk_standing standing)
{
	g_assert((unsigned)standing < LK_N_STANDINGS);
	return names[standing];
}

bool lk_standing_parse(const char *name, lk_standing *ret_standing)
{
	for (unsigned i = 0; name && i < LK_N_STANDINGS; i++)
		if (g_ascii_strcasecmp(name, names[i]) == 0) {
			*ret_standing = (lk_standing)i;
			return true;
		}
	return false;
}
