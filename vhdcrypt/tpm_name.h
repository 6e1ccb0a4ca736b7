/* tpm_name.h - TPM Names and policy digests, computed by us and never asked of a TPM.
 *
 * Source: TPM 2.0 Library, part 1, 16 (Names); part 3, 23.7 (PolicyPCR), 23.17 (PolicyAuthValue).
 * All hashes are SHA-256. */
#ifndef VHDCRYPT_TPM_NAME_H
#define VHDCRYPT_TPM_NAME_H

#include "vhdcrypt/tpm_public.h"

/* public: a whole TPM2B_PUBLIC. -EBADMSG: its length is wrong or its nameAlg is not SHA-256. */
int tpm_name_of(const void *public, size_t public_bytes, uint8_t ret[TPM_NAME_BYTES]);

/* What PolicyPCR compares with: SHA-256 over the selected values, lowest PCR first. */
void tpm_name_pcr_digest(uint32_t pcr_mask, const uint8_t value[TPM_N_PCRS][TPM_DIGEST_BYTES],
			 uint8_t ret[TPM_DIGEST_BYTES]);

/* The digest of PolicyPCR(mask, digest) followed by PolicyAuthValue. */
void tpm_name_policy(uint32_t pcr_mask, const uint8_t pcr_digest[TPM_DIGEST_BYTES],
		     uint8_t ret[TPM_DIGEST_BYTES]);

/* Those of pcr_mask that are all 00 or all ff: nobody measured anything into them. */
uint32_t tpm_name_blank_pcrs(uint32_t pcr_mask, const uint8_t value[TPM_N_PCRS][TPM_DIGEST_BYTES]);

#endif
