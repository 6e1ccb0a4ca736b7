#include "vhdcrypt/tpm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vhdcrypt/tpm_name.h"
#include "vhdcrypt/tpm_state.h"

#define NONE ESYS_TR_NONE

enum {
	SRK_HANDLE = 0x81000001, /* TCG TPM v2.0 Provisioning Guidance, 7.8 */
	RSRC_KEY = 1, /* in what Esys_TR_Serialize() writes: a key, then its public area */
};

TSS2_RC tpm_state_bare_rc(TSS2_RC rc)
{
	if (rc & TSS2_RC_LAYER_MASK)
		return rc;
	/* part 2, 6.6.2: format 1 keeps N and P above the six bits of the error */
	return rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc;
}

static int errno_of_tpm(TSS2_RC rc)
{
	switch (tpm_state_bare_rc(rc)) {
	case TPM2_RC_AUTH_FAIL:
	case TPM2_RC_BAD_AUTH:
		return -EKEYREJECTED;
	case TPM2_RC_LOCKOUT:
		return -EBUSY;
	case TPM2_RC_POLICY_FAIL:
		return -EACCES;
	case TPM2_RC_INTEGRITY:
	case TPM2_RC_ECC_POINT:
	case TPM2_RC_BINDING:
		return -EBADMSG;
	case TPM2_RC_PCR_CHANGED:
	case TPM2_RC_RETRY:
	case TPM2_RC_TESTING:
	case TPM2_RC_YIELDED:
	case TPM2_RC_NV_RATE:
	case TPM2_RC_NV_UNAVAILABLE:
		return -EAGAIN;
	case TPM2_RC_NV_UNINITIALIZED:
		return -ENODATA;
	case TPM2_RC_HANDLE:
		return -ENOENT;
	default:
		return -EIO;
	}
}

int tpm_state_result(struct tpm *tpm, TSS2_RC rc)
{
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;

	if (rc == TSS2_RC_SUCCESS)
		return 0;
	tpm->rc = rc;
	if (layer == TSS2_TCTI_RC_LAYER)
		return -ENODEV;
	if (layer == 0)
		return errno_of_tpm(rc);
	if ((rc & ~TSS2_RC_LAYER_MASK) == TSS2_BASE_RC_MEMORY)
		return -ENOMEM;
	/* ESAPI and SAPI complain: what came back does not fit what was sent */
	return -EPROTO;
}

int tpm_state_session(struct tpm *tpm, TPM2_SE type, TPMA_SESSION crypt, ESYS_TR *ret)
{
	static const TPMT_SYM_DEF aes = { .algorithm = TPM2_ALG_AES,
					  .keyBits.aes = 128,
					  .mode.aes = TPM2_ALG_CFB };
	ESYS_TR session = NONE;
	int r;

	if (tpm->srk == NONE)
		return -ENOENT;
	r = tpm_state_result(tpm,
			     Esys_StartAuthSession(tpm->esys, tpm->srk, NONE, NONE, NONE, NONE,
						   NULL, type, &aes, TPM2_ALG_SHA256, &session));
	if (r < 0)
		return r;
	r = tpm_state_result(
		tpm, Esys_TRSess_SetAttributes(tpm->esys, session,
					       (TPMA_SESSION)(crypt | TPMA_SESSION_CONTINUESESSION),
					       0xff));
	if (r < 0)
		tpm_state_flush(tpm, &session);
	else
		*ret = session;
	return r;
}

void tpm_state_flush(struct tpm *tpm, ESYS_TR *handle)
{
	/* nothing to do about a failure: it is a leftover in a TPM that answers badly */
	if (*handle != NONE && Esys_FlushContext(tpm->esys, *handle) != TSS2_RC_SUCCESS)
		(void)Esys_TR_Close(tpm->esys, handle);
	*handle = NONE;
}

int tpm_open(int fd, struct tpm **ret)
{
	struct tpm *tpm = calloc(1, sizeof(*tpm));
	int r;

	if (!tpm)
		return -ENOMEM;
	tpm->srk = NONE;
	tcti_init(&tpm->tcti, fd);
	r = tpm_state_result(tpm, Esys_Initialize(&tpm->esys, tcti_context(&tpm->tcti), NULL));
	if (r < 0) {
		free(tpm);
		return r;
	}
	*ret = tpm;
	return 0;
}

