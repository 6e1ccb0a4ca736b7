#include "netguard/dhcp6.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

#include "netguard/domain.h"

enum dhcp6_message { /* RFC 8415 7.3 */
		     DHCP6_ADVERTISE = 2,
		     DHCP6_REPLY = 7,
		     DHCP6_RECONFIGURE = 10,
};

enum dhcp6_option { /* RFC 8415 21, RFC 3646 */
		    DHCP6_IA_NA = 3,
		    DHCP6_IA_TA = 4,
		    DHCP6_IA_ADDRESS = 5,
		    DHCP6_STATUS = 13,
		    DHCP6_VENDOR_CLASS = 16,
		    DHCP6_VENDOR_OPTS = 17,
		    DHCP6_DNS = 23,
		    DHCP6_SEARCH = 24,
		    DHCP6_IA_PD = 25,
		    DHCP6_IA_PREFIX = 26,
};

struct option {
	unsigned code;
	struct bytes value;
};

/* False at the end, or when an option is cut short (then *b is poisoned). */
static bool next_option(struct bytes *b, struct option *ret)
{
	if (bytes_left(b) == 0)
		return false;
	ret->code = bytes_be16(b);
	ret->value = bytes_sub(b, bytes_be16(b));
	if (!bytes_ok(&ret->value))
		b->bad = true;
	return bytes_ok(b);
}

static void take_status(struct bytes value, struct msg_dhcp6 *f)
{
	unsigned status = bytes_be16(&value);

	if (!bytes_ok(&value))
		f->cut = 1;
	else if (f->status == 0)
		f->status = status;
}

static void take_address(struct bytes *value, struct msg_dhcp6 *f)
{
	uint8_t address[16];

	bytes_copy(value, address, sizeof(address));
	if (!bytes_ok(value) || f->n_addresses >= MSG_DHCP6_ADDRESSES)
		f->cut = 1;
	else
		memcpy(f->address[f->n_addresses++], address, sizeof(address));
}

/* What stands inside an IA: addresses, prefixes, and why there are none. */
static void take_ia(struct bytes value, size_t head_bytes, struct msg_dhcp6 *f)
{
	struct option o;

	(void)bytes_take(&value, head_bytes);
	while (next_option(&value, &o)) {
		if (o.code == DHCP6_STATUS)
			take_status(o.value, f);
		if (o.code == DHCP6_IA_PREFIX)
			(void)bytes_take(&o.value, 9); /* 21.22: two lifetimes, a length */
		if (o.code == DHCP6_IA_PREFIX || o.code == DHCP6_IA_ADDRESS)
			take_address(&o.value, f);
	}
	if (!bytes_ok(&value))
		f->cut = 1;
}

static void take_resolvers(struct bytes value, struct msg_dhcp6 *f)
{
	if (bytes_left(&value) == 0 || bytes_left(&value) % 16 != 0)
		f->cut = 1;
	while (bytes_left(&value) >= 16) {
		if (f->n_resolvers >= MSG_DHCP6_RESOLVERS) {
			f->cut = 1;
			return;
		}
		bytes_copy(&value, f->resolver[f->n_resolvers++], 16);
	}
}

static void take_option(const struct option *o, struct msg_dhcp6 *f)
{
	switch (o->code) {
	case DHCP6_STATUS:
		take_status(o->value, f);
		break;
	case DHCP6_IA_NA:
	case DHCP6_IA_PD:
		take_ia(o->value, 12, f); /* 21.4, 21.21: IAID, T1, T2 */
		break;
	case DHCP6_IA_TA:
		take_ia(o->value, 4, f); /* 21.5: IAID */
		break;
	case DHCP6_VENDOR_CLASS:
	case DHCP6_VENDOR_OPTS:
		f->has_vendor = 1;
		break;
	case DHCP6_DNS:
		take_resolvers(o->value, f);
		break;
	case DHCP6_SEARCH:
		if (domain_search_append(o->value.at, bytes_left(&o->value), f->search, &f->cut) <
		    0)
			f->cut = 1;
		break;
	default:
		break;
	}
}

int dhcp6_parse(const void *data, size_t len_bytes, struct msg_dhcp6 *ret)
{
	struct bytes b = bytes_of(data, len_bytes);
	struct msg_dhcp6 f = { 0 };
	struct option o;

	f.message_type = bytes_u8(&b);
	(void)bytes_take(&b, 3); /* transaction */
	if (!bytes_ok(&b))
		return -EBADMSG;
	if (f.message_type != DHCP6_ADVERTISE && f.message_type != DHCP6_REPLY &&
	    f.message_type != DHCP6_RECONFIGURE)
		return -ENODATA;
	while (next_option(&b, &o))
		take_option(&o, &f);
	if (!bytes_ok(&b))
		return -EBADMSG;
	*ret = f;
	return 0;
}
