/*
 * luukku-send: drains the outbox by SMTP, one mail after the other:
 *
 *	something is due	lk_outbox_next_due
 *	a connection		connect_smtp		before the claim: a server that is down
 *							costs no mail an attempt
 *	claim, committed	lk_outbox_claim_due	before the first byte of the mail
 *	send			lk_smtp_send
 *	record			lk_outbox_record	again and again until it is stored
 *
 * A crash in between leaves a claim; the next start finds its process dead and sends the mail
 * again, with the same Message-ID and bytes.
 */
#include "daemon/away.h"
#include "daemon/process.h"
#include "daemon/program.h"
#include "daemon/rate.h"
#include "daemon/server.h"
#include "lib/base/backoff.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "lib/base/sd.h"
#include "lib/desk/outbox.h"
#include "lib/net/smtp.h"

#include <inttypes.h>
#include <string.h>

enum {
	POLL_MS = 30 * 1000,	   /* a bell that was lost */
	IDLE_CLOSE_MS = 30 * 1000, /* servers dislike idle clients, and so do their limits */
	BUSY_MS = 100,		   /* what is due is just being claimed by another sender */
	AGAIN_FIRST_MS = 1000,
	AGAIN_MOST_MS = 60 * 1000,
	PERSON_FIRST_MS = 30 * 1000, /* login or certificate refused: a person must act */
	PERSON_MOST_MS = 15 * 60 * 1000
};

typedef struct {
	lk_program *program; /* borrowed */
	lk_db *db;
	lk_smtp *smtp;	/* NULL: not connected */
	bool is_reused; /* the connection has carried a mail already */
	int64_t last_use_ms;
	int64_t connect_at_ms; /* not before */
	lk_backoff network;
	lk_backoff person;
	bool is_failing; /* the last try to connect failed: logged once */
	int64_t refused; /* the last mail that it did not take now; 0: it took one since */
	lk_rate rate;
	int64_t did; /* since luukkud was last told */
	int64_t sent;
} sender;

static void sender_clear(sender *self)
{
	g_clear_pointer(&self->smtp, lk_smtp_free);
	g_clear_pointer(&self->db, lk_db_close);
	lk_rate_clear(&self->rate);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sender, sender_clear)

static bool is_stopping(const sender *self)
{
	return lk_program_is_stopping(self->program);
}

static void tell(sender *self)
{
	lk_program_tell_ok(self->program, self->did);
	if (self->program->is_supervised && self->did > 0)
		(void)lk_sd_notify("STATUS=%" PRId64 " mail%s sent\n", self->sent,
				   self->sent == 1 ? "" : "s");
	self->did = 0;
}

/* --- the database ------------------------------------------------------------------------------
 */

/* Connects, listens, frees what a dead predecessor held. False with no error: asked to stop. */
static bool open_db(sender *self, GError **error)
{
	while (!self->db) {
		g_autoptr(GError) lost = NULL;
		if (!lk_program_open_db(self->program, &self->db, error) || !self->db)
			return false;
		if (lk_db_listen(self->db, "luukku_outbox", &lost) &&
		    lk_outbox_recover(self->db, self->program->host, &lost))
			return true;
		g_clear_pointer(&self->db, lk_db_close);
		if (!lk_err_is(lost, LK_ERR_RETRY) && !lk_err_is(lost, LK_ERR_UNCERTAIN)) {
			g_propagate_error(error, g_steal_pointer(&lost));
			return false;
		}
		if (!lk_program_pause(self->program, AGAIN_FIRST_MS))
			return false;
	}
	return true;
}

/* After a failure of the database: is it worth connecting again? Consumes the failure if so. */
static bool survives(sender *self, GError **failure, GError **error)
{
	bool passes = lk_err_is(*failure, LK_ERR_RETRY) || lk_err_is(*failure, LK_ERR_UNCERTAIN);
	if (!passes) {
		g_propagate_error(error, g_steal_pointer(failure));
		return false;
	}
	g_autofree char *text = lk_process_error_text(*failure);
	lk_warning("db.trouble", "error=\"%s\"", text);
	g_clear_error(failure);
	if (!lk_db_is_alive(self->db))
		g_clear_pointer(&self->db, lk_db_close);
	return true;
}

/* --- the mail server ----------------------------------------------------------------------------
 */

