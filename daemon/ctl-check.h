/* The parts of `luukkuctl check`, each of which adds what it finds. */
#ifndef LK_CTL_CHECK_H
#define LK_CTL_CHECK_H

#include "daemon/ctl.h"
#include "lib/conf/problem.h"

typedef struct {
	bool connect;	    /* log in everywhere, compare with what the database holds */
	bool reload;	    /* route last week's mail under luukkud's configuration and this one */
	bool force;	    /* ... unless it is forced */
	bool quiet;	    /* nothing to standard output */
	const char *traced; /* with connect: show this mailbox's dialogue; or NULL */
	const char *keep;   /* write what was checked and found good there (borrowed); or NULL */
} lk_ctl_check_options;

/*
 * Loads the configuration into ctl->conf and looks at it from every side. *ret_problems receives
 * all errors and warnings; sets ctl->status. Gives the number of errors.
 */
unsigned lk_ctl_check(lk_ctl *ctl, const lk_ctl_check_options *options, GPtrArray **ret_problems);

/*
 * Which Authentication-Results of the mail in this file are believed, and why not the others
 * (ctl-check-auth.c).
 */
bool lk_ctl_check_auth(lk_ctl *ctl, const char *file, GError **error);

/* Runs the tests of the configuration (ctl-check-tests.c). */
void lk_ctl_check_tests(const lk_ctl_desk *desk, const lk_findings *findings);

/* Renders every template there is (ctl-check-templates.c). */
void lk_ctl_check_templates(const lk_ctl_desk *desk, const lk_findings *findings);

/*
 * What open tickets still need and the configuration has no more; nothing where the database cannot
 * be reached (ctl-check-desk.c).
 */
void lk_ctl_check_tickets(lk_ctl *ctl, const lk_findings *findings);

/*
 * Finds that more than reload_limit percent of last week's mail would go another way than under the
 * configuration that luukkud runs on (ctl-check-desk.c).
 */
void lk_ctl_check_replay(lk_ctl *ctl, const lk_ctl_desk *desk, const lk_findings *findings);

#endif
