#include "lib/desk/thread.h"

#include "lib/desk/authority.h"

#include <string.h>

enum {
	/* Percent of pg_trgm: one word more, another ending or a typing error, not another matter.
	 */
	NEAR_SUBJECT = 60,
	NEAR_WORDS = 50
};

static void link_clear(void *data)
{
	lk_thread_link *link = data;

	g_free(link->reason);
}

void lk_thread_facts_init(lk_thread_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->tickets = g_array_new(FALSE, TRUE, sizeof(lk_thread_ticket));
	facts->hits = g_array_new(FALSE, TRUE, sizeof(lk_thread_hit));
	facts->sent = g_array_new(FALSE, TRUE, sizeof(lk_thread_sent));
	facts->similar = g_array_new(FALSE, TRUE, sizeof(lk_thread_similar));
}

void lk_thread_facts_clear(lk_thread_facts *facts)
{
	g_clear_pointer(&facts->tickets, g_array_unref);
	g_clear_pointer(&facts->hits, g_array_unref);
	g_clear_pointer(&facts->sent, g_array_unref);
	g_clear_pointer(&facts->similar, g_array_unref);
}

void lk_thread_decision_clear(lk_thread_decision *decision)
{
	g_clear_pointer(&decision->reason, g_free);
	g_clear_pointer(&decision->note_reason, g_free);
	g_clear_pointer(&decision->links, g_array_unref);
}

/* What one decision is made of; borrowed but for what stands in out. */
typedef struct {
	const lk_policy *policy;
	const lk_clues *clues;
	const lk_thread_facts *facts;
	lk_thread_decision *out;
} decider;

static const lk_thread_ticket *find_ticket(const lk_thread_facts *facts, int64_t named)
{
	for (unsigned i = 0; named > 0 && i < facts->tickets->len; i++) {
		const lk_thread_ticket *ticket =
			&g_array_index(facts->tickets, lk_thread_ticket, i);
		if (ticket->named == named)
			return ticket;
	}
	return NULL;
}

static const lk_thread_sent *find_sent(const lk_thread_facts *facts, int64_t outbox)
{
	for (unsigned i = 0; i < facts->sent->len; i++) {
		const lk_thread_sent *sent = &g_array_index(facts->sent, lk_thread_sent, i);
		if (sent->outbox == outbox)
			return sent;
	}
	return NULL;
}

static void add_link(decider *d, int64_t ticket, const char *relation, const char *reason)
{
	if (ticket == d->out->ticket)
		return;
	for (unsigned i = 0; i < d->out->links->len; i++)
		if (g_array_index(d->out->links, lk_thread_link, i).ticket == ticket)
			return;
	lk_thread_link link = {.ticket = ticket, .relation = relation, .reason = g_strdup(reason)};
	g_array_append_val(d->out->links, link);
}

static bool is_ended(lk_status status)
{
	return status == LK_STATUS_RESOLVED || status == LK_STATUS_CLOSED;
}

static bool may_reopen(const lk_thread_ticket *ticket, lk_time received_at)
{
	if (ticket->resolved_at == LK_TIME_NONE || received_at <= ticket->resolved_at)
		return true;
	return (received_at - ticket->resolved_at) / LK_SECOND <= ticket->reopen_s;
}

/* An agent who may know of the ticket. */
static bool is_agent(const lk_thread_facts *facts, const lk_thread_ticket *ticket)
{
	return facts->sender_is_agent && !facts->dmarc_fails && !ticket->is_hidden;
}

/* Suppliers and those asked have rights as long as agents; a customer's never end. */
static bool is_over(const decider *d, const lk_thread_ticket *ticket, lk_purpose purpose)
{
	return (purpose == LK_PURPOSE_SUPPLIER || purpose == LK_PURPOSE_CONSULT) &&
	       ticket->status == LK_STATUS_CLOSED &&
	       lk_token_is_over(ticket->closed_at, d->facts->received_at);
}

static lk_writer writer_of(const decider *d, const lk_thread_ticket *ticket, lk_purpose purpose,
			   bool is_for_sender)
{
	if (d->facts->kind == LK_KIND_AUTO_REPLY || d->facts->kind == LK_KIND_BOUNCE)
		return LK_WRITER_MACHINE;
	if (is_over(d, ticket, purpose) && !ticket->sender_takes_part)
		return LK_WRITER_GUEST;
	if (purpose == LK_PURPOSE_SUPPLIER && (is_for_sender || ticket->sender_is_supplier))
		return LK_WRITER_SUPPLIER;
	if (purpose == LK_PURPOSE_CONSULT && is_for_sender)
		return LK_WRITER_CONSULTED;
	if (ticket->sender_is_requester)
		return LK_WRITER_REQUESTER;
	if (ticket->sender_takes_part)
		return LK_WRITER_PARTICIPANT;
	return is_agent(d->facts, ticket) ? LK_WRITER_AGENT : LK_WRITER_GUEST;
}

