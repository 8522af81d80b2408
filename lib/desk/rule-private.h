/* Shared by the files of the rules only. */
#ifndef LK_DESK_RULE_PRIVATE_H
#define LK_DESK_RULE_PRIVATE_H

#include "lib/base/calendar.h"
#include "lib/base/pattern.h"
#include "lib/desk/rules.h"

/* Of the parts of texts that patterns cannot do without (rule-scan.c). */
typedef struct lk_scan lk_scan;

typedef enum {
	LK_FACT_ALL,
	LK_FACT_ANY,
	LK_FACT_NONE,
	LK_FACT_PERSON,
	LK_FACT_FROM,
	LK_FACT_FROM_DOMAIN,
	LK_FACT_ORGANISATION,
	LK_FACT_TO,
	LK_FACT_CC,
	LK_FACT_RECIPIENT,
	LK_FACT_MAILBOX,
	LK_FACT_QUEUE,
	LK_FACT_SUBJECT,
	LK_FACT_BODY,
	LK_FACT_TEXT,
	LK_FACT_HEADER,
	LK_FACT_ATTACHMENT,
	LK_FACT_ATTACHMENT_TYPE,
	LK_FACT_SIZE,
	LK_FACT_LANGUAGE,
	LK_FACT_KIND,
	LK_FACT_TYPE,
	LK_FACT_PRIORITY,
	LK_FACT_IMPORTANCE,
	LK_FACT_AUTH,
	LK_FACT_SPAM_SCORE,
	LK_FACT_TIME,
	LK_FACT_IS_REPLY,
	LK_FACT_AGENT,
	LK_FACT_SUPPLIER,
	LK_N_FACTS
} lk_fact;

typedef enum {
	LK_VALUE_EXACT, /* folded text */
	LK_VALUE_GLOB,	/* the same */
	LK_VALUE_PATTERN,
	LK_VALUE_YES_NO,
	LK_VALUE_NUMBER,
	LK_VALUE_CALENDAR
} lk_value_kind;

typedef struct {
	lk_value_kind kind;
	const char *written; /* borrowed from the policy */
	char *folded;
	size_t n;
	lk_pattern *pattern;
	GArray *needles; /* unsigned: the text has one of these, or the value cannot hold; NULL */
	bool yes;
	bool is_greater;
	bool or_equal;
	double number;
	const lk_calendar *calendar; /* borrowed from the policy */
} lk_value;

typedef struct {
	const lk_rule_test *from;
	lk_fact fact;
	bool reads_text;     /* it or a child of it looks at body or text */
	GArray *values;	     /* lk_value */
	GPtrArray *children; /* lk_test *, as in the file */
	GPtrArray *order;    /* the same, those that look at texts last; borrowed */
	unsigned slot;	     /* of LK_FACT_HEADER */
} lk_test;

typedef struct {
	const lk_rule *from;
	lk_test *match;
	GArray *sets; /* lk_set */
	bool has_captures;
} lk_compiled_rule;

typedef enum {
	LK_SET_QUEUE,
	LK_SET_OWNER,
	LK_SET_SKILL,
	LK_SET_TYPE,
	LK_SET_PRIORITY,
	LK_SET_STATUS,
	LK_SET_TAGS,
	LK_SET_FIELDS,
	LK_SET_SUBJECT,
	LK_SET_LANGUAGE,
	LK_SET_ACKNOWLEDGE,
	LK_SET_NOTIFY,
	LK_SET_CC,
	LK_SET_FORWARD,
	LK_SET_SUPPLIER,
	LK_SET_TEMPLATE,
	LK_SET_SLA,
	LK_SET_OPEN,
	LK_SET_DROP,
	LK_N_SETS
} lk_set_kind;

typedef struct {
	const lk_rule_set *from;
	lk_set_kind kind;
	const lk_queue *queue;
	const lk_supplier *supplier;
	lk_notify notify;
	bool yes;
} lk_set;

/* The rules of one list: the common ones, or a queue's. */
typedef struct {
	const lk_queue *queue; /* NULL: common */
	GPtrArray *rules;      /* lk_compiled_rule * */
} lk_rule_list;

