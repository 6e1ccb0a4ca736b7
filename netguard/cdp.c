#include "netguard/cdp.h"

#include <errno.h>

#include "base/bytes.h"

#include "netguard/text.h"

enum cdp_tlv {
	CDP_TLV_DEVICE_ID = 1,
	CDP_TLV_PORT_ID = 3,
	CDP_TLV_PLATFORM = 6,
	CDP_TLV_VTP_DOMAIN = 9,
	CDP_TLV_NATIVE_VLAN = 10,
	CDP_TLV_HEAD_BYTES = 4, /* type and length, which counts itself */
};

static void take_text(char ret[MSG_NAME_BYTES], const struct bytes *value)
{
	text_printable(ret, MSG_NAME_BYTES, value->at, bytes_left(value));
}

static bool take_tlv(unsigned type, struct bytes *value, struct msg_cdp *f)
{
	switch (type) {
	case CDP_TLV_DEVICE_ID:
		take_text(f->device, value);
		return true;
	case CDP_TLV_PORT_ID:
		take_text(f->port, value);
		return true;
	case CDP_TLV_PLATFORM:
		take_text(f->platform, value);
		return true;
	case CDP_TLV_VTP_DOMAIN:
		take_text(f->vtp_domain, value);
		return true;
	case CDP_TLV_NATIVE_VLAN:
		f->native_vlan = bytes_be16(value);
		return bytes_ok(value);
	default:
		return true;
	}
}

int cdp_parse(const void *pdu, size_t len_bytes, struct msg_cdp *ret)
{
	struct bytes b = bytes_of(pdu, len_bytes);
	struct msg_cdp f = { 0 };
	unsigned version = bytes_u8(&b);

	f.hold_s = bytes_u8(&b);
	(void)bytes_be16(&b); /* checksum */
	if (!bytes_ok(&b) || version < 1 || version > 2 || bytes_left(&b) == 0)
		return -EBADMSG;
	while (bytes_left(&b) > 0) {
		unsigned type = bytes_be16(&b);
		unsigned tlv_bytes = bytes_be16(&b);
		struct bytes value;

		if (!bytes_ok(&b) || tlv_bytes < CDP_TLV_HEAD_BYTES)
			return -EBADMSG;
		value = bytes_sub(&b, tlv_bytes - CDP_TLV_HEAD_BYTES);
		if (!bytes_ok(&value) || !take_tlv(type, &value, &f))
			return -EBADMSG;
	}
	*ret = f;
	return 0;
}
