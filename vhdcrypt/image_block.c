#include "vhdcrypt/image_state.h"

#include <errno.h>
#include <string.h>

static uint32_t block_sectors(const struct image *image, uint32_t block)
{
	return vhd_map_block_len_bytes(&image->map, block) / VHD_FORMAT_SECTOR_BYTES;
}

int image_block_ready(struct image *image)
{
	return image->cache.n_slots > 0 ? 0
					: bitmap_cache_init(&image->cache, image->map.bitmap_bytes);
}

/* Under meta. -EAGAIN: commit first. */
static int slot_of(struct image *image, uint32_t block, struct bitmap_slot **ret_slot)
{
	int r = image_block_ready(image);
	struct bitmap_slot *slot = r < 0 ? NULL : bitmap_cache_find(&image->cache, block);

	if (r < 0)
		return r;
	if (!slot) {
		slot = bitmap_cache_add(&image->cache, block);
		if (!slot)
			return -EAGAIN;
		r = store_read(&image->store, bitmap_cache_bits(&image->cache, slot),
			       image->map.bitmap_bytes, vhd_map_bitmap_byte(image->table[block]));
		if (r == 0)
			r = image_guard_check(image, block, bitmap_cache_bits(&image->cache, slot));
		if (r < 0) {
			slot->valid = false;
			return r;
		}
	}
	*ret_slot = slot;
	return 0;
}

static bool all_set(const uint8_t *bits, uint32_t first, uint32_t n)
{
	bool value;

	return n == 0 || (vhd_map_bits_run(bits, first, n, &value) == n && value);
}

/* Under meta, when the bit at first is set: are all? It is the next that is not, most often. A bitmap
 * without a hole needs no memory any more once it is in the file. */
static void note_if_full(struct image *image, struct bitmap_slot *slot, uint32_t first)
{
	uint32_t block = slot->block, n = block_sectors(image, block);
	const uint8_t *bits = bitmap_cache_bits(&image->cache, slot);

	if (!all_set(bits, first, n - first) || !all_set(bits, 0, first))
		return;
	image_block_become(image, block, image->state[block] | IMAGE_BLOCK_FULL);
	if (!slot->dirty && !slot->flying)
		slot->valid = false;
}

static int run_locked(struct image *image, uint32_t block, uint32_t first, uint32_t max,
		      bool *ret_written, uint32_t *ret_n)
{
	struct bitmap_slot *slot;
	int r;

	*ret_n = max;
	*ret_written = image->table[block] != VHD_MAP_HOLE;
	if (!*ret_written || image->state[block] & IMAGE_BLOCK_FULL)
		return 0;
	r = slot_of(image, block, &slot);
	if (r < 0)
		return r;
	*ret_n = vhd_map_bits_run(bitmap_cache_bits(&image->cache, slot), first, max, ret_written);
	if (*ret_written)
		note_if_full(image, slot, first);
	return 0;
}

int image_block_run(struct image *image, uint32_t block, uint32_t first, uint32_t max,
		    uint32_t *ret_entry, bool *ret_written, uint32_t *ret_n)
{
	int r;

	for (;;) {
		(void)pthread_mutex_lock(&image->meta);
		r = run_locked(image, block, first, max, ret_written, ret_n);
		*ret_entry = image->table[block];
		(void)pthread_mutex_unlock(&image->meta);
		if (r != -EAGAIN)
			return r;
		r = image_commit(image);
		if (r < 0)
			return r;
	}
}

/* Under meta: a footer at the new end, then the space before it. What fails is undone by cutting
 * the file where it ended, behind the old footer, which nothing has touched. */
static int grow(struct image *image, uint32_t entry)
{
	uint64_t new_end = vhd_map_data_byte(&image->map, entry) + image->map.block_bytes;
	int r = image_guard_begin(image);

	if (r < 0)
		return r;
	r = store_reserve(&image->store, image->end_byte,
			  new_end + VHD_FORMAT_FOOTER_BYTES - image->end_byte);
	if (r == 0)
		r = store_write(&image->store, image->footer, sizeof(image->footer), new_end);
	if (r < 0) {
		(void)store_truncate(&image->store, image->end_byte); /* garbage behind is legal */
		return r;
	}
	image->end_byte = new_end + VHD_FORMAT_FOOTER_BYTES;
	return 0;
}

