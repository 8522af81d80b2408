/* Shared by the files of the templates only. */
#ifndef LK_DESK_TEMPLATE_PRIVATE_H
#define LK_DESK_TEMPLATE_PRIVATE_H

#include "lib/desk/template.h"

enum { LK_TEMPLATE_DEPTH = 32 };

typedef enum {
	LK_NODE_TEXT,
	LK_NODE_VALUE,
	LK_NODE_RAW, /* of plain text only */
	LK_NODE_SECTION,
	LK_NODE_INVERTED,
	LK_NODE_PARTIAL
} lk_node_type;

typedef struct {
	lk_node_type type;
	char *text;	     /* literal text, or the name */
	char *indent;	     /* of a partial that stands alone on its line, or NULL */
	GPtrArray *children; /* lk_node *, of sections */
	unsigned line;
} lk_node;

/* template-read.c. GPtrArray of lk_node *; LK_ERR_DATA with the line, which *ret_line has too. */
bool lk_template_read(const char *text, bool is_html, GPtrArray **ret_nodes, unsigned *ret_line,
		      GError **error);

#endif