static void say_failure(sender *self, const GError *failure, int64_t wait_ms)
{
	g_autofree char *text = lk_process_error_text(failure);
	if (!self->is_failing)
		lk_warning("send.no_server", "error=\"%s\" again_s=%" PRId64, text,
			   (wait_ms + 999) / 1000);
	else
		lk_debug("send.no_server", "error=\"%s\" again_s=%" PRId64, text,
			 (wait_ms + 999) / 1000);
	self->is_failing = true;
	lk_program_tell_error(self->program, failure);
}

/*
 * One try; the secret is read anew, so that a corrected password file counts. *ret_smtp stays NULL
 * when it failed: the rows are not touched, and the next try is later. Errors only with --once.
 */
static bool connect_smtp(sender *self, GError **error)
{
	const lk_conf *conf = self->program->conf;
	g_autoptr(lk_secret) secret = NULL;
	g_autoptr(GError) failure = NULL;
	lk_server server;
	if (lk_server_of_smtp(&conf->smtp, self->program->stop_fd, &server, &secret, &failure) &&
	    lk_smtp_open(&server, conf->site.domain, &self->smtp, &failure)) {
		if (self->is_failing)
			lk_info("send.server_back", "host=%s", conf->smtp.host);
		self->is_failing = false;
		self->is_reused = false;
		self->last_use_ms = lk_monotonic_ms();
		lk_backoff_reset(&self->network);
		lk_backoff_reset(&self->person);
		return true;
	}
	if (is_stopping(self))
		return true;
	lk_server_forget_token();
	int64_t alarm_ms = lk_away_note(self->program, failure);
	if (self->program->once) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return false;
	}
	/* A renewed certificate or a server's login service that is back needs no reload of ours.
	 */
	int64_t wait_ms =
		lk_backoff_next(lk_err_is(failure, LK_ERR_RETRY) ? &self->network : &self->person);
	wait_ms = MIN(wait_ms, alarm_ms);
	self->connect_at_ms = lk_monotonic_ms() + wait_ms;
	say_failure(self, failure, wait_ms);
	return true;
}

static void disconnect(sender *self)
{
	g_clear_pointer(&self->smtp, lk_smtp_free);
}

/* --- one mail -----------------------------------------------------------------------------------
 */

/*
 * Replies by which the server refuses us and not the mail (RFC 4954 6): as good as not sent, and
 * something a person must hear of.
 */
static bool is_about_login(int code)
{
	return code == 530 || code == 534 || code == 535 || code == 538;
}

static lk_send_outcome outcome_of(const lk_smtp_result *result)
{
	switch (result->class) {
	case LK_SMTP_SENT:
		return LK_SEND_SENT;
	case LK_SMTP_PERMANENT:
		return is_about_login(result->code) ? LK_SEND_RETRY : LK_SEND_FAILED;
	case LK_SMTP_UNCERTAIN:
		return LK_SEND_UNCERTAIN;
	case LK_SMTP_TEMPORARY:
	default:
		return LK_SEND_RETRY;
	}
}

/*
 * A mail that was not taken now: is it the server that takes none? It says so itself (RFC 5321 3.8;
 * RFC 3463 X.3, the mail system), hangs or hangs up, wants a login, or refuses the next mail, too.
 */
static bool is_about_server(const sender *self, const lk_outbox_claim *claim,
			    const lk_smtp_result *result)
{
	return result->code == 0 || result->code == 421 || is_about_login(result->code) ||
	       (result->status && g_str_has_prefix(result->status, "4.3.")) ||
	       (self->refused && self->refused != claim->id);
}

/* That a server greets us does not mean that it takes mail: what it does with a mail counts. */
static void note_server(sender *self, const lk_outbox_claim *claim, lk_send_outcome outcome,
			const lk_smtp_result *result)
{
	g_autoptr(GError) failure = NULL;
	bool is_away = is_about_server(self, claim, result);

	if (outcome == LK_SEND_SENT || outcome == LK_SEND_FAILED) {
		self->refused = 0;
		lk_away_end(self->program);
		return;
	}
	self->refused = claim->id;
	if (!is_away)
		return;
	failure = g_error_new(
		LK_ERROR, LK_ERR_RETRY, "the mail server %s answers, but takes no mail: %d %s",
		self->program->conf->smtp.host, result->code, result->reply ? result->reply : "");
	(void)lk_away_note(self->program, failure);
}

