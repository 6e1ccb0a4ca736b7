#include "vhdcrypt/volume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vhdcrypt/hash_tree.h"
#include "vhdcrypt/leaf_below.h"
#include "vhdcrypt/leaf_guard.h"

struct layer {
	char name[MSG_NAME_BYTES];
	struct image *image;
	struct sector *cipher;	  /* NULL: plain */
	struct hash_tree *tree;	  /* NULL: the leaf */
	struct leaf_guard *guard; /* the leaf */
};

struct volume {
	unsigned n_layers;
	struct layer layer[MSG_LAYERS];
	struct detail *detail; /* while opening */
};

/* "layer 'gold': ..."; of a disk of one layer nobody need know that there are layers. */
static int refuse(struct volume *v, unsigned at, int err, const char *what, const char *why)
{
	if (v->n_layers > 1)
		detail_set(v->detail, "layer '%s': %s: %s", v->layer[at].name, what, why);
	else
		detail_set(v->detail, "%s: %s", what, why);
	return err;
}

/* What is below the leaf is never read but through its tree, from the first byte on. */
static int open_verified(struct volume *v, unsigned at, const struct volume_fds *fds,
			 const struct msg_layer_key *key, struct vhd_fault *ret_fault)
{
	struct layer *layer = &v->layer[at];
	int r = hash_tree_open(fds->image[at], fds->tree[at], key->root, &layer->tree);

	return r < 0 ? r
		     : image_open_verified(fds->image[at], layer->tree, &layer->image, ret_fault);
}

static int refuse_altered(struct volume *v, unsigned at)
{
	const struct hash_tree *tree = v->layer[at].tree;
	uint64_t at_byte = tree ? hash_tree_fault(tree) : UINT64_MAX;
	char why[96];

	if (at_byte == UINT64_MAX)
		return refuse(v, at, -EILSEQ, "open image",
			      "the file or its hash tree is not the one that the lease names");
	(void)snprintf(why, sizeof(why),
		       "its bytes at 0x%" PRIx64 " are not those that the lease names", at_byte);
	return refuse(v, at, -EILSEQ, "open image", why);
}

void volume_leaf_outside(const struct msg_volume_key *key, struct leaf_mac_outside *ret)
{
	struct leaf_below below[MSG_LAYERS] = { 0 };

	for (unsigned i = 1; i < key->n_layers; i++) {
		const struct msg_layer_key *layer = &key->layer[i];
		struct leaf_below *b = &below[i - 1];

		b->sector_bytes = layer->plain ? 0 : layer->sector_bytes;
		memcpy(b->uuid, layer->disk_uuid, sizeof(b->uuid));
		memcpy(b->root, layer->root, sizeof(b->root));
	}
	ret->sector_bytes = key->layer[0].sector_bytes;
	leaf_below_digest(below, key->n_layers - 1, ret->below);
}

/* The leaf is never read or written but as its MAC says. */
static int open_leaf(struct volume *v, const struct volume_fds *fds,
		     const struct msg_volume_key *keys, struct vhd_fault *ret_fault)
{
	const struct msg_layer_key *key = &keys->layer[0];
	/* lent: nobody writes through it */
	const struct secret volume_key = { .bytes = (uint8_t *)(uintptr_t)key->key,
					   .len_bytes = sizeof(key->key) };
	struct layer *layer = &v->layer[0];
	struct leaf_mac_outside outside;
	int r;

	if (fds->mac < 0)
		return -ENODATA;
	volume_leaf_outside(keys, &outside);
	r = leaf_guard_open(fds->mac, &volume_key, key->disk_uuid, &outside, &layer->guard,
			    ret_fault);
	return r < 0 ? r
		     : image_open_guarded(fds->image[0], IMAGE_READ_WRITE, layer->guard,
					  &layer->image, ret_fault);
}

static int open_image(struct volume *v, unsigned at, const struct volume_fds *fds,
		      const struct msg_volume_key *keys)
{
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;
	int r = at == 0 ? open_leaf(v, fds, keys, &fault)
			: open_verified(v, at, fds, &keys->layer[at], &fault);

	if (r == -ENODATA)
		return refuse(v, at, -EBADMSG, "open image",
			      "its leaf.mac is not there: without it nobody vouches for the image");
	if (r == -EILSEQ)
		return refuse_altered(v, at);
	if (r == -EBADMSG || r == -EOPNOTSUPP)
		return refuse(v, at, r, "open image", vhd_fault_text(&fault, text, sizeof(text)));
	return r < 0 ? refuse(v, at, r, "open image", strerror(-r)) : 0;
}

/* Is this key for this very image? */
static int check(struct volume *v, unsigned at, const struct msg_layer_key *key)
{
	const struct image_info *info = image_info(v->layer[at].image);
	char sizes[96];

	if (memcmp(key->disk_uuid, info->footer.uuid, sizeof(key->disk_uuid)) != 0)
		return refuse(v, at, -EPERM, "check image", "the key is for another UUID");
	(void)snprintf(sizes, sizeof(sizes),
		       "the key is for a disk of %" PRIu64 " bytes, the image has %" PRIu64,
		       key->disk_bytes, info->virtual_bytes);
	if (key->disk_bytes != info->virtual_bytes)
		return refuse(v, at, -EPERM, "check image", sizes);
	return 0;
}

