#include "daemon/sched.h"

#include "lib/base/hash.h"

/* Small, so that no intake waits for one. */
enum { TICKETS = 50 };

typedef struct {
	lk_db *db;
	lk_time now;
	const GArray *tickets; /* int64_t */
} batch;

static lk_params *ticket_params(const batch *b)
{
	lk_params *params = lk_params_new();

	lk_param_ints(params, (const int64_t *)(const void *)b->tickets->data, b->tickets->len);
	return params;
}

static bool run_on(const batch *b, lk_query query, GError **error)
{
	g_autoptr(lk_params) params = ticket_params(b);

	return lk_db_run(b->db, query, params, NULL, error);
}

static bool tell(const batch *b, const char *event, const char *reason, GError **error)
{
	g_autoptr(lk_params) params = ticket_params(b);

	lk_param_time(params, b->now);
	lk_param_text(params, event);
	lk_param_text(params, reason);
	return lk_db_run(b->db, LK_Q_RETENTION_EVENT, params, NULL, error);
}

static bool forget_files(const batch *b, GError **error)
{
	g_autoptr(lk_params) params = ticket_params(b);

	lk_param_time(params, b->now);
	return lk_db_run(b->db, LK_Q_RETENTION_FILES, params, NULL, error) &&
	       tell(b, "files_forgotten", "retention.attachments of the queue is over", error);
}

static bool forget_words(const batch *b, GError **error)
{
	g_autoptr(lk_params) files = ticket_params(b);
	g_autoptr(lk_params) tickets = ticket_params(b);
	uint8_t subject_hash[LK_KEY_HASH_BYTES];

	lk_key_hash("forgotten", subject_hash);
	lk_param_time(files, b->now);
	lk_param_time(tickets, b->now);
	lk_param_bytes(tickets, subject_hash, sizeof subject_hash);
	return lk_db_run(b->db, LK_Q_RETENTION_FILES, files, NULL, error) &&
	       run_on(b, LK_Q_RETENTION_MESSAGES, error) &&
	       run_on(b, LK_Q_RETENTION_OUTBOX, error) &&
	       run_on(b, LK_Q_RETENTION_HISTORY, error) &&
	       lk_db_run(b->db, LK_Q_RETENTION_TICKET, tickets, NULL, error) &&
	       run_on(b, LK_Q_RETENTION_PEOPLE, error) &&
	       tell(b, "words_forgotten", "retention.text of the queue is over", error);
}

typedef bool (*forget)(const batch *b, GError **error);

/* One batch of a queue in the open transaction; *ret_n: tickets. */
static bool forget_some(lk_db *db, lk_query due, forget run, const char *queue, lk_time now,
			int64_t keep_s, int64_t *ret_n, GError **error)
{
	g_autoptr(GArray) tickets = g_array_new(false, false, sizeof(int64_t));
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	batch b = {db, now, tickets};

	lk_param_text(params, queue);
	lk_param_time(params, now - keep_s * LK_SECOND);
	lk_param_int(params, TICKETS);
	if (!lk_db_run(db, due, params, &rows, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(rows); i++) {
		int64_t id = lk_row_int(rows, i, "id");

		g_array_append_val(tickets, id);
	}
	*ret_n = tickets->len;
	return tickets->len == 0 || run(&b, error);
}

/* A queue that left the configuration keeps as long as the one that keeps longest. */
static int64_t keep_s_of(const lk_policy *policy, const char *name, bool is_words)
{
	const lk_queue *own = lk_policy_queue(policy, name);
	int64_t longest = 0;

	if (own)
		return is_words ? own->keep_text_s : own->keep_attachments_s;
	for (unsigned i = 0; i < policy->queues->len; i++) {
		const lk_queue *queue = g_ptr_array_index(policy->queues, i);

		longest = MAX(longest, is_words ? queue->keep_text_s : queue->keep_attachments_s);
	}
	return longest;
}

static bool forget_queue(lk_db *db, const lk_policy *policy, const char *queue, lk_time now,
			 int64_t *ret_did, bool *ret_more, GError **error)
{
	static const struct {
		lk_query due;
		forget run;
		bool is_words;
	} kinds[] = {{LK_Q_RETENTION_FILES_DUE, forget_files, false},
		     {LK_Q_RETENTION_WORDS_DUE, forget_words, true}};

	for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
		int64_t keep_s = keep_s_of(policy, queue, kinds[i].is_words);
		int64_t n = 0;

		/* LK_FOREVER, or so long that nothing can be that old. */
		if (keep_s > now / LK_SECOND)
			continue;
		if (!lk_db_begin(db, error))
			return false;
		if (!forget_some(db, kinds[i].due, kinds[i].run, queue, now, keep_s, &n, error)) {
			lk_db_rollback(db);
			return false;
		}
		if (!lk_db_commit(db, error))
			return false;
		*ret_did += n;
		*ret_more |= n == TICKETS;
	}
	return true;
}

bool lk_sched_retention_step(lk_db *db, const lk_policy *policy, lk_time now, int64_t *ret_did,
			     bool *ret_more, GError **error)
{
	g_autoptr(lk_rows) queues = NULL;

	*ret_did = 0;
	*ret_more = false;
	if (!lk_db_run(db, LK_Q_RETENTION_QUEUES, NULL, &queues, error))
		return false;
	for (size_t i = 0; i < lk_rows_count(queues); i++)
		if (!forget_queue(db, policy, lk_row_text(queues, i, "queue"), now, ret_did,
				  ret_more, error))
			return false;
	return true;
}
