#include "vhdcrypt/tpm_generation.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "vhdcrypt/kdf.h"
#include "vhdcrypt/tpm_nv_index.h"

#define NONE ESYS_TR_NONE

enum {
	/* TCG Registry of Reserved TPM 2.0 Handles, 2.2.2: the owner's range is 0x01800000 to
	 * 0x01bfffff; the 16 bits below are the object's, so that two disks do not meet */
	FIRST_INDEX = 0x01810000,
	VALUE_BYTES = 8,
};

static struct tpm_nv_index index_of(const uint8_t object_name[TPM_NAME_BYTES])
{
	/* the Name begins with the number of its hash */
	TPM2_HANDLE number = (TPM2_HANDLE)object_name[2] << 8 | object_name[3];

	return (struct tpm_nv_index){ .handle = FIRST_INDEX | number,
				      .attributes =
					      TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA,
				      .data_bytes = VALUE_BYTES };
}

static int value_of_auth(const struct secret *auth, TPM2B_AUTH *ret)
{
	if (auth->len_bytes != KDF_KEY_BYTES)
		return -EINVAL;
	*ret = (TPM2B_AUTH){ .size = KDF_KEY_BYTES };
	memcpy(ret->buffer, auth->bytes, KDF_KEY_BYTES);
	return 0;
}

static int find(struct tpm *tpm, const struct tpm_nv_index *want, const TPM2B_AUTH *auth,
		ESYS_TR *ret)
{
	int r = tpm_nv_index_find(tpm, want, ret);

	return r < 0 ? r : tpm_state_result(tpm, Esys_TR_SetAuth(tpm->esys, *ret, auth));
}

static int read_value(struct tpm *tpm, ESYS_TR nv, ESYS_TR session, uint64_t *ret)
{
	uint8_t raw[VALUE_BYTES];
	struct bytes be = bytes_of(raw, sizeof(raw));
	int r = tpm_nv_index_read(tpm, nv, session, raw, sizeof(raw));

	if (r == 0)
		*ret = bytes_be64(&be);
	else if (tpm_state_bare_rc(tpm->rc) == TPM2_RC_NV_UNINITIALIZED) { /* it broke off there */
		*ret = 0;
		r = 0;
	}
	return r;
}

int tpm_generation_read(struct tpm *tpm, const uint8_t object_name[TPM_NAME_BYTES],
			const struct secret *auth, uint64_t *ret)
{
	const struct tpm_nv_index want = index_of(object_name);
	ESYS_TR session = NONE, nv = NONE;
	TPM2B_AUTH value;
	int r = value_of_auth(auth, &value);

	if (r == 0)
		r = find(tpm, &want, &value, &nv);
	if (r == 0)
		r = tpm_state_session(tpm, TPM2_SE_HMAC, TPMA_SESSION_ENCRYPT, &session);
	if (r == 0)
		r = read_value(tpm, nv, session, ret);
	sodium_memzero(&value, sizeof(value));
	tpm_nv_index_close(tpm, &nv);
	tpm_state_flush(tpm, &session);
	return r;
}

int tpm_generation_write(struct tpm *tpm, const uint8_t object_name[TPM_NAME_BYTES],
			 const struct secret *auth, bool define, uint64_t generation)
{
	const struct tpm_nv_index want = index_of(object_name);
	TPM2B_MAX_NV_BUFFER data = { .size = VALUE_BYTES };
	ESYS_TR session = NONE, nv = NONE;
	TPM2B_AUTH value;
	int r = value_of_auth(auth, &value);

	for (unsigned i = 0; i < VALUE_BYTES; i++)
		data.buffer[i] = (uint8_t)(generation >> (8 * (VALUE_BYTES - 1 - i)));
	if (r == 0)
		r = tpm_state_session(tpm, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, &session);
	if (r == 0)
		r = define ? tpm_nv_index_define(tpm, &want, &value, session, &nv)
			   : find(tpm, &want, &value, &nv);
	if (r == 0)
		r = tpm_state_result(
			tpm, Esys_NV_Write(tpm->esys, nv, nv, session, NONE, NONE, &data, 0));
	sodium_memzero(&value, sizeof(value));
	tpm_nv_index_close(tpm, &nv);
	tpm_state_flush(tpm, &session);
	return r;
}
