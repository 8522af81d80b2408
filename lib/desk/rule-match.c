/* Do the tests of a rule hold? */
#include "lib/desk/rule-private.h"

#include "lib/base/calendar.h"

/* May the value hold at all, by what the one pass over the text found? */
static bool may_hold(lk_rule_mail *mail, const lk_test *test, const lk_value *value, lk_seen *seen)
{
	const lk_scan *scan = mail->rules->scans[test->fact];

	if (!value->needles || !scan)
		return true;
	if (!seen->found) {
		lk_seen_fold(seen);
		seen->found = lk_scan_text(scan, seen->folded, seen->n_folded);
	}
	for (unsigned i = 0; i < value->needles->len; i++) {
		unsigned needle = g_array_index(value->needles, unsigned, i);
		if (seen->found[needle / 32] & 1U << needle % 32)
			return true;
	}
	return false;
}

static lk_match match_text(lk_rule_mail *mail, const lk_test *test, const lk_value *value,
			   lk_seen *seen)
{
	if (!may_hold(mail, test, value, seen))
		return LK_MATCH_NO;
	if (value->kind == LK_VALUE_PATTERN)
		return lk_pattern_match_valid(value->pattern, seen->text, seen->n);
	lk_seen_fold(seen);
	if (value->kind == LK_VALUE_GLOB)
		return lk_glob_match(value->folded, seen->folded, seen->n_folded) ? LK_MATCH_YES
										  : LK_MATCH_NO;
	return value->n == seen->n_folded && memcmp(value->folded, seen->folded, value->n) == 0
		       ? LK_MATCH_YES
		       : LK_MATCH_NO;
}

static lk_match match_number(double number, const lk_value *value)
{
	bool holds = value->is_greater ? number > value->number : number < value->number;

	return holds || (value->or_equal && number >= value->number && number <= value->number)
		       ? LK_MATCH_YES
		       : LK_MATCH_NO;
}

static lk_match match_yes_no(bool is_so, const lk_value *value)
{
	return is_so == value->yes ? LK_MATCH_YES : LK_MATCH_NO;
}

lk_match lk_value_match(lk_rule_mail *mail, const lk_test *test, const lk_value *value,
			lk_seen **ret_seen)
{
	lk_match best = LK_MATCH_NO;
	double score = 0;
	GArray *texts = NULL;

	*ret_seen = NULL;
	switch (test->fact) {
	case LK_FACT_SIZE:
		return match_number((double)mail->facts->size, value);
	case LK_FACT_SPAM_SCORE:
		return lk_rule_score(mail, &score) ? match_number(score, value) : LK_MATCH_NO;
	case LK_FACT_TIME:
		return lk_calendar_is_open(value->calendar, mail->facts->at) ? LK_MATCH_YES
									     : LK_MATCH_NO;
	case LK_FACT_IS_REPLY:
		return match_yes_no(mail->facts->is_reply, value);
	default:
		break;
	}
	texts = lk_rule_texts(mail, test);
	if (value->kind == LK_VALUE_YES_NO)
		return match_yes_no(texts->len > 0, value);
	for (unsigned i = 0; i < texts->len && best != LK_MATCH_YES; i++) {
		lk_seen *seen = &g_array_index(texts, lk_seen, i);
		lk_match one = match_text(mail, test, value, seen);

		if (one != LK_MATCH_NO) {
			best = one;
			*ret_seen = seen;
		}
	}
	return best;
}

static lk_match match_values(lk_rule_mail *mail, const lk_test *test)
{
	lk_match best = LK_MATCH_NO;

	for (unsigned i = 0; i < test->values->len && best != LK_MATCH_YES; i++) {
		lk_seen *seen = NULL;
		lk_match one = lk_value_match(mail, test, &g_array_index(test->values, lk_value, i),
					      &seen);
		if (test->from->negated && one != LK_MATCH_LIMIT)
			one = one == LK_MATCH_YES ? LK_MATCH_NO : LK_MATCH_YES;
		if (one != LK_MATCH_NO)
			best = one;
	}
	return best;
}

/* What was given up may hold or not: a junction that depends on it is not known either. */
static lk_match match_all(lk_rule_mail *mail, const lk_test *test)
{
	lk_match all = LK_MATCH_YES;

	for (unsigned i = 0; i < test->order->len; i++) {
		lk_match one = lk_test_match(mail, g_ptr_array_index(test->order, i));
		if (one == LK_MATCH_NO)
			return LK_MATCH_NO;
		if (one == LK_MATCH_LIMIT)
			all = LK_MATCH_LIMIT;
	}
	return all;
}

static lk_match match_any(lk_rule_mail *mail, const lk_test *test)
{
	lk_match any = LK_MATCH_NO;

	for (unsigned i = 0; i < test->order->len; i++) {
		lk_match one = lk_test_match(mail, g_ptr_array_index(test->order, i));
		if (one == LK_MATCH_YES)
			return LK_MATCH_YES;
		if (one == LK_MATCH_LIMIT)
			any = LK_MATCH_LIMIT;
	}
	return any;
}

lk_match lk_test_match(lk_rule_mail *mail, const lk_test *test)
{
	lk_match any = LK_MATCH_NO;

	switch (test->fact) {
	case LK_FACT_ALL:
		return match_all(mail, test);
	case LK_FACT_ANY:
		return match_any(mail, test);
	case LK_FACT_NONE:
		any = match_any(mail, test);
		if (any == LK_MATCH_LIMIT)
			return LK_MATCH_LIMIT;
		return any == LK_MATCH_YES ? LK_MATCH_NO : LK_MATCH_YES;
	default:
		return match_values(mail, test);
	}
}
