/*
 * The commands of agents: lines that begin with # at the top or the bottom of a mail's new words.
 * Pure: no I/O, no clock. execute.h runs what this file has read.
 */
#ifndef LK_DESK_COMMAND_H
#define LK_DESK_COMMAND_H

#include "lib/base/clock.h"
#include "lib/desk/policy.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the table of names (command-words.c). */
typedef enum {
	LK_COMMAND_NOTE,
	LK_COMMAND_TAKE,
	LK_COMMAND_ASSIGN,
	LK_COMMAND_NEXT,
	LK_COMMAND_QUEUE,
	LK_COMMAND_PRIORITY,
	LK_COMMAND_TYPE,
	LK_COMMAND_TAG,
	LK_COMMAND_FIELD,
	LK_COMMAND_SUBJECT,
	LK_COMMAND_CC,
	LK_COMMAND_ORGANISATION,
	LK_COMMAND_WAIT,
	LK_COMMAND_OPEN,
	LK_COMMAND_RESOLVE,
	LK_COMMAND_REOPEN,
	LK_COMMAND_CLOSE,
	LK_COMMAND_SPAM,
	LK_COMMAND_UNDO,
	LK_COMMAND_SEND,
	LK_COMMAND_DROP,
	LK_COMMAND_SUPPLIER,
	LK_COMMAND_ASK,
	LK_COMMAND_MERGE,
	LK_COMMAND_SPLIT,
	LK_COMMAND_LINK,
	LK_COMMAND_PARENT,
	LK_COMMAND_TEMPLATE,
	LK_COMMAND_SURVEY,
	LK_COMMAND_AWAY,
	LK_COMMAND_FOR,
	LK_COMMAND_LIST,
	LK_COMMAND_HISTORY,
	LK_COMMAND_SEARCH,
	LK_COMMAND_MORE,
	LK_COMMAND_HELP,
	LK_N_COMMANDS
} lk_command_kind;

/* The English name without #. */
const char *lk_command_name(lk_command_kind kind);

typedef enum { LK_WAIT_CUSTOMER, LK_WAIT_SUPPLIER, LK_WAIT_UNTIL } lk_wait;

/* A day of the calendar as people write it. */
typedef struct {
	int year;
	int month;
	int day;
} lk_day;

bool lk_day_is_set(lk_day day);
int lk_day_compare(lk_day a, lk_day b);
/* "2026-12-01"; caller frees. */
char *lk_day_format(lk_day day);
/*
 * "2026-12-01", "1.12.2026", "1.12.", "4 augusti", "4. elokuuta 2026", "August 4th", "Aug 4, 2026"
 * at the beginning of the text. Without a year it is the next such day on or after `from`. The
 * bytes it took are *ret_used.
 */
bool lk_day_read(const char *text, lk_day from, lk_day *ret_day, size_t *ret_used);
bool lk_day_is_valid(lk_day day);
/* The day in that time zone (NULL: UTC), and the moment at which a day begins there. */
lk_day lk_day_at(const char *zone_name, lk_time at);
lk_time lk_day_start(const char *zone_name, lk_day day);

/* One command as it was written. What a kind has no use for is NULL, 0 or empty. */
typedef struct {
	lk_command_kind kind;
	char *line;	   /* as written, cleaned: for receipts and errors */
	GArray *tickets;   /* int64_t: references before the #; empty: the mail's own ticket */
	char *text;	   /* the argument: agent, queue, words, ... */
	char *name;	   /* #field: its name; #away: whose absence */
	char *deputy;	   /* #away */
	GPtrArray *add;	   /* char *: #tag, #cc */
	GPtrArray *remove; /* char * */
	int64_t number;	   /* #next: how many; #split: which message; 0: not said */
	int64_t ticket;	   /* #merge #link #parent #history: the reference; 0: none */
	bool is_none;	   /* #assign none, #parent none, #organisation none, #away none */
	lk_priority priority;
	lk_wait wait;
	lk_span span; /* #wait customer 3d */
	lk_day day;   /* #wait until; #away: first day */
	lk_day until; /* #away: last day */
	bool is_workaround;
	bool is_silent;
	bool is_anyway;
} lk_command;

