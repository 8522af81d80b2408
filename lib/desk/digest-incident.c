/* For the incident managers: one digest over all queues, and urgent incidents at once. */
#include "lib/desk/digest-private.h"

#include "lib/desk/notice.h"

#include <string.h>

/* What became urgent longer ago than this is no news: it stands in the digest. */
#define NEWS_TIME (INT64_C(86400) * LK_SECOND)

typedef struct {
	int64_t open;
	int64_t breached;
	int64_t urgent;
	int64_t ownerless;
} count;

static count count_queue(const lk_picture *p, const lk_queue *queue)
{
	count n = {0};

	for (unsigned i = 0; i < p->tickets->len; i++) {
		const lk_picture_ticket *t = &g_array_index(p->tickets, lk_picture_ticket, i);

		if (t->queue != queue)
			continue;
		n.open++;
		n.breached += t->due_at != LK_TIME_NONE && t->due_at < p->now;
		n.urgent += t->priority == LK_URGENT;
		n.ownerless += lk_policy_agent(p->policy, t->owner) == NULL;
	}
	return n;
}

static lk_json *queue_line(const lk_reader *reader, lk_queue *queue, int64_t most)
{
	const lk_picture *p = reader->picture;
	count n = count_queue(p, queue);
	lk_flow flow = {0};
	g_autoptr(GPtrArray) one_queue = g_ptr_array_new();
	g_autofree char *bar = g_strnfill((gsize)((n.open * 20 + most - 1) / most), '=');
	lk_json *one = lk_json_object();
	int64_t present = 0;

	g_ptr_array_add(one_queue, queue);
	lk_picture_flow(p, one_queue, &flow);
	for (unsigned i = 0; i < queue->agents->len; i++)
		present += lk_picture_is_present(p, g_ptr_array_index(queue->agents, i));
	lk_digest_set_title(reader, one, queue);
	lk_json_set_int(one, "in", flow.in_since);
	lk_json_set_int(one, "out", flow.out_since);
	lk_json_set_int(one, "open", n.open);
	lk_json_set_int(one, "breached", n.breached);
	lk_json_set_int(one, "urgent", n.urgent);
	lk_json_set_int(one, "ownerless", n.ownerless);
	lk_json_set_int(one, "present", present);
	lk_json_set_int(one, "team", queue->agents->len);
	lk_json_set_bool(one, "is_empty", present == 0 && queue->agents->len > 0);
	lk_json_set_text(one, "bar", bar);
	if (n.open > 0)
		lk_json_set_int(one, "percent", MAX(1, n.open * 100 / most));
	return one;
}

static void add_queues(const lk_reader *reader, lk_json *out)
{
	lk_json *lines = lk_json_array();
	int64_t most = 1;

	for (unsigned i = 0; i < reader->queues->len; i++)
		most = MAX(most,
			   count_queue(reader->picture, g_ptr_array_index(reader->queues, i)).open);
	for (unsigned i = 0; i < reader->queues->len; i++)
		lk_json_push(lines, queue_line(reader, g_ptr_array_index(reader->queues, i), most));
	lk_digest_take_rows(out, "queues", lines, reader->queues->len);
}

/* Urgent ones, whoever has them; and incidents whose target has passed. */
static void add_incidents(const lk_reader *reader, lk_json *out)
{
	const lk_picture *p = reader->picture;
	lk_json *urgent = lk_json_array();
	lk_json *late = lk_json_array();
	int64_t n_urgent = 0;
	int64_t n_late = 0;

	for (unsigned i = 0; i < p->tickets->len; i++) {
		const lk_picture_ticket *t = &g_array_index(p->tickets, lk_picture_ticket, i);
		bool is_incident = t->type && strcmp(t->type, "incident") == 0;

		if (t->priority == LK_URGENT && n_urgent++ < LK_DIGEST_ROWS)
			lk_json_push(urgent, lk_digest_line(reader, t, LK_DO_TAKE | LK_DO_GIVE));
		if (t->priority != LK_URGENT && is_incident && t->due_at != LK_TIME_NONE &&
		    t->due_at < p->now && n_late++ < LK_DIGEST_ROWS)
			lk_json_push(late, lk_digest_line(reader, t,
							  LK_DO_TAKE | LK_DO_GIVE | LK_DO_RAISE));
	}
	lk_digest_take_rows(out, "urgent", urgent, n_urgent);
	lk_digest_take_rows(out, "late", late, n_late);
}

