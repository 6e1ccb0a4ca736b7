#include "base/json.h"

#include <errno.h>
#include <string.h>

static void put(struct json *json, const char *text, size_t len_bytes)
{
	/* one byte is kept for the NUL of json_end() */
	if (json->bad || len_bytes >= json->size_bytes - json->len_bytes) {
		json->bad = true;
		return;
	}
	memcpy(json->out + json->len_bytes, text, len_bytes);
	json->len_bytes += len_bytes;
}

static void put_char(struct json *json, char c)
{
	put(json, &c, 1);
}

/* Bytes of the UTF-8 sequence at s, 0 when it is none (RFC 3629 section 4). */
static size_t utf8_bytes(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (n == 0 || n > left || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void put_escaped(struct json *json, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 0xf] };

	put(json, text, sizeof(text));
}

static void put_quoted(struct json *json, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	size_t left = strlen(value);

	put_char(json, '"');
	while (left > 0) {
		size_t n = utf8_bytes(s, left);

		if (n == 0) {
			put(json, "\xef\xbf\xbd", 3);
			n = 1;
		} else if (*s == '"' || *s == '\\') {
			put_char(json, '\\');
			put_char(json, (char)*s);
		} else if (*s < 0x20 || *s == 0x7f || *s == '<' || *s == '>' || *s == '&') {
			put_escaped(json, *s);
		} else {
			put(json, (const char *)s, n);
		}
		s += n;
		left -= n;
	}
	put_char(json, '"');
}

static void put_key(struct json *json, const char *key)
{
	if (json->comma)
		put_char(json, ',');
	json->comma = true;
	if (!key)
		return;
	put_quoted(json, key);
	put_char(json, ':');
}

static void put_u64(struct json *json, uint64_t value)
{
	char digit[20]; /* of 2^64 - 1 */
	size_t at = sizeof(digit);

	do {
		digit[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	put(json, digit + at, sizeof(digit) - at);
}

void json_begin(struct json *json, char *out, size_t size_bytes)
{
	*json = (struct json){ .out = out, .size_bytes = size_bytes, .bad = size_bytes == 0 };
}

int json_end(struct json *json, size_t *ret_bytes)
{
	if (json->size_bytes > 0)
		json->out[json->bad ? 0 : json->len_bytes] = '\0';
	if (json->bad)
		return -ENOSPC;
	if (ret_bytes)
		*ret_bytes = json->len_bytes;
	return 0;
}

void json_object(struct json *json, const char *key)
{
	put_key(json, key);
	put_char(json, '{');
	json->comma = false;
}

void json_object_end(struct json *json)
{
	put_char(json, '}');
	json->comma = true;
}

void json_array(struct json *json, const char *key)
{
	put_key(json, key);
	put_char(json, '[');
	json->comma = false;
}

void json_array_end(struct json *json)
{
	put_char(json, ']');
	json->comma = true;
}

void json_string(struct json *json, const char *key, const char *value)
{
	put_key(json, key);
	put_quoted(json, value);
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	put_u64(json, value);
}

void json_i64(struct json *json, const char *key, int64_t value)
{
	put_key(json, key);
	if (value < 0)
		put_char(json, '-');
	put_u64(json, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	put_key(json, key);
	put(json, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json *json, const char *key)
{
	put_key(json, key);
	put(json, "null", 4);
}

void json_hex(struct json *json, const char *key, const uint8_t *data, size_t len_bytes)
{
	static const char digits[] = "0123456789abcdef";

	put_key(json, key);
	put_char(json, '"');
	for (size_t i = 0; i < len_bytes; i++) {
		put_char(json, digits[data[i] >> 4]);
		put_char(json, digits[data[i] & 0xf]);
	}
	put_char(json, '"');
}
