/* bulkhead disk vouch DIR: a new LAYER.mac for a disk that has lost its own, by recovery keys. It vouches for
 * what is there now; that it is what was there before, nobody can say any more. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/util.h"
#include "roles/cli.h"
#include "roles/cli_chain.h"
#include "roles/cli_disk_mac.h"
#include "roles/cli_layer_new.h"
#include "roles/cli_layers.h"
#include "roles/cli_record.h"
#include "roles/cli_stop.h"
#include "vhdcrypt/leaf_below.h"

enum { CHUNK_BYTES = 1 << 20 };

struct order {
	const char *verb, *dir;
	struct cli_layer_keys keys;
	struct cli_record record;
};

static int open_disk(const struct order *o, struct cli_chain *ret)
{
	char path[CLI_LAYER_PATH_BYTES];
	int status = cli_layers_vhd(o->dir, o->verb, path);

	if (status != 0)
		return status;
	status = cli_chain_open(path, IMAGE_READ_ONLY, o->verb, ret);
	return status == 0 ? cli_chain_lock(ret) : status;
}

/* All of a layer's file is what the tree beside it says. */
static int read_whole(const struct cli_layer *layer)
{
	OWNS_HEAP uint8_t *chunk = malloc(CHUNK_BYTES);
	struct stat st;
	int r = !chunk ? -ENOMEM : fstat(layer->vhd_fd, &st) < 0 ? -errno : 0;

	for (uint64_t at = 0, n; r == 0 && at < (uint64_t)st.st_size; at += n) {
		n = MIN((uint64_t)CHUNK_BYTES, (uint64_t)st.st_size - at);
		r = cli_stop_asked() ? -ECANCELED : hash_tree_read(layer->tree, chunk, n, at);
	}
	if (r == -EILSEQ)
		return cli_error(CLI_DAMAGED,
				 "%s '%s': the file, or its hash tree, is not what it was; take "
				 "IT's copy",
				 layer->verb, layer->path);
	return r < 0 ? cli_errno(r, "%s '%s': read it", layer->verb, layer->path) : 0;
}

static int write_mac(const struct cli_chain *chain, const struct leaf_mac_outside *outside)
{
	const struct cli_layer *leaf = &chain->layer[0];
	char name[CLI_LAYER_NAME_BYTES], partial[CLI_LAYER_NAME_BYTES];
	char what[CLI_LAYER_PATH_BYTES + 32];
	OWNS_FD int fd = -1;
	int r = cli_layer_beside(leaf->name, "mac", name), status;

	if (r == 0)
		r = cli_layer_beside(leaf->name, "mac.partial", partial);
	if (r == 0)
		fd = openat(chain->folder.fd, partial,
			    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r < 0 || fd < 0)
		return cli_errno(r < 0 ? r : -errno, "%s '%s': make its '%s'", leaf->verb,
				 leaf->path, partial);
	(void)snprintf(what, sizeof(what), "%s '%s'", leaf->verb, leaf->path);
	status = cli_disk_mac_make(leaf->vhd_fd, IMAGE_READ_ONLY, fd, &leaf->volume_key, outside,
				   what);
	if (status == 0 && renameat(chain->folder.fd, partial, chain->folder.fd, name) < 0)
		status = cli_errno(-errno, "%s: name '%s'", what, name);
	if (status != 0)
		(void)unlinkat(chain->folder.fd, partial, 0);
	r = status == 0 ? cli_layer_folder_sync(&chain->folder) : 0;
	return r < 0 ? cli_errno(r, "%s: flush its folder", what) : status;
}

static int check_and_write(struct cli_chain *chain, const struct leaf_below *below)
{
	struct leaf_mac_outside outside = {
		.sector_bytes = header_shape_of(chain->layer[0].header)->sector_bytes,
	};
	int status = 0;

	leaf_below_digest(below, chain->n - 1, outside.below);
	for (unsigned i = 1; status == 0 && i < chain->n; i++)
		status = read_whole(&chain->layer[i]);
	return status == 0 ? write_mac(chain, &outside) : status;
}

/* One that fits is not made anew: its sessions would begin from 1 for nothing. */
static int fits(const struct order *o, struct cli_chain *chain, const struct leaf_below *below)
{
	return cli_chain_leaf_fits(chain, below) == 0
		       ? cli_error(CLI_REFUSED,
				   "%s '%s': its MAC is there and fits: nothing was done", o->verb,
				   chain->layer[0].path)
		       : 0;
}

static int vouch(struct order *o, struct cli_chain *chain)
{
	struct leaf_below below[IMAGE_CHAIN_MAX] = { 0 };
	int status = cli_chain_join_below(chain, &o->keys, below);

	if (status == 0)
		status = cli_layer_key(&chain->folder, &o->keys, &chain->layer[0]);
	if (status == 0)
		status = fits(o, chain, below);
	if (status == 0)
		status = cli_record_begin(&o->record, CTL_WORK_VOUCH, chain->layer[0].path,
					  "a new MAC for what is there now");
	if (status != 0)
		return status;
	status = cli_record_end(&o->record, check_and_write(chain, below),
				"nobody vouches for what was there before");
	if (status == 0)
		printf("'%s': vouched for as it is now, with sectors of %u bytes, upon %u layer%s\n"
		       "that it is what was there before is not known: look at what it holds\n",
		       chain->layer[0].path,
		       (unsigned)header_shape_of(chain->layer[0].header)->sector_bytes,
		       chain->n - 1, chain->n == 2 ? "" : "s");
	return status;
}

static int take_options(struct order *o, int argc, char **argv)
{
	enum { FILE_ = 1, FD, PLAIN };
	static const struct option known[] = { { "recovery-file", required_argument, NULL, FILE_ },
					       { "recovery-fd", required_argument, NULL, FD },
					       { "plain", required_argument, NULL, PLAIN },
					       { 0 } };
	int c, status = 0;

	o->verb = argv[0];
	while (status == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == FILE_ || c == FD)
			status = cli_layer_keys_add(c == FD ? NULL : optarg, optarg, o->verb,
						    &o->keys);
		else if (c == PLAIN)
			status = cli_layer_keys_plain(optarg, o->verb, &o->keys);
		else
			return cli_usage(o->verb);
	}
	if (status == 0 && (argc - optind != 1 || o->keys.n == 0))
		return cli_usage(o->verb);
	o->dir = argv[optind];
	return status;
}

int cli_disk_vouch(int argc, char **argv)
{
	struct cli_chain chain = { .folder.fd = -1 };
	struct order o = { 0 };
	struct cli_options opt;
	int status = cli_common(&opt, &argc, argv);

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core with keys */
	if (status == 0)
		status = take_options(&o, argc, argv);
	if (status == 0)
		status = cli_record_open(&opt, o.verb, &o.record);
	cli_stop_begin();
	if (status == 0)
		status = open_disk(&o, &chain);
	if (status == 0)
		status = vouch(&o, &chain);
	(void)cli_chain_close(&chain); /* read-only */
	cli_layer_keys_free(&o.keys);
	return status;
}