/* Replies may quote addresses: only codes at info and above. */
static void log_outcome(const lk_outbox_claim *claim, lk_send_outcome outcome,
			const lk_smtp_result *result, int64_t ms)
{
	g_autofree char *reply = lk_log_quote(result->reply ? result->reply : "");
	g_autofree char *facts = g_strdup_printf(
		"outbox=%" PRId64 " ticket=%" PRId64 " attempt=%d repeat=%d code=%d status=%s "
		"bytes=%zu ms=%" PRId64,
		claim->id, claim->ticket, claim->attempts, claim->is_repeat, result->code,
		result->status ? result->status : "none", g_bytes_get_size(claim->wire), ms);
	switch (outcome) {
	case LK_SEND_SENT:
		lk_info("send.sent", "%s", facts);
		break;
	case LK_SEND_RETRY:
		lk_info("send.retry", "%s", facts);
		break;
	case LK_SEND_FAILED:
		lk_warning("send.failed", "%s", facts);
		break;
	case LK_SEND_UNCERTAIN:
		lk_warning("send.uncertain", "%s", facts);
		break;
	}
	lk_debug("send.reply", "outbox=%" PRId64 " reply=%s", claim->id, reply);
}

/*
 * Stores the outcome, over as many lost database connections as it takes: the mail has gone out,
 * and forgetting it would send it twice. Always with the same time, which makes it one record.
 */
static bool record(sender *self, const lk_outbox_claim *claim, const lk_smtp_result *result,
		   GError **error)
{
	lk_time now = lk_now();
	lk_send_outcome outcome = outcome_of(result);
	for (;;) {
		g_autoptr(GError) failure = NULL;
		if (lk_outbox_record(self->db, now, claim, outcome, result->code, result->status,
				     result->reply, &failure))
			return true;
		if (!survives(self, &failure, error))
			return false;
		if (!self->db && !open_db(self, error)) {
			if (error && *error)
				return false;
			lk_warning("send.not_recorded",
				   "outbox=%" PRId64 " outcome=%d: asked to stop while the "
				   "database is away; the mail may be sent again",
				   claim->id, (int)outcome);
			return true;
		}
	}
}

/* The SMTP transaction, once more on a new connection when an idle one turns out to be dead. */
static bool transmit(sender *self, const lk_outbox_claim *claim, lk_smtp_result *result,
		     GError **error)
{
	const char *recipients[] = {claim->recipient, NULL};
	size_t n;
	const char *bytes = g_bytes_get_data(claim->wire, &n);
	if (lk_smtp_max_size(self->smtp) > 0 && n > lk_smtp_max_size(self->smtp)) {
		*result = (lk_smtp_result){.class = LK_SMTP_PERMANENT,
					   .code = 552,
					   .status = g_strdup("5.3.4"),
					   .reply = g_strdup("the mail is larger than the mail "
							     "server's SIZE")};
		return true;
	}
	for (;;) {
		bool was_reused = self->is_reused;
		lk_smtp_send(self->smtp, claim->envelope_from ? claim->envelope_from : "",
			     recipients, 1, bytes, n, result);
		self->is_reused = true;
		self->last_use_ms = lk_monotonic_ms();
		if (lk_smtp_is_alive(self->smtp))
			return true;
		disconnect(self);
		if (result->class != LK_SMTP_TEMPORARY || result->code != 0 || !was_reused)
			return true;
		if (!connect_smtp(self, error))
			return false;
		if (!self->smtp)
			return true;
		lk_smtp_result_clear(result);
	}
}

/* The server takes no mail of this size (RFC 1870, RFC 3463 X.3.4). */
static bool is_too_large(const lk_smtp_result *result)
{
	return result->class == LK_SMTP_PERMANENT &&
	       (result->code == 552 || (result->status && strcmp(result->status, "5.3.4") == 0));
}

