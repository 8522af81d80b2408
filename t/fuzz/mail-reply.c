/* Any bytes as a text whose new words are looked for: nothing may be made up. */
#include "lib/base/text.h"
#include "lib/mail/reply.h"

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	g_autofree char *text = lk_text_clean((const char *)data, n);
	g_autofree char *reply = lk_reply_text(text, "Re: x");

	if (!g_utf8_validate(reply, -1, NULL) || strlen(reply) > strlen(text))
		abort();
	g_autofree char *whole = lk_reply_text(text, "Fwd: x");
	if (strlen(whole) > strlen(text))
		abort();
	return 0;
}
