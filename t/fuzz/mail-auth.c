/* Any bytes as the header of a mail whose Authentication-Results are read. */
#include "lib/mail/auth.h"
#include "lib/mail/head.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const ids[] = {"mx.desk.example", NULL};
	g_autoptr(lk_fields) fields = lk_fields_parse((const char *)data, n);
	g_autoptr(lk_mail) mail = lk_mail_new();
	lk_gather gather = {.mail = mail, .fields = fields};

	lk_head_read(&gather);
	lk_auth_read(&gather, ids, ids);
	return 0;
}
