/* JSON for machines and for jsonb columns, over jansson; all text is UTF-8, NUL never occurs. */
#ifndef LK_BASE_JSON_H
#define LK_BASE_JSON_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lk_json lk_json; /* reference counted */

lk_json *lk_json_object(void);
lk_json *lk_json_array(void);
lk_json *lk_json_ref(lk_json *json);
void lk_json_unref(lk_json *json);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_json, lk_json_unref)

/* Setters keep key order. Invalid UTF-8 is replaced, NULL text becomes null. */
void lk_json_set_text(lk_json *object, const char *key, const char *value);
void lk_json_set_int(lk_json *object, const char *key, int64_t value);
void lk_json_set_bool(lk_json *object, const char *key, bool value);
void lk_json_set_null(lk_json *object, const char *key);
void lk_json_take(lk_json *object, const char *key, lk_json *value); /* consumes value */
void lk_json_push_text(lk_json *array, const char *value);
void lk_json_push(lk_json *array, lk_json *value); /* consumes value */

/* Any JSON value. LK_ERR_DATA. */
bool lk_json_parse(const char *text, size_t n, lk_json **ret_json, GError **error);

/* Readers; borrowed results. A missing key or another type gives NULL, the fallback or 0. */
bool lk_json_is_object(const lk_json *json);
bool lk_json_is_array(const lk_json *json);
bool lk_json_is_text(const lk_json *json);
lk_json *lk_json_get(const lk_json *object, const char *key);
const char *lk_json_get_text(const lk_json *object, const char *key);
int64_t lk_json_get_int(const lk_json *object, const char *key, int64_t fallback);
bool lk_json_get_bool(const lk_json *object, const char *key, bool fallback);
size_t lk_json_size(const lk_json *json);
lk_json *lk_json_at(const lk_json *array, size_t i);
const char *lk_json_text(const lk_json *json); /* of a string value, else NULL */
/* Is it neither null, false, "", an empty array, nor missing (NULL)? Mustache's truth. */
bool lk_json_is_true(const lk_json *json);
/* The same value, whatever the order of keys? Two NULLs are equal. */
bool lk_json_equal(const lk_json *a, const lk_json *b);
/* The keys of an object in their order (const char *, borrowed); empty for anything else. */
GPtrArray *lk_json_keys(const lk_json *object);

/* Compact, or indented for people. Caller frees. */
char *lk_json_dump(const lk_json *json, bool indent);

#endif
