#include "vhdcrypt/tpm_unseal.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>
#include <tss2/tss2_mu.h>

#include "vhdcrypt/tpm_state.h"

#define NONE ESYS_TR_NONE

/* PCR 10 of an IMA kernel may move at any time; more than this is no coincidence. */
enum { PCR_CHANGED_TRIES = 8 };

/* import: session used as the parent's (empty) authorisation and for encryption both ways */
static int import_and_load(struct tpm *tpm, const struct tpm_object *object, ESYS_TR session,
			   ESYS_TR *ret)
{
	static const TPMT_SYM_DEF_OBJECT no_inner = { .algorithm = TPM2_ALG_NULL };
	static const TPM2B_DATA no_key;
	TPM2B_PUBLIC public = { 0 };
	TPM2B_PRIVATE duplicate = { 0 }, *private = NULL;
	TPM2B_ENCRYPTED_SECRET seed = { 0 };
	size_t a = 0, b = 0, c = 0;
	int r;

	if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(object->public, sizeof(object->public), &a, &public) ||
	    Tss2_MU_TPM2B_PRIVATE_Unmarshal(object->duplicate, sizeof(object->duplicate), &b,
					    &duplicate) ||
	    Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(object->seed, sizeof(object->seed), &c, &seed))
		return -EBADMSG;
	r = tpm_state_result(tpm, Esys_Import(tpm->esys, tpm->srk, session, NONE, NONE, &no_key,
					      &public, &duplicate, &seed, &no_inner, &private));
	if (r == -EIO)
		r = -EBADMSG; /* sizes and values that only a wrong or altered blob has */
	if (r < 0)
		return r;
	r = tpm_state_result(
		tpm, Esys_Load(tpm->esys, tpm->srk, session, NONE, NONE, private, &public, ret));
	Esys_Free(private);
	return r;
}

static int satisfy_policy(struct tpm *tpm, uint32_t pcr_mask, ESYS_TR policy)
{
	static const TPM2B_DIGEST whatever_it_is_now;
	TPML_PCR_SELECTION pcrs = { .count = 1,
				    .pcrSelections[0] = { .hash = TPM2_ALG_SHA256,
							  .sizeofSelect = TPM_N_PCRS / 8 } };
	int r;

	for (unsigned i = 0; i < TPM_N_PCRS / 8; i++)
		pcrs.pcrSelections[0].pcrSelect[i] = (uint8_t)(pcr_mask >> (8 * i));
	r = tpm_state_result(tpm, Esys_PolicyPCR(tpm->esys, policy, NONE, NONE, NONE,
						 &whatever_it_is_now, &pcrs));
	if (r < 0)
		return r;
	return tpm_state_result(tpm, Esys_PolicyAuthValue(tpm->esys, policy, NONE, NONE, NONE));
}

static int take_share(TPM2B_SENSITIVE_DATA *data, struct secret *ret)
{
	struct secret share = { 0 };
	int r = -EPROTO;

	if (data->size == TPM_SHARE_BYTES)
		r = secret_new(&share, TPM_SHARE_BYTES);
	if (r == 0) {
		memcpy(share.bytes, data->buffer, TPM_SHARE_BYTES);
		*ret = share;
	}
	sodium_memzero(data, sizeof(*data));
	return r;
}

static int unseal_once(struct tpm *tpm, ESYS_TR object, uint32_t pcr_mask, ESYS_TR session,
		       struct secret *ret_share)
{
	TPM2B_SENSITIVE_DATA *data = NULL;
	ESYS_TR policy = NONE;
	int r = tpm_state_session(tpm, TPM2_SE_POLICY, 0, &policy);

	if (r == 0)
		r = satisfy_policy(tpm, pcr_mask, policy);
	if (r == 0)
		r = tpm_state_result(tpm,
				     Esys_Unseal(tpm->esys, object, policy, session, NONE, &data));
	if (r == 0)
		r = take_share(data, ret_share);
	Esys_Free(data);
	tpm_state_flush(tpm, &policy);
	return r;
}

static int release(struct tpm *tpm, ESYS_TR object, uint32_t pcr_mask, const struct secret *auth,
		   ESYS_TR session, struct secret *ret_share)
{
	TPM2B_AUTH value = { .size = TPM_AUTH_BYTES };
	int r;

	memcpy(value.buffer, auth->bytes, TPM_AUTH_BYTES);
	r = tpm_state_result(tpm, Esys_TR_SetAuth(tpm->esys, object, &value));
	sodium_memzero(&value, sizeof(value));
	/* Unseal has no parameter to decrypt, only an answer to encrypt */
	if (r == 0)
		r = tpm_state_result(
			tpm, Esys_TRSess_SetAttributes(
				     tpm->esys, session,
				     TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION, 0xff));
	for (unsigned i = 0; r == 0 && i < PCR_CHANGED_TRIES; i++) {
		r = unseal_once(tpm, object, pcr_mask, session, ret_share);
		if (r == 0 || tpm_state_bare_rc(tpm->rc) != TPM2_RC_PCR_CHANGED)
			return r;
		r = 0;
	}
	return r < 0 ? r : -EAGAIN;
}

int tpm_unseal(struct tpm *tpm, const struct tpm_object *object, uint32_t pcr_mask,
	       const struct secret *auth, struct secret *ret_share)
{
	ESYS_TR session = NONE, loaded = NONE;
	int r;

	if (auth->len_bytes != TPM_AUTH_BYTES)
		return -EINVAL;
	r = tpm_state_session(tpm, TPM2_SE_HMAC, TPMA_SESSION_ENCRYPT | TPMA_SESSION_DECRYPT,
			      &session);
	if (r == 0)
		r = import_and_load(tpm, object, session, &loaded);
	if (r == 0)
		r = release(tpm, loaded, pcr_mask, auth, session, ret_share);
	tpm_state_flush(tpm, &loaded);
	tpm_state_flush(tpm, &session);
	return r;
}
