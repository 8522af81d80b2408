#include "lib/mail/parser.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/mail/answer.h"
#include "lib/mail/child.h"
#include "lib/mail/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TIME_LIMIT_MS = 20000,
	MAILS_MOST = 1000,
	AHEAD_MAILS = 50, /* before the last one of a process the next one is started */
	SPARES_MOST = 16,
	SPARE_BYTES_MOST = 256 * 1024,
	FIRST_SPARE_BYTES_MOST = 4 * 1024 * 1024, /* it alone serves who reads one by one */
	PACKET_BYTES = sizeof(lk_wire_reply) + LK_WIRE_ANSWER_MOST
};

struct lk_parser {
	lk_parser_options options;
	GPtrArray *argv;
	GPtrArray *environment;
	lk_child child;	   /* that reads */
	lk_child next;	   /* that gets ready, or waits */
	uint64_t children; /* which one reads: counted up with each */
	uint64_t sequence;
	int mail_fd; /* of the mail under way, borrowed; -1: none */
	int parts_fd;
	GArray *spares;	     /* int: parts files given back */
	GHashTable *writers; /* parts file -> which child wrote it */
	uint8_t *packet;     /* PACKET_BYTES: a reply, or a piece of an attachment */
	int64_t started_ms;
};

/* The words of what the child must know; the mail itself never stands in an argument. */
static void add_list(GPtrArray *argv, const char *option, const char *const *values)
{
	for (; values && *values; values++) {
		g_ptr_array_add(argv, g_strdup(option));
		g_ptr_array_add(argv, g_strdup(*values));
	}
}

/* Only what sanitizers and tests need; nothing of the caller's own environment. */
static GPtrArray *child_environment(void)
{
	static const char *const kept[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
					   "LUUKKU_FAULT_MODE"};
	GPtrArray *environment = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
		const char *value = g_getenv(kept[i]);
		if (value)
			g_ptr_array_add(environment, g_strdup_printf("%s=%s", kept[i], value));
	}
	g_ptr_array_add(environment, NULL);
	return environment;
}

static void spare_clear(gpointer fd)
{
	lk_close_fd(fd);
}

lk_parser *lk_parser_new(const lk_parser_options *options)
{
	lk_parser *parser = g_new0(lk_parser, 1);

	parser->options = *options;
	if (parser->options.time_limit_ms <= 0)
		parser->options.time_limit_ms = TIME_LIMIT_MS;
	if (parser->options.max_mails == 0)
		parser->options.max_mails = MAILS_MOST;
	parser->mail_fd = parser->parts_fd = -1;
	parser->child.socket = parser->next.socket = -1;
	parser->spares = g_array_new(FALSE, FALSE, sizeof(int));
	g_array_set_clear_func(parser->spares, spare_clear);
	parser->writers = g_hash_table_new_full(g_int_hash, g_int_equal, g_free, g_free);
	parser->packet = g_malloc(PACKET_BYTES);
	parser->argv = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(parser->argv, g_strdup(options->program));
	add_list(parser->argv, "--authserv", options->authserv);
	add_list(parser->argv, "--relay", options->relays);
	add_list(parser->argv, "--own-list", options->own_lists);
	add_list(parser->argv, "--strip", options->strip);
	g_ptr_array_add(parser->argv, NULL);
	parser->environment = child_environment();
	return parser;
}

void lk_parser_free(lk_parser *parser)
{
	if (!parser)
		return;
	lk_child_end(&parser->child);
	lk_child_retire(&parser->next);
	lk_close_fd(&parser->parts_fd);
	g_array_unref(parser->spares);
	g_hash_table_unref(parser->writers);
	g_free(parser->packet);
	g_ptr_array_unref(parser->argv);
	g_ptr_array_unref(parser->environment);
	g_free(parser);
}

/* A descriptor that the child cannot write the mail through, whatever the caller's can do. */
static int open_read_only(int fd)
{
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	int opened = open(path, O_RDONLY | O_CLOEXEC);

	return opened >= 0 ? opened : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static bool send_request(lk_parser *parser)
{
	lk_autofd int mail_fd = open_read_only(parser->mail_fd);
	lk_wire_request request = {.magic = LK_WIRE_MAGIC, .sequence = ++parser->sequence};
	struct iovec data = {&request, sizeof request};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof control.bytes};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fds[2] = {mail_fd, parser->parts_fd};

	if (mail_fd < 0)
		return false;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(header), fds, sizeof fds);
	ssize_t sent;
	do
		sent = sendmsg(parser->child.socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)sizeof request;
}

/*
 * A file keeps the pages it has: to get new ones for each mail costs more than to fill them. What
 * stands in it is nothing that the child does not know, as only the one that wrote it gets it.
 */
