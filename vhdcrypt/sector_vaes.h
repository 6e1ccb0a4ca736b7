/* sector_vaes.h - AES-256-XTS by the CPU's own vector instructions: for sector.c, nobody else.
 *
 * Pure: values in, values out. libgcrypt has the same instructions, behind a call for each sector; what it
 * adds is little in a loop and most of the cost of a single request, whose code and tables have left the
 * caches since the last. No tables here, and no branch that depends on a key or on data.
 * Source: IEEE 1619-2018 5; FIPS 197 5.2 (key expansion), 5.3.5 (equivalent inverse cipher). */
#ifndef VHDCRYPT_SECTOR_VAES_H
#define VHDCRYPT_SECTOR_VAES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/sector.h"

enum { SECTOR_VAES_ROUND_KEYS = 15 };

/* As secret as the key; whoever owns it keeps it in locked memory and wipes it. */
struct sector_vaes {
	uint8_t encrypt[SECTOR_VAES_ROUND_KEYS][16];
	uint8_t decrypt[SECTOR_VAES_ROUND_KEYS][16];
	uint8_t tweak[SECTOR_VAES_ROUND_KEYS][16];
};

/* Has this CPU the instructions (VAES, VPCLMULQDQ, AVX2)? Without them the others must not be called. */
bool sector_vaes_usable(void);

void sector_vaes_expand(const uint8_t key[SECTOR_KEY_BYTES], struct sector_vaes *ret);

/* len_bytes: whole sectors of sector_bytes, 512 or 4096. in and out are the same, or do not overlap. */
void sector_vaes_crypt(const struct sector_vaes *key, bool encrypt, uint32_t sector_bytes,
		       uint64_t lba_512, const uint8_t *in, uint8_t *out, size_t len_bytes);

#endif
