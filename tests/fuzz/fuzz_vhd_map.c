#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "vhdcrypt/vhd_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES_MAX = 512 };

/* What the check promises, the slow way. */
static void demand_disjoint(const struct vhd_map *map, const uint32_t *table)
{
	uint64_t span = vhd_map_span_bytes(map) / VHD_FORMAT_SECTOR_BYTES;

	for (uint32_t i = 0; i < map->n_blocks; i++)
		for (uint32_t k = 0; k < i; k++) {
			uint64_t a = table[i], b = table[k];

			if (a != VHD_MAP_HOLE && b != VHD_MAP_HOLE && a < b + span && b < a + span)
				abort();
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t table[ENTRIES_MAX], scratch[ENTRIES_MAX], entry;
	struct bytes b = bytes_of(data, size);
	uint64_t virtual_bytes = bytes_be64(&b), header_at = bytes_be64(&b), file = bytes_be64(&b);
	struct vhd_header header = { .table_offset_byte = bytes_be64(&b),
				     .n_entries = bytes_be32(&b),
				     .block_bytes = 4096U << bytes_u8(&b) % 16 };
	struct vhd_fault fault;
	struct vhd_map map;
	const uint8_t *raw;

	/* what the format's parser lets through */
	if (!bytes_ok(&b) || virtual_bytes == 0 || virtual_bytes > VHD_FORMAT_MAX_BYTES ||
	    file > INT64_MAX ||
	    vhd_map_init(virtual_bytes, header_at, &header, file, &map, &fault) < 0)
		return 0;
	raw = map.n_blocks <= ENTRIES_MAX ? bytes_take(&b, (size_t)map.n_blocks * 4) : NULL;
	if (!raw)
		return 0;
	vhd_map_table_parse(raw, map.n_blocks, table);
	if (vhd_map_table_check(&map, table, file, scratch, &fault) < 0)
		return 0;
	demand_disjoint(&map, table);
	if (vhd_map_place(&map, vhd_map_end_byte(&map, table), &entry) == 0 &&
	    vhd_map_bitmap_byte(entry) < vhd_map_end_byte(&map, table))
		abort();
	return 0;
}
