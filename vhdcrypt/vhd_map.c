#include "vhdcrypt/vhd_map.h"

#include <string.h>

#include "base/bytes.h"
#include "vhdcrypt/vhd_locator.h"

enum { DATA_ALIGN_BYTES = 4096 };

static int entry_fault(struct vhd_fault *ret_fault, uint32_t block, uint32_t entry,
		       const char *rule)
{
	*ret_fault = (struct vhd_fault){ .part = "block table",
					 .field = "entry",
					 .rule = rule,
					 .value = entry,
					 .index = block };
	return -EBADMSG;
}

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static bool overlap(uint64_t a_byte, uint64_t a_len, uint64_t b_byte, uint64_t b_len)
{
	return a_byte < b_byte + b_len && b_byte < a_byte + a_len;
}

int vhd_map_init(uint64_t virtual_bytes, uint64_t header_offset_byte,
		 const struct vhd_header *header, uint64_t file_bytes, struct vhd_map *ret_map,
		 struct vhd_fault *ret_fault)
{
	uint64_t n = (virtual_bytes + header->block_bytes - 1) / header->block_bytes;
	uint64_t bits = header->block_bytes / VHD_FORMAT_SECTOR_BYTES;
	struct vhd_map m = {
		.virtual_bytes = virtual_bytes,
		.header_offset_byte = header_offset_byte,
		.table_offset_byte = header->table_offset_byte,
		.table_bytes = round_up((uint64_t)header->n_entries * VHD_MAP_ENTRY_BYTES,
					VHD_FORMAT_SECTOR_BYTES),
		.block_bytes = header->block_bytes,
		.bitmap_bytes = (uint32_t)round_up((bits + 7) / 8, VHD_FORMAT_SECTOR_BYTES),
	};

	if (m.header_offset_byte < VHD_FORMAT_FOOTER_BYTES ||
	    file_bytes < VHD_FORMAT_HEADER_BYTES ||
	    m.header_offset_byte > file_bytes - VHD_FORMAT_HEADER_BYTES)
		return vhd_fault_set(ret_fault, "footer", "data offset", m.header_offset_byte,
				     "is not a place for the header");
	if (n > header->n_entries)
		return vhd_fault_set(ret_fault, "header", "number of blocks", header->n_entries,
				     "is too small for the size of the disk");
	if (n > VHD_MAP_BLOCKS_MAX)
		return vhd_fault_set(ret_fault, "header", "block size", header->block_bytes,
				     "makes more than 4194304 blocks of this disk");
	if (m.table_offset_byte > file_bytes ||
	    (uint64_t)header->n_entries * VHD_MAP_ENTRY_BYTES > file_bytes - m.table_offset_byte)
		return vhd_fault_set(ret_fault, "header", "number of blocks", header->n_entries,
				     "puts the end of the block table behind the end of the file");
	if (overlap(m.table_offset_byte, m.table_bytes, m.header_offset_byte,
		    VHD_FORMAT_HEADER_BYTES))
		return vhd_fault_set(ret_fault, "header", "block table offset", m.table_offset_byte,
				     "is inside the header");
	m.n_blocks = (uint32_t)n;
	*ret_map = m;
	return 0;
}

int vhd_map_keep(struct vhd_map *map, uint64_t offset_byte, uint64_t len_bytes, const char *what)
{
	if (offset_byte < VHD_FORMAT_FOOTER_BYTES ||
	    overlap(offset_byte, len_bytes, map->header_offset_byte, VHD_FORMAT_HEADER_BYTES) ||
	    overlap(offset_byte, len_bytes, map->table_offset_byte, map->table_bytes))
		return -EBADMSG;
	for (uint32_t i = 0; i < map->n_kept; i++)
		if (overlap(offset_byte, len_bytes, map->kept[i].offset_byte,
			    map->kept[i].len_bytes))
			return -EBADMSG;
	map->kept[map->n_kept++] = (struct vhd_map_range){ offset_byte, len_bytes, what };
	return 0;
}

