/*
 * luukku-parse: reads the bytes of strangers. Mails come as descriptors over socket 3, answers go
 * into the parts file that came along. Started by lib/mail/parser.c, never by hand.
 */
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/mail/answer.h"
#include "lib/mail/parse.h"
#include "lib/mail/wire.h"

#include "daemon/parse-sandbox.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { KEPT_BYTES = 8 * 1024 * 1024 };

typedef struct {
	GPtrArray *authserv, *relays, *own_lists, *strip;
} lists;

static const char *const *list_of(GPtrArray *list)
{
	g_ptr_array_add(list, NULL);
	return (const char *const *)list->pdata;
}

static bool read_arguments(int argc, char **argv, lists *into)
{
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 >= argc)
			return false;
		if (strcmp(argv[i], "--authserv") == 0)
			g_ptr_array_add(into->authserv, argv[i + 1]);
		else if (strcmp(argv[i], "--relay") == 0)
			g_ptr_array_add(into->relays, argv[i + 1]);
		else if (strcmp(argv[i], "--own-list") == 0)
			g_ptr_array_add(into->own_lists, argv[i + 1]);
		else if (strcmp(argv[i], "--strip") == 0)
			g_ptr_array_add(into->strip, argv[i + 1]);
		else
			return false;
	}
	return true;
}

/* False when the other side is gone or does not speak our protocol. */
static bool receive(lk_wire_request *request, int *ret_mail_fd, int *ret_parts_fd)
{
	struct iovec data = {request, sizeof *request};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof control.bytes};
	int fds[2] = {-1, -1};
	ssize_t got;

	do
		got = recvmsg(LK_WIRE_SOCKET, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (got != (ssize_t)sizeof *request || request->magic != LK_WIRE_MAGIC || !header ||
	    header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof fds))
		return false;
	memcpy(fds, CMSG_DATA(header), sizeof fds);
	*ret_mail_fd = fds[0];
	*ret_parts_fd = fds[1];
	return true;
}

/* Of a mail that says "X-Luukku-Fault: NAME" near its start; only where tests ask for it. */
static char *marked_fault(int mail_fd)
{
	enum { LOOK_BYTES = 4096 };
	static const char header[] = "\nX-Luukku-Fault: ";

	if (!lk_fault_mode("parse-marked"))
		return NULL;
	g_autofree char *start = g_malloc0(LOOK_BYTES + 1);
	ssize_t got = pread(mail_fd, start, LOOK_BYTES, 0);
	const char *found = got > 0 ? strstr(start, header) : NULL;
	return found ? g_strndup(found + strlen(header), strcspn(found + strlen(header), "\r\n"))
		     : NULL;
}

static bool is_fault(const char *marked, const char *name)
{
	return marked ? strcmp(marked, name) == 0 : lk_fault_mode(name);
}

/* What tests ask for: a parser that fails in each way a parser can. */
static void misbehave(int mail_fd)
{
	g_autofree char *marked = marked_fault(mail_fd);

	if (is_fault(marked, "parse-crash"))
		abort();
	if (is_fault(marked, "parse-hang"))
		for (;;)
			pause();
	if (is_fault(marked, "parse-spin"))
		for (volatile unsigned i = 0;; i++)
			;
	if (is_fault(marked, "parse-eat"))
		for (;;)
			memset(g_malloc(1 << 24), 1, 1 << 24);
	if (is_fault(marked, "parse-socket"))
		(void)!socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (is_fault(marked, "parse-open"))
		(void)!fopen("/etc/passwd", "re");
	if (is_fault(marked, "parse-exec"))
		execl("/bin/true", "true", (char *)NULL);
}

