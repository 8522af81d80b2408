#include "lib/mail/mail-file.h"

#include <errno.h>
#include <unistd.h>

void lk_mail_file_open(lk_mail_file *file, int fd, uint64_t size)
{
	size_t done = 0;

	*file = (lk_mail_file){.fd = fd, .size = size};
	if (size > LK_MAIL_FILE_HELD_MOST)
		return;
	g_autofree uint8_t *bytes = g_malloc(LK_MAIL_FILE_ROOM + size);
	while (done < size) {
		ssize_t got = pread(fd, bytes + LK_MAIL_FILE_ROOM + done, size - done, (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	file->size = done;
	file->held = g_byte_array_new_take(g_steal_pointer(&bytes), LK_MAIL_FILE_ROOM + done);
}

void lk_mail_file_clear(lk_mail_file *file)
{
	g_clear_pointer(&file->held, g_byte_array_unref);
}

char *lk_mail_file_bytes(const lk_mail_file *file)
{
	return file->held ? (char *)file->held->data + LK_MAIL_FILE_ROOM : NULL;
}

lk_fields *lk_mail_file_fields(const lk_mail_file *file, uint64_t max_bytes)
{
	if (file->held)
		return lk_fields_parse(lk_mail_file_bytes(file), MIN(file->size, max_bytes));
	return lk_fields_read(file->fd, 0, max_bytes);
}
