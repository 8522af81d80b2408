/* Targets that are near or have passed. What one person is told in a round goes into one mail. */
#include "lib/desk/timer-private.h"

#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/text.h"
#include "lib/desk/absence.h"
#include "lib/desk/outbox.h"
#include "lib/desk/status.h"
#include "lib/desk/when.h"

#include <string.h>

/* Lines of one mail: who has more than this looks at the digest. */
enum { MAX_LINES = 100 };

/* A mail to one person. */
typedef struct {
	const lk_queue *queue; /* of its first ticket; borrowed, as the next two */
	const char *address;
	const lk_agent *agent; /* or NULL */
	lk_lang lang;
	bool is_breach;
	int64_t ticket; /* of its first line */
	int64_t n;
	lk_json *lines;
} alarm_mail;

void lk_alarm_free(void *alarm)
{
	alarm_mail *mail = alarm;

	lk_json_unref(mail->lines);
	g_free(mail);
}

/* Who gets it: the agent, or their deputy; the agent all the same when nobody is there. */
static bool stand_in(lk_round *round, const lk_agent **agent, GError **error)
{
	const lk_agent *there = g_hash_table_lookup(round->stand_ins, *agent);

	if (!there) {
		if (!lk_absence_stand_in(round->db, round->policy, *agent, round->now, &there, NULL,
					 error))
			return false;
		if (!there)
			there = *agent;
		g_hash_table_insert(round->stand_ins, (gpointer)*agent, (gpointer)there);
	}
	*agent = there;
	return true;
}

/* The mail of this round to that person, begun when there is none yet. agent NULL: by address. */
static alarm_mail *mail_to(lk_round *round, const lk_job *job, const char *address,
			   const lk_agent *agent, bool is_breach)
{
	alarm_mail *mail = NULL;

	for (unsigned i = 0; i < round->alarms->len; i++) {
		mail = g_ptr_array_index(round->alarms, i);
		if (mail->is_breach == is_breach && mail->agent == agent &&
		    (agent || strcmp(mail->address, address) == 0))
			return mail;
	}
	mail = g_new0(alarm_mail, 1);
	mail->queue = job->queue;
	mail->agent = agent;
	mail->address = agent ? agent->address : address;
	mail->lang = job->queue->language;
	if (agent && agent->languages->len > 0)
		lk_lang_parse(g_ptr_array_index(agent->languages, 0), &mail->lang);
	mail->is_breach = is_breach;
	mail->ticket = job->ticket;
	mail->lines = lk_json_array();
	g_ptr_array_add(round->alarms, mail);
	return mail;
}

static void add_line(lk_round *round, const lk_job *job, alarm_mail *mail, bool is_respond,
		     lk_time due)
{
	const char *priority = lk_job_text(job, "priority");
	const char *owner = lk_job_text(job, "owner");
	const lk_agent *agent = owner ? lk_policy_agent(round->policy, owner) : NULL;
	g_autofree char *reference = lk_reference(round->policy, job->ticket);
	g_autofree char *when = lk_when(round->policy, mail->lang, due);
	g_autofree char *is_priority = g_strconcat("is_", priority, NULL);
	lk_json *line = NULL;

	if (mail->n++ >= MAX_LINES)
		return;
	line = lk_json_object();
	lk_json_set_text(line, "reference", reference);
	lk_json_set_text(line, "subject", lk_job_text(job, "subject"));
	lk_json_set_text(line, "due", when);
	lk_json_set_bool(line, is_respond ? "is_respond" : "is_resolve", true);
	lk_json_set_bool(line, is_priority, true);
	lk_json_set_text(line, "owner", agent ? agent->name : owner ? owner : "");
	lk_json_set_text(line, "queue",
			 lk_text_in(&job->queue->title, mail->lang, round->policy->language));
	lk_json_push(mail->lines, line);
}

/* Whom a ticket's alarm is for: the managers, and the owner with a warning or without managers. */
static GPtrArray *people_of(const lk_round *round, const lk_job *job, bool is_breach)
{
	GPtrArray *people = g_ptr_array_new();
	const char *owner = lk_job_text(job, "owner");

	if (!job->queue)
		return people;
	if (owner && lk_policy_agent(round->policy, owner) &&
	    (!is_breach || job->queue->managers->len == 0))
		g_ptr_array_add(people, (gpointer)owner);
	for (unsigned i = 0; i < job->queue->managers->len; i++)
		g_ptr_array_add(people, g_ptr_array_index(job->queue->managers, i));
	for (unsigned i = 0; people->len == 0 && i < round->policy->admins->len; i++)
		g_ptr_array_add(people, g_ptr_array_index(round->policy->admins, i));
	return people;
}

/* Adds the ticket to everybody's mail, each person once. *ret_told: how many they are. */
static bool tell(lk_round *round, const lk_job *job, bool is_respond, bool is_breach, lk_time due,
		 int64_t *ret_told, GError **error)
{
	g_autoptr(GPtrArray) people = people_of(round, job, is_breach);
	g_autoptr(GPtrArray) mails = g_ptr_array_new();

	for (unsigned i = 0; i < people->len; i++) {
		const char *address = g_ptr_array_index(people, i);
		const lk_agent *agent = lk_policy_agent(round->policy, address);
		alarm_mail *mail = NULL;

		if (agent && !stand_in(round, &agent, error))
			return false;
		mail = mail_to(round, job, address, agent, is_breach);
		if (g_ptr_array_find(mails, mail, NULL))
			continue;
		g_ptr_array_add(mails, mail);
		add_line(round, job, mail, is_respond, due);
	}
	*ret_told = mails->len;
	return true;
}

