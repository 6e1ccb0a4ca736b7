/* cli_vhd_create.c - bulkhead vhd create FILE --size N: a new, empty VHD. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_vhd.h"

struct order {
	const char *path;
	uint64_t size_bytes;
	uint64_t block_bytes;
	enum vhd_type type;
};

static int take_options(struct order *o, int argc, char **argv)
{
	enum { SIZE = 1, BLOCK, FIXED };
	static const struct option options[] = { { "size", required_argument, NULL, SIZE },
						 { "block-size", required_argument, NULL, BLOCK },
						 { "fixed", no_argument, NULL, FIXED },
						 { 0 } };
	int c, r = 0;

	*o = (struct order){ .type = VHD_TYPE_DYNAMIC, .block_bytes = IMAGE_BLOCK_BYTES };
	while (r == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == SIZE)
			r = cli_vhd_size(argv[0], optarg, &o->size_bytes);
		else if (c == BLOCK)
			r = cli_vhd_size(argv[0], optarg, &o->block_bytes);
		else if (c == FIXED)
			o->type = VHD_TYPE_FIXED;
		else
			return cli_usage(argv[0]);
	}
	if (r != 0)
		return r;
	if (argc - optind != 1 || o->size_bytes == 0)
		return cli_usage(argv[0]);
	o->path = argv[optind];
	if (o->size_bytes > VHD_FORMAT_MAX_BYTES)
		return cli_error(CLI_USAGE, "%s '%s': a VHD has at most 2040 GiB", argv[0],
				 o->path);
	if (o->block_bytes < IMAGE_BLOCK_MIN_BYTES || o->block_bytes > IMAGE_BLOCK_MAX_BYTES ||
	    (o->block_bytes & (o->block_bytes - 1)) != 0)
		return cli_error(CLI_USAGE,
				 "%s '%s': --block-size is a power of two from 512K to 128M",
				 argv[0], o->path);
	return CLI_DONE;
}

static int make(const struct order *o, int fd)
{
	struct vhd_footer footer;
	struct image *image;
	uint8_t uuid[VHD_FORMAT_UUID_BYTES];
	uint32_t timestamp_s;
	int r;

	cli_vhd_identity(uuid, &timestamp_s);
	image_footer_init(o->type, o->size_bytes, uuid, timestamp_s, &footer);
	r = image_create_blocks(fd, &footer, (uint32_t)o->block_bytes, NULL, &image);
	return r < 0 ? r : image_close(image);
}

int cli_vhd_create(int argc, char **argv)
{
	OWNS_FD int fd = -1;
	struct cli_options opt;
	struct order o;
	int status = cli_common(&opt, &argc, argv), r;

	if (status == CLI_DONE)
		status = take_options(&o, argc, argv);
	if (status != CLI_DONE)
		return status;
	fd = open(o.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0 && errno == EEXIST)
		return cli_error(CLI_FAILED, "%s '%s': it exists; choose another name", argv[0],
				 o.path);
	r = fd < 0 ? -errno : make(&o, fd);
	if (r < 0 && fd >= 0)
		(void)unlink(o.path); /* ours, and no VHD yet */
	if (r < 0)
		return cli_errno(r, "%s '%s'", argv[0], o.path);
	printf("%s: %s, %" PRIu64 " bytes\n", o.path, cli_vhd_type_name(o.type), o.size_bytes);
	return CLI_DONE;
}
