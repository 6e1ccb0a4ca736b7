/* cli_vhd_info.c - bulkhead vhd info FILE: a VHD and its parents; metadata only, no key needed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "roles/cli.h"
#include "roles/cli_chain.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/header_raw.h"

static void print_text(const char *path, const struct image_info *info)
{
	const struct vhd_footer *f = &info->footer;
	const char *made_by = cli_vhd_creator_name(f->creator);
	char creator[32], uuid[37];

	header_raw_uuid_text(f->uuid, uuid);
	log_quote(f->creator, sizeof(f->creator), creator, sizeof(creator));
	printf("file        %s, %" PRIu64 " bytes\n", path, info->file_bytes);
	printf("type        %s\n", cli_vhd_type_name(f->type));
	printf("creator     '%s' version %" PRIu32 ".%" PRIu32 "%s%s\n", creator,
	       f->creator_version >> 16, f->creator_version & 0xffff, made_by ? ", " : "",
	       made_by ? made_by : "");
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
		printf("batmap      of tapdisk%s; emptied when opened for writing\n",
		       info->batmap_ok ? "" : ", its checksum is wrong");
}

static void print_parent(const struct cli_layer *layer)
{
	char name[IMAGE_PARENT_NAMES_MAX][IMAGE_PARENT_NAME_BYTES];
	char uuid[HEADER_RAW_UUID_TEXT_BYTES], quoted[2 * IMAGE_PARENT_NAME_BYTES];
	struct vhd_header_locator l;
	struct vhd_fault fault;
	char code[5];

	header_raw_uuid_text(image_info(layer->image)->parent_uuid, uuid);
	if (image_parent_names(layer->image, name, &fault) > 0)
		printf("parent      '%s', %s\n",
		       log_quote(name[0], strlen(name[0]), quoted, sizeof(quoted)), uuid);
	for (unsigned i = 0; i < VHD_FORMAT_N_LOCATORS; i++) {
		if (!image_locator(layer->image, i, &l))
			continue;
		cli_vhd_locator_code(l.code, code);
		printf("  locator   %s, %" PRIu32 " bytes at %" PRIu64 "\n", code, l.len_bytes,
		       l.offset_byte);
	}
}

/* A layer's facts; in text each one after the first behind an empty line. */
static void print_layer(const struct cli_chain *chain, unsigned i, bool json)
{
	const struct cli_layer *layer = &chain->layer[i];
	const struct image_info *info = image_info(layer->image);

	if (json) {
		cli_vhd_json(layer->path, layer->image);
		return;
	}
	if (i > 0)
		printf("\n");
	print_text(layer->path, info);
	if (info->footer.type == VHD_TYPE_DIFFERENCING)
		print_parent(layer);
	if (cli_layer_has_header(&chain->folder, layer->name))
		printf("encrypted   with a header beside it\n");
}

int cli_vhd_info(int argc, char **argv)
{
	struct cli_options opt;
	struct cli_chain chain;
	int status = cli_common(&opt, &argc, argv);

	if (status != CLI_DONE)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	status = cli_chain_open(argv[1], IMAGE_READ_ONLY, argv[0], &chain);
	for (unsigned i = 0; i < chain.n; i++)
		print_layer(&chain, i, opt.json);
	(void)cli_chain_close(&chain); /* read-only: nothing to flush */
	return status;
}
