/* When digests are due: each queue's at its own time, one mail to a person for all of a round. */
#include "lib/desk/timer-private.h"

#include "lib/desk/digest.h"

static bool begin(lk_db *db, const char *kind, const char *key, lk_time due, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_text(params, kind);
	lk_param_text(params, key);
	lk_param_time(params, due);
	return lk_db_run(db, LK_Q_TIMER_BEGIN_SOONER, params, NULL, error);
}

/* The queue by whose time the incident managers get theirs: the first with a digest, else the
 * first. */
static const lk_queue *first_queue(const lk_policy *policy)
{
	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);

		if (queue->digest && *queue->digest)
			return queue;
	}
	return NULL;
}

bool lk_timers_prepare_digests(lk_db *db, const lk_policy *policy, lk_time now, GError **error)
{
	const lk_queue *first = first_queue(policy);
	lk_time today = LK_TIME_NONE;
	lk_time next = LK_TIME_NONE;

	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);

		if (lk_digest_when(policy, queue, now, &today, &next) && next != LK_TIME_NONE &&
		    !begin(db, LK_TIMER_DIGEST, queue->name, next, error))
			return false;
	}
	return policy->incident_managers->len == 0 || !first ||
	       !lk_digest_when(policy, first, now, &today, &next) || next == LK_TIME_NONE ||
	       begin(db, LK_TIMER_INCIDENT_DIGEST, "", next, error);
}

/*
 * Is it to be written now? A digest that was missed is written later on its day, and not at all on
 * another: the next one tells it all. *end: when it is due again.
 */
static bool is_time(const lk_round *round, const lk_job *job, const lk_queue *queue,
		    lk_job_end *end)
{
	lk_time today = LK_TIME_NONE;
	lk_time next = LK_TIME_NONE;

	if (!lk_digest_when(round->policy, queue, round->now, &today, &next))
		return false;
	end->again_at = next;
	return today != LK_TIME_NONE;
}

bool lk_job_digest(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	const lk_queue *queue = lk_policy_queue(round->policy, job->key);

	if (queue && is_time(round, job, queue, end))
		g_ptr_array_add(round->digests, (void *)queue);
	return true;
}

bool lk_job_incident_digest(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	const lk_queue *queue = first_queue(round->policy);

	if (queue && round->policy->incident_managers->len > 0 && is_time(round, job, queue, end))
		round->has_incident_digest = true;
	return true;
}

bool lk_digests_send(lk_round *round, GError **error)
{
	return lk_digests_write(round->db, round->policy, round->digests, round->now, NULL,
				error) &&
	       (!round->has_incident_digest ||
		lk_digest_write_incidents(round->db, round->policy, round->now, NULL, error));
}
