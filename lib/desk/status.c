#include "lib/desk/status.h"

#include <string.h>

/*
 * A letter for each status in the order of lk_status: where the event takes a ticket that has it.
 * "." stays, "!" is refused. Within a row: new, open, waiting_customer, waiting_supplier, on_hold,
 * resolved, closed, junk, merged.
 */
static const char letters[LK_N_STATUSES + 1] = "nocshrxjm";

/* clang-format off */
static const struct {
	lk_status_event event;
	const char *name;
	const char *next;
} table[] = {
	{LK_EVENT_CUSTOMER, "customer", "..o..oo.."},
	{LK_EVENT_CUSTOMER_LATE, "customer, late", "..o......"},
	{LK_EVENT_THANKS, "thanks", "..o......"},
	{LK_EVENT_CHASE, "chase", "........."},
	{LK_EVENT_GUEST, "guest", "........."},
	{LK_EVENT_SUPPLIER, "supplier", "...o....."},
	{LK_EVENT_CONSULTED, "consulted", "........."},
	{LK_EVENT_AUTOMATIC, "automatic", "........."},
	{LK_EVENT_DISSATISFIED, "dissatisfied", ".....oo.."},
	{LK_EVENT_REPLY, "reply", "o.......!"},
	{LK_EVENT_NOTE, "#note", "........."},
	{LK_EVENT_ASK, "#ask", "o.......!"},
	{LK_EVENT_SUPPLIER_MAIL, "#supplier", "o.......!"},
	{LK_EVENT_TAKE, "#take", "o.....!!!"},
	{LK_EVENT_ASSIGN, "#assign", "o.....!!!"},
	{LK_EVENT_QUEUE, "#queue", ".......!!"},
	{LK_EVENT_WAIT_CUSTOMER, "#wait customer", "cc.cc!!!!"},
	{LK_EVENT_WAIT_SUPPLIER, "#wait supplier", "sss.s!!!!"},
	{LK_EVENT_WAIT_UNTIL, "#wait until", "hhhh.!!!!"},
	{LK_EVENT_OPEN, "#open", "o.ooo!!!!"},
	{LK_EVENT_RESOLVE, "#resolve", "rrrrr.!!!"},
	{LK_EVENT_CLOSE, "#close", "xxxxxx.!!"},
	{LK_EVENT_REOPEN, "#reopen", "!!!!!ooo!"},
	{LK_EVENT_SPAM, "#spam", "jjjjjjj.!"},
	{LK_EVENT_MERGE, "#merge", "mmmmmmmm!"},
	{LK_EVENT_DATE_REACHED, "date reached", "....o...."},
	{LK_EVENT_CLOSE_AFTER, "close_after", ".....x..."},
	{LK_EVENT_CLOSE_UNANSWERED, "close_unanswered", "..x......"},
};
/* clang-format on */
G_STATIC_ASSERT(G_N_ELEMENTS(table) == LK_N_EVENTS);

const char *lk_status_event_name(lk_status_event event)
{
	g_assert((unsigned)event < LK_N_EVENTS && table[event].event == event);
	return table[event].name;
}

lk_status_step lk_status_next(lk_status status, lk_status_event event, lk_status *ret_next)
{
	char letter = 0;

	g_assert((unsigned)event < LK_N_EVENTS && table[event].event == event);
	g_assert((unsigned)status < LK_N_STATUSES);
	letter = table[event].next[status];
	*ret_next = status;
	if (letter == '.')
		return LK_STEP_STAY;
	if (letter == '!')
		return LK_STEP_REFUSED;
	*ret_next = (lk_status)(strchr(letters, letter) - letters);
	return LK_STEP_MOVE;
}

const char *lk_status_refusal(lk_status status, lk_status_event event)
{
	lk_status next = status;

	if (lk_status_next(status, event, &next) != LK_STEP_REFUSED)
		return NULL;
	switch (status) {
	case LK_STATUS_RESOLVED:
		return "the ticket is resolved; write #reopen first";
	case LK_STATUS_CLOSED:
		return "the ticket is closed; write #reopen first";
	case LK_STATUS_JUNK:
		return "the ticket is marked as spam; write #reopen first";
	case LK_STATUS_MERGED:
		return "the ticket was merged into another one; write to that one";
	default: /* only #reopen */
		return "the ticket is not resolved; #open ends a wait";
	}
}

bool lk_status_is_open(lk_status status)
{
	return status <= LK_STATUS_ON_HOLD;
}

char *lk_status_table(void)
{
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_append_printf(text, "%-17s", "");
	for (unsigned status = 0; status < LK_N_STATUSES; status++)
		g_string_append_printf(text, " %-16s", lk_status_name((lk_status)status));
	for (unsigned event = 0; event < LK_N_EVENTS; event++) {
		g_string_append_printf(text, "\n%-17s",
				       lk_status_event_name((lk_status_event)event));
		for (unsigned status = 0; status < LK_N_STATUSES; status++) {
			lk_status next = LK_STATUS_NEW;
			lk_status_step step =
				lk_status_next((lk_status)status, (lk_status_event)event, &next);

			g_string_append_printf(text, " %-16s",
					       step == LK_STEP_STAY	 ? "-"
					       : step == LK_STEP_REFUSED ? "refused"
									 : lk_status_name(next));
		}
	}
	g_string_append_c(text, '\n');
	return g_string_free(g_steal_pointer(&text), false);
}