void tpm_close(struct tpm *tpm)
{
	if (!tpm)
		return;
	Esys_Finalize(&tpm->esys);
	free(tpm);
}

uint32_t tpm_rc(const struct tpm *tpm)
{
	return tpm->rc;
}

/* ESAPI keeps the public area and the Name as the TPM sent them and never compares the two: a
 * device between us and the TPM could pair its own key with the right Name. So we look at what
 * this handle really holds. Form: handle, TPM2B_NAME, kind, TPM2B_PUBLIC. */
static int check_held_key(struct tpm *tpm, ESYS_TR handle, struct tpm_srk *ret,
			  uint8_t ret_name[TPM_NAME_BYTES])
{
	uint8_t *held = NULL;
	size_t held_bytes = 0, name_bytes;
	const uint8_t *name;
	struct bytes raw;
	int r = tpm_state_result(tpm, Esys_TR_Serialize(tpm->esys, handle, &held, &held_bytes));

	if (r < 0)
		return r;
	raw = bytes_of(held, held_bytes);
	(void)bytes_be32(&raw);
	name_bytes = bytes_be16(&raw);
	name = bytes_take(&raw, name_bytes);
	if (!name || bytes_be32(&raw) != RSRC_KEY || tpm_public_srk_parse(raw, ret) < 0)
		r = -EOPNOTSUPP;
	else if (tpm_name_of(ret->public, ret->public_bytes, ret_name) < 0 ||
		 name_bytes != TPM_NAME_BYTES || memcmp(name, ret_name, TPM_NAME_BYTES) != 0)
		r = -EPROTO;
	Esys_Free(held);
	return r;
}

int tpm_srk_find(struct tpm *tpm, struct tpm_srk *ret, uint8_t ret_name[TPM_NAME_BYTES])
{
	ESYS_TR handle = NONE;
	int r;

	if (tpm->srk != NONE)
		(void)Esys_TR_Close(tpm->esys, &tpm->srk);
	tpm->srk = NONE;
	r = tpm_state_result(
		tpm, Esys_TR_FromTPMPublic(tpm->esys, SRK_HANDLE, NONE, NONE, NONE, &handle));
	if (r < 0)
		return r;
	r = check_held_key(tpm, handle, ret, ret_name);
	if (r < 0)
		(void)Esys_TR_Close(tpm->esys, &handle);
	else
		tpm->srk = handle;
	return r;
}

int tpm_srk_make(struct tpm *tpm)
{
	/* TCG EK Credential Profile / Provisioning Guidance, ECC P-256 storage template */
	static const TPM2B_PUBLIC template = {
		.publicArea = {
			.type = TPM2_ALG_ECC,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
					    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
					    TPMA_OBJECT_SENSITIVEDATAORIGIN |
					    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA,
			.parameters.eccDetail = { .symmetric = { .algorithm = TPM2_ALG_AES,
								 .keyBits.aes = 128,
								 .mode.aes = TPM2_ALG_CFB },
						  .scheme.scheme = TPM2_ALG_NULL,
						  .curveID = TPM2_ECC_NIST_P256,
						  .kdf.scheme = TPM2_ALG_NULL },
		},
	};
	static const TPM2B_SENSITIVE_CREATE no_sensitive;
	static const TPM2B_DATA no_info;
	static const TPML_PCR_SELECTION no_pcrs;
	ESYS_TR primary = NONE, kept = NONE;
	int r;

	r = tpm_state_result(tpm,
			     Esys_TR_FromTPMPublic(tpm->esys, SRK_HANDLE, NONE, NONE, NONE, &kept));
	if (r != -ENOENT)
		return r < 0 ? r : -EEXIST;
	r = tpm_state_result(tpm, Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
						     NONE, NONE, &no_sensitive, &template, &no_info,
						     &no_pcrs, &primary, NULL, NULL, NULL, NULL));
	if (r < 0)
		return r;
	r = tpm_state_result(tpm,
			     Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, primary,
					       ESYS_TR_PASSWORD, NONE, NONE, SRK_HANDLE, &kept));
	tpm_state_flush(tpm, &primary);
	if (r == 0)
		(void)Esys_TR_Close(tpm->esys, &kept);
	return r;
}

