#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vhdcrypt/vhd_map.h"

enum { MIB = 1 << 20, N = 20 };

static const struct vhd_header HEADER = {
	.table_offset_byte = 1536,
	.n_entries = N,
	.block_bytes = 2 * MIB,
};

static int init(const struct vhd_header *h, uint64_t size, uint64_t header_at, uint64_t file_bytes,
		struct vhd_fault *fault)
{
	struct vhd_map m;

	return vhd_map_init(size, header_at, h, file_bytes, &m, fault);
}

static struct vhd_map map40(void)
{
	struct vhd_fault fault;
	struct vhd_map m;

	assert_int_equal(vhd_map_init(40 * MIB, 512, &HEADER, 100 * MIB, &m, &fault), 0);
	return m;
}

static void a_map_of_40_mib_has_20_blocks_with_a_sector_of_bits_each(void **state)
{
	struct vhd_map m = map40();

	(void)state;
	assert_int_equal(m.n_blocks, 20);
	assert_int_equal(m.bitmap_bytes, 512);
	assert_int_equal(m.table_bytes, 512);
	assert_int_equal(vhd_map_data_byte(&m, 4), 5 * 512);
}

static void unused_entries_at_the_end_of_a_table_do_not_count(void **state)
{
	struct vhd_header h = HEADER;
	struct vhd_fault fault;
	struct vhd_map m;

	(void)state;
	h.n_entries = 1000;
	assert_int_equal(vhd_map_init(40 * MIB, 512, &h, 100 * MIB, &m, &fault), 0);
	assert_int_equal(m.n_blocks, 20);
	assert_int_equal(m.table_bytes, 4096);
}

static void a_table_too_short_for_the_disk_is_refused(void **state)
{
	struct vhd_fault fault;

	(void)state;
	assert_int_equal(init(&HEADER, 40 * MIB + 512, 512, 100 * MIB, &fault), -EBADMSG);
	assert_string_equal(fault.field, "number of blocks");
}

static void a_table_behind_the_end_of_the_file_is_refused_before_anybody_allocates(void **state)
{
	struct vhd_header h = HEADER;
	struct vhd_fault fault;

	(void)state;
	h.n_entries = 0x1fffffff;
	assert_int_equal(init(&h, 40 * MIB, 512, 100 * MIB, &fault), -EBADMSG);
	h = HEADER;
	h.table_offset_byte = UINT64_MAX - 511;
	assert_int_equal(init(&h, 40 * MIB, 512, 100 * MIB, &fault), -EBADMSG);
}

static void too_many_blocks_are_refused(void **state)
{
	struct vhd_header h = HEADER;
	struct vhd_fault fault;

	(void)state;
	h.n_entries = UINT32_MAX;
	h.block_bytes = 4096;
	assert_int_equal(init(&h, UINT64_C(2040) << 30, 512, UINT64_MAX / 2, &fault), -EBADMSG);
	assert_string_equal(fault.field, "block size");
}

static void a_header_outside_the_file_or_on_the_footer_copy_is_refused(void **state)
{
	static const uint64_t bad[] = { 0, 511, 100 * MIB - 1023, 100 * MIB, UINT64_MAX };
	struct vhd_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(init(&HEADER, 40 * MIB, bad[i], 100 * MIB, &fault), -EBADMSG);
		assert_string_equal(fault.field, "data offset");
	}
}

static void a_table_inside_the_header_is_refused(void **state)
{
	struct vhd_header h = HEADER;
	struct vhd_fault fault;

	(void)state;
	h.table_offset_byte = 1024;
	assert_int_equal(init(&h, 40 * MIB, 512, 100 * MIB, &fault), -EBADMSG);
	assert_string_equal(fault.field, "block table offset");
}

static int check(const uint32_t table[N], struct vhd_fault *fault)
{
	struct vhd_map m = map40();
	uint32_t scratch[N];

	return vhd_map_table_check(&m, table, 90 * MIB, scratch, fault);
}

static void blocks_side_by_side_in_any_order_are_sound(void **state)
{
	uint32_t table[N];
	struct vhd_fault fault;

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		table[i] = 4 + 4097 * ((i * 7) % N);
	table[3] = VHD_MAP_HOLE;
	assert_int_equal(check(table, &fault), 0);
}

