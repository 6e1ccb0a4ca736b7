#include "vhdcrypt/bitmap_cache.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAYS = 8,
	SLOTS_MAX = 1024, /* 2 GiB of partly written blocks, the usual size of block */
	SLOTS_MIN = 64,
	BYTES_MAX = 4 << 20, /* what large blocks may cost */
};

int bitmap_cache_init(struct bitmap_cache *cache, uint32_t bitmap_bytes)
{
	uint32_t n = BYTES_MAX / bitmap_bytes / WAYS * WAYS;

	n = n > SLOTS_MAX ? SLOTS_MAX : n < SLOTS_MIN ? SLOTS_MIN : n;
	*cache = (struct bitmap_cache){ .bitmap_bytes = bitmap_bytes, .n_slots = n };
	cache->slot = calloc(n, sizeof(cache->slot[0]));
	cache->bits = calloc(n, bitmap_bytes);
	cache->copies = calloc(n, bitmap_bytes);
	cache->flight = calloc(n, sizeof(cache->flight[0]));
	if (cache->slot && cache->bits && cache->copies && cache->flight)
		return 0;
	bitmap_cache_free(cache);
	return -ENOMEM;
}

void bitmap_cache_free(struct bitmap_cache *cache)
{
	free(cache->slot);
	free(cache->bits);
	free(cache->copies);
	free(cache->flight);
	*cache = (struct bitmap_cache){ 0 };
}

static struct bitmap_slot *set_of(struct bitmap_cache *cache, uint32_t block)
{
	return &cache->slot[block % (cache->n_slots / WAYS) * WAYS];
}

struct bitmap_slot *bitmap_cache_find(struct bitmap_cache *cache, uint32_t block)
{
	struct bitmap_slot *set = set_of(cache, block);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].valid && set[i].block == block) {
			set[i].used_at = ++cache->clock;
			return &set[i];
		}
	return NULL;
}

struct bitmap_slot *bitmap_cache_add(struct bitmap_cache *cache, uint32_t block)
{
	struct bitmap_slot *set = set_of(cache, block), *oldest = NULL;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].dirty || set[i].flying)
			continue;
		if (!oldest || !set[i].valid || (oldest->valid && set[i].used_at < oldest->used_at))
			oldest = &set[i];
	}
	if (!oldest)
		return NULL;
	*oldest = (struct bitmap_slot){ .block = block, .used_at = ++cache->clock, .valid = true };
	memset(bitmap_cache_bits(cache, oldest), 0, cache->bitmap_bytes);
	return oldest;
}

uint8_t *bitmap_cache_bits(const struct bitmap_cache *cache, const struct bitmap_slot *slot)
{
	return cache->bits + (size_t)(slot - cache->slot) * cache->bitmap_bytes;
}

const uint8_t *bitmap_cache_copied(const struct bitmap_cache *cache,
				   const struct bitmap_flight *flight)
{
	return cache->copies + (size_t)flight->slot * cache->bitmap_bytes;
}

void bitmap_cache_copy(struct bitmap_cache *cache, struct bitmap_slot *slot, bool fresh)
{
	uint32_t i = (uint32_t)(slot - cache->slot);

	cache->flight[cache->n_flights++] = (struct bitmap_flight){ i, slot->block, fresh };
	memcpy(cache->copies + (size_t)i * cache->bitmap_bytes, bitmap_cache_bits(cache, slot),
	       cache->bitmap_bytes);
	slot->dirty = false;
	slot->flying = true;
}

void bitmap_cache_land(struct bitmap_cache *cache, bool done)
{
	for (uint32_t i = 0; i < cache->n_flights; i++) {
		struct bitmap_slot *slot = &cache->slot[cache->flight[i].slot];

		slot->dirty = slot->dirty || !done;
		slot->flying = false;
	}
	cache->n_flights = 0;
}
