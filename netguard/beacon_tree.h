/* beacon_tree.h - a hash tree over the replies of one round, so that one signature holds for all.
 *
 * Signing is the dearest step after opening a probe; what is signed is therefore the root, and each
 * reply carries its way up. A way tells nothing of the neighbours: each leaf hides 32 random bytes.
 * libsodium's BLAKE2b; nothing allocates. Leaf and node hash under names of their own, so that
 * neither passes for the other. Source: doc/formats.md; the idea is RFC 6962 2.1's. */
#ifndef NETGUARD_BEACON_TREE_H
#define NETGUARD_BEACON_TREE_H

#include <stddef.h>
#include <stdint.h>

enum {
	BEACON_TREE_HASH_BYTES = 32,
	BEACON_TREE_STEPS_MAX = 6,
	BEACON_TREE_LEAVES_MAX = 1 << BEACON_TREE_STEPS_MAX,
	BEACON_TREE_BODY_MAX_BYTES = 256,
};

/* From a leaf to the root: what it is hashed with on each level where it has a neighbour. */
struct beacon_path {
	uint8_t n_steps;
	uint8_t left; /* bit i: step i stands to the left */
	uint8_t step[BEACON_TREE_STEPS_MAX][BEACON_TREE_HASH_BYTES];
};

/* Of at most BEACON_TREE_BODY_MAX_BYTES. */
void beacon_tree_leaf(const uint8_t *body, size_t body_bytes, uint8_t ret[BEACON_TREE_HASH_BYTES]);

/* Of 1 to BEACON_TREE_LEAVES_MAX leaves: the root, and ret_paths[i] for leaf i. */
void beacon_tree_build(const uint8_t (*leaves)[BEACON_TREE_HASH_BYTES], size_t n_leaves,
		       struct beacon_path *ret_paths, uint8_t ret_root[BEACON_TREE_HASH_BYTES]);

/* Where this leaf's path leads; path->n_steps is at most BEACON_TREE_STEPS_MAX. */
void beacon_tree_root(const uint8_t leaf[BEACON_TREE_HASH_BYTES], const struct beacon_path *path,
		      uint8_t ret[BEACON_TREE_HASH_BYTES]);

#endif
