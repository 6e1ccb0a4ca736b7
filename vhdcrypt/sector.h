/* sector.h - the sector cipher of an encrypted layer: AES-256-XTS, as dm-crypt's aes-xts-plain64.
 *
 * The tweak is the virtual sector number in 512-byte units, also when the crypto sector is 4096
 * bytes long. May be used by many threads at once. Where the CPU has vectors of AES (sector_vaes.h) it is
 * theirs, elsewhere libgcrypt's, and each call works on its own copy of that.
 * Source: IEEE 1619-2018; dm-crypt "plain64" without iv_large_sectors. */
#ifndef VHDCRYPT_SECTOR_H
#define VHDCRYPT_SECTOR_H

#include <stddef.h>
#include <stdint.h>

enum { SECTOR_KEY_BYTES = 64 };

struct sector; /* the expanded key: locked memory, wiped by sector_free() */

/* Start libgcrypt, for all who use it here, and libsodium: they read files then, so call this before a
 * sandbox closes. Once is enough; sector_new() does it otherwise. -ENOMEM: its pool cannot be locked; -EIO:
 * no libgcrypt. */
int sector_init(void);

/* Expand a 64-byte key. The caller keeps (and wipes) key. sector_bytes: 512 or 4096.
 * -EINVAL: another length, or two equal halves (which would turn XTS into a weaker mode);
 * -ENOMEM: no memory, or it cannot be locked; -EIO: libgcrypt refuses. */
int sector_new(const uint8_t key[SECTOR_KEY_BYTES], uint32_t sector_bytes,
	       struct sector **ret_sector);

/* The same by libgcrypt, whatever the CPU has: so that tests see both. */
int sector_new_portable(const uint8_t key[SECTOR_KEY_BYTES], uint32_t sector_bytes,
			struct sector **ret_sector);

void sector_free(struct sector *sector);

uint32_t sector_size_bytes(const struct sector *sector);

/* lba_512: virtual number of the first 512-byte sector. len_bytes and lba_512 are whole crypto
 * sectors, else -EINVAL. in and out may be the same buffer; otherwise they do not overlap. */
int sector_encrypt(struct sector *sector, uint64_t lba_512, const void *in, void *out,
		   size_t len_bytes);
int sector_decrypt(struct sector *sector, uint64_t lba_512, const void *in, void *out,
		   size_t len_bytes);

#endif
