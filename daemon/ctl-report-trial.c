/*
 * A trial beside another desk (smtp.send = false): what luukku would have sent, and how its
 * decisions agree with what people really did, as the folder of sent mail shows it.
 */
#include "daemon/ctl.h"

#include "daemon/policy.h"
#include "lib/base/err.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DAYS = 30, MOST_SHOWN = 20 };

/* How often a decision and what happened are the same. */
typedef struct {
	int64_t n;
	int64_t agree;
} share;

typedef struct {
	lk_time from;
	lk_time to;
	const lk_conf *conf;
	lk_policy *policy;
	lk_rows *mails;
	lk_rows *out;
	lk_rows *answers;
	lk_rows *tickets;
	lk_rows *threads;
	lk_rows *quarantine;
	lk_rows *others; /* mails that are not where they should be */
	share queue;
	share owner;
	GPtrArray *elsewhere; /* char *: "TUKI-1 is in ict, answered from hr" */
} trial;

static void trial_clear(trial *t)
{
	lk_rows *const rows[] = {t->mails,   t->out,	    t->answers, t->tickets,
				 t->threads, t->quarantine, t->others};

	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
		lk_rows_free(rows[i]);
	lk_policy_free(t->policy);
	if (t->elsewhere)
		g_ptr_array_unref(t->elsewhere);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(trial, trial_clear)

static bool look_at(lk_db *db, lk_query query, const trial *t, lk_rows **ret_rows, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();

	lk_param_time(params, t->from);
	lk_param_time(params, t->to);
	return lk_db_run(db, query, params, ret_rows, error);
}

/* Mails that name one as what they answer and are on another ticket. */
static bool look_at_others(lk_db *db, trial *t, GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(GPtrArray) ids = lk_row_is_null(t->threads, 0, "others")
					   ? g_ptr_array_new_with_free_func(g_free)
					   : lk_row_texts(t->threads, 0, "others");
	g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(int64_t));

	for (unsigned i = 0; i < ids->len; i++) {
		int64_t id = 0;

		if (lk_ctl_id(g_ptr_array_index(ids, i), &id, NULL))
			g_array_append_val(numbers, id);
	}
	lk_param_ints(params, (const int64_t *)(void *)numbers->data, numbers->len);
	return lk_db_run(db, LK_Q_TRIAL_REFS, params, &t->others, error);
}

/* The queue that an answer really came from: by its sender, else by the mailbox it was found in. */
static const char *answered_from(const trial *t, size_t row)
{
	const char *from = lk_row_text(t->answers, row, "from_address");
	const lk_queue *queue = from ? lk_policy_queue_by_address(t->policy, from) : NULL;
	const lk_desk_mailbox *mailbox =
		lk_policy_mailbox(t->policy, lk_row_text(t->answers, row, "mailbox"));

	return queue ? queue->name : mailbox ? mailbox->queue : NULL;
}

static void compare(lk_ctl *ctl, trial *t)
{
	t->elsewhere = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < lk_rows_count(t->answers); i++) {
		const char *queue = lk_row_text(t->answers, i, "queue");
		const char *really = answered_from(t, i);
		const char *owner = lk_row_text(t->answers, i, "owner");
		const lk_agent *agent =
			lk_policy_agent(t->policy, lk_row_text(t->answers, i, "from_address"));

		if (agent && owner) {
			t->owner.n++;
			t->owner.agree += strcmp(agent->address, owner) == 0;
		}
		if (!really)
			continue;
		t->queue.n++;
		if (strcmp(really, queue) == 0) {
			t->queue.agree++;
		} else {
			g_autofree char *ref =
				lk_ctl_reference(ctl, lk_row_int(t->answers, i, "ticket"));
			g_ptr_array_add(t->elsewhere,
					g_strdup_printf("%s is in %s, answered from %s", ref, queue,
							really));
		}
	}
}

