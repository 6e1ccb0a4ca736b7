#include "netguard/dhcp4.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

#include "netguard/domain.h"
#include "netguard/text.h"

enum dhcp4_option {
	DHCP4_PAD = 0,
	DHCP4_NETMASK = 1,
	DHCP4_ROUTER = 3,
	DHCP4_DNS = 6,
	DHCP4_DOMAIN = 15,
	DHCP4_VENDOR = 43,
	DHCP4_LEASE = 51,
	DHCP4_OVERLOAD = 52,
	DHCP4_MESSAGE_TYPE = 53,
	DHCP4_SERVER_ID = 54,
	DHCP4_SEARCH = 119,
	DHCP4_VIVSO = 125,
	DHCP4_PRIVATE_FIRST = 224, /* RFC 3942 2 */
	DHCP4_PRIVATE_LAST = 254,
	DHCP4_END = 255,
};

enum {
	DHCP4_MAGIC = 0x63825363, /* RFC 2131 3 */
	DHCP4_SNAME_BYTES = 64,
	DHCP4_FILE_BYTES = 128,
	DHCP4_OVERLOAD_FILE = 1, /* RFC 2132 9.3 */
	DHCP4_OVERLOAD_SNAME = 2,
	DHCP4_JOINED_BYTES = 1024, /* one option out of all its pieces: more is refused */
};

/* RFC 3396 5: the option field, then `file`, then `sname`, read as one. */
struct areas {
	struct bytes area[3];
	unsigned n;
};

struct option {
	unsigned code;
	struct bytes value;
};

/* The next option of an area; false at its end or when it is cut short (then *area is poisoned). */
static bool next_option(struct bytes *area, struct option *ret)
{
	while (bytes_left(area) > 0) {
		unsigned code = bytes_u8(area);

		if (code == DHCP4_PAD)
			continue;
		if (code == DHCP4_END) {
			(void)bytes_take(area, bytes_left(area));
			return false;
		}
		ret->code = code;
		ret->value = bytes_sub(area, bytes_u8(area));
		return bytes_ok(area);
	}
	return false;
}

/* Join all pieces of one option. -ENODATA: not there; -EBADMSG: too long for any honest use. */
static int join_option(const struct areas *areas, unsigned code, uint8_t *ret, size_t *ret_bytes)
{
	size_t n_bytes = 0;
	bool found = false;

	for (unsigned i = 0; i < areas->n; i++) {
		struct bytes area = areas->area[i];
		struct option o;

		while (next_option(&area, &o)) {
			size_t len_bytes = bytes_left(&o.value);

			if (o.code != code)
				continue;
			if (len_bytes > DHCP4_JOINED_BYTES - n_bytes)
				return -EBADMSG;
			bytes_copy(&o.value, ret + n_bytes, len_bytes);
			n_bytes += len_bytes;
			found = true;
		}
	}
	if (!found)
		return -ENODATA;
	*ret_bytes = n_bytes;
	return 0;
}

