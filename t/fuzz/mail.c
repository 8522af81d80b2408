/* Any bytes as a mail, through all of the parser and its answer. Seeds: t/mail. */
#include "lib/base/io.h"
#include "lib/mail/answer.h"
#include "lib/mail/parse.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	lk_parse_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const ids[] = {"mx.desk.example", NULL};
	lk_parse_settings settings = {ids, ids, ids, ids};
	lk_autofd int mail_fd = memfd_create("mail", MFD_CLOEXEC);
	lk_autofd int parts_fd = memfd_create("parts", MFD_CLOEXEC);
	g_autoptr(lk_mail) again = NULL;
	uint64_t end = 0;

	if (mail_fd < 0 || parts_fd < 0 || write(mail_fd, data, n) != (ssize_t)n)
		return 0;
	g_autoptr(lk_mail) mail = lk_parse(mail_fd, parts_fd, &settings, &end);
	g_autoptr(GBytes) answer = lk_answer_encode(mail);
	gsize size = 0;
	const void *bytes = g_bytes_get_data(answer, &size);
	/* What we encode we must be able to read. */
	if (!lk_answer_decode(bytes, size, end, &again, NULL))
		abort();
	return 0;
}
