/* The LMTP server on what any local process may say to it. */
#include "lib/base/io.h"
#include "lib/net/lmtp.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_BYTES = 65536 };

static void deliver(const lk_lmtp_mail *mail, lk_lmtp_reply *replies, void *data)
{
	uint64_t size = 0;
	g_assert(lk_file_size(mail->fd, &size, NULL) && size == mail->size && size <= 4096);
	g_assert(mail->n_recipients > 0 && mail->recipients[mail->n_recipients] == NULL);
	for (size_t i = 0; i < mail->n_recipients; i++) {
		g_assert(strpbrk(mail->recipients[i], "<> \r\n") == NULL);
		replies[i].code = i % 2 ? 451 : 250;
		replies[i].text = g_strdup(mail->recipients[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int ends[2];
	int room = 4 * MOST_BYTES;
	if (n > MOST_BYTES || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return 0;
	/* All of it fits into the buffers, so that one process can be both sides. */
	for (int i = 0; i < 2; i++)
		g_assert(setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
	if (send(ends[1], data, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n) {
		shutdown(ends[1], SHUT_WR);
		lk_lmtp_options options = {.host_name = "desk.test",
					   .max_size = 4096,
					   .io_timeout_ms = 100,
					   .wake_fd = -1,
					   .deliver = deliver};
		(void)lk_lmtp_serve(ends[0], &options, NULL);
	} else
		close(ends[0]);
	close(ends[1]);
	return 0;
}
