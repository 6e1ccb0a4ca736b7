#include "vhdcrypt/image_scrub.h"

#include <errno.h>
#include <stdlib.h>

#include "base/defer.h"
#include "base/util.h"
#include "vhdcrypt/image_state.h"

enum { SECTOR = VHD_FORMAT_SECTOR_BYTES };

static const uint8_t ZEROS[64 * 1024];

static int clear(const struct store *file, uint64_t from_byte, uint64_t to_byte)
{
	int r;

	if (from_byte >= to_byte)
		return 0;
	r = store_punch(file, from_byte, to_byte - from_byte);
	if (r != -EOPNOTSUPP)
		return r;
	for (r = 0; r == 0 && from_byte < to_byte;) {
		size_t n = (size_t)MIN(to_byte - from_byte, sizeof(ZEROS));

		r = store_write(file, ZEROS, n, from_byte);
		from_byte += n;
	}
	return r;
}

/* The clear bits of one block, and its space behind the end of the disk. */
static int clear_block(struct image *image, const struct store *file, uint32_t block)
{
	uint32_t n_sectors = vhd_map_block_len_bytes(&image->map, block) / SECTOR, at = 0, n;
	uint64_t data = vhd_map_data_byte(&image->map, image->table[block]);
	uint32_t entry;
	bool written;
	int r = 0;

	while (r == 0 && at < n_sectors) {
		r = image_block_run(image, block, at, n_sectors - at, &entry, &written, &n);
		if (r == 0 && !written)
			r = clear(file, data + (uint64_t)at * SECTOR,
				  data + (uint64_t)(at + n) * SECTOR);
		at += n;
	}
	return r < 0 ? r
		     : clear(file, data + (uint64_t)n_sectors * SECTOR,
			     data + image->map.block_bytes);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The header may lie anywhere. */
static int clear_but_header(struct image *image, const struct store *file, uint64_t from_byte,
			    uint64_t to_byte)
{
	uint64_t header = image->map.header_offset_byte;
	uint64_t behind = header + VHD_FORMAT_HEADER_BYTES;
	int r = clear(file, from_byte, MIN(to_byte, header));

	return r < 0 ? r : clear(file, from_byte > behind ? from_byte : behind, to_byte);
}

/* From the block table on, between blocks. In a differencing image the names of its parent lie before
 * the first block, so that part stays. */
static int clear_gaps(struct image *image, const struct store *file, uint64_t end_byte)
{
	const struct vhd_map *map = &image->map;
	uint64_t at = map->table_offset_byte + map->table_bytes;
	OWNS_HEAP uint32_t *sorted = calloc(map->n_blocks + 1, sizeof(*sorted));
	bool first = image->info.footer.type == VHD_TYPE_DIFFERENCING;
	uint32_t n = 0;
	int r = sorted ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < map->n_blocks; i++)
		if (image->table[i] != VHD_MAP_HOLE)
			sorted[n++] = image->table[i];
	if (r == 0)
		qsort(sorted, n, sizeof(*sorted), by_number);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		uint64_t start = vhd_map_bitmap_byte(sorted[i]);

		if (!first)
			r = clear_but_header(image, file, at, start);
		first = false;
		if (at < start + vhd_map_span_bytes(map))
			at = start + vhd_map_span_bytes(map);
	}
	return r < 0 || first ? r : clear_but_header(image, file, at, end_byte);
}

int image_scrub(struct image *image, const struct store *file)
{
	uint64_t end = image->info.file_bytes - VHD_FORMAT_FOOTER_BYTES;
	int r = 0;

	if (image_is_fixed(image))
		return clear(file, image->info.virtual_bytes, end);
	for (uint32_t i = 0; r == 0 && i < image->map.n_blocks; i++)
		if (image->table[i] != VHD_MAP_HOLE)
			r = clear_block(image, file, i);
	return r < 0 ? r : clear_gaps(image, file, end);
}
