#include "lib/desk/digest.h"

#include "lib/base/err.h"
#include "lib/base/text.h"
#include "lib/desk/authority.h"
#include "lib/desk/digest-private.h"
#include "lib/desk/hours.h"
#include "lib/desk/outbox.h"
#include "lib/desk/when.h"

#include <string.h>

/* --- when ------------------------------------------------------------------------------------- */

bool lk_digest_when(const lk_policy *policy, const lk_queue *queue, lk_time now, lk_time *ret_today,
		    lk_time *ret_next)
{
	const lk_calendar *calendar = lk_hours_of_queue(policy, queue);
	lk_time midnight = lk_day_start(policy->timezone, lk_day_at(policy->timezone, now));
	unsigned days = 0;
	int minutes = 0;

	if (!queue->digest || !*queue->digest ||
	    !lk_digest_parse(queue->digest, &days, &minutes, NULL))
		return false;
	*ret_today = lk_calendar_next_digest(calendar, days, minutes, midnight - 1);
	if (*ret_today > now)
		*ret_today = LK_TIME_NONE;
	*ret_next = lk_calendar_next_digest(calendar, days, minutes, now);
	return true;
}

/* --- to whom ---------------------------------------------------------------------------------- */

lk_lang lk_digest_language(const lk_policy *policy, const lk_agent *agent)
{
	lk_lang lang = policy->language;

	if (agent->languages->len > 0)
		lk_lang_parse(g_ptr_array_index(agent->languages, 0), &lang);
	return lang;
}

static char *subject_of(const lk_reader *reader, const char *template_name)
{
	static const char *const subjects[LK_N_LANGS][3] = {
		[LK_LANG_FI] = {"Jonojen tilanne", "Päivän työt", "Koko palvelun tilanne"},
		[LK_LANG_SV] = {"Läget i köerna", "Dagens arbete", "Läget i hela tjänsten"},
		[LK_LANG_EN] = {"How the queues are", "Your day", "How the whole desk is"}};
	unsigned which = strcmp(template_name, LK_DIGEST_MANAGERS) == 0 ? 0
			 : strcmp(template_name, LK_DIGEST_AGENTS) == 0 ? 1
									: 2;
	g_autofree char *day =
		lk_when_day(reader->picture->policy, reader->lang, reader->picture->now);

	return g_strdup_printf("%s, %s", subjects[reader->lang][which], day ? day : "");
}

bool lk_digest_send(const lk_reader *reader, const char *template_name, lk_json *variables,
		    GError **error)
{
	const lk_picture *p = reader->picture;
	g_autofree char *subject = subject_of(reader, template_name);
	lk_outbox_verdict verdict = LK_OUTBOX_QUEUED;
	int64_t outbox = 0;
	lk_outbox_mail mail = {.template_name = template_name,
			       .purpose = LK_PURPOSE_AGENT,
			       .queue = g_ptr_array_index(reader->queues, 0),
			       .language = reader->lang,
			       .recipient = reader->agent->address,
			       .recipient_name = reader->agent->name,
			       .rank = LK_RANK_REMINDER,
			       .is_bulk = true,
			       .reason = "the picture of the day",
			       .variables = variables};

	lk_json_set_text(variables, "subject", subject);
	lk_digest_set_day(reader, variables, "day", p->now);
	lk_json_set_text(variables, "agent_name", reader->agent->name ? reader->agent->name : "");
	return lk_outbox_add(p->db, p->policy, p->now, &mail, &verdict, &outbox, error);
}

static bool is_in(const GPtrArray *addresses, const lk_policy *policy, const lk_agent *agent)
{
	for (unsigned i = 0; i < addresses->len; i++)
		if (lk_policy_agent(policy, g_ptr_array_index(addresses, i)) == agent)
			return true;
	return false;
}

/* Queues of the picture that the agent manages, or works in. Caller unrefs. */
static GPtrArray *queues_of(const lk_picture *p, const lk_agent *agent, bool manages)
{
	GPtrArray *queues = g_ptr_array_new();

	for (unsigned i = 0; i < p->queues->len; i++) {
		lk_queue *queue = g_ptr_array_index(p->queues, i);

		if (is_in(manages ? queue->managers : queue->agents, p->policy, agent))
			g_ptr_array_add(queues, queue);
	}
	return queues;
}

