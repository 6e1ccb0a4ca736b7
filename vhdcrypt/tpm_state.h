/* tpm_state.h - what tpm.c, tpm_unseal.c and tpm_nv.c share; nobody else includes it. */
#ifndef VHDCRYPT_TPM_STATE_H
#define VHDCRYPT_TPM_STATE_H

#include <tss2/tss2_esys.h>

#include "vhdcrypt/tcti.h"
#include "vhdcrypt/tpm.h"

struct tpm {
	struct tcti tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR srk; /* ESYS_TR_NONE until tpm_srk_find() */
	TSS2_RC rc;
};

/* Remember rc and translate it as tpm.h says; 0 for success. */
int tpm_state_result(struct tpm *tpm, TSS2_RC rc);

/* rc without the number of the handle, parameter or session that it is about. */
TSS2_RC tpm_state_bare_rc(TSS2_RC rc);

/* A session salted to the storage root key, -ENOENT without one. type: TPM2_SE_HMAC or _POLICY;
 * crypt: TPMA_SESSION_ENCRYPT, _DECRYPT, both or 0. Ends by tpm_state_flush(). */
int tpm_state_session(struct tpm *tpm, TPM2_SE type, TPMA_SESSION crypt, ESYS_TR *ret);

/* Forget a session or loaded object in the TPM; ESYS_TR_NONE is fine. */
void tpm_state_flush(struct tpm *tpm, ESYS_TR *handle);

#endif
