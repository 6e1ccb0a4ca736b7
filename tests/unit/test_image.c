#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "image_bench.h"

enum { SIZE = 9 * BENCH_MIB + 1536 }; /* five blocks, the last one short and of odd sectors */

static void a_new_disk_reads_as_zeros_and_is_small(void **state)
{
	struct sector *cipher = bench_cipher(512);
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher);
	uint8_t buf[4096], zeros[4096] = { 0 };
	struct image_extent e;

	(void)state;
	assert_int_equal(image_info(image)->virtual_bytes, SIZE);
	assert_int_equal(image_read(image, buf, sizeof(buf), 5000), 0);
	assert_memory_equal(buf, zeros, sizeof(buf));
	assert_int_equal(image_extent(image, 100, SIZE - 100, &e), 0);
	assert_true(e.hole);
	assert_int_equal(e.len_bytes, SIZE - 100);
	assert_int_equal(image_close(image), 0);
	assert_true(lseek(fd, 0, SEEK_END) < 4096);
	sector_free(cipher);
	close(fd);
}

static void no_byte_moves_before_cipher_or_plain_was_said(void **state)
{
	int fd = bench_file();
	struct vhd_fault fault;
	struct image *image;
	uint8_t buf[512] = { 0 };

	(void)state;
	assert_int_equal(image_close(bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL)), 0);
	assert_int_equal(image_open(fd, IMAGE_READ_WRITE, &image, &fault), 0);
	assert_int_equal(image_read(image, buf, 512, 0), -ENOKEY);
	assert_int_equal(image_write(image, buf, 512, 0), -ENOKEY);
	assert_int_equal(image_zero(image, 512, 0), -ENOKEY);
	assert_int_equal(image_close(image), 0);
	close(fd);
}

static void a_range_outside_the_disk_is_refused(void **state)
{
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL);
	uint8_t buf[512] = { 0 };
	struct image_extent e;

	(void)state;
	assert_int_equal(image_read(image, buf, 512, SIZE - 511), -EINVAL);
	assert_int_equal(image_write(image, buf, 512, UINT64_MAX - 100), -EINVAL);
	assert_int_equal(image_zero(image, UINT64_MAX, 512), -EINVAL);
	assert_int_equal(image_trim(image, 512, SIZE), -EINVAL);
	assert_int_equal(image_extent(image, SIZE, 1, &e), -EINVAL);
	assert_int_equal(image_close(image), 0);
	close(fd);
}

static void a_read_only_image_takes_no_write(void **state)
{
	int fd = bench_file();
	struct image *image;
	uint8_t buf[512] = { 0 };

	(void)state;
	assert_int_equal(image_close(bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL)), 0);
	image = bench_open(fd, IMAGE_READ_ONLY, NULL);
	assert_int_equal(image_write(image, buf, 512, 0), -EROFS);
	assert_int_equal(image_zero(image, 512, 0), -EROFS);
	assert_int_equal(image_flush(image), 0);
	assert_int_equal(image_close(image), 0);
	close(fd);
}

static void a_file_that_is_not_empty_is_not_overwritten(void **state)
{
	struct vhd_footer like;
	struct image *image;
	int fd = bench_file();

	(void)state;
	image_footer_init(VHD_TYPE_DYNAMIC, SIZE, BENCH_UUID, 0, &like);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(image_create(fd, &like, NULL, &image), -EEXIST);
	close(fd);
}

static void a_disk_of_odd_sectors_takes_no_4096_byte_cipher(void **state)
{
	struct sector *cipher = bench_cipher(4096);
	int fd = bench_file();
	struct vhd_fault fault;
	struct image *image;

	(void)state;
	assert_int_equal(image_close(bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL)), 0);
	assert_int_equal(image_open(fd, IMAGE_READ_WRITE, &image, &fault), 0);
	assert_int_equal(image_set_cipher(image, cipher), -EINVAL);
	assert_int_equal(image_read(image, &fault, 1, 0), -ENOKEY);
	assert_int_equal(image_close(image), 0);
	sector_free(cipher);
	close(fd);
}

static void the_file_holds_no_plaintext(void **state)
{
	static const char marker[] = "MARKER-OF-PLAINTEXT-MARKER-OF-PLAINTEXT";
	struct sector *cipher = bench_cipher(512);
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher);
	uint8_t *file;
	off_t size;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(image_write(image, marker, sizeof(marker), i * 300000 + i), 0);
	assert_int_equal(image_close(image), 0);
	size = lseek(fd, 0, SEEK_END);
	file = malloc((size_t)size);
	assert_int_equal(pread(fd, file, (size_t)size, 0), size);
	assert_null(memmem(file, (size_t)size, marker, 16));
	free(file);
	sector_free(cipher);
	close(fd);
}