static const char *purpose_words(lk_purpose purpose)
{
	switch (purpose) {
	case LK_PURPOSE_AGENT:
		return "it answers a mail that went to the team";
	case LK_PURPOSE_NOTE:
		return "it came to the note address";
	case LK_PURPOSE_SUPPLIER:
		return "a supplier's words stay inside";
	case LK_PURPOSE_CONSULT:
		return "it answers a question to a colleague";
	case LK_PURPOSE_ACTION:
		return "it came to an address that is for answers by button only";
	default:
		return NULL;
	}
}

/*
 * What comes to an agent's address stays inside, but for the customer: an agent who answers to all
 * brings them that address.
 */
static bool keeps_inside(lk_purpose purpose, bool takes_part)
{
	return purpose_words(purpose) && !(purpose == LK_PURPOSE_AGENT && takes_part);
}

/* The mail ties to the ticket and may add to it: joins, or opens a new one that continues it. */
static void settle(decider *d, const lk_thread_ticket *ticket, lk_purpose purpose,
		   bool is_for_sender, lk_evidence evidence, const char *reason)
{
	lk_thread_decision *out = d->out;
	g_autofree char *reference = lk_reference(d->policy, ticket->ticket);

	out->evidence = evidence;
	out->writer = writer_of(d, ticket, purpose, is_for_sender);
	out->is_over = is_over(d, ticket, purpose);
	if (keeps_inside(purpose, out->writer == LK_WRITER_REQUESTER ||
					  out->writer == LK_WRITER_PARTICIPANT))
		out->note_reason = g_strdup(purpose_words(purpose));
	if (!out->note_reason && out->writer == LK_WRITER_AGENT)
		out->note_reason = g_strdup("it comes from an agent's address without the proof "
					    "that the agent wrote it");
	out->is_note = out->note_reason != NULL;
	out->may_reopen = may_reopen(ticket, d->facts->received_at);
	/* Late thanks are no new matter. Nobody would see the customer's words in a lost queue. */
	if ((ticket->is_orphaned || (is_ended(ticket->status) && !out->may_reopen)) &&
	    !out->is_note && d->facts->kind == LK_KIND_NORMAL &&
	    d->facts->words != LK_WORDS_THANKS) {
		out->reason = g_strdup_printf(
			ticket->is_orphaned
				? "%s; the queue of %s is no longer in the configuration"
				: "%s; %s was resolved too long ago to be opened again",
			reason, reference);
		out->writer = LK_WRITER_REQUESTER;
		add_link(d, ticket->ticket, "continues", out->reason);
		return;
	}
	out->ticket = ticket->ticket;
	out->is_ended = is_ended(ticket->status);
	out->reason = g_strdup(reason);
	out->is_own_token = evidence == LK_EVIDENCE_TOKEN && is_for_sender &&
			    purpose == LK_PURPOSE_CUSTOMER && ticket->sender_takes_part;
	out->moves = d->facts->kind == LK_KIND_NORMAL && !out->is_note &&
		     (out->writer == LK_WRITER_REQUESTER || out->writer == LK_WRITER_PARTICIPANT);
	/* Who asks how a resolved ticket is getting on does not hold it for done. */
	out->is_chase = out->moves && !out->is_ended &&
			(d->facts->words == LK_WORDS_CHASE || evidence == LK_EVIDENCE_DUPLICATE);
	out->is_thanks = out->moves && d->facts->words == LK_WORDS_THANKS;
}

/* A token that still holds, with the ticket it is for and the purpose that counts. */
static const lk_thread_ticket *token_ticket(const decider *d, const lk_clue_token *token,
					    lk_purpose *ret_purpose)
{
	*ret_purpose = token->purpose;
	if (token->purpose == LK_PURPOSE_BOUNCE) {
		const lk_thread_sent *sent = find_sent(d->facts, token->number);
		*ret_purpose = sent ? sent->purpose : LK_PURPOSE_NONE;
		return sent ? find_ticket(d->facts, sent->ticket) : NULL;
	}
	const lk_thread_ticket *ticket = find_ticket(d->facts, token->number);
	/* An agent's token has an epoch of its own (authority.h); a revoked one still ties as a
	 * note. */
	if (token->purpose == LK_PURPOSE_AGENT)
		return ticket;
	return ticket && ticket->named_epoch == token->epoch ? ticket : NULL;
}

