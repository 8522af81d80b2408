#include "lib/mail/bounce.h"

lk_report lk_bounce_read(const lk_gather *gather, lk_bounce **ret_bounce, const char **ret_reason)
{
	return LK_REPORT_NONE;
}