/* Why a line is not run. The words for people are in command-problem.c. */
typedef enum {
	LK_PROBLEM_UNKNOWN,   /* word; hint: the nearest name or NULL */
	LK_PROBLEM_NEEDS,     /* word: the command; hint: its form */
	LK_PROBLEM_TOO_MUCH,  /* word: the command; hint: its form */
	LK_PROBLEM_PRIORITY,  /* word; hint */
	LK_PROBLEM_DATE,      /* word */
	LK_PROBLEM_PAST,      /* word: the day */
	LK_PROBLEM_ORDER,     /* word: first day after the last */
	LK_PROBLEM_NUMBER,    /* word */
	LK_PROBLEM_ADDRESS,   /* word */
	LK_PROBLEM_TAG,	      /* word */
	LK_PROBLEM_REFERENCE, /* word: not a reference */
	LK_PROBLEM_TWO_TEXTS, /* word: a second command that takes the text */
	LK_PROBLEM_TOO_MANY,  /* more commands or references than a mail may hold */
	/* Found while running: execute.c. */
	LK_PROBLEM_NO_TICKET,	 /* word: a reference that does not exist (or is out of sight) */
	LK_PROBLEM_WHICH_TICKET, /* no reference, and the mail is about none */
	LK_PROBLEM_AGENT,	 /* word; hint: nearest or NULL */
	LK_PROBLEM_NOT_IN_QUEUE, /* word: the agent; hint: the queue */
	LK_PROBLEM_QUEUE,	 /* word; hint */
	LK_PROBLEM_TYPE,	 /* word; hint: the types */
	LK_PROBLEM_FIELD,	 /* word; hint: the fields */
	LK_PROBLEM_ORGANISATION, /* word; hint */
	LK_PROBLEM_SUPPLIER,	 /* word; hint */
	LK_PROBLEM_NO_SUPPLIER,	 /* none was used on this ticket yet */
	LK_PROBLEM_NO_QUESTION,	 /* #wait customer without a question */
	LK_PROBLEM_MISSING,	 /* word: the fields that miss */
	LK_PROBLEM_STATUS,	 /* word: the command; hint: the status */
	LK_PROBLEM_NEEDS_TEXT,	 /* word: the command */
	LK_PROBLEM_ITSELF,	 /* merged, linked or made parent of itself */
	LK_PROBLEM_CIRCLE,	 /* word: reference that is below this ticket already */
	LK_PROBLEM_MESSAGE,	 /* word: no such message on the ticket */
	LK_PROBLEM_MANAGERS,	 /* only managers may */
	LK_PROBLEM_NOTHING,	 /* #undo, #send, #drop, #more: there is nothing to do it with */
	LK_PROBLEM_OWN_ADDRESS,	 /* word: an address of ours or an agent's */
	LK_PROBLEM_STALE,	 /* the customer wrote after what this answers */
	LK_PROBLEM_TEMPLATE,	 /* word; hint */
	LK_PROBLEM_MISPLACED,	 /* word: #note and its like in the middle of the text */
	LK_PROBLEM_ALONE,	 /* word: #undo and its like stand alone in a mail */
	LK_PROBLEM_NO_SELF,	 /* the command line must say --as AGENT for it */
	LK_PROBLEM_NO_CUSTOMER,	 /* there is nobody to send the answer to */
	LK_PROBLEM_SEALED,	 /* the mail is encrypted */
	LK_PROBLEM_LOST_QUEUE,	 /* word: the ticket's queue, which is not configured any more */
	LK_N_PROBLEMS
} lk_problem_code;

typedef struct {
	lk_problem_code code;
	char *line; /* the line it is about; "" for the mail as a whole */
	char *word;
	char *hint; /* or NULL */
} lk_problem;

lk_problem *lk_problem_new(lk_problem_code code, const char *line, const char *word,
			   const char *hint);