/* Again without attachments, if it has any; else as any other refusal. */
static bool record_or_shrink(sender *self, const lk_outbox_claim *claim,
			     const lk_smtp_result *result, GError **error)
{
	g_autoptr(GError) failure = NULL;
	bool is_shrunk = false;

	/* What the database does not take now is recorded as the refusal that it is. */
	if (is_too_large(result) &&
	    lk_outbox_shrink(self->db, lk_now(), claim, result->code, result->status, result->reply,
			     &is_shrunk, &failure) &&
	    is_shrunk)
		return true;
	return record(self, claim, result, error);
}

static bool send_one(sender *self, const lk_outbox_claim *claim, GError **error)
{
	lk_smtp_result result = {.class = LK_SMTP_TEMPORARY};
	g_autoptr(GError) lost = NULL;
	int64_t begun_ms = lk_monotonic_ms();
	lk_fault("send.claimed");
	lk_rate_count(&self->rate, begun_ms);
	/* With --once a connection that could not be made again is an error, but after the record.
	 */
	bool has_server = transmit(self, claim, &result, &lost);
	lk_send_outcome outcome = outcome_of(&result);
	if (is_stopping(self) && result.class == LK_SMTP_TEMPORARY && result.code == 0) {
		/* Given up in the middle because we were asked to: the next start finds the claim.
		 */
		lk_smtp_result_clear(&result);
		return true;
	}
	lk_fault("send.before-record");
	bool is_good = record_or_shrink(self, claim, &result, error);
	lk_fault("send.recorded");
	log_outcome(claim, outcome, &result, lk_monotonic_ms() - begun_ms);
	note_server(self, claim, outcome, &result);
	self->did++;
	self->sent += outcome == LK_SEND_SENT;
	if (is_about_login(result.code)) {
		g_autoptr(GError) refusal =
			g_error_new(LK_ERROR, LK_ERR_CONFIG,
				    "the mail server wants a login before it takes mail: check "
				    "smtp.auth, user and password (server: %d %s)",
				    result.code, result.reply);
		disconnect(self);
		self->connect_at_ms = lk_monotonic_ms() + lk_backoff_next(&self->person);
		say_failure(self, refusal, self->connect_at_ms - lk_monotonic_ms());
	}
	lk_smtp_result_clear(&result);
	if (is_good && !has_server) {
		g_propagate_error(error, g_steal_pointer(&lost));
		return false;
	}
	return is_good;
}

/* Claims one mail and sends it. *ret_wait_ms: how long nothing can be done; 0: go on. */
static bool claim_and_send(sender *self, int64_t *ret_wait_ms, GError **error)
{
	g_autoptr(GPtrArray) claims = NULL;
	const lk_program *program = self->program;
	/* One at a time: memory holds one mail, and a claim is never old when its turn comes. */
	if (!lk_outbox_claim_due(self->db, program->policy, program->policy->templates_dir,
				 program->claimer, lk_now(), 1, &claims, error))
		return false;
	*ret_wait_ms = claims->len == 0 ? BUSY_MS : 0;
	for (unsigned i = 0; i < claims->len; i++)
		if (!send_one(self, g_ptr_array_index(claims, i), error))
			return false;
	return true;
}

/* --- the loop -----------------------------------------------------------------------------------
 */

/*
 * The next thing to do, done. *ret_wait_ms: how long nothing can be done; *ret_idle: because
 * nothing is due.
 */
static bool step(sender *self, int64_t *ret_wait_ms, bool *ret_idle, GError **error)
{
	lk_time due;
	int64_t now_ms = lk_monotonic_ms();
	*ret_idle = false;
	if (!lk_outbox_next_due(self->db, lk_now(), &due, error))
		return false;
	int64_t until_due_ms = due == LK_TIME_NONE ? POLL_MS : (due - lk_now()) / 1000;
	if (until_due_ms > LK_OUTBOX_LATEST_S * INT64_C(1000)) {
		int64_t did = 0;

		if (!lk_outbox_hurry(self->db, lk_now(), &did, error))
			return false;
		if (did > 0) {
			lk_away_clock_back(self->program, did);
			return true;
		}
	}
	if (until_due_ms > 0) {
		*ret_idle = true;
		*ret_wait_ms = MIN(until_due_ms, POLL_MS);
		return true;
	}
	*ret_wait_ms = lk_rate_wait_ms(&self->rate, now_ms);
	if (*ret_wait_ms > 0)
		return true;
	if (self->smtp && !lk_smtp_check(self->smtp))
		disconnect(self);
	if (!self->smtp) {
		*ret_wait_ms = MAX(self->connect_at_ms - now_ms, 0);
		if (*ret_wait_ms > 0)
			return true;
		if (!connect_smtp(self, error))
			return false;
		if (!self->smtp) {
			*ret_wait_ms = MAX(self->connect_at_ms - lk_monotonic_ms(), 1);
			return true;
		}
	}
	return claim_and_send(self, ret_wait_ms, error);
}

