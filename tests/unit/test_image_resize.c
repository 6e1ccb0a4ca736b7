/* Another size: what both sizes have stays, what is new reads as zeros, also when power goes at any
 * point. Small blocks, so that a longer table really has to push one away. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "image_bench.h"
#include "vhdcrypt/image_resize.h"

enum {
	BLOCK = 512 << 10,
	OLD = 128 * BLOCK,  /* its table fills one sector */
	MORE = 700 * BLOCK, /* and here six */
	N_WRITTEN = 3,	    /* blocks */
};

static void put_data(struct image *image)
{
	static uint8_t data[BLOCK];

	for (unsigned i = 0; i < N_WRITTEN; i++) {
		memset(data, (int)i + 1, sizeof(data));
		assert_int_equal(image_write(image, data, BLOCK, (uint64_t)i * BLOCK), 0);
	}
}

static int made(enum vhd_type type, uint64_t size)
{
	struct vhd_footer like;
	struct image *image;
	int fd = bench_file();

	image_footer_init(type, size, BENCH_UUID, 1000, &like);
	assert_int_equal(image_create_blocks(fd, &like, BLOCK, NULL, &image), 0);
	put_data(image);
	assert_int_equal(image_close(image), 0);
	return fd;
}

/* The disk has one of the two sizes, and its data. */
static uint64_t verify(int fd, uint64_t a, uint64_t b)
{
	static uint8_t got[BLOCK];
	struct image *image = bench_open(fd, IMAGE_READ_WRITE, NULL);
	uint64_t size = image_info(image)->virtual_bytes;

	assert_true(size == a || size == b);
	for (unsigned i = 0; i < N_WRITTEN + 2; i++) {
		uint64_t at = (uint64_t)i * BLOCK;

		if (i == N_WRITTEN + 1) /* the last of the disk: new, or never written */
			at = size - BLOCK;
		assert_int_equal(image_read(image, got, BLOCK, at), 0);
		for (unsigned k = 0; k < BLOCK; k += 512)
			assert_int_equal(got[k], i < N_WRITTEN ? i + 1 : 0);
	}
	assert_int_equal(image_close(image), 0);
	return size;
}

static int resize(int fd, uint64_t size, bool may_shrink, struct bench_record *record)
{
	struct vhd_fault fault;
	struct image *image;
	int r;

	assert_int_equal(image_open(fd, IMAGE_READ_WRITE, &image, &fault), 0);
	if (record)
		image_watch(image, bench_note, record);
	r = image_resize(image, size, may_shrink, &fault);
	assert_int_equal(image_close(image), 0);
	return r;
}

/* Everything up to the last sync before op n, and of what came after it all but one, or half of
 * it. */
static int power_cut(int base, const struct bench_record *r, size_t n, size_t without)
{
	int fd = bench_copy(base);
	size_t synced = 0;

	for (size_t i = 0; i < n; i++)
		if (r->op[i].op == STORE_SYNC)
			synced = i;
	for (size_t i = 0; i < n; i++) {
		struct bench_op part = r->op[i];

		if (i >= synced && i == without && part.op == STORE_WRITE)
			part.len_bytes = part.len_bytes / 1024 * 512;
		if (i >= synced && i == without && part.op != STORE_WRITE)
			continue;
		bench_apply(fd, &part);
	}
	return fd;
}

static void survives_every_power_cut(enum vhd_type type, uint64_t from, uint64_t to)
{
	struct bench_record r = { .lock = PTHREAD_MUTEX_INITIALIZER };
	int fd = made(type, from), base = bench_copy(fd);
	unsigned n_old = 0, n_new = 0;

	assert_int_equal(resize(fd, to, true, &r), 0);
	assert_int_equal(verify(fd, to, to), to);
	for (size_t n = 0; n <= r.n; n++)
		for (size_t without = n > 4 ? n - 4 : 0; without <= n; without++) {
			int cut = power_cut(base, &r, n, without);

			*(verify(cut, from, to) == from ? &n_old : &n_new) += 1;
			assert_int_equal(resize(cut, to, true, NULL), 0);
			assert_int_equal(verify(cut, to, to), to);
			close(cut);
		}
	assert_true(n_old > 0 && n_new > 0);
	bench_forget(&r);
	close(base);
	close(fd);
}

