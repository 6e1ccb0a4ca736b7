#include "netguard/eapol.h"

#include <errno.h>

#include "base/bytes.h"

#include "netguard/text.h"

enum eapol_type { /* 802.1X-2010 Table 11-3 */
		  EAPOL_EAP = 0,
		  EAPOL_MKA = 5,
		  EAPOL_ANNOUNCEMENT = 6,
		  EAPOL_ANNOUNCEMENT_SPECIFIC = 7,
};

enum eap { /* RFC 3748 4 and 5 */
	   EAP_HEAD_BYTES = 4,
	   EAP_REQUEST = 1,
	   EAP_RESPONSE = 2,
	   EAP_SUCCESS = 3,
	   EAP_FAILURE = 4,
	   EAP_INITIATE = 5, /* RFC 6696 5.3.1 */
	   EAP_FINISH = 6,
	   EAP_TYPE_IDENTITY = 1,
};

static int read_eap(struct bytes *b, struct msg_eapol *f)
{
	unsigned len_bytes;
	struct bytes data;

	f->eap_code = bytes_u8(b);
	(void)bytes_u8(b); /* identifier */
	len_bytes = bytes_be16(b);
	if (!bytes_ok(b) || len_bytes < EAP_HEAD_BYTES || f->eap_code < EAP_REQUEST ||
	    f->eap_code > EAP_FINISH)
		return -EBADMSG;
	data = bytes_sub(b, len_bytes - EAP_HEAD_BYTES);
	if (f->eap_code == EAP_REQUEST || f->eap_code == EAP_RESPONSE)
		f->eap_type = bytes_u8(&data);
	if (!bytes_ok(&data))
		return -EBADMSG;
	if (f->eap_code == EAP_REQUEST && f->eap_type == EAP_TYPE_IDENTITY)
		text_printable(f->identity, sizeof(f->identity), data.at, bytes_left(&data));
	return 0;
}

int eapol_parse(const void *pdu, size_t len_bytes, struct msg_eapol *ret)
{
	struct bytes b = bytes_of(pdu, len_bytes);
	struct msg_eapol f = { 0 };
	struct bytes body;

	(void)bytes_u8(&b); /* version: 11.3.1 has receivers read later ones, too */
	f.packet_type = bytes_u8(&b);
	body = bytes_sub(&b, bytes_be16(&b));
	if (!bytes_ok(&body) || (f.packet_type == EAPOL_EAP && read_eap(&body, &f) < 0))
		return -EBADMSG;
	*ret = f;
	return 0;
}

bool eapol_is_network(const struct msg_eapol *eapol, const char **ret_what)
{
	switch (eapol->packet_type) {
	case EAPOL_MKA:
		*ret_what = "MACsec key agreement";
		return true;
	case EAPOL_ANNOUNCEMENT:
	case EAPOL_ANNOUNCEMENT_SPECIFIC:
		*ret_what = "announcement";
		return true;
	case EAPOL_EAP:
		*ret_what = eapol->eap_code == EAP_REQUEST ? "request" : "result";
		return eapol->eap_code == EAP_REQUEST || eapol->eap_code == EAP_SUCCESS ||
		       eapol->eap_code == EAP_FAILURE || eapol->eap_code == EAP_FINISH;
	default:
		return false;
	}
}
