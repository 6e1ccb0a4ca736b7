#include "policy/text.h"

#include <errno.h>
#include <string.h>

#include "base/msg.h"
#include "base/util.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at text up to something else; returns how many, 0 when they are not a number of ours. */
static size_t digits(const char *text, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; is_digit(text[n]); n++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(text[n] - '0'), &v))
			return 0;
	if (n > 1 && text[0] == '0')
		return 0;
	*ret = v;
	return n;
}

int text_u64_parse(const char *text, uint64_t *ret)
{
	uint64_t v;
	size_t n = digits(text, &v);

	if (n == 0 || text[n] != '\0')
		return -EBADMSG;
	*ret = v;
	return 0;
}

size_t text_u64_build(uint64_t value, char ret[TEXT_U64_BYTES])
{
	size_t n = 1;

	for (uint64_t v = value; v >= 10; v /= 10)
		n++;
	ret[n] = '\0';
	for (size_t i = n; i > 0; i--) {
		ret[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	return n;
}

int text_duration_parse(const char *text, uint64_t *ret_ms)
{
	static const struct {
		char unit[3];
		uint32_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};
	uint64_t v;
	size_t n = digits(text, &v);

	for (size_t i = 0; n > 0 && i < ARRAY_LEN(units); i++)
		if (strcmp(text + n, units[i].unit) == 0) {
			if (__builtin_mul_overflow(v, units[i].ms, ret_ms))
				return -EBADMSG;
			return 0;
		}
	return -EBADMSG;
}

static int nibble(char c)
{
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int text_hex_parse(const char *text, uint8_t *ret, size_t len_bytes)
{
	if (strnlen(text, 2 * len_bytes + 1) != 2 * len_bytes)
		return -EBADMSG;
	for (size_t i = 0; i < 2 * len_bytes; i++)
		if (nibble(text[i]) < 0)
			return -EBADMSG;
	for (size_t i = 0; i < len_bytes; i++)
		ret[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
	return 0;
}

void text_hex_build(const uint8_t *data, size_t len_bytes, char *ret)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < len_bytes; i++) {
		ret[2 * i] = hex[data[i] >> 4];
		ret[2 * i + 1] = hex[data[i] & 0xf];
	}
	ret[2 * len_bytes] = '\0';
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int text_base64_parse(const char *text, uint8_t *ret, size_t max_bytes, size_t *ret_bytes)
{
	size_t len = strlen(text);
	size_t n_pad = 0;
	size_t n = 0;

	while (n_pad < 2 && n_pad < len && text[len - 1 - n_pad] == '=')
		n_pad++;
	if (len == 0 || len % 4 != 0 || len / 4 * 3 - n_pad > max_bytes)
		return -EBADMSG;
	for (size_t i = 0; i < len; i += 4) {
		size_t n_out = i + 4 == len ? 3 - n_pad : 3;
		uint32_t v = 0;

		for (size_t j = 0; j < 4; j++) {
			const char *d =
				i + j < len - n_pad ? memchr(base64, text[i + j], 64) : base64;

			if (!d)
				return -EBADMSG;
			v = v << 6 | (uint32_t)(d - base64);
		}
		if (n_out < 3 && (v & (n_out == 2 ? 0xffU : 0xffffU)) != 0)
			return -EBADMSG; /* bits that stand for nothing */
		for (size_t j = 0; j < n_out; j++)
			ret[n++] = (uint8_t)(v >> (16 - 8 * j));
	}
	*ret_bytes = n;
	return 0;
}

void text_base64_build(const uint8_t *data, size_t len_bytes, char *ret)
{
	for (size_t i = 0; i < len_bytes; i += 3) {
		size_t n = MIN(len_bytes - i, (size_t)3);
		uint32_t v = (uint32_t)data[i] << 16;

		if (n > 1)
			v |= (uint32_t)data[i + 1] << 8;
		if (n > 2)
			v |= data[i + 2];
		for (size_t j = 0; j < 4; j++)
			*ret++ = j <= n ? base64[v >> (18 - 6 * j) & 0x3f] : '=';
	}
	*ret = '\0';
}

/* Digits of the five groups of a UUID's text, in their order. */
static const uint8_t uuid_groups[] = { 8, 4, 4, 4, 12 };

int text_uuid_parse(const char *text, uint8_t ret[16])
{
	char hex[32 + 1] = { 0 };
	size_t at = 0, n = 0;

	if (strlen(text) != TEXT_UUID_BYTES - 1)
		return -EBADMSG;
	for (size_t g = 0; g < ARRAY_LEN(uuid_groups); g++) {
		if (g > 0 && text[at++] != '-')
			return -EBADMSG;
		memcpy(hex + n, text + at, uuid_groups[g]);
		n += uuid_groups[g];
		at += uuid_groups[g];
	}
	return text_hex_parse(hex, ret, 16);
}

void text_uuid_build(const uint8_t uuid[16], char ret[TEXT_UUID_BYTES])
{
	char hex[32 + 1];
	size_t at = 0, n = 0;

	text_hex_build(uuid, 16, hex);
	for (size_t g = 0; g < ARRAY_LEN(uuid_groups); g++) {
		if (g > 0)
			ret[at++] = '-';
		memcpy(ret + at, hex + n, uuid_groups[g]);
		n += uuid_groups[g];
		at += uuid_groups[g];
	}
	ret[at] = '\0';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What YAML 1.1 or C would read as an octal or hexadecimal number. */
static bool is_odd_number(const char *name, size_t n)
{
	if (n < 2 || name[0] != '0')
		return false;
	if (memchr("xXoObB", name[1], 6))
		return true;
	for (size_t i = 1; i < n; i++)
		if (!is_digit(name[i]) && name[i] != '_')
			return false;
	return true;
}

bool text_name_ok(const char *name)
{
	size_t n = strnlen(name, MSG_NAME_BYTES);

	if (n == 0 || n == MSG_NAME_BYTES || !is_alnum(name[0]) || is_odd_number(name, n))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!is_alnum(name[i]) && !memchr("._-", name[i], 3))
			return false;
	return true;
}
