/*
 * Aho and Corasick's automaton: which of many texts stand in a long one, in one pass. With it a
 * pattern is run only where one of the texts stands that it cannot do without.
 */
#include "lib/desk/rule-private.h"

#include <string.h>

enum { BYTES = 256 };

typedef struct {
	int first_child;
	int sibling;
	int fail;
	int needle;  /* that ends here, or -1 */
	int shorter; /* the nearest node on the way of fails where a needle ends, or 0 */
	unsigned char byte;
} node;

struct lk_scan {
	GPtrArray *needles; /* char * */
	GHashTable *numbers;
	GArray *nodes;		       /* node; freed once it is built, but for what follows */
	int *needle_of;		       /* by state */
	int *shorter_of;	       /* by state */
	unsigned char class_of[BYTES]; /* 0: in no needle */
	unsigned n_classes;
	int *next; /* state * n_classes + class -> state; ends of needles are below 0 */
};

lk_scan *lk_scan_new(void)
{
	lk_scan *scan = g_new0(lk_scan, 1);

	scan->needles = g_ptr_array_new_with_free_func(g_free);
	scan->numbers = g_hash_table_new(g_str_hash, g_str_equal);
	return scan;
}

void lk_scan_free(lk_scan *scan)
{
	if (!scan)
		return;
	g_hash_table_unref(scan->numbers);
	g_ptr_array_unref(scan->needles);
	g_free(scan->needle_of);
	g_free(scan->shorter_of);
	g_free(scan->next);
	g_free(scan);
}

bool lk_scan_is_empty(const lk_scan *scan)
{
	return scan->needles->len == 0;
}

unsigned lk_scan_add(lk_scan *scan, const char *needle)
{
	gpointer number = NULL;
	char *mine = NULL;

	if (g_hash_table_lookup_extended(scan->numbers, needle, NULL, &number))
		return GPOINTER_TO_UINT(number);
	mine = g_strdup(needle);
	g_ptr_array_add(scan->needles, mine);
	g_hash_table_insert(scan->numbers, mine, GUINT_TO_POINTER(scan->needles->len - 1));
	return scan->needles->len - 1;
}

static node *node_at(lk_scan *scan, int i)
{
	return &g_array_index(scan->nodes, node, i);
}

static int child_of(lk_scan *scan, int parent, unsigned char byte)
{
	int child = node_at(scan, parent)->first_child;

	while (child && node_at(scan, child)->byte != byte)
		child = node_at(scan, child)->sibling;
	return child;
}

static void add_to_tree(lk_scan *scan, const char *needle, int number)
{
	int at = 0;

	for (const char *p = needle; *p; p++) {
		unsigned char byte = (unsigned char)*p;
		int child = child_of(scan, at, byte);

		if (!child) {
			node made = {.needle = -1, .byte = byte};
			made.sibling = node_at(scan, at)->first_child;
			g_array_append_val(scan->nodes, made);
			child = (int)scan->nodes->len - 1;
			node_at(scan, at)->first_child = child;
		}
		if (!scan->class_of[byte])
			scan->class_of[byte] = (unsigned char)scan->n_classes++;
		at = child;
	}
	node_at(scan, at)->needle = number;
}

/* Breadth first: the fail of a node lies nearer to the root and is complete. */
static void connect(lk_scan *scan)
{
	unsigned n = scan->nodes->len;
	g_autofree int *queue = g_new(int, n);
	unsigned head = 0;
	unsigned tail = 0;

	queue[tail++] = 0;
	while (head < tail) {
		int at = queue[head++];
		node *me = node_at(scan, at);
		int *row = scan->next + (size_t)at * scan->n_classes;
		const int *fail_row = scan->next + (size_t)me->fail * scan->n_classes;

		if (at)
			memcpy(row, fail_row, sizeof(int) * scan->n_classes);
		me->shorter = node_at(scan, me->fail)->needle >= 0
				      ? me->fail
				      : node_at(scan, me->fail)->shorter;
		for (int child = me->first_child; child; child = node_at(scan, child)->sibling) {
			unsigned class = scan->class_of[node_at(scan, child)->byte];
			node_at(scan, child)->fail = at ? fail_row[class] : 0;
			row[class] = child;
			queue[tail++] = child;
		}
	}
}

void lk_scan_build(lk_scan *scan)
{
	node root = {.needle = -1};
	unsigned n = 0;

	scan->nodes = g_array_new(FALSE, FALSE, sizeof(node));
	scan->n_classes = 1;
	g_array_append_val(scan->nodes, root);
	for (unsigned i = 0; i < scan->needles->len; i++)
		add_to_tree(scan, g_ptr_array_index(scan->needles, i), (int)i);
	n = scan->nodes->len;
	scan->next = g_new0(int, (size_t)n * scan->n_classes);
	connect(scan);
	scan->needle_of = g_new(int, n);
	scan->shorter_of = g_new(int, n);
	for (unsigned i = 0; i < n; i++) {
		scan->needle_of[i] = node_at(scan, (int)i)->needle;
		scan->shorter_of[i] = node_at(scan, (int)i)->shorter;
	}
	/* A sign tells ends from other states, so that the loop over the text reads one table. */
	for (size_t i = 0; i < (size_t)n * scan->n_classes; i++) {
		int to = scan->next[i];
		if (scan->needle_of[to] >= 0 || scan->shorter_of[to])
			scan->next[i] = -to;
	}
	g_clear_pointer(&scan->nodes, g_array_unref);
}

guint32 *lk_scan_text(const lk_scan *scan, const char *folded, size_t n)
{
	guint32 *found = g_new0(guint32, scan->needles->len / 32 + 1);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		int to =
			scan->next[at * scan->n_classes + scan->class_of[(unsigned char)folded[i]]];

		at = (size_t)ABS(to);
		for (int end = to < 0 ? -to : 0; end; end = scan->shorter_of[end]) {
			int needle = scan->needle_of[end];
			if (needle >= 0)
				found[needle / 32] |= 1U << (needle % 32);
		}
	}
	return found;
}