static void a_longer_table_pushes_blocks_away(void **state)
{
	struct bench_record r = { .lock = PTHREAD_MUTEX_INITIALIZER };
	int fd = made(VHD_TYPE_DYNAMIC, OLD);
	unsigned n_large = 0;

	(void)state;
	assert_int_equal(resize(fd, MORE, false, &r), 0);
	for (size_t i = 0; i < r.n; i++)
		n_large += r.op[i].op == STORE_WRITE && r.op[i].len_bytes >= BLOCK;
	assert_true(n_large > 0); /* else the next test would show nothing */
	assert_int_equal(verify(fd, MORE, MORE), MORE);
	bench_forget(&r);
	close(fd);
}

static void growing_a_dynamic_disk_survives_every_power_cut(void **state)
{
	(void)state;
	survives_every_power_cut(VHD_TYPE_DYNAMIC, OLD, MORE);
}

static void growing_within_the_table_survives_every_power_cut(void **state)
{
	(void)state;
	survives_every_power_cut(VHD_TYPE_DYNAMIC, OLD - BLOCK - 512, OLD - 512);
}

static void shrinking_survives_every_power_cut(void **state)
{
	(void)state;
	survives_every_power_cut(VHD_TYPE_DYNAMIC, MORE, OLD);
}

/* The first new sector alone may show the old footer, which verify() does not look at. */
static void growing_a_fixed_disk_survives_every_power_cut(void **state)
{
	(void)state;
	survives_every_power_cut(VHD_TYPE_FIXED, 5 * BLOCK, 7 * BLOCK);
}

static void only_holes_are_cut_off_and_only_when_asked(void **state)
{
	struct bench_record r = { .lock = PTHREAD_MUTEX_INITIALIZER };
	int fd = made(VHD_TYPE_DYNAMIC, OLD);

	(void)state;
	assert_int_equal(resize(fd, OLD - BLOCK, false, &r), -EOPNOTSUPP);
	assert_int_equal(resize(fd, N_WRITTEN * BLOCK - 512, true, &r), -EOPNOTSUPP);
	assert_int_equal(r.n, 0); /* not a byte was written */
	assert_int_equal(resize(fd, N_WRITTEN * BLOCK + 2 * BLOCK, true, &r), 0);
	bench_forget(&r);
	close(fd);
	fd = made(VHD_TYPE_FIXED, 5 * BLOCK);
	assert_int_equal(resize(fd, 4 * BLOCK, true, &r), -EOPNOTSUPP);
	assert_int_equal(r.n, 0);
	close(fd);
}

/* Entries that nobody needed may hold anything (Q20): growing must not believe them. */
static void what_stood_in_unused_entries_becomes_a_hole(void **state)
{
	int fd = made(VHD_TYPE_DYNAMIC, OLD);
	uint64_t less = (uint64_t)OLD - 64 * BLOCK;

	(void)state;
	assert_int_equal(resize(fd, less, true, NULL), 0);
	/* the last entry, now unused, points at the first block's data */
	assert_int_equal(pwrite(fd, "\0\0\0\4", 4, 1536 + 127 * 4), 4);
	assert_int_equal(resize(fd, OLD, false, NULL), 0);
	assert_int_equal(verify(fd, OLD, OLD), OLD);
	close(fd);
}

/* "vpc " and "qemu" mean the geometry, which cannot say every size. */
static void a_size_that_geometry_cannot_say_is_still_exact(void **state)
{
	int fd = bench_file();
	struct vhd_footer like;
	struct image *image;

	(void)state;
	image_footer_init(VHD_TYPE_DYNAMIC, OLD, BENCH_UUID, 1000, &like);
	memcpy(like.creator, "vpc ", 4);
	assert_int_equal(image_create(fd, &like, NULL, &image), 0);
	assert_int_equal(image_close(image), 0);
	assert_int_equal(resize(fd, MORE + 512, false, NULL), 0);
	image = bench_open(fd, IMAGE_READ_ONLY, NULL);
	assert_int_equal(image_info(image)->virtual_bytes, MORE + 512);
	assert_int_equal(image_info(image)->size_rule, VHD_SIZE_CURRENT);
	assert_int_equal(image_close(image), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_longer_table_pushes_blocks_away),
		cmocka_unit_test(growing_a_dynamic_disk_survives_every_power_cut),
		cmocka_unit_test(growing_within_the_table_survives_every_power_cut),
		cmocka_unit_test(shrinking_survives_every_power_cut),
		cmocka_unit_test(growing_a_fixed_disk_survives_every_power_cut),
		cmocka_unit_test(only_holes_are_cut_off_and_only_when_asked),
		cmocka_unit_test(what_stood_in_unused_entries_becomes_a_hole),
		cmocka_unit_test(a_size_that_geometry_cannot_say_is_still_exact),
	};

	return cmocka_run_group_tests_name("image_resize", tests, NULL, NULL);
}
