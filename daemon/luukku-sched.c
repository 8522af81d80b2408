/*
 * luukku-sched: what time does. It holds this host's leases on the mailboxes and tells luukkud
 * which fetchers to run, does the work of the table timer when it is due, indexes mail for search
 * behind the intake, and drops what has been kept long enough. Every start is a recovery: nothing
 * is remembered here that a loss would hurt.
 */
#include "daemon/process.h"
#include "daemon/program.h"
#include "daemon/sched.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/sd.h"
#include "lib/db/lease.h"
#include "lib/desk/digest.h"
#include "lib/desk/levels.h"
#include "lib/desk/open-hours.h"
#include "lib/desk/timer.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum {
	LEASE_S = 30,
	LEASE_ONCE_S = 300, /* --once does not come back to renew while fetchers run */
	RENEW_MS = 10 * 1000,
	HOUR_MS = 3600 * 1000,
	/*
	 * Steps of one kind between two looks at what is due, and how long they may take: a
	 * reminder is not late because old mail is being dropped.
	 */
	MOST_STEPS = 20,
	STEPS_MS = 300,
	/* Jobs of one transaction: what one person is told in it is one mail. */
	MOST_JOBS = 1000,
	/* Due work that another one holds is looked at again so much later. */
	HELD_MS = 500
};

static char *instance_option;
static gboolean leases_option;

typedef struct {
	lk_program *program; /* borrowed */
	lk_db *db;	     /* NULL: away */
	char *instance;
	GPtrArray *mailboxes; /* char *, borrowed from the configuration */
	lk_levels *levels;    /* tickets to go through after a change of service levels, or NULL */
	bool is_prepared;     /* for this configuration and connection */
	lk_clock_watch watch;
	char *leases; /* as last told to luukkud, or NULL */
	lk_sched_index index;
	int64_t blob_position;
	/* When each is due, by the monotonic clock. */
	int64_t renew_ms;
	int64_t sweep_ms;
	int64_t hourly_ms;
	bool is_index_due;
	lk_time timer_at; /* by the clock of business; LK_TIME_NONE: no work is set */
	int64_t did;	  /* since luukkud was last told */
} sched;

static void sched_clear(sched *self)
{
	g_clear_pointer(&self->db, lk_db_close);
	g_clear_pointer(&self->mailboxes, g_ptr_array_unref);
	g_clear_pointer(&self->instance, g_free);
	g_clear_pointer(&self->leases, g_free);
	g_clear_pointer(&self->levels, lk_levels_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sched, sched_clear)

static char *format_leases(const GPtrArray *leases)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < leases->len; i++) {
		const lk_lease *lease = g_ptr_array_index(leases, i);

		g_string_append_printf(text, "%s%s:%" PRId64, i > 0 ? "," : "", lease->mailbox,
				       lease->epoch);
	}
	return g_string_free(g_steal_pointer(&text), false);
}

/* luukkud is told the whole set each time: a message may be lost, and luukkud restarted. */
static bool renew(sched *self, GError **error)
{
	g_autoptr(GPtrArray) leases = NULL;
	g_autofree char *text = NULL;

	if (!lk_lease_renew(self->db, self->program->host, self->instance, self->mailboxes,
			    self->program->once ? LEASE_ONCE_S : LEASE_S, &leases, error))
		return false;
	text = format_leases(leases);
	if (self->program->is_supervised)
		(void)lk_sd_notify("X_LEASES=%s\n", text);
	if (g_strcmp0(text, self->leases) != 0)
		lk_info("sched.leases", "held=%u of=%u leases=\"%s\"", leases->len,
			self->mailboxes->len, text);
	g_free(self->leases);
	self->leases = g_steal_pointer(&text);
	self->renew_ms = lk_monotonic_ms() + RENEW_MS;
	return true;
}

