#include "policy/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/fields.h"
#include "policy/schema.h"

enum { KEY_TEXT_BYTES = 64, POINT_TEXT_BYTES = 96 };

struct raw_key {
	char text[KEY_TEXT_BYTES];
};

struct raw {
	char serial[SCHEMA_NUMBER_BYTES];
	char threshold[SCHEMA_NUMBER_BYTES];
	uint32_t n_root;
	uint32_t n_policy;
	uint32_t n_lease;
	uint32_t n_image;
	struct raw_key root[MINISIGN_KEYS_MAX];
	struct raw_key policy[MINISIGN_KEYS_MAX];
	struct raw_key lease[MINISIGN_KEYS_MAX];
	struct raw_key image[MINISIGN_KEYS_MAX];
	char beacon_root[KEY_TEXT_BYTES];
	char escrow[KEY_TEXT_BYTES];
	char approve[POINT_TEXT_BYTES];
};

static const cyaml_schema_value_t key_entry = SCHEMA_ENTRY_TEXT(KEY_TEXT_BYTES);

static const cyaml_schema_field_t top_fields[] = {
	SCHEMA_HEAD,
	SCHEMA_TEXT("serial", SCHEMA_MUST, struct raw, serial),
	SCHEMA_TEXT("threshold", SCHEMA_MUST, struct raw, threshold),
	SCHEMA_LIST("root", SCHEMA_MUST, struct raw, root, n_root, &key_entry, 1),
	SCHEMA_LIST("policy", SCHEMA_MUST, struct raw, policy, n_policy, &key_entry, 1),
	SCHEMA_LIST("lease", SCHEMA_MUST, struct raw, lease, n_lease, &key_entry, 1),
	SCHEMA_LIST("image", SCHEMA_MAY, struct raw, image, n_image, &key_entry, 1),
	SCHEMA_TEXT("beacon_root", SCHEMA_MUST, struct raw, beacon_root),
	SCHEMA_TEXT("escrow", SCHEMA_MAY, struct raw, escrow),
	SCHEMA_TEXT("approve", SCHEMA_MAY, struct raw, approve),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t top = { SCHEMA_TOP(struct raw, top_fields) };

static void read_keys(struct fields *f, const char *path, const struct raw_key *raw, uint32_t n,
		      struct minisign_key *ret)
{
	for (uint32_t i = 0; i < n; i++) {
		fields_require(f,
			       minisign_key_parse(raw[i].text, strlen(raw[i].text), &ret[i]) == 0,
			       path, (int)i, "not a minisign public key");
		if (fields_result(f) < 0)
			return;
		for (uint32_t j = 0; j < i; j++)
			fields_require(f, memcmp(&ret[i], &ret[j], sizeof(ret[i])) != 0, path,
				       (int)i, "named twice");
	}
}

static void read_key32(struct fields *f, const char *path, const char *text, uint8_t ret[32])
{
	fields_require(f, fields_base64(f, path, text, ret, 32) == 32, path, -1,
		       "not a key of 32 bytes");
}

int trust_parse(const char *text, size_t len_bytes, struct trust *ret,
		struct document_error *ret_error)
{
	OWNS_DOCUMENT struct document document = { 0 };
	const struct raw *raw;
	struct trust t = { 0 };
	struct fields f;
	int r = document_load(text, len_bytes, DOCUMENT_TRUST, &top, &document, ret_error);

	if (r < 0)
		return r;
	raw = document.data;
	f = fields_of(&document, ret_error);
	t.n_root = raw->n_root;
	t.n_policy = raw->n_policy;
	t.n_lease = raw->n_lease;
	t.n_image = raw->n_image;
	t.serial = fields_u64(&f, "serial", raw->serial, 1, INT64_MAX);
	t.threshold = (uint32_t)fields_u64(&f, "threshold", raw->threshold, 1, raw->n_root);
	read_keys(&f, "root", raw->root, raw->n_root, t.root);
	read_keys(&f, "policy", raw->policy, raw->n_policy, t.policy);
	read_keys(&f, "lease", raw->lease, raw->n_lease, t.lease);
	read_keys(&f, "image", raw->image, raw->n_image, t.image);
	read_key32(&f, "beacon_root", raw->beacon_root, t.beacon_root);
	t.has_escrow = raw->escrow[0] != '\0';
	if (t.has_escrow)
		read_key32(&f, "escrow", raw->escrow, t.escrow);
	t.has_approve = raw->approve[0] != '\0';
	if (t.has_approve) {
		size_t n = fields_base64(&f, "approve", raw->approve, t.approve, sizeof(t.approve));

		/* SEC 1, 2.3.3: 04 and both coordinates */
		fields_require(&f, n == sizeof(t.approve) && t.approve[0] == 0x04, "approve", -1,
			       "not an uncompressed point of P-256");
	}
	r = fields_result(&f);
	if (r == 0)
		*ret = t;
	return r;
}

static enum reason reason_of(int r)
{
	switch (r) {
	case 0:
		return REASON_OK;
	case -ENOKEY:
	case -EPERM:
		return REASON_DOC_SIGNER;
	default:
		return REASON_DOC_SIGNATURE;
	}
}

enum reason trust_check_self(const struct trust *trust, const struct trust *old, const char *text,
			     size_t len_bytes, const char *sig, size_t sig_bytes)
{
	enum reason reason = reason_of(minisign_verify_threshold(
		trust->root, trust->n_root, trust->threshold, text, len_bytes, sig, sig_bytes));

	if (reason != REASON_OK || !old)
		return reason;
	reason = reason_of(minisign_verify_threshold(old->root, old->n_root, old->threshold, text,
						     len_bytes, sig, sig_bytes));
	if (reason != REASON_OK)
		return reason;
	return trust->serial < old->serial ? REASON_DOC_SERIAL : REASON_OK;
}

enum reason trust_check(const struct trust *trust, enum document_kind kind, const void *data,
			size_t len_bytes, const char *sig, size_t sig_bytes,
			char ret_comment[MINISIGN_COMMENT_BYTES])
{
	switch (kind) {
	case DOCUMENT_POLICY:
	case DOCUMENT_DEVICE:
		return reason_of(minisign_verify(trust->policy, trust->n_policy, data, len_bytes,
						 sig, sig_bytes, NULL, ret_comment));
	case DOCUMENT_LEASE:
		return reason_of(minisign_verify(trust->lease, trust->n_lease, data, len_bytes, sig,
						 sig_bytes, NULL, ret_comment));
	case DOCUMENT_IMAGE:
		return reason_of(minisign_verify(trust->image, trust->n_image, data, len_bytes, sig,
						 sig_bytes, NULL, ret_comment));
	case DOCUMENT_CONFIG:
	case DOCUMENT_TRUST:
	case N_DOCUMENT_KINDS:
		break;
	}
	abort(); /* these are not signed by one key of the trust */
}
