/* leaf_below.h - what a writable layer was put upon, as one digest for its LAYER.mac.
 *
 * So who opens the disk by a recovery key alone, without lease and TPM, knows that these are the layers, and
 * each of them by its root (hash_tree.h). Form: doc/formats.md, "MAC of the writable layer". Needs
 * sodium_init(). */
#ifndef VHDCRYPT_LEAF_BELOW_H
#define VHDCRYPT_LEAF_BELOW_H

#include "vhdcrypt/hash_tree.h"
#include "vhdcrypt/leaf_mac.h"

struct leaf_below {
	uint8_t uuid[LEAF_MAC_UUID_BYTES]; /* of the VHD's footer */
	uint32_t sector_bytes;		   /* of its cipher; 0: a plain one */
	uint8_t root[HASH_TREE_BYTES];
};

/* n layers, the leaf's parent first; none: zeros. */
void leaf_below_digest(const struct leaf_below *layer, unsigned n,
		       uint8_t ret[LEAF_MAC_DIGEST_BYTES]);

#endif