void lk_problem_free(lk_problem *problem);
/* "unknown_command", for tests and machines. */
const char *lk_problem_name(lk_problem_code code);
/* One sentence in that language that says what to write instead. Caller frees. */
char *lk_problem_words(const lk_problem *problem, lk_lang lang);

typedef struct {
	const lk_policy *policy;
	const char *agent_name; /* whose signature may stand below the commands, or NULL */
	lk_day today;		/* dates without a year are on or after it */
} lk_command_context;

typedef struct {
	GPtrArray *commands; /* lk_command *, in the order written */
	GPtrArray *problems; /* lk_problem * */
	char *text;	     /* the words that remain; no commands, no signature around them */
} lk_commands;

enum { LK_MAX_COMMANDS = 50, LK_MAX_COMMAND_TICKETS = 200, LK_MAX_COMMAND_LINE = 1000 };

/*
 * Reads the new words of a mail. A line that is meant as a command and is none is a problem, not
 * text: what was meant for the desk must not reach a customer. Never fails, linear in the text.
 */
lk_commands *lk_commands_read(const lk_command_context *context, const char *words);

/*
 * Reads commands that stand alone ("assign bo", "#assign bo"), as the command line gives them; text
 * becomes what remains.
 */
lk_commands *lk_commands_read_lines(const lk_command_context *context, const char *const *lines,
				    unsigned n, const char *text);

void lk_commands_free(lk_commands *commands);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_commands, lk_commands_free)

/* Which command the remaining text belongs to (a note, a resolution, ...); NULL: it is a reply. */
const lk_command *lk_commands_text_owner(const lk_commands *commands);

/* Do its words stay inside, so that what is meant for it must not go to a customer? */
bool lk_command_keeps_inside(lk_command_kind kind);

/* Does the command take the mail's text? */
bool lk_command_takes_text(const lk_command *command);

/* Is it answered by mail to the agent's address on file alone (#list, #history, ...)? */
bool lk_command_only_answers(lk_command_kind kind);

/* "#wait customer [3d], ..." for help and errors: what can be written in that language. */
const char *lk_command_form(lk_command_kind kind, lk_lang lang);

/* --- words in three languages (command-words.c) ----------------------------------------------- */

typedef enum {
	LK_WORD_NONE,
	LK_WORD_CUSTOMER,
	LK_WORD_SUPPLIER,
	LK_WORD_UNTIL,
	LK_WORD_WORKAROUND,
	LK_WORD_SILENT,
	LK_WORD_ANYWAY,
	LK_WORD_EXCLUDE,
	LK_WORD_TO,
	LK_N_WORDS
} lk_command_word;

/*
 * The command of that name in any language: case and accents do not matter, prefixes do not count.
 * When there is none *ret_near (or NULL) is the nearest name, NULL when none is near. Borrowed.
 */
bool lk_command_find(const char *word, lk_command_kind *ret_kind, const char **ret_near);
bool lk_command_is_word(const char *word, lk_command_word which);
/* "urgent", "kiireellinen", "brådskande", ... */
bool lk_command_priority(const char *word, lk_priority *ret_priority, const char **ret_near);

/* --- what the files of this module share (command-clean.c) ------------------------------------ */

/*
 * A line without what mail clients put into it unasked: invisible characters gone, every kind of
 * blank one blank, ends trimmed, full-width # as #. Caller frees.
 */
char *lk_command_clean(const char *line, size_t n);
/* The same with dashes as -, dots as .., quotes around it and mailto: links gone. Caller frees. */
char *lk_command_plain(const char *argument);
/* Lower case without accents, for comparing. Caller frees. */
char *lk_command_fold(const char *word);
/*
 * Where the agent's own signature begins: the number of lines of n that are words. lines: cleaned.
 */
size_t lk_command_signature(const char *const *lines, size_t n, const char *agent_name);
/* "Best regards" and nothing else? line: cleaned. */
bool lk_command_is_closing(const char *line);

#endif
