/* What kind of mail an outbox row is: its headers, who is shown, what goes along. */
#include "lib/desk/outbox-private.h"

#include "lib/base/err.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/db/blob.h"
#include "lib/desk/scrub.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Base64 makes a third more of it: what nearly every mail server still takes. */
enum { MOST_BYTES = 20 * 1024 * 1024 };

void lk_outbox_form_clear(lk_outbox_form *form)
{
	g_clear_pointer(&form->from_name, g_free);
	g_clear_pointer(&form->to, lk_json_unref);
	g_clear_pointer(&form->cc, lk_json_unref);
	g_clear_pointer(&form->more_to, g_array_unref);
	g_clear_pointer(&form->more_cc, g_array_unref);
	g_clear_pointer(&form->bytes, g_ptr_array_unref);
	g_clear_pointer(&form->parts, g_array_unref);
	g_clear_pointer(&form->rows, lk_rows_free);
	g_clear_pointer(&form->left_out, g_ptr_array_unref);
}

static bool load(lk_db *db, int64_t blob, size_t size, GByteArray **ret_bytes, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_sized_new((guint)size);
	int fd = memfd_create("luukku-attachment", MFD_CLOEXEC);
	bool done = false;

	if (fd < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "cannot make room for an attachment: %s",
			    g_strerror(errno));
		return false;
	}
	g_byte_array_set_size(bytes, (guint)size);
	done = lk_blob_load(db, blob, fd, error) && lk_pread_all(fd, bytes->data, size, 0, error);
	close(fd);
	if (done)
		*ret_bytes = g_steal_pointer(&bytes);
	return done;
}

/* A mail of the desk's own, attached: its reply address is a right, and its words may be inside. */
static bool is_ours(const lk_policy *policy, const char *type, const GByteArray *bytes)
{
	g_autofree char *text = NULL;
	g_autofree char *scrubbed = NULL;

	if (g_ascii_strncasecmp(type, "message/", 8) != 0)
		return false;
	text = lk_text_clean((const char *)bytes->data, bytes->len);
	scrubbed = lk_scrub(policy, text);
	return strstr(text, "X-Luukku-") != NULL || strcmp(text, scrubbed) != 0;
}

static bool add_part(lk_db *db, const lk_policy *policy, lk_outbox_form *form, size_t row,
		     GError **error)
{
	const char *id = lk_row_text(form->rows, row, "content_id");
	size_t size = (size_t)lk_row_int(form->rows, row, "size");
	GByteArray *bytes = NULL;

	if (!load(db, lk_row_int(form->rows, row, "blob_id"), size, &bytes, error))
		return false;
	g_ptr_array_add(form->bytes, bytes);
	if (!form->is_for_team &&
	    is_ours(policy, lk_row_text(form->rows, row, "content_type"), bytes))
		return true;
	lk_compose_part part = {.filename = lk_row_text(form->rows, row, "filename"),
				.content_type = lk_row_text(form->rows, row, "content_type"),
				.content_id = id && *id ? id : NULL,
				.bytes = bytes->data,
				.n = bytes->len};
	g_array_append_val(form->parts, part);
	return true;
}

static bool read_parts(lk_db *db, const lk_policy *policy, lk_outbox_form *form, int64_t message,
		       GError **error)
{
	g_autoptr(lk_params) params = lk_params_new();
	int64_t left = MOST_BYTES;

	lk_param_int(params, message);
	if (!lk_db_run(db, LK_Q_OUTBOX_ATTACHMENTS, params, &form->rows, error))
		return false;
	for (size_t row = 0; row < lk_rows_count(form->rows); row++) {
		int64_t size = lk_row_int(form->rows, row, "size");
		const char *name = lk_row_text(form->rows, row, "filename");

		if (size > left || form->is_bare) {
			g_ptr_array_add(form->left_out, g_strdup(name ? name : "?"));
			continue;
		}
		left -= size;
		if (!add_part(db, policy, form, row, error))
			return false;
	}
	return true;
}

/* Addresses of the list that can stand in a header; the strings stay the list's. */
static GArray *addresses_of(const lk_json *list)
{
	GArray *addresses = g_array_new(FALSE, FALSE, sizeof(lk_compose_address));

	for (size_t i = 0; i < lk_json_size(list); i++) {
		const lk_json *one = lk_json_at(list, i);
		lk_compose_address address = {.name = lk_json_get_text(one, "name"),
					      .address = lk_json_get_text(one, "address")};
		if (address.address && lk_address_is_sane(address.address))
			g_array_append_val(addresses, address);
	}
	return addresses;
}

