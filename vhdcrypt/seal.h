/* seal.h - the MAC by which the share vouches for a header.
 *
 * LUKS2 has checksums only, which anyone can compute. The seal is HMAC-SHA256, keyed from the share
 * that the TPM released, over a text with every value of the header that is not fixed by its shape
 * (doc/formats.md, "Seal"). Needs sodium_init(). */
#ifndef VHDCRYPT_SEAL_H
#define VHDCRYPT_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "vhdcrypt/header_raw.h"
#include "vhdcrypt/header_shape.h"

enum { SEAL_TEXT_BYTES = 6144 };

/* The text that is authenticated; NUL-terminated, *ret_bytes without NUL. The seal inside
 * shape->token is no part of it. */
void seal_text(const struct header_shape *shape, const uint8_t uuid[HEADER_RAW_UUID_BYTES],
	       uint64_t generation, char ret[SEAL_TEXT_BYTES], size_t *ret_bytes);

/* 0 or -ENOMEM. */
int seal_build(const struct header_shape *shape, const uint8_t uuid[HEADER_RAW_UUID_BYTES],
	       uint64_t generation, const struct secret *share, uint8_t ret[TOKEN_SEAL_BYTES]);

/* Does the seal in shape->token hold? 0; -EBADMSG it does not; -ENOMEM. */
int seal_check(const struct header_shape *shape, const uint8_t uuid[HEADER_RAW_UUID_BYTES],
	       uint64_t generation, const struct secret *share);

#endif
