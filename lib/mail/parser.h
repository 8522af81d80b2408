/*
 * The client's side of luukku-parse, the child that alone reads bytes of strangers. It has no
 * network, no files, no database and no secrets; its death is an answer, not an outage.
 *
 * The mail goes over as a file descriptor. The decoded attachments come back in a parts file whose
 * descriptor the client made, the encoded answer over the socket or, a long one, behind them; it is
 * decoded defensively and every offset and size in it is checked.
 */
#ifndef LK_MAIL_PARSER_H
#define LK_MAIL_PARSER_H

#include "lib/mail/mail.h"

#include <glib.h>

/* All borrowed for the parser's lifetime. */
typedef struct {
	const char *program;	     /* path of luukku-parse */
	const char *const *authserv; /* NULL-terminated lists, or NULL */
	const char *const *relays;
	const char *const *own_lists;
	const char *const *strip;
	const char *spool_dir; /* NULL: /tmp */
	int time_limit_ms;     /* for one mail, both tries; 0: 20000 */
	unsigned max_mails;    /* a process is replaced after so many; 0: 1000 */
} lk_parser_options;

typedef struct lk_parser lk_parser;

lk_parser *lk_parser_new(const lk_parser_options *options);
void lk_parser_free(lk_parser *parser); /* ends the child */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_parser, lk_parser_free)

/*
 * Hands a mail over and returns at once; the descriptor stays the caller's and must stay open
 * until lk_parser_finish; one that is open for reading only may have its offset moved. At most one
 * mail is under way. LK_ERR_RETRY when no child can start.
 */
bool lk_parser_start(lk_parser *parser, int mail_fd, GError **error);

/*
 * Waits for the answer. A mail that kills or stalls the child is tried once more alone; then it
 * comes back with is_unparsed set, read by lk_mail_minimal. *ret_parts_fd holds the decoded
 * attachments, beside bytes that nothing refers to, and is the caller's to close; it is -1 when
 * there are none. LK_ERR_RETRY when no child can start.
 */
bool lk_parser_finish(lk_parser *parser, lk_mail **ret_mail, int *ret_parts_fd, GError **error);

/*
 * Takes back a parts file of lk_parser_finish that nobody will read again, to be used for a later
 * mail; *parts_fd becomes -1. Closing it instead is as right, and slower. No child is given a file
 * that holds what another one wrote.
 */
void lk_parser_give_back(lk_parser *parser, int *parts_fd);

/*
 * A reading of at most the first 64 KiB for From, To, Subject, Message-ID, Date and nothing else:
 * for mails that the parser cannot take and for mails fetched as a header only. Never fails.
 */
lk_mail *lk_mail_minimal(int mail_fd);

#endif
