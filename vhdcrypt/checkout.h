/* checkout.h - IT's side: new keys for one disk, bound to one laptop's TPM, boot and a PIN.
 *
 * Everything is drawn here: share, volume key, Argon2 salt, recovery key. The laptop's TPM is not
 * needed, only its signed device record. Only the CLI may use this unit (wrap.h).
 * header_library_init() must have been called. */
#ifndef VHDCRYPT_CHECKOUT_H
#define VHDCRYPT_CHECKOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"
#include "base/secret.h"
#include "vhdcrypt/header.h"
#include "vhdcrypt/tpm_public.h"

struct checkout_parent {
	uint8_t uuid[HEADER_RAW_UUID_BYTES];
	uint64_t disk_bytes;
	uint32_t sector_bytes;
	bool plain;
	const struct secret *key; /* it was encrypted before, and stays so; NULL: by a new one */
};

struct checkout_order {
	struct tpm_srk srk;
	uint32_t pcr_mask;
	uint8_t pcr_value[TPM_N_PCRS][TPM_DIGEST_BYTES];
	uint8_t layer_uuid[HEADER_RAW_UUID_BYTES]; /* of the VHD footer */
	uint64_t disk_bytes;
	uint32_t sector_bytes;
	uint32_t n_parents; /* 0, or 1: the leaf is upon a layer that is never written */
	struct checkout_parent parent;
};

struct checkout {
	struct header *header;	  /* with the sealed token */
	struct secret volume_key; /* HEADER_VOLUME_KEY_BYTES */
	struct header
		*parent_header; /* with the same token, but for its seal; NULL: none, or plain */
	struct secret parent_volume_key; /* the same */
	struct secret recovery;		 /* R, literally the passphrase of keyslot 1 */
	uint8_t recovery_fingerprint[32];
	struct msg_lease lease; /* what the lease has to say about the disk, but names and roots */
};

/* -EINVAL: PIN, sector size or PCRs out of bounds (a blank PCR is); -EBADMSG: the SRK's point is
 * none; -EIO: a library refused; -ENOMEM. Free by checkout_free(), also after an error. */
int checkout_make(const struct checkout_order *order, const struct secret *pin,
		  struct checkout *ret);

void checkout_free(struct checkout *checkout);

#endif
