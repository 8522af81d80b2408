/* What no setting shows by itself: references, duplicates, settings that contradict. */
#ifndef LK_CONF_CHECK_H
#define LK_CONF_CHECK_H

#include "lib/conf/problem.h"

void lk_check_conf(const lk_findings *findings, const lk_conf *conf);

/* The parts of it. */
void lk_check_servers(const lk_findings *findings, const lk_conf *conf);
void lk_check_desk(const lk_findings *findings, const lk_conf *conf);
void lk_check_rules(const lk_findings *findings, const lk_conf *conf);
/* check-skills.c: skills that a rule asks for and nobody has, and the other way round. */
void lk_check_skills(const lk_findings *findings, const lk_conf *conf);
/* check-match.c: rules that can never match. */
void lk_check_matches(const lk_findings *findings, const lk_conf *conf);
/*
 * check-patterns.c: patterns that may take for ever, templates that are nowhere. Takes its time and
 * looks at files: for `check`, not for every start.
 */
void lk_check_patterns(const lk_findings *findings, const lk_conf *conf);

/* What all objects with a name begin with. */
typedef struct {
	lk_conf_origin at;
	char *name;
} lk_named;

/*
 * Finds that no object of the list has this name; silent where one could not be read. what: how
 * the reference is called ("queues[ict].sla"), kind: what is referred to ("service level").
 */
void lk_check_reference(const lk_findings *findings, lk_conf_origin at, const char *what,
			const char *kind, const GPtrArray *objects, const char *name);

/* The same for an agent's address or alias. */
void lk_check_agent(const lk_findings *findings, lk_conf_origin at, const char *what,
		    const lk_conf *conf, const char *address);

#endif
