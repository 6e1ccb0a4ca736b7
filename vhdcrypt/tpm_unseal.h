/* tpm_unseal.h - import a wrapped share into the TPM and have it released by PCRs and PIN.
 *
 * The object is imported anew each time, so that nothing on the laptop is ever rewritten. */
#ifndef VHDCRYPT_TPM_UNSEAL_H
#define VHDCRYPT_TPM_UNSEAL_H

#include <stdint.h>

#include "base/secret.h"
#include "vhdcrypt/tpm.h"

/* After tpm_srk_find(), whose Name the caller has checked. auth: TPM_AUTH_BYTES. *ret_share has
 * TPM_SHARE_BYTES. A PCR that changes between policy and release is tried again, a few times.
 * Errors as in tpm.h: -EKEYREJECTED wrong PIN (the TPM counted it), -EBUSY locked out, -EACCES
 * PCRs differ, -EBADMSG not wrapped for this TPM. */
int tpm_unseal(struct tpm *tpm, const struct tpm_object *object, uint32_t pcr_mask,
	       const struct secret *auth, struct secret *ret_share);

#endif
