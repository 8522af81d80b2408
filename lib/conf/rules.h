/* Rules: tests in a tree, and what is set when they hold. */
#ifndef LK_CONF_RULES_H
#define LK_CONF_RULES_H

#include "lib/conf/read.h"

void lk_conf_test_free(lk_conf_test *test);
void lk_conf_set_free(lk_conf_set *set);

/* An `all` of what the node says; without children where node is NULL. */
lk_conf_test *lk_read_match(lk_reader *reader, const char *label, const lk_node *node);

/* Members of "rules[].set" or "tests[].expect"; empty where node is NULL. */
GPtrArray *lk_read_sets(lk_reader *reader, const char *group, const char *label,
			const lk_node *node);

#endif
