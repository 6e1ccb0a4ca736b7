/* tpm_generation.h - the TPM's word on which record of a disk's local layers is the last one.
 *
 * One NV index for each disk that ever had a local layer, numbered by its TPM object; only who holds
 * the disk's share can read or write it, and sessions are salted, so that neither the value nor the
 * authorisation can be forged on the bus. The owner can take the index away, and then there is none:
 * that a number was there is not shown by the TPM. */
#ifndef VHDCRYPT_TPM_GENERATION_H
#define VHDCRYPT_TPM_GENERATION_H

#include <stdint.h>

#include "base/secret.h"
#include "vhdcrypt/tpm.h"

/* All after tpm_srk_find(). Errors as in tpm.h; also -EEXIST: an index of that number but another form
 * is there; -EKEYREJECTED: it is not of this disk. auth: KDF_KEY_BYTES, kdf_generation_auth(). */

/* -ENOENT: there is none. */
int tpm_generation_read(struct tpm *tpm, const uint8_t object_name[TPM_NAME_BYTES],
			const struct secret *auth, uint64_t *ret);

/* define: it is not there. */
int tpm_generation_write(struct tpm *tpm, const uint8_t object_name[TPM_NAME_BYTES],
			 const struct secret *auth, bool define, uint64_t generation);

#endif