static bool write_one(lk_picture *picture, const lk_agent *agent, GError **error)
{
	lk_reader reader = {.picture = picture,
			    .agent = agent,
			    .lang = lk_digest_language(picture->policy, agent),
			    .queues = picture->queues};
	g_autoptr(lk_json) out = lk_json_object();

	add_incidents(&reader, out);
	add_queues(&reader, out);
	lk_digest_add_flow(&reader, out);
	return lk_digest_add_trouble(&reader, out, error) &&
	       lk_digest_send(&reader, LK_DIGEST_INCIDENTS, out, error);
}

bool lk_digest_write_incidents(lk_db *db, const lk_policy *policy, lk_time now, int64_t *ret_mails,
			       GError **error)
{
	g_autoptr(lk_picture) picture = NULL;
	int64_t n = 0;

	if (policy->incident_managers->len > 0 &&
	    !lk_picture_load(db, policy, policy->queues, now, &picture, error))
		return false;
	for (unsigned i = 0; i < policy->incident_managers->len; i++) {
		const lk_agent *agent =
			lk_policy_agent(policy, g_ptr_array_index(policy->incident_managers, i));

		if (!agent)
			continue;
		if (!write_one(picture, agent, error))
			return false;
		n++;
	}
	if (ret_mails)
		*ret_mails = n;
	return true;
}

/* --- at once ---------------------------------------------------------------------------------- */

static bool tell_of(lk_db *db, const lk_policy *policy, lk_time now, const lk_rows *rows,
		    size_t row, GError **error)
{
	int64_t ticket = lk_row_int(rows, row, "id");
	const lk_queue *queue = lk_policy_queue(policy, lk_row_text(rows, row, "queue"));
	lk_notice notice = {.kind = LK_NOTICE_URGENT,
			    .ticket = ticket,
			    .queue = queue ? queue : g_ptr_array_index(policy->queues, 0),
			    .reason =
				    "an urgent incident: the incident managers hear of it at once"};
	lk_event event = {.ticket = ticket,
			  .at = now,
			  .actor = "sched",
			  .event = "incident_told",
			  .reason = "an urgent incident: the incident managers were told"};

	for (unsigned i = 0; i < policy->incident_managers->len; i++) {
		const lk_agent *agent =
			lk_policy_agent(policy, g_ptr_array_index(policy->incident_managers, i));

		if (agent && !lk_notice_send_to(db, policy, now, &notice, agent, error))
			return false;
	}
	return lk_event_add(db, &event, error);
}

static bool tell_all(lk_db *db, const lk_policy *policy, lk_time now, int64_t *ret_did,
		     GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_params) done = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));

	lk_param_time(params, now - NEWS_TIME);
	if (!lk_db_run(db, LK_Q_PICTURE_NEW_INCIDENTS, params, &rows, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(rows); row++) {
		int64_t id = lk_row_int(rows, row, "id");

		g_array_append_val(ids, id);
		if (!tell_of(db, policy, now, rows, row, error))
			return false;
	}
	*ret_did = ids->len;
	if (ids->len == 0)
		return true;
	lk_param_ints(done, (const int64_t *)(void *)ids->data, ids->len);
	lk_param_time(done, now);
	return lk_db_run(db, LK_Q_PICTURE_INCIDENTS_TOLD, done, NULL, error);
}

bool lk_digest_tell_incidents(lk_db *db, const lk_policy *policy, lk_time now, int64_t *ret_did,
			      GError **error)
{
	*ret_did = 0;
	if (policy->incident_managers->len == 0)
		return true;
	if (!lk_db_begin(db, error))
		return false;
	if (!tell_all(db, policy, now, ret_did, error)) {
		lk_db_rollback(db);
		return false;
	}
	return lk_db_commit(db, error);
}