/* An answer to a note, supplier or consult mail is a note, whatever the address says. */
static lk_purpose restrict_purpose(const decider *d, const lk_thread_ticket *ticket,
				   lk_purpose purpose)
{
	if (purpose != LK_PURPOSE_CUSTOMER && purpose != LK_PURPOSE_NONE)
		return purpose;
	/* Whatever of ours a supplier answers, the words stay inside. */
	if (ticket->sender_is_supplier && !ticket->sender_takes_part)
		return LK_PURPOSE_SUPPLIER;
	for (unsigned i = 0; i < d->clues->tokens->len; i++) {
		const lk_clue_token *token = &g_array_index(d->clues->tokens, lk_clue_token, i);
		lk_purpose other = LK_PURPOSE_NONE;
		const lk_thread_ticket *same = token_ticket(d, token, &other);
		if (same && same->ticket == ticket->ticket &&
		    keeps_inside(other, ticket->sender_takes_part))
			return other;
	}
	for (unsigned i = 0; i < d->clues->ids->len; i++) {
		const lk_clue_id *id = &g_array_index(d->clues->ids, lk_clue_id, i);
		if (!id->is_ours)
			continue;
		const lk_thread_ticket *same = find_ticket(d->facts, id->ticket);
		if (same && same->ticket == ticket->ticket &&
		    keeps_inside(id->purpose, ticket->sender_takes_part))
			return id->purpose;
		break;
	}
	return purpose;
}

/* Evidence 1. Bounce addresses come after the others: answers of machines go there. */
static bool by_token(decider *d)
{
	const GArray *tokens = d->clues->tokens;
	const lk_thread_ticket *best = NULL;
	const lk_clue_token *best_token = NULL;
	lk_purpose best_purpose = LK_PURPOSE_NONE;
	unsigned best_rank = 0;

	for (unsigned i = 0; i < tokens->len; i++) {
		const lk_clue_token *token = &g_array_index(tokens, lk_clue_token, i);
		lk_purpose purpose = LK_PURPOSE_NONE;
		const lk_thread_ticket *ticket = token_ticket(d, token, &purpose);
		unsigned rank = (token->purpose == LK_PURPOSE_BOUNCE ? 1 : 3) +
				(token->is_for_sender ? 1 : 0);
		if (!ticket || rank <= best_rank)
			continue;
		best = ticket;
		best_token = token;
		best_purpose = purpose;
		best_rank = rank;
	}
	if (!best)
		return false;
	g_autofree char *reference = lk_reference(d->policy, best->ticket);
	g_autofree char *reason = g_strdup_printf(
		"%s of %s, made for %s",
		best_token->purpose == LK_PURPOSE_BOUNCE ? "return address of a mail"
							 : "reply address",
		reference, best_token->is_for_sender ? "its sender" : "somebody else");
	settle(d, best, restrict_purpose(d, best, best_purpose), best_token->is_for_sender,
	       LK_EVIDENCE_TOKEN, reason);
	for (unsigned i = 0; i < tokens->len; i++) {
		lk_purpose purpose = LK_PURPOSE_NONE;
		const lk_thread_ticket *other =
			token_ticket(d, &g_array_index(tokens, lk_clue_token, i), &purpose);
		if (other && other->ticket != best->ticket)
			add_link(d, other->ticket, "related",
				 "one mail went to the reply addresses of both");
	}
	return true;
}

/* Evidence 2. */
static bool by_message_id(decider *d)
{
	for (unsigned i = 0; i < d->clues->ids->len; i++) {
		const lk_clue_id *id = &g_array_index(d->clues->ids, lk_clue_id, i);
		const lk_thread_ticket *ticket =
			id->is_ours ? find_ticket(d->facts, id->ticket) : NULL;
		if (!ticket)
			continue;
		g_autofree char *reference = lk_reference(d->policy, ticket->ticket);
		g_autofree char *reason = g_strdup_printf("answers a mail of ours about %s "
							  "(signed Message-ID)",
							  reference);
		settle(d, ticket, restrict_purpose(d, ticket, id->purpose), false,
		       LK_EVIDENCE_MESSAGE_ID, reason);
		return true;
	}
	return false;
}

/* On weaker evidence only those who take part may add words. */
static bool may_join(const decider *d, const lk_thread_ticket *ticket)
{
	if (!d->facts->has_sender || d->facts->dmarc_fails)
		return false;
	return ticket->sender_takes_part || ticket->sender_is_supplier ||
	       is_agent(d->facts, ticket);
}

