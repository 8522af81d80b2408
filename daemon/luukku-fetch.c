/*
 * luukku-fetch NAME: takes the mails of one mailbox, in a straight line:
 *
 *	the bytes come to an unlinked file	get_bytes	lib/net
 *	luukku-parse reads them			lk_take_parse_*	lib/mail
 *	stored in one transaction		lk_take_add	lib/desk/ingest
 *	COMMIT					lk_take_commit
 *	only then the server is told		fetch->settle	lib/net
 *
 * A crash anywhere before the commit leaves the mail on the server; one after it is found by the
 * row in table arrival, and the server is told then.
 */
#include "daemon/fetch.h"

#include "daemon/process.h"
#include "lib/base/backoff.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/io.h"
#include "lib/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

enum {
	SETTLE_MAILS = 100,	   /* so many stored mails wait for their action at most */
	LARGE_BYTES = 256 * 1024,  /* no transaction stays open while so much comes in */
	REST_MS = 5000,		   /* idle so long: database and parser are let go */
	IDLE_MOST_MS = 25 * 60000, /* RFC 2177: a server may log us out after 30 minutes */
	RETRY_FIRST_MS = 1000,
	RETRY_MOST_MS = 60000
};

char *lk_fetch_action(const lk_fetch *fetch, bool has_failed)
{
	const lk_conf_after *after = has_failed ? &fetch->mailbox->failed : &fetch->mailbox->after;

	if (fetch->is_sent)
		return g_strdup("keep");
	switch (after->kind) {
	case LK_CONF_AFTER_KEEP:
		break;
	case LK_CONF_AFTER_SEEN:
		return g_strdup("seen");
	case LK_CONF_AFTER_DELETE:
		/* What was not taken whole is never deleted. */
		return g_strdup(has_failed ? "keep" : "delete");
	case LK_CONF_AFTER_MOVE:
		/* POP3 has no folders. */
		if (fetch->mailbox->protocol == LK_CONF_IMAP)
			return g_strdup_printf("move:%s", after->folder);
		break;
	}
	return g_strdup("keep");
}

void lk_fetch_skip(lk_fetch *fetch, uint32_t uid)
{
	/* In order: not before the mail that is still under way. */
	if (fetch->parsing != NULL)
		fetch->parsing->dealt = MAX(fetch->parsing->dealt, uid);
	else
		fetch->dealt = MAX(fetch->dealt, uid);
}

/* --- one mail ------------------------------------------------------------------------------- */

