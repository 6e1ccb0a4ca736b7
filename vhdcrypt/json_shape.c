#include "vhdcrypt/json_shape.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "base/log.h"

enum { DEPTH_MAX = 8, QUOTE_BYTES = 96 };

int json_shape_parse(const char *text, size_t n, struct json_object **ret,
		     struct detail *ret_detail)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *object;
	const char *again;
	size_t again_bytes = 0;

	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, (int)n);
	if (!object || json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != n) {
		detail_set(ret_detail, "the JSON breaks off or is malformed near byte %zu of %zu",
			   json_tokener_get_parse_end(tokener), n);
		json_tokener_free(tokener);
		json_object_put(object);
		return -EBADMSG;
	}
	json_tokener_free(tokener);
	again = json_object_to_json_string_length(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &again_bytes);
	if (!again || again_bytes != n || memcmp(again, text, n) != 0) {
		detail_set(ret_detail, "the JSON has a key twice, blanks or another odd form");
		json_object_put(object);
		return -EBADMSG;
	}
	*ret = object;
	return 0;
}

static struct json_object *field(const struct json_shape *at, const char *key)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(at->object, key, &value);
	return value;
}

/* "keyslots.0.area.encryption is 'cipher_null-ecb', not 'aes-xts-plain64'" */
static int complain(const struct json_shape *at, const char *key, const char *want)
{
	struct json_object *value = field(at, key);
	const char *text =
		value ? json_object_to_json_string_ext(
				value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
		      : NULL;
	char quoted[QUOTE_BYTES];

	if (!text)
		detail_set(at->ret_detail, "%s%s%s is not there", at->path, at->path[0] ? "." : "",
			   key);
	else
		detail_set(at->ret_detail, "%s%s%s is %s, not %s", at->path, at->path[0] ? "." : "",
			   key, log_quote(text, strlen(text), quoted, sizeof(quoted)), want);
	return -EBADMSG;
}

static bool listed(const char *const *keys, const char *key)
{
	for (; *keys; keys++)
		if (strcmp(*keys, key) == 0)
			return true;
	return false;
}

int json_shape_keys(const struct json_shape *at, const char *const *keys)
{
	char quoted[QUOTE_BYTES];

	if (!json_object_is_type(at->object, json_type_object)) {
		detail_set(at->ret_detail, "%s is no object", at->path[0] ? at->path : "the JSON");
		return -EBADMSG;
	}
	json_object_object_foreach(at->object, key, value)
	{
		(void)value;
		if (listed(keys, key))
			continue;
		detail_set(at->ret_detail, "%s has '%s', which must not be there",
			   at->path[0] ? at->path : "the header",
			   log_quote(key, strlen(key), quoted, sizeof(quoted)));
		return -EBADMSG;
	}
	for (; *keys; keys++)
		if (!field(at, *keys))
			return complain(at, *keys, "");
	return 0;
}

int json_shape_child(const struct json_shape *at, const char *key, const char *path,
		     struct json_shape *ret)
{
	struct json_object *child = field(at, key);

	if (!json_object_is_type(child, json_type_object))
		return complain(at, key, "an object");
	*ret = (struct json_shape){ .object = child, .path = path, .ret_detail = at->ret_detail };
	return 0;
}

static const char *text_of(const struct json_shape *at, const char *key)
{
	struct json_object *value = field(at, key);
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	/* a NUL inside would let two readers see two texts */
	return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

int json_shape_is(const struct json_shape *at, const char *key, const char *want)
{
	const char *text = text_of(at, key);

	return text && strcmp(text, want) == 0 ? 0 : complain(at, key, want);
}

int json_shape_either(const struct json_shape *at, const char *key, const char *want,
		      const char *other, unsigned *ret_index)
{
	const char *text = text_of(at, key);

	if (text && strcmp(text, want) == 0)
		*ret_index = 0;
	else if (text && strcmp(text, other) == 0)
		*ret_index = 1;
	else
		return complain(at, key, want);
	return 0;
}

int json_shape_list(const struct json_shape *at, const char *key, const char *const *want)
{
	struct json_object *array = field(at, key), *item;
	size_t n = 0;

	while (want[n])
		n++;
	if (!json_object_is_type(array, json_type_array) || json_object_array_length(array) != n)
		return complain(at, key, "the list we write");
	for (size_t i = 0; i < n; i++) {
		item = json_object_array_get_idx(array, i);
		if (!json_object_is_type(item, json_type_string) ||
		    (size_t)json_object_get_string_len(item) != strlen(want[i]) ||
		    strcmp(json_object_get_string(item), want[i]) != 0)
			return complain(at, key, "the list we write");
	}
	return 0;
}

int json_shape_number(const struct json_shape *at, const char *key, uint32_t min, uint32_t max,
		      uint32_t *ret)
{
	struct json_object *value = field(at, key);
	int64_t number;

	if (!json_object_is_type(value, json_type_int))
		return complain(at, key, "a whole number");
	number = json_object_get_int64(value);
	if (number < min || number > max)
		return complain(at, key, "within its bounds");
	*ret = (uint32_t)number;
	return 0;
}

int json_shape_decimal(const struct json_shape *at, const char *key, uint64_t *ret)
{
	const char *text = text_of(at, key);
	uint64_t value = 0;
	size_t n = text ? strlen(text) : 0;

	if (n == 0 || (text[0] == '0' && n > 1))
		return complain(at, key, "a decimal number");
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return complain(at, key, "a decimal number");
	}
	*ret = value;
	return 0;
}

int json_shape_base64(const struct json_shape *at, const char *key, uint8_t *ret, size_t n)
{
	const char *text = text_of(at, key);
	size_t got = 0, len = text ? strlen(text) : 0;

	if (len != sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL) - 1 ||
	    sodium_base642bin(ret, n, text, len, NULL, &got, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    got != n)
		return complain(at, key, "base64 of the right length");
	return 0;
}

int json_shape_hex(const struct json_shape *at, const char *key, uint8_t *ret, size_t n)
{
	const char *text = text_of(at, key);
	size_t got = 0;

	if (!text || strlen(text) != 2 * n || strspn(text, "0123456789abcdef") != 2 * n ||
	    sodium_hex2bin(ret, n, text, 2 * n, NULL, &got, NULL) != 0 || got != n)
		return complain(at, key, "lower-case hex of the right length");
	return 0;
}
