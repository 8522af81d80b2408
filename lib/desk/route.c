#include "lib/desk/route.h"

#include <string.h>

void lk_route_clear(lk_route *route)
{
	g_clear_pointer(&route->reason, g_free);
	g_clear_pointer(&route->others, g_ptr_array_unref);
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

void lk_route_decide(const lk_policy *policy, const lk_route_facts *facts, lk_route *ret_route)
{
	const lk_mail *mail = facts->mail;
	const struct {
		const GPtrArray *addresses;
		const char *name;
	} headers[] = {{mail->to, "To"}, {mail->cc, "Cc"}};

	memset(ret_route, 0, sizeof(*ret_route));
	ret_route->others = g_ptr_array_new();
	for (unsigned i = 0; facts->recipients && facts->recipients[i]; i++)
		add_recipient(policy, ret_route, facts->recipients[i], "the envelope");
	for (unsigned h = 0; h < G_N_ELEMENTS(headers); h++)
		for (unsigned i = 0; i < headers[h].addresses->len; i++) {
			const lk_address *to = g_ptr_array_index(headers[h].addresses, i);
			add_recipient(policy, ret_route, to->address, headers[h].name);
		}
	for (unsigned i = 0; i < mail->delivered_to->len; i++)
		add_recipient(policy, ret_route, g_ptr_array_index(mail->delivered_to, i),
			      "Delivered-To");
	if (!ret_route->queue)
		use_fallback(policy, ret_route, facts->mailbox);
	ret_route->type = ret_route->queue->default_type;
	ret_route->priority =
		ret_route->queue->default_priority ? ret_route->queue->default_priority : "normal";
}
