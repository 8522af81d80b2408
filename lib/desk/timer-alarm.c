/* What the team is told in a round: what concerns one person goes into one mail. */
#include "lib/desk/timer-private.h"

#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/text.h"
#include "lib/desk/absence.h"
#include "lib/desk/authority.h"
#include "lib/desk/outbox.h"
#include "lib/desk/term.h"
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
	lk_alarm_kind kind;
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

/*
 * Who gets it: the agent, or their deputy; the agent all the same when nobody is there, or only one
 * who does not see the queue.
 */
static bool stand_in(lk_round *round, const lk_queue *queue, const lk_agent **agent, GError **error)
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
	if (lk_sight_of(round->policy, there, queue->name, NULL, false) == LK_SIGHT_FULL)
		*agent = there;
	return true;
}

/* The mail of this round to that person, begun when there is none yet. agent NULL: by address. */
static alarm_mail *mail_to(lk_round *round, const lk_alarm_line *line, const char *address,
			   const lk_agent *agent)
{
	alarm_mail *mail = NULL;

	for (unsigned i = 0; i < round->alarms->len; i++) {
		mail = g_ptr_array_index(round->alarms, i);
		if (mail->kind == line->kind && mail->agent == agent &&
		    (agent || strcmp(mail->address, address) == 0))
			return mail;
	}
	mail = g_new0(alarm_mail, 1);
	mail->queue = line->queue;
	mail->agent = agent;
	mail->address = agent ? agent->address : address;
	mail->lang = line->queue->language;
	if (agent && agent->languages->len > 0)
		lk_lang_parse(g_ptr_array_index(agent->languages, 0), &mail->lang);
	mail->kind = line->kind;
	mail->ticket = line->ticket;
	mail->lines = lk_json_array();
	g_ptr_array_add(round->alarms, mail);
	return mail;
}

static void add_line(lk_round *round, const lk_alarm_line *line, alarm_mail *mail)
{
	const lk_agent *agent = line->owner ? lk_policy_agent(round->policy, line->owner) : NULL;
	g_autofree char *reference = lk_reference(round->policy, line->ticket);
	g_autofree char *when = lk_when(round->policy, mail->lang, line->at);
	g_autofree char *is_priority = g_strconcat("is_", line->priority, NULL);
	g_autofree char *failure = lk_term_reason(line->failure, mail->lang);
	lk_json *one = NULL;

	if (mail->n++ >= MAX_LINES)
		return;
	one = lk_json_object();
	lk_json_set_text(one, "reference", reference);
	lk_json_set_text(one, "subject", line->subject);
	lk_json_set_text(one, "due", when);
	lk_json_set_bool(one, line->why, true);
	lk_json_set_bool(one, is_priority, true);
	lk_json_set_text(one, "owner", agent ? agent->name : line->owner ? line->owner : "");
	lk_json_set_text(one, "queue",
			 lk_text_in(&line->queue->title, mail->lang, round->policy->language));
	lk_json_set_text(one, "recipient", line->recipient);
	lk_json_set_text(one, "failure", failure);
	lk_json_push(mail->lines, one);
}

GPtrArray *lk_alarm_managers(const lk_round *round, const lk_queue *queue)
{
	GPtrArray *people = g_ptr_array_new();

	for (unsigned i = 0; i < queue->managers->len; i++)
		g_ptr_array_add(people, g_ptr_array_index(queue->managers, i));
	for (unsigned i = 0; people->len == 0 && i < round->policy->admins->len; i++)
		g_ptr_array_add(people, g_ptr_array_index(round->policy->admins, i));
	return people;
}

bool lk_alarm_tell(lk_round *round, const lk_alarm_line *line, const GPtrArray *people,
		   int64_t *ret_told, GError **error)
{
	g_autoptr(GPtrArray) mails = g_ptr_array_new();

	for (unsigned i = 0; i < people->len; i++) {
		const char *address = g_ptr_array_index(people, i);
		const lk_agent *agent = lk_policy_agent(round->policy, address);
		alarm_mail *mail = NULL;

		if (agent && !stand_in(round, line->queue, &agent, error))
			return false;
		mail = mail_to(round, line, address, agent);
		if (g_ptr_array_find(mails, mail, NULL))
			continue;
		g_ptr_array_add(mails, mail);
		add_line(round, line, mail);
	}
	if (ret_told)
		*ret_told = mails->len;
	return true;
}

/* Of a mail about several tickets. Caller frees. */
static char *subject_of(const alarm_mail *mail)
{
	static const char *const subjects[LK_N_LANGS][LK_N_ALARMS] = {
		[LK_LANG_FI] = {"tavoiteaika lähellä", "tavoiteaika ylittynyt", "muistutus",
				"viesti ei mennyt perille"},
		[LK_LANG_SV] = {"tidsmålet nära", "tidsmålet överskridet", "påminnelse",
				"mejlet kom inte fram"},
		[LK_LANG_EN] = {"target time near", "target time passed", "reminder",
				"mail did not arrive"},
	};
	static const char *const tickets[LK_N_LANGS] = {
		[LK_LANG_FI] = "tukipyyntöä", [LK_LANG_SV] = "ärenden", [LK_LANG_EN] = "tickets"};

	return g_strdup_printf("%" G_GINT64_FORMAT " %s: %s", mail->n, tickets[mail->lang],
			       subjects[mail->lang][mail->kind]);
}

static const struct {
	const char *template_name;
	const char *reason;
} kinds[LK_N_ALARMS] = {
	[LK_ALARM_WARNING] = {"sla-warning", "targets of the service level are near"},
	[LK_ALARM_BREACH] = {"sla-breach", "targets of the service level have passed"},
	[LK_ALARM_FAILED] = {"delivery-failed", "mails to customers did not arrive"},
	[LK_ALARM_REMINDER] = {"owner-reminder", "tickets that somebody should look at"},
};

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
		.template_name = kinds[mail->kind].template_name,
		.purpose = LK_PURPOSE_AGENT,
		.queue = mail->queue,
		.language = mail->lang,
		.recipient = mail->address,
		.recipient_name = mail->agent ? mail->agent->name : NULL,
		.rank = LK_RANK_REMINDER,
		.is_bulk = true,
		.reason = kinds[mail->kind].reason,
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
