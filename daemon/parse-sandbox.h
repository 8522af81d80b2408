/* What luukku-parse gives up before it sees the first mail. */
#ifndef LK_DAEMON_PARSE_SANDBOX_H
#define LK_DAEMON_PARSE_SANDBOX_H

/* Limits, no new privileges, not dumpable, seccomp. Ends the process when the kernel refuses. */
void lk_parse_sandbox_enter(void);

/* Moves the CPU limit, which counts over the life of a process, on by the step for one mail. */
void lk_parse_sandbox_next_mail(void);

/* What this build confines itself with, for --version. Static. */
const char *lk_parse_sandbox_name(void);

#endif
