#include "lib/base/err.h"

#include <sysexits.h>

G_DEFINE_QUARK(lk - error - quark, lk_error)

int lk_exit_status(const GError *error)
{
	if (!error)
		return EX_OK;
	if (error->domain != LK_ERROR)
		return EX_SOFTWARE;
	switch ((lk_err)error->code) {
	case LK_ERR_RETRY:
	case LK_ERR_UNCERTAIN:
		return EX_TEMPFAIL;
	case LK_ERR_MAILBOX:
	case LK_ERR_PERMISSION:
		return EX_NOPERM;
	case LK_ERR_CONFIG:
		return EX_CONFIG;
	case LK_ERR_USAGE:
		return EX_USAGE;
	case LK_ERR_NOINPUT:
		return EX_NOINPUT;
	case LK_ERR_MESSAGE:
	case LK_ERR_DATA:
		return EX_DATAERR;
	}
	return EX_SOFTWARE;
}

bool lk_err_is(const GError *error, lk_err code)
{
	return g_error_matches(error, LK_ERROR, (int)code);
}
