/* tapdisk's map of full blocks: what it must not be, and that it never lies after a write of ours. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "crash_lab.h"
#include "image_bench.h"
#include "vhdcrypt/image_state.h"
#include "vhdcrypt/vhd_batmap.h"

enum {
	SIZE = 5 * BENCH_MIB,
	TABLE_AT = 1536,
	HEADER_AT = TABLE_AT + 512,
	MAP_AT = HEADER_AT + 512
};

static void put_be(uint8_t *at, unsigned n, uint64_t value)
{
	while (n-- > 0) {
		at[n] = (uint8_t)value;
		value >>= 8;
	}
}

/* A header of tapdisk's for one sector of map with these first bits. */
static void header(uint8_t raw[512], uint32_t version, uint8_t bits)
{
	uint32_t sum = version == VHD_BATMAP_V1_1 && bits >= 0x80 ? bits - 0x100U : bits;

	memset(raw, 0, 512);
	memcpy(raw, "tdbatmap", 8);
	put_be(raw + 8, 8, MAP_AT);
	put_be(raw + 16, 4, 1);
	put_be(raw + 20, 4, version);
	put_be(raw + 24, 4, ~sum);
}

/* A disk of tapdisk's with its first block full, which the map says. */
static int tapdisk_file(uint32_t version)
{
	static uint8_t data[2 * BENCH_MIB];
	uint8_t raw[512], map[512] = { 0xe0 };
	int fd = bench_file();
	struct vhd_footer like;
	struct image *image;

	image_footer_init(VHD_TYPE_DYNAMIC, SIZE, BENCH_UUID, 0, &like);
	memcpy(like.creator, "tap", 4);
	assert_int_equal(image_create(fd, &like, NULL, &image), 0);
	assert_int_equal(image_close(image), 0);
	/* header and map go where the end footer is now */
	header(raw, version, map[0]);
	assert_int_equal(pwrite(fd, raw, 512, HEADER_AT), 512);
	assert_int_equal(pwrite(fd, map, 512, MAP_AT), 512);
	assert_int_equal(pread(fd, raw, 512, 0), 512);
	assert_int_equal(pwrite(fd, raw, 512, MAP_AT + 512), 512);
	memset(data, 0x77, sizeof(data));
	image = bench_open(fd, IMAGE_READ_WRITE, NULL);
	assert_int_equal(image_write(image, data, sizeof(data), 0), 0);
	assert_int_equal(image_close(image), 0);
	header(raw, version, map[0]); /* tapdisk was here since */
	assert_int_equal(pwrite(fd, raw, 512, HEADER_AT), 512);
	assert_int_equal(pwrite(fd, map, 512, MAP_AT), 512);
	return fd;
}

static int opens(int fd, enum image_mode mode, struct vhd_fault *fault, struct image_info *ret)
{
	struct image *image = NULL;
	int r = image_open(fd, mode, &image, fault);

	if (r == 0)
		*ret = *image_info(image);
	(void)image_close(image);
	return r;
}

static void looking_changes_nothing(void **state)
{
	static const uint32_t version[] = { VHD_BATMAP_V1_1, VHD_BATMAP_V1_2 };
	struct image_info info;
	struct vhd_fault fault;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		int fd = tapdisk_file(version[i]);
		uint8_t bits;

		assert_int_equal(opens(fd, IMAGE_READ_ONLY, &fault, &info), 0);
		assert_true(info.batmap && info.batmap_ok);
		assert_int_equal(pread(fd, &bits, 1, MAP_AT), 1);
		assert_int_equal(bits, 0xe0);
		close(fd);
	}
}

static void a_signed_sum_is_no_unsigned_one(void **state)
{
	struct image_info info;
	struct vhd_fault fault;
	uint8_t version[4];
	int fd = tapdisk_file(VHD_BATMAP_V1_1);

	(void)state;
	put_be(version, 4, VHD_BATMAP_V1_2);
	assert_int_equal(pwrite(fd, version, 4, HEADER_AT + 20), 4);
	assert_int_equal(opens(fd, IMAGE_READ_ONLY, &fault, &info), 0);
	assert_true(info.batmap);
	assert_false(info.batmap_ok);
	close(fd);
}

static void before_the_first_write_it_is_empty_and_its_sum_right(void **state)
{
	struct vhd_fault fault;
	struct image_info info;
	uint8_t map[512], zeros[512] = { 0 };
	int fd = tapdisk_file(VHD_BATMAP_V1_2);
	struct image *image = bench_open(fd, IMAGE_READ_WRITE, NULL);

	(void)state;
	assert_int_equal(pread(fd, map, 512, MAP_AT), 512);
	assert_memory_equal(map, zeros, 512);
	assert_int_equal(image_zero(image, 4096, 0), 0); /* block 0 is not full any more */
	assert_int_equal(image_close(image), 0);
	assert_int_equal(opens(fd, IMAGE_READ_ONLY, &fault, &info), 0);
	assert_true(info.batmap && info.batmap_ok);
	close(fd);
}

