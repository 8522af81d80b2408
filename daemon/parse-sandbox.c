#include "daemon/parse-sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum {
	CPU_STEP_SECONDS = 20,
	MEMORY_BYTES = 512 * 1024 * 1024,
	FILE_BYTES = 1024 * 1024 * 1024,
	FILES_MOST = 160
};

static bool is_entered;

/*
 * In place of glibc's, for GMime and GLib too: they read names and parameters in charsets of the
 * sender's choice, and iconv_open opens a table. Our own text is read through tables opened before.
 */
/* NOLINTNEXTLINE(*-parameter-name): the C library's own names are reserved ones */
iconv_t iconv_open(const char *to, const char *from)
{
	static iconv_t (*next)(const char *, const char *);

	if (is_entered) {
		errno = EINVAL;
		return (iconv_t)-1;
	}
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "iconv_open");
	return next(to, from);
}

static void limit(int resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(resource, &now) == 0 &&
	    (now.rlim_max == RLIM_INFINITY || now.rlim_max > most))
		setrlimit(resource, &(struct rlimit){most, most});
}

void lk_parse_sandbox_next_mail(void)
{
	struct rusage usage;
	struct rlimit now;

	if (getrusage(RUSAGE_SELF, &usage) < 0 || getrlimit(RLIMIT_CPU, &now) < 0)
		return;
	rlim_t used = (rlim_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
	now.rlim_cur = used + CPU_STEP_SECONDS;
	if (now.rlim_max == RLIM_INFINITY || now.rlim_cur <= now.rlim_max)
		setrlimit(RLIMIT_CPU, &now);
}

#ifdef LUUKKU_SANITIZE

/* Sanitizers map memory, read /proc and start a thread at the end: only the outside is shut. */
static bool fill_filter(scmp_filter_ctx filter)
{
	static const int forbidden[] = {
		SCMP_SYS(socket),   SCMP_SYS(socketpair), SCMP_SYS(connect),  SCMP_SYS(bind),
		SCMP_SYS(listen),   SCMP_SYS(accept),	  SCMP_SYS(accept4),  SCMP_SYS(execve),
		SCMP_SYS(execveat), SCMP_SYS(unlink),	  SCMP_SYS(unlinkat), SCMP_SYS(rename),
		SCMP_SYS(renameat), SCMP_SYS(renameat2),  SCMP_SYS(mount),    SCMP_SYS(chmod),
		SCMP_SYS(mkdir),    SCMP_SYS(mkdirat)};

	for (size_t i = 0; i < LENGTH(forbidden); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, forbidden[i], 0) < 0)
			return false;
	return true;
}

static const uint32_t fallback = SCMP_ACT_ALLOW;
static const char *const name = "limits, seccomp wide (sanitizers)";

#else

/* What reading descriptors that are open already, memory and dying need; nothing opens anything. */
static bool fill_filter(scmp_filter_ctx filter)
{
	static const int allowed[] = {SCMP_SYS(read),
				      SCMP_SYS(pread64),
				      SCMP_SYS(write),
				      SCMP_SYS(pwrite64),
				      SCMP_SYS(writev),
				      SCMP_SYS(lseek),
				      SCMP_SYS(fstat),
				      SCMP_SYS(recvmsg),
				      SCMP_SYS(sendto),
				      SCMP_SYS(close),
				      SCMP_SYS(brk),
				      SCMP_SYS(munmap),
				      SCMP_SYS(mremap),
				      SCMP_SYS(madvise),
				      SCMP_SYS(futex),
				      SCMP_SYS(rt_sigreturn),
				      SCMP_SYS(rt_sigprocmask),
				      SCMP_SYS(rt_sigaction),
				      SCMP_SYS(getpid),
				      SCMP_SYS(gettid),
				      SCMP_SYS(tgkill),
				      SCMP_SYS(getrusage),
				      SCMP_SYS(clock_gettime),
				      SCMP_SYS(gettimeofday),
				      SCMP_SYS(getrandom),
				      SCMP_SYS(pause),
				      SCMP_SYS(restart_syscall),
				      SCMP_SYS(exit),
				      SCMP_SYS(exit_group),
				      SCMP_SYS(dup2)};
	int bad = 0;

	for (size_t i = 0; i < LENGTH(allowed); i++)
		bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	/* Memory that can be executed is never needed. */
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* fstat(2) of glibc, and its own limits of CPU time. */
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
				SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
				SCMP_A0(SCMP_CMP_EQ, 0, 0), SCMP_A1(SCMP_CMP_EQ, RLIMIT_CPU, 0));
	/* GLib asks whether standard error is the journal before it aborts. */
	bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTSOCK), SCMP_SYS(getpeername), 0);
	bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTSOCK), SCMP_SYS(getsockname), 0);
	/* stdio asks once whether standard output is a terminal. */
	bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				SCMP_A1(SCMP_CMP_EQ, TCGETS, 0));
	return bad == 0;
}

static const uint32_t fallback = SCMP_ACT_KILL_PROCESS;
static const char *const name = "limits, seccomp";

#endif

static bool load_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(fallback);
	bool is_loaded = filter && fill_filter(filter) && seccomp_load(filter) == 0;

	if (filter)
		seccomp_release(filter);
	return is_loaded;
}

#ifndef LUUKKU_SANITIZE
static void close_stderr(void)
{
	dup2(STDOUT_FILENO, STDERR_FILENO);
}
#endif

void lk_parse_sandbox_enter(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, FILES_MOST);
	limit(RLIMIT_FSIZE, FILE_BYTES);
#ifndef LUUKKU_SANITIZE /* their shadow memory alone is terabytes of address space */
	limit(RLIMIT_NPROC, 0);
	limit(RLIMIT_AS, MEMORY_BYTES);
#endif
	/* A parser without its walls reads nothing: its caller then says why no mail gets through.
	 */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !load_filter()) {
		fputs("luukku-parse: this kernel does not take the seccomp filter; mails cannot be "
		      "read without it\n",
		      stderr);
		exit(EX_OSERR);
	}
	is_entered = true;
#ifndef LUUKKU_SANITIZE /* their reports come this way */
	/* Libraries complain about mails here; standard output is /dev/null by now. */
	close_stderr();
#endif
}

const char *lk_parse_sandbox_name(void)
{
	return name;
}