struct lk_rules {
	const lk_policy *policy;
	GPtrArray *lists;    /* lk_rule_list *: common first, then one for each queue */
	GHashTable *headers; /* name in any case -> slot + 1 */
	unsigned n_headers;
	lk_scan *scans[LK_N_FACTS]; /* of subject, body and text; others NULL */
	bool has_reply;
};

/* rule-test.c */
lk_test *lk_test_compile(lk_rules *rules, const lk_rule_test *from, GError **error);
void lk_test_free(lk_test *test);

/* rule-set.c */
bool lk_set_compile(const lk_policy *policy, const lk_rule_set *from, lk_set *ret_set,
		    GError **error);
/* Could an expansion of it refer to a capture? */
bool lk_set_has_captures(const lk_set *set);

/* --- one mail --------------------------------------------------------------------------------- */

/* One text that tests look at. */
typedef struct {
	const char *text; /* valid UTF-8 */
	size_t n;
	char *owned;  /* text, where it had to be made */
	char *folded; /* NULL until somebody needs it */
	size_t n_folded;
	guint32 *found; /* bits of lk_scan_text; NULL until somebody needs it */
} lk_seen;

typedef struct {
	const lk_rules *rules;
	const lk_policy *policy;
	const lk_rule_facts *facts;
	lk_rule_result *result;
	bool is_explained;
	unsigned n_missed; /* rules that did not match, where what is said of them is kept */
	GArray *lists[LK_N_FACTS]; /* lk_seen; NULL: nobody has looked yet */
	GArray **headers;	   /* by slot, the same */
	bool has_score;
	bool knows_score;
	double score;
} lk_rule_mail;

void lk_rule_mail_init(lk_rule_mail *mail, const lk_rules *rules, const lk_rule_facts *facts,
		       bool is_explained, lk_rule_result *result);
void lk_rule_mail_clear(lk_rule_mail *mail);

/* rule-mail.c: the texts of a fact, borrowed. What rules change is looked up anew each time. */
GArray *lk_rule_texts(lk_rule_mail *mail, const lk_test *test);
void lk_seen_fold(lk_seen *seen);
/* The score of the spam filter; false when no header gives one. */
bool lk_rule_score(lk_rule_mail *mail, double *ret_score);
const lk_queue *lk_rule_queue(const lk_rule_mail *mail);
const char *lk_rule_type(const lk_rule_mail *mail);
const char *lk_rule_priority(const lk_rule_mail *mail);

/* rule-match.c */
lk_match lk_test_match(lk_rule_mail *mail, const lk_test *test);
lk_match lk_value_match(lk_rule_mail *mail, const lk_test *test, const lk_value *value,
			lk_seen **ret_seen);
/* rule-set.c: carries out what the rule sets. */
void lk_rule_apply(lk_rule_mail *mail, const lk_compiled_rule *rule);

/* rule-trace.c. What is kept is shorter, see rules.h. */
void lk_trace_rule(lk_rule_mail *mail, const lk_compiled_rule *rule, bool matched,
		   const char *because, bool with_tests);
/* Why a rule did not match, in words; caller frees. */
char *lk_trace_because(lk_rule_mail *mail, const lk_compiled_rule *rule);

/* --- rule-literal.c, rule-scan.c -------------------------------------------------------------- */

/*
 * Texts of which every text that the pattern matches has one, folded; NULL when there is no
 * telling. GPtrArray of char *; caller unrefs.
 */
GPtrArray *lk_literals_of_pattern(const char *slashed);
/* The same of a folded glob. */
GPtrArray *lk_literals_of_glob(const char *glob);

/* Looks for many texts in one pass (Aho and Corasick). */
lk_scan *lk_scan_new(void);
void lk_scan_free(lk_scan *scan);
/* The number of a text; the same text gets the same one. */
unsigned lk_scan_add(lk_scan *scan, const char *needle);
/* When all are added. */
void lk_scan_build(lk_scan *scan);
bool lk_scan_is_empty(const lk_scan *scan);
/* Which of them stand in the folded text: bits, by lk_scan_add's number. Caller frees. */
guint32 *lk_scan_text(const lk_scan *scan, const char *folded, size_t n);

#endif
