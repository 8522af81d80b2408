#include "lib/mail/child.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/mail/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_LIMIT_MS = 10000, STACK_BYTES = 64 * 1024 * 1024 };

static void reap(lk_child *child)
{
	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	*child = (lk_child){.socket = -1};
}

const char *lk_child_end(lk_child *child)
{
	siginfo_t dead = {0};
	const char *how = NULL;

	lk_close_fd(&child->socket);
	/* Dying takes its moment; what lives now will not die by itself. */
	for (unsigned i = 0; child->pid > 0 && i < 20 && dead.si_pid == 0; i++) {
		if (waitid(P_PID, (id_t)child->pid, &dead, WEXITED | WNOWAIT | WNOHANG) < 0)
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
	reap(child);
	return how;
}

void lk_child_retire(lk_child *child)
{
	lk_close_fd(&child->socket);
	reap(child);
}

/* Between fork and exec: async-signal-safe calls only. Does not return. */
static void become_child(int socket, pid_t parent, char *const *argv, char *const *environment)
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
	execve(argv[0], argv, environment);
	_exit(127);
}

bool lk_child_start(lk_child *child, char *const *argv, char *const *environment, GError **error)
{
	int pair[2];

	*child = (lk_child){.socket = -1};
	if (access(argv[0], X_OK) < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "cannot run %s: %s; install it beside the other programs of luukku",
			    argv[0], g_strerror(errno));
		return false;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "no socket for the mail parser: %s",
			    g_strerror(errno));
		return false;
	}
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		become_child(pair[1], parent, argv, environment);
	int saved = errno;
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "cannot start %s: %s", argv[0],
			    g_strerror(saved));
		return false;
	}
	child->pid = pid;
	child->socket = pair[0];
	return true;
}

bool lk_child_wait(lk_child *child, const char *program, GError **error)
{
	struct pollfd poll_fd = {.fd = child->socket, .events = POLLIN};
	lk_wire_reply ready = {0};
	int64_t until = lk_monotonic_ms() + START_LIMIT_MS;
	int polled;

	if (child->is_ready)
		return true;
	do
		polled =
			poll(&poll_fd, 1, (int)CLAMP(until - lk_monotonic_ms(), 0, START_LIMIT_MS));
	while (polled < 0 && errno == EINTR);
	ssize_t got = polled > 0 ? recv(child->socket, &ready, sizeof ready, MSG_DONTWAIT) : -1;
	child->is_ready = got == (ssize_t)sizeof ready && ready.magic == LK_WIRE_MAGIC &&
			  ready.sequence == 0 && ready.size == LK_WIRE_VERSION;
	if (child->is_ready)
		return true;
	const char *how = lk_child_end(child);
	g_set_error(error, LK_ERROR, LK_ERR_RETRY, "%s does not start: it %s; %s", program,
		    got > 0 ? "is of another version" : (how ? how : "did not get ready in time"),
		    got > 0 ? "restart luukkud after an upgrade"
			    : "run it by hand with --version to see why");
	return false;
}