void lk_parser_give_back(lk_parser *parser, int *parts_fd)
{
	const uint64_t *writer = g_hash_table_lookup(parser->writers, parts_fd);
	bool is_known = writer && *writer == parser->children;
	uint64_t size = 0;
	uint64_t most = parser->spares->len == 0 ? FIRST_SPARE_BYTES_MOST : SPARE_BYTES_MOST;

	if (*parts_fd >= 0 && parser->spares->len < SPARES_MOST &&
	    lk_file_size(*parts_fd, &size, NULL) &&
	    (size <= most || ftruncate(*parts_fd, (off_t)most) == 0) &&
	    (is_known || ftruncate(*parts_fd, 0) == 0)) {
		g_array_append_val(parser->spares, *parts_fd);
		*parts_fd = -1;
	}
	lk_close_fd(parts_fd);
}

static void note_writer(lk_parser *parser)
{
	g_hash_table_replace(parser->writers, g_memdup2(&parser->parts_fd, sizeof parser->parts_fd),
			     g_memdup2(&parser->children, sizeof parser->children));
}

/* For the child that reads now. */
static bool open_parts(lk_parser *parser, GError **error)
{
	if (parser->parts_fd >= 0)
		lk_parser_give_back(parser, &parser->parts_fd);
	if (parser->spares->len > 0) {
		int *last = &g_array_index(parser->spares, int, parser->spares->len - 1);
		parser->parts_fd = *last;
		*last = -1;
		g_array_set_size(parser->spares, parser->spares->len - 1);
	} else if (!lk_spool_open(parser->options.spool_dir, &parser->parts_fd, error)) {
		return false;
	}
	note_writer(parser);
	return true;
}

/* Nothing of what another one wrote is for the next child. */
static void leave_child(lk_parser *parser)
{
	parser->children++;
	g_array_set_size(parser->spares, 0);
}

static bool start(lk_parser *parser, lk_child *child, GError **error)
{
	return lk_child_start(child, (char *const *)parser->argv->pdata,
			      (char *const *)parser->environment->pdata, error);
}

/* A child that can be given a mail: the one that reads, the one that got ready, or a new one. */
static bool have_child(lk_parser *parser, GError **error)
{
	lk_child *child = &parser->child;

	if (child->mails >= parser->options.max_mails) {
		lk_child_retire(child);
		leave_child(parser);
	}
	if (child->pid == 0 && parser->next.pid > 0) {
		*child = parser->next;
		parser->next = (lk_child){.socket = -1};
		/* One that did not come through is made up for by a new one. */
		lk_child_wait(child, parser->options.program, NULL);
	}
	return (child->pid > 0 || start(parser, child, error)) &&
	       lk_child_wait(child, parser->options.program, error);
}

static const char *end_child(lk_parser *parser)
{
	leave_child(parser);
	return lk_child_end(&parser->child);
}

/* Gives the mail under way to a child, a fresh one where the present one is worn out or dead. */
static bool give(lk_parser *parser, GError **error)
{
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		if (!have_child(parser, error) || !open_parts(parser, error))
			return false;
		if (send_request(parser)) {
			parser->started_ms = lk_monotonic_ms();
			if (++parser->child.mails + AHEAD_MAILS == parser->options.max_mails)
				start(parser, &parser->next, NULL);
			return true;
		}
		end_child(parser);
	}
	g_set_error(error, LK_ERROR, LK_ERR_RETRY,
		    "%s does not take mails; run it by hand to see why", parser->options.program);
	return false;
}

bool lk_parser_start(lk_parser *parser, int mail_fd, GError **error)
{
	g_assert(parser->mail_fd < 0);
	parser->mail_fd = mail_fd;
	if (give(parser, error))
		return true;
	parser->mail_fd = -1;
	return false;
}

/*
 * False when the child died, stalled or talks rubbish; *ret_how is set where the wait says which.
 * *ret_size says how much stands behind the reply in the packet.
 */
static bool wait_reply(lk_parser *parser, int64_t until, lk_wire_reply *ret_reply, size_t *ret_size,
		       const char **ret_how)
{
	struct pollfd poll_fd = {.fd = parser->child.socket, .events = POLLIN};

	for (;;) {
		int64_t left = until - lk_monotonic_ms();
		int ready = poll(&poll_fd, 1, (int)CLAMP(left, 0, INT32_MAX));
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0) {
			*ret_how = "did not answer within its time";
			return false;
		}
		ssize_t got = recv(poll_fd.fd, parser->packet, PACKET_BYTES, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < (ssize_t)sizeof *ret_reply)
			return false;
		memcpy(ret_reply, parser->packet, sizeof *ret_reply);
		*ret_size = (size_t)got - sizeof *ret_reply;
		return ret_reply->magic == LK_WIRE_MAGIC && ret_reply->sequence == parser->sequence;
	}
}