int vhd_map_keep_locators(const struct vhd_header *header, uint64_t file_bytes, struct vhd_map *map,
			  struct vhd_fault *ret_fault)
{
	static const char offset[] = "data offset of locator", length[] = "data length of locator";
	int r = 0;

	map->n_kept = 0;
	for (uint32_t i = 0; r == 0 && i < VHD_FORMAT_N_LOCATORS; i++) {
		const struct vhd_header_locator *l = &header->locator[i];

		if (l->code == 0 || l->len_bytes == 0)
			continue;
		if (l->len_bytes > vhd_locator_space_bytes(l))
			r = vhd_fault_set(ret_fault, "header", length, l->len_bytes,
					  "is more than the locator has space for");
		else if (l->offset_byte > file_bytes || l->len_bytes > file_bytes - l->offset_byte)
			r = vhd_fault_set(ret_fault, "header", offset, l->offset_byte,
					  "puts the name behind the end of the file");
		else if (vhd_map_keep(map, l->offset_byte, l->len_bytes,
				      "lies on the name of the parent") < 0)
			r = vhd_fault_set(ret_fault, "header", offset, l->offset_byte,
					  "lies on something else that is in the file");
		if (r < 0)
			ret_fault->index = i;
	}
	return r;
}

void vhd_map_table_parse(const void *data, size_t n, uint32_t *ret_table)
{
	struct bytes b = bytes_of(data, n * VHD_MAP_ENTRY_BYTES);

	for (size_t i = 0; i < n; i++)
		ret_table[i] = bytes_be32(&b);
}

void vhd_map_entry_build(uint32_t entry, uint8_t ret_data[VHD_MAP_ENTRY_BYTES])
{
	for (unsigned i = 0; i < VHD_MAP_ENTRY_BYTES; i++)
		ret_data[i] = (uint8_t)(entry >> (24 - 8 * i));
}

static int check_place(const struct vhd_map *map, uint32_t block, uint32_t entry, uint64_t end_byte,
		       struct vhd_fault *ret_fault)
{
	uint64_t at = vhd_map_bitmap_byte(entry), span = vhd_map_span_bytes(map);

	if (at > end_byte || span > end_byte - at)
		return entry_fault(ret_fault, block, entry,
				   "passes the end of the file or lies on the footer");
	if (at < VHD_FORMAT_FOOTER_BYTES)
		return entry_fault(ret_fault, block, entry, "lies on the footer copy");
	if (overlap(at, span, map->header_offset_byte, VHD_FORMAT_HEADER_BYTES))
		return entry_fault(ret_fault, block, entry, "lies on the header");
	if (overlap(at, span, map->table_offset_byte, map->table_bytes))
		return entry_fault(ret_fault, block, entry, "lies on the block table");
	for (uint32_t i = 0; i < map->n_kept; i++)
		if (overlap(at, span, map->kept[i].offset_byte, map->kept[i].len_bytes))
			return entry_fault(ret_fault, block, entry, map->kept[i].what);
	return 0;
}

static void sift_down(uint32_t *heap, size_t root, size_t n)
{
	uint32_t value = heap[root];
	size_t child;

	for (; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && heap[child + 1] > heap[child])
			child++;
		if (heap[child] <= value)
			break;
		heap[root] = heap[child];
	}
	heap[root] = value;
}

/* Heapsort: in place and n log n whatever the order, which a stranger chose. */
static void sort(uint32_t *a, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down(a, i, n);
	for (size_t end = n; end-- > 1;) {
		uint32_t largest = a[0];

		a[0] = a[end];
		a[end] = largest;
		sift_down(a, 0, end);
	}
}

static int overlap_fault(const struct vhd_map *map, const uint32_t *table, uint32_t entry,
			 struct vhd_fault *ret_fault)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < map->n_blocks; i++)
		if (table[i] == entry)
			last = i;
	return entry_fault(ret_fault, last, entry, "shares bytes with another block");
}

