/* cli_vhd_resize.c - bulkhead vhd resize FILE --size N: another size, in place. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_children.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/image_resize.h"

struct order {
	const char *path;
	uint64_t size_bytes;
	bool may_shrink;
};

static int take_options(struct order *o, int argc, char **argv)
{
	enum { SIZE = 1, SHRINK };
	static const struct option options[] = { { "size", required_argument, NULL, SIZE },
						 { "shrink", no_argument, NULL, SHRINK },
						 { 0 } };
	int c, r = 0;

	*o = (struct order){ 0 };
	while (r == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == SIZE)
			r = cli_vhd_size(argv[0], optarg, &o->size_bytes);
		else if (c == SHRINK)
			o->may_shrink = true;
		else
			return cli_usage(argv[0]);
	}
	if (r == 0 && (argc - optind != 1 || o->size_bytes == 0))
		return cli_usage(argv[0]);
	o->path = argv[optind];
	return r;
}

/* A layer holds its parent's size, and its own table is made for that (virtdisk.h, ExpandVirtualDisk: it
 * invalidates a chain). */
static int refuse_parent(const char *verb, const char *path, const struct image *image)
{
	char name[CLI_LAYER_NAME_BYTES], child[CLI_LAYER_NAME_BYTES];
	struct cli_layer_folder folder = { .fd = -1 };
	bool found = false;
	int r = 0, status = cli_layer_folder_open(path, verb, &folder, name);

	if (status == CLI_DONE)
		r = cli_children_find(&folder, image_info(image)->footer.uuid, -1, &found, child);
	cli_layer_folder_close(&folder);
	if (r < 0)
		return cli_errno(r, "%s '%s': look for layers upon it, at '%s'", verb, path, child);
	return !found ? status
		      : cli_error(
				CLI_REFUSED,
				"%s '%s': '%s' is a layer upon it, and would not fit it any more; "
				"merge that first (bulkhead vhd coalesce)",
				verb, path, child);
}

int cli_vhd_resize(int argc, char **argv)
{
	OWNS_FD int fd = -1;
	struct cli_options opt;
	struct vhd_fault fault;
	struct image *image;
	struct order o;
	int status = cli_common(&opt, &argc, argv), r;

	if (status == CLI_DONE)
		status = take_options(&o, argc, argv);
	if (status == CLI_DONE)
		status = cli_vhd_not_checked_out(
			argv[0], o.path,
			"its lease names its size: change the plain image and check it out again");
	if (status == CLI_DONE)
		status = cli_vhd_not_encrypted(argv[0], o.path);
	if (status == CLI_DONE)
		status = cli_vhd_open(argv[0], o.path, IMAGE_READ_WRITE, &fd, &image);
	if (status != CLI_DONE)
		return status;
	status = refuse_parent(argv[0], o.path, image);
	r = status == CLI_DONE ? image_resize(image, o.size_bytes, o.may_shrink, &fault) : 0;
	(void)image_close(image); /* neither cipher nor plain: nothing to flush */
	if (status != CLI_DONE)
		return status;
	if (r < 0)
		return cli_vhd_refused(argv[0], o.path, r, &fault);
	printf("%s: %" PRIu64 " bytes\n", o.path, o.size_bytes);
	return CLI_DONE;
}
