/* Lines of digests and their links: nothing has to be typed. */
#include "lib/desk/digest-private.h"

#include "lib/base/text.h"
#include "lib/desk/outbox-private.h"
#include "lib/desk/when.h"

#include <string.h>

enum { MAX_SUBJECT = 100 };

bool lk_reader_sees(const lk_reader *reader, const lk_queue *queue)
{
	return queue && g_ptr_array_find(reader->queues, queue, NULL);
}

const char *lk_digest_name(const lk_reader *reader, const char *address)
{
	const lk_agent *agent = lk_policy_agent(reader->picture->policy, address);

	return agent && agent->name ? agent->name : address ? address : "";
}

char *lk_digest_hour(const lk_reader *reader, lk_time at)
{
	const char *zone_name = reader->picture->policy->timezone;
	g_autoptr(GTimeZone) zone = zone_name ? g_time_zone_new_identifier(zone_name) : NULL;
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at / LK_SECOND);
	g_autoptr(GDateTime) local = utc && zone ? g_date_time_to_timezone(utc, zone) : NULL;
	GDateTime *shown = local ? local : utc;

	if (!shown)
		return g_strdup("");
	return g_strdup_printf(reader->lang == LK_LANG_EN ? "%d:%02d" : "%d.%02d",
			       g_date_time_get_hour(shown), g_date_time_get_minute(shown));
}

void lk_digest_set_day(const lk_reader *reader, lk_json *out, const char *key, lk_time at)
{
	g_autofree char *day =
		at == LK_TIME_NONE ? NULL : lk_when_day(reader->picture->policy, reader->lang, at);

	lk_json_set_text(out, key, day ? day : "");
}

void lk_digest_set_title(const lk_reader *reader, lk_json *out, const lk_queue *queue)
{
	const char *title =
		lk_text_in(&queue->title, reader->lang, reader->picture->policy->language);

	lk_json_set_text(out, "queue", *title ? title : queue->name);
}

void lk_digest_take_rows(lk_json *out, const char *key, lk_json *rows, int64_t count)
{
	int64_t rest = count - (int64_t)lk_json_size(rows);
	lk_json *section = NULL;

	if (count == 0) {
		lk_json_unref(rows);
		return;
	}
	section = lk_json_object();
	lk_json_set_int(section, "count", count);
	lk_json_take(section, "rows", rows);
	if (rest > 0)
		lk_json_set_int(section, "rest", rest);
	lk_json_take(out, key, section);
}

/* --- links ------------------------------------------------------------------------------------ */

static void push_link(lk_json *actions, const char *name, const char *to, const char *link)
{
	lk_json *one = lk_json_object();

	lk_json_set_bool(one, name, true);
	lk_json_set_text(one, "link", link);
	lk_json_set_text(one, "to", to ? to : "");
	lk_json_push(actions, one);
}

void lk_digest_add_mailto(lk_json *actions, const char *name, const char *address,
			  const char *subject, const char *body)
{
	g_autofree char *to = g_uri_escape_string(address, "@", FALSE);
	g_autofree char *title = g_uri_escape_string(subject, NULL, FALSE);
	g_autofree char *words = g_uri_escape_string(body, NULL, FALSE);
	g_autofree char *link = g_strdup_printf("mailto:%s?subject=%s&body=%s", to, title, words);

	push_link(actions, name, address, link);
}

/* The address by which this agent acts on the ticket; an earlier one may have been revoked. */
static char *ticket_address(const lk_reader *reader, const lk_picture_ticket *t)
{
	g_autofree char *key =
		g_strdup_printf("%" G_GINT64_FORMAT " %s", t->id, reader->agent->address);
	gpointer own = NULL;
	int64_t epoch = t->epoch;

	if (g_hash_table_lookup_extended(reader->picture->epochs, key, NULL, &own))
		epoch = GPOINTER_TO_INT(own);
	return lk_outbox_address(reader->picture->policy, t->queue->from, LK_PURPOSE_AGENT,
				 (uint8_t)epoch, t->id, reader->agent->address);
}