/* Under meta. -EAGAIN: commit first. */
static int place_locked(struct image *image, uint32_t block)
{
	struct bitmap_slot *slot;
	uint32_t entry;
	int r;

	if (image->table[block] != VHD_MAP_HOLE)
		return 0;
	if (image->n_pending == IMAGE_PENDING_MAX)
		return -EAGAIN;
	slot = bitmap_cache_add(&image->cache, block);
	if (!slot)
		return -EAGAIN;
	r = vhd_map_place(&image->map, image->end_byte, &entry) < 0 ? -ENOSPC : grow(image, entry);
	if (r < 0) {
		slot->valid = false;
		return r;
	}
	slot->dirty = true;
	image->table[block] = entry;
	image_block_become(image, block, IMAGE_BLOCK_PENDING);
	image->pending[image->n_pending++] = block;
	image->info.n_allocated++;
	return 0;
}

int image_block_place(struct image *image, uint32_t block, uint32_t *ret_entry)
{
	int r;

	for (;;) {
		(void)pthread_mutex_lock(&image->meta);
		r = place_locked(image, block);
		*ret_entry = image->table[block];
		(void)pthread_mutex_unlock(&image->meta);
		if (r != -EAGAIN)
			return r;
		r = image_commit(image);
		if (r < 0)
			return r;
	}
}

static void queue_punch(struct image *image, uint32_t block, uint32_t first, uint32_t n)
{
	if (image->n_punch < IMAGE_PUNCH_MAX)
		image->punch[image->n_punch++] = (struct image_punch){ block, first, n };
}

static int mark_locked(struct image *image, uint32_t block, uint32_t first, uint32_t n,
		       bool written)
{
	struct bitmap_slot *slot;
	uint8_t *bits;
	bool value;
	int r;

	if (image->table[block] == VHD_MAP_HOLE ||
	    (written && image->state[block] & IMAGE_BLOCK_FULL))
		return 0;
	r = slot_of(image, block, &slot);
	if (r < 0)
		return r;
	bits = bitmap_cache_bits(&image->cache, slot);
	if (vhd_map_bits_run(bits, first, n, &value) == n && value == written)
		return 0;
	vhd_map_bits_put(bits, first, n, written);
	slot->dirty = true;
	if (written) {
		note_if_full(image, slot, first);
	} else {
		image_block_become(image, block, image->state[block] & (uint8_t)~IMAGE_BLOCK_FULL);
		queue_punch(image, block, first, n);
	}
	return 0;
}

int image_block_mark(struct image *image, uint32_t block, uint32_t first, uint32_t n, bool written)
{
	int r;

	for (;;) {
		(void)pthread_mutex_lock(&image->meta);
		r = mark_locked(image, block, first, n, written);
		(void)pthread_mutex_unlock(&image->meta);
		if (r != -EAGAIN)
			return r;
		r = image_commit(image);
		if (r < 0)
			return r;
	}
}

/* Under io (alone) and meta. False: the bits are not in the file yet, so the data must stay. */
static bool punch_locked(struct image *image, const struct image_punch *p)
{
	const struct bitmap_slot *slot = bitmap_cache_find(&image->cache, p->block);
	uint64_t data = vhd_map_data_byte(&image->map, image->table[p->block]);
	uint32_t n;
	bool written;

	if (slot && (slot->dirty || slot->flying))
		return false;
	if (run_locked(image, p->block, p->first, p->n, &written, &n) < 0 || n < p->n || written)
		return true; /* written anew, or not known any more: its space stays */
	/* a file system that cannot do it keeps the space; nobody reads it */
	(void)store_punch(&image->store, data + (uint64_t)p->first * VHD_FORMAT_SECTOR_BYTES,
			  (uint64_t)p->n * VHD_FORMAT_SECTOR_BYTES);
	return true;
}

void image_block_punch(struct image *image)
{
	uint32_t n, kept = 0;

	(void)pthread_mutex_lock(&image->meta);
	n = image->n_punch;
	(void)pthread_mutex_unlock(&image->meta);
	if (n == 0)
		return;
	(void)pthread_rwlock_wrlock(&image->io);
	(void)pthread_mutex_lock(&image->meta);
	for (uint32_t i = 0; i < image->n_punch; i++)
		if (!punch_locked(image, &image->punch[i]))
			image->punch[kept++] = image->punch[i];
	image->n_punch = kept;
	(void)pthread_mutex_unlock(&image->meta);
	(void)pthread_rwlock_unlock(&image->io);
}