bool lk_outbox_form_read(lk_db *db, const lk_policy *policy, const char *text, lk_purpose purpose,
			 lk_outbox_form *ret_form, GError **error)
{
	lk_outbox_form *form = ret_form;
	g_autoptr(lk_json) json = NULL;
	int64_t attach = 0;

	if (!lk_json_parse(text, strlen(text), &json, error))
		return false;
	form->is_for_team = purpose == LK_PURPOSE_AGENT;
	form->is_personal = lk_json_get_bool(json, "is_personal", false);
	form->is_bulk = lk_json_get_bool(json, "is_bulk", false);
	form->is_bare = lk_json_get_bool(json, "is_bare", false);
	form->from_name = g_strdup(lk_json_get_text(json, "from_name"));
	form->to = lk_json_get(json, "to") ? lk_json_ref(lk_json_get(json, "to")) : NULL;
	form->cc = lk_json_get(json, "cc") ? lk_json_ref(lk_json_get(json, "cc")) : NULL;
	/* Notices name nobody but their one agent. */
	if (purpose != LK_PURPOSE_CUSTOMER && purpose != LK_PURPOSE_SUPPLIER) {
		g_clear_pointer(&form->to, lk_json_unref);
		g_clear_pointer(&form->cc, lk_json_unref);
	}
	form->more_to = addresses_of(form->to);
	form->more_cc = addresses_of(form->cc);
	form->bytes = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
	form->parts = g_array_new(FALSE, FALSE, sizeof(lk_compose_part));
	form->left_out = g_ptr_array_new_with_free_func(g_free);
	attach = lk_json_get_int(json, "attach", 0);
	return attach == 0 || read_parts(db, policy, form, attach, error);
}

bool lk_outbox_is_inside(lk_purpose purpose)
{
	return purpose == LK_PURPOSE_AGENT || purpose == LK_PURPOSE_NOTE ||
	       purpose == LK_PURPOSE_NONE;
}

lk_json *lk_outbox_form_left_out(const lk_outbox_form *form)
{
	lk_json *names = lk_json_array();

	for (unsigned i = 0; i < form->left_out->len; i++)
		lk_json_push_text(names, g_ptr_array_index(form->left_out, i));
	return names;
}

static void add_header(lk_compose_header *headers, unsigned *n, const char *name, const char *value)
{
	g_assert(*n < LK_OUTBOX_HEADERS);
	headers[(*n)++] = (lk_compose_header){name, value};
}

/* "ICT-tuki <ict.luukku.example.fi>" (RFC 2919). */
static char *list_id_of(const lk_outbox_about *about)
{
	g_autoptr(GString) id = g_string_new(NULL);
	const char *title =
		lk_text_in(&about->queue->title, about->language, about->policy->language);

	for (const char *p = about->queue->name; *p; p++)
		g_string_append_c(id, g_ascii_isalnum(*p) || *p == '-' || *p == '_' ? *p : '-');
	if (!*title || strpbrk(title, "<>\"\\"))
		return g_strdup_printf("<%s.luukku.%s>", id->str, about->policy->domain);
	return g_strdup_printf("\"%s\" <%s.luukku.%s>", title, id->str, about->policy->domain);
}

unsigned lk_outbox_form_headers(const lk_outbox_form *form, const lk_outbox_about *about,
				lk_compose_header headers[LK_OUTBOX_HEADERS], char **ret_list_id)
{
	bool is_inside = lk_outbox_is_inside(about->purpose);
	unsigned n = 0;

	if (!form->is_personal) {
		bool is_answer = about->is_answer && about->purpose == LK_PURPOSE_CUSTOMER;
		add_header(headers, &n, "Auto-Submitted",
			   is_answer ? "auto-replied" : "auto-generated");
		add_header(headers, &n, "X-Auto-Response-Suppress", "All");
	}
	add_header(headers, &n, "x-ms-reactions", "disallow");
	if (form->is_bulk)
		add_header(headers, &n, "Precedence", "bulk");
	if (is_inside) {
		*ret_list_id = list_id_of(about);
		add_header(headers, &n, "List-Id", *ret_list_id);
		if (about->reference)
			add_header(headers, &n, "X-Luukku-Ticket", about->reference);
		add_header(headers, &n, "X-Luukku-Queue", about->queue->name);
	}
	return n;
}

void lk_outbox_form_fill(const lk_outbox_form *form, lk_compose *mail)
{
	const lk_compose_address *to = (const lk_compose_address *)(void *)form->more_to->data;

	if (form->more_to->len > 0) {
		mail->to_name = to[0].name;
		mail->to_address = to[0].address;
		mail->more_to = to + 1;
		mail->n_more_to = form->more_to->len - 1;
	}
	mail->cc = (const lk_compose_address *)(void *)form->more_cc->data;
	mail->n_cc = form->more_cc->len;
	mail->parts = (const lk_compose_part *)(void *)form->parts->data;
	mail->n_parts = form->parts->len;
}
