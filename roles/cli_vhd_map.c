/* cli_vhd_map.c - bulkhead vhd map FILE: which parts of the disk lie where, in which layer. */
#include <inttypes.h>
#include <stdio.h>

#include "base/util.h"
#include "roles/cli.h"
#include "roles/cli_chain.h"
#include "vhdcrypt/image_where.h"

struct row {
	uint64_t offset_byte;
	unsigned layer;
	struct image_where where;
};

/* The stretch at `at`, from the uppermost layer that holds it; n layers, the leaf first. */
static int look(const struct cli_chain *chain, uint64_t at, uint64_t len, struct row *ret_row)
{
	struct row row = { .offset_byte = at, .where = { .len_bytes = len, .hole = true } };
	int r = 0;

	for (unsigned i = 0; r == 0 && row.where.hole && i < chain->n; i++) {
		struct image *image = chain->layer[i].image;
		uint64_t size = image_info(image)->virtual_bytes;

		if (at >= size) /* a parent that is smaller ends in zeros */
			break;
		row.layer = i;
		r = image_where(image, at, MIN(row.where.len_bytes, size - at), &row.where);
	}
	*ret_row = row;
	return r;
}

/* The same, holes of several blocks as one. */
static int next(const struct cli_chain *chain, uint64_t at, uint64_t end, struct row *ret_row)
{
	struct row row;
	int r = look(chain, at, end - at, &row);

	while (r == 0 && row.where.hole && at + row.where.len_bytes < end) {
		struct row more;

		r = look(chain, at + row.where.len_bytes, end - at - row.where.len_bytes, &more);
		if (r < 0 || !more.where.hole)
			break;
		row.where.len_bytes += more.where.len_bytes;
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
		printf(json ? ",\"file_offset\":%" PRIu64 ",\"layer\":%u" : " %16" PRIu64 " %6u",
		       w->file_byte, row->layer);
	puts(json ? "}" : "");
}

static int print_map(const struct cli_chain *chain, bool json)
{
	uint64_t end = image_info(chain->layer[0].image)->virtual_bytes;
	struct row row = { 0 };

	puts(json ? "[" : "          offset           length  type      file offset  layer");
	for (uint64_t at = 0; at < end; at += row.where.len_bytes) {
		int r = next(chain, at, end, &row);

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
	struct cli_options opt;
	struct cli_chain chain;
	int status = cli_common(&opt, &argc, argv), r;

	if (status != CLI_DONE)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	status = cli_chain_open(argv[1], IMAGE_READ_ONLY, argv[0], &chain);
	if (status == CLI_DONE)
		status = cli_chain_join(&chain, NULL);
	if (status == CLI_DONE) {
		r = print_map(&chain, opt.json);
		status = r < 0 ? cli_errno(r, "%s '%s'", argv[0], argv[1]) : CLI_DONE;
	}
	(void)cli_chain_close(&chain); /* read-only: nothing to flush */
	return status;
}
