/* Any bytes as winmail.dat. */
#include "lib/base/io.h"
#include "lib/mail/tnef.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	lk_autofd int fd = memfd_create("parts", MFD_CLOEXEC);
	g_autoptr(lk_mail) mail = lk_mail_new();
	lk_gather gather = {.mail = mail};
	lk_parts parts = {.fd = fd, .most = 1 << 20};
	g_autofree char *text = NULL;

	lk_tnef_read(&gather, &parts, (const char *)data, n, &text);
	return 0;
}
