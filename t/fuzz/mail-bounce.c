/* Any bytes as a delivery-status part and as a notice in words. */
#include "lib/base/text.h"
#include "lib/mail/bounce-parts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	g_autofree char *text = lk_text_clean((const char *)data, n);
	g_auto(lk_findings) status = {0};
	g_auto(lk_findings) words = {0};
	lk_notice_parties parties = {"mailer-daemon@mx.example", NULL, NULL};
	const char *returned = NULL;

	lk_status_read(text, &status);
	g_autofree char *notice = lk_notice_of(text, &returned);
	lk_notice_read(notice, &parties, &words);
	for (unsigned i = 0; words.recipients && i < words.recipients->len; i++)
		if (!strchr(g_ptr_array_index(words.recipients, i), '@'))
			abort();
	return 0;
}
