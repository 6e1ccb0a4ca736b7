#include "netguard/text.h"

#include <string.h>

#include "base/util.h"

void text_printable(char *ret, size_t ret_bytes, const uint8_t *data, size_t len_bytes)
{
	size_t n = MIN(len_bytes, ret_bytes - 1);

	memset(ret, 0, ret_bytes);
	for (size_t i = 0; i < n; i++)
		ret[i] = data[i] >= 0x20 && data[i] <= 0x7e ? (char)data[i] : '?';
}

void text_mac(char *ret, size_t ret_bytes, const uint8_t mac[6])
{
	static const char digits[] = "0123456789abcdef";

	memset(ret, 0, ret_bytes);
	if (ret_bytes < 18)
		return;
	for (size_t i = 0; i < 6; i++) {
		ret[3 * i] = digits[mac[i] >> 4];
		ret[3 * i + 1] = digits[mac[i] & 0xf];
		if (i < 5)
			ret[3 * i + 2] = ':';
	}
}

void text_ipv4(char *ret, size_t ret_bytes, const uint8_t address[4])
{
	size_t n = 0;

	memset(ret, 0, ret_bytes);
	if (ret_bytes < 16)
		return;
	for (size_t i = 0; i < 4; i++) {
		unsigned v = address[i];

		if (i > 0)
			ret[n++] = '.';
		if (v >= 100)
			ret[n++] = (char)('0' + v / 100);
		if (v >= 10)
			ret[n++] = (char)('0' + v / 10 % 10);
		ret[n++] = (char)('0' + v % 10);
	}
}

static int fold(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool text_equal_fold(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	if (a_bytes != b_bytes)
		return false;
	for (size_t i = 0; i < a_bytes; i++)
		if (fold(a[i]) != fold(b[i]))
			return false;
	return true;
}
