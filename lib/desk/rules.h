/*
 * The rules of the configuration: compiled once, then run over the facts of one mail. Pure: no
 * I/O, no clock; explain and replay call the same code.
 */
#ifndef LK_DESK_RULES_H
#define LK_DESK_RULES_H

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/desk/policy.h"
#include "lib/mail/mail.h"

typedef struct lk_rules lk_rules;

/*
 * Compiles policy->rules and those of its queues; borrows the policy, which owns the answer
 * (policy->compiled). LK_ERR_CONFIG "FILE:LINE: ..." for what lib/conf should have refused.
 */
bool lk_rules_compile(const lk_policy *policy, lk_rules **ret_rules, GError **error);
void lk_rules_free(lk_rules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_rules, lk_rules_free)

/* Is there a rule with on = "reply"? */
bool lk_rules_have_reply(const lk_rules *rules);

/* What rules look at. Everything borrowed. */
typedef struct {
	const lk_mail *mail;
	const char *const *recipients; /* envelope recipients, NULL-terminated, or NULL */
	const char *mailbox;	       /* or NULL */
	uint64_t size;		       /* of the mail */
	lk_time at;		       /* when the mail server received it */
	bool is_reply;		       /* it joins a ticket: rules with on = "reply" alone run */
	const char *standing;	       /* of the sender: "vip", "blocked", ..., or NULL */
	const char *organisation;      /* its name, or NULL */
	const lk_queue *queue;	       /* the queue so far; never NULL */
	const char *type;	       /* of the ticket that a reply joins, or NULL: the queue's */
	const char *priority;	       /* the same */
	bool is_kept;		       /* result.explained is stored: short, no words of the mail */
} lk_rule_facts;

/* A field that a rule filled. */
typedef struct {
	char *name;
	char *value;
} lk_rule_field;

/* A rule that matched, and what it did in words: "queue hr, priority high". */
typedef struct {
	const lk_rule *rule;
	char *did;
} lk_rule_hit;

/* A test that was given up (see lib/base/pattern.h); its rule did not match. */
typedef struct {
	const lk_rule *rule;
	const lk_rule_test *test;
} lk_rule_limit;

/*
 * What the rules decided; what none of them set is NULL, 0 or an empty list. Texts are borrowed
 * from the policy but for those of tags, fields and title.
 */
typedef struct {
	const lk_queue *queue;
	const lk_rule *queue_rule; /* who set it */
	const char *owner;	   /* folded address */
	const char *skill;
	const char *type;
	const char *priority;
	const char *status;
	GPtrArray *tags;   /* char *, each once */
	GPtrArray *fields; /* lk_rule_field *, each name once */
	char *title;
	const char *language; /* ISO 639-1 */
	bool has_acknowledge;
	bool acknowledge;
	const lk_rule *acknowledge_rule;
	bool has_notify;
	lk_notify notify;
	GPtrArray *cc;	    /* const char *: folded addresses, each once */
	GPtrArray *forward; /* the same */
	const lk_supplier *supplier;
	const char *template_name; /* of the acknowledgement */
	const char *sla;
	const lk_rule *open_rule; /* opens a ticket from list or calendar mail */
	const lk_rule *drop_rule;
	const char *drop;   /* why the mail goes to quarantine */
	GPtrArray *hits;    /* lk_rule_hit * */
	GPtrArray *limits;  /* lk_rule_limit * */
	lk_json *explained; /* every rule, as explain shows it; NULL when not asked for */
	int64_t left_out; /* rules that did not match and are not in explained: it is kept short */
} lk_rule_result;

/*
 * Common rules first, then those of the queue that the mail is for by then; where these move it to
 * another queue, that one's too, each queue's once. is_explained: look at every test and say so.
 * What is kept instead (facts.is_kept) has the tests of the rules that matched, and of the first
 * LK_RULES_KEPT others why they did not.
 */
enum { LK_RULES_KEPT = 100 };
void lk_rules_run(const lk_rules *rules, const lk_rule_facts *facts, bool is_explained,
		  lk_rule_result *ret_result);
void lk_rule_result_init(lk_rule_result *result);
void lk_rule_result_clear(lk_rule_result *result);

/* The last rule that set it ("queue", "cc", ...), or NULL. */
const lk_rule *lk_rule_result_setter(const lk_rule_result *result, const char *name);

/* The value of a field, or NULL. Borrowed. */
const char *lk_rule_result_field(const lk_rule_result *result, const char *name);

#endif
