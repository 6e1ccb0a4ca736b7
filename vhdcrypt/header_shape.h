/* header_shape.h - the one shape of a LUKS2 header's JSON that we accept.
 *
 * One crypt segment over everything, aes-xts-plain64, keyslots 0 (TPM and PIN) and 1 (recovery)
 * with the same key, one digest, one token of ours; no flags, no requirements, no reencryption.
 * Everything else is refused, also what would be harmless. Form: doc/formats.md, "Header".
 * Source: LUKS2 On-Disk Format Specification 1.1.1, section 3. */
#ifndef VHDCRYPT_HEADER_SHAPE_H
#define VHDCRYPT_HEADER_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/token.h"

enum {
	HEADER_SHAPE_KEYSLOTS = 2,
	HEADER_SHAPE_TPM_KEYSLOT = 0,
	HEADER_SHAPE_RECOVERY_KEYSLOT = 1,
	HEADER_SHAPE_SALT_BYTES = 32,
	HEADER_SHAPE_DIGEST_BYTES = 64,
	HEADER_SHAPE_ITERATIONS_MIN = 1000, /* LUKS2's own lower bound; the passphrases are keys */
	HEADER_SHAPE_ITERATIONS_MAX = 100000,
};

struct header_shape_keyslot {
	uint64_t area_offset_byte;
	uint64_t area_bytes;
	uint32_t iterations;
	uint8_t salt[HEADER_SHAPE_SALT_BYTES];
};

/* All that may differ between two headers that we accept. */
struct header_shape {
	uint32_t sector_bytes; /* 512 or 4096 */
	struct header_shape_keyslot keyslot[HEADER_SHAPE_KEYSLOTS];
	uint32_t digest_iterations;
	uint8_t digest_salt[HEADER_SHAPE_SALT_BYTES];
	uint8_t digest[HEADER_SHAPE_DIGEST_BYTES];
	struct token token;
};

/* json: n bytes, without NUL. -EBADMSG with *ret_detail; -ENOMEM. */
int header_shape_parse(const char *json, size_t n, struct header_shape *ret,
		       struct detail *ret_detail);

#endif
