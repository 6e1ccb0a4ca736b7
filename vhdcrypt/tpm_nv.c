#include "vhdcrypt/tpm_nv.h"

#include <errno.h>
#include <string.h>

#include "vhdcrypt/tpm_state.h"

#define NONE ESYS_TR_NONE

#define NV_COMMON (TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_OWNERREAD | TPMA_NV_NO_DA)

struct nv_index {
	TPM2_HANDLE handle;
	TPMA_NV attributes;
	uint16_t data_bytes;
};

static const struct nv_index extend_index = {
	.handle = TPM_NV_EXTEND_INDEX,
	.attributes = NV_COMMON | (TPMA_NV)TPM2_NT_EXTEND << TPMA_NV_TPM2_NT_SHIFT,
	.data_bytes = TPM_DIGEST_BYTES,
};
static const struct nv_index counter_index = {
	.handle = TPM_NV_COUNTER_INDEX,
	.attributes = NV_COMMON | (TPMA_NV)TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT,
	.data_bytes = 8,
};

static int check_index(struct tpm *tpm, ESYS_TR nv, const struct nv_index *want)
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

static int find_index(struct tpm *tpm, const struct nv_index *want, ESYS_TR *ret)
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

static int find_or_define(struct tpm *tpm, const struct nv_index *want, ESYS_TR *ret)
{
	static const TPM2B_AUTH no_auth;
	TPM2B_NV_PUBLIC public = { .nvPublic = { .nvIndex = want->handle,
						 .nameAlg = TPM2_ALG_SHA256,
						 .attributes = want->attributes,
						 .dataSize = want->data_bytes } };
	int r = find_index(tpm, want, ret);

	if (r != -ENOENT)
		return r;
	return tpm_state_result(tpm,
				Esys_NV_DefineSpace(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
						    NONE, NONE, &no_auth, &public, ret));
}

static int read_index(struct tpm *tpm, ESYS_TR nv, ESYS_TR session, void *ret, uint16_t n)
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

static int read_anchor(struct tpm *tpm, ESYS_TR extend, ESYS_TR counter, ESYS_TR session,
		       struct tpm_nv_anchor *ret)
{
	struct tpm_nv_anchor anchor = { 0 };
	uint8_t raw[8];
	struct bytes be = bytes_of(raw, sizeof(raw));
	int r = read_index(tpm, extend, session, anchor.extended, sizeof(anchor.extended));

	if (r == 0)
		r = read_index(tpm, counter, session, raw, sizeof(raw));
	if (r < 0)
		return r;
	anchor.counter = bytes_be64(&be);
	*ret = anchor;
	return 0;
}

static void close_index(struct tpm *tpm, ESYS_TR *nv)
{
	if (*nv != NONE)
		(void)Esys_TR_Close(tpm->esys, nv);
}

/* The session's HMAC protects what goes to the TPM and what comes back; nothing is secret. */
int tpm_nv_checkpoint(struct tpm *tpm, const uint8_t head[TPM_DIGEST_BYTES],
		      struct tpm_nv_anchor *ret)
{
	TPM2B_MAX_NV_BUFFER data = { .size = TPM_DIGEST_BYTES };
	ESYS_TR session = NONE, extend = NONE, counter = NONE;
	int r = tpm_state_session(tpm, TPM2_SE_HMAC, 0, &session);

	memcpy(data.buffer, head, TPM_DIGEST_BYTES);
	if (r == 0)
		r = find_or_define(tpm, &extend_index, &extend);
	if (r == 0)
		r = find_or_define(tpm, &counter_index, &counter);
	if (r == 0)
		r = tpm_state_result(
			tpm, Esys_NV_Extend(tpm->esys, extend, extend, session, NONE, NONE, &data));
	if (r == 0)
		r = tpm_state_result(
			tpm, Esys_NV_Increment(tpm->esys, counter, counter, session, NONE, NONE));
	if (r == 0)
		r = read_anchor(tpm, extend, counter, session, ret);
	close_index(tpm, &extend);
	close_index(tpm, &counter);
	tpm_state_flush(tpm, &session);
	return r;
}

int tpm_nv_anchor(struct tpm *tpm, struct tpm_nv_anchor *ret)
{
	ESYS_TR session = NONE, extend = NONE, counter = NONE;
	int r = tpm_state_session(tpm, TPM2_SE_HMAC, 0, &session);

	if (r < 0)
		return r;
	r = find_index(tpm, &extend_index, &extend);
	if (r == 0)
		r = find_index(tpm, &counter_index, &counter);
	if (r == 0)
		r = read_anchor(tpm, extend, counter, session, ret);
	close_index(tpm, &extend);
	close_index(tpm, &counter);
	tpm_state_flush(tpm, &session);
	return r == -ENOENT ? -ENODATA : r;
}
