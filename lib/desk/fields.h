/*
 * Required fields of a queue: what a mail tells of them, and what is still to be asked for. Pure:
 * no I/O, no clock; explain and replay call the same code.
 */
#ifndef LK_DESK_FIELDS_H
#define LK_DESK_FIELDS_H

#include "lib/base/json.h"
#include "lib/desk/policy.h"

enum { LK_FIELD_BYTES = 200 };

typedef enum {
	LK_FIELD_IN_SUBJECT, /* the pattern holds in the subject */
	LK_FIELD_IN_WORDS,   /* ... in the new words */
	LK_FIELD_LABELLED,   /* "Room: 123" */
	LK_FIELD_BELOW,	     /* written below or behind the question that our mail asked */
	LK_FIELD_ALONE	     /* the answer to the only question is nothing but the value */
} lk_field_source;

/* "in the subject", ...: for people. */
const char *lk_field_source_words(lk_field_source source);

typedef struct {
	const lk_required *required; /* borrowed from the policy */
	char *value;
	lk_field_source source;
} lk_field_found;

/* What is asked of a mail. Everything borrowed. */
typedef struct {
	const lk_queue *queue;
	const char *type;	/* of the ticket, or NULL */
	const lk_json *known;	/* object: fields that need not be found; or NULL */
	const GPtrArray *asked; /* char *: of an answer, the fields that are missing; else NULL */
	const char *subject;	/* NULL in an answer: it repeats ours */
	const char *words;	/* new words */
	const char *text;	/* of an answer: everything, quoted questions too; or NULL */
} lk_fields_facts;

typedef struct {
	GPtrArray *found;   /* lk_field_found *, in the order of the configuration */
	GPtrArray *missing; /* const lk_required *: the same order, each field once */
	bool is_given_up;   /* a pattern reached its limit: what it would have found is missing */
} lk_fields;
void lk_fields_clear(lk_fields *fields);

/*
 * A labelled line or an answer below a question counts before the pattern does. The value is the
 * pattern's group `value`, else group 1, else the whole match, without the sentence's marks behind
 * it. Where a pattern with a group does
 * not hold in what answers a question, that is the value: the group's surroundings are words that
 * the question stands for. A pattern without a group must hold.
 */
void lk_fields_find(const lk_fields_facts *facts, lk_fields *ret_fields);

/*
 * For the variables of a mail that asks: [{field, ask: {fi, sv, en}}], each text ending in a colon
 * or a question mark. Caller unrefs.
 */
lk_json *lk_fields_questions(const lk_policy *policy, const GPtrArray *missing);

/*
 * What was found, for a mail that says what was understood: [{label: {fi, sv, en}, value}]. found:
 * lk_field_found *. Caller unrefs.
 */
lk_json *lk_fields_answers(const lk_policy *policy, const GPtrArray *found);

#endif
