/* cli_vhd_coalesce.c - bulkhead vhd coalesce LEAF: merge a layer into its parent, or a whole chain
 * into a new file. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_chain.h"
#include "roles/cli_children.h"
#include "roles/cli_coalesce.h"
#include "roles/cli_disk_copy.h"
#include "roles/cli_layer_new.h"
#include "roles/cli_layers.h"
#include "roles/cli_merge_room.h"
#include "roles/cli_vhd.h"

static int proof_failed(const struct cli_coalesce *o, int r, uint64_t at)
{
	if (r == -EILSEQ || r == -ENOKEY)
		return cli_error(CLI_FAILED,
				 "%s '%s': the proof failed at byte %" PRIu64
				 ": what was written is not what was read; the layer is kept",
				 o->verb, o->leaf, at);
	return r < 0 ? cli_errno(r, "%s '%s': read back what was written", o->verb, o->leaf) : 0;
}

/* Somebody else's parent would change below him. */
static int refuse_siblings(const struct cli_coalesce *o, const struct cli_chain *chain)
{
	char name[CLI_LAYER_NAME_BYTES];
	bool found;
	int r = cli_children_find(&chain->folder, image_info(chain->layer[1].image)->footer.uuid,
				  chain->layer[0].vhd_fd, &found, name);

	if (r < 0)
		return cli_errno(r, "%s '%s': look for other layers, at '%s'", o->verb, o->leaf,
				 name);
	return !found ? 0
		      : cli_error(CLI_REFUSED,
				  "%s '%s': '%s' is a layer upon '%s', too, and would change with "
				  "it; merge into a new file (--into FILE)",
				  o->verb, o->leaf, name, chain->layer[1].path);
}

static int check_pair(const struct cli_coalesce *o, const struct cli_chain *chain)
{
	const struct cli_layer *leaf = &chain->layer[0], *parent = &chain->layer[1];

	if (image_info(leaf->image)->virtual_bytes != image_info(parent->image)->virtual_bytes)
		return cli_error(CLI_FAILED,
				 "%s '%s': is larger than its parent; merge into a new file "
				 "(--into FILE)",
				 o->verb, o->leaf);
	if (cli_layer_has_header(&chain->folder, leaf->name) &&
	    !cli_layer_has_header(&chain->folder, parent->name))
		return cli_error(CLI_REFUSED,
				 "%s '%s': is encrypted and its parent is not: its data would lie "
				 "there in clear; merge into a new file (--into FILE)",
				 o->verb, o->leaf);
	return refuse_siblings(o, chain);
}

/* The parent for writing, and locked, upon its own parents. */
static int open_target(const struct cli_coalesce *o, const struct cli_chain *chain,
		       struct cli_layer *ret)
{
	const struct cli_layer *parent = &chain->layer[1];
	struct stat looked, opened;
	struct vhd_fault fault;
	int status = cli_layer_open(&chain->folder, parent->name, IMAGE_READ_WRITE, o->verb, ret);

	if (status == 0 && (fstat(ret->vhd_fd, &opened) < 0 || fstat(parent->vhd_fd, &looked) < 0))
		status = cli_errno(-errno, "%s '%s'", o->verb, ret->path);
	if (status == 0 && (opened.st_dev != looked.st_dev || opened.st_ino != looked.st_ino))
		status = cli_error(CLI_DAMAGED, "%s '%s': was exchanged meanwhile", o->verb,
				   ret->path);
	if (status == 0 && chain->n > 2 &&
	    image_set_parent(ret->image, chain->layer[2].image, &fault) < 0)
		status = cli_error(CLI_DAMAGED, "%s '%s': was changed meanwhile", o->verb,
				   ret->path);
	return status == 0 ? cli_layer_unlock(&chain->folder, &o->keys, ret) : status;
}

/* All that the leaf holds is in its parent now, and proven: it is not needed any more. */
static int remove_leaf(const struct cli_coalesce *o, const struct cli_chain *chain)
{
	const struct cli_layer *leaf = &chain->layer[0];
	char luks[CLI_LAYER_NAME_BYTES];
	int r = unlinkat(chain->folder.fd, leaf->name, 0) < 0 ? -errno : 0;

	if (r == 0 && leaf->header && cli_layer_header_name(leaf->name, luks) == 0)
		r = unlinkat(chain->folder.fd, luks, 0) < 0 ? -errno : 0;
	if (r == 0)
		r = cli_layer_folder_sync(&chain->folder);
	return r < 0 ? cli_errno(r, "%s '%s': remove it", o->verb, o->leaf) : 0;
}

/* At any moment the leaf reads as before, because it still holds what is being written below it. So
 * a run that was killed is repeated whole; the leaf goes last. */
int cli_coalesce_into_parent(const struct cli_coalesce *o, const struct cli_chain *chain)
{
	struct cli_layer target;
	uint64_t at = 0, bytes = 0;
	int r, closed, status = check_pair(o, chain);
	struct cli_progress progress;

	if (status != 0)
		return status;
	cli_progress_init(&progress, false);
	cli_layer_init(&target);
	status = open_target(o, chain, &target);
	if (status == 0) {
		r = cli_disk_merge_into(chain->layer[0].image, true, target.image, &progress,
					&bytes);
		if (r < 0)
			status = cli_errno(r, "%s '%s': write '%s'", o->verb, o->leaf, target.path);
	}
	if (status == 0) {
		r = cli_disk_prove_merged(chain->layer[0].image, true, target.image, target.vhd_fd,
					  &progress, &at);
		status = proof_failed(o, r, at);
	}
	closed = cli_layer_close(&target);
	status = status ? status : closed;
	if (status == 0 && !o->keep)
		status = remove_leaf(o, chain);
	if (status == 0)
		printf("%s: %" PRIu64 " bytes of '%s', read back and compared%s\n",
		       chain->layer[1].path, bytes, o->leaf, o->keep ? "" : "; it is removed");
	return status;
}

