/* bitmap_cache.h - the bitmaps of some blocks in memory, and which of them changed.
 *
 * Eight slots to a set; a block has one set. A changed bitmap stays until a commit has written it.
 * No locks and no I/O here: the image owns both. */
#ifndef VHDCRYPT_BITMAP_CACHE_H
#define VHDCRYPT_BITMAP_CACHE_H

#include <stdbool.h>
#include <stdint.h>

struct bitmap_slot {
	uint32_t block;
	uint32_t used_at; /* of the cache's clock */
	bool valid;
	bool dirty;  /* differs from the file */
	bool flying; /* a copy of it is being written */
};

/* A copy on its way to the file; belongs to who runs the commit. */
struct bitmap_flight {
	uint32_t slot;
	uint32_t block;
	bool fresh; /* the table on disk does not know the block yet */
};

struct bitmap_cache {
	uint32_t bitmap_bytes;
	uint32_t n_slots;
	uint32_t clock;
	struct bitmap_slot *slot;
	uint8_t *bits;	 /* n_slots bitmaps */
	uint8_t *copies; /* the same shape */
	struct bitmap_flight *flight;
	uint32_t n_flights;
};

/* -ENOMEM. bitmap_cache_free() accepts a zeroed one. */
int bitmap_cache_init(struct bitmap_cache *cache, uint32_t bitmap_bytes);
void bitmap_cache_free(struct bitmap_cache *cache);

/* The block's slot, or NULL. */
struct bitmap_slot *bitmap_cache_find(struct bitmap_cache *cache, uint32_t block);

/* A slot for a block that has none, its bitmap all zero; NULL: each one of its set is changed, a
 * commit has to come first. */
struct bitmap_slot *bitmap_cache_add(struct bitmap_cache *cache, uint32_t block);

uint8_t *bitmap_cache_bits(const struct bitmap_cache *cache, const struct bitmap_slot *slot);

/* Add a copy to the flights: dirty becomes flying. */
void bitmap_cache_copy(struct bitmap_cache *cache, struct bitmap_slot *slot, bool fresh);

/* The bytes of a flight: as they were when copied. */
const uint8_t *bitmap_cache_copied(const struct bitmap_cache *cache,
				   const struct bitmap_flight *flight);

/* End all flights. done: the copies are in the file; else what they held is dirty again. */
void bitmap_cache_land(struct bitmap_cache *cache, bool done);

#endif
