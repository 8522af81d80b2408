#include "daemon/process.h"

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void set_disposition(int signo, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigemptyset(&action.sa_mask);
	(void)sigaction(signo, &action, NULL);
}

static int signal_fd(int one, int other)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, one);
	sigaddset(&set, other);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	g_assert(fd >= 0);
	return fd;
}

int lk_process_stop_fd(void)
{
	set_disposition(SIGPIPE, SIG_IGN);
	return signal_fd(SIGTERM, SIGINT);
}

int lk_process_reload_fd(void)
{
	return signal_fd(SIGHUP, SIGHUP);
}

bool lk_process_take_signals(int fd)
{
	struct signalfd_siginfo signal;
	bool was_any = false;

	while (read(fd, &signal, sizeof signal) == sizeof signal)
		was_any = true;
	return was_any;
}

int lk_process_either_fd(int a, int b)
{
	int both = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};

	g_assert(both >= 0);
	if (epoll_ctl(both, EPOLL_CTL_ADD, a, &event) != 0 ||
	    epoll_ctl(both, EPOLL_CTL_ADD, b, &event) != 0)
		g_error("epoll: %s", g_strerror(errno));
	return both;
}

/* Between fork and exec: only async-signal-safe calls from here on. */
static void child_signals(void)
{
	static const int ignored[] = {SIGPIPE, SIGHUP, SIGTERM, SIGINT, SIGCHLD, SIGUSR1};
	sigset_t none;

	for (unsigned i = 0; i < G_N_ELEMENTS(ignored); i++)
		set_disposition(ignored[i], SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_descriptors(const lk_spawn *spawn, int null_fd)
{
	/* A copy above 3 first: the descriptor may itself be 0, 1, 2 or 3. */
	int extra = spawn->extra_fd < 0 ? -1 : fcntl(spawn->extra_fd, F_DUPFD, 10);
	int out = spawn->out_fd < 0 ? -1 : fcntl(spawn->out_fd, F_DUPFD, 10);

	(void)dup2(null_fd, STDIN_FILENO);
	if (out >= 0) {
		(void)dup2(out, STDOUT_FILENO);
		(void)dup2(out, STDERR_FILENO);
		(void)close(out);
	}
	if (extra >= 0) {
		(void)dup2(extra, 3);
		(void)close(extra);
	}
}

bool lk_process_spawn(const lk_spawn *spawn, int *ret_pid, GError **error)
{
	g_auto(GStrv) env = NULL;
	lk_autofd int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int parent = getpid();
	int pid;

	(void)lk_now(); /* whose clock its environment will have */
	env = g_get_environ();
	for (unsigned i = 0; spawn->env != NULL && spawn->env[i] != NULL; i++) {
		g_auto(GStrv) pair = g_strsplit(spawn->env[i], "=", 2);

		env = g_environ_setenv(env, pair[0], pair[1] != NULL ? pair[1] : "", TRUE);
	}
	pid = fork();
	if (pid < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "%s cannot be started: %s; raise the limit of processes (ulimit -u, "
			    "TasksMax=)",
			    spawn->argv[0], g_strerror(errno));
		return false;
	}
	if (pid == 0) {
		child_descriptors(spawn, null_fd);
		if (spawn->new_session)
			(void)setsid();
		else
			(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		child_signals();
		/* The parent may have died before it could be followed. */
		if (!spawn->new_session && getppid() != parent)
			_exit(0);
		(void)execve(spawn->argv[0], (char *const *)spawn->argv, env);
		_exit(127);
	}
	*ret_pid = pid;
	return true;
}

char *lk_process_host(void)
{
	return g_strdup(g_get_host_name());
}

char *lk_process_error_text(const GError *error)
{
	g_autofree char *clean = lk_text_clean(error->message, strlen(error->message));

	g_strdelimit(clean, "\n\t", ' ');
	g_strdelimit(clean, "\"", '\'');
	return lk_text_cut(clean, 1000);
}

bool lk_process_readable(int fd, int timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : lk_monotonic_ms() + timeout_ms;
	struct pollfd watch = {.fd = fd, .events = POLLIN};

	for (;;) {
		int64_t left = timeout_ms < 0 ? -1 : MAX(deadline - lk_monotonic_ms(), 0);
		int n = poll(&watch, 1, (int)MIN(left, INT_MAX));

		if (n >= 0 || errno != EINTR)
			return n > 0;
	}
}