static bool look(lk_ctl *ctl, trial *t, GError **error)
{
	lk_db *db = NULL;

	if (!lk_ctl_db(ctl, &db, error) || !look_at(db, LK_Q_TRIAL_MAILS, t, &t->mails, error) ||
	    !look_at(db, LK_Q_TRIAL_OUT, t, &t->out, error) ||
	    !look_at(db, LK_Q_TRIAL_ANSWERS, t, &t->answers, error) ||
	    !look_at(db, LK_Q_TRIAL_TICKETS, t, &t->tickets, error) ||
	    !look_at(db, LK_Q_TRIAL_THREADS, t, &t->threads, error) ||
	    !look_at(db, LK_Q_TRIAL_QUARANTINE, t, &t->quarantine, error) ||
	    !look_at_others(db, t, error))
		return false;
	compare(ctl, t);
	return true;
}

static share threads_of(const trial *t)
{
	return (share){lk_row_int(t->threads, 0, "n"), lk_row_int(t->threads, 0, "n_there")};
}

/* What nobody answered was rightly kept away. */
static share quarantine_of(const trial *t)
{
	int64_t n = lk_row_int(t->quarantine, 0, "n");

	return (share){n, n - lk_row_int(t->quarantine, 0, "n_answered")};
}

/* --- output ----------------------------------------------------------------------------------- */

static void print_share(const char *words, share s)
{
	if (s.n == 0)
		printf("%-58s -\n", words);
	else
		printf("%-58s %5.1f %% (%" PRId64 " of %" PRId64 ")\n", words,
		       (double)s.agree * 100.0 / (double)s.n, s.agree, s.n);
}

static void print_out(const trial *t)
{
	static const char *const headings[] = {"WOULD SEND", "TO",   "MAILS", "PEOPLE",
					       "STAYED",     "SENT", NULL};
	g_autoptr(lk_ctl_table) table = lk_ctl_table_new(headings, 0);

	for (size_t i = 0; i < lk_rows_count(t->out); i++) {
		static const char *const columns[] = {"n", "people", "n_stayed", "n_sent"};

		lk_ctl_table_add(table, lk_row_text(t->out, i, "template"));
		lk_ctl_table_add(table, lk_row_text(t->out, i, "purpose"));
		for (unsigned k = 0; k < G_N_ELEMENTS(columns); k++) {
			g_autofree char *n =
				g_strdup_printf("%" PRId64, lk_row_int(t->out, i, columns[k]));
			lk_ctl_table_add(table, n);
		}
	}
	lk_ctl_table_print(table);
}

static void print_people(lk_ctl *ctl, const trial *t)
{
	g_autofree char *from = lk_ctl_local_time(t->from);
	g_autofree char *to = lk_ctl_local_time(t->to);

	printf("trial from %s to %s\n", from, to);
	if (t->conf->smtp.send)
		printf("smtp.send is true: mails do go out, this is no trial\n");
	for (size_t i = 0; i < lk_rows_count(t->mails); i++)
		printf("mails that became %s: %" PRId64 "\n", lk_row_text(t->mails, i, "outcome"),
		       lk_row_int(t->mails, i, "n"));
	printf("tickets: %" PRId64 ", junk: %" PRId64 ", answered by people: %zu\n\n",
	       lk_row_int(t->tickets, 0, "n"), lk_row_int(t->tickets, 0, "n_junk"),
	       lk_rows_count(t->answers));
	print_out(t);
	printf("\nAGREES WITH WHAT HAPPENED\n");
	print_share("queue: the first answer came from the ticket's queue", t->queue);
	print_share("owner: who answered under their own name owns the ticket", t->owner);
	print_share("thread: an answer is on the ticket of what it answers", threads_of(t));
	print_share("quarantine: nobody answered what was kept there", quarantine_of(t));
	for (unsigned i = 0; i < MIN(t->elsewhere->len, MOST_SHOWN); i++)
		printf("%s%s\n", i == 0 ? "\nNOT THE SAME\n" : "",
		       (char *)g_ptr_array_index(t->elsewhere, i));
	for (size_t i = 0; i < lk_rows_count(t->others); i++) {
		int64_t ticket = lk_row_int(t->others, i, "ticket");
		g_autofree char *ref =
			ticket ? lk_ctl_reference(ctl, ticket) : g_strdup("no ticket");
		g_autofree char *subject =
			lk_ctl_printable(lk_row_text(t->others, i, "subject"), false);

		printf("%s: answers a mail of another ticket: %s\n", ref, subject);
	}
	if (lk_rows_count(t->answers) == 0)
		printf("\nNo answer of a person was seen: set mailboxes.sent to the folder where "
		       "the "
		       "old desk files what it sends.\n");
}

