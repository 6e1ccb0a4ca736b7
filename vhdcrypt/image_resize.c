#include "vhdcrypt/image_resize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "base/util.h"
#include "vhdcrypt/image_state.h"

enum { SECTOR = VHD_FORMAT_SECTOR_BYTES, FOOTER = VHD_FORMAT_FOOTER_BYTES, CHUNK = 1 << 20 };

static int refuse(struct vhd_fault *ret_fault, const char *part, const char *field, uint64_t value,
		  const char *rule)
{
	(void)vhd_fault_set(ret_fault, part, field, value, rule);
	return -EOPNOTSUPP;
}

static int write_and_sync(struct image *image, const void *data, size_t len_bytes,
			  uint64_t offset_byte)
{
	int r = store_write(&image->store, data, len_bytes, offset_byte);

	return r < 0 ? r : store_sync(&image->store);
}

static int fill(struct image *image, uint64_t from_byte, uint64_t to_byte, int value)
{
	OWNS_HEAP uint8_t *chunk = malloc(CHUNK);
	int r = chunk ? 0 : -ENOMEM;

	if (r == 0)
		memset(chunk, value, CHUNK);
	while (r == 0 && from_byte < to_byte) {
		size_t n = (size_t)MIN(to_byte - from_byte, (uint64_t)CHUNK);

		r = store_write(&image->store, chunk, n, from_byte);
		from_byte += n;
	}
	return r;
}

/* The footer with another size. Where the creator's rule could not say that size, the disk gets a
 * creator whose sizes are exact. */
static void footer_of_size(const struct image *image, uint64_t virtual_bytes,
			   uint8_t ret_raw[FOOTER])
{
	struct vhd_footer f = image->info.footer;

	f.current_bytes = virtual_bytes;
	vhd_format_geometry_set(&f, virtual_bytes);
	if (vhd_format_virtual_bytes(&f, NULL) != virtual_bytes)
		memcpy(f.creator, "qem2", sizeof(f.creator));
	vhd_format_footer_build(&f, ret_raw);
}

/* ---- dynamic ---- */

/* The file ends at end_byte or later, behind a footer. What lay there is behind us, or garbage. */
static int extend_to(struct image *image, uint64_t end_byte)
{
	int r;

	if (image->end_byte >= end_byte + FOOTER)
		return 0;
	r = store_reserve(&image->store, image->end_byte, end_byte + FOOTER - image->end_byte);
	if (r == 0)
		r = write_and_sync(image, image->footer, FOOTER, end_byte);
	if (r == 0)
		image->end_byte = end_byte + FOOTER;
	return r;
}

static int copy_span(struct image *image, uint64_t from_byte, uint64_t to_byte, uint64_t len_bytes)
{
	OWNS_HEAP uint8_t *chunk = malloc(CHUNK);
	int r = chunk ? 0 : -ENOMEM;

	for (uint64_t at = 0; r == 0 && at < len_bytes; at += CHUNK) {
		size_t n = (size_t)MIN(len_bytes - at, (uint64_t)CHUNK);

		r = store_read(&image->store, chunk, n, from_byte + at);
		if (r == 0)
			r = store_write(&image->store, chunk, n, to_byte + at);
	}
	return r < 0 ? r : store_sync(&image->store);
}

static int write_entry(struct image *image, uint32_t block, uint32_t entry)
{
	uint8_t raw[VHD_MAP_ENTRY_BYTES];
	int r;

	vhd_map_entry_build(entry, raw);
	r = store_write(&image->store, raw, sizeof(raw),
			image->map.table_offset_byte + (uint64_t)block * VHD_MAP_ENTRY_BYTES);
	if (r == 0)
		image->table[block] = entry;
	return r;
}

