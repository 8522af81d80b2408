#include "daemon/parse-sandbox.h"

#include <sys/prctl.h>
#include <sys/resource.h>

enum { CPU_STEP_SECONDS = 20, MEMORY_BYTES = 512 * 1024 * 1024, FILES_MOST = 96 };

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

void lk_parse_sandbox_enter(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, FILES_MOST);
#ifndef LUUKKU_SANITIZE /* their shadow memory alone is terabytes of address space */
	limit(RLIMIT_AS, MEMORY_BYTES);
#endif
}

const char *lk_parse_sandbox_name(void)
{
	return "limits";
}
