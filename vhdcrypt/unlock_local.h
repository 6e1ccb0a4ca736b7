/* unlock_local.h - a new record of a disk's local layers: one more layer, or the newest one gone.
 *
 * The record is sealed by a key from the share, and the TPM counts its changes: who puts an older one
 * back, or takes it away, is refused. A change is everything that an unlock is, PIN and all, and then
 * the new record; it comes into force when it is used first. */
#ifndef VHDCRYPT_UNLOCK_LOCAL_H
#define VHDCRYPT_UNLOCK_LOCAL_H

#include "vhdcrypt/header.h"
#include "vhdcrypt/unlock.h"

/* recovery: what opens the new layer's header beside the TPM; NULL: the newest layer goes, and change is
 * not used. ret_header: the new layer's, the caller's to close; NULL without one. ret_mac_key: what vouches
 * for the layer that is the writable one now (leaf_guard.h), the caller's to free. All are set only
 * when ret->reason is REASON_OK; ret holds no keys. */
void unlock_local_change(struct tpm *tpm, const int header_fd[MSG_LAYERS],
			 const struct msg_lease *lease, const struct msg_local *local,
			 const struct msg_change *change, const struct secret *recovery,
			 const struct secret *pin, struct unlock_result *ret,
			 struct msg_local *ret_local, struct header **ret_header,
			 struct secret *ret_mac_key);

#endif
