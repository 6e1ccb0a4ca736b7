/* wrap.h - wrap a share for a laptop's TPM, knowing only the public half of its storage root key.
 *
 * The server's side of TPM2_Import: no TPM is needed here. Only the CLI may use this unit (it
 * needs libcrypto for P-256 and AES-CFB).
 * Source: TPM 2.0 Library, part 1, 23.3.2.3 (outer duplication wrapper), 11.4.10 (KDFa, KDFe). */
#ifndef VHDCRYPT_WRAP_H
#define VHDCRYPT_WRAP_H

#include "base/secret.h"
#include "vhdcrypt/tpm_public.h"

/* share: TPM_SHARE_BYTES; auth: TPM_AUTH_BYTES, its last byte not zero; policy: what the TPM will
 * demand. ret_name is the Name of the object. Each call makes another object.
 * Errors: -EINVAL wrong length; -EBADMSG the key's point is not on P-256; -ENOMEM. */
int wrap_share(const struct tpm_srk *srk, const struct secret *share, const struct secret *auth,
	       const uint8_t policy[TPM_DIGEST_BYTES], struct tpm_object *ret,
	       uint8_t ret_name[TPM_NAME_BYTES]);

#endif
