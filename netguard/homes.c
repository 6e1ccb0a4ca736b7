#include "netguard/homes.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

static const char HEAD[] = "bulkhead homes 1\n";
static const char TAIL[] = "end ";

enum { DIGITS_MAX = 19 }; /* of a number that fits into 63 bits */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool homes_name_ok(const char *name)
{
	size_t n = strnlen(name, MSG_NAME_BYTES);

	if (n == 0 || n >= MSG_NAME_BYTES || !is_alnum(name[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(name[i]) && name[i] != '.' && name[i] != '_' && name[i] != '-')
			return false;
	return true;
}

uint32_t homes_find(const struct homes *homes, const char *name)
{
	for (uint32_t i = 0; i < homes->n; i++)
		if (strcmp(homes->home[i].name, name) == 0)
			return i;
	return homes->n;
}

void homes_remove(struct homes *homes, uint32_t index)
{
	if (index >= homes->n)
		return;
	homes->n--;
	for (uint32_t i = index; i < homes->n; i++) {
		homes->home[i] = homes->home[i + 1];
		homes->enrolled_wall_s[i] = homes->enrolled_wall_s[i + 1];
	}
	memset(&homes->home[homes->n], 0, sizeof(homes->home[0]));
	homes->enrolled_wall_s[homes->n] = 0;
}

/* ---- reading: one form of each value, everything else poisons the cursor ---- */

static void expect(struct bytes *b, const char *text)
{
	size_t n = strlen(text);
	const uint8_t *p = bytes_take(b, n);

	if (p && memcmp(p, text, n) != 0)
		b->bad = true;
}

static uint8_t digit(struct bytes *b)
{
	uint8_t c = bytes_u8(b);

	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (uint8_t)(c - 'a' + 10);
	b->bad = true;
	return 0;
}

static void hex(struct bytes *b, void *ret, size_t n)
{
	uint8_t *out = ret;

	for (size_t i = 0; i < n; i++) {
		uint8_t high = digit(b);

		out[i] = (uint8_t)(high << 4 | digit(b));
	}
}

/* Decimal, no leading zero, up to the character `end`. */
static uint64_t number(struct bytes *b, char end)
{
	uint64_t value = 0;
	unsigned n = 0;

	for (;;) {
		uint8_t c = bytes_u8(b);

		if (c == (uint8_t)end && n > 0 && bytes_ok(b))
			return value;
		if (c < '0' || c > '9' || n == DIGITS_MAX || (n > 0 && value == 0)) {
			b->bad = true;
			return 0;
		}
		value = value * 10 + (uint64_t)(c - '0');
		n++;
	}
}

static void name(struct bytes *b, char ret[MSG_NAME_BYTES])
{
	for (size_t i = 0; i < MSG_NAME_BYTES; i++) {
		uint8_t c = bytes_u8(b);

		ret[i] = c == ' ' ? '\0' : (char)c;
		if (c == ' ') {
			if (strlen(ret) != i || !homes_name_ok(ret)) /* a NUL hides what follows */
				b->bad = true;
			return;
		}
	}
	b->bad = true;
}

static bool at(const struct bytes *b, char c)
{
	return bytes_left(b) > 0 && *b->at == (uint8_t)c;
}

static void parse_home(struct bytes *b, struct classify_home *ret, uint64_t *ret_wall_s)
{
	expect(b, "home ");
	name(b, ret->name);
	*ret_wall_s = number(b, ' ');
	ret->has_dhcp = !at(b, '-');
	if (ret->has_dhcp) {
		hex(b, &ret->server_id, sizeof(ret->server_id));
		expect(b, ",");
		hex(b, &ret->router, sizeof(ret->router));
		expect(b, ",");
		hex(b, ret->server_mac, sizeof(ret->server_mac));
		expect(b, ",");
		hex(b, ret->gateway_mac, sizeof(ret->gateway_mac));
	} else {
		expect(b, "-");
	}
	expect(b, " ");
	ret->has_ra = !at(b, '-');
	if (ret->has_ra) {
		hex(b, ret->ra_router, sizeof(ret->ra_router));
		expect(b, ",");
		hex(b, ret->ra_mac, sizeof(ret->ra_mac));
		expect(b, ",");
		hex(b, ret->prefix, sizeof(ret->prefix));
		expect(b, "/");
		hex(b, &ret->prefix_bits, sizeof(ret->prefix_bits));
	} else {
		expect(b, "-");
	}
	expect(b, "\n");
	if ((!ret->has_dhcp && !ret->has_ra) || ret->prefix_bits > 128)
		b->bad = true;
}

int homes_parse(const void *text, size_t len_bytes, struct homes *ret)
{
	struct bytes b = bytes_of(text, len_bytes);
	struct homes homes = { 0 };

	expect(&b, HEAD);
	while (at(&b, 'h') && homes.n < CLASSIFY_HOMES) {
		struct classify_home *home = &homes.home[homes.n];

		parse_home(&b, home, &homes.enrolled_wall_s[homes.n]);
		if (!bytes_ok(&b) || homes_find(&homes, home->name) != homes.n)
			return -EBADMSG;
		homes.n++;
	}
	expect(&b, TAIL);
	if (number(&b, '\n') != homes.n || !bytes_ok(&b) || bytes_left(&b) != 0)
		return -EBADMSG;
	*ret = homes;
	return 0;
}

/* ---- writing; the sizes are such that all of it fits ---- */

static char *put(char *at, const char *text)
{
	size_t n = strlen(text);

	memcpy(at, text, n);
	return at + n;
}

static char *put_hex(char *at, const void *data, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i++) {
		*at++ = digits[p[i] >> 4];
		*at++ = digits[p[i] & 15];
	}
	return at;
}

static char *put_number(char *at, uint64_t value)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

static char *put_home(char *at, const struct classify_home *h, uint64_t wall_s)
{
	at = put(put(put(at, "home "), h->name), " ");
	at = put(put_number(at, wall_s), " ");
	if (h->has_dhcp) {
		at = put(put_hex(at, &h->server_id, sizeof(h->server_id)), ",");
		at = put(put_hex(at, &h->router, sizeof(h->router)), ",");
		at = put(put_hex(at, h->server_mac, sizeof(h->server_mac)), ",");
		at = put_hex(at, h->gateway_mac, sizeof(h->gateway_mac));
	} else {
		at = put(at, "-");
	}
	at = put(at, " ");
	if (h->has_ra) {
		at = put(put_hex(at, h->ra_router, sizeof(h->ra_router)), ",");
		at = put(put_hex(at, h->ra_mac, sizeof(h->ra_mac)), ",");
		at = put(put_hex(at, h->prefix, sizeof(h->prefix)), "/");
		at = put_hex(at, &h->prefix_bits, sizeof(h->prefix_bits));
	} else {
		at = put(at, "-");
	}
	return put(at, "\n");
}

size_t homes_build(const struct homes *homes, char ret[HOMES_TEXT_BYTES])
{
	char *at = put(ret, HEAD);

	for (uint32_t i = 0; i < homes->n; i++)
		at = put_home(at, &homes->home[i], homes->enrolled_wall_s[i]);
	at = put(put_number(put(at, TAIL), homes->n), "\n");
	return (size_t)(at - ret);
}
