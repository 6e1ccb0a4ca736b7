/* image_guard.c - between an image and its LAYER.mac: which of its bytes are a unit, and when. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/defer.h"
#include "base/util.h"
#include "vhdcrypt/image_state.h"
#include "vhdcrypt/leaf_guard.h"

enum { UNIT = LEAF_GUARD_UNIT_BYTES, CHUNK_ENTRIES = 4096 };

static uint32_t units_of_block(const struct image *image)
{
	return image->map.bitmap_bytes / UNIT;
}

/* Footer, header and the names of the parent, as they are in the file. */
static int fixed_digest(struct image *image, uint8_t ret[LEAF_MAC_DIGEST_BYTES])
{
	crypto_generichash_state state;
	int r = 0;

	(void)crypto_generichash_init(&state, NULL, 0, LEAF_MAC_DIGEST_BYTES);
	(void)crypto_generichash_update(&state, image->footer, sizeof(image->footer));
	(void)crypto_generichash_update(&state, image->header_raw, sizeof(image->header_raw));
	for (unsigned i = 0; r == 0 && i < VHD_FORMAT_N_LOCATORS; i++) {
		const struct vhd_header_locator *l = &image->header.locator[i];
		OWNS_HEAP uint8_t *name = l->code ? malloc(l->len_bytes + 1) : NULL;

		if (l->code == 0 || image->info.footer.type != VHD_TYPE_DIFFERENCING)
			continue;
		r = name ? store_read(&image->store, name, l->len_bytes, l->offset_byte) : -ENOMEM;
		if (r == 0)
			(void)crypto_generichash_update(&state, name, l->len_bytes);
	}
	(void)crypto_generichash_final(&state, ret, LEAF_MAC_DIGEST_BYTES);
	return r;
}

/* The entries that matter, as they are in the file. */
static int table_digest(const struct image *image, uint8_t ret[LEAF_MAC_DIGEST_BYTES])
{
	OWNS_HEAP uint8_t *chunk = malloc((size_t)CHUNK_ENTRIES * VHD_MAP_ENTRY_BYTES);
	crypto_generichash_state state;

	if (!chunk)
		return -ENOMEM;
	(void)crypto_generichash_init(&state, NULL, 0, LEAF_MAC_DIGEST_BYTES);
	for (uint32_t at = 0; at < image->info.n_blocks; at += CHUNK_ENTRIES) {
		uint32_t n = MIN(image->info.n_blocks - at, (uint32_t)CHUNK_ENTRIES);

		for (uint32_t i = 0; i < n; i++)
			vhd_map_entry_build(image->table[at + i],
					    chunk + (size_t)i * VHD_MAP_ENTRY_BYTES);
		(void)crypto_generichash_update(&state, chunk, (size_t)n * VHD_MAP_ENTRY_BYTES);
	}
	(void)crypto_generichash_final(&state, ret, LEAF_MAC_DIGEST_BYTES);
	return 0;
}

static int facts_of(struct image *image, struct leaf_mac *ret)
{
	int r;

	*ret = (struct leaf_mac){ .n_blocks = image->info.n_blocks,
				  .n_allocated = image->info.n_allocated };
	memcpy(ret->uuid, image->info.footer.uuid, sizeof(ret->uuid));
	if (!image_is_fixed(image))
		ret->bitmap_sectors = units_of_block(image);
	r = store_size(&image->store, &ret->file_bytes);
	if (r == 0)
		r = fixed_digest(image, ret->fixed);
	return r == 0 ? table_digest(image, ret->table) : r;
}

/* A leaf_guard_look: of the file, past the cache. */
static int look(void *context, uint64_t unit, uint32_t *ret_entry, uint8_t *ret_bits)
{
	struct image *image = context;
	uint32_t entry = image->table[unit / units_of_block(image)];

	*ret_entry = entry;
	if (!ret_bits || entry == VHD_MAP_HOLE)
		return 0;
	return store_read(&image->store, ret_bits, UNIT,
			  vhd_map_bitmap_byte(entry) + unit % units_of_block(image) * UNIT);
}

/* Both footers, whole: only a layer that was not closed may have lost one. */
static int footers_fit(const struct image *image, bool clean, struct vhd_fault *ret_fault)
{
	const struct image_info *info = &image->info;

	if (clean && !info->end_footer_ok)
		return vhd_fault_set(ret_fault, "footer", "at byte",
				     info->file_bytes - VHD_FORMAT_FOOTER_BYTES,
				     "is gone, and the layer was closed");
	if (clean && !info->start_footer_ok)
		return vhd_fault_set(ret_fault, "footer", "at byte", 0,
				     "is gone, and the layer was closed");
	if (info->start_footer_ok && info->end_footer_ok && !info->footers_agree)
		return vhd_fault_set(ret_fault, "footer", "at byte",
				     info->file_bytes - VHD_FORMAT_FOOTER_BYTES,
				     "is not what the copy at byte 0 is");
	return 0;
}