int vhd_map_table_check(const struct vhd_map *map, const uint32_t *table, uint64_t end_byte,
			uint32_t *scratch, struct vhd_fault *ret_fault)
{
	uint64_t span_sectors = vhd_map_span_bytes(map) / VHD_FORMAT_SECTOR_BYTES;
	size_t n = 0;
	bool sorted = true;

	for (uint32_t i = 0; i < map->n_blocks; i++) {
		int r = table[i] == VHD_MAP_HOLE
				? 0
				: check_place(map, i, table[i], end_byte, ret_fault);

		if (r < 0)
			return r;
		if (table[i] == VHD_MAP_HOLE)
			continue;
		sorted = sorted && (n == 0 || scratch[n - 1] <= table[i]);
		scratch[n++] = table[i];
	}
	if (!sorted)
		sort(scratch, n);
	for (size_t i = 1; i < n; i++)
		if (scratch[i] - scratch[i - 1] < span_sectors)
			return overlap_fault(map, table, scratch[i], ret_fault);
	return 0;
}

uint64_t vhd_map_end_byte(const struct vhd_map *map, const uint32_t *table)
{
	uint64_t header_end = map->header_offset_byte + VHD_FORMAT_HEADER_BYTES;
	uint64_t end = map->table_offset_byte + map->table_bytes;

	end = header_end > end ? header_end : end;
	for (uint32_t i = 0; i < map->n_blocks; i++) {
		uint64_t block_end = vhd_map_bitmap_byte(table[i]) + vhd_map_span_bytes(map);

		if (table[i] != VHD_MAP_HOLE && block_end > end)
			end = block_end;
	}
	return end;
}

int vhd_map_place(const struct vhd_map *map, uint64_t from_byte, uint32_t *ret_entry)
{
	uint64_t data = round_up(from_byte + map->bitmap_bytes, DATA_ALIGN_BYTES);
	uint64_t entry = (data - map->bitmap_bytes) / VHD_FORMAT_SECTOR_BYTES;

	/* the footer behind the block counts, too */
	if (entry + (vhd_map_span_bytes(map) + VHD_FORMAT_FOOTER_BYTES) / VHD_FORMAT_SECTOR_BYTES >=
	    VHD_MAP_HOLE)
		return -EFBIG;
	*ret_entry = (uint32_t)entry;
	return 0;
}

uint32_t vhd_map_block_len_bytes(const struct vhd_map *map, uint32_t block)
{
	uint64_t left = map->virtual_bytes - (uint64_t)block * map->block_bytes;

	return left < map->block_bytes ? (uint32_t)left : map->block_bytes;
}

bool vhd_map_bit(const uint8_t *bitmap, uint32_t sector)
{
	return bitmap[sector / 8] >> (7 - sector % 8) & 1;
}

void vhd_map_bits_put(uint8_t *bitmap, uint32_t first, uint32_t n, bool value)
{
	uint32_t end = first + n;

	while (first < end) {
		if (first % 8 == 0 && end - first >= 8) {
			bitmap[first / 8] = value ? 0xff : 0;
			first += 8;
			continue;
		}
		if (value)
			bitmap[first / 8] |= (uint8_t)(0x80 >> first % 8);
		else
			bitmap[first / 8] &= (uint8_t) ~(0x80 >> first % 8);
		first++;
	}
}

uint32_t vhd_map_bits_run(const uint8_t *bitmap, uint32_t first, uint32_t max, bool *ret_value)
{
	bool value = vhd_map_bit(bitmap, first);
	uint8_t same = value ? 0xff : 0;
	uint32_t n = 0;

	while (n < max) {
		uint32_t at = first + n;

		if (at % 8 == 0 && max - n >= 8 && bitmap[at / 8] == same)
			n += 8;
		else if (vhd_map_bit(bitmap, at) == value)
			n++;
		else
			break;
	}
	*ret_value = value;
	return n;
}