/* One TPM2_PCR_Read gives at most eight values; *mask loses those that came. */
static int read_some_pcrs(struct tpm *tpm, uint32_t *mask, uint8_t ret[][TPM_DIGEST_BYTES])
{
	TPML_PCR_SELECTION want = { .count = 1,
				    .pcrSelections[0] = { .hash = TPM2_ALG_SHA256,
							  .sizeofSelect = TPM_N_PCRS / 8 } };
	TPML_PCR_SELECTION *got = NULL;
	TPML_DIGEST *values = NULL;
	uint32_t came = 0, n = 0;
	int r;

	for (unsigned i = 0; i < TPM_N_PCRS / 8; i++)
		want.pcrSelections[0].pcrSelect[i] = (uint8_t)(*mask >> (8 * i));
	r = tpm_state_result(
		tpm, Esys_PCR_Read(tpm->esys, NONE, NONE, NONE, &want, NULL, &got, &values));
	if (r < 0)
		return r;
	if (got->count == 1 && got->pcrSelections[0].hash == TPM2_ALG_SHA256 &&
	    got->pcrSelections[0].sizeofSelect == TPM_N_PCRS / 8)
		for (unsigned i = 0; i < TPM_N_PCRS / 8; i++)
			came |= (uint32_t)got->pcrSelections[0].pcrSelect[i] << (8 * i);
	for (unsigned pcr = 0; pcr < TPM_N_PCRS && r == 0; pcr++) {
		if (!(came >> pcr & 1))
			continue;
		if (n >= values->count || values->digests[n].size != TPM_DIGEST_BYTES)
			r = -EPROTO;
		else
			memcpy(ret[pcr], values->digests[n++].buffer, TPM_DIGEST_BYTES);
	}
	if (r == 0 && (came == 0 || came & ~*mask))
		r = -ENODATA;
	*mask &= ~came;
	Esys_Free(got);
	Esys_Free(values);
	return r;
}

int tpm_pcr_read(struct tpm *tpm, uint32_t pcr_mask, uint8_t ret[TPM_N_PCRS][TPM_DIGEST_BYTES])
{
	uint8_t value[TPM_N_PCRS][TPM_DIGEST_BYTES] = { 0 };
	uint32_t left = pcr_mask & ((UINT32_C(1) << TPM_N_PCRS) - 1);

	while (left != 0) {
		int r = read_some_pcrs(tpm, &left, value);

		if (r < 0)
			return r;
	}
	memcpy(ret, value, sizeof(value));
	return 0;
}

static int read_property(struct tpm *tpm, uint32_t property, uint32_t *ret)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	int r = tpm_state_result(tpm, Esys_GetCapability(tpm->esys, NONE, NONE, NONE,
							 TPM2_CAP_TPM_PROPERTIES, property, 1,
							 &more, &data));

	if (r < 0)
		return r;
	if (data->data.tpmProperties.count != 1 ||
	    data->data.tpmProperties.tpmProperty[0].property != property)
		r = -EPROTO;
	else
		*ret = data->data.tpmProperties.tpmProperty[0].value;
	Esys_Free(data);
	return r;
}

int tpm_lockout_read(struct tpm *tpm, struct tpm_lockout *ret)
{
	struct tpm_lockout l = { 0 };
	uint32_t permanent = 0;
	int r = read_property(tpm, TPM2_PT_PERMANENT, &permanent);

	if (r == 0)
		r = read_property(tpm, TPM2_PT_LOCKOUT_COUNTER, &l.n_failed);
	if (r == 0)
		r = read_property(tpm, TPM2_PT_MAX_AUTH_FAIL, &l.n_max);
	if (r == 0)
		r = read_property(tpm, TPM2_PT_LOCKOUT_INTERVAL, &l.recovery_s);
	if (r < 0)
		return r;
	l.locked = permanent & TPMA_PERMANENT_INLOCKOUT;
	*ret = l;
	return 0;
}

uint32_t tpm_lockout_left(const struct tpm_lockout *lockout)
{
	if (lockout->locked || lockout->n_failed >= lockout->n_max)
		return 0;
	return lockout->n_max - lockout->n_failed;
}

int tpm_shutdown(struct tpm *tpm)
{
	return tpm_state_result(tpm, Esys_Shutdown(tpm->esys, NONE, NONE, NONE, TPM2_SU_CLEAR));
}
