/* Layers upon layers: what a chain reads as, and which chains are refused. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/util.h"

#include "chain_bench.h"

enum { SIZE = 5 * BENCH_MIB + 4096, SPAN = 3 * BENCH_MIB };

/* One layer's worth of random work, with a plain array as the judge. */
static void work(struct image *image, uint8_t *model, uint64_t size, unsigned rounds)
{
	static uint8_t buf[SPAN], got[SPAN];

	for (unsigned round = 0; round < rounds; round++) {
		uint64_t grain = round % 3 == 0 ? 1 : round % 3 == 1 ? 512 : 4096;
		uint64_t at = (uint64_t)random() % size / grain * grain;
		uint64_t len = (uint64_t)random() % (round % 5 ? 20000 : SPAN) / grain * grain;
		unsigned what = (unsigned)random() % 8;

		len = MIN(len, size - at);
		if (what < 4) {
			memset(buf, (int)(random() & 0xff), len);
			assert_int_equal(image_write(image, buf, len, at), 0);
			memcpy(model + at, buf, len);
		} else if (what < 6) {
			assert_int_equal(image_zero(image, len, at), 0);
			memset(model + at, 0, len);
		} else if (what == 6) {
			assert_int_equal(image_trim(image, len, at), 0);
			assert_int_equal(image_read(image, got, len, at), 0);
			for (uint64_t i = 0; i < len; i++) /* old or zero: nothing older */
				assert_true(got[i] == 0 || got[i] == model[at + i]);
			memcpy(model + at, got, len);
		} else {
			assert_int_equal(image_flush(image), 0);
		}
		assert_int_equal(image_read(image, got, len, at), 0);
		assert_memory_equal(got, model + at, len);
	}
}

/* Extents cover the disk, holes are zeros, and some are found. */
static void holes_are_zeros(struct image *image, const uint8_t *model, uint64_t size)
{
	struct image_extent e;

	for (uint64_t at = 0; at < size; at += e.len_bytes) {
		assert_int_equal(image_extent(image, at, size - at, &e), 0);
		assert_in_range(e.len_bytes, 1, size - at);
		for (uint64_t i = 0; e.hole && i < e.len_bytes; i++)
			assert_int_equal(model[at + i], 0);
	}
}

static uint32_t any_sector_size(uint64_t size)
{
	static const uint32_t sizes[] = { 0, 512, 4096 };

	return sizes[random() % (size % 4096 == 0 ? 3 : 2)];
}

static void a_random_chain(unsigned seed, uint8_t *model, uint8_t *got)
{
	uint64_t size = SIZE - (seed % 2 ? 0 : 1536);
	struct chain c;

	srandom(seed);
	memset(model, 0, size);
	chain_base(&c, seed % 4 == 3 ? VHD_TYPE_FIXED : VHD_TYPE_DYNAMIC, size,
		   any_sector_size(size));
	if (seed % 4 == 3)
		assert_int_equal(image_zero(c.image[0], size, 0), 0);
	work(c.image[0], model, size, 40);
	for (unsigned i = 1; i < 2 + seed % (CHAIN_LAYERS - 1); i++) {
		chain_close(&c);
		chain_grow(&c, any_sector_size(size));
		work(chain_open(&c, IMAGE_READ_WRITE), model, size, 60);
	}
	chain_close(&c);
	assert_int_equal(image_read(chain_open(&c, IMAGE_READ_ONLY), got, size, 0), 0);
	assert_memory_equal(got, model, size);
	holes_are_zeros(c.image[c.n - 1], model, size);
	chain_end(&c);
}

static void a_chain_agrees_with_a_model(void **state)
{
	const char *more = getenv("CHAIN_SEEDS"), *first = getenv("CHAIN_SEED");
	unsigned seed = first ? (unsigned)atoi(first) : 1, n = more ? (unsigned)atoi(more) : 12;
	uint8_t *model = malloc(SIZE), *got = malloc(SIZE);

	(void)state;
	for (; n > 0; n--, seed++) {
		print_message("# seed %u\n", seed);
		a_random_chain(seed, model, got);
	}
	free(model);
	free(got);
}

