/* recovery.h - the recovery key R: 256 random bits that a person can copy from paper.
 *
 * 32 random bytes and the first 3 of their SHA-256 as 56 symbols of Crockford's base32 (no I, L, O,
 * U) in 8 groups of 7 with '-' between. These 63 characters are, to the letter, the passphrase
 * of keyslot 1. Needs sodium_init(). */
#ifndef VHDCRYPT_RECOVERY_H
#define VHDCRYPT_RECOVERY_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "vhdcrypt/kdf.h"

enum { RECOVERY_TEXT_BYTES = 63, RECOVERY_FINGERPRINT_BYTES = 32 };

/* A fresh one; *ret holds RECOVERY_TEXT_BYTES, without NUL. 0 or -ENOMEM. */
int recovery_new(struct secret *ret);

/* What somebody typed or a file holds: blanks and line ends around it and lower case are forgiven,
 * and I, L as 1, O as 0. *ret is the exact passphrase.
 * -EBADMSG: not such a key, *ret_position is where it goes wrong (from 1), or 0 for a slip that
 * only its check symbols show; -ENOMEM. */
int recovery_parse(const struct secret *typed, struct secret *ret, size_t *ret_position);

/* What a lease names R by: HKDF(R, "recovery" || layer). */
void recovery_fingerprint(const struct secret *recovery, const uint8_t layer[KDF_UUID_BYTES],
			  uint8_t ret[RECOVERY_FINGERPRINT_BYTES]);

#endif
