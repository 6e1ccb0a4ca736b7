/* unlock.h - from a lease, a header and a PIN to the volume key, or one precise reason why not.
 *
 * The order is that of trust (design 5.2): the TPM is the lease's, the header's copy has its
 * one shape and is the disk's, the object is the lease's, the boot is the enrolled one; only then
 * is the PIN used, and only what the TPM releases vouches for the rest. Nothing is skipped, and
 * the first check that fails is the answer. */
#ifndef VHDCRYPT_UNLOCK_H
#define VHDCRYPT_UNLOCK_H

#include <stdint.h>

#include "base/msg.h"
#include "base/reason.h"
#include "base/secret.h"
#include "vhdcrypt/detail.h"
#include "vhdcrypt/tpm.h"

struct unlock_result {
	enum reason reason;
	uint32_t tries_left;  /* with REASON_PIN_WRONG */
	struct detail detail; /* empty with REASON_OK */
	/* with REASON_OK: one to a layer, the leaf's first, empty for a plain one; the caller's, to
	 * be freed by unlock_free() */
	struct secret volume_key[MSG_LAYERS];
};

/* header_fd: lent, one to a layer, the leaf's first; -1 where the lease has it plain. A disk has one
 * share: every header carries the same TPM object, and a keyslot and a seal of its own.
 * header_library_init() must have been called. lease: from a document whose signature, date and
 * device others have checked. local: the laptop's own record; generation 0 where there is none. */
void unlock_run(struct tpm *tpm, const int header_fd[MSG_LAYERS], const struct msg_lease *lease,
		const struct msg_local *local, const struct secret *pin, struct unlock_result *ret);

/* Wipe the keys. */
void unlock_free(struct unlock_result *result);

#endif