/* The hashes are ours: what the child says about bytes is only where they lie. */
static bool hash_parts(lk_parser *parser, const lk_mail *mail, GError **error)
{
	for (unsigned i = 0; i < mail->attachments->len; i++) {
		lk_attachment *part = g_ptr_array_index(mail->attachments, i);
		g_autoptr(lk_hash) hash = lk_hash_new();
		for (uint64_t done = 0; done < part->size;) {
			size_t n = MIN(part->size - done, PACKET_BYTES);
			if (!lk_pread_all(parser->parts_fd, parser->packet, n, part->offset + done,
					  error))
				return false;
			lk_hash_add(hash, parser->packet, n);
			done += n;
		}
		lk_hash_end(hash, part->hash);
	}
	return true;
}

/* One too long for the packet lies in the parts file. Caller frees; NULL when it does not. */
static uint8_t *answer_of_file(const lk_parser *parser, const lk_wire_reply *reply, GError **error)
{
	g_autofree uint8_t *bytes = NULL;

	if (reply->size > LK_ANSWER_BYTES_MOST) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "the parser's answer is too long");
		return NULL;
	}
	bytes = g_malloc(reply->size + 1);
	if (!lk_pread_all(parser->parts_fd, bytes, reply->size, reply->offset, error))
		return NULL;
	return g_steal_pointer(&bytes);
}

static bool read_answer(lk_parser *parser, const lk_wire_reply *reply, size_t behind,
			lk_mail **ret_mail, GError **error)
{
	const uint8_t *bytes = parser->packet + sizeof *reply;
	g_autofree uint8_t *long_bytes = NULL;
	g_autoptr(lk_mail) mail = NULL;
	uint64_t size = 0;

	if (behind != reply->size || behind == 0)
		bytes = long_bytes = answer_of_file(parser, reply, error);
	if (!bytes || !lk_file_size(parser->parts_fd, &size, error))
		return false;
	if (reply->offset > size) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "the parser's attachments lie outside their file");
		return false;
	}
	if (!lk_answer_decode(bytes, reply->size, reply->offset, &mail, error) ||
	    !hash_parts(parser, mail, error))
		return false;
	*ret_mail = g_steal_pointer(&mail);
	return true;
}

/* Taken now, the mail would lose what a disk with room keeps. */
static bool put_off(lk_parser *parser, GError **error)
{
	const char *dir = parser->options.spool_dir;

	parser->mail_fd = -1;
	lk_close_fd(&parser->parts_fd);
	g_array_set_size(parser->spares, 0);
	g_set_error(error, LK_ERROR, LK_ERR_RETRY,
		    "no room for the attachments of a mail in %s; free some space there, the mail "
		    "waits "
		    "until then",
		    dir ? dir : "the directory for temporary files");
	return false;
}

bool lk_parser_finish(lk_parser *parser, lk_mail **ret_mail, int *ret_parts_fd, GError **error)
{
	g_autoptr(lk_mail) mail = NULL;
	int mail_fd = parser->mail_fd;
	const char *how = NULL;
	int64_t started_ms = parser->started_ms;
	int64_t limit_ms = parser->options.time_limit_ms;

	g_assert(mail_fd >= 0);
	for (unsigned attempt = 0; attempt < 2 && !mail; attempt++) {
		lk_wire_reply reply;
		const char *waited = NULL;
		/* Both tries end within the limit: the mails behind this one wait no longer. */
		int64_t until = started_ms + (attempt == 0 ? limit_ms * 3 / 5 : limit_ms);
		size_t behind = 0;
		bool is_reply = wait_reply(parser, until, &reply, &behind, &waited);
		if (is_reply && reply.has_no_room)
			return put_off(parser, error);
		if (is_reply && read_answer(parser, &reply, behind, &mail, NULL))
			break;
		const char *ended = end_child(parser);
		how = waited ? waited : ended ? ended : "gave an answer that cannot be";
		if (attempt == 0 && !give(parser, error)) {
			parser->mail_fd = -1;
			return false;
		}
	}
	parser->mail_fd = -1;
	if (!mail) {
		mail = lk_mail_minimal(mail_fd);
		mail->is_unparsed = true;
		/* The next mail need not wait for its child from the beginning. */
		if (parser->next.pid == 0)
			start(parser, &parser->next, NULL);
		g_ptr_array_add(
			mail->defects,
			g_strdup_printf("the parser %s on this mail, twice; only its From, To, "
					"Subject, Message-ID and Date were read",
					how));
	}
	if (mail->attachments->len == 0)
		lk_parser_give_back(parser, &parser->parts_fd);
	*ret_mail = g_steal_pointer(&mail);
	*ret_parts_fd = parser->parts_fd;
	parser->parts_fd = -1;
	return true;
}
