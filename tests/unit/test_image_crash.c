/* States after a power cut, made from the record of a workload: all that was synced, and any part
 * of what came after, in any order. Each must open, and hold what a flush has confirmed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "image_bench.h"

enum {
	SIZE = 7 * BENCH_MIB, /* four blocks */
	UNIT = 4096,
	N_UNITS = SIZE / UNIT,
	N_STEPS = 120,
	N_STATES = 400,
};

/* Every write fills whole units with one byte; so a unit's history is a list of bytes. */
struct history {
	uint8_t value[N_STEPS + 1][N_UNITS]; /* after step n */
	size_t n_ops[N_STEPS + 1];	     /* recorded by then */
	unsigned flushed[N_STEPS + 1];	     /* the last step whose end was a confirmed flush */
};

static void step(struct image *image, struct history *h, unsigned n, const struct bench_record *r)
{
	static uint8_t data[64 * UNIT];
	unsigned first = (unsigned)random() % N_UNITS, len = 1 + (unsigned)random() % 64;
	uint8_t value = (uint8_t)(n % 255 + 1);
	unsigned what = (unsigned)random() % 8;

	len = len < N_UNITS - first ? len : N_UNITS - first;
	memcpy(h->value[n], h->value[n - 1], N_UNITS);
	h->flushed[n] = h->flushed[n - 1];
	if (what < 5) {
		memset(data, value, sizeof(data));
		assert_int_equal(
			image_write(image, data, (size_t)len * UNIT, (uint64_t)first * UNIT), 0);
		memset(h->value[n] + first, value, len);
	} else if (what < 6) {
		assert_int_equal(image_zero(image, (uint64_t)len * UNIT, (uint64_t)first * UNIT),
				 0);
		memset(h->value[n] + first, 0, len);
	} else {
		assert_int_equal(image_flush(image), 0);
		h->flushed[n] = n;
	}
	h->n_ops[n] = r->n;
}

static void work(int fd, struct sector *cipher, struct history *h, struct bench_record *r)
{
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher);

	image_watch(image, bench_note, r);
	memset(h, 0, sizeof(*h));
	for (unsigned n = 1; n <= N_STEPS; n++)
		step(image, h, n, r);
	image_watch(image, NULL, NULL);
	assert_int_equal(image_close(image), 0);
}

/* Sectors first..n of a write only: what a disk does when power goes. */
static void apply_part(int fd, const struct bench_op *o)
{
	struct bench_op part = *o;

	if (o->op == STORE_WRITE && random() % 4 == 0) {
		part.len_bytes = (uint64_t)random() % (o->len_bytes / 512 + 1) * 512;
		part.len_bytes = o->len_bytes < 512 ? o->len_bytes : part.len_bytes;
	}
	bench_apply(fd, &part);
}

/* The record up to n: synced all; afterwards each with even odds, in a shuffled order. */
static int power_cut(int base, const struct bench_record *r, size_t n)
{
	int fd = bench_copy(base);
	size_t synced = 0, order[512], n_order = 0;

	for (size_t i = 0; i < n; i++)
		if (r->op[i].op == STORE_SYNC)
			synced = i;
	for (size_t i = 0; i < synced; i++)
		bench_apply(fd, &r->op[i]);
	for (size_t i = synced; i < n && n_order < 512; i++)
		if (random() % 2)
			order[n_order++] = i;
	for (size_t i = n_order; i > 1; i--) {
		size_t k = (size_t)random() % i, swap = order[i - 1];

		order[i - 1] = order[k];
		order[k] = swap;
	}
	for (size_t i = 0; i < n_order; i++)
		apply_part(fd, &r->op[order[i]]);
	return fd;
}

/* May this sector hold this byte, when power went between steps `last` and `last` + 1? */
static bool allowed(const struct history *h, unsigned last, unsigned unit, uint8_t byte)
{
	for (unsigned n = h->flushed[last]; n <= last + 1 && n <= N_STEPS; n++)
		if (h->value[n][unit] == byte)
			return true;
	return false;
}

static void verify(int fd, struct sector *cipher, const struct history *h, unsigned last)
{
	static uint8_t got[SIZE];
	struct image *image = bench_open(fd, IMAGE_READ_WRITE, cipher);

	assert_int_equal(image_read(image, got, SIZE, 0), 0);
	for (unsigned s = 0; s < SIZE / 512; s++) {
		const uint8_t *sector = got + s * 512;

		assert_memory_equal(sector, sector + 1, 511);
		assert_true(allowed(h, last, s / 8, sector[0]));
	}
	/* and it is a disk again: it takes a write in each block, and has it when reopened */
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(image_write(image, "after", 5, i * 2 * BENCH_MIB + 100), 0);
	assert_int_equal(image_close(image), 0);
	image = bench_open(fd, IMAGE_READ_ONLY, cipher);
	assert_true(image_info(image)->end_footer_ok && image_info(image)->start_footer_ok);
	assert_int_equal(image_read(image, got, 5, 2 * BENCH_MIB + 100), 0);
	assert_memory_equal(got, "after", 5);
	assert_int_equal(image_close(image), 0);
}

