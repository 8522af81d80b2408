#include "lib/desk/picture.h"

#include "lib/desk/hours.h"

#include <string.h>

/* A mailbox that nobody visited for so long is in trouble. */
enum { SILENT_MAILBOX_S = 3600, KEPT_DAYS = 7 };

/* The customer hears something at least once in so many open days. */
static const lk_span untold = {.open_days = 5};

void lk_picture_free(lk_picture *picture)
{
	if (!picture)
		return;
	lk_rows *const rows[] = {picture->flow,		  picture->stuck, picture->quarantine,
				 picture->unacknowledged, picture->held,  picture->mailboxes,
				 picture->starts,	  picture->lists, picture->open};

	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
		lk_rows_free(rows[i]);
	g_clear_pointer(&picture->queues, g_ptr_array_unref);
	g_clear_pointer(&picture->tickets, g_array_unref);
	g_clear_pointer(&picture->absences, g_hash_table_unref);
	g_clear_pointer(&picture->epochs, g_hash_table_unref);
	g_clear_pointer(&picture->load, g_hash_table_unref);
	g_free(picture);
}

/* --- days ------------------------------------------------------------------------------------- */

static lk_time day_before(const lk_policy *policy, lk_time start)
{
	return lk_day_start(policy->timezone,
			    lk_day_at(policy->timezone, start - 12 * 3600 * LK_SECOND));
}

static lk_time day_after(const lk_policy *policy, lk_time start)
{
	return lk_day_start(policy->timezone,
			    lk_day_at(policy->timezone, start + 36 * 3600 * LK_SECOND));
}