/* May the next step be taken, after so many since then? */
static bool goes_on(int steps, int64_t begin_ms)
{
	return steps < MOST_STEPS && (steps == 0 || lk_monotonic_ms() - begin_ms < STEPS_MS);
}

/* *ret_more: stopped by the number of steps or their time, not by the end of the work. */
static bool index_messages(sched *self, bool *ret_more, GError **error)
{
	int64_t did = 0, begin_ms = lk_monotonic_ms();

	*ret_more = true;
	for (int i = 0; goes_on(i, begin_ms) && *ret_more; i++) {
		if (!lk_sched_index_step(self->db, &self->index, &did, ret_more, error))
			return false;
		self->did += did;
	}
	return true;
}

static bool drop_old(sched *self, bool *ret_more, GError **error)
{
	int64_t keep_s = self->program->conf->database.keep_raw_s;
	int64_t did = 0, begin_ms = lk_monotonic_ms();

	/* LK_CONF_FOREVER, or so long that nothing can be that old. */
	*ret_more = keep_s <= lk_now() / LK_SECOND;
	for (int i = 0; goes_on(i, begin_ms) && *ret_more; i++) {
		if (!lk_sched_raw_step(self->db, lk_now() - keep_s * LK_SECOND, &did, ret_more,
				       error))
			return false;
		self->did += did;
		if (did > 0)
			lk_info("sched.raw_dropped", "mails=%" PRId64, did);
	}
	return true;
}

/* Before the orphans: what is forgotten here is what nothing refers to any more. */
static bool forget(sched *self, bool *ret_more, GError **error)
{
	int64_t did = 0;

	*ret_more = true;
	for (int i = 0; i < MOST_STEPS && *ret_more; i++) {
		if (!lk_sched_retention_step(self->db, self->program->policy, lk_now(), &did,
					     ret_more, error))
			return false;
		self->did += did;
		if (did > 0)
			lk_info("sched.forgotten", "tickets=%" PRId64, did);
	}
	return true;
}

static bool drop_orphans(sched *self, GError **error)
{
	bool more = true;
	int64_t did = 0;

	for (int i = 0; i < MOST_STEPS && more; i++) {
		if (!lk_sched_blob_step(self->db, &self->blob_position, &did, &more, error))
			return false;
		self->did += did;
		if (did > 0)
			lk_info("sched.content_dropped", "blobs=%" PRId64, did);
	}
	return true;
}

/* Tickets that came into being without due times get them. */
static bool adopt(sched *self, GError **error)
{
	bool more = true;
	int64_t did = 0;

	for (int i = 0; i < MOST_STEPS && more; i++) {
		if (!lk_timers_adopt(self->db, self->program->policy, lk_now(), MOST_JOBS, &did,
				     &more, error))
			return false;
		self->did += did;
	}
	return true;
}

/* Service levels or calendars are others than they were: so are the due times of open tickets. */
static bool follow_levels(sched *self, bool *ret_more, GError **error)
{
	bool more = self->levels != NULL;
	int64_t did = 0, begin_ms = lk_monotonic_ms();

	for (int i = 0; goes_on(i, begin_ms) && more; i++) {
		if (!lk_levels_step(self->db, self->program->policy, lk_now(), self->levels, &did,
				    &more, error))
			return false;
		self->did += did;
		lk_info("sched.levels_changed", "tickets=%" PRId64, did);
	}
	if (!more)
		g_clear_pointer(&self->levels, lk_levels_free);
	*ret_more |= more;
	return true;
}

/* What is due by the clock of business. One question when nothing is. */
static bool do_timers(sched *self, bool *ret_more, GError **error)
{
	bool more = true;
	int64_t did = 0;

	if (!lk_timers_next(self->db, &self->timer_at, error))
		return false;
	if (self->timer_at == LK_TIME_NONE || self->timer_at > lk_now())
		return true;
	for (int i = 0; i < MOST_STEPS && more; i++) {
		if (!lk_timers_run(self->db, self->program->policy, lk_now(), MOST_JOBS, &did,
				   &more, error))
			return false;
		self->did += did;
		if (did > 0)
			lk_info("sched.timers", "jobs=%" PRId64, did);
	}
	*ret_more |= more;
	return lk_timers_next(self->db, &self->timer_at, error);
}