/* A base of 0x11 all over its first blocks, and an encrypted leaf upon it. */
static struct image *two_layers(struct chain *c)
{
	static uint8_t data[3 * BENCH_MIB];

	chain_base(c, VHD_TYPE_DYNAMIC, SIZE, 0);
	memset(data, 0x11, sizeof(data));
	assert_int_equal(image_write(c->image[0], data, sizeof(data), 0), 0);
	chain_close(c);
	chain_grow(c, 512);
	return chain_open(c, IMAGE_READ_WRITE);
}

static void a_part_of_a_run_is_copied_up_whole(void **state)
{
	struct image_extent e;
	struct image *leaf;
	uint8_t got[4096];
	struct chain c;

	(void)state;
	leaf = two_layers(&c);
	assert_int_equal(image_write(leaf, "x", 1, 8192 + 700), 0);
	assert_int_equal(image_own_extent(leaf, 8192, SIZE - 8192, &e), 0);
	assert_false(e.hole);
	assert_int_equal(e.len_bytes, 4096);
	assert_int_equal(image_own_extent(leaf, 0, SIZE, &e), 0);
	assert_true(e.hole);
	assert_int_equal(e.len_bytes, 8192);
	assert_int_equal(image_read(leaf, got, sizeof(got), 8192), 0);
	assert_int_equal(got[699], 0x11);
	assert_int_equal(got[700], 'x');
	assert_int_equal(got[701], 0x11);
	chain_end(&c);
}

static void zeroing_over_the_parents_data_holds_zeros_itself(void **state)
{
	struct image_extent e;
	struct image *leaf;
	uint8_t got[8192], zeros[8192] = { 0 };
	struct chain c;

	(void)state;
	leaf = two_layers(&c);
	assert_int_equal(image_write(leaf, "new", 3, 4096), 0);
	assert_int_equal(image_zero(leaf, 8192, 4096), 0);
	assert_int_equal(image_read(leaf, got, sizeof(got), 4096), 0);
	assert_memory_equal(got, zeros, sizeof(got));
	assert_int_equal(image_own_extent(leaf, 4096, 8192, &e), 0);
	assert_false(e.hole);
	/* over the parent's holes there is nothing to hide */
	assert_int_equal(image_write(leaf, "new", 3, 4 * BENCH_MIB), 0);
	assert_int_equal(image_zero(leaf, 4096, 4 * BENCH_MIB), 0);
	assert_int_equal(image_own_extent(leaf, 4 * BENCH_MIB, 4096, &e), 0);
	assert_true(e.hole);
	chain_end(&c);
}

static void trimming_never_uncovers_the_parent(void **state)
{
	struct image *leaf;
	struct chain c;
	uint8_t got;

	(void)state;
	leaf = two_layers(&c);
	assert_int_equal(image_zero(leaf, 8192, 4096), 0);
	assert_int_equal(image_trim(leaf, BENCH_MIB, 0), 0);
	assert_int_equal(image_read(leaf, &got, 1, 4096), 0);
	assert_int_equal(got, 0);
	chain_end(&c);
}

/* The first run of the first block, whose bitmap is behind the table and the parent's name. */
static void set_first_bits(int fd, uint8_t bits)
{
	for (off_t at = 3072; at < 16384; at += 512) {
		uint8_t first = 0;

		assert_int_equal(pread(fd, &first, 1, at), 1);
		if (first == 0xff)
			assert_int_equal(pwrite(fd, &bits, 1, at), 1);
	}
}

