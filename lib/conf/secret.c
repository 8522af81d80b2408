#include "lib/conf/conf.h"

#include "lib/base/err.h"
#include "lib/base/seal.h"

#include <string.h>

/* A password manager may ask a server; longer than this it hangs. */
enum { COMMAND_TIMEOUT_MS = 30000 };

bool lk_conf_secret_is_set(const lk_conf_secret *secret)
{
	return secret->form != LK_CONF_SECRET_NONE;
}

/* A server's command line ends at the first of these. */
static bool is_one_line(const lk_secret *secret)
{
	const char *text = lk_secret_text(secret);

	for (size_t i = 0; i < lk_secret_size(secret); i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return true;
}

static bool read_sealed(const lk_conf_secret *secret, lk_secret **ret_secret, GError **error)
{
	g_autoptr(lk_secret) opened = NULL;

	if (!lk_unseal(secret->key_file, secret->where, &opened, error)) {
		g_prefix_error(error, "%s:%d: ", secret->at.file, secret->at.line);
		return false;
	}
	if (!is_one_line(opened)) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s:%d: the sealed secret holds control characters; seal it again",
			    secret->at.file, secret->at.line);
		return false;
	}
	*ret_secret = g_steal_pointer(&opened);
	return true;
}

bool lk_conf_secret_read(const lk_conf_secret *secret, lk_secret **ret_secret, GError **error)
{
	switch (secret->form) {
	case LK_CONF_SECRET_FILE:
		return lk_secret_from_file(secret->where, ret_secret, error);
	case LK_CONF_SECRET_COMMAND:
		return lk_secret_from_command(secret->where, COMMAND_TIMEOUT_MS, ret_secret, error);
	case LK_CONF_SECRET_SEALED:
		return read_sealed(secret, ret_secret, error);
	case LK_CONF_SECRET_PLAIN:
		*ret_secret =
			lk_secret_new(lk_secret_text(secret->plain), lk_secret_size(secret->plain));
		return true;
	case LK_CONF_SECRET_NONE:
		break;
	}
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "no secret is configured");
	return false;
}
