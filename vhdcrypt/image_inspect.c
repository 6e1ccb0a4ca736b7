#include "vhdcrypt/image_inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "base/util.h"
#include "vhdcrypt/image_state.h"
#include "vhdcrypt/vhd_locator.h"

enum { SECTOR = VHD_FORMAT_SECTOR_BYTES, DATA_ALIGN_BYTES = 4096 };

struct inspection {
	struct image *image;
	image_remark *remark;
	void *context;
};

static void say(const struct inspection *i, unsigned quirk, const char *part, const char *field,
		uint64_t value, const char *rule)
{
	struct vhd_fault fault;

	(void)vhd_fault_set(&fault, part, field, value, rule);
	i->remark(i->context, quirk, &fault);
}

static void inspect_footer(const struct inspection *i)
{
	const struct image_info *info = &i->image->info;
	const struct vhd_footer *f = &info->footer;
	uint64_t geometry = vhd_format_geometry_bytes(f);

	if (f->current_bytes != info->virtual_bytes)
		say(i, 1, "footer", "current size", f->current_bytes,
		    "does not count: with this creator the geometry does");
	if (geometry < info->virtual_bytes)
		say(i, 2, "footer", "geometry", geometry, "is smaller than the disk");
	else if (geometry > info->virtual_bytes)
		say(i, 2, "footer", "geometry", geometry, "is larger than the disk");
	if (info->short_footer)
		say(i, 4, "footer", "length", VHD_FORMAT_SHORT_FOOTER_BYTES,
		    "is of an old Virtual PC: bulkhead vhd repair makes it 512");
	if (f->hidden)
		say(i, 13, "footer", "hidden", f->hidden, "keeps it from tapdisk's users");
	if (!info->footers_agree && info->start_footer_ok && info->end_footer_ok)
		say(i, 14, "footer", "checksum", 0,
		    "of the two copies differs, in fields that decide nothing");
	if (f->saved_state)
		say(i, 21, "footer", "saved state", f->saved_state,
		    "belongs to a suspended machine: it is not opened for writing");
}

static void inspect_layout(const struct inspection *i)
{
	const struct image *image = i->image;
	const struct vhd_map *map = &image->map;
	uint64_t footer_at = image->info.file_bytes / SECTOR * SECTOR -
			     (image->info.short_footer ? 0 : VHD_FORMAT_FOOTER_BYTES);
	uint64_t end = vhd_map_end_byte(map, image->table), n_odd = 0;

	for (uint32_t b = 0; b < map->n_blocks; b++)
		n_odd += image->table[b] != VHD_MAP_HOLE &&
			 vhd_map_data_byte(map, image->table[b]) % DATA_ALIGN_BYTES != 0;
	if (image->info.end_footer_ok && end < footer_at)
		say(i, 6, "file", "unused bytes", footer_at - end,
		    "lie before the footer at the end");
	if (map->table_offset_byte != map->header_offset_byte + VHD_FORMAT_HEADER_BYTES)
		say(i, 7, "header", "block table offset", map->table_offset_byte,
		    "is not right behind the header");
	if (image->info.batmap)
		say(i, 15, "file", "batmap", map->table_offset_byte + map->table_bytes,
		    "is tapdisk's map of full blocks: it is emptied before the first write");
	if (n_odd > 0)
		say(i, 16, "block table", "blocks off a border of 4 KiB", n_odd,
		    "are slower on such disks");
	if (image->header.n_entries > map->n_blocks)
		say(i, 20, "header", "number of blocks", image->header.n_entries,
		    "is more than the disk needs");
}

/* How many 4 KiB runs of this bitmap are half written; and bits behind the end of the disk. */
static void count_bits(const struct vhd_map *map, uint32_t block, const uint8_t *bits,
		       uint64_t *n_half, uint64_t *n_behind)
{
	uint32_t n = vhd_map_block_len_bytes(map, block) / SECTOR, at = 0;

	for (; at + VHD_MAP_RUN_SECTORS <= n; at += VHD_MAP_RUN_SECTORS)
		*n_half += bits[at / 8] != 0 && bits[at / 8] != 0xff;
	for (at = n; at < map->block_bytes / SECTOR; at++)
		*n_behind += vhd_map_bit(bits, at);
}

static int inspect_bitmaps(const struct inspection *i)
{
	const struct image *image = i->image;
	const struct vhd_map *map = &image->map;
	OWNS_HEAP uint8_t *bits = malloc(map->bitmap_bytes);
	uint64_t n_half = 0, n_behind = 0;
	int r = bits ? 0 : -ENOMEM;

	for (uint32_t b = 0; r == 0 && b < map->n_blocks; b++) {
		if (image->table[b] == VHD_MAP_HOLE)
			continue;
		r = store_read(&image->store, bits, map->bitmap_bytes,
			       vhd_map_bitmap_byte(image->table[b]));
		if (r == 0)
			count_bits(map, b, bits, &n_half, &n_behind);
	}
	if (r == 0 && n_half > 0)
		say(i, 19, "bitmap", "runs of 4 KiB written in part", n_half,
		    "are misread by libvhdi; ours are whole");
	if (r == 0 && n_behind > 0)
		say(i, 17, "bitmap", "bits behind the end of the disk", n_behind,
		    "are set: their writer marks whole blocks");
	return r;
}

static void inspect_parent(const struct inspection *i)
{
	const struct vhd_header *h = &i->image->header;

	if (h->parent_timestamp_s == 0)
		say(i, 11, "header", "parent time stamp", 0,
		    "says nothing: the parent is known by its UUID");
	for (unsigned n = 0; n < VHD_FORMAT_N_LOCATORS; n++) {
		const struct vhd_header_locator *l = &h->locator[n];

		if (l->code == 0)
			continue;
		if (l->space >= SECTOR)
			say(i, 8, "header", "space for a parent's name", l->space,
			    "is in bytes, the specification says sectors");
		if (l->code == VHD_LOCATOR_W2KU)
			say(i, 9, "header", "locator", l->code,
			    "may tell an absolute path of the machine that made it");
	}
}

int image_inspect(struct image *image, image_remark *remark, void *context)
{
	struct inspection i = { .image = image, .remark = remark, .context = context };

	inspect_footer(&i);
	if (image_is_fixed(image))
		return 0;
	inspect_layout(&i);
	if (image->info.footer.type == VHD_TYPE_DIFFERENCING)
		inspect_parent(&i);
	return inspect_bitmaps(&i);
}