/* Urgent incidents are told at any hour; they may have become so by any mail or command. */
static bool tell_incidents(sched *self, GError **error)
{
	int64_t did = 0;

	if (!lk_digest_tell_incidents(self->db, self->program->policy, lk_now(), &did, error))
		return false;
	self->did += did;
	if (did > 0)
		lk_info("sched.incidents", "told=%" PRId64, did);
	return true;
}

/* Does what is due now; *ret_more: there is more to do at once. */
static bool work(sched *self, bool *ret_more, GError **error)
{
	int64_t now_ms = lk_monotonic_ms();
	bool more = false;

	*ret_more = false;
	if (now_ms >= self->renew_ms && (!renew(self, error) || !adopt(self, error)))
		return false;
	if (!follow_levels(self, ret_more, error) || !tell_incidents(self, error) ||
	    !do_timers(self, ret_more, error))
		return false;
	if (now_ms >= self->sweep_ms) {
		if (!lk_sched_index_sweep(self->db, &self->index, error))
			return false;
		self->sweep_ms = now_ms + LK_SCHED_SWEEP_S * INT64_C(1000);
		self->is_index_due = true;
	}
	if (self->is_index_due) {
		if (!index_messages(self, &more, error))
			return false;
		self->is_index_due = more;
		*ret_more |= more;
	}
	if (now_ms >= self->hourly_ms) {
		if (!drop_old(self, &more, error) || (!more && !forget(self, &more, error)) ||
		    (!more && !drop_orphans(self, error)) ||
		    (!more &&
		     !lk_open_hours_keep(self->db, self->program->policy, lk_now(), error)))
			return false;
		*ret_more |= more;
		if (!more)
			self->hourly_ms = now_ms + HOUR_MS;
	}
	lk_program_tell_ok(self->program, self->did);
	self->did = 0;
	return true;
}

/* Until the bell of stored mail, the next thing that is due, or the end. */
static bool wait_for_work(sched *self, GError **error)
{
	int64_t next_ms = MIN(self->renew_ms, MIN(self->sweep_ms, self->hourly_ms));
	int64_t left_ms = CLAMP(next_ms - lk_monotonic_ms(), 0, RENEW_MS);
	const char *bell = NULL;

	if (self->timer_at != LK_TIME_NONE) {
		int64_t until_ms = (self->timer_at - lk_now()) / 1000 + 1;

		left_ms = MIN(left_ms, until_ms > 0 ? until_ms : HELD_MS);
	}
	if (!lk_db_wait(self->db, self->program->wake_fd, (int)left_ms, &bell, error))
		return false;
	/* What luukku-send stores rings no bell; the renewal's pace is soon enough for it. */
	self->is_index_due = true;
	return true;
}

/* Opens the database if it is not open. *ret_is_open false: asked to stop meanwhile. */
static bool ensure_db(sched *self, bool *ret_is_open, GError **error)
{
	*ret_is_open = lk_db_is_alive(self->db);
	if (*ret_is_open)
		return true;
	g_clear_pointer(&self->db, lk_db_close);
	if (!lk_program_open_db(self->program, &self->db, error))
		return false;
	*ret_is_open = self->db != NULL;
	if (self->db == NULL)
		return true;
	/* Bells may have been missed, and the lease has become old. */
	self->renew_ms = self->sweep_ms = 0;
	self->is_prepared = false;
	if (self->program->once || lk_db_listen(self->db, "luukku_work", error))
		return true;
	/* Without its bells it is of no use. */
	g_clear_pointer(&self->db, lk_db_close);
	return false;
}

