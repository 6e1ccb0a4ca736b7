/* trust.h - whom this laptop believes: the keys of roots, policies, leases and beacons.
 *
 * trust.yaml belongs to root and is the local root of trust: on a first install nothing stands
 * above it. Its signature by `threshold` of its own roots shows that it is whole and that the
 * roots exist; a *successor* must be signed so by the roots of the one it replaces too. */
#ifndef POLICY_TRUST_H
#define POLICY_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"
#include "policy/document.h"
#include "policy/minisign.h"

struct trust {
	uint64_t serial;
	uint32_t threshold;
	uint32_t n_root;
	uint32_t n_policy;
	uint32_t n_lease;
	uint32_t n_image; /* 0: what the lease names needs no other word */
	struct minisign_key root[MINISIGN_KEYS_MAX];
	struct minisign_key policy[MINISIGN_KEYS_MAX]; /* sign policy and device */
	struct minisign_key lease[MINISIGN_KEYS_MAX];
	struct minisign_key image[MINISIGN_KEYS_MAX];
	uint8_t beacon_root[32]; /* Ed25519 */
	bool has_escrow;
	uint8_t escrow[32]; /* X25519 */
	bool has_approve;
	uint8_t approve[65]; /* ECDSA P-256, uncompressed point */
};

/* Parse verified (or, at first install, root's own) text. -EBADMSG with *ret_error; -ENOMEM. */
int trust_parse(const char *text, size_t len_bytes, struct trust *ret,
		struct document_error *ret_error);

/* May this text stand as trust.yaml? Signed by enough of its own roots and, where `old` is
 * not NULL, by enough of the old ones and not older. REASON_OK, REASON_DOC_SIGNATURE,
 * REASON_DOC_SIGNER, REASON_DOC_SERIAL. */
enum reason trust_check_self(const struct trust *trust, const struct trust *old, const char *text,
			     size_t len_bytes, const char *sig, size_t sig_bytes);

/* Is sig a signature over data by a key that may sign documents of this kind? ret_comment may be
 * NULL. REASON_OK; REASON_DOC_SIGNATURE none, malformed, or not over these bytes;
 * REASON_DOC_SIGNER by a key that may not sign this. DOCUMENT_CONFIG and DOCUMENT_TRUST abort. */
enum reason trust_check(const struct trust *trust, enum document_kind kind, const void *data,
			size_t len_bytes, const char *sig, size_t sig_bytes,
			char ret_comment[MINISIGN_COMMENT_BYTES]);

#endif
