/* A chain for who has recovery keys and no lease: the leaf's MAC vouches for its metadata, its header's
 * sector size and the layers below, each by the root of its hash tree. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_chain.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/leaf_below.h"

enum { PROOF_FLAGS = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK };

static int open_proof(const struct cli_chain *chain, struct cli_layer *layer, const char *suffix)
{
	char name[CLI_LAYER_NAME_BYTES];
	int r = cli_layer_beside(layer->name, suffix, name);

	if (r == 0)
		layer->proof_fd = openat(chain->folder.fd, name, PROOF_FLAGS);
	if (r == 0 && layer->proof_fd >= 0)
		return 0;
	if (r == 0 && errno == ENOENT)
		return cli_error(CLI_DAMAGED,
				 "%s '%s': its '%s' is not there: nobody vouches for what would be "
				 "read; bring it, or see --without-mac in bulkhead(8)",
				 layer->verb, layer->path, name);
	return cli_errno(r < 0 ? r : -errno, "%s '%s': open its '%s'", layer->verb, layer->path,
			 name);
}

static int refused(const struct cli_layer *layer, int r)
{
	char text[VHD_FAULT_TEXT_BYTES], luks[CLI_LAYER_NAME_BYTES] = "";
	bool header = r == -EBADMSG && strcmp(layer->fault.part, "LUKS2 header") == 0;

	if (r == -EILSEQ)
		return cli_error(CLI_DAMAGED,
				 "%s '%s': the file, or its hash tree, is not what it was; take "
				 "IT's copy",
				 layer->verb, layer->path);
	if (r != -EBADMSG)
		return cli_vhd_refused(layer->verb, layer->path, r, &layer->fault);
	(void)cli_layer_header_name(layer->name, luks);
	return cli_error(CLI_DAMAGED,
			 "%s '%s': %s%s%s%s; take IT's copy of %s, or see --without-mac in "
			 "bulkhead(8)",
			 layer->verb, layer->path, header ? "'" : "", header ? luks : "",
			 header ? "': " : "", vhd_fault_text(&layer->fault, text, sizeof(text)),
			 header ? "it" : "the disk");
}

/* A layer that nobody writes, read anew as the tree beside it says; that it is the right tree is said
 * by the leaf, later. */
static int open_verified(const struct cli_chain *chain, struct cli_layer *layer,
			 struct leaf_below *ret)
{
	int r, status = open_proof(chain, layer, "tree");

	if (status != 0)
		return status;
	r = hash_tree_root(layer->vhd_fd, layer->proof_fd, ret->root);
	if (r == 0)
		r = hash_tree_open(layer->vhd_fd, layer->proof_fd, ret->root, &layer->tree);
	if (r < 0)
		return refused(layer, r);
	(void)image_close(layer->image); /* read-only */
	layer->image = NULL;
	r = image_open_verified(layer->vhd_fd, layer->tree, &layer->image, &layer->fault);
	if (r < 0)
		return refused(layer, r);
	memcpy(ret->uuid, image_info(layer->image)->footer.uuid, sizeof(ret->uuid));
	return 0;
}

/* What the leaf's MAC has to name: what is there. */
static int guard_of(const struct cli_chain *chain, const struct leaf_below *below, int mac_fd,
		    struct leaf_guard **ret, struct vhd_fault *ret_fault)
{
	const struct cli_layer *leaf = &chain->layer[0];
	struct leaf_mac_outside outside = {
		.sector_bytes = header_shape_of(leaf->header)->sector_bytes,
	};

	leaf_below_digest(below, chain->n - 1, outside.below);
	return leaf_guard_open(mac_fd, &leaf->volume_key, image_info(leaf->image)->footer.uuid,
			       &outside, ret, ret_fault);
}

static int open_guarded(const struct cli_chain *chain, const struct leaf_below *below)
{
	struct cli_layer *leaf = &chain->layer[0];
	int r, status = open_proof(chain, leaf, "mac");

	if (status != 0)
		return status;
	r = guard_of(chain, below, leaf->proof_fd, &leaf->guard, &leaf->fault);
	if (r < 0)
		return refused(leaf, r);
	(void)image_close(leaf->image); /* read-only */
	leaf->image = NULL;
	r = image_open_guarded(leaf->vhd_fd, IMAGE_READ_ONLY, leaf->guard, &leaf->image,
			       &leaf->fault);
	return r < 0 ? refused(leaf, r) : 0;
}

static int join(struct cli_chain *chain, unsigned at)
{
	struct cli_layer *layer = &chain->layer[at];
	int r = 0;

	if (at + 1 < chain->n)
		r = image_set_parent(layer->image, layer[1].image, &layer->fault);
	return r < 0 ? refused(layer, r) : 0;
}

static int join_below(struct cli_chain *chain, const struct cli_layer_keys *keys, unsigned at,
		      struct leaf_below *ret)
{
	struct cli_layer *layer = &chain->layer[at];
	int status = open_verified(chain, layer, ret);

	if (status == 0)
		status = join(chain, at);
	if (status == 0)
		status = cli_layer_unlock(&chain->folder, keys, layer);
	if (status == 0 && layer->header)
		ret->sector_bytes = header_shape_of(layer->header)->sector_bytes;
	return status;
}

static int join_leaf(struct cli_chain *chain, const struct cli_layer_keys *keys,
		     const struct leaf_below *below)
{
	struct cli_layer *leaf = &chain->layer[0];
	int r, status;

	if (!cli_layer_has_header(&chain->folder, leaf->name)) /* it says which option is missing */
		return cli_layer_unlock(&chain->folder, keys, leaf);
	status = cli_layer_key(&chain->folder, keys, leaf);
	if (status == 0)
		status = open_guarded(chain, below);
	if (status != 0)
		return status;
	r = image_guard_verify(leaf->image, &leaf->fault);
	if (r < 0)
		return refused(leaf, r == -EILSEQ ? -EBADMSG : r);
	status = join(chain, 0);
	return status == 0 ? cli_layer_start(leaf) : status;
}

int cli_chain_join_below(struct cli_chain *chain, const struct cli_layer_keys *keys,
			 struct leaf_below ret[IMAGE_CHAIN_MAX])
{
	int status = 0;

	for (unsigned i = chain->n; status == 0 && --i > 0;)
		status = join_below(chain, keys, i, &ret[i - 1]);
	return status;
}

int cli_chain_leaf_fits(const struct cli_chain *chain, const struct leaf_below *below)
{
	struct cli_layer *leaf = &chain->layer[0];
	char name[CLI_LAYER_NAME_BYTES];
	struct leaf_guard *guard = NULL;
	struct image *image = NULL;
	struct vhd_fault ignored;
	int r = cli_layer_beside(leaf->name, "mac", name);
	OWNS_FD int fd = r < 0 ? -1 : openat(chain->folder.fd, name, PROOF_FLAGS);

	if (fd < 0)
		return r < 0 ? r : -errno;
	r = guard_of(chain, below, fd, &guard, &ignored);
	if (r == 0)
		r = image_open_guarded(leaf->vhd_fd, IMAGE_READ_ONLY, guard, &image, &ignored);
	if (r == 0)
		r = image_guard_verify(image, &ignored);
	(void)image_close(image); /* read-only */
	leaf_guard_free(guard);
	return r;
}

int cli_chain_join_proven(struct cli_chain *chain, const struct cli_layer_keys *keys)
{
	struct leaf_below below[IMAGE_CHAIN_MAX] = { 0 };
	int status = cli_chain_join_below(chain, keys, below);

	return status == 0 ? join_leaf(chain, keys, below) : status;
}