static void after_any_power_cut_the_image_opens_and_holds_what_was_flushed(void **state)
{
	struct bench_record r = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct sector *cipher = bench_cipher(512);
	struct history *h = malloc(sizeof(*h));
	int base, fd = bench_file();

	(void)state;
	srandom(42);
	assert_int_equal(image_close(bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher)), 0);
	base = bench_copy(fd);
	assert_int_equal(ftruncate(fd, 0), 0);
	work(fd, cipher, h, &r);
	for (unsigned i = 0; i < N_STATES; i++) {
		size_t n = (size_t)random() % (r.n + 1);
		unsigned last = 0;
		int cut = power_cut(base, &r, n);

		while (last < N_STEPS && h->n_ops[last + 1] <= n)
			last++;
		verify(cut, cipher, h, last);
		close(cut);
	}
	bench_forget(&r);
	free(h);
	close(fd);
	close(base);
	sector_free(cipher);
}

/* One failing call at every place in turn; what a flush had confirmed before must be there. */
static void fail_everywhere(enum store_op op, int error)
{
	struct sector *cipher = bench_cipher(512);
	uint8_t *data = malloc(3 * BENCH_MIB), *got = malloc(3 * BENCH_MIB);

	for (unsigned at = 1; at < 12; at++) {
		struct bench_record r = { .lock = PTHREAD_MUTEX_INITIALIZER,
					  .fail_op = op,
					  .fail_error = error };
		int fd = bench_file(), failed = 0;
		struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher);

		memset(data, 0x11, 3 * BENCH_MIB);
		assert_int_equal(image_write(image, data, 3 * BENCH_MIB, 512), 0);
		assert_int_equal(image_flush(image), 0);
		r.fail_at = at;
		image_watch(image, bench_note, &r);
		for (unsigned i = 0; i < 8; i++) {
			failed |= image_write(image, "new", 3, 4 * BENCH_MIB + i * 300000);
			failed |= image_flush(image);
		}
		assert_true(r.fail_at > 0 || failed != 0);
		if (op != STORE_SYNC) { /* what failed once works now, and nothing was lost */
			assert_int_equal(image_write(image, "new", 3, 4 * BENCH_MIB), 0);
			assert_int_equal(image_flush(image), 0);
		}
		image_watch(image, NULL, NULL);
		(void)image_close(image); /* after a failed sync it says so again */
		image = bench_open(fd, IMAGE_READ_WRITE, cipher);
		assert_int_equal(image_read(image, got, 3 * BENCH_MIB, 512), 0);
		assert_memory_equal(got, data, 3 * BENCH_MIB);
		if (op != STORE_SYNC) {
			assert_int_equal(image_read(image, got, 3, 4 * BENCH_MIB), 0);
			assert_memory_equal(got, "new", 3);
		}
		assert_int_equal(image_close(image), 0);
		bench_forget(&r);
		close(fd);
	}
	free(data);
	free(got);
	sector_free(cipher);
}

static void a_write_that_fails_loses_nothing_that_was_confirmed(void **state)
{
	(void)state;
	fail_everywhere(STORE_WRITE, -EIO);
	fail_everywhere(STORE_WRITE, -ENOSPC);
}

static void a_full_disk_loses_nothing_that_was_confirmed(void **state)
{
	(void)state;
	fail_everywhere(STORE_RESERVE, -ENOSPC);
}

static void after_a_failed_sync_nothing_is_confirmed_any_more(void **state)
{
	struct bench_record r = { .lock = PTHREAD_MUTEX_INITIALIZER,
				  .fail_op = STORE_SYNC,
				  .fail_error = -EIO,
				  .fail_at = 1 };
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL);

	(void)state;
	image_watch(image, bench_note, &r);
	assert_int_equal(image_write(image, "x", 1, 0), 0);
	assert_int_equal(image_flush(image), -EIO);
	assert_int_equal(image_flush(image), -EIO);
	assert_int_equal(image_write(image, "x", 1, 0), -EIO);
	assert_int_equal(image_close(image), -EIO);
	bench_forget(&r);
	close(fd);
	fail_everywhere(STORE_SYNC, -EIO);
}

/* No block is in the table before its data and bitmap are synced. */
static void the_order_is_footer_data_bitmap_sync_table_sync(void **state)
{
	struct bench_record r = { .lock = PTHREAD_MUTEX_INITIALIZER };
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL);
	uint8_t data[UNIT] = { 1 };
	static const enum store_op want[] = { STORE_RESERVE, STORE_WRITE, STORE_WRITE, STORE_WRITE,
					      STORE_SYNC,    STORE_WRITE, STORE_SYNC };
	static const uint64_t len[] = { 0, 512, UNIT, 512, 0, 4, 0 };

	(void)state;
	image_watch(image, bench_note, &r);
	assert_int_equal(image_write(image, data, sizeof(data), 0), 0);
	assert_int_equal(image_flush(image), 0);
	assert_int_equal(r.n, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(r.op[i].op, want[i]);
		if (want[i] == STORE_WRITE)
			assert_int_equal(r.op[i].len_bytes, len[i]);
	}
	assert_memory_equal(r.op[1].data, "conectix", 8);
	image_watch(image, NULL, NULL);
	assert_int_equal(image_close(image), 0);
	bench_forget(&r);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_is_footer_data_bitmap_sync_table_sync),
		cmocka_unit_test(after_any_power_cut_the_image_opens_and_holds_what_was_flushed),
		cmocka_unit_test(a_write_that_fails_loses_nothing_that_was_confirmed),
		cmocka_unit_test(a_full_disk_loses_nothing_that_was_confirmed),
		cmocka_unit_test(after_a_failed_sync_nothing_is_confirmed_any_more),
	};

	return cmocka_run_group_tests_name("image_crash", tests, NULL, NULL);
}
