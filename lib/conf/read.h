/* Nodes into structs, by the table of settings. */
#ifndef LK_CONF_READ_H
#define LK_CONF_READ_H

#include "lib/conf/node.h"
#include "lib/conf/schema.h"

typedef struct {
	lk_findings findings;
	lk_conf *conf; /* borrowed */
	bool stopped;  /* reading ended early: what is missing may stand below */
} lk_reader;

/*
 * Gives every member of a group its default, then what the node says. label is how messages call
 * the object ("mailboxes[ict]", "" for the file); node may be NULL.
 */
void lk_read_group(lk_reader *reader, const char *group, const char *label, const lk_node *node,
		   void *object);

/* Reads a list of objects and adds them to *place, which is made when it is NULL. */
void lk_read_objects(lk_reader *reader, const lk_setting *setting, const char *label,
		     const lk_node *node, GPtrArray **place);

/* One setting into its place, which holds its default. Not for secrets. */
void lk_read_value(lk_reader *reader, const lk_setting *setting, const char *label,
		   const lk_node *node, void *place);
void lk_read_secret(lk_reader *reader, const lk_setting *setting, lk_conf_secret_form form,
		    const char *label, const lk_node *node, lk_conf_secret *place);

/* The default of a setting into its cleared place. */
void lk_read_default(lk_reader *reader, const lk_setting *setting, void *place);

/* Where the setting is in its object. */
void *lk_setting_place(const lk_setting *setting, void *object);

/* "label.name". Caller frees. */
char *lk_label(const char *label, const char *name);

/* Finds the unknown member of a group; a value of another kind than it should be. */
void lk_find_unknown(const lk_reader *reader, const char *group, const char *label,
		     const lk_node *item);
void lk_find_wrong_kind(const lk_reader *reader, const char *label, const lk_node *node,
			const char *should);

#endif