/* A copy at the end first; only when it is stable, the entry that points to it. */
static int move_block(struct image *image, uint32_t block, struct vhd_fault *ret_fault)
{
	uint64_t span = vhd_map_span_bytes(&image->map);
	uint64_t from = vhd_map_bitmap_byte(image->table[block]), to;
	uint32_t entry;
	int r = vhd_map_place(&image->map, image->end_byte, &entry);

	if (r < 0)
		return refuse(ret_fault, "file", "size", image->end_byte,
			      "leaves no room to move a block to its end");
	to = vhd_map_bitmap_byte(entry);
	r = extend_to(image, to + span);
	if (r == 0)
		r = copy_span(image, from, to, span);
	if (r == 0)
		r = write_entry(image, block, entry);
	return r < 0 ? r : store_sync(&image->store);
}

/* Nothing but the table lies below end_byte, from its first byte on. */
static int make_room(struct image *image, uint64_t end_byte, struct vhd_fault *ret_fault)
{
	const struct vhd_map *map = &image->map;
	int r = 0;

	if (map->header_offset_byte >= map->table_offset_byte && map->header_offset_byte < end_byte)
		return refuse(ret_fault, "header", "block table offset", map->table_offset_byte,
			      "leaves no room for a longer table before the header");
	for (uint32_t i = 0; i < map->n_kept; i++)
		if (map->kept[i].offset_byte < end_byte &&
		    map->kept[i].offset_byte + map->kept[i].len_bytes > map->table_offset_byte)
			return refuse(ret_fault, "header", "block table offset",
				      map->table_offset_byte,
				      "leaves no room for a longer table before what follows it");
	for (uint32_t i = 0; r == 0 && i < map->n_blocks; i++) {
		uint64_t at = vhd_map_bitmap_byte(image->table[i]);

		if (image->table[i] != VHD_MAP_HOLE && at < end_byte &&
		    at + vhd_map_span_bytes(map) > map->table_offset_byte)
			r = move_block(image, i, ret_fault);
	}
	return r < 0 ? r : extend_to(image, end_byte);
}

/* More entries. The number and its checksum are in one sector, so they change at once. */
static int lengthen_header(struct image *image, uint32_t n_entries)
{
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];
	struct vhd_header header;
	struct vhd_fault fault;
	uint64_t at = image->map.header_offset_byte;
	int r = store_read(&image->store, raw, sizeof(raw), at);

	if (r == 0)
		r = vhd_format_header_parse(raw, sizeof(raw), &header, &fault);
	if (r < 0 || header.n_entries >= n_entries)
		return r;
	vhd_format_header_set_entries(raw, n_entries);
	return write_and_sync(image, raw, SECTOR, at);
}

/* A crash must not leave two sound copies that differ: the one at the end is spoiled first, as
 * tapdisk does it while a disk is open. */
static int replace_footers(struct image *image, const uint8_t raw[FOOTER])
{
	uint64_t at = image->end_byte - FOOTER;
	uint8_t spoiled[FOOTER];
	int r;

	memset(spoiled, 0xc7, sizeof(spoiled));
	r = write_and_sync(image, spoiled, FOOTER, at);
	if (r == 0)
		r = write_and_sync(image, raw, FOOTER, 0);
	return r < 0 ? r : write_and_sync(image, raw, FOOTER, at);
}

static int grow_dynamic(struct image *image, uint64_t virtual_bytes, const uint8_t raw[FOOTER],
			struct vhd_fault *ret_fault)
{
	const struct vhd_map *map = &image->map;
	uint64_t n = (virtual_bytes + map->block_bytes - 1) / map->block_bytes;
	uint64_t used = map->table_offset_byte + (uint64_t)map->n_blocks * VHD_MAP_ENTRY_BYTES;
	uint64_t end =
		map->table_offset_byte + (n * VHD_MAP_ENTRY_BYTES + SECTOR - 1) / SECTOR * SECTOR;
	int r;

	if (n > VHD_MAP_BLOCKS_MAX)
		return refuse(ret_fault, "header", "block size", map->block_bytes,
			      "would make more than 4194304 blocks of it");
	r = make_room(image, end, ret_fault);
	/* what stands in entries that nobody needed is not ours to believe */
	if (r == 0)
		r = fill(image, used, end, 0xff);
	if (r == 0)
		r = store_sync(&image->store);
	if (r == 0)
		r = lengthen_header(image, (uint32_t)n);
	return r < 0 ? r : replace_footers(image, raw);
}

