/* cli_chain.h - a VHD and all its parents, opened for a command.
 *
 * A parent is looked for in the leaf's own folder only, by the names that its child has for it, and
 * taken only if its UUID is the one that the child names. Each refusal says which file, field and
 * value. Functions return 0, or an exit status after saying why. */
#ifndef ROLES_CLI_CHAIN_H
#define ROLES_CLI_CHAIN_H

#include "roles/cli_layer.h"
#include "vhdcrypt/leaf_below.h"

struct cli_chain {
	struct cli_layer_folder folder;
	struct cli_layer *layer; /* IMAGE_CHAIN_MAX of them; 0: the leaf, n - 1: the base */
	unsigned n;
};

/* Open the leaf and, read-only, all its parents: metadata only, no key. When a parent is missing
 * or not the right one, what was found stays open in *ret, so that it can be shown. Close it in any
 * case. */
int cli_chain_open(const char *path, enum image_mode leaf_mode, const char *verb,
		   struct cli_chain *ret);

/* Nobody writes a layer until the chain is closed; others may read those below the leaf. */
int cli_chain_lock(const struct cli_chain *chain);

/* Put the layers upon each other, from the base, each opened with its key or plain. keys NULL: the
 * bytes as they are in the files, ciphertext as ciphertext, for who only looks or moves them. */
int cli_chain_join(struct cli_chain *chain, const struct cli_layer_keys *keys);

/* The same with recovery keys, read-only, of a disk that was written under LAYER.mac, and only as that and
 * the hash trees of the layers below say: what is used of headers, names and tables, and each bitmap of
 * the leaf, is what it was, before it returns. What the parents hold is seen when it is read: -EILSEQ. */
int cli_chain_join_proven(struct cli_chain *chain, const struct cli_layer_keys *keys);

/* Its parts, for who makes a MAC anew: the layers below, read through their trees, and what a MAC of the leaf
 * has to name of them; and is what the leaf has for a MAC the right one (its volume key is there)? 0, or
 * -errno: it is not, or there is none. */

int cli_chain_join_below(struct cli_chain *chain, const struct cli_layer_keys *keys,
			 struct leaf_below ret[IMAGE_CHAIN_MAX]);
int cli_chain_leaf_fits(const struct cli_chain *chain, const struct leaf_below *below);

/* Is any layer encrypted? */
bool cli_chain_has_header(const struct cli_chain *chain);

/* A flush that fails is said and returned. */
int cli_chain_close(struct cli_chain *chain);

#endif
