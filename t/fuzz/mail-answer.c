/* Any bytes as the answer of a parser that has been taken over. */
#include "lib/base/json.h"
#include "lib/mail/answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	g_autoptr(lk_mail) mail = NULL;

	if (!lk_answer_decode(data, n, 1000, &mail, NULL))
		return 0;
	for (unsigned i = 0; i < mail->attachments->len; i++) {
		const lk_attachment *part = g_ptr_array_index(mail->attachments, i);
		if (part->offset > 1000 || part->size > 1000 - part->offset)
			abort();
	}
	g_autoptr(lk_json) json = lk_mail_json(mail);
	g_autofree char *text = lk_json_dump(json, false);
	if (!g_utf8_validate(text, -1, NULL))
		abort();
	return 0;
}