/* Where the first data behind from_byte is; the disk's size when there is none. */
static int data_behind(struct image *image, uint64_t from_byte, uint64_t *ret_byte)
{
	uint64_t size = image->info.virtual_bytes;
	struct image_extent e = { 0 };
	int r = image_extent(image, from_byte, size - from_byte, &e);

	*ret_byte = r == 0 && e.hole ? from_byte + e.len_bytes : from_byte;
	return r;
}

static int shrink_dynamic(struct image *image, uint64_t virtual_bytes, const uint8_t raw[FOOTER],
			  struct vhd_fault *ret_fault)
{
	const struct vhd_map *map = &image->map;
	uint64_t first = (virtual_bytes + map->block_bytes - 1) / map->block_bytes, data;
	int r = data_behind(image, virtual_bytes, &data);

	if (r == 0 && data < image->info.virtual_bytes)
		return refuse(ret_fault, "disk", "data at", data,
			      "would be cut off: only holes can go");
	for (uint64_t i = first; r == 0 && i < map->n_blocks; i++)
		if (image->table[i] != VHD_MAP_HOLE)
			r = write_entry(image, (uint32_t)i, VHD_MAP_HOLE);
	if (r == 0)
		r = store_sync(&image->store);
	return r < 0 ? r : replace_footers(image, raw);
}

/* ---- fixed ---- */

/* The end footer is the only one: the new one is stable before the old one goes. */
static int grow_fixed(struct image *image, uint64_t virtual_bytes, const uint8_t raw[FOOTER])
{
	uint64_t old = image->end_byte - FOOTER, at = virtual_bytes > old ? virtual_bytes : old;
	int r = fill(image, image->info.virtual_bytes, MIN(old, virtual_bytes), 0);

	if (r == 0)
		r = store_sync(&image->store);
	if (r == 0 && at > old)
		r = store_reserve(&image->store, old + FOOTER, at - old);
	if (r == 0)
		r = write_and_sync(image, raw, FOOTER, at);
	if (r == 0 && at > old)
		r = fill(image, old, MIN(old + FOOTER, at), 0);
	return r < 0 ? r : store_sync(&image->store);
}

int image_resize(struct image *image, uint64_t virtual_bytes, bool may_shrink,
		 struct vhd_fault *ret_fault)
{
	uint64_t now = image->info.virtual_bytes;
	uint8_t raw[FOOTER];

	if (virtual_bytes == 0 || virtual_bytes % SECTOR != 0 ||
	    virtual_bytes > VHD_FORMAT_MAX_BYTES)
		return refuse(ret_fault, "disk", "size", virtual_bytes,
			      "is not a multiple of 512 up to 2040 GiB");
	if (image->info.footer.type == VHD_TYPE_DIFFERENCING)
		return refuse(ret_fault, "footer", "disk type", VHD_TYPE_DIFFERENCING,
			      "is differencing: merge it into its parent first");
	if (image->info.batmap)
		return refuse(ret_fault, "footer", "creator version",
			      image->info.footer.creator_version,
			      "comes with a tapdisk batmap, which ends where the disk does now: "
			      "merge or copy it into a new file");
	if (virtual_bytes < now && !may_shrink)
		return refuse(ret_fault, "disk", "size", virtual_bytes,
			      "is smaller than it is: ask for that with --shrink");
	if (virtual_bytes < now && image_is_fixed(image))
		return refuse(ret_fault, "footer", "disk type", VHD_TYPE_FIXED,
			      "is fixed: it has no holes that could be cut off");
	footer_of_size(image, virtual_bytes, raw);
	if (virtual_bytes == now)
		return 0;
	if (image_is_fixed(image))
		return grow_fixed(image, virtual_bytes, raw);
	return virtual_bytes > now ? grow_dynamic(image, virtual_bytes, raw, ret_fault)
				   : shrink_dynamic(image, virtual_bytes, raw, ret_fault);
}
