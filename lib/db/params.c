#include "lib/db/private.h"

#include "lib/base/hash.h"

#include <string.h>
#include <time.h>

lk_params *lk_params_new(void)
{
	lk_params *params = g_new0(lk_params, 1);

	params->values = g_ptr_array_new();
	params->lengths = g_array_new(false, false, sizeof(int));
	params->formats = g_array_new(false, false, sizeof(int));
	params->owned = g_ptr_array_new_with_free_func(g_free);
	return params;
}

void lk_params_free(lk_params *params)
{
	if (params == NULL)
		return;
	g_ptr_array_unref(params->values);
	g_array_unref(params->lengths);
	g_array_unref(params->formats);
	g_ptr_array_unref(params->owned);
	g_free(params);
}

static void add(lk_params *params, const void *value, size_t length, int format)
{
	g_assert(length <= G_MAXINT);
	int n = (int)length;

	g_ptr_array_add(params->values, (void *)value);
	g_array_append_val(params->lengths, n);
	g_array_append_val(params->formats, format);
}

static void add_owned(lk_params *params, char *value)
{
	g_ptr_array_add(params->owned, value);
	add(params, value, strlen(value), 0);
}

void lk_param_text(lk_params *params, const char *value)
{
	add(params, value, value ? strlen(value) : 0, 0);
}

void lk_param_int(lk_params *params, int64_t value)
{
	add_owned(params, g_strdup_printf("%" G_GINT64_FORMAT, value));
}

void lk_param_bool(lk_params *params, bool value)
{
	add(params, value ? "t" : "f", 1, 0);
}

void lk_param_null(lk_params *params)
{
	add(params, NULL, 0, 0);
}

void lk_param_bytes(lk_params *params, const void *bytes, size_t n)
{
	/* An empty value still needs a pointer: NULL means null to libpq. */
	add(params, bytes ? bytes : "", n, 1);
}

char *lk_pg_time_format(lk_time at)
{
	/* The years 1 to 9999: a stranger's Date header must not be able to make a failed insert.
	 */
	lk_time in_range =
		CLAMP(at, INT64_C(-62135596800) * LK_SECOND, INT64_C(253402300799) * LK_SECOND);
	int64_t micros = in_range % LK_SECOND;
	time_t seconds = (time_t)(in_range / LK_SECOND);
	struct tm tm = {0};

	if (micros < 0) {
		micros += LK_SECOND;
		seconds--;
	}
	gmtime_r(&seconds, &tm);
	return g_strdup_printf("%04d-%02d-%02d %02d:%02d:%02d.%06d+00", tm.tm_year + 1900,
			       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			       (int)micros);
}

void lk_param_time(lk_params *params, lk_time at)
{
	if (at == LK_TIME_NONE)
		lk_param_null(params);
	else
		add_owned(params, lk_pg_time_format(at));
}

void lk_param_texts(lk_params *params, const GPtrArray *values)
{
	g_autoptr(GString) array = g_string_new("{");

	for (unsigned i = 0; i < values->len; i++) {
		const char *value = g_ptr_array_index(values, i);

		if (i > 0)
			g_string_append_c(array, ',');
		if (value == NULL) {
			g_string_append(array, "NULL");
			continue;
		}
		g_string_append_c(array, '"');
		for (const char *c = value; *c; c++) {
			if (*c == '"' || *c == '\\')
				g_string_append_c(array, '\\');
			g_string_append_c(array, *c);
		}
		g_string_append_c(array, '"');
	}
	g_string_append_c(array, '}');
	add_owned(params, g_string_free(g_steal_pointer(&array), false));
}

void lk_param_blocks(lk_params *params, const uint8_t *blocks, size_t n, size_t size)
{
	g_autoptr(GString) array = g_string_new("{");

	for (size_t i = 0; i < n; i++) {
		g_autofree char *hex = lk_hex(blocks + i * size, size);

		g_string_append_printf(array, "%s\"\\\\x%s\"", i > 0 ? "," : "", hex);
	}
	g_string_append_c(array, '}');
	add_owned(params, g_string_free(g_steal_pointer(&array), false));
}

void lk_param_ints(lk_params *params, const int64_t *values, size_t n)
{
	g_autoptr(GString) array = g_string_new("{");

	for (size_t i = 0; i < n; i++)
		g_string_append_printf(array, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "", values[i]);
	g_string_append_c(array, '}');
	add_owned(params, g_string_free(g_steal_pointer(&array), false));
}
