#include "netguard/neighbour.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"

enum {
	ARP_REQUEST = 0x06040001, /* lengths of both addresses, and the operation */
	ARP_REPLY = 0x06040002,
	ND_SOLICITATION = 135, /* RFC 4861 4.3 */
	ND_ADVERTISEMENT = 136,
	ND_OPTION_SOURCE = 1, /* RFC 4861 4.6.1 */
	ND_OPTION_TARGET = 2,
};

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* A group address is nobody's own. */
static bool is_station(const uint8_t mac[6])
{
	return !(mac[0] & 1) && !is_zero(mac, 6);
}

static int parse_arp(const struct frame *frame, struct msg_gateway *f)
{
	struct bytes b = frame->payload;
	unsigned hardware = bytes_be16(&b);
	unsigned protocol = bytes_be16(&b);
	uint32_t shape = bytes_be32(&b);

	bytes_copy(&b, f->mac, 6);
	bytes_copy(&b, f->address, 4);
	(void)bytes_take(&b, 10); /* the target */
	if (!bytes_ok(&b) || hardware != 1 || protocol != FRAME_ETHERTYPE_IPV4 ||
	    (shape != ARP_REQUEST && shape != ARP_REPLY))
		return -EBADMSG;
	f->family = AF_INET;
	return is_zero(f->address, 4) || !is_station(f->mac) ? -ENODATA : 0;
}

/* The link-layer address option of that type; false when the options break the message. */
static bool take_option(struct bytes *b, unsigned type, uint8_t mac[6])
{
	while (bytes_left(b) > 0) {
		unsigned t = bytes_u8(b);
		size_t len_bytes = (size_t)bytes_u8(b) * 8;
		struct bytes value;

		if (len_bytes == 0)
			return false;
		value = bytes_sub(b, len_bytes - 2);
		if (t == type)
			bytes_copy(&value, mac, 6);
		if (!bytes_ok(&value))
			return false;
	}
	return bytes_ok(b);
}

static int parse_nd(const struct frame *frame, struct msg_gateway *f)
{
	struct bytes b = frame->payload;
	unsigned type = bytes_u8(&b);
	unsigned code = bytes_u8(&b);
	bool advertises = type == ND_ADVERTISEMENT;

	if (!advertises && type != ND_SOLICITATION)
		return -ENODATA;
	(void)bytes_take(&b, 6); /* checksum, flags */
	bytes_copy(&b, f->address, 16);
	if (!advertises) /* it asks for the target; who it is stands in the packet */
		memcpy(f->address, frame->source, 16);
	/* 7.2.4: an answer to a unicast question may leave the option out */
	memcpy(f->mac, frame->source_mac, 6);
	if (!bytes_ok(&b) || code != 0 || frame->hop_limit != 255 ||
	    !take_option(&b, advertises ? ND_OPTION_TARGET : ND_OPTION_SOURCE, f->mac))
		return -EBADMSG;
	f->family = AF_INET6;
	return is_zero(f->address, 16) || f->address[0] == 0xff || !is_station(f->mac) ? -ENODATA
										       : 0;
}

int neighbour_parse(const struct frame *frame, struct msg_gateway *ret)
{
	struct msg_gateway f = { 0 };
	int r = -ENODATA;

	if (frame->ethertype == FRAME_ETHERTYPE_ARP)
		r = parse_arp(frame, &f);
	else if (frame->is_icmp6)
		r = parse_nd(frame, &f);
	if (r == 0)
		*ret = f;
	return r;
}
