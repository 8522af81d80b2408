/*
 * The ONE table of settings. Reading, messages, `luukkuctl config`, digests and freeing follow
 * it; luukku.conf(5) and the sample are compared with it by a test.
 */
#ifndef LK_CONF_SCHEMA_H
#define LK_CONF_SCHEMA_H

#include "lib/conf/conf.h"

#include <stddef.h>

/* What a setting is in the file, and what it becomes in its struct. */
typedef enum {
	LK_SET_TEXT,	 /* a string: char * */
	LK_SET_BOOL,	 /* bool */
	LK_SET_INT,	 /* low..high: int64_t */
	LK_SET_DURATION, /* "90s", low..high seconds: int64_t */
	LK_SET_SIZE,	 /* "50M", low..high bytes: int64_t */
	LK_SET_SPAN,	 /* "2d" of open time: lk_conf_span */
	LK_SET_RATE,	 /* "600/m": lk_conf_rate */
	LK_SET_AFTER,	 /* "move:FOLDER": lk_conf_after */
	LK_SET_ENUM,	 /* one of choices: int, its index */
	LK_SET_LOCAL,	 /* a text for people: lk_conf_text */
	LK_SET_LIST,	 /* a list of strings, or one: GPtrArray of char * */
	LK_SET_SPANS,	 /* GArray of lk_conf_span */
	LK_SET_RATES,	 /* GArray of lk_conf_rate */
	LK_SET_SECRET,	 /* X_file, X_command, X_sealed or X: lk_conf_secret */
	LK_SET_GROUP,	 /* { }: a struct inside the struct, lk_conf_origin first */
	LK_SET_OBJECTS,	 /* ( { }, { } ): GPtrArray of structs of `size`, lk_conf_origin first */
	LK_SET_MATCH,	 /* a rule's tests: lk_conf_test * */
	LK_SET_SETS,	 /* a rule's settings: GPtrArray of lk_conf_set * */
	LK_SET_VALUES	 /* a member of match, set or expect: no place in a struct */
} lk_setting_type;

/* What a string must look like beyond that. */
typedef enum {
	LK_FORM_ANY,	   /* one line */
	LK_FORM_LINES,	   /* several lines allowed */
	LK_FORM_NAME,	   /* 1 to 100 characters */
	LK_FORM_WORD,	   /* letters, digits, - _ . : queues, mailboxes, types, tags, fields */
	LK_FORM_ADDRESS,   /* folded */
	LK_FORM_DOMAIN,	   /* lower case */
	LK_FORM_HOST,	   /* name, address or /path */
	LK_FORM_PATH,	   /* made absolute */
	LK_FORM_COMMAND,   /* words that a shell could split */
	LK_FORM_CONNINFO,  /* libpq; a password in it is not shown */
	LK_FORM_PREFIX,	   /* TUKI */
	LK_FORM_TEMPLATES, /* fi, sv, en */
	LK_FORM_LANGUAGE,  /* two letters, lower case */
	LK_FORM_TIMEZONE,
	LK_FORM_SUBADDRESS, /* "", "+", "-" */
	LK_FORM_PIN,	    /* sha256:HEX */
	LK_FORM_LISTEN,	    /* ADDRESS:PORT */
	LK_FORM_SOCKET,	    /* /path or ADDRESS:PORT */
	LK_FORM_URL,
	LK_FORM_PATTERN, /* PCRE2 */
	LK_FORM_SLASHED, /* /PCRE2/flags */
	LK_FORM_MATCHER, /* /PCRE2/flags or a glob */
	LK_FORM_STRIP,	 /* /PCRE2/flags or plain text */
	LK_FORM_HOURS,
	LK_FORM_HOLIDAY,
	LK_FORM_SHORT,
	LK_FORM_DIGEST,
	LK_FORM_WHEN,	    /* type:NAME */
	LK_FORM_SIZE_TEST,  /* >10M */
	LK_FORM_SCORE_TEST, /* >5 */
	LK_FORM_OFFICE,	    /* calendar or !calendar */
	LK_FORM_BOOL,	    /* true or false, of LK_SET_VALUES */
	LK_FORM_BOOL_OR_MATCHER,
	LK_FORM_CHOICE, /* one of choices, of LK_SET_VALUES and LK_SET_LIST */
	LK_FORM_NAMED	/* a group of NAME = value, of LK_SET_VALUES */
} lk_setting_form;

enum {
	LK_SETTING_REQUIRED = 1, /* no default: must be given */
	LK_SETTING_FOREVER = 2,	 /* "forever" is a duration here */
	LK_SETTING_RESTART = 4,	 /* a change restarts the programs concerned; others reload */
	LK_SETTING_DERIVED = 8,	 /* the default follows from other settings (the prose says how) */
	LK_SETTING_FILLED = 16	 /* an empty list is an error */
};

typedef struct {
	const char *path; /* "mailboxes[].poll" */
	lk_setting_type type;
	lk_setting_form form;
	size_t offset;
	size_t size; /* of LK_SET_OBJECTS */
	int64_t low;
	int64_t high;
	const char *fallback;	    /* as in the file without quotes; lists: words */
	const char *const *choices; /* ends with NULL; the index is the enum's value */
	unsigned flags;
	const char *prose;
} lk_setting;

/* All of them in the order of the manual page. */
const lk_setting *lk_settings(unsigned *ret_n);

/* The direct members of a group ("" is the file itself, "mailboxes[]"), in that order. */
const lk_setting *const *lk_settings_of(const char *group, unsigned *ret_n);

/* The name of a setting in its group: behind the last dot. */
const char *lk_setting_name(const lk_setting *setting);

/* The member of a group, or NULL. A queue's own rules are those of "rules". */
const lk_setting *lk_setting_find(const char *group, const char *name);

/* The group that the members of a GROUP, OBJECTS, MATCH or SETS stand in. Caller frees. */
char *lk_setting_group(const lk_setting *setting);

/* Names that may stand in a group, X_file and its sisters included; for "did you mean". */
GPtrArray *lk_setting_names(const char *group);

/* Frees what an object of a group holds, and clears it; the same for one member of it. */
void lk_setting_clear(const char *group, void *object);
void lk_setting_clear_one(const lk_setting *setting, void *object);

#endif