/* A bit of the map says that a block is full; is that so, or does the sum tell tapdisk to stop? */
static void assert_honest(int fd)
{
	struct image *image = bench_open(fd, IMAGE_READ_ONLY, NULL);
	uint8_t map[512];
	struct image_extent e;

	assert_int_equal(pread(fd, map, 512, MAP_AT), 512);
	assert_int_equal(image_extent(image, 0, 2 * BENCH_MIB, &e), 0);
	if (e.hole || e.len_bytes < 2 * BENCH_MIB)
		assert_true(map[0] == 0 || !image_info(image)->batmap_ok);
	assert_int_equal(image_close(image), 0);
}

/* The opening empties it before anybody can watch: so it is made to do that again. */
static void no_power_cut_leaves_a_bit_over_a_hole(void **state)
{
	struct crash_log log = { 0 };
	struct crash_walk walk = { .log = &log };
	int fd = tapdisk_file(VHD_BATMAP_V1_2);
	struct image *image = bench_open(fd, IMAGE_READ_WRITE, NULL);
	uint8_t raw[512], bits = 0xe0;
	struct crash_file *file;

	(void)state;
	header(raw, VHD_BATMAP_V1_2, bits);
	assert_int_equal(pwrite(fd, raw, 512, HEADER_AT), 512);
	assert_int_equal(pwrite(fd, &bits, 1, MAP_AT), 1);
	image->batmap_byte = MAP_AT;
	file = crash_watch(&log, fd);
	image_watch(image, crash_note, file);
	assert_int_equal(image_batmap_empty(image), 0);
	assert_int_equal(image_zero(image, 4096, 0), 0);
	assert_int_equal(image_close(image), 0);
	for (size_t n = 0; n <= log.n; n++) {
		crash_walk_to(&walk, n);
		for (unsigned style = 0; style < CRASH_STYLES; style++) {
			int cut = crash_state(&walk, file, (enum crash_style)style, n);

			assert_honest(cut);
			close(cut);
		}
	}
	crash_forget(&log);
	close(fd);
}

static void assert_refused(off_t at, unsigned n, uint64_t value, int error, const char *field)
{
	int fd = tapdisk_file(VHD_BATMAP_V1_2);
	struct image_info info;
	struct vhd_fault fault;
	uint8_t raw[8];

	put_be(raw, n, value);
	assert_int_equal(pwrite(fd, raw, n, at), n);
	assert_int_equal(opens(fd, IMAGE_READ_WRITE, &fault, &info), error);
	assert_string_equal(fault.part, "batmap");
	assert_string_equal(fault.field, field);
	close(fd);
}

static void a_map_that_lies_elsewhere_is_refused(void **state)
{
	(void)state;
	assert_refused(HEADER_AT + 20, 4, 0x10003, -EBADMSG, "version");
	assert_refused(HEADER_AT + 8, 8, MAP_AT + 1, -EBADMSG, "offset");
	assert_refused(HEADER_AT + 8, 8, UINT64_C(1) << 50, -EBADMSG, "offset");
	assert_refused(HEADER_AT + 8, 8, 512, -EBADMSG, "offset"); /* the header of the disk */
	assert_refused(HEADER_AT + 8, 8, HEADER_AT, -EBADMSG, "offset");
	assert_refused(HEADER_AT + 16, 4, 0, -EBADMSG, "size");
	assert_refused(HEADER_AT + 16, 4, 0xffffffff, -EBADMSG, "size");
}

static void a_map_upon_a_block_is_refused(void **state)
{
	int fd = tapdisk_file(VHD_BATMAP_V1_2);
	struct image_info info;
	struct vhd_fault fault;
	uint8_t raw[8];

	(void)state;
	put_be(raw, 8, 8192); /* in the first block's data */
	assert_int_equal(pwrite(fd, raw, 8, HEADER_AT + 8), 8);
	assert_int_equal(opens(fd, IMAGE_READ_WRITE, &fault, &info), -EBADMSG);
	assert_string_equal(fault.rule, "lies on the batmap");
	close(fd);
}

/* Its bytes are ciphertext of another kind: neither plain nor ours. */
static void what_tapdisk_has_encrypted_is_not_opened(void **state)
{
	(void)state;
	assert_refused(HEADER_AT + 29, 4, 1, -EOPNOTSUPP, "key hash at byte");
	assert_refused(HEADER_AT + 60, 1, 1, -EOPNOTSUPP, "key hash at byte");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looking_changes_nothing),
		cmocka_unit_test(a_signed_sum_is_no_unsigned_one),
		cmocka_unit_test(before_the_first_write_it_is_empty_and_its_sum_right),
		cmocka_unit_test(no_power_cut_leaves_a_bit_over_a_hole),
		cmocka_unit_test(a_map_that_lies_elsewhere_is_refused),
		cmocka_unit_test(a_map_upon_a_block_is_refused),
		cmocka_unit_test(what_tapdisk_has_encrypted_is_not_opened),
	};

	return cmocka_run_group_tests_name("image_batmap", tests, NULL, NULL);
}
