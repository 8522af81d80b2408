/* What luukku-web may still ask the kernel for once its listeners are open. */
#include "daemon/web.h"

#include "lib/base/err.h"
#include "lib/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { MOST_FILES = 1024 };

#ifdef LUUKKU_SANITIZE

/* Sanitizers map memory, read /proc and start a thread at the end: only what does harm is shut. */
static const int forbidden[] = {SCMP_SYS(execve),   SCMP_SYS(execveat),	 SCMP_SYS(listen),
				SCMP_SYS(unlink),   SCMP_SYS(unlinkat),	 SCMP_SYS(rename),
				SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mount),
				SCMP_SYS(chmod),    SCMP_SYS(mkdir),	 SCMP_SYS(mkdirat)};

static bool fill_filter(scmp_filter_ctx filter)
{

	bool is_bad = false;

	for (size_t i = 0; i < G_N_ELEMENTS(forbidden); i++)
		is_bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0) < 0;
	return !is_bad;
}

static const uint32_t fallback = SCMP_ACT_ALLOW;
static const char kind[] = "wide(sanitizer)";

#else

/* Serving, a connection to PostgreSQL (by name and TLS too), reading templates, logging, memory. */
static const int allowed[] = {SCMP_SYS(read),
			      SCMP_SYS(pread64),
			      SCMP_SYS(readv),
			      SCMP_SYS(write),
			      SCMP_SYS(writev),
			      SCMP_SYS(pwrite64),
			      SCMP_SYS(lseek),
			      SCMP_SYS(fstat),
			      SCMP_SYS(newfstatat),
			      SCMP_SYS(stat),
			      SCMP_SYS(lstat),
			      SCMP_SYS(statx),
			      SCMP_SYS(access),
			      SCMP_SYS(faccessat),
			      SCMP_SYS(faccessat2),
			      SCMP_SYS(readlink),
			      SCMP_SYS(readlinkat),
			      SCMP_SYS(getdents64),
			      SCMP_SYS(fcntl),
			      SCMP_SYS(ioctl),
			      SCMP_SYS(close),
			      SCMP_SYS(dup),
			      SCMP_SYS(sendfile),
			      SCMP_SYS(connect),
			      SCMP_SYS(accept),
			      SCMP_SYS(accept4),
			      SCMP_SYS(bind),
			      SCMP_SYS(sendto),
			      SCMP_SYS(sendmsg),
			      SCMP_SYS(sendmmsg),
			      SCMP_SYS(recvfrom),
			      SCMP_SYS(recvmsg),
			      SCMP_SYS(recvmmsg),
			      SCMP_SYS(shutdown),
			      SCMP_SYS(getsockopt),
			      SCMP_SYS(setsockopt),
			      SCMP_SYS(getsockname),
			      SCMP_SYS(getpeername),
			      SCMP_SYS(poll),
			      SCMP_SYS(ppoll),
			      SCMP_SYS(select),
			      SCMP_SYS(pselect6),
			      SCMP_SYS(epoll_create1),
			      SCMP_SYS(epoll_ctl),
			      SCMP_SYS(epoll_wait),
			      SCMP_SYS(epoll_pwait),
			      SCMP_SYS(brk),
			      SCMP_SYS(munmap),
			      SCMP_SYS(mremap),
			      SCMP_SYS(madvise),
			      SCMP_SYS(mlock),
			      SCMP_SYS(munlock),
			      SCMP_SYS(futex),
			      SCMP_SYS(rt_sigreturn),
			      SCMP_SYS(rt_sigprocmask),
			      SCMP_SYS(rt_sigaction),
			      SCMP_SYS(rt_sigpending),
			      SCMP_SYS(rt_sigtimedwait),
			      SCMP_SYS(sigaltstack),
			      SCMP_SYS(getpid),
			      SCMP_SYS(getppid),
			      SCMP_SYS(gettid),
			      SCMP_SYS(getuid),
			      SCMP_SYS(geteuid),
			      SCMP_SYS(getgid),
			      SCMP_SYS(getegid),
			      SCMP_SYS(tgkill),
			      SCMP_SYS(uname),
			      SCMP_SYS(sysinfo),
			      SCMP_SYS(getcwd),
			      SCMP_SYS(getrusage),
			      SCMP_SYS(getrlimit),
			      SCMP_SYS(clock_gettime),
			      SCMP_SYS(clock_getres),
			      SCMP_SYS(clock_nanosleep),
			      SCMP_SYS(nanosleep),
			      SCMP_SYS(gettimeofday),
			      SCMP_SYS(time),
			      SCMP_SYS(getrandom),
			      SCMP_SYS(sched_yield),
			      SCMP_SYS(sched_getaffinity),
			      SCMP_SYS(membarrier),
			      SCMP_SYS(rseq),
			      SCMP_SYS(set_robust_list),
			      SCMP_SYS(restart_syscall),
			      SCMP_SYS(eventfd2),
			      SCMP_SYS(exit),
			      SCMP_SYS(exit_group)};
static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

static bool fill_filter(scmp_filter_ctx filter)
{
	int bad = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(allowed); i++)
		bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++)
		bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
					SCMP_A0(SCMP_CMP_EQ, (unsigned)families[i], 0));
	/* Files to read; none is written or made. */
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
				SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, 0));
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, 0));
	/* Name services are loaded when they are first asked; nothing is writable and executable.
	 */
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE));
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE, 0));
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
				SCMP_A2(SCMP_CMP_EQ, 0, 0));
	return bad == 0;
}

/* What is missing above fails and is seen; it need not kill the pages. */
static const uint32_t fallback = SCMP_ACT_ERRNO(EPERM);
static const char kind[] = "narrow";

#endif

bool lk_web_confine(GError **error)
{
	scmp_filter_ctx filter = seccomp_init(fallback);
	struct rlimit files = {MOST_FILES, MOST_FILES};
	bool is_loaded = filter && fill_filter(filter) &&
			 prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && seccomp_load(filter) == 0;

	if (filter)
		seccomp_release(filter);
	if (!is_loaded) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "this kernel does not take the seccomp filter; luukku-web does not "
			    "serve strangers without it: run it on a kernel with seccomp, or leave "
			    "web.listen and web.internal out");
		return false;
	}
	(void)setrlimit(RLIMIT_NOFILE, &files);
	lk_debug("web.confined", "filter=%s", kind);
	return true;
}
