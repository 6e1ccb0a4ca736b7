#include "netguard/nflog.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "netguard/blocked_text.h"
#include "netguard/frame.h"

enum {
	HEAD_BYTES = 16, /* netlink(7), here and below */
	ATTRIBUTE_HEAD_BYTES = 4,
	ATTRIBUTE_TYPE = 0x3fff, /* without the two flags */
	PREFIX_BYTES = 16,
	IP_TCP = 6, /* IANA protocol numbers */
	IP_UDP = 17,
	IP_HOPOPT = 0,
	IP_ROUTE = 43,
	IP_OPTS = 60,
	IPV6_EXTENSIONS_MAX = 8, /* RFC 8200 4.1 names fewer */
};

/* netlink(7): host order, and everything begins at a multiple of four. */
static uint16_t host16(struct bytes *b)
{
	uint16_t v;

	bytes_copy(b, &v, sizeof(v));
	return v;
}

static uint32_t host32(struct bytes *b)
{
	uint32_t v;

	bytes_copy(b, &v, sizeof(v));
	return v;
}

static void step_over_padding(struct bytes *b, size_t len_bytes)
{
	(void)bytes_take(b, MIN((4 - len_bytes % 4) % 4, bytes_left(b)));
}

static void parse_ports(struct bytes b, struct msg_blocked *ret)
{
	unsigned source = bytes_be16(&b), destination = bytes_be16(&b);

	if ((ret->protocol != IP_TCP && ret->protocol != IP_UDP) || !bytes_ok(&b))
		return;
	ret->source_port = source;
	ret->destination_port = destination;
}

static void parse_ipv4(struct bytes b, struct msg_blocked *ret)
{
	struct msg_blocked m = *ret;
	size_t head_bytes = (size_t)(bytes_u8(&b) & 0xf) * 4;
	unsigned fragment;

	(void)bytes_take(&b, 5);
	fragment = bytes_be16(&b);
	(void)bytes_u8(&b);
	m.protocol = bytes_u8(&b);
	(void)bytes_be16(&b);
	bytes_copy(&b, m.source, 4);
	bytes_copy(&b, m.destination, 4);
	if (!bytes_ok(&b) || head_bytes < 20)
		return;
	m.family = AF_INET;
	(void)bytes_take(&b, head_bytes - 20);
	if ((fragment & 0x1fff) == 0) /* RFC 791 3.1: only the first piece begins with ports */
		parse_ports(b, &m);
	*ret = m;
}

static void parse_ipv6(struct bytes b, struct msg_blocked *ret)
{
	struct msg_blocked m = *ret;

	(void)bytes_take(&b, 6);
	m.protocol = bytes_u8(&b);
	(void)bytes_u8(&b);
	bytes_copy(&b, m.source, 16);
	bytes_copy(&b, m.destination, 16);
	if (!bytes_ok(&b))
		return;
	m.family = AF_INET6;
	for (unsigned i = 0; i < IPV6_EXTENSIONS_MAX && bytes_left(&b) >= 2; i++) {
		if (m.protocol != IP_HOPOPT && m.protocol != IP_ROUTE && m.protocol != IP_OPTS)
			break;
		/* RFC 8200 4.3: length in 8-octet units, the first not counted */
		m.protocol = bytes_u8(&b);
		(void)bytes_take(&b, ((size_t)bytes_u8(&b) + 1) * 8 - 2);
	}
	parse_ports(b, &m);
	*ret = m;
}

/* On an uplink's way out the packet has its link's head, unless the link (a tunnel) has none. */
static struct bytes without_ethernet(struct bytes packet, unsigned ethertype)
{
	struct bytes b = packet;

	(void)bytes_take(&b, 12);
	return bytes_be16(&b) == ethertype && bytes_ok(&b) ? b : packet;
}

static void parse_packet(struct bytes packet, unsigned family, struct msg_blocked *ret)
{
	struct bytes look;

	if (family == NFPROTO_NETDEV)
		packet = without_ethernet(packet, ret->ethertype);
	look = packet;
	switch (bytes_u8(&look) >> 4) {
	case 4:
		if (ret->ethertype == FRAME_ETHERTYPE_IPV4)
			parse_ipv4(packet, ret);
		return;
	case 6:
		if (ret->ethertype == FRAME_ETHERTYPE_IPV6)
			parse_ipv6(packet, ret);
		return;
	}
}

