/* tpm_nv_index.h - one NV index of one form: find, define, read; shared by tpm_nv.c and
 * tpm_generation.c. */
#ifndef VHDCRYPT_TPM_NV_INDEX_H
#define VHDCRYPT_TPM_NV_INDEX_H

#include "vhdcrypt/tpm_state.h"

struct tpm_nv_index {
	TPM2_HANDLE handle;
	TPMA_NV attributes;
	uint16_t data_bytes;
};

/* -ENOENT; -EEXIST: an index of that number but another form is there. *ret is closed by
 * tpm_nv_index_close(). */
int tpm_nv_index_find(struct tpm *tpm, const struct tpm_nv_index *want, ESYS_TR *ret);

/* Under the owner's empty authorisation, itself authorised by auth from then on; session: that of the
 * owner, which encrypts auth, or ESYS_TR_PASSWORD. */
int tpm_nv_index_define(struct tpm *tpm, const struct tpm_nv_index *want, const TPM2B_AUTH *auth,
			ESYS_TR session, ESYS_TR *ret);

int tpm_nv_index_read(struct tpm *tpm, ESYS_TR nv, ESYS_TR session, void *ret, uint16_t n);

/* ESYS_TR_NONE is fine. */
void tpm_nv_index_close(struct tpm *tpm, ESYS_TR *nv);

#endif
