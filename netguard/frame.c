#include "netguard/frame.h"

#include <errno.h>

enum {
	ETHERTYPE_MIN = 0x0600,	 /* 802.3 3.2.6: below this it is a length */
	ETHERTYPE_VLAN = 0x8100, /* 802.1Q 9.6, Table 9-1 */
	ETHERTYPE_SVLAN = 0x88a8,
	VLAN_TAGS_MAX = 2,
	IPPROTO_HOPOPT = 0, /* IANA protocol numbers, here and below */
	IPPROTO_IS_UDP = 17,
	IPPROTO_ROUTE = 43,
	IPPROTO_IS_ICMP6 = 58,
	IPPROTO_OPTS = 60,
	IPV6_EXTENSIONS_MAX = 8, /* RFC 8200 4.1 names fewer */
};

static int parse_udp(struct bytes ip_payload, struct frame *f)
{
	struct bytes b = ip_payload;
	unsigned len_bytes;

	f->source_port = bytes_be16(&b);
	f->destination_port = bytes_be16(&b);
	len_bytes = bytes_be16(&b);
	(void)bytes_be16(&b); /* checksum */
	if (!bytes_ok(&b) || len_bytes < 8 || len_bytes - 8 > bytes_left(&b))
		return -EBADMSG;
	f->payload = bytes_sub(&b, len_bytes - 8);
	f->is_udp = true;
	return 0;
}

static int parse_ipv4(struct frame *f)
{
	struct bytes b = f->payload;
	size_t left_bytes = bytes_left(&b);
	unsigned version_ihl = bytes_u8(&b);
	size_t header_bytes = (size_t)(version_ihl & 0xf) * 4;
	unsigned total_bytes, fragment, protocol;

	(void)bytes_u8(&b);
	total_bytes = bytes_be16(&b);
	(void)bytes_be16(&b);
	fragment = bytes_be16(&b);
	f->hop_limit = bytes_u8(&b);
	protocol = bytes_u8(&b);
	(void)bytes_be16(&b);
	bytes_copy(&b, f->source, 4);
	bytes_copy(&b, f->destination, 4);
	if (!bytes_ok(&b) || version_ihl >> 4 != 4 || header_bytes < 20 ||
	    total_bytes < header_bytes || total_bytes > left_bytes)
		return -EBADMSG;
	(void)bytes_take(&b, header_bytes - 20);
	f->ip_version = 4;
	f->payload = bytes_sub(&b, total_bytes - header_bytes); /* what follows is padding */
	/* RFC 791 3.1: more-fragments flag, or an offset */
	if ((fragment & 0x3fff) != 0 || protocol != IPPROTO_IS_UDP)
		return 0;
	return parse_udp(f->payload, f);
}

static int parse_ipv6(struct frame *f)
{
	struct bytes b = f->payload;
	unsigned version = bytes_be32(&b) >> 28;
	unsigned payload_bytes = bytes_be16(&b);
	unsigned next = bytes_u8(&b);

	f->hop_limit = bytes_u8(&b);
	bytes_copy(&b, f->source, 16);
	bytes_copy(&b, f->destination, 16);
	if (!bytes_ok(&b) || version != 6 || payload_bytes > bytes_left(&b))
		return -EBADMSG;
	f->ip_version = 6;
	f->payload = bytes_sub(&b, payload_bytes);
	for (unsigned i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		size_t len_bytes;

		if (next != IPPROTO_HOPOPT && next != IPPROTO_ROUTE && next != IPPROTO_OPTS)
			break;
		/* RFC 8200 4.3: length in 8-octet units, the first not counted */
		next = bytes_u8(&f->payload);
		len_bytes = ((size_t)bytes_u8(&f->payload) + 1) * 8 - 2;
		(void)bytes_take(&f->payload, len_bytes);
		if (!bytes_ok(&f->payload))
			return -EBADMSG;
	}
	f->is_icmp6 = next == IPPROTO_IS_ICMP6;
	return next == IPPROTO_IS_UDP ? parse_udp(f->payload, f) : 0;
}

int frame_parse(const void *data, size_t len_bytes, struct frame *ret)
{
	struct bytes b = bytes_of(data, len_bytes);
	struct frame f = { 0 };
	unsigned type;
	int r = 0;

	bytes_copy(&b, f.destination_mac, sizeof(f.destination_mac));
	bytes_copy(&b, f.source_mac, sizeof(f.source_mac));
	type = bytes_be16(&b);
	for (unsigned i = 0; i < VLAN_TAGS_MAX; i++) {
		unsigned id;

		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_SVLAN)
			break;
		id = bytes_be16(&b) & 0xfff; /* 802.1Q 9.6: the low 12 bits; 0 is priority only */
		if (f.vlan_id == 0)
			f.vlan_id = (uint16_t)id;
		type = bytes_be16(&b);
	}
	if (!bytes_ok(&b))
		return -EBADMSG;
	if (f.vlan_id != 0) {
		*ret = f;
		ret->payload = b;
		return 0;
	}
	if (type >= ETHERTYPE_MIN) {
		f.ethertype = (uint16_t)type;
		f.payload = b;
	} else {
		f.payload = bytes_sub(&b, type);
		if (!bytes_ok(&f.payload))
			return -EBADMSG;
	}
	if (f.ethertype == FRAME_ETHERTYPE_IPV4)
		r = parse_ipv4(&f);
	else if (f.ethertype == FRAME_ETHERTYPE_IPV6)
		r = parse_ipv6(&f);
	if (r < 0)
		return r;
	*ret = f;
	return 0;
}

bool frame_is_link_local(const uint8_t address[16])
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}