static const char *refusal(const decider *d)
{
	if (!d->facts->has_sender)
		return "the mail names no sender";
	if (d->facts->dmarc_fails)
		return "the sender's address failed dmarc";
	return "the sender takes no part in it";
}

/* Of two tickets that one clue leads to: one that is open, else the newer one. */
static bool is_better(const lk_thread_ticket *a, const lk_thread_ticket *b)
{
	if (!b)
		return true;
	if (is_ended(a->status) != is_ended(b->status))
		return !is_ended(a->status);
	return a->ticket > b->ticket;
}

/*
 * The ticket that an id leads to: among those where the sender may join, or among the others. The
 * mail's own id counts only where others named it before it came: senders that reuse one id for
 * every mail must not pile them up on one ticket.
 */
static const lk_thread_ticket *hit_ticket(const decider *d, unsigned id, bool joinable)
{
	const lk_thread_ticket *best = NULL;
	bool is_own = g_array_index(d->clues->ids, lk_clue_id, id).is_own;

	for (unsigned i = 0; i < d->facts->hits->len; i++) {
		const lk_thread_hit *hit = &g_array_index(d->facts->hits, lk_thread_hit, i);
		if (hit->id != id || (is_own && hit->is_stored))
			continue;
		const lk_thread_ticket *ticket = find_ticket(d->facts, hit->named);
		if (ticket && may_join(d, ticket) == joinable && is_better(ticket, best))
			best = ticket;
	}
	return best;
}

/* A supplier's words stay inside, unless the supplier is a customer on this ticket. */
static lk_purpose weak_purpose(const lk_thread_ticket *ticket)
{
	return ticket->sender_is_supplier && !ticket->sender_takes_part ? LK_PURPOSE_SUPPLIER
									: LK_PURPOSE_NONE;
}

/* Evidence 3. Where the sender takes no part, remembers the ticket to link to. */
static bool by_reference(decider *d, const lk_thread_ticket **ret_refused)
{
	for (unsigned i = 0; i < d->clues->ids->len; i++) {
		const lk_thread_ticket *ticket = hit_ticket(d, i, true);
		if (!ticket)
			continue;
		g_autofree char *reference = lk_reference(d->policy, ticket->ticket);
		g_autofree char *reason =
			g_strdup_printf("%s of %s, in which the sender takes part",
					g_array_index(d->clues->ids, lk_clue_id, i).is_own
						? "earlier mails name it as a root"
						: "names a message",
					reference);
		settle(d, ticket, weak_purpose(ticket), false, LK_EVIDENCE_REFERENCE, reason);
		return true;
	}
	for (unsigned i = 0; i < d->clues->ids->len && !*ret_refused; i++)
		*ret_refused = hit_ticket(d, i, false);
	return false;
}

/* Evidence 4. */
static bool by_subject(decider *d, const lk_thread_ticket **ret_refused)
{
	for (unsigned i = 0; i < d->clues->tags->len; i++) {
		const lk_thread_ticket *ticket =
			find_ticket(d->facts, g_array_index(d->clues->tags, int64_t, i));
		if (!ticket)
			continue;
		if (!may_join(d, ticket)) {
			if (!*ret_refused)
				*ret_refused = ticket;
			continue;
		}
		g_autofree char *reference = lk_reference(d->policy, ticket->ticket);
		g_autofree char *reason = g_strdup_printf(
			"subject names %s, in which the sender takes part", reference);
		settle(d, ticket, weak_purpose(ticket), false, LK_EVIDENCE_SUBJECT, reason);
		return true;
	}
	return false;
}

/* Evidence 4, too: the supplier's own reference of the ticket. */
static bool by_supplier_reference(decider *d)
{
	const lk_thread_ticket *best = NULL;

	if (!d->facts->has_sender || d->facts->dmarc_fails || d->facts->sender_is_agent)
		return false;
	for (unsigned i = 0; i < d->facts->tickets->len; i++) {
		const lk_thread_ticket *ticket =
			&g_array_index(d->facts->tickets, lk_thread_ticket, i);
		if (ticket->is_referenced && is_better(ticket, best))
			best = ticket;
	}
	if (!best)
		return false;
	g_autofree char *reference = lk_reference(d->policy, best->ticket);
	g_autofree char *reason =
		g_strdup_printf("names the supplier's own reference of %s", reference);
	settle(d, best, LK_PURPOSE_SUPPLIER, false, LK_EVIDENCE_SUPPLIER_REFERENCE, reason);
	return true;
}

