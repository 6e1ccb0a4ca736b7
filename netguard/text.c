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

void text_decimal(char *ret, size_t ret_bytes, uint32_t value)
{
	size_t n = 1;

	memset(ret, 0, ret_bytes);
	for (uint32_t v = value; v >= 10; v /= 10)
		n++;
	if (ret_bytes <= n)
		return;
	for (; n > 0; value /= 10)
		ret[--n] = (char)('0' + value % 10);
}

/* The longest run of zero groups, at least two (RFC 5952 4.2); its length, 0 for none. */
static size_t zero_run(const uint8_t address[16], size_t *ret_first)
{
	size_t best = 0;

	for (size_t i = 0; i < 8; i++) {
		size_t n = 0;

		while (i + n < 8 && address[2 * (i + n)] == 0 && address[2 * (i + n) + 1] == 0)
			n++;
		if (n >= 2 && n > best) {
			best = n;
			*ret_first = i;
		}
	}
	return best;
}

void text_ipv6(char *ret, size_t ret_bytes, const uint8_t address[16])
{
	static const char digits[] = "0123456789abcdef";
	size_t first = 8, n = 0, run = zero_run(address, &first);

	memset(ret, 0, ret_bytes);
	if (ret_bytes < 40)
		return;
	for (size_t i = 0; i < 8; i++) {
		unsigned v = (unsigned)address[2 * i] << 8 | address[2 * i + 1];
		bool begun = false;

		if (run > 0 && i == first) { /* one colon; the other is that of the group before */
			if (i == 0)
				ret[n++] = ':';
			ret[n++] = ':';
			i += run - 1;
			continue;
		}
		for (int shift = 12; shift >= 0; shift -= 4) {
			unsigned d = v >> shift & 0xf;

			if (d != 0 || begun || shift == 0)
				ret[n++] = digits[d];
			begun = begun || d != 0;
		}
		if (i < 7)
			ret[n++] = ':';
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
