/* Any bytes as HTML, then as the text a reply is trimmed from. */
#include "lib/mail/html.h"
#include "lib/mail/params.h"
#include "lib/mail/reply.h"
#include "lib/mail/text.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	g_autoptr(lk_mime_params) type = lk_mime_params_parse("text/html");
	lk_charset_reading reading;
	g_autofree char *text = lk_text_html((const char *)data, n, type, &reading);

	if (!g_utf8_validate(text, -1, NULL))
		abort();
	g_autofree char *reply = lk_reply_text(text, "Re: x");
	if (!g_utf8_validate(reply, -1, NULL))
		abort();
	return 0;
}