int image_guard_match(struct image *image, struct vhd_fault *ret_fault)
{
	struct leaf_mac facts;
	int r;

	if (!image->guard)
		return 0;
	r = footers_fit(image, !leaf_guard_was_dirty(image->guard), ret_fault);
	if (r == 0)
		r = facts_of(image, &facts);
	return r < 0 ? r : leaf_guard_match(image->guard, &facts, look, image, ret_fault);
}

int image_guard_check(struct image *image, uint32_t block, const uint8_t *bits)
{
	uint32_t n = image->guard ? units_of_block(image) : 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = leaf_guard_check(image->guard, (uint64_t)block * n + i, image->table[block],
				     bits + (size_t)i * UNIT);
	return r;
}

int image_guard_begin(struct image *image)
{
	return image->guard ? leaf_guard_begin(image->guard) : 0;
}

int image_guard_note(struct image *image)
{
	const struct bitmap_cache *cache = &image->cache;
	int r = 0;

	for (uint32_t i = 0; image->guard && r == 0 && i < cache->n_flights; i++) {
		const struct bitmap_flight *flight = &cache->flight[i];
		const uint8_t *bits = bitmap_cache_copied(cache, flight);
		uint32_t n = units_of_block(image);

		for (uint32_t k = 0; r == 0 && k < n; k++)
			r = leaf_guard_note(image->guard, (uint64_t)flight->block * n + k,
					    image->table[flight->block], bits + (size_t)k * UNIT);
	}
	return r;
}

int image_guard_sync(struct image *image)
{
	return image->guard ? leaf_guard_sync(image->guard) : 0;
}

/* What a cut-off growth has left behind the end is no footer: dirty it stays, and is mended. */
static bool ends_in_footer(struct image *image, uint64_t file_bytes)
{
	uint8_t end[VHD_FORMAT_FOOTER_BYTES];

	return file_bytes >= sizeof(end) &&
	       store_read(&image->store, end, sizeof(end), file_bytes - sizeof(end)) == 0 &&
	       memcmp(end, image->footer, VHD_FORMAT_SHORT_FOOTER_BYTES) == 0;
}

int image_guard_end(struct image *image)
{
	struct leaf_mac facts;
	int r;

	if (!image->guard || image->mode == IMAGE_READ_ONLY)
		return 0;
	r = facts_of(image, &facts);
	if (r < 0 || !ends_in_footer(image, facts.file_bytes))
		return r;
	return leaf_guard_end(image->guard, &facts);
}

int image_guard_verify(struct image *image, struct vhd_fault *ret_fault)
{
	uint64_t n =
		image_is_fixed(image) ? 0 : (uint64_t)image->info.n_blocks * units_of_block(image);
	uint8_t bits[UNIT];
	uint32_t entry;
	int r = 0;

	for (uint64_t unit = 0; r == 0 && unit < n; unit++) {
		r = look(image, unit, &entry, bits);
		if (r == 0)
			r = leaf_guard_check(image->guard, unit, entry, bits);
		if (r != -EILSEQ)
			continue;
		(void)vhd_fault_set(ret_fault, "bitmap", "of block", entry,
				    "is not what leaf.mac says");
		ret_fault->index = unit / units_of_block(image);
	}
	return r;
}

int image_guard_make(struct image *image, int fd, const struct secret *volume_key,
		     const struct leaf_mac_outside *outside, struct vhd_fault *ret_fault)
{
	struct leaf_guard *guard = NULL;
	uint8_t bits[UNIT] = { 0 };
	struct leaf_mac facts;
	uint32_t entry;
	int r = footers_fit(image, true, ret_fault);

	if (r == 0)
		r = facts_of(image, &facts);
	if (r == 0)
		facts.outside = *outside;
	if (r == 0)
		r = leaf_guard_new(fd, volume_key, &facts, &guard);
	for (uint64_t unit = 0; r == 0 && unit < leaf_mac_n_units(&facts); unit++) {
		r = look(image, unit, &entry, bits);
		if (r == 0)
			leaf_guard_set(guard, unit, entry, bits);
	}
	if (r == 0)
		r = leaf_guard_end(guard, &facts);
	leaf_guard_free(guard);
	return r;
}