/* Waits for the bell, the time, or the end; a connection nobody needs is closed meanwhile. */
static bool wait_for_work(sender *self, int64_t wait_ms, bool is_idle, GError **error)
{
	const char *bell = NULL;
	int64_t idle_ms = lk_monotonic_ms() - self->last_use_ms;
	if (self->smtp && idle_ms >= IDLE_CLOSE_MS)
		disconnect(self);
	if (self->smtp)
		wait_ms = MIN(wait_ms, IDLE_CLOSE_MS - idle_ms);
	/* While the server is away a bell for another mail changes nothing. */
	if (!is_idle) {
		(void)lk_program_doze(self->program, wait_ms);
		return true;
	}
	return lk_db_wait(self->db, self->program->wake_fd, (int)MAX(wait_ms, 1), &bell, error);
}

static bool drain(sender *self, GError **error)
{
	while (!is_stopping(self)) {
		g_autoptr(GError) failure = NULL;
		int64_t wait_ms = 0;
		bool is_idle = false, is_renewed = false;
		bool is_new = !self->db;
		if (!lk_program_renew(self->program, &is_renewed, error))
			return false;
		if (is_new && !open_db(self, error))
			return !error || !*error;
		/* A claim whose COMMIT was done and not answered is nobody's but ours. */
		bool is_good = (!is_new ||
				lk_outbox_release(self->db, self->program->claimer, &failure)) &&
			       step(self, &wait_ms, &is_idle, &failure);
		if (is_good && is_idle && self->program->once)
			return true;
		if (is_good && wait_ms > 0) {
			if (!self->is_failing)
				tell(self);
			is_good = wait_for_work(self, wait_ms, is_idle, &failure);
		}
		if (is_good)
			continue;
		/* With --once a mail server that is away ends the run; the database has its own
		 * tries. */
		if (self->program->once && lk_db_is_alive(self->db)) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return false;
		}
		if (!survives(self, &failure, error))
			return false;
		(void)lk_program_pause(self->program, AGAIN_FIRST_MS);
	}
	return true;
}

/* smtp.send = false: everything is queued and shown, nothing leaves. */
static bool hold(lk_program *program, GError **error)
{
	bool is_new = false;

	lk_info("send.off", "smtp.send is false: mails stay in the outbox");
	lk_program_ready(program);
	lk_program_tell_ok(program, 0);
	if (program->is_supervised)
		(void)lk_sd_notify("STATUS=smtp.send is false: mails stay in the outbox\n");
	while (!program->once && lk_program_doze(program, G_MAXINT))
		if (!lk_program_renew(program, &is_new, error))
			return false;
	return true;
}

static bool run(lk_program *program, GError **error)
{
	const lk_conf_smtp *smtp = &program->conf->smtp;
	g_auto(sender) self = {.program = program,
			       .network = {.first_ms = AGAIN_FIRST_MS, .most_ms = AGAIN_MOST_MS},
			       .person = {.first_ms = PERSON_FIRST_MS, .most_ms = PERSON_MOST_MS}};
	if (!smtp->send)
		return hold(program, error);
	lk_rate_init(&self.rate, smtp->rate.count, smtp->rate.seconds, smtp->connections);
	if (!open_db(&self, error))
		return !error || !*error;
	lk_program_ready(program);
	bool is_good = drain(&self, error);
	if (is_good)
		tell(&self);
	return is_good;
}

int main(int argc, char **argv)
{
	static const lk_query_group groups[] = {LK_QG_OUTBOX, LK_QG_BLOB, LK_QG_NOTICE};
	static const lk_program_spec spec = {.name = "luukku-send",
					     .role = "luukku_send",
					     .groups = groups,
					     .n_groups = G_N_ELEMENTS(groups),
					     .needs_keys = true,
					     .run = run};
	return lk_program_main(&spec, argc, argv);
}
