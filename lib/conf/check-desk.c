#include "lib/conf/check.h"

#include "lib/base/clock.h"
#include "lib/conf/form.h"

#include <string.h>

static void check_holidays(const lk_findings *findings, const lk_conf_calendar *calendar)
{
	const char *name = calendar->name ? calendar->name : "";

	for (unsigned i = 0; i < calendar->holidays->len; i++) {
		const char *text = g_ptr_array_index(calendar->holidays, i);
		int year = 0;
		int month = 0;
		int day = 0;
		GDate date;
		GDate today;

		if (!lk_holiday_date(text, &year, &month, &day))
			continue;
		g_date_clear(&date, 1);
		g_date_clear(&today, 1);
		g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
		g_date_set_time_t(&today, (time_t)(lk_now() / LK_SECOND));
		if (g_date_compare(&date, &today) < 0)
			lk_find_warning(findings, calendar->at,
					"calendars[%s].holidays: %s has passed", name, text);
		else if (g_date_get_weekday(&date) >= G_DATE_SATURDAY)
			lk_find_warning(findings, calendar->at,
					"calendars[%s].holidays: %s is a weekend", name, text);
	}
}

static bool takes_longer(const lk_conf_span *a, const lk_conf_span *b)
{
	return a->open_days > b->open_days ||
	       (a->open_days == b->open_days && a->seconds > b->seconds && b->seconds > 0);
}

/* Has a target above it the same priority and type? */
static bool has_target(const lk_conf_sla *sla, unsigned n, const lk_conf_target *target)
{
	for (unsigned i = 0; i < n; i++) {
		const lk_conf_target *other = g_ptr_array_index(sla->targets, i);

		if (other->priority == target->priority &&
		    g_strcmp0(other->type, target->type) == 0)
			return true;
	}
	return false;
}

/* Can a ticket have that type? A queue that lists none takes any. */
static bool is_type(const lk_conf *conf, const char *type)
{
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		if (queue->types->len == 0 ||
		    g_ptr_array_find_with_equal_func(queue->types, type, g_str_equal, NULL))
			return true;
	}
	return false;
}

static void check_sla(const lk_findings *findings, const lk_conf *conf, const lk_conf_sla *sla)
{
	g_autofree char *what = g_strdup_printf("slas[%s].calendar", sla->name ? sla->name : "");

	if (sla->calendar)
		lk_check_reference(findings, sla->at, what, "calendar", conf->calendars,
				   sla->calendar);
	for (unsigned i = 0; i < sla->targets->len; i++) {
		const lk_conf_target *target = g_ptr_array_index(sla->targets, i);

		if (has_target(sla, i, target))
			lk_find_error(findings, target->at,
				      "slas[%s].targets: priority \"%s\" has its target already",
				      sla->name ? sla->name : "",
				      lk_conf_priority_name(target->priority));
		if (target->type && !is_type(conf, target->type))
			lk_find_error(findings, target->at,
				      "slas[%s].targets: no queue has the type \"%s\"",
				      sla->name ? sla->name : "", target->type);
		if (takes_longer(&target->respond, &target->resolve))
			lk_find_warning(findings, target->at,
					"slas[%s].targets: to respond takes longer than to resolve",
					sla->name ? sla->name : "");
	}
}

static void check_text(const lk_findings *findings, const lk_conf *conf, lk_conf_origin at,
		       const char *label, const lk_conf_text *text)
{
	for (unsigned i = 0; i < conf->site.languages->len; i++) {
		const char *code = g_ptr_array_index(conf->site.languages, i);

		for (int lang = 0; lang < LK_CONF_N_LANGS; lang++)
			if (strcmp(code, lk_conf_lang_code((lk_conf_lang)lang)) == 0 &&
			    !text->in[lang])
				lk_find_warning(findings, at, "%s has no text in \"%s\"", label,
						code);
	}
}

static bool has_type(const lk_conf_queue *queue, const char *type)
{
	return queue->types->len == 0 ||
	       g_ptr_array_find_with_equal_func(queue->types, type, g_str_equal, NULL);
}

static void check_type(const lk_findings *findings, lk_conf_origin at, const char *label,
		       const lk_conf_queue *queue, const char *type)
{
	g_autofree char *near = NULL;

	if (has_type(queue, type))
		return;
	near = lk_did_you_mean(type, (const char *const *)queue->types->pdata, queue->types->len);
	lk_find_error(findings, at, "%s: \"%s\" is not one of the queue's types%s", label, type,
		      near);
}

