#include "lib/desk/route.h"

#include <string.h>

void lk_route_clear(lk_route *route)
{
	g_clear_pointer(&route->reason, g_free);
	g_clear_pointer(&route->others, g_ptr_array_unref);
	lk_rule_result_clear(&route->rules);
}

void lk_route_forget_rules(lk_route *route, const char *why)
{
	GPtrArray *limits = g_steal_pointer(&route->rules.limits);

	lk_rule_result_clear(&route->rules);
	lk_rule_result_init(&route->rules);
	/* The time was taken all the same, and whoever wrote the pattern wants to know. */
	if (limits) {
		g_ptr_array_unref(route->rules.limits);
		route->rules.limits = limits;
	}
	route->ruleless = why;
}

static void add_recipient(const lk_policy *policy, lk_route *route, const char *address,
			  const char *where)
{
	const lk_queue *queue = lk_policy_queue_by_address(policy, address);

	if (!queue || queue == route->queue || g_ptr_array_find(route->others, queue, NULL))
		return;
	if (route->queue) {
		g_ptr_array_add(route->others, (void *)queue);
		return;
	}
	route->queue = queue;
	route->reason = g_strdup_printf("%s names an address of queue %s", where, queue->name);
}

static void use_fallback(const lk_policy *policy, lk_route *route, const char *mailbox)
{
	for (unsigned i = 0; mailbox && i < policy->mailboxes->len; i++) {
		const lk_desk_mailbox *known = g_ptr_array_index(policy->mailboxes, i);
		if (strcmp(known->name, mailbox) == 0)
			route->queue = lk_policy_queue(policy, known->queue);
	}
	if (route->queue) {
		route->reason = g_strdup_printf("no recipient is a queue's address: the queue of "
						"mailbox %s",
						mailbox);
		return;
	}
	g_assert(policy->queues->len > 0);
	route->queue = g_ptr_array_index(policy->queues, 0);
	route->reason = g_strdup("neither a recipient nor the mailbox names a queue: the first "
				 "queue");
}

/* By addresses alone. */
static void decide_queue(const lk_policy *policy, const lk_route_facts *facts, lk_route *route)
{
	const lk_mail *mail = facts->mail;
	const struct {
		const GPtrArray *addresses;
		const char *name;
	} headers[] = {{mail->to, "To"}, {mail->cc, "Cc"}};

	for (unsigned i = 0; facts->recipients && facts->recipients[i]; i++)
		add_recipient(policy, route, facts->recipients[i], "the envelope");
	for (unsigned h = 0; h < G_N_ELEMENTS(headers); h++)
		for (unsigned i = 0; i < headers[h].addresses->len; i++) {
			const lk_address *to = g_ptr_array_index(headers[h].addresses, i);
			add_recipient(policy, route, to->address, headers[h].name);
		}
	for (unsigned i = 0; i < mail->delivered_to->len; i++)
		add_recipient(policy, route, g_ptr_array_index(mail->delivered_to, i),
			      "Delivered-To");
	if (!route->queue)
		use_fallback(policy, route, facts->mailbox);
}

static void run_rules(const lk_policy *policy, const lk_route_facts *facts, lk_route *route)
{
	lk_rule_facts given = {
		.mail = facts->mail,
		.recipients = facts->recipients,
		.mailbox = facts->mailbox,
		.size = facts->size,
		.at = facts->at,
		.is_reply = facts->is_reply,
		.standing = facts->standing,
		.organisation = facts->organisation,
		.queue = route->queue,
		.type = facts->ticket_type,
		.priority = facts->ticket_priority,
		.is_kept = facts->is_kept,
	};

	if (!policy->compiled || facts->ruleless) {
		lk_rule_result_init(&route->rules);
		return;
	}
	if (facts->is_reply && facts->ticket_queue)
		given.queue = facts->ticket_queue;
	lk_rules_run(policy->compiled, &given, facts->is_explained, &route->rules);
}

/* A rule's queue instead of the addressed one. */
static void take_queue(lk_route *route)
{
	const lk_rule *rule = route->rules.queue_rule;

	route->queue = route->rules.queue;
	g_free(route->reason);
	route->reason = g_strdup_printf("rule \"%s\" (%s:%d) sets queue %s", rule->name, rule->file,
					rule->line, route->queue->name);
	g_ptr_array_remove(route->others, (void *)route->queue);
}

void lk_route_decide(const lk_policy *policy, const lk_route_facts *facts, lk_route *ret_route)
{
	lk_route *route = ret_route;

	memset(route, 0, sizeof(*route));
	route->others = g_ptr_array_new();
	route->ruleless = facts->ruleless;
	decide_queue(policy, facts, route);
	run_rules(policy, facts, route);
	if (route->rules.queue && !facts->is_reply)
		take_queue(route);
	route->type = route->rules.type ? route->rules.type : route->queue->default_type;
	route->priority =
		route->rules.priority ? route->rules.priority : route->queue->default_priority;
	if (!route->priority)
		route->priority = "normal";
}
