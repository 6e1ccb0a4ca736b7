#include "base/reason.h"

#include <stdlib.h>

#include "base/util.h"

struct row {
	const char *code;
	const char *text;
	int exit_status;
};

enum { DONE = 0, FAILED = 1, USAGE = 2, REFUSED = 3, DAMAGED = 4 };

static const struct row rows[] = {
	[REASON_OK] = { "ok", "done", DONE },
	[REASON_DOC_SYNTAX] = { "doc-syntax", "the document is not well formed", DAMAGED },
	[REASON_DOC_SIGNATURE] = { "doc-signature", "the signature does not fit the document",
				   REFUSED },
	[REASON_DOC_SIGNER] = { "doc-signer", "the signing key may not sign this", REFUSED },
	[REASON_DOC_SERIAL] = { "doc-serial", "its serial is lower than one already accepted",
				REFUSED },
	[REASON_DOC_EXPIRED] = { "doc-expired", "it has expired", REFUSED },
	[REASON_DOC_FUTURE] = { "doc-future", "it was issued in the future; check the clock",
				REFUSED },
	[REASON_DOC_MISSING] = { "doc-missing", "the document is not there", REFUSED },
	[REASON_NET_UNKNOWN] = { "net-unknown", "the network is not yet known", REFUSED },
	[REASON_NET_SUSPECT] = { "net-suspect", "a corporate sign was seen and not proven",
				 REFUSED },
	[REASON_NET_CORPORATE] = { "net-corporate", "the network is the company's", REFUSED },
	[REASON_NET_OTHER_UPLINK] = { "net-other-uplink",
				      "another uplink is, or may be, on the company's network",
				      REFUSED },
	[REASON_NET_FOREIGN] = { "net-foreign", "the network is not the company's", REFUSED },
	[REASON_NET_POLICY] = { "net-policy", "the policy keeps this closed", REFUSED },
	[REASON_NET_ASK] = { "net-ask", "nobody has said yes to this network", REFUSED },
	[REASON_NET_NOT_ENROLLED] = { "net-not-enrolled", "only enrolled homes are open", REFUSED },
	[REASON_HOME_SIGN] = { "home-sign", "a corporate sign was heard on this link", REFUSED },
	[REASON_HOME_FULL] = { "home-full", "there are as many homes as there can be", REFUSED },
	[REASON_HOME_EXISTS] = { "home-exists", "it is a home already", FAILED },
	[REASON_HOME_UNKNOWN] = { "home-unknown", "there is no such home", FAILED },
	[REASON_NET_NO_UPLINK] = { "net-no-uplink", "no uplink is connected", REFUSED },
	[REASON_NET_NO_AUDIT] = { "net-no-audit", "the audit log cannot be written", REFUSED },
	[REASON_BEACON_FORMAT] = { "beacon-format", "the beacon's message is malformed", DAMAGED },
	[REASON_BEACON_SIGNATURE] = { "beacon-signature", "the beacon's signature is wrong",
				      REFUSED },
	[REASON_BEACON_CERTIFICATE] = { "beacon-certificate",
					"the site certificate is not valid now or not ours",
					REFUSED },
	[REASON_BEACON_EPOCH] = { "beacon-epoch",
				  "the site certificate was replaced by a newer one", REFUSED },
	[REASON_BEACON_NONCE] = { "beacon-nonce", "the reply answers another probe", REFUSED },
	[REASON_BEACON_OBSERVED] = { "beacon-observed",
				     "the beacon saw another sender than this laptop", REFUSED },
	[REASON_BEACON_LIFETIME] = { "beacon-lifetime", "the reply is too old or too long-lived",
				     REFUSED },
	[REASON_BEACON_TIMEOUT] = { "beacon-timeout", "no beacon answered", REFUSED },
	[REASON_BEACON_CLASS] = { "beacon-class",
				  "the site certificate is for another kind of uplink", REFUSED },
	[REASON_TLS_CONNECT] = { "tls-connect", "the TLS server cannot be reached by this uplink",
				 REFUSED },
	[REASON_TLS_HANDSHAKE] = { "tls-handshake", "the server does not complete TLS 1.3",
				   REFUSED },
	[REASON_TLS_EXPIRED] = { "tls-expired", "the server's certificate is not valid now",
				 REFUSED },
	[REASON_TLS_PIN] = { "tls-pin", "the server's key is not the pinned one", REFUSED },
	[REASON_LEASE_EXPIRED] = { "lease-expired", "the lease has expired", REFUSED },
	[REASON_LEASE_DISK] = { "lease-disk", "the lease is for another disk", REFUSED },
	[REASON_LEASE_DEVICE] = { "lease-device", "the lease is for another device", REFUSED },
	[REASON_DISK_UNKNOWN] = { "disk-unknown", "there is no such disk", REFUSED },
	[REASON_DISK_BUSY] = { "disk-busy", "the disk is in use", FAILED },
	[REASON_DISK_LOCKED] = { "disk-locked", "the disk is locked", REFUSED },
	[REASON_TPM_OTHER] = { "tpm-other", "this is not the TPM it was checked out to", REFUSED },
	[REASON_TPM_PCR] = { "tpm-pcr", "the machine booted something else than was approved",
			     REFUSED },
	[REASON_TPM_BLANK_PCR] = { "tpm-blank-pcr", "a PCR that must be measured is blank",
				   REFUSED },
	[REASON_TPM_LOCKOUT] = { "tpm-lockout", "the TPM is locked out after wrong PINs", REFUSED },
	[REASON_TPM_ERROR] = { "tpm-error", "the TPM answered with an error", FAILED },
	[REASON_PIN_WRONG] = { "pin-wrong", "the PIN is wrong", REFUSED },
	[REASON_HEADER_SHAPE] = { "header-shape",
				  "the LUKS2 header is not of the one accepted shape", DAMAGED },
	[REASON_HEADER_SEAL] = { "header-seal", "the header's seal is broken", DAMAGED },
	[REASON_HEADER_DISK] = { "header-disk", "the header belongs to another disk", DAMAGED },
	[REASON_KEY_FINGERPRINT] = { "key-fingerprint", "the volume key is not the one leased",
				     DAMAGED },
	[REASON_IMAGE] = { "image", "the image is damaged or not the one named", DAMAGED },
	[REASON_LAYERS] = { "layers", "the record of its local layers is not the last one",
			    DAMAGED },
	[REASON_PLAIN] = { "plain", "the policy does not allow this image to be plain", REFUSED },
	[REASON_WORK_FAILED] = { "work-failed", "it did not come to its end", FAILED },
	[REASON_NOT_ROOT] = { "not-root", "only root may do this", REFUSED },
	[REASON_REQUEST] = { "request", "the request makes no sense", USAGE },
	[REASON_BUSY] = { "busy", "as many are served as can be; try again later", FAILED },
	[REASON_INTERNAL] = { "internal", "a part of bulkheadd is missing; see its log", FAILED },
};

static const struct row *row_of(enum reason reason)
{
	if ((size_t)reason >= ARRAY_LEN(rows) || !rows[reason].code)
		abort(); /* caller passed a value that is not an enum reason */
	return &rows[reason];
}

const char *reason_code(enum reason reason)
{
	return row_of(reason)->code;
}

const char *reason_text(enum reason reason)
{
	return row_of(reason)->text;
}

int reason_exit_status(enum reason reason)
{
	return row_of(reason)->exit_status;
}