/* "bh:blocked ", as netguard/ruleset_sample.c writes it: the name between. */
static uint32_t what_of(struct bytes prefix)
{
	char text[PREFIX_BYTES] = { 0 };
	size_t n = bytes_left(&prefix);

	if (n == 0 || n >= sizeof(text))
		return BLOCKED_NONE;
	bytes_copy(&prefix, text, n);
	for (uint32_t what = 1; what < N_BLOCKED_WHATS; what++) {
		const char *name = blocked_text_what(what);
		size_t name_bytes = strlen(name);

		if (memcmp(text, "bh:", 3) == 0 && strncmp(text + 3, name, name_bytes) == 0 &&
		    strcmp(text + 3 + name_bytes, " ") == 0)
			return what;
	}
	return BLOCKED_NONE;
}

/* One attribute of a sample; the packet is kept for when its family and type are known. */
static void take_attribute(unsigned type, struct bytes value, struct nflog_sample *s,
			   struct bytes *packet)
{
	switch (type) {
	case NFULA_PACKET_HDR: /* the packet's type, and the hook */
		s->blocked.ethertype = bytes_be16(&value);
		break;
	case NFULA_IFINDEX_INDEV:
		s->blocked.in_ifindex = bytes_be32(&value);
		break;
	case NFULA_IFINDEX_OUTDEV:
		s->blocked.out_ifindex = bytes_be32(&value);
		break;
	case NFULA_PREFIX:
		s->blocked.what = what_of(value);
		break;
	case NFULA_PAYLOAD:
		*packet = value;
		break;
	case NFULA_SEQ:
		s->seq = bytes_be32(&value);
		s->has_seq = bytes_ok(&value);
		break;
	}
}

static int parse_sample(struct bytes b, struct nflog_sample *ret)
{
	struct nflog_sample s = { 0 };
	struct bytes packet = { .bad = true };
	unsigned family = bytes_u8(&b);

	(void)bytes_take(&b, 3); /* version, group */
	while (bytes_left(&b) > 0) {
		size_t len_bytes = host16(&b);
		unsigned type = host16(&b) & ATTRIBUTE_TYPE;
		struct bytes value;

		if (!bytes_ok(&b) || len_bytes < ATTRIBUTE_HEAD_BYTES)
			return -EBADMSG;
		value = bytes_sub(&b, len_bytes - ATTRIBUTE_HEAD_BYTES);
		step_over_padding(&b, len_bytes);
		take_attribute(type, value, &s, &packet);
	}
	if (!bytes_ok(&b))
		return -EBADMSG;
	parse_packet(packet, family, &s.blocked);
	*ret = s;
	return 0;
}

int nflog_next(struct bytes *datagram, struct nflog_sample *ret)
{
	while (bytes_left(datagram) > 0) {
		size_t len_bytes = host32(datagram);
		unsigned type = host16(datagram);
		struct bytes body;

		(void)bytes_take(datagram, 10); /* flags, number, port */
		if (!bytes_ok(datagram) || len_bytes < HEAD_BYTES)
			return -EBADMSG;
		body = bytes_sub(datagram, len_bytes - HEAD_BYTES);
		step_over_padding(datagram, len_bytes);
		if (type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
			return parse_sample(body, ret) < 0 ? -EBADMSG : 1;
	}
	return bytes_ok(datagram) ? 0 : -EBADMSG;
}

void nflog_lost_seq(struct nflog_lost *lost, uint32_t seq)
{
	uint32_t missing = lost->begun ? seq - lost->next_seq : 0;
	uint32_t told;

	if (missing > INT32_MAX) /* a number from before: nothing is missing */
		missing = 0;
	told = MIN(missing, lost->n_told);
	lost->n += missing - told;
	lost->n_told -= told; /* what had found room before the overflow comes first */
	lost->next_seq = seq + 1;
	lost->begun = true;
}

void nflog_lost_overflow(struct nflog_lost *lost)
{
	lost->n++;
	lost->n_told++;
}
