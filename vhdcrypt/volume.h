/* volume.h - a disk as role `block` serves it: its layers, opened and checked against what the key
 * role says of each.
 *
 * Nothing is taken on an image's word: which layers there are, their order, UUIDs and sizes, and
 * whether one may be plain, all come with the keys. */
#ifndef VHDCRYPT_VOLUME_H
#define VHDCRYPT_VOLUME_H

#include <stdbool.h>

#include "base/msg.h"
#include "vhdcrypt/detail.h"
#include "vhdcrypt/image.h"
#include "vhdcrypt/leaf_mac.h"

/* Descriptors, lent until volume_close(): the writable layer first. */
struct volume_fds {
	unsigned n_layers;
	int image[MSG_LAYERS];
	int tree[MSG_LAYERS]; /* of each layer but that */
	int mac;	      /* of that: leaf_guard.h; -1: it is not there */
};

struct volume;

/* -EBADMSG, -EPERM (another image than the key is for), or another error: *ret_detail is one line
 * about it, naming the layer. 0: it says which session was the leaf's last, and how that ended. */
int volume_open(const struct volume_fds *fds, const struct msg_volume_key *key, struct volume **ret,
		struct detail *ret_detail);

/* What the leaf's MAC has to name: what the lease, and the record of local layers, do. */
void volume_leaf_outside(const struct msg_volume_key *key, struct leaf_mac_outside *ret);

/* What a guest sees. */
struct image *volume_image(const struct volume *volume);

/* A read that failed with -EILSEQ: the layer and the byte of its file, of the first such. */
bool volume_fault(const struct volume *volume, const char **ret_layer, uint64_t *ret_byte);

/* The same for the leaf: the block whose bitmap was not the one that its MAC vouches for. */
bool volume_leaf_fault(const struct volume *volume, const char **ret_layer, uint64_t *ret_block);

/* Flush, say that the leaf is closed, and free; accepts NULL. */
int volume_close(struct volume *volume);

#endif
