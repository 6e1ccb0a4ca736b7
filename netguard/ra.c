#include "netguard/ra.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

#include "netguard/domain.h"
#include "netguard/text.h"

enum ra_option {
	RA_PREFIX = 3, /* RFC 4861 4.6.2 */
	RA_PVD = 21,   /* RFC 8801 3.1 */
	RA_RDNSS = 25, /* RFC 8106 5.1 */
	RA_DNSSL = 31, /* RFC 8106 5.2 */
	RA_OPTION_HEAD_BYTES = 2,
	RA_PVD_HEADER = 0x2000, /* the R flag: a header of an advertisement stands inside */
};

struct option {
	unsigned type;
	struct bytes value;
};

/* RFC 4861 4.6: length in units of 8 octets, head included; zero is refused. */
static bool next_option(struct bytes *b, struct option *ret)
{
	size_t len_bytes;

	if (bytes_left(b) == 0)
		return false;
	ret->type = bytes_u8(b);
	len_bytes = (size_t)bytes_u8(b) * 8;
	if (len_bytes == 0)
		b->bad = true;
	else
		ret->value = bytes_sub(b, len_bytes - RA_OPTION_HEAD_BYTES);
	return bytes_ok(b);
}

static void take_prefix(struct bytes value, struct msg_ra *f)
{
	struct msg_ra_prefix p = { 0 };

	p.len_bits = bytes_u8(&value);
	p.flags = bytes_u8(&value);
	p.valid_s = bytes_be32(&value);
	(void)bytes_take(&value, 8); /* preferred lifetime, reserved */
	bytes_copy(&value, p.address, sizeof(p.address));
	if (!bytes_ok(&value) || p.len_bits > 128 || f->n_prefixes >= MSG_RA_PREFIXES)
		f->cut = 1;
	else
		f->prefix[f->n_prefixes++] = p;
}

static void take_resolvers(struct bytes value, struct msg_ra *f)
{
	(void)bytes_take(&value, 6); /* reserved, lifetime */
	if (bytes_left(&value) == 0 || bytes_left(&value) % 16 != 0)
		f->cut = 1;
	while (bytes_left(&value) >= 16) {
		if (f->n_resolvers >= MSG_RA_RESOLVERS) {
			f->cut = 1;
			return;
		}
		bytes_copy(&value, f->resolver[f->n_resolvers++], 16);
	}
}

static void take_search(struct bytes value, struct msg_ra *f)
{
	(void)bytes_take(&value, 6); /* reserved, lifetime */
	if (!bytes_ok(&value) ||
	    domain_search_append(value.at, bytes_left(&value), f->search, &f->cut) < 0)
		f->cut = 1;
}

/* The name stands alone, plain, and padded to the next multiple of 8 octets from the option's
 * start. What is left of *value then are the options inside. */
static void take_pvd(struct bytes *value, struct msg_ra *f)
{
	const uint8_t *start = value->at;
	unsigned flags = bytes_be16(value);
	char name[MSG_DOMAIN_BYTES] = { 0 };
	const uint8_t *text;
	size_t used_bytes;
	unsigned label;

	(void)bytes_be16(value); /* sequence number */
	text = value->at;
	do {
		label = bytes_u8(value);
		(void)bytes_take(value, label);
	} while (bytes_ok(value) && label != 0);
	if (!bytes_ok(value) ||
	    domain_search_append(text, (size_t)(value->at - text), name, &f->cut) < 0) {
		f->cut = 1;
		value->bad = true;
		return;
	}
	text_printable(f->pvd, sizeof(f->pvd), (const uint8_t *)name, strlen(name));
	if (strlen(name) >= sizeof(f->pvd))
		f->cut = 1;
	used_bytes = RA_OPTION_HEAD_BYTES + (size_t)(value->at - start);
	(void)bytes_take(value, (8 - used_bytes % 8) % 8);
	if (flags & RA_PVD_HEADER)
		(void)bytes_take(value, 16);
	if (!bytes_ok(value))
		f->cut = 1;
}

static void take_option(const struct option *o, struct msg_ra *f)
{
	if (o->type == RA_PREFIX)
		take_prefix(o->value, f);
	else if (o->type == RA_RDNSS)
		take_resolvers(o->value, f);
	else if (o->type == RA_DNSSL)
		take_search(o->value, f);
}

/* RFC 8801 3.1: a provisioning domain inside another is ignored. */
static void take_domain(struct bytes value, struct msg_ra *f)
{
	struct option o;

	if (f->pvd[0]) { /* a second one: its name does not fit */
		f->cut = 1;
		return;
	}
	take_pvd(&value, f);
	while (next_option(&value, &o))
		take_option(&o, f);
	if (!bytes_ok(&value))
		f->cut = 1;
}

int ra_parse(const struct frame *frame, struct msg_ra *ret)
{
	struct bytes b = frame->payload;
	struct msg_ra f = { 0 };
	struct option o;
	unsigned code;

	if (!frame->is_icmp6 || bytes_u8(&b) != RA_ICMP6_TYPE)
		return -ENODATA;
	code = bytes_u8(&b);
	(void)bytes_take(&b, 3); /* checksum, hop limit to use */
	f.flags = bytes_u8(&b);
	f.lifetime_s = bytes_be16(&b);
	(void)bytes_take(&b, 8); /* reachable time, retransmission timer */
	if (!bytes_ok(&b) || code != 0 || frame->hop_limit != 255 ||
	    !frame_is_link_local(frame->source))
		return -EBADMSG;
	memcpy(f.router, frame->source, sizeof(f.router));
	memcpy(f.router_mac, frame->source_mac, sizeof(f.router_mac));
	while (next_option(&b, &o)) {
		if (o.type == RA_PVD)
			take_domain(o.value, &f);
		else
			take_option(&o, &f);
	}
	if (!bytes_ok(&b))
		return -EBADMSG;
	*ret = f;
	return 0;
}