static bool is_empty(const lk_json *object)
{
	g_autoptr(GPtrArray) keys = lk_json_keys(object);

	return keys->len == 0;
}

/* --- the managers' ---------------------------------------------------------------------------- */

/* In the order of desk.md 18. */
static bool fill_managers(const lk_reader *reader, lk_json *out, GError **error)
{
	static const struct {
		const char *key;
		lk_section section;
		unsigned actions;
	} sections[] = {
		{"urgent", LK_SECTION_URGENT, LK_DO_TAKE | LK_DO_GIVE},
		{"due", LK_SECTION_DUE, LK_DO_TAKE | LK_DO_GIVE | LK_DO_RAISE},
		{"chased", LK_SECTION_CHASED, LK_DO_TAKE | LK_DO_GIVE | LK_DO_TELL},
		{"untold", LK_SECTION_UNTOLD, LK_DO_TELL | LK_DO_TAKE | LK_DO_GIVE},
		{"supplier_late", LK_SECTION_SUPPLIER, LK_DO_REMIND | LK_DO_TELL},
		{"back", LK_SECTION_BACK, LK_DO_TAKE | LK_DO_GIVE | LK_DO_LATER},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(sections); i++)
		lk_digest_add_section(reader, out, sections[i].key, sections[i].section, NULL,
				      sections[i].actions);
	lk_json_set_bool(out, "is_quiet", is_empty(out));
	if (!lk_digest_add_away(reader, out, error) || !lk_digest_add_load(reader, out, error) ||
	    !lk_digest_add_mails(reader, out, error) || !lk_digest_add_trouble(reader, out, error))
		return false;
	lk_digest_add_flow(reader, out);
	return true;
}

static bool write_manager(lk_reader *reader, int64_t *ret_n, GError **error)
{
	g_autoptr(lk_json) out = lk_json_object();

	if (!fill_managers(reader, out, error) ||
	    !lk_digest_send(reader, LK_DIGEST_MANAGERS, out, error))
		return false;
	++*ret_n;
	return true;
}

static bool write_agent(lk_reader *reader, int64_t *ret_n, GError **error)
{
	g_autoptr(lk_json) out = NULL;

	if (!lk_digest_of_agent(reader, &out, error))
		return false;
	if (!out)
		return true;
	if (!lk_digest_send(reader, LK_DIGEST_AGENTS, out, error))
		return false;
	++*ret_n;
	return true;
}

/* Who is away reads nothing; managers get theirs, as nobody manages in their place. */
static bool write_person(lk_picture *p, const lk_agent *agent, int64_t *ret_n, GError **error)
{
	g_autoptr(GPtrArray) managed = queues_of(p, agent, true);
	g_autoptr(GPtrArray) served = queues_of(p, agent, false);
	lk_reader reader = {
		.picture = p, .agent = agent, .lang = lk_digest_language(p->policy, agent)};

	reader.queues = managed;
	if (managed->len > 0 && !write_manager(&reader, ret_n, error))
		return false;
	reader.queues = served;
	return served->len == 0 || !lk_picture_is_present(p, agent->address) ||
	       write_agent(&reader, ret_n, error);
}

bool lk_digests_write(lk_db *db, const lk_policy *policy, const GPtrArray *queues, lk_time now,
		      int64_t *ret_mails, GError **error)
{
	g_autoptr(lk_picture) picture = NULL;
	g_autoptr(lk_params) old = lk_params_new();
	int64_t n = 0;

	lk_param_time(old, now - LK_DIGEST_ACTION_TIME);
	if (queues->len > 0 && (!lk_db_run(db, LK_Q_PICTURE_ACTIONS_DROP, old, NULL, error) ||
				!lk_picture_load(db, policy, queues, now, &picture, error)))
		return false;
	for (unsigned i = 0; queues->len > 0 && i < policy->agents->len; i++)
		if (!write_person(picture, g_ptr_array_index(policy->agents, i), &n, error))
			return false;
	if (ret_mails)
		*ret_mails = n;
	return true;
}
