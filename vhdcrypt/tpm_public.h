/* tpm_public.h - the byte forms of the two TPM objects we know: storage root key and sealed share.
 *
 * Pure: values in, values out.
 * There is one acceptable form of each, so sizes are constants and everything else is refused.
 * Source: TPM 2.0 Library, part 2: 12.2.4 (TPMT_PUBLIC), 11.2.5 (TPMS_ECC_POINT),
 * 12.3.7 (TPM2B_PRIVATE), 11.4.33 (TPM2B_ENCRYPTED_SECRET), 10.9.7 (TPML_PCR_SELECTION). */
#ifndef VHDCRYPT_TPM_PUBLIC_H
#define VHDCRYPT_TPM_PUBLIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
	TPM_NAME_BYTES = 34,   /* algorithm 000b, then SHA-256 of the public area */
	TPM_DIGEST_BYTES = 32, /* SHA-256 */
	TPM_SHARE_BYTES = 32,
	TPM_AUTH_BYTES = 32,
	TPM_POINT_BYTES = 32, /* a coordinate of P-256 */
	TPM_N_PCRS = 24,
	TPM_PCR_SELECTION_BYTES = 10,
	TPM_SRK_PUBLIC_MAX_BYTES = 128,

	TPM_OBJECT_AREA_BYTES = 78,	  /* TPMT_PUBLIC of a sealed share */
	TPM_OBJECT_PUBLIC_BYTES = 80,	  /* TPM2B_PUBLIC around it */
	TPM_SENSITIVE_BYTES = 106,	  /* TPM2B_SENSITIVE with value, seed and share */
	TPM_OBJECT_DUPLICATE_BYTES = 142, /* TPM2B_PRIVATE: integrity, then that, encrypted */
	TPM_OBJECT_SEED_BYTES = 70,	  /* TPM2B_ENCRYPTED_SECRET: a P-256 point */
};

/* A share wrapped for one storage root key, as TPM2_Import takes it. */
struct tpm_object {
	uint8_t public[TPM_OBJECT_PUBLIC_BYTES];
	uint8_t duplicate[TPM_OBJECT_DUPLICATE_BYTES];
	uint8_t seed[TPM_OBJECT_SEED_BYTES];
};

/* TPM2B_PUBLIC of a storage root key, and where it is in it. */
struct tpm_srk {
	uint8_t public[TPM_SRK_PUBLIC_MAX_BYTES];
	size_t public_bytes;
	uint8_t x[TPM_POINT_BYTES];
	uint8_t y[TPM_POINT_BYTES];
};

/* raw: a whole TPM2B_PUBLIC. -EBADMSG when it is no restricted, fixedTPM, fixedParent decryption
 * key on P-256 with AES-128-CFB and SHA-256 (the TCG's ECC storage template). */
int tpm_public_srk_parse(struct bytes raw, struct tpm_srk *ret);

/* TPM2B_PUBLIC of a sealed share: only its policy opens it, wrong values count towards lock-out,
 * it cannot leave the TPM again. unique: SHA-256(seed || share). */
void tpm_public_object_build(const uint8_t policy[TPM_DIGEST_BYTES],
			     const uint8_t unique[TPM_DIGEST_BYTES],
			     uint8_t ret[TPM_OBJECT_PUBLIC_BYTES]);

/* TPM2B_SENSITIVE of a sealed share: the secret half of the above. */
void tpm_public_sensitive_build(const uint8_t auth[TPM_AUTH_BYTES],
				const uint8_t seed[TPM_DIGEST_BYTES],
				const uint8_t share[TPM_SHARE_BYTES],
				uint8_t ret[TPM_SENSITIVE_BYTES]);

/* TPML_PCR_SELECTION of the SHA-256 bank: bit n of pcr_mask is PCR n, n < TPM_N_PCRS. */
void tpm_public_selection_build(uint32_t pcr_mask, uint8_t ret[TPM_PCR_SELECTION_BYTES]);

#endif