static bool record(lk_round *round, const lk_job *job, const char *reason, lk_time due,
		   int64_t told, GError **error)
{
	g_autoptr(lk_json) detail = lk_json_object();
	g_autofree char *when = lk_time_format(due);
	lk_event event = {.ticket = job->ticket,
			  .at = lk_job_at(round, job),
			  .actor = "sched",
			  .event = job->kind,
			  .reason = reason,
			  .detail = detail};

	lk_json_set_text(detail, "due", when);
	lk_json_set_int(detail, "told", told);
	return lk_event_add(round->db, &event, error);
}

bool lk_job_sla(lk_round *round, const lk_job *job, lk_job_end *end, GError **error)
{
	bool is_respond = strcmp(job->kind, LK_TIMER_RESPOND_WARNING) == 0 ||
			  strcmp(job->kind, LK_TIMER_RESPOND_BREACH) == 0;
	bool is_breach = strcmp(job->kind, LK_TIMER_RESPOND_BREACH) == 0 ||
			 strcmp(job->kind, LK_TIMER_RESOLVE_BREACH) == 0;
	const char *what = is_respond ? "the first answer" : "the resolution";
	lk_time due = lk_job_time(job, is_respond ? "due_respond" : "due_resolve");
	g_autofree char *reason = NULL;
	int64_t told = 0;

	/* The row should have gone with what it was for. */
	if (due == LK_TIME_NONE || !lk_status_is_open(job->status) ||
	    lk_job_time(job, "paused_at") != LK_TIME_NONE ||
	    (is_respond && lk_job_time(job, "first_response_at") != LK_TIME_NONE))
		return true;
	if (is_breach && due > round->now) {
		end->again_at = due;
		return true;
	}
	if (!is_breach && due <= round->now) {
		reason = g_strdup_printf("outdated: the target of %s itself has passed", what);
		return record(round, job, reason, due, 0, error);
	}
	if (!tell(round, job, is_respond, is_breach, due, &told, error))
		return false;
	reason =
		g_strdup_printf("the target of %s %s%s", what, is_breach ? "has passed" : "is near",
				told > 0 ? "" : "; there is nobody to tell");
	return record(round, job, reason, due, told, error);
}

/* Of a mail about several tickets. Caller frees. */
static char *subject_of(const alarm_mail *mail)
{
	static const char *const subjects[LK_N_LANGS][2] = {
		[LK_LANG_FI] = {"tavoiteaika lähellä", "tavoiteaika ylittynyt"},
		[LK_LANG_SV] = {"måltiden nära", "måltiden överskriden"},
		[LK_LANG_EN] = {"target time near", "target time passed"},
	};
	static const char *const tickets[LK_N_LANGS] = {
		[LK_LANG_FI] = "tukipyyntöä", [LK_LANG_SV] = "ärenden", [LK_LANG_EN] = "tickets"};

	return g_strdup_printf("%" G_GINT64_FORMAT " %s: %s", mail->n, tickets[mail->lang],
			       subjects[mail->lang][mail->is_breach]);
}

static bool add_mail(lk_round *round, const alarm_mail *mail, GError **error)
{
	g_autoptr(lk_json) variables = lk_json_object();
	g_autofree char *rest = g_strdup_printf("%" G_GINT64_FORMAT, mail->n - MAX_LINES);
	g_autofree char *subject = subject_of(mail);
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;

	lk_json_set_bool(variables, "is_one", mail->n == 1);
	lk_json_set_bool(variables, "is_many", mail->n > 1);
	lk_json_set_text(variables, "rest", mail->n > MAX_LINES ? rest : "");
	lk_json_take(variables, "tickets", lk_json_ref(mail->lines));
	if (mail->n > 1)
		lk_json_set_text(variables, "subject", subject);
	lk_outbox_mail out = {
		.ticket = mail->n == 1 ? mail->ticket : 0,
		.template_name = mail->is_breach ? "sla-breach" : "sla-warning",
		.purpose = LK_PURPOSE_AGENT,
		.queue = mail->queue,
		.language = mail->lang,
		.recipient = mail->address,
		.recipient_name = mail->agent ? mail->agent->name : NULL,
		.rank = LK_RANK_REMINDER,
		.is_bulk = true,
		.reason = mail->is_breach ? "targets of the service level have passed"
					  : "targets of the service level are near",
		.variables = variables,
	};
	return lk_outbox_add(round->db, round->policy, round->now, &out, &verdict, &outbox, error);
}

/* A mail that cannot be written keeps nobody else's back: the events stand all the same. */
bool lk_alarms_send(lk_round *round, GError **error)
{
	for (unsigned i = 0; i < round->alarms->len; i++) {
		g_autoptr(GError) why = NULL;

		if (!lk_db_savepoint(round->db, error))
			return false;
		if (add_mail(round, g_ptr_array_index(round->alarms, i), &why)) {
			if (!lk_db_release(round->db, error))
				return false;
			continue;
		}
		if (!lk_err_is(why, LK_ERR_MESSAGE)) {
			g_propagate_error(error, g_steal_pointer(&why));
			return false;
		}
		if (!lk_db_rollback_to(round->db, error))
			return false;
	}
	return true;
}
