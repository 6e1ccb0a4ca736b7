/* leaf_mac.h - the head of LAYER.mac, bytes to values and back.
 *
 * Pure: values in, values out. The file says what the metadata of a writable layer is: the head for
 * all of it, and behind it a pair of tags for each sector of bitmap. Whether the head is of this
 * layer and this key is said by its MAC, which is the caller's business (leaf_guard.h). Layout and
 * meaning: doc/formats.md, "MAC of the writable layer". All numbers are big-endian. */
#ifndef VHDCRYPT_LEAF_MAC_H
#define VHDCRYPT_LEAF_MAC_H

#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/vhd_fault.h"

enum {
	LEAF_MAC_VERSION = 2,
	LEAF_MAC_UUID_BYTES = 16,
	LEAF_MAC_DIGEST_BYTES = 32,
	LEAF_MAC_BYTES = 32,
	/* what the MAC covers, then the MAC: one sector, which a disk writes whole or not at all */
	LEAF_MAC_SIGNED_BYTES = 480,
	LEAF_MAC_HEAD_BYTES = LEAF_MAC_SIGNED_BYTES + LEAF_MAC_BYTES,
	LEAF_MAC_HEAD_ROOM_BYTES = 4096,
	LEAF_MAC_TAG_BYTES = 16,
	LEAF_MAC_PAIR_BYTES = 2 * LEAF_MAC_TAG_BYTES, /* never across a sector's border */
	LEAF_MAC_BITMAP_SECTORS_MAX = 64,	      /* of a block of 128 MiB */
};

enum leaf_mac_state {
	LEAF_MAC_CLEAN = 1, /* the image is what all fields say */
	LEAF_MAC_DIRTY = 2, /* it is being written, or was when the power went */
};

/* What the engine goes by that is not in the image: of LAYER.luks, all that neither its shape nor the
 * passphrase proves, and the layers below (leaf_below.h). */
struct leaf_mac_outside {
	uint32_t sector_bytes; /* of the cipher: 512 or 4096 */
	uint8_t below[LEAF_MAC_DIGEST_BYTES];
};

struct leaf_mac {
	enum leaf_mac_state state;
	uint8_t uuid[LEAF_MAC_UUID_BYTES]; /* of the VHD's footer */
	uint64_t session;		   /* how often it has become dirty */
	uint64_t file_bytes;		   /* when it was clean last, as n_allocated */
	uint32_t n_blocks;		   /* 0: a fixed disk */
	uint32_t bitmap_sectors;	   /* of a block */
	uint32_t n_allocated;
	uint8_t fixed[LEAF_MAC_DIGEST_BYTES]; /* what never changes: footer, header, names */
	uint8_t table[LEAF_MAC_DIGEST_BYTES]; /* the block table; zeros when dirty, as the next */
	uint8_t tags[LEAF_MAC_DIGEST_BYTES];  /* the tags behind the head */
	struct leaf_mac_outside outside;
};

/* -EBADMSG and *ret_fault: a field is none that we write. */
int leaf_mac_parse(const void *data, size_t len_bytes, struct leaf_mac *ret,
		   struct vhd_fault *ret_fault);

/* Fills LEAF_MAC_SIGNED_BYTES. */
void leaf_mac_build(const struct leaf_mac *mac, uint8_t *ret_data);

/* Pairs behind the head; the file has no other length than its head's and theirs. */
static inline uint64_t leaf_mac_n_units(const struct leaf_mac *mac)
{
	return (uint64_t)mac->n_blocks * mac->bitmap_sectors;
}

static inline uint64_t leaf_mac_pair_byte(uint64_t unit)
{
	return LEAF_MAC_HEAD_ROOM_BYTES + unit * LEAF_MAC_PAIR_BYTES;
}

#endif