/* The bits of a tapdisk: single sectors, which no writer of ours leaves. */
static void single_sectors_of_a_layer_are_honoured(void **state)
{
	const uint8_t bits = 0xa5;
	uint8_t sector[512], got[4096];
	struct image_extent e;
	struct image *leaf;
	struct chain c;

	(void)state;
	memset(sector, 0x22, sizeof(sector));
	leaf = two_layers(&c);
	c.cipher[1] = (sector_free(c.cipher[1]), NULL);
	assert_int_equal(image_close(leaf), 0);
	leaf = c.image[1] = chain_open_layer(&c, 1, IMAGE_READ_WRITE);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(image_write(leaf, sector, 512, i * 512), 0);
	chain_close(&c);
	set_first_bits(c.fd[1], bits);
	leaf = chain_open(&c, IMAGE_READ_WRITE);
	assert_int_equal(image_own_extent(leaf, 0, 4096, &e), 0);
	assert_int_equal(e.len_bytes, 512);
	assert_int_equal(image_read(leaf, got, sizeof(got), 0), 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(got[i * 512], bits >> (7 - i) & 1 ? 0x22 : 0x11);
	assert_int_equal(image_write(leaf, "y", 1, 0), 0); /* fills the run up from both */
	assert_int_equal(image_read(leaf, got, sizeof(got), 0), 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(got[i * 512 + 1], bits >> (7 - i) & 1 ? 0x22 : 0x11);
	chain_end(&c);
}

static void a_run_that_is_a_hole_of_the_parent_in_part_gets_zeros(void **state)
{
	uint8_t got[8192], zeros[8192] = { 0 };
	struct image *leaf;
	struct chain c;

	(void)state;
	leaf = two_layers(&c);
	chain_close(&c);
	set_first_bits(c.fd[0], 0x3c);
	leaf = chain_open(&c, IMAGE_READ_WRITE);
	assert_int_equal(image_read(leaf, got, 4096, 0), 0);
	assert_int_equal(got[0], 0);
	assert_int_equal(got[2 * 512], 0x11);
	assert_int_equal(image_zero(leaf, 8192, 0), 0);
	assert_int_equal(image_read(leaf, got, sizeof(got), 0), 0);
	assert_memory_equal(got, zeros, sizeof(got));
	chain_end(&c);
}

static void beyond_a_smaller_parent_there_are_zeros(void **state)
{
	uint8_t uuid[VHD_FORMAT_UUID_BYTES], got[8192], want[8192] = { 0 };
	struct image_info grown;
	struct image_extent e;
	struct image *leaf;
	struct chain c;

	(void)state;
	chain_base(&c, VHD_TYPE_DYNAMIC, BENCH_MIB + 512, 0);
	memset(want, 0x33, 4096 + 512);
	assert_int_equal(image_write(c.image[0], want, 4096 + 512, BENCH_MIB - 4096), 0);
	grown = *image_info(c.image[0]);
	grown.virtual_bytes = SIZE;
	chain_close(&c);
	c.fd[1] = bench_file();
	c.n = 2;
	chain_uuid(1, uuid);
	assert_int_equal(image_create_child(c.fd[1], &grown, "p.vhd", uuid, 0), 0);
	leaf = chain_open(&c, IMAGE_READ_WRITE);
	assert_int_equal(image_read(leaf, got, sizeof(got), BENCH_MIB - 4096), 0);
	assert_memory_equal(got, want, sizeof(got));
	assert_int_equal(image_extent(leaf, BENCH_MIB + 512, SIZE - BENCH_MIB - 512, &e), 0);
	assert_true(e.hole);
	assert_int_equal(e.len_bytes, SIZE - BENCH_MIB - 512);
	assert_int_equal(image_zero(leaf, SIZE, 0), 0);
	memset(want, 0, sizeof(want));
	assert_int_equal(image_read(leaf, got, sizeof(got), BENCH_MIB - 4096), 0);
	assert_memory_equal(got, want, sizeof(got));
	chain_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_of_a_run_is_copied_up_whole),
		cmocka_unit_test(zeroing_over_the_parents_data_holds_zeros_itself),
		cmocka_unit_test(trimming_never_uncovers_the_parent),
		cmocka_unit_test(single_sectors_of_a_layer_are_honoured),
		cmocka_unit_test(a_run_that_is_a_hole_of_the_parent_in_part_gets_zeros),
		cmocka_unit_test(beyond_a_smaller_parent_there_are_zeros),
		cmocka_unit_test(a_chain_agrees_with_a_model),
	};

	return cmocka_run_group_tests_name("image_chain", tests, NULL, NULL);
}
