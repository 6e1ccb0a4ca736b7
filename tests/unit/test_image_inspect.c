/* What is told of a VHD that is sound, and that nothing is told of ours: our blocks begin at 4 KiB
 * (Q16), our children tell no path (Q9). */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "vhdcrypt/image_inspect.h"

#include "chain_bench.h"

enum { SIZE = 5 * BENCH_MIB, SPAN = 512 + 2 * BENCH_MIB, FOOTER = VHD_FORMAT_FOOTER_BYTES };

/* Bit n: Qn was told. */
static void note(void *context, unsigned quirk, const struct vhd_fault *what)
{
	assert_true(what->part && what->field && what->rule);
	*(uint64_t *)context |= UINT64_C(1) << quirk;
}

static uint64_t told(struct image *image)
{
	uint64_t quirks = 0;

	assert_int_equal(image_inspect(image, note, &quirks), 0);
	return quirks;
}

/* Every block, the last one first. */
static void fill(struct image *image)
{
	for (uint64_t at = SIZE; at > 0; at -= BENCH_MIB / 2)
		assert_int_equal(image_write(image, "x", 1, at - 1), 0);
	assert_int_equal(image_flush(image), 0);
}

/* (Q2: five MiB are more than their geometry says.) */
static void nothing_is_odd_about_what_we_write(void **state)
{
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL);

	(void)state;
	fill(image);
	assert_int_equal(told(image), 1 << 2);
	assert_int_equal(image_close(image), 0);
	close(fd);
}

/* (Q8: everybody has the space of a locator in bytes, and so have we.) */
static void our_children_tell_no_path(void **state)
{
	struct chain c;

	(void)state;
	chain_base(&c, VHD_TYPE_DYNAMIC, SIZE, 0);
	fill(c.image[0]);
	chain_close(&c);
	chain_grow(&c, 512);
	fill(chain_open(&c, IMAGE_READ_WRITE));
	assert_int_equal(told(c.image[1]), 1 << 2 | 1 << 8);
	chain_end(&c);
}

/* As qemu lays it out: the only block, with its table entry and the footer, a sector further on. */
static void blocks_off_their_border_are_told_and_new_ones_are_on_it(void **state)
{
	static uint8_t span[SPAN + FOOTER];
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL);
	uint8_t entry[4];
	uint32_t first;
	off_t at;

	(void)state;
	assert_int_equal(image_write(image, "x", 1, 0), 0);
	assert_int_equal(image_close(image), 0);
	assert_int_equal(pread(fd, entry, 4, 1536), 4);
	memcpy(&first, entry, sizeof(first));
	at = (off_t)be32toh(first) * 512;
	assert_int_equal((at + 512) % 4096, 0);
	assert_int_equal(pread(fd, span, sizeof(span), at), sizeof(span));
	assert_int_equal(pwrite(fd, span, sizeof(span), at + 512), sizeof(span));
	entry[3]++;
	assert_int_equal(pwrite(fd, entry, 4, 1536), 4);
	image = bench_open(fd, IMAGE_READ_WRITE, NULL);
	assert_true(told(image) & 1 << 16);
	assert_int_equal(image_write(image, "y", 1, SIZE - 1), 0);
	assert_int_equal(image_close(image), 0);
	assert_int_equal(pread(fd, entry, 4, 1536 + 2 * 4), 4);
	assert_int_equal((entry[3] + 1) % 8, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_odd_about_what_we_write),
		cmocka_unit_test(our_children_tell_no_path),
		cmocka_unit_test(blocks_off_their_border_are_told_and_new_ones_are_on_it),
	};

	return cmocka_run_group_tests_name("image_inspect", tests, NULL, NULL);
}
