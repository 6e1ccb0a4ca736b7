#include "vhdcrypt/tpm_public.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Part 2, 6.3 (algorithms), 6.4 (curves), 8.3 (attributes) */
enum {
	ALG_AES = 0x0006,
	ALG_KEYEDHASH = 0x0008,
	ALG_SHA256 = 0x000b,
	ALG_NULL = 0x0010,
	ALG_ECC = 0x0023,
	ALG_CFB = 0x0043,
	CURVE_P256 = 0x0003,
	ATTR_FIXED_TPM = 1 << 1,
	ATTR_FIXED_PARENT = 1 << 4,
	ATTR_SENSITIVE_ORIGIN = 1 << 5,
	ATTR_RESTRICTED = 1 << 16,
	ATTR_DECRYPT = 1 << 17,
	ATTR_SIGN = 1 << 18,
};

static_assert(TPM_OBJECT_PUBLIC_BYTES == 2 + TPM_OBJECT_AREA_BYTES, "TPM2B_PUBLIC");
static_assert(TPM_OBJECT_DUPLICATE_BYTES == 2 + 2 + TPM_DIGEST_BYTES + TPM_SENSITIVE_BYTES,
	      "TPM2B_PRIVATE");

static uint8_t *put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value & 0xffff);
}

/* TPM2B of n bytes */
static uint8_t *put_sized(uint8_t *at, const void *data, size_t n)
{
	at = put16(at, (unsigned)n);
	memcpy(at, data, n);
	return at + n;
}

static bool srk_attributes_ok(uint32_t attributes)
{
	const uint32_t want = ATTR_FIXED_TPM | ATTR_FIXED_PARENT | ATTR_SENSITIVE_ORIGIN |
			      ATTR_RESTRICTED | ATTR_DECRYPT;

	return (attributes & (want | ATTR_SIGN)) == want;
}

/* A coordinate comes without its leading zeros from some TPMs. */
static bool take_coordinate(struct bytes *area, uint8_t ret[TPM_POINT_BYTES])
{
	size_t n = bytes_be16(area);

	memset(ret, 0, TPM_POINT_BYTES);
	if (n == 0 || n > TPM_POINT_BYTES)
		return false;
	bytes_copy(area, ret + TPM_POINT_BYTES - n, n);
	return bytes_ok(area);
}

int tpm_public_srk_parse(struct bytes raw, struct tpm_srk *ret)
{
	struct bytes whole = raw;
	struct tpm_srk srk = { .public_bytes = bytes_left(&raw) };
	size_t area_bytes = bytes_be16(&raw);
	bool ok;

	if (srk.public_bytes > sizeof(srk.public) || area_bytes != bytes_left(&raw))
		return -EBADMSG;
	ok = bytes_be16(&raw) == ALG_ECC && bytes_be16(&raw) == ALG_SHA256;
	ok = ok && srk_attributes_ok(bytes_be32(&raw));
	ok = ok && bytes_be16(&raw) == 0; /* no policy: its empty value opens it as a parent */
	ok = ok && bytes_be16(&raw) == ALG_AES && bytes_be16(&raw) == 128 &&
	     bytes_be16(&raw) == ALG_CFB;
	ok = ok && bytes_be16(&raw) == ALG_NULL && bytes_be16(&raw) == CURVE_P256 &&
	     bytes_be16(&raw) == ALG_NULL;
	ok = ok && take_coordinate(&raw, srk.x) && take_coordinate(&raw, srk.y);
	if (!ok || !bytes_ok(&raw) || bytes_left(&raw) != 0)
		return -EBADMSG;
	bytes_copy(&whole, srk.public, srk.public_bytes);
	*ret = srk;
	return 0;
}

void tpm_public_object_build(const uint8_t policy[TPM_DIGEST_BYTES],
			     const uint8_t unique[TPM_DIGEST_BYTES],
			     uint8_t ret[TPM_OBJECT_PUBLIC_BYTES])
{
	uint8_t *at = put16(ret, TPM_OBJECT_AREA_BYTES);

	at = put16(at, ALG_KEYEDHASH);
	at = put16(at, ALG_SHA256);
	at = put32(at, 0); /* neither userWithAuth nor noDA nor a way out by duplication */
	at = put_sized(at, policy, TPM_DIGEST_BYTES);
	at = put16(at, ALG_NULL);
	at = put_sized(at, unique, TPM_DIGEST_BYTES);
	assert(at == ret + TPM_OBJECT_PUBLIC_BYTES);
}

void tpm_public_sensitive_build(const uint8_t auth[TPM_AUTH_BYTES],
				const uint8_t seed[TPM_DIGEST_BYTES],
				const uint8_t share[TPM_SHARE_BYTES],
				uint8_t ret[TPM_SENSITIVE_BYTES])
{
	uint8_t *at = put16(ret, TPM_SENSITIVE_BYTES - 2);

	at = put16(at, ALG_KEYEDHASH);
	at = put_sized(at, auth, TPM_AUTH_BYTES);
	at = put_sized(at, seed, TPM_DIGEST_BYTES);
	at = put_sized(at, share, TPM_SHARE_BYTES);
	assert(at == ret + TPM_SENSITIVE_BYTES);
}

void tpm_public_selection_build(uint32_t pcr_mask, uint8_t ret[TPM_PCR_SELECTION_BYTES])
{
	uint8_t *at = put32(ret, 1); /* one bank */

	at = put16(at, ALG_SHA256);
	*at++ = TPM_N_PCRS / 8;
	for (unsigned i = 0; i < TPM_N_PCRS / 8; i++)
		*at++ = (uint8_t)(pcr_mask >> (8 * i));
}