static void check_required(const lk_findings *findings, const lk_conf *conf,
			   const lk_conf_queue *queue, const char *label)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree char *ask = g_strconcat(label, ".required[].ask", NULL);
	g_autofree char *when = g_strconcat(label, ".required[].when", NULL);

	for (unsigned i = 0; i < queue->required->len; i++) {
		const lk_conf_required *required = g_ptr_array_index(queue->required, i);

		if (required->field && !required->when && !g_hash_table_add(seen, required->field))
			lk_find_error(findings, required->at,
				      "%s.required: the field \"%s\" is asked for twice", label,
				      required->field);
		check_text(findings, conf, required->at, ask, &required->ask);
		if (required->when)
			check_type(findings, required->at, when, queue,
				   required->when + strlen("type:"));
	}
}

static void check_people(const lk_findings *findings, const lk_conf *conf,
			 const lk_conf_queue *queue, const char *label)
{
	g_autofree char *agents = g_strconcat(label, ".agents", NULL);
	g_autofree char *managers = g_strconcat(label, ".managers", NULL);

	for (unsigned i = 0; i < queue->agents->len; i++)
		lk_check_agent(findings, queue->at, agents, conf,
			       g_ptr_array_index(queue->agents, i));
	for (unsigned i = 0; i < queue->managers->len; i++)
		lk_check_agent(findings, queue->at, managers, conf,
			       g_ptr_array_index(queue->managers, i));
	if (queue->agents->len == 0 && queue->managers->len == 0)
		lk_find_warning(findings, queue->at,
				"%s has neither agents nor managers: nobody hears of its tickets",
				label);
	else if (queue->notify == LK_CONF_NOTIFY_AGENTS && queue->agents->len == 0)
		lk_find_warning(findings, queue->at,
				"%s notifies its agents and has none: nobody hears of a new ticket",
				label);
	else if (queue->notify == LK_CONF_NOTIFY_MANAGERS && queue->managers->len == 0)
		lk_find_warning(
			findings, queue->at,
			"%s notifies its managers and has none: nobody hears of a new ticket",
			label);
}

/* From: is always a plain address of ours, so that an answer without a token comes back too. */
static void check_from(const lk_findings *findings, const lk_conf *conf, const lk_conf_queue *queue,
		       const char *label)
{
	for (unsigned i = 0; queue->from && i < conf->queues->len; i++) {
		const lk_conf_queue *other = g_ptr_array_index(conf->queues, i);

		if (g_ptr_array_find_with_equal_func(other->addresses, queue->from, g_str_equal,
						     NULL))
			return;
	}
	if (queue->from)
		lk_find_error(findings, queue->at,
			      "%s.from: %s is not one of the addresses of a queue; answers to it "
			      "would not come back",
			      label, queue->from);
}

static void check_queue(const lk_findings *findings, const lk_conf *conf,
			const lk_conf_queue *queue)
{
	g_autofree char *label = g_strdup_printf("queues[%s]", queue->name ? queue->name : "");
	g_autofree char *sla = g_strconcat(label, ".sla", NULL);
	g_autofree char *title = g_strconcat(label, ".title", NULL);
	g_autofree char *type = g_strconcat(label, ".default_type", NULL);
	g_autofree char *shares = g_strconcat(label, ".shares_with", NULL);

	check_text(findings, conf, queue->at, title, &queue->title);
	check_from(findings, conf, queue, label);
	check_people(findings, conf, queue, label);
	check_required(findings, conf, queue, label);
	if (queue->sla)
		lk_check_reference(findings, queue->at, sla, "service level", conf->slas,
				   queue->sla);
	if (queue->default_type)
		check_type(findings, queue->at, type, queue, queue->default_type);
	for (unsigned i = 0; i < queue->shares_with->len; i++) {
		const char *name = g_ptr_array_index(queue->shares_with, i);

		if (g_strcmp0(name, queue->name) == 0)
			lk_find_error(findings, queue->at, "%s names the queue itself", shares);
		else
			lk_check_reference(findings, queue->at, shares, "queue", conf->queues,
					   name);
	}
	if (queue->close_unanswered && queue->customer_reminders->len == 0)
		lk_find_error(
			findings, queue->at,
			"%s.close_unanswered needs customer_reminders: it closes when the last "
			"reminder stayed unanswered",
			label);
}

void lk_check_desk(const lk_findings *findings, const lk_conf *conf)
{
	for (unsigned i = 0; i < conf->calendars->len; i++)
		check_holidays(findings, g_ptr_array_index(conf->calendars, i));
	for (unsigned i = 0; i < conf->slas->len; i++)
		check_sla(findings, conf, g_ptr_array_index(conf->slas, i));
	for (unsigned i = 0; i < conf->queues->len; i++)
		check_queue(findings, conf, g_ptr_array_index(conf->queues, i));
}
