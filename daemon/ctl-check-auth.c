#include "daemon/ctl-check.h"

#include "daemon/ctl-mail.h"
#include "lib/base/err.h"

#include <stdio.h>

static void add_result(GString *text, const char *method, const char *result)
{
	g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", method,
			       result ? result : "not said");
}

static void print_results(const lk_auth *auth)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (!auth) {
		lk_ctl_print_field("Result", "none: nothing is known of the sender");
		return;
	}
	add_result(text, "spf", auth->spf);
	add_result(text, "dkim", auth->dkim);
	add_result(text, "dmarc", auth->dmarc);
	lk_ctl_print_field("Result", text->str);
	if (auth->dmarc_domain)
		lk_ctl_print_field("Of domain", auth->dmarc_domain);
	for (unsigned i = 0; i < auth->signers->len; i++)
		lk_ctl_print_field("Signed by", g_ptr_array_index(auth->signers, i));
}

static lk_json *results_json(const lk_auth *auth)
{
	lk_json *json = lk_json_object();

	lk_json_set_text(json, "spf", auth ? auth->spf : NULL);
	lk_json_set_text(json, "dkim", auth ? auth->dkim : NULL);
	lk_json_set_text(json, "dmarc", auth ? auth->dmarc : NULL);
	return json;
}

bool lk_ctl_check_auth(lk_ctl *ctl, const char *file, GError **error)
{
	g_auto(lk_ctl_mail) mail = LK_CTL_MAIL_NONE;
	const lk_conf *conf = NULL;

	if (!lk_ctl_conf(ctl, &conf, error) || !lk_ctl_mail_open(file, &mail.fd, error) ||
	    !lk_ctl_mail_parse(conf, g_ptr_array_index(conf->mailboxes, 0), &mail, error))
		return false;

	const GPtrArray *trail = mail.mail->auth_trail;
	if (lk_ctl_has(ctl, "json")) {
		lk_json *headers = lk_json_array();
		lk_json *json = lk_json_object();

		for (unsigned i = 0; i < trail->len; i++)
			lk_json_push_text(headers, g_ptr_array_index(trail, i));
		lk_json_take(json, "headers", headers);
		lk_json_take(json, "auth", results_json(mail.mail->auth));
		lk_ctl_print_json(json);
		return true;
	}
	lk_ctl_print_field("From", mail.mail->from ? mail.mail->from->address : "nobody");
	for (unsigned i = 0; i < trail->len; i++)
		lk_ctl_print_field("Header", g_ptr_array_index(trail, i));
	if (trail->len == 0)
		lk_ctl_print_field("Header", "the mail has no Authentication-Results");
	print_results(mail.mail->auth);
	return true;
}
