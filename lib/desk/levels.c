#include "lib/desk/levels.h"

#include "lib/base/hash.h"
#include "lib/desk/ticket.h"

#include <string.h>

/* Tickets of one transaction: mail for them is tried again until it has ended. */
enum { BATCH = 200 };

struct lk_levels {
	char *fingerprint;
	GArray *tickets; /* int64_t, in order */
	unsigned next;
};

void lk_levels_free(lk_levels *levels)
{
	if (!levels)
		return;
	g_free(levels->fingerprint);
	g_array_unref(levels->tickets);
	g_free(levels);
}

/* --- what due times hang on ---------------------------------------------------------------------
 */

static void put(GString *text, const char *word)
{
	g_string_append(text, word ? word : "-");
	g_string_append_c(text, '\n');
}

static void put_words(GString *text, const GPtrArray *words)
{
	for (unsigned i = 0; i < words->len; i++)
		put(text, g_ptr_array_index(words, i));
	put(text, "");
}

static void put_target(GString *text, const lk_sla_target *target)
{
	g_string_append_printf(text,
			       "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
			       " %" G_GINT64_FORMAT "\n",
			       target->respond.seconds, target->respond.open_days,
			       target->resolve.seconds, target->resolve.open_days);
}

static void put_sla(GString *text, const lk_sla *sla)
{
	put(text, sla->name);
	put(text, sla->calendar);
	g_string_append_printf(text, "%" G_GINT64_FORMAT " %d %u\n", sla->warn_at,
			       sla->pauses_on_supplier, sla->typed->len);
	for (unsigned i = 0; i < LK_N_PRIORITIES; i++)
		put_target(text, &sla->targets[i]);
	for (unsigned i = 0; i < sla->typed->len; i++) {
		const lk_sla_typed *typed = g_ptr_array_index(sla->typed, i);

		put(text, typed->type);
		g_string_append_printf(text, "%d\n", (int)typed->priority);
		put_target(text, &typed->target);
	}
}

/* Caller frees. */
static char *fingerprint_of(const lk_policy *policy)
{
	g_autoptr(GString) text = g_string_new(NULL);
	uint8_t hash[LK_KEY_HASH_BYTES];

	put(text, policy->timezone);
	for (unsigned i = 0; i < policy->calendars->len; i++) {
		const lk_calendar_text *calendar = g_ptr_array_index(policy->calendars, i);

		put(text, calendar->name);
		put(text, calendar->hours);
		put_words(text, calendar->holidays);
		put_words(text, calendar->short_days);
	}
	put(text, "");
	for (unsigned i = 0; i < policy->slas->len; i++)
		put_sla(text, g_ptr_array_index(policy->slas, i));
	put(text, "");
	for (unsigned i = 0; i < policy->organisations->len; i++) {
		const lk_organisation *organisation = g_ptr_array_index(policy->organisations, i);

		if (!organisation->sla)
			continue;
		put(text, organisation->name);
		put(text, organisation->sla);
	}
	put(text, "");
	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);

		put(text, queue->name);
		put(text, queue->sla);
	}
	lk_key_hash(text->str, hash);
	return lk_hex(hash, sizeof(hash));
}

/* --- tickets ------------------------------------------------------------------------------------
 */

static bool note(lk_db *db, const char *fingerprint, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, fingerprint);
	return lk_db_run(db, LK_Q_TIMER_LEVELS_NOTE, params, NULL, error);
}

bool lk_levels_begin(lk_db *db, const lk_policy *policy, lk_levels **ret_levels, GError **error)
{
	g_autofree char *fingerprint = fingerprint_of(policy);
	g_autoptr(lk_rows) noted = NULL;
	g_autoptr(lk_rows) open = NULL;
	lk_levels *levels = NULL;

	*ret_levels = NULL;
	if (!lk_db_run(db, LK_Q_TIMER_LEVELS, NULL, &noted, error))
		return false;
	if (lk_rows_count(noted) == 0)
		return note(db, fingerprint, error);
	if (strcmp(lk_row_text(noted, 0, "value"), fingerprint) == 0)
		return true;
	if (!lk_db_run(db, LK_Q_TIMER_OPEN, NULL, &open, error))
		return false;
	levels = g_new0(lk_levels, 1);
	levels->fingerprint = g_steal_pointer(&fingerprint);
	levels->tickets = g_array_new(FALSE, FALSE, sizeof(int64_t));
	for (size_t i = 0; i < lk_rows_count(open); i++) {
		int64_t id = lk_row_int(open, i, "id");

		g_array_append_val(levels->tickets, id);
	}
	*ret_levels = levels;
	return true;
}

/* In order of their numbers, as everybody locks them who needs several. */
static bool do_batch(lk_db *db, const lk_policy *policy, lk_time now, const lk_levels *levels,
		     unsigned n, GError **error)
{
	for (unsigned i = 0; i < n; i++) {
		int64_t ticket = g_array_index(levels->tickets, int64_t, levels->next + i);

		if (!lk_ticket_start_clocks(db, policy, ticket, now, "sched", 0, error))
			return false;
	}
	return levels->next + n < levels->tickets->len || note(db, levels->fingerprint, error);
}

bool lk_levels_step(lk_db *db, const lk_policy *policy, lk_time now, lk_levels *levels,
		    int64_t *ret_did, bool *ret_more, GError **error)
{
	unsigned n = MIN(levels->tickets->len - levels->next, (unsigned)BATCH);

	if (!lk_db_begin(db, error))
		return false;
	if (!do_batch(db, policy, now, levels, n, error)) {
		lk_db_rollback(db);
		return false;
	}
	if (!lk_db_commit(db, error))
		return false;
	levels->next += n;
	*ret_did = n;
	*ret_more = levels->next < levels->tickets->len;
	return true;
}
