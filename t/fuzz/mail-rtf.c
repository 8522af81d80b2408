/* Any bytes as RTF that has been unpacked. */
#include "lib/mail/rtf.h"

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	g_autofree char *text = lk_rtf_to_text((const char *)data, n);

	if (text && !g_utf8_validate(text, -1, NULL))
		abort();
	return 0;
}
