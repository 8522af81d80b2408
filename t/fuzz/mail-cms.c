/* Any bytes as an S/MIME object, and what it holds as a mail; then as text with PGP in it. */
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/mail/armour.h"
#include "lib/mail/sealed.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	lk_autofd int fd = memfd_create("parts", MFD_CLOEXEC);
	g_autoptr(lk_mail) mail = lk_mail_new();
	lk_gather gather = {.mail = mail};
	lk_parts parts = {.fd = fd, .end = n, .most = 1 << 20};

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		return 0;
	lk_sealed found = lk_sealed_open(&gather, &parts, 0, n);
	/* Its content is a part of it. */
	if (parts.end > 2 * n || (found == LK_SEALED_SIGNED && parts.end == n))
		abort();

	g_autofree char *text = lk_text_clean((const char *)data, n);
	g_autofree char *bare = lk_armour_strip(text);
	(void)lk_armour_has_encrypted(text);
	if (bare && strlen(bare) >= strlen(text))
		abort();
	return 0;
}
