#include "lib/mail/parser.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/mail/answer.h"
#include "lib/mail/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TIME_LIMIT_MS = 20000,
	START_LIMIT_MS = 10000,
	MAILS_MOST = 1000,
	STACK_BYTES = 64 * 1024 * 1024,
	HASH_CHUNK_BYTES = 64 * 1024
};

struct lk_parser {
	lk_parser_options options;
	GPtrArray *argv;
	GPtrArray *environment;
	pid_t pid; /* 0: none */
	int socket;
	unsigned mails; /* given to this child */
	uint64_t sequence;
	int mail_fd; /* of the mail under way, borrowed; -1: none */
	int parts_fd;
	int spare_fd; /* a parts file given back; -1: none */
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

lk_parser *lk_parser_new(const lk_parser_options *options)
{
	lk_parser *parser = g_new0(lk_parser, 1);

	parser->options = *options;
	if (parser->options.time_limit_ms <= 0)
		parser->options.time_limit_ms = TIME_LIMIT_MS;
	if (parser->options.max_mails == 0)
		parser->options.max_mails = MAILS_MOST;
	parser->socket = parser->mail_fd = parser->parts_fd = parser->spare_fd = -1;
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

/* Ends the child, if there is one, and says how it ended by itself, or NULL. Static. */
static const char *end_child(lk_parser *parser)
{
	siginfo_t dead = {0};
	const char *how = NULL;

	lk_close_fd(&parser->socket);
	if (parser->pid > 0) {
		/* Dying takes its moment; what lives now will not die by itself. */
		for (unsigned i = 0; i < 20 && dead.si_pid == 0; i++) {
			if (waitid(P_PID, (id_t)parser->pid, &dead, WEXITED | WNOWAIT | WNOHANG) <
			    0)
				break;
			if (dead.si_pid == 0)
				poll(NULL, 0, 1);
		}
		if (dead.si_pid != 0 && dead.si_code != CLD_EXITED)
			how = dead.si_status == SIGSYS	  ? "did what its sandbox forbids (SIGSYS)"
			      : dead.si_status == SIGXCPU ? "used up its CPU time (SIGXCPU)"
			      : dead.si_status == SIGSEGV ? "crashed (SIGSEGV)"
			      : dead.si_status == SIGKILL ? "was killed (SIGKILL)"
							  : "crashed";
		else if (dead.si_pid != 0)
			how = "ended without an answer";
		kill(parser->pid, SIGKILL);
		while (waitpid(parser->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	parser->pid = 0;
	parser->mails = 0;
	return how;
}

void lk_parser_free(lk_parser *parser)
{
	if (!parser)
		return;
	end_child(parser);
	lk_close_fd(&parser->parts_fd);
	lk_close_fd(&parser->spare_fd);
	g_ptr_array_unref(parser->argv);
	g_ptr_array_unref(parser->environment);
	g_free(parser);
}

/* Between fork and exec: async-signal-safe calls only. Does not return. */
static void become_child(const lk_parser *parser, int socket, pid_t parent)
{
	struct rlimit stack = {STACK_BYTES, STACK_BYTES}, now;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (socket == LK_WIRE_SOCKET)
		fcntl(socket, F_SETFD, 0);
	else if (dup2(socket, LK_WIRE_SOCKET) < 0)
		_exit(127);
	/* Standard output is the caller's: what a library prints must not stand in it. */
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(127);
	close_range(LK_WIRE_SOCKET + 1, ~0U, 0);
	if (getrlimit(RLIMIT_STACK, &now) == 0 &&
	    (now.rlim_max == RLIM_INFINITY || now.rlim_max >= stack.rlim_max))
		setrlimit(RLIMIT_STACK, &stack);
	execve(parser->options.program, (char *const *)parser->argv->pdata,
	       (char *const *)parser->environment->pdata);
	_exit(127);
}

/*
 * Waits until the child says that it is ready. A child that cannot start is no verdict about a
 * mail: nothing is read until somebody has looked.
 */
static bool wait_ready(lk_parser *parser, GError **error)
{
	struct pollfd poll_fd = {.fd = parser->socket, .events = POLLIN};
	lk_wire_reply ready = {0};
	int64_t until = lk_monotonic_ms() + START_LIMIT_MS;
	int polled;

	do
		polled =
			poll(&poll_fd, 1, (int)CLAMP(until - lk_monotonic_ms(), 0, START_LIMIT_MS));
	while (polled < 0 && errno == EINTR);
	ssize_t got = polled > 0 ? recv(parser->socket, &ready, sizeof ready, MSG_DONTWAIT) : -1;
	if (got == (ssize_t)sizeof ready && ready.magic == LK_WIRE_MAGIC && ready.sequence == 0 &&
	    ready.size == LK_WIRE_VERSION)
		return true;
	const char *how = end_child(parser);
	g_set_error(error, LK_ERROR, LK_ERR_RETRY, "%s does not start: it %s; %s",
		    parser->options.program,
		    got > 0 ? "is of another version" : (how ? how : "did not get ready in time"),
		    got > 0 ? "restart luukkud after an upgrade"
			    : "run it by hand with --version to see why");
	return false;
}

static bool start_child(lk_parser *parser, GError **error)
{
	int pair[2];

	if (access(parser->options.program, X_OK) < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "cannot run %s: %s; install it beside the other programs of luukku",
			    parser->options.program, g_strerror(errno));
		return false;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "no socket for the mail parser: %s",
			    g_strerror(errno));
		return false;
	}
	pid_t parent = getpid();
	parser->pid = fork();
	if (parser->pid == 0)
		become_child(parser, pair[1], parent);
	close(pair[1]);
	if (parser->pid < 0) {
		parser->pid = 0;
		close(pair[0]);
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "cannot start %s: %s",
			    parser->options.program, g_strerror(errno));
		return false;
	}
	parser->socket = pair[0];
	return wait_ready(parser, error);
}

/* A descriptor that the child cannot write the mail through, whatever the caller's can do. */
static int open_read_only(int fd)
{
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
		sent = sendmsg(parser->socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)sizeof request;
}

void lk_parser_give_back(lk_parser *parser, int *parts_fd)
{
	lk_close_fd(&parser->spare_fd);
	parser->spare_fd = *parts_fd;
	*parts_fd = -1;
}

/* Empty, so that a child which is taken over finds nothing of another mail in it. */
static bool open_parts(lk_parser *parser, GError **error)
{
	lk_close_fd(&parser->parts_fd);
	if (parser->spare_fd >= 0 && ftruncate(parser->spare_fd, 0) == 0) {
		parser->parts_fd = parser->spare_fd;
		parser->spare_fd = -1;
		return true;
	}
	return lk_spool_open(parser->options.spool_dir, &parser->parts_fd, error);
}

/* Gives the mail under way to a child, a fresh one where the present one is worn out or dead. */
static bool give(lk_parser *parser, GError **error)
{
	if (!open_parts(parser, error))
		return false;
	if (parser->mails >= parser->options.max_mails)
		end_child(parser);
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		if (parser->pid == 0 && !start_child(parser, error))
			return false;
		if (send_request(parser)) {
			parser->mails++;
			parser->started_ms = lk_monotonic_ms();
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

/* False when the child died, stalled or talks rubbish; *ret_how is set where the wait says which.
 */
static bool wait_reply(lk_parser *parser, int64_t until, lk_wire_reply *ret_reply,
		       const char **ret_how)
{
	struct pollfd poll_fd = {.fd = parser->socket, .events = POLLIN};

	for (;;) {
		int64_t left = until - lk_monotonic_ms();
		int ready = poll(&poll_fd, 1, (int)CLAMP(left, 0, INT32_MAX));
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0) {
			*ret_how = "did not answer within its time";
			return false;
		}
		ssize_t got = recv(parser->socket, ret_reply, sizeof *ret_reply, 0);
		if (got < 0 && errno == EINTR)
			continue;
		return got == (ssize_t)sizeof *ret_reply && ret_reply->magic == LK_WIRE_MAGIC &&
		       ret_reply->sequence == parser->sequence;
	}
}

/* The hashes are ours: what the child says about bytes is only where they lie. */
static bool hash_parts(const lk_mail *mail, int parts_fd, GError **error)
{
	g_autofree uint8_t *chunk = g_malloc(HASH_CHUNK_BYTES);

	for (unsigned i = 0; i < mail->attachments->len; i++) {
		lk_attachment *part = g_ptr_array_index(mail->attachments, i);
		g_autoptr(lk_hash) hash = lk_hash_new();
		for (uint64_t done = 0; done < part->size;) {
			size_t n = MIN(part->size - done, HASH_CHUNK_BYTES);
			if (!lk_pread_all(parts_fd, chunk, n, part->offset + done, error))
				return false;
			lk_hash_add(hash, chunk, n);
			done += n;
		}
		lk_hash_end(hash, part->hash);
	}
	return true;
}

static bool read_answer(lk_parser *parser, const lk_wire_reply *reply, lk_mail **ret_mail,
			GError **error)
{
	uint64_t size = 0;
	g_autoptr(lk_mail) mail = NULL;

	if (!lk_file_size(parser->parts_fd, &size, error))
		return false;
	if (reply->size > LK_ANSWER_BYTES_MOST || reply->offset > size ||
	    reply->size > size - reply->offset) {
		g_set_error(error, LK_ERROR, LK_ERR_DATA,
			    "the parser's answer lies outside its file");
		return false;
	}
	g_autofree uint8_t *bytes = g_malloc(reply->size + 1);
	if (!lk_pread_all(parser->parts_fd, bytes, reply->size, reply->offset, error) ||
	    !lk_answer_decode(bytes, reply->size, reply->offset, &mail, error) ||
	    !hash_parts(mail, parser->parts_fd, error))
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
	parser->parts_fd = -1;
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
		bool is_reply = wait_reply(parser, until, &reply, &waited);
		if (is_reply && reply.has_no_room)
			return put_off(parser, error);
		if (is_reply && read_answer(parser, &reply, &mail, NULL))
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
		g_ptr_array_add(
			mail->defects,
			g_strdup_printf("the parser %s on this mail, twice; only its From, To, "
					"Subject, Message-ID and Date were read",
					how));
	}
	*ret_mail = g_steal_pointer(&mail);
	*ret_parts_fd = parser->parts_fd;
	parser->parts_fd = -1;
	return true;
}
