/* bulkhead disk merge NAME: what the newest local layer holds goes into the layer below, which is what is
 * written from then on. key agrees first; the layers below are what they were recorded as, every byte,
 * before anything is written; the record changes when the proof is there. A run that was killed is
 * given again: the disk is closed until then, and what it has to show is in its mark. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/util.h"
#include "roles/cli.h"
#include "roles/cli_coalesce.h"
#include "roles/cli_disk_mac.h"
#include "roles/cli_layers.h"
#include "roles/cli_merge_mark.h"
#include "roles/cli_merge_room.h"
#include "roles/cli_pin.h"
#include "vhdcrypt/hash_tree.h"

enum { CHUNK_BYTES = 1 << 20 };

struct order {
	struct cli_coalesce merge;
	const char *name;
	int pin_fd;
};

static int verify(const struct cli_layers *disk, const struct msg_layer *layer, int vhd_fd)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	OWNS_HEAP uint8_t *chunk = malloc(CHUNK_BYTES);
	struct hash_tree *tree = NULL;
	OWNS_FD int tree_fd = -1;
	struct stat st;
	int r = chunk ? 0 : -ENOMEM, status = cli_layers_path(disk, layer->name, "tree", path);

	if (status != 0)
		return status;
	tree_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (tree_fd < 0 || fstat(vhd_fd, &st) < 0)
		return cli_errno(-errno, "%s: open '%s'", disk->what, path);
	if (r == 0)
		r = hash_tree_open(vhd_fd, tree_fd, layer->root, &tree);
	for (uint64_t at = 0; r == 0 && at < (uint64_t)st.st_size; at += CHUNK_BYTES)
		r = hash_tree_read(tree, chunk,
				   MIN((uint64_t)CHUNK_BYTES, (uint64_t)st.st_size - at), at);
	hash_tree_free(tree);
	if (r == -EILSEQ)
		return cli_error(CLI_DAMAGED,
				 "%s: layer '%s' is not what it was when another was put upon it",
				 disk->what, layer->name);
	return r < 0 ? cli_errno(r, "%s: read layer '%s'", disk->what, layer->name) : 0;
}

/* A run that was killed has written to the one below already: what that is, its mark says. */
static int verify_below(const struct cli_layers *disk, const struct cli_chain *chain, bool begun)
{
	unsigned first = begun ? 1 : 0;
	int status = 0;

	if (chain->n != disk->chain.n_parents + 1)
		return cli_error(CLI_DAMAGED, "%s: its files are %u layers, its record says %u",
				 disk->what, chain->n, disk->chain.n_parents + 1);
	for (unsigned i = 0; status == 0 && i < disk->chain.n_parents; i++) {
		char file[MSG_NAME_BYTES + 8];

		(void)snprintf(file, sizeof(file), "%s.vhd", disk->chain.parent[i].name);
		if (strcmp(file, chain->layer[i + 1].name) != 0)
			status = cli_error(CLI_DAMAGED, "%s: '%s' lies where the record has '%s'",
					   disk->what, chain->layer[i + 1].name, file);
		else if (i >= first)
			status = verify(disk, &disk->chain.parent[i], chain->layer[i + 1].vhd_fd);
	}
	return status;
}

/* The layer that goes is what its MAC says. */
static int check_leaf(const struct cli_layers *disk, int vhd_fd, const struct secret *mac_key)
{
	const struct msg_lease *c = &disk->chain;
	char path[CLI_DISK_DOC_PATH_BYTES];
	struct leaf_mac_outside outside;
	OWNS_FD int mac = -1;
	int status = cli_layers_path(disk, c->layer, "mac", path);

	if (status != 0)
		return status;
	cli_disk_mac_outside(c->sector_bytes, c->parent, c->n_parents, &outside);
	mac = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return mac < 0 ? cli_errno(-errno, "%s: open '%s'", disk->what, path)
		       : cli_disk_mac_check_by(vhd_fd, mac, mac_key, &outside, disk->what);
}

