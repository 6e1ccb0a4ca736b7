/* chain_bench.h - chains of layers in memory files, for tests of image.h: each layer has a UUID,
 * a cipher and a size of its own, and is opened upon the ones below it. */
#ifndef TESTS_UNIT_CHAIN_BENCH_H
#define TESTS_UNIT_CHAIN_BENCH_H

#include "image_bench.h"

enum { CHAIN_LAYERS = 6 };

struct chain {
	int fd[CHAIN_LAYERS];
	struct sector *cipher[CHAIN_LAYERS]; /* NULL: plain */
	struct image *image[CHAIN_LAYERS];   /* NULL: not open */
	unsigned n;
};

static inline struct sector *chain_cipher(uint32_t sector_bytes, unsigned seed)
{
	uint8_t key[SECTOR_KEY_BYTES];
	struct sector *s;

	if (sector_bytes == 0)
		return NULL;
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 5 + seed * 31 + 1);
	assert_int_equal(sector_new(key, sector_bytes, &s), 0);
	return s;
}

static inline void chain_uuid(unsigned layer, uint8_t ret[VHD_FORMAT_UUID_BYTES])
{
	memset(ret, 0x10 + (int)layer, VHD_FORMAT_UUID_BYTES);
}

static inline void chain_base(struct chain *c, enum vhd_type type, uint64_t size,
			      uint32_t sector_bytes)
{
	uint8_t uuid[VHD_FORMAT_UUID_BYTES];
	struct vhd_footer like;

	*c = (struct chain){ .n = 1 };
	c->fd[0] = bench_file();
	c->cipher[0] = chain_cipher(sector_bytes, 0);
	chain_uuid(0, uuid);
	image_footer_init(type, size, uuid, 1000, &like);
	assert_int_equal(image_create(c->fd[0], &like, c->cipher[0], &c->image[0]), 0);
}

static inline void chain_close(struct chain *c)
{
	for (unsigned i = c->n; i-- > 0;) {
		assert_int_equal(image_close(c->image[i]), 0);
		c->image[i] = NULL;
	}
}

static inline struct image *chain_open_layer(const struct chain *c, unsigned i,
					     enum image_mode mode)
{
	struct vhd_fault fault;
	struct image *image;

	assert_int_equal(image_open_layer(c->fd[i], mode, &image, &fault), 0);
	if (i > 0)
		assert_int_equal(image_set_parent(image, c->image[i - 1], &fault), 0);
	assert_int_equal(
		c->cipher[i] ? image_set_cipher(image, c->cipher[i]) : image_set_plain(image), 0);
	return image;
}

/* All layers; the leaf in this mode. The leaf is returned. */
static inline struct image *chain_open(struct chain *c, enum image_mode mode)
{
	for (unsigned i = 0; i < c->n; i++)
		c->image[i] = chain_open_layer(c, i, i == c->n - 1 ? mode : IMAGE_READ_ONLY);
	return c->image[c->n - 1];
}

/* A new leaf upon what is closed now. */
static inline void chain_grow(struct chain *c, uint32_t sector_bytes)
{
	struct image_info like = { 0 };
	uint8_t uuid[VHD_FORMAT_UUID_BYTES];
	struct vhd_fault fault;
	struct image *parent;

	assert_int_equal(image_open_layer(c->fd[c->n - 1], IMAGE_READ_ONLY, &parent, &fault), 0);
	like = *image_info(parent);
	assert_int_equal(image_close(parent), 0);
	chain_uuid(c->n, uuid);
	c->fd[c->n] = bench_file();
	c->cipher[c->n] = chain_cipher(sector_bytes, c->n);
	assert_int_equal(image_create_child(c->fd[c->n], &like, "parent.vhd", uuid, 2000), 0);
	c->n++;
}

static inline void chain_end(struct chain *c)
{
	chain_close(c);
	for (unsigned i = 0; i < c->n; i++) {
		sector_free(c->cipher[i]);
		close(c->fd[i]);
	}
}

#endif
