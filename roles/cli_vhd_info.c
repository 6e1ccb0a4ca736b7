/* cli_vhd_info.c - bulkhead vhd info FILE: metadata only, no key needed. */
#include <inttypes.h>
#include <stdio.h>

#include "base/defer.h"
#include "base/log.h"
#include "roles/cli.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/header_raw.h"

static void print_text(const char *path, const struct image_info *info)
{
	const struct vhd_footer *f = &info->footer;
	char creator[32], uuid[37];

	header_raw_uuid_text(f->uuid, uuid);
	log_quote(f->creator, sizeof(f->creator), creator, sizeof(creator));
	printf("file        %s, %" PRIu64 " bytes\n", path, info->file_bytes);
	printf("type        %s\n", cli_vhd_type_name(f->type));
	printf("creator     '%s' version %" PRIu32 ".%" PRIu32 "\n", creator,
	       f->creator_version >> 16, f->creator_version & 0xffff);
	printf("uuid        %s\n", uuid);
	printf("size        %" PRIu64 " bytes (%.1f MiB): with this creator the %s rules\n",
	       info->virtual_bytes, (double)info->virtual_bytes / (1 << 20),
	       info->size_rule == VHD_SIZE_CURRENT ? "current size" : "geometry");
	printf("  current   %" PRIu64 " bytes\n", f->current_bytes);
	printf("  geometry  %u/%u/%u = %" PRIu64 " bytes\n", f->cylinders, f->heads,
	       f->sectors_per_track, vhd_format_geometry_bytes(f));
	if (f->type != VHD_TYPE_FIXED)
		printf("blocks      %" PRIu32 " of %" PRIu32 " allocated, %" PRIu32 " bytes each\n",
		       info->n_allocated, info->n_blocks, info->block_bytes);
	printf("footers     %s\n", cli_vhd_footer_sentence(info));
	if (f->saved_state)
		printf("state       a suspended machine: not for writing\n");
	if (f->hidden)
		printf("hidden      by tapdisk\n");
	if (info->batmap)
		printf("batmap      of tapdisk: not for writing\n");
}

int cli_vhd_info(int argc, char **argv)
{
	OWNS_FD int fd = -1;
	struct cli_options opt;
	struct image *image;
	int status = cli_common(&opt, &argc, argv);

	if (status != CLI_DONE)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	status = cli_vhd_open(argv[0], argv[1], IMAGE_READ_ONLY, &fd, &image);
	if (status != CLI_DONE)
		return status;
	(opt.json ? cli_vhd_json : print_text)(argv[1], image_info(image));
	(void)image_close(image); /* read-only: nothing to flush */
	return CLI_DONE;
}
