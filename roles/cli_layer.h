/* cli_layer.h - one layer of a disk for a command: a VHD, its header beside it, its recovery key.
 *
 * X.vhd is encrypted when X.luks is beside it, and then opens by one of the recovery keys that were
 * given. Without X.luks it is plain only if nobody gave a key, or somebody named it by --plain: a
 * header that went missing must not turn ciphertext into data. Names are opened in the layer's folder and
 * never followed if they are symbolic links. Functions return 0, or an exit status after saying
 * why ("VERB 'PATH': ..."). header_library_init() is done here. */
#ifndef ROLES_CLI_LAYER_H
#define ROLES_CLI_LAYER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"
#include "vhdcrypt/hash_tree.h"
#include "vhdcrypt/header.h"
#include "vhdcrypt/image.h"
#include "vhdcrypt/leaf_guard.h"

enum {
	CLI_LAYER_NAME_BYTES = 256,
	CLI_LAYER_FOLDER_BYTES = 4096 + 2, /* PATH_MAX and a slash */
	CLI_LAYER_PATH_BYTES = CLI_LAYER_FOLDER_BYTES + CLI_LAYER_NAME_BYTES,
	CLI_LAYER_KEYS_MAX = 8,
};

/* Where a layer lives; its parents and headers are beside it. */
struct cli_layer_folder {
	int fd;				     /* -1: not open */
	char prefix[CLI_LAYER_FOLDER_BYTES]; /* for messages: "" or "some/folder/" */
};

/* What the user gave to open layers with. */
struct cli_layer_keys {
	struct secret recovery[CLI_LAYER_KEYS_MAX];
	unsigned n;
	const char *plain[IMAGE_CHAIN_MAX]; /* names of layers that have no header and need none */
	unsigned n_plain;
};

/* After cli_layer_init(), cli_layer_close() or a failed cli_layer_open(), closed; it keeps its names. */
struct cli_layer {
	const char *verb;		 /* "vhd coalesce" */
	char path[CLI_LAYER_PATH_BYTES]; /* for messages */
	char name[CLI_LAYER_NAME_BYTES]; /* in its folder */
	int vhd_fd;
	int luks_fd;
	struct image *image;
	struct header *header; /* NULL: plain, or not unlocked yet */
	struct secret volume_key;
	struct sector *cipher;
	int proof_fd;		  /* of cli_chain_join_proven(): X.mac of the leaf, else X.tree */
	struct leaf_guard *guard; /* of that, as the next */
	struct hash_tree *tree;
	struct vhd_fault fault; /* of what refused it; .part NULL: nothing that its bytes say */
};

/* The folder of a file, all links resolved, and the file's name in it. */
int cli_layer_folder_open(const char *path, const char *verb, struct cli_layer_folder *ret,
			  char ret_name[CLI_LAYER_NAME_BYTES]);
void cli_layer_folder_close(struct cli_layer_folder *folder);

/* The VHD and what it says of itself; no key yet; for writing, locked first. A differencing one needs
 * image_set_parent() before it is unlocked. */
int cli_layer_open(const struct cli_layer_folder *folder, const char *name, enum image_mode mode,
		   const char *verb, struct cli_layer *ret);

/* Nobody serves or changes it until it is closed. Shared: others may read it, too. */
int cli_layer_lock(const struct cli_layer *layer);
int cli_layer_lock_shared(const struct cli_layer *layer);

/* The header beside it, which must be this layer's: what it says, no key yet. */
int cli_layer_open_header(const struct cli_layer_folder *folder, struct cli_layer *layer);

/* Say how the payload is kept: by the header and a recovery key that opens it, or plain. */
int cli_layer_unlock(const struct cli_layer_folder *folder, const struct cli_layer_keys *keys,
		     struct cli_layer *layer);

/* The two halves of that, for an encrypted one: its header, and by a recovery key its volume key; and
 * its cipher. */
int cli_layer_key(const struct cli_layer_folder *folder, const struct cli_layer_keys *keys,
		  struct cli_layer *layer);
int cli_layer_start(struct cli_layer *layer);

/* Is there a header beside it? What cannot be looked at counts as one. */
bool cli_layer_has_header(const struct cli_layer_folder *folder, const char *name);

/* X.SUFFIX for X.vhd. -ENAMETOOLONG. */
int cli_layer_beside(const char *name, const char *suffix, char ret[CLI_LAYER_NAME_BYTES]);

/* X.luks. The same. */
int cli_layer_header_name(const char *name, char ret[CLI_LAYER_NAME_BYTES]);

void cli_layer_init(struct cli_layer *layer);

/* Flush and close; the flush's failure is said, and returned. Accepts a closed one. */
int cli_layer_close(struct cli_layer *layer);

/* --recovery-file FILE, --recovery-fd N and --plain NAME, each as often as needed. */
int cli_layer_keys_add(const char *file, const char *fd, const char *verb,
		       struct cli_layer_keys *keys);
int cli_layer_keys_plain(const char *name, const char *verb, struct cli_layer_keys *keys);
void cli_layer_keys_free(struct cli_layer_keys *keys);

#endif
