#include "lib/base/json.h"

#include "lib/base/err.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

/* lk_json is json_t under a name of ours; the casts below are the only place that knows. */
static json_t *in(const lk_json *json)
{
	return (json_t *)json;
}

static lk_json *out(json_t *json)
{
	return (lk_json *)json;
}

/*
 * Jansson seeds its hash tables by opening /dev/urandom at the first object, which a process
 * without files cannot do.
 */
static void seed_tables(void)
{
	static bool is_seeded;
	if (!is_seeded)
		json_object_seed((size_t)randombytes_random() | 1);
	is_seeded = true;
}

lk_json *lk_json_object(void)
{
	seed_tables();
	return out(json_object());
}

lk_json *lk_json_array(void)
{
	return out(json_array());
}

lk_json *lk_json_ref(lk_json *json)
{
	return out(json_incref(in(json)));
}

void lk_json_unref(lk_json *json)
{
	json_decref(in(json));
}

static json_t *text_value(const char *value)
{
	if (!value)
		return json_null();
	if (g_utf8_validate(value, -1, NULL))
		return json_string_nocheck(value);
	g_autofree char *valid = g_utf8_make_valid(value, -1);
	return json_string_nocheck(valid);
}

/* Consumes value. */
static void set(lk_json *object, const char *key, json_t *value)
{
	g_assert(json_is_object(in(object)) && value);
	g_autofree char *valid = g_utf8_validate(key, -1, NULL) ? NULL : g_utf8_make_valid(key, -1);
	if (json_object_set_new_nocheck(in(object), valid ? valid : key, value) != 0)
		g_error("json: cannot set \"%s\"", valid ? valid : key);
}

void lk_json_set_text(lk_json *object, const char *key, const char *value)
{
	set(object, key, text_value(value));
}

void lk_json_set_int(lk_json *object, const char *key, int64_t value)
{
	set(object, key, json_integer(value));
}

void lk_json_set_bool(lk_json *object, const char *key, bool value)
{
	set(object, key, json_boolean(value));
}

void lk_json_set_null(lk_json *object, const char *key)
{
	set(object, key, json_null());
}

void lk_json_take(lk_json *object, const char *key, lk_json *value)
{
	set(object, key, in(value));
}

void lk_json_push_text(lk_json *array, const char *value)
{
	lk_json_push(array, out(text_value(value)));
}

void lk_json_push(lk_json *array, lk_json *value)
{
	g_assert(json_is_array(in(array)) && value);
	if (json_array_append_new(in(array), in(value)) != 0)
		g_error("json: cannot append to an array");
}

bool lk_json_parse(const char *text, size_t n, lk_json **ret_json, GError **error)
{
	json_error_t why;
	seed_tables();
	json_t *json = json_loadb(text, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
	if (!json) {
		g_autofree char *valid = g_utf8_make_valid(why.text, -1);
		g_set_error(error, LK_ERROR, LK_ERR_DATA, "not JSON: line %d, column %d: %s",
			    why.line, why.column, valid);
		return false;
	}
	*ret_json = out(json);
	return true;
}

bool lk_json_is_object(const lk_json *json)
{
	return json_is_object(in(json));
}

bool lk_json_is_array(const lk_json *json)
{
	return json_is_array(in(json));
}

bool lk_json_is_text(const lk_json *json)
{
	return json_is_string(in(json));
}

lk_json *lk_json_get(const lk_json *object, const char *key)
{
	return out(json_object_get(in(object), key));
}

const char *lk_json_get_text(const lk_json *object, const char *key)
{
	return lk_json_text(lk_json_get(object, key));
}

int64_t lk_json_get_int(const lk_json *object, const char *key, int64_t fallback)
{
	const json_t *value = in(lk_json_get(object, key));
	return json_is_integer(value) ? (int64_t)json_integer_value(value) : fallback;
}

bool lk_json_get_bool(const lk_json *object, const char *key, bool fallback)
{
	const json_t *value = in(lk_json_get(object, key));
	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

size_t lk_json_size(const lk_json *json)
{
	return json_is_array(in(json)) ? json_array_size(in(json)) : json_object_size(in(json));
}

lk_json *lk_json_at(const lk_json *array, size_t i)
{
	return out(json_array_get(in(array), i));
}

const char *lk_json_text(const lk_json *json)
{
	return json_string_value(in(json));
}

bool lk_json_is_true(const lk_json *json)
{
	const json_t *value = in(json);
	if (!value || json_is_null(value) || json_is_false(value))
		return false;
	if (json_is_string(value))
		return json_string_length(value) > 0;
	return !json_is_array(value) || json_array_size(value) > 0;
}

bool lk_json_equal(const lk_json *a, const lk_json *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return json_equal(in(a), in(b)) == 1;
}

GPtrArray *lk_json_keys(const lk_json *object)
{
	GPtrArray *keys = g_ptr_array_new();
	json_t *given = (json_t *)in(object);

	for (void *i = json_object_iter(given); i; i = json_object_iter_next(given, i))
		g_ptr_array_add(keys, (void *)json_object_iter_key(i));
	return keys;
}

static int append_piece(const char *bytes, size_t n, void *data)
{
	g_string_append_len(data, bytes, (gssize)n);
	return 0;
}

char *lk_json_dump(const lk_json *json, bool indent)
{
	size_t flags = JSON_ENCODE_ANY | (indent ? JSON_INDENT(2) : JSON_COMPACT);
	GString *text = g_string_new(NULL);
	if (json_dump_callback(in(json), append_piece, text, flags) != 0)
		g_error("json: a value contains itself");
	return g_string_free(text, FALSE);
}
