/* Any bytes as a text with a forwarded mail in it, and as the header of an attached one. */
#include "lib/base/text.h"
#include "lib/desk/forward.h"

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const lk_forward *forward, size_t length)
{
	if (!forward->name && !forward->address)
		abort();
	if (forward->address && !lk_address_is_sane(forward->address))
		abort();
	if (forward->start > forward->words || forward->words > length)
		abort();
	if ((forward->name && !g_utf8_validate(forward->name, -1, NULL)) ||
	    (forward->subject && !g_utf8_validate(forward->subject, -1, NULL)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	g_autofree char *text = lk_text_clean((const char *)data, n);
	lk_forward forward = {0};
	size_t from = 0;

	while (lk_forward_find(text, from, &forward)) {
		check(&forward, strlen(text));
		if (forward.words <= from)
			abort();
		from = forward.words;
		lk_forward_clear(&forward);
	}
	if (lk_forward_read((const char *)data, n, &forward)) {
		check(&forward, n);
		lk_forward_clear(&forward);
	}
	return 0;
}