/* The layer below is the writable one now, and has one of its own again. */
static int make_mac(const struct cli_layers *disk, const struct cli_layer *below)
{
	const struct msg_layer *leaf = &disk->chain.parent[0];
	char path[CLI_DISK_DOC_PATH_BYTES], partial[CLI_DISK_DOC_PATH_BYTES];
	struct leaf_mac_outside outside;
	OWNS_FD int mac = -1;
	int status = cli_layers_path(disk, disk->chain.parent[0].name, "mac", path);

	if (status == 0)
		status = cli_layers_path(disk, disk->chain.parent[0].name, "mac.partial", partial);
	if (status != 0)
		return status;
	mac = open(partial, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (mac < 0)
		return cli_errno(-errno, "%s: make '%s'", disk->what, partial);
	cli_disk_mac_outside(leaf->sector_bytes, leaf + 1, disk->chain.n_parents - 1, &outside);
	status = cli_disk_mac_make(below->vhd_fd, IMAGE_READ_ONLY, mac, &below->volume_key,
				   &outside, disk->what);
	if (status == 0 && rename(partial, path) < 0)
		status = cli_errno(-errno, "%s: name '%s'", disk->what, path);
	return status;
}

/* The disk without its newest layer shows what it showed with it; as that file is now. The layers below it
 * were not written. */
static int prove(const struct cli_layers *disk, const struct order *o,
		 const struct cli_chain *chain)
{
	struct cli_layer below;
	int status = cli_layer_open(&chain->folder, chain->layer[1].name, IMAGE_READ_ONLY,
				    o->merge.verb, &below);

	if (status == 0 && chain->n > 2 &&
	    image_set_parent(below.image, chain->layer[2].image, &below.fault) < 0)
		status = cli_error(CLI_DAMAGED, "%s '%s': was changed meanwhile", o->merge.verb,
				   below.path);
	if (status == 0)
		status = cli_layer_unlock(&chain->folder, &o->merge.keys, &below);
	if (status == 0)
		status = cli_merge_mark_prove(disk, &chain->layer[0], &below);
	(void)cli_layer_close(&below); /* read-only */
	return status;
}

static int merge(const struct cli_layers *disk, const struct order *o, struct cli_chain *chain)
{
	bool begun = false, in_force = false;
	OWNS_SECRET struct secret mac_key = { 0 };
	struct cli_merge_room room = { .fd = -1 };
	struct msg_layers_made made;
	OWNS_FD int none = -1;
	int status = cli_merge_mark_begun(disk, &begun);

	if (status == 0)
		status = cli_layer_lock(&chain->layer[0]);
	if (status == 0)
		status = cli_chain_join(chain, &o->merge.keys);
	if (status == 0)
		status = cli_layers_ask(disk, NULL, NULL, o->pin_fd, &made, &mac_key, &none);
	if (status == 0)
		status = check_leaf(disk, chain->layer[0].vhd_fd, &mac_key);
	if (status == 0)
		status = verify_below(disk, chain, begun);
	if (status == 0)
		status = cli_merge_room_take(chain, disk->what, &room);
	if (status == 0)
		status = cli_merge_mark_set(disk, &chain->layer[0], begun);
	if (status == 0)
		status = cli_coalesce_into_parent(&o->merge, chain);
	cli_merge_room_give(&room);
	if (status == 0)
		status = prove(disk, o, chain);
	if (status == 0)
		status = make_mac(disk, &chain->layer[1]);
	if (status == 0)
		status = cli_layers_commit(disk, &made, &in_force);
	if (status == 0)
		return cli_merge_mark_clear(disk);
	if (!in_force && status != CLI_DAMAGED && cli_merge_mark_begun(disk, &begun) == 0 && begun)
		(void)cli_error(status,
				"%s: it stays closed until this command is given again; nothing is "
				"lost",
				disk->what);
	return status;
}

static int open_and_merge(struct order *o, const char *config_path)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	struct cli_layers disk;
	struct cli_chain chain;
	bool cleared = false;
	int status = cli_layers_open(config_path, o->merge.verb, o->name, &disk);

	if (status == 0)
		status = cli_merge_mark_clear_old(&disk, &cleared);
	if (status == 0 && cleared) /* that was it: another merge is another command */
		printf("disk '%s': it was merged; what that run could not remove is gone\n",
		       o->name);
	if (status != 0 || cleared)
		return status;
	if (disk.local.n == 0)
		status = cli_error(CLI_FAILED, "%s: it has no local layer", disk.what);
	if (status == 0)
		status = cli_layers_path(&disk, disk.chain.layer, "vhd", path);
	if (status != 0)
		return status;
	o->merge.leaf = path;
	status = cli_chain_open(path, IMAGE_READ_ONLY, o->merge.verb, &chain);
	if (status == 0)
		status = merge(&disk, o, &chain);
	(void)cli_chain_close(&chain); /* read-only */
	return status;
}

static int take_options(struct order *o, int argc, char **argv)
{
	enum { FILE_ = 1, FD, PLAIN, PIN };
	static const struct option known[] = { { "recovery-file", required_argument, NULL, FILE_ },
					       { "recovery-fd", required_argument, NULL, FD },
					       { "plain", required_argument, NULL, PLAIN },
					       { "pin-fd", required_argument, NULL, PIN },
					       { 0 } };
	struct cli_layer_keys *keys = &o->merge.keys;
	int c, status = 0;

	while (status == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == FILE_ || c == FD)
			status = cli_layer_keys_add(c == FD ? NULL : optarg, optarg, argv[0], keys);
		else if (c == PLAIN)
			status = cli_layer_keys_plain(optarg, argv[0], keys);
		else if (c != PIN || cli_pin_fd(optarg, &o->pin_fd) < 0)
			return cli_usage(argv[0]);
	}
	if (status == 0 && (argc - optind != 1 || keys->n == 0))
		return cli_usage(argv[0]);
	o->name = argv[optind];
	return status;
}

int cli_disk_merge(int argc, char **argv)
{
	struct order o = { .merge = { .verb = argv[0], .keep = true }, .pin_fd = -1 };
	struct cli_options opt;
	int status = cli_common(&opt, &argc, argv);

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core with keys or plaintext */
	if (status == 0)
		status = take_options(&o, argc, argv);
	if (status == 0)
		status = open_and_merge(&o, opt.config_path);
	cli_layer_keys_free(&o.merge.keys);
	return status;
}