/* What a new configuration, or a new start, asks for. */
static bool prepare(sched *self, GError **error)
{
	if (self->is_prepared)
		return true;
	g_clear_pointer(&self->levels, lk_levels_free);
	self->is_prepared = lk_timers_prepare(self->db, self->program->policy, lk_now(), error) &&
			    lk_levels_begin(self->db, self->program->policy, &self->levels, error);
	return self->is_prepared;
}

/* What is set for each morning was set for one that is far away now. */
static void watch_clock(sched *self)
{
	int64_t back_s = 0;

	if (!lk_clock_is_back(&self->watch, lk_now(), lk_monotonic_ms(), &back_s))
		return;
	lk_warning("sched.clock_back", "seconds=%" PRId64, back_s);
	self->is_prepared = false;
}

/* What is due is done when the mail is in that may have settled it. */
static bool take_leases(sched *self, GError **error)
{
	if (!renew(self, error))
		return false;
	lk_program_tell_ok(self->program, 0);
	lk_program_ready(self->program);
	return true;
}

static bool turn(sched *self, bool *ret_is_done, GError **error)
{
	bool more = false, is_open = false, is_new = false;

	*ret_is_done = true;
	if (!lk_program_renew(self->program, &is_new, error))
		return false;
	self->is_prepared &= !is_new;
	watch_clock(self);
	if (!ensure_db(self, &is_open, error))
		return false;
	if (!is_open)
		return true;
	if (leases_option)
		return take_leases(self, error);
	if (!prepare(self, error) || !work(self, &more, error))
		return false;
	lk_program_ready(self->program);
	*ret_is_done = self->program->once && !more;
	return more || self->program->once || wait_for_work(self, error);
}

static bool run(lk_program *program, GError **error)
{
	lk_backoff backoff = {.first_ms = 1000, .most_ms = 30000};
	g_auto(sched) self = {.program = program};
	bool is_done = false;

	self.instance = g_steal_pointer(&instance_option);
	if (self.instance == NULL)
		self.instance = g_strdup(program->claimer);
	self.mailboxes = g_ptr_array_new();
	for (unsigned i = 0; i < program->conf->mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(program->conf->mailboxes, i);

		if (mailbox->protocol != LK_CONF_NO_SERVER)
			g_ptr_array_add(self.mailboxes, mailbox->name);
	}
	while (!is_done && !lk_program_is_stopping(program)) {
		g_autoptr(GError) failure = NULL;

		if (turn(&self, &is_done, &failure)) {
			lk_backoff_reset(&backoff);
			continue;
		}
		is_done = false;
		if (program->once || !lk_err_is(failure, LK_ERR_RETRY)) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return false;
		}
		g_autofree char *text = lk_process_error_text(failure);

		lk_warning("sched.retry", "error=\"%s\"", text);
		lk_program_tell_error(program, failure);
		(void)lk_program_doze(program, lk_backoff_next(&backoff));
	}
	return true;
}

int main(int argc, char **argv)
{
	static const lk_query_group groups[] = {
		LK_QG_COMMAND, LK_QG_LEASE,  LK_QG_OUTBOX, LK_QG_RETENTION, LK_QG_SCHED,
		LK_QG_SURVEY,  LK_QG_TICKET, LK_QG_TIMER,  LK_QG_PICTURE,   LK_QG_HOURS};
	static const GOptionEntry options[] = {
		{"instance", 'i', 0, G_OPTION_ARG_STRING, &instance_option,
		 "which run of luukkud the leases are for", "INSTANCE"},
		{"leases", 'l', 0, G_OPTION_ARG_NONE, &leases_option, "take the leases and exit",
		 NULL},
		{0},
	};
	static const lk_program_spec spec = {
		.name = "luukku-sched",
		.role = "luukku_sched",
		.groups = groups,
		.n_groups = G_N_ELEMENTS(groups),
		.options = options,
		.needs_keys = true,
		.run = run,
	};

	return lk_program_main(&spec, argc, argv);
}