/* Addresses stay in network byte order, as struct msg_dhcp4 wants them. */
static uint32_t address_at(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool take_value(unsigned code, const uint8_t *v, size_t n, struct msg_dhcp4 *f)
{
	struct bytes b = bytes_of(v, n);

	switch (code) {
	case DHCP4_MESSAGE_TYPE:
		f->message_type = bytes_u8(&b);
		return n == 1 && f->message_type != 0;
	case DHCP4_LEASE:
		f->lease_s = bytes_be32(&b);
		return n == 4;
	case DHCP4_NETMASK:
	case DHCP4_SERVER_ID:
		if (n != 4)
			return false;
		*(code == DHCP4_NETMASK ? &f->netmask : &f->server_id) = address_at(v);
		return true;
	case DHCP4_ROUTER:
	case DHCP4_DNS:
		if (n < 4 || n % 4 != 0)
			return false;
		if (code == DHCP4_ROUTER) {
			f->router = address_at(v);
			return true;
		}
		f->n_dns = (uint32_t)MIN(n / 4, ARRAY_LEN(f->dns));
		for (size_t i = 0; i < f->n_dns; i++)
			f->dns[i] = address_at(v + 4 * i);
		return true;
	case DHCP4_DOMAIN:
		while (n > 0 && v[n - 1] == 0)
			n--; /* RFC 2132 2: servers may send a NUL, clients must not mind */
		if (n >= sizeof(f->domain))
			return false; /* RFC 1035 2.3.4 */
		text_printable(f->domain, sizeof(f->domain), v, n);
		return true;
	case DHCP4_SEARCH:
		return domain_search_parse(v, n, f->search, &f->search_cut) == 0;
	default:
		return true;
	}
}

static int read_options(const struct areas *areas, struct msg_dhcp4 *f)
{
	static const unsigned wanted[] = {
		DHCP4_MESSAGE_TYPE, DHCP4_NETMASK, DHCP4_ROUTER,    DHCP4_DNS,
		DHCP4_DOMAIN,	    DHCP4_LEASE,   DHCP4_SERVER_ID, DHCP4_SEARCH,
	};
	uint8_t value[DHCP4_JOINED_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		size_t len_bytes = 0;
		int r = join_option(areas, wanted[i], value, &len_bytes);

		if (r == -ENODATA && wanted[i] == DHCP4_MESSAGE_TYPE)
			return -ENODATA;
		if (r == -ENODATA)
			continue;
		if (r < 0 || !take_value(wanted[i], value, len_bytes, f))
			return -EBADMSG;
	}
	for (unsigned i = 0; i < areas->n; i++) {
		struct bytes area = areas->area[i];
		struct option o;

		while (next_option(&area, &o)) {
			if (o.code == DHCP4_VENDOR || o.code == DHCP4_VIVSO)
				f->has_vendor = 1;
			if (o.code >= DHCP4_PRIVATE_FIRST && o.code <= DHCP4_PRIVATE_LAST)
				f->has_private = 1;
		}
	}
	return 0;
}

/* Every area must read cleanly to its end, and `overload` names those that hold options. */
static int find_areas(struct bytes options, struct bytes sname, struct bytes file,
		      struct areas *ret)
{
	struct bytes area = options;
	struct option o;
	unsigned overload = 0;

	while (next_option(&area, &o)) {
		if (o.code != DHCP4_OVERLOAD)
			continue;
		overload = bytes_u8(&o.value);
		if (!bytes_ok(&o.value) || bytes_left(&o.value) > 0 || overload < 1 || overload > 3)
			return -EBADMSG;
	}
	if (!bytes_ok(&area))
		return -EBADMSG;
	*ret = (struct areas){ .area = { options }, .n = 1 };
	if (overload & DHCP4_OVERLOAD_FILE)
		ret->area[ret->n++] = file;
	if (overload & DHCP4_OVERLOAD_SNAME)
		ret->area[ret->n++] = sname;
	for (unsigned i = 1; i < ret->n; i++) {
		area = ret->area[i];
		while (next_option(&area, &o))
			;
		if (!bytes_ok(&area))
			return -EBADMSG;
	}
	return 0;
}

int dhcp4_parse(const void *data, size_t len_bytes, struct msg_dhcp4 *ret)
{
	struct bytes b = bytes_of(data, len_bytes);
	struct msg_dhcp4 f = { 0 };
	struct bytes sname, file;
	struct areas areas;
	unsigned op, hardware, hardware_bytes;
	int r;

	op = bytes_u8(&b);
	hardware = bytes_u8(&b);
	hardware_bytes = bytes_u8(&b);
	(void)bytes_take(&b, 13); /* hops, xid, secs, flags, ciaddr */
	bytes_copy(&b, &f.your_addr, sizeof(f.your_addr));
	(void)bytes_take(&b, 8); /* siaddr, giaddr */
	bytes_copy(&b, f.client_mac, sizeof(f.client_mac));
	(void)bytes_take(&b, 16 - sizeof(f.client_mac));
	sname = bytes_sub(&b, DHCP4_SNAME_BYTES);
	file = bytes_sub(&b, DHCP4_FILE_BYTES);
	if (bytes_be32(&b) != DHCP4_MAGIC || !bytes_ok(&b) || op < 1 || op > 2)
		return -EBADMSG;
	if (hardware != 1 || hardware_bytes != 6) /* RFC 1700: Ethernet; else it is not ours */
		memset(f.client_mac, 0, sizeof(f.client_mac));
	r = find_areas(b, sname, file, &areas);
	if (r == 0)
		r = read_options(&areas, &f);
	if (r < 0)
		return r;
	*ret = f;
	return 0;
}
