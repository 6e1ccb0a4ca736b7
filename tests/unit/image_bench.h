/* image_bench.h - a workbench for tests of image.h: images in memory files, a model beside them,
 * and a record of every write and sync, from which states after a power cut are made. */
#ifndef TESTS_UNIT_IMAGE_BENCH_H
#define TESTS_UNIT_IMAGE_BENCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vhdcrypt/image.h"

enum { BENCH_MIB = 1 << 20 };

static const uint8_t BENCH_UUID[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static inline struct sector *bench_cipher(uint32_t sector_bytes)
{
	uint8_t key[SECTOR_KEY_BYTES];
	struct sector *s;

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 3 + 1);
	assert_int_equal(sector_new(key, sector_bytes, &s), 0);
	return s;
}

static inline int bench_file(void)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static inline struct image *bench_create(int fd, enum vhd_type type, uint64_t size,
					 struct sector *cipher)
{
	struct vhd_footer like;
	struct image *image;

	image_footer_init(type, size, BENCH_UUID, 1000, &like);
	assert_int_equal(image_create(fd, &like, cipher, &image), 0);
	return image;
}

static inline struct image *bench_open(int fd, enum image_mode mode, struct sector *cipher)
{
	struct vhd_fault fault;
	struct image *image;

	assert_int_equal(image_open(fd, mode, &image, &fault), 0);
	if (cipher)
		assert_int_equal(image_set_cipher(image, cipher), 0);
	else
		image_set_plain(image);
	return image;
}

/* ---- a record of what reached the file, in order ---- */

struct bench_op {
	enum store_op op;
	uint64_t offset_byte;
	uint64_t len_bytes;
	uint8_t *data;
};

struct bench_record {
	pthread_mutex_t lock;
	struct bench_op *op;
	size_t n, room;
	unsigned fail_at; /* the n-th event from now on fails (0: none) */
	enum store_op fail_op;
	int fail_error;
};

static inline int bench_note(void *context, const struct store_event *event)
{
	struct bench_record *r = context;
	int error = 0;

	pthread_mutex_lock(&r->lock);
	if (r->fail_at > 0 && event->op == r->fail_op && --r->fail_at == 0)
		error = r->fail_error;
	if (error == 0 && event->op != STORE_READ) {
		struct bench_op o = { event->op, event->offset_byte, event->len_bytes, NULL };

		if (r->n == r->room) {
			r->room = r->room * 2 + 64;
			r->op = realloc(r->op, r->room * sizeof(r->op[0]));
		}
		if (event->data) {
			o.data = malloc(event->len_bytes);
			memcpy(o.data, event->data, event->len_bytes);
		}
		r->op[r->n++] = o;
	}
	pthread_mutex_unlock(&r->lock);
	return error;
}

static inline void bench_forget(struct bench_record *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->op[i].data);
	free(r->op);
	r->op = NULL;
	r->n = r->room = 0;
}

static inline void bench_apply(int fd, const struct bench_op *o)
{
	static const uint8_t zeros[4096];

	if (o->op == STORE_WRITE)
		assert_int_equal(pwrite(fd, o->data, o->len_bytes, (off_t)o->offset_byte),
				 o->len_bytes);
	if (o->op == STORE_TRUNCATE)
		assert_int_equal(ftruncate(fd, (off_t)o->offset_byte), 0);
	for (uint64_t at = 0; o->op == STORE_PUNCH && at < o->len_bytes; at += sizeof(zeros))
		(void)!pwrite(fd, zeros, sizeof(zeros), (off_t)(o->offset_byte + at));
}

/* A copy of the memory file as it is now. */
static inline int bench_copy(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	int out = bench_file();
	uint8_t *all = malloc((size_t)size + 1);

	assert_int_equal(pread(fd, all, (size_t)size, 0), size);
	assert_int_equal(pwrite(out, all, (size_t)size, 0), size);
	free(all);
	return out;
}

#endif
