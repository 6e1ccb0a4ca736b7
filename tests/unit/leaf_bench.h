/* leaf_bench.h - a writable layer under a MAC, in memory files: for tests of leaf_guard.h.
 * Needs image_bench.h before it, and sodium_init(). */
#ifndef TESTS_UNIT_LEAF_BENCH_H
#define TESTS_UNIT_LEAF_BENCH_H

#include "vhdcrypt/leaf_guard.h"

static const struct leaf_mac_outside LEAF_ALONE = { .sector_bytes = 512 };

struct leaf {
	int vhd, mac;
	struct leaf_guard *guard;
	struct image *image;
	struct sector *cipher;
};

static inline struct secret leaf_key(void)
{
	static uint8_t bytes[SECTOR_KEY_BYTES];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 3 + 1); /* as bench_cipher() */
	return (struct secret){ bytes, sizeof(bytes) };
}

static inline void leaf_make_mac(struct leaf *l)
{
	struct secret key = leaf_key();
	struct vhd_fault fault;
	struct image *image;

	l->mac = bench_file();
	assert_int_equal(image_open_layer(l->vhd, IMAGE_READ_ONLY, &image, &fault), 0);
	assert_int_equal(image_guard_make(image, l->mac, &key, &LEAF_ALONE, &fault), 0);
	assert_int_equal(image_close(image), 0);
}

/* Created, closed and under a MAC. */
static inline struct leaf leaf_new(enum vhd_type type, uint64_t size, uint32_t block_bytes)
{
	struct leaf l = { .vhd = bench_file(), .cipher = bench_cipher(512) };
	struct vhd_footer like;

	image_footer_init(type, size, BENCH_UUID, 1000, &like);
	if (block_bytes)
		assert_int_equal(image_create_blocks(l.vhd, &like, block_bytes, l.cipher, &l.image),
				 0);
	else
		assert_int_equal(image_create(l.vhd, &like, l.cipher, &l.image), 0);
	if (type == VHD_TYPE_FIXED)
		assert_int_equal(image_fill(l.image, size, 0), 0);
	assert_int_equal(image_close(l.image), 0);
	l.image = NULL;
	leaf_make_mac(&l);
	return l;
}

/* 0 or an error and *ret_fault. */
static inline int leaf_try(struct leaf *l, struct vhd_fault *ret_fault)
{
	struct secret key = leaf_key();
	int r = leaf_guard_open(l->mac, &key, BENCH_UUID, &LEAF_ALONE, &l->guard, ret_fault);

	if (r == 0)
		r = image_open_guarded(l->vhd, IMAGE_READ_WRITE, l->guard, &l->image, ret_fault);
	if (r == 0)
		r = image_set_cipher(l->image, l->cipher);
	if (r < 0) {
		leaf_guard_free(l->guard);
		l->guard = NULL;
		l->image = NULL;
	}
	return r;
}

static inline void leaf_open(struct leaf *l)
{
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;

	if (leaf_try(l, &fault) < 0)
		fail_msg("%s", vhd_fault_text(&fault, text, sizeof(text)));
}

static inline void leaf_close(struct leaf *l)
{
	assert_int_equal(image_close(l->image), 0);
	leaf_guard_free(l->guard);
	l->image = NULL;
	l->guard = NULL;
}

/* The process ends here: nothing is written any more. */
static inline int leaf_no(void *context, const struct store_event *event)
{
	(void)context;
	return event->op == STORE_READ ? 0 : -EIO;
}

static inline void leaf_kill(struct leaf *l)
{
	image_watch(l->image, leaf_no, NULL);
	leaf_guard_watch(l->guard, leaf_no, NULL);
	(void)image_close(l->image);
	leaf_guard_free(l->guard);
	l->image = NULL;
	l->guard = NULL;
}

static inline void leaf_drop(struct leaf *l)
{
	sector_free(l->cipher);
	(void)close(l->vhd);
	(void)close(l->mac);
}

enum { LEAF_SIZE = 6 * BENCH_MIB, LEAF_BLOCK = 2 * BENCH_MIB, LEAF_TABLE = 1536 };

static inline void leaf_put(struct leaf *l, uint64_t at, char byte)
{
	uint8_t data[4096];

	memset(data, byte, sizeof(data));
	assert_int_equal(image_write(l->image, data, sizeof(data), at), 0);
}

static inline int leaf_get(struct leaf *l, uint64_t at, char want)
{
	uint8_t data[4096], expect[4096];
	int r = image_read(l->image, data, sizeof(data), at);

	memset(expect, want, sizeof(expect));
	if (r == 0)
		assert_memory_equal(data, expect, sizeof(data));
	return r;
}

static inline uint32_t leaf_entry_of(int fd, unsigned block)
{
	uint8_t raw[4];

	assert_int_equal(pread(fd, raw, 4, LEAF_TABLE + (off_t)block * 4), 4);
	return (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | raw[3];
}

static inline void leaf_flip(int fd, off_t at)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* Blocks 0 and 1 written in part, closed. */
static inline struct leaf leaf_written(void)
{
	struct leaf l = leaf_new(VHD_TYPE_DYNAMIC, LEAF_SIZE, 0);

	leaf_open(&l);
	leaf_put(&l, 0, 'a');
	leaf_put(&l, LEAF_BLOCK + 8192, 'b');
	leaf_close(&l);
	return l;
}

static inline void leaf_refused(struct leaf *l, const char *part)
{
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;

	if (leaf_try(l, &fault) != -EBADMSG)
		fail_msg("it opens: %s", part);
	if (strcmp(fault.part, part) != 0)
		fail_msg("%s", vhd_fault_text(&fault, text, sizeof(text)));
}

#endif
