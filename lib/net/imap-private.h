/* The inside of an IMAP session, shared by the imap*.c files. */
#ifndef LK_NET_IMAP_PRIVATE_H
#define LK_NET_IMAP_PRIVATE_H

#include "lib/base/err.h"
#include "lib/net/etpan.h"
#include "lib/net/imap.h"
#include "lib/net/stream.h"

struct lk_imap {
	lk_stream *stream;
	mailimap *m;  /* parser and its results; commands are written by ourselves */
	GString *bye; /* the server's parting words */
	bool can_idle;
	bool can_move;
	bool can_uidplus;
	char delimiter;	   /* between levels of folder names; 0: not asked yet */
	uint32_t uid_next; /* as of SELECT; 0: not told */
	int result;	   /* libetpan's, of the last command */
	/* The fetch that is running. */
	bool is_fetching;
	int fetch_fd;
	uint64_t fetch_left;
	bool fetch_began;
	bool fetch_too_long;
	GError *fetch_error; /* of writing to fetch_fd */
};

enum {
	LK_IMAP_SMALL_BYTES = 1 << 20, /* the answer to a command that should say little */
	LK_IMAP_UID_BATCH = 200	       /* UIDs in one command line: well below 8 kB */
};

/*
 * Sends "TAG line" and reads to the tagged answer. *ret_ok: OK, or NO (the session lives; the words
 * by lk_imap_words). False: the session is dead, LK_ERR_RETRY. What came along is in
 * imap->m->imap_response_info until the next command.
 */
bool lk_imap_command(lk_imap *imap, uint64_t most_bytes, bool *ret_ok, GError **error,
		     const char *format, ...) G_GNUC_PRINTF(5, 6);

/* The two halves of a command, for those with a dialogue in between. Errors likewise. */
bool lk_imap_send(lk_imap *imap, uint64_t most_bytes, const char *line, GError **error);
bool lk_imap_await(lk_imap *imap, bool *ret_ok, GError **error);
/* The next line without its end, unparsed; borrowed. lk_imap_await_from parses on from it. */
bool lk_imap_next_line(lk_imap *imap, const char **ret_line, GError **error);
bool lk_imap_await_from(lk_imap *imap, bool *ret_ok, GError **error);

/* The server's words of the last tagged answer, cleaned. Caller frees. */
char *lk_imap_words(const lk_imap *imap);

/* Sets an error from a NO: LK_ERR_RETRY when its code says that it passes, else `code`. */
bool lk_imap_refused(const lk_imap *imap, lk_err code, GError **error, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

/* A folder name as it goes into a command: modified UTF-7 with the server's delimiter, quoted. */
bool lk_imap_quote_folder(lk_imap *imap, const char *folder, char **ret_quoted, GError **error);

/* "1:3,7" of n UIDs, sorted. Caller frees. */
char *lk_imap_set_text(const uint32_t *uids, size_t n);

/* Which of the UIDs the selected folder still has, ascending; GArray of uint32_t. */
bool lk_imap_still_there(lk_imap *imap, const uint32_t *uids, size_t n, GArray **ret_uids,
			 GError **error);

/* libetpan hands the bodies of FETCH answers over in pieces (imap-fetch.c). */
bool lk_imap_take_body(int type, struct mailimap_msg_att_body_section *section, const char *bytes,
		       size_t n, void *data);

#endif
