#include "vhdcrypt/tpm_name.h"

#include <errno.h>

#include <sodium.h>

/* Part 2, 6.5.2 */
static const uint8_t cc_policy_pcr[] = { 0x00, 0x00, 0x01, 0x7f };
static const uint8_t cc_policy_auth_value[] = { 0x00, 0x00, 0x01, 0x6b };

int tpm_name_of(const void *public, size_t public_bytes, uint8_t ret[TPM_NAME_BYTES])
{
	struct bytes raw = bytes_of(public, public_bytes);
	size_t area_bytes = bytes_be16(&raw);
	const uint8_t *area = raw.at;

	if (!bytes_ok(&raw) || area_bytes != bytes_left(&raw))
		return -EBADMSG;
	(void)bytes_be16(&raw); /* type */
	if (bytes_be16(&raw) != 0x000b || !bytes_ok(&raw))
		return -EBADMSG;
	ret[0] = 0x00;
	ret[1] = 0x0b;
	(void)crypto_hash_sha256(ret + 2, area, area_bytes);
	return 0;
}

void tpm_name_pcr_digest(uint32_t pcr_mask, const uint8_t value[TPM_N_PCRS][TPM_DIGEST_BYTES],
			 uint8_t ret[TPM_DIGEST_BYTES])
{
	crypto_hash_sha256_state state;

	(void)crypto_hash_sha256_init(&state);
	for (unsigned pcr = 0; pcr < TPM_N_PCRS; pcr++)
		if (pcr_mask >> pcr & 1)
			(void)crypto_hash_sha256_update(&state, value[pcr], TPM_DIGEST_BYTES);
	(void)crypto_hash_sha256_final(&state, ret);
}

void tpm_name_policy(uint32_t pcr_mask, const uint8_t pcr_digest[TPM_DIGEST_BYTES],
		     uint8_t ret[TPM_DIGEST_BYTES])
{
	uint8_t policy[TPM_DIGEST_BYTES] = { 0 };
	uint8_t selection[TPM_PCR_SELECTION_BYTES];
	crypto_hash_sha256_state state;

	tpm_public_selection_build(pcr_mask, selection);
	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, policy, sizeof(policy));
	(void)crypto_hash_sha256_update(&state, cc_policy_pcr, sizeof(cc_policy_pcr));
	(void)crypto_hash_sha256_update(&state, selection, sizeof(selection));
	(void)crypto_hash_sha256_update(&state, pcr_digest, TPM_DIGEST_BYTES);
	(void)crypto_hash_sha256_final(&state, policy);

	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, policy, sizeof(policy));
	(void)crypto_hash_sha256_update(&state, cc_policy_auth_value, sizeof(cc_policy_auth_value));
	(void)crypto_hash_sha256_final(&state, ret);
}

uint32_t tpm_name_blank_pcrs(uint32_t pcr_mask, const uint8_t value[TPM_N_PCRS][TPM_DIGEST_BYTES])
{
	uint32_t blank = 0;

	for (unsigned pcr = 0; pcr < TPM_N_PCRS; pcr++) {
		uint8_t any = 0, all = 0xff;

		for (unsigned i = 0; i < TPM_DIGEST_BYTES; i++) {
			any |= value[pcr][i];
			all &= value[pcr][i];
		}
		if (pcr_mask >> pcr & 1 && (any == 0 || all == 0xff))
			blank |= UINT32_C(1) << pcr;
	}
	return blank;
}