static bool rewind_spool(int fd, GError **error)
{
	if (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return true;
	g_set_error(error, LK_ERROR, LK_ERR_RETRY,
		    "a temporary file in site.spool_dir cannot be emptied: %s", g_strerror(errno));
	return false;
}

/* The bytes; then, for a mail that could not be read, its header; then nothing of it. */
static bool read_body(lk_fetch *fetch, const lk_fetch_item *item, lk_take_mail *mail,
		      bool *ret_found, GError **error)
{
	bool is_large = item->size > (uint64_t)fetch->mailbox->max_size;

	*ret_found = true;
	for (int level = is_large || g_hash_table_contains(fetch->poison, item->uid); level < 2;
	     level++) {
		g_autoptr(GError) failed = NULL;
		g_autofree char *text = NULL;

		mail->is_too_large = level > 0;
		if (!rewind_spool(mail->mail_fd, error))
			return false;
		if (fetch->body(fetch, item, level > 0, mail->mail_fd, ret_found, &failed))
			return true;
		if (!lk_err_is(failed, LK_ERR_MESSAGE)) {
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
		text = lk_process_error_text(failed);
		lk_error("mail.unreadable", "mailbox=%s uid=\"%s\" next=%s error=\"%s\"",
			 fetch->mailbox->name, item->uid, level == 0 ? "header" : "placeholder",
			 text);
		g_hash_table_add(fetch->poison, g_strdup(item->uid));
	}
	return rewind_spool(mail->mail_fd, error);
}

/* *ret_mail NULL: the mail has gone from the server. */
static bool get_bytes(lk_fetch *fetch, const lk_fetch_item *item, lk_take_mail **ret_mail,
		      GError **error)
{
	g_autoptr(lk_take_mail) mail = lk_take_mail_new();
	bool is_found;

	*ret_mail = NULL;
	if (item->size > LARGE_BYTES && !lk_take_commit(fetch->take, error))
		return false;
	mail->folder = g_strdup(fetch->folder);
	mail->uidvalidity = fetch->uidvalidity;
	mail->uid = g_strdup(item->uid);
	mail->dealt = item->number;
	mail->received_at = item->received_at;
	if (!lk_take_spool(fetch->take, mail, error) ||
	    !read_body(fetch, item, mail, &is_found, error) ||
	    !lk_file_size(mail->mail_fd, &mail->size, error))
		return false;
	if (mail->is_too_large) {
		lk_warning("mail.too_large", "mailbox=%s uid=\"%s\" bytes=%" PRIu64 " max=%" PRId64,
			   fetch->mailbox->name, item->uid, item->size, fetch->mailbox->max_size);
	}
	mail->server_action = lk_fetch_action(fetch, mail->is_too_large);
	if (is_found)
		*ret_mail = g_steal_pointer(&mail);
	return true;
}

/* *ret_mail NULL: the parser had nothing. */
static bool end_parse(lk_fetch *fetch, lk_take_mail **ret_mail, GError **error)
{
	g_autoptr(lk_take_mail) mail = g_steal_pointer(&fetch->parsing);

	*ret_mail = NULL;
	if (mail == NULL)
		return true;
	if (!lk_take_parse_end(fetch->take, mail, error))
		return false;
	lk_fault("fetch.parsed");
	*ret_mail = g_steal_pointer(&mail);
	return true;
}

static bool store(lk_fetch *fetch, lk_take_mail *mail, GError **error)
{
	const lk_mail *parsed = mail->mail;
	lk_time told = parsed->received != LK_TIME_NONE ? parsed->received : parsed->date;
	lk_time at = mail->received_at != LK_TIME_NONE ? mail->received_at : told;
	bool is_old = lk_fetch_is_backlog(fetch, at);

	mail->is_backlog = is_old && fetch->mailbox->on_backlog == LK_CONF_BACKLOG_SILENT;
	/* IMAP told the ages in its list, before the first mail was taken. */
	fetch->backlog_count += is_old && fetch->mailbox->protocol == LK_CONF_POP3;
	if (!lk_take_add(fetch->take, mail, error))
		return false;
	return !lk_take_is_full(fetch->take) || lk_take_commit(fetch->take, error);
}

/*
 * The table of contents of this program. While the bytes of this mail come in, the parser reads
 * the one before; while that one is stored, the parser reads this one.
 */
bool lk_fetch_one(lk_fetch *fetch, const lk_fetch_item *item, GError **error)
{
	g_autoptr(lk_take_mail) mail = NULL, before = NULL;

	lk_fault("fetch.listed");
	if (!get_bytes(fetch, item, &mail, error))
		return false;
	lk_fault("fetch.body");
	if (mail == NULL) {
		lk_fetch_skip(fetch, item->number);
		fetch->waiting--;
		return true;
	}
	if (!end_parse(fetch, &before, error))
		return false;
	if (!lk_take_parse_begin(fetch->take, mail, error))
		return false;
	fetch->parsing = g_steal_pointer(&mail);
	if (before != NULL && !store(fetch, g_steal_pointer(&before), error))
		return false;
	if (fetch->pending >= SETTLE_MAILS) {
		if (!lk_take_commit(fetch->take, error) || !fetch->settle(fetch, error))
			return false;
		lk_fetch_tell_ok(fetch, false);
	}
	return true;
}

static bool store_all(lk_fetch *fetch, GError **error)
{
	lk_take_mail *last = NULL;
	bool is_parsed = end_parse(fetch, &last, error);

	if (last != NULL && !store(fetch, last, error))
		return false;
	/* The mails before one that cannot be had now are taken all the same. */
	return lk_take_commit(fetch->take, is_parsed ? error : NULL) && is_parsed;
}

bool lk_fetch_flush(lk_fetch *fetch, GError **error)
{
	if (!store_all(fetch, error))
		return false;
	return (fetch->pending == 0 && fetch->refused->len == 0) || fetch->settle(fetch, error);
}

/* After each commit, for each mail of it. */
static void mail_done(const lk_take_mail *mail, void *data)
{
	lk_fetch *fetch = data;

	fetch->did++;
	fetch->waiting--;
	fetch->dealt = MAX(fetch->dealt, mail->dealt);
	if (!mail->is_refused) {
		/* Written with the mail; for a refused one it is when the server was told. */
		fetch->last_uid = MAX(fetch->last_uid, (int64_t)mail->dealt);
		fetch->pending++;
		return;
	}
	lk_fetch_trouble(fetch,
			 "the mail with UID %s could not be stored in any form: %s; it is left to "
			 "`failed` on the server, look at it there",
			 mail->uid, mail->refusal);
	if (fetch->mailbox->protocol == LK_CONF_IMAP)
		g_array_append_val(fetch->refused, mail->dealt);
	else
		g_hash_table_add(fetch->left, g_strdup(mail->uid));
}

/* --- the mailbox ---------------------------------------------------------------------------- */

/* A connection was lost in the middle: what is already here is stored all the same. */
static void salvage(lk_fetch *fetch)
{
	g_autoptr(GError) failed = NULL;

	if (!store_all(fetch, &failed)) {
		g_autofree char *text = lk_process_error_text(failed);

		lk_warning("fetch.not_salvaged", "mailbox=%s error=\"%s\"", fetch->mailbox->name,
			   text);
	}
	g_clear_pointer(&fetch->parsing, lk_take_mail_free);
}

static void drop_session(lk_fetch *fetch)
{
	g_clear_pointer(&fetch->imap, lk_imap_free);
	g_clear_pointer(&fetch->pop3, lk_pop3_free);
	fetch->selected = NULL;
}

static bool visit(lk_fetch *fetch, GError **error)
{
	bool is_done;

	fetch->did = 0;
	fetch->waiting = 0;
	fetch->oldest = LK_TIME_NONE;
	g_clear_pointer(&fetch->trouble, g_free);
	is_done = fetch->mailbox->protocol == LK_CONF_IMAP ? lk_fetch_visit_imap(fetch, error)
							   : lk_fetch_visit_pop3(fetch, error);
	if (!is_done) {
		salvage(fetch);
		drop_session(fetch);
	}
	return is_done;
}

/* Idle, this process holds one session with the server and nothing else. */
static void rest(lk_fetch *fetch)
{
	if (lk_take_is_resting(fetch->take))
		return;
	lk_take_rest(fetch->take);
	(void)malloc_trim(0);
}

static bool wait_for(lk_fetch *fetch, int64_t ms, bool *ret_news, GError **error)
{
	*ret_news = false;
	if (fetch->mailbox->protocol == LK_CONF_IMAP)
		return lk_fetch_wait_imap(fetch, (int)MIN(ms, IDLE_MOST_MS), ret_news, error);
	(void)lk_program_doze(fetch->program, ms);
	return true;
}

static bool wait_for_news(lk_fetch *fetch, GError **error)
{
	int64_t ms = fetch->mailbox->poll_s * 1000, until = lk_monotonic_ms() + ms;
	bool has_news = false;

	if (!lk_take_is_resting(fetch->take)) {
		if (!wait_for(fetch, MIN(ms, REST_MS), &has_news, error))
			return false;
		/* Without IDLE the end of the time counts as news as well. */
		if (lk_monotonic_ms() < until - ms + MIN(ms, REST_MS) - 100 && has_news)
			return true;
		rest(fetch);
	}
	if (lk_program_is_stopping(fetch->program) || lk_monotonic_ms() >= until)
		return true;
	return wait_for(fetch, until - lk_monotonic_ms(), &has_news, error);
}

/* Waiting out a failure; false when there is nothing to wait for. */
static bool may_try_again(lk_fetch *fetch, lk_backoff *backoff, const GError *failed)
{
	lk_fetch_tell_error(fetch, failed);
	if (!lk_err_is(failed, LK_ERR_RETRY) && !lk_err_is(failed, LK_ERR_MESSAGE))
		return false;
	if (fetch->program->once || lk_take_lost_lease(fetch->take))
		return false;
	rest(fetch);
	return lk_program_doze(fetch->program, lk_backoff_next(backoff));
}

static bool serve(lk_fetch *fetch, GError **error)
{
	lk_backoff backoff = {.first_ms = RETRY_FIRST_MS, .most_ms = RETRY_MOST_MS};

	while (!lk_program_is_stopping(fetch->program)) {
		g_autoptr(GError) failed = NULL;
		bool is_new = false;

		if (!lk_program_renew(fetch->program, &is_new, error))
			return false;
		if (visit(fetch, &failed)) {
			lk_backoff_reset(&backoff);
			lk_fetch_tell_ok(fetch, true);
			/* What came meanwhile may not be announced again. */
			if (fetch->did > 0)
				continue;
			if (fetch->program->once)
				return true;
			if (wait_for_news(fetch, &failed))
				continue;
			drop_session(fetch);
		}
		if (lk_program_is_stopping(fetch->program))
			return true;
		if (!may_try_again(fetch, &backoff, failed)) {
			if (lk_program_is_stopping(fetch->program))
				return true;
			g_propagate_error(error, g_steal_pointer(&failed));
			return false;
		}
	}
	return true;
}

static int64_t epoch = -1;
static const GOptionEntry own_options[] = {
	{"epoch", 'e', 0, G_OPTION_ARG_INT64, &epoch, "of the lease that this host holds", "EPOCH"},
	{0},
};

static bool routes(void)
{
	return true;
}

static bool find_mailbox(const lk_program *program, const lk_conf_mailbox **ret_mailbox,
			 GError **error)
{
	const char *name = program->arguments[0];

	*ret_mailbox = lk_conf_find_mailbox(program->conf, name);
	if (*ret_mailbox == NULL || (*ret_mailbox)->protocol == LK_CONF_NO_SERVER) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s names no mailbox \"%s\" with a server to fetch from",
			    program->config_file, name);
		return false;
	}
	if (epoch < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_USAGE,
			    "-e EPOCH is missing: luukkud starts this program with the lease that "
			    "luukku-sched holds");
		return false;
	}
	return true;
}

