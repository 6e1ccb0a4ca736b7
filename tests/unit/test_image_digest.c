#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>

#include "chain_bench.h"
#include "vhdcrypt/image_digest.h"

enum { SIZE = 9 * BENCH_MIB + 512, DATA = 70000 };

static void digest(struct image *image, unsigned key_byte, const uint8_t *layer,
		   uint8_t ret[IMAGE_DIGEST_BYTES])
{
	uint8_t key[SECTOR_KEY_BYTES];
	const struct secret volume_key = { .bytes = key, .len_bytes = sizeof(key) };

	memset(key, (int)key_byte, sizeof(key));
	assert_int_equal(image_digest(image, &volume_key, layer, NULL, NULL, ret), 0);
}

static void write_at(struct image *image, uint8_t byte, uint64_t at)
{
	static uint8_t data[DATA];

	memset(data, byte, sizeof(data));
	assert_int_equal(image_write(image, data, sizeof(data), at), 0);
}

/* One disk in two layers, the upper one with zeros over data; the same in one file, fixed. */
static void the_same_bytes_have_the_same_digest_in_whatever_files(void **state)
{
	uint8_t a[IMAGE_DIGEST_BYTES], b[IMAGE_DIGEST_BYTES];
	struct image *flat, *leaf;
	int fd = bench_file();
	struct chain c;

	(void)state;
	chain_base(&c, VHD_TYPE_DYNAMIC, SIZE, 0);
	write_at(c.image[0], 0x11, BENCH_MIB - 100);
	write_at(c.image[0], 0x22, 6 * BENCH_MIB);
	chain_close(&c);
	chain_grow(&c, 512);
	leaf = chain_open(&c, IMAGE_READ_WRITE);
	write_at(leaf, 0x33, SIZE - DATA);
	assert_int_equal(image_fill(leaf, DATA, 6 * BENCH_MIB), 0);
	digest(leaf, 1, BENCH_UUID, a);
	flat = bench_create(fd, VHD_TYPE_FIXED, SIZE, NULL);
	assert_int_equal(image_fill(flat, SIZE, 0), 0);
	write_at(flat, 0x11, BENCH_MIB - 100);
	write_at(flat, 0x33, SIZE - DATA);
	digest(flat, 1, BENCH_UUID, b);
	assert_memory_equal(a, b, sizeof(a));
	assert_int_equal(image_close(flat), 0);
	close(fd);
	chain_end(&c);
}

static void each_byte_place_size_key_and_layer_counts(void **state)
{
	static const uint64_t spots[] = { 0, BENCH_MIB - 1, BENCH_MIB, 5 * BENCH_MIB, SIZE - 1 };
	static const uint64_t sizes[] = { SIZE - 512, SIZE + 512 };
	uint8_t a[IMAGE_DIGEST_BYTES], b[IMAGE_DIGEST_BYTES];
	static const uint8_t other[16] = { 9 };
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL);

	(void)state;
	digest(image, 1, BENCH_UUID, a);
	digest(image, 2, BENCH_UUID, b);
	assert_memory_not_equal(a, b, sizeof(a));
	digest(image, 1, other, b);
	assert_memory_not_equal(a, b, sizeof(a));
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(image_write(image, "x", 1, spots[i]), 0);
		digest(image, 1, BENCH_UUID, b);
		assert_memory_not_equal(a, b, sizeof(a));
		memcpy(a, b, sizeof(a));
		assert_int_equal(image_write(image, "", 1, spots[i]), 0);
		if (i > 0)
			continue;
		/* the same byte in another place */
		assert_int_equal(image_write(image, "x", 1, 3 * BENCH_MIB), 0);
		digest(image, 1, BENCH_UUID, b);
		assert_memory_not_equal(a, b, sizeof(a));
		assert_int_equal(image_write(image, "", 1, 3 * BENCH_MIB), 0);
	}
	digest(image, 1, BENCH_UUID, a);
	assert_int_equal(image_close(image), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		image = bench_create(fd, VHD_TYPE_DYNAMIC, sizes[i], NULL);
		digest(image, 1, BENCH_UUID, b);
		assert_memory_not_equal(a, b, sizeof(a));
		assert_int_equal(image_close(image), 0);
	}
	close(fd);
}

static bool stop(void *context, uint64_t done_bytes, uint64_t disk_bytes)
{
	(void)context;
	assert_true(done_bytes <= disk_bytes);
	return false;
}

static void who_is_told_may_stop_it(void **state)
{
	uint8_t key[SECTOR_KEY_BYTES] = { 1 }, got[IMAGE_DIGEST_BYTES];
	const struct secret volume_key = { .bytes = key, .len_bytes = sizeof(key) };
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL);

	(void)state;
	assert_int_equal(image_digest(image, &volume_key, BENCH_UUID, stop, NULL, got), -ECANCELED);
	assert_int_equal(image_close(image), 0);
	close(fd);
}

static int start(void **state)
{
	(void)state;
	return sodium_init() < 0 || sector_init() < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_bytes_have_the_same_digest_in_whatever_files),
		cmocka_unit_test(each_byte_place_size_key_and_layer_counts),
		cmocka_unit_test(who_is_told_may_stop_it),
	};

	return cmocka_run_group_tests_name("image_digest", tests, start, NULL);
}
