/* Collects what is wrong with a configuration, all of it, in one run. */
#ifndef LK_CONF_PROBLEM_H
#define LK_CONF_PROBLEM_H

#include "lib/conf/conf.h"
#include "lib/conf/snapshot.h"

/* The files and what was found in them; all borrowed. */
typedef struct {
	GPtrArray *files;      /* char *: the order in which files were opened */
	GPtrArray *problems;   /* lk_conf_problem * */
	lk_snapshot *snapshot; /* records what is read, or stands in its place; or NULL */
} lk_findings;

GPtrArray *lk_problems_new(void);

void lk_find_error(const lk_findings *findings, lk_conf_origin at, const char *format, ...)
	G_GNUC_PRINTF(3, 4);
void lk_find_warning(const lk_findings *findings, lk_conf_origin at, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* Main file first, then the others in the order they were opened; by line in each. */
void lk_problems_sort(const lk_findings *findings);
bool lk_problems_have_error(const GPtrArray *problems);

/* The copy of a name that lives in files, added when missing. Borrowed from files. */
const char *lk_file_name_keep(GPtrArray *files, const char *name);

#endif
