/* Many threads on one image, as nbdkit runs them. Their sectors share runs and blocks, so a lost
 * update of a bitmap, a run filled up twice or a block placed twice shows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "image_bench.h"

enum { N_THREADS = 8, SIZE = 12 * BENCH_MIB, N_SECTORS = SIZE / 512, STEP = 37 };

struct worker {
	struct image *image;
	unsigned number;
	int error;
};

/* Worker k owns the sectors that are k modulo N_THREADS: neighbours in every run. */
static void *write_own_sectors(void *context)
{
	struct worker *w = context;
	uint8_t data[512];

	for (unsigned i = w->number; i < N_SECTORS && w->error == 0; i += N_THREADS * STEP) {
		memset(data, (int)(i % 251 + 1), sizeof(data));
		w->error = image_write(w->image, data, sizeof(data), (uint64_t)i * 512);
		if (w->error == 0 && i % 5 == 0)
			w->error = image_flush(w->image);
		if (w->error == 0 && i % 7 == 0)
			w->error = image_read(w->image, data, sizeof(data), (uint64_t)i * 512);
		if (data[511] != (uint8_t)(i % 251 + 1))
			w->error = -EILSEQ;
	}
	return NULL;
}

static void *zero_own_block(void *context)
{
	struct worker *w = context;
	uint8_t data[4096];

	memset(data, 0x99, sizeof(data));
	for (unsigned i = 0; i < 60 && w->error == 0; i++) {
		uint64_t at = 10 * BENCH_MIB + (w->number * 64 + i % 64) * 4096ULL;

		w->error = image_write(w->image, data, sizeof(data), at);
		if (w->error == 0)
			w->error = image_zero(w->image, sizeof(data), at);
		if (w->error == 0 && i % 3 == 0)
			w->error = image_flush(w->image);
	}
	return NULL;
}

static void run_all(struct image *image, void *(*job)(void *))
{
	struct worker w[N_THREADS];
	pthread_t thread[N_THREADS];

	for (unsigned i = 0; i < N_THREADS; i++) {
		w[i] = (struct worker){ .image = image, .number = i };
		assert_int_equal(pthread_create(&thread[i], NULL, job, &w[i]), 0);
	}
	for (unsigned i = 0; i < N_THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(w[i].error, 0);
	}
}

static void neighbours_do_not_overwrite_each_other(uint32_t sector_bytes)
{
	struct sector *cipher = bench_cipher(sector_bytes);
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher);
	uint8_t data[512];

	run_all(image, write_own_sectors);
	assert_int_equal(image_close(image), 0);
	image = bench_open(fd, IMAGE_READ_ONLY, cipher);
	for (unsigned i = 0; i < N_SECTORS; i++) {
		bool written = i % (N_THREADS * STEP) < N_THREADS;

		assert_int_equal(image_read(image, data, sizeof(data), (uint64_t)i * 512), 0);
		assert_int_equal(data[0], written ? i % 251 + 1 : 0);
		assert_memory_equal(data, data + 1, 511);
	}
	assert_int_equal(image_close(image), 0);
	sector_free(cipher);
	close(fd);
}

static void threads_that_share_runs_lose_nothing(void **state)
{
	(void)state;
	neighbours_do_not_overwrite_each_other(512);
	neighbours_do_not_overwrite_each_other(4096);
}

static void zeroing_beside_writes_and_flushes_leaves_zeros(void **state)
{
	struct sector *cipher = bench_cipher(512);
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher);
	struct image_extent e;

	(void)state;
	run_all(image, zero_own_block);
	assert_int_equal(image_extent(image, 10 * BENCH_MIB, 2 * BENCH_MIB, &e), 0);
	assert_true(e.hole);
	assert_int_equal(e.len_bytes, 2 * BENCH_MIB);
	assert_int_equal(image_close(image), 0);
	sector_free(cipher);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_that_share_runs_lose_nothing),
		cmocka_unit_test(zeroing_beside_writes_and_flushes_leaves_zeros),
	};

	return cmocka_run_group_tests_name("image_threads", tests, NULL, NULL);
}
