/* Processes: signals as a descriptor, starting other programs. Links lib/base only.
 */
#ifndef LK_DAEMON_PROCESS_H
#define LK_DAEMON_PROCESS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The configuration of programs that are not told another. */
#define LK_CONFIG_DEFAULT "/etc/luukku/luukku.conf"

/*
 * Blocks SIGTERM and SIGINT and gives a descriptor that becomes readable at the first of them and
 * stays so (nobody reads it). SIGPIPE is ignored.
 */
int lk_process_stop_fd(void);

/* Blocks SIGHUP and gives a descriptor that is readable from one until lk_process_take_signals. */
int lk_process_reload_fd(void);
/* Was there a signal? Takes all there are. */
bool lk_process_take_signals(int fd);

/* A descriptor that is readable while one of these two is. */
int lk_process_either_fd(int a, int b);

/* Everything borrowed for the call. */
typedef struct {
	const char *const *argv; /* argv[0] is the file; NULL-terminated */
	const char *const *env;	 /* NAME=value to put on top of ours, NULL-terminated; or NULL */
	int out_fd;		 /* becomes standard output and error; -1: ours */
	int extra_fd;		 /* becomes descriptor 3; -1: none */
	bool new_session;	 /* setsid: the child outlives us. Otherwise it dies with us */
} lk_spawn;

/*
 * Fork and exec, with standard input from /dev/null, default signal dispositions and an empty
 * mask. An exec that fails is the child's exit status 127. LK_ERR_RETRY when the fork fails.
 */
bool lk_process_spawn(const lk_spawn *spawn, int *ret_pid, GError **error);

/* This host's name; caller frees. */
char *lk_process_host(void);

/*
 * The message on one line without double quotes, for error="..." in the log and for lines of a
 * protocol: a server's words must not become fields or lines. Caller frees.
 */
char *lk_process_error_text(const GError *error);

/* Does the descriptor have something to read within timeout_ms (-1: no limit)? */
bool lk_process_readable(int fd, int timeout_ms);

#endif