/* Why the mail is about that ticket; NULL: it is not. Caller frees. */
static char *duplicate_reason(const decider *d, const lk_thread_similar *similar)
{
	const lk_thread_facts *facts = d->facts;
	bool is_only = facts->similar->len == 1;
	g_autofree char *reference = lk_reference(d->policy, similar->ticket);

	if (similar->window_s <= 0)
		return NULL;
	if (facts->subject_is_chase)
		return facts->words == LK_WORDS_CHASE && is_only
			       ? g_strdup_printf("its sender asks for progress, and %s is the "
						 "sender's only open ticket",
						 reference)
			       : NULL;
	if (similar->subject < NEAR_SUBJECT || similar->names_more)
		return NULL;
	if (facts->words == LK_WORDS_CHASE)
		return g_strdup_printf(
			"its sender opened %s under a near-identical subject (%d %%) "
			"and asks for progress",
			reference, similar->subject);
	if (similar->words < NEAR_WORDS || similar->age_s > similar->window_s)
		return NULL;
	return g_strdup_printf("its sender opened %s with a near-identical subject (%d %%) and "
			       "similar words (%d %%) within duplicate_window",
			       reference, similar->subject, similar->words);
}

bool lk_thread_wants_similar(const lk_thread_facts *facts, const lk_thread_decision *decision)
{
	if (decision->ticket || facts->kind != LK_KIND_NORMAL || !facts->has_sender ||
	    facts->dmarc_fails || facts->sender_is_shared || facts->sender_is_agent)
		return false;
	for (unsigned i = 0; i < decision->links->len; i++)
		if (strcmp(g_array_index(decision->links, lk_thread_link, i).relation,
			   "continues") == 0)
			return false;
	return !facts->subject_is_generic || facts->subject_is_chase;
}

/* Evidence 5. */
static bool by_duplicate(decider *d)
{
	const lk_thread_similar *best = NULL;
	g_autofree char *why = NULL;

	if (!lk_thread_wants_similar(d->facts, d->out))
		return false;
	for (unsigned i = 0; i < d->facts->similar->len; i++) {
		const lk_thread_similar *similar =
			&g_array_index(d->facts->similar, lk_thread_similar, i);
		char *reason = duplicate_reason(d, similar);
		if (!reason ||
		    (best && similar->subject + similar->words <= best->subject + best->words)) {
			g_free(reason);
			continue;
		}
		g_free(why);
		why = reason;
		best = similar;
	}
	if (!best)
		return false;
	const lk_thread_ticket ticket = {
		.named = best->ticket,
		.ticket = best->ticket,
		.status = best->status,
		.resolved_at = LK_TIME_NONE,
		.sender_is_requester = true,
		.sender_takes_part = true,
	};
	settle(d, &ticket, LK_PURPOSE_NONE, false, LK_EVIDENCE_DUPLICATE, why);
	return true;
}

static void refuse(decider *d, const lk_thread_ticket *ticket, lk_evidence evidence,
		   const char *words)
{
	g_autofree char *reference = lk_reference(d->policy, ticket->ticket);
	g_autofree char *reason = g_strdup_printf("%s %s, but %s", words, reference, refusal(d));

	if (d->out->evidence == LK_EVIDENCE_NONE) {
		d->out->evidence = evidence;
		d->out->reason = g_strdup(reason);
	}
	add_link(d, ticket->ticket, "related", reason);
}

void lk_thread_decide(const lk_policy *policy, const lk_clues *clues, const lk_thread_facts *facts,
		      lk_thread_decision *ret_decision)
{
	decider d = {.policy = policy, .clues = clues, .facts = facts, .out = ret_decision};
	const lk_thread_ticket *refused_reference = NULL;
	const lk_thread_ticket *refused_subject = NULL;

	memset(ret_decision, 0, sizeof(*ret_decision));
	ret_decision->links = g_array_new(FALSE, TRUE, sizeof(lk_thread_link));
	g_array_set_clear_func(ret_decision->links, link_clear);
	ret_decision->writer = LK_WRITER_REQUESTER;
	if (by_token(&d) || by_message_id(&d) || by_reference(&d, &refused_reference) ||
	    by_subject(&d, &refused_subject) || by_supplier_reference(&d))
		return;
	bool joins = by_duplicate(&d);
	if (refused_reference)
		refuse(&d, refused_reference, LK_EVIDENCE_REFERENCE, "names a message of");
	if (refused_subject)
		refuse(&d, refused_subject, LK_EVIDENCE_SUBJECT, "subject names");
	if (!joins && !ret_decision->reason)
		ret_decision->reason = g_strdup("nothing ties it to a ticket");
}