/* Behind the attachments in their file. A disk that is full is no fault of the mail. */
static bool write_long(int parts_fd, const char *bytes, gsize size, lk_wire_reply *reply)
{
	for (gsize done = 0; done < size && !reply->has_no_room;) {
		ssize_t n =
			pwrite(parts_fd, bytes + done, size - done, (off_t)(reply->offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		reply->has_no_room = n < 0 && (errno == ENOSPC || errno == EDQUOT);
		if (n <= 0 && !reply->has_no_room)
			return false; /* our death makes the client try once more and give up */
		done += (gsize)MAX(n, 0);
	}
	return true;
}

static bool send_answer(int parts_fd, const lk_mail *mail, lk_wire_reply *reply)
{
	g_autoptr(GBytes) answer = lk_answer_encode(mail);
	g_autoptr(GByteArray) packet = g_byte_array_new();
	gsize size = 0;
	const uint8_t *bytes = g_bytes_get_data(answer, &size);
	bool is_long = size > LK_WIRE_ANSWER_MOST;

	reply->has_no_room = mail->has_no_room || lk_fault_mode("parse-full");
	if (is_long && !write_long(parts_fd, (const char *)bytes, size, reply))
		return false;
	reply->size = reply->has_no_room ? 0 : size;
	g_byte_array_append(packet, (const uint8_t *)reply, sizeof *reply);
	if (!is_long && !reply->has_no_room)
		g_byte_array_append(packet, bytes, (guint)size);
	return send(LK_WIRE_SOCKET, packet->data, packet->len, MSG_NOSIGNAL) ==
	       (ssize_t)packet->len;
}

static bool serve_one(const lk_parse_settings *settings)
{
	lk_wire_request request;
	lk_autofd int mail_fd = -1;
	lk_autofd int parts_fd = -1;
	lk_wire_reply reply = {.magic = LK_WIRE_MAGIC};

	if (!receive(&request, &mail_fd, &parts_fd))
		return false;
	lk_parse_sandbox_next_mail();
	misbehave(mail_fd);
	g_autoptr(lk_mail) mail = lk_parse(mail_fd, parts_fd, settings, &reply.offset);
	reply.sequence = request.sequence;
	return send_answer(parts_fd, mail, &reply);
}

#ifndef LUUKKU_SANITIZE
/* GLib's own opens files to date and translate what goes nowhere, also when memory has run out. */
static GLogWriterOutput say_nothing(GLogLevelFlags level, const GLogField *fields, gsize n,
				    gpointer data)
{
	return G_LOG_WRITER_HANDLED;
}
#endif

int main(int argc, char **argv)
{
	lists given = {g_ptr_array_new(), g_ptr_array_new(), g_ptr_array_new(), g_ptr_array_new()};
	lk_parse_settings settings;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("luukku-parse %s (sandbox: %s)\n", LUUKKU_VERSION, lk_parse_sandbox_name());
		return 0;
	}
	if (!read_arguments(argc, argv, &given)) {
		fprintf(stderr,
			"luukku-parse: started by the other programs of luukku; to read a mail "
			"by hand use `luukkuctl parse FILE`\n");
		return EX_USAGE;
	}
	settings = (lk_parse_settings){list_of(given.authserv), list_of(given.relays),
				       list_of(given.own_lists), list_of(given.strip)};
	/* The next mail wants what the last one freed: not given back and asked for again each
	 * time. */
	mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
	mallopt(M_TRIM_THRESHOLD, 2 * KEPT_BYTES);
	lk_parse_init();
#ifndef LUUKKU_SANITIZE
	g_log_set_writer_func(say_nothing, NULL, NULL);
#endif
	lk_parse_sandbox_enter();
	lk_wire_reply ready = {.magic = LK_WIRE_MAGIC, .size = LK_WIRE_VERSION};
	if (send(LK_WIRE_SOCKET, &ready, sizeof ready, MSG_NOSIGNAL) != (ssize_t)sizeof ready)
		return EX_USAGE;
	while (serve_one(&settings))
		;
	g_ptr_array_unref(given.authserv);
	g_ptr_array_unref(given.relays);
	g_ptr_array_unref(given.own_lists);
	g_ptr_array_unref(given.strip);
	return 0;
}