static lk_json *share_json(share s)
{
	lk_json *json = lk_json_object();

	lk_json_set_int(json, "compared", s.n);
	lk_json_set_int(json, "agree", s.agree);
	if (s.n > 0)
		lk_json_set_int(json, "permille", s.agree * 1000 / s.n);
	else
		lk_json_set_null(json, "permille");
	return json;
}

static lk_json *trial_json(const trial *t)
{
	lk_json *json = lk_json_object();
	lk_json *mails = lk_json_object();
	lk_json *out = lk_json_array();
	lk_json *agreement = lk_json_object();
	lk_json *elsewhere = lk_json_array();

	lk_ctl_json_time(json, "from", t->from);
	lk_ctl_json_time(json, "to", t->to);
	lk_json_set_bool(json, "sends", t->conf->smtp.send);
	for (size_t i = 0; i < lk_rows_count(t->mails); i++)
		lk_json_set_int(mails, lk_row_text(t->mails, i, "outcome"),
				lk_row_int(t->mails, i, "n"));
	lk_json_take(json, "mails", mails);
	lk_json_set_int(json, "tickets", lk_row_int(t->tickets, 0, "n"));
	lk_json_set_int(json, "junk", lk_row_int(t->tickets, 0, "n_junk"));
	lk_json_set_int(json, "answered", (int64_t)lk_rows_count(t->answers));
	for (size_t i = 0; i < lk_rows_count(t->out); i++) {
		lk_json *one = lk_json_object();

		lk_json_set_text(one, "template", lk_row_text(t->out, i, "template"));
		lk_json_set_text(one, "purpose", lk_row_text(t->out, i, "purpose"));
		lk_json_set_int(one, "mails", lk_row_int(t->out, i, "n"));
		lk_json_set_int(one, "people", lk_row_int(t->out, i, "people"));
		lk_json_set_int(one, "stayed", lk_row_int(t->out, i, "n_stayed"));
		lk_json_set_int(one, "sent", lk_row_int(t->out, i, "n_sent"));
		lk_json_push(out, one);
	}
	lk_json_take(json, "would_send", out);
	lk_json_take(agreement, "queue", share_json(t->queue));
	lk_json_take(agreement, "owner", share_json(t->owner));
	lk_json_take(agreement, "thread", share_json(threads_of(t)));
	lk_json_take(agreement, "quarantine", share_json(quarantine_of(t)));
	lk_json_take(json, "agreement", agreement);
	for (unsigned i = 0; i < t->elsewhere->len; i++)
		lk_json_push_text(elsewhere, g_ptr_array_index(t->elsewhere, i));
	lk_json_take(json, "elsewhere", elsewhere);
	return json;
}

static bool run_trial(lk_ctl *ctl, GError **error)
{
	const char *from = lk_ctl_value(ctl, "from");
	const char *to = lk_ctl_value(ctl, "to");
	lk_time now = lk_now();
	g_auto(trial) t = {.from = now - DAYS * INT64_C(86400) * LK_SECOND, .to = now};

	if ((from && !lk_ctl_since(from, now, &t.from, error)) ||
	    (to && !lk_ctl_since(to, now, &t.to, error)) || !lk_ctl_conf(ctl, &t.conf, error) ||
	    !lk_policy_from_conf(t.conf, NULL, &t.policy, error) || !look(ctl, &t, error))
		return false;
	if (lk_ctl_has(ctl, "json"))
		lk_ctl_print_json(trial_json(&t));
	else
		print_people(ctl, &t);
	return true;
}

static const lk_ctl_option trial_options[] = {
	{"from", 0, "D", "since then: 2026-03-01, a time, or 30d (the default)"},
	{"to", 0, "D", "until then (default: now)"},
	{"json", 0, NULL, "one JSON object"},
	{NULL, 0, NULL, NULL},
};

const lk_ctl_command lk_ctl_trial_commands[] = {
	{.name = "report trial",
	 .operands = "",
	 .options = trial_options,
	 .run = run_trial,
	 .summary =
		 "a desk that only watches: what it would send, how it agrees with what happened",
	 .more = "For smtp.send = false beside an old desk. What people answered is seen where\n"
		 "mailboxes.sent names the folder of sent mail."},
	{.name = NULL},
};
