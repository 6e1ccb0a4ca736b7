/* tpm_nv.h - the audit log's anchor in the TPM: one index only extends, one only counts.
 *
 * Neither can go back: the counter keeps its height even when someone defines it anew, so a
 * shorter history replayed into a new extend index has the wrong count.
 * The indices are defined on first use, under the empty authorisation of the owner. */
#ifndef VHDCRYPT_TPM_NV_H
#define VHDCRYPT_TPM_NV_H

#include <stdint.h>

#include "vhdcrypt/tpm.h"

enum {
	TPM_NV_EXTEND_INDEX = 0x01500b10,
	TPM_NV_COUNTER_INDEX = 0x01500b11,
};

struct tpm_nv_anchor {
	uint64_t counter;
	uint8_t extended[TPM_DIGEST_BYTES]; /* SHA-256(extended before || head), from 32 zeros */
};

/* After tpm_srk_find(). Extend by head, then count; defines what is not there.
 * Errors as in tpm.h; also -EEXIST: an index of that number but another kind is there. */
int tpm_nv_checkpoint(struct tpm *tpm, const uint8_t head[TPM_DIGEST_BYTES],
		      struct tpm_nv_anchor *ret);

/* After tpm_srk_find(). -ENODATA: there has been no checkpoint. */
int tpm_nv_anchor(struct tpm *tpm, struct tpm_nv_anchor *ret);

#endif
