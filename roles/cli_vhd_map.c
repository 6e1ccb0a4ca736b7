/* cli_vhd_map.c - bulkhead vhd map FILE: which parts of the disk lie where in the file. */
#include <inttypes.h>
#include <stdio.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/image_where.h"

struct row {
	uint64_t offset_byte;
	struct image_where where;
};

/* The stretch at `at`, holes of several blocks as one. */
static int next(struct image *image, uint64_t at, uint64_t end, struct row *ret_row)
{
	struct row row = { .offset_byte = at };
	int r = image_where(image, at, end - at, &row.where);

	while (r == 0 && row.where.hole && at + row.where.len_bytes < end) {
		struct image_where more;

		r = image_where(image, at + row.where.len_bytes, end - at - row.where.len_bytes,
				&more);
		if (r < 0 || !more.hole)
			break;
		row.where.len_bytes += more.len_bytes;
	}
	*ret_row = row;
	return r;
}

static void print_row(const struct row *row, bool json, bool first)
{
	const struct image_where *w = &row->where;

	if (json)
		printf("%s{\"offset\":%" PRIu64 ",\"length\":%" PRIu64 ",\"type\":\"%s\"",
		       first ? "" : ",\n", row->offset_byte, w->len_bytes,
		       w->hole ? "hole" : "data");
	else
		printf("%16" PRIu64 " %16" PRIu64 "  %s", row->offset_byte, w->len_bytes,
		       w->hole ? "hole" : "data");
	if (!w->hole)
		printf(json ? ",\"file_offset\":%" PRIu64 ",\"layer\":0" : " %16" PRIu64 "      0",
		       w->file_byte);
	puts(json ? "}" : "");
}

static int print_map(struct image *image, bool json)
{
	uint64_t end = image_info(image)->virtual_bytes;
	struct row row = { 0 };

	puts(json ? "[" : "          offset           length  type      file offset  layer");
	for (uint64_t at = 0; at < end; at += row.where.len_bytes) {
		int r = next(image, at, end, &row);

		if (r < 0)
			return r;
		print_row(&row, json, at == 0);
	}
	if (json)
		puts("]");
	return 0;
}

int cli_vhd_map(int argc, char **argv)
{
	OWNS_FD int fd = -1;
	struct cli_options opt;
	struct image *image;
	int status = cli_common(&opt, &argc, argv), r;

	if (status != CLI_DONE)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	status = cli_vhd_open(argv[0], argv[1], IMAGE_READ_ONLY, &fd, &image);
	if (status != CLI_DONE)
		return status;
	r = print_map(image, opt.json);
	(void)image_close(image); /* read-only: nothing to flush */
	return r < 0 ? cli_errno(r, "%s '%s'", argv[0], argv[1]) : CLI_DONE;
}
