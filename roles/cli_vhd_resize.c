/* cli_vhd_resize.c - bulkhead vhd resize FILE --size N: another size, in place. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "roles/cli.h"
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
		status = cli_vhd_not_a_layer(argv[0], o.path);
	if (status == CLI_DONE)
		status = cli_vhd_open(argv[0], o.path, IMAGE_READ_WRITE, &fd, &image);
	if (status != CLI_DONE)
		return status;
	r = image_resize(image, o.size_bytes, o.may_shrink, &fault);
	(void)image_close(image); /* neither cipher nor plain: nothing to flush */
	if (r < 0)
		return cli_vhd_refused(argv[0], o.path, r, &fault);
	printf("%s: %" PRIu64 " bytes\n", o.path, o.size_bytes);
	return CLI_DONE;
}
