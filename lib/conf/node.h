/* libconfig's tree as plain nodes, with the place of each. */
#ifndef LK_CONF_NODE_H
#define LK_CONF_NODE_H

#include "lib/conf/source.h"

typedef enum {
	LK_NODE_TEXT,
	LK_NODE_INT,
	LK_NODE_FLOAT,
	LK_NODE_BOOL,
	LK_NODE_GROUP, /* items have names */
	LK_NODE_LIST   /* ( ) and [ ]: items have none */
} lk_node_kind;

typedef struct lk_node lk_node;
struct lk_node {
	lk_node_kind kind;
	lk_conf_origin at;
	char *name; /* or NULL */
	char *text; /* of LK_NODE_TEXT; valid UTF-8 */
	int64_t number;
	bool is_true;
	GPtrArray *items; /* lk_node *, in the order of the file */
};

lk_node *lk_node_new(lk_node_kind kind, lk_conf_origin at);
void lk_node_free(lk_node *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_node, lk_node_free)

/* The member of a group, or NULL. Borrowed. */
const lk_node *lk_node_get(const lk_node *group, const char *name);

/* "a group { }", "a string", ... */
const char *lk_node_kind_name(lk_node_kind kind);

/*
 * Reads a file and its includes. A syntax error or duplicate name is found and what stood before
 * it returned, *ret_stopped true. False when the file cannot be read at all (found, too).
 */
bool lk_node_read(const lk_findings *findings, const char *path, const lk_conf_origin *at,
		  lk_node **ret_root, bool *ret_stopped);

#endif
