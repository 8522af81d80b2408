/*
 * One luukku-parse process as its client sees it (lib/mail/parser.c): started, known to be ready,
 * ended. Starting returns at once, so that a child can get ready while another one works.
 */
#ifndef LK_MAIL_CHILD_H
#define LK_MAIL_CHILD_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct {
	pid_t pid;  /* 0: none */
	int socket; /* -1: none */
	bool is_ready;
	unsigned mails; /* given to it */
} lk_child;

/* NULL-terminated; argv[0] is the program's path. LK_ERR_RETRY. */
bool lk_child_start(lk_child *child, char *const *argv, char *const *environment, GError **error);

/*
 * Waits until the child says that it is ready. A child that cannot start is no verdict about a
 * mail: it is ended, and nothing is read until somebody has looked. LK_ERR_RETRY.
 */
bool lk_child_wait(lk_child *child, const char *program, GError **error);

/* Ends the child, if there is one, and says how it ended by itself, or NULL. Static. */
const char *lk_child_end(lk_child *child);

/* Ends a child that did its work and waits for more; how it takes that is of no interest. */
void lk_child_retire(lk_child *child);

#endif
