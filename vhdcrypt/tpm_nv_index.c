#include "vhdcrypt/tpm_nv_index.h"

#include <errno.h>
#include <string.h>

#define NONE ESYS_TR_NONE

static int check_index(struct tpm *tpm, ESYS_TR nv, const struct tpm_nv_index *want)
{
	TPM2B_NV_PUBLIC *public = NULL;
	int r = tpm_state_result(
		tpm, Esys_NV_ReadPublic(tpm->esys, nv, NONE, NONE, NONE, &public, NULL));

	if (r < 0)
		return r;
	if ((public->nvPublic.attributes & ~(TPMA_NV)TPMA_NV_WRITTEN) != want->attributes ||
	    public->nvPublic.dataSize != want->data_bytes ||
	    public->nvPublic.nameAlg != TPM2_ALG_SHA256)
		r = -EEXIST;
	Esys_Free(public);
	return r;
}

int tpm_nv_index_find(struct tpm *tpm, const struct tpm_nv_index *want, ESYS_TR *ret)
{
	ESYS_TR nv = NONE;
	int r = tpm_state_result(
		tpm, Esys_TR_FromTPMPublic(tpm->esys, want->handle, NONE, NONE, NONE, &nv));

	if (r < 0)
		return r;
	r = check_index(tpm, nv, want);
	if (r < 0)
		(void)Esys_TR_Close(tpm->esys, &nv);
	else
		*ret = nv;
	return r;
}

int tpm_nv_index_define(struct tpm *tpm, const struct tpm_nv_index *want, const TPM2B_AUTH *auth,
			ESYS_TR session, ESYS_TR *ret)
{
	TPM2B_NV_PUBLIC public = { .nvPublic = { .nvIndex = want->handle,
						 .nameAlg = TPM2_ALG_SHA256,
						 .attributes = want->attributes,
						 .dataSize = want->data_bytes } };

	return tpm_state_result(tpm, Esys_NV_DefineSpace(tpm->esys, ESYS_TR_RH_OWNER, session, NONE,
							 NONE, auth, &public, ret));
}

int tpm_nv_index_read(struct tpm *tpm, ESYS_TR nv, ESYS_TR session, void *ret, uint16_t n)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	int r = tpm_state_result(tpm,
				 Esys_NV_Read(tpm->esys, nv, nv, session, NONE, NONE, n, 0, &data));

	if (r < 0)
		return r;
	if (data->size == n)
		memcpy(ret, data->buffer, n);
	else
		r = -EPROTO;
	Esys_Free(data);
	return r;
}

void tpm_nv_index_close(struct tpm *tpm, ESYS_TR *nv)
{
	if (*nv != NONE)
		(void)Esys_TR_Close(tpm->esys, nv);
}