static int copy_flat(const struct cli_coalesce *o, const struct cli_chain *chain,
		     const struct cli_layer_new *new, uint64_t *ret_bytes)
{
	struct image *leaf = chain->layer[0].image, *to = NULL;
	struct cli_disk_counts counts;
	struct cli_progress progress;
	struct vhd_footer footer;
	uint64_t at = 0;
	int closed, r;

	cli_progress_init(&progress, false);
	image_footer_init(VHD_TYPE_DYNAMIC, image_info(leaf)->virtual_bytes, new->uuid,
			  new->timestamp_s, &footer);
	r = image_create(new->fd, &footer, new->cipher, &to);
	if (r == 0)
		r = cli_disk_merge_into(leaf, false, to, &progress, ret_bytes);
	closed = image_close(to);
	r = r < 0 ? r : closed;
	if (r < 0)
		return cli_errno(r, "%s '%s': write '%s'", o->verb, o->leaf, o->into);
	r = cli_disk_prove(leaf, new->fd, new->cipher, &progress, &counts, &at);
	return proof_failed(o, r, at);
}

static int into_new(const struct cli_coalesce *o, const struct cli_chain *chain)
{
	struct cli_layer_new new;
	uint64_t bytes = 0;
	int made, status;

	if (!o->recovery_out && cli_chain_has_header(chain))
		return cli_error(CLI_REFUSED,
				 "%s '%s': has encrypted layers, so the new file must be: name a "
				 "file for its recovery key (--recovery-out FILE)",
				 o->verb, o->leaf);
	status = cli_layer_new_begin(&chain->folder, o->into, o->recovery_out, o->verb, &new);
	if (status == 0)
		status = copy_flat(o, chain, &new, &bytes);
	made = cli_layer_new_end(&new, status == 0);
	status = status ? status : made;
	if (status == 0)
		printf("%s: %" PRIu64 " bytes of '%s' and its parents, read back and compared\n",
		       o->into, bytes, o->leaf);
	return status;
}

static int into_parent(const struct cli_coalesce *o, const struct cli_chain *chain)
{
	struct cli_merge_room room = { .fd = -1 };
	int status = cli_merge_room_take(chain, o->verb, &room);

	if (status == 0)
		status = cli_coalesce_into_parent(o, chain);
	cli_merge_room_give(&room);
	return status;
}

static int coalesce(const struct cli_coalesce *o)
{
	struct cli_chain chain;
	int status = cli_chain_open(o->leaf, IMAGE_READ_ONLY, o->verb, &chain);

	if (status == 0 && chain.n < 2)
		status = cli_error(CLI_USAGE, "%s '%s': has no parent to be merged with", o->verb,
				   o->leaf);
	if (status == 0 && !o->into) /* what it writes may be in a record */
		status = cli_layers_none(chain.folder.prefix, o->verb);
	for (unsigned i = 0; status == 0 && i < chain.n; i++)
		status = cli_vhd_not_checked_out(
			o->verb, chain.layer[i].path,
			o->into ? "it is read by 'bulkhead disk export'"
				: "layers are joined by 'bulkhead disk merge'");
	if (status == 0)
		status = cli_layer_lock(&chain.layer[0]);
	if (status == 0)
		status = cli_chain_join(&chain, &o->keys);
	if (status == 0)
		status = o->into ? into_new(o, &chain) : into_parent(o, &chain);
	(void)cli_chain_close(&chain); /* read-only */
	return status;
}

static int take_options(struct cli_coalesce *o, int argc, char **argv)
{
	enum { INTO = 1, OUT, KEEP, FILE_, FD, PLAIN };
	static const struct option known[] = { { "into", required_argument, NULL, INTO },
					       { "recovery-out", required_argument, NULL, OUT },
					       { "keep", no_argument, NULL, KEEP },
					       { "recovery-file", required_argument, NULL, FILE_ },
					       { "recovery-fd", required_argument, NULL, FD },
					       { "plain", required_argument, NULL, PLAIN },
					       { 0 } };
	int c, status = 0;

	*o = (struct cli_coalesce){ .verb = argv[0] };
	while (status == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == INTO)
			o->into = optarg;
		else if (c == OUT)
			o->recovery_out = optarg;
		else if (c == KEEP)
			o->keep = true;
		else if (c == FILE_ || c == FD)
			status = cli_layer_keys_add(c == FD ? NULL : optarg, optarg, o->verb,
						    &o->keys);
		else if (c == PLAIN)
			status = cli_layer_keys_plain(optarg, o->verb, &o->keys);
		else
			return cli_usage(argv[0]);
	}
	if (status == 0 && (argc - optind != 1 || (o->recovery_out && !o->into)))
		return cli_usage(argv[0]);
	o->leaf = argv[optind];
	return status;
}

int cli_vhd_coalesce(int argc, char **argv)
{
	struct cli_options opt;
	struct cli_coalesce o;
	int status = cli_common(&opt, &argc, argv);

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core with keys or plaintext */
	if (status != 0)
		return status;
	status = take_options(&o, argc, argv);
	if (status == 0)
		status = coalesce(&o);
	cli_layer_keys_free(&o.keys);
	return status;
}