/* Reads, writes, zeros and trims of any size at any place, with a plain array as the judge. */
static void random_work_agrees_with_a_model(enum vhd_type type, uint64_t size,
					    uint32_t sector_bytes)
{
	struct sector *cipher = sector_bytes ? bench_cipher(sector_bytes) : NULL;
	uint8_t *model = calloc(1, size), *buf = malloc(size), *got = malloc(size);
	int fd = bench_file();
	struct image *image = bench_create(fd, type, size, cipher);

	if (type == VHD_TYPE_FIXED) /* has no holes: whoever makes one writes it */
		assert_int_equal(image_zero(image, size, 0), 0);
	for (unsigned round = 0; round < 600; round++) {
		uint64_t grain = round % 3 == 0 ? 1 : round % 3 == 1 ? 512 : 4096;
		uint64_t at = (uint64_t)random() % size / grain * grain;
		uint64_t len =
			(uint64_t)random() % (round % 7 ? 20000 : 3 * BENCH_MIB) / grain * grain;
		unsigned what = (unsigned)random() % 10;

		len = len < size - at ? len : size - at;
		if (what < 5) {
			memset(buf, (int)(random() & 0xff), len);
			assert_int_equal(image_write(image, buf, len, at), 0);
			memcpy(model + at, buf, len);
		} else if (what < 7) {
			assert_int_equal(image_zero(image, len, at), 0);
			memset(model + at, 0, len);
		} else if (what == 7) {
			assert_int_equal(image_trim(image, len, at), 0);
			assert_int_equal(image_read(image, model + at, len, at), 0);
		} else if (what == 8) {
			assert_int_equal(image_flush(image), 0);
		} else {
			assert_int_equal(image_close(image), 0);
			image = bench_open(fd, IMAGE_READ_WRITE, cipher);
		}
		assert_int_equal(image_read(image, got, len, at), 0);
		assert_memory_equal(got, model + at, len);
	}
	assert_int_equal(image_close(image), 0);
	image = bench_open(fd, IMAGE_READ_ONLY, cipher);
	assert_int_equal(image_read(image, got, size, 0), 0);
	assert_memory_equal(got, model, size);
	assert_int_equal(image_close(image), 0);
	free(model);
	free(buf);
	free(got);
	sector_free(cipher);
	close(fd);
}

static void a_dynamic_disk_agrees_with_a_model(void **state)
{
	(void)state;
	srandom(11);
	random_work_agrees_with_a_model(VHD_TYPE_DYNAMIC, SIZE, 512);
	random_work_agrees_with_a_model(VHD_TYPE_DYNAMIC, SIZE, 0);
	random_work_agrees_with_a_model(VHD_TYPE_DYNAMIC, 9 * BENCH_MIB, 4096);
}

static void a_fixed_disk_agrees_with_a_model(void **state)
{
	(void)state;
	srandom(12);
	random_work_agrees_with_a_model(VHD_TYPE_FIXED, 3 * BENCH_MIB + 512, 512);
	random_work_agrees_with_a_model(VHD_TYPE_FIXED, 3 * BENCH_MIB, 4096);
}

static void zeroing_makes_a_hole_and_gives_the_space_back(void **state)
{
	struct sector *cipher = bench_cipher(512);
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, 8 * BENCH_MIB, cipher);
	uint8_t *buf = malloc(8 * BENCH_MIB);
	struct image_extent e;
	struct stat full, after;

	(void)state;
	memset(buf, 0x77, 8 * BENCH_MIB);
	assert_int_equal(image_write(image, buf, 8 * BENCH_MIB, 0), 0);
	assert_int_equal(image_flush(image), 0);
	assert_int_equal(fstat(fd, &full), 0);
	assert_int_equal(image_zero(image, 6 * BENCH_MIB, BENCH_MIB), 0);
	assert_int_equal(image_extent(image, BENCH_MIB, 7 * BENCH_MIB, &e), 0);
	assert_true(e.hole);
	assert_int_equal(e.len_bytes, 6 * BENCH_MIB);
	assert_int_equal(image_flush(image), 0);
	assert_int_equal(fstat(fd, &after), 0);
	assert_true(after.st_blocks <= full.st_blocks - 6 * BENCH_MIB / 512);
	assert_int_equal(image_close(image), 0);
	free(buf);
	sector_free(cipher);
	close(fd);
}

static void bits_are_set_by_runs_of_eight(void **state)
{
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL);
	struct image_extent e;

	(void)state;
	assert_int_equal(image_write(image, "x", 1, 5 * 512), 0);
	assert_int_equal(image_extent(image, 0, 65536, &e), 0);
	assert_false(e.hole);
	assert_int_equal(e.len_bytes, 4096);
	assert_int_equal(image_close(image), 0);
	close(fd);
}

static void a_copy_keeps_uuid_size_and_creator_of_its_source(void **state)
{
	struct vhd_footer like;
	struct image *image;
	int fd = bench_file();

	(void)state;
	image_footer_init(VHD_TYPE_DYNAMIC, 40 * BENCH_MIB, BENCH_UUID, 5, &like);
	memcpy(like.creator, "qemu", 4); /* geometry rules: 40 MiB less what CHS cannot say */
	assert_int_equal(image_create(fd, &like, NULL, &image), 0);
	assert_memory_equal(image_info(image)->footer.uuid, BENCH_UUID, 16);
	assert_int_equal(image_info(image)->virtual_bytes, vhd_format_geometry_bytes(&like));
	assert_int_equal(image_info(image)->size_rule, VHD_SIZE_GEOMETRY);
	assert_int_equal(image_close(image), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_disk_reads_as_zeros_and_is_small),
		cmocka_unit_test(no_byte_moves_before_cipher_or_plain_was_said),
		cmocka_unit_test(a_range_outside_the_disk_is_refused),
		cmocka_unit_test(a_read_only_image_takes_no_write),
		cmocka_unit_test(a_file_that_is_not_empty_is_not_overwritten),
		cmocka_unit_test(a_disk_of_odd_sectors_takes_no_4096_byte_cipher),
		cmocka_unit_test(the_file_holds_no_plaintext),
		cmocka_unit_test(a_dynamic_disk_agrees_with_a_model),
		cmocka_unit_test(a_fixed_disk_agrees_with_a_model),
		cmocka_unit_test(zeroing_makes_a_hole_and_gives_the_space_back),
		cmocka_unit_test(bits_are_set_by_runs_of_eight),
		cmocka_unit_test(a_copy_keeps_uuid_size_and_creator_of_its_source),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