/* On a Monday that is Friday: what came since belongs to this morning. */
static void find_days(lk_picture *p)
{
	const lk_calendar *calendar = lk_hours_of_queue(p->policy, g_ptr_array_index(p->queues, 0));
	lk_time start = lk_day_start(p->policy->timezone, lk_day_at(p->policy->timezone, p->now));

	p->today = start;
	p->tomorrow = day_after(p->policy, start);
	p->days[LK_PICTURE_DAYS] = start;
	for (int i = LK_PICTURE_DAYS - 1; i >= 0; i--)
		p->days[i] = day_before(p->policy, p->days[i + 1]);
	p->since = p->days[LK_PICTURE_DAYS - 1];
	for (int i = LK_PICTURE_DAYS - 1; i >= 0; i--)
		if (lk_calendar_seconds_between(calendar, p->days[i], p->days[i + 1]) > 0) {
			p->since = p->days[i];
			break;
		}
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_ticket(lk_picture *p, size_t row)
{
	const lk_rows *rows = p->open;
	lk_picture_ticket t = {
		.id = lk_row_int(rows, row, "id"),
		.queue = lk_policy_queue(p->policy, lk_row_text(rows, row, "queue")),
		.priority = LK_NORMAL,
		.type = lk_row_text(rows, row, "type"),
		.owner = lk_row_text(rows, row, "owner"),
		.subject = lk_row_text(rows, row, "subject"),
		.language = lk_row_text(rows, row, "language"),
		.supplier = lk_row_text(rows, row, "supplier"),
		.requester = lk_row_text(rows, row, "requester"),
		.opened_at = lk_row_time(rows, row, "opened_at"),
		.due_at = lk_row_time(rows, row, "due_at"),
		.told_at = lk_row_time(rows, row, "told_at"),
		.reminded_at = lk_row_time(rows, row, "reminded_at"),
		.waiting_until = lk_row_time(rows, row, "waiting_until"),
		.chased = lk_row_int(rows, row, "chased"),
		.epoch = lk_row_int(rows, row, "epoch"),
		.is_vip = lk_row_bool(rows, row, "is_vip"),
		.is_machine = lk_row_bool(rows, row, "is_machine"),
		.is_silent = lk_row_bool(rows, row, "is_silent"),
		.is_back = lk_row_bool(rows, row, "is_back"),
		.is_not_in_order = lk_row_bool(rows, row, "is_not_in_order"),
	};
	const lk_agent *owner = lk_policy_agent(p->policy, t.owner);

	if (!t.queue || !lk_status_parse(lk_row_text(rows, row, "status"), &t.status))
		return;
	lk_priority_parse(lk_row_text(rows, row, "priority"), &t.priority);
	g_array_append_val(p->tickets, t);
	if (owner) {
		gpointer n = g_hash_table_lookup(p->load, owner->address);

		g_hash_table_insert(p->load, owner->address,
				    GINT_TO_POINTER(GPOINTER_TO_INT(n) + 1));
	}
}

static bool read_tickets(lk_picture *p, const GPtrArray *names, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_texts(params, names);
	lk_param_time(params, p->today);
	lk_param_time(params, p->now);
	if (!lk_db_run(p->db, LK_Q_PICTURE_TICKETS, params, &p->open, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(p->open); row++)
		read_ticket(p, row);
	return true;
}

static bool read_epochs(lk_picture *p, const GPtrArray *names, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_texts(params, names);
	if (!lk_db_run(p->db, LK_Q_PICTURE_EPOCHS, params, &rows, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(rows); row++)
		g_hash_table_insert(p->epochs,
				    g_strdup_printf("%" G_GINT64_FORMAT " %s",
						    lk_row_int(rows, row, "ticket"),
						    lk_row_text(rows, row, "agent")),
				    GINT_TO_POINTER((int)lk_row_int(rows, row, "epoch")));
	return true;
}

static bool read_flow(lk_picture *p, const GPtrArray *names, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GPtrArray) bounds = g_ptr_array_new_with_free_func(g_free);

	for (unsigned i = 0; i <= LK_PICTURE_DAYS; i++)
		g_ptr_array_add(bounds, lk_time_format(p->days[i]));
	lk_param_texts(params, names);
	lk_param_texts(params, bounds);
	return lk_db_run(p->db, LK_Q_PICTURE_FLOW, params, &p->flow, error);
}

static bool read_absences(lk_picture *p, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GPtrArray) agents = g_ptr_array_new();
	g_autofree char *day = lk_day_format(lk_day_at(p->policy->timezone, p->now));

	for (unsigned i = 0; i < p->policy->agents->len; i++)
		g_ptr_array_add(agents,
				((lk_agent *)g_ptr_array_index(p->policy->agents, i))->address);
	lk_param_text(params, day);
	return lk_absence_find(p->db, p->policy, (const char *const *)(void *)agents->pdata,
			       agents->len, p->now, &p->absences, error) &&
	       lk_db_run(p->db, LK_Q_PICTURE_STARTS, params, &p->starts, error);
}

static bool read_sending(lk_picture *p, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;

	lk_param_time(params, p->now);
	if (!lk_db_run(p->db, LK_Q_PICTURE_SENDING, params, &rows, error))
		return false;
	p->sending_since = lk_row_time(rows, 0, "at");
	return true;
}

/* What asks for queues and a time, or for one time alone. */
static bool read_mails(lk_picture *p, const GPtrArray *names, GError **error)
{
	g_autoptr(lk_params) stuck = lk_params_new();
	g_autoptr(lk_params) unanswered = lk_params_new();
	g_autoptr(lk_params) held = lk_params_new();
	g_autoptr(lk_params) mailboxes = lk_params_new();
	lk_time week = p->now - KEPT_DAYS * INT64_C(86400) * LK_SECOND;

	lk_param_texts(stuck, names);
	lk_param_time(stuck, week);
	lk_param_texts(unanswered, names);
	lk_param_time(unanswered, p->since);
	lk_param_time(held, p->now);
	lk_param_time(mailboxes, p->now - SILENT_MAILBOX_S * LK_SECOND);
	lk_param_time(mailboxes, week);
	return lk_db_run(p->db, LK_Q_PICTURE_STUCK, stuck, &p->stuck, error) &&
	       lk_db_run(p->db, LK_Q_PICTURE_QUARANTINE, NULL, &p->quarantine, error) &&
	       lk_db_run(p->db, LK_Q_PICTURE_UNACKNOWLEDGED, unanswered, &p->unacknowledged,
			 error) &&
	       lk_db_run(p->db, LK_Q_PICTURE_HELD, held, &p->held, error) &&
	       lk_db_run(p->db, LK_Q_PICTURE_MAILBOXES, mailboxes, &p->mailboxes, error) &&
	       lk_db_run(p->db, LK_Q_PICTURE_LISTS, NULL, &p->lists, error) &&
	       read_sending(p, error);
}

bool lk_picture_load(lk_db *db, const lk_policy *policy, const GPtrArray *queues, lk_time now,
		     lk_picture **ret_picture, GError **error)
{
	g_autoptr(lk_picture) p = g_new0(lk_picture, 1);
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	p->db = db;
	p->policy = policy;
	p->now = now;
	p->queues = g_ptr_array_new();
	for (unsigned i = 0; i < queues->len; i++) {
		lk_queue *queue = g_ptr_array_index(queues, i);

		g_ptr_array_add(p->queues, queue);
		g_ptr_array_add(names, queue->name);
	}
	p->tickets = g_array_new(FALSE, FALSE, sizeof(lk_picture_ticket));
	p->epochs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	p->load = g_hash_table_new(g_str_hash, g_str_equal);
	find_days(p);
	if (!read_absences(p, error) || !read_tickets(p, names, error) ||
	    !read_epochs(p, names, error) || !read_flow(p, names, error) ||
	    !read_mails(p, names, error))
		return false;
	*ret_picture = g_steal_pointer(&p);
	return true;
}

/* --- what belongs where ----------------------------------------------------------------------- */

static bool is_untold(const lk_picture *p, const lk_picture_ticket *t)
{
	lk_time told = t->told_at == LK_TIME_NONE ? t->opened_at : t->told_at;
	lk_time due = LK_TIME_NONE;

	if (t->is_machine || t->is_silent || t->status == LK_STATUS_WAITING_CUSTOMER)
		return false;
	due = lk_hours_add(lk_hours_of_queue(p->policy, t->queue), told, &untold);
	return due != LK_TIME_NONE && due <= p->now;
}

bool lk_section_has(const lk_picture *p, lk_section section, const lk_picture_ticket *t)
{
	switch (section) {
	case LK_SECTION_URGENT:
		return t->priority == LK_URGENT && !lk_policy_agent(p->policy, t->owner);
	case LK_SECTION_DUE:
		return t->due_at != LK_TIME_NONE && t->due_at < p->tomorrow;
	case LK_SECTION_CHASED:
		return t->chased >= 2 || t->is_not_in_order;
	case LK_SECTION_UNTOLD:
		return is_untold(p, t);
	case LK_SECTION_SUPPLIER:
		return t->status == LK_STATUS_WAITING_SUPPLIER && t->reminded_at != LK_TIME_NONE;
	case LK_SECTION_BACK:
		return t->is_back ||
		       (t->status == LK_STATUS_ON_HOLD && t->waiting_until != LK_TIME_NONE &&
			t->waiting_until < p->tomorrow);
	default:
		return false;
	}
}

bool lk_picture_is_present(const lk_picture *picture, const char *agent)
{
	const lk_agent *known = lk_policy_agent(picture->policy, agent);

	return known && !g_hash_table_contains(picture->absences, known->address);
}

const lk_agent *lk_picture_free_agent(const lk_picture *picture, const lk_queue *queue,
				      const char *not_this, const char *nor_this)
{
	const lk_agent *best = NULL;
	int least = G_MAXINT;

	for (unsigned i = 0; i < queue->agents->len; i++) {
		const lk_agent *agent =
			lk_policy_agent(picture->policy, g_ptr_array_index(queue->agents, i));
		int load =
			agent ? GPOINTER_TO_INT(g_hash_table_lookup(picture->load, agent->address))
			      : 0;

		if (!agent || load >= least || !lk_picture_is_present(picture, agent->address) ||
		    g_strcmp0(agent->address, not_this) == 0 ||
		    g_strcmp0(agent->address, nor_this) == 0)
			continue;
		best = agent;
		least = load;
	}
	return best;
}

const lk_queue *lk_picture_queue_of_held(const lk_picture *picture, size_t row)
{
	const lk_policy *policy = picture->policy;
	const char *recipients = lk_row_text(picture->quarantine, row, "recipients");
	const lk_desk_mailbox *mailbox =
		lk_policy_mailbox(policy, lk_row_text(picture->quarantine, row, "mailbox"));
	const lk_queue *queue =
		lk_policy_queue(policy, lk_row_text(picture->quarantine, row, "queue"));
	g_auto(GStrv) addresses = g_strsplit(recipients ? recipients : "", " ", 200);

	for (char **address = addresses; !queue && *address; address++)
		queue = lk_policy_queue_by_address(policy, *address);
	if (!queue && mailbox && mailbox->queue)
		queue = lk_policy_queue(policy, mailbox->queue);
	return queue ? queue : g_ptr_array_index(policy->queues, 0);
}

void lk_picture_flow(const lk_picture *picture, const GPtrArray *queues, lk_flow *ret_flow)
{
	*ret_flow = (lk_flow){0};
	for (size_t row = 0; row < lk_rows_count(picture->flow); row++) {
		const lk_queue *queue =
			lk_policy_queue(picture->policy, lk_row_text(picture->flow, row, "queue"));
		int64_t day = lk_row_int(picture->flow, row, "day") - 1;
		int64_t in = lk_row_int(picture->flow, row, "n_in");
		int64_t out = lk_row_int(picture->flow, row, "n_out");

		if (!queue || !g_ptr_array_find((GPtrArray *)queues, queue, NULL) || day < 0 ||
		    day >= LK_PICTURE_DAYS)
			continue;
		ret_flow->in[day] += in;
		ret_flow->out[day] += out;
		if (picture->days[day] >= picture->since) {
			ret_flow->in_since += in;
			ret_flow->out_since += out;
		}
	}
}
