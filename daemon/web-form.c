#include "daemon/web-form.h"

#include "lib/base/err.h"
#include "lib/base/text.h"

#include <string.h>

typedef struct {
	char *name;
	char *value;
} field;

struct lk_web_form {
	GArray *fields; /* field */
};

static void field_clear(void *data)
{
	field *f = data;

	g_free(f->name);
	g_free(f->value);
}

void lk_web_form_free(lk_web_form *form)
{
	if (!form)
		return;
	g_array_unref(form->fields);
	g_free(form);
}

const char *lk_web_form_get(const lk_web_form *form, const char *name)
{
	for (unsigned i = 0; i < form->fields->len; i++) {
		const field *f = &g_array_index(form->fields, field, i);

		if (strcmp(f->name, name) == 0)
			return f->value;
	}
	return NULL;
}

static bool refuse(GError **error, const char *why)
{
	g_set_error(error, LK_ERROR, LK_ERR_DATA, "the form cannot be read: %s", why);
	return false;
}

/* '+' is a blank, %41 an A. */
static bool decode(const char *bytes, size_t n, char **ret_text, GError **error)
{
	g_autoptr(GString) out = g_string_sized_new(n);

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '%') {
			g_string_append_c(out, bytes[i] == '+' ? ' ' : bytes[i]);
			continue;
		}
		if (n - i < 3 || !g_ascii_isxdigit(bytes[i + 1]) || !g_ascii_isxdigit(bytes[i + 2]))
			return refuse(error, "% without two hexadecimal digits");
		g_string_append_c(out, (char)(g_ascii_xdigit_value(bytes[i + 1]) * 16 +
					      g_ascii_xdigit_value(bytes[i + 2])));
		i += 2;
	}
	*ret_text = lk_text_clean(out->str, out->len);
	return true;
}

static bool is_name(const char *bytes, size_t n)
{
	if (n == 0 || n > LK_WEB_FIELD_NAME)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!g_ascii_isalnum(bytes[i]) && bytes[i] != '_' && bytes[i] != '-')
			return false;
	return true;
}

static bool add_field(lk_web_form *form, const char *bytes, size_t n, GError **error)
{
	const char *equals = memchr(bytes, '=', n);
	size_t n_name = equals ? (size_t)(equals - bytes) : n;
	field f = {0};

	if (!is_name(bytes, n_name))
		return refuse(error, "a name that is none");
	if (form->fields->len >= LK_WEB_FIELDS)
		return refuse(error, "too many fields");
	f.name = g_strndup(bytes, n_name);
	if (lk_web_form_get(form, f.name)) {
		field_clear(&f);
		return refuse(error, "a field twice");
	}
	if (!equals)
		f.value = g_strdup("");
	else if (!decode(equals + 1, n - n_name - 1, &f.value, error)) {
		field_clear(&f);
		return false;
	}
	g_array_append_val(form->fields, f);
	return true;
}

bool lk_web_form_parse(const char *bytes, size_t n, lk_web_form **ret_form, GError **error)
{
	g_autoptr(lk_web_form) form = g_new0(lk_web_form, 1);
	size_t at = 0;

	form->fields = g_array_new(FALSE, FALSE, sizeof(field));
	g_array_set_clear_func(form->fields, field_clear);
	if (n > LK_WEB_FORM_BYTES)
		return refuse(error, "too long");
	while (at < n) {
		const char *end = memchr(bytes + at, '&', n - at);
		size_t length = end ? (size_t)(end - bytes) - at : n - at;

		if (length > 0 && !add_field(form, bytes + at, length, error))
			return false;
		at += length + 1;
	}
	*ret_form = g_steal_pointer(&form);
	return true;
}
