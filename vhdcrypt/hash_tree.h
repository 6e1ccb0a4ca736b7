/* hash_tree.h - every byte of a file that is never written, by one hash: verified as it is read.
 *
 * Units of 4 KiB of the file are hashed, 128 of these hashes make a node of 4 KiB, nodes are hashed
 * in their turn, up to one. The root is over that and the file's length. The tree file is the nodes,
 * lowest level first, and nothing else: its layout follows from the file's length, so there is
 * nothing in it to be parsed, only to be compared. Hashes are SHA-256; what is hashed begins with a
 * byte that says unit, node or root (doc/formats.md).
 *
 * 4 KiB, not 64: hashing for a guest's smallest read takes 3 us, not 44; a stream costs the same (1.45
 * and 1.48 GB/s a core with SHA instructions; BLAKE2b: 0.75), and the tree is 0.8 % of the file. */
#ifndef VHDCRYPT_HASH_TREE_H
#define VHDCRYPT_HASH_TREE_H

#include <stddef.h>
#include <stdint.h>

enum {
	HASH_TREE_BYTES = 32,
	HASH_TREE_UNIT_BYTES = 4096,
	HASH_TREE_FAN = 128,  /* hashes to a node */
	HASH_TREE_LEVELS = 6, /* more than 16 PiB */
};

/* Where each level begins, in nodes. Pure. */
struct hash_tree_layout {
	uint64_t file_bytes;
	uint64_t n_units;
	unsigned n_levels;
	uint64_t first[HASH_TREE_LEVELS];
	uint64_t n_nodes[HASH_TREE_LEVELS];
	uint64_t tree_bytes;
};

/* -EINVAL: an empty file, or one beyond all bounds. */
int hash_tree_layout(uint64_t file_bytes, struct hash_tree_layout *ret);

/* Hash all of fd into tree_fd (both lent; tree_fd is empty) and flush it. Errors are the kernel's. */
int hash_tree_build(int fd, int tree_fd, uint8_t ret_root[HASH_TREE_BYTES]);

/* The root of a file and the tree beside it, as far as the top of the tree goes: which it has to be is the
 * caller's business. -EILSEQ: it is no tree of a file of this length. */
int hash_tree_root(int fd, int tree_fd, uint8_t ret_root[HASH_TREE_BYTES]);

struct hash_tree;

/* fd and tree_fd are lent until hash_tree_free(). -EILSEQ: this is not the file of that root, or not
 * its tree, as far as one can see from their lengths and the top; the rest is seen on reading. */
int hash_tree_open(int fd, int tree_fd, const uint8_t root[HASH_TREE_BYTES],
		   struct hash_tree **ret);

/* Accepts NULL. */
void hash_tree_free(struct hash_tree *tree);

/* Bytes of the file that are what the root says, or none. Any number of threads.
 * -EILSEQ: they are not, or the tree is not; buf is wiped. -EIO: the file ends before. */
int hash_tree_read(struct hash_tree *tree, void *buf, size_t len_bytes, uint64_t offset_byte);

/* Where in the file the first -EILSEQ of hash_tree_read() was; UINT64_MAX: there was none. */
uint64_t hash_tree_fault(const struct hash_tree *tree);

#endif
