#include "vhdcrypt/image_state.h"

#include <errno.h>
#include <string.h>

/* Under meta: copies of all changed bitmaps; how much of the pending list they cover. */
static uint32_t take_off(struct image *image)
{
	struct bitmap_cache *cache = &image->cache;

	for (uint32_t i = 0; i < cache->n_slots; i++) {
		struct bitmap_slot *slot = &cache->slot[i];

		if (slot->valid && slot->dirty)
			bitmap_cache_copy(cache, slot,
					  image->state[slot->block] & IMAGE_BLOCK_PENDING);
	}
	return image->n_pending;
}

/* Under meta: the round is over. */
static void land(struct image *image, uint32_t n_taken, bool done)
{
	bitmap_cache_land(&image->cache, done);
	if (!done)
		return;
	for (uint32_t i = 0; i < n_taken; i++) {
		uint32_t block = image->pending[i];

		image_block_become(image, block,
				   image->state[block] & (uint8_t)~IMAGE_BLOCK_PENDING);
	}
	image->n_pending -= n_taken;
	memmove(image->pending, image->pending + n_taken,
		image->n_pending * sizeof(image->pending[0]));
}

/* The bitmaps of new blocks, or of those that the table on disk has already. Without meta: flights
 * are ours alone, and the table entry of a block does not change once it is set. */
static int write_bitmaps(struct image *image, bool fresh)
{
	struct bitmap_cache *cache = &image->cache;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < cache->n_flights; i++) {
		const struct bitmap_flight *flight = &cache->flight[i];

		if (flight->fresh == fresh)
			r = store_write(&image->store, bitmap_cache_copied(cache, flight),
					cache->bitmap_bytes,
					vhd_map_bitmap_byte(image->table[flight->block]));
	}
	return r;
}

static int write_entries(struct image *image, uint32_t n)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++) {
		uint32_t block = image->pending[i];
		uint8_t entry[VHD_MAP_ENTRY_BYTES];

		vhd_map_entry_build(image->table[block], entry);
		r = store_write(&image->store, entry, sizeof(entry),
				image->map.table_offset_byte +
					(uint64_t)block * VHD_MAP_ENTRY_BYTES);
	}
	return r;
}

static int or_break(struct image *image, int r)
{
	if (r < 0) {
		(void)pthread_mutex_lock(&image->meta);
		image->broken = -EIO;
		(void)pthread_mutex_unlock(&image->meta);
	}
	return r;
}

/* After a failed sync the kernel forgets which pages it lost: nothing may build on them. */
static int sync_or_break(struct image *image)
{
	return or_break(image, store_sync(&image->store));
}

/* Bitmaps of older blocks and the table. Who vouches for them knows what they were and what they
 * become, not a third: with a guard, a failure is the end of writing. */
static int write_known(struct image *image, uint32_t n_taken)
{
	int r = write_bitmaps(image, false);

	if (r == 0)
		r = write_entries(image, n_taken);
	return image->guard ? or_break(image, r) : r;
}

/* Under commit. A table without changes needs one sync, for the data. */
static int one_round(struct image *image)
{
	uint32_t n_taken = 0;
	bool changed;
	int r;

	(void)pthread_mutex_lock(&image->meta);
	image->n_rounds_begun++;
	r = image->broken;
	if (r == 0 && !image_is_fixed(image))
		n_taken = take_off(image);
	(void)pthread_mutex_unlock(&image->meta);
	if (r < 0)
		return r;
	changed = n_taken > 0 || image->cache.n_flights > 0;
	if (!changed)
		return sync_or_break(image);
	r = image_guard_begin(image);
	if (r == 0)
		r = write_bitmaps(image, true);
	if (r == 0)
		r = or_break(image, image_guard_note(image));
	if (r == 0)
		r = sync_or_break(image);
	if (r == 0)
		r = or_break(image, image_guard_sync(image));
	if (r == 0)
		r = write_known(image, n_taken);
	if (r == 0)
		r = sync_or_break(image);
	(void)pthread_mutex_lock(&image->meta);
	land(image, n_taken, r == 0);
	(void)pthread_mutex_unlock(&image->meta);
	return r;
}

static uint64_t rounds_begun(struct image *image)
{
	uint64_t n;

	(void)pthread_mutex_lock(&image->meta);
	n = image->n_rounds_begun;
	(void)pthread_mutex_unlock(&image->meta);
	return n;
}

int image_commit(struct image *image)
{
	uint64_t begun = rounds_begun(image);
	int r = 0;

	(void)pthread_mutex_lock(&image->commit);
	/* a round that began after our call covers us: callers that meet share it */
	if (image->last_round_done <= begun) {
		r = one_round(image);
		if (r == 0)
			image->last_round_done = rounds_begun(image);
	}
	(void)pthread_mutex_unlock(&image->commit);
	return r;
}

int image_flush(struct image *image)
{
	int r = image->mode == IMAGE_READ_ONLY ? 0 : image_commit(image);

	if (r == 0)
		image_block_punch(image);
	return r;
}