/* command: with its reference before it, so that it holds in any mail to the queue. */
static void add_command(const lk_reader *reader, lk_json *actions, const lk_picture_ticket *t,
			const char *name, const char *to, const char *command)
{
	g_autofree char *reference = lk_reference(reader->picture->policy, t->id);
	g_autofree char *cut = lk_text_cut(t->subject, MAX_SUBJECT);
	g_autofree char *subject = g_strdup_printf("[%s] %s", reference, cut);
	g_autofree char *address = ticket_address(reader, t);
	g_autofree char *body =
		*command == '#' ? g_strdup_printf("%s %s", reference, command) : g_strdup(command);
	g_autofree char *escaped_to = g_uri_escape_string(address, "@", FALSE);
	g_autofree char *escaped = g_uri_escape_string(subject, NULL, FALSE);
	g_autofree char *words = g_uri_escape_string(body, NULL, FALSE);
	g_autofree char *link =
		g_strdup_printf("mailto:%s?subject=%s&body=%s", escaped_to, escaped, words);

	push_link(actions, name, to, link);
}

static lk_lang language_of(const lk_reader *reader, const lk_picture_ticket *t)
{
	lk_lang lang = t->queue->language;

	lk_lang_parse(t->language, &lang);
	return lang;
}

static void add_tell(const lk_reader *reader, lk_json *actions, const lk_picture_ticket *t)
{
	static const char *const words[LK_N_LANGS] = {
		[LK_LANG_FI] = "Hei,\n\nasiasi on yhä käsittelyssä. Kerromme heti, kun se "
			       "etenee.\n",
		[LK_LANG_SV] = "Hej,\n\nditt ärende är fortfarande under behandling. Vi hör av oss "
			       "så snart det går framåt.\n",
		[LK_LANG_EN] = "Hello,\n\nwe are still working on your matter and will write as "
			       "soon as there is news.\n"};

	add_command(reader, actions, t, "is_tell", NULL, words[language_of(reader, t)]);
}

static void add_remind(const lk_reader *reader, lk_json *actions, const lk_picture_ticket *t)
{
	static const char *const words[LK_N_LANGS] = {
		[LK_LANG_FI] = "Hei,\n\nodotamme yhä vastaustanne. Missä vaiheessa asia on?\n",
		[LK_LANG_SV] = "Hej,\n\nvi väntar fortfarande på ert svar. Hur går det med "
			       "ärendet?\n",
		[LK_LANG_EN] = "Hello,\n\nwe are still waiting for your answer. How far has this "
			       "come?\n"};
	g_autofree char *command = NULL;

	if (!t->supplier || !lk_policy_supplier(reader->picture->policy, t->supplier))
		return;
	command = g_strdup_printf("#supplier %s\n\n%s", t->supplier, words[t->queue->language]);
	add_command(reader, actions, t, "is_remind", t->supplier, command);
}

static void add_later(const lk_reader *reader, lk_json *actions, const lk_picture_ticket *t)
{
	lk_time week = reader->picture->today + (7 * 24 + 12) * INT64_C(3600) * LK_SECOND;
	g_autofree char *day = lk_day_format(lk_day_at(reader->picture->policy->timezone, week));
	g_autofree char *command = g_strdup_printf("#wait until %s", day);

	add_command(reader, actions, t, "is_later", NULL, command);
}

static void add_give(const lk_reader *reader, lk_json *actions, const lk_picture_ticket *t)
{
	const lk_agent *owner = lk_policy_agent(reader->picture->policy, t->owner);
	const lk_agent *other = lk_picture_free_agent(
		reader->picture, t->queue, owner ? owner->address : NULL, reader->agent->address);
	g_autofree char *command = other ? g_strdup_printf("#assign %s", other->address) : NULL;

	if (other)
		add_command(reader, actions, t, "is_give", other->name, command);
}

static lk_json *links_of(const lk_reader *reader, const lk_picture_ticket *t, unsigned actions)
{
	const lk_agent *owner = lk_policy_agent(reader->picture->policy, t->owner);
	lk_json *links = lk_json_array();

	if (actions & LK_DO_TAKE && owner != reader->agent)
		add_command(reader, links, t, "is_take", NULL, "#take");
	if (actions & LK_DO_GIVE)
		add_give(reader, links, t);
	if (actions & LK_DO_RAISE && t->priority != LK_URGENT)
		add_command(reader, links, t, "is_raise", NULL, "#priority urgent");
	if (actions & LK_DO_TELL && !t->is_machine)
		add_tell(reader, links, t);
	if (actions & LK_DO_REMIND)
		add_remind(reader, links, t);
	if (actions & LK_DO_LATER)
		add_later(reader, links, t);
	return links;
}