static bool run(lk_program *program, GError **error)
{
	lk_fetch fetch = {.program = program};
	bool is_done;

	if (!find_mailbox(program, &fetch.mailbox, error))
		return false;
	const lk_take_options how = {
		.program = program,
		.mailbox = fetch.mailbox,
		.has_lease = true,
		.epoch = epoch,
		.waits = true,
		.bookkeep = fetch.mailbox->protocol == LK_CONF_IMAP ? lk_fetch_bookkeep_imap : NULL,
		.done = mail_done,
		.data = &fetch,
	};

	fetch.take = lk_take_new(&how);
	fetch.poison = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	fetch.left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	fetch.taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	fetch.known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	fetch.refused = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	is_done = serve(&fetch, error);
	g_clear_pointer(&fetch.parsing, lk_take_mail_free);
	lk_take_free(fetch.take);
	drop_session(&fetch);
	g_hash_table_unref(fetch.poison);
	g_hash_table_unref(fetch.left);
	g_hash_table_unref(fetch.taken);
	g_hash_table_unref(fetch.known);
	g_array_unref(fetch.refused);
	g_free(fetch.trouble);
	return is_done;
}

int main(int argc, char **argv)
{
	static const lk_query_group groups[] = {LK_QG_FETCH,  LK_QG_LEASE,  LK_QG_BLOB,
						LK_QG_INGEST, LK_QG_INTAKE, LK_QG_COMMAND};
	static const lk_program_spec spec = {
		.name = "luukku-fetch",
		.role = "luukku_fetch",
		.groups = groups,
		.n_groups = G_N_ELEMENTS(groups),
		.options = own_options,
		.arguments = "NAME",
		.n_arguments = 1,
		.needs_keys = true,
		.needs_rules = routes,
		.run = run,
	};

	return lk_program_main(&spec, argc, argv);
}
