#include "netguard/lldp.h"

#include <errno.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/util.h"

#include "netguard/text.h"

enum lldp_tlv { /* 802.1AB Table 8-1 */
		LLDP_TLV_END = 0,
		LLDP_TLV_CHASSIS_ID = 1,
		LLDP_TLV_PORT_ID = 2,
		LLDP_TLV_TTL = 3,
		LLDP_TLV_SYSTEM_NAME = 5,
};

enum {
	LLDP_ID_MAX_BYTES = 255, /* 8.5.2.3, 8.5.3.3, 8.5.6.3 */
	LLDP_CHASSIS_MAC = 4,	 /* Table 8-2 */
	LLDP_CHASSIS_ADDRESS = 5,
	LLDP_PORT_MAC = 3, /* Table 8-3 */
	LLDP_PORT_ADDRESS = 4,
	LLDP_FAMILY_IPV4 = 1, /* IANA address family numbers */
};

/* 8.4.1: 7 bits of type, then 9 bits of length. */
static struct bytes next_tlv(struct bytes *pdu, unsigned *ret_type)
{
	unsigned head = bytes_be16(pdu);

	*ret_type = head >> 9;
	return bytes_sub(pdu, head & 0x1ff);
}

static bool read_id(struct bytes tlv, unsigned mac_subtype, unsigned address_subtype,
		    char ret[MSG_NAME_BYTES])
{
	unsigned subtype = bytes_u8(&tlv);
	size_t len_bytes = bytes_left(&tlv);

	if (!bytes_ok(&tlv) || len_bytes < 1 || len_bytes > LLDP_ID_MAX_BYTES)
		return false;
	if (subtype == mac_subtype && len_bytes == 6)
		text_mac(ret, MSG_NAME_BYTES, tlv.at);
	else if (subtype == address_subtype && len_bytes == 5 && tlv.at[0] == LLDP_FAMILY_IPV4)
		text_ipv4(ret, MSG_NAME_BYTES, tlv.at + 1);
	else
		text_printable(ret, MSG_NAME_BYTES, tlv.at, len_bytes);
	return true;
}

/* 8.5: the three mandatory TLVs come first, in this order, once each. */
static bool read_mandatory(struct bytes *pdu, struct msg_lldp *f)
{
	static const unsigned order[] = { LLDP_TLV_CHASSIS_ID, LLDP_TLV_PORT_ID, LLDP_TLV_TTL };

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		unsigned type;
		struct bytes tlv = next_tlv(pdu, &type);

		if (!bytes_ok(&tlv) || type != order[i])
			return false;
		if (type == LLDP_TLV_CHASSIS_ID &&
		    !read_id(tlv, LLDP_CHASSIS_MAC, LLDP_CHASSIS_ADDRESS, f->chassis))
			return false;
		if (type == LLDP_TLV_PORT_ID &&
		    !read_id(tlv, LLDP_PORT_MAC, LLDP_PORT_ADDRESS, f->port))
			return false;
		if (type == LLDP_TLV_TTL)
			f->ttl_s = bytes_be16(&tlv);
		if (!bytes_ok(&tlv))
			return false;
	}
	return true;
}

int lldp_parse(const void *pdu, size_t len_bytes, struct msg_lldp *ret)
{
	struct bytes b = bytes_of(pdu, len_bytes);
	struct msg_lldp f = { 0 };
	bool named = false;

	if (!read_mandatory(&b, &f))
		return -EBADMSG;
	while (bytes_left(&b) > 0) {
		unsigned type;
		struct bytes tlv = next_tlv(&b, &type);

		if (!bytes_ok(&tlv))
			return -EBADMSG;
		if (type == LLDP_TLV_END)
			break; /* 9.2.7.7.1: what follows is ignored */
		if (type <= LLDP_TLV_TTL)
			return -EBADMSG; /* 9.2.7.7.2: a second mandatory TLV */
		if (type != LLDP_TLV_SYSTEM_NAME)
			continue;
		if (named || bytes_left(&tlv) > LLDP_ID_MAX_BYTES)
			return -EBADMSG; /* 8.5.6: at most one, up to 255 octets */
		named = true;
		text_printable(f.system, sizeof(f.system), tlv.at, bytes_left(&tlv));
	}
	*ret = f;
	return 0;
}