static void an_entry_on_metadata_or_past_the_end_is_refused_by_number(void **state)
{
	static const uint32_t bad[] = { 0, 1, 2, 3, 0xfffffffe, 90 * 2048 - 4096, 90 * 2048 };
	struct vhd_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t table[N];

		memset(table, 0xff, sizeof(table));
		table[11] = bad[i];
		assert_int_equal(check(table, &fault), -EBADMSG);
		assert_int_equal(fault.index, 11);
		assert_int_equal(fault.value, bad[i]);
	}
}

static void two_blocks_that_share_one_sector_are_refused(void **state)
{
	static const uint32_t second[] = { 8000, 8000 + 4096, 8000 - 4096 };
	struct vhd_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
		uint32_t table[N];

		memset(table, 0xff, sizeof(table));
		table[2] = 8000;
		table[9] = second[i];
		assert_int_equal(check(table, &fault), -EBADMSG);
		assert_string_equal(fault.rule, "shares bytes with another block");
	}
}

static void a_new_block_has_its_data_on_4_kib_behind_what_is_there(void **state)
{
	struct vhd_map m = map40();
	uint32_t entry;

	(void)state;
	for (uint64_t from = 2048; from < 20000; from += 100) {
		assert_int_equal(vhd_map_place(&m, from, &entry), 0);
		assert_true(vhd_map_bitmap_byte(entry) >= from);
		assert_int_equal(vhd_map_data_byte(&m, entry) % 4096, 0);
	}
	assert_int_equal(vhd_map_place(&m, UINT64_C(1) << 41, &entry), -EFBIG);
	assert_int_equal(vhd_map_place(&m, (UINT64_C(1) << 41) - 2 * MIB, &entry), -EFBIG);
}

static void bits_are_counted_from_the_most_significant(void **state)
{
	uint8_t bits[4] = { 0 };

	(void)state;
	vhd_map_bits_put(bits, 0, 1, true);
	assert_int_equal(bits[0], 0x80);
	vhd_map_bits_put(bits, 6, 12, true);
	assert_int_equal(bits[0], 0x83);
	assert_int_equal(bits[1], 0xff);
	assert_int_equal(bits[2], 0xc0);
	vhd_map_bits_put(bits, 7, 9, false);
	assert_int_equal(bits[0], 0x82);
	assert_int_equal(bits[1], 0);
}

/* Against the plain loop, with random bits. */
static void a_run_is_what_a_bit_by_bit_count_says(void **state)
{
	uint8_t bits[64];

	(void)state;
	srandom(7);
	for (unsigned round = 0; round < 2000; round++) {
		uint32_t first = (uint32_t)random() % 512,
			 max = 1 + (uint32_t)random() % (512 - first);
		uint32_t n = 1;
		bool value;

		memset(bits, random() % 2 ? 0xff : 0, sizeof(bits));
		for (unsigned i = 0; i < 3; i++)
			vhd_map_bits_put(bits, (uint32_t)random() % 480, (uint32_t)random() % 32,
					 random() % 2);
		while (n < max && vhd_map_bit(bits, first + n) == vhd_map_bit(bits, first))
			n++;
		assert_int_equal(vhd_map_bits_run(bits, first, max, &value), n);
		assert_int_equal(value, vhd_map_bit(bits, first));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_of_40_mib_has_20_blocks_with_a_sector_of_bits_each),
		cmocka_unit_test(unused_entries_at_the_end_of_a_table_do_not_count),
		cmocka_unit_test(a_table_too_short_for_the_disk_is_refused),
		cmocka_unit_test(
			a_table_behind_the_end_of_the_file_is_refused_before_anybody_allocates),
		cmocka_unit_test(too_many_blocks_are_refused),
		cmocka_unit_test(a_header_outside_the_file_or_on_the_footer_copy_is_refused),
		cmocka_unit_test(a_table_inside_the_header_is_refused),
		cmocka_unit_test(blocks_side_by_side_in_any_order_are_sound),
		cmocka_unit_test(an_entry_on_metadata_or_past_the_end_is_refused_by_number),
		cmocka_unit_test(two_blocks_that_share_one_sector_are_refused),
		cmocka_unit_test(a_new_block_has_its_data_on_4_kib_behind_what_is_there),
		cmocka_unit_test(bits_are_counted_from_the_most_significant),
		cmocka_unit_test(a_run_is_what_a_bit_by_bit_count_says),
	};

	return cmocka_run_group_tests_name("vhd_map", tests, NULL, NULL);
}