static int set_parent(struct volume *v, unsigned at)
{
	bool differs = image_info(v->layer[at].image)->footer.type == VHD_TYPE_DIFFERENCING;
	bool has = at + 1 < v->n_layers;
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;
	int r;

	if (differs != has)
		return refuse(v, at, -EPERM, "check image",
			      has ? "it needs no parent, the lease names one"
				  : "it is differencing, the lease names no parent");
	if (!has)
		return 0;
	r = image_set_parent(v->layer[at].image, v->layer[at + 1].image, &fault);
	if (r == -EBADMSG)
		return refuse(v, at, r, "check parent", vhd_fault_text(&fault, text, sizeof(text)));
	return r < 0 ? refuse(v, at, r, "check parent", strerror(-r)) : 0;
}

/* Plain because the message says so; there is no other way to be. */
static int set_key(struct volume *v, unsigned at, const struct msg_layer_key *key)
{
	struct layer *layer = &v->layer[at];
	int r;

	if (key->plain) {
		r = image_set_plain(layer->image);
	} else {
		r = sector_new(key->key, key->sector_bytes, &layer->cipher);
		if (r == 0)
			r = image_set_cipher(layer->image, layer->cipher);
	}
	return r < 0 ? refuse(v, at, r, "load key", strerror(-r)) : 0;
}

static int open_layer(struct volume *v, unsigned at, const struct volume_fds *fds,
		      const struct msg_volume_key *keys)
{
	const struct msg_layer_key *key = &keys->layer[at];
	int r;

	if (msg_text_ok(key->name, sizeof(key->name)))
		memcpy(v->layer[at].name, key->name, sizeof(key->name));
	r = open_image(v, at, fds, keys);
	if (r == 0)
		r = check(v, at, key);
	if (r == 0)
		r = set_parent(v, at);
	return r == 0 ? set_key(v, at, key) : r;
}

/* In the audit log, a number that does not grow shows a leaf that was put back. */
static void say_session(struct volume *v)
{
	const struct leaf_guard *g = v->layer[0].guard;

	if (leaf_guard_was_dirty(g))
		detail_set(v->detail,
			   "leaf session %" PRIu64 " was not closed cleanly; %" PRIu32
			   " blocks checked",
			   leaf_guard_session(g), leaf_guard_n_checked(g));
	else
		detail_set(v->detail, "leaf session %" PRIu64 " was closed cleanly",
			   leaf_guard_session(g));
}

int volume_open(const struct volume_fds *fds, const struct msg_volume_key *key, struct volume **ret,
		struct detail *ret_detail)
{
	struct volume *v = calloc(1, sizeof(*v));
	int r = v ? 0 : -ENOMEM;

	if (!v)
		return r;
	v->detail = ret_detail;
	v->n_layers = fds->n_layers;
	if (key->n_layers != fds->n_layers || key->n_layers == 0 || key->n_layers > MSG_LAYERS)
		r = refuse(v, 0, -EPERM, "count layers", "there are not as many keys as images");
	else if (key->layer[0].plain)
		r = refuse(v, 0, -EPERM, "load key", "a writable layer is never plain");
	for (unsigned at = v->n_layers; r == 0 && at-- > 0;)
		r = open_layer(v, at, fds, key);
	if (r < 0) {
		(void)volume_close(v);
		return r;
	}
	say_session(v);
	v->detail = NULL;
	*ret = v;
	return 0;
}

struct image *volume_image(const struct volume *volume)
{
	return volume->layer[0].image;
}

bool volume_fault(const struct volume *volume, const char **ret_layer, uint64_t *ret_byte)
{
	for (unsigned at = 0; at < volume->n_layers; at++) {
		const struct hash_tree *tree = volume->layer[at].tree;

		if (!tree || hash_tree_fault(tree) == UINT64_MAX)
			continue;
		*ret_layer = volume->layer[at].name;
		*ret_byte = hash_tree_fault(tree);
		return true;
	}
	return false;
}

bool volume_leaf_fault(const struct volume *volume, const char **ret_layer, uint64_t *ret_block)
{
	*ret_layer = volume->layer[0].name;
	*ret_block = leaf_guard_fault(volume->layer[0].guard);
	return *ret_block != UINT64_MAX;
}

int volume_close(struct volume *volume)
{
	int r = 0;

	if (!volume)
		return 0;
	for (unsigned at = 0; at < MSG_LAYERS; at++) { /* a child before its parent */
		int closed = image_close(volume->layer[at].image);

		r = r < 0 ? r : closed;
		sector_free(volume->layer[at].cipher);
		hash_tree_free(volume->layer[at].tree);
		leaf_guard_free(volume->layer[at].guard);
	}
	free(volume);
	return r;
}