bool lk_digest_add_action(const lk_reader *reader, lk_json *actions, const lk_digest_action *action,
			  GError **error)
{
	const lk_picture *p = reader->picture;
	g_autoptr(lk_params) params = lk_params_new();
	g_autoptr(lk_rows) rows = NULL;
	g_autofree char *address = NULL;

	if (!p->policy->subaddress || !*p->policy->subaddress)
		return true;
	lk_param_text(params, reader->agent->address);
	lk_param_text(params, action->kind);
	lk_param_text(params, action->queue->name);
	action->target ? lk_param_int(params, action->target) : lk_param_null(params);
	lk_param_text(params, action->words ? action->words : "");
	lk_param_time(params, p->now);
	lk_param_time(params, p->now + LK_DIGEST_ACTION_TIME);
	if (!lk_db_run(p->db, LK_Q_PICTURE_ACTION_ADD, params, &rows, error))
		return false;
	address = lk_outbox_address(p->policy, action->queue->from, LK_PURPOSE_ACTION,
				    LK_ACTION_EPOCH, lk_row_int(rows, 0, "id"),
				    reader->agent->address);
	/* A long address takes no token: there is no other way to it. */
	if (strcmp(address, action->queue->from) == 0)
		return true;
	g_autofree char *to = g_uri_escape_string(address, "@", FALSE);
	g_autofree char *link = g_strdup_printf("mailto:%s?subject=OK&body=OK", to);
	push_link(actions, action->name, action->to, link);
	return true;
}

/* --- lines ------------------------------------------------------------------------------------ */

static void set_due(const lk_reader *reader, lk_json *one, const lk_picture_ticket *t)
{
	const lk_picture *p = reader->picture;
	g_autofree char *hour = NULL;
	g_autofree char *full = NULL;

	lk_json_set_text(one, "due", "");
	lk_json_set_text(one, "due_hour", "");
	if (t->due_at == LK_TIME_NONE)
		return;
	if (t->due_at >= p->today && t->due_at < p->tomorrow)
		hour = lk_digest_hour(reader, t->due_at);
	full = lk_when(p->policy, reader->lang, t->due_at);
	lk_json_set_text(one, "due_hour", hour ? hour : "");
	lk_json_set_text(one, "due", full ? full : "");
	lk_json_set_bool(one, "is_breached", t->due_at < p->now);
	lk_json_set_bool(one, "is_due", t->due_at >= p->now);
}

lk_json *lk_digest_line(const lk_reader *reader, const lk_picture_ticket *t, unsigned actions)
{
	lk_json *one = lk_json_object();
	g_autofree char *reference = lk_reference(reader->picture->policy, t->id);
	g_autofree char *is_priority = g_strconcat("is_", lk_priority_name(t->priority), NULL);
	g_autofree char *is_status = g_strconcat("is_", lk_status_name(t->status), NULL);

	lk_json_set_text(one, "reference", reference);
	lk_json_set_text(one, "title", t->subject);
	lk_digest_set_title(reader, one, t->queue);
	lk_json_set_text(one, "owner", lk_digest_name(reader, t->owner));
	lk_json_set_text(one, "requester", t->requester ? t->requester : "");
	lk_json_set_bool(one, "is_vip", t->is_vip);
	lk_json_set_text(one, "supplier", t->supplier ? t->supplier : "");
	lk_digest_set_day(reader, one, "opened", t->opened_at);
	lk_digest_set_day(reader, one, "told", t->told_at);
	lk_digest_set_day(reader, one, "reminded", t->reminded_at);
	lk_json_set_bool(one, is_priority, true);
	lk_json_set_bool(one, is_status, true);
	g_autofree char *chased = g_strdup_printf("%" G_GINT64_FORMAT, t->chased);
	lk_json_set_text(one, "chased", t->chased > 0 ? chased : "");
	lk_json_set_bool(one, "is_not_in_order", t->is_not_in_order);
	set_due(reader, one, t);
	lk_json_take(one, "actions", links_of(reader, t, actions));
	return one;
}

void lk_digest_add_section(const lk_reader *reader, lk_json *out, const char *key,
			   lk_section section, const char *owner, unsigned actions)
{
	const lk_picture *p = reader->picture;
	lk_json *rows = lk_json_array();
	int64_t count = 0;

	for (unsigned i = 0; i < p->tickets->len; i++) {
		const lk_picture_ticket *t = &g_array_index(p->tickets, lk_picture_ticket, i);

		if (!lk_reader_sees(reader, t->queue) ||
		    (owner && g_strcmp0(t->owner, owner) != 0) || !lk_section_has(p, section, t))
			continue;
		if (count++ < LK_DIGEST_ROWS)
			lk_json_push(rows, lk_digest_line(reader, t, actions));
	}
	lk_digest_take_rows(out, key, rows, count);
}
