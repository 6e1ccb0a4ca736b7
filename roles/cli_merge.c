#include "roles/cli_merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/util.h"

enum { CHUNK_BYTES = 1 << 20 };

/* Two buffers of plaintext, wiped when they go. */
struct chunks {
	uint8_t *a, *b;
};

static void wipe(struct chunks *c)
{
	if (c->a)
		sodium_memzero(c->a, 2 * (size_t)CHUNK_BYTES);
	free(c->a);
}

#define OWNS_CHUNKS __attribute__((cleanup(wipe)))

static struct chunks chunks_new(void)
{
	uint8_t *both = malloc(2 * (size_t)CHUNK_BYTES);

	return (struct chunks){ both, both + CHUNK_BYTES };
}

/* The extent at `at`, of the layer alone or of the chain, cut to one chunk. */
static int next(struct image *image, bool own, uint64_t at, struct image_extent *ret)
{
	uint64_t left = image_info(image)->virtual_bytes - at;
	int r = own ? image_own_extent(image, at, left, ret) : image_extent(image, at, left, ret);

	if (r == 0 && !ret->hole)
		ret->len_bytes = MIN(ret->len_bytes, (uint64_t)CHUNK_BYTES);
	return r;
}

/* Zeros become holes where nothing below would show. */
static int put(struct image *to, const uint8_t *data, size_t len_bytes, uint64_t at)
{
	return sodium_is_zero(data, len_bytes) ? image_zero(to, len_bytes, at)
					       : image_write(to, data, len_bytes, at);
}

static int merge(struct image *from, struct image *to, bool own, uint64_t *ret_bytes)
{
	OWNS_CHUNKS struct chunks c = chunks_new();
	uint64_t size = image_info(from)->virtual_bytes, bytes = 0;
	struct image_extent e;

	if (!c.a)
		return -ENOMEM;
	for (uint64_t at = 0; at < size; at += e.len_bytes) {
		int r = next(from, own, at, &e);

		if (r == 0 && e.hole)
			continue;
		if (r == 0)
			r = image_read(from, c.a, e.len_bytes, at);
		if (r == 0)
			r = put(to, c.a, e.len_bytes, at);
		if (r < 0)
			return r;
		bytes += e.len_bytes;
	}
	*ret_bytes = bytes;
	return image_flush(to);
}

int cli_merge_own(struct image *from, struct image *to, uint64_t *ret_bytes)
{
	return merge(from, to, true, ret_bytes);
}

int cli_merge_all(struct image *from, struct image *to, uint64_t *ret_bytes)
{
	return merge(from, to, false, ret_bytes);
}

/* A hole of the chain is compared by extents first: terabytes of it cost nothing. */
static int compare(struct image *from, struct image *to, const struct chunks *c, bool hole,
		   uint64_t len_bytes, uint64_t at, uint64_t *ret_byte)
{
	int r = image_read(to, c->b, len_bytes, at);

	if (r == 0 && hole)
		memset(c->a, 0, len_bytes);
	else if (r == 0)
		r = image_read(from, c->a, len_bytes, at);
	if (r == 0 && memcmp(c->a, c->b, len_bytes) != 0) {
		*ret_byte = at;
		r = -EILSEQ;
	}
	return r;
}

int cli_merge_prove(struct image *from, struct image *to, bool own, uint64_t *ret_byte)
{
	OWNS_CHUNKS struct chunks c = chunks_new();
	uint64_t size = image_info(from)->virtual_bytes;
	struct image_extent e, there;

	if (!c.a)
		return -ENOMEM;
	if (image_info(to)->virtual_bytes != size) {
		*ret_byte = MIN(image_info(to)->virtual_bytes, size);
		return -EILSEQ;
	}
	for (uint64_t at = 0; at < size; at += e.len_bytes) {
		int r = next(from, own, at, &e);

		if (r == 0 && e.hole && own)
			continue;
		if (r == 0 && e.hole)
			r = image_extent(to, at, e.len_bytes, &there);
		if (r == 0 && e.hole) {
			e.len_bytes = there.hole ? there.len_bytes
						 : MIN(there.len_bytes, (uint64_t)CHUNK_BYTES);
			if (there.hole)
				continue;
		}
		if (r == 0)
			r = compare(from, to, &c, e.hole, e.len_bytes, at, ret_byte);
		if (r < 0)
			return r;
	}
	return 0;
}
