/* convert_bench.h - a workbench for tests of convert.h: images full of known data and holes, both
 * keys, and one conversion from open to finish. */
#ifndef TESTS_UNIT_CONVERT_BENCH_H
#define TESTS_UNIT_CONVERT_BENCH_H

#include "image_bench.h"
#include "vhdcrypt/convert.h"

enum { BENCH_OLD = 1, BENCH_NEW = 2 }; /* keys; 0: plain */

struct bench_kind {
	enum vhd_type type;
	unsigned from, to; /* keys */
	uint32_t from_sector_bytes, to_sector_bytes;
};

static inline void bench_key(unsigned n, struct secret *ret)
{
	assert_int_equal(secret_new(ret, SECTOR_KEY_BYTES), 0);
	for (unsigned i = 0; i < SECTOR_KEY_BYTES; i++)
		ret->bytes[i] = (uint8_t)(i * 5 + n);
}

static inline struct sector *bench_cipher_of(unsigned n, uint32_t sector_bytes)
{
	struct secret key = { 0 };
	struct sector *s;

	if (n == 0)
		return NULL;
	bench_key(n, &key);
	assert_int_equal(sector_new(key.bytes, sector_bytes, &s), 0);
	secret_free(&key);
	return s;
}

/* Stretches of data that differs from sector to sector, and holes; *ret_plain is the whole disk. */
static inline int bench_filled(const struct bench_kind *k, uint64_t size, uint8_t **ret_plain)
{
	struct sector *cipher = bench_cipher_of(k->from, k->from_sector_bytes);
	int fd = bench_file();
	struct image *image = bench_create(fd, k->type, size, cipher);
	uint8_t *all = calloc(1, size);

	assert_non_null(all);
	for (uint64_t at = 0; at < size;) {
		uint64_t n = (1 + (uint64_t)random() % 40) * 4096 * (uint64_t)(1 + random() % 12);
		bool hole = k->type != VHD_TYPE_FIXED && random() % 3 == 0;

		n = n < size - at ? n : size - at;
		for (uint64_t i = at; !hole && i < at + n; i += 8) {
			uint64_t v = i * UINT64_C(0x9e3779b97f4a7c15);

			memcpy(all + i, &v, 8);
		}
		if (!hole)
			assert_int_equal(image_write(image, all + at, n, at), 0);
		at += n;
	}
	assert_int_equal(image_close(image), 0);
	sector_free(cipher);
	*ret_plain = all;
	return fd;
}

static inline void bench_verify(int fd, const struct bench_kind *k, uint64_t size,
				const uint8_t *plain)
{
	struct sector *cipher = bench_cipher_of(k->to, k->to_sector_bytes);
	struct image *image = bench_open(fd, IMAGE_READ_WRITE, cipher);
	uint8_t *got = malloc(size);

	assert_int_equal(image_read(image, got, size, 0), 0);
	assert_memory_equal(got, plain, size);
	free(got);
	assert_int_equal(image_close(image), 0);
	sector_free(cipher);
}

static inline int bench_open_watched(int fd, int journal, const struct bench_kind *k,
				     const struct convert_order *watch, struct convert **ret,
				     struct vhd_fault *ret_fault)
{
	struct secret from = { 0 }, to = { 0 };
	struct convert_order order = *watch;
	int r;

	order.image_fd = fd;
	order.journal_fd = journal;
	order.from = k->from ? &from : NULL;
	order.to = k->to ? &to : NULL;
	order.from_sector_bytes = k->from_sector_bytes;
	order.to_sector_bytes = k->to_sector_bytes;

	if (k->from)
		bench_key(k->from, &from);
	if (k->to)
		bench_key(k->to, &to);
	r = convert_open(&order, ret, ret_fault);
	secret_free(&from);
	secret_free(&to);
	return r;
}

static inline int bench_open_convert(int fd, int journal, const struct bench_kind *k,
				     struct convert **ret, struct vhd_fault *ret_fault)
{
	const struct convert_order watch = { .window_bytes = 512 * 1024 };

	return bench_open_watched(fd, journal, k, &watch, ret, ret_fault);
}

/* The rest of a conversion: run, prove, finish. */
static inline int bench_convert(struct convert *c)
{
	struct convert_proof proof;
	uint64_t at = 0;
	int r = convert_run(c, NULL, NULL, &at);

	if (r == 0)
		r = convert_prove(c, NULL, NULL, &proof, &at);
	return r < 0 ? r : convert_finish(c);
}

#endif
