#include "vhdcrypt/tpm_nv.h"

#include <errno.h>
#include <string.h>

#include "vhdcrypt/tpm_nv_index.h"

#define NONE ESYS_TR_NONE

#define NV_COMMON (TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_OWNERREAD | TPMA_NV_NO_DA)

static const struct tpm_nv_index extend_index = {
	.handle = TPM_NV_EXTEND_INDEX,
	.attributes = NV_COMMON | (TPMA_NV)TPM2_NT_EXTEND << TPMA_NV_TPM2_NT_SHIFT,
	.data_bytes = TPM_DIGEST_BYTES,
};
static const struct tpm_nv_index counter_index = {
	.handle = TPM_NV_COUNTER_INDEX,
	.attributes = NV_COMMON | (TPMA_NV)TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT,
	.data_bytes = 8,
};

static int find_or_define(struct tpm *tpm, const struct tpm_nv_index *want, ESYS_TR *ret)
{
	static const TPM2B_AUTH no_auth;
	int r = tpm_nv_index_find(tpm, want, ret);

	return r == -ENOENT ? tpm_nv_index_define(tpm, want, &no_auth, ESYS_TR_PASSWORD, ret) : r;
}

static int read_anchor(struct tpm *tpm, ESYS_TR extend, ESYS_TR counter, ESYS_TR session,
		       struct tpm_nv_anchor *ret)
{
	struct tpm_nv_anchor anchor = { 0 };
	uint8_t raw[8];
	struct bytes be = bytes_of(raw, sizeof(raw));
	int r = tpm_nv_index_read(tpm, extend, session, anchor.extended, sizeof(anchor.extended));

	if (r == 0)
		r = tpm_nv_index_read(tpm, counter, session, raw, sizeof(raw));
	if (r < 0)
		return r;
	anchor.counter = bytes_be64(&be);
	*ret = anchor;
	return 0;
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
	tpm_nv_index_close(tpm, &extend);
	tpm_nv_index_close(tpm, &counter);
	tpm_state_flush(tpm, &session);
	return r;
}

int tpm_nv_anchor(struct tpm *tpm, struct tpm_nv_anchor *ret)
{
	ESYS_TR session = NONE, extend = NONE, counter = NONE;
	int r = tpm_state_session(tpm, TPM2_SE_HMAC, 0, &session);

	if (r < 0)
		return r;
	r = tpm_nv_index_find(tpm, &extend_index, &extend);
	if (r == 0)
		r = tpm_nv_index_find(tpm, &counter_index, &counter);
	if (r == 0)
		r = read_anchor(tpm, extend, counter, session, ret);
	tpm_nv_index_close(tpm, &extend);
	tpm_nv_index_close(tpm, &counter);
	tpm_state_flush(tpm, &session);
	return r == -ENOENT ? -ENODATA : r;
}
